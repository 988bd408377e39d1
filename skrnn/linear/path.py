"""The linear map beside the recurrent layers: how it is fitted, and what it predicts."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from skrnn import blas
from skrnn.data.copies import left_out
from skrnn.data.scaling import mean_and_scale, sequence_scaling
from skrnn.kernels import affine
from skrnn.kernels.jit import Call
from skrnn.kernels.timeline import MOST_BEYOND
from skrnn.linear.affine_map import AffineMap
from skrnn.linear.calibration import calibrate, calibrate_column
from skrnn.linear.curves import HEIGHT, Curves, curves_of
from skrnn.linear.folds import FoldedLogistic, FoldedRidge, folds_of
from skrnn.linear.inputs import Inputs, n_steps_of, window_of
from skrnn.linear.limits import Limits, limits_of
from skrnn.linear.logistic import Logistic, is_as_good, work
from skrnn.linear.ridge import Ridge
from skrnn.linear.rounding import rounded

# The work up to which a logistic regression is a small part of a fit. It fits classes better than
# ridge regression on indicators does.
_MOST_WORK = 4e9
# Numbers beyond which single precision, which ends at 3e38, would overflow.
_LARGEST = 1e30
# Samples at least, and inputs of a table's map at most, where its columns have curves, and by how
# many standard errors what is left out has to be better with them.
_FEWEST_FOR_CURVES, _MOST_WITH_CURVES, _STANDARD_ERRORS = 50, 1024, 2.0


@dataclass(frozen=True, eq=False)
class LinearPath(AffineMap):
    """A linear map from the last steps of a sequence to raw predictions, or at each step.

    Attributes
    ----------
    n_steps : int
        How many of the last steps it sees.
    n_ahead : int
        How many steps after those, at each step of a sequence that is read both ways.
    center, scale : ndarray of shape (1, F) or (T, F)
        Of its inputs, for each feature or for each column of a plain table.
    lowest, highest : ndarray, like center
        Of the values that it is fitted to.
    coefficients : ndarray of shape ((n_steps + n_ahead) * F, n_outputs)
        Up to these values.
    beyond : ndarray of shape ((n_steps + n_ahead) * F, n_outputs)
        Coefficients of how far a value is beyond them, which are the map's own, whatever its share:
        of what lies there the network has seen nothing.
    intercepts : ndarray of shape (n_outputs,)
    unit : ndarray of shape (n_outputs,)
        The unit of its raw predictions, in those of a network without a path.
    """

    n_steps: int
    n_ahead: int
    center: np.ndarray
    scale: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    coefficients: np.ndarray
    beyond: np.ndarray
    intercepts: np.ndarray
    unit: np.ndarray

    def scaled(self, factor):
        """The map with its raw predictions multiplied by a number, or one for each output."""
        return replace(super().scaled(factor), beyond=self.beyond * factor)

    def in_share(self, share):
        """The map in a share, but with all that it says of how far values are beyond its own."""
        return super().scaled(share)

    def nearest(self, values):
        """Values with those beyond the lowest and highest replaced by these; the same array where
        there are none.
        """
        return self._limits.nearest(values)

    @cached_property
    def _limits(self):
        return Limits(self.lowest, self.highest)

    def within(self, sequences):
        """Sequences as the network reads them, which has seen nothing beyond."""
        values = self.nearest(sequences.values)
        return sequences if values is sequences.values else replace(sequences, values=values)

    def seeing(self, sequences):
        """The map of a model that is trained further, on sequences that may go beyond its own."""
        limits = limits_of(sequences, self.center)
        if self._limits.have(limits):
            return self
        lowest, highest = self._limits.joined(limits).both()
        return replace(self, lowest=lowest, highest=highest)

    def of_unscaled_inputs(self):
        """Coefficients (n_steps + n_ahead, F, n_outputs) and intercepts for inputs as they are.

        A step that a short sequence lacks counts as the mean of its features. They hold between the
        limits of the inputs.
        """
        n_steps = self.n_steps + self.n_ahead
        coefficients = self.coefficients.reshape(n_steps, -1, len(self.intercepts))
        # A table has a scale for each step, of which the map may see the last only.
        center, scale = self.center[-self.n_steps :], self.scale[-self.n_steps :]
        coefficients = coefficients / scale[:, :, np.newaxis]
        of_center = (coefficients * center[:, :, np.newaxis]).sum(axis=(0, 1))
        return coefficients, self.intercepts - of_center

    def predict(self, sequences, of_steps=False):
        """Raw predictions (n, n_outputs) of sequences, or of all their steps end to end.

        Those of a sequence do not depend on the other ones, to the bit.
        """
        call, raw, _ = self.call(sequences, of_steps)
        call(sequences.read_only.reshape(-1).astype(raw.dtype, copy=False))
        return raw

    def call(self, sequences, of_steps=False):
        """The call that predicts, of flat values, for sequences like these; what it writes; and
        where it says whether anything was beyond the lowest and highest.
        """
        n_left = sequences.lengths  # which is enough, because nothing behind a sequence is read
        if of_steps:
            n_left, sequences = sequences.n_left(), sequences.so_far()
        lengths, ends = sequences.lengths, sequences.starts + sequences.lengths
        dtype = self.precision(sequences.values.dtype)
        raw = np.empty((len(sequences), len(self.intercepts)), dtype)
        window, beyond = (np.empty(len(of), dtype) for of in (self.coefficients, self.beyond))
        found, sizes = np.zeros(1, np.bool_), (self.n_steps, sequences.n_features)
        scratch = window, beyond, found
        given = ends, lengths, n_left, sizes, *self.map_in(dtype), scratch, raw
        return Call(affine.forward_of_windows, *given), raw, found

    def precision(self, dtype):
        """In which sequences of a precision are mapped: double where they are too large or small
        for differences and quotients in their own.
        """
        return np.dtype(np.float64) if self._is_extreme else dtype

    @cached_property
    def _is_extreme(self):
        sizes = np.abs(np.concatenate([self.center.ravel(), self.scale.ravel()]))
        return bool(sizes.max() > _LARGEST or self.scale.min() < 1.0 / _LARGEST)

    def map_in(self, dtype):
        """The map in a precision, as :func:`skrnn.kernels.affine.forward_of_windows` reads it:
        centre and factor of each input, its lowest and highest, standardised, transposed
        coefficients, intercepts, and transposed coefficients beyond; and what rises.

        Copies, because a model in shared memory is read-only, for which numba would compile anew.
        What the centre loses in that precision the intercepts make good, and where inputs begin to
        rise.
        """
        known = vars(self).setdefault("_maps", {})
        if dtype not in known:
            n_steps, n_features = self.n_steps + self.n_ahead, self.center.shape[1]
            center, scale, *limits = (
                np.resize(array[-self.n_steps :], (n_steps, n_features)).ravel()
                for array in (self.center, self.scale, self.lowest, self.highest)
            )
            lost = (center.astype(dtype) - center) / scale
            intercepts = self.intercepts + lost @ self.coefficients[: len(lost)]
            linear_map = center, 1.0 / scale, *limits, self.coefficients.T, intercepts
            linear_map = [np.array(one, dtype, order="C") for one in (*linear_map, self.beyond.T)]
            for limit in linear_map[2:4]:  # as values are, so that none of its own is beyond
                limit -= linear_map[0]
                limit *= linear_map[1]
            known[dtype] = tuple(linear_map), self._rises_in(dtype, lost)
        return known[dtype]

    def _rises_in(self, dtype, lost):
        """What rises, where each input (P,) is read as so much less; None of a plain map."""

    def gradient(self, sequences, slopes, of_steps=False):
        """Gradient of the sum of raw predictions times slopes (n, n_outputs).

        Returns
        -------
        ndarray, in the shape of the sequences' values
            A value that is missing has a gradient too, as if it were there.
        """
        inputs = Inputs.of(sequences, of_steps, self.n_steps, self.n_ahead)
        found = self._spread(self.coefficients, inputs, slopes, sequences.values.shape)
        return self._with_beyond(found, inputs, sequences, slopes)

    def _spread(self, coefficients, inputs, slopes, shape):
        """Gradient of the sum of inputs times coefficients times slopes, like the values."""
        some, found = inputs.sequences, np.zeros(shape)
        n_window = self.n_steps + self.n_ahead
        coefficients = coefficients.reshape(n_window, found.shape[1], -1)
        coefficients = coefficients / self.scale[-self.n_steps :, :, np.newaxis]
        for k in range(n_window):
            ahead = k - self.n_steps  # of the end, before which -1 is the last step
            is_there = inputs.n_left > ahead if ahead >= 0 else some.lengths >= -ahead
            rows = np.flatnonzero(is_there)
            # No place comes twice: each answer has its own window.
            places = some.starts[rows] + some.lengths[rows] + ahead
            found[places] += slopes[rows] @ coefficients[k].T
        return found

    def _with_beyond(self, found, inputs, sequences, slopes):
        """A gradient with that of what lies beyond the lowest and highest values put into it."""
        values = sequences.values
        distance = np.abs(values - self.nearest(values))
        is_beyond = distance > 0.0
        if is_beyond.any():
            room = np.resize(MOST_BEYOND * (self.highest - self.lowest), values.shape)
            of_beyond = self._spread(self.beyond, inputs, slopes, values.shape)
            found[is_beyond] = np.where(distance < room, of_beyond, 0.0)[is_beyond]
        return found


@dataclass(frozen=True, eq=False)
class CurvedPath(LinearPath):
    """A linear map of the columns of a plain table and of their curves.

    Attributes
    ----------
    columns : tuple of int
    starts, ends : ndarray of shape (n_rises,)
        As :class:`skrnn.linear.curves.Curves` has them.
    coefficients : ndarray of shape (n_columns + n_rises, n_outputs)
    others
        As of a LinearPath.
    """

    columns: tuple
    starts: np.ndarray
    ends: np.ndarray

    def of_unscaled_inputs(self):
        """None, None: one number for each column does not say what a curve does."""
        return None, None

    def gradient(self, sequences, slopes, of_steps=False):
        """Gradient of the sum of raw predictions times slopes, as :meth:`LinearPath.gradient`."""
        inputs = Inputs.of(sequences, of_steps, self.n_steps, self.n_ahead)
        found = np.zeros(sequences.values.shape)
        steps, n_columns = np.arange(self.n_steps), self.center.size
        for rows, flat in inputs.chunks(self.center, self.scale):
            d_flat = slopes[rows] @ self.coefficients[:n_columns].T
            d_rises = slopes[rows] @ self.coefficients[n_columns:].T
            d_rises *= self._curves.slopes(flat)
            np.add.at(d_flat.T, list(self.columns), d_rises.T)
            places = inputs.sequences.starts[rows][:, np.newaxis] + steps
            found[places] = (d_flat / self.scale.ravel()).reshape(*places.shape, -1)
        return self._with_beyond(found, inputs, sequences, slopes)

    def _rises_in(self, dtype, lost):
        columns = np.array(self.columns, np.int64)
        of_rises = self.starts - lost[columns], 1.0 / (self.ends - self.starts)
        return columns, *(one.astype(dtype) for one in of_rises)

    @property
    def _curves(self):
        return Curves(self.columns, self.starts, self.ends)


def fit(examples, origins, loss, linear_path, both_sides=False):
    """Fit the map, and say what it predicts for each sample left out.

    Parameters
    ----------
    examples : Examples
        Targets in the network's units; classes as codes.
    origins : ndarray of shape (T,) or None
        As in :func:`skrnn.data.scaling.sequence_scaling`.
    loss : skrnn.losses.Loss
    linear_path : int or "auto"
        Steps that it sees.
    both_sides : bool
        Whether it sees as many steps after each step, less one, where each has a target.

    Returns
    -------
    path : LinearPath
    left_out : ndarray of shape (n, n_outputs)
        Raw predictions of each sample by the map fitted without it; of each step without its
        sequence.

    Raises
    ------
    OverflowError
        If X or the targets spread beyond double precision.
    """
    copies, examples = examples.copies_of_answers, examples.joined()
    sequences, targets, weights = examples.sequences, examples.targets, examples.weights
    center, scale = sequence_scaling(sequences, examples.row_weights, origins)
    if examples.of_steps:
        inputs = Inputs.of(sequences, True, *window_of(sequences, linear_path, both_sides))
        kinds, left = (FoldedRidge, FoldedLogistic), folds_of(sequences.lengths, weights)
    else:
        inputs = Inputs(sequences, n_steps_of(sequences, origins is not None, linear_path))
        kinds, left = (Ridge, Logistic), left_out(copies, weights)
    task = _Task.of(targets, weights, left, loss, *kinds)
    chunks = partial(inputs.chunks, center, scale)
    with blas.one_thread():
        if origins is not None and linear_path == "auto":
            found, curves = _with_curves(task, chunks, inputs.columns(center, scale))
        else:
            found, curves = task.map_of(task.ridge(chunks)), None
    coefficients, intercepts, unseen = found
    slopes = coefficients[: len(coefficients) - (0 if curves is None else len(curves.columns))]
    path = LinearPath(
        inputs.n_steps, inputs.n_ahead, center, scale, *limits_of(sequences, center).both(),
        coefficients, slopes.copy(), intercepts, np.ones(len(intercepts)),
    )  # fmt: skip
    if curves is not None:
        path = CurvedPath(**path.to_state(), **vars(curves))
    unseen = rounded(unseen)
    return path, unseen if copies is None else unseen[copies.rows]


class _Task(NamedTuple):
    """What a map learns, and by which kinds of regression.

    Attributes
    ----------
    targets, weights : ndarray of shape (n, n_targets) and (n,)
    left : ndarray of shape (n,)
        What the regressions below take for that: how much of each row is left out when it predicts
        itself, or the number of the row's fold.
    loss : skrnn.losses.Loss
    of_numbers, of_classes : type
        Ridge and Logistic, which leave out single rows, or FoldedRidge and FoldedLogistic.
    responses, mean, unit : ndarray
        What ridge regression learns, its mean and its unit.
    """

    targets: np.ndarray
    weights: np.ndarray
    left: np.ndarray
    loss: object
    of_numbers: type
    of_classes: type
    responses: np.ndarray
    mean: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, targets, weights, left, loss, of_numbers, of_classes):
        responses = loss.responses(targets, weights)
        mean, unit = mean_and_scale(responses, weights, np.float64)
        return cls(targets, weights, left, loss, of_numbers, of_classes, responses, mean, unit)

    def ridge(self, chunks):
        """Ridge regression of the responses, in units of their spread, on inputs in chunks."""
        standardized = (self.responses - self.mean) / self.unit
        return self.of_numbers(chunks, standardized, self.weights, self.left)

    def map_of(self, ridge):
        """Coefficients, intercepts and left-out raw predictions, by a decomposition of the inputs.

        Classes have a logistic regression where that is a small part of a fit.
        """
        size = len(self.weights), len(ridge.values), self.responses.shape[1]
        if self.loss.is_of_classes and work(*size) < _MOST_WORK:
            return _logistic(self.of_classes, self.left, ridge, self.responses, self.loss)
        penalties = ridge.best_penalties()
        scores = self.mean + self.unit * ridge.leave_one_out(penalties)
        mixing, shift = calibrate(scores, self.targets, self.weights, self.loss)
        coefficients, intercepts = ridge.coefficients(penalties)
        coefficients = (self.unit * coefficients) @ mixing
        intercepts = (self.mean + self.unit * intercepts) @ mixing + shift
        return coefficients, intercepts, scores @ mixing + shift

    def can_have(self, n_inputs):
        """Whether there are samples enough for so many inputs with curves, and the map of these is
        still a small part of a fit.
        """
        size = work(len(self.weights), n_inputs, self.responses.shape[1])
        is_small = n_inputs <= _MOST_WITH_CURVES and (
            not self.loss.is_of_classes or size < _MOST_WORK / 8
        )
        return is_small and round(self.weights.sum()) >= _FEWEST_FOR_CURVES

    def are_clearly_less(self, losses, others):
        """Whether the mean of losses (n,) is less than that of others, by more than chance."""
        total = self.weights.sum()
        return not is_as_good(others, losses, self.weights / total, total, _STANDARD_ERRORS)


def _with_curves(task, chunks, columns):
    """The map of a table's columns and of their curves, as `map_of` gives it, and these Curves.

    It is the map of the columns alone, and None, unless what is left out clearly says that curves
    pay (equation 128): by ridge regression, and where classes have a regression of their own by
    that too.
    """
    ridge, curves = task.ridge(chunks), curves_of(columns, task.weights)
    if curves is None or not task.can_have(len(ridge.mean) + len(curves.columns)):
        return task.map_of(ridge), None

    def with_rises():
        return ((rows, np.hstack([x, HEIGHT * curves.rises(x)])) for rows, x in chunks())

    curved = task.ridge(with_rises)
    if not task.are_clearly_less(curved.left_out_errors(), ridge.left_out_errors()):
        return task.map_of(ridge), None
    found, linear = task.map_of(curved), task.map_of(ridge)
    if not task.are_clearly_less(
        *(task.loss.of_rows(one[2], task.targets) for one in (found, linear))
    ):
        return linear, None
    found[0][-len(curves.columns) :] *= HEIGHT
    return found, curves


def _logistic(kind, left, ridge, indicators, loss):
    """Map, intercepts and left-out log-odds by logistic regression on the principal components."""
    scores = ridge.scores()
    groups = [indicators] if loss.is_coupled else indicators.T[:, :, np.newaxis]
    fits = [
        kind(scores, group, ridge.weights, left).fit()
        if np.ptp(group, axis=0).any()
        else _constant(loss, group, scores, ridge.weights)
        for group in groups
    ]
    coefficients = np.hstack([fitted for fitted, _ in fits])
    slopes = ridge.vectors @ coefficients[:-1]
    unseen = np.hstack([unseen for _, unseen in fits])
    return slopes, coefficients[-1] - ridge.mean @ slopes, unseen


def _constant(loss, indicator, scores, weights):
    """What `Logistic.fit` says of a label that all samples or none have."""
    shift = calibrate_column(loss, indicator[:, 0], indicator[:, 0], weights)[1]
    coefficients = np.zeros((scores.shape[1] + 1, 1))
    coefficients[-1] = shift
    return coefficients, np.full((len(scores), 1), shift)
