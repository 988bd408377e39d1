"""A transcript of each sequence: labels of any kind, as a user gives and gets them, and as numbers.

Inside, the labels of all samples stand end to end, each sample's with an end behind the last, which
has the number behind those of the labels. So every sample has an answer, and an empty transcript is
one too.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import log_softmax

from skrnn import choices, losses
from skrnn.data.checks import StepAxes, has_length, shortened
from skrnn.data.given import Given
from skrnn.data.target import Target
from skrnn.data.weights import read_weights
from skrnn.portions import portions

#: What makes labels of a string, and what joins them.
ANALYZERS = {"char": (list, "".join), "word": (str.split, " ".join)}
#: What the loss counts beside the error rate in a choice of weights that align labels with steps.
_LOSS_SHARE = 0.1
_ADVICE = (
    " y has a sequence of labels for each sample: a list of lists of labels, or with"
    " target_analyzer a list of strings."
)


class End:
    """What stands behind the last label."""

    def __repr__(self):
        return "the end"


END = End()


@dataclass(frozen=True, eq=False)
class Transcripts:
    """The answers of samples that have a transcript each.

    Attributes
    ----------
    n_samples : int
    analyzer : str or None
        A key of :data:`ANALYZERS`, where transcripts are strings.
    n_steps : ndarray of shape (n_samples,) or None
        Steps that the labels are to be aligned with; None where a transcript may have any length.
    """

    n_samples: int
    analyzer: str | None
    n_steps: np.ndarray | None = None

    def given(self, y, sample_weight, dtype, estimator_name, of=""):
        """The Given of all labels and ends; `of` ends the names of the arguments."""
        name = "y" + of
        weights = read_weights(
            sample_weight, self.n_samples, dtype, input_name="sample_weight" + of
        )
        labels = self.read(y, estimator_name, name)
        if self.n_steps is not None:
            self._require_steps(labels, weights, name)
        lengths = np.array([len(one) + 1 for one in labels])
        flat = np.empty(int(lengths.sum()), object)
        flat[:] = [label for one in labels for label in (*one, END)]
        axes = StepAxes(lengths, "label")
        of_labels = np.repeat(weights, lengths)
        return Given(flat, len(flat), of_labels, dtype, estimator_name, name, axes, lengths)

    def read(self, y, estimator_name="This estimator", name="y"):
        """A list of labels for each sample."""
        if y is None:
            raise ValueError(
                f"This {estimator_name} estimator requires {name} to be passed, but the target"
                f" {name} is None."
            )
        if isinstance(y, str) or not has_length(y):
            raise TypeError(f"{name} is a single object, {shortened(y)}." + _ADVICE)
        y = y.to_list() if hasattr(y, "to_list") else list(y)
        if len(y) != self.n_samples:
            data = "X_val" if name == "y_val" else "X"
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: {data} has"
                f" {self.n_samples}, {name} has {len(y)}."
            )
        return [self._labels(one, sample, name) for sample, one in enumerate(y)]

    def _labels(self, one, sample, name):
        where = f"Sample {sample} of {name}"
        if self.analyzer is not None:
            if not isinstance(one, str):
                raise TypeError(
                    f"{where} is {shortened(one)}, but target_analyzer={self.analyzer!r} makes"
                    " labels of strings. Pass strings, or set target_analyzer=None for lists of"
                    " labels."
                )
            return ANALYZERS[self.analyzer][0](one)
        if isinstance(one, str):
            raise TypeError(
                f"{where} is a string, {shortened(one)}, not a sequence of labels. Set"
                " target_analyzer='char' for its letters or 'word' for its words as labels, or pass"
                " lists of labels."
            )
        if not has_length(one):
            raise TypeError(f"{where} is {shortened(one)}, not a sequence of labels." + _ADVICE)
        labels = one.tolist() if hasattr(one, "tolist") else list(one)
        for place, label in enumerate(labels):
            _require_hashable(label, f"{where}, label {place},")
        return labels

    def _require_steps(self, labels, weights, name):
        """Each label takes a step, and equal neighbours take a blank between them."""
        for sample, (one, n_steps) in enumerate(zip(labels, self.n_steps, strict=True)):
            n_blanks = sum(label == other for label, other in pairwise(one))
            if weights[sample] > 0.0 and len(one) + n_blanks > n_steps:
                raise ValueError(
                    f"Sample {sample} of {name} has {len(one)} labels, {n_blanks} of them equal to"
                    f" the one before, so decoder='ctc' needs {len(one) + n_blanks} steps, but"
                    f" sample {sample} of X has {n_steps}. Leave it out, give X more steps, or use"
                    " decoder='attention'."
                )

    def in_form(self, labels):
        """Lists of labels as y has them."""
        if self.analyzer is None:
            return labels
        return [ANALYZERS[self.analyzer][1](one) for one in labels]


def _require_hashable(label, where):
    try:
        hash(label)
    except TypeError as error:
        raise TypeError(
            f"{where} is {shortened(label)}, which can't be hashed, so it can't be a label. Labels"
            " are strings, whole numbers, tuples and the like."
        ) from error
    if isinstance(label, float) and label != label:
        raise ValueError(f"{where} is NaN. A label must be equal to itself.")


@dataclass(frozen=True, eq=False)
class TranscriptTarget(Target):
    """Transcripts of any length, label after label.

    Attributes
    ----------
    labels : tuple
        All that there are, in the order of their numbers.
    label_smoothing : float
    longest : int
        Labels of the longest transcript of ``fit``.
    """

    labels: tuple
    label_smoothing: float
    longest: int
    kind = "transcript"
    n_targets = 1

    @property
    def n_outputs(self):
        """A class for each label, and one for the end or the blank."""
        return len(self.labels) + 1

    @property
    def loss(self):
        return losses.Softmax(self.n_outputs, self.label_smoothing)

    @classmethod
    def learn(cls, given, label_smoothing, labels=None):
        """The target of a first y, and its numbers (n, 1).

        Parameters
        ----------
        given : Given
            Of :class:`Transcripts`.
        label_smoothing : float
        labels : iterable, default=None
            All that there are; None: those in y.
        """
        counted = {label for label, w in zip(given.y, given.weights, strict=True) if w > 0.0}
        counted.discard(END)
        if not counted:
            raise ValueError(
                f"{given.name} has no label: all transcripts are empty, or have a weight of 0."
            )
        longest = int(given.lengths.max()) - 1
        target = cls(
            tuple(_sorted(counted if labels is None else set(labels))), label_smoothing, longest
        )
        return target, target.encode(given)

    def encode(self, given):
        """Numbers (n, 1) of all labels and ends."""
        n_of = {label: number for number, label in enumerate(self.labels)}
        n_of[END] = len(self.labels)
        codes = np.array([n_of.get(label, -1) for label in given.y])
        unseen = np.flatnonzero((codes < 0) & (given.weights > 0.0))
        if len(unseen):
            place = int(unseen[0])
            raise ValueError(
                f"{given.name} has a label that {given.estimator_name} does not know:"
                f" {shortened(given.y[place])} ({given.at(place)}). It knows"
                f" {len(self.labels)} labels, those in the y of fit."
            )
        return np.maximum(codes, 0)[:, np.newaxis].astype(np.float64)

    def score_of(self, examples, raw):
        """How probable a label is where those before it are right, in the geometric mean."""
        right = examples.targets[:, 0].astype(np.intp)
        of_labels = log_probabilities(raw, right)
        return float(np.exp(np.average(of_labels, weights=examples.weights)))

    def decode(self, numbers):
        """Labels of their numbers."""
        return [self.labels[number] for number in numbers]

    def to_state(self):
        """A dict of labels, numbers and strings."""
        return {
            "kind": self.kind,
            "labels": self.labels,
            "label_smoothing": self.label_smoothing,
            "longest": self.longest,
        }

    @classmethod
    def from_state(cls, state):
        fields = ("labels", "label_smoothing", "longest")
        return cls(*(state[name] for name in fields))


class AlignedTarget(TranscriptTarget):
    """Transcripts whose labels are those of some of the steps, in order."""

    kind = "aligned transcript"
    is_aligned = True

    @property
    def loss(self):
        return losses.CTC(self.n_outputs)

    def score_of(self, examples, raw):
        """1 less the token error rate of the best paths."""
        labels = examples.targets[:, 0].astype(np.int64)
        n_labels, weights = examples.lengths - 1, examples.row_weights
        predicted = best_paths(raw, examples.sequences.lengths)
        distances = edit_distances(labels[labels < len(self.labels)], n_labels, *predicted)
        return float(1.0 - weights @ distances / max(weights @ n_labels, weights.min()))

    def criterion(self, loss, score):
        """The token error rate, because it falls long after the loss has begun to rise; and a
        little loss, because of few errors one more or less says nothing.
        """
        return 1.0 - score + _LOSS_SHARE * loss


#: The target of each decoder.
TARGETS = {"attention": TranscriptTarget, "ctc": AlignedTarget}


def log_probabilities(raw, numbers):
    """Logarithm of the probability of one class of each line (n,), in double precision.

    Parameters
    ----------
    raw : ndarray of shape (n, n_classes)
    numbers : ndarray of intp, (n,)
        The classes.
    """
    found = np.empty(len(raw))
    for lines in portions(*raw.shape):
        logs = log_softmax(raw[lines].astype(np.float64), axis=1)
        found[lines] = logs[np.arange(len(logs)), numbers[lines]]
    return found


def _sorted(labels):
    """Labels in an order that does not depend on that of the samples."""
    try:
        return sorted(labels)
    except TypeError:  # of several types
        return sorted(labels, key=lambda label: (type(label).__name__, repr(label)))


def best_paths(raw, lengths):
    """Numbers of the labels of the likeliest class at each step, end to end, and how many each has.

    Parameters
    ----------
    raw : ndarray of shape (n_steps, n_classes)
        Of the steps of all sequences end to end; the last class is the blank.
    lengths : ndarray of shape (n,)
        Steps of each sequence.
    """
    labels, counts = np.empty(len(raw), np.int64), np.empty(len(lengths), np.int64)
    choices.load("skrnn.kernels.ctc:best_paths")(raw, lengths, labels, counts)
    step = np.arange(len(raw)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return labels[step < np.repeat(counts, lengths)], counts


def edit_distances(one, n_of_one, other, n_of_other):
    """Fewest labels to insert, leave out or replace, (n,), that make one sequence the other.

    Parameters
    ----------
    one, other : ndarray of int64
        Numbers of the labels of all sequences end to end.
    n_of_one, n_of_other : ndarray of shape (n,)
        How many each has.
    """
    found = np.empty(len(n_of_one), np.int64)
    distances = choices.load("skrnn.kernels.edit_distance:distances")
    row = np.empty(int(np.max(n_of_other, initial=0)) + 1, np.int64)
    distances(one, np.cumsum(n_of_one), other, np.cumsum(n_of_other), row, found)
    return found
