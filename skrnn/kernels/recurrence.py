"""One layer in one direction, through time: the same loop for every cell (equations 10 to 15).

The parameters of a layer come as one *step matrix* M (H + 1 + F, blocks * H): the rows of U, the
bias, the rows of W, each in the columns of the blocks it adds to. A step multiplies its inputs
``[h, 1, x]`` by it in one product, and the gradient of M is one product too.

The reverse direction runs this same loop on inputs whose rows :func:`skrnn.kernels.packing.mirror`
put in reverse order, so time only ever runs forward here.
"""

import numpy as np

from skrnn.kernels.cells import step_backward, step_forward
from skrnn.kernels.jit import long_kernel, part
from skrnn.kernels.matmul import DEPTH, add_transposed_product, multiply_rows


@part
def _join(h, h_first, x, x_first, n_rows, inputs, first):
    """``inputs = [h, 1, x]``, for some rows of each."""
    n_hidden = h.shape[1]
    column = np.uintp(n_hidden + 1)  # unsigned, or each index is checked for its sign
    for r in range(n_rows):
        for j in range(n_hidden):
            inputs[first + r, j] = h[h_first + r, j]
        inputs[first + r, n_hidden] = 1
        for f in range(x.shape[1]):
            inputs[first + r, column + np.uintp(f)] = x[x_first + r, f]


@long_kernel
def forward(cell, panels, spans, x, start, inputs, flat, gates, c, tanh_c, h):
    """Run the layer over packed x (S, F) from the state in the last B rows of h and c, zeros.

    panels, spans: the packed step matrix. h (S + B, H) is written, and the history that the way
    back needs: inputs (S, H + 1 + F) of the steps' products, gates (S, blocks, H), also as flat
    (S, blocks * H), and of cells with a memory c (S + B, H) and tanh_c (S, H). With B rows for S,
    as when predicting, each step writes its history over an earlier one's.
    """
    n_rows, n_packed = start[1], start[-1]
    keep = gates.shape[0] == n_packed
    c_start = c.shape[0] - n_rows
    h_before, c_before = n_packed, c_start
    for t in range(start.shape[0] - 1):
        n_active = start[t + 1] - start[t]
        low = start[t] if keep else 0
        c_now = low if keep else c_start - c_before
        _join(h, h_before, x, start[t], n_active, inputs, low)
        multiply_rows(inputs, low, n_active, panels, spans, flat, low, 0)
        step_forward(
            cell, gates[low : low + n_active], h[h_before:], c[c_before:], c[c_now:],
            tanh_c[low:], h[start[t] : start[t + 1]],
        )  # fmt: skip
        h_before, c_before = start[t], c_now


@long_kernel
def backward(
    cell, to_state, to_input, spans, start, inputs, flat, gates, c, tanh_c, h, d_h, d_c, d_x,
    d_matrix, strips, panel,
):  # fmt: skip
    """Way back: the gradient of the step matrix is added to d_matrix, d_x (S, F) is written.

    to_state (blocks, H), to_input (blocks, F): transposed rows of the step matrix, packed, without
    the blocks that they do not add to. d_h (S, H): gradient of the states from outside; d_c (B, H):
    zeros; what is left in both is of no use. The gates turn into gradients of the steps' arguments.
    A d_x of no rows is not computed: nothing is learnt below the first layer.
    """
    n_hidden = gates.shape[2]
    first_input = flat.shape[1] - to_input.shape[1]
    all_rows = spans[:0]
    n_packed = done = start[-1]
    for t in range(start.shape[0] - 2, -1, -1):
        low, high = start[t], start[t + 1]
        h_before = start[t - 1] if t else n_packed
        step_backward(
            cell, gates[low:high], h[h_before:], c[h_before:], tanh_c[low:], d_h[low:high], d_c
        )
        if t:
            for r in range(high - low):
                for j in range(n_hidden):
                    d_h[h_before + r, j] += d_h[low + r, j]
            multiply_rows(flat, low, high - low, to_state, all_rows, d_h, h_before, 1)
        if d_x.shape[0]:
            multiply_rows(flat[:, first_input:], low, high - low, to_input, all_rows, d_x, low, 0)
        if done - low >= DEPTH or t == 0:  # while these steps are in the cache
            add_transposed_product(inputs, flat, low, done, spans, d_matrix, strips, panel)
            done = low
