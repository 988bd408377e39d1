"""Centre and scale of inputs and targets, weighted, in double precision whatever the data's type.

A weight of two counts as two samples, so weighted data and repeated data are scaled alike.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Numbers converted to double precision at a time: X is never copied whole.
_CHUNK = 1 << 15
#: Rows of which a column's scale is learnt. Of so many it is known to one part in eight.
ENOUGH = 32


class SpreadError(OverflowError):
    """A variance beyond double precision, of the column of that number."""

    def __init__(self, column):
        super().__init__(f"the variance of column {column} is beyond double precision")
        self.column = column


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and variance of columns, which further rows may be added to.

    All arrays have the shape of the scales that are wanted.

    Attributes
    ----------
    mean, variance : ndarray
        Weighted.
    weight : ndarray
        Of the rows they are of.
    n_rows : ndarray
        How many rows these are; equal ones count once.
    """

    mean: np.ndarray
    variance: np.ndarray
    weight: np.ndarray
    n_rows: np.ndarray

    @classmethod
    def of(cls, mean, variance, weight, n_rows):
        """Moments of a first batch, whose weight and rows are numbers."""
        return cls(mean, variance, np.full(mean.shape, weight), np.full(mean.shape, float(n_rows)))

    def scale(self, dtype):
        """The standard deviation, one where the column is constant in that precision."""
        return _scale(self.mean, self.variance, dtype)

    @property
    def are_settled(self):
        """Whether every column has been learnt."""
        return bool((self.n_rows >= ENOUGH).all())

    def without_constants(self, dtype):
        """The same, but what has been constant so far counts as half of :data:`ENOUGH` at most.

        So the scale of a column that varies late is learnt of the rows that come then.
        """
        most = np.where(is_constant(self.mean, self.variance, dtype), ENOUGH / 2, np.inf)
        n_rows = np.minimum(self.n_rows, most)
        return Moments(self.mean, self.variance, self.weight * (n_rows / self.n_rows), n_rows)

    def merged(self, other):
        """The moments of both batches together, in columns that are not settled yet.

        A batch counts by the weight of its rows, however long they are.

        Raises
        ------
        SpreadError
            If a variance is beyond double precision.
        """
        weight = self.weight + other.weight
        share = other.weight / weight
        with np.errstate(all="ignore"):
            difference = other.mean - self.mean
            between = share * (1.0 - share) * difference**2
            mean = self.mean + share * difference
            variance = (1.0 - share) * self.variance + share * other.variance + between
        _require_finite(mean, variance)
        found = Moments(mean, variance, weight, self.n_rows + other.n_rows)
        settled = self.n_rows >= ENOUGH
        pairs = zip(vars(self).values(), vars(found).values(), strict=True)
        return Moments(*(np.where(settled, before, now) for before, now in pairs))


def is_constant(mean, variance, dtype):
    """Whether columns differ by rounding only, or by less than has a reciprocal, in `dtype`."""
    scale, info = np.sqrt(variance), np.finfo(dtype)
    return (scale <= 10 * info.eps * np.abs(mean)) | (scale < 10 * info.tiny)


def _scale(mean, variance, dtype):
    return np.where(is_constant(mean, variance, dtype), 1.0, np.sqrt(variance))


def _require_finite(mean, variance):
    finite = np.isfinite(mean) & np.isfinite(variance)
    if not finite.all():
        raise SpreadError(int(np.argmin(finite)))


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
    SpreadError
        If a variance is beyond double precision.
    """
    mean, variance = mean_and_variance(values, weights)
    return mean, _scale(mean, variance, dtype)


def mean_and_variance(values, weights):
    """Weighted mean and variance of columns (n_columns,), as :func:`mean_and_scale`."""
    weights = np.asarray(weights, dtype=np.float64)

    def parts():
        size = max(1, _CHUNK // values.shape[1])
        for first in range(0, len(values), size):
            yield values[first : first + size], weights[first : first + size]

    return _mean_and_variance(parts, weights.sum())


def _mean_and_variance(parts, total):
    """The same of parts (values, weights) of the rows; total: of all weights."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _weighted_sum(parts, lambda part: part) / total
        variance = _weighted_sum(parts, lambda part: (part - mean) ** 2) / total
    _require_finite(mean, variance)
    return mean, variance


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
    mean, variance = sequence_mean_and_variance(sequences, weights, per_step)
    return mean, _scale(mean, variance, sequences.values.dtype)


def sequence_mean_and_variance(sequences, weights, per_step):
    """Mean and variance of sequences, as :func:`sequence_scaling`."""
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
    mean, variance = _mean_and_variance(parts, total)
    return mean.reshape(-1, n_features), variance.reshape(-1, n_features)
