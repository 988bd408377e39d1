"""The linear path where each step has a target: whole sequences are left out.

Equations 110 to 113.

The steps of a sequence are not independent of each other: windows overlap, and so do targets. A map
that has seen all steps of a sequence but one would say that one too well. So sequences are dealt
out to folds, and what a map says of a fold it says without the whole of it.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from skrnn.linear.logistic import Logistic
from skrnn.linear.ridge import PENALTIES, Ridge

#: Folds at most, and the number of sequences up to which these are cut into blocks of steps.
_MOST, _FEW = 10, 4
#: Share of all weight that the intercept is penalised by, because one fold may have all of it.
_TINY = 1e-12


def folds_of(lengths, weights):
    """The number of the fold of each step (total,).

    Parameters
    ----------
    lengths : ndarray of shape (n,)
        Of the sequences.
    weights : ndarray of shape (total,)
        Of the steps. Where sequences are few, each fold is a block of steps of equal weight.
    """
    n = len(lengths)
    if n > _FEW:
        return np.repeat(np.arange(n) % _MOST, lengths)
    middle = np.cumsum(weights) - 0.5 * weights
    return (_MOST * middle / weights.sum()).astype(np.intp)


class FoldedRidge(Ridge):
    """Ridge regression whose folds are left out.

    Parameters
    ----------
    chunks, targets, weights : as in Ridge
    folds : ndarray of shape (n,)
        The number of each row's fold.
    """

    def __init__(self, chunks, targets, weights, folds):
        super().__init__(chunks, targets, weights, weights)
        self.folds, self.present = folds, np.unique(folds)
        self._count_folds()

    def _count_folds(self):
        """For each fold the sums of squares of its terms, and of their products with targets."""
        n, rank, n_outputs = len(self.present), len(self.values) + 1, self.targets.shape[1]
        self.grams, self.crosses = np.zeros((n, rank, rank)), np.zeros((n, rank, n_outputs))
        for rows, x in self.chunks():
            terms, centered = self._terms(x), self.targets[rows] - self.target_mean
            weighted = self.weights[rows, np.newaxis] * terms
            for i, fold in enumerate(self.present):
                some = np.flatnonzero(self.folds[rows] == fold)
                if len(some):
                    self.grams[i] += weighted[some].T @ terms[some]
                    self.crosses[i] += weighted[some].T @ centered[some]

    def _terms(self, x):
        """Principal components, and a one (n_rows, rank + 1)."""
        return np.column_stack([self._scores(x), np.ones(len(x))])

    def _without(self, i, penalty):
        """Coefficients (rank + 1, K) of the fit without fold i."""
        curvature = -self.grams[i]
        of_all = np.r_[self.values + penalty * self.total, self.total * (1.0 + _TINY)]
        curvature[np.diag_indices(len(curvature))] += of_all
        moments = np.vstack([self.projected, np.zeros(self.targets.shape[1])]) - self.crosses[i]
        return cho_solve(cho_factor(curvature), moments)

    def best_penalties(self):
        """The penalty of least error in folds left out, for each output (K,)."""
        errors = np.zeros((len(PENALTIES), self.targets.shape[1]))
        for p, penalty in enumerate(PENALTIES):
            for i, (gram, cross) in enumerate(zip(self.grams, self.crosses, strict=True)):
                found = self._without(i, penalty)  # errors but for the targets' own squares
                errors[p] += (found * (gram @ found - 2.0 * cross)).sum(axis=0)
        return PENALTIES[errors.argmin(axis=0)]

    def leave_one_out(self, penalties):
        """Predictions (n, K) of each fold by the fit without it."""
        maps = np.empty_like(self.crosses)
        for penalty in np.unique(penalties):
            its = penalties == penalty
            for i in range(len(self.present)):
                maps[i][:, its] = self._without(i, penalty)[:, its]
        found = np.empty_like(self.targets)
        for rows, x in self.chunks():
            terms, place = self._terms(x), np.searchsorted(self.present, self.folds[rows])
            part = found[rows]
            for i in np.unique(place):
                part[place == i] = terms[place == i] @ maps[i]
        return self.target_mean + found


class FoldedLogistic(Logistic):
    """Logistic regression whose folds are left out, each by one of Newton's steps.

    Parameters
    ----------
    scores, indicators, weights : as in Logistic
    folds : ndarray of shape (n,)
        The number of each row's fold.
    """

    def __init__(self, scores, indicators, weights, folds):
        super().__init__(scores, indicators, weights, weights)
        self.rows_of_folds = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]

    def _left_out(self, coefficients, ridge):
        """Log-odds (n, K), each fold's one Newton step away from the fit without it."""
        raw = self._log_odds(coefficients)
        errors = self._losses_and_errors(raw)[1]
        pairs = zip(errors.T, self._variances(errors).T, strict=True)
        for k, (error, variance) in enumerate(pairs):
            curvature = self._curvature(variance, ridge)
            for rows in self.rows_of_folds:
                terms, weighted = self.terms[rows], (self.shares * variance)[rows, np.newaxis]
                without = curvature - (terms * weighted).T @ terms
                slope = (self.shares[rows] * error[rows]) @ terms
                raw[rows, k] += terms @ cho_solve(cho_factor(without), slope)
        return raw
