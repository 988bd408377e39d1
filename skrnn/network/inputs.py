"""The first block: the numbers of the sequences, standardised, on the timeline."""

from functools import lru_cache

import numpy as np

from skrnn.kernels import timeline
from skrnn.kernels.timeline import SequenceData
from skrnn.network.block import Block


def sequence_data(sequences, center, scale, frame_length=1):
    """`sequences` in steps of some observations, with their standardisation.

    Parameters
    ----------
    sequences : Sequences
    center, scale : ndarray of shape (1, F) or (T, F)
    frame_length : int

    Returns
    -------
    SequenceData
    """
    dtype = sequences.values.dtype
    scaling = np.ascontiguousarray(center, dtype), np.ascontiguousarray(scale, dtype)
    return standardized_data(sequences, *scaling, frame_length)


def standardized_data(sequences, center, scale, frame_length):
    """SequenceData as :func:`sequence_data`, of centre and scale in the sequences' precision."""
    lengths, n_steps = sequences.lengths, sequences.n_steps
    if frame_length == 1:
        missing = _zeros(len(lengths))
    else:
        lengths, n_steps = -(-lengths // frame_length), -(-n_steps // frame_length)
        missing = lengths * frame_length - sequences.lengths
    given = sequences.starts, lengths, missing, center, scale, frame_length, n_steps
    return SequenceData(sequences.read_only, *given)


@lru_cache(maxsize=4)
def _zeros(n):
    """Zeros (n,), which nothing changes."""
    return np.zeros(n, np.int64)


class Numbers(Block):
    """Sequences of numbers.

    Parameters
    ----------
    n_features : int
    frame_length : int
        Observations in a step.
    """

    def __init__(self, n_features, frame_length):
        self.n_outputs = n_features * frame_length

    def forward(self, weights, data, rows, run):
        """x (S, k * F) of some rows of the data, the longest sequence first; nothing is kept."""
        x = run.work.array((self, "x"), run.timeline.n_lines, self.n_outputs)
        timeline.gather(data[1:], rows, run.timeline.start, x, data.values)
        return x, None


class Traced(Numbers):
    """Sequences of numbers with a way back: what is found here is the observations' gradient."""

    learns = True

    def forward(self, weights, data, rows, run):
        """x (S, k * F), and what it was made of."""
        x, _ = super().forward(weights, data, rows, run)
        return x, (data, rows)

    def backward(self, weights, kept, d_x, gradient, run):
        """Add to the gradient (total, F) of the data's values; a NaN gets some too."""
        data, rows = kept
        steps, of_tile = run.timeline.places()
        lines, n_features = rows[of_tile], gradient.shape[1]
        first, of_step = steps * data.frame_length - data.missing[lines], len(data.scale) > 1
        for j in range(data.frame_length):
            # No place comes twice, because a first frame alone repeats what it begins with.
            observation = np.maximum(first + j, 0)
            d_scaled = d_x[:, j * n_features : (j + 1) * n_features]
            scale = data.scale[observation if of_step else 0]
            gradient[data.starts[lines] + observation] += d_scaled * scale
