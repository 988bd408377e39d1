"""Quantiles of weighted values, and what follows from them."""

import numpy as np


def weighted_quantile(values, weights, level):
    """Smallest value with at least `level` of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    place = np.searchsorted(cumulative, level * cumulative[-1])
    return values[order[min(place, len(values) - 1)]]


def robust_scale(values, weights):
    """Standard deviation of a normal distribution with the values' median absolute deviation."""
    median = weighted_quantile(values, weights, 0.5)
    return 1.4826 * weighted_quantile(np.abs(values - median), weights, 0.5)
