"""A y as the user gave it."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length

from skrnn.data.checks import TARGET_ADVICE, naming, rectangular, refuse_complex, refuse_mask


class Given(NamedTuple):
    """A y as the user gave it, and what it is checked against.

    Attributes
    ----------
    y : array-like
    n_samples : int
        Samples in X.
    weights : ndarray of shape (n_samples,)
        A sample of no weight counts for nothing.
    dtype : {"float32", "float64"}
        The precision of the model, which has to hold the targets.
    estimator_name, name : str
        For messages: of the estimator, and "y" or "y_val".
    """

    y: object
    n_samples: int
    weights: np.ndarray
    dtype: str = "float64"
    estimator_name: str = "This estimator"
    name: str = "y"

    def array(self):
        """y as an array of any type with as many elements as X has samples."""
        if self.y is None:
            raise ValueError(
                f"This {self.estimator_name} estimator requires {self.name} to be passed, but the"
                f" target {self.name} is None."
            )
        unequal = (
            f"{self.name} must have one target, or the same number of targets, for each sample"
        )
        refuse_mask(self.y, self.name, TARGET_ADVICE)
        y = rectangular(self.y, unequal)
        refuse_complex(y, self.name)
        if y is not self.y and y.dtype.kind == "U":
            # NumPy makes strings of the numbers beside a string, of NaN too.
            objects = np.asarray(self.y, dtype=object)
            y = y if all(isinstance(one, str) for one in objects.ravel()) else objects
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
        with self.naming():
            check_consistent_length(range(self.n_samples), array)
        return np.asarray(array)

    def naming(self):
        """Makes scikit-learn's errors name the right argument."""
        return naming(self.name, usual="y")
