"""Sequences of any lengths in two flat arrays: the one form all data takes inside skrnn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
from numpy.typing import DTypeLike

# Sequences that some_at_a_time gives at most.
_AT_A_TIME = 4096
# Sequences of an array whose places are remembered.
_FEW = 4096


@lru_cache(maxsize=64)
def _equal(n, n_timesteps):
    """Starts and lengths of sequences end to end, which nothing changes."""
    return np.arange(n, dtype=np.int64) * n_timesteps, np.full(n, n_timesteps, dtype=np.int64)


@dataclass(frozen=True, eq=False, repr=False)
class Sequences:
    """n sequences in one array.

    Sequence ``i`` is ``values[starts[i] : starts[i] + lengths[i]]``, one row per step. There is no
    padding to mask, and 3-D arrays and subsets share their memory.

    Parameters
    ----------
    values : ndarray of shape (total_steps, n_features)
        The steps of these sequences, and perhaps of others or padding, float32 or float64. Copied
        unless they are C-contiguous.
    starts, lengths : ndarray of shape (n,), dtype int64
        Where each sequence starts, and its number of steps.
    has_gaps : bool, default=False
        Whether values of these sequences, or of those they were taken from, may be NaN: missing.
    n_marks : int, default=0
        How many features, of a plain table columns, say where values were missing; the first ones.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.data.sequences import Sequences
    >>> sequences = Sequences.from_list([np.zeros((2, 3)), np.ones((5, 3))])
    >>> sequences
    Sequences(n=2, n_features=3, total_steps=7, dtype=float64)
    >>> sequences.starts
    array([0, 2])
    """

    values: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    has_gaps: bool = False
    n_marks: int = 0

    def __post_init__(self) -> None:
        if not self.values.flags.c_contiguous:  # kernels read lines by their addresses
            object.__setattr__(self, "values", np.ascontiguousarray(self.values))

    @classmethod
    def from_array(cls, X: np.ndarray) -> Self:
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
        values = X.reshape(n * n_timesteps, n_features)
        places = _equal if n <= _FEW else _equal.__wrapped__
        found = cls(values, *places(n, n_timesteps))
        # To look for it would take as long as all the rest.
        vars(found).update(n_steps=n_timesteps, is_array=True)
        return found

    @classmethod
    def from_list(cls, arrays: Sequence[np.ndarray], dtype: DTypeLike | None = None) -> Self:
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
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        return cls(values, np.cumsum(lengths) - lengths, lengths)

    @cached_property
    def is_array(self) -> bool:
        """Whether these are known to be all rows of a 3-D array."""
        return False

    @property
    def read_only(self) -> np.ndarray:
        """The values as kernels take them: of one type, whatever the user's array allows."""
        values = self.values.view()
        values.flags.writeable = False
        return values

    @property
    def n_features(self) -> int:
        """Number of features of a step."""
        return self.values.shape[1]

    @cached_property
    def n_steps(self) -> int:
        """Steps of each sequence, 0 where they differ."""
        lengths = self.lengths
        return int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else 0

    def take(self, rows: np.ndarray | slice) -> "Sequences":
        """Some of the sequences, in the same memory.

        Parameters
        ----------
        rows : ndarray of int or of bool, or slice
            Which sequences, in which order.

        Returns
        -------
        Sequences
        """
        starts, lengths = self.starts[rows], self.lengths[rows]
        return Sequences(self.values, starts, lengths, self.has_gaps, self.n_marks)

    def steps(self) -> np.ndarray:
        """The steps of these sequences end to end, (sum of the lengths, n_features).

        A view where they are so in memory, a copy otherwise.
        """
        ends = np.cumsum(self.lengths)
        first = self.starts[0] if len(self) else 0
        if (self.starts == first + ends - self.lengths).all():
            return self.values[first : first + self.lengths.sum()]
        shifts = np.repeat(self.starts - (ends - self.lengths), self.lengths)
        return self.values[shifts + np.arange(len(shifts))]

    def some_at_a_time(self) -> Iterator[tuple[slice, "Sequences"]]:
        """Slices that cover all sequences, and the sequences of each.

        What is made of some stays small beside all of them.
        """
        for first in range(0, len(self), _AT_A_TIME):
            rows = slice(first, min(first + _AT_A_TIME, len(self)))
            yield rows, self.take(rows)

    def so_far(self) -> Self:
        """What there is of each sequence up to each of its steps, in the order of all steps."""
        lengths = self.lengths
        firsts = np.cumsum(lengths) - lengths
        steps = np.arange(lengths.sum()) - np.repeat(firsts, lengths)
        return replace(self, starts=np.repeat(self.starts, lengths), lengths=steps + 1)

    def n_left(self) -> np.ndarray:
        """How many steps follow each step in its own sequence, in the order of all steps."""
        lengths = self.lengths
        return np.repeat(np.cumsum(lengths), lengths) - np.arange(1, lengths.sum() + 1)

    def __len__(self) -> int:
        return len(self.starts)

    def __repr__(self):
        return (
            f"Sequences(n={len(self)}, n_features={self.n_features}, "
            f"total_steps={self.lengths.sum()}, dtype={self.values.dtype})"
        )


def average(numbers, lengths):
    """Means (n,) of so many numbers each, which stand end to end."""
    firsts = np.cumsum(lengths) - lengths
    return np.add.reduceat(numbers, firsts) / lengths
