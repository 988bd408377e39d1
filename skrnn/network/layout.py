"""Where the named arrays of all blocks stand in one flat vector.

Optimiser, clipping, snapshot, warm start and saving are one array operation each on that vector.
"""

from math import prod

import numpy as np


class Layout:
    """The order of all parameters of some blocks.

    Parameters
    ----------
    blocks : sequence of Block
    """

    def __init__(self, blocks):
        self._places, self._of_blocks, start = {}, [], 0
        for block in blocks:
            self._of_blocks.append([parameter.name for parameter in block.parameters])
            for parameter in block.parameters:
                if parameter.name in self._places:
                    raise ValueError(f"two blocks have a parameter {parameter.name!r}")
                stop = start + prod(parameter.shape)
                self._places[parameter.name] = (slice(start, stop), parameter)
                start = stop
        self.n_parameters = start

    def views(self, vector):
        """Named arrays of a flat vector, in its order, sharing its memory."""
        return {
            name: vector[place].reshape(parameter.shape)
            for name, (place, parameter) in self._places.items()
        }

    def by_block(self, vector):
        """The arrays of :meth:`views` as a list for each block."""
        views = self.views(vector)
        return [[views[name] for name in names] for names in self._of_blocks]

    def penalised(self, dtype):
        """One where the L2 penalty counts a parameter, zero elsewhere (n_parameters,)."""
        vector = np.zeros(self.n_parameters, dtype)
        for place, parameter in self._places.values():
            vector[place] = parameter.is_penalised
        return vector

    def start(self, rng, dtype):
        """Start values of all parameters; they are drawn in double precision."""
        vector = np.empty(self.n_parameters, dtype)
        for place, parameter in self._places.values():
            vector[place] = np.ravel(parameter.start(rng, parameter.shape))
        return vector
