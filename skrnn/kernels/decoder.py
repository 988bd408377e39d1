"""A decoder with attention, through time (equations 138 to 146).

It writes a transcript label by label: at each step the state before asks all steps of its source
row, their mean by what they answer is the *context*, and the cell reads the label before and the
context. The inputs of its step matrix are ``[h, 1, context]``; so products, gates and gradients are
those of :mod:`skrnn.kernels.recurrence`. What a label before adds to the gates is a row of a table,
found once for each label.

The labels of some rows are a timeline of their own, the longest transcript first, so `rows` says
which source row each of them belongs to. A source row's step j is the line ``start[j] + row``.
"""

import numpy as np

from skrnn.kernels import pooling, step
from skrnn.kernels.activations import exp_to_one, tanh
from skrnn.kernels.embedding import add_to_table, table_backward
from skrnn.kernels.instructions import (
    add_row,
    dot_of_rows,
    instruction,
    row_instruction,
    sum_of_lines,
)
from skrnn.kernels.jit import inlined, long_kernel, part
from skrnn.kernels.matmul import add_product, multiply_rows
from skrnn.kernels.recurrence import put_row
from skrnn.kernels.vectors import VECTOR_BYTES, fma

# What is done with a register's worth of units. The arguments are addresses, and `factor` a number.


def _score(units, key, query, v):
    """The parts of a score that these units make."""
    return tanh(units.load(key) + units.load(query)) * units.load(v)


def _score_backward(units, key, query, v, d_v, d_key, d_query, factor):
    """Gradients for `factor`, that of the score, are added up."""
    answer, d_score = tanh(units.load(key) + units.load(query)), units.copies(factor)
    units.store(fma(answer, d_score, units.load(d_v)), d_v)
    d_sum = units.load(v) * d_score * (1.0 - answer * answer)
    units.store(units.load(d_key) + d_sum, d_key)
    units.store(units.load(d_query) + d_sum, d_query)


def _exponentials(units, scores, top):
    units.store(exp_to_one(units.load(scores) - units.copies(top)), scores)


_score_of_row = row_instruction(_score, 3, gives_number=True)
_score_back_of_row = row_instruction(_score_backward, 6, has_factor=True)
_exponentials_of_steps = instruction(_exponentials, 1, has_factor=True)


@part
def _attend(states, keys, start, row, n_steps, query, v, shares, line, context):
    """What each step of a source row counts, shares[line], and the mean of its states.

    query and context are addresses.
    """
    n_keys, n_states, size = keys.shape[1], states.shape[1], keys.itemsize
    width = np.intp(VECTOR_BYTES // size)
    of_v, of_shares = v.ctypes.data, shares.ctypes.data + line * shares.shape[1] * size
    top = -shares.dtype.type(np.inf)
    for j in range(n_steps):
        key = keys.ctypes.data + (start[j] + row) * n_keys * size
        shares[line, j] = score = _score_of_row(keys, n_keys, key, query, of_v)
        top = max(top, score)
    for j in range(0, n_steps, width):
        _exponentials_of_steps(shares, n_steps - j, of_shares + j * size, top)
    total = shares.dtype.type(0)
    for j in range(n_steps):
        total += shares[line, j]
    for j in range(n_steps):
        shares[line, j] /= total
    stride = n_states * size
    sum_of_lines(
        states, n_states, n_steps, start.ctypes.data, states.ctypes.data + row * stride, stride,
        of_shares, context,
    )  # fmt: skip


@inlined
def _affine(x, panels, bias, all_rows, y):
    """y (B, N) = x (B, M) times a matrix, plus a bias."""
    for r in range(y.shape[0]):
        for n in range(y.shape[1]):
            y[r, n] = bias[n]
    multiply_rows(x, 0, y.shape[0], panels, all_rows, y, 0, 1)


@inlined
def _affine_backward(x, d_y, gradients, all_rows, products):
    """Gradients of a matrix and its bias are added to."""
    d_matrix, d_bias = gradients
    for r in range(d_y.shape[0]):
        for n in range(d_y.shape[1]):
            d_bias[n] += d_y[r, n]
    add_product(x, d_y, all_rows, d_matrix, products)


@long_kernel
def read(of_key, of_begin, all_rows, states, start, lengths, keys, means, begin):
    """keys (S, A) and means (B, P) of states (S, P), and states to begin with, begin (B, H).

    of_key and of_begin: panels of a matrix and a bias.
    """
    _affine(states, of_key[0], of_key[1], all_rows, keys)
    pooling.mean(states, start, lengths, means)
    _affine(means, of_begin[0], of_begin[1], all_rows, begin)


@long_kernel
def read_backward(
    panels, all_rows, source, d_begin, d_keys, d_means, d_states, gradients, products
):
    """The way back of :func:`read`: d_states (S, P) and the gradients of both matrices and biases
    are added to.

    panels: both matrices transposed. source: states, means, start, lengths. d_begin (B, H) and
    d_keys (S, A) are read; d_means (B, P) is written.
    """
    of_key, of_begin = panels
    states, means, start, lengths = source
    _affine_backward(states, d_keys, gradients[:2], all_rows, products)
    _affine_backward(means, d_begin, gradients[2:], all_rows, products)
    multiply_rows(d_keys, 0, d_keys.shape[0], of_key, all_rows, d_states, 0, 1)
    multiply_rows(d_begin, 0, d_begin.shape[0], of_begin, all_rows, d_means, 0, 0)
    pooling.mean_backward(start, lengths, d_means, d_states)


@part
def _add_sums(sums, low, n_active, gates, n_gates):
    """What sums of values add to the gates, the last ones."""
    first = gates.shape[1] - n_gates
    for line in range(low, low + n_active):
        add_row(
            gates, n_gates, sums.ctypes.data + line * sums.strides[0],
            gates.ctypes.data + line * gates.strides[0] + first * gates.itemsize,
        )  # fmt: skip


@part
def go_on(cell, matrix, attention, source, target, history, of_attention, h, of_values, places):
    """One label further: arrays as in :func:`forward`.

    places: the first line, how many there are, and where their memories and the next states stand.
    """
    panels, spans = matrix
    of_query, v, all_rows = attention
    states, keys, start, lengths, rows = source
    before, table = target
    inputs, gates, c, tanh_c = history
    queries, shares = of_attention
    values, sums = of_values
    low, n_active, c_before, following = places
    n_hidden, size, has_values = h.shape[1], inputs.itemsize, len(values) > 0
    read, found, first = (values, sums, 0) if has_values else (states, inputs, n_hidden + 1)
    multiply_rows(inputs, low, n_active, of_query, all_rows, queries, low, 0)
    for line in range(low, low + n_active):
        put_row(table, before[line], line, n_hidden, inputs, gates)
        row = rows[line - low]
        _attend(
            read, keys, start, row, lengths[row],
            queries.ctypes.data + line * queries.shape[1] * size, v, shares, line,
            found.ctypes.data + (line * found.shape[1] + first) * size,
        )  # fmt: skip
    multiply_rows(inputs, low, n_active, panels, spans, gates, low, 1)
    if has_values:
        _add_sums(sums, low, n_active, gates, cell.n_gates * n_hidden)
    step.forward(cell, n_active, gates, low, inputs, following, c, c_before, low, tanh_c, h, low)


@inlined
def answer(head, inputs, h, of_values, n_lines, n_gates, all_rows, raw):
    """Raw predictions (L, K) of the first lines: of states, and of contexts or sums of values."""
    of_h, of_context, bias = head
    values, sums = of_values
    _affine(h, of_h, bias, all_rows, raw[:n_lines])
    if len(values) > 0:
        for line in range(n_lines):
            add_row(
                raw, raw.shape[1],
                sums.ctypes.data + line * sums.strides[0] + n_gates * raw.itemsize,
                raw.ctypes.data + line * raw.strides[0],
            )  # fmt: skip
    else:
        context = inputs[:, h.shape[1] + 1 :]
        multiply_rows(context, 0, n_lines, of_context, all_rows, raw, 0, 1)


@long_kernel
def forward(cell, matrix, attention, head, source, target, history, of_attention, h, raw):
    """Raw predictions (L, K) of transcripts whose labels are given.

    matrix: the step matrix as panels, and their spans. attention: panels of the query's matrix
    (H, A), v (A,), and spans of all rows. head: panels of what states and contexts are multiplied
    by, and a bias. source: states (S, P), keys (S, A), start, lengths and rows. target: the start
    of each step's lines, the label before each (L,), and a table (., G) of what labels add to the
    gates. history is that of :mod:`skrnn.kernels.recurrence`, with the states before step 0 in
    place. of_attention: queries (L, A) and shares (L, T). All are written, and the states h (L, H).
    """
    of_step, before, table = target
    no_values = raw[:0], raw[:0]
    c_before = history[2].shape[0] - of_step[1]
    for t in range(of_step.shape[0] - 1):
        low, following = of_step[t], of_step[t + 1]
        go_on(
            cell, matrix, attention, source, (before, table), history, of_attention, h, no_values,
            (low, following - low, c_before, following),
        )  # fmt: skip
        c_before = low
    n_gates = cell.n_gates * h.shape[1]
    answer(head, history[0], h, no_values, len(raw), n_gates, attention[2], raw)


@part
def _attend_backward(
    source, row, n_steps, query, shares, line, d_context, d_keys_and_v, d_shares, d_query
):
    """The way back of :func:`_attend`, but for the gradient of the states it has a mean of.

    query, d_context and d_query are addresses.
    """
    states, keys, start, v = source
    d_keys, d_v = d_keys_and_v
    n_keys, n_states, size = keys.shape[1], states.shape[1], keys.itemsize
    mean = shares.dtype.type(0)
    for j in range(n_steps):
        of_step = states.ctypes.data + (start[j] + row) * n_states * size
        d_shares[j] = dot_of_rows(states, n_states, of_step, d_context)
        mean += shares[line, j] * d_shares[j]
    for j in range(n_steps):
        at_key = (start[j] + row) * n_keys * size
        d_score = shares[line, j] * (d_shares[j] - mean)
        _score_back_of_row(
            keys, n_keys, keys.ctypes.data + at_key, query, v.ctypes.data, d_v.ctypes.data,
            d_keys.ctypes.data + at_key, d_query, d_score,
        )  # fmt: skip


@part
def _queries_backward(
    source, of_rows, lines, queries, shares, d_context, d_keys_and_v, d_shares, d_query
):  # fmt: skip
    """The queries (L, A) of some lines become their gradients."""
    lengths, rows = of_rows
    low, n_lines = lines
    n_keys, size = queries.shape[1], queries.itemsize
    for line in range(low, low + n_lines):
        for a in range(n_keys):
            d_query[a] = 0
        row = rows[line - low]
        _attend_backward(
            source, row, lengths[row], queries.ctypes.data + line * n_keys * size, shares, line,
            d_context.ctypes.data + line * d_context.shape[1] * size, d_keys_and_v, d_shares,
            d_query.ctypes.data,
        )  # fmt: skip
        for a in range(n_keys):
            queries[line, a] = d_query[a]


@part
def _states_backward(source, of_step, shares, d_context, d_states, lines, factors):
    """d_states (S, P) of all contexts that they are part of; lines and factors (U,) are scratch."""
    start, lengths, rows = source
    stride = d_context.shape[1] * d_context.itemsize
    for i in range(len(rows)):
        n_lines, row = 0, rows[i]
        while n_lines < len(lines) and of_step[n_lines + 1] - of_step[n_lines] > i:
            lines[n_lines] = of_step[n_lines] + i
            n_lines += 1
        for j in range(lengths[row]):
            for u in range(n_lines):
                factors[u] = shares[lines[u], j]
            sum_of_lines(
                d_context, d_context.shape[1], n_lines, lines.ctypes.data, d_context.ctypes.data,
                stride, factors.ctypes.data, d_states.ctypes.data + (start[j] + row) * stride,
            )  # fmt: skip


@inlined
def _answer_backward(head, inputs, h, d_raw, d_h, d_context, gradients, all_rows, products):
    """The way back of :func:`answer`; d_h and d_context are written."""
    to_h, to_context = head
    d_of_h, d_of_context, d_bias = gradients
    n_lines, context = d_raw.shape[0], inputs[:, h.shape[1] + 1 :]
    multiply_rows(d_raw, 0, n_lines, to_h, all_rows, d_h, 0, 0)
    multiply_rows(d_raw, 0, n_lines, to_context, all_rows, d_context, 0, 0)
    _affine_backward(h, d_raw, (d_of_h, d_bias), all_rows, products)
    add_product(context, d_raw, all_rows, d_of_context, products)


@long_kernel
def backward(
    cell, matrix, attention, head, source, target, kept, d_raw, d_state, d_source, gradients,
    scratch,
):  # fmt: skip
    """Way back. What is kept, history, queries, shares and h, is used up.

    matrix: as in :func:`skrnn.kernels.recurrence.backward`, and panels of the labels' matrix
    transposed. attention: panels of the query's matrix transposed, v, spans of all rows. head: both
    matrices transposed. target: the start of each step's lines, the label before each, and vectors
    y (D, E) of the labels. d_state: d_h (L + B, H), whose last B lines become the gradient of the
    states before step 0, and d_c (B, H); zeros, but for d_h's first lines. d_source: of states
    (S, P), keys (S, A) and y, written. gradients: of the step matrix, the labels' matrix, the
    query's matrix, v, and the head, added to; matrices may have rows of padding. scratch: of
    contexts (L, P), of the table (D, G), (T,), (A,), (U,) twice, and that of products.
    """
    to_state, to_input, spans, to_label = matrix
    query_to_state, v, all_rows = attention
    states, keys, start, lengths, rows = source
    of_step, before, y = target
    inputs, gates, c, tanh_c, queries, shares, h = kept
    d_h, d_c = d_state
    d_states, d_keys, d_y = d_source
    d_matrix, d_label_matrix, d_query_matrix, d_v, d_head = gradients
    d_context, d_table, d_shares, d_query, lines, factors, products = scratch
    n_lines, n_keys = of_step[-1], queries.shape[1]
    first_input = gates.shape[1] - to_input.shape[1]
    _answer_backward(head, inputs, h, d_raw, d_h, d_context, d_head, all_rows, products)
    for s in range(d_keys.shape[0]):
        for a in range(n_keys):
            d_keys[s, a] = 0
    for t in range(of_step.shape[0] - 2, -1, -1):
        low, n_active = of_step[t], of_step[t + 1] - of_step[t]
        before_it = of_step[t - 1] if t else n_lines
        step.backward(
            cell, n_active, gates, low, inputs, c, before_it, tanh_c, d_h, low, before_it, d_c
        )
        multiply_rows(gates, low, n_active, to_state, all_rows, d_h, before_it, 1)
        multiply_rows(gates[:, first_input:], low, n_active, to_input, all_rows, d_context, low, 1)
        _queries_backward(
            (states, keys, start, v), (lengths, rows), (low, n_active), queries, shares, d_context,
            (d_keys, d_v), d_shares, d_query,
        )  # fmt: skip
        multiply_rows(queries, low, n_active, query_to_state, all_rows, d_h, before_it, 1)
    _states_backward((start, lengths, rows), of_step, shares, d_context, d_states, lines, factors)
    # By now the gates and the queries of all steps have become their gradients.
    add_product(inputs, gates, spans, d_matrix, products)
    add_product(inputs, queries, all_rows, d_query_matrix, products)
    add_to_table(before, gates, d_table)
    table_backward(y, to_label, d_table, d_y, d_label_matrix, all_rows, products)
