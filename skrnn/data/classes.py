"""The targets of a classifier: a class for each sample, or labels."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from skrnn import losses
from skrnn.data.checks import first
from skrnn.data.labels import read_labels
from skrnn.data.target import Target


@dataclass(frozen=True, eq=False)
class ClassTarget(Target):
    """A class for each sample, or labels.

    Attributes
    ----------
    classes : ndarray
        The sorted classes, or the numbers of the labels.
    factors : ndarray of shape (n_classes,) or None
        Weight of each class; None where classes weigh the same.
    class_weight : dict, "balanced" or None
        The parameter that they were made of.
    """

    classes: np.ndarray
    factors: np.ndarray | None = None
    class_weight: object = None

    @staticmethod
    def learn(given, class_weight=None, classes=None, kind=None):
        """Read y.

        Parameters
        ----------
        given : Given
            y of shape (n_samples,), labels of any type, or an indicator matrix of zeros and ones,
            (n_samples, n_labels).
        class_weight : dict, "balanced" or None
        classes : ndarray, default=None
            The classes of a fitted model, or of the first ``partial_fit``. None: those in y, which
            must be at least two.
        kind : {"binary", "multiclass", "multilabel"}, default=None
            That of a fitted model.

        Returns
        -------
        target : ClassTarget
            Of the class of :data:`KINDS` that fits y.
        values : ndarray of shape (n_samples, 1) or (n_samples, n_labels)
            For each sample the number of its class, or the indicator matrix. A sample of no weight
            whose class no other sample has is 0.

        Raises
        ------
        ValueError, TypeError
            If y is missing, continuous, has several columns of classes, one class only, or one that
            is not in `classes`.

        Warns
        -----
        sklearn.exceptions.DataConversionWarning
            If y is a single column; it is read as 1-D.
        """
        labels = read_labels(given)
        multilabel = _is_multilabel(labels, given, kind)
        if multilabel:
            values = _read_indicators(labels, classes, given)
            target = MultilabelTarget(np.arange(values.shape[1]), None, class_weight)
            target._check_class_weight()
        else:
            labels = column_or_1d(labels, warn=True)
            codes, classes = numbered(labels, classes, given)
            factors = _class_factors(class_weight, codes, classes, given.weights)
            of_kind = BinaryTarget if len(classes) == 2 else MulticlassTarget
            target, values = of_kind(classes, factors, class_weight), codes[:, np.newaxis]
        return target, values.astype(np.float64, order="C")

    def encode(self, given):
        """The numbers of another y."""
        # Factors are those of the training data, so none are made of these.
        return self.learn(given, None, self.classes, self.kind)[1]

    def weigh(self, values, weights):
        """Weights of samples with these targets."""
        if self.factors is None:
            return weights
        return weights * self.factors[values[:, 0].astype(np.intp)]

    def strata(self, values, n_held_out):
        """Classes to hold out in proportion, where there are enough samples of each."""
        if values.shape[1] > 1:
            return None
        counts = np.unique(values, return_counts=True)[1]
        return values[:, 0] if counts.min() > 1 and n_held_out > len(counts) else None

    def score(self, values, raw, weights):
        """Accuracy of raw predictions (of whole rows, where there are labels)."""
        right = self.decide(raw).reshape(values.shape) == values
        return float(np.average(right.all(axis=1), weights=weights))

    def score_of(self, examples, predicted):
        """The score of what is predicted of some examples."""
        return self.score(examples.targets, predicted, examples.weights)

    def decode(self, raw):
        """Classes of raw predictions (n, n_outputs)."""
        return self.classes[self.decide(raw)]

    def decision(self, raw):
        """What ``decision_function`` gives."""
        return raw

    def to_state(self):
        """A dict of arrays, numbers and strings."""
        return {"kind": self.kind, "classes": self.classes}

    @classmethod
    def from_state(cls, state):
        return cls(state["classes"])


class BinaryTarget(ClassTarget):
    """One of two classes; raw predictions (n, 1) are log-odds of the second."""

    kind = "binary"
    n_targets = n_outputs = 1
    loss = losses.Logistic()

    def decide(self, raw):
        """Class numbers (n,)."""
        return (raw[:, 0] > 0).astype(int)

    def decision(self, raw):
        return raw[:, 0]

    def probabilities(self, raw):
        return np.hstack([expit(-raw), expit(raw)])

    def log_probabilities(self, raw):
        return np.hstack([log_expit(-raw), log_expit(raw)])


class MulticlassTarget(ClassTarget):
    """One of several classes; raw predictions (n, n_classes) are unnormalised log-probabilities."""

    kind = "multiclass"
    n_targets = 1

    @property
    def n_outputs(self):
        return len(self.classes)

    @property
    def loss(self):
        return losses.Softmax(len(self.classes))

    def decide(self, raw):
        """Class numbers (n,)."""
        return raw.argmax(axis=1)

    def probabilities(self, raw):
        return softmax(raw, axis=1)

    def log_probabilities(self, raw):
        return log_softmax(raw, axis=1)


class MultilabelTarget(ClassTarget):
    """Several labels, each of which holds or not; raw predictions (n, n_labels) are log-odds."""

    kind = "multilabel"
    loss = losses.Logistic()

    @property
    def n_targets(self):
        return len(self.classes)

    n_outputs = n_targets

    def weigh(self, values, weights):
        if self.class_weight is None:
            return weights
        return weights * compute_sample_weight(self.class_weight, values)

    def _check_class_weight(self):
        if isinstance(self.class_weight, dict):
            raise ValueError(
                "class_weight must be 'balanced' or None where y is an indicator matrix, got "
                f"{self.class_weight!r}. Pass sample_weight instead."
            )

    def decide(self, raw):
        """An indicator matrix."""
        return (raw > 0).astype(int)

    decode = decide

    def probabilities(self, raw):
        return expit(raw)

    def log_probabilities(self, raw):
        return log_expit(raw)


def _is_multilabel(labels, given, kind):
    """Whether labels are an indicator matrix; that has to agree with the kind of a fitted model."""
    with given.naming():
        check_classification_targets(labels)
    found = type_of_target(labels, input_name=given.name)
    if found == "multiclass-multioutput":
        raise ValueError(
            f"{given.name} has {labels.shape[1]} columns of classes (multiclass-multioutput), which"
            f" {given.estimator_name} does not support; an indicator matrix has zeros and ones"
            " only. For one model per column, use sklearn.multioutput.MultiOutputClassifier."
        )
    multilabel = found == "multilabel-indicator"
    if kind is not None and multilabel != (kind == MultilabelTarget.kind):
        _refuse_another_kind(labels, given, multilabel)
    return multilabel


def _refuse_another_kind(labels, given, multilabel):
    known = "the first y" if given.name == "y" else "y"
    if multilabel:
        raise ValueError(
            f"{given.name} of shape {labels.shape} is an indicator matrix, but {known} has one"
            " class for each sample. If its rows are one-hot, pass the class of each row instead."
        )
    raise ValueError(
        f"{given.name} has one class for each sample, but {known} is an indicator matrix;"
        f" {given.name} must be one with the same columns."
    )


def _read_indicators(labels, classes, given):
    odd = ~np.isin(labels, (0, 1))
    if odd.any():
        position = first(odd)
        raise ValueError(
            f"A 2-D {given.name} is an indicator matrix and holds 0 and 1 only:"
            f" {given.at(*position).replace('output', 'label')} is {labels[position]}."
        )
    n_labels = labels.shape[1]
    if classes is not None and len(classes) != n_labels:
        raise ValueError(
            f"{given.name} has {n_labels} labels (columns), but {given.estimator_name} is expecting"
            f" {len(classes)} labels."
        )
    if classes is not None and not np.array_equal(classes, np.arange(n_labels)):
        raise ValueError(
            f"classes={classes.tolist()} does not fit an indicator matrix, whose classes are the"
            f" numbers of its columns, 0 to {n_labels - 1}. Leave classes out."
        )
    return labels


def numbered(labels, classes, given):
    """Numbers (n,) of the labels' classes, and the classes.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    classes : ndarray or None
        All that there are; None: those in `labels`, two at least.
    given : Given
    """
    counted = given.weights > 0
    if classes is None:
        classes = np.unique(labels[counted])
        _require_two_classes(classes, given)
    numbers_of = {label: number for number, label in enumerate(classes.tolist())}
    found, inverse = np.unique(labels, return_inverse=True)
    # By dictionary: a sorted search would compare, and fail, if the types are different.
    codes = np.array([numbers_of.get(label, -1) for label in found.tolist()], np.int64)[inverse]
    unseen = np.flatnonzero((codes < 0) & counted)
    if len(unseen):
        raise ValueError(
            f"{given.name} contains a class that {given.estimator_name} does not know:"
            f" {labels.tolist()[unseen[0]]!r} ({given.at(unseen[0])}). It knows {classes.tolist()}."
            " All classes must be in the y of fit, or be named in the first call to partial_fit."
        )
    return np.maximum(codes, 0), classes


def _require_two_classes(classes, given):
    if len(classes) < 2:
        after = "" if given.weights.all() else ", sample_weight being zero elsewhere"
        raise ValueError(
            f"{given.estimator_name} needs samples of at least 2 classes, but {given.name} contains"
            f" only one class: {classes.tolist()[0]!r}{after}."
        )


def _class_factors(class_weight, codes, classes, weights):
    """Weight of each class (n_classes,); None where classes weigh the same."""
    if class_weight is None:
        return None
    counts = np.bincount(codes, weights, minlength=len(classes))
    if isinstance(class_weight, str):  # "balanced"
        shares = len(counts) * counts / counts.sum()
        return np.divide(1.0, shares, out=np.zeros(len(counts)), where=shares > 0)
    names = classes.tolist()
    unknown = [label for label in class_weight if label not in names]
    uncovered = [name for name in names if name not in class_weight]
    if unknown and uncovered:  # perhaps by a slip; classes that y lacks are no harm else
        raise ValueError(
            f"class_weight has keys that are no classes: {unknown}. Keys must be classes as they"
            f" are in y: {names}. It leaves out {uncovered}."
        )
    factors = [class_weight.get(label, 1.0) for label in names]
    if not all(isinstance(factor, Real) and 0 <= factor < np.inf for factor in factors):
        raise ValueError(
            f"class_weight must hold finite numbers that are not negative, got {class_weight!r}."
        )
    if not np.dot(factors, counts):
        raise ValueError(f"class_weight={class_weight!r} leaves no sample any weight.")
    return np.array(factors, dtype=float)
