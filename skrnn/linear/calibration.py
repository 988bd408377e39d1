"""From left-out scores of a linear map to raw predictions, by a slope and a shift (equation 78).

No slope is negative. Left-out means fall where the sample left out is large, so a map that predicts
nothing but the mean would give each target away by a negative slope.
"""

from functools import lru_cache

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from skrnn.quantiles import weighted_quantile

#: Prior precision of a slope, whose scores have variance one: more than a few samples must earn it.
_PRIOR = 10.0
#: The part of all weight that a likelihood is found to.
_ROUND_OFF = 1e-8


def calibrate(scores, targets, weights, loss):
    """Mixing matrix (K, n_outputs) and shift (n_outputs,) from left-out scores to raw predictions.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
    targets : ndarray of shape (n, n_targets)
    weights : ndarray of shape (n,)
    loss : skrnn.losses.Loss
    """
    if loss.is_coupled:
        return _calibrate_classes(scores, targets[:, 0].astype(int), weights)
    if loss.is_likelihood:
        columns = zip(scores.T, targets.T, strict=True)
        pairs = [calibrate_column(loss, s, y, weights) for s, y in columns]
        slopes, shifts = zip(*pairs, strict=True)
        return np.diag(slopes), np.array(shifts)
    return _calibrate_location(scores, targets, weights, loss.levels)


def _calibrate_location(scores, targets, weights, levels):
    """Least-squares slope in [0, 1]; the shift is the rest's mean, or its quantile at a level."""
    n_targets, n_levels = scores.shape[1], len(levels)
    mixing = np.zeros((n_targets, n_targets * n_levels))
    shift = np.zeros(n_targets * n_levels)
    for k in range(n_targets):
        centered = scores[:, k] - np.average(scores[:, k], weights=weights)
        spread = weights @ centered**2
        slope = np.clip(weights @ (centered * targets[:, k]) / spread, 0.0, 1.0) if spread else 0.0
        rest = targets[:, k] - slope * scores[:, k]
        for q, level in enumerate(levels):
            mixing[k, k * n_levels + q] = slope
            shift[k * n_levels + q] = (
                np.average(rest, weights=weights)
                if level is None
                else weighted_quantile(rest, weights, level)
            )
    return mixing, shift


def _spread(scores, weights):
    mean = np.average(scores, axis=0, weights=weights)
    spread = np.sqrt(np.average((scores - mean) ** 2, axis=0, weights=weights))
    return np.where(spread > 0, spread, 1.0)


def _counting(weights):
    """Which samples say anything of a slope beside the heaviest: all within its round-off do not.

    Without this one sample that outweighs all others would leave a likelihood without curvature,
    in which SciPy 1.11 seeks for ever, and of counts that are nothing in the unit of their mean.
    """
    return weights > _ROUND_OFF * weights.max()


def _maximize_likelihood(problem, n_parameters, weights):
    """Slope and shifts of a generalised linear model in scores of variance one, by Newton's method.

    `problem` gives the negative log-likelihood of a point, its slope and its curvature, for
    weights.
    """
    total = weights.sum()
    prior = np.r_[_PRIOR, np.full(n_parameters - 1, 1e-3)]  # a tiny one makes the shifts unique
    prior = np.maximum(prior, 1e-12 * total)  # the curvature must not be as good as singular
    unit = np.ldexp(0.5, np.frexp(total)[1])  # a power of two, because the slope gets squared
    total, weights, prior = total / unit, weights / unit, prior / unit

    @lru_cache(maxsize=1)  # SciPy asks for the three one by one
    def solved(coordinates):
        point = np.frombuffer(coordinates)
        with np.errstate(all="ignore"):
            value, slope, curvature = problem(point, weights)
            value, slope = value + 0.5 * prior @ point**2, slope + prior * point
            curvature[np.diag_indices(n_parameters)] += prior
            sizes = value, slope @ slope, (curvature**2).sum()
        if not np.isfinite(sizes).all():
            # So long a step is taken back for its value, but SciPy looks at its curvature first.
            return np.inf, np.zeros(n_parameters), np.diag(prior)
        return value, slope, curvature

    value, slope, curvature = (lambda point, k=k: solved(point.tobytes())[k] for k in range(3))
    point = minimize(
        value,
        np.zeros(n_parameters),
        jac=slope,
        hess=curvature,
        method="trust-exact",
        options={"gtol": _ROUND_OFF * total},
    ).x
    for _ in range(2):  # to the last digits, which the value no longer shows
        point = point - np.linalg.solve(curvature(point), slope(point))
    return point


def _calibrate_classes(scores, codes, weights):
    """One slope for all classes' scores and a shift for each.

    A logistic regression would fit a whole matrix from scores to classes, too much for few samples.
    """
    n_classes = scores.shape[1]
    onehot, counting = np.eye(n_classes)[codes], _counting(weights)
    shares = np.maximum(weights @ onehot / weights.sum(), np.finfo(float).tiny)
    constant = np.zeros((n_classes, n_classes)), np.log(shares) - np.log(shares).mean()
    if np.ptp(codes[counting]) == 0:
        return constant
    scores, onehot, weights = scores[counting], onehot[counting], weights[counting]
    spread = np.sqrt((_spread(scores, weights) ** 2).mean())
    scores = scores / spread

    def problem(point, weights):
        logs = log_softmax(point[0] * scores + point[1:], axis=1)
        p = np.exp(logs)
        error = weights[:, np.newaxis] * (p - onehot)
        centered = p * (scores - (p * scores).sum(axis=1, keepdims=True))
        curvature = np.empty((n_classes + 1, n_classes + 1))
        curvature[0, 0] = weights @ (centered * scores).sum(axis=1)
        curvature[0, 1:] = curvature[1:, 0] = weights @ centered
        curvature[1:, 1:] = np.diag(weights @ p) - (weights[:, np.newaxis] * p).T @ p
        slope = np.r_[(error * scores).sum(), error.sum(axis=0)]
        return -weights @ (logs * onehot).sum(axis=1), slope, curvature

    point = _maximize_likelihood(problem, n_classes + 1, weights)
    if point[0] <= 0.0:
        return constant
    return np.diag(np.full(n_classes, point[0] / spread)), point[1:] - point[1:].mean()


def calibrate_column(loss, scores, targets, weights):
    """Slope and shift of one target (n,) in its one score (n,), by the likelihood of the loss.

    Parameters
    ----------
    loss : skrnn.losses.Loss
    scores, targets, weights : ndarray of shape (n,)
    """
    constant, shift_of_unit, targets = loss.reference(targets, weights)
    counting = _counting(weights)
    scores, targets, weights = scores[counting], targets[counting], weights[counting]
    if targets.min() == targets.max():
        return 0.0, constant + shift_of_unit
    spread = _spread(scores, weights)
    terms = np.column_stack([scores / spread, np.ones(len(scores))])

    def problem(point, weights):
        value, slope, curvature = loss.derivatives(terms @ point, targets)
        curvature = (terms * (weights * curvature)[:, np.newaxis]).T @ terms
        return weights @ value, (weights * slope) @ terms, curvature

    slope, shift = _maximize_likelihood(problem, 2, weights)
    if slope <= 0.0:
        return 0.0, constant + shift_of_unit
    return slope / spread, shift + shift_of_unit
