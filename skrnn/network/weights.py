"""From a network's flat parameters to what kernels read, and from their gradients back.

Each way is one look-up: where every number goes is found once, by packing indices in the place of
parameters.
"""

from itertools import chain
from math import prod
from typing import NamedTuple

import numpy as np

from skrnn.kernels import packing
from skrnn.network import threads
from skrnn.network.workspace import cut, empty

# So many numbers are looked up by two threads, because one takes as long as a tenth of a step.
_MANY = 1 << 18


class LookUp(NamedTuple):
    """Places (n,) in the flat vector, and the shapes of each block's arrays made of them."""

    places: np.ndarray
    shapes: list


class Packing:
    """How the parameters of a network are packed, and its gradients unpacked.

    It is not changed once it is made, so models and threads may share it.

    Parameters
    ----------
    blocks : Chain of Block
    layout : Layout
        Of the same blocks.
    dtype : numpy dtype
    """

    def __init__(self, blocks, layout, dtype):
        self._chain, self.dtype = blocks, np.dtype(dtype)
        self._blocks, self._layout = blocks.flat(), layout
        n = self._n_parameters = layout.n_parameters
        # The vector is continued by a zero, which stands wherever a matrix has no parameter.
        self._factors = np.append(np.ones(n), 0.0).astype(dtype)
        for block, arrays in zip(self._blocks, layout.by_block(self._factors[:-1]), strict=True):
            block.factors(arrays)
        self._gradient_shapes = [block.gradient_shapes for block in self._blocks]
        self.n_gradients = sum(map(prod, chain(*self._gradient_shapes)))

    def look_up(self, both_ways):
        """LookUp of all packed weights, for both ways or the way forward alone.

        It is as large as they are.
        """
        numbers = self._layout.by_block(np.arange(self._n_parameters, dtype=np.uint32))
        packed = [
            block.pack(arrays, self._n_parameters, both_ways)
            for block, arrays in zip(self._blocks, numbers, strict=True)
        ]
        places = np.concatenate(
            [array.ravel() for arrays in packed for array in arrays], dtype=np.uint32
        )
        return LookUp(places, [[array.shape for array in arrays] for arrays in packed])

    def memory(self, look_up):
        """Weights in fresh memory, and a function that fills them from a flat vector."""
        places, shapes = look_up
        scaled, numbers = np.zeros_like(self._factors), empty((len(places),), self.dtype)
        packed = self._by_block(numbers, shapes)
        weights = self._chain.like(
            [block.bind(arrays) for block, arrays in zip(self._blocks, packed, strict=True)]
        )

        def fill(theta, helpers=None):
            if helpers is None or len(places) < _MANY:
                packing.pack(theta, self._factors, places, scaled, numbers)
                return weights
            np.multiply(theta, self._factors[:-1], out=scaled[:-1])
            threads.run(
                lambda part: packing.look_up(scaled, places[part], numbers[part]),
                _halves(len(places)), helpers,
            )  # fmt: skip
            return weights

        return fill

    def gradients(self, numbers):
        """The arrays that blocks add their gradients to, in some memory (n_gradients,)."""
        return self._chain.like(self._by_block(numbers, self._gradient_shapes))

    def gradient_places(self):
        """For each parameter the place of its gradient in the numbers of :meth:`gradients`."""
        found = np.empty(self._n_parameters, np.uint32)
        gradients = self.gradients(np.arange(self.n_gradients, dtype=np.uint32)).flat()
        for block, arrays, of_block in zip(
            self._blocks, gradients, self._layout.by_block(found), strict=True
        ):
            block.unpack_gradient(arrays, of_block)
        return found

    def sum_up(self, numbers, places, gradient, helpers=None):
        """Write the flat vector's gradient from the numbers (shards, n_gradients) of all shards.

        places: those of :meth:`gradient_places`. Shards are added in order, whatever the threads.
        """
        if helpers is None or len(places) < _MANY:
            packing.sum_up(numbers, places, self._factors, gradient)
            return
        threads.run(
            lambda part: packing.sum_up_part(
                numbers, places[part], self._factors[part], gradient[part]
            ),
            _halves(len(places)), helpers,
        )  # fmt: skip

    @staticmethod
    def _by_block(numbers, shapes):
        arrays = iter(cut(numbers, chain(*shapes)))
        return [[next(arrays) for _ in of_block] for of_block in shapes]


def _halves(n):
    return slice(n // 2), slice(n // 2, n)
