"""The values that a linear path is fitted to, beyond which it goes on alone (equation 155)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skrnn.kernels import affine

# Numbers at least that are looked at together, to see whether any is beyond its limits.
_AT_A_TIME = 256


@dataclass(frozen=True, eq=False)
class Limits:
    """The lowest and the highest values of each feature, or of each column of a plain table.

    Attributes
    ----------
    lowest, highest : ndarray of float64, of shape (1, F) or (T, F)
    """

    lowest: np.ndarray
    highest: np.ndarray

    def both(self):
        return self.lowest, self.highest

    def have(self, others):
        """Whether no limit of others is beyond these."""
        are_lower, are_higher = others.lowest < self.lowest, others.highest > self.highest
        return not (are_lower.any() or are_higher.any())

    def joined(self, others):
        """The lower and the higher limits of both."""
        lowest = np.minimum(self.lowest, others.lowest)
        return Limits(lowest, np.maximum(self.highest, others.highest))

    def nearest(self, values):
        """Values, flat or in rows of F, with those beyond the limits replaced by these; the same
        array where there are none.
        """
        flat = values.reshape(-1)
        flat.setflags(write=False)  # as all values are that kernels get
        if not affine.are_beyond(flat, *self._in(values.dtype)):
            return values
        nearest = np.clip(flat.reshape(-1, *self.lowest.shape), self.lowest, self.highest)
        return nearest.astype(values.dtype).reshape(values.shape)

    @cached_property
    def _known(self):
        return {}

    def _in(self, dtype):
        """Both in a precision, of some rows together where they are narrow."""
        if dtype not in self._known:
            size = self.lowest.size * -(-_AT_A_TIME // self.lowest.size)
            limits = (np.resize(one, size).astype(dtype) for one in self.both())
            self._known[dtype] = tuple(limits)
        return self._known[dtype]


def limits_of(sequences, center):
    """The Limits of some sequences.

    Parameters
    ----------
    sequences : Sequences
    center : ndarray of shape (1, F) or (T, F)
        Both where there is no value.
    """
    values = sequences.steps()
    if len(center) > 1:
        values = values.reshape(-1, *center.shape)
    found = (extreme.reduce(values, axis=0).reshape(center.shape) for extreme in (np.fmin, np.fmax))
    return Limits(*(np.where(np.isnan(one), center, one).astype(np.float64) for one in found))
