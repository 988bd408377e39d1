"""Missing values: which features have gaps in ``fit``, and what the model reads in their place.

A gap in a series is filled with the last value before it, and two *marks*, further features of each
step, say whether there is a gap and how long ago that value was. A plain table has no before, so
there a further column says whether there is a gap. What has no value to carry forward stays NaN,
which the network and the linear path read as the mean (equations 90 to 93 of
``docs/mathematics.md``). Marks stand first. They are centred, but not standardised: the
rarer a gap, the less is learnt of it by chance.
"""

from dataclasses import replace

import numpy as np

from skrnn.data.sequences import Sequences


def with_gaps(sequences, per_step):
    """Features that have gaps.

    Parameters
    ----------
    sequences : Sequences
    per_step : bool
        Whether each step is a column of a plain table, and counts as a feature.

    Returns
    -------
    tuple of int
        Their indices, ascending.
    """
    if not sequences.has_gaps:
        return ()
    return tuple(np.flatnonzero(_missing(sequences, per_step).any(axis=0)).tolist())


def n_marks(gaps, per_step):
    """How many marks an observation of a series has, or a row of a table."""
    return len(gaps) if per_step else 2 * len(gaps)


def observed(sequences, per_step):
    """Whether each sequence has a value of each feature (n, F), or of each column (n, T)."""
    missing = _missing(sequences, per_step)
    if per_step:
        return ~missing
    starts = np.cumsum(sequences.lengths) - sequences.lengths
    return ~np.logical_and.reduceat(missing, starts, axis=0)


def _missing(sequences, per_step):
    missing = np.isnan(sequences.steps())
    return missing.reshape(len(sequences), -1) if per_step else missing


def marked(sequences, gaps, per_step):
    """Sequences as a model reads them: gaps filled where that can be, and marked.

    Parameters
    ----------
    sequences : Sequences
    gaps : tuple of int
        Features whose gaps are marked, as :func:`with_gaps` gave them in ``fit``. Gaps in others
        are filled alike.
    per_step : bool

    Returns
    -------
    Sequences
        The same where there is nothing to do.
    """
    if per_step:
        return _table(sequences, gaps) if gaps else sequences
    return _series(sequences, gaps) if gaps or sequences.has_gaps else sequences


def _table(sequences, gaps):
    rows = sequences.steps().reshape(len(sequences), -1)
    rows = np.hstack([np.isnan(rows[:, list(gaps)]), rows], dtype=rows.dtype)
    found = Sequences.from_array(rows[:, :, np.newaxis])
    return replace(found, has_gaps=sequences.has_gaps, n_marks=len(gaps))


def _series(sequences, gaps):
    values, lengths = sequences.steps().copy(), sequences.lengths
    starts = np.cumsum(lengths) - lengths
    first, line = np.repeat(starts, lengths), np.arange(len(values))
    marks = np.zeros((2, len(gaps), len(values)), values.dtype)
    for feature in np.flatnonzero(np.isnan(values).any(axis=0)).tolist():
        missing = np.isnan(values[:, feature])
        last = np.maximum.accumulate(np.where(missing, -1, line))
        values[:, feature] = np.where(last < first, np.nan, values[last, feature])
        if feature in gaps:
            since = line - np.maximum(last, first - 1)
            marks[:, gaps.index(feature)] = missing, np.log1p(since)
    values = np.hstack([marks.reshape(-1, len(values)).T, values])
    return Sequences(values, starts, lengths, sequences.has_gaps, 2 * len(gaps))


def backward(sequences, gaps, per_step, gradient):
    """The gradient of values as they are, of that of what :func:`marked` has made of them.

    What a gap reads counts to the value that was carried there. A gap itself has none, zero,
    because there is nothing in it that could change; nor do marks.

    Parameters
    ----------
    sequences, gaps, per_step : as in :func:`marked`
        The sequences end to end.
    gradient : ndarray of shape (total, n_features with marks)

    Returns
    -------
    ndarray of shape (total, n_features)
    """
    missing = np.isnan(sequences.values)
    if per_step:
        rows = gradient.reshape(len(sequences), -1)
        found = rows[:, n_marks(gaps, True) :].reshape(missing.shape).copy()
    else:
        found = gradient[:, n_marks(gaps, False) :].copy()
        first, line = np.repeat(sequences.starts, sequences.lengths), np.arange(len(missing))
        for feature in np.flatnonzero(missing.any(axis=0)).tolist():
            last = np.maximum.accumulate(np.where(missing[:, feature], -1, line))
            filled = np.flatnonzero(missing[:, feature] & (last >= first))
            np.add.at(found[:, feature], last[filled], found[filled, feature])
    found[missing] = 0.0
    return found
