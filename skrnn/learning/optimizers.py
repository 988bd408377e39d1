"""Optimisers over one flat vector, clipping, and an average (equations 58 to 64 and 83).

Where the vector begins with a table, an update touches only those rows of it that a batch has read.
These rows have no momentum, because it would not be spent before the row is touched again; instead
each gradient moves them at once by all that momentum would add to it in time (equation 105).
"""

import math

import numpy as np

from skrnn.kernels import updates

#: The weights that validation data watch are an average over about so many of the last updates.
AVERAGED_UPDATES = 100.0
# With a momentum of one a gradient would move a row for ever.
_LARGEST_MOMENTUM = 0.99
# Logarithm of so little that nothing is left of the start.
_ALL = 1e3
# Smaller squares than this one's are lost, and a step by the square root of nothing is endless.
_LEAST_ROOT = {np.dtype(name): math.sqrt(np.finfo(name).tiny) for name in ("float32", "float64")}


def gradient_norm(gradient, table=None):
    """Euclidean norm, summed in a fixed order: the same bits under any BLAS.

    Parameters
    ----------
    gradient : ndarray of shape (n,)
        Of what stands behind the table, which is all where there is none.
    table : skrnn.network.embedding.TouchedRows, optional
        With the gradient of those rows of a table that the minibatch has read.
    """
    of_rows = 0.0 if table is None else updates.add_squares(0.0, table.gradient.ravel())
    return math.sqrt(updates.add_squares(of_rows, gradient))


def _floats(*numbers):
    """Numbers of any type as a tuple that a kernel takes; it would be compiled for each type."""
    return tuple(map(float, numbers))


def clipping_factor(norm, max_norm):
    """Factor that brings a gradient's norm to at most `max_norm` (Pascanu et al., 2013)."""
    if max_norm is None or not norm > max_norm:
        return 1.0
    return max_norm / norm


class State:
    """Arrays and numbers that can be copied, and overwritten by those of another."""

    def copy(self):
        """An independent one in the same state."""
        twin = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(twin, name, value.copy() if isinstance(value, np.ndarray) else value)
        return twin

    def become(self, other):
        """Be in the state of another one, in the memory that is there."""
        for name, value in vars(other).items():
            if isinstance(value, np.ndarray):
                getattr(self, name)[:] = value
            else:
                setattr(self, name, value)


class Adam(State):
    """Adam (Kingma and Ba, 2015), its corrections and epsilon as in the paper and PyTorch.

    Parameters
    ----------
    n_parameters : int
    dtype : numpy dtype
    beta_1, beta_2, epsilon : float
    n_in_table : int, default=0
        How many of the parameters are numbers of a table, which have no first moment.
    """

    def __init__(
        self, n_parameters, dtype, beta_1=0.9, beta_2=0.999, epsilon=1e-8, n_in_table=0
    ):  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.first = np.zeros(n_parameters - n_in_table, dtype)
        self.second = np.zeros(n_parameters, dtype)
        self.n_updates = 0

    def update(self, theta, gradient, rate, shrink=1.0, table=None):
        """Move theta one step against ``shrink * gradient``; arguments as in `gradient_norm`.

        Of a table it moves the rows that the minibatch has read.
        """
        self.n_updates += 1
        behind = len(theta) - len(gradient)
        if table is not None:
            shape, factors = (-1, table.width), self._factors(theta.dtype, rate, shrink, 0.0)
            numbers, second = theta[:behind].reshape(shape), self.second[:behind].reshape(shape)
            updates.adam_rows(numbers, table.rows, table.gradient, second, factors)
        factors = self._factors(theta.dtype, rate, shrink, self.beta_1)
        updates.adam(theta[behind:], gradient, self.first, self.second[behind:], factors)

    def _factors(self, dtype, rate, shrink, beta_1):
        """As the kernels read them."""
        step = rate / (1.0 - beta_1**self.n_updates)
        correction = 1.0 / math.sqrt(1.0 - self.beta_2**self.n_updates)
        epsilon = max(self.epsilon, _LEAST_ROOT[dtype])
        return _floats(shrink, beta_1, self.beta_2, step, correction, epsilon)


class SGD(State):
    """Gradient descent with momentum, Nesterov's or the classical (Sutskever et al., 2013).

    Parameters
    ----------
    n_parameters : int
    dtype : numpy dtype
    momentum : float
    nesterov : bool
    n_in_table : int, default=0
        How many of the parameters are numbers of a table, which have no velocity.
    """

    def __init__(self, n_parameters, dtype, momentum=0.9, nesterov=True, n_in_table=0):
        self.momentum, self.nesterov = momentum, bool(nesterov)  # a saved model has no np.bool_
        self.velocity = np.zeros(n_parameters - n_in_table, dtype)
        self.n_updates = 0

    def update(self, theta, gradient, rate, shrink=1.0, table=None):
        """Move theta one step against ``shrink * gradient``, as :meth:`Adam.update` does."""
        self.n_updates += 1
        behind = len(theta) - len(gradient)
        if table is not None:
            at_once = rate / (1.0 - min(self.momentum, _LARGEST_MOMENTUM))
            numbers = theta[:behind].reshape(-1, table.width)
            updates.sgd_rows(numbers, table.rows, table.gradient, _floats(shrink, at_once))
        factors = _floats(shrink, rate, self.momentum, self.nesterov)
        updates.sgd(theta[behind:], gradient, self.velocity, factors)


def new_optimizer(network, settings):
    """A fresh optimiser of the kind the settings ask for."""
    size, dtype, n_in_table = network.n_parameters, network.dtype, network.n_in_table
    if settings.solver == "sgd":
        return SGD(size, dtype, settings.momentum, settings.nesterovs_momentum, n_in_table)
    of_adam = settings.beta_1, settings.beta_2, settings.epsilon
    return Adam(size, dtype, *of_adam, n_in_table)


def revived(network, settings, state):
    """An optimiser in a state kept by ``partial_fit``, a fresh one if there is none of its kind."""
    optimizer = new_optimizer(network, settings)
    if state is not None and state.keys() == vars(optimizer).keys():
        arrays = {k: v.copy() for k, v in state.items() if isinstance(v, np.ndarray)}
        vars(optimizer).update(arrays, n_updates=state["n_updates"])
    return optimizer


class Average(State):
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
        if rows is None:
            rows = np.arange(len(self._left_of_rows), dtype=np.int32)
        shares = -np.expm1(self._left - self._left_of_rows[rows])
        self._move_rows(theta, rows, shares.astype(theta.dtype))

    def add(self, theta, rows=()):
        """Count theta after an update of these rows and of all that stands behind the table."""
        self.n_updates += 1
        share = max(1.0 / AVERAGED_UPDATES, 10.0 / (self.n_updates + 9.0))
        behind = len(self._left_of_rows) * self._width
        updates.toward(theta[behind:], self.theta[behind:], theta.dtype.type(share))
        if self._width:
            self._left += np.log1p(-share) if share < 1.0 else -_ALL
            self._move_rows(theta, rows, np.full(len(rows), share, theta.dtype))

    def _move_rows(self, theta, rows, shares):
        """Move the average of some rows, which is up to date then."""
        behind, shape = len(self._left_of_rows) * self._width, (-1, self._width)
        table, average = theta[:behind].reshape(shape), self.theta[:behind].reshape(shape)
        updates.toward_rows(table, average, rows, shares)
        self._left_of_rows[rows] = self._left
