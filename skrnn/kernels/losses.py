"""Losses on raw predictions, value and gradient in one pass (equations 50 to 57).

Each works on one row of raw predictions (K,) and one of targets, writes the gradient over `raw` and
returns the value, both a mean over the targets. The weighted mean over samples is the caller's.
"""

import math

import numpy as np

from skrnn.kernels.jit import kernel

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
#: Where the Huber loss turns from a parabola into a line, in units of the (standardised) target.
HUBER_DELTA = 1.35


@kernel
def _pointwise(kind, raw, y, quantile):
    """Value and derivative of a loss of one raw prediction and one target."""
    error = raw - y
    if kind == SQUARED:
        return 0.5 * error * error, error
    if kind == ABSOLUTE:
        return abs(error), np.sign(error)
    if kind == HUBER:
        size = abs(error)
        if size <= HUBER_DELTA:
            return 0.5 * error * error, error
        return HUBER_DELTA * (size - 0.5 * HUBER_DELTA), HUBER_DELTA * np.sign(error)
    if kind == POISSON:
        mean = math.exp(raw)
        return mean - y * raw, mean - y
    if kind == QUANTILE:
        if error < 0.0:
            return -quantile * error, -quantile
        return (1.0 - quantile) * error, 1.0 - quantile if error > 0.0 else 0.0 * error
    # LOGISTIC: log(1 + exp(raw)) - y * raw, without overflow for either sign.
    e = math.exp(-abs(raw))
    probability = 1.0 / (1.0 + e) if raw >= 0.0 else e / (1.0 + e)
    return max(raw, 0.0) + math.log1p(e) - y * raw, probability - y


@kernel
def _softmax(raw, label):
    """Cross-entropy of one row and its true class; raw (K,) becomes softmax(raw) - onehot."""
    top = raw[0]
    for k in range(1, raw.shape[0]):
        top = max(top, raw[k])
    total = 0.0
    for k in range(raw.shape[0]):
        total += math.exp(raw[k] - top)
    value = math.log(total) - (raw[label] - top)
    for k in range(raw.shape[0]):
        raw[k] = math.exp(raw[k] - top) / total
    raw[label] -= 1
    return value


@kernel
def _row(kind, quantiles, raw, y):
    """One row's loss; raw (K,) becomes its gradient. Column j * Q + q: quantile q of target j."""
    if kind == SOFTMAX:
        return _softmax(raw, int(y[0]))
    n_quantiles = quantiles.shape[0]
    n_raw = raw.shape[0]
    total = 0.0
    for k in range(n_raw):
        value, slope = _pointwise(
            kind, np.float64(raw[k]), np.float64(y[k // n_quantiles]), quantiles[k % n_quantiles]
        )
        raw[k] = slope / n_raw
        total += value
    return total / n_raw


@kernel
def row_losses(kind, quantiles, raw, targets, values):
    """Loss of each row (n,), its weight left out; raw (n, K) is used up."""
    for i in range(raw.shape[0]):
        values[i] = _row(kind, quantiles, raw[i], targets[i])


@kernel
def loss_gradient(kind, quantiles, raw, targets, weights, rows, weight_sum):
    """Weighted mean loss of some rows of the data; raw (B, K) becomes its gradient.

    Raw's row i belongs to data row ``rows[i]``. `weight_sum` is that of the whole minibatch.
    """
    total = 0.0
    for i in range(rows.shape[0]):
        weight = weights[rows[i]] / weight_sum
        total += weight * _row(kind, quantiles, raw[i], targets[rows[i]])
        for k in range(raw.shape[1]):
            raw[i, k] *= weight
    return total
