"""How each pooling is written, from the states of the last layer to what the output layer reads.

To export a new pooling, write a function and enter it into :data:`POOLINGS`. It gets the graph, the
pooling's arrays, the :class:`skrnn.onnx.cells.Outputs` of the last layer, and the lengths of the
sequences (N,), None if they have all steps.
"""

import numpy as np

from skrnn.network.attention import Attention
from skrnn.network.pooling import EachStep, Last, Maximum, Mean
from skrnn.onnx.graph import writer
from skrnn.onnx.inputs import has_step


def _last(g, arrays, outputs, lengths):
    """The final states (N, P)."""
    return outputs.final


def _each_step(g, arrays, outputs, lengths):
    """All states (N, T, P)."""
    return g.add("Transpose", outputs.states, perm=[1, 0, 2])


def _masked(g, states, lengths, nothing):
    """Values (T, N, P) of all steps, with a number where a sequence has no step."""
    if lengths is None:
        return states
    return g.add("Where", has_step(g, states, lengths, axis=0), states, g.number(nothing))


def _mean(g, arrays, outputs, lengths):
    """Means over the steps (equation 42)."""
    total = g.add("ReduceSum", _masked(g, outputs.states, lengths, 0.0), [0], keepdims=0)
    n_steps = g.size(outputs.states, 0) if lengths is None else g.add("Unsqueeze", lengths, [1])
    return g.add("Div", total, g.cast(n_steps, g.dtype))


def _maximum(g, arrays, outputs, lengths):
    """Maxima over the steps (equation 44)."""
    states = _masked(g, outputs.states, lengths, -np.inf)
    return g.add("ReduceMax", states, [0], keepdims=0)


def _attention(g, arrays, outputs, lengths):
    """Means in which each step counts by its share (equations 95 to 98)."""
    matrix, bias, query = arrays
    keys = g.add("Tanh", g.add("Add", g.add("MatMul", outputs.states, matrix), bias))
    scores = _masked(g, g.add("MatMul", keys, query), lengths, -np.inf)
    shares = g.add("Softmax", scores, axis=0)
    return g.add("ReduceSum", g.add("Mul", shares, outputs.states), [0], keepdims=0)


#: How the pooling of each class of :mod:`skrnn.network` is written.
POOLINGS = {
    Last: _last,
    EachStep: _each_step,
    Mean: _mean,
    Maximum: _maximum,
    Attention: _attention,
}


def write(g, pooling, arrays, outputs, lengths):
    """What a pooling makes of the last layer's outputs: (N, P), or (N, T, P) of each step."""
    return writer(POOLINGS, type(pooling), f"{__name__}.POOLINGS")(g, arrays, outputs, lengths)
