"""Covariates that are known ahead: which columns they are, and their values behind a series."""

from numbers import Integral

import numpy as np

from skrnn.data.columns import is_frame, names_of
from skrnn.windows.series import Series, check_times, read


def declared(series, future, target):
    """The series, with covariates of their own beside it, and the columns that are known ahead.

    Parameters
    ----------
    series : Series
    future : as in `make_windows`
    target : int

    Returns
    -------
    series : Series
    known : list of int
        In the order of the series.
    """
    if future is None:
        return series, []
    if _is_table(future):
        series, known, n_ahead = _beside(series, future)
        if n_ahead:
            raise ValueError(
                f"future has {len(future)} rows, but series {len(future) - n_ahead}. It needs a "
                "row for each row of the series; those ahead are for forecast."
            )
        return series, known
    if isinstance(future, (str, Integral)):
        future = [future]
    if np.ndim(future) != 1:
        raise ValueError(
            "future must be a list of columns of the series, by name or number, or a table of "
            f"covariates, got an array of shape {np.shape(future)}."
        )
    known = sorted({series.column(key, "future") for key in future})
    if target in known:
        raise ValueError("future has the target's own column, which is not known ahead.")
    return series, known


def check_reach(known, window, horizon):
    """Refuse windows too short for the covariates of all steps to be forecast."""
    if known and window < horizon:
        raise ValueError(
            f"window={window} is shorter than horizon={horizon}, but with future a window needs "
            "a step for the covariates of each step that is to be forecast."
        )


def _is_table(future):
    """Whether these are values, and no columns of the series by name or number."""
    array = None if is_frame(future) else np.asarray(future)
    return array is None or array.ndim == 2 or (array.ndim == 1 and array.dtype.kind == "f")


def _is_own_table(future, series, times):
    """Whether these are covariates of all rows, and not some columns of the rows ahead."""
    if series.is_panel or len(future) <= len(series.values):
        return False
    names = names_of(future)
    if names is None or series.names is None:
        return True
    of_times = times if np.ndim(times) == 0 else None
    return any(name not in (*series.names, of_times) for name in names)


def _beside(series, future):
    """The series with a table of covariates beside it, their columns, and how many rows more."""
    table = read(future, argument="future")
    (n_rows, n_columns), (n_all, n_known) = series.values.shape, table.values.shape
    if n_all < n_rows:
        raise ValueError(
            f"future has {n_all} rows, but the series {n_rows}. As a table of its own it needs a "
            "row for each row of the series, and those ahead behind them."
        )
    values = np.full((n_all, n_columns + n_known), np.nan, series.values.dtype)
    values[:n_rows, :n_columns] = series.values
    values[:, n_columns:] = table.values
    names, rows = series.names, series.rows
    if names is not None:
        of_table = table.names or tuple(f"future {place}" for place in range(n_known))
        names = names + of_table
    if n_all > n_rows:
        rows = {None: np.arange(n_all)}
    times = series.times if n_all == n_rows else None
    known = list(range(n_columns, n_columns + n_known))
    return Series(values, names, rows, times), known, n_all - n_rows


def continued(series, future, times, groups, target):
    """The series with the rows ahead below it.

    Parameters
    ----------
    series : Series
        The history.
    future, times, groups : as in `forecast`
    target : int

    Returns
    -------
    series : Series
        With NaN where nothing is known.
    known : list of int
        Its columns that are known ahead.
    n_ahead : int
        Rows of each series ahead.
    """
    if _is_own_table(future, series, times):
        check_times(series)
        return _beside(series, future)
    if groups is not None and np.ndim(groups):
        raise ValueError(
            "With future, groups must be a column of history and of future, because the rows of "
            "future need groups too."
        )
    is_column = times is not None and np.ndim(times) == 0
    ahead = read(future, times if is_column else None, groups, "future")
    places = _places(ahead, series)
    values = np.full((len(ahead.values), series.values.shape[1]), np.nan, series.values.dtype)
    values[:, places] = ahead.values
    is_known = ~np.isnan(values).all(axis=0)
    if ahead.names is not None:
        is_known[places] = True
    is_known[target] = False
    n_ahead = _check_groups(ahead, series)
    n_rows = len(series.values)
    joined = Series(
        np.concatenate([series.values, values]),
        series.names,
        {group: np.r_[rows, n_rows + ahead.rows[group]] for group, rows in series.rows.items()},
        np.concatenate([series.times, ahead.times]) if is_column else None,
    )
    if not is_column:
        check_times(series)
    return joined, np.flatnonzero(is_known).tolist(), n_ahead


def _places(ahead, series):
    """Which column of the series each column of the rows ahead is."""
    if ahead.names is None:
        if ahead.values.shape[1] != series.values.shape[1]:
            raise ValueError(
                f"future has {ahead.values.shape[1]} columns, but history {series.values.shape[1]}."
                " An array has all columns of history, with NaN in those that are not known ahead."
            )
        return list(range(series.values.shape[1]))
    return [series.column(name, "A column of future") for name in ahead.names]


def _check_groups(ahead, series):
    """How many rows each series has ahead, which has to be the same number."""
    n_ahead = {group: len(rows) for group, rows in ahead.rows.items()}
    other = next((group for group in series.rows if group not in n_ahead), None)
    if series.is_panel and other is not None:
        raise ValueError(f"future has no row of group {other!r}, which history has.")
    counts = [n_ahead[group] for group in series.rows]
    wrong = next((group for group in series.rows if n_ahead[group] != counts[0]), None)
    if wrong is not None:
        one = next(iter(series.rows))
        raise ValueError(
            f"future has {counts[0]} rows of group {one!r}, but {n_ahead[wrong]} of {wrong!r}: it "
            "needs as many of each."
        )
    return counts[0]
