"""Optimisers over one flat vector, and clipping (equations 58 to 64)."""

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
        # Smaller squares than `tiny` are lost, and a step by the square root of nothing is endless.
        epsilon = max(self.epsilon, math.sqrt(np.finfo(theta.dtype).tiny))
        factors = (shrink, self.beta_1, self.beta_2, step, correction, epsilon)
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
        self.momentum, self.nesterov = momentum, bool(nesterov)  # a saved model has no np.bool_
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


def new_optimizer(network, settings):
    """A fresh optimiser of the kind the settings ask for."""
    size, dtype = network.n_parameters, network.dtype
    if settings.solver == "sgd":
        return SGD(size, dtype, settings.momentum, settings.nesterovs_momentum)
    return Adam(size, dtype, settings.beta_1, settings.beta_2, settings.epsilon)


def revived(network, settings, state):
    """An optimiser in a state kept by ``partial_fit``, a fresh one if there is none of its kind."""
    optimizer = new_optimizer(network, settings)
    if state is not None and state.keys() == vars(optimizer).keys():
        arrays = {k: v.copy() for k, v in state.items() if isinstance(v, np.ndarray)}
        vars(optimizer).update(arrays, n_updates=state["n_updates"])
    return optimizer


def _copy(optimizer):
    twin = object.__new__(type(optimizer))
    for name, value in vars(optimizer).items():
        setattr(twin, name, value.copy() if isinstance(value, np.ndarray) else value)
    return twin
