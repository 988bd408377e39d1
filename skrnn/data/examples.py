"""Sequences with what is to be learnt of them, and how a part of them is held out."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import resample

from skrnn.data.sequences import Sequences


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences, their targets (n, n_targets) and weights (n,), in the user's units.

    offsets (n, n_outputs): what the linear path adds to the raw predictions, where that is not the
    model's own prediction, but that of a path which has not seen the row.
    """

    sequences: Sequences
    targets: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray | None = None

    @classmethod
    def of(cls, sequences, targets, weights):
        """Examples of all rows whose weight is not zero: a weight of zero removes a row."""
        examples = cls(sequences, targets, weights)
        return examples if weights.all() else examples.take(np.flatnonzero(weights))

    def __len__(self):
        return len(self.weights)

    def take(self, rows):
        """Some of the rows."""
        offsets = None if self.offsets is None else self.offsets[rows]
        return Examples(self.sequences.take(rows), self.targets[rows], self.weights[rows], offsets)


@dataclass(frozen=True)
class Nothing:
    """No validation data."""

    is_last = False

    def split(self, examples):
        """Examples to train on, and to watch (None)."""
        return examples, None


@dataclass(frozen=True)
class Separate:
    """Validation data that the user gave."""

    examples: Examples
    is_last = False

    def split(self, examples):
        """Examples to train on, and to watch."""
        return examples, self.examples


@dataclass(frozen=True)
class Share:
    """A share of the examples, at random or the last ones.

    Attributes
    ----------
    fraction : float
    target : a target of :mod:`skrnn.data.targets`
        Says by which strata.
    seed : int or None
        None: the last examples, as time series want it.
    """

    fraction: float
    target: object
    seed: int | None

    @property
    def is_last(self):
        """Whether what is held out comes later in time, so that nothing of it may be known."""
        return self.seed is None

    def split(self, examples):
        """Examples to train on, and to watch.

        Raises
        ------
        ValueError
            If one of the two parts would be too small.
        """
        n_samples = len(examples)
        n_val = int(np.ceil(self.fraction * n_samples))
        if not 2 <= n_val < n_samples:
            part, change = ("validation", "Increase") if n_val < 2 else ("training", "Decrease")
            raise ValueError(
                f"The {part} set is too small: validation_fraction={self.fraction} of "
                f"{n_samples} samples. {change} validation_fraction, pass X_val and y_val, or set "
                "early_stopping=False."
            )
        rows = np.arange(n_samples)
        held_out = rows[-n_val:]
        if not self.is_last:
            # Not train_test_split, because to import model_selection takes longer than to fit.
            strata = self.target.strata(examples.targets, self.fraction * n_samples)
            drawn = {"stratify": strata, "random_state": self.seed}
            held_out = np.sort(resample(rows, replace=False, n_samples=n_val, **drawn))
        return examples.take(np.setdiff1d(rows, held_out)), examples.take(held_out)
