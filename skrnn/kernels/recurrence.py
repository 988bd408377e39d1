"""One layer in one direction, through time: the same loop for every cell (equations 10 to 15).

The reverse direction runs this same loop on inputs whose rows :func:`skrnn.kernels.packing.mirror`
put in reverse order, so time only ever runs forward here.
"""

from collections import namedtuple

import numpy as np

from skrnn.kernels.cells import step_backward, step_forward
from skrnn.kernels.jit import kernel
from skrnn.kernels.matmul import add_transposed_product, multiply, pack, pack_transposed
from skrnn.kernels.packing import copy

#: Views of the flat parameter (or gradient) vector: W (F, G * H), U (H, G * H), bias (blocks * H,).
Weights = namedtuple("Weights", "W U bias")
#: What the way back needs: x (S, F), gates (S, blocks, H), h (S, H) and c (S, H) before each step,
#: tanh_c.
History = namedtuple("History", "x gates h c tanh_c")


@kernel
def weights_at(cell, vector, position, n_inputs, n_hidden):
    """Weights of one layer and direction, whose parameters begin at `position`."""
    n_columns = cell.n_gates * n_hidden
    w_end = position + n_inputs * n_columns
    u_end = w_end + n_hidden * n_columns
    return Weights(
        vector[position:w_end].reshape(n_inputs, n_columns),
        vector[w_end:u_end].reshape(n_hidden, n_columns),
        vector[u_end : u_end + cell.n_blocks * n_hidden],
    )


@kernel
def forward(cell, weights, x, start, h, c, out, keep):
    """Run the layer over packed inputs x (S, F) from the state h, c (B, H) it leaves behind.

    out (S, H), any row stride, receives the hidden states. With `keep`, the history holds all
    steps; without, as when predicting, each step writes over the last.
    """
    n_rows, n_hidden = h.shape
    n_kept = start[-1] if keep else n_rows
    gates = np.empty((n_kept, cell.n_blocks, n_hidden), x.dtype)
    history = History(
        x,
        gates,
        np.empty((n_kept if keep else 0, n_hidden), x.dtype),
        np.empty((n_kept if keep else 0, c.shape[1]), x.dtype),
        np.empty((n_kept, c.shape[1]), x.dtype),
    )
    flat = gates.reshape(n_kept, cell.n_blocks * n_hidden)
    n_columns, first_input = cell.n_gates * n_hidden, (cell.n_blocks - cell.n_gates) * n_hidden
    W = pack(weights.W, 0, x)
    U = pack(weights.U, cell.rotation * n_hidden, x)
    for t in range(start.shape[0] - 1):
        n_active = start[t + 1] - start[t]
        low = start[t] if keep else 0
        high = low + n_active
        for r in range(low, high):
            for j in range(flat.shape[1]):
                flat[r, j] = weights.bias[j]
        if keep:
            copy(h[:n_active], history.h[low:high])
            copy(c[:n_active], history.c[low:high])
        z = flat[low:high]
        multiply(x[start[t] : start[t + 1]], W, z[:, first_input:], 1)
        multiply(h[:n_active], U, z[:, :n_columns], 1)
        step_forward(cell, gates[low:high], h[:n_active], c[:n_active], history.tanh_c[low:high])
        copy(h[:n_active], out[start[t] : start[t + 1]])
    return history


@kernel
def backward(cell, weights, d_weights, history, start, d_out, d_x):
    """Gradients of the layer for d_out (S, H): added to d_weights, written to d_x (S, F).

    `history` is used up: its gates turn into the gradients of the pre-activations. A d_x of no rows
    is not computed: nothing is learnt below the first layer.
    """
    gates = history.gates
    n_steps = start.shape[0] - 1
    n_rows, n_hidden = start[1], gates.shape[2]
    flat = gates.reshape(gates.shape[0], cell.n_blocks * n_hidden)
    n_columns, first_input = cell.n_gates * n_hidden, (cell.n_blocks - cell.n_gates) * n_hidden
    turn = cell.rotation * n_hidden
    W_T = pack_transposed(weights.W, 0, history.x)
    U_T = pack_transposed(weights.U, turn, history.x)
    d_h = np.zeros((n_rows, n_hidden), d_out.dtype)
    d_c = np.zeros((n_rows, history.c.shape[1]), d_out.dtype)
    for t in range(n_steps - 1, -1, -1):
        low, high = start[t], start[t + 1]
        n_active = high - low
        for r in range(n_active):
            for j in range(n_hidden):
                d_h[r, j] += d_out[low + r, j]
        step_backward(
            cell, gates[low:high], history.h[low:high], history.c[low:high],
            history.tanh_c[low:high], d_h[:n_active], d_c[:n_active],
        )  # fmt: skip
        d_z = flat[low:high]
        multiply(d_z[:, :n_columns], U_T, d_h[:n_active], 1)
        if d_x.shape[0]:
            multiply(d_z[:, first_input:], W_T, d_x[low:high], 0)
    for s in range(flat.shape[0]):
        for j in range(flat.shape[1]):
            d_weights.bias[j] += flat[s, j]
    add_transposed_product(history.x, flat[:, first_input:], d_weights.W)
    # The rotated columns in two parts, each back in its place.
    split = n_columns - turn
    add_transposed_product(history.h, flat[:, :split], d_weights.U[:, turn:])
    if turn:
        add_transposed_product(history.h, flat[:, split:n_columns], d_weights.U[:, :turn])
