"""A decoder with attention, through time (equations 138 to 146).

It writes a transcript label by label: at each step the state before asks all steps of its source
row, their mean by what they answer is the *context*, and the cell reads the label before and the
context. The inputs of its step matrix are ``[h, 1, y, context]``; so products, gates and gradients
are those of :mod:`skrnn.kernels.recurrence`.

The labels of some rows are a timeline of their own, the longest transcript first, so `rows` says
which source row each of them belongs to. A source row's step j is the line ``start[j] + row``.
"""

import numpy as np

from skrnn.kernels import step
from skrnn.kernels.activations import exp_to_one, tanh
from skrnn.kernels.instructions import (
    add_multiple_of_row,
    dot_of_rows,
    instruction,
    row_instruction,
    sum_of_lines,
)
from skrnn.kernels.jit import long_kernel, part
from skrnn.kernels.matmul import add_transposed_product, multiply_rows
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


@part
def _add_sums(sums, low, n_active, gates, n_gates):
    """What sums of values add to the gates, the last ones."""
    first = gates.shape[1] - n_gates
    for line in range(low, low + n_active):
        for g in range(n_gates):
            gates[line, first + g] += sums[line, g]


@long_kernel
def forward(cell, matrix, attention, source, target, history, of_attention, h, of_values):
    """Write transcripts whose labels are given.

    matrix: the step matrix as panels, and their spans. attention: panels of the query's matrix
    (H, A), v (A,), and spans of all rows. source: states (S, P), keys (S, A), start, lengths and
    rows. target: the start of each step's lines, and vectors y (L, E) of the labels before. history
    is that of :mod:`skrnn.kernels.recurrence`, with the states before step 0 in place.
    of_attention: queries (L, A) and shares (L, T). All are written, and the states h (L, H).

    of_values: values (S, G + K) of the source's steps, what each adds to the gates that read inputs
    and to raw predictions, and their sums (L, G + K), which are written. Where there are some, no
    context is found, and the spans leave it out; where there are none, both have no lines.
    """
    panels, spans = matrix
    of_query, v, all_rows = attention
    states, keys, start, lengths, rows = source
    of_step, y = target
    inputs, gates, c, tanh_c = history
    queries, shares = of_attention
    values, sums = of_values
    n_hidden, n_embedded, size = h.shape[1], y.shape[1], inputs.itemsize
    has_values, first_state = len(values) > 0, n_hidden + 1 + n_embedded
    read, found, first = (values, sums, 0) if has_values else (states, inputs, first_state)
    c_before = c.shape[0] - of_step[1]
    for t in range(of_step.shape[0] - 1):
        low, n_active = of_step[t], of_step[t + 1] - of_step[t]
        multiply_rows(inputs, low, n_active, of_query, all_rows, queries, low, 0)
        for line in range(low, low + n_active):
            inputs[line, n_hidden] = 1
            for e in range(n_embedded):
                inputs[line, n_hidden + 1 + e] = y[line, e]
            row = rows[line - low]
            _attend(
                read, keys, start, row, lengths[row],
                queries.ctypes.data + line * queries.shape[1] * size, v, shares, line,
                found.ctypes.data + (line * found.shape[1] + first) * size,
            )  # fmt: skip
        multiply_rows(inputs, low, n_active, panels, spans, gates, low, 0)
        if has_values:
            _add_sums(sums, low, n_active, gates, cell.n_gates * n_hidden)
        step.forward(
            cell, n_active, gates, low, inputs, of_step[t + 1], c, c_before, low, tanh_c, h, low
        )
        c_before = low


@part
def _attend_backward(
    source, row, n_steps, query, shares, line, d_context, d_source, d_shares, d_query
):
    """The way back of :func:`_attend`; query, d_context and d_query are addresses."""
    states, keys, start, v = source
    d_states, d_keys, d_v = d_source
    n_keys, n_states, size = keys.shape[1], states.shape[1], keys.itemsize
    mean = shares.dtype.type(0)
    for j in range(n_steps):
        of_step = states.ctypes.data + (start[j] + row) * n_states * size
        d_of_step = d_states.ctypes.data + (start[j] + row) * n_states * size
        d_shares[j] = dot_of_rows(states, n_states, of_step, d_context)
        mean += shares[line, j] * d_shares[j]
        add_multiple_of_row(states, n_states, d_context, d_of_step, shares[line, j])
    for j in range(n_steps):
        at_key = (start[j] + row) * n_keys * size
        d_score = shares[line, j] * (d_shares[j] - mean)
        _score_back_of_row(
            keys, n_keys, keys.ctypes.data + at_key, query, v.ctypes.data, d_v.ctypes.data,
            d_keys.ctypes.data + at_key, d_query, d_score,
        )  # fmt: skip


@long_kernel
def backward(
    cell, matrix, attention, source, of_step, history, of_attention, d_states_after, d_inputs,
    d_source, gradients, scratch,
):  # fmt: skip
    """Way back. The history is used up, and queries become their gradients.

    matrix: as in :func:`skrnn.kernels.recurrence.backward`. attention: panels of the query's matrix
    transposed, v, spans of all rows. d_states_after: d_h (L + B, H) of the states from outside,
    whose last B lines, zeros, become the gradient of the states before step 0, and d_c (B, H),
    zeros. d_inputs: d_y (L, E) is written, and d_context (L, P), of the contexts from outside, is
    used up; d_x (L, E + P) is scratch. d_source: of states (S, P) and keys (S, A), added to.
    gradients: of the step matrix, of the query's matrix (with rows of padding), of v: added to.
    scratch: (T,) and (A,), and of products twice.
    """
    to_state, to_input, spans = matrix
    query_to_state, v, all_rows = attention
    states, keys, start, lengths, rows = source
    inputs, gates, c, tanh_c = history
    queries, shares = of_attention
    d_h, d_c = d_states_after
    d_y, d_context, d_x = d_inputs
    d_states, d_keys = d_source
    d_matrix, d_query_matrix, d_v = gradients
    d_shares, d_query, products, query_products = scratch
    n_embedded, n_states, n_lines, size = d_y.shape[1], d_context.shape[1], of_step[-1], v.itemsize
    n_keys, first_input = queries.shape[1], gates.shape[1] - to_input.shape[1]
    for t in range(of_step.shape[0] - 2, -1, -1):
        low, n_active = of_step[t], of_step[t + 1] - of_step[t]
        before = of_step[t - 1] if t else n_lines
        step.backward(cell, n_active, gates, low, inputs, c, before, tanh_c, d_h, low, before, d_c)
        multiply_rows(gates, low, n_active, to_state, all_rows, d_h, before, 1)
        multiply_rows(gates[:, first_input:], low, n_active, to_input, all_rows, d_x, low, 0)
        for line in range(low, low + n_active):
            for e in range(n_embedded):
                d_y[line, e] = d_x[line, e]
            for p in range(n_states):
                d_context[line, p] += d_x[line, n_embedded + p]
            for a in range(n_keys):
                d_query[a] = 0
            row = rows[line - low]
            _attend_backward(
                (states, keys, start, v), row, lengths[row],
                queries.ctypes.data + line * n_keys * size, shares, line,
                d_context.ctypes.data + line * n_states * size, (d_states, d_keys, d_v), d_shares,
                d_query.ctypes.data,
            )  # fmt: skip
            for a in range(n_keys):
                queries[line, a] = d_query[a]
        multiply_rows(queries, low, n_active, query_to_state, all_rows, d_h, before, 1)
    add_transposed_product(inputs, gates, 0, n_lines, spans, d_matrix, products[0], products[1])
    add_transposed_product(
        inputs, queries, 0, n_lines, all_rows, d_query_matrix, query_products[0], query_products[1]
    )
