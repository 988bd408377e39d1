"""The recurrent block: a layer in one direction, its parameters as a step matrix.

The flat vector keeps W (F, G * H), U (H, G * H) and the bias (blocks * H,). A step wants all of
them in one matrix (H + 1 + F, blocks * H), each in the columns of the blocks it adds to
(:mod:`skrnn.kernels.recurrence`); only this file knows which these are.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from skrnn.kernels import embedding, matmul, recurrence
from skrnn.kernels.jit import Call
from skrnn.network.block import Block, Parameter, constant, glorot, orthogonal


class History(NamedTuple):
    """What a run leaves for the way back; shapes in :mod:`skrnn.kernels.recurrence`."""

    inputs: np.ndarray
    gates: np.ndarray
    c: np.ndarray
    tanh_c: np.ndarray


class State(NamedTuple):
    """States (B, H) of some rows, and their memories (B, H), (B, 0) of a cell without one."""

    h: np.ndarray
    c: np.ndarray


class Weights(NamedTuple):
    """What the kernels read of a layer, in the tuples that they take.

    forward : the step matrix's panels, their spans, and the spans for a first step from zeros
    forward_of_state : the same for a first step from a given state
    backward : panels to the state and to the input, and the spans; None in prediction
    of_tokens : W as panels, and transposed, in a layer of tokens
    """

    forward: tuple
    forward_of_state: tuple
    backward: tuple | None
    of_tokens: tuple = ()


class Layer(Block):
    """A recurrent layer in one direction.

    Parameters
    ----------
    cell : namedtuple
        Of one of the cells' files.
    n_inputs, n_hidden : int
    dtype : numpy dtype
    wants_input : bool
        Whether the gradient of its inputs is asked for.
    tag : str
        Ends the names of its parameters.
    is_recurrent : bool, default=True
        False: it is for sequences of one step, and leaves out U, which multiplies zeros there.
    """

    def __init__(self, cell, n_inputs, n_hidden, dtype, wants_input, tag="", is_recurrent=True):
        self.cell, self.n_inputs, self.n_hidden = cell, n_inputs, n_hidden
        self.wants_input, self.is_recurrent = wants_input, is_recurrent
        n_gates, n_blocks = cell.n_gates * n_hidden, cell.n_blocks * n_hidden
        W = Parameter("W" + tag, (n_inputs, n_gates), glorot(cell.n_gates), True)
        U = Parameter("U" + tag, (n_hidden, n_gates), orthogonal(cell.n_gates), True)
        b = Parameter("b" + tag, (n_blocks,), constant(cell.bias_start), False)
        self.parameters = (W, U, b) if is_recurrent else (W, b)
        self.shape, self._reads_lines = (n_hidden + 1 + n_inputs, n_blocks), True
        # U's blocks, turned by so many columns, go first; W's, as many, start at a later column.
        self._n_gates, self._first_input = n_gates, n_blocks - n_gates
        self._turn = cell.rotation * n_hidden
        self._width = matmul.panel_width(dtype)

    @cached_property
    def spans(self):
        """The span (from, to) of each panel's rows that are not zero, (panels, 2)."""
        width = self._width
        first = np.arange(0, self.shape[1], width)
        low = np.where(self.is_recurrent & (first < self._n_gates), 0, self.n_hidden)
        high = np.where(first + width <= self._first_input, self.n_hidden + 1, self.shape[0])
        return np.stack([low, high], axis=1)

    # Parameters and the step matrix

    @property
    def gradient_shapes(self):
        """The gradient of the step matrix has whole tiles."""
        return [(matmul.rows_with_padding(self.shape[0]), self.shape[1])]

    def _pairs(self, arrays, matrix):
        """Views of W, of U in two parts and of the bias, each with its place in the matrix."""
        W, *U, bias = arrays
        split = self._n_gates - self._turn
        state, inputs = self._state_and_inputs(matrix)
        pairs = [(W, inputs), (bias, matrix[self.n_hidden])]
        for of_state in U:
            pairs.append((of_state[:, self._turn :], state[:, :split]))
            pairs.append((of_state[:, : self._turn], state[:, split:]))
        return pairs

    def _state_and_inputs(self, matrix):
        """Where U and W stand in a step matrix."""
        inputs = matrix[self.n_hidden + 1 : self.shape[0], self._first_input :]
        return matrix[: self.n_hidden, : self._n_gates], inputs

    def step_matrix(self, arrays, fill=0):
        """The step matrix of W, U and the bias; `fill` where there is no parameter."""
        matrix = np.full(self.shape, fill, arrays[0].dtype)
        for part, place in self._pairs(arrays, matrix):
            place[:] = part
        return matrix

    def unpack_gradient(self, gradients, arrays):
        for part, place in self._pairs(arrays, gradients[0]):
            part[:] = place

    def factors(self, arrays):
        """A cell that takes its gates' arguments halved has their weights halved."""
        self.unpack_gradient([np.tile(self.factors_of_columns(), (self.shape[0], 1))], arrays)

    def factors_of_columns(self):
        """Factors of the columns of the step matrix."""
        halved = [0.5 if block in self.cell.halved else 1.0 for block in range(self.cell.n_blocks)]
        return np.repeat(halved, self.n_hidden)

    def pack(self, arrays, fill, both_ways):
        """The step matrix as panels; for the way back, its transposed rows of U and of W."""
        matrix = self.step_matrix(arrays, fill)
        panels = [matmul.pack(matrix, self._width, fill)]
        if both_ways:
            state, inputs = self._state_and_inputs(matrix)
            for part, is_wanted in ((state, self.is_recurrent), (inputs, self.wants_input)):
                back = matmul.pack(part.T, self._width, fill)
                panels.append(back if is_wanted else back[:0])
        return panels

    def bind(self, packed):
        panels, *back = packed
        return Weights(
            (panels, self.spans, np.maximum(self.spans, self.n_hidden)),
            (panels, self.spans, self.spans),
            (*back, self.spans) if back else None,
        )

    # Runs

    def forward(self, weights, x, run, last_only, state=None):
        """Run over timeline x (S, F), from a state of zeros or a given one.

        Parameters
        ----------
        weights : Weights
        x : ndarray of shape (S, F)
        run : Run
            Where it does not keep, the history is overwritten from step to step.
        last_only : bool
            Whether outputs are the final states (B, H) instead of all (S, H).
        state : State, optional
            Before step 0.

        Returns
        -------
        h : ndarray
            Outputs, in memory of the workspace, as the history.
        history : History
        """
        x, places = self._inputs(weights, x, run)
        made_of = weights, x, places, run.timeline, run.keeps, last_only, state is None
        kept = run.work.kept(self, made_of)
        if kept is None:
            call = self.forward_call(weights, x, places, run, last_only, state is None)
            kept = run.work.keep(self, made_of, call)
        call, h, history = kept
        if state is not None:
            history.inputs[: run.timeline.n_rows, : self.n_hidden] = state.h
        if self.cell.n_memories:
            history.c[-run.timeline.n_rows :] = 0.0 if state is None else state.c
        call()
        return h, history

    def forward_call(self, weights, x, places, run, last_only, is_from_zeros):
        """The run as a call, and what it writes; the state and the memory before are not set."""
        history, h = self.memory(run, last_only)
        matrix = weights.forward if is_from_zeros else weights.forward_of_state
        given = matrix, x, places, run.timeline.start, tuple(history), h
        return Call(recurrence.forward, self.cell, *given), h, history

    def _inputs(self, weights, x, run):
        """What the kernel reads."""
        return x, recurrence.NO_PLACES

    def memory(self, run, last_only):
        """Memory of the workspace for a history and for outputs."""
        n_rows, n_steps = run.timeline.n_rows, run.timeline.n_lines
        n_kept, n_memory = n_steps if run.keeps else n_rows, self.n_hidden * self.cell.n_memories
        *history, h = run.work.arrays(
            self,
            (n_kept + n_rows, self.shape[0]),
            (n_kept, self.shape[1]),
            (n_kept + n_rows, n_memory),
            (n_kept, n_memory),
            (n_rows if last_only else n_steps, self.n_hidden),
        )
        return History(*history), h

    def backward(self, weights, history, d_h, gradients, run, d_c=None):
        """The way back.

        Parameters
        ----------
        weights : Weights
        history : History
            Used up.
        d_h : ndarray of shape (S, H) or (S + B, H)
            Gradient of the outputs, used up. The last B lines, zeros, become the gradient of the
            state before step 0; without them it is not computed.
        gradients : list of ndarray
            The step matrix's is added to.
        run : Run
        d_c : ndarray of shape (B, H), optional
            Gradient of the final memory; becomes that of the memory before step 0.

        Returns
        -------
        d_x : ndarray of shape (S, F)
            Gradient of the inputs; (0, F) where it is not wanted.
        """
        name = self, "backward"
        made_of = weights, history, d_h, gradients[0], d_c
        kept = run.work.kept(name, made_of)
        if kept is None:
            kept = run.work.keep(name, made_of, self.backward_call(*made_of, run))
        call, d_x, zeros = kept
        if d_c is None and self.cell.n_memories:
            zeros[:] = 0.0
        call()
        return d_x

    def backward_call(self, weights, history, d_h, d_matrix, d_c, run):
        """The way back as a call, what it writes, and the gradient of the final memory."""
        timeline, work = run.timeline, run.work
        n_lines = timeline.n_lines if self.wants_input and self._reads_lines else 0
        d_x = work.array((self, "d_x"), n_lines, self.n_inputs)
        if d_c is None:
            d_c = work.array((self, "d_c"), timeline.n_rows, history.c.shape[1])
        call = Call(
            recurrence.backward, self.cell, weights.backward, timeline.start, tuple(history), d_h,
            d_c, d_x, d_matrix, work.scratch(len(d_matrix)),
        )  # fmt: skip
        return call, d_x, d_c

    @staticmethod
    def mirrored(x, mirror):
        """What the reverse direction reads."""
        return x[mirror]

    @staticmethod
    def join(d_inputs, mirror):
        """The gradient of the inputs by those of each direction's, which reads them mirrored."""
        return d_inputs[0] if len(d_inputs) == 1 else d_inputs[0] + d_inputs[1][mirror]


class LayerOfTokens(Layer):
    """A layer that reads :class:`skrnn.network.embedding.Tokens`, a few tokens many times.

    What a token adds to the gates is found once for each token of a tile, so its step matrix has no
    rows of W.
    """

    def __init__(self, cell, n_inputs, n_hidden, dtype, wants_input, tag="", is_recurrent=True):
        super().__init__(cell, n_inputs, n_hidden, dtype, wants_input, tag, is_recurrent)
        self.shape, self._reads_lines = (n_hidden + 1, self.shape[1]), False

    @property
    def gradient_shapes(self):
        of_W = matmul.rows_with_padding(self.n_inputs), self._n_gates
        return [*super().gradient_shapes, of_W]

    def _pairs(self, arrays, matrix):
        W, *others = arrays
        return super()._pairs([W[:0], *others], matrix)

    def unpack_gradient(self, gradients, arrays):
        super().unpack_gradient(gradients[:1], arrays)
        arrays[0][:] = gradients[1][: self.n_inputs]

    def factors(self, arrays):
        halved = self.factors_of_columns()
        matrix = np.tile(halved, (self.shape[0], 1))
        of_W = np.tile(halved[self._first_input :], (self.n_inputs, 1))
        self.unpack_gradient([matrix, of_W], arrays)

    def pack(self, arrays, fill, both_ways):
        of_W = [arrays[0], arrays[0].T] if both_ways else [arrays[0]]
        panels = [matmul.pack(one, self._width, fill) for one in of_W]
        return [*super().pack(arrays, fill, both_ways), *panels]

    def bind(self, packed):
        n_of_W = 1 if len(packed) == 2 else 2
        return super().bind(packed[:-n_of_W])._replace(of_tokens=tuple(packed[-n_of_W:]))

    def _inputs(self, weights, x, run):
        table = run.work.array((self, "table"), len(x.vectors), self._n_gates)
        matmul.multiply(x.vectors, weights.of_tokens[0], table, 0)
        return table, x.places

    def forward(self, weights, x, run, last_only, state=None):
        """As that of a layer; x is Tokens, which belong to the history."""
        h, history = super().forward(weights, x, run, last_only, state)
        return h, (history, x)

    def backward(self, weights, history, d_h, gradients, run, d_c=None):
        """The gradient (D, E) of the vectors."""
        history, (vectors, places) = history
        super().backward(weights, history, d_h, gradients[:1], run, d_c)
        shapes = (len(vectors), self._n_gates), vectors.shape
        d_table, d_vectors = run.work.arrays((self, "back"), *shapes)
        embedding.gates_backward(
            places, vectors, weights.of_tokens[1], history.gates, d_table, d_vectors, gradients[1],
            matmul.ALL_ROWS, run.work.scratch(len(gradients[1])),
        )  # fmt: skip
        return d_vectors

    @staticmethod
    def mirrored(x, mirror):
        return x.of_lines(mirror)

    @staticmethod
    def join(d_inputs, mirror):
        return d_inputs[0] if len(d_inputs) == 1 else d_inputs[0] + d_inputs[1]
