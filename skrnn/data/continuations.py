"""What follows each beginning of a sequence: its next step, and behind the last one the end.

A density over sequences is learnt as a target for each step of sequences that are one step longer.
What is read first stands for the beginning, and what is asked last is the end, so all steps of a
sequence have a probability, given those before. A sequence may be of a class, which the network is
told at each step.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logsumexp
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from skrnn import losses, mixtures
from skrnn.data import classes, scaling, tokens
from skrnn.data.checks import StepAxes, naming
from skrnn.data.given import Given
from skrnn.data.labels import read_labels
from skrnn.data.sequences import Sequences
from skrnn.data.target import Target
from skrnn.data.weights import read_weights

#: The log-odds of an end that cannot be, where an infinity would make nan of a difference.
_NEVER = -1e30


class Whole(NamedTuple):
    """Sequences that are to be continued, and what they are of.

    Attributes
    ----------
    sequences : Sequences
        As the schema gives them.
    of_class : Given or None
        The class of each.
    row_weights : ndarray of shape (n,)
    name, estimator_name : str
        For messages: of X, and of the estimator.
    """

    sequences: Sequences
    of_class: Given | None
    row_weights: np.ndarray
    name: str
    estimator_name: str

    @classmethod
    def given(cls, sequences, y, sample_weight, dtype, estimator_name, of=""):
        """What the user gave; `of` ends the names of the arguments."""
        n, name = len(sequences), "sample_weight" + of
        weights = read_weights(sample_weight, n, dtype, input_name=name)
        of_class = None
        if y is not None:
            of_class = Given(y, n, weights, dtype, estimator_name, "y" + of)
        return cls(sequences, of_class, weights, "X" + of, estimator_name)

    @property
    def lengths(self):
        """How many answers each sequence has (n,): its steps, and its end."""
        return self.sequences.lengths + 1

    @property
    def weights(self):
        """Weights of all answers."""
        return np.repeat(self.row_weights, self.lengths)

    def with_ends(self, end):
        """Steps of all sequences end to end, with a row behind each sequence's last."""
        return _with_one_more(self.sequences, np.cumsum(self.lengths) - 1, end)


def _with_one_more(sequences, places, row):
    """Steps end to end, with `row` in some more places."""
    steps = sequences.steps()
    found = np.empty((len(steps) + len(places), steps.shape[1]), steps.dtype)
    is_more = np.zeros(len(found), bool)
    is_more[places] = True
    found[is_more], found[~is_more] = row, steps
    return found


def _begun(sequences, row):
    """Sequences that are one step longer, with `row` before the first step of each."""
    lengths = sequences.lengths + 1
    firsts = np.cumsum(lengths) - lengths
    return Sequences(_with_one_more(sequences, firsts, row), firsts, lengths)


def distinct_tokens(whole, further=None):
    """The sorted ids of all sequences that count, and further ones."""
    known = tokens.distinct(whole.sequences.take(np.flatnonzero(whole.row_weights)))
    if further is None:
        return known
    with naming("tokens", usual=None):
        with_all = tokens.read([further], whole.estimator_name)
    return np.union1d(known, tokens.distinct(with_all))


def _longest(whole):
    """Steps of the longest sequence that counts."""
    return int(whole.sequences.lengths[whole.row_weights > 0.0].max())


def _mean_and_scale(steps, weights):
    try:
        return scaling.mean_and_scale(steps, weights, steps.dtype)
    except scaling.SpreadError as error:
        raise ValueError(
            f"X cannot be standardised, because the variance of feature {error.column} is too large"
            " for float64. Divide that feature by a constant, or correct its extreme values."
        ) from error


@dataclass(frozen=True, eq=False)
class Continuation(Target):
    """What all targets of this kind have in common.

    A subclass says by ``begun(sequences, codes)`` how sequences are read, by ``encode(whole)`` what
    is asked of them, by ``draw(raw, is_first, temperature, random)`` what may follow, and by
    ``_of_answers(raw, values)`` the logarithm of the density of each answer (n_answers,).

    Attributes
    ----------
    longest : int
        Steps of the longest sequence that was learnt.
    conditions : ndarray or None
        The sorted classes that a sequence may be of; None where sequences have no classes.
    shares : ndarray of shape (n_conditions,) or None
        How often each came in the weights of ``fit``; they sum to one.
    """

    longest: int
    conditions: np.ndarray | None
    shares: np.ndarray | None

    reads_beginnings = True

    @property
    def n_conditions(self):
        return 0 if self.conditions is None else len(self.conditions)

    def score_of(self, examples, raw):
        """The logarithm of the density of what follows, in the mean."""
        values = -self.loss.of_rows(raw, examples.targets)
        return float(np.average(values, weights=examples.weights))

    def codes(self, whole):
        """The number of each sequence's class (n,); None where they have none.

        Raises
        ------
        ValueError
            If y is given and sequences have no classes, or the other way round, or a class is not
            known.
        """
        if self.conditions is None:
            if whole.of_class is not None:
                raise ValueError(
                    f"{whole.of_class.name} was passed, but {whole.estimator_name} was fitted"
                    " without classes. Leave it out, or fit with y."
                )
            return None
        if whole.of_class is None:
            raise ValueError(
                f"y of {whole.name} is None, but {whole.estimator_name} was fitted with a class"
                f" for each sequence. Pass the class of each, one of {self.conditions.tolist()}."
            )
        return _codes(whole.of_class, self.conditions)[0]

    def going_on(self, whole):
        """The same target for a model that learns further sequences."""
        return replace(self, longest=max(self.longest, _longest(whole)))

    def log_densities(self, raw, values, lengths):
        """Logarithm of the density of each sequence (n,), of raw predictions (equation 149).

        No sequence is without a step, so the first answer is never the end.
        """
        firsts = np.cumsum(lengths) - lengths
        raw = raw.astype(np.float64)
        raw[firsts, -1] = _NEVER
        return np.add.reduceat(self._of_answers(raw, values), firsts)

    def marginal(self, of_conditions):
        """Logarithms of densities (n,), of those given each class (equation 153)."""
        return logsumexp(of_conditions + np.log(self.shares), axis=1)

    def _state(self):
        return {
            "kind": self.kind,
            "longest": self.longest,
            "conditions": self.conditions,
            "shares": self.shares,
        }

    @classmethod
    def from_state(cls, state):
        return cls(**{name: value for name, value in state.items() if name != "kind"})


def _conditions(whole, known):
    """Classes and their shares, or None of each."""
    if whole.of_class is None and known is None:
        return None, None
    if whole.of_class is None:
        raise ValueError(f"classes={list(known)} was passed without y, the class of each sequence.")
    codes, found = _codes(whole.of_class, known)
    counts = np.bincount(codes, whole.row_weights, minlength=len(found))
    counts = np.where(counts > 0.0, counts, 0.5 * counts[counts > 0.0].min())
    return found, counts / counts.sum()


def _codes(of_class, known):
    """Numbers (n,) of the classes in a Given, and all classes: known ones, or those in it."""
    labels = read_labels(of_class)
    with of_class.naming():
        check_classification_targets(labels)
    return classes.numbered(column_or_1d(labels, warn=True), known, of_class)


@dataclass(frozen=True, eq=False)
class NextToken(Continuation):
    """The next token, or the end, whose number is behind that of the last token.

    Attributes
    ----------
    n_tokens : int
    """

    n_tokens: int
    kind = "next token"
    n_targets = 1

    @property
    def n_outputs(self):
        return self.n_tokens + 1

    @property
    def loss(self):
        return losses.Softmax(self.n_outputs)

    @classmethod
    def learn(cls, whole, known, further):
        """The target of the first sequences, and its values (n_answers, 1).

        Parameters
        ----------
        whole : Whole
            Of ids.
        known : ndarray or None
            All classes that there will be; None: those in y.
        further : array-like or None
            Ids that there will be beside those in X.
        """
        ids = distinct_tokens(whole, further)
        numbers = tokens.numbered(whole.sequences, ids)
        target = cls(_longest(whole), *_conditions(whole, known), len(ids))
        return target, target.encode(whole._replace(sequences=numbers))

    def encode(self, whole):
        """Numbers (n_answers, 1) of all tokens and ends, of sequences of numbers."""
        self.require_known(whole)
        return whole.with_ends(self.n_tokens).astype(np.float64)

    def require_known(self, whole):
        """Refuse a token that has no probability."""
        of_steps = np.repeat(whole.row_weights, whole.sequences.lengths)
        is_unknown = (whole.sequences.steps()[:, 0] == self.n_tokens) & (of_steps > 0.0)
        if is_unknown.any():
            sample, step = _place(whole.sequences, int(np.argmax(is_unknown)))
            raise ValueError(
                f"Sample {sample} of {whole.name} has a token at step {step} that"
                f" {whole.estimator_name} does not know. It knows the {self.n_tokens} in"
                " `tokens_`, those of fit. Leave such sequences out, or give all that is rare one"
                " id before fit, as SequenceVectorizer does with `vocabulary`."
            )

    def begun(self, sequences, codes):
        """Sequences as the network reads them: with a beginning, and with their classes."""
        begun = _begun(sequences, self.n_tokens)
        if codes is None:
            return begun
        of_steps = np.repeat(codes, begun.lengths)
        values = np.column_stack([begun.values[:, 0], of_steps]).astype(np.int32)
        return replace(begun, values=values)

    def _of_answers(self, raw, values):
        return -self.loss.of_rows(raw, values)

    def draw(self, raw, is_first, temperature, random):
        """A token of each row (n, 1), and which rows have ended."""
        if is_first:
            raw[:, -1] = -np.inf
        drawn = mixtures.drawn_classes(raw, temperature, random)
        return drawn[:, np.newaxis].astype(np.int32), drawn == self.n_tokens

    def to_state(self):
        """A dict of arrays, numbers and strings."""
        return self._state() | {"n_tokens": self.n_tokens}


@dataclass(frozen=True, eq=False)
class NextStep(Continuation):
    """The numbers of the next step, or the end.

    Values have the numbers in units of their spread, and a mark, 1 for the end.

    Attributes
    ----------
    n_components : int
    center, scale : ndarray of shape (n_features,)
    """

    n_components: int
    center: np.ndarray
    scale: np.ndarray
    kind = "next step"

    @property
    def n_targets(self):
        return len(self.center) + 1

    @property
    def n_outputs(self):
        return self.loss.n_outputs()

    @property
    def loss(self):
        return mixtures.Mixture(self.n_components, len(self.center))

    @classmethod
    def learn(cls, whole, known, n_components, standardize):
        """The target of the first sequences, and its values (n_answers, n_features + 1).

        Parameters
        ----------
        whole : Whole
        known : ndarray or None
            All classes that there will be; None: those in y.
        n_components : int
        standardize : bool
            Whether numbers are learnt in units of their spread.
        """
        steps = whole.sequences.steps()
        center, scale = np.zeros(steps.shape[1]), np.ones(steps.shape[1])
        if standardize:
            of_steps = np.repeat(whole.row_weights, whole.sequences.lengths)
            center, scale = _mean_and_scale(steps, of_steps)
        target = cls(_longest(whole), *_conditions(whole, known), n_components, center, scale)
        return target, target.encode(whole)

    def encode(self, whole):
        """Values of all steps and ends."""
        numbers = (whole.with_ends(self.center) - self.center) / self.scale
        is_end = np.zeros((len(numbers), 1))
        is_end[np.cumsum(whole.lengths) - 1] = 1.0
        return np.hstack([numbers, is_end])

    def in_units_of(self, scaling):
        n_features = len(self.center)
        center, scale = scaling.center[0, :n_features], scaling.scale[0, :n_features]
        return replace(self, center=center, scale=scale)

    def moved(self, values, before):
        numbers = values[:, :-1] * before.scale + before.center
        return np.column_stack([(numbers - self.center) / self.scale, values[:, -1]])

    def begun(self, sequences, codes):
        """Sequences as the network reads them: with a beginning, which is a gap, and indicators of
        their classes.
        """
        begun = replace(_begun(sequences, np.nan), has_gaps=True)
        if codes is None:
            return begun
        indicators = np.eye(self.n_conditions, dtype=begun.values.dtype)[codes]
        values = np.hstack([begun.values, np.repeat(indicators, begun.lengths, axis=0)])
        return replace(begun, values=values)

    def _of_answers(self, raw, values):
        in_units = np.where(values[:, -1] > 0.0, 0.0, np.log(self.scale).sum())
        return -self.loss.of_rows(raw, values) - in_units

    def draw(self, raw, is_first, temperature, random):
        """The numbers of each row (n, n_features), and which rows have ended."""
        drawn = mixtures.draw(raw, self.n_components, temperature, random)
        odds = np.full(len(raw), -np.inf) if is_first else raw[:, -1] / temperature
        has_ended = random.random_sample(len(raw)) < expit(odds)
        return drawn * self.scale + self.center, has_ended

    def to_state(self):
        """A dict of arrays, numbers and strings."""
        return self._state() | {
            "n_components": self.n_components,
            "center": self.center,
            "scale": self.scale,
        }


def _place(sequences, line):
    """Sample and step of a step of all of them end to end."""
    (sample, step), _ = StepAxes(sequences.lengths).place((line,))
    return sample, step


def require_no_gaps(sequences, estimator_name):
    """Refuse missing values of an X of numbers, of which a density says nothing."""
    missing = np.isnan(sequences.steps())
    if missing.any():
        line, feature = np.argwhere(missing)[0].tolist()
        sample, step = _place(sequences, line)
        raise ValueError(
            f"Sample {sample} of X is NaN at step {step}, feature {feature}, but {estimator_name}"
            " is a density of all values, so none may be missing. Fill gaps in, as"
            " sklearn.impute.SimpleImputer does, or leave such samples out."
        )
