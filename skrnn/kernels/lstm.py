"""The LSTM cell (equations 18 to 25), its gates in the order i f g o.

The arguments of i, f and o arrive halved, ``logistic(z) = (1 + tanh(z / 2)) / 2``, and these gates
are kept as that tanh: ``i = (1 + gates[0]) / 2``. The formulas work on vectors of units.
"""

from typing import NamedTuple

from skrnn.kernels.activations import logistic_of_twice, tanh


class LSTM(NamedTuple):
    n_gates: int = 4
    n_blocks: int = 4
    rotation: int = 0
    n_memories: int = 1

    halved = (0, 1, 3)
    bias_start = (0.0, 1.0, 0.0, 0.0)  # the forget gate starts open (equation 72)

    @staticmethod
    def forward(arguments, h_before, c_before):
        """One step: the gates, c, its tanh, and h."""
        i, f, g, o = gates = [tanh(z) for z in arguments]
        c = logistic_of_twice(f) * c_before + logistic_of_twice(i) * g
        tanh_c = tanh(c)
        return gates, c, tanh_c, logistic_of_twice(o) * tanh_c

    @staticmethod
    def backward(gates, h_before, c_before, tanh_c, d_h, d_c):
        """One step back: gradients of the arguments; h_before is reached only through U; of c."""
        i, f, g, o = gates
        d_c = d_c + d_h * logistic_of_twice(o) * (1.0 - tanh_c * tanh_c)
        d_arguments = [
            d_c * g * 0.5 * (1.0 - i * i),
            d_c * c_before * 0.5 * (1.0 - f * f),
            d_c * logistic_of_twice(i) * (1.0 - g * g),
            d_h * tanh_c * 0.5 * (1.0 - o * o),
        ]
        return d_arguments, None, d_c * logistic_of_twice(f)


def cell(activation):
    """The cell; its activations are its own."""
    return LSTM()
