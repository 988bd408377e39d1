"""Pooling blocks: from the outputs of each direction to one vector for each answer of the network.

An answer is of a row (equations 40 to 45), or of each of its steps (equation 109).

A pooling gets a list of the last layer's outputs, one for each direction: all states (S, H), or the
final states (B, H) where it reads no others. To add one, write its class here, or in a file of its
own, and enter it into :data:`skrnn.choices.POOLINGS`. It may own parameters, and say by `n_outputs`
how long its vectors are.
"""

import numpy as np

from skrnn.kernels import pooling
from skrnn.network.block import Block


class Pooling(Block):
    """What poolings share.

    Parameters
    ----------
    n_hidden, n_directions : int
        Of the last layer.
    dtype : numpy dtype
    """

    #: Whether the states of all steps are read, or the final ones alone.
    reads_all_steps = True
    #: Whether there is an answer for each step of a row, not for the row.
    of_steps = False
    #: Whether what it gives after a step follows from the final states of the step alone.
    follows_steps = False

    def __init__(self, n_hidden, n_directions, dtype):
        self.n_hidden, self.n_directions = n_hidden, n_directions
        self.n_outputs = n_hidden * n_directions

    def answers(self, rows, firsts, timeline):
        """Places of a tile's answers among those of all rows.

        Parameters
        ----------
        rows : ndarray of shape (B,)
        firsts : ndarray of shape (n,) or None
            The first answer of every row, where each step has one.
        timeline : Timeline
            Of the tile.
        """
        return timeline.end_to_end(firsts[rows]) if self.of_steps else rows


class Last(Pooling):
    """The final state of each direction."""

    reads_all_steps = False
    follows_steps = True

    def forward(self, weights, outputs, run):
        """Pooled states (B, P) of final states (B, H)."""
        return (outputs[0] if len(outputs) == 1 else np.hstack(outputs)), None

    def backward(self, weights, kept, d_pooled, gradients, run):
        """Gradients (S, H) of each direction's outputs."""
        start, lengths, _ = run.timeline
        n_rows, d_h = len(lengths), []
        final = slice(-n_rows, None)
        if lengths[0] != lengths[-1]:
            final = start[lengths - 1] + np.arange(n_rows)
        for first in range(0, self.n_outputs, self.n_hidden):
            d_out = run.work.array(("d_h", first), run.timeline.n_lines, self.n_hidden)
            d_out.fill(0)
            d_out[final] = d_pooled[:, first : first + self.n_hidden]
            d_h.append(d_out)
        return d_h


class EachStep(Pooling):
    """Nothing is pooled: the outputs of all directions at each step."""

    of_steps = follows_steps = True

    def forward(self, weights, outputs, run):
        """Outputs (S, P) of all states (S, H), in memory of the workspace."""
        joined = None
        if len(outputs) > 1:
            joined = run.work.array((self, "joined"), run.timeline.n_lines, self.n_outputs)
        return run.timeline.join(outputs, joined), None

    def backward(self, weights, kept, d_pooled, gradients, run):
        """Gradients (S, H) of each direction's outputs."""
        d_outputs = None
        if self.n_directions > 1:
            shape = run.timeline.n_lines, self.n_hidden
            d_outputs = run.work.arrays((self, "d_outputs"), shape, shape)
        return run.timeline.split(d_pooled, d_outputs)


class _OverSteps(Pooling):
    """A statistic of each unit over the steps, by a kernel and its way back."""

    def forward(self, weights, outputs, run):
        """Pooled outputs (B, P) of all states (S, H)."""
        out = run.timeline.join(outputs)
        pooled = run.work.array((self, "pooled"), run.timeline.n_rows, self.n_outputs)
        self._pool(out, run.timeline.start, run.timeline.lengths, pooled)
        return pooled, out

    def backward(self, weights, out, d_pooled, gradients, run):
        """Gradients (S, H) of each direction's outputs."""
        start, lengths, _ = run.timeline
        d_out = run.work.array("d_out", run.timeline.n_lines, self.n_outputs)
        d_out.fill(0)
        self._pool_backward(out, start, lengths, d_pooled, d_out)
        return run.timeline.split(d_out)


class Mean(_OverSteps):
    """The mean over all steps."""

    _pool = staticmethod(pooling.mean)

    @staticmethod
    def _pool_backward(out, start, lengths, d_pooled, d_out):
        pooling.mean_backward(start, lengths, d_pooled, d_out)


class Maximum(_OverSteps):
    """The maximum over all steps, of each unit by itself."""

    _pool = staticmethod(pooling.maximum)
    _pool_backward = staticmethod(pooling.maximum_backward)
