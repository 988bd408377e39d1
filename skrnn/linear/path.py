"""The linear map beside the recurrent layers: how it is fitted, and what it predicts."""

from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from skrnn import blas
from skrnn.data.copies import left_out
from skrnn.data.scaling import mean_and_scale, sequence_scaling
from skrnn.kernels import affine
from skrnn.linear.calibration import calibrate, calibrate_column
from skrnn.linear.logistic import Logistic, work
from skrnn.linear.ridge import Ridge
from skrnn.linear.rounding import rounded

#: Inputs of the map of sequences at most; of longer ones only the last steps are used.
MAX_INPUTS = 512
# Rows flattened at a time, so that the design matrix of large data never exists whole.
_CHUNK = 1024
# The work up to which a logistic regression is a small part of a fit. It fits classes better than
# ridge regression on indicators does.
_MOST_WORK = 4e9


@dataclass(frozen=True, eq=False)
class LinearPath:
    """A linear map from the last steps of a sequence to raw predictions.

    Attributes
    ----------
    n_steps : int
        How many of the last steps it sees.
    center, scale : ndarray of shape (1, F) or (T, F)
        Of its inputs, for each feature or for each column of a plain table.
    coefficients : ndarray of shape (n_steps * F, n_outputs)
    intercepts : ndarray of shape (n_outputs,)
    unit : ndarray of shape (n_outputs,)
        The unit of its raw predictions, in those of a network without a path.
    """

    n_steps: int
    center: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    unit: np.ndarray

    def scaled(self, factor):
        """The map with its raw predictions multiplied by a number, or one for each output."""
        coefficients, intercepts = self.coefficients * factor, self.intercepts * factor
        return replace(self, coefficients=coefficients, intercepts=intercepts)

    def in_unit(self, unit):
        """The map whose raw predictions are in another unit (n_outputs,)."""
        return replace(self.scaled(1.0 / unit), unit=unit)

    def of_unscaled_inputs(self):
        """Coefficients (n_steps, F, n_outputs) and intercepts of the map for inputs as they are.

        A step that a short sequence lacks counts as the mean of its features.
        """
        coefficients = self.coefficients.reshape(self.n_steps, -1, len(self.intercepts))
        # A table has a scale for each step, of which the map may see the last only.
        center, scale = self.center[-self.n_steps :], self.scale[-self.n_steps :]
        coefficients = coefficients / scale[:, :, np.newaxis]
        of_center = (coefficients * center[:, :, np.newaxis]).sum(axis=(0, 1))
        return coefficients, self.intercepts - of_center

    def predict(self, sequences):
        """Raw predictions (n, n_outputs); a row's bits do not depend on the other rows."""
        raw = np.empty((len(sequences), len(self.intercepts)))
        # Copies, because a model in shared memory is read-only, for which numba would compile anew.
        linear_map = self.coefficients.copy(), self.intercepts.copy()
        for rows, flat in _chunks(sequences, self.center, self.scale, self.n_steps):
            affine.forward(*linear_map, flat, raw[rows])
        return raw

    def to_state(self):
        """A dict of arrays and numbers."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def n_steps_of(sequences, is_table, linear_path):
    """How many of the last steps the map sees: as many as asked; else of a table all columns, and
    of sequences all up to MAX_INPUTS inputs.
    """
    longest = int(sequences.lengths.max())
    if linear_path != "auto":
        return min(int(linear_path), longest)
    return longest if is_table else min(longest, max(1, MAX_INPUTS // sequences.n_features))


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


def _chunks(sequences, center, scale, n_steps):
    """The inputs of the map, some rows at a time: slices of rows with their flat steps."""
    for first in range(0, len(sequences), _CHUNK):
        rows = slice(first, min(first + _CHUNK, len(sequences)))
        flat = flatten(sequences, rows, center, scale, n_steps)
        if sequences.has_gaps:
            flat[np.isnan(flat)] = 0.0  # the mean
        yield rows, flat


def fit(examples, origins, loss, linear_path):
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

    Returns
    -------
    path : LinearPath
    left_out : ndarray of shape (n, n_outputs)
        Raw predictions of each sample by the map fitted without it.

    Raises
    ------
    OverflowError
        If X or the targets spread beyond double precision.
    """
    copies, examples = examples.copies, examples.joined()
    sequences, targets, weights = examples.sequences, examples.targets, examples.weights
    amounts = left_out(copies, weights)
    center, scale = sequence_scaling(sequences, weights, origins)
    n_steps = n_steps_of(sequences, origins is not None, linear_path)
    chunks = partial(_chunks, sequences, center, scale, n_steps)
    responses = loss.responses(targets, weights)
    mean, unit = mean_and_scale(responses, weights, np.float64)
    with blas.one_thread():
        ridge = Ridge(chunks, (responses - mean) / unit, weights, amounts)
        if (
            loss.is_of_classes
            and work(len(weights), len(ridge.values), responses.shape[1]) < _MOST_WORK
        ):
            coefficients, intercepts, unseen = _logistic(ridge, responses, loss)
        else:
            penalties = ridge.best_penalties()
            scores = mean + unit * ridge.leave_one_out(penalties)
            mixing, shift = calibrate(scores, targets, weights, loss)
            coefficients, intercepts = ridge.coefficients(penalties)
            coefficients = (unit * coefficients) @ mixing
            intercepts = (mean + unit * intercepts) @ mixing + shift
            unseen = scores @ mixing + shift
    ones = np.ones(len(intercepts))
    path = LinearPath(n_steps, center, scale, coefficients, intercepts, ones)
    unseen = rounded(unseen)
    return path, unseen if copies is None else unseen[copies.rows]


def _logistic(ridge, indicators, loss):
    """Map, intercepts and left-out log-odds by logistic regression on the principal components."""
    scores = ridge.scores()
    groups = [indicators] if loss.is_coupled else indicators.T[:, :, np.newaxis]
    fits = [
        Logistic(scores, ridge.values, group, ridge.weights, ridge.amounts).fit()
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
