"""The density of a step of numbers: a mixture of Gaussians, or the end (equations 149 to 152).

Of each row of raw predictions the first columns are the mixture's: unnormalised logarithms of the M
weights, then M means of F numbers each, then logarithms of as many standard deviations. The last
column is the log-odds of the end.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from skrnn import choices
from skrnn.losses import Loss
from skrnn.quantiles import weighted_quantile

#: What the kernel adds to a variance.
LEAST_VARIANCE = 1e-6


class Parts(NamedTuple):
    """Raw predictions by what they say.

    weights (n, M) are unnormalised logarithms; means and log_deviations (n, M, F); ends (n,) are
    log-odds.
    """

    weights: np.ndarray
    means: np.ndarray
    log_deviations: np.ndarray
    ends: np.ndarray

    @property
    def variances(self):
        return np.exp(2.0 * self.log_deviations) + LEAST_VARIANCE


def parts(raw, n_components):
    """Views of raw predictions (n, n_outputs)."""
    n, end = len(raw), raw.shape[1] - 1
    n_features = (end // n_components - 1) // 2
    first = n_components * (1 + n_features)
    shape = (n, n_components, n_features)
    return Parts(
        raw[:, :n_components],
        raw[:, n_components:first].reshape(shape),
        raw[:, first:end].reshape(shape),
        raw[:, end],
    )


def draw(raw, n_components, temperature, random):
    """A step of each row, (n, F), from mixtures at a temperature (equation 154).

    Variances are multiplied by it, and the logarithms of the weights divided.
    """
    found = parts(raw, n_components)
    n, _, n_features = found.means.shape
    chosen = drawn_classes(found.weights, temperature, random)
    row = np.arange(n)
    deviations = np.sqrt(found.variances[row, chosen]) * np.sqrt(temperature)
    return found.means[row, chosen] + deviations * random.standard_normal((n, n_features))


def drawn_classes(logarithms, temperature, random):
    """A class of each row, drawn by unnormalised logarithms of probabilities (n, n_classes).

    They are divided by the temperature. One of minus infinity is of a class that cannot be.
    """
    # The largest is 0 before it is divided, because a tiny temperature makes infinities of others.
    below = (logarithms - logarithms.max(axis=1, keepdims=True)) / temperature
    cumulated = np.cumsum(softmax(below, axis=1), axis=1)
    threshold = random.random_sample(len(logarithms)) * cumulated[:, -1]
    return (cumulated <= threshold[:, np.newaxis]).sum(axis=1).clip(max=logarithms.shape[1] - 1)


class Mixture(Loss):
    """Minus the logarithm of the density of a step, or of the probability of the end.

    Targets (n, F + 1) are the numbers of the step and a mark, which is 1 for the end.

    Parameters
    ----------
    n_components, n_features : int
    """

    name = link = "mixture"
    is_standardized = False
    is_likelihood = True
    is_coupled = True

    def __init__(self, n_components, n_features):
        self.n_components, self.n_features = n_components, n_features

    def n_outputs(self, n_targets=None):
        return self.n_components * (1 + 2 * self.n_features) + 1

    def of_rows(self, raw, targets):
        return self._evaluate(raw, targets, np.empty(0))[0]

    def gradient(self, raw, targets, shares):
        values, raw[:] = self._evaluate(raw, targets, shares.astype(np.float64))
        return float(np.add.reduce(values * shares))

    def _evaluate(self, raw, targets, shares):
        """Loss of each row, and slopes times shares if there are any."""
        raw, values = raw.astype(np.float64), np.empty(len(raw))
        scratch = np.empty((self.n_components, self.n_features)), np.empty(self.n_components)
        kernel = choices.load("skrnn.kernels.mixtures:value_and_slope")
        with np.errstate(all="ignore"):  # whoever trains looks for what is not finite
            kernel(raw, targets.astype(np.float64), shares, scratch, values)
        return values, raw

    def best_constant(self, targets, weights):
        """Components of equal weight around quantiles of each number, with deviations of one."""
        is_step = targets[:, -1] == 0.0
        start = np.zeros((1, self.n_outputs()))
        found, levels = parts(start, self.n_components), np.arange(self.n_components) + 0.5
        for feature in range(self.n_features):
            steps = targets[is_step, feature]
            for component, level in enumerate(levels / self.n_components):
                quantile = weighted_quantile(steps, weights[is_step], level)
                found.means[0, component, feature] = quantile
        n_steps = weights[is_step].sum()
        found.ends[:] = np.log((weights.sum() - n_steps) / n_steps)
        return start[0]
