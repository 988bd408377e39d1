"""A y as the user gave it."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_array

from skrnn.data.checks import (
    TARGET_ADVICE,
    TARGET_AXES,
    at,
    naming,
    rectangular,
    refuse_complex,
    refuse_mask,
)

#: What follows where y has an axis of steps.
ONE_FOR_EACH_SEQUENCE = (
    " There is one prediction for each sequence; set return_sequences=True for one for each step."
)


class Given(NamedTuple):
    """A y as the user gave it, and what it is checked against.

    Attributes
    ----------
    y : array-like
    n_samples : int
        Samples in X, or with a target for each step the steps of all of them.
    weights : ndarray of shape (n_samples,)
        A sample of no weight counts for nothing.
    dtype : {"float32", "float64"}
        The precision of the model, which has to hold the targets.
    estimator_name, name : str
        For messages: of the estimator, and "y" or "y_val".
    axes : tuple of str or StepAxes
        For messages: what an index of y counts.
    lengths : ndarray of shape (n,) or None
        How many of these each sequence of X has, one after the other; None where it has one.
    """

    y: object
    n_samples: int
    weights: np.ndarray
    dtype: str = "float64"
    estimator_name: str = "This estimator"
    name: str = "y"
    axes: object = TARGET_AXES
    lengths: np.ndarray | None = None

    def at(self, *position):
        """Words for a place in y, as "sample 3, output 0"."""
        return at(position, self.axes)

    def array(self, advice=""):
        """y as an array of any type with as many elements as X has samples.

        Parameters
        ----------
        advice : str
            What to do about lists of different lengths.
        """
        if self.y is None:
            raise ValueError(
                f"This {self.estimator_name} estimator requires {self.name} to be passed, but the"
                f" target {self.name} is None."
            )
        refuse_mask(self.y, self.name, TARGET_ADVICE)
        y = self._rectangular(advice)
        refuse_complex(y, self.name)
        y = without_made_strings(y, self.y)
        array = check_array(
            y,
            dtype=None,
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite=False,
            ensure_min_samples=0,
            ensure_min_features=0,
            input_name=self.name,
        )
        if array.ndim == 0:
            raise TypeError(
                f"{self.name} must have one target, or one row of targets, for each sample. Got"
                f" a single object of type {type(self.y).__name__} instead."
            )
        if len(array) != self.n_samples:
            data = "X_val" if self.name == "y_val" else "X"
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: {data} has"
                f" {self.n_samples}, {self.name} has {len(array)}."
            )
        return np.asarray(array)

    def _rectangular(self, advice):
        unequal = (
            f"{self.name} must have one target, or the same number of targets, for each sample"
        )
        try:
            return rectangular(self.y, unequal)
        except ValueError as error:
            raise ValueError(f"{str(error).rstrip('.')}. {advice}".rstrip()) from error

    def naming(self):
        """Makes scikit-learn's errors name the right argument."""
        return naming(self.name, usual="y")


def without_made_strings(array, given):
    """The array that NumPy made of what is given, or its objects where it made strings of some.

    NumPy makes strings of the numbers beside a string, of NaN too.
    """
    if array is given or array.dtype.kind != "U":
        return array
    objects = np.asarray(given, dtype=object)
    return array if all(isinstance(one, str) for one in objects.ravel()) else objects
