"""The timeline of some rows: their steps one after the other without padding (equations 2 to 4)."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skrnn.kernels import timeline


def step_starts(lengths):
    """start (T + 1,): step t of the sorted rows owns the lines start[t] to start[t + 1]."""
    n_rows = len(lengths)
    if lengths[0] == lengths[-1]:
        return np.arange(0, n_rows * lengths[0] + 1, n_rows)
    active = n_rows - np.searchsorted(lengths[::-1], np.arange(lengths[0]), side="right")
    return np.append(0, np.cumsum(active))


class Timeline(NamedTuple):
    """Rows sorted by their lengths, the longest first.

    Attributes
    ----------
    start : ndarray of shape (T + 1,)
        Step t owns the lines ``start[t]:start[t + 1]``.
    lengths : ndarray of shape (B,)
    mirror : ndarray of shape (S,) or None
        The line of each step when every row is read from its end; for both directions only.
    """

    start: np.ndarray
    lengths: np.ndarray
    mirror: np.ndarray | None

    @classmethod
    def of(cls, lengths, both_directions):
        """The timeline of rows of these lengths, the longest first."""
        if lengths[0] == lengths[-1]:
            return of_equal_rows(len(lengths), int(lengths[0]), both_directions)
        return _of_rows(lengths, both_directions)

    @property
    def n_rows(self):
        return len(self.lengths)

    @property
    def n_lines(self):
        """Steps of all rows."""
        return int(self.start[-1])

    def places(self):
        """Step and row of each line, two arrays (S,)."""
        steps = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        return steps, np.arange(len(steps)) - self.start[steps]

    def join(self, outputs, joined=None):
        """Outputs of each direction (S, H) side by side (S, D * H), at their own time steps.

        `joined` is memory for those of two directions.
        """
        if len(outputs) == 1:
            return outputs[0]
        if joined is None:
            joined = np.empty((self.n_lines, 2 * outputs[0].shape[1]), outputs[0].dtype)
        timeline.join(*outputs, self.mirror, joined)
        return joined

    def end_to_end(self, firsts):
        """Places (S,) of all lines in an array of the rows' steps end to end.

        Parameters
        ----------
        firsts : ndarray of shape (B,)
            Where each row's steps begin there.
        """
        n_active = np.diff(self.start)
        if self.lengths[0] == self.lengths[-1]:
            return (firsts + np.arange(len(n_active))[:, np.newaxis]).ravel()
        step = np.repeat(np.arange(len(n_active)), n_active)
        return firsts[np.arange(len(step)) - self.start[step]] + step

    def split(self, d_joined, d_outputs=None):
        """The way back of :meth:`join`: gradients of each direction's outputs.

        `d_outputs` is memory for those of two directions.
        """
        if self.mirror is None:
            return [d_joined]
        if d_outputs is None:
            shape = 2, self.n_lines, d_joined.shape[1] // 2
            d_outputs = list(np.empty(shape, d_joined.dtype))
        timeline.split(d_joined, self.mirror, *d_outputs)
        return d_outputs


@lru_cache(maxsize=64)
def of_equal_rows(n_rows, n_steps, both_directions):
    """Shared between models and threads, which only read it."""
    return _of_rows(np.full(n_rows, n_steps), both_directions)


def _of_rows(lengths, both_directions):
    start = step_starts(lengths)
    line = None
    if both_directions:
        line = np.empty(start[-1], np.int64)
        timeline.mirror(start, lengths, line)
    return Timeline(start, lengths, line)
