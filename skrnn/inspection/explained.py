"""The number that is explained: one output of a regressor, the decision value of a class."""

from numbers import Integral

import numpy as np


def explained(model, target, raw):
    """What is explained of a model.

    Parameters
    ----------
    model : Model
    target : int, tuple of int, label or None
        As in :func:`skrnn.inspection.input_gradients`.
    raw : ndarray of shape (n_answers, n_outputs)
        Raw predictions of X, which choose the class where `target` is None.

    Returns
    -------
    callable
        Of raw predictions of any input: the number of each answer (n_answers,), and its slopes
        (n_answers, n_outputs) in these.
    """
    if model.target.loss.is_of_classes:
        columns, sign = _of_class(model.target, target, raw)
        return _Decision(columns, sign)
    return _Prediction(model, _of_output(model.target, target))


class _Decision:
    """The decision value of a class for each answer."""

    def __init__(self, columns, sign):
        self._columns, self._sign = columns, sign

    def __call__(self, raw):
        return _picked(self._sign * raw.astype(np.float64), self._columns, self._sign)


class _Prediction:
    """What ``predict`` gives of one output."""

    def __init__(self, model, output):
        self._model, self._output = model, output

    def __call__(self, raw):
        predicted = self._model.in_target_units(raw)
        columns = _unsorted(self._model.target, predicted, self._output)
        return _picked(predicted, columns, self._model.slopes_in_target_units(raw))


def _picked(numbers, columns, slope):
    """A column of each row, and a slope there."""
    rows, slopes = np.arange(len(numbers)), np.zeros(numbers.shape)
    slopes[rows, columns] = np.broadcast_to(slope, numbers.shape)[rows, columns]
    return numbers[rows, columns], slopes


def _unsorted(target, predicted, output):
    """Columns (n,) that an output of ``predict``, whose levels are sorted, comes from."""
    if not target.loss.has_level_axis:
        return np.full(len(predicted), output)
    n_levels = len(target.loss.levels)
    first = output - output % n_levels
    order = np.argsort(predicted[:, first : first + n_levels], axis=1, kind="stable")
    return first + order[:, output % n_levels]


def _of_class(target, label, raw):
    """Columns (n,) of raw predictions and their sign."""
    classes, n_columns = target.classes.tolist(), raw.shape[1]
    is_one_of_many = target.loss.is_coupled
    if label is None and not is_one_of_many and n_columns > 1:
        raise ValueError(
            f"target=None, but there are {n_columns} labels. Pass the number of one, its column in"
            " y."
        )
    if label is None:
        return (raw.argmax(axis=1) if is_one_of_many else np.zeros(len(raw), int)), 1.0
    place = next((i for i, one in enumerate(classes) if one == label), None)
    if place is None:
        raise ValueError(f"target={label!r} is none of the classes {classes}.")
    if len(classes) == 2 and n_columns == 1:
        return np.zeros(len(raw), int), 1.0 if place else -1.0
    return np.full(len(raw), place), 1.0


def _of_output(target, output):
    """The column of raw predictions that an output is, levels being sorted."""
    n_targets, n_levels = target.n_targets, len(target.loss.levels)
    shape = () if n_targets == 1 else (n_targets,)
    shape += (n_levels,) if target.loss.has_level_axis else ()
    if output is None and np.prod(shape) == 1:
        return 0
    index = output if isinstance(output, tuple) else (output,)
    fits = len(index) == len(shape) and all(
        isinstance(i, Integral) and not isinstance(i, bool) and -n <= i < n
        for i, n in zip(index, shape, strict=False)
    )
    if not fits:
        raise ValueError(_on_output(output, n_targets, n_levels, shape))
    return int(np.ravel_multi_index([i % n for i, n in zip(index, shape, strict=True)], shape))


def _on_output(output, n_targets, n_levels, shape):
    if not shape:
        return f"target={output!r}, but the model predicts one number. Leave target=None."
    wanted = f"an int from 0 to {shape[0] - 1}"
    if len(shape) == 2:
        wanted = f"a tuple of two: an output, from 0 to {n_targets - 1}, and"
        wanted += f" the place of a quantile, from 0 to {n_levels - 1}"
    return f"target={output!r}, but predictions of a sample have the shape {shape}: pass {wanted}."
