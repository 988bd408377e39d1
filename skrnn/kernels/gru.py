"""The GRU cell (equations 26 to 36), reset after the recurrent product, as PyTorch has it.

Parameters keep the gate order r z n. A step works on four blocks, u r z n, because
``u = h U_n + c_n`` has to stay apart: the reset gate multiplies it alone. So the input adds to the
last three blocks, and the state, whose columns are rotated to n r z, adds to the first three.

The arguments of r and z arrive halved, ``logistic(z) = (1 + tanh(z / 2)) / 2``, and these gates are
kept as that tanh. The formulas work on vectors of units.
"""

from typing import NamedTuple

from skrnn.kernels.activations import logistic_of_twice, tanh


class GRU(NamedTuple):
    n_gates: int = 3
    n_blocks: int = 4
    rotation: int = 2
    n_memories: int = 0

    halved = (1, 2)
    bias_start = (0.0, 0.0, 0.0, 0.0)

    @staticmethod
    def forward(arguments, h_before, c_before):
        """One step: u and the gates, no memory, and h."""
        u, r, z, n = arguments
        r, z = tanh(r), tanh(z)
        n = tanh(n + logistic_of_twice(r) * u)
        return [u, r, z, n], None, None, n + logistic_of_twice(z) * (h_before - n)

    @staticmethod
    def backward(gates, h_before, c_before, tanh_c, d_h, d_c):
        """One step back: gradients of u and the arguments; of h_before, past U; no d_c."""
        u, r, z, n = gates
        share = logistic_of_twice(z)
        d_z = d_h * (h_before - n) * 0.5 * (1.0 - z * z)
        d_n = d_h * (1.0 - share) * (1.0 - n * n)
        d_arguments = [d_n * logistic_of_twice(r), d_n * u * 0.5 * (1.0 - r * r), d_z, d_n]
        return d_arguments, d_h * share, None


def cell(activation):
    """The cell; its activations are its own."""
    return GRU()
