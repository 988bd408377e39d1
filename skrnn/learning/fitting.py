"""The order of a fit: scales and linear path, then training of recurrent parts, then a choice."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import NamedTuple

import numpy as np

from skrnn.data import scaling
from skrnn.data.examples import Examples, Nothing
from skrnn.data.schema import Schema
from skrnn.kernels import announcements
from skrnn.learning import advice, candidates, outcomes, race, scales
from skrnn.learning.model import Model
from skrnn.learning.saved import LEFT_OUT
from skrnn.learning.settings import Settings
from skrnn.linear import bag, token_window
from skrnn.linear import path as linear_path
from skrnn.network.network import Architecture
from skrnn.quantiles import robust_scale

#: Epochs in which samples that were held out are learnt with the others, as a share of those that
#: were best for the others.
_LEARNT_AGAIN = 0.25
#: Steps that frame_length="auto" makes of a sequence of mean length, at most.
_MOST_STEPS = 32


# The start


class Start(NamedTuple):
    """What a model is made of, or continued from.

    Attributes
    ----------
    schema : Schema
    target : a target of :mod:`skrnn.data.targets`
    seeds : tuple of int
        Of the start values, the order of the data, dropout, validation data.
    architecture : Architecture
    kept : dict
        As in a Model.
    before : Model or None
        A fitted model to continue from.
    """

    schema: Schema
    target: object
    seeds: tuple
    architecture: Architecture
    kept: dict
    before: Model | None


def start_of(params, schema, lengths, target, seeds, *, before, incremental):
    """The Start of a fit, or of a ``partial_fit``, with an estimator's parameters.

    lengths are those of the sequences, which the frame length follows.

    Raises
    ------
    ValueError
        If a fitted model cannot be continued, because a parameter has changed.
    """
    if before is None:
        frame_length = _frame_length(params, schema, lengths)
    else:
        frame_length = before.architecture.frame_length
    architecture = Architecture(
        cell=params["cell"],
        hidden_layer_sizes=tuple(int(n) for n in np.atleast_1d(params["hidden_layer_sizes"])),
        n_features=schema.n_inputs + (0 if schema.is_of_tokens else target.n_conditions),
        n_outputs=target.n_outputs,
        bidirectional=bool(params["bidirectional"]),
        pooling=params["pooling"],
        activation=params["activation"],
        dtype=schema.dtype,
        frame_length=frame_length,
        embedding_dim=_plain(params["embedding_dim"]),
        n_tokens=0 if schema.tokens is None else len(schema.tokens),
        return_sequences=bool(params["return_sequences"]),
        is_recurrent=not schema.is_table or frame_length < schema.n_observations,
        decoder=params.get("decoder"),
        target_embedding_dim=int(params.get("target_embedding_dim", 0)),
        n_conditions=target.n_conditions if schema.is_of_tokens else 0,
    )
    kept = {
        "standardize": bool(params["standardize"]),
        "linear_path": LEFT_OUT if incremental else _plain(params["linear_path"]),
        "dtype": params["dtype"],
        "frame_length": _plain(params["frame_length"]),
    }
    if before is not None:
        before = before.going_on(architecture, target, kept, params["n_timesteps"])
    return Start(schema, target, seeds, architecture, kept, before)


def _plain(parameter):
    """A parameter with NumPy's integers made Python's."""
    return int(parameter) if isinstance(parameter, Integral) else parameter


def _frame_length(params, schema, lengths):
    """Observations that a network reads as one step.

    A table has no order of its columns, so it is one step. Long sequences can be read as coarsely
    as this with a fraction of the work and no loss where that was measured (``docs/accuracy.md``).
    """
    wanted = params["frame_length"]
    if schema.is_of_tokens or params["return_sequences"]:
        return 1
    if wanted != "auto":
        return min(int(wanted), int(lengths.max()))
    if schema.is_table:
        return schema.n_observations
    return int(np.ceil(lengths.mean() / _MOST_STEPS))


class Begun(NamedTuple):
    """What a fit begins with.

    Attributes
    ----------
    model : Model
    examples : Examples
        To train on.
    watched : Examples or None
        Validation data.
    whole : callable or None
        Gives a model and all examples, those that are watched among them, to be learnt in the end.
        Without it the model never learns what is watched.
    """

    model: Model
    examples: Examples
    watched: Examples | None
    whole: Callable | None = None


def begin(start, examples, validation):
    """What a fit begins with.

    What is held out at random is held out after scales and linear path have been learnt of all
    examples, since the path says of each what it has not seen. Unseen validation data are held out
    before. A model that is continued has its scales already.

    Parameters
    ----------
    start : Start
    examples : Examples
    validation : Nothing, Separate, Share or Split

    Returns
    -------
    Begun
    """
    if start.before is not None:
        examples, watched = validation.split(examples)
        model = scales.continued(start.before, examples)
        if model.path is not None:
            model = replace(model, path=model.path.seeing(examples.sequences))
        return Begun(*scales.of_own_targets(model, start.before, examples, watched))
    if validation.is_unseen:
        whole = partial(new_model, start, examples)
        examples, watched = validation.split(examples)
        begun = Begun(*new_model(start, examples), watched, whole)
    else:
        model, examples = new_model(start, examples)
        begun = Begun(model, *validation.split(examples), lambda: (model, examples))
    return begun if validation.is_learnt else begun._replace(whole=None)


def new_model(start, examples):
    """A model to train.

    Parameters
    ----------
    start : Start
    examples : Examples
        What scales, the linear path and the start of the output bias are taken from.

    Returns
    -------
    model : Model
        Beside a path without parameters, which are as large as all that they are of: each candidate
        draws its own when it begins.
    examples : Examples
        With the offsets to train with: what the path predicts for each sample without having seen
        it.

    Raises
    ------
    ValueError
        If X or y spreads too far to be standardised.
    """
    schema, target, seeds, architecture, kept, _ = start
    unit = scales.none(architecture.n_features, target.n_targets)
    nothing = np.empty(0, architecture.dtype)
    model = Model(schema, target, architecture, nothing, unit, None, seeds, kept)
    model = scales.begun(model, examples, goes_on=kept["linear_path"] == LEFT_OUT)
    found, left_out = _linear_path(model, examples, kept["linear_path"])
    if found is None:
        return replace(model, theta=candidates.start_values(model, examples)), examples
    model = replace(model, path=found)
    if kept["standardize"] and target.loss.is_standardized:
        model, left_out = _in_units_of_errors(model, examples, left_out)
    return model, replace(examples, offsets=left_out)


def _linear_path(model, examples, path):
    """The linear path and its left-out predictions; None, None where there can be no path."""
    loss, targets = model.target.loss, model.standardized(examples.targets)
    if path in (None, LEFT_OUT) or not loss.can_be_learnt(targets[examples.weights > 0.0]):
        return None, None
    try:
        examples = replace(examples, targets=targets)
        both_sides = model.architecture.bidirectional
        if model.schema.is_of_tokens:
            return _path_of_tokens(model, examples, path)
        return linear_path.fit(examples, model.schema.origins, loss, path, both_sides)
    except OverflowError:  # X or y spread too far, and are not standardised
        return None, None


def _path_of_tokens(model, examples, path):
    """A bag; or at each step a window, if there are not too many tokens for it."""
    architecture, loss = model.architecture, model.target.loss
    n_tokens = architecture.n_tokens
    if not architecture.return_sequences:
        return bag.fit(examples, n_tokens, loss, path)
    if n_tokens > token_window.MOST_TOKENS:
        return None, None
    return token_window.fit(examples, n_tokens, loss, path, architecture.bidirectional)


def _in_units_of_errors(model, examples, left_out):
    """Model and left-out predictions in the unit in which the recurrent part learns: the spread of
    the path's errors.
    """
    targets = model.standardized(examples.targets)
    n_levels = left_out.shape[1] // targets.shape[1]
    errors = targets - left_out[:, ::n_levels]  # of the first level
    smallest = 10 * np.finfo(model.architecture.dtype).tiny
    unit = _spread(errors, examples.weights, model.target.loss.is_robust, smallest)
    in_units = replace(model.scaling, target_scale=model.scaling.target_scale * unit)
    raw_unit = np.repeat(unit, n_levels)
    path = model.path.in_unit(raw_unit)
    return replace(model, scaling=in_units, path=path), left_out / raw_unit


def _spread(errors, weights, is_robust, smallest):
    """Scale of each column (K,), whose reciprocal is finite in the network's precision."""
    spread = scaling.mean_and_scale(errors, weights, np.float64)[1]
    if not is_robust:
        return spread
    robust = np.array([robust_scale(column, weights) for column in errors.T])
    return np.where(robust > smallest, robust, spread)


# Training


def most_candidates(start, validation):
    """How many recurrent parts a fit trains at most.

    Whether there is a path is not known when callbacks ask. Where none is found, one is trained.
    """
    has_path = start.before is None and start.kept["linear_path"] not in (None, LEFT_OUT)
    is_chosen = has_path and not isinstance(validation, Nothing)
    return len(candidates.CANDIDATES) if is_chosen else 1


class Circumstances(NamedTuple):
    """What all trainings of a fit share.

    Attributes
    ----------
    settings : Settings
    only_once : bool
        Whether to train for one epoch, with the optimiser's state that the model keeps, as
        ``partial_fit`` does.
    listeners : sequence of callable
        Each makes a listener (:mod:`skrnn.learning.events`) of one training, from the Candidate and
        the number of epochs that are planned.
    n_threads : int
    warn : callable
        Takes the text of a warning.
    say : callable or None
        Takes lines of text about the progress.
    """

    settings: Settings
    only_once: bool
    listeners: tuple
    n_threads: int
    warn: Callable
    say: Callable | None


def fit(begun, circumstances, before=None):
    """Train a copy of a model.

    Parameters
    ----------
    begun : Begun
        It is not changed.
    circumstances : Circumstances
    before : Model, optional
        What there was before this call, to go back to where ``partial_fit`` undoes its epoch.

    Returns
    -------
    Outcome
    """
    model, examples, watched, whole = begun
    architecture = model.architecture
    what = f"{architecture.cell}, {architecture.dtype}"
    with announcements.of_compiling(what, circumstances.say):
        if watched is None or model.path is None:
            outcome = _fit_one(model, examples, watched, circumstances, before)
        else:
            outcome = _fit_several(model, examples, watched, circumstances)
        if whole is None or outcome.is_over:
            return outcome
        return _learn_all(whole, outcome, circumstances, len(examples))


def _fit_one(model, examples, watched, circumstances, before):
    """The Outcome where nothing is chosen between."""
    linear = None
    if watched is None and model.path is not None:
        linear = outcomes.linear_of(model, candidates.path_verdict(model, examples).score)
    candidate = candidates.beside_the_path(model, examples, watched)
    only = race.train_one(candidate, model, circumstances)
    if only.training.undone and before is not None:
        only = only._replace(model=before)
    if linear is not None and circumstances.say is not None:
        circumstances.say(outcomes.on_path_left_out(linear.score))
    parts = outcomes.parts_of(model, [only])
    outcome = outcomes.of(only, linear, only.training.interrupted, parts)
    return outcome._replace(is_over=_is_over([only]))


def _learn_all(whole, outcome, circumstances, n_before):
    """The Outcome whose model has learnt all examples, from what the first ones have taught on, and
    in the same share.

    What is held out says how long to train. But it is a quarter of what there is to learn; and of a
    series it is the latest, without which a model is out of date.
    """
    try:
        model, examples = whole()
        if (model.path is None) != (outcome.share is None):  # what was chosen is not there
            return outcome
        n_epochs = math.ceil(_LEARNT_AGAIN * outcome.parts[outcome.candidate]["kept_epoch"])
        settings = circumstances.settings.of_all(n_epochs, len(examples), n_before)
        say = circumstances.say if n_epochs else None  # of the linear path alone nothing is said
        if say is not None:
            say(outcomes.on_all(len(examples), n_epochs))
        seen = replace(model, n_samples_seen=outcome.model.n_samples_seen)
        candidate = candidates.of_all(outcome.candidate, outcome.theta, seen, examples)
        # Callbacks are not told of it: they look at validation scores, and here are none.
        unheard = circumstances._replace(settings=settings, listeners=(), say=say)
        trained = race.train_one(candidate, model, unheard)
    except KeyboardInterrupt:
        circumstances.warn(advice.INTERRUPTED)
        return outcome._replace(interrupted=True)
    if trained.training.interrupted:
        return outcome._replace(interrupted=True)
    share = 1.0 if outcome.share is None else outcome.share
    path_share = 1.0 - share if trained.candidate.is_alone else 1.0
    linear = outcomes.linear_of(model, outcome.linear.score) if outcome.linear else None
    found = candidates.in_shares(model, trained, share, path_share)
    return outcome._replace(model=found, linear=linear)


def _fit_several(model, examples, watched, circumstances):
    """The Outcome of all candidates, weighed on validation data."""
    verdict = candidates.path_verdict(model, watched)
    linear, trained = outcomes.linear_of(model, verdict.score), []
    if circumstances.say is not None:
        circumstances.say(outcomes.on_path(verdict))
    try:
        makes = candidates.CANDIDATES[: 1 if model.n_samples_seen else None]
        makes = [partial(make, model, examples, watched) for make in makes]
        race.train_in_turns(trained, makes, model, circumstances)
        return _choose(model, trained, linear, circumstances)
    except KeyboardInterrupt:  # between two turns, or while their shares are found
        if not trained:
            raise
        circumstances.warn(advice.INTERRUPTED)
    outcome = _choose(model, trained, linear, circumstances)
    return outcome._replace(interrupted=True, is_over=True)


def _choose(start, trained, linear, circumstances):
    """The Outcome of some Trained."""
    interrupted = any(one.training.interrupted for one in trained)
    trained, parts = [one.learnt() for one in trained], outcomes.parts_of(start, trained)
    seen = [one for one in trained if one.is_seen]
    if not seen:
        return outcomes.of(trained[0], linear, interrupted, parts)._replace(is_over=True)
    watched = trained[0].training.watch.examples
    chosen, best, share, score = candidates.choose(start, seen, watched)
    if circumstances.say is not None:
        of_path = chosen.score_of(watched.offsets)
        circumstances.say(outcomes.on_choice(of_path, score, chosen.candidate.name, share))
    outcome = outcomes.of(chosen, linear, interrupted, parts)
    return outcome._replace(model=best, share=share, is_over=_is_over(trained))


def _is_over(trained):
    """Whether Ctrl-C or a callback has ended the fit in one of these trainings."""
    return any(one.training.interrupted or one.training.ends_fit for one in trained)
