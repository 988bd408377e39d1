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
from skrnn.network.network import Examples, Memory, Network

#: After so many returns to good weights training stops.
_MAX_RECOVERIES = 5
#: "adaptive" divides the learning rate by this when the loss stalls, down to the smallest one.
_ADAPTIVE_DIVISOR, _SMALLEST_RATE = 5.0, 1e-6


class Settings(NamedTuple):
    """How to train; names and meanings are the estimators', but for the last one.

    least_evidence is what an improvement on the validation data has to be worth (equation 85).
    """

    solver: str
    alpha: float
    batch_size: int
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    early_stopping: bool
    n_iter_no_change: float
    max_grad_norm: float | None
    dropout: float
    least_evidence: float = 0.0

    @property
    def has_planned_end(self):
        """Whether the learning rate falls to nothing at `max_iter`."""
        return self.learning_rate in ("cosine", "one_cycle")


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
    rebuild : callable
        Makes a model of weights.
    is_finite : callable
        Says of raw predictions whether all are finite, also in the target's units.
    complete : callable or None
        Gives values to weights that nothing is learnt of, in place.
    """

    name: str
    network: Network
    loss: object
    theta: np.ndarray
    examples: Examples
    watch: Watch | None
    rebuild: Callable
    is_finite: Callable
    complete: Callable | None = None


class Snapshot(NamedTuple):
    """What an epoch changes and a return to it restores: weights, their average, the optimiser."""

    theta: np.ndarray
    average: optimizers.Average
    optimizer: object


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
        Called with each Epoch; True stops the training.
    helpers : threads.Helpers, optional
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
    """

    def __init__(
        self, task, settings, streams, *, n_samples_seen=0, optimizer=None, listeners=(),
        helpers=None, warn=print,
    ):  # fmt: skip
        self.task, self.settings, self.streams = task, settings, streams
        self.theta, self.network, self.watch = task.theta, task.network, task.watch
        self.optimizer = optimizer or optimizers.new_optimizer(task.network, settings)
        self.n_samples_seen, self.helpers, self.warn = n_samples_seen, helpers, warn
        self.curves, self.converged, self.is_running = Curves(), True, True
        self.patience = Patience(settings.tol, settings.n_iter_no_change)
        if self.watch is not None and settings.least_evidence:
            self.patience.least = partial(self.watch.worth, settings.least_evidence)
        own = (self.curves, self.watch, self.patience)
        self._listeners = [*filter(lambda one: one is not None, own), *listeners]
        self.n_recoveries, self.interrupted, self.undone = 0, False, False
        self._gradient = np.zeros_like(self.theta)
        self._memory = Memory(task.network)
        self._rate_factor = 1.0  # of recovery and of "adaptive"
        self._average = optimizers.Average(self.theta, task.network.table_shape)
        self.stopped, self._n_planned = False, settings.max_iter
        self._first = self._good = self._start = self._snapshot()
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

    def end(self):
        """Train no more; nothing happens where a training has ended by itself."""
        self._course.close()

    def _train(self):
        """The whole course of a training, which can be left behind each epoch and taken up again.

        Where it ends, `theta` has the weights to keep, and `converged` is False if more epochs
        would have helped.
        """
        try:
            if self._has_path():
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

    def _has_path(self):
        return self.watch is not None and self.watch.examples.offsets.any()

    def _watch_the_start(self):
        """The start, what the path knows, may be the best."""
        self._complete(self.theta)
        loss, _ = self.watch.measure(self.network, self.theta, self.helpers)
        self.watch.keep_best(self.theta, loss)
        self.patience.start_at(loss)

    # Minibatches

    def _run_epochs(self):
        self._good = self._start = self._snapshot()
        while len(self.curves) < self.settings.max_iter:
            loss = self._epoch()
            if not math.isfinite(loss):
                if not (len(self.curves) or self._tried or self._predicts()):
                    raise ValueError(advice.on_nothing_finite(self.theta.dtype))
                # Weights that no minibatch has tried yet may be the cause.
                self._start = self._start if self._tried else self._good
                self._restore(self._start)
                if not self._recover():
                    return True
                continue
            self._good, self._start = self._start, self._snapshot()
            self._report(loss)
            if self.stopped or (self._has_stalled() and not self._slow_down()):
                return True
            yield
        return self.settings.has_planned_end

    def reason_to_stop(self):
        """Why the training has ended, in words."""
        if self.interrupted:
            return "interrupted"
        if self.stopped:
            return "a listener ended it"
        if self.n_recoveries > _MAX_RECOVERIES:
            return "diverged too often"
        if len(self.curves) >= self.settings.max_iter:
            return "reached max_iter"
        if self._has_stalled() and (self.watch is not None or self.settings.solver != "lbfgs"):
            return f"no improvement for {self.patience.n_stalled} epochs"
        return "L-BFGS found no better weights"

    def run_once(self):
        """One epoch, as ``partial_fit`` wants it; an epoch that diverges is undone.

        A start that predicts nothing is refused, because ``predict`` would blame X.
        """
        self._course.close()  # or it would hold this training, and all its memory, in a cycle
        self._n_planned, good = 1, self._snapshot()
        loss = self._epoch()
        if math.isfinite(loss) and self._predicts():
            self._report(loss)
            return
        self._restore(good)
        if self.n_samples_seen == 0 and not self._predicts():
            raise ValueError(advice.on_nothing_finite(self.theta.dtype))
        self.undone = True
        self.warn(advice.UNDONE)

    def _epoch(self):
        """Loss of one epoch; nan where it, a gradient or a weight became non-finite."""
        weights, s = self.task.examples.row_weights, self.settings
        n_samples = len(weights)
        order = self.streams.shuffle.permutation(n_samples) if s.shuffle else np.arange(n_samples)
        total, self._tried = 0.0, False
        for first in range(0, n_samples, s.batch_size):
            rows = self._rows = order[first : first + s.batch_size]
            loss = self._loss_gradient(self.theta, rows, self._dropout_masks(len(rows)))
            parts = self._memory.parts
            norm = optimizers.gradient_norm(self._gradient, parts)
            if not math.isfinite(loss + norm):
                return math.nan
            self._tried = True
            shrink = optimizers.clipping_factor(norm, s.max_grad_norm)
            epochs = len(self.curves) + first / n_samples
            factor = self._rate_factor * schedules.factor(s, epochs, self.n_samples_seen)
            self._update(parts, s.learning_rate_init * factor, shrink)
            total += loss * self._memory.weight_sum
        if not np.isfinite(self.theta).all():
            return math.nan
        return total / float(weights.sum(dtype=np.float64))

    def _update(self, parts, rate, shrink):
        """Move the weights by the gradient, and the average after them where data are watched."""
        theta, rows = self.theta, self._memory.rows
        if self.watch is not None:
            self._average.catch_up(theta, rows)
        self.optimizer.update(theta, self._gradient, rate, shrink, parts)
        if self.watch is not None:
            self._average.add(theta, parts, rows)

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
        theta, verdict = self.theta, (None, None)
        if self.watch is not None:
            self._average.catch_up(theta)
            theta = self._average.theta if self._average.n_updates else theta
        self._complete(theta)
        if self.watch is not None:
            verdict = self.watch.measure(self.network, theta, self.helpers)
        number = len(self.curves) + 1
        rebuild = lambda: self.task.rebuild(theta.copy(), self.n_samples_seen)  # noqa: E731
        epoch = Epoch(self.task.name, number, self._n_planned, loss, *verdict, theta, rebuild)
        answers = [listener(epoch) for listener in self._listeners]
        self.stopped = any(answer is True for answer in answers)

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

    def _snapshot(self):
        return Snapshot(self.theta.copy(), self._average.copy(), self.optimizer.copy())

    def _restore(self, snapshot):
        self.theta[:] = snapshot.theta
        self._average, self.optimizer = snapshot.average.copy(), snapshot.optimizer.copy()

    def _predicts(self):
        """Whether the weights, of which the last update is untried, predict all that was learnt."""
        examples = self.task.examples
        raw = self.network.raw_predict(self.theta, examples.data, self.helpers)
        return self.task.is_finite(raw + examples.offsets)

    def _keep_the_best(self):
        """The weights that were best on the validation data, or the last that work."""
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
        last, first = self.theta.copy(), self._first.theta
        for weights in (last, self._start.theta, self._good.theta, first):
            self.theta[:] = weights
            is_good = not self.interrupted or weights is first or self._has_gradient()
            if is_good and self._predicts():
                if weights is not last and not self.interrupted:
                    self.warn(advice.on_stepping_back(self.settings.solver))
                return
        raise ValueError(advice.on_nothing_finite(self.theta.dtype))

    def _has_gradient(self):
        """Whether loss and gradient of a minibatch are finite."""
        rows = np.arange(min(self.settings.batch_size, len(self.task.examples.row_weights)))
        loss = self._loss_gradient(self.theta, rows)
        norm = optimizers.gradient_norm(self._gradient, self._memory.parts)
        return math.isfinite(loss + norm)

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
