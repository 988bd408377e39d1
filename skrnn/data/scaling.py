"""Centre and scale of inputs and targets, weighted, in double precision whatever the data's type.

A weight of two counts as two samples, so weighted data and repeated data are scaled alike.
"""

from itertools import pairwise

import numpy as np

# Numbers converted to double precision at a time: X is never copied whole.
_CHUNK = 1 << 15


def _weighted_sum(parts, transform):
    return sum((w[:, np.newaxis] * transform(x.astype(np.float64))).sum(axis=0) for x, w in parts())


def mean_and_scale(values, weights, dtype):
    """Weighted mean and standard deviation of columns; a constant column has scale one.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)
    weights : ndarray of shape (n,)
    dtype : dtype
        The precision of the numbers: what differs by rounding only is constant, and the
        reciprocal of a scale is finite in it.

    Returns
    -------
    mean, scale : ndarray of shape (n_columns,)
        In double precision.

    Raises
    ------
    OverflowError
        If a variance is beyond double precision.
    """
    weights = np.asarray(weights, dtype=np.float64)

    def parts():
        size = max(1, _CHUNK // values.shape[1])
        for first in range(0, len(values), size):
            yield values[first : first + size], weights[first : first + size]

    return _mean_and_scale(parts, weights.sum(), dtype)


def _mean_and_scale(parts, total, dtype):
    """The same of parts (values, weights) of the rows; total: of all weights."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _weighted_sum(parts, lambda part: part) / total
        variance = _weighted_sum(parts, lambda part: (part - mean) ** 2) / total
    if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
        raise OverflowError("the variance of the values is beyond double precision")
    scale = np.sqrt(variance)
    info = np.finfo(dtype)
    constant = (scale <= 10 * info.eps * np.abs(mean)) | (scale < 10 * info.tiny)
    return mean, np.where(constant, 1.0, scale)


def sequence_scaling(sequences, weights, per_step):
    """Mean and scale of sequences.

    Parameters
    ----------
    sequences : Sequences
    weights : ndarray of shape (n,)
    per_step : bool
        Each step on its own (the columns of a plain table), or each feature over all steps.

    Returns
    -------
    mean, scale : ndarray of shape (T, n_features) or (1, n_features)
    """
    n_features, lengths = sequences.n_features, sequences.lengths
    weights = np.asarray(weights, dtype=np.float64)
    ends = np.cumsum(lengths * n_features) // _CHUNK
    cuts = [0, *(np.flatnonzero(ends[1:] > ends[:-1]) + 1), len(lengths)]

    def parts():
        for first, last in pairwise(cuts):
            rows = slice(first, last)
            some = sequences.take(rows)
            if per_step:
                yield some.steps().reshape(len(some), -1), weights[rows]
            else:
                yield some.steps(), np.repeat(weights[rows], some.lengths)

    total = weights.sum() if per_step else weights @ lengths
    mean, scale = _mean_and_scale(parts, total, sequences.values.dtype)
    return mean.reshape(-1, n_features), scale.reshape(-1, n_features)
