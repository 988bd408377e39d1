"""Ridge regression with leave-one-out predictions for every penalty (equations 76 and 77)."""

import numpy as np
from scipy.linalg import eigh, svd
from scipy.sparse.linalg import svds

#: Penalties tried, as shares of the samples' total weight.
PENALTIES = np.logspace(-6, 4, 31)
# Up to so many samples singular values are taken, beyond it eigenvalues.
_SMALL = 1000
# With more samples and more inputs than these, only so many of the largest components.
_LARGE, _LARGEST = 6000, 1000
# What a row may lack of determining its own prediction. With many more inputs than samples it lacks
# the penalty's share of the eigenvalues, 1e-8 and less, so a larger number here would count such a
# map's own samples as predicted without themselves.
_LEAST = 1e-12


def _singular_vectors(x):
    """Left vectors, values and right vectors of x (n, p), in a way that its size allows."""
    n_samples = len(x)
    if min(x.shape) > _LARGE:
        return svds(x, _LARGEST, v0=np.ones(min(x.shape)))
    if n_samples <= _SMALL:
        return svd(x, full_matrices=False)
    squares, left = eigh(x @ x.T)  # quicker, but squares lose half of the digits
    values = np.sqrt(np.maximum(squares, squares.max() * 1e-15))
    return left, values, (left / values).T @ x


class Ridge:
    """Ridge regression by one decomposition.

    Parameters
    ----------
    chunks : callable
        Gives pairs of a slice of rows and their inputs, (n_rows, n_inputs).
    targets : ndarray of shape (n, K)
    weights : ndarray of shape (n,)
    amounts : ndarray of shape (n,)
        How much of each weight is left out.
    """

    def __init__(self, chunks, targets, weights, amounts):
        self.chunks, self.targets, self.weights = chunks, targets, weights
        self.amounts = amounts
        self.total = weights.sum()
        self.target_mean = weights @ targets / self.total
        self.mean = self._sum(lambda rows, x: weights[rows] @ x) / self.total
        values, vectors, projected = self._decompose()
        kept = values > max(values.max(), 0.0) * 1e-14
        self.values, self.vectors, self.projected = values[kept], vectors[:, kept], projected[kept]

    def _sum(self, term):
        return sum(term(rows, x) for rows, x in self.chunks())

    def _weighted(self, rows, x):
        return np.sqrt(self.weights[rows])[:, np.newaxis] * (x - self.mean)

    def _gram(self, rows, x):
        x = self._weighted(rows, x)
        return x.T @ x

    def _cross(self, rows, x):
        centered = self.targets[rows] - self.target_mean
        return (x - self.mean).T @ (self.weights[rows, np.newaxis] * centered)

    def _decompose(self):
        """Eigenvalues and vectors of the covariance, and the targets' covariance on them."""
        n_samples, n_inputs = len(self.weights), len(self.mean)
        if _LARGE >= n_inputs < n_samples > _SMALL:
            values, vectors = eigh(self._sum(self._gram))
            return values, vectors, vectors.T @ self._sum(self._cross)
        x = np.concatenate([self._weighted(rows, x) for rows, x in self.chunks()])
        y = np.sqrt(self.weights)[:, np.newaxis] * (self.targets - self.target_mean)
        left, values, right = _singular_vectors(x)
        return values**2, right.T, values[:, np.newaxis] * (left.T @ y)

    def scores(self):
        """Principal components (n, rank)."""
        return np.concatenate([self._scores(x) for _, x in self.chunks()])

    def _scores(self, x):
        return (x - self.mean) @ self.vectors

    def _left_out(self, rows, scores, factors):
        """Predictions (n, K) of rows without themselves, for shrinkage factors (rank, K or 1)."""
        amount = self.amounts[rows, np.newaxis]
        leverage = amount * (scores**2 @ factors + 1.0 / self.total)
        y = self.targets[rows]
        fitted = self.target_mean + scores @ (factors * self.projected)
        return y - (y - fitted) / np.maximum(1.0 - leverage, _LEAST)

    def _factors(self, penalties):
        return 1.0 / (self.values[:, np.newaxis] + penalties * self.total)

    def best_penalties(self):
        """The penalty of least leave-one-out error, for each output (K,)."""
        errors = np.zeros((len(PENALTIES), self.targets.shape[1]))
        for rows, x in self.chunks():
            scores = self._scores(x)
            for i, penalty in enumerate(PENALTIES):
                left_out = self._left_out(rows, scores, self._factors(penalty))
                errors[i] += self.weights[rows] @ (self.targets[rows] - left_out) ** 2
        return PENALTIES[errors.argmin(axis=0)]

    def leave_one_out(self, penalties):
        """Predictions (n, K) of each sample by the fit without it."""
        factors = self._factors(penalties)
        return np.concatenate(
            [self._left_out(rows, self._scores(x), factors) for rows, x in self.chunks()]
        )

    def left_out_errors(self):
        """Squared errors (n,), of all outputs, of the fit without each sample at its best."""
        left_out = self.leave_one_out(self.best_penalties())
        return ((self.targets - left_out) ** 2).sum(axis=1)

    def coefficients(self, penalties):
        """Map (p, K) and intercepts (K,)."""
        coefficients = self.vectors @ (self._factors(penalties) * self.projected)
        return coefficients, self.target_mean - self.mean @ coefficients
