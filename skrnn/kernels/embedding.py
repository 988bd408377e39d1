"""Rows of an embedding table for the tokens of sequences, and back (equations 104 and 105).

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
def on_timeline(data, rows, start, tokens):
    """tokens (S,): those of the sorted `rows`."""
    for r in range(rows.shape[0]):
        first = data.starts[rows[r]]
        for t in range(data.lengths[rows[r]]):
            tokens[start[t] + r] = data.values[first + t, 0]


@kernel
def backward(tokens, places, d_x, d_table):
    """Add d_x (S, E) to d_table (., E), a row for each number of a token, line by line."""
    for s in range(tokens.shape[0]):
        place = places[tokens[s]]
        for j in range(d_x.shape[1]):
            d_table[place, j] += d_x[s, j]
