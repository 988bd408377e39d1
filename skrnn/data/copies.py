"""Equal rows: which rows are copies of each other, and how many samples weighted rows count as.

A weight of two is to be the same as a row that is there twice, and the scale of all weights is not
to matter. So equal rows are found, and their weights joined, before anything is counted (equations
86 to 88 of ``docs/mathematics.md``).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skrnn.data.sequences import Sequences

#: Data of fewer distinct inputs are a table of a few cells, whose rows are samples of their own.
FEW_CELLS = 50
# Numbers hashed at a time.
_CHUNK = 1 << 16
# Weights are looked at for a common divisor up to this multiple of it, and this share of the least.
_MOST_COPIES, _MOST_PARTS = 1 << 20, 64
# The sum of weights at most: squares of it have to be finite, in single precision too.
_MOST_WEIGHT = 1e12


class Copies(NamedTuple):
    """Which rows are equal.

    Attributes
    ----------
    rows : ndarray of shape (n,)
        The same number for rows that are equal in x and y, counted by their first places.
    cells : ndarray of shape (n,)
        The same number for rows that are equal in x.
    """

    rows: np.ndarray
    cells: np.ndarray

    @classmethod
    def of(cls, keys_of_rows, keys_of_cells):
        """The Copies among rows with such keys; None where no two rows are equal in x."""
        cells = _numbered(keys_of_cells)
        return None if len(cells) == cells.max() + 1 else cls(_numbered(keys_of_rows), cells)

    def of_steps(self, lengths):
        """Which steps are equal, of rows of these lengths, in equal rows."""
        return Copies(_of_steps(self.rows, lengths), _of_steps(self.cells, lengths))

    def take(self, some):
        """The Copies among some of the rows; None where no two of these are equal in x."""
        return Copies.of(self.rows[some], self.cells[some])

    def first(self):
        """The first of each set of equal rows."""
        return np.unique(self.rows, return_index=True)[1]


def _of_steps(numbers, lengths):
    """Numbers of the steps of rows with such numbers, counted by the first rows of each number."""
    of_number = lengths[np.unique(numbers, return_index=True)[1]]
    ends = np.cumsum(lengths)
    step = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    return np.repeat((np.cumsum(of_number) - of_number)[numbers], lengths) + step


def find(sequences, targets):
    """The Copies among rows (x, y), or None where no two are equal in x.

    Parameters
    ----------
    sequences : Sequences
    targets : ndarray of shape (n, n_targets), or Sequences of the targets of all steps
    """
    of_x = _hashes(sequences)
    if isinstance(targets, Sequences):
        of_both = of_x ^ _mixed(_hashes(targets))
    else:
        of_both = of_x ^ _mixed(_words(targets)) @ _multipliers(3, targets.shape[1])
    copies = Copies.of(of_both, of_x)
    return copies if copies is None or _are_equal(sequences, targets, copies) else None


def _words(array):
    """The bits of numbers as unsigned integers."""
    array = np.ascontiguousarray(array) + 0.0  # no negative zeros
    if np.isnan(array.sum()):
        array[np.isnan(array)] = np.nan  # which has a sign too
    return array.view(f"u{array.itemsize}").astype(np.uint64, copy=False)


def _mixed(words):
    """Words whose low bits depend on their high ones, which alone differ between small numbers."""
    words = words * np.uint64(0x9E3779B97F4A7C15)
    return words ^ (words >> np.uint64(32))


@lru_cache(maxsize=8)
def _multipliers(seed, n):
    """Odd numbers of 64 bits."""
    random = np.random.RandomState(seed).bytes(8 * n)
    return np.frombuffer(random, np.uint64) | np.uint64(1)


def _hashes(sequences):
    """A number of 64 bits for each sequence, (n,), the same for equal ones."""
    lengths, n_features = sequences.lengths, sequences.n_features
    of_features, of_steps = _multipliers(1, n_features), _multipliers(2, int(lengths.max()))
    found = np.empty(len(lengths), np.uint64)
    size = max(1, _CHUNK // max(1, n_features * int(lengths.mean())))
    for first in range(0, len(lengths), size):
        some = sequences.take(slice(first, first + size))
        ends = np.cumsum(some.lengths)
        starts = ends - some.lengths
        step = np.arange(ends[-1]) - np.repeat(starts, some.lengths)
        of_step = _mixed(_mixed(_words(some.steps())) @ of_features) * of_steps[step]
        found[first : first + size] = np.add.reduceat(of_step, starts)
    return found ^ _mixed(lengths.astype(np.uint64))


def _numbered(keys):
    """Numbers of equal keys in the order of their first places."""
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    order = np.empty_like(first)
    order[np.argsort(first)] = np.arange(len(first))
    return order[number.ravel()]


def _are_equal(sequences, targets, copies):
    """Whether rows of one number are equal indeed; one hash for two rows is one in 10^19."""
    first = copies.first()
    others = np.setdiff1d(np.arange(len(sequences)), first)
    twins = first[copies.rows[others]]
    one, other = sequences.take(others), sequences.take(twins)
    return (
        np.array_equal(one.lengths, other.lengths)
        and np.array_equal(one.steps(), other.steps(), equal_nan=sequences.has_gaps)
        and np.array_equal(_of_rows(targets, others), _of_rows(targets, twins))
    )


def _of_rows(targets, rows):
    return targets.take(rows).steps() if isinstance(targets, Sequences) else targets[rows]


# What weighted rows count as


def left_out(copies, joined):
    """How much of each joined row is left out when it predicts itself, (n_rows,).

    All of it, or it would help to predict itself. But where one x has several y, as in tables of
    categories, to leave out all rows of one y would turn the others against it. There one row is
    left out, which is the common divisor of all joined weights.

    Parameters
    ----------
    copies : Copies or None
    joined : ndarray of shape (n_rows,)
        The weights of equal rows together.
    """
    if copies is None:
        return joined
    cells = copies.cells[copies.first()]
    has_several = np.bincount(cells)[cells] > 1
    return np.where(has_several, _unit(joined), joined)


def _unit(weights):
    """The largest number that divides all weights; the smallest weight if there is none."""
    smallest = weights.min()
    ratios = weights / smallest
    for parts in range(1, _MOST_PARTS + 1):
        multiples = ratios * parts
        nearest = np.round(multiples)
        if nearest.max() < _MOST_COPIES and np.abs(multiples - nearest).max() < 1e-6:
            return smallest / parts
    return smallest


def counted(copies, weights):
    """Weights (n,) whose sum is the number of samples that the rows count as.

    Copies add nothing to distinct rows, nor do weights: data are worth ``(sum w)^2 / sum w o``
    samples of equal weight, o what is left out of each joined row. Where distinct inputs are few,
    every row is a sample, and a weight is as many as it says, unless weights are below one.

    Parameters
    ----------
    copies : Copies or None
    weights : ndarray of shape (n,)
        Positive.
    """
    total = weights.sum()
    w = np.ldexp(weights, -np.frexp(weights.max())[1])  # exact, and squares are finite
    if len(w) < FEW_CELLS or (copies is not None and copies.cells.max() + 1 < FEW_CELLS):
        n_samples = max(total, _n_equal(w, w))
    elif copies is None:
        n_samples = _n_equal(w, w)
    else:
        joined = np.bincount(copies.rows, w)
        n_samples = _n_equal(joined, left_out(copies, joined))
    n_samples = min(n_samples, _MOST_WEIGHT)
    return weights if n_samples == total else w * (n_samples / w.sum())


def _n_equal(weights, amounts):
    """How many samples of equal weight are worth as much."""
    total = weights.sum()
    return total * (total / (weights @ amounts))


def together(sequences, targets, copies, weights):
    """Numbers (n,) of the sets of rows that are to be held out together: copies, or single rows.

    A table of a few cells has rows that are samples of their own. But fewer rows than
    :data:`FEW_CELLS` are told apart by their numbers, and counted in the order of these, so that
    weights are copies there too.
    """
    n = len(weights)
    if n >= FEW_CELLS and (copies is None or copies.cells.max() + 1 < FEW_CELLS):
        return np.arange(n)
    group = np.arange(n)
    if copies is not None:
        joined = np.bincount(copies.rows, weights)
        is_copy = (left_out(copies, joined) == joined)[copies.rows]
        group = _numbered(np.where(is_copy, copies.rows, n + np.arange(n)))
    return group if n >= FEW_CELLS else _sorted(sequences, targets, group)


def _sorted(sequences, targets, group):
    """Numbers of the same groups in the order of the numbers in their rows, whatever the units."""
    first = np.unique(group, return_index=True)[1]
    rows = sorted(
        range(len(first)),
        key=lambda i: (
            np.nan_to_num(sequences.take(first[i : i + 1]).steps().ravel(), nan=-np.inf).tolist(),
            _of_rows(targets, first[i : i + 1]).ravel().tolist(),
        ),
    )
    return np.argsort(rows)[group]
