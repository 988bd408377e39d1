"""One series or many, of any kind: their numbers, whose rows they are, and times in order."""

from numbers import Integral, Number
from typing import NamedTuple

import numpy as np

from skrnn.data.checks import as_float, at, first, is_missing, numbers, refuse_mask
from skrnn.data.columns import names_of

AXES = ("row", "column")


class Series(NamedTuple):
    """What was read.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Without the columns of times and groups.
    names : tuple of str or None
        Of the columns.
    rows : dict
        The rows of each group in their order; of a single series all, by the key None.
    times : ndarray of shape (n_rows,) or None
        As numbers or dates.
    """

    values: np.ndarray
    names: tuple | None
    rows: dict
    times: np.ndarray | None

    @property
    def is_panel(self):
        """Whether there are groups."""
        return None not in self.rows

    def column(self, key, argument):
        """The number of a column that is given by its name or number."""
        n_columns = self.values.shape[1]
        if self.names is not None and key in self.names:
            return self.names.index(key)
        if isinstance(key, Integral) and -n_columns <= key < n_columns:
            return int(key) % n_columns
        known = f"{n_columns} columns" if self.names is None else f"the columns {list(self.names)}"
        raise ValueError(
            f"{argument} is {key!r}, which is no column of a series with {known} (those of times "
            "and groups are not counted)."
        )


def read(series, times=None, groups=None, argument="series"):
    """Read a series or a panel.

    Parameters
    ----------
    series : array-like of shape (n_rows,) or (n_rows, n_columns), or data frame
        NaN is a missing value.
    times, groups : column of `series`, or array-like of shape (n_rows,), default=None
    argument : str
        What `series` is called in messages.

    Returns
    -------
    Series
        Its times have not been checked.

    Raises
    ------
    ValueError, TypeError
        If this is no table of numbers, or `times` or `groups` is of another length; by row and
        column.
    """
    refuse_mask(series, argument, "Pass it as x.astype(float).filled(np.nan).")
    table = series if names_of(series) is not None else _array(series, argument)
    apart = {}
    for name, key in (("times", times), ("groups", groups)):
        apart[name] = _beside(table, key, name, argument)
    taken = [place for place, _ in apart.values() if place is not None]
    names, values = _numbers(table, taken, argument)
    _refuse_infinite(values, names, argument)
    times = apart["times"][1]
    rows = _rows_of(apart["groups"][1], len(values))
    return Series(values, names, rows, None if times is None else _as_times(times))


def _array(series, argument):
    try:
        array = np.asarray(series)
    except ValueError as error:
        raise ValueError(
            f"{argument} must be one series, (n_rows,) or (n_rows, n_columns), but its rows are of "
            "different lengths. Several series go below each other, with groups to tell them apart."
        ) from error
    if array.ndim not in (1, 2) or not array.size:
        got = array.shape if array.ndim else type(series).__name__
        raise ValueError(
            f"{argument} must be of shape (n_rows,) or (n_rows, n_columns), got {got}. "
            "Several series go below each other, with groups to tell them apart."
        )
    return array.reshape(len(array), -1)


def _beside(table, key, name, argument):
    """The number of a column of the table, if key is one, and the cells."""
    if key is None:
        return None, None
    if np.ndim(key) == 0:
        place = _place(table, key, name, argument)
        return place, _cells(table, place)
    cells = np.asarray(key)
    if cells.ndim != 1 or len(cells) != len(table):
        raise ValueError(
            f"{name} must be a column of {argument} or an array with a value for each of its "
            f"{len(table)} rows, got an array of shape {cells.shape}."
        )
    return None, cells


def _place(table, key, name, argument):
    names = names_of(table)
    if names is not None and key in names:
        return names.index(key)
    if names is None and isinstance(key, Integral) and 0 <= key < table.shape[1]:
        return int(key)
    columns = f"{table.shape[1]} columns without names" if names is None else list(names)
    raise ValueError(f"{name} is {key!r}, but {argument} has {columns}.")


def _cells(table, place):
    names = names_of(table)
    return table[:, place] if names is None else np.asarray(table[names[place]])


def _numbers(table, taken, argument):
    """Names and numbers of the columns that are not taken."""
    names, advice = (
        names_of(table),
        " Encode it first, leave it out, or pass it as times or groups.",
    )
    n_columns = table.shape[1] if names is None else len(names)
    left = [place for place in range(n_columns) if place not in taken]
    if not left:
        raise ValueError(f"{argument} has no column beside those of times and groups.")
    if names is None:
        return None, as_float(numbers(table[:, left], argument, AXES, None, advice), None)
    columns = []
    for place in left:
        where = f"Column {names[place]!r} of {argument}"
        columns.append(numbers(_cells(table, place), where, AXES[:1], None, advice))
    single = all(column.dtype == np.float32 for column in columns)
    values = np.column_stack(columns).astype(np.float32 if single else np.float64)
    return tuple(names[place] for place in left), values


def _refuse_infinite(values, names, argument):
    infinite = np.isinf(values)
    if infinite.any():
        raise ValueError(
            f"{argument} contains infinity: {at(first(infinite), AXES, names)}. Replace it by a "
            "number, or by NaN where the value is missing."
        )


def _rows_of(groups, n_rows):
    """The rows of each group, groups in the order in which they come first."""
    if groups is None:
        return {None: np.arange(n_rows)}
    number_of = {}
    codes = np.array([number_of.setdefault(group, len(number_of)) for group in groups.tolist()])
    missing = next((number for group, number in number_of.items() if is_missing(group)), None)
    if missing is not None:
        raise ValueError(f"groups is missing in row {first(codes == missing)[0]}.")
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return dict(zip(number_of, parts, strict=True))


# Times


def _as_times(times):
    """Times as numbers or dates that can be subtracted."""
    if times.dtype.kind in "iufmM":
        return times
    one = times[0]
    if isinstance(one, Number):
        return numbers(times, "times", AXES[:1])
    if hasattr(one, "ordinal"):  # pandas' periods
        return np.array([period.ordinal for period in times])
    if hasattr(one, "toordinal"):
        if getattr(one, "tzinfo", None) is not None:
            return np.array([time.timestamp() for time in times])
        return np.array(times.tolist(), dtype="datetime64[us]")
    raise ValueError(
        f"times must be numbers or dates, but begins with {one!r} of type {type(one).__name__}. "
        "Parse text first, as by pd.to_datetime."
    )


def _words(times, row):
    """A time as a message says it."""
    one = times[row]
    return np.datetime_as_string(one, unit="auto") if times.dtype.kind == "M" else str(one)


def check_times(series):
    """Refuse times that are missing, not in order, twice there, or not equally far apart.

    Dates may also be whole months apart: the same day of each, or the last.

    Parameters
    ----------
    series : Series
        Without times, nothing is checked.
    """
    times = series.times
    if times is None:
        return
    if (times != times).any():
        raise ValueError(f"times is missing in row {first(times != times)[0]}.")
    for group, rows in series.rows.items():
        _check_order(times, rows, group)
    counts = _counted(times, series.rows.values())
    steps = {group: np.diff(counts[rows]) for group, rows in series.rows.items()}
    found, n_times = np.unique(np.concatenate(list(steps.values())), return_counts=True)
    usual = found[np.argmax(n_times)] if len(found) else 0
    for group, of_group in steps.items():
        _check_gaps(of_group, usual, times, series.rows[group], group)


def _check_order(times, rows, group):
    of_group = times[rows]
    wrong = np.flatnonzero(of_group[1:] <= of_group[:-1])
    if not len(wrong):
        return
    one, other = rows[wrong[0]], rows[wrong[0] + 1]
    words = [_words(times, row) for row in (one, other)]
    advice = "" if group is not None else " If it holds several series, tell them apart by groups."
    if times[one] == times[other]:
        raise ValueError(
            f"times{_of(group)} has {words[0]} twice, in rows {one} and {other}. Keep one row of "
            f"each time.{advice}"
        )
    raise ValueError(
        f"times{_of(group)} goes back from {words[0]} in row {one} to {words[1]} in row {other}. "
        f"Sort the rows by time.{advice}"
    )


def _check_gaps(steps, usual, times, rows, group):
    """Refuse the first step that is another than the usual one."""
    is_other = steps != usual
    if steps.dtype.kind == "f":
        is_other = ~np.isclose(steps, usual, rtol=1e-6, atol=0.0)
    if not is_other.any():
        return
    place = int(np.argmax(is_other))
    one, other = rows[place], rows[place + 1]
    raise ValueError(
        f"times{_of(group)} has a gap, or a step too short, from {_words(times, one)} in row {one}"
        f" to {_words(times, other)} in row {other}: most steps are {_step(usual, times)}. Put "
        "rows of NaN where rows are missing. Where rows follow each other whatever the calendar "
        "says, as trading days do, leave times out."
    )


def _of(group):
    return "" if group is None else f" of group {group!r}"


def _step(usual, times):
    if usual.dtype.kind == "m":
        return str(usual.astype("timedelta64[us]").item())
    return f"{usual} months" if times.dtype.kind == "M" else str(usual)


def _counted(times, parts):
    """Times of whole months as numbers of months, all others as they are."""
    if times.dtype.kind != "M":
        return times
    steps = np.concatenate([np.diff(times[rows]) for rows in parts])
    if (steps == steps[:1]).all():
        return times
    day = np.timedelta64(1, "D")
    for moved in (times, times + day):
        months = moved.astype("datetime64[M]")
        into_month = moved - months
        if (into_month == into_month[0]).all() and (moved is times or into_month[0] < day):
            return months.astype(np.int64)
    return times
