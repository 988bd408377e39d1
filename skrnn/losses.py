"""Losses: one class each, which knows all that the package ever asks about a loss.

A loss works on *raw predictions* (n, n_outputs), which the network and the linear path add up to.
Column ``j * Q + q`` of them belongs to target j and, of a loss with Q levels, to level q. Values
and slopes follow equations 50 to 57 of ``docs/mathematics.md``. They are NumPy, not compiled,
because a minibatch has few predictions and compiling seven losses would take a second; all of it is
in double precision.

To add a loss, write its class here and enter it into :data:`REGRESSION`.
"""

import numpy as np
from scipy.special import expit, logit

from skrnn import choices
from skrnn.portions import portions
from skrnn.quantiles import robust_scale, weighted_quantile


class Loss:
    """What all losses have in common; a subclass states where it differs.

    Attributes
    ----------
    name : str
        The parameter `loss` of the regressor, or the name of a classifier's loss.
    link : str
        ``out_activation_``: what turns raw predictions into predictions.
    is_standardized : bool
        Whether the network learns targets in units of their spread. The targets of other losses
        have units with a meaning of their own.
    is_robust : bool
        Whether the loss is robust to outliers among the targets.
    is_likelihood : bool
        Whether the loss is a negative log-likelihood, its scale included.
    is_of_classes : bool
        Whether targets are classes, coded 0, 1, ...
    is_coupled : bool
        Whether one target has several outputs that only count together, as those of softmax do.
    is_aligned : bool
        Whether targets are transcripts without an alignment to the steps.
    levels : tuple
        What is predicted of each target: its mean (None), or its quantile of that level.
    quantiles : tuple of float
        The levels a user chose; empty for a loss that takes none.
    has_level_axis : bool
        Whether predictions have an axis of levels.
    """

    name: str | None = None
    link: str = "identity"
    is_standardized = True
    is_robust = False
    is_likelihood = False
    is_of_classes = False
    is_coupled = False
    is_aligned = False
    levels: tuple[float | None, ...] = (None,)
    quantiles: tuple[float, ...] = ()
    has_level_axis = False

    # Value and slope

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (n, K) and slopes (n, K) of raw predictions (n, K) for targets of that shape.

        A row's loss is the mean of its values.
        """
        raise NotImplementedError

    def _evaluate(self, raw, targets):
        """Loss of each row (n,), and the slopes of its raw predictions (n, K)."""
        with np.errstate(all="ignore"):  # whoever trains looks for what is not finite
            values, slopes = self.value_and_slope(raw.astype(np.float64), targets)
        if raw.shape[1] == 1:
            return values[:, 0], slopes
        slopes /= raw.shape[1]
        return np.add.reduce(values, axis=1) / values.shape[1], slopes

    def of_rows(self, raw: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Loss of each row (n,) of raw predictions (n, n_outputs), its weight left out."""
        return self._evaluate(raw, targets)[0]

    def gradient(self, raw: np.ndarray, targets: np.ndarray, shares: np.ndarray) -> float:
        """Sum of the rows' losses times their shares (n,); raw becomes the gradient of that."""
        values, slopes = self._evaluate(raw, targets)
        np.multiply(slopes, shares[:, np.newaxis], out=raw, casting="same_kind")
        return float(np.add.reduce(values * shares))

    # Targets

    def n_outputs(self, n_targets: int) -> int:
        """Columns of raw predictions for so many targets."""
        return n_targets * len(self.levels)

    def check_targets(self, values, weights, name, at):
        """Raise ValueError where targets (n, K) are outside the loss's range.

        weights (n,): of all samples there are, or None where these are not all. `at` gives words
        for an index of the targets.
        """

    def best_constant(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The raw prediction (n_outputs,) to begin with, the same for all rows.

        It is the one of least loss, but for the Huber loss, which takes the mean too.
        """
        return np.average(targets, axis=0, weights=weights)

    def inverse_link(self, raw: np.ndarray) -> np.ndarray:
        """Predictions of raw predictions."""
        return raw

    def link_slope(self, raw):
        """The slope of :meth:`inverse_link` at raw predictions."""
        return np.ones_like(raw)

    def can_be_learnt(self, targets):
        """Whether there is anything that a map of the input could learn from these targets."""
        return len(targets) > 1

    # What the linear path asks

    def derivatives(self, raw, y):
        """Value, slope and curvature of raw predictions (n,) for a target (n,).

        They are asked for where `is_likelihood`, but not where `is_coupled`.
        """
        raise NotImplementedError(f"the loss {self.name} is a likelihood without derivatives")

    def reference(self, targets, weights):
        """How one target (n,) is brought near to one: a constant, a shift, and the new target.

        The constant is the raw prediction of the new target where nothing is known of a sample. The
        shift is added to every raw prediction of it.
        """
        return self.best_constant(targets[:, np.newaxis], weights)[0], 0.0, targets

    def responses(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """What least squares regress on to predict raw predictions, (n, K)."""
        if not self.is_robust:
            return targets
        clipped = targets.copy()  # to four robust standard deviations around the median
        for column in clipped.T:
            median = weighted_quantile(column, weights, 0.5)
            width = 4.0 * robust_scale(column, weights)
            if width > 0.0:
                np.clip(column, median - width, median + width, out=column)
        return clipped


class SquaredError(Loss):
    """Half the squared error (equation 51)."""

    name = "squared_error"

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        error = raw - y
        return 0.5 * error * error, error


class AbsoluteError(Loss):
    """The absolute error (equation 52); the best constant is a median."""

    name = "absolute_error"
    is_robust = True
    levels = (0.5,)

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        error = raw - y
        return np.abs(error), np.sign(error)

    def best_constant(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _quantiles(targets, weights, self.levels)


class Huber(Loss):
    """A parabola that turns into a line at :attr:`DELTA` (equation 53)."""

    name = "huber"
    is_robust = True
    #: Where it turns, in units of the (standardised) target.
    DELTA = 1.35

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        error = raw - y
        slope = np.clip(error, -self.DELTA, self.DELTA)
        return slope * (error - 0.5 * slope), slope


class Quantile(Loss):
    """The pinball loss of one or several levels (equation 55).

    Parameters
    ----------
    quantile : float or sequence of float
        A sequence gives predictions an axis of levels, in ascending order.
    """

    name = "quantile"
    is_robust = True

    def __init__(self, quantile):
        self.levels = self.quantiles = tuple(float(q) for q in np.sort(np.atleast_1d(quantile)))
        self.has_level_axis = np.ndim(quantile) > 0

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        levels = np.array(self.levels)
        if len(levels) > 1:
            levels, y = np.tile(levels, y.shape[1]), np.repeat(y, len(levels), axis=1)
        error = raw - y
        slope = np.where(error < 0.0, -levels, np.where(error > 0.0, 1.0 - levels, 0.0 * error))
        return slope * error, slope

    def best_constant(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _quantiles(targets, weights, self.levels)


def _quantiles(targets, weights, levels):
    return [weighted_quantile(y, weights, level) for y in targets.T for level in levels]


class ExponentialFamily(Loss):
    """A negative log-likelihood ``A(raw) - y * raw``, A the cumulant of an exponential family."""

    is_standardized = False
    is_likelihood = True

    def cumulant(self, raw):
        """A of raw predictions, its first derivative (the mean) and its second (the variance)."""
        raise NotImplementedError

    def derivatives(self, raw, y):
        value, mean, variance = self.cumulant(raw)
        return value - y * raw, mean - y, variance


class Poisson(ExponentialFamily):
    """Negative log-likelihood of counts, whose mean has a logarithmic link (equation 54)."""

    name = "poisson"
    link = "exp"

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = np.exp(raw)
        return mean - y * raw, mean - y

    def check_targets(self, values, weights, name, at):
        if values.min() < 0:
            position = tuple(np.argwhere(values < 0)[0].tolist())
            raise ValueError(
                f"loss='poisson' requires non-negative {name}: {at(*position)} is "
                f"{values[position]}."
            )
        if weights is None:
            return
        counted = values[weights > 0].any(axis=0)
        if not counted.all():
            raise ValueError(
                f"loss='poisson' requires a positive sum of {name}: all samples of output "
                f"{np.argmin(counted)} are 0."
            )

    def best_constant(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        # Where all samples are 0 they count as half a one, because log(0) is no start.
        mean = np.average(targets, axis=0, weights=weights)
        nothing = 0.5 / weights.sum()
        return np.log(np.where(mean > 0.0, np.maximum(mean, np.finfo(float).tiny), nothing))

    def inverse_link(self, raw: np.ndarray) -> np.ndarray:
        return np.exp(raw)

    def link_slope(self, raw):
        return np.exp(raw)

    def responses(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.log(targets / np.average(targets, axis=0, weights=weights) + 0.5)

    def cumulant(self, raw):
        mean = np.exp(raw)
        return mean, mean, mean

    def reference(self, targets, weights):
        total = weights.sum()
        counts = np.maximum(weights @ targets, np.finfo(float).tiny * total)
        return 0.0, np.log(counts / total), targets * (total / counts)


class Logistic(ExponentialFamily):
    """Negative log-likelihood of two classes, or of labels, by log-odds (equation 56)."""

    name = link = "logistic"
    is_of_classes = True

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log(1 + exp(raw)) - y * raw, without overflow for either sign."""
        e = np.exp(-np.abs(raw))
        probability = np.where(raw >= 0.0, 1.0, e) / (1.0 + e)
        return np.maximum(raw, 0.0) + np.log1p(e) - y * raw, probability - y

    def best_constant(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return logit(_inside(np.average(targets, axis=0, weights=weights), weights))

    def can_be_learnt(self, targets):
        return targets.shape[1] > 1 or len(np.unique(targets)) == 2

    def cumulant(self, raw):
        mean = expit(raw)
        return np.logaddexp(0.0, raw), mean, mean * (1.0 - mean)

    def reference(self, targets, weights):
        # Half a sample more of each class, so that no log-odds are infinite.
        total, successes = weights.sum(), weights @ targets
        return np.log((successes + 0.5) / (total - successes + 0.5)), 0.0, targets


class Softmax(Loss):
    """Cross-entropy of the true class (equation 57).

    Parameters
    ----------
    n_classes : int
    smoothing : float, default=0.0
        Share of the probability of the true class that all classes share out in training (equation
        148).
    """

    name = link = "softmax"
    is_standardized = False
    is_likelihood = True
    is_of_classes = True
    is_coupled = True

    def __init__(self, n_classes, smoothing=0.0):
        self.n_classes, self._smoothing = n_classes, smoothing

    def of_rows(self, raw, targets):
        some = portions(*raw.shape)
        return np.concatenate([self._evaluate(raw[rows], targets[rows])[0] for rows in some])

    def gradient(self, raw, targets, shares):
        if not self._smoothing:
            return super().gradient(raw, targets, shares)
        smooth = self._smoothing / raw.shape[1]
        values, slopes = self._evaluate(raw, targets)
        # The mean over all classes of their cross-entropies less that of the true one.
        true = raw[np.arange(len(raw)), targets[:, 0].astype(np.intp)].astype(np.float64)
        values += self._smoothing * true - smooth * raw.sum(axis=1, dtype=np.float64)
        slopes -= smooth
        slopes[np.arange(len(raw)), targets[:, 0].astype(np.intp)] += self._smoothing
        np.multiply(slopes, shares[:, np.newaxis], out=raw, casting="same_kind")
        return float(np.add.reduce(values * shares))

    def value_and_slope(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One value a row, y (n, 1); the slopes have the factor K that the mean divides by."""
        rows, labels = np.arange(len(raw)), y[:, 0].astype(np.intp)
        slope = raw - raw.max(axis=1, keepdims=True)  # all in one array, because it may be large
        own = slope[rows, labels, np.newaxis]
        np.exp(slope, out=slope)
        total = slope.sum(axis=1, keepdims=True)
        slope /= total
        slope[rows, labels] -= 1.0
        slope *= raw.shape[1]
        return np.log(total) - own, slope

    def n_outputs(self, n_targets: int) -> int:
        return self.n_classes

    def best_constant(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        counts = np.bincount(targets[:, 0].astype(int), weights, minlength=self.n_classes)
        return np.log(_inside(counts / counts.sum(), weights))

    def can_be_learnt(self, targets):
        return len(np.unique(targets)) == self.n_classes

    def responses(self, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.eye(self.n_classes)[targets[:, 0].astype(int)]


class CTC(Loss):
    """Minus the logarithm of the probability of a transcript, for each label (equation 137).

    The last class is the blank. Targets are a :class:`skrnn.network.examples.Alignment`.

    Parameters
    ----------
    n_classes : int
        The blank counted.
    """

    name = link = "ctc"
    is_standardized = False
    is_likelihood = True
    is_of_classes = True
    is_coupled = True
    is_aligned = True

    def __init__(self, n_classes):
        self.n_classes = n_classes

    def n_outputs(self, n_targets):
        return self.n_classes

    def best_constant(self, targets, weights):
        return np.zeros(self.n_classes)

    def of_rows(self, raw, targets):
        return self._values(raw, targets, np.empty(0))

    def gradient(self, raw, targets, shares):
        values = self._values(raw, targets, shares / targets.n_counted)
        return float(np.add.reduce(values * shares))

    def _values(self, raw, targets, factors):
        """Loss of each row; raw becomes its slope times a factor of its row, if there are any."""
        spans, of_labels = targets.spans, targets.label_spans
        n_steps = int(np.diff(spans).max())
        n_states = 2 * int(np.diff(of_labels).max()) + 1
        scratch = (
            np.empty((2, n_steps, self.n_classes)), np.empty((n_steps, self.n_classes)),
            np.empty(n_steps), np.empty((n_steps, 2, n_states + 2)),
            np.empty((n_steps + 1, 2, n_states + 2)), np.empty((2, 2, n_states + 2)),
            np.empty(n_states, np.int64), np.empty(n_states), np.empty(n_states + 2),
        )  # fmt: skip
        values = np.empty(len(spans))
        kernel = choices.load("skrnn.kernels.ctc:value_and_slope")
        kernel(
            raw, targets.lines, spans, targets.labels, of_labels, np.asarray(factors, float),
            scratch, values,
        )  # fmt: skip
        return values / targets.n_counted


def _inside(share, weights):
    """Shares kept half a sample away from 0 and 1, where their logarithms end."""
    edge = max(0.5 / (weights.sum() + 1.0), np.finfo(float).eps)
    return np.clip(share, edge, 1.0 - edge)


#: What the regressor's parameter `loss` may be.
REGRESSION = {loss.name: loss for loss in (SquaredError, AbsoluteError, Huber, Poisson, Quantile)}


def of_regression(name, quantile):
    """The loss of that name; `quantile` counts where it takes levels."""
    loss = REGRESSION[name]
    return loss(quantile) if loss is Quantile else loss()
