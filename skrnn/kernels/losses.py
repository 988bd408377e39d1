"""Losses on raw predictions, value and gradient in one pass (equations 50 to 57).

NumPy, not compiled: a minibatch has few predictions, and compiling seven losses takes a second. All
of it is in double precision. Each loss gives, of raw predictions (n, K) and their targets, the
values (n, K) and the slopes (n, K), of which a row's loss takes the mean; `levels` (K,) are the
quantiles. Column j * Q + q of raw is quantile q of target j.
"""

import numpy as np

#: Where the Huber loss turns from a parabola into a line, in units of the (standardised) target.
HUBER_DELTA = 1.35


def _squared(raw, y, levels):
    error = raw - y
    return 0.5 * error * error, error


def _absolute(raw, y, levels):
    error = raw - y
    return np.abs(error), np.sign(error)


def _huber(raw, y, levels):
    error = raw - y
    slope = np.clip(error, -HUBER_DELTA, HUBER_DELTA)
    return slope * (error - 0.5 * slope), slope


def _poisson(raw, y, levels):
    mean = np.exp(raw)
    return mean - y * raw, mean - y


def _quantile(raw, y, levels):
    error = raw - y
    slope = np.where(error < 0.0, -levels, np.where(error > 0.0, 1.0 - levels, 0.0 * error))
    return slope * error, slope


def _logistic(raw, y, levels):
    """log(1 + exp(raw)) - y * raw, without overflow for either sign."""
    e = np.exp(-np.abs(raw))
    probability = np.where(raw >= 0.0, 1.0, e) / (1.0 + e)
    return np.maximum(raw, 0.0) + np.log1p(e) - y * raw, probability - y


def _softmax(raw, y, levels):
    """Cross-entropy of the true class, y (n, 1): one value a row, so the slopes have its K."""
    rows, labels = np.arange(len(raw)), y[:, 0].astype(np.intp)
    shifted = raw - raw.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    slope = e / total
    slope[rows, labels] -= 1.0
    return np.log(total) - shifted[rows, labels, np.newaxis], slope * raw.shape[1]


_LOSSES = (_squared, _absolute, _huber, _poisson, _quantile, _logistic, _softmax)
SQUARED, ABSOLUTE, HUBER, POISSON, QUANTILE, LOGISTIC, SOFTMAX = range(7)
NAMES = {
    "squared_error": SQUARED,
    "absolute_error": ABSOLUTE,
    "huber": HUBER,
    "poisson": POISSON,
    "quantile": QUANTILE,
    "logistic": LOGISTIC,
    "softmax": SOFTMAX,
}


def _evaluate(kind, quantiles, raw, targets):
    """Loss of each row (n,), and the slopes of its raw predictions (n, K)."""
    levels = quantiles
    if len(quantiles) > 1:
        levels = np.tile(quantiles, targets.shape[1])
        targets = np.repeat(targets, len(quantiles), axis=1)
    with np.errstate(over="ignore", invalid="ignore"):  # whoever trains looks for these
        values, slopes = _LOSSES[kind](raw.astype(np.float64), targets, levels)
    if raw.shape[1] == 1:
        return values[:, 0], slopes
    return np.add.reduce(values, axis=1) / values.shape[1], slopes / raw.shape[1]


def row_losses(kind, quantiles, raw, targets):
    """Loss of each row (n,), its weight left out."""
    return _evaluate(kind, quantiles, raw, targets)[0]


def loss_gradient(kind, quantiles, raw, targets, shares):
    """Sum of the rows' losses times their shares (B,); raw (B, K) becomes its gradient."""
    values, slopes = _evaluate(kind, quantiles, raw, targets)
    np.multiply(slopes, shares[:, np.newaxis], out=raw, casting="same_kind")
    return float(np.add.reduce(values * shares))
