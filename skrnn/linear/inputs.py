"""What a linear map of numbers reads: the last steps of sequences, standardised and flat."""

from dataclasses import dataclass

import numpy as np

from skrnn.data.sequences import Sequences

#: Inputs of the map of sequences at most; of longer ones only the last steps are used.
_MAX_INPUTS = 512
#: The same of the map at each step, which is fitted to as many rows as there are steps.
_MAX_INPUTS_OF_STEPS = 256
# Rows flattened at a time, so that the design matrix of large data never exists whole.
_CHUNK = 1024


def n_steps_of(sequences, is_table, linear_path):
    """How many of the last steps the map sees: as many as asked; else of a table all columns, and
    of sequences all up to 512 inputs.
    """
    longest = int(sequences.lengths.max())
    if linear_path != "auto":
        return min(int(linear_path), longest)
    return longest if is_table else min(longest, max(1, _MAX_INPUTS // sequences.n_features))


def window_of(sequences, linear_path, both_sides):
    """How many of the last steps the map at each step sees, and how many of the next."""
    longest, n_steps = int(sequences.lengths.max()), linear_path
    if linear_path == "auto":
        most = max(1, _MAX_INPUTS_OF_STEPS // sequences.n_features)
        n_steps = (most + 1) // 2 if both_sides else most
    n_steps = min(int(n_steps), longest)
    return n_steps, n_steps - 1 if both_sides else 0


def flatten(sequences, rows, center, scale, n_steps):
    """Standardised last steps of some rows, (n_rows, n_steps * F), older steps of short ones zero.

    Parameters
    ----------
    sequences : Sequences
    rows : slice
    center, scale : ndarray of shape (1, F) or (T, F)
    n_steps : int

    Returns
    -------
    ndarray of float64
    """
    some = sequences.take(rows)
    lengths = some.lengths
    if len(center) > 1:
        center, scale = center[-n_steps:], scale[-n_steps:]
    if (lengths == n_steps).all():  # nothing to cut or to fill
        flat = some.steps().reshape(len(lengths), n_steps, -1)
        return ((flat.astype(np.float64) - center) / scale).reshape(len(lengths), -1)
    steps = np.arange(n_steps) - n_steps  # counted from the end, -1 the last
    places = np.maximum((some.starts + lengths)[:, np.newaxis] + steps, 0)
    flat = (sequences.values[places].astype(np.float64) - center) / scale
    flat[lengths[:, np.newaxis] < -steps] = 0.0
    return flat.reshape(len(lengths), -1)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs of the map for some sequences.

    Attributes
    ----------
    sequences : Sequences
        Of steps: what there is of a sequence up to each of its steps.
    n_steps, n_ahead : int
    n_left : ndarray of shape (n,) or None
        How many steps follow each of these, in its own sequence; None where none are read.
    """

    sequences: Sequences
    n_steps: int
    n_ahead: int = 0
    n_left: np.ndarray | None = None

    @classmethod
    def of(cls, sequences, of_steps, n_steps, n_ahead):
        """The inputs of a map that answers sequences, or each of their steps."""
        if not of_steps:
            return cls(sequences, n_steps)
        return cls(sequences.so_far(), n_steps, n_ahead, sequences.n_left())

    def __len__(self):
        return len(self.sequences)

    def chunks(self, center, scale):
        """Slices of rows with their flat standardised inputs, some rows at a time."""
        for first in range(0, len(self), _CHUNK):
            rows = slice(first, min(first + _CHUNK, len(self)))
            flat = flatten(self.sequences, rows, center, scale, self.n_steps)
            if self.n_ahead:
                flat = np.hstack([flat, self._next_steps(rows, center, scale)])
            if self.sequences.has_gaps:
                flat[np.isnan(flat)] = 0.0  # the mean
            yield rows, flat

    def columns(self, center, scale):
        """Standardised columns (n,) of a plain table, one at a time."""
        rows = self.sequences.steps().reshape(len(self), -1)
        for column, mean, unit in zip(rows.T, center.ravel(), scale.ravel(), strict=True):
            standardized = (column.astype(np.float64) - mean) / unit
            yield np.nan_to_num(standardized) if self.sequences.has_gaps else standardized

    def _next_steps(self, rows, center, scale):
        """Standardised steps after each of some steps, (n_rows, n_ahead * F), missing ones zero."""
        some, n_left = self.sequences.take(rows), self.n_left[rows, np.newaxis]
        ahead = np.arange(self.n_ahead)
        places = (some.starts + some.lengths)[:, np.newaxis] + np.minimum(ahead, n_left - 1)
        steps = (some.values[places].astype(np.float64) - center) / scale
        steps[ahead >= n_left] = 0.0
        return steps.reshape(len(some), -1)
