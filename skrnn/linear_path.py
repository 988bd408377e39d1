"""The direct linear path: what a linear map of the input predicts, the recurrent part builds on.

Plain recurrent nets lose to ridge or logistic regression on tables and lag windows. With
``raw = linear map of the flat standardised input + recurrent part`` the recurrence learns only what
the linear map cannot, as LSTNet's autoregressive highway (Lai et al., 2018) and residual nets do.

The map is a ridge regression, for classes a logistic regression (:mod:`skrnn.logistic`), its
strength earned out of sample (equations 75 to 82). Of the ridge regression:

* the penalty of each output is the one with the smallest leave-one-out error, which one
  eigendecomposition gives exactly for all penalties (Golub, Heath and Wahba, 1979);
* the leave-one-out predictions are put on the scale of raw predictions by a slope and an intercept
  that minimise the network's own loss (stacking, Wolpert, 1992; for classes Platt, 1999), the slope
  near zero where the map predicts nothing;
* while training, a sample's linear part is its leave-one-out prediction. The recurrent part sees
  the error the map makes on new data, never rows learnt by heart.

The map then stays as it is. Trained along with the rest it would fit its own training rows better
than new ones, and leave the recurrent part too little to learn.
"""

import threading
from functools import lru_cache, partial

import numpy as np
from scipy.linalg import eigh, svd
from scipy.optimize import minimize
from scipy.special import expit, log_softmax
from threadpoolctl import ThreadpoolController

from skrnn.kernels import output
from skrnn.logistic import Logistic
from skrnn.scaling import mean_and_scale, sequence_scaling, weighted_quantile

#: Penalties tried, as shares of the samples' total weight.
PENALTIES = np.logspace(-6, 4, 31)
#: Inputs of the map at most: of longer sequences it sees the last steps that have so many.
MAX_INPUTS = 512
#: Losses that are not to follow outliers; then the map must not either.
ROBUST = ("absolute_error", "huber", "quantile")
# Two threads that limit BLAS at once would restore each other's limit, and leave it for good.
_ONE_AT_A_TIME = threading.Lock()
# Rows flattened at a time, so that the design matrix of large data never exists whole.
_CHUNK = 1024
# Losses of classes, which logistic regression fits better than ridge regression on indicators, and
# the work up to which it is a small part of a fit.
_CLASSES = ("logistic", "softmax")
_MOST_WORK = 4e9
# Up to so many samples the ridge regression takes the more precise decomposition.
_SMALL = 1000
# Newton's first steps for a Poisson mean may be long.
_LARGEST_LOG = 50.0
# Beyond this total the weights of samples are scaled down: their squares have to be finite.
_MOST_WEIGHT = 1e12
#: Prior precision of a slope, whose scores have variance one: more than a few samples must earn it.
_PRIOR = 10.0


def n_steps_of(sequences, linear_path):
    """How many of the last steps the map sees: all up to MAX_INPUTS inputs, or as many as asked."""
    longest = int(sequences.lengths.max())
    if linear_path != "auto":
        return min(int(linear_path), longest)
    return min(longest, max(1, MAX_INPUTS // sequences.n_features))


def flatten(sequences, rows, center, scale, n_steps):
    """Standardised last steps of some rows, (n_rows, n_steps * F), older steps of short ones zero.

    Parameters
    ----------
    sequences : Sequences
    rows : slice
    center, scale : ndarray of shape (1, F) or (T, F)
    n_steps : int

    Returns
    -------
    ndarray of float64
    """
    some = sequences.take(rows)
    lengths = some.lengths
    if len(center) > 1:
        center, scale = center[-n_steps:], scale[-n_steps:]
    if (lengths == n_steps).all():  # nothing to cut or to fill
        flat = some.steps().reshape(len(lengths), n_steps, -1)
        return ((flat.astype(np.float64) - center) / scale).reshape(len(lengths), -1)
    steps = np.arange(n_steps) - n_steps  # counted from the end, -1 the last
    places = np.maximum((some.starts + lengths)[:, np.newaxis] + steps, 0)
    flat = (sequences.values[places].astype(np.float64) - center) / scale
    flat[lengths[:, np.newaxis] < -steps] = 0.0
    return flat.reshape(len(lengths), -1)


def _chunks(path, sequences):
    """The inputs of the map, some rows at a time: slices of rows with their flat steps."""
    for first in range(0, len(sequences), _CHUNK):
        rows = slice(first, min(first + _CHUNK, len(sequences)))
        yield rows, flatten(sequences, rows, path["center"], path["scale"], path["n_steps"])


class _Ridge:
    """Ridge regression and its leave-one-out predictions for every penalty, by one decomposition.

    A sample of weight w stands for w samples, of which one is left out; a weight below one is left
    out whole.
    """

    def __init__(self, chunks, targets, weights):
        self.chunks, self.targets, self.weights = chunks, targets, weights
        self.total = weights.sum()
        self.target_mean = weights @ targets / self.total
        self.mean = self._sum(lambda rows, x: weights[rows] @ x) / self.total
        values, vectors, projected = self._decompose()
        kept = values > max(values.max(), 0.0) * 1e-14
        self.values, self.vectors, self.projected = values[kept], vectors[:, kept], projected[kept]

    def _sum(self, term):
        return sum(term(rows, x) for rows, x in self.chunks())

    def _weighted(self, rows, x):
        return np.sqrt(self.weights[rows])[:, np.newaxis] * (x - self.mean)

    def _gram(self, rows, x):
        x = self._weighted(rows, x)
        return x.T @ x

    def _cross(self, rows, x):
        centered = self.targets[rows] - self.target_mean
        return (x - self.mean).T @ (self.weights[rows, np.newaxis] * centered)

    def _decompose(self):
        """Eigenvalues and vectors of the weighted covariance; on these, that with the targets."""
        n_samples, n_inputs = len(self.weights), len(self.mean)
        if n_samples > max(_SMALL, n_inputs):
            values, vectors = eigh(self._sum(self._gram))
            return values, vectors, vectors.T @ self._sum(self._cross)
        # Of small data by singular values, which lose half the digits that squares lose.
        x = np.concatenate([self._weighted(rows, x) for rows, x in self.chunks()])
        left, values, right = svd(x, full_matrices=False)
        y = np.sqrt(self.weights)[:, np.newaxis] * (self.targets - self.target_mean)
        return values**2, right.T, values[:, np.newaxis] * (left.T @ y)

    def scores(self):
        """Principal components (n, rank)."""
        return np.concatenate([self._scores(x) for _, x in self.chunks()])

    def _scores(self, x):
        return (x - self.mean) @ self.vectors

    def work(self):
        """Multiplications to form the curvature of all targets once."""
        return len(self.weights) * len(self.values) ** 2 * self.targets.shape[1]

    def _left_out(self, rows, scores, factors):
        """Predictions (n, K) of rows without themselves, for shrinkage factors (rank, K or 1)."""
        one = np.minimum(self.weights[rows], 1.0)[:, np.newaxis]
        leverage = one * (scores**2 @ factors + 1.0 / self.total)
        y = self.targets[rows]
        fitted = self.target_mean + scores @ (factors * self.projected)
        return y - (y - fitted) / np.maximum(1.0 - leverage, 1e-6)

    def _factors(self, penalties):
        return 1.0 / (self.values[:, np.newaxis] + penalties * self.total)

    def best_penalties(self):
        """The penalty of least leave-one-out error, for each output (K,)."""
        errors = np.zeros((len(PENALTIES), self.targets.shape[1]))
        for rows, x in self.chunks():
            scores = self._scores(x)
            for i, penalty in enumerate(PENALTIES):
                left_out = self._left_out(rows, scores, self._factors(penalty))
                errors[i] += self.weights[rows] @ (self.targets[rows] - left_out) ** 2
        return PENALTIES[errors.argmin(axis=0)]

    def leave_one_out(self, penalties):
        """Predictions (n, K) of each sample by the fit without it."""
        factors = self._factors(penalties)
        return np.concatenate(
            [self._left_out(rows, self._scores(x), factors) for rows, x in self.chunks()]
        )

    def coefficients(self, penalties):
        """Map (p, K) and intercepts (K,)."""
        coefficients = self.vectors @ (self._factors(penalties) * self.projected)
        return coefficients, self.target_mean - self.mean @ coefficients


def fit(sequences, targets, weights, per_step, architecture, linear_path):
    """Fit the map, and say what it predicts for each sample left out.

    Parameters
    ----------
    sequences : Sequences
    targets : ndarray of shape (n, n_targets)
        In the network's units; class codes (n, 1) for the loss "softmax".
    weights : ndarray of shape (n,)
    per_step : bool
        Whether each step has a mean and scale of its own, as the columns of a plain table.
    architecture : dict
        Arguments of Network: loss, n_outputs and quantiles count here.
    linear_path : int or "auto"

    Returns
    -------
    path : dict
        n_steps; center and scale of the inputs; coefficients (n_steps * F, n_outputs); intercepts
        (n_outputs,).
    left_out : ndarray of shape (n, n_outputs)
        Raw predictions of each sample by the map fitted without it.

    Raises
    ------
    OverflowError
        If X or the targets spread beyond double precision.
    """
    center, scale = sequence_scaling(sequences, weights, per_step)
    path = {"n_steps": n_steps_of(sequences, linear_path), "center": center, "scale": scale}
    path["unit"] = np.ones(architecture["n_outputs"])
    if weights.sum() > _MOST_WEIGHT:
        weights = weights * (_MOST_WEIGHT / weights.sum())

    chunks = partial(_chunks, path, sequences)
    learnt = _ridge_targets(targets, weights, architecture)
    mean, unit = mean_and_scale(learnt, weights, np.float64)
    with _ONE_AT_A_TIME, _blas().limit(limits=1):  # its results depend on its threads
        ridge = _Ridge(chunks, (learnt - mean) / unit, weights)
        if architecture["loss"] in _CLASSES and ridge.work() < _MOST_WORK:
            coefficients, intercepts, scores = _logistic(ridge, learnt, architecture["loss"])
            return {**path, "coefficients": coefficients, "intercepts": intercepts}, _rounded(
                scores
            )
        penalties = ridge.best_penalties()
        scores = mean + unit * ridge.leave_one_out(penalties)
        mixing, shift = _stack(scores, targets, weights, architecture)
        coefficients, intercepts = ridge.coefficients(penalties)
    path["coefficients"] = (unit * coefficients) @ mixing
    path["intercepts"] = (mean + unit * intercepts) @ mixing + shift
    return path, _rounded(scores @ mixing + shift)


def _logistic(ridge, indicators, loss):
    """Map, intercepts and left-out log-odds by logistic regression on the principal components."""
    scores = ridge.scores()
    groups = [indicators] if loss == "softmax" else indicators.T[:, :, np.newaxis]
    fits = [
        Logistic(scores, ridge.values, group, ridge.weights).fit()
        if np.ptp(group, axis=0).any()
        else _constant(group, scores, ridge.weights)
        for group in groups
    ]
    coefficients = np.hstack([fitted for fitted, _ in fits])
    slopes = ridge.vectors @ coefficients[:-1]
    left_out = np.hstack([left_out for _, left_out in fits])
    return slopes, coefficients[-1] - ridge.mean @ slopes, left_out


def _constant(indicator, scores, weights):
    """What `Logistic.fit` says of a label that all samples or none have."""
    shift = _stack_column("logistic", indicator[:, 0], indicator[:, 0], weights)[1]
    coefficients = np.zeros((scores.shape[1] + 1, 1))
    coefficients[-1] = shift
    return coefficients, np.full((len(scores), 1), shift)


def _rounded(x):
    """x to 16 bits: training multiplies differences, and round-off is to make none."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 2.0**16) / 2.0**16, exponent)


@lru_cache(maxsize=1)
def _blas():
    return ThreadpoolController().select(user_api="blas")


def _ridge_targets(targets, weights, architecture):
    """What the ridge regression predicts: targets, class indicators, or logarithms of counts."""
    if architecture["loss"] == "softmax":
        return np.eye(architecture["n_outputs"])[targets[:, 0].astype(int)]
    if architecture["loss"] == "poisson":
        return np.log(targets / np.average(targets, axis=0, weights=weights) + 0.5)
    if architecture["loss"] in ROBUST:
        return _without_outliers(targets, weights)
    return targets


def _without_outliers(targets, weights):
    """Targets clipped to four robust standard deviations around their medians."""
    clipped = targets.copy()
    for column in clipped.T:
        median = weighted_quantile(column, weights, 0.5)
        width = 4.0 * robust_scale(column, weights)
        if width > 0.0:
            np.clip(column, median - width, median + width, out=column)
    return clipped


def robust_scale(values, weights):
    """Standard deviation of a normal distribution with the values' median absolute deviation."""
    median = weighted_quantile(values, weights, 0.5)
    return 1.4826 * weighted_quantile(np.abs(values - median), weights, 0.5)


def _stack(scores, targets, weights, architecture):
    """Matrix (K', n_outputs) and shift (n_outputs,) from left-out scores to raw predictions.

    No slope is negative. Left-out means fall where the sample left out is large, so that a map
    which predicts nothing but the mean would give each target away by a negative slope.
    """
    loss = architecture["loss"]
    if loss == "softmax":
        return _stack_classes(scores, targets[:, 0].astype(int), weights)
    if loss in ("logistic", "poisson"):
        columns = zip(scores.T, targets.T, strict=True)
        pairs = [_stack_column(loss, s, y, weights) for s, y in columns]
        slopes, shifts = zip(*pairs, strict=True)
        return np.diag(slopes), np.array(shifts)
    levels = {"quantile": architecture["quantiles"], "absolute_error": (0.5,)}.get(loss, (None,))
    return _stack_located(scores, targets, weights, levels)


def _stack_located(scores, targets, weights, levels):
    """Least-squares slope in [0, 1]; the shift is the rest's mean, or its quantile at a level."""
    n_targets, n_levels = scores.shape[1], len(levels)
    mixing = np.zeros((n_targets, n_targets * n_levels))
    shift = np.zeros(n_targets * n_levels)
    for k in range(n_targets):
        centered = scores[:, k] - np.average(scores[:, k], weights=weights)
        spread = weights @ centered**2
        slope = np.clip(weights @ (centered * targets[:, k]) / spread, 0.0, 1.0) if spread else 0.0
        rest = targets[:, k] - slope * scores[:, k]
        for q, level in enumerate(levels):
            mixing[k, k * n_levels + q] = slope
            shift[k * n_levels + q] = (
                np.average(rest, weights=weights)
                if level is None
                else weighted_quantile(rest, weights, level)
            )
    return mixing, shift


def _spread(scores, weights):
    mean = np.average(scores, axis=0, weights=weights)
    spread = np.sqrt(np.average((scores - mean) ** 2, axis=0, weights=weights))
    return np.where(spread > 0, spread, 1.0)


def _maximize_likelihood(problem, n_parameters, total):
    """Slope and shifts of a generalised linear model in scores of variance one, by Newton's method.

    `problem` gives the negative log-likelihood of a point, its slope and its curvature.
    """
    prior = np.r_[_PRIOR, np.full(n_parameters - 1, 1e-3)]  # the shifts' is there for uniqueness

    def slope(point):
        return problem(point)[1] + prior * point

    def curvature(point):
        return problem(point)[2] + np.diag(prior)

    point = minimize(
        lambda point: problem(point)[0] + 0.5 * prior @ point**2,
        np.zeros(n_parameters),
        jac=slope,
        hess=curvature,
        method="trust-exact",
        options={"gtol": 1e-8 * total},
    ).x
    for _ in range(2):  # to the last digits, which the value no longer shows
        point = point - np.linalg.solve(curvature(point), slope(point))
    return point


def _stack_classes(scores, codes, weights):
    """One slope for all classes' scores and a shift for each.

    A logistic regression would fit a whole matrix from scores to classes, too much for few samples.
    """
    n_classes = scores.shape[1]
    spread = np.sqrt((_spread(scores, weights) ** 2).mean())
    scores = scores / spread
    onehot = np.eye(n_classes)[codes]

    def problem(point):
        logs = log_softmax(point[0] * scores + point[1:], axis=1)
        p = np.exp(logs)
        error = weights[:, np.newaxis] * (p - onehot)
        centered = p * (scores - (p * scores).sum(axis=1, keepdims=True))
        curvature = np.empty((n_classes + 1, n_classes + 1))
        curvature[0, 0] = weights @ (centered * scores).sum(axis=1)
        curvature[0, 1:] = curvature[1:, 0] = weights @ centered
        curvature[1:, 1:] = np.diag(weights @ p) - (weights[:, np.newaxis] * p).T @ p
        slope = np.r_[(error * scores).sum(), error.sum(axis=0)]
        return -weights @ (logs * onehot).sum(axis=1), slope, curvature

    point = _maximize_likelihood(problem, n_classes + 1, weights.sum())
    if point[0] <= 0.0:  # see _stack
        point = np.r_[0.0, np.log(weights @ onehot / weights.sum())]
    return np.diag(np.full(n_classes, point[0] / spread)), point[1:] - point[1:].mean()


def _stack_column(loss, scores, targets, weights):
    """Slope and shift of one target in its one score (n,), for the losses with a link."""
    total, successes = weights.sum(), weights @ targets
    if loss == "poisson":  # in units of the mean, which the link makes a shift
        constant, unit, targets = 0.0, np.log(successes / total), targets * (total / successes)
    else:  # half a sample more of each kind: no log-odds is infinite
        constant, unit = np.log((successes + 0.5) / (total - successes + 0.5)), 0.0
    if targets.min() == targets.max():
        return 0.0, constant + unit
    spread = _spread(scores, weights)
    terms = np.column_stack([scores / spread, np.ones(len(scores))])

    def problem(point):
        raw = terms @ point
        mean = np.exp(np.minimum(raw, _LARGEST_LOG)) if loss == "poisson" else expit(raw)
        variance = mean if loss == "poisson" else mean * (1.0 - mean)
        value = mean if loss == "poisson" else np.logaddexp(0.0, raw)
        curvature = (terms * (weights * variance)[:, np.newaxis]).T @ terms
        return weights @ (value - targets * raw), (weights * (mean - targets)) @ terms, curvature

    slope, shift = _maximize_likelihood(problem, 2, total)
    if slope <= 0.0:  # see _stack
        return 0.0, constant + unit
    return slope / spread, shift + unit


def scaled(path, factor):
    """The map with its raw predictions multiplied by a number, or one for each (n_outputs,)."""
    return {**path, **{name: path[name] * factor for name in ("coefficients", "intercepts")}}


def predict(path, sequences):
    """The map's raw predictions (n, n_outputs); a row's bits do not depend on the other rows."""
    raw = np.empty((len(sequences), len(path["intercepts"])))
    # Copies, for a model in shared memory is read-only, another type for kernels.
    linear_map = path["coefficients"].copy(), path["intercepts"].copy()
    for rows, flat in _chunks(path, sequences):
        output.forward(*linear_map, flat, raw[rows])
    return raw
