"""Predictions of small batches, again and again: all calls of kernels are kept with the model."""

from collections import deque
from typing import NamedTuple

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
    weights : Chain
    sequences : Sequences
        Of that shape.
    rows : ndarray of shape (n,)
    of_rows : Timeline
    """

    def __init__(self, model, weights, sequences, rows, of_rows):
        network, data = model.network, model.data(sequences)
        run = Run(of_rows, Workspace(network.dtype), False)
        self._forward = Forward(network.chain, weights, data, rows, run)
        self._path, self._of_path = None, 0.0
        if model.path is not None:
            # Of the network's precision.
            self._path, self._of_path, self._is_beyond = model.path.call(sequences)
            self._path_sees_all = model.path.n_steps >= sequences.n_steps
            self._nearest = model.path.nearest

    def raw_predict(self, values):
        """Raw predictions (n, n_outputs) of values (n * n_steps, F), in memory of their own."""
        if self._path is not None:
            self._path(values.reshape(-1))
            if self._is_beyond[0] or not self._path_sees_all:
                self._is_beyond[0], values = False, self._nearest(values)
        return self._forward.run(values) + self._of_path


class _Kept(NamedTuple):
    """What is kept of a model: the bytes of its parameters, of which there is one copy because they
    may be many; these as packed weights; and by the shapes of batches the only tile of each, None
    where it has several, and its idle Repeated.
    """

    theta: bytes
    weights: object
    of_shapes: dict


class Batches:
    """Those that a model has, by the shapes of batches, as long as its parameters stay the same.

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
        self._kept = _Kept(b"", None, {})

    def raw_predict(self, model, sequences):
        """Raw predictions of sequences; None where there are many, or they or the net are of
        another kind than is kept here.
        """
        if not (self._is_possible and sequences.is_array):
            return None
        if sequences.values.size > _MOST_NUMBERS:
            return None
        kept, theta = self._kept, model.theta.tobytes()
        if kept.theta != theta:
            kept = self._kept = _Kept(theta, model.network.weights(model.theta), {})
        key = len(sequences), sequences.n_steps
        tile, idle = kept.of_shapes.get(key) or self._learn(kept.of_shapes, key, model, sequences)
        if tile is None:
            return None
        found = threads.take(idle) or Repeated(model, kept.weights, sequences, *tile)
        raw = found.raw_predict(sequences.read_only)
        idle.append(found)
        return raw

    @staticmethod
    def _learn(of_shapes, key, model, sequences):
        """What is kept of batches of another shape."""
        shards = model.network.planner.plan_all(model.data(sequences))
        tile = shards[0][0] if len(shards) == len(shards[0]) == 1 else None
        if len(of_shapes) >= _MOST_SHAPES:
            of_shapes.clear()
        known = of_shapes[key] = tile, deque()
        return known
