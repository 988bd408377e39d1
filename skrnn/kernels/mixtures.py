"""The density of a step of numbers as a mixture of Gaussians (equations 150 to 152).

With M components of F numbers a row of raw predictions has M unnormalised logarithms of weights, M
F means, as many logarithms of standard deviations, and the log-odds of the end. In NumPy, which
writes each of its arrays to memory, the same took two to four times as long, and half of a fit.
"""

import math

import numpy as np

from skrnn.kernels.jit import long_kernel, part

#: The smallest variance, which a density of numbers that repeat themselves would not have.
LEAST_VARIANCE = 1e-6
_LOG_2_PI = math.log(2.0 * math.pi)
# Variances that are multiplied before a logarithm is taken of them.
_FACTORS = 4
# A product that is not multiplied any further, because a variance may be as large as numbers get.
_LARGE = 1e30


@part
def _joint(raw, target, precisions, joint):
    """joint (M,): logarithms of each component's weight, not normalised, times its density; and
    the largest of them and of the weights. precisions (M, F): reciprocals of the variances.
    """
    n_components, n_features = precisions.shape
    means, deviations = n_components, n_components * (1 + n_features)
    largest = largest_weight = -np.inf
    for m in range(n_components):
        squares, product, log = 0.0, 1.0, n_features * _LOG_2_PI
        for f in range(n_features):
            place = m * n_features + f
            variance = np.exp(2.0 * raw[deviations + place]) + LEAST_VARIANCE  # may overflow
            error = np.float64(target[f]) - raw[means + place]
            precisions[m, f] = 1.0 / variance
            squares += error / variance * error  # the square of a large error overflows
            product *= variance
            if f % _FACTORS == _FACTORS - 1 or product > _LARGE:
                log, product = log + math.log(product), 1.0
        joint[m] = raw[m] - 0.5 * (squares + log + math.log(product))
        largest, largest_weight = max(largest, joint[m]), max(largest_weight, raw[m])
    return largest, largest_weight


@part
def _slopes(raw, target, share, precisions, joint, log_total, log_weights):
    """raw but for the end becomes slopes times a share: of minus the logarithm of a density."""
    n_components, n_features = precisions.shape
    means, deviations = n_components, n_components * (1 + n_features)
    for m in range(n_components):
        responsible = math.exp(joint[m] - log_total) * share
        raw[m] = math.exp(raw[m] - log_weights) * share - responsible
        for f in range(n_features):
            place = m * n_features + f
            error = np.float64(target[f]) - raw[means + place]
            scaled = error * precisions[m, f]
            raw[means + place] = -responsible * scaled
            of_deviation = responsible * (1.0 - error * scaled)
            raw[deviations + place] = of_deviation * (1.0 - LEAST_VARIANCE * precisions[m, f])


@long_kernel
def value_and_slope(raw, targets, shares, scratch, values):
    """values (n,): the loss of each row; raw (n, K), in double precision, becomes the slope of that
    times the row's share, and is left as it is where there are no shares.

    targets (n, F + 1): the numbers of a step, and a mark, above zero for the end. scratch:
    precisions (M, F) and joint (M,).
    """
    precisions, joint = scratch
    n_features, end, has_shares = precisions.shape[1], raw.shape[1] - 1, len(shares) > 0
    for i in range(len(raw)):
        odds, is_end = raw[i, end], targets[i, n_features] > 0.0
        values[i] = max(odds, 0.0) + math.log1p(math.exp(-abs(odds))) - (odds if is_end else 0.0)
        if is_end and has_shares:
            raw[i, :end] = 0.0
        if not is_end:
            top, top_weight = _joint(raw[i], targets[i], precisions, joint)
            total = weights = 0.0
            for m in range(len(joint)):
                total += math.exp(joint[m] - top)
                weights += math.exp(raw[i, m] - top_weight)
            log_weights = top_weight + math.log(weights)
            log_total = top + math.log(total) if top > -np.inf else top
            values[i] += log_weights - log_total
            if has_shares:
                _slopes(raw[i], targets[i], shares[i], precisions, joint, log_total, log_weights)
        if has_shares:
            raw[i, end] = (1.0 / (1.0 + np.exp(-odds)) - is_end) * shares[i]
