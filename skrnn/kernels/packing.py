"""Sorted rows as packed arrays, so that padding is never computed (equations 2 and 3)."""

from collections import namedtuple

import numpy as np

from skrnn.kernels.jit import kernel

#: Sequences and their standardisation ``(x - center) * scale``, center and scale (1, F) or (T, F).
#: n_steps: the length of all of them, or 0.
SequenceData = namedtuple(
    "SequenceData", "values starts lengths center scale n_steps", defaults=(0,)
)


def step_starts(lengths):
    """start (T + 1,): step t of the sorted rows owns the packed rows start[t] to start[t + 1]."""
    n_rows = len(lengths)
    if lengths[0] == lengths[-1]:
        return np.arange(0, n_rows * lengths[0] + 1, n_rows)
    active = n_rows - np.searchsorted(lengths[::-1], np.arange(lengths[0]), side="right")
    return np.append(0, np.cumsum(active))


@kernel
def mirror(start, lengths):
    """Packed row of each packed row's step counted from its sequence's own end (equation 4)."""
    place = np.empty(start[-1], np.int64)
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            place[start[t] + r] = start[lengths[r] - 1 - t] + r
    return place


@kernel
def gather(data, rows, start):
    """Standardised inputs of the sorted `rows`, packed: x (S, F)."""
    n_features = data.values.shape[1]
    x = np.empty((start[-1], n_features), data.values.dtype)
    per_step = data.center.shape[0] > 1
    for r in range(rows.shape[0]):
        first, length = data.starts[rows[r]], data.n_steps
        if length == 0:  # of a million rows, each look is a miss of the cache
            length = data.lengths[rows[r]]
        for t in range(length):
            s = t if per_step else 0
            for f in range(n_features):
                centered = data.values[first + t, f] - data.center[s, f]
                x[start[t] + r, f] = centered * data.scale[s, f]
    return x


@kernel
def mask_steps(x, start, masks, first):
    """Multiply each step of x (S, D * H) by its sequence's dropout factors, from column `first`."""
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            for j in range(x.shape[1]):
                x[start[t] + r, j] *= masks[r, first + j]
