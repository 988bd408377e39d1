"""Optimisers over one flat vector, and learning-rate schedules as pure functions of progress.

Equations 58 to 69 of docs/mathematics.md.
"""

import math

import numpy as np

from skrnn.kernels import updates


def gradient_norm(gradient):
    """Euclidean norm, summed in a fixed order: the same bits under any BLAS."""
    return updates.norm(gradient)


def clipping_factor(norm, max_norm):
    """Factor that brings a gradient's norm to at most `max_norm` (Pascanu et al., 2013)."""
    if max_norm is None or not norm > max_norm:
        return 1.0
    return max_norm / norm


class Adam:
    """Adam (Kingma and Ba, 2015), its corrections and epsilon as in the paper and PyTorch.

    Parameters
    ----------
    n_parameters : int
    dtype : numpy dtype
    beta_1, beta_2, epsilon : float
    """

    def __init__(self, n_parameters, dtype, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.first = np.zeros(n_parameters, dtype)
        self.second = np.zeros(n_parameters, dtype)
        self.n_updates = 0

    def update(self, theta, gradient, rate, shrink=1.0):
        """Move theta one step against ``shrink * gradient``."""
        self.n_updates += 1
        step = rate / (1.0 - self.beta_1**self.n_updates)
        correction = 1.0 / math.sqrt(1.0 - self.beta_2**self.n_updates)
        factors = (shrink, self.beta_1, self.beta_2, step, correction, self.epsilon)
        updates.adam(theta, gradient, self.first, self.second, np.array(factors, theta.dtype))

    def copy(self):
        """An independent optimiser in the same state."""
        return _copy(self)


class SGD:
    """Gradient descent with momentum, Nesterov's or the classical (Sutskever et al., 2013).

    Parameters
    ----------
    n_parameters : int
    dtype : numpy dtype
    momentum : float
    nesterov : bool
    """

    def __init__(self, n_parameters, dtype, momentum=0.9, nesterov=True):
        self.momentum, self.nesterov = momentum, nesterov
        self.velocity = np.zeros(n_parameters, dtype)
        self.n_updates = 0

    def update(self, theta, gradient, rate, shrink=1.0):
        """Move theta one step against ``shrink * gradient``."""
        self.n_updates += 1
        factors = (shrink, rate, self.momentum, float(self.nesterov))
        updates.sgd(theta, gradient, self.velocity, np.array(factors, theta.dtype))

    def copy(self):
        """An independent optimiser in the same state."""
        return _copy(self)


def _copy(optimizer):
    twin = object.__new__(type(optimizer))
    for name, value in vars(optimizer).items():
        setattr(twin, name, value.copy() if isinstance(value, np.ndarray) else value)
    return twin


def cosine(progress):
    """Half a cosine from 1 to 0 (Loshchilov and Hutter, 2017); `progress` runs from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


def one_cycle(progress, warm_up=0.3, start=1 / 25, end=1e-4):
    """Up from 1/25 to 1 in the first 30 %, then down, both by cosine (Smith and Topin, 2019)."""
    if progress < warm_up:
        return start + (1.0 - start) * (1.0 - cosine(progress / warm_up))
    return end + (1.0 - end) * cosine((progress - warm_up) / (1.0 - warm_up))


def inverse_scaling(n_samples_seen, power_t):
    """``1 / (t + 1)**power_t``, t the samples seen so far: MLPRegressor's "invscaling"."""
    return 1.0 / (n_samples_seen + 1.0) ** power_t
