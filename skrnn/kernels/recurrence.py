"""One layer in one direction, through time: the same loop for every cell (equations 10 to 15).

The parameters of a layer come as one *step matrix* M (H + 1 + F, blocks * H): the rows of U, the
bias, the rows of W, each in the columns of the blocks it adds to. A step multiplies its inputs
``[h, 1, x]`` by it in one product, and the gradient of M is one product too.

The reverse direction runs this same loop on inputs whose rows :func:`skrnn.kernels.packing.mirror`
put in reverse order, so time only ever runs forward here.
"""

from skrnn.kernels.cells import step_backward, step_forward
from skrnn.kernels.jit import long_kernel, part
from skrnn.kernels.matmul import DEPTH, add_transposed_product, multiply_rows


@part
def _add_inputs(x, x_first, n_rows, n_hidden, inputs, first):
    """``inputs[:, H:] = [1, x]``, for some rows of each; the state is there."""
    for r in range(n_rows):
        inputs[first + r, n_hidden] = 1
        for f in range(x.shape[1]):
            inputs[first + r, n_hidden + 1 + f] = x[x_first + r, f]


@long_kernel
def forward(cell, panels, spans, first_spans, x, start, inputs, flat, c, tanh_c, h):
    """Run the layer over packed x (S, F), from a state of zeros.

    panels, spans: the packed step matrix; first_spans: those without U's rows, for the first step.
    h is written, (S, H) or, with B rows, the final states, and the history that the way back needs:
    inputs (S + B, H + 1 + F) of the steps' products, gates flat (S, blocks * H), and of cells with
    a memory c (S + B, H), whose last B rows are zeros at first, and tanh_c (S, H). With B rows for
    S, as when predicting, each step writes its history over an earlier one's.
    """
    n_rows, n_packed, n_hidden = start[1], start[-1], h.shape[1]
    keep, every = flat.shape[0] == n_packed, h.shape[0] == n_packed
    c_before = c_start = c.shape[0] - n_rows
    for r in range(n_rows):
        for j in range(n_hidden):
            inputs[r, j] = 0
    for t in range(start.shape[0] - 1):
        n_active = start[t + 1] - start[t]
        low = start[t] if keep else 0
        c_now = low if keep else c_start
        _add_inputs(x, start[t], n_active, n_hidden, inputs, low)
        not_zero = spans if t else first_spans
        multiply_rows(inputs, low, n_active, panels, not_zero, flat, low, 0)
        # A sequence that ends here leaves its state in a row that another one writes later.
        step_forward(
            cell, n_active, flat, low, inputs, start[t + 1] if keep else 0, c, c_before, c_now,
            tanh_c, h, start[t] if every else 0,
        )  # fmt: skip
        c_before = c_now


@long_kernel
def backward(
    cell, to_state, to_input, spans, start, inputs, flat, c, tanh_c, d_h, d_c, d_x, d_matrix,
    strips, panel,
):  # fmt: skip
    """Way back: the gradient of the step matrix is added to d_matrix, d_x (S, F) is written.

    to_state (blocks, H), to_input (blocks, F): transposed rows of the step matrix, packed, without
    the blocks that they do not add to. d_h (S, H): gradient of the states from outside; d_c (B, H):
    zeros; what is left in both is of no use. The gates turn into gradients of the steps' arguments.
    A d_x of no rows is not computed: nothing is learnt below the first layer.
    """
    first_input = flat.shape[1] - to_input.shape[1]
    all_rows = spans[:0]
    n_packed = done = start[-1]
    for t in range(start.shape[0] - 2, -1, -1):
        low, n_active = start[t], start[t + 1] - start[t]
        before = start[t - 1] if t else low  # the first step's is of no use
        c_before = before if t else n_packed
        step_backward(cell, n_active, flat, low, inputs, c, c_before, tanh_c, d_h, low, before, d_c)
        if t:
            multiply_rows(flat, low, n_active, to_state, all_rows, d_h, before, 1)
        if d_x.shape[0]:
            multiply_rows(flat[:, first_input:], low, n_active, to_input, all_rows, d_x, low, 0)
        if done - low >= DEPTH or t == 0:  # while these steps are in the cache
            add_transposed_product(inputs, flat, low, done, spans, d_matrix, strips, panel)
            done = low
