"""How each linear path is written; like ours they work in double precision.

To export a new path, write a function and enter it into :data:`PATHS`. It gets the graph, the path,
the :class:`skrnn.onnx.inputs.Sequences`, and whether there is an answer for each step.
"""

from dataclasses import replace

import numpy as np

from skrnn.kernels.timeline import MOST_BEYOND
from skrnn.linear.bag import BagPath
from skrnn.linear.path import CurvedPath, LinearPath
from skrnn.linear.token_window import TokenWindow
from skrnn.onnx import inputs
from skrnn.onnx.graph import writer


def _of_numbers(g, path, sequences, of_steps):
    """The map of standardised steps, a missing value being the mean, and of what is beyond."""
    within, beyond = _standardised(g, path, sequences)
    raw = _of_windows(g, path, within, sequences.lengths, of_steps)
    far = replace(path, coefficients=path.beyond, intercepts=np.zeros_like(path.intercepts))
    return g.add("Add", raw, _of_windows(g, far, beyond, sequences.lengths, of_steps))


def _standardised(g, path, sequences):
    """Values up to the lowest or highest, standardised, and how far they are beyond these."""
    values = inputs.without_gaps(g, g.cast(sequences.values, np.float64), path.center)
    within = g.add("Min", g.add("Max", values, path.lowest), path.highest)
    room = MOST_BEYOND * (path.highest - path.lowest)
    beyond = g.add("Min", g.add("Max", g.add("Sub", values, within), -room), room)
    within = g.add("Div", g.add("Sub", within, path.center), path.scale)
    return within, g.add("Div", beyond, path.scale)


def _of_curved_table(g, path, sequences, of_steps):
    """The map of standardised columns and of what rises between two values of them."""
    flat, beyond = (g.add("Reshape", one, [0, -1]) for one in _standardised(g, path, sequences))
    risen = g.add("Gather", flat, np.array(path.columns), axis=1)
    risen = g.add("Div", g.add("Sub", risen, path.starts), path.ends - path.starts)
    risen = g.add("Clip", risen, np.float64(0.0), np.float64(1.0))
    flat, beyond = g.add("Concat", flat, risen, axis=1), g.add("MatMul", beyond, path.beyond)
    return g.add("Add", g.add("Gemm", flat, path.coefficients, path.intercepts), beyond)


def _of_token_windows(g, path, sequences, of_steps):
    """The linear path of the indicators of tokens; an unknown token has none."""
    n_tokens = path.center.shape[1]
    indicators = (np.eye(n_tokens + 1, n_tokens) - path.center) / path.scale
    values = g.add("Gather", indicators, sequences.values)
    return _of_windows(g, path, values, sequences.lengths, of_steps)


def _of_windows(g, path, values, lengths, of_steps):
    if of_steps:
        windows = _around_each_step(g, path, values, lengths)
        return g.add("Add", g.add("MatMul", windows, path.coefficients), path.intercepts)
    if lengths is None:  # a table, which has no fewer columns
        window = g.add("Slice", values, [-path.n_steps], [np.iinfo(np.int64).max], [1])
    else:
        window = _last_steps(g, path.n_steps, values, lengths)
    window = g.add("Reshape", window, [0, len(path.coefficients)])
    return g.add("Gemm", window, path.coefficients, path.intercepts)


def _last_steps(g, n_steps, values, lengths):
    """The last steps (N, n_steps, F) of each sequence, older ones of short sequences zero."""
    places = np.arange(n_steps) - n_steps  # counted from the end, -1 the last
    places = g.add("Add", g.add("Unsqueeze", lengths, [1]), places)
    is_there = g.add("Unsqueeze", g.add("GreaterOrEqual", places, np.int64(0)), [2])
    found = inputs.at_places(g, values, g.add("Max", places, np.int64(0)))
    return g.add("Where", is_there, found, np.float64(0.0))


def _around_each_step(g, path, values, lengths):
    """The windows (N, T, W * F) that end at each step, or `n_ahead` later; missing steps zero."""
    steps = g.add("Unsqueeze", g.numbers_to(g.size(values, 1)), [1])
    is_there = inputs.has_step(g, values, lengths, axis=1)
    values = g.add("Where", is_there, values, np.float64(0.0))
    width = path.n_steps + path.n_ahead
    values = g.add("Pad", values, [0, path.n_steps - 1, 0, 0, path.n_ahead, 0], np.float64(0.0))
    windows = g.add("Gather", values, g.add("Add", steps, np.arange(width)), axis=1)
    return g.add("Reshape", windows, [0, 0, len(path.coefficients)])


def _bag(g, path, sequences, of_steps):
    """The map of tokens weighted by tf-idf (equation 106).

    The tokens of a sequence are sorted, so that equal ones are neighbours and can be counted
    without an array as wide as the vocabulary. What is not counted has a number of its own, behind
    all tokens, and neither weight nor coefficients.
    """
    nobody = len(path.rarity)
    tokens = _counted_tokens(g, path.n_steps, sequences, nobody)
    tokens, _ = g.add_many("TopK", [tokens, g.size(tokens, 1)], 2, axis=1, largest=0)
    count = g.cast(_counts(g, tokens), np.float64)
    rarity = np.append(path.rarity, 0.0)
    coefficients = np.vstack([path.coefficients, np.zeros_like(path.coefficients[:1])])
    weight = g.add("Add", g.add("Log", count), np.float64(1.0))
    weight = g.add("Mul", weight, g.add("Gather", rarity, tokens))
    own = g.add("Div", weight, count)  # as many equal tokens have the weight together
    length = g.add("Sqrt", g.add("ReduceSum", g.add("Mul", own, weight), [1]))
    length = g.add("Where", g.add("Greater", length, np.float64(0.0)), length, np.float64(1.0))
    own = g.add("Unsqueeze", g.add("Div", own, length), [1])
    raw = g.add("MatMul", own, g.add("Gather", coefficients, tokens))
    return g.add("Add", g.add("Squeeze", raw, [1]), path.intercepts)


def _counted_tokens(g, n_steps, sequences, nobody):
    """Tokens (N, T) that the map sees, another number elsewhere."""
    numbers, lengths = sequences.values, sequences.lengths
    steps, ends = g.numbers_to(g.size(numbers, 1)), g.add("Unsqueeze", lengths, [1])
    is_seen = g.add("Less", steps, ends)
    if n_steps is not None:
        first = g.add("Sub", ends, np.int64(n_steps))
        is_seen = g.add("And", is_seen, g.add("GreaterOrEqual", steps, first))
    return g.add("Where", is_seen, numbers, np.int64(nobody))


def _counts(g, tokens):
    """Of each sorted token (N, T) how often its sequence has it."""
    before = g.add("Slice", g.add("Pad", tokens, [0, 1, 0, 0], np.int64(-1)), [0], [-1], [1])
    is_new = g.add("Not", g.add("Equal", tokens, before))
    run = g.add("Sub", g.add("CumSum", g.cast(is_new, np.int64), np.int64(1)), np.int64(1))
    shape = g.add("Shape", tokens)
    zeros, ones = (g.add("Expand", np.int64(number), shape) for number in (0, 1))
    counts = g.add("ScatterElements", zeros, run, ones, axis=1, reduction="add")
    return g.add("GatherElements", counts, run, axis=1)


#: How the path of each class of :mod:`skrnn.linear` is written.
PATHS = {
    LinearPath: _of_numbers,
    CurvedPath: _of_curved_table,
    TokenWindow: _of_token_windows,
    BagPath: _bag,
}


def write(g, path, sequences, of_steps):
    """Raw predictions (N, K) of a path, or (N, T, K) of each step, in double precision."""
    return writer(PATHS, type(path), f"{__name__}.PATHS")(g, path, sequences, of_steps)
