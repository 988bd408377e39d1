"""Penalised logistic regression with left-out predictions, for the linear path to classes.

The penalty and the strength of the map are chosen by what the map says of a sample it has not
seen. Fits without each sample in turn would cost too much; one Newton step away from the fit to all
samples is close to them (Cook's distance; Rad and Maleki, 2020): equations 80 to 82.
"""

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_expit

#: Penalties tried, the strongest first; below the last one Newton's step is too far off.
PENALTIES = np.logspace(1.0, -4.0, 11)
#: A penalty counts as no worse than the best one within so many standard errors.
_TOLERANCE = 0.5
#: Bounds of the logarithm of the slope.
_SLOPES = -8.0, 3.0
#: Evaluations of the likelihood for one penalty; multiplications that one exponential costs.
_EVALUATIONS, _EXPONENTIAL = 35, 50


def work(n_samples, rank, n_outputs):
    """Multiplications of a fit for one penalty, about: the likelihood's, and a curvature each."""
    evaluations = _EVALUATIONS * (2 * rank + _EXPONENTIAL)
    return n_samples * n_outputs * (evaluations + rank**2)


def is_as_good(losses, best, shares, total, tolerance=_TOLERANCE):
    """Whether losses (n,) are no larger than the best ones but for chance.

    shares (n,) of the samples' weights sum to one, total is the sum of the weights, tolerance a
    number of standard errors.
    """
    excess = losses - best
    mean = shares @ excess
    variance = shares @ (excess - mean) ** 2
    return mean <= tolerance * np.sqrt(variance / total)


class Logistic:
    """Logistic regression on principal components, fitted for one penalty after the other.

    Parameters
    ----------
    scores : ndarray of shape (n, rank)
        Principal components.
    indicators : ndarray of shape (n, K)
        Of K classes, or, if K is 1, of the second of two.
    weights : ndarray of shape (n,)
    amounts : ndarray of shape (n,)
        How much of each weight is left out.
    """

    def __init__(self, scores, indicators, weights, amounts):
        self.terms = np.column_stack([scores, np.ones(len(scores))])
        self.indicators, self.weights, self.amounts = indicators, weights, amounts
        self.total = weights.sum()
        self.shares = weights / self.total
        self.members = np.arange(len(scores)), indicators.argmax(axis=1)
        n_outputs = indicators.shape[1]
        # The factor by which softmax's whole curvature exceeds that of a class by itself (81).
        self.coupling = n_outputs / (n_outputs - 1) if n_outputs > 1 else 1.0

    def fit(self):
        """Coefficients (rank + 1, K), the intercepts last, and left-out log-odds (n, K)."""
        tried, coefficients = [], self._start()
        best = 0
        for penalty in PENALTIES:
            ridge = np.r_[np.full(self.terms.shape[1] - 1, penalty), 1e-6]
            coefficients = self._minimize(coefficients, ridge)
            left_out = self._left_out(coefficients, ridge)
            slope = self._slope(left_out)
            losses = self._losses_and_errors(slope * left_out)[0]
            tried.append((slope * coefficients, slope * left_out, losses))
            if self.shares @ tried[-1][2] < self.shares @ tried[best][2]:
                best = len(tried) - 1
            if best < len(tried) - 3:
                break
        return next(
            fit[:2] for fit in tried if is_as_good(fit[2], tried[best][2], self.shares, self.total)
        )

    def _start(self):
        """The shares of the classes, nothing else; of several classes with a sum of zero, which it
        keeps, because the penalty wants it and the likelihood does not see it.
        """
        edge = max(0.5 / (self.total + 1.0), np.finfo(float).eps)  # 1 - edge has to be below 1
        means = np.clip(self.shares @ self.indicators, edge, 1.0 - edge)
        start = np.zeros((self.terms.shape[1], len(means)))
        if len(means) == 1:
            start[-1] = np.log(means / (1.0 - means))
        else:
            start[-1] = np.log(means) - np.log(means).mean()
        return start

    def _log_odds(self, coefficients):
        """Log-odds (n, K) of all samples.

        In memory they stand class after class, because sums over few classes are quicker so.
        """
        return (coefficients.T @ self.terms.T).T

    def _losses_and_errors(self, raw):
        """Losses (n,) of log-odds, and probabilities less indicators (n, K)."""
        if raw.shape[1] == 1:
            signed = np.where(self.indicators[:, 0] > 0, raw[:, 0], -raw[:, 0])
            return -log_expit(signed), expit(raw) - self.indicators
        p = raw - raw.max(axis=1, keepdims=True)  # all in one array, because it may be large
        own = p[self.members]
        np.exp(p, out=p)
        total = p.sum(axis=1)
        p /= total[:, np.newaxis]
        p[self.members] -= 1.0
        return np.log(total) - own, p

    def _variances(self, errors):
        """Curvature (n, K) of the losses, with the probabilities less indicators at hand."""
        means = errors + self.indicators
        return self.coupling * means * (1.0 - means)

    def _curvature(self, variance, ridge):
        """Curvature of the penalised mean loss of rows with these variances (n,)."""
        half = self.terms * np.sqrt(self.shares * variance)[:, np.newaxis]
        curvature = half.T @ half
        curvature[np.diag_indices(len(ridge))] += ridge
        return curvature

    def _minimize(self, start, ridge):
        """L-BFGS, in coordinates in which the curvature at the start, a mean over the classes, is
        one in every direction.
        """
        errors = self._losses_and_errors(self._log_odds(start))[1]
        root = cholesky(self._curvature(self._variances(errors).mean(axis=1), ridge))
        inverse = solve_triangular(root, np.eye(len(root)))
        penalty = ridge[:, np.newaxis]
        shares = self.shares[:, np.newaxis]

        def objective(point):
            coefficients = inverse @ point.reshape(start.shape)
            losses, errors = self._losses_and_errors(self._log_odds(coefficients))
            errors *= shares
            value = self.shares @ losses + 0.5 * (penalty * coefficients**2).sum()
            slope = self.terms.T @ errors + penalty * coefficients
            return value, (inverse.T @ slope).ravel()

        found = minimize(
            objective, (root @ start).ravel(), jac=True, method="L-BFGS-B",
            options={"gtol": 1e-7, "ftol": 0.0, "maxiter": 300},
        )  # fmt: skip
        return inverse @ found.x.reshape(start.shape)

    def _left_out(self, coefficients, ridge):
        """Log-odds (n, K) of each sample, one Newton step on from the fit without it."""
        raw = self._log_odds(coefficients)
        errors = self._losses_and_errors(raw)[1]
        amount = self.amounts / self.total
        pairs = zip(errors.T, self._variances(errors).T, strict=True)
        for k, (error, variance) in enumerate(pairs):
            root = cholesky(self._curvature(variance, ridge), lower=True)
            solved = solve_triangular(root, self.terms.T, lower=True)
            leverage = amount * (solved**2).sum(axis=0)
            raw[:, k] += leverage * error / np.maximum(1 - leverage * variance, 1e-6)
        return raw

    def _slope(self, raw):
        """Factor of left-out log-odds that predicts best, its logarithm a standard normal a priori.

        A penalty strong enough to choose among many inputs makes all log-odds too small.
        """

        def slope(log_factor):
            scaled = np.exp(log_factor) * raw
            errors = self._losses_and_errors(scaled)[1]
            errors *= scaled
            return self.weights @ errors.sum(axis=1) + log_factor

        low, high = _SLOPES
        if slope(low) >= 0.0 or slope(high) <= 0.0:
            return np.exp(low if slope(low) >= 0.0 else high)
        return np.exp(brentq(slope, low, high, xtol=1e-13))
