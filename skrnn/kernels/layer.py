"""One layer in one direction: its parameters as a step matrix, its run, its way back.

The flat parameter vector keeps W (F, G * H), U (H, G * H) and the bias (blocks * H,). A step wants
all of them in one matrix (H + 1 + F, blocks * H), each in the columns of the blocks it adds to
(:mod:`skrnn.kernels.recurrence`); only here is known which these are.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from skrnn.kernels import matmul, recurrence
from skrnn.kernels.cells import EQUATIONS
from skrnn.kernels.vectors import empty


class History(NamedTuple):
    """What the way back needs; shapes in :func:`skrnn.kernels.recurrence.forward`."""

    inputs: np.ndarray
    flat: np.ndarray
    c: np.ndarray
    tanh_c: np.ndarray


class Workspace:
    """Arrays by name that are used again: fresh memory costs as much as a step of a small net."""

    def __init__(self, dtype):
        self._dtype = dtype
        self._buffers, self._views = {}, {}

    def array(self, name, *shape):
        """An array of some shape with any content; the last one of that name is overwritten."""
        view = self._views.get(name)
        if view is None or view.shape != shape:
            view = self._views[name] = self._cut(name, shape)
        return view

    def _cut(self, name, shape):
        """That memory in another shape, if there is enough of it."""
        buffer, size = self._buffers.get(name), prod(shape)
        if buffer is not None and buffer.size >= size:
            return buffer.reshape(-1)[:size].reshape(shape)
        buffer = self._buffers[name] = empty(shape, self._dtype)
        return buffer

    @property
    def size(self):
        """Numbers there is memory for, that of products left out."""
        return sum(buffer.size for buffer in self._buffers.values())

    def scratch(self, n_rows):
        """Memory for products with so many rows; see :func:`skrnn.kernels.matmul.scratch`."""
        if n_rows not in self._views:
            self._views[n_rows] = matmul.scratch(n_rows, self._dtype)
        return self._views[n_rows]


class Layer:
    """What is fixed for a layer in one direction.

    Parameters
    ----------
    cell : namedtuple
        Of one of the cells' files.
    position : int
        Where its parameters begin in the flat vector.
    n_inputs, n_hidden : int
    dtype : numpy dtype
    """

    def __init__(self, cell, position, n_inputs, n_hidden, dtype):
        self.cell, self.n_inputs, self.n_hidden = cell, n_inputs, n_hidden
        n_gates, n_blocks = cell.n_gates * n_hidden, cell.n_blocks * n_hidden
        self.shape = n_hidden + 1 + n_inputs, n_blocks
        self._ends = position + np.cumsum([n_inputs * n_gates, n_hidden * n_gates, n_blocks])
        self._start = position
        # U adds to the first so many columns, its own turned by so many; W from this column on.
        self._n_state, self._first_input = n_gates, n_blocks - n_gates
        self._turn = cell.rotation * n_hidden
        # Of a gradient, whole tiles.
        self.gradient_shape = matmul.rows_with_padding(self.shape[0]), n_blocks
        self._width = matmul.panel_width(dtype)
        self.spans = self._spans()
        self.first_spans = np.maximum(self.spans, n_hidden)

    def _spans(self):
        """Of each panel of the step matrix, the rows from and to which it is not zero: (P, 2)."""
        width = self._width
        first = np.arange(0, self.shape[1], width)
        low = np.where(first >= self._n_state, self.n_hidden, 0)
        high = np.where(first + width <= self._first_input, self.n_hidden + 1, self.shape[0])
        return np.stack([low, high], axis=1)

    def _pairs(self, vector, matrix):
        """Views of W, U in two parts and the bias in a flat vector, each with its place."""
        w, u, bias = self._ends
        U, split = vector[w:u].reshape(self.n_hidden, -1), self._n_state - self._turn
        state, inputs = self._state_and_inputs(matrix)
        return (
            (vector[self._start : w].reshape(self.n_inputs, -1), inputs),
            (U[:, self._turn :], state[:, :split]),
            (U[:, : self._turn], state[:, split:]),
            (vector[u:bias], matrix[self.n_hidden]),
        )

    def _state_and_inputs(self, matrix):
        """Where in a step matrix U and W stand."""
        inputs = matrix[self.n_hidden + 1 : self.shape[0], self._first_input :]
        return matrix[: self.n_hidden, : self._n_state], inputs

    def step_matrix(self, vector, fill=0):
        """The step matrix of a flat vector's numbers; `fill` where there is no parameter."""
        matrix = np.full(self.shape, fill, vector.dtype)
        for part, place in self._pairs(vector, matrix):
            place[:] = part
        return matrix

    def write(self, matrix, vector):
        """The other way round: a step matrix's numbers to their places in the flat vector."""
        for part, place in self._pairs(vector, matrix):
            part[:] = place

    def factors(self):
        """A step matrix of what parameters are multiplied by: what a cell wants halved is."""
        halved = EQUATIONS[type(self.cell)].halved
        factors = [0.5 if block in halved else 1.0 for block in range(self.cell.n_blocks)]
        return np.tile(np.repeat(factors, self.n_hidden), (self.shape[0], 1))

    def pack(self, vector, fill, wants_input):
        """The step matrix packed; to the state and, if that is wanted, to the input its transpose.

        vector: parameters, or numbers of any type that stand for them.
        """
        matrix = self.step_matrix(vector, fill)
        state, inputs = self._state_and_inputs(matrix)
        to_state = matmul.pack(state.T, self._width, fill)
        to_input = matmul.pack(inputs.T, self._width, fill) if wants_input else to_state[:0]
        return matmul.pack(matrix, self._width, fill), to_state, to_input

    def forward(self, weights, x, start, keep, last_only, work):
        """Outputs (S, H) and history of a run over packed x (S, F). Arrays are from `work`.

        Without `keep`, the history is overwritten from step to step. last_only: outputs are the
        final states (B, H).
        """
        n_rows, n_packed = int(start[1]), len(x)
        n_kept, n_memory = n_packed if keep else n_rows, self.n_hidden * self.cell.n_memories
        history = History(
            work.array((self, "inputs"), n_kept + n_rows, self.shape[0]),
            work.array((self, "gates"), n_kept, self.shape[1]),
            work.array((self, "c"), n_kept + n_rows, n_memory),
            work.array((self, "tanh_c"), n_kept, n_memory),
        )
        history.c[n_kept:] = 0
        h = work.array((self, "h"), n_rows if last_only else n_packed, self.n_hidden)
        recurrence.forward(
            self.cell, weights.panels, self.spans, self.first_spans, x, start, *history, h
        )
        return h, history

    def backward(self, weights, history, start, d_h, wants_input, d_matrix, work):
        """Gradient of the inputs, (S, F) or (0, F); that of the step matrix is added to d_matrix.

        d_h (S, H) and the history are used up.
        """
        d_c = np.zeros((int(start[1]), history.c.shape[1]), d_h.dtype)
        d_x = work.array((self, "d_x"), len(d_h) if wants_input else 0, self.n_inputs)
        recurrence.backward(
            self.cell, weights.to_state, weights.to_input, self.spans, start, *history, d_h, d_c,
            d_x, d_matrix, *work.scratch(len(d_matrix)),
        )  # fmt: skip
        return d_x
