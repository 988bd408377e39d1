"""The GRU cell (equations 26 to 36), reset after the recurrent product, as PyTorch has it.

Parameters keep the gate order r z n. A step works on four blocks, q r z n: ``q = h U_n + c_n``
stays apart because the reset gate multiplies it alone. So the input adds to the last three blocks,
and the state, its columns rotated to n r z, to the first three.

The arguments of r and z arrive halved, ``logistic(z) = (1 + tanh(z / 2)) / 2``, and stay that tanh.
Equations are written for vectors of units.
"""

from collections import namedtuple

from skrnn.kernels.activations import logistic_of_twice, tanh

GRU = namedtuple("GRU", "n_gates n_blocks rotation n_memories")
CELL = GRU(n_gates=3, n_blocks=4, rotation=2, n_memories=0)
#: Blocks whose arguments arrive halved.
HALVED = (1, 2)


def forward(arguments, h_before, c_before):
    """One step: q and gates, no memory, and h."""
    q, r, z, n = arguments
    r, z = tanh(r), tanh(z)
    n = tanh(n + logistic_of_twice(r) * q)
    return [q, r, z, n], None, None, n + logistic_of_twice(z) * (h_before - n)


def backward(gates, h_before, c_before, tanh_c, d_h, d_c):
    """One step back: gradients of q and the arguments, of h_before but for U's part, and no c."""
    q, r, z, n = gates
    share = logistic_of_twice(z)
    d_z = d_h * (h_before - n) * 0.5 * (1.0 - z * z)
    d_n = d_h * (1.0 - share) * (1.0 - n * n)
    d_arguments = [d_n * logistic_of_twice(r), d_n * q * 0.5 * (1.0 - r * r), d_z, d_n]
    return d_arguments, d_h * share, None
