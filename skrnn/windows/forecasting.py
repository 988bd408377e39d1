"""What follows the end of a series, by a model that was fitted on windows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skrnn.windows.covariates import check_reach, continued
from skrnn.windows.making import check_count, steps
from skrnn.windows.series import Series, check_times, read


def forecast(
    model: Any,
    history: ArrayLike,
    horizon: int,
    *,
    window: int | None = None,
    target: int | str = 0,
    future: ArrayLike | None = None,
    times: str | int | ArrayLike | None = None,
    groups: str | int | ArrayLike | None = None,
) -> Any:
    """Forecast the values that follow a series, or each of many.

    A model that was fitted on targets of `horizon` values forecasts all of them at once from the
    last window (direct). One of fewer, down to a single one, is asked again and again, with its
    forecasts in the place of the values that are not known yet (recursive).

    Parameters
    ----------
    model : fitted regressor
        Fitted on X and y of `make_windows`: a `RNNRegressor`, or a search, a pipeline or another
        estimator that reads a 3-D X.

    history : array-like of shape (n_rows,) or (n_rows, n_columns), or data frame
        The series up to now, with the columns that it had in `make_windows`. At least a window's
        rows; further ones before them are not used.

    horizon : int
        Rows that are to be forecast.

    window : int, default=None
        Rows of a window. None: as many as the model was fitted on (`RNNRegressor.n_timesteps_`).

    target : int or str, default=0
        The column that is forecast.

    future : array-like of shape (n_rows, n_columns), or data frame, default=None
        For a model with covariates known ahead: the rows that follow the history, in its form, as
        many as are forecast (for a model of several values, the next multiple of their number). A
        data frame has the columns that were declared as `future` in `make_windows`, and those
        of `times` and `groups`. An array has all columns of the history, with NaN in those that
        are not known ahead. The target's column is not looked at. If `future` was a table of its
        own in `make_windows`, it is one here too, with the rows of the history first.

    times, groups : str, int or array-like of shape (n_rows,), default=None
        As in `make_windows`. With `future`, `groups` has to be a column, of both.

    Returns
    -------
    ndarray of shape (horizon,), or dict
        The forecasts in time order; with `groups`, a dict of such arrays by group, in the order in
        which groups come first. If the model predicts several quantiles, arrays are of shape
        ``(horizon, n_quantiles)``.

    Raises
    ------
    ValueError
        If the history of a series is shorter than a window; if forecasts would have to be fed back
        beside columns that are not known ahead, or are several quantiles; as in `make_windows`.

    See Also
    --------
    make_windows : What the model is fitted on.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.windows import forecast, make_windows
    >>> series = np.sin(np.arange(200) * np.pi / 6)
    >>> X, y, _ = make_windows(series, window=24, horizon=12)
    >>> model = RNNRegressor(random_state=0).fit(X, y)
    >>> forecast(model, series, 12).round(1) + 0.0
    array([-0.9, -1. , -0.9, -0.5,  0. ,  0.5,  0.9,  1. ,  0.9,  0.5,  0. ,
           -0.5])
    """
    check_count("horizon", horizon)
    window = _attribute(model, "n_timesteps_") if window is None else window
    if window is None:
        raise ValueError(
            "The model does not say how many rows a window has, so pass window, as it was in "
            "make_windows."
        )
    check_count("window", window)
    series = read(history, times, groups, "history")
    _check_length(series, window)
    column, known, n_ahead = series.column(target, "target"), [], 0
    if future is not None:
        series, known, n_ahead = continued(series, future, times, groups, column)
    check_times(series)
    last = [series.values[rows[len(rows) - n_ahead - window :]] for rows in series.rows.values()]
    found = _run(model, np.stack(last), _Layout(window, column, known, series), horizon)
    return dict(zip(series.rows, found, strict=True)) if series.is_panel else found[0]


class _Layout(NamedTuple):
    """What a window is: its rows, the target's column, those known ahead, and whose they are."""

    window: int
    target: int
    known: list
    series: Series


def _run(model, values, layout, horizon):
    """Forecasts of each series.

    Parameters
    ----------
    model : regressor
    values : ndarray of shape (n_series, at least `window`, n_columns)
        The last window of each series, and below it the rows ahead, with NaN where nothing is
        known.
    layout : _Layout
    horizon : int

    Returns
    -------
    ndarray of shape (n_series, horizon) or (n_series, horizon, n_quantiles)
    """
    window = layout.window
    n_values = _values_at_once(model, values, layout)
    n_rows = -(-horizon // n_values) * n_values
    _check_known(values.shape[1] - window, n_values, n_rows, layout)
    missing = max(window + n_rows - values.shape[1], 0)
    values = np.pad(values, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan)
    found = []
    for start in range(0, n_rows, n_values):
        raw = np.asarray(model.predict(_windows(values, start, n_values, layout)))
        found.append(_by_row(raw, n_values))
        if start + n_values < n_rows:
            _check_fed_back(found[0], n_values, horizon, layout)
            values[:, start + window : start + window + n_values, layout.target] = found[-1]
    return np.concatenate(found, axis=1)[:, :horizon]


def _windows(values, start, n_values, layout):
    """The window of each series that begins at that row."""
    first = np.array([start])
    return np.concatenate(
        [steps(one, first, layout.window, n_values, layout.known) for one in values]
    )


def _values_at_once(model, values, layout):
    """How many values of a series the model forecasts by one prediction."""
    found = _attribute(model, "n_outputs_")
    if found is None:  # any window will do that has the right features
        raw = np.asarray(model.predict(_windows(values, 0, 0, layout)))
        found = 1 if raw.ndim == 1 else raw.shape[1]
    return found


def _by_row(raw, n_values):
    """Predictions as (n_series, n_values), with one more axis for several quantiles."""
    n_levels = raw.size // (len(raw) * n_values)
    return raw.reshape(len(raw), n_values, *([n_levels] if n_levels > 1 else []))


def _attribute(model, name):
    """A fitted attribute of the estimator that does the work inside of searches and pipelines."""
    while model is not None:
        if hasattr(model, name):
            return getattr(model, name)
        inner = (getattr(model, one, None) for one in ("best_estimator_", "regressor_"))
        last = model.steps[-1][1] if hasattr(model, "steps") else None
        model = next((one for one in inner if one is not None), last)
    return None


def _check_length(series, window):
    for group, rows in series.rows.items():
        if len(rows) < window:
            where = "" if group is None else f" of group {group!r}"
            raise ValueError(
                f"history{where} has {len(rows)} rows, but a window has {window}. Pass more of it, "
                "or NaN in the place of rows that there are none of."
            )


def _check_known(n_ahead, n_values, n_rows, layout):
    """Refuse rows ahead that are too few, or reach further than a window does."""
    if not layout.known:
        return
    check_reach(layout.known, layout.window, n_values)
    if n_ahead < n_rows:
        raise ValueError(
            f"future has {n_ahead} rows of each series, but {n_rows} are needed: the model "
            f"forecasts {n_values} at once."
        )


def _check_fed_back(found, n_values, horizon, layout):
    """Refuse what cannot take the place of values that are not known yet."""
    if found.ndim == 3:
        raise ValueError(
            f"The model predicts {found.shape[2]} quantiles of {n_values} values, which cannot be "
            f"fed back to forecast {horizon}. Fit it on windows with horizon={horizon}."
        )
    series, given = layout.series, {layout.target, *layout.known}
    unknown = [place for place in range(series.values.shape[1]) if place not in given]
    if unknown:
        names = unknown if series.names is None else [series.names[place] for place in unknown]
        raise ValueError(
            f"The model forecasts {n_values} values at once, so for {horizon} its forecasts have "
            f"to be fed back; but what the columns {names} will be is not known. Fit it on windows "
            f"with horizon={horizon}, or declare the columns as future and pass their values."
        )
