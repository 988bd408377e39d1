"""Rows of an embedding table for the tokens of sequences, and back (equations 104 and 105).

Only the rows of tokens that a batch has are touched, so the cost is that of the batch, whatever the
number of tokens there are. `data` is a SequenceData whose values (., 1) are numbers of tokens.

Where tokens come again and again, what a vector adds to the gates of a layer is found once for each
token of a tile: vectors y (D, E) times W are a table (D, G).
"""

import numpy as np

from skrnn.kernels.instructions import add_row
from skrnn.kernels.jit import inlined, kernel, long_kernel, part
from skrnn.kernels.matmul import add_product, multiply_rows


@kernel
def distinct(data, rows, places, tokens):
    """Number the tokens of some sequences in the order in which they come; how many there are.

    places (V,): -1 of every token before, its number after; tokens (V,): the token of each number.
    """
    n = 0
    for r in range(rows.shape[0]):
        first = data.starts[rows[r]]
        for t in range(data.lengths[rows[r]]):
            token = data.values[first + t, 0]
            if places[token] < 0:
                places[token], tokens[n] = n, token
                n += 1
    return n


@kernel
def on_timeline(data, rows, start, tokens):
    """tokens (S,): those of the sorted `rows`."""
    for r in range(rows.shape[0]):
        first = data.starts[rows[r]]
        for t in range(data.lengths[rows[r]]):
            tokens[start[t] + r] = data.values[first + t, 0]


@kernel
def number(tokens, places, labels, numbers):
    """Number some tokens (S,) in the order in which they come, numbers (S,); how many there are.

    places (V,): -1 of every token before, its number after; labels (V,): the token of each number.
    """
    n = 0
    for s in range(tokens.shape[0]):
        token = tokens[s]
        if places[token] < 0:
            places[token], labels[n] = n, token
            n += 1
        numbers[s] = places[token]
    return n


@kernel
def before_answers(targets, answers, n_rows, end, before):
    """The label before each of some answers (L,), the target (., 1) of the answer before it, and
    the end before the first answers, of which there are n_rows.
    """
    for a in range(answers.shape[0]):
        before[a] = np.intp(targets[answers[a] - 1, 0]) if a >= n_rows else end


@part
def add_to_table(places, gates, d_table):
    """d_table (D, G): sums of gradients of the gates (L, .) that read inputs, of each row's lines.

    places (L,): the row of each line.
    """
    n_gates, size = d_table.shape[1], d_table.itemsize
    first = gates.ctypes.data + (gates.shape[1] - n_gates) * size
    for n in range(d_table.shape[0]):
        for g in range(n_gates):
            d_table[n, g] = 0
    for line in range(places.shape[0]):
        add_row(
            d_table, n_gates, first + line * gates.strides[0],
            d_table.ctypes.data + places[line] * n_gates * size,
        )  # fmt: skip


@inlined
def table_backward(y, to_y, d_table, d_y, d_matrix, all_rows, products):
    """d_y (D, E) is written, the matrix's gradient added to; to_y: panels of it transposed."""
    multiply_rows(d_table, 0, y.shape[0], to_y, all_rows, d_y, 0, 0)
    add_product(y, d_table, all_rows, d_matrix, products)


@long_kernel
def gates_backward(places, y, to_y, gates, d_table, d_y, d_matrix, all_rows, products):
    """The way back from gradients of gates (L, .): both of the above."""
    add_to_table(places, gates, d_table)
    table_backward(y, to_y, d_table, d_y, d_matrix, all_rows, products)


@kernel
def backward(tokens, places, d_x, d_table):
    """Add d_x (S, E) to d_table (., E), a row for each number of a token, line by line."""
    for s in range(tokens.shape[0]):
        place = places[tokens[s]]
        for j in range(d_x.shape[1]):
            d_table[place, j] += d_x[s, j]
