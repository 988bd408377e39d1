"""What training tells of each epoch, and who listens.

A *listener* is called with an :class:`Epoch`, and may stop the fit by returning True. The curves,
the validation data, the patience that ends a training, and lines of text are listeners; so are
those that an estimator hands to ``fitting.fit`` with the other circumstances of a fit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrnn.network.network import Examples


@dataclass(frozen=True, eq=False)
class Epoch:
    """An epoch of "adam" or "sgd", or an iteration of "lbfgs", that has just ended.

    Attributes
    ----------
    candidate : str
        Which of the recurrent parts of a fit is trained, as "beside the linear path".
    number : int
        1, 2, ... in this training.
    n_planned : int
        Epochs at most.
    loss : float
        Training loss, the penalty included.
    validation_loss, validation_score : float or None
        On the validation data; None where none are watched.
    theta : ndarray of shape (n_parameters,)
        The weights of the moment (where validation data are watched, their average). The memory is
        used again: copy them to keep them.
    rebuild : callable
        Without arguments: a Model with a copy of these weights.
    """

    candidate: str
    number: int
    n_planned: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    theta: np.ndarray
    rebuild: Callable

    @property
    def watched_loss(self):
        """The loss that decides: on the validation data, if there are any."""
        return self.loss if self.validation_loss is None else self.validation_loss


class Curves:
    """Listener that records each epoch."""

    def __init__(self):
        self.loss, self.validation_loss, self.validation_scores = [], [], []

    def __call__(self, epoch):
        self.loss.append(epoch.loss)
        if epoch.validation_loss is not None:
            self.validation_loss.append(epoch.validation_loss)
            self.validation_scores.append(epoch.validation_score)

    def __len__(self):
        return len(self.loss)

    def overfits(self):
        """Whether the validation loss ended much above its best while the training loss fell."""
        if len(self.validation_loss) < 2:
            return False
        best = int(np.argmin(self.validation_loss))
        rise = self.validation_loss[-1] - self.validation_loss[best]
        return rise > 0.5 * abs(self.validation_loss[best]) and self.loss[-1] < self.loss[best]


class Patience:
    """Listener that counts the epochs since the loss last improved.

    Parameters
    ----------
    tol : float
        A relative decrease above this is an improvement.
    n_epochs : float
        Epochs without one after which the loss has stalled.

    Attributes
    ----------
    n_stalled : int
        Epochs since the last improvement.
    least : callable or None
        Of the loss at the last improvement: the decrease since then that is too small for another.
    """

    def __init__(self, tol, n_epochs):
        self._tol, self._n_epochs, self.least = tol, n_epochs, None
        self.start_at(math.inf)

    def start_at(self, loss):
        """Count only what is better than this loss as an improvement."""
        self._best = self._improved = loss
        self.n_stalled = 0

    def __call__(self, epoch):
        loss = epoch.watched_loss
        if self._is_improvement(loss):
            self._improved, self.n_stalled = loss, 0
        else:
            self.n_stalled += 1
        self._best = min(self._best, loss)

    def _is_improvement(self, loss):
        if math.isinf(self._best):
            return loss < self._best
        least = 0.0 if self.least is None else self.least(self._improved)
        return loss < min(self._best - self._tol * abs(self._best), self._improved - least)

    @property
    def has_stalled(self):
        return self.n_stalled > self._n_epochs

    def start_anew(self):
        """Forget the epochs without improvement."""
        self.n_stalled = 0


class Lines:
    """Listener that gives a line of text for each epoch.

    Parameters
    ----------
    report : callable
        Takes the line.
    names_candidate : bool, default=False
        Whether a line says which candidate is trained.
    factor : float, default=1.0
        Of the losses, so that those of several candidates are in one unit.
    """

    def __init__(self, report, names_candidate=False, factor=1.0):
        self._report, self._names_candidate, self._factor = report, names_candidate, factor

    def __call__(self, epoch):
        line = f"Epoch {epoch.number} of {epoch.n_planned}"
        if self._names_candidate:
            line += f" {epoch.candidate}"
        line += f", loss = {self._factor * epoch.loss:.8f}"
        if epoch.validation_loss is not None:
            verdict = Verdict(self._factor * epoch.validation_loss, epoch.validation_score)
            line += f", {verdict.in_words()}"
        self._report(line)


class Verdict(NamedTuple):
    """What predictions are worth on the validation data."""

    loss: float
    score: float

    def in_words(self):
        """Part of a line of text."""
        return f"validation loss = {self.loss:.8f}, validation score = {self.score:.6f}"


class Watch:
    """Validation data: what weights are worth on them, and which were best.

    Parameters
    ----------
    examples : Examples
        In the network's units.
    loss : skrnn.losses.Loss
    score : callable
        Of raw predictions; greater is better.
    """

    def __init__(self, examples: Examples, loss, score):
        self.examples, self._loss, self._score = examples, loss, score
        self.best, self.best_loss = None, math.inf
        self.unchosen, self._best_of_halves = None, [math.inf, math.inf]
        self._halves = examples.halves()

    def measure(self, network, theta, helpers):
        """Verdict on some weights."""
        data, targets, weights, offsets = self.examples[:4]
        recurrent = network.raw_predict(theta, data, helpers)
        raw = recurrent + offsets
        losses = weights * self._loss.of_rows(raw, targets)
        self._keep_unchosen(recurrent, losses)
        return Verdict(float(losses.sum() / weights.sum()), self._score(raw))

    def worth(self, evidence, loss):
        """The decrease of a mean loss that is so much evidence (equation 85)."""
        n_samples = float(self.examples.weights.sum(dtype=np.float64))
        if self._loss.is_likelihood:
            return evidence / n_samples
        return -loss * math.expm1(-2.0 * evidence / n_samples)

    def keep_best(self, theta, loss):
        """Keep a copy of weights that are better than all before, or the first ones."""
        if loss < self.best_loss or self.best is None:
            self.best, self.best_loss = theta.copy(), loss

    def __call__(self, epoch):
        self.keep_best(epoch.theta, epoch.validation_loss)

    def _keep_unchosen(self, recurrent, losses):
        """For each half of the validation data what the weights best on the other half predict.

        Predictions of the weights that were chosen by the very same samples are too good.
        """
        if self.unchosen is None:
            self.unchosen = np.zeros_like(recurrent)
        for half, other in ((0, 1), (1, 0)):
            loss, others = losses[self._halves[half]].sum(dtype=np.float64), self._halves[other]
            if loss < self._best_of_halves[half]:
                self._best_of_halves[half] = loss
                self.unchosen[others] = recurrent[others]
