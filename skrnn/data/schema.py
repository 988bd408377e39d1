"""What X was in ``fit``, which every later X has to match."""

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from skrnn.data import reading
from skrnn.data.checks import is_finite
from skrnn.data.sequences import Sequences

_OF_ROWS = ("table", "flat")


@dataclass(frozen=True)
class Schema:
    """What X was.

    Attributes
    ----------
    form : {"table", "flat", "array", "list"}
        As in :class:`skrnn.data.reading.Reading`.
    n_columns : int
        ``n_features_in_``.
    n_features : int
        Per step.
    n_timesteps : int or None
        The parameter of that name in ``fit``.
    names : tuple of str or None
        ``feature_names_in_``.
    dtype : {"float32", "float64"}
        The precision that every X is brought to.
    estimator_name : str
        For messages.
    """

    form: str
    n_columns: int
    n_features: int
    n_timesteps: int | None
    names: tuple | None
    dtype: str
    estimator_name: str

    @classmethod
    def learn(cls, X, *, n_timesteps=None, dtype=None, estimator_name="This estimator"):
        """Read an X that need not match anything; parameters and errors as in `reading.read`.

        Returns
        -------
        schema : Schema
        sequences : Sequences
        """
        sequences, form, n_columns = reading.read(
            X, n_timesteps=n_timesteps, dtype=dtype, estimator_name=estimator_name
        )
        names = None
        if form in _OF_ROWS:
            columns = _stand_in(estimator_name)
            validate_data(columns, X, reset=True, skip_check_array=True)
            names = getattr(columns, "feature_names_in_", None)
        schema = cls(
            form,
            n_columns,
            sequences.n_features,
            n_timesteps,
            None if names is None else tuple(names.tolist()),
            sequences.values.dtype.name,
            estimator_name,
        )
        return schema, sequences

    @property
    def is_table(self):
        """Whether each column is a step with a mean and scale of its own."""
        return self.form == "table"

    def read(self, X, n_timesteps=None):
        """Read another X.

        Parameters
        ----------
        X : any form that `reading.read` takes
            It need not be the form of ``fit``; it must have the same features per step, and, if
            both are 2-D, the same columns.
        n_timesteps : int, default=None
            The estimator's parameter now. A model that was fitted on 2-D rows goes on reading them
            as in ``fit``.

        Returns
        -------
        Sequences

        Raises
        ------
        ValueError, TypeError
            As `reading.read`, and if X does not match.
        """
        if self.form in _OF_ROWS:
            n_timesteps = self.n_timesteps
        plain = self._as_it_is(X, n_timesteps)
        if plain is not None:
            return plain
        opened = reading.open_input(X, self.estimator_name)
        # The columns first: to a user who left one out, "n_timesteps does not divide" says less.
        if reading.is_2d(opened) and self.form in _OF_ROWS:
            validate_data(self._columns(), X, reset=False, skip_check_array=True)
        found = reading.cut(opened, n_timesteps, self.dtype)
        self._check_features_per_step(found)
        if self.is_table:
            self._check_lengths(found.sequences)
        return found.sequences

    def _as_it_is(self, X, n_timesteps):
        """X as Sequences where it is just what the model works on, else None.

        A single row takes less time to predict than all checks take. So this refuses nothing, warns
        of nothing and converts nothing: whatever is out of the ordinary goes the long way, which
        gives the same Sequences.
        """
        if type(X) is not np.ndarray or X.dtype != self.dtype:
            return None
        if not (X.size and X.flags.c_contiguous):
            return None
        if self.form in _OF_ROWS:
            fits = X.ndim == 2 and X.shape[1] == self.n_columns and self.names is None
        else:
            fits = X.ndim == 3 and X.shape[2] == self.n_features
            fits = fits and n_timesteps in (None, X.shape[1])
        if not (fits and is_finite(X)):
            return None
        return Sequences.from_array(X.reshape(len(X), -1, self.n_features))

    def _columns(self):
        """What scikit-learn checks the columns of a later X against."""
        columns = _stand_in(self.estimator_name)
        columns.n_features_in_ = self.n_columns
        if self.names is not None:
            columns.feature_names_in_ = np.array(self.names, dtype=object)
        return columns

    def _check_features_per_step(self, found):
        expected, n_features = self.n_features, found.sequences.n_features
        if n_features == expected:
            return
        name = self.estimator_name
        if found.form == "table":
            raise ValueError(
                f"X is 2-D with {found.n_columns} columns and n_timesteps=None, which means one"
                f" feature per step, but {name} was fitted on {expected} features per step. Pass a"
                f" 3-D X of shape (n_samples, n_timesteps, {expected}) or a list of (T_i,"
                f" {expected}) arrays, or set n_timesteps to the number of steps in a row."
            )
        raise ValueError(
            f"X has {n_features} features, but {name} is expecting {expected} features as input at"
            " each step."
        )

    def _check_lengths(self, sequences):
        wrong = np.flatnonzero(sequences.lengths != self.n_columns)
        if len(wrong):
            name, n_columns, length = self.estimator_name, self.n_columns, sequences.lengths
            raise ValueError(
                f"Sample {wrong[0]} of X has {length[wrong[0]]} steps, but {name} was fitted"
                f" on a plain table of {n_columns} columns, where each column is a step with a mean"
                f" and scale of its own: every sequence must have {n_columns} steps. For sequences"
                " of any length, fit on a 3-D X or a list of arrays, or set n_timesteps."
            )

    def to_state(self):
        """A dict of numbers and strings."""
        return asdict(self)


def _stand_in(estimator_name):
    """An estimator for scikit-learn to write an X's columns to, and to check others against.

    The real one is not touched, so a call that is refused leaves it as it was.
    """
    return _named(estimator_name)()


@lru_cache(maxsize=16)
def _named(estimator_name):
    return type(estimator_name, (BaseEstimator,), {})
