"""The LSTM cell (equations 18 to 25), its gates in the order i f g o."""

from collections import namedtuple

from skrnn.kernels.activations import logistic, tanh

LSTM = namedtuple("LSTM", "n_gates n_blocks rotation n_memories activation")
CELL = LSTM(n_gates=4, n_blocks=4, rotation=0, n_memories=1, activation=0)
FORGET_GATE = 1


def forward(cell, gates, h, c, tanh_c):
    """One step. gates (B, 4, H): pre-activations in, activations out; h, c, tanh_c (B, H).

    h and c hold the state before the step and, on return, after it. The loops over j stay apart
    because LLVM gives up on a loop with too many arrays to prove distinct.
    """
    n_rows, n_hidden = h.shape
    for r in range(n_rows):
        for j in range(n_hidden):
            gates[r, 0, j] = logistic(gates[r, 0, j])
        for j in range(n_hidden):
            gates[r, 1, j] = logistic(gates[r, 1, j])
        for j in range(n_hidden):
            gates[r, 2, j] = tanh(gates[r, 2, j])
        for j in range(n_hidden):
            gates[r, 3, j] = logistic(gates[r, 3, j])
        for j in range(n_hidden):
            c[r, j] = gates[r, 1, j] * c[r, j] + gates[r, 0, j] * gates[r, 2, j]
        for j in range(n_hidden):
            tanh_c[r, j] = tanh(c[r, j])
        for j in range(n_hidden):
            h[r, j] = gates[r, 3, j] * tanh_c[r, j]


def backward(cell, gates, h_previous, c_previous, tanh_c, d_h, d_c):
    """One step back. gates: activations in, gradients of the pre-activations out.

    d_h, d_c (B, H): gradients of the state after the step in; out, those of the state before it,
    without what flows through the recurrent matrix.
    """
    n_rows, n_hidden = d_h.shape
    one = d_h.dtype.type(1)
    for r in range(n_rows):
        for j in range(n_hidden):
            t = tanh_c[r, j]
            d_c[r, j] += d_h[r, j] * gates[r, 3, j] * (one - t * t)
        for j in range(n_hidden):
            o = gates[r, 3, j]
            gates[r, 3, j] = d_h[r, j] * tanh_c[r, j] * o * (one - o)
        for j in range(n_hidden):
            i, g = gates[r, 0, j], gates[r, 2, j]
            gates[r, 0, j] = d_c[r, j] * g * i * (one - i)
            gates[r, 2, j] = d_c[r, j] * i * (one - g * g)
        for j in range(n_hidden):
            f = gates[r, 1, j]
            gates[r, 1, j] = d_c[r, j] * c_previous[r, j] * f * (one - f)
            d_c[r, j] *= f
        for j in range(n_hidden):
            d_h[r, j] = 0
