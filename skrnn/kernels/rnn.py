"""The simple (Elman) cell (equations 9, 16 and 17) with tanh, relu or logistic activation."""

from collections import namedtuple

from skrnn.kernels.activations import logistic, tanh

SimpleRNN = namedtuple("SimpleRNN", "n_gates n_blocks rotation n_memories activation")
ACTIVATIONS = {"tanh": 0, "relu": 1, "logistic": 2}
HALVED = ()


def cell(activation):
    return SimpleRNN(1, 1, 0, 0, ACTIVATIONS[activation])


def forward(cell, gates, h_before, c_before, c, tanh_c, h):
    """One step. gates (B, 1, H): pre-activations in, activations out; h (B, H) is written."""
    n_rows, n_hidden = h.shape
    zero = h.dtype.type(0)
    for r in range(n_rows):
        if cell.activation == 0:
            for j in range(n_hidden):
                gates[r, 0, j] = tanh(gates[r, 0, j])
        elif cell.activation == 1:
            for j in range(n_hidden):
                a = gates[r, 0, j]
                gates[r, 0, j] = zero if a < zero else a  # keeps nan
        else:
            for j in range(n_hidden):
                gates[r, 0, j] = logistic(gates[r, 0, j])
        for j in range(n_hidden):
            h[r, j] = gates[r, 0, j]


def backward(cell, gates, h_before, c_before, tanh_c, d_h, d_c):
    """One step back. gates: activations in, gradients of the pre-activations out; d_h (B, H)."""
    n_rows, n_hidden = d_h.shape
    zero, one = d_h.dtype.type(0), d_h.dtype.type(1)
    for r in range(n_rows):
        if cell.activation == 0:
            for j in range(n_hidden):
                a = gates[r, 0, j]
                gates[r, 0, j] = d_h[r, j] * (one - a * a)
        elif cell.activation == 1:
            for j in range(n_hidden):
                a = gates[r, 0, j]
                gates[r, 0, j] = d_h[r, j] if a > zero else zero
        else:
            for j in range(n_hidden):
                a = gates[r, 0, j]
                gates[r, 0, j] = d_h[r, j] * a * (one - a)
        for j in range(n_hidden):
            d_h[r, j] = zero
