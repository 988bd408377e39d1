"""What y, weights and predictions are of: samples, or the steps of all of them end to end.

With ``return_sequences=True`` what a user gives for each step becomes one array of all steps, one
sequence after the other, so all that reads a y of samples reads this too. Predictions go back.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrnn.data import reading
from skrnn.data.checks import TARGET_AXES, StepAxes, has_length, refuse_mask
from skrnn.data.given import Given, without_made_strings
from skrnn.data.weights import read_weights

_EACH = "with return_sequences=True there is one for each step"
_OF_SAMPLES = (
    " return_sequences=True wants a target for each step: an array of shape (n_samples,"
    " n_timesteps), or a list of one array of shape (T_i,) for each sample. For one target for each"
    " sequence set return_sequences=False."
)
_MASK_ADVICE = "Give the steps without a target a sample_weight of 0."


class Samples(NamedTuple):
    """So many samples, each with a target."""

    n_samples: int
    axes = TARGET_AXES  # type: ignore[misc]  # of the class

    def given(self, y, sample_weight, dtype, estimator_name, of=""):
        """The Given of all samples; `of` ends the names of the arguments."""
        weights = read_weights(
            sample_weight, self.n_samples, dtype, input_name="sample_weight" + of
        )
        return Given(y, self.n_samples, weights, dtype, estimator_name, "y" + of)

    def in_form(self, predictions):
        """Predictions of all samples as they are."""
        return predictions


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of some sequences.

    Attributes
    ----------
    lengths : ndarray of shape (n,)
        Of the sequences.
    n_timesteps : int or None
        The steps of an X that is an array, padding included; None for a list of sequences.
    """

    lengths: np.ndarray
    n_timesteps: int | None

    @classmethod
    def of(cls, X, sequences, n_timesteps=None):
        """The steps of an X that was read as these sequences, its rows with `n_timesteps`."""
        if reading.elements(X) is not None:
            return cls(sequences.lengths, None)
        shape = np.shape(X)
        return cls(sequences.lengths, shape[1] if len(shape) == 3 else n_timesteps)

    def given(self, y, sample_weight, dtype, estimator_name, of=""):
        """The Given of all steps; `of` ends the names of the arguments.

        Raises
        ------
        ValueError, TypeError
            If y or the weights are not of these steps.
        """
        name = "y" + of
        weights = self.weights(sample_weight, dtype, "sample_weight" + of)
        if y is None:
            return Given(y, len(weights), weights, dtype, estimator_name, name)
        targets = self.end_to_end(y, name)  # in memory of its own
        if not weights.all():  # what has no weight may have any target, so nobody is to see it
            targets[weights == 0.0] = targets[np.argmax(weights > 0.0)]
        given = targets, len(weights), weights, dtype, estimator_name, name, self.axes
        return Given(*given, self.lengths)

    @property
    def axes(self):
        """What an index of all steps counts."""
        return StepAxes(self.lengths)

    def weights(self, sample_weight, dtype, name):
        """Weights of all steps (total,), which are given for each sample or for each step."""
        lengths, sample_weight = self.lengths, _as_list(sample_weight)
        if sample_weight is None or not _is_nested(sample_weight):
            weights = read_weights(sample_weight, len(lengths), dtype, input_name=name)
            return np.repeat(weights, lengths)
        flat = self.end_to_end(sample_weight, name)
        if flat.ndim > 1:
            raise ValueError(
                f"{name} must have one weight for each sample or for each step, not for each"
                f" output: its steps are of shape {flat.shape[1:]}."
            )
        return read_weights(flat, len(flat), dtype, input_name=name, axes=self.axes)

    def end_to_end(self, values, name):
        """What is given for each step, as one array (total, ...) of any type."""
        refuse_mask(values, name, _MASK_ADVICE)
        values = _as_list(values)
        if not _is_nested(values):
            raise ValueError(f"{name} has {_told_flat(values)}, but {_EACH}.{_OF_SAMPLES}")
        array = _as_array(values, name)
        n_given = len(values) if array is None else len(array)
        if n_given != len(self.lengths):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples:"
                f" {_data_of(name)} has {len(self.lengths)}, {name} has {n_given}."
            )
        return self._of_list(values, name) if array is None else self._of_array(array, name)

    def _of_array(self, array, name):
        """The steps of an array (n, n_timesteps, ...), less what stands beside padding of X."""
        n_timesteps = array.shape[1]
        wrong = self.lengths != n_timesteps
        if wrong.any() and n_timesteps != self.n_timesteps:
            self._refuse_length(int(np.argmax(wrong)), n_timesteps, name)
        _require_shape(array.shape[1:], 0, name)
        return array[np.arange(n_timesteps) < self.lengths[:, np.newaxis]]

    def _of_list(self, values, name):
        arrays = [_as_steps(one, sample, name) for sample, one in enumerate(values)]
        for sample, (array, length) in enumerate(zip(arrays, self.lengths, strict=True)):
            if len(array) != length:
                self._refuse_length(sample, len(array), name)
            _require_shape(array.shape, sample, name)
            if array.shape[1:] != arrays[0].shape[1:]:
                raise ValueError(
                    f"The steps of {name} are of shape {arrays[0].shape[1:]} in sample 0, but of"
                    f" shape {array.shape[1:]} in sample {sample}. All must have as many outputs."
                )
        # NumPy would make strings of numbers beside strings.
        is_mixed = len({array.dtype.kind == "U" for array in arrays}) > 1
        return np.concatenate(arrays, dtype=object if is_mixed else None)

    def _refuse_length(self, sample, n_given, name):
        raise ValueError(
            f"Sample {sample} of {name} has {n_given} steps, but sample {sample} of"
            f" {_data_of(name)} has {self.lengths[sample]}, and {_EACH}. For sequences of different"
            " lengths, and a padded X, pass a list with an array for each sample."
        )

    def in_form(self, flat):
        """What is of all steps end to end as an array (n, n_timesteps, ...) for an X that is an
        array without padding, else as a list with an array for each sequence.
        """
        n, n_timesteps = len(self.lengths), self.n_timesteps
        if n_timesteps is not None and (self.lengths == n_timesteps).all():
            return flat.reshape(n, n_timesteps, *flat.shape[1:])
        return np.split(flat, np.cumsum(self.lengths)[:-1])


def flat(X, y, predicted, sample_weight=None):
    """Targets, predictions and weights of all steps with a weight, each in one array, for a metric.

    Parameters
    ----------
    X : as in ``fit``
    y : array-like or list
        Targets of each step.
    predicted : ndarray or list of ndarray
        What a model says of X.
    sample_weight : array-like, list, number or None
        For each sample or for each step.
    """
    lengths = np.array([len(one) for one in predicted])
    shape = () if reading.elements(X) is not None else np.shape(X)
    steps = Steps(lengths, shape[1] if len(shape) == 3 else None)
    weights = steps.weights(sample_weight, np.float64, "sample_weight")
    counted = weights > 0.0
    targets, predicted = steps.end_to_end(y, "y"), np.concatenate(list(predicted))
    return targets[counted], predicted[counted], weights[counted]


def _data_of(name):
    return "X_val" if name.endswith("_val") else "X"


def _as_list(values):
    """A column of a data frame as a list of its cells, anything else as it is."""
    is_column = len(getattr(values, "shape", ())) == 1 and hasattr(values, "to_list")
    return values.to_list() if is_column else values


def _is_nested(values):
    """Whether there is an array or a list for each sample."""
    shape = getattr(values, "shape", None)
    if shape is not None and len(shape) != 1:
        return len(shape) > 1
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return False
    is_sequence = shape is not None or isinstance(values, (list, tuple))
    return is_sequence and any(has_length(one) for one in values)


def _as_array(values, name):
    """An array of two or more dimensions or a table as an array; else None."""
    if len(getattr(values, "shape", ())) < 2:
        return None
    array = np.asarray(values)
    if array.ndim < 2:  # as of a sparse matrix
        raise TypeError(
            f"{name} is of type {type(values).__name__}, but {_EACH}, in an array or a list."
        )
    return array


def _as_steps(values, sample, name):
    """What one sequence is given, as an array of any type."""
    if not has_length(values):
        raise ValueError(
            f"Sample {sample} of {name} is a single value, {values!r}, but {_EACH}.{_OF_SAMPLES}"
        )
    try:
        return without_made_strings(np.asarray(values), values)
    except ValueError as error:
        raise ValueError(
            f"Sample {sample} of {name} is no array of the same number of values for each step."
        ) from error


def _require_shape(shape, sample, name):
    if not 1 <= len(shape) <= 2 or 0 in shape[1:]:
        raise ValueError(
            f"Sample {sample} of {name} is of shape {shape}. Expected (n_timesteps,) or"
            " (n_timesteps, n_outputs)."
        )


def _told_flat(values):
    return f"shape {np.shape(values)}" if np.ndim(values) else f"a single value, {values!r}"
