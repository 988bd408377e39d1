"""Curves of a table's columns, which make an additive model of its linear path.

What a number does to a target often levels off, or turns. So each column may have further inputs,
each of which rises from zero to one between two quantiles of the column (piecewise linear encoding:
Gorishniy, Rubachev and Babenko, 2022). A linear map of all of them is a sum of piecewise linear
functions, one of each column (equations 126 and 127). Whether they pay is decided by left-out
predictions (:mod:`skrnn.linear.path`).
"""

from dataclasses import dataclass

import numpy as np

# Inputs of a column, and of all columns together, at most.
_MOST, _MOST_OF_ALL = 6, 1024
#: How high the inputs of a fit rise: the higher, the less a penalty draws to a straight line.
HEIGHT = 2.0
# Quantiles nearer than this, in standard deviations, may differ by rounding. A column that spreads
# by less than one is constant, because its variance would be one.
_APART, _LEAST_SPREAD = 1e-4, 1.0
# The part of a weight by which rounding may miss a quantile.
_ROUND_OFF = 1e-9


@dataclass(frozen=True, eq=False)
class Curves:
    """Further inputs that rise between two values of a column.

    Attributes
    ----------
    columns : tuple of int
        The column of each.
    starts, ends : ndarray of shape (n_rises,)
        Where they begin and end to rise, for standardised columns.
    """

    columns: tuple
    starts: np.ndarray
    ends: np.ndarray

    def rises(self, flat):
        """Further inputs (n, n_rises) of standardised columns (n, p)."""
        with np.errstate(over="ignore"):
            risen = (flat[:, list(self.columns)] - self.starts) / (self.ends - self.starts)
        return np.clip(risen, 0.0, 1.0)

    def slopes(self, flat):
        """Derivatives (n, n_rises) of the further inputs by their columns."""
        columns = flat[:, list(self.columns)]
        is_rising = (columns > self.starts) & (columns < self.ends)
        return is_rising / (self.ends - self.starts)


def curves_of(columns, weights):
    """The Curves of a table; None where no column has any, or there are too many columns.

    Parameters
    ----------
    columns : iterable of ndarray of shape (n,)
        Standardised.
    weights : ndarray of shape (n,)
    """
    curved = []
    for i, column in enumerate(columns):
        edges = _edges(column, weights)
        if len(edges) > 2:
            curved.append((i, edges))
        if len(curved) * _MOST > _MOST_OF_ALL:
            return None
    if not curved:
        return None
    numbers = tuple(i for i, edges in curved for _ in edges[1:])
    starts = np.concatenate([edges[:-1] for _, edges in curved])
    return Curves(numbers, starts, np.concatenate([edges[1:] for _, edges in curved]))


def _edges(column, weights):
    """The least value of a column, those of its quantiles that differ, and its greatest."""
    low, high = column.min(), column.max()
    if high - low < _LEAST_SPREAD or ((column == low) | (column == high)).all():
        return np.array([low, high])
    order = np.argsort(column, kind="stable")
    total = np.cumsum(weights[order])
    levels = np.arange(1, _MOST) / _MOST * total[-1]
    quantiles = column[order][np.searchsorted(total, levels * (1.0 - _ROUND_OFF))]
    edges = [low]
    for quantile in quantiles:
        if edges[-1] + _APART < quantile < high - _APART:
            edges.append(quantile)
    return np.array([*edges, high])
