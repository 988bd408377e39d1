"""Rows of an embedding table for the tokens of sequences, and back (equations 95 and 96).

Only the rows of tokens that a batch has are touched, so the cost is that of the batch, whatever the
number of tokens there are. `data` is a SequenceData whose values (., 1) are numbers of tokens.
"""

from skrnn.kernels.jit import kernel


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
def forward(data, rows, start, table, x):
    """x (S, E): the rows of the table (V, E) for each step of the sorted `rows`."""
    for r in range(rows.shape[0]):
        first = data.starts[rows[r]]
        for t in range(data.lengths[rows[r]]):
            token = data.values[first + t, 0]
            for j in range(x.shape[1]):
                x[start[t] + r, j] = table[token, j]


@kernel
def backward(data, rows, start, places, d_x, d_table):
    """Add d_x (S, E) to d_table (., E), which has a row for each number of a token."""
    for r in range(rows.shape[0]):
        first = data.starts[rows[r]]
        for t in range(data.lengths[rows[r]]):
            place = places[data.values[first + t, 0]]
            for j in range(d_x.shape[1]):
                d_table[place, j] += d_x[start[t] + r, j]
