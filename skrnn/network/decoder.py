"""A head that writes a transcript, with attention to all steps (equations 138 to 146).

Each label depends on those before it, which are given while it learns (teacher forcing). In
prediction they are what it has written itself (:mod:`skrnn.network.search`).
"""

from typing import NamedTuple

import numpy as np

from skrnn.kernels import decoder, embedding, matmul, writing
from skrnn.network.block import Block, Parameter, constant, glorot
from skrnn.network.embedding import Tokens, normal
from skrnn.network.layer import Layer
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


class Writing(NamedTuple):
    """What N hypotheses write with: a Memory; which labels are known, and what these add to the
    gates (V, G); sums of values (N, G + K) and raw predictions (N, K).
    """

    of_steps: Memory
    is_known: np.ndarray
    table: np.ndarray
    sums: np.ndarray
    raw: np.ndarray


class Weights(NamedTuple):
    """Packed arrays by what they are for. Those of the way back are None in prediction, values
    in training.
    """

    labels: list
    begin: list
    keys: list
    query: list
    v: np.ndarray
    layer: object
    head: list
    values: np.ndarray | None


#: Packed arrays by name: what is read as it is, matrices as panels, and what else there is.
_AS_THEY_ARE = ("E_label", "b_begin", "b_key", "v_attention", "b_out")
_MATRICES = ("W_label", "W_begin", "W_key", "W_query", "V_state", "V_context")
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
        # What labels add to the gates is found once for each, so the layer reads contexts alone.
        self.layer = Layer(cell, n_states, n_hidden, dtype, True, "_decoder")
        of_layer = Layer(cell, n_embedded + n_states, n_hidden, dtype, True, "_decoder").parameters
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
        self.parameters = of_layer + self._own
        self._n_of_layer, self._width = len(of_layer), matmul.panel_width(dtype)
        self._n_gates = cell.n_gates * n_hidden

    # Packing

    def _of_layer(self, arrays):
        """The rows of its W that multiply vectors of labels, and the arrays that the layer has."""
        W, *others = arrays[: self._n_of_layer]
        return W[: self.n_embedded], [W[self.n_embedded :], *others]

    @property
    def gradient_shapes(self):
        """Gradients of matrices have whole tiles."""
        whole = {"W_begin", "W_key", "W_query", "V"}
        shapes = [
            (matmul.rows_with_padding(n_rows) if name in whole else n_rows, *columns)
            for name, (n_rows, *columns), *_ in self._own
        ]
        of_labels = matmul.rows_with_padding(self.n_embedded), self._n_gates
        return [*self.layer.gradient_shapes, of_labels, *shapes]

    def unpack_gradient(self, gradients, arrays):
        W_label, of_layer = self._of_layer(arrays)
        self.layer.unpack_gradient(gradients[:1], of_layer)
        rest = [W_label, *arrays[self._n_of_layer :]]
        for array, gradient in zip(rest, gradients[1:], strict=True):
            array[:] = gradient[: len(array)]

    def factors(self, arrays):
        W_label, of_layer = self._of_layer(arrays)
        self.layer.factors(of_layer)
        W_label[:] = of_layer[0][0]  # they are the same for all inputs of a gate

    def pack(self, arrays, fill, both_ways):
        """The layer's panels; tables and biases as they are, matrices as panels, and transposed for
        the way back. A prediction may want the values of states.
        """
        W_label, of_layer = self._of_layer(arrays)
        labels, W_begin, b_begin, W_key, b_key, W_query, v, V, b_out = arrays[self._n_of_layer :]
        of_h, of_context = V[: self.n_hidden], V[self.n_hidden :]
        matrices = (W_label, W_begin, W_key, W_query, of_h, of_context)
        if both_ways:
            others = [one.T for one in matrices]
        else:
            others = [np.hstack([of_layer[0], of_context])]
        panels = [matmul.pack(one, self._width, fill) for one in (*matrices, *others)]
        of_step = self.layer.pack(of_layer, fill, both_ways)
        return [labels, b_begin, b_key, v[:, 0], b_out, *panels, *of_step]

    def bind(self, packed):
        both_ways = len(packed) == len(_BOTH_WAYS)
        p = dict(zip(_BOTH_WAYS if both_ways else _AHEAD, packed, strict=True))
        of_step = [one for name, one in p.items() if name.startswith("step")]
        return Weights(
            [p["E_label"], p["W_label"], p.get("W_label_back")],
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
        before = np.empty(len(answers), np.int64)
        embedding.before_answers(examples.targets, answers, len(rows), self.n_outputs - 1, before)
        return Dictation(answers, timeline, order, before)

    # Runs

    def source(self, weights, states, run):
        """The Source of a tile, and the states (B, H) to begin with (equations 138 and 139)."""
        start, lengths = run.timeline.start, run.timeline.lengths
        keys, means, begin = run.work.arrays(
            (self, "source"), (len(states), self.n_keys), (len(lengths), self.n_states),
            (len(lengths), self.n_hidden),
        )  # fmt: skip
        decoder.read(
            tuple(weights.keys[:2]), tuple(weights.begin[:2]), matmul.ALL_ROWS, states, start,
            lengths, keys, means, begin,
        )  # fmt: skip
        return Source(states, keys, start, lengths), begin, means

    def forward(self, weights, states, run):
        """Raw predictions (L, K) of all answers that are given."""
        given, work = run.given, run.work
        source, begin, means = self.source(weights, states, run)
        memory = self.memory(len(given.before), len(given.rows), len(source.start) - 1, work)
        memory.inputs[: len(begin), : self.n_hidden] = begin[given.rows]
        memory.c[len(memory.h) :] = 0
        (y, before), labels = Tokens.of(weights.labels[0], given.before)
        table = work.array((self, "table"), len(y), self._n_gates)
        matmul.multiply(y, weights.labels[1], table, 0)
        raw = np.empty((len(memory.h), self.n_outputs), y.dtype)
        decoder.forward(
            self.layer.cell, weights.layer.forward_of_state[:2], self._attention(weights, 0),
            tuple(weights.head[:3]), (*source, given.rows),
            (given.timeline.start, before, table), memory[:4], memory[4:6], memory.h, raw,
        )  # fmt: skip
        return raw, (source, means, memory, y, before, labels)

    def _attention(self, weights, way):
        """What the kernels take, ahead (0) or back (1)."""
        return weights.query[way], weights.v, matmul.ALL_ROWS

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

    def backward(self, weights, kept, d_raw, gradients, run):
        """The gradient (S, P) of the states of the tile."""
        source, means, memory, y, before, labels = kept
        (d_matrix, d_W_label, d_labels, d_W_begin, d_b_begin, d_W_key, d_b_key, d_W_query, d_v, d_V,
         d_b_out) = gradients  # fmt: skip
        given, work, n_lines = run.given, run.work, len(d_raw)
        n_rows, n_steps, n_written = (
            len(given.rows),
            len(source.states),
            len(given.timeline.start) - 1,
        )
        d_states, d_keys, d_y, d_h, d_context, d_table, *of_attention, factors = work.arrays(
            (self, "back"), (n_steps, self.n_states), (n_steps, self.n_keys), y.shape,
            (n_lines + n_rows, self.n_hidden), (n_lines, self.n_states), (len(y), self._n_gates),
            (memory.shares.shape[1],), (self.n_keys,), (n_written,),
        )  # fmt: skip
        d_h[n_lines:] = 0
        products = work.scratch(max(len(d_matrix), len(d_W_label)))
        n = self.n_hidden
        decoder.backward(
            self.layer.cell, (*weights.layer.backward, weights.labels[2]),
            self._attention(weights, 1), tuple(weights.head[3:]), (*source, given.rows),
            (given.timeline.start, before, y), tuple(memory), d_raw,
            (d_h, np.zeros((n_rows, memory.c.shape[1]), d_raw.dtype)), (d_states, d_keys, d_y),
            (d_matrix, d_W_label, d_W_query, d_v[:, 0], (d_V[:n], d_V[n:], d_b_out)),
            (d_context, d_table, *of_attention, np.empty(n_written, np.int64), factors, products),
        )  # fmt: skip
        d_labels[labels] += d_y
        d_begin = np.empty((n_rows, n), d_raw.dtype)
        d_begin[given.rows] = d_h[n_lines:]
        decoder.read_backward(
            (weights.keys[2], weights.begin[2]), matmul.ALL_ROWS,
            (source.states, means, source.start, source.lengths), d_begin, d_keys,
            work.array((self, "d_means"), *means.shape), d_states,
            (d_W_key, d_b_key, d_W_begin, d_b_begin), products,
        )  # fmt: skip
        return d_states

    def write(self, weights, source, values, memory, search):
        """Some steps of a beam; how many hypotheses go on, and nodes of the tree.

        Parameters
        ----------
        weights : Weights
        source : Source
        values : ndarray of shape (S, G + K) or None
            Those of the source, to be read in the place of its states.
        memory : Writing
        search : tuple
            The last arguments of :func:`skrnn.kernels.writing.write`.
        """
        (panels, spans), of_labels = weights.layer.forward_of_state[:2], weights.labels
        if values is None:
            values = memory.sums[:0]
        else:
            spans = np.minimum(spans, self.n_hidden + 1)
        return writing.write(
            self.layer.cell, (panels, spans), self._attention(weights, 0), tuple(weights.head[:3]),
            (*source, values), (*of_labels[:2], memory.is_known, memory.table),
            (*memory.of_steps, memory.sums, memory.raw), *search,
        )  # fmt: skip

    def room(self, n, n_source, work):
        """Memory to write by so many hypotheses."""
        dtype = work.dtype
        n_known = self.n_outputs, self._n_gates
        return Writing(
            self.memory(n, n, n_source, work), np.zeros(self.n_outputs, bool),
            np.empty(n_known, dtype), np.empty((n, self._n_gates + self.n_outputs), dtype),
            np.empty((n, self.n_outputs), dtype),
        )  # fmt: skip
