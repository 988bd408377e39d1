"""One layer in one direction, through time: the same loop for every cell (equations 10 to 15).

The parameters of a layer come as one *step matrix* M (H + 1 + F, blocks * H): the rows of U, the
bias, the rows of W, each in the columns of the blocks it adds to. A step multiplies its inputs
``[h, 1, x]`` by it in one product, and the gradient of M is one product too.

The reverse direction runs this same loop on inputs whose rows :func:`skrnn.kernels.packing.mirror`
put in reverse order, so time only ever runs forward here.
"""

import numpy as np

from skrnn.kernels.cells import step_backward, step_forward
from skrnn.kernels.jit import kernel, part
from skrnn.kernels.matmul import ALL_ROWS, DEPTH, add_transposed_product, multiply_spans


@part
def _join(h, x, inputs):
    """``inputs = [h, 1, x]``, row by row."""
    n_hidden = h.shape[1]
    first = np.uintp(n_hidden + 1)  # unsigned, or each index is checked for its sign
    for r in range(inputs.shape[0]):
        for j in range(n_hidden):
            inputs[r, j] = h[r, j]
        inputs[r, n_hidden] = 1
        for f in range(x.shape[1]):
            inputs[r, first + np.uintp(f)] = x[r, f]


@kernel
def forward(cell, panels, spans, x, start, inputs, gates, c, tanh_c, h):
    """Run the layer over packed x (S, F) from a state of zeros, which h and c keep at their end.

    panels, spans: the packed step matrix. h (S + B, H) is written, and the history that the way
    back needs: inputs (S, H + 1 + F) of the steps' products, gates (S, blocks, H), and of cells
    with a memory c (S + B, H) and tanh_c (S, H). With B rows for S, as when predicting, each step
    writes its history over an earlier one's.
    """
    n_rows, n_packed = start[1], start[-1]
    keep = gates.shape[0] == n_packed
    flat = gates.reshape(gates.shape[0], gates.shape[1] * gates.shape[2])
    c_start = c.shape[0] - n_rows
    h[n_packed:] = 0
    c[c_start:] = 0
    h_before, c_before = n_packed, c_start
    for t in range(start.shape[0] - 1):
        n_active = start[t + 1] - start[t]
        low = start[t] if keep else 0
        high = low + n_active
        c_now = low if keep else c_start - c_before
        _join(h[h_before:], x[start[t] :], inputs[low:high])
        multiply_spans(inputs[low:high], panels, spans, flat[low:high], 0)
        step_forward(
            cell, gates[low:high], h[h_before:], c[c_before:], c[c_now:], tanh_c[low:high],
            h[start[t] : start[t + 1]],
        )  # fmt: skip
        h_before, c_before = start[t], c_now


@kernel
def backward(
    cell, to_state, to_input, spans, start, inputs, gates, c, tanh_c, h, d_h, d_x, d_matrix
):
    """Way back: the gradient of the step matrix is added to d_matrix, d_x (S, F) is written.

    to_state (blocks, H), to_input (blocks, F): transposed rows of the step matrix, packed, without
    the blocks that they do not add to. d_h (S, H): gradient of the states from outside; what is
    left in it is of no use. The gates turn into gradients of the steps' arguments. A d_x of no rows
    is not computed: nothing is learnt below the first layer.
    """
    n_hidden = gates.shape[2]
    flat = gates.reshape(gates.shape[0], gates.shape[1] * n_hidden)
    first_input = flat.shape[1] - to_input.shape[1]
    n_packed = done = start[-1]
    d_c = np.zeros((start[1], c.shape[1]), d_h.dtype)
    for t in range(start.shape[0] - 2, -1, -1):
        low, high = start[t], start[t + 1]
        h_before = start[t - 1] if t else n_packed
        step_backward(
            cell, gates[low:high], h[h_before:], c[h_before:], tanh_c[low:high], d_h[low:high],
            d_c,
        )  # fmt: skip
        if t:
            d_before = d_h[h_before : h_before + high - low]
            for r in range(high - low):
                for j in range(n_hidden):
                    d_before[r, j] += d_h[low + r, j]
            multiply_spans(flat[low:high, : to_state.shape[1]], to_state, ALL_ROWS, d_before, 1)
        if d_x.shape[0]:
            multiply_spans(flat[low:high, first_input:], to_input, ALL_ROWS, d_x[low:high], 0)
        if done - low >= DEPTH or t == 0:  # while these steps are in the cache
            add_transposed_product(inputs[low:done], flat[low:done], spans, d_matrix)
            done = low
