"""The simple (Elman) cell (equations 9, 16 and 17) with tanh, relu or logistic activation.

A type for each activation: a kernel is compiled for one. Equations are written for vectors of
units.
"""

from collections import namedtuple

from skrnn.kernels.activations import logistic, tanh
from skrnn.kernels.vectors import where_above

_FIELDS = "n_gates n_blocks rotation n_memories"
TanhRNN = namedtuple("TanhRNN", _FIELDS)
ReluRNN = namedtuple("ReluRNN", _FIELDS)
LogisticRNN = namedtuple("LogisticRNN", _FIELDS)
_KINDS = {"tanh": TanhRNN, "relu": ReluRNN, "logistic": LogisticRNN}
# Activation, and gradient of its argument from its value and the gradient of that.
_ACTIVATIONS = {
    TanhRNN: (tanh, lambda h, d_h: d_h * (1.0 - h * h)),
    ReluRNN: (
        lambda z: where_above(-z, 0.0, 0.0, z),  # keeps nan
        lambda h, d_h: where_above(h, 0.0, d_h, 0.0),
    ),
    LogisticRNN: (logistic, lambda h, d_h: d_h * h * (1.0 - h)),
}
CELLS = {kind: cell(1, 1, 0, 0) for kind, cell in _KINDS.items()}
#: Blocks whose arguments arrive halved.
HALVED = ()


def equations(kind):
    """A step and a step back, as the other cells have them, for one type."""
    activate, slope = _ACTIVATIONS[kind]

    def forward(arguments, h_before, c_before):
        h = activate(arguments[0])
        return [h], None, None, h

    def backward(gates, h_before, c_before, tanh_c, d_h, d_c):
        return [slope(gates[0], d_h)], None, None

    return forward, backward
