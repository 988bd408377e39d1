"""A layer in one direction, through time: the same loop for every cell (equations 10 to 15).

The parameters of a layer come as one *step matrix* M (H + 1 + F, blocks * H): the rows of U, the
bias, the rows of W, each in the columns of the blocks it adds to. A step multiplies its inputs
``[h, 1, x]`` by it in one product, and the gradient of M is one product too.

The reverse direction runs this same loop on inputs whose lines
:func:`skrnn.kernels.timeline.mirror` put in reverse order, so time only ever runs forward here.

A run leaves a *history* for the way back, four arrays: the inputs (S + B, H + 1 + F) of the steps'
products, the gates (S, blocks * H), and, for a cell with a memory, c (S + B, H) and its tanh
(S, H). The caller has put the state before step 0 into the first B lines of inputs, and the memory
into the last B lines of c. Arrays that belong together come as a tuple, which numba takes in a
fifth of a microsecond; a named tuple would take it a whole one.
"""

from skrnn.kernels import step
from skrnn.kernels.instructions import copy_of_row
from skrnn.kernels.jit import long_kernel, part
from skrnn.kernels.matmul import DEPTH, add_transposed_product, multiply_rows

#: In the place of the rows of a table, where there is none: another type, so other machine code.
NO_PLACES = None


@part
def _add_inputs(x, x_first, n_rows, n_hidden, inputs, first):
    """``inputs[:, H:] = [1, x]``, for some rows of each; the state is there."""
    n_features, size = x.shape[1], x.itemsize
    for r in range(n_rows):
        inputs[first + r, n_hidden] = 1
        copy_of_row(
            x, n_features, x.ctypes.data + (x_first + r) * x.strides[0],
            inputs.ctypes.data + (first + r) * inputs.strides[0] + (n_hidden + 1) * size,
        )  # fmt: skip


@part
def put_row(table, row, line, n_hidden, inputs, gates):
    """A line before its product: a one among the inputs, and what a row of a table (., G) adds to
    the gates that read inputs.
    """
    n_gates, size = table.shape[1], table.itemsize
    first = gates.shape[1] - n_gates
    inputs[line, n_hidden] = 1
    for g in range(first):
        gates[line, g] = 0
    copy_of_row(
        table, n_gates, table.ctypes.data + row * n_gates * size,
        gates.ctypes.data + (line * gates.shape[1] + first) * size,
    )  # fmt: skip


@long_kernel
def forward(cell, matrix, x, places, start, history, h):
    """Run the layer over timeline x (S, F), or over rows (S,) of a table x (D, G).

    A row of the table is what an input adds to the gates, and the step matrix has no rows of W
    then. places (S,): the row of each line, or none (NO_PLACES) where x is no table.

    matrix: the step matrix as panels, their spans, and the spans of step 0. If these leave U out,
    the state before step 0 counts as zeros. h is written, (S, H) or, with B rows, the final states.
    The history is written too; with B rows for S, as when predicting, each step overwrites that of
    an earlier one.
    """
    panels, spans, first_spans = matrix
    inputs, gates, c, tanh_c = history
    n_rows, n_steps, n_hidden = start[1], start[-1], h.shape[1]
    keep, every = gates.shape[0] == n_steps, h.shape[0] == n_steps
    c_before = c_start = c.shape[0] - n_rows
    if first_spans[0, 0] >= n_hidden:
        for r in range(n_rows):
            for j in range(n_hidden):
                inputs[r, j] = 0
    for t in range(start.shape[0] - 1):
        n_active = start[t + 1] - start[t]
        low = start[t] if keep else 0
        c_now = low if keep else c_start
        not_zero = spans if t else first_spans
        if places is None:  # which is known when this is compiled, so that there is one way only
            _add_inputs(x, start[t], n_active, n_hidden, inputs, low)
            multiply_rows(inputs, low, n_active, panels, not_zero, gates, low, 0)
        else:
            for r in range(n_active):
                put_row(x, places[start[t] + r], low + r, n_hidden, inputs, gates)
            multiply_rows(inputs, low, n_active, panels, not_zero, gates, low, 1)
        # A sequence that ends here leaves its state in a line that another one writes later.
        step.forward(
            cell, n_active, gates, low, inputs, start[t + 1] if keep else 0, c, c_before, c_now,
            tanh_c, h, start[t] if every else 0,
        )  # fmt: skip
        c_before = c_now


@long_kernel
def backward(cell, matrix, start, history, d_h, d_c, d_x, d_matrix, scratch):
    """Way back: the gradient of the step matrix is added to d_matrix, d_x (S, F) is written.

    matrix: to_state (blocks, H) and to_input (blocks, F), the transposed rows of the step matrix as
    panels, without the blocks that they do not add to, and the step matrix's spans. The gates turn
    into gradients of the steps' arguments, and d_h and d_c are used up.

    d_h (S, H) is the gradient of the states from outside, d_c (B, H) that of the final memory. With
    S + B lines, the last B zeros, d_h gets there the gradient of the state before step 0, and d_c
    is in the end that of the memory before it. A d_x of no lines is not computed. scratch: that of
    :func:`skrnn.kernels.matmul.scratch`.
    """
    to_state, to_input, spans = matrix
    inputs, gates, c, tanh_c = history
    first_input = gates.shape[1] - to_input.shape[1]
    all_rows = spans[:0]
    n_steps = done = start[-1]
    wants_state = d_h.shape[0] > n_steps
    for t in range(start.shape[0] - 2, -1, -1):
        low, n_active = start[t], start[t + 1] - start[t]
        c_before = start[t - 1] if t else n_steps
        before = c_before
        if t == 0 and not wants_state:
            before = low  # that line is done with
        step.backward(
            cell, n_active, gates, low, inputs, c, c_before, tanh_c, d_h, low, before, d_c
        )
        if t or wants_state:
            multiply_rows(gates, low, n_active, to_state, all_rows, d_h, before, 1)
        if d_x.shape[0]:
            multiply_rows(gates[:, first_input:], low, n_active, to_input, all_rows, d_x, low, 0)
        if done - low >= DEPTH or t == 0:  # while these steps are in the cache
            add_transposed_product(
                inputs, gates, low, done, spans, d_matrix, scratch[0], scratch[1]
            )
            done = low
