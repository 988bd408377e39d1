"""Centre and scale of inputs and targets, weighted, in double precision whatever the data's type.

A weight of two counts as two samples, so weighted data and repeated data are scaled alike.
"""

import numpy as np

# Rows converted to double precision at a time: a float32 X is never copied whole.
_CHUNK = 1 << 16


def _weighted_sum(values, weights, transform):
    total = np.zeros(values.shape[1])
    for first in range(0, len(values), _CHUNK):
        part = transform(values[first : first + _CHUNK].astype(np.float64))
        total += (weights[first : first + _CHUNK, np.newaxis] * part).sum(axis=0)
    return total


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
    total = weights.sum()
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _weighted_sum(values, weights, lambda part: part) / total
        variance = _weighted_sum(values, weights, lambda part: (part - mean) ** 2) / total
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
    values, dtype = sequences.values, sequences.values.dtype
    if per_step:
        table = values.reshape(len(sequences), -1)
        mean, scale = mean_and_scale(table, weights, dtype)
        shape = (-1, sequences.n_features)
    else:
        mean, scale = mean_and_scale(values, np.repeat(weights, sequences.lengths), dtype)
        shape = (1, sequences.n_features)
    return mean.reshape(shape), scale.reshape(shape)


def weighted_quantile(values, weights, level):
    """Smallest value with at least `level` of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    place = np.searchsorted(cumulative, level * cumulative[-1])
    return values[order[min(place, len(values) - 1)]]
