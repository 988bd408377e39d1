"""Centre and scale of inputs and targets, weighted, in double precision whatever the data's type.

A weight of two counts as two samples, so weighted data and repeated data are scaled alike.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Numbers converted to double precision at a time: X is never copied whole.
_CHUNK = 1 << 15
# What the variance of marks counts as: they are read in their own unit, those of a table in a third
# of it. With standardised ones net and path take the chance in them for signal (docs/accuracy.md).
_OF_MARKS, _OF_TABLE_MARKS = 1.0, 9.0
# The variance of a column without values: whatever comes in it later is read as zero.
_UNSEEN = 1e200
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
        """Moments of a first batch, whose weight and rows are numbers, or one for each column."""
        weight, n_rows = (np.array(one, float).reshape(-1) for one in (weight, n_rows))
        shape = mean.shape
        return cls(mean, variance, *(np.resize(one, shape) for one in (weight, n_rows)))

    def scale(self, dtype, origins=None):
        """The standard deviation, one where the column is constant in that precision.

        origins are as in :func:`sequence_scaling`.
        """
        return _scale(self.mean, _of_origins(self.variance, origins), dtype)

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
        weight = self.weight * (n_rows / np.maximum(self.n_rows, 1.0))
        return Moments(self.mean, self.variance, weight, n_rows)

    def merged(self, other):
        """The moments of both batches together, in columns that are not settled yet.

        A batch counts by the weight of its rows, however long they are.

        Raises
        ------
        SpreadError
            If a variance is beyond double precision.
        """
        weight = self.weight + other.weight
        share = other.weight / np.where(weight > 0.0, weight, 1.0)
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
    """Mean and variance of rows in parts, (values, weights), whose weights sum to `total`."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _weighted_sum(parts, lambda part: part) / total
        if np.isnan(mean).any():
            return _of_observed(parts)
        variance = _weighted_sum(parts, lambda part: (part - mean) ** 2) / total
    _require_finite(mean, variance)
    return mean, variance


def _of_origins(variance, origins):
    """The variances (T, F) of all columns of one origin together, for each of them.

    So the indicators of a category spread as one column of numbers does, and rare ones are small:
    a penalty then holds them back the more, the fewer samples there are to learn of.
    """
    if origins is None:
        return variance
    return np.stack([np.bincount(origins, one)[origins] for one in variance.T], axis=1)


def _of_observed(parts):
    """Mean and variance of the values that are there; a column may be without any."""
    seen = sum((w[:, np.newaxis] * ~np.isnan(x)).sum(axis=0) for x, w in parts())
    total = np.where(seen > 0.0, seen, 1.0)
    mean = _weighted_sum(parts, _zero_for_nan) / total
    variance = _weighted_sum(parts, lambda part: _zero_for_nan((part - mean) ** 2)) / total
    _require_finite(mean, variance)
    return mean, np.where(seen > 0.0, variance, _UNSEEN)


def _zero_for_nan(part):
    return np.where(np.isnan(part), 0.0, part)


def sequence_scaling(sequences, weights, origins):
    """Mean and scale of sequences.

    Parameters
    ----------
    sequences : Sequences
    weights : ndarray of shape (n,)
    origins : ndarray of shape (T,) or None
        Of a plain table, each of whose steps has a mean of its own, the column that each step came
        from, as those of a category do; they have one scale. None: each feature over all steps.

    Returns
    -------
    mean, scale : ndarray of shape (T, n_features) or (1, n_features)
    """
    mean, variance = sequence_mean_and_variance(sequences, weights, origins is not None)
    return mean, _scale(mean, _of_origins(variance, origins), sequences.values.dtype)


def sequence_mean_and_variance(sequences, weights, per_step):
    """Mean and variance of sequences, of each step or, as :func:`sequence_scaling`, over all; marks
    count as of another.
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
    mean, variance = _mean_and_variance(parts, total)
    variance[: sequences.n_marks] = _OF_TABLE_MARKS if per_step else _OF_MARKS
    return mean.reshape(-1, n_features), variance.reshape(-1, n_features)
