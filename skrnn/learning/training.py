"""Training: epochs over minibatches or L-BFGS, what stops them, and recovery from divergence.

Knows arrays and networks, not scikit-learn. What is to be told of each epoch goes to listeners
(:mod:`skrnn.learning.events`).
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from skrnn.learning import advice, optimizers, schedules
from skrnn.learning.events import Curves, Epoch, Patience, Watch
from skrnn.learning.progress import Progress
from skrnn.network.examples import Examples
from skrnn.network.network import Memory, Network

#: After so many returns to good weights training stops.
_MAX_RECOVERIES = 5
#: "adaptive" divides the learning rate by this when the loss stalls, down to the smallest one.
_ADAPTIVE_DIVISOR, _SMALLEST_RATE = 5.0, 1e-6


class Task(NamedTuple):
    """What is to be trained, on what.

    Attributes
    ----------
    name : str
        Of the candidate, for events.
    network : Network
    loss : skrnn.losses.Loss
    theta : ndarray of shape (n_parameters,)
        Start values, which training changes in place.
    examples : Examples
    watch : Watch or None
        Validation data, whose best weights are restored at the end.
    start : callable
        Gives the start values anew, in memory of their own.
    rebuild : callable
        Makes a model of weights.
    is_finite : callable
        Says of raw predictions whether all are finite, also in the target's units.
    complete : callable or None
        Gives values to weights that nothing is learnt of, in place.
    is_beside : bool
        Whether it is what a path leaves, so that the start says what the path knows.
    """

    name: str
    network: Network
    loss: object
    theta: np.ndarray
    examples: Examples
    watch: Watch | None
    start: Callable
    rebuild: Callable
    is_finite: Callable
    complete: Callable | None = None
    is_beside: bool = False


class Streams(NamedTuple):
    """Independent random streams: the data's order and dropout never share numbers."""

    shuffle: np.random.RandomState
    dropout: np.random.RandomState


class Training:
    """One training. Whatever happens, the task's `theta` holds the weights to keep.

    Parameters
    ----------
    task : Task
    settings : Settings
    streams : Streams
    n_samples_seen : int
        By earlier trainings.
    optimizer : Adam or SGD, optional
        To go on with; a new one otherwise.
    listeners : sequence of callable
        Called with each Epoch; True ends the training (:mod:`skrnn.learning.events`).
    helpers : threads.Helpers, optional
    workspaces : collections.deque, optional
        Shared with trainings that this one takes turns with.
    warn : callable
        Called with the text of a warning.

    Attributes
    ----------
    converged : bool
        False where more epochs would have helped.
    is_running : bool
        Whether the training has not ended.
    interrupted : bool
        Whether Ctrl-C ended it.
    stopped : bool
        Whether a listener ended it.
    ends_fit : bool
        Whether a listener wants no other training of this fit to go on.
    """

    def __init__(
        self, task, settings, streams, *, n_samples_seen=0, optimizer=None, listeners=(),
        helpers=None, workspaces=None, warn=print,
    ):  # fmt: skip
        self.task, self.settings, self.streams = task, settings, streams
        self.theta, self.network, self.watch = task.theta, task.network, task.watch
        self.optimizer = optimizer or optimizers.new_optimizer(task.network, settings)
        is_whole = settings.solver == "lbfgs"  # and has no average
        is_averaged = (self.watch is not None or settings.is_averaged) and not is_whole
        shape = task.network.table_shape
        self.progress = Progress(self.theta, self.optimizer, shape, is_averaged)
        self.n_samples_seen, self.helpers, self.warn = n_samples_seen, helpers, warn
        self.curves, self.converged, self.is_running = Curves(), True, True
        evidence = 0.0 if self.watch is None else settings.least_evidence
        least = partial(self.watch.worth, evidence) if evidence else None
        self.patience = Patience(settings.tol, settings.n_iter_no_change, least)
        own = (self.curves, self.watch, self.patience)
        self._listeners = [*filter(lambda one: one is not None, own), *listeners]
        self._followers = [one for one in listeners if hasattr(one, "begin_epoch")]
        self.n_recoveries, self.interrupted, self.undone = 0, False, False
        size = task.network.n_parameters if is_whole else task.network.n_dense
        self._gradient = np.zeros(size, self.theta.dtype)
        self._memory = Memory(task.network, workspaces)
        self.stopped, self.ends_fit = False, False
        # The factor is that of recovery and of "adaptive".
        self._n_planned, self._n_left, self._rate_factor = settings.max_iter, 0, 1.0
        self._rows = np.arange(len(task.examples.row_weights))  # that the last loss was of
        self._course = self._train()

    def run(self):
        """Train to the end."""
        for _ in self._course:
            pass

    def take_turn(self, n_epochs):
        """Train for at most so many more epochs; "lbfgs" goes to its end."""
        for _ in islice(self._course, n_epochs):
            pass
        self.progress.forget()  # weights that it is left with are good

    def end(self):
        """Train no more; nothing happens where a training has ended by itself."""
        self._course.close()

    def _train(self):
        """The whole course of a training, which can be left behind each epoch and taken up again:
        in the next one, when a minibatch has shown that the weights are good.

        Where it ends, `theta` has the weights to keep, and `converged` is False if more epochs
        would have helped.
        """
        try:
            if self.watch is not None and self.task.is_beside:
                self._watch_the_start()
            if self.settings.solver == "lbfgs":
                self.converged = self._minimize()
            else:
                self.converged = yield from self._run_epochs()
            self._keep_the_best()
        except KeyboardInterrupt:
            self.interrupted = True
            self.warn(advice.INTERRUPTED)
            self._keep_the_best()
        except GeneratorExit:
            self._keep_the_best()
        finally:
            self.is_running = False
            self.progress.forget()
        self._tell_of_the_end()

    def _watch_the_start(self):
        """The start, what the path knows, may be the best."""
        self._complete(self.theta)
        loss, _ = self.watch.measure(self.network, self.theta, self.helpers, self._memory)
        self.watch.keep_best(self.theta, loss)
        self.patience.start_at(loss)

    # Minibatches

    def _run_epochs(self):
        while len(self.curves) < self.settings.max_iter:
            loss = yield from self._epoch()
            if not math.isfinite(loss):
                if not (len(self.curves) or self._tried or self._predicts()):
                    raise ValueError(advice.on_nothing_finite(self.theta.dtype))
                self.progress.go_back()
                if not self._recover():
                    return True
                continue
            self._report(loss)
            if self.stopped or (self._has_stalled() and not self._slow_down()):
                return True
        return self.settings.has_planned_end

    def reason_to_stop(self):
        """Why the training has ended, in words."""
        if self.interrupted:
            return "interrupted"
        if self.stopped:
            return "a callback ended it"
        if self.n_recoveries > _MAX_RECOVERIES:
            return "diverged too often"
        if len(self.curves) >= self.settings.max_iter:
            return "all samples are learnt" if self.settings.is_averaged else "reached max_iter"
        if self._has_stalled() and (self.watch is not None or self.settings.solver != "lbfgs"):
            return f"no improvement for {self.patience.n_stalled} epochs"
        return "L-BFGS found no better weights"

    def run_once(self):
        """One epoch, as ``partial_fit`` wants it; an epoch that diverges is undone.

        A start that predicts nothing is refused, because ``predict`` would blame X.
        """
        self._n_planned, self._course = 1, self._train_once()
        self.run()

    def _train_once(self):
        loss = yield from self._epoch()
        if math.isfinite(loss) and self._predicts():
            self._report(loss)
            self._tell_of_the_end()
            return
        self.progress.go_back()
        if self.n_samples_seen == 0 and not self._predicts():
            raise ValueError(advice.on_nothing_finite(self.theta.dtype))
        self.undone = True
        self.warn(advice.UNDONE)
        self._tell_of_the_end()

    def _epoch(self):
        """Loss of one epoch; nan where it, a gradient or a weight became non-finite.

        Behind an epoch, when a minibatch has tried the weights that it has left, it yields.
        """
        weights, s = self.task.examples.row_weights, self.settings
        n_samples = len(weights)
        order = self.streams.shuffle.permutation(n_samples) if s.shuffle else np.arange(n_samples)
        total, self._tried = 0.0, False
        for first in range(0, n_samples, s.batch_size):
            rows = self._rows = order[first : first + s.batch_size]
            loss = self._loss_gradient(self.theta, rows, self._dropout_masks(len(rows)))
            norm = self._norm()
            is_good = math.isfinite(loss + norm)
            if not self._tried:
                yield from self._begin(is_good)
            if not is_good:
                return math.nan
            shrink = optimizers.clipping_factor(norm, s.max_grad_norm)
            epochs = len(self.curves) + first / n_samples
            factor = self._rate_factor * schedules.factor(s, epochs, self.n_samples_seen)
            rate = s.learning_rate_init * factor
            self.progress.update(self._gradient, rate, shrink, self._memory.table)
            total += loss * self._memory.weight_sum
        if not np.isfinite(self.theta).all():
            return math.nan
        return total / float(weights.sum(dtype=np.float64))

    def _begin(self, is_good):
        """The place to leave the training at, before an epoch that begins well; if so, remember the
        weights, which a minibatch has tried.
        """
        if is_good and len(self.curves) > self._n_left:
            self._n_left = len(self.curves)
            yield
        self._tell_of_the_beginning()
        if is_good:
            self._tried = True
            self.progress.keep()

    def _norm(self):
        """The norm of the last minibatch's gradient."""
        dense = self._gradient[-self.network.n_dense :]
        return optimizers.gradient_norm(dense, self._memory.table)

    def _loss_gradient(self, theta, rows, masks=None, alpha=None):
        alpha = self.settings.alpha if alpha is None else alpha
        return self.network.loss_gradient(
            self.task.loss, theta, self.task.examples, rows, self._gradient, masks=masks,
            alpha=alpha, helpers=self.helpers, memory=self._memory,
        )  # fmt: skip

    def _dropout_masks(self, n_rows):
        rate = self.settings.dropout
        if not rate:
            return None
        kept = self.streams.dropout.random_sample((n_rows, self.network.n_masked)) >= rate
        return kept.astype(self.theta.dtype) / self.theta.dtype.type(1.0 - rate)

    # Epochs as events

    def _report(self, loss):
        """Tell all listeners of an epoch."""
        self.n_samples_seen += len(self.task.examples.row_weights)
        theta, verdict = self.progress.watched(), (None, None)
        self._complete(theta)
        if self.watch is not None:
            verdict = self.watch.measure(self.network, theta, self.helpers, self._memory)
        number, rebuild = len(self.curves) + 1, partial(self._rebuild, theta)
        epoch = Epoch(self.task.name, number, self._n_planned, loss, *verdict, theta, rebuild)
        answers = [listener(epoch) for listener in self._listeners]
        self.stopped = any(answer is True for answer in answers)

    def _rebuild(self, theta):
        return self.task.rebuild(theta.copy(), self.n_samples_seen)

    def _tell_of_the_beginning(self):
        """Tell followers that an epoch begins, whose first minibatch has been tried."""
        for follower in self._followers:
            follower.begin_epoch(partial(self._rebuild, self.progress.watched()))

    def _tell_of_the_end(self):
        """Tell followers that the training is over."""
        try:
            answers = [one.end(partial(self._rebuild, self.theta)) for one in self._followers]
            self.ends_fit = any(answer is True for answer in answers)
        except KeyboardInterrupt:
            self.interrupted = True
            self.warn(advice.INTERRUPTED)

    def _complete(self, theta):
        if self.task.complete is not None:
            self.task.complete(theta)

    def _has_stalled(self):
        listening = self.watch is None or self.settings.early_stopping
        return listening and self.patience.has_stalled

    def _slow_down(self):
        """Lower an adaptive learning rate; False where there is nothing left to lower."""
        rate = self.settings.learning_rate_init * self._rate_factor
        if self.settings.learning_rate != "adaptive" or rate <= _SMALLEST_RATE:
            return False
        self._rate_factor /= _ADAPTIVE_DIVISOR
        self.patience.start_anew()
        return True

    # Divergence

    def _predicts(self):
        """Whether the weights, of which the last update is untried, predict all that was learnt."""
        examples = self.task.examples
        raw = self.network.raw_of(self.theta, examples, self.helpers, self._memory)
        return self.task.is_finite(examples.with_offsets(raw))

    def _keep_the_best(self):
        """The weights that were best on the validation data, or the last that work."""
        if self.settings.is_averaged:
            self.theta[:] = self.progress.watched()
        self._complete(self.theta)
        if self.watch is not None and self.watch.best is not None:
            self.theta[:] = self.watch.best
            if math.isfinite(self.watch.best_loss):  # so these weights have been tried
                return
        self._keep_what_works()

    def _keep_what_works(self):
        """Go back to earlier weights where the last ones do not predict what was learnt.

        After an interrupt weights need a finite gradient too, but for those of the start: no
        minibatch has tried the last update, and it may have exploded.
        """
        for n_back, is_start in enumerate(self._steps_back()):
            is_good = not self.interrupted or is_start or self._has_gradient()
            if is_good and self._predicts():
                if n_back and not self.interrupted:
                    self.warn(advice.on_stepping_back(self.settings.solver))
                return
        raise ValueError(advice.on_nothing_finite(self.theta.dtype))

    def _steps_back(self):
        """Let theta be the last weights, those that are kept, those of the start; whether these."""
        yield False
        if self.progress.kept is not None:
            self.progress.go_back()
            yield False
        self.theta[:] = self.task.start()
        yield True

    def _has_gradient(self):
        """Whether loss and gradient of a minibatch are finite."""
        rows = np.arange(min(self.settings.batch_size, len(self.task.examples.row_weights)))
        loss = self._loss_gradient(self.theta, rows)
        return math.isfinite(loss + self._norm())

    def _recover(self):
        """After a return to good weights: halve the learning rate; False after too many."""
        self.n_recoveries += 1
        if self.n_recoveries > _MAX_RECOVERIES:
            self.warn(advice.on_repeated_divergence(self.n_recoveries, self._penalty_is_to_blame()))
            return False
        self._rate_factor /= 2.0
        if self.n_recoveries == 1:
            rate = self.settings.learning_rate_init * self._rate_factor
            self.warn(advice.on_divergence(rate, self._penalty_is_to_blame()))
        return True

    def _penalty_is_to_blame(self):
        """Whether the last loss is finite but for a large alpha, or small weights it is over."""
        if self.settings.alpha <= self.task.examples.row_weights.min():
            return False
        return math.isfinite(self._loss_gradient(self.theta, self._rows, alpha=0.0))

    # L-BFGS

    def _minimize(self):
        n_evaluations = 15 * self.settings.max_iter

        def objective(vector):
            loss = self._loss_gradient(vector.astype(self.theta.dtype), self._rows)
            return loss, self._gradient.astype(np.float64)

        def after_iteration(intermediate_result):
            if not np.isfinite(intermediate_result.fun):
                raise StopIteration
            self.theta[:] = intermediate_result.x
            self._report(float(intermediate_result.fun))
            if self.stopped or (self.watch is not None and self._has_stalled()):
                raise StopIteration
            if len(self.curves) < self.settings.max_iter:
                self._tell_of_the_beginning()

        self._tell_of_the_beginning()
        result = minimize(
            objective,
            self.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=after_iteration,
            options={
                "maxiter": self.settings.max_iter,
                "maxfun": n_evaluations,
                "gtol": self.settings.tol,
            },
        )
        if np.isfinite(result.x).all() and np.isfinite(result.fun):
            self.theta[:] = result.x
            ended = result.nit < self.settings.max_iter and result.nfev < n_evaluations
        else:
            ended = True
            self.warn(advice.on_diverging_lbfgs(len(self.curves), self._penalty_is_to_blame()))
        if not len(self.curves):
            self._report(float(result.fun))
        return ended or self.stopped
