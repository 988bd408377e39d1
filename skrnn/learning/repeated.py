"""Predictions of small batches, again and again: all calls of kernels are kept with the model."""

from collections import deque

from skrnn.network import threads
from skrnn.network.passes import Run
from skrnn.network.repeated import Forward, is_plain
from skrnn.network.workspace import Workspace

# Numbers of a batch, and shapes of batches, at most.
_MOST_NUMBERS, _MOST_SHAPES = 1 << 15, 8


class Repeated:
    """A model's way from a batch of one shape to its raw predictions; it is used by one thread.

    Parameters
    ----------
    model : skrnn.learning.model.Model
    sequences : Sequences
        Of that shape.
    rows : ndarray of shape (n,)
    of_rows : Timeline
    """

    def __init__(self, model, sequences, rows, of_rows):
        network, data = model.network, model.data(sequences)
        run = Run(of_rows, Workspace(network.dtype), False)
        self._theta, weights = model.theta.tobytes(), network.weights(model.theta)
        self._forward = Forward(network.chain, weights, data, rows, run)
        self._path, self._of_path = None, 0.0
        if model.path is not None:
            # Of the network's precision.
            self._path, self._of_path, self._is_beyond = model.path.call(sequences)
            self._path_sees_all = model.path.n_steps >= sequences.n_steps
            self._nearest = model.path.nearest

    def is_of(self, theta):
        """Whether the parameters are still those that it was made with."""
        return theta.tobytes() == self._theta

    def raw_predict(self, values):
        """Raw predictions (n, n_outputs) of values (n * n_steps, F), in memory of their own."""
        if self._path is not None:
            self._path(values.reshape(-1))
            if self._is_beyond[0] or not self._path_sees_all:
                self._is_beyond[0], values = False, self._nearest(values)
        return self._forward.run(values) + self._of_path


class Batches:
    """Those that a model has, by the shapes of batches.

    Parameters
    ----------
    model : skrnn.learning.model.Model
        Which is not kept, because it keeps this.
    """

    def __init__(self, model):
        path, dtype = model.path, model.network.dtype
        self._is_possible = is_plain(model.network.chain) and (
            path is None or path.precision(dtype) == dtype
        )
        self._known = {}

    def raw_predict(self, model, sequences):
        """Raw predictions of sequences; None where there are many, or they or the net are of
        another kind than is kept here.
        """
        if not (self._is_possible and sequences.is_array):
            return None
        key = len(sequences), sequences.n_steps
        known = self._known.get(key)
        if known is None:
            known = self._learn(key, model, sequences)
        tile, idle = known
        if tile is None:
            return None
        found = threads.take(idle)
        if found is None or not found.is_of(model.theta):
            found = Repeated(model, sequences, *tile)
        raw = found.raw_predict(sequences.read_only)
        idle.append(found)
        return raw

    def _learn(self, key, model, sequences):
        """The only tile of such a batch, None where it has several, and its idle Repeated."""
        tile = None
        if sequences.values.size <= _MOST_NUMBERS:
            shards = model.network.planner.plan_all(model.data(sequences))
            if len(shards) == len(shards[0]) == 1:
                [[tile]] = shards
        if len(self._known) >= _MOST_SHAPES:
            self._known = {}
        known = self._known[key] = tile, deque()
        return known
