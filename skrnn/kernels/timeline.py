"""Sorted rows as timeline arrays, so that padding is never computed (equations 2 to 4)."""

from collections import namedtuple

from skrnn.kernels.jit import kernel

#: Sequences and their standardisation ``(x - center) * scale``, center and scale (1, F) or (T, F).
#: n_steps: the length of all of them, or 0.
SequenceData = namedtuple(
    "SequenceData", "values starts lengths center scale n_steps", defaults=(0,)
)


@kernel
def mirror(start, lengths, line):
    """line (S,): for each line, the line of the mirrored step of the same sequence."""
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            line[start[t] + r] = start[lengths[r] - 1 - t] + r


@kernel
def gather(data, rows, start, x):
    """x (S, F): the standardised inputs of the sorted `rows`."""
    n_features = data.values.shape[1]
    per_step = data.center.shape[0] > 1
    for r in range(rows.shape[0]):
        first, length = data.starts[rows[r]], data.n_steps
        if length == 0:  # with a million rows each look-up is a cache miss
            length = data.lengths[rows[r]]
        for t in range(length):
            s = t if per_step else 0
            for f in range(n_features):
                centered = data.values[first + t, f] - data.center[s, f]
                x[start[t] + r, f] = centered * data.scale[s, f]


@kernel
def mask_steps(x, start, masks, first):
    """Multiply each step of x (S, D * H) by its sequence's dropout factors, from column `first`."""
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            for j in range(x.shape[1]):
                x[start[t] + r, j] *= masks[r, first + j]
