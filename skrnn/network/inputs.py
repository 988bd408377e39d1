"""The first block: the numbers of the sequences, standardised, on the timeline."""

import numpy as np

from skrnn.kernels import timeline
from skrnn.kernels.timeline import SequenceData
from skrnn.network.block import Block


def sequence_data(sequences, center, scale):
    """`sequences` with their standardisation; center and scale (1, F) or (T, F)."""
    dtype = sequences.values.dtype
    arrays = (
        sequences.values,
        sequences.starts,
        sequences.lengths,
        np.ascontiguousarray(center, dtype),
        np.ascontiguousarray(scale, dtype),
    )
    lengths = sequences.lengths
    n_steps = int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else 0
    return SequenceData(*map(_read_only, arrays), n_steps)


def _read_only(array):
    """A view that cannot be written to: one type for kernels, whatever the user's array allows."""
    view = array.view()
    view.flags.writeable = False
    return view


class Numbers(Block):
    """Sequences of numbers.

    Parameters
    ----------
    n_features : int
    """

    def __init__(self, n_features):
        self.n_outputs = n_features

    def forward(self, weights, data, rows, run):
        """x (S, F) of some rows of the data, the longest sequence first; nothing is kept."""
        x = np.empty((run.timeline.start[-1], self.n_outputs), data.values.dtype)
        timeline.gather(data, rows, run.timeline.start, x)
        return x, None
