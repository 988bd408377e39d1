"""Trainings of candidates: how each begins, and how several take turns until one is left behind."""

from collections import deque
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from skrnn.data.examples import Examples
from skrnn.learning import advice, candidates, optimizers, outcomes
from skrnn.learning.candidates import Candidate, Trained
from skrnn.learning.clock import Clock
from skrnn.learning.events import Lines, Watch
from skrnn.learning.saved import LEFT_OUT
from skrnn.learning.training import Streams, Task, Training
from skrnn.network import examples as network
from skrnn.network import threads
from skrnn.network.examples import OfSteps, Transcribed
from skrnn.portions import portions

#: Updates of a turn, and epochs at least.
_TURN, _FEWEST_EPOCHS = 100, 5
#: What a candidate may lack of the evidence of the first, in nats and as a share of it.
_MOST_BEHIND, _MOST_BEHIND_OF_FIRST = 2.0, 0.2


def train_one(candidate, beside, circumstances):
    """A Trained copy of a candidate's model.

    Parameters
    ----------
    candidate : Candidate
    beside : Model
        That the fit begins with.
    circumstances : skrnn.learning.fitting.Circumstances
    """
    with threads.helpers(circumstances.n_threads) as helpers:
        one = _begun(candidate, beside, circumstances, helpers, Clock(1))
        if circumstances.only_once:
            one.training.run_once()
            return one.learnt(vars(one.training.optimizer))
        try:
            one.training.run()
            _say_end(one, circumstances)
        except KeyboardInterrupt:
            if one.training.is_running:  # it has not begun, so nothing is learnt
                raise
            one.training.interrupted = True
            circumstances.warn(advice.INTERRUPTED)
    return one.learnt()


def train_in_turns(trained, makes, beside, circumstances):
    """Train some candidates, and give up those that are left behind.

    Parameters
    ----------
    trained : list
        Gets each Trained when it begins, so that whatever interrupts the others leaves it.
    makes : sequence of callable
        Each makes a Candidate, without arguments.
    beside, circumstances :
        As in :func:`train_one`.
    """
    clock, workspaces = Clock(len(makes)), deque()
    with ExitStack() as stack:
        for make in makes:
            helpers = stack.enter_context(threads.helpers(circumstances.n_threads))
            trained.append(_begun(make(), beside, circumstances, helpers, clock, workspaces))
            stack.callback(trained[-1].training.end)
            if _take_turn(trained[-1], circumstances):
                return
        before = None
        while running := [one for one in trained if one.training.is_running]:
            before = _evidences(trained) if before is None else before
            if any(_take_turn(one, circumstances) for one in running):
                return
            now = _evidences(trained)
            if circumstances.settings.early_stopping:
                for number in left_behind(before, now):
                    _give_up(trained[number], circumstances.say)
            before = now


def left_behind(before, now):
    """Which of some candidates need no more training: those that lack evidence, and ever more.

    Parameters
    ----------
    before, now : ndarray of shape (n,)
        Evidence of each (equation 85) before the last turn and behind it.

    Returns
    -------
    ndarray of int
    """
    first = np.argmax(now)
    enough = max(_MOST_BEHIND, _MOST_BEHIND_OF_FIRST * now[first])
    behind, was_behind = now[first] - now, before[first] - before
    return np.nonzero((behind > enough) & (behind >= was_behind))[0]


def _evidences(trained):
    """Evidence of each candidate; zeros where there is no choice."""
    if len(trained) < 2:
        return np.zeros(1)
    first = trained[0].training
    watched, loss = first.watch.examples, first.task.loss
    return np.array([one.evidence(watched, loss) for one in trained])


def _take_turn(one, circumstances):
    """Train a candidate for a turn; True where the user, or a callback, has ended the fit."""
    training = one.training
    n_batches = -(-len(training.task.examples.row_weights) // training.settings.batch_size)
    training.take_turn(max(_FEWEST_EPOCHS, _TURN // n_batches))
    if not training.is_running:
        _say_end(one, circumstances)
    return training.interrupted or training.ends_fit


def _give_up(one, say):
    """End a training that may be under way."""
    if one.training.is_running:
        one.training.end()
        if say is not None:
            say(outcomes.on_left_behind(len(one.training.curves), one.candidate.name))


def _say_end(one, circumstances):
    if circumstances.say is not None:
        training = one.training
        circumstances.say(outcomes.on_end(len(training.curves), training.reason_to_stop()))


def _begun(candidate, beside, circumstances, helpers, clock, workspaces=None):
    """A Trained copy of a candidate's model, before its first epoch."""
    start, (settings, only_once) = candidate.model, circumstances[:2]
    n_planned = 1 if only_once else settings.max_iter
    listeners = [listen(candidate, n_planned) for listen in circumstances.listeners]
    if circumstances.say is not None:
        listeners.append(_lines(candidate, beside, circumstances.say, clock, n_planned))
    model, seen = replace(start, theta=candidate.start()), start.n_samples_seen
    streams = (np.random.RandomState([seed, seen % 2**32]) for seed in start.seeds[1:3])
    optimizer = None
    if only_once:
        optimizer = optimizers.revived(model.network, settings, start.optimizer)
    training = Training(
        _task(candidate, model), settings, Streams(*streams), n_samples_seen=seen,
        optimizer=optimizer, listeners=listeners, helpers=helpers, workspaces=workspaces,
        warn=circumstances.warn,
    )  # fmt: skip
    return Trained(candidate, model, training)


def _lines(candidate, beside, say, clock, n_planned):
    """Listener that says what becomes of each epoch."""
    factor = candidates.loss_factor(beside, candidate)
    label = ""
    if beside.path is not None:
        label = "alone      " if candidate.is_alone else "beside path"
    return Lines(say, clock, n_planned, label, factor)


def _task(candidate: Candidate, model):
    watch = None
    if candidate.watched is not None:
        watched = network_examples(model, candidate.watched)
        target = model.target
        watch = Watch(watched, target.loss, candidate.score, target.criterion)
    predicting = replace(model, path=candidate.silent_path or model.path)

    def rebuild(theta, n_samples_seen):
        return replace(predicting, theta=theta, n_samples_seen=n_samples_seen)

    def is_finite(raw):
        return all(_is_finite(model, raw[lines]) for lines in portions(*raw.shape))

    examples = network_examples(model, candidate.examples)
    return Task(
        candidate.name, model.network, model.target.loss, model.theta, examples, watch,
        candidate.start, rebuild, is_finite, _completion(model, candidate.examples.sequences),
        is_beside=model.path is not None,
    )  # fmt: skip


def _is_finite(model, raw):
    """Whether raw predictions are, and what they predict in their own precision."""
    predicted = model.in_target_units(raw).astype(raw.dtype)
    return bool(np.isfinite(raw).all() and np.isfinite(predicted).all())


def _completion(model, sequences):
    """What gives tokens that no training sequence has the mean of all other vectors, in place.

    A model that is trained further may know tokens from before; then that is the unknown one alone.
    Where a beginning stands in its place, it is learnt.
    """
    network, is_absent = model.network, np.zeros(model.architecture.n_tokens + 1, bool)
    if not network.n_in_table or model.target.reads_beginnings:
        return None
    is_absent[-1] = True
    if model.n_samples_seen == 0:
        is_absent[:] = True
        for _, some in sequences.some_at_a_time():
            is_absent[some.steps()] = False
    is_there, n_there = ~is_absent[:, np.newaxis], int((~is_absent).sum())

    def complete(theta):
        table = network.table(theta)
        table[is_absent] = np.add.reduce(table, axis=0, where=is_there) / n_there

    return complete


def network_examples(model, examples: Examples):
    """Examples in the network's units and precision."""
    dtype, offsets, steps = model.theta.dtype, examples.offsets, None
    data, weights = model.data(examples.sequences), examples.weights.astype(dtype)
    weights = weights.astype(np.float64)  # of the network's precision, for sums in double
    targets = np.ascontiguousarray(model.standardized(examples.targets), dtype)
    if examples.of_steps:
        steps = OfSteps.of(examples.lengths, weights)
    if model.target.loss.is_aligned:
        return Transcribed.of(data, targets, steps)
    if model.kept["linear_path"] in (None, LEFT_OUT):
        return network.Examples(data, targets, weights, None, steps)
    if offsets is None:
        offsets = model.path_predict(examples.sequences)
    offsets = np.ascontiguousarray(offsets, dtype)
    return network.Examples(data, targets, weights, offsets, steps)
