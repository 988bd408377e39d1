"""The simple (Elman) cell (equations 9, 16 and 17) with tanh, relu or logistic activation.

Each activation has a type of its own, because a kernel is compiled for a type. The formulas work on
vectors of units.
"""

from typing import NamedTuple

from skrnn.kernels.activations import logistic, tanh
from skrnn.kernels.vectors import where_above


class TanhRNN(NamedTuple):
    n_gates: int = 1
    n_blocks: int = 1
    rotation: int = 0
    n_memories: int = 0

    halved = ()
    bias_start = (0.0,)

    @staticmethod
    def forward(arguments, h_before, c_before):
        """One step: h twice, as the only gate and as the state, and no memory."""
        h = tanh(arguments[0])
        return [h], None, None, h

    @staticmethod
    def backward(gates, h_before, c_before, tanh_c, d_h, d_c):
        """One step back: the gradient of the argument; h_before is reached only through U."""
        (h,) = gates
        return [d_h * (1.0 - h * h)], None, None


class ReluRNN(TanhRNN):
    @staticmethod
    def forward(arguments, h_before, c_before):
        h = where_above(-arguments[0], 0.0, 0.0, arguments[0])  # keeps nan
        return [h], None, None, h

    @staticmethod
    def backward(gates, h_before, c_before, tanh_c, d_h, d_c):
        return [where_above(gates[0], 0.0, d_h, 0.0)], None, None


class LogisticRNN(TanhRNN):
    @staticmethod
    def forward(arguments, h_before, c_before):
        h = logistic(arguments[0])
        return [h], None, None, h

    @staticmethod
    def backward(gates, h_before, c_before, tanh_c, d_h, d_c):
        (h,) = gates
        return [d_h * h * (1.0 - h)], None, None


_OF_ACTIVATION = {"tanh": TanhRNN, "relu": ReluRNN, "logistic": LogisticRNN}


def cell(activation):
    """The cell with that activation."""
    return _OF_ACTIVATION[activation]()
