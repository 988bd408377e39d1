"""Sequences with what is to be learnt of them, and how a part of them is held out."""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils import resample

from skrnn.data.copies import FEW_CELLS, Copies, counted, find, together
from skrnn.data.sequences import Sequences, average

# Distinct samples from which a share of them is held out by default.
_ENOUGH = 10


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences, their targets (n, n_targets) and weights (n,), in the user's units.

    offsets (n, n_outputs): what the linear path adds to the raw predictions, where that is not the
    model's own prediction, but that of a path which has not seen the row. copies: which rows are
    equal, or None where none are equal in x. lengths (n,): how many *answers*, which is what there
    are targets, weights and offsets of, each sequence has, one after the other; None: it has one.
    """

    sequences: Sequences
    targets: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray | None = None
    copies: Copies | None = None
    lengths: np.ndarray | None = None

    @classmethod
    def of(cls, sequences, targets, weights, lengths=None):
        """Examples of all rows whose weight is not zero, for a weight of zero removes a row.

        Their weights sum to the number of samples that they count as, whatever the scale of those
        that the user gave.
        """
        examples = cls(sequences, targets, weights, lengths=lengths)._without_nothing()
        copies = find(examples.sequences, examples.targets_of_rows)
        examples = replace(examples, copies=copies)
        return replace(examples, weights=examples._counted())._without_nothing()

    def _counted(self):
        """Weights whose sum is the number of samples that the answers count as."""
        copies, weights = self.copies_of_answers, self.weights.copy()
        some = np.flatnonzero(weights)
        if copies is not None and len(some) < len(weights):
            copies = copies.take(some)
        weights[some] = counted(copies, weights[some])
        return weights

    def _without_nothing(self):
        weights = self.row_weights
        return self if weights.all() else self.take(np.flatnonzero(weights))

    def __len__(self):
        return len(self.sequences)

    @property
    def of_steps(self):
        """Whether each sequence has several answers."""
        return self.lengths is not None

    @property
    def row_weights(self):
        """Weights of the sequences (n,), the mean of those of their answers."""
        return average(self.weights, self.lengths) if self.of_steps else self.weights

    @property
    def targets_of_rows(self):
        """The targets by row: an array, or Sequences of them."""
        if not self.of_steps:
            return self.targets
        return Sequences(self.targets, np.cumsum(self.lengths) - self.lengths, self.lengths)

    @property
    def copies_of_answers(self):
        """Which answers are equal, in equal rows."""
        if self.copies is None or not self.of_steps:
            return self.copies
        return self.copies.of_steps(self.lengths)

    def _answers(self, rows):
        """Places of the answers of some rows."""
        if not self.of_steps:
            return rows
        firsts, lengths = self.targets_of_rows.starts[rows], self.lengths[rows]
        ends = np.cumsum(lengths)
        return np.repeat(firsts - (ends - lengths), lengths) + np.arange(lengths.sum())

    @property
    def n_distinct(self):
        """How many rows there are, equal ones counted once."""
        return len(self) if self.copies is None else int(self.copies.rows.max()) + 1

    def joined(self):
        """One row for all that are equal, with their weights together."""
        if self.copies is None:
            return self
        rows = self.take(self.copies.first())
        return replace(rows, weights=np.bincount(self.copies_of_answers.rows, self.weights))

    def take(self, rows):
        """Some of the rows."""
        answers = self._answers(rows)
        return Examples(
            self.sequences.take(rows),
            self.targets[answers],
            self.weights[answers],
            None if self.offsets is None else self.offsets[answers],
            None if self.copies is None else self.copies.take(rows),
            None if self.lengths is None else self.lengths[rows],
        )


@dataclass(frozen=True)
class Nothing:
    """No validation data."""

    is_unseen = is_learnt = False

    def split(self, examples):
        """Examples to train on, and to watch (None)."""
        return examples, None


@dataclass(frozen=True)
class Separate:
    """Validation data that the user gave."""

    examples: Examples
    is_unseen = is_learnt = False

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
        Provides the strata.
    seed : int or None
        None: the last examples, as time series want it.
    is_learnt : bool
        Whether the model learns them too in the end, when they have said what is best.
    """

    fraction: float
    target: object
    seed: int | None
    is_learnt: bool = True

    @property
    def is_unseen(self):
        """Whether scales and linear path may know nothing of what is held out: it comes later."""
        return self.seed is None

    def has_enough(self, examples):
        """Whether there are so many examples that a share of them says something."""
        return len(examples) >= FEW_CELLS or self._groups(examples).max() + 1 >= _ENOUGH

    def _groups(self, examples):
        """Numbers of the sets of rows that are held out together."""
        if self.is_unseen:
            return np.arange(len(examples))
        targets, weights = examples.targets_of_rows, examples.row_weights
        return together(examples.sequences, targets, examples.copies, weights)

    def split(self, examples):
        """Examples to train on, and to watch.

        Raises
        ------
        ValueError
            If one of the two parts would be too small.
        """
        group = self._groups(examples)
        n_samples = group.max() + 1
        n_val = int(np.ceil(self.fraction * n_samples))
        if not 2 <= n_val < n_samples:
            self._refuse(n_val, n_samples)
        held_out = np.arange(n_samples)[-n_val:]
        if not self.is_unseen:
            held_out = self._draw(examples, np.unique(group, return_index=True)[1], n_val)
        is_held_out = np.isin(group, held_out)
        return tuple(examples.take(np.flatnonzero(part)) for part in (~is_held_out, is_held_out))

    def _refuse(self, n_val, n_samples):
        part, change = ("validation", "Increase") if n_val < 2 else ("training", "Decrease")
        counted = "Samples" if self.is_unseen else "Equal samples count as one, and samples"
        advice = "Pass" if n_samples < 3 else f"{change} validation_fraction, pass"
        raise ValueError(
            f"The {part} set is too small: validation_fraction={self.fraction} of {n_samples}"
            f" samples is {n_val}, but at least 2 are needed to validate with and 1 to train on."
            f" {counted} of weight 0 do not count. {advice} X_val and y_val, or set"
            " early_stopping=False."
        )

    def _draw(self, examples, rows, n_val):
        """Numbers of groups, to which these rows belong."""
        # Not train_test_split, because to import model_selection takes longer than to fit.
        n, strata = len(rows), None
        if not examples.of_steps:
            strata = self.target.strata(examples.targets[rows], self.fraction * n)
        if strata is None:  # as resample does it, whose checks take a twentieth of a small fit
            order = np.arange(n)
            np.random.RandomState(self.seed).shuffle(order)
            return order[:n_val]
        drawn = {"stratify": strata, "random_state": self.seed}
        return resample(np.arange(n), replace=False, n_samples=n_val, **drawn)


@dataclass(frozen=True)
class Split:
    """What a splitter of scikit-learn's holds out in its last split.

    In the last one, because that of ``TimeSeriesSplit`` has all that comes before to learn from.

    Attributes
    ----------
    splitter : object
        With the method ``split(X, y)``. Its X is a column of the numbers of the rows, its y what is
        learnt: classes are numbers, and of each step None.
    """

    splitter: object
    is_unseen, is_learnt = True, False

    def split(self, examples):
        """Examples to train on, and to watch.

        Raises
        ------
        ValueError
            If the splitter fails, or one of the two parts would be too small.
        """
        parts = self._last(examples)
        n_both, (n_train, n_val) = len(np.intersect1d(*parts)), map(len, parts)
        if n_both or n_train < 1 or n_val < 2:
            raise ValueError(
                f"The last split of validation_fraction={self.splitter!r} has {n_train} samples to "
                f"train on, {n_val} to validate with and {n_both} in both parts, of {len(examples)}"
                " samples. It needs one, two and none of these: take another splitter, or pass "
                "X_val and y_val."
            )
        return tuple(examples.take(rows) for rows in parts)

    def _last(self, examples):
        """The rows to train on and to watch."""
        n_samples, y = len(examples), examples.targets.copy()
        if examples.of_steps:
            y = None
        elif y.shape[1] == 1:
            y = y[:, 0]
        try:
            splits = self.splitter.split(np.arange(n_samples)[:, np.newaxis], y)
            last = deque(splits, maxlen=1)
            if not last:
                raise ValueError("it gives no split")
            train, watched = (np.arange(n_samples)[rows] for rows in last[0])
            if train.ndim != 1 or watched.ndim != 1:
                raise ValueError("its parts are no 1-D arrays of indices")
            return train, watched
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(
                f"validation_fraction={self.splitter!r} cannot split {n_samples} training samples: "
                f"{str(error).rstrip('.')}. It is called as split(X, y), without groups. Take"
                " another splitter, or pass X_val and y_val."
            ) from error
