"""Lag tables, as forecasting tools hand them over, as sequences in time order."""

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skrnn.callbacks import CallbackSupport, as_one_task
from skrnn.data.checks import refuse_mask
from skrnn.data.columns import labels_of, names_of, refuse_lazy, refuse_types


def is_flat(layout):
    """Whether there are columns to name."""
    return layout.flat


class LagLayout(TransformerMixin, CallbackSupport, BaseEstimator):
    """Lay the columns of a lag table out as steps in time order.

    Forecasting tools turn a series into a table of lags, newest first: ``lag_1, lag_2, ...``, of
    several series ``a_lag_1, a_lag_2, b_lag_1, b_lag_2``, with static and calendar columns behind.
    A recurrent net reads steps from the oldest to the newest, each with all that belongs to it. So
    the steps of the output are the lags from the largest to the smallest, and the features of a
    step are the series at that lag, in the order in which their columns come first, then all other
    columns, which are repeated at every step.

    Parameters
    ----------
    lags : int or sequence of int, default=None
        The lags that the columns of one series hold, in their order; an int n stands for 1 to n.
        None: the names of the columns say it; or, where `n_series` is given, all columns are lags,
        newest first.

    n_series : int, default=None
        The series there are, whose columns are the first of X, one series after the other. None:
        the names say it, or there is one.

    pattern : str, default=r"(?:(?P<series>.+?)_+)?lag_?(?P<lag>\\d+)"
        A regular expression for the whole name of a lag's column, with the group ``lag`` and, where
        there are several series, ``series``. Used if neither `lags` nor `n_series` is given.

    flat : bool, default=False
        False: the output is 3-D, ``(n_samples, n_timesteps_, n_features)``, which `RNNRegressor`
        and `RNNClassifier` read without further words. True: it is 2-D, one step after the other,
        which they read with ``n_timesteps`` set to `n_timesteps_`; ``set_output`` and
        ``get_feature_names_out`` are for this form.

    Attributes
    ----------
    n_timesteps_ : int
        Steps of the output.

    lags_ : ndarray of shape (n_timesteps_,)
        Their lags, the largest first.

    columns_ : ndarray of shape (n_timesteps_, n_features)
        For each step and feature the number of its column in X.

    n_features_in_ : int
        Columns of X.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X was a data frame with names that are all strings.

    See Also
    --------
    RNNRegressor : Reads the output.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrnn.windows import LagLayout
    >>> names = ["lag_1", "lag_2", "lag_3", "weekday"]
    >>> X = pd.DataFrame([[13.0, 12.0, 11.0, 4.0]], columns=names)
    >>> LagLayout().fit_transform(X)[0]
    array([[11.,  4.],
           [12.,  4.],
           [13.,  4.]])
    """

    __module__ = "skrnn.windows"  # by which pickles and lists of trusted types know it
    _doc_link_module = "skrnn"
    _doc_link_template = (
        "https://skrnn.readthedocs.io/en/latest/api/skrnn.windows.{estimator_name}.html"
    )

    def __init__(
        self,
        *,
        lags: int | Sequence[int] | None = None,
        n_series: int | None = None,
        pattern: str = r"(?:(?P<series>.+?)_+)?lag_?(?P<lag>\d+)",
        flat: bool = False,
    ):
        self.lags = lags
        self.n_series = n_series
        self.pattern = pattern
        self.flat = flat

    @as_one_task
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn where each lag stands.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            A lag table. NaN is passed on.

        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the columns are not those of whole series, or hold no numbers; named by column.
        """
        self._numbers(X, reset=True)
        names = getattr(self, "feature_names_in_", names_of(X))
        if self.lags is not None or self.n_series is not None:
            places, others = self._described()
        elif names is None:
            raise ValueError(
                "X has no column names (skforecast passes arrays), so lags must say what the first "
                "columns of a series are, as lags=24, and n_series how many series there are."
            )
        else:
            places, others = self._named(list(names))
        self.lags_ = np.array(sorted(next(iter(places.values())), reverse=True))
        self.n_timesteps_ = len(self.lags_)
        self.columns_ = np.array(
            [[*(of_series[lag] for of_series in places.values()), *others] for lag in self.lags_]
        )
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Lay out a lag table.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            With the columns of ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_timesteps_, n_features) or \
                (n_samples, n_timesteps_ * n_features)
            The latter if `flat`. In float32 if X is, else in float64.
        """
        check_is_fitted(self)
        ordered = self._numbers(X, reset=False)[:, self.columns_.ravel()]
        return ordered if self.flat else ordered.reshape(len(ordered), *self.columns_.shape)

    @available_if(is_flat)
    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Names of the flat columns.

        A lag keeps its name; a column that is repeated at each step gets the step's lag behind it.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X; those of ``fit`` if None.

        Returns
        -------
        ndarray of str
        """
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        is_repeated = (self.columns_ == self.columns_[0]).all(axis=0) & (self.n_timesteps_ > 1)
        found = [
            f"{names[column]}_at_lag_{lag}" if repeated else names[column]
            for lag, step in zip(self.lags_, self.columns_, strict=True)
            for column, repeated in zip(step, is_repeated, strict=True)
        ]
        return np.array(found, dtype=object)

    def _numbers(self, X, reset):
        """X as an array of numbers; remembers its columns, or compares them."""
        refuse_lazy(X)
        refuse_mask(X, "X", _MASK_ADVICE)
        refuse_types(X, "X")
        try:
            return validate_data(
                self, X, reset=reset, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan"
            )
        except (TypeError, ValueError) as error:
            _refuse_what_is_no_number(X, error)
            raise

    def _described(self):
        """Of each series the column of each lag, and the other columns, by their number."""
        n_series = 1 if self.n_series is None else self.n_series
        if not isinstance(n_series, Integral) or n_series < 1:
            raise ValueError(f"n_series must be a whole number from 1 on, got {n_series!r}.")
        n_columns, lags = self.n_features_in_, self.lags
        if lags is None:
            if n_columns % n_series:
                raise ValueError(
                    f"X has {n_columns} columns, which n_series={n_series} does not divide. Pass "
                    "lags too if columns that are no lags follow."
                )
            lags = n_columns // n_series
        lags = _distinct(lags)
        n_lags = n_series * len(lags)
        if n_lags > n_columns:
            raise ValueError(
                f"X has {n_columns} columns, but {len(lags)} lags of n_series={n_series} are "
                f"{n_lags}: lags={self.lags!r} does not describe this X."
            )
        starts = range(0, n_lags, len(lags))
        places = {start: dict(zip(lags, range(start, n_columns), strict=False)) for start in starts}
        return places, range(n_lags, n_columns)

    def _named(self, names):
        """Of each series the column of each lag, and the other columns, by their names."""
        groups = _groups(self.pattern)
        places, others = {}, []
        for column, name in enumerate(names):
            found = re.fullmatch(self.pattern, name)
            if found is None:
                others.append(column)
                continue
            of_series = places.setdefault(found["series"] if "series" in groups else None, {})
            lag = _lag(found["lag"], name)
            if lag in of_series:
                twice = names[of_series[lag]]
                raise ValueError(f"Columns {twice!r} and {name!r} of X are both the same lag.")
            of_series[lag] = column
        self._check_named(places, names)
        return places, others

    def _check_named(self, places, names):
        """Refuse a table without lags, and series that lack one which others have."""
        if not places:
            raise ValueError(
                f"No column of X is named as a lag: {names} against pattern={self.pattern!r}, "
                "which expects names as 'lag_1' or 'a_lag_1'. Rename them, pass a pattern, or say "
                "by lags and n_series what the first columns are."
            )
        lags = sorted({lag for of_series in places.values() for lag in of_series})
        for series, of_series in places.items():
            missing = [lag for lag in lags if lag not in of_series]
            if missing:
                has = [names[column] for column in of_series.values()]
                raise ValueError(
                    f"Series {series!r} lacks lag {missing[0]}, which another series has: of it X "
                    f"has {has}. Every series needs the same lags, {lags}."
                )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


#: What NumPy would drop.
_MASK_ADVICE = "Pass X.astype(float).filled(np.nan): NaN is passed on."


def _groups(pattern):
    """The groups of a regular expression that has one for the lag."""
    try:
        groups = re.compile(pattern).groupindex
    except (TypeError, re.error) as error:
        raise ValueError(
            f"pattern must be a regular expression, got {pattern!r}: {error}."
        ) from error
    if "lag" not in groups:
        raise ValueError(f"pattern must have a group (?P<lag>...), got {pattern!r}.")
    return groups


def _lag(text, name):
    """The lag that a column's name holds."""
    try:
        return int(text)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The group (?P<lag>...) of pattern finds {text!r} in column {name!r} of X, which is no"
            " whole number."
        ) from error


def _distinct(lags):
    """The lags that a user described, as a list."""
    found = range(1, lags + 1) if isinstance(lags, Integral) else lags
    found = list(found) if np.iterable(found) else []
    if not found or not all(isinstance(lag, Integral) for lag in found):
        raise ValueError(
            f"lags must be a number from 1 on, or a list of whole numbers, got {lags!r}."
        )
    if len(set(found)) < len(found):
        raise ValueError(f"lags must be different from each other, got {found}.")
    return found


def _refuse_what_is_no_number(X, error):
    """Name the first column of a data frame that no numbers can be made of."""
    for name in labels_of(X):
        column = np.asarray(X[name])
        try:
            column.astype(np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                f"Column {name!r} of X is of dtype {column.dtype} and begins with {column[0]!r}, "
                "but lags and the columns beside them must be numbers. Encode it first, as by "
                "OneHotEncoder in a ColumnTransformer, or leave it out."
            ) from error
        if np.isinf(column.astype(np.float64)).any():
            sample = int(np.argmax(np.isinf(column.astype(np.float64))))
            raise ValueError(
                f"Column {name!r} of X contains infinity: sample {sample}. Replace it by a number, "
                "or by NaN where the value is missing."
            ) from error
