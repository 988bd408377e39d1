"""How a decoder is written: a loop in which it writes label after label (equations 138 to 142)."""

import numpy as np

from skrnn.onnx import cells
from skrnn.onnx.inputs import all_lengths, has_step


def greedy(g, head, arrays, states, lengths, longest):
    """Raw predictions (N, L, K) of transcripts in which the likeliest label is taken each time.

    There are L of them until all transcripts have ended, but `longest` at most. What follows an end
    means nothing.

    Parameters
    ----------
    g : Graph
    head : skrnn.network.decoder.Decoder
    arrays : list of ndarray
        Its parameters.
    states : str
        Of all steps (N, T, P) of the sequences.
    lengths : str or None
        Steps of each sequence (N,), int64; None: all that there are.
    longest : int
    """
    n_of_layer = len(head.layer.parameters)
    table, W_begin, b_begin, W_key, b_key, W_query, v, V, b_out = arrays[n_of_layer:]
    lengths, end = all_lengths(g, states, lengths), np.int64(head.n_outputs - 1)
    is_there = has_step(g, states, lengths, axis=1)
    keys = g.add("Add", g.add("MatMul", states, W_key), b_key)
    go_on = cells.stepper(head.layer, arrays[:n_of_layer])

    def step(body, before):
        label, has_ended, h, *memory = before
        shares = _shares(body, keys, body.add("MatMul", h, W_query), v, is_there)
        # A product would want shares transposed, which ONNX Runtime 1.19 cannot in float64.
        context = body.add("ReduceSum", body.add("Mul", shares, states), [1], keepdims=0)
        x = body.add("Concat", body.add("Gather", table, label), context, axis=1)
        h, *memory = go_on(body, x, [h, *memory])
        raw = body.add("Gemm", body.add("Concat", h, context, axis=1), V, b_out)
        label = body.add("ArgMax", raw, axis=1, keepdims=0)
        has_ended = body.add("Or", has_ended, body.add("Equal", label, end))
        have_all = body.add("ReduceMin", body.cast(has_ended, np.int32), keepdims=0)
        goes_on = body.add("Not", body.cast(have_all, bool))
        return goes_on, [label, has_ended, h, *memory], [raw]

    h = g.add("Gemm", _mean(g, states, lengths, is_there), W_begin, b_begin)
    n_samples, zeros = g.size(states, 0), g.add("Expand", g.number(0.0), g.add("Shape", h))
    start = [g.add("Expand", one, n_samples) for one in (end, np.array(False))]
    memory = [zeros] * head.layer.cell.n_memories
    _, (raw,) = g.loop(step, longest, [*start, h, *memory])
    return g.add("Transpose", raw, perm=[1, 0, 2])


def _shares(g, keys, query, v, is_there):
    """What each step counts (N, T, 1) for a query (N, A) (equations 140 and 141)."""
    answers = g.add("Tanh", g.add("Add", keys, g.add("Unsqueeze", query, [1])))
    scores = g.add("Where", is_there, g.add("MatMul", answers, v), g.number(-np.inf))
    return g.add("Softmax", scores, axis=1)


def _mean(g, states, lengths, is_there):
    """The mean (N, P) of the states of each sequence."""
    total = g.add("Where", is_there, states, g.number(0.0))
    total = g.add("ReduceSum", total, [1], keepdims=0)
    return g.add("Div", total, g.cast(g.add("Unsqueeze", lengths, [1]), g.dtype))
