"""The recurrent parts that a fit trains beside a linear path, and how one of them is chosen.

A candidate is a start from which a network is trained, and the task it is given. Each function in
:data:`CANDIDATES` makes one, and validation data choose between what they learnt.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from skrnn.data.examples import Examples
from skrnn.learning.events import Verdict
from skrnn.learning.model import Model
from skrnn.linear.blending import Part, blend, evidence

#: What candidates are called.
ALONE, BESIDE = "alone", "beside the linear path"


class Candidate(NamedTuple):
    """A recurrent part to train.

    Attributes
    ----------
    name : str
        What lines of text and events call it.
    model : Model
        What is trained, but for its parameters.
    start : callable
        Gives the parameters that training starts from, in memory of their own.
    examples, watched : Examples
        watched may be None.
    score : callable or None
        Of raw predictions on `watched`; greater is better.
    unit : ndarray of shape (n_outputs,) or None
        Factor from the path's raw predictions to this candidate's; None means one.
    silent_path : AffineMap or None
        Where the target is learnt without the path, what it adds all the same for values beyond
        those it is fitted to, in this candidate's unit.
    """

    name: str
    model: Model
    start: Callable
    examples: Examples
    watched: Examples | None
    score: Callable | None
    unit: np.ndarray | None = None
    silent_path: object = None

    @property
    def is_alone(self):
        """Whether it learns the target without the path."""
        return self.model.path is None


def beside_the_path(model, examples, watched):
    """What the path leaves, learnt on its left-out predictions; without a path, the target."""

    def score(raw):
        return model.target.score_of(watched, model.in_target_units(raw))

    name = ALONE if model.path is None else BESIDE
    start = model.theta.copy if len(model.theta) else partial(start_values, model, examples)
    return Candidate(name, model, start, examples, watched, score)


def alone(model, examples, watched):
    """The target itself, in its own units and from the usual start."""
    unit, scaling = model.path.unit, model.scaling
    n_levels = len(unit) // len(scaling.target_scale)
    own = replace(scaling, target_scale=scaling.target_scale / unit[::n_levels])
    start = replace(model, scaling=own, path=None)
    score = beside_the_path(model, examples, watched).score
    silent = model.path.in_share(0.0).scaled(unit)
    return Candidate(
        ALONE,
        start,
        partial(start_values, start, examples),
        replace(examples, offsets=None),
        watched and _watched_alone(silent, watched),
        lambda raw: score(raw / unit.astype(raw.dtype)),
        unit,
        silent,
    )


def _watched_alone(silent, watched):
    """Validation data as a part that learns alone reads them, with what the path adds."""
    sequences, offsets = silent.within(watched.sequences), None
    if sequences is not watched.sequences:
        offsets = silent.predict(watched.sequences, watched.of_steps)
    return replace(watched, sequences=sequences, offsets=offsets)


def path_verdict(model, examples):
    """Verdict on the path of a model by itself, with what it predicts of samples it has not seen.

    Parameters
    ----------
    model : Model
        With a path.
    examples : Examples
        With offsets, or such as the path was not fitted on.
    """
    raw = _path_predictions(model, examples)
    score = model.target.score(examples.targets, model.in_target_units(raw), examples.weights)
    return Verdict(_mean_loss(model, raw, examples), score)


def loss_factor(model, candidate):
    """What a candidate's losses are multiplied by to be in the unit of the path's.

    It is the ratio of the losses of the path's predictions in both units. So it is exact for one
    target and a power of the error; of several targets and Huber's loss it is near.
    """
    if candidate.unit is None:
        return 1.0
    watched = candidate.watched or candidate.examples
    raw = model.path_predict(watched.sequences)
    own = _mean_loss(candidate.model, raw * candidate.unit, watched)
    return _mean_loss(model, raw, watched) / own if own > 0.0 else 1.0


def _path_predictions(model, examples):
    if examples.offsets is not None:
        return examples.offsets
    return model.path_predict(examples.sequences)


def _mean_loss(model, raw, examples):
    """Loss of raw predictions in a model's units."""
    losses = model.target.loss.of_rows(raw, model.standardized(examples.targets))
    return float(np.average(losses, weights=examples.weights))


#: What is trained where there are a path and validation data. The first is trained in any case.
CANDIDATES = (beside_the_path, alone)


def of_all(name, theta, model, examples):
    """The candidate of that name which is to learn all examples from parameters on that others have
    been learnt with, and watches none.
    """
    is_alone = name == ALONE and model.path is not None
    candidate = (alone if is_alone else beside_the_path)(model, examples, None)
    return candidate._replace(start=theta.copy)


#: What start values of an output layer are multiplied by where labels are to be aligned with steps.
_ALIGNED_START = 0.2


def start_values(model, examples):
    """Parameters of a network that begins with the best constant prediction of some examples, or
    with what the path predicts, and nothing else.

    Where labels are to be aligned with steps little but a constant is said at first, because what a
    random start says decides where the labels go.
    """
    network = model.network
    theta = network.initialize(np.random.RandomState(model.seeds[0]))
    views = network.views(theta)
    if model.path is not None:
        views["V"][:] = views["b_out"][:] = 0.0
        return theta
    if model.target.loss.is_aligned:
        views["V"] *= _ALIGNED_START
    targets = model.standardized(examples.targets)
    views["b_out"][:] = model.target.loss.best_constant(targets, examples.weights)
    return theta


class Trained(NamedTuple):
    """A candidate and its training, which may be under way.

    Attributes
    ----------
    candidate : Candidate
    model : Model
        With the weights that are trained.
    training : skrnn.learning.training.Training
    """

    candidate: Candidate
    model: Model
    training: object

    @property
    def is_seen(self):
        """Whether it has had an epoch to be judged by; an interrupt may have come before."""
        return self.training.watch.unchosen is not None

    def learnt(self, optimizer=None):
        """Itself with the model that the training has left, and the optimiser's state."""
        n_samples_seen = self.training.n_samples_seen
        model = replace(self.model, n_samples_seen=n_samples_seen, optimizer=optimizer)
        return self._replace(model=model)

    def part(self):
        """What it says of the validation data, in the path's unit; alone, with what the path adds
        all the same.
        """
        watch, unit = self.training.watch, self.candidate.unit
        raw = watch.unchosen
        if unit is not None:
            raw = watch.examples.with_offsets(raw) / unit.astype(raw.dtype)
        return Part(raw, self.candidate.is_alone)

    def evidence(self, watched, loss):
        """Evidence of it, less that of the path alone; of nothing while it is not seen.

        Parameters
        ----------
        watched : skrnn.network.network.Examples
            The validation data, in the path's units.
        loss : skrnn.losses.Loss
        """
        if not self.is_seen:
            return -np.inf
        answers = watched.offsets, watched.targets, watched.weights
        return evidence(self.part(), *answers, loss, watched.steps is not None)

    def score_of(self, raw):
        """Score of raw predictions on the validation data, in the path's unit."""
        unit = self.candidate.unit
        return self.candidate.score(raw if unit is None else raw * unit)

    def in_share(self, share):
        """The model with its output layer in the path's unit, times a share."""
        model = self.model.copy()
        for array in model.head():
            if self.candidate.unit is not None:
                array /= self.candidate.unit.astype(array.dtype)
            array *= array.dtype.type(share)
        return model


class Choice(NamedTuple):
    """A trained candidate, the model to keep, the candidate's share in it, and the model's score on
    validation data.
    """

    trained: Trained
    model: Model
    share: float
    score: float


def choose(start, trained, watched):
    """The best of some trained candidates in its share, beside the path in its own.

    Parameters
    ----------
    start : Model
        With the path, untrained.
    trained : list of Trained
    watched : skrnn.network.network.Examples
        The validation data, in the path's units.

    Returns
    -------
    Choice
    """
    parts = [one.part() for one in trained]
    best, share, path_share = blend(
        parts, watched.offsets, watched.targets, watched.weights, start.target.loss,
        watched.steps is not None,
    )  # fmt: skip
    chosen = trained[best]
    score = chosen.score_of(share * parts[best].raw + path_share * watched.offsets)
    model = in_shares(start, chosen, share, path_share)
    return Choice(chosen, model, share, score)


def in_shares(start, trained, share, path_share):
    """The model of a trained candidate in its share, beside the path, if there is one, in its own.

    Parameters
    ----------
    start : Model
        That the fit begins with.
    trained : Trained
    share, path_share : float
    """
    path = start.path and start.path.in_share(path_share)
    return replace(trained.in_share(share), path=path, scaling=start.scaling)
