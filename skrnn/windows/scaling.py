"""Windows and their targets in units of each window, for series of many levels."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from skrnn.callbacks import CallbackSupport, task_of_part, with_callbacks
from skrnn.windows.making import check_count

#: The least scale of a window, as a share of its level: below it changes are taken for noise.
LEAST_SCALE = 0.01


class WindowScaledRegressor(RegressorMixin, MetaEstimatorMixin, CallbackSupport, BaseEstimator):
    """A regressor that sees each window, and forecasts it, in units of the window itself.

    One model for many series, or for one that grows, has to read windows of very different levels.
    Here the level of each window is subtracted from the target's own column and from y, and they
    are divided by its scale; predictions are put back. So what is learnt of one level holds for all
    others. With s the period, the level is the mean of a window's last s rows, and its scale the
    mean absolute difference of values s rows apart. In such units absolute errors are the terms of
    MASE (Hyndman and Koehler, 2006, doi:10.1016/j.ijforecast.2006.03.001).

    Parameters
    ----------
    regressor : estimator
        What is fitted on the scaled windows; it is cloned.

    period : int, default=1
        Rows of a season, such as 12 of months or 24 of hours, of which a window should have two.
        1: the level is the last value.

    target : int, default=0
        The column of X that y continues. No other column is scaled.

    Attributes
    ----------
    regressor_ : estimator
        The fitted one.

    See Also
    --------
    make_windows : Makes X and y.
    forecast : Takes this estimator as a model.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.windows import WindowScaledRegressor, forecast, make_windows
    >>> months = np.arange(96)
    >>> series = np.exp(0.02 * months) * (10 + np.sin(months * np.pi / 6))  # grows with its waves
    >>> X, y, _ = make_windows(series[:84], window=24, horizon=12)
    >>> model = WindowScaledRegressor(RNNRegressor(random_state=0), period=12).fit(X, y)
    >>> error = forecast(model, series[:84], 12) / series[84:] - 1
    >>> bool(np.abs(error).max() < 0.02)
    True
    """

    __module__ = "skrnn.windows"  # by which pickles and lists of trusted types know it
    _doc_link_module = "skrnn"
    _doc_link_template = (
        "https://skrnn.readthedocs.io/en/latest/api/skrnn.windows.{estimator_name}.html"
    )

    def __init__(self, regressor: Any, *, period: int = 1, target: int = 0):
        self.regressor = regressor
        self.period = period
        self.target = target

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the regressor on scaled windows.

        Parameters
        ----------
        X : array-like of shape (n_windows, window, n_features)

        y : array-like of shape (n_windows,) or (n_windows, horizon)

        X_val, y_val : default=None
            Validation data in the form of X and y, for a regressor that takes them.

        **fit_params : dict
            What else the regressor's ``fit`` takes, such as `sample_weight`, as it is.

        Returns
        -------
        self : object
        """
        check_count("period", self.period)
        if X_val is not None:
            scaled, *units = self._scaled(X_val, "X_val")
            y_val = None if y_val is None else _in_units(y_val, *units)
            fit_params |= {"X_val": scaled, "y_val": y_val}
        scaled, *units = self._scaled(X, "X")
        regressor = clone(self.regressor)
        with task_of_part(self, regressor):
            self.regressor_ = regressor.fit(scaled, _in_units(y, *units), **fit_params)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict in the units of y.

        Parameters
        ----------
        X : array-like of shape (n_windows, window, n_features)

        Returns
        -------
        ndarray
            Of the shape of the regressor's predictions.
        """
        check_is_fitted(self)
        scaled, level, scale = self._scaled(X, "X")
        found = np.asarray(self.regressor_.predict(scaled))
        return found * _beside(scale, found) + _beside(level, found)

    def _scaled(self, X, name):
        """X with its target's column in units of each window, and these units."""
        X = np.array(X)
        if X.ndim != 3 or X.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} must be an array of numbers, of shape (n_windows, window, n_features), "
                f"got one of shape {X.shape} and dtype {X.dtype}."
            )
        X = X if X.dtype == np.float32 else X.astype(np.float64)
        if not isinstance(self.target, Integral) or not 0 <= self.target < X.shape[2]:
            raise ValueError(
                f"target must be the number of one of the {X.shape[2]} columns of {name}, got "
                f"{self.target!r}."
            )
        level, scale = _units(X[:, :, self.target], self.period)
        X[:, :, self.target] -= level[:, np.newaxis]
        X[:, :, self.target] /= scale[:, np.newaxis]
        return X, level, scale

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags


def _units(values, period):
    """Level and scale of each window, of shape (n,).

    Parameters
    ----------
    values : ndarray of shape (n, window)
        NaN is a missing value.
    period : int
    """
    level = _mean(values[:, -period:], _mean(values, 0.0))
    changes = np.abs(values[:, period:] - values[:, :-period])
    distances = np.abs(values - level[:, np.newaxis])
    scale = _mean(changes, _mean(distances, 0.0))
    scale = np.maximum(scale, LEAST_SCALE * np.abs(level))
    return level, np.where(scale > 0, scale, 1.0).astype(values.dtype)


def _mean(values, otherwise):
    """Mean of each row's values that are there, `otherwise` where there are none."""
    is_there = ~np.isnan(values)
    n_there = is_there.sum(axis=1)
    total = np.where(is_there, values, 0.0).sum(axis=1)
    return np.where(n_there > 0, total / np.maximum(n_there, 1), otherwise).astype(values.dtype)


def _in_units(y, level, scale):
    y = np.asarray(y)
    return (y - _beside(level, y)) / _beside(scale, y)


def _beside(of_window, values):
    """A number of each window, to be combined with values of one axis or more."""
    return of_window.reshape(-1, *[1] * (values.ndim - 1))
