"""Optimisers over one flat vector, clipping, and an average (equations 58 to 64 and 83).

Where the vector begins with a table, an update touches only those rows of it that a batch has read.
These rows have no momentum, because it would not be spent before the row is touched again; instead
each gradient moves them at once by all that momentum would add to it in time (equation 105).
"""

import math

import numpy as np

from skrnn.kernels import updates
from skrnn.network.embedding import parts_of

#: The weights that validation data watch are an average over about so many of the last updates.
AVERAGED_UPDATES = 100.0
# Of one, a gradient would move a row for ever.
_LARGEST_MOMENTUM = 0.99
# Logarithm of so little that nothing is left of the start.
_ALL = 1e3
# Smaller squares than this one's are lost, and a step by the square root of nothing is endless.
_LEAST_ROOT = {np.dtype(name): math.sqrt(np.finfo(name).tiny) for name in ("float32", "float64")}


def whole(vector):
    """The parts of an update that touches all of a vector."""
    return np.array([[0, len(vector)]])


def _floats(*numbers):
    """Numbers of any type as a tuple that a kernel takes; it would be compiled for each type."""
    return tuple(map(float, numbers))


def gradient_norm(gradient, parts=None):
    """Euclidean norm, summed in a fixed order: the same bits under any BLAS."""
    return updates.norm(gradient, whole(gradient) if parts is None else parts)


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

    def update(self, theta, gradient, rate, shrink=1.0, parts=None):
        """Move some parts of theta, or all of it, one step against ``shrink * gradient``.

        The last part is no row of a table, all before it are.
        """
        self.n_updates += 1
        parts = whole(theta) if parts is None else parts
        correction = 1.0 / math.sqrt(1.0 - self.beta_2**self.n_updates)
        constants = correction, max(self.epsilon, _LEAST_ROOT[theta.dtype])
        if len(parts) > 1:
            self._move(theta, gradient, rate, shrink, parts[:-1], 0.0, constants)
        self._move(theta, gradient, rate, shrink, parts[-1:], self.beta_1, constants)

    def _move(self, theta, gradient, rate, shrink, parts, beta_1, constants):
        step = rate / (1.0 - beta_1**self.n_updates)
        factors = _floats(shrink, beta_1, self.beta_2, step, *constants)
        updates.adam(theta, gradient, self.first, self.second, parts, factors)

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

    def update(self, theta, gradient, rate, shrink=1.0, parts=None):
        """Move some parts of theta, or all of it, one step against ``shrink * gradient``."""
        self.n_updates += 1
        parts = whole(theta) if parts is None else parts
        if len(parts) > 1:
            at_once = rate / (1.0 - min(self.momentum, _LARGEST_MOMENTUM))
            factors = _floats(shrink, at_once, 0.0, 0.0)
            updates.sgd(theta, gradient, self.velocity, parts[:-1], factors)
        factors = _floats(shrink, rate, self.momentum, self.nesterov)
        updates.sgd(theta, gradient, self.velocity, parts[-1:], factors)

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


class Average:
    """Weights averaged over their last updates, which are better than the last ones (equation 83).

    A row of a table that an update does not touch stays where it is. Its average goes on all the
    same, and is brought up to date before the row is touched again or the average is asked for.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The start.
    table_shape : tuple of int
        Of the table that the vector begins with; (0, 0) where there is none.
    """

    def __init__(self, theta, table_shape=(0, 0)):
        self.theta, self.n_updates = theta.copy(), 0
        self._width = table_shape[1]
        # Logarithm of what the updates leave of the start, now and when a row was up to date.
        self._left, self._left_of_rows = 0.0, np.zeros(table_shape[0])

    def catch_up(self, theta, rows=None):
        """Bring the average of some rows, or of the whole table, up to date."""
        if not self._width:
            return
        rows = np.arange(len(self._left_of_rows)) if rows is None else rows
        shares = -np.expm1(self._left - self._left_of_rows[rows])
        parts = parts_of(rows, self._width)
        updates.toward(theta, self.theta, parts, shares.astype(theta.dtype))
        self._left_of_rows[rows] = self._left

    def add(self, theta, parts, rows=()):
        """Count theta after an update of these parts, which are these rows and all behind them."""
        self.n_updates += 1
        share = max(1.0 / AVERAGED_UPDATES, 10.0 / (self.n_updates + 9.0))
        updates.toward(theta, self.theta, parts, np.full(len(parts), share, theta.dtype))
        if self._width:
            self._left += np.log1p(-share) if share < 1.0 else -_ALL
            self._left_of_rows[rows] = self._left

    def copy(self):
        """An independent average in the same state."""
        return _copy(self)


def _copy(optimizer):
    twin = object.__new__(type(optimizer))
    for name, value in vars(optimizer).items():
        setattr(twin, name, value.copy() if isinstance(value, np.ndarray) else value)
    return twin
