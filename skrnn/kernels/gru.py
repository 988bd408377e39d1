"""The GRU cell (equations 26 to 36), reset after the recurrent product, as PyTorch has it.

Parameters keep the gate order r z n. A step works on four blocks, q r z n: ``q = h U_n + c_n``
stays apart because the reset gate multiplies it alone. So the input product fills the last three
blocks, the recurrent product, its columns rotated to n r z, the first three, and each is one
product.
"""

from collections import namedtuple

from skrnn.kernels.activations import logistic, tanh

GRU = namedtuple("GRU", "n_gates n_blocks rotation n_memories activation")
CELL = GRU(n_gates=3, n_blocks=4, rotation=2, n_memories=0, activation=0)


def forward(cell, gates, h, c, tanh_c):
    """One step. gates (B, 4, H): q and pre-activations in, q and activations out; h (B, H)."""
    n_rows, n_hidden = h.shape
    for r in range(n_rows):
        for j in range(n_hidden):
            gates[r, 1, j] = logistic(gates[r, 1, j])
        for j in range(n_hidden):
            gates[r, 2, j] = logistic(gates[r, 2, j])
        for j in range(n_hidden):
            gates[r, 3, j] = tanh(gates[r, 3, j] + gates[r, 1, j] * gates[r, 0, j])
        for j in range(n_hidden):
            n = gates[r, 3, j]
            h[r, j] = n + gates[r, 2, j] * (h[r, j] - n)


def backward(cell, gates, h_previous, c_previous, tanh_c, d_h, d_c):
    """One step back. gates: q and activations in, gradients of q and the pre-activations out.

    d_h (B, H): gradient of the state after the step in; out, that of the state before it, without
    what flows through the recurrent matrix.
    """
    n_rows, n_hidden = d_h.shape
    one = d_h.dtype.type(1)
    for r in range(n_rows):
        for j in range(n_hidden):
            z, n = gates[r, 2, j], gates[r, 3, j]
            gates[r, 2, j] = d_h[r, j] * (h_previous[r, j] - n) * z * (one - z)
            gates[r, 3, j] = d_h[r, j] * (one - z) * (one - n * n)
            d_h[r, j] *= z
        for j in range(n_hidden):
            q, g, d_n = gates[r, 0, j], gates[r, 1, j], gates[r, 3, j]
            gates[r, 0, j] = d_n * g
            gates[r, 1, j] = d_n * q * g * (one - g)
