"""Training: epochs over minibatches or L-BFGS; what to watch, when to stop, how to recover.

Knows arrays and :class:`skrnn.network.Network`, not scikit-learn.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from skrnn import optimizers
from skrnn.network import Memory, Network, SequenceData
from skrnn.optimizers import SGD, Adam

#: After so many returns to the last good epoch training stops.
_MAX_RECOVERIES = 5
#: Updates over which weights are averaged that are watched on validation data.
_MEMORY = 100.0
#: "adaptive" divides the learning rate by this when the loss stalls, down to the smallest one.
_ADAPTIVE_DIVISOR, _SMALLEST_RATE = 5.0, 1e-6


class Examples(NamedTuple):
    """What to learn, in the network's dtype and units.

    targets (n, K), weights (n,), and offsets (n, n_outputs), which the linear path adds to the raw
    predictions.
    """

    data: SequenceData
    targets: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray


class Validation(NamedTuple):
    """Examples to watch, and the score of raw predictions on them (greater is better)."""

    examples: Examples
    score: Callable


class Settings(NamedTuple):
    """How to train; names and meanings are the estimators'."""

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


class Streams(NamedTuple):
    """Independent random streams: the data's order and dropout never share numbers."""

    shuffle: np.random.RandomState
    dropout: np.random.RandomState


class Curves:
    """What is recorded of each epoch, and the best of it."""

    def __init__(self):
        self.loss, self.validation_loss, self.validation_scores = [], [], []
        self.best_loss = self.best_validation_loss = math.inf

    def __len__(self):
        return len(self.loss)

    def overfits(self):
        """Whether the validation loss ended much above its best while the training loss fell."""
        if len(self.validation_loss) < 2:
            return False
        best = int(np.argmin(self.validation_loss))
        rise = self.validation_loss[-1] - self.validation_loss[best]
        return rise > 0.5 * abs(self.validation_loss[best]) and self.loss[-1] < self.loss[best]


class Training:
    """One training run. Whatever happens, `theta` holds the weights to keep.

    Parameters
    ----------
    network : Network
    theta : ndarray of shape (n_parameters,)
        Changed in place.
    examples : Examples
    settings : Settings
    streams : Streams
    validation : Validation, optional
        Its best weights are restored at the end.
    optimizer : Adam or SGD, optional
        To go on with; a new one otherwise.
    helpers : threads.Helpers, optional
    warn : callable
        Called with the text of a warning.
    report : callable, optional
        Called with a line of text per epoch.
    """

    def __init__(
        self,
        network: Network,
        theta,
        examples,
        settings,
        streams,
        validation=None,
        optimizer=None,
        helpers=None,
        warn=print,
        report=None,
        n_samples_seen=0,
    ):
        self.network, self.theta, self.examples, self.settings = network, theta, examples, settings
        self.streams, self.validation, self.helpers = streams, validation, helpers
        self.warn, self.report = warn, report or (lambda line: None)
        self.optimizer = optimizer or new_optimizer(network, settings)
        self.n_samples_seen = n_samples_seen
        self.curves = Curves()
        self.n_recoveries = 0
        self._gradient = np.empty_like(theta)
        self._memory = Memory(network)
        self._rate_factor = 1.0  # of recovery and of "adaptive"
        self._stalled = 0
        self._best = None
        self._average, self._n_averaged = theta.copy(), 0
        self.interrupted = False
        self.unchosen, self._best_of_halves = None, [math.inf, math.inf]

    def run(self):
        """Train to the end; whether there was nothing more to gain, or to try."""
        solve = self._minimize if self.settings.solver == "lbfgs" else self._run_epochs
        if self._has_path():  # the start, what the path knows, may be the best
            self._best, self.curves.best_validation_loss = (
                self.theta.copy(),
                self._validate(self.theta)[0],
            )
        try:
            converged = solve()
        except KeyboardInterrupt:
            converged = self.interrupted = True
            self.warn("Training interrupted by user; the weights learnt so far are kept.")
        if self._best is not None:
            self.theta[:] = self._best
        return converged

    def _has_path(self):
        return self.validation is not None and self.validation.examples.offsets.any()

    # Minibatches

    def _run_epochs(self):
        good = start = self._snapshot()
        while len(self.curves) < self.settings.max_iter:
            loss = self._epoch()
            if not math.isfinite(loss):
                # Weights that no minibatch has tried yet may be to blame themselves.
                start = start if self._tried else good
                self._restore(start)
                if not self._recover():
                    return True
                continue
            good, start = start, self._snapshot()
            self._record(loss)
            if self._has_stalled() and not self._slow_down():
                return True
        return self.settings.learning_rate in ("cosine", "one_cycle")

    def run_once(self):
        """One epoch, as ``partial_fit`` wants it; an epoch that diverges is undone."""
        good = self._snapshot()
        loss = self._epoch()
        if math.isfinite(loss):
            self._record(loss)
            return
        self._restore(good)
        self.warn(
            "The loss became non-finite in this call of partial_fit, which has been undone. Lower "
            "learning_rate_init, and look for extreme values in X and y."
        )

    def _epoch(self):
        """Loss of one epoch; nan where it, a gradient or a weight became non-finite."""
        n_samples, s = len(self.examples.weights), self.settings
        order = self.streams.shuffle.permutation(n_samples) if s.shuffle else np.arange(n_samples)
        total, self._tried = 0.0, False
        for first in range(0, n_samples, s.batch_size):
            rows = order[first : first + s.batch_size]
            loss = self._loss_gradient(self.theta, rows, self._dropout_masks(len(rows)))
            norm = optimizers.gradient_norm(self._gradient)
            if not math.isfinite(loss + norm):
                return math.nan
            self._tried = True
            shrink = optimizers.clipping_factor(norm, s.max_grad_norm)
            progress = len(self.curves) + first / n_samples
            self.optimizer.update(self.theta, self._gradient, self._rate(progress), shrink)
            self._add_to_average()
            total += loss * float(self.examples.weights[rows].sum(dtype=np.float64))
        if not np.isfinite(self.theta).all():
            return math.nan
        return total / float(self.examples.weights.sum(dtype=np.float64))

    def _add_to_average(self):
        """Weights averaged over the last updates are better than the last ones (equation 83)."""
        if self.validation is None:
            return
        self._n_averaged += 1
        share = max(1.0 / _MEMORY, 10.0 / (self._n_averaged + 9.0))
        self._average += self.theta.dtype.type(share) * (self.theta - self._average)

    def _loss_gradient(self, theta, rows, masks=None):
        data, targets, weights, offsets = self.examples
        return self.network.loss_gradient(
            theta, data, targets, weights, rows, self._gradient, offsets=offsets, masks=masks,
            alpha=self.settings.alpha, helpers=self.helpers, memory=self._memory,
        )  # fmt: skip

    def _rate(self, epochs):
        """Learning rate after so many epochs, a fraction of one included."""
        s, progress = self.settings, epochs / self.settings.max_iter
        base = s.learning_rate_init * self._rate_factor
        if s.learning_rate == "cosine":
            return base * optimizers.cosine(progress)
        if s.learning_rate == "one_cycle":
            return base * optimizers.one_cycle(progress)
        if s.learning_rate == "invscaling":
            return base * optimizers.inverse_scaling(self.n_samples_seen, s.power_t)
        return base

    def _dropout_masks(self, n_rows):
        rate = self.settings.dropout
        if not rate:
            return None
        kept = self.streams.dropout.random_sample((n_rows, self.network.n_masked)) >= rate
        return kept.astype(self.theta.dtype) / self.theta.dtype.type(1.0 - rate)

    # What was seen, and what follows from it

    def _record(self, loss):
        self.n_samples_seen += len(self.examples.weights)
        curves, watched = self.curves, loss
        curves.loss.append(loss)
        line = f"Iteration {len(curves)}, loss = {loss:.8f}"
        if self.validation is not None:
            weights = self._average if self._n_averaged else self.theta
            watched, score = self._validate(weights)
            curves.validation_loss.append(watched)
            curves.validation_scores.append(score)
            line += f", validation loss = {watched:.8f}, validation score = {score:.6f}"
        self.report(line)
        best = curves.best_loss if self.validation is None else curves.best_validation_loss
        worth = best if math.isinf(best) else best - self.settings.tol * abs(best)
        self._stalled = 0 if watched < worth else self._stalled + 1
        if self.validation is not None and (watched < best or self._best is None):
            self._best, curves.best_validation_loss = weights.copy(), watched
        curves.best_loss = min(curves.best_loss, loss)

    def _validate(self, theta):
        """Loss and score of some weights on the validation data."""
        data, targets, weights, offsets = self.validation.examples
        recurrent = self.network.raw_predict(theta, data, self.helpers)
        losses = self.network.losses(recurrent + offsets, targets)
        self._keep_unchosen(recurrent, weights * losses)
        loss = float(np.average(losses, weights=weights))
        return loss, self.validation.score(recurrent + offsets)

    def _keep_unchosen(self, recurrent, losses):
        """For each half of the validation data what the weights best on the other half predict.

        Predictions of the weights that were chosen by the very same samples are too good.
        """
        if self.unchosen is None:
            self.unchosen = np.zeros_like(recurrent)
        for half, other in ((0, 1), (1, 0)):
            loss = losses[half::2].sum(dtype=np.float64)
            if loss < self._best_of_halves[half]:
                self._best_of_halves[half] = loss
                self.unchosen[other::2] = recurrent[other::2]

    def _has_stalled(self):
        watching = self.validation is None or self.settings.early_stopping
        return watching and self._stalled > self.settings.n_iter_no_change

    def _slow_down(self):
        """Lower an adaptive learning rate; False where there is nothing left to lower."""
        rate = self.settings.learning_rate_init * self._rate_factor
        if self.settings.learning_rate != "adaptive" or rate <= _SMALLEST_RATE:
            return False
        self._rate_factor /= _ADAPTIVE_DIVISOR
        self._stalled = 0
        return True

    # Divergence

    def _snapshot(self):
        return self.theta.copy(), self._average.copy(), self.optimizer.copy()

    def _restore(self, snapshot):
        self.theta[:], self._average[:] = snapshot[:2]
        self.optimizer = snapshot[2].copy()

    def _recover(self):
        """After a return to the last good epoch: halve the learning rate; False after too many."""
        self.n_recoveries += 1
        if self.n_recoveries > _MAX_RECOVERIES:
            self.warn(
                f"Training diverged {self.n_recoveries} times although the learning rate was "
                "halved each time; it stops with the weights of the last good epoch. Lower "
                "learning_rate_init or max_grad_norm, keep standardize=True, and look for extreme "
                "values in X and y."
            )
            return False
        self._rate_factor /= 2.0
        if self.n_recoveries == 1:
            rate = self.settings.learning_rate_init * self._rate_factor
            self.warn(
                "The loss became non-finite: training went back to the last good epoch and goes "
                f"on with the learning rate halved to {rate:.3g}. Lower learning_rate_init or "
                "max_grad_norm, or keep standardize=True, to avoid this."
            )
        return True

    # L-BFGS

    def _minimize(self):
        n_evaluations = 15 * self.settings.max_iter
        rows = np.arange(len(self.examples.weights))

        def objective(vector):
            theta = vector.astype(self.theta.dtype)
            loss = self._loss_gradient(theta, rows)
            return loss, self._gradient.astype(np.float64)

        def after_iteration(intermediate_result):
            if not np.isfinite(intermediate_result.fun):
                raise StopIteration
            self.theta[:] = intermediate_result.x
            self._record(float(intermediate_result.fun))
            if self.validation is not None and self._has_stalled():
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
        if not len(self.curves):
            self._record(float(result.fun))
        return result.nit < self.settings.max_iter and result.nfev < n_evaluations


def new_optimizer(network, settings):
    """A fresh optimiser of the kind the settings ask for."""
    if settings.solver == "sgd":
        return SGD(
            network.n_parameters, network.dtype, settings.momentum, settings.nesterovs_momentum
        )
    return Adam(
        network.n_parameters, network.dtype, settings.beta_1, settings.beta_2, settings.epsilon
    )
