"""How a density over sequences reads them, and what it says of each.

To export a new target of this kind, write two functions: one that puts a beginning before
sequences, for :data:`BEGINNINGS`, and one for :data:`skrnn.onnx.outputs.TARGETS`.
"""

import math

import numpy as np

from skrnn.data.continuations import NextStep, NextToken
from skrnn.mixtures import LEAST_VARIANCE
from skrnn.onnx.graph import Output, writer
from skrnn.onnx.inputs import with_classes

#: The log-odds of an end that cannot be; an infinity would make nan of a difference.
_NEVER = np.float64(-1e30)


def _before_tokens(g, target, sequences):
    """The number of unknown tokens is the beginning."""
    return g.add("Pad", sequences.values, [0, 1, 0, 0], np.int64(target.n_tokens))


def _before_steps(g, target, sequences):
    """A gap is the beginning, and indicators of the class are features."""
    values = g.add("Pad", sequences.values, [0, 1, 0, 0, 0, 0], g.number(np.nan))
    return with_classes(g, values, sequences.classes, target.n_conditions)


#: How the beginning of the sequences of each target is written.
BEGINNINGS = {NextToken: _before_tokens, NextStep: _before_steps}


def begun(g, target, sequences):
    """Sequences one step longer as the network reads them."""
    write = writer(BEGINNINGS, type(target), f"{__name__}.BEGINNINGS")
    lengths = g.add("Add", sequences.lengths, np.int64(1))
    return sequences._replace(values=write(g, target, sequences), lengths=lengths)


def next_token(g, model, raw, sequences):
    """Logarithms of the probabilities (N,) of sequences of tokens, -inf with one that is unknown.

    Raw predictions (N, T + 1, K) are of each step and of the end, which is the last class.
    """
    end = model.target.n_tokens
    raw, is_end = _answers(g, raw, sequences)
    logs = g.add("LogSoftmax", raw, axis=-1)
    logs = g.add("Pad", logs, [0, 0, 0, 0, 0, 1], np.float64(-np.inf))
    is_unknown = g.add("Equal", sequences.values, np.int64(end))
    tokens = g.add("Where", is_unknown, np.int64(end + 1), sequences.values)
    tokens = g.add("Pad", tokens, [0, 0, 0, 1], np.int64(end))
    tokens = g.add("Where", is_end, np.int64(end), tokens)
    found = g.add("GatherElements", logs, g.add("Unsqueeze", tokens, [2]), axis=2)
    return _summed(g, g.add("Squeeze", found, [2]), sequences)


def next_step(g, model, raw, sequences):
    """Logarithms of the densities (N,) of sequences of numbers (equations 149 to 152)."""
    target = model.target
    raw, is_end = _answers(g, raw, sequences)
    n_components, n_features = target.n_components, len(target.center)
    sizes = [n_components, n_components * n_features, n_components * n_features, 1]
    weights, means, deviations, odds = g.add_many("Split", [raw, sizes], 4, axis=-1)
    of_ends = g.add("LogSoftmax", g.add("Pad", odds, [0, 0, 1, 0, 0, 0], np.float64(0)), axis=-1)
    goes_on, ends = (g.add("Gather", of_ends, np.int64(place), axis=2) for place in (0, 1))
    numbers = g.add("Sub", g.cast(sequences.values, np.float64), target.center)
    numbers = g.add("Pad", g.add("Div", numbers, target.scale), [0, 0, 0, 0, 1, 0], np.float64(0))
    density = _mixture(g, numbers, weights, means, deviations, [0, 0, n_components, n_features])
    density = g.add("Sub", density, np.log(target.scale).sum())
    return _summed(g, g.add("Where", is_end, ends, g.add("Add", goes_on, density)), sequences)


def _mixture(g, numbers, weights, means, deviations, shape):
    """Logarithms of the densities of numbers (N, L, F) in their units (equation 151)."""
    means, deviations = (g.add("Reshape", one, shape) for one in (means, deviations))
    variances = g.add("Exp", g.add("Mul", deviations, np.float64(2.0)))
    variances = g.add("Add", variances, np.float64(LEAST_VARIANCE))
    errors = g.add("Sub", g.add("Unsqueeze", numbers, [2]), means)
    terms = g.add("Div", g.add("Mul", errors, errors), variances)
    terms = g.add("Add", terms, g.add("Log", variances))
    terms = g.add("Add", terms, np.float64(math.log(2.0 * math.pi)))
    logs = g.add("Mul", g.add("ReduceSum", terms, [3], keepdims=0), np.float64(-0.5))
    logs = g.add("Add", logs, g.add("LogSoftmax", weights, axis=-1))
    return g.add("ReduceLogSumExp", logs, [2], keepdims=0)


def _answers(g, raw, sequences):
    """Raw predictions in double precision, none of which begins with the end, the last of a row's
    numbers; and whether each answer (N, L) is the end.
    """
    steps = g.numbers_to(g.size(raw, 1))
    is_first = g.add("Unsqueeze", g.add("Equal", steps, np.int64(0)), [1])
    n_outputs = g.size(raw, 2)
    is_last = g.add("Equal", g.numbers_to(n_outputs), g.add("Sub", n_outputs, np.int64(1)))
    is_never = g.add("And", is_first, is_last)
    raw = g.add("Where", is_never, _NEVER, g.cast(raw, np.float64))
    return raw, g.add("Equal", steps, g.add("Unsqueeze", sequences.lengths, [1]))


def _summed(g, logs, sequences):
    """The output that sums up logarithms (N, L) of the steps of each sequence, and of its end."""
    steps = g.numbers_to(g.size(logs, 1))
    is_there = g.add("LessOrEqual", steps, g.add("Unsqueeze", sequences.lengths, [1]))
    logs = g.add("Where", is_there, logs, np.float64(0.0))
    total = g.cast(g.add("ReduceSum", logs, [1], keepdims=0), g.dtype)
    return {"log_likelihood": Output(total, np.dtype(g.dtype), ())}
