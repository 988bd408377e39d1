"""From a network's flat parameters to what kernels multiply by, and from their gradients back.

Both ways are one look-up: where each number stands is found once, by packing the numbers of the
places instead of parameters.
"""

from itertools import chain
from math import prod
from typing import NamedTuple

import numpy as np

from skrnn.kernels.vectors import empty


class Weights(NamedTuple):
    """A step matrix packed for the products of a step, and its transpose for the way back."""

    panels: np.ndarray
    to_state: np.ndarray | None
    to_input: np.ndarray | None


class Parameters(NamedTuple):
    """Weights of each layer's directions, and the output layer's V (P, K) and bias (K,)."""

    layers: list
    V: np.ndarray
    bias: np.ndarray


class Gradients(NamedTuple):
    """The same of gradients, with step matrices (not packed) for the layers, in one memory."""

    layers: list
    V: np.ndarray
    bias: np.ndarray


class LookUp(NamedTuple):
    """Places (n,) in the flat vector, and the shapes of the arrays with the numbers from there."""

    places: np.ndarray
    shapes: list


class Places:
    """Where in the flat vector the numbers of kernels are, and in theirs those of its gradient.

    Parameters
    ----------
    layers : sequence of tuple of Layer
        Of each layer its directions.
    head : int
        Where the output layer's V begins, which its bias follows.
    n_pooled, n_outputs : int
        Shape of V.
    dtype : numpy dtype
    """

    def __init__(self, layers, head, n_pooled, n_outputs, dtype):
        self.layers, self.dtype = layers, np.dtype(dtype)
        self._head, self._V = head, (n_pooled, n_outputs)
        n = self._n_parameters = head + (n_pooled + 1) * n_outputs
        # The vector is continued by a zero, which stands wherever a matrix has no parameter.
        self._factors = np.append(np.ones(n), 0.0).astype(dtype)
        for one in self._all():
            one.write(one.factors(), self._factors)
        self._shapes = [one.gradient_shape for one in self._all()]
        self.n_gradients = sum(map(prod, self._shapes)) + n - head

    def _all(self):
        return [one for layer in self.layers for one in layer]

    def of_weights(self, both_ways):
        """LookUp of all packed weights, for both ways or the way forward alone.

        It is as large as these, so that of the way back is nothing to keep for long.
        """
        numbers, arrays = np.arange(self._n_parameters + 1), []
        for i, layer in enumerate(self.layers):
            for one in layer:
                weights = one.pack(numbers, self._n_parameters, wants_input=i > 0)
                arrays += weights if both_ways else weights[:1]
        places = np.concatenate([array.ravel() for array in arrays])
        kept = places if both_ways else places.astype(np.int32)
        return LookUp(kept, [array.shape for array in arrays])

    def of_gradients(self):
        """For each parameter where its gradient is in the numbers of Gradients."""
        places = self.gradients(np.arange(self.n_gradients))
        vector = np.empty(self._n_parameters, np.int64)
        for one, d_matrix in zip(self._all(), chain(*places.layers), strict=True):
            one.write(d_matrix, vector)
        vector[self._head :] = np.append(places.V, places.bias)
        return vector

    def _by_layer(self, arrays):
        arrays = iter(arrays)
        return [[next(arrays) for _ in layer] for layer in self.layers]

    def _head_of(self, numbers):
        size = prod(self._V)
        return numbers[:size].reshape(self._V), numbers[size:]

    def gradients(self, numbers):
        """Gradients in some memory (n_gradients,)."""
        matrices, rest = _cut(numbers, self._shapes)
        return Gradients(self._by_layer(matrices), *self._head_of(rest))

    def sum_up(self, numbers, places, gradient):
        """Write the flat vector's gradient from the numbers (shards, n_gradients) of Gradients.

        places: those of :meth:`of_gradients`. Shards are added in order, whatever the threads;
        their numbers are used up.
        """
        total = numbers[0]
        for shard in numbers[1:]:
            total += shard
        np.take(total, places, out=gradient, mode="clip")
        gradient *= self._factors[:-1]

    def packing(self, look_up):
        """Memory for packed parameters, and a function that fills it from a flat vector."""
        places, shapes = look_up
        scaled, numbers = np.zeros_like(self._factors), empty((len(places),), self.dtype)
        arrays, _ = _cut(numbers, shapes)
        step = len(shapes) // len(self._all())
        weights = [
            Weights(*arrays[i : i + step], *[None] * (3 - step))
            for i in range(0, len(arrays), step)
        ]
        parameters = Parameters(self._by_layer(weights), *self._head_of(scaled[self._head : -1]))

        def fill(theta):
            np.multiply(theta, self._factors[:-1], out=scaled[:-1])
            np.take(scaled, places, out=numbers, mode="clip")
            return parameters

        return fill


def _cut(numbers, shapes):
    """Arrays of some shapes, one after the other in memory, and what is left of it."""
    arrays = []
    for shape in shapes:
        arrays.append(numbers[: prod(shape)].reshape(shape))
        numbers = numbers[prod(shape) :]
    return arrays, numbers
