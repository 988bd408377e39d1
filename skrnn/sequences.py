"""Sequences of any lengths in two flat arrays: the one form all data takes inside skrnn."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Sequences:
    """n sequences laid end to end.

    Sequence ``i`` is ``values[offsets[i]:offsets[i + 1]]``, one row per step. There is no
    padding to mask, and a 3-D array is a view of the same memory.

    Parameters
    ----------
    values : ndarray of shape (total_steps, n_features), C-contiguous
        The steps of all sequences, float32 or float64.
    offsets : ndarray of shape (n + 1,), dtype int64
        Where each sequence starts; the last entry is ``total_steps``.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.sequences import Sequences
    >>> sequences = Sequences.from_list([np.zeros((2, 3)), np.ones((5, 3))])
    >>> sequences
    Sequences(n=2, n_features=3, total_steps=7, dtype=float64)
    >>> sequences.lengths
    array([2, 5])
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_array(cls, X):
        """Sequences of equal length.

        Parameters
        ----------
        X : ndarray of shape (n, n_timesteps, n_features)
            Shared, not copied, if it is C-contiguous.

        Returns
        -------
        Sequences
        """
        n, n_timesteps, n_features = X.shape
        values = np.ascontiguousarray(X).reshape(n * n_timesteps, n_features)
        return cls(values, np.arange(n + 1, dtype=np.int64) * n_timesteps)

    @classmethod
    def from_list(cls, arrays, dtype=None):
        """Sequences of any lengths.

        Parameters
        ----------
        arrays : non-empty list of ndarray of shape (T_i, n_features)
            Copied into one array.
        dtype : dtype, default=None
            Of the values; None: what the arrays promote to.

        Returns
        -------
        Sequences
        """
        values = np.concatenate(arrays, dtype=dtype, casting="unsafe")
        return cls(np.ascontiguousarray(values), _offsets([len(array) for array in arrays]))

    @property
    def n_features(self):
        """Number of features of a step."""
        return self.values.shape[1]

    @property
    def lengths(self):
        """Number of steps of each sequence, shape (n,)."""
        return self.offsets[1:] - self.offsets[:-1]  # np.diff, at a third of its overhead

    def take(self, rows):
        """Copy some of the sequences.

        Parameters
        ----------
        rows : ndarray of int or of bool
            Which sequences, in which order.

        Returns
        -------
        Sequences
        """
        offsets = _offsets(self.lengths[rows])
        # Row j of the result comes from j places after its sequence's start, there and here.
        shifts = np.repeat(self.offsets[:-1][rows] - offsets[:-1], np.diff(offsets))
        return Sequences(self.values[shifts + np.arange(offsets[-1])], offsets)

    def __len__(self):
        return len(self.offsets) - 1

    def __repr__(self):
        total_steps, n_features = self.values.shape
        return (
            f"Sequences(n={len(self)}, n_features={n_features}, "
            f"total_steps={total_steps}, dtype={self.values.dtype})"
        )


def _offsets(lengths):
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
