"""The LSTM cell (equations 18 to 25), its gates in the order i f g o.

The arguments of i, f and o arrive halved, ``logistic(z) = (1 + tanh(z / 2)) / 2``, so that one pass
of tanh goes over all blocks, and stay that tanh: ``i = (1 + gates[0]) / 2``.
"""

from collections import namedtuple

from skrnn.kernels.activations import tanh
from skrnn.kernels.simd import fma

LSTM = namedtuple("LSTM", "n_gates n_blocks rotation n_memories activation")
CELL = LSTM(n_gates=4, n_blocks=4, rotation=0, n_memories=1, activation=0)
FORGET_GATE = 1
#: Blocks whose arguments arrive halved.
HALVED = (0, 1, 3)


def forward(cell, gates, h_before, c_before, c, tanh_c, h):
    """One step. gates (B, 4, H): arguments in, their tanh out; c, tanh_c, h (B, H) are written.

    The loops over j stay apart because LLVM gives up on a loop with too many arrays to prove
    distinct.
    """
    n_rows, n_hidden = h.shape
    half = h.dtype.type(0.5)
    arguments = gates.reshape(gates.size)
    for j in range(gates.size):
        arguments[j] = tanh(arguments[j])
    for r in range(n_rows):
        for j in range(n_hidden):
            i, f = fma(half, gates[r, 0, j], half), fma(half, gates[r, 1, j], half)
            c[r, j] = f * c_before[r, j] + i * gates[r, 2, j]
        for j in range(n_hidden):
            tanh_c[r, j] = tanh(c[r, j])
        for j in range(n_hidden):
            h[r, j] = fma(half, gates[r, 3, j], half) * tanh_c[r, j]


def backward(cell, gates, h_before, c_before, tanh_c, d_h, d_c):
    """One step back. gates: what forward left in, gradients of the arguments out.

    d_h, d_c (B, H): gradients of the state after the step in; out, those of the state before it,
    without what flows through the recurrent matrix.
    """
    n_rows, n_hidden = d_h.shape
    half, one = d_h.dtype.type(0.5), d_h.dtype.type(1)
    for r in range(n_rows):
        for j in range(n_hidden):
            o, t = fma(half, gates[r, 3, j], half), tanh_c[r, j]
            d_c[r, j] += d_h[r, j] * o * (one - t * t)
        for j in range(n_hidden):
            o = gates[r, 3, j]
            gates[r, 3, j] = d_h[r, j] * tanh_c[r, j] * half * (one - o * o)
        for j in range(n_hidden):
            i, g = gates[r, 0, j], gates[r, 2, j]
            gates[r, 0, j] = d_c[r, j] * g * half * (one - i * i)
            gates[r, 2, j] = d_c[r, j] * fma(half, i, half) * (one - g * g)
        for j in range(n_hidden):
            f = gates[r, 1, j]
            gates[r, 1, j] = d_c[r, j] * c_before[r, j] * half * (one - f * f)
            d_c[r, j] *= fma(half, f, half)
        for j in range(n_hidden):
            d_h[r, j] = 0
