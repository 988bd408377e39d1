"""Rows that go on by one step from given states, again and again, as quickly as Python allows.

It is what :meth:`skrnn.network.layer.Layer.forward` does from a given state, less what can be found
once: a step of a small net on one row takes as long as three of its arrays to look up.
"""

import numpy as np

from skrnn.kernels import recurrence
from skrnn.kernels.jit import Call
from skrnn.network.passes import Run
from skrnn.network.timeline import of_equal_rows
from skrnn.network.workspace import Workspace


class Steps:
    """Memory for one step of some rows through the layers of one direction, and the way.

    It belongs to one thread at a time.

    Parameters
    ----------
    chain : Chain of Block
    n_rows : int
    dtype : numpy dtype
    """

    def __init__(self, chain, n_rows, dtype):
        self.chain, self.n_rows, self._work = chain, n_rows, Workspace(dtype)
        self._run = Run(of_equal_rows(n_rows, 1, False), self._work, False)
        self._rows, self._layers = np.arange(n_rows), []
        self._x = self._work.array("x", n_rows, chain.layers[0][0].n_inputs)
        self._weights, self._calls, self._head, self._raw = None, [], None, None
        for (layer,) in chain.layers:
            history, h = layer.memory(self._run, last_only=True)
            # A state is read here, and the new memory stands where the kernel puts it.
            before = history.inputs[:n_rows, : layer.n_hidden], history.c[n_rows:]
            self._layers.append((layer.cell, tuple(history), before, (h, history.c[:n_rows])))

    @property
    def size(self):
        """Numbers there is memory for."""
        return self._work.size

    def forward_of(self, weights, data, states, places):
        """Raw predictions (B, K) after the one step of all rows of the data; states are changed."""
        x, _ = self.chain.input.forward(weights.input, data, self._rows, self._run)
        return self.forward(weights, x, states, states, places, places)

    def forward(self, weights, x, old, new, places, new_places):
        """Raw predictions (B, K) after a step of inputs x (B, F).

        Parameters
        ----------
        weights : Chain
        x : ndarray of shape (B, F)
        old, new : ndarray of shape (B, n_numbers)
            What the states stand in, and what the new ones are put into.
        places, new_places : list of tuple of slice
            Of each layer the columns of its state, and of its memory if its cell has one.
        """
        if weights is not self._weights:
            self._bind(weights)
        self._x[:] = x
        for call, memory, columns, new_columns in zip(
            self._calls, self._layers, places, new_places, strict=True
        ):
            _, _, before, after = memory
            for part, place in zip(before, columns, strict=False):
                part[:] = old[:, place]
            call()
            for part, place in zip(after, new_columns, strict=False):
                new[:, place] = part
        self._head()
        return self._raw.copy()

    def _bind(self, weights):
        """Find the calls: of each layer, which reads what the one below it writes, and of the
        head, which reads the last state, because the pooling follows steps.
        """
        self._weights, calls, x = weights, [], self._x
        for (of_layer,), (cell, history, _, after) in zip(
            weights.layers, self._layers, strict=True
        ):
            given = x, recurrence.NO_PLACES, self._run.timeline.start, history, after[0]
            calls.append(Call(recurrence.forward, cell, of_layer.forward_of_state, *given))
            x = after[0]
        self._calls = calls
        self._head, self._raw = self.chain.head.forward_call(weights.head, x, self._run)
