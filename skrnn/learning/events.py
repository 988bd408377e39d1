"""What training tells of each epoch, and who listens.

A *listener* is called with an :class:`Epoch`, and may end the training by returning True. The
curves, the validation data, the patience that ends a training, and lines of text are listeners; so
are those that an estimator hands to ``fitting.fit`` with the other circumstances of a fit.

A listener may have two more methods. ``begin_epoch(rebuild)`` is called before each epoch, and once
more where one is undone and begins anew; ``end(rebuild)`` is called when the training is over, and
ends the fit by returning True. Without arguments, rebuild makes the Model of the moment.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrnn.learning.clock import in_short
from skrnn.network.examples import Examples


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
    least : callable, optional
        Takes the loss at the last improvement, and says which decrease since then is too small for
        another one.

    Attributes
    ----------
    n_stalled : int
        Epochs since the last improvement.
    """

    def __init__(self, tol, n_epochs, least=None):
        self._tol, self._n_epochs, self._least = tol, n_epochs, least
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
        least = 0.0 if self._least is None else self._least(self._improved)
        return loss < min(self._best - self._tol * abs(self._best), self._improved - least)

    @property
    def has_stalled(self):
        return self.n_stalled > self._n_epochs

    def start_anew(self):
        """Forget the epochs without improvement."""
        self.n_stalled = 0


class Lines:
    """Listener that gives a line of text for each epoch, of at most 80 characters.

    Parameters
    ----------
    report : callable
        Takes the line.
    clock : Clock
        Of all trainings of the fit.
    n_planned : int
        Epochs of this training.
    label : str, default=""
        Which candidate is trained.
    factor : float, default=1.0
        Of the losses, so that those of several candidates are in one unit.
    """

    def __init__(self, report, clock, n_planned, label="", factor=1.0):
        self._report, self._label, self._factor = report, label, factor
        self._clock, self._pace = clock, clock.begin(n_planned)

    def begin_epoch(self, rebuild):
        self._pace.begin_epoch()

    def __call__(self, epoch):
        self._pace.end_epoch()
        of_all = str(epoch.n_planned)
        place = f"Epoch {epoch.number:>{len(of_all)}}/{of_all}"
        columns = [f"{place} {self._label}" if self._label else place]
        columns.append(f"loss {_short(self._factor * epoch.loss)}")
        if epoch.validation_loss is not None:
            columns.append(f"val {_short(self._factor * epoch.validation_loss)}")
            columns.append(f"score {epoch.validation_score:7.4f}")
        columns.append(f"{in_short(self._clock.seconds_left())} left")
        self._report("  ".join(columns))

    def end(self, rebuild):
        self._pace.end()


def _short(number):
    """A number in eight characters, so that lines are columns."""
    if number == 0.0 or 1e-4 <= abs(number) < 1e5:
        return f"{number:.6f}"[:8]
    return f"{number:8.1e}"


class Verdict(NamedTuple):
    """What predictions are worth on the validation data."""

    loss: float
    score: float

    def in_words(self):
        """Part of a line of text."""
        return f"validation loss = {self.loss:.8f}, validation score = {self.score:.6f}"


def loss_alone(loss, score):
    """The criterion that is the loss."""
    return loss


class Watch:
    """Validation data: what weights are worth on them, and which were best.

    Parameters
    ----------
    examples : Examples
        In the network's units.
    loss : skrnn.losses.Loss
    score : callable
        Of raw predictions; greater is better.
    criterion : callable
        Of loss and score: what weights are chosen by, the smallest first.

    Attributes
    ----------
    best : ndarray or None
        A copy of the weights that were best.
    best_loss : float
        Their loss.
    unchosen : ndarray or None
        What is predicted by weights that other samples have chosen.
    """

    def __init__(self, examples: Examples, loss, score, criterion=loss_alone):
        self.examples, self._loss, self._score = examples, loss, score
        self._criterion, self._least = criterion, math.inf
        self.best, self.best_loss = None, math.inf
        self.unchosen, self._best_of_halves = None, [math.inf, math.inf]
        # Where there is something to choose, which is beside a path.
        self._halves = None if examples.offsets is None else examples.halves()

    def measure(self, network, theta, helpers, memory=None):
        """Verdict on some weights; arguments as of :meth:`Network.raw_of`."""
        examples, weights = self.examples, self.examples.weights
        recurrent = network.raw_of(theta, examples, helpers, memory)
        raw = examples.with_offsets(recurrent)
        losses = weights * self._loss.of_rows(raw, examples.targets)
        if self._halves is not None:
            self._keep_unchosen(recurrent, losses)
        return Verdict(float(losses.sum() / weights.sum()), self._score(raw))

    def worth(self, evidence, loss):
        """The decrease of a mean loss that is so much evidence (equation 85)."""
        n_samples = float(self.examples.weights.sum(dtype=np.float64))
        if self._loss.is_likelihood:
            return evidence / n_samples
        return -loss * math.expm1(-2.0 * evidence / n_samples)

    def keep_best(self, theta, loss, score=None):
        """Keep a copy of weights that are better than all before, or the first ones."""
        criterion = self._criterion(loss, score)
        if self.best is None:
            self.best = theta.copy()
        elif criterion < self._least:
            self.best[:] = theta
        else:
            return
        self.best_loss, self._least = loss, criterion

    def __call__(self, epoch):
        self.keep_best(epoch.theta, epoch.validation_loss, epoch.validation_score)

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
