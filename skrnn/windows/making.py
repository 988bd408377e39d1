"""Windows of a series, and the values that follow each."""

from collections.abc import Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from skrnn.windows.covariates import check_reach, declared
from skrnn.windows.series import check_times, read


class Windows(NamedTuple):
    """Windows and what follows them.

    Attributes
    ----------
    X : ndarray of shape (n_windows, window, n_features)
        The windows, their steps in the order of time.
    y : ndarray of shape (n_windows,) or (n_windows, horizon)
        The target at the steps that follow each window; of one axis where `horizon` is 1.
    index : ndarray of shape (n_windows,)
        The row of the series that follows each window, in which the first value of y is.
    """

    X: np.ndarray
    y: np.ndarray
    index: np.ndarray  # type: ignore[assignment]  # hides the method of tuples


def make_windows(
    series: ArrayLike,
    window: int,
    horizon: int = 1,
    *,
    stride: int = 1,
    target: int | str = 0,
    future: Sequence[int | str] | ArrayLike | None = None,
    times: str | int | ArrayLike | None = None,
    groups: str | int | ArrayLike | None = None,
) -> Windows:
    """Cut a series, or many, into windows, each with the values that follow it.

    A window has the rows ``t - window`` to ``t - 1`` of the series, and its target are the rows
    ``t`` to ``t + horizon - 1`` of one column. So no window holds anything of its target's time or
    later, but for covariates that `future` declares to be known ahead.

    Parameters
    ----------
    series : array-like of shape (n_rows,) or (n_rows, n_columns), or data frame
        Numbers, a row for each time (pandas, polars, Arrow or NumPy). NaN is a missing value:
        windows keep it, as `RNNRegressor` reads it, but a window whose target has NaN is left out.

    window : int
        Rows of a window.

    horizon : int, default=1
        Rows that the target has.

    stride : int, default=1
        Rows from a window to the next one of the same series.

    target : int or str, default=0
        The column that is to be forecast. Numbers do not count the columns of times and groups.

    future : list of int or str, or array-like of shape (n_rows, n_covariates), default=None
        Covariates whose values are known before their time, such as the hour, holidays, prices, or
        a forecast of the weather: columns of the series, or a table of their own (of one axis only
        with floats), whose columns are then put beside those of the series. Each step of a window
        has their values `horizon` rows later too, as further features. So the last `horizon` steps
        have those of all steps that are to be forecast, and `window` must be `horizon` or more.

    times : str, int or array-like of shape (n_rows,), default=None
        The column, by name or number, or an array of times: numbers, dates or periods. They have
        to go up in equal steps, or in whole months. None: each row is one step after the last.

    groups : str, int or array-like of shape (n_rows,), default=None
        The column or an array that says to which series a row belongs, where there are many below
        each other. No window spans two. A series that is too short for a window has none.

    Returns
    -------
    Windows
        The named tuple ``(X, y, index)``. In float32 if the series is, else in float64. The windows
        of many series are in the order of time if `times` is given, so that the last of them are
        the latest, and else one series after the other.

    Raises
    ------
    ValueError
        If the series is too short for one window, is not numeric or is infinite, or times are
        missing, not in order, twice there, or have gaps; by row and column.

    See Also
    --------
    forecast : What follows the end of a series.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.windows import make_windows
    >>> X, y, index = make_windows(np.arange(6.0), window=3, horizon=2)
    >>> X.shape
    (2, 3, 1)
    >>> X[:, :, 0]
    array([[0., 1., 2.],
           [1., 2., 3.]])
    >>> y
    array([[3., 4.],
           [4., 5.]])
    >>> index
    array([3, 4])
    """
    for name, value in (("window", window), ("horizon", horizon), ("stride", stride)):
        check_count(name, value)
    read_series = read(series, times, groups)
    check_times(read_series)
    column = read_series.column(target, "target")
    read_series, known = declared(read_series, future, column)
    check_reach(known, window, horizon)
    parts = [
        _cut(read_series.values[rows], rows, window, horizon, stride, column, known)
        for rows in read_series.rows.values()
    ]
    _check_length(read_series, window, horizon)
    X, y, index = map(np.concatenate, zip(*parts, strict=True))
    if not len(y):
        raise ValueError(
            "No window is left: the target of each has NaN. Fill the gaps of the target, or ask "
            f"for a horizon shorter than {horizon}."
        )
    if read_series.is_panel and read_series.times is not None:
        order = np.argsort(read_series.times[index], kind="stable")
        X, y, index = X[order], y[order], index[order]
    return Windows(X, y[:, 0] if horizon == 1 else y, index)


def check_count(name, value):
    """Refuse what is no whole number from 1 on."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}.")


def steps(values, start, window, horizon, known):
    """The windows that begin at each row of `start`.

    Each step has all columns of its own row, and the known ones of `horizon` rows later.
    """
    rows = start[:, np.newaxis] + np.arange(window)
    if not known:
        return values[rows]
    return np.concatenate([values[rows], values[:, known][rows + horizon]], axis=2)


def _cut(values, rows, window, horizon, stride, column, known):
    """The windows of one series."""
    start = np.arange(0, len(values) - window - horizon + 1, stride)
    if not len(start):
        n_features = values.shape[1] + len(known)
        nothing = np.empty((0, window, n_features), values.dtype)
        return nothing, np.empty((0, horizon), values.dtype), np.empty(0, int)
    y = sliding_window_view(values[:, column], horizon)[start + window]
    has_target = ~np.isnan(y).any(axis=1)
    start, y = start[has_target], y[has_target]
    return steps(values, start, window, horizon, known), y, rows[start + window]


def _check_length(series, window, horizon):
    longest = max(series.rows, key=lambda group: len(series.rows[group]))
    n_rows = len(series.rows[longest])
    if n_rows < window + horizon:
        which = f"the longest series, {longest!r}," if series.is_panel else "the series"
        raise ValueError(
            f"window={window} and horizon={horizon} need {window + horizon} rows, but {which} has "
            f"{n_rows}. Make them smaller."
        )
