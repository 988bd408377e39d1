"""What a block is: a part of a network that owns named arrays and runs forward and back.

Blocks are peers: the code for start values, the penalty, packing and gradients asks each block, so
a new kind of block is one file. Kernels want parameters in an order of their own, so a block
*packs* its arrays; since packing only moves numbers, a network finds out once where each number
goes, and from then on packs the arrays of all blocks by one look-up.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Parameter(NamedTuple):
    """A named array of a block.

    Attributes
    ----------
    name : str
        Unique in the network.
    shape : tuple of int
    start : callable
        Of a RandomState and the shape: start values in double precision.
    is_penalised : bool
        Whether the L2 penalty `alpha` counts it.
    """

    name: str
    shape: tuple
    start: Callable
    is_penalised: bool


class Block:
    """A block without parameters; others override what differs.

    Attributes
    ----------
    parameters : tuple of Parameter
        Its arrays, in the order in which they stand in the flat vector.

    Notes
    -----
    ``forward(weights, inputs, run)`` gives outputs and what the way back needs of them, and
    ``backward(weights, kept, d_outputs, gradients, run)`` adds to the block's own gradients and
    gives the gradient of its inputs. `weights` is what :meth:`bind` made of the packed arrays, and
    `run` is a :class:`skrnn.network.passes.Run`. The inputs of the first block are data and rows.
    Threads share a block, so what a run needs later goes into `kept`, never into the block. A row's
    outputs must have the same bits whatever other rows are in its tile.
    """

    parameters = ()
    #: Whether its one parameter is a table, of which a batch reads and changes some rows alone.
    is_table = False
    #: Whether, as a first block, it gives Tokens in the place of a vector for each line.
    gives_tokens = False

    @property
    def learns(self):
        """Whether there is anything to learn here."""
        return bool(self.parameters)

    def pack(self, arrays, fill, both_ways):
        """The arrays that kernels read, made of the parameters or of any numbers in their place.

        Parameters
        ----------
        arrays : list of ndarray
            Numbers in the shapes of the parameters.
        fill : number
            What stands where no parameter does.
        both_ways : bool
            Whether the arrays of the way back are wanted too.

        Returns
        -------
        list of ndarray
        """
        return arrays

    def bind(self, packed):
        """What `forward` and `backward` get, of the packed arrays (memory that is refilled)."""
        return packed

    def factors(self, arrays):
        """Write into arrays of ones what the parameters are to be multiplied by in packing."""

    @property
    def gradient_shapes(self):
        """Shapes of the arrays that `backward` adds gradients to."""
        return [parameter.shape for parameter in self.parameters]

    def unpack_gradient(self, gradients, arrays):
        """Write gradients, or any numbers in their place, into arrays of the parameters' shapes."""
        for array, gradient in zip(arrays, gradients, strict=True):
            array[:] = gradient


# Start values (equations 70 to 72).


def glorot(n_gates=1):
    """Uniform in +-sqrt(6 / (fan in + fan out)), gate by gate (Glorot and Bengio, 2010)."""

    def start(rng, shape):
        bound = np.sqrt(6.0 / (shape[0] + shape[1] / n_gates))
        return rng.uniform(-bound, bound, shape)

    return start


def orthogonal(n_gates):
    """`n_gates` random orthogonal matrices side by side (Saxe et al., 2014)."""

    def start(rng, shape):
        q, r = np.linalg.qr(rng.standard_normal((n_gates, shape[0], shape[0])))
        signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
        return np.hstack(list(q * signs[:, np.newaxis]))

    return start


def constant(numbers):
    """Each number repeated to fill an equal part of the array."""

    def start(rng, shape):
        return np.repeat(np.asarray(numbers, float), shape[0] // len(numbers))

    return start
