"""The GRU cell (equations 26 to 36), reset after the recurrent product, as PyTorch has it.

Parameters keep the gate order r z n. A step works on four blocks, q r z n: ``q = h U_n + c_n``
stays apart because the reset gate multiplies it alone. So the input adds to the last three blocks,
and the state, its columns rotated to n r z, to the first three.

The arguments of r and z arrive halved, ``logistic(z) = (1 + tanh(z / 2)) / 2``, and stay that tanh.
"""

from collections import namedtuple

from skrnn.kernels.activations import tanh
from skrnn.kernels.simd import fma

GRU = namedtuple("GRU", "n_gates n_blocks rotation n_memories activation")
CELL = GRU(n_gates=3, n_blocks=4, rotation=2, n_memories=0, activation=0)
#: Blocks whose arguments arrive halved.
HALVED = (1, 2)


def forward(cell, gates, h_before, c_before, c, tanh_c, h):
    """One step. gates (B, 4, H): q and arguments in, q and their tanh out; h (B, H) is written.

    Loops over j stay apart because LLVM gives up on a loop with too many arrays to prove distinct.
    """
    n_rows, n_hidden = h.shape
    half = h.dtype.type(0.5)
    for r in range(n_rows):
        gate, q, n = gates[r, 1:3].reshape(2 * n_hidden), gates[r, 0], gates[r, 3]
        for j in range(2 * n_hidden):
            gate[j] = tanh(gate[j])
        for j in range(n_hidden):
            n[j] += fma(half, gate[j], half) * q[j]
        for j in range(n_hidden):
            n[j] = tanh(n[j])
        for j in range(n_hidden):
            z = fma(half, gates[r, 2, j], half)
            h[r, j] = n[j] + z * (h_before[r, j] - n[j])


def backward(cell, gates, h_before, c_before, tanh_c, d_h, d_c):
    """One step back. gates: what forward left in, gradients of q and the arguments out.

    d_h (B, H): gradient of the state after the step in; out, that of the state before it, without
    what flows through the recurrent matrix.
    """
    n_rows, n_hidden = d_h.shape
    half, one = d_h.dtype.type(0.5), d_h.dtype.type(1)
    for r in range(n_rows):
        for j in range(n_hidden):
            t, n = gates[r, 2, j], gates[r, 3, j]
            z = fma(half, t, half)
            gates[r, 2, j] = d_h[r, j] * (h_before[r, j] - n) * half * (one - t * t)
            gates[r, 3, j] = d_h[r, j] * (one - z) * (one - n * n)
            d_h[r, j] *= z
        for j in range(n_hidden):
            q, t, d_n = gates[r, 0, j], gates[r, 1, j], gates[r, 3, j]
            gates[r, 0, j] = d_n * fma(half, t, half)
            gates[r, 1, j] = d_n * q * half * (one - t * t)
