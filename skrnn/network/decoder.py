"""A head that writes a transcript, with attention to all steps (equations 138 to 146).

Each label depends on those before it, which are given while it learns (teacher forcing). In
prediction they are what it has written itself (:mod:`skrnn.network.search`).
"""

from typing import NamedTuple

import numpy as np

from skrnn.kernels import decoder, embedding, matmul, pooling
from skrnn.network.block import Block, Parameter, constant, glorot
from skrnn.network.embedding import normal
from skrnn.network.layer import Layer, State
from skrnn.network.timeline import Timeline


class Dictation(NamedTuple):
    """The labels that a decoder is given, on a timeline of their own.

    answers (L,): places among the answers of all rows; timeline: of the transcripts, the longest
    first; rows (B,): the row of the tile that each belongs to; before (L,): the label before each.
    """

    answers: np.ndarray
    timeline: Timeline
    rows: np.ndarray
    before: np.ndarray


class Source(NamedTuple):
    """What a decoder reads again at each step: states (S, P) and keys (S, A) of a tile's rows."""

    states: np.ndarray
    keys: np.ndarray
    start: np.ndarray
    lengths: np.ndarray


class Memory(NamedTuple):
    """What L lines of transcripts leave for the way back: a history as that of a layer, queries
    (L, A), shares (L, T) of the source's steps, and states h (L, H).
    """

    inputs: np.ndarray
    gates: np.ndarray
    c: np.ndarray
    tanh_c: np.ndarray
    queries: np.ndarray
    shares: np.ndarray
    h: np.ndarray

    def of_one_step(self, n):
        """Its beginning, for a step of n rows."""
        inputs, gates, c, *others = self
        return Memory(inputs[: 2 * n], gates[:n], c[: 2 * n], *(one[:n] for one in others))


class Weights(NamedTuple):
    """Packed arrays by what they are for. Those of the way back are None in prediction, values
    in training.
    """

    labels: np.ndarray
    begin: list
    keys: list
    query: list
    v: np.ndarray
    layer: object
    head: list
    values: np.ndarray | None


#: Packed arrays by name: what is read as it is, matrices as panels, and what else there is.
_AS_THEY_ARE = ("E_label", "b_begin", "b_key", "v_attention", "b_out")
_MATRICES = ("W_begin", "W_key", "W_query", "V_state", "V_context")
_AHEAD = (*_AS_THEY_ARE, *_MATRICES, "values", "step")
_BOTH_WAYS = (
    *_AS_THEY_ARE, *_MATRICES, *(name + "_back" for name in _MATRICES), "step", "step_to_state",
    "step_to_inputs",
)  # fmt: skip


class Decoder(Block):
    """A decoder whose cell reads the label before and what attention finds.

    The last class is the end of a transcript; as the label before the first it means the beginning.

    Parameters
    ----------
    cell : namedtuple
        Of one of the cells' files.
    n_states, n_hidden, n_embedded, n_outputs : int
        Numbers of the encoder's states, its own, those of a label, and classes.
    dtype : numpy dtype
    """

    reads_answers = True

    def __init__(self, cell, n_states, n_hidden, n_embedded, n_outputs, dtype):
        self.n_states, self.n_hidden, self.n_embedded = n_states, n_hidden, n_embedded
        self.n_outputs, self.n_keys = n_outputs, n_hidden
        self.layer = Layer(cell, n_embedded + n_states, n_hidden, dtype, True, "_decoder")
        zeros, n_keys = constant((0.0,)), self.n_keys
        self._own = (
            Parameter("E_label", (n_outputs, n_embedded), normal, False),
            Parameter("W_begin", (n_states, n_hidden), glorot(), True),
            Parameter("b_begin", (n_hidden,), zeros, False),
            Parameter("W_key", (n_states, n_keys), glorot(), True),
            Parameter("b_key", (n_keys,), zeros, False),
            Parameter("W_query", (n_hidden, n_keys), glorot(), True),
            Parameter("v_attention", (n_keys, 1), zeros, True),
            Parameter("V", (n_hidden + n_states, n_outputs), glorot(), True),
            Parameter("b_out", (n_outputs,), zeros, False),
        )
        self.parameters = self.layer.parameters + self._own
        self._n_of_layer, self._width = len(self.layer.parameters), matmul.panel_width(dtype)
        self._n_gates = cell.n_gates * n_hidden

    # Packing

    @property
    def gradient_shapes(self):
        """Gradients of matrices have whole tiles."""
        whole = {"W_begin", "W_key", "W_query", "V"}
        shapes = [
            (matmul.rows_with_padding(n_rows) if name in whole else n_rows, *columns)
            for name, (n_rows, *columns), *_ in self._own
        ]
        return [*self.layer.gradient_shapes, *shapes]

    def unpack_gradient(self, gradients, arrays):
        n = self._n_of_layer
        self.layer.unpack_gradient(gradients[:1], arrays[:n])
        for array, gradient in zip(arrays[n:], gradients[1:], strict=True):
            array[:] = gradient[: len(array)]

    def factors(self, arrays):
        self.layer.factors(arrays[: self._n_of_layer])

    def pack(self, arrays, fill, both_ways):
        """The layer's panels; tables and biases as they are, matrices as panels, and transposed for
        the way back. A prediction may want the values of states.
        """
        of_layer, own = arrays[: self._n_of_layer], arrays[self._n_of_layer :]
        labels, W_begin, b_begin, W_key, b_key, W_query, v, V, b_out = own
        of_h, of_context = V[: self.n_hidden], V[self.n_hidden :]
        matrices = (W_begin, W_key, W_query, of_h, of_context)
        if both_ways:
            others = [one.T for one in matrices]
        else:
            others = [np.hstack([of_layer[0][self.n_embedded :], of_context])]
        panels = [matmul.pack(one, self._width, fill) for one in (*matrices, *others)]
        of_step = self.layer.pack(of_layer, fill, both_ways)
        return [labels, b_begin, b_key, v[:, 0], b_out, *panels, *of_step]

    def bind(self, packed):
        both_ways = len(packed) == len(_BOTH_WAYS)
        p = dict(zip(_BOTH_WAYS if both_ways else _AHEAD, packed, strict=True))
        of_step = [one for name, one in p.items() if name.startswith("step")]
        return Weights(
            p["E_label"],
            [p["W_begin"], p["b_begin"], p.get("W_begin_back")],
            [p["W_key"], p["b_key"], p.get("W_key_back")],
            [p["W_query"], p.get("W_query_back")],
            p["v_attention"],
            self.layer.bind(of_step),
            [p["V_state"], p["V_context"], p["b_out"], p.get("V_state_back"),
             p.get("V_context_back")],
            p.get("values"),
        )  # fmt: skip

    # What is given

    def given(self, examples, rows):
        """The Dictation of some rows of the examples."""
        firsts, lengths = examples.steps.firsts[rows], examples.steps.lengths[rows]
        order = np.argsort(-lengths, kind="stable")
        timeline = Timeline.of(lengths[order], False)
        answers = timeline.end_to_end(firsts[order])
        before = np.full(len(answers), self.n_outputs - 1)
        later = answers[len(rows) :]
        before[len(rows) :] = examples.targets[later - 1, 0]
        return Dictation(answers, timeline, order, before)

    # Runs

    def source(self, weights, states, run):
        """The Source of a tile, and the states (B, H) to begin with (equations 138 and 139)."""
        start, lengths, work = run.timeline.start, run.timeline.lengths, run.work
        keys = work.array((self, "keys"), len(states), self.n_keys)
        keys[:] = weights.keys[1]
        matmul.multiply(states, weights.keys[0], keys, 1)
        means = work.array((self, "means"), len(lengths), self.n_states)
        pooling.mean(states, start, lengths, means)
        begin = work.array((self, "begin"), len(lengths), self.n_hidden)
        begin[:] = weights.begin[1]
        matmul.multiply(means, weights.begin[0], begin, 1)
        return Source(states, keys, start, lengths), begin, means

    def forward(self, weights, states, run):
        """Raw predictions (L, K) of all answers that are given."""
        given, work = run.given, run.work
        source, begin, means = self.source(weights, states, run)
        memory = self.memory(len(given.before), len(given.rows), len(source.start) - 1, work)
        raw = self.write(
            weights, source, given.rows, given.timeline.start, given.before,
            State(begin[given.rows], 0), memory,
        )  # fmt: skip
        return raw, (source, means, memory)

    def values(self, weights, source, work):
        """Values (S, G + K): what each step of the source adds to the gates and raw predictions.

        To sum these up takes less than to find a context and what it adds, where several hypotheses
        look at the same steps; otherwise they take as long as they save.
        """
        values = work.array((self, "values"), len(source.states), self._n_gates + self.n_outputs)
        matmul.multiply(source.states, weights.values, values, 0)
        return values

    def memory(self, n_lines, n_rows, n_source, work):
        """The Memory of so many lines of transcripts of some rows, with room for a state in front.

        Parameters
        ----------
        n_lines, n_rows : int
        n_source : int
            Steps of the longest row of the source.
        work : Workspace
        """
        layer, n_memory = self.layer, self.n_hidden * self.layer.cell.n_memories
        return Memory(*work.arrays(
            (self, "memory"), (n_lines + n_rows, layer.shape[0]), (n_lines, layer.shape[1]),
            (n_lines + n_rows, n_memory), (n_lines, n_memory), (n_lines, self.n_keys),
            (n_lines, n_source), (n_lines, self.n_hidden),
        ))  # fmt: skip

    def write(self, weights, source, rows, of_step, before, state, memory, values=None):
        """Raw predictions (L, K) of some steps from a state, which leave what they need in memory.

        Parameters
        ----------
        weights : Weights
        source : Source
        rows : ndarray of shape (B,)
            The source row of each transcript.
        of_step : ndarray of shape (U + 1,)
            The first line of each step.
        before : ndarray of shape (L,)
        state : State
            Before the first step.
        memory : Memory
        values : ndarray of shape (S, G + K), optional
            Those of the source, to be read in the place of its states.
        """
        history, h = memory[:4], memory.h
        history[0][: len(rows), : self.n_hidden], history[2][len(h) :] = state
        panels, _, spans = weights.layer.forward_of_state
        of_values = np.empty((2, 0, 0), h.dtype)
        if values is not None:
            of_values = values, np.empty((len(h), values.shape[1]), h.dtype)
            spans = np.minimum(spans, self.n_hidden + 1 + self.n_embedded)
        decoder.forward(
            self.layer.cell, (panels, spans), (weights.query[0], weights.v, matmul.ALL_ROWS),
            (*source, rows), (of_step, weights.labels.take(before, axis=0, mode="clip")),
            history, (memory.queries, memory.shares), h, tuple(of_values),
        )  # fmt: skip
        return self._raw(weights, memory, of_values)

    def _raw(self, weights, memory, of_values):
        """Raw predictions (L, K) of states and of contexts, or of sums of values."""
        of_h, of_context, bias = weights.head[:3]
        raw = np.empty((len(memory.h), self.n_outputs), memory.h.dtype)
        raw[:] = bias
        matmul.multiply(memory.h, of_h, raw, 1)
        if len(of_values[0]):
            raw += of_values[1][:, self._n_gates :]
        else:
            matmul.multiply(self._context(memory), of_context, raw, 1)
        return raw

    def _context(self, memory):
        """Where the contexts (L, P) stand."""
        return memory.inputs[: len(memory.h), self.n_hidden + 1 + self.n_embedded :]

    def backward(self, weights, kept, d_raw, gradients, run):
        """The gradient (S, P) of the states of the tile."""
        source, means, memory = kept
        (d_matrix, d_labels, d_W_begin, d_b_begin, d_W_key, d_b_key, d_W_query, d_v, d_V,
         d_b_out) = gradients  # fmt: skip
        given, work, n_lines = run.given, run.work, len(d_raw)
        n_rows, n_steps = len(given.rows), len(source.states)
        context = self._context(memory)
        d_h = work.array((self, "d_h"), n_lines + n_rows, self.n_hidden)
        d_h[n_lines:] = 0
        d_context = work.array((self, "d_context"), n_lines, self.n_states)
        matmul.multiply(d_raw, weights.head[3], d_h[:n_lines], 0)
        matmul.multiply(d_raw, weights.head[4], d_context, 0)
        d_b_out += np.add.reduce(d_raw, axis=0)
        self._add_product(memory.h, d_raw, d_V[: self.n_hidden], work)
        self._add_product(context, d_raw, d_V[self.n_hidden :], work)
        d_y = work.array((self, "d_y"), n_lines, self.n_embedded)
        d_states, d_keys = d_source = work.arrays(
            (self, "d_source"), (n_steps, self.n_states), (n_steps, self.n_keys)
        )
        d_states[:] = d_keys[:] = 0
        decoder.backward(
            self.layer.cell, weights.layer.backward,
            (weights.query[1], weights.v, matmul.ALL_ROWS), (*source, given.rows),
            given.timeline.start, memory[:4], (memory.queries, memory.shares),
            (d_h, np.zeros((n_rows, memory.c.shape[1]), d_raw.dtype)),
            (d_y, d_context, work.array((self, "d_x"), n_lines, self.layer.n_inputs)),
            tuple(d_source), (d_matrix, d_W_query, d_v[:, 0]),
            (work.array((self, "d_shares"), memory.shares.shape[1]),
             work.array((self, "d_query"), self.n_keys),
             work.scratch(len(d_matrix)), work.scratch(len(d_W_query))),
        )  # fmt: skip
        embedding.backward(given.before, np.arange(self.n_outputs), d_y, d_labels)
        self._begin_backward(weights, source, means, d_h[n_lines:], d_W_begin, d_b_begin,
                             d_states, run)  # fmt: skip
        d_b_key += np.add.reduce(d_keys, axis=0)
        self._add_product(source.states, d_keys, d_W_key, work)
        matmul.multiply(d_keys, weights.keys[2], d_states, 1)
        return d_states

    def _begin_backward(self, weights, source, means, d_begin, d_matrix, d_bias, d_states, run):
        """From the gradient of the first states, in the order of the transcripts."""
        in_order, d_means, d_out = run.work.arrays(
            (self, "d_begin"), d_begin.shape, means.shape, d_states.shape
        )
        in_order[run.given.rows] = d_begin
        d_bias += np.add.reduce(in_order, axis=0)
        self._add_product(means, in_order, d_matrix, run.work)
        matmul.multiply(in_order, weights.begin[2], d_means, 0)
        pooling.mean_backward(source.start, source.lengths, d_means, d_out)
        d_states += d_out

    @staticmethod
    def _add_product(a, b, to, work):
        """Add the product of a transposed and b; rows of `to` beyond its own are scratch."""
        scratch = work.scratch(len(to))
        matmul.add_transposed_product(a, b, 0, len(a), matmul.ALL_ROWS, to, *scratch)
