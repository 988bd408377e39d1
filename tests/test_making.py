"""make_windows: what a window is, no look-ahead, panels, tables of all kinds, errors by place."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skrnn.windows import Windows, make_windows

FRAMES = [pd.DataFrame, pl.DataFrame]
SERIES = np.column_stack([np.arange(20.0), 100 + np.arange(20.0), 200 + np.arange(20.0)])


def naive(values, window, horizon, stride=1, target=0, future=()):
    """Windows of one series, one at a time."""
    X, y, index = [], [], []
    for t in range(window, len(values) - horizon + 1, stride):
        after = values[t : t + horizon, target]
        if np.isnan(after).any():
            continue
        rows = [
            [*values[row], *(values[row + horizon, column] for column in future)]
            for row in range(t - window, t)
        ]
        X.append(rows)
        y.append(after)
        index.append(t)
    return np.array(X), np.array(y), np.array(index)


def same(found, X, y, index):
    np.testing.assert_array_equal(found.X, X)
    np.testing.assert_array_equal(found.y, y[:, 0] if y.shape[1] == 1 else y)
    np.testing.assert_array_equal(found.index, index)


@pytest.mark.parametrize("window", [1, 4, 7])
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("target", [0, 2])
@pytest.mark.parametrize("future", [None, [1]])
def test_windows_are_those_that_are_cut_one_by_one(window, horizon, stride, target, future):
    window = max(window, horizon if future else 1)
    found = make_windows(
        SERIES, window, horizon, stride=stride, target=target, future=future, times=None
    )
    assert isinstance(found, Windows)
    same(found, *naive(SERIES, window, horizon, stride, target, future or ()))
    assert found.X.flags.c_contiguous


def test_a_series_of_one_axis_is_one_feature():
    found = make_windows(SERIES[:, 0], 4, 2)
    same(found, *naive(SERIES[:, :1], 4, 2))
    X, y, index = make_windows(list(SERIES[:, 0]), 4)
    assert X.shape == (16, 4, 1)
    assert y.shape == index.shape == (16,)
    np.testing.assert_array_equal(y, SERIES[index, 0])
    for Column in (pd.Series, pl.Series):
        same(make_windows(Column(SERIES[:, 0]), 4, 2), *naive(SERIES[:, :1], 4, 2))


def test_the_shortest_series_has_one_window():
    X, y, index = make_windows(SERIES[:7], 4, 3)
    assert X.shape == (1, 4, 3)
    assert y.tolist() == [[4.0, 5.0, 6.0]]
    assert index.tolist() == [4]


def test_future_columns_reach_the_last_step_to_be_forecast_and_no_further():
    X, _, index = make_windows(SERIES, 5, 3, future=[2, 1])
    assert X.shape == (13, 5, 5)
    for x, t in zip(X, index, strict=True):
        np.testing.assert_array_equal(x[-3:, 3], SERIES[t : t + 3, 1])  # in the series' own order
        np.testing.assert_array_equal(x[-3:, 4], SERIES[t : t + 3, 2])
        np.testing.assert_array_equal(x[:, :3], SERIES[t - 5 : t])


@pytest.mark.parametrize("Table", [np.array, *FRAMES])
def test_covariates_may_be_a_table_of_their_own(Table):
    expected = make_windows(SERIES, 5, 3, future=[1, 2])
    same(
        make_windows(SERIES[:, 0], 5, 3, future=Table(SERIES[:, 1:])),
        expected.X,
        expected.y,
        expected.index,
    )
    one = make_windows(SERIES[:, 0], 5, 3, future=SERIES[:, 1])
    np.testing.assert_array_equal(one.X, expected.X[:, :, [0, 1, 3]])
    group, _, value = panel()
    more = np.column_stack([value, -value])
    found = make_windows(value, 3, 2, groups=group, future=-value[:, np.newaxis])
    by_column = make_windows(more, 3, 2, groups=group, future=[1])
    same(found, by_column.X, by_column.y, by_column.index)


@pytest.mark.parametrize("seed", range(20))
def test_a_later_value_changes_no_earlier_window(seed):
    """Whatever is changed at time t, windows that end before t stay as they are, to the bit."""
    rng = np.random.default_rng(seed)
    n_rows, n_columns = int(rng.integers(12, 40)), int(rng.integers(1, 4))
    window, horizon, stride = (int(n) for n in rng.integers(1, 5, size=3))
    window = max(window, horizon)
    groups = rng.integers(0, 2, n_rows) if seed % 2 else None
    future = [n_columns - 1] if n_columns > 1 and seed % 3 else None
    series = rng.normal(size=(n_rows, n_columns))
    series[rng.random(series.shape) < 0.05] = np.nan
    settings = {"stride": stride, "groups": groups}
    before = make_windows(series, window, horizon, future=future, **settings)
    row = int(rng.integers(0, n_rows))
    observed = [column for column in range(n_columns) if column not in (future or ())]
    changed = series.copy()
    changed[row, observed] = rng.normal(size=len(observed))
    after = make_windows(changed, window, horizon, future=future, **settings)
    X = dict(zip(after.index.tolist(), after.X, strict=True))
    earlier = [n for n, t in enumerate(before.index.tolist()) if t <= row and t in X]
    for n in earlier:
        np.testing.assert_array_equal(before.X[n], X[before.index[n]])
    if groups is not None:  # nor any window of another series
        others = np.flatnonzero(groups[before.index] != groups[row])
        for n in others:
            np.testing.assert_array_equal(before.X[n], X[before.index[n]])
    assert len(before.index) == 0 or row < before.index[0] or earlier or groups is not None


def test_what_is_known_ahead_changes_windows_by_no_more_than_the_horizon():
    before = make_windows(SERIES, 4, 2, future=[1])
    changed = SERIES.copy()
    changed[12, 1] = -1.0
    after = make_windows(changed, 4, 2, future=[1])
    differ = (before.X != after.X).any(axis=(1, 2))
    assert before.index[differ].tolist() == list(range(11, 17))


def panel(Frame=None):
    """Rows of two series that take turns, of different lengths, and a third that is too short."""
    group = np.array(list("abababababaaab") + ["c"] * 3)
    time = np.zeros(len(group), int)
    for name in "abc":
        time[group == name] = np.arange((group == name).sum()) + (1 if name == "b" else 0)
    value = 10.0 * (group == "b") + time + 0.5
    if Frame is None:
        return group, time, value
    return Frame({"id": group, "time": time, "value": value, "more": -value})


@pytest.mark.parametrize("Frame", FRAMES)
def test_windows_of_a_panel_are_those_of_each_series(Frame):
    frame = panel(Frame)
    group, _, value = panel()
    found = make_windows(frame, 3, 2, target="value", times="time", groups="id")
    by_group = {}
    for n, t in enumerate(found.index.tolist()):
        by_group.setdefault(str(group[t]), []).append(n)
    assert set(by_group) == {"a", "b"}
    for name, windows in by_group.items():
        own = np.flatnonzero(group == name)
        X, y, index = naive(np.column_stack([value, -value])[own], 3, 2)
        windows = np.array(windows)[np.argsort(found.index[windows])]
        np.testing.assert_array_equal(found.X[windows], X)
        np.testing.assert_array_equal(found.y[windows], y)
        np.testing.assert_array_equal(found.index[windows], own[index])


def test_windows_of_a_panel_come_in_the_order_of_time_or_of_series():
    group, time, value = panel()
    ordered = make_windows(value, 3, times=time, groups=group)
    assert (np.diff(time[ordered.index]) >= 0).all()
    apart = make_windows(value, 3, groups=group)
    assert sorted(group[apart.index].tolist()) == group[apart.index].tolist()
    assert sorted(ordered.index.tolist()) == sorted(apart.index.tolist())


def test_a_long_table_of_numbers_has_its_columns_by_number():
    group, time, value = panel()
    codes = np.unique(group, return_inverse=True)[1]
    table = np.column_stack([codes, time, value])
    same(
        make_windows(table, 3, 2, times=1, groups=0),
        *make_windows(value[:, np.newaxis], 3, 2, times=time, groups=group)[:3],
    )


@pytest.mark.parametrize("Frame", FRAMES)
def test_a_frame_is_read_by_the_names_of_its_columns(Frame):
    frame = Frame({"when": np.arange(20), "a": SERIES[:, 0], "b": SERIES[:, 1], "c": SERIES[:, 2]})
    found = make_windows(frame, 4, 2, target="b", future=["c"], times="when")
    same(found, *naive(SERIES, 4, 2, 1, 1, [2]))
    same(make_windows(frame, 4, 2, target=1, times="when"), *naive(SERIES, 4, 2, 1, 1))


def test_arrow_tables_are_frames_too():
    arrow = pytest.importorskip("pyarrow")
    frame = arrow.table({"a": SERIES[:, 0], "b": SERIES[:, 1]})
    same(make_windows(frame, 4, 2, target="b"), *naive(SERIES[:, :2], 4, 2, 1, 1))


def test_a_missing_value_stays_in_windows_and_takes_targets_out():
    series = SERIES.copy()
    series[8, 0] = series[10, 1] = np.nan
    found = make_windows(series, 4, 2)
    same(found, *naive(series, 4, 2))
    assert not {7, 8} & set(found.index.tolist())
    assert np.isnan(found.X).any()
    assert not np.isnan(found.y).any()
    nullable = pd.DataFrame({"a": pd.array([1, 2, None, 4, 5, 6], dtype="Int64")})
    assert make_windows(nullable, 2).index.tolist() == [3, 4, 5]
    with pytest.raises(ValueError, match="No window is left: the target of each has NaN"):
        make_windows(np.r_[np.arange(4.0), np.nan], 4)


def test_precision_is_kept_and_the_series_is_not_written_to():
    series = SERIES.astype(np.float32)
    X, y, _ = make_windows(series, 4)
    assert X.dtype == y.dtype == np.float32
    X[:] = y[:] = 0.0
    np.testing.assert_array_equal(series, SERIES)
    assert make_windows(SERIES.astype(int), 4).X.dtype == np.float64
    assert make_windows(pd.DataFrame({"a": series[:, 0]}), 4).X.dtype == np.float32
    mixed = pd.DataFrame({"a": series[:, 0], "b": np.full(len(series), 1.0 + 1e-12)})
    assert (make_windows(mixed, 4).X[:, :, 1] == np.float64(1.0 + 1e-12)).all()


REGULAR = {
    "numbers": np.arange(12) * 5,
    "fractions": np.arange(12) * 0.1,
    "differences": np.arange(12) * np.timedelta64(1, "h"),
    "hours": pd.date_range("2024-03-30", periods=12, freq="h"),
    "hours of a zone": pd.date_range("2024-03-30 20:00", periods=12, freq="h", tz="Europe/Paris"),
    "days": np.arange("2024-02-25", "2024-03-08", dtype="datetime64[D]"),
    "months": pd.date_range("2024-01-01", periods=12, freq="MS"),
    "ends of months": pd.date_range("2024-01-31", periods=12, freq="ME"),
    "quarters": pd.period_range("2021Q1", periods=12, freq="Q"),
    "years": pd.date_range("2001-01-01", periods=12, freq="YS"),
    "polars": pl.Series(np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("M8[D]")),
    "Python's dates": [day.date() for day in pd.date_range("2024-02-25", periods=12)],
}


@pytest.mark.parametrize("times", REGULAR)
def test_times_at_equal_distances_are_taken(times):
    found = make_windows(np.arange(12.0), 3, times=REGULAR[times])
    assert len(found.y) == 9


@pytest.mark.parametrize("times", [name for name in REGULAR if name != "Python's dates"])
def test_what_is_wrong_with_times_is_said_by_place(times):
    times = REGULAR[times]
    rows = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    series = np.arange(11.0)
    with pytest.raises(ValueError, match=r"times has a gap, .* in row 4 to .* in row 5: most "):
        make_windows(series, 3, times=times[rows])
    rows[5] = 4
    with pytest.raises(ValueError, match=r"times has .* twice, in rows 4 and 5. Keep one"):
        make_windows(series, 3, times=times[rows])
    rows[5] = 2
    with pytest.raises(ValueError, match=r"times goes back from .* in row 4 to .* in row 5"):
        make_windows(series, 3, times=times[rows])


def test_words_of_times():
    times = pd.date_range("2024-01-01", periods=12, freq="MS").delete(5)
    words = "from 2024-05-01 in row 4 to 2024-07-01 in row 5: most steps are 1 months"
    with pytest.raises(ValueError, match=words):
        make_windows(np.arange(11.0), 3, times=times)
    times = pd.date_range("2024-01-01", periods=12, freq="h").delete(5)
    words = "from 2024-01-01T04:00 in row 4 to 2024-01-01T06:00 in row 5: most steps are 1:00:00"
    with pytest.raises(ValueError, match=words):
        make_windows(np.arange(11.0), 3, times=times)
    group, time, value = panel()
    time[(group == "b") & (time > 3)] += 1
    with pytest.raises(ValueError, match=r"times of group 'b' has a gap, .* from 3 in row 5 to 5"):
        make_windows(value, 3, times=time, groups=group)


def test_the_usual_step_is_the_most_frequent_one_not_the_shortest():
    words = "from 6 in row 3 to 7 in row 4: most steps are 2"
    with pytest.raises(ValueError, match=words):
        make_windows(np.arange(7.0), 3, times=[0, 2, 4, 6, 7, 9, 11])


def test_two_series_as_one_are_told_apart_in_words():
    with pytest.raises(ValueError, match="If it holds several series, tell them apart by groups"):
        make_windows(np.arange(8.0), 2, times=[0, 1, 2, 3] * 2)


FRAME = pd.DataFrame({"id": ["a"] * 8, "x": np.arange(8.0), "z": np.arange(8.0)})
REFUSED = {
    "too short": ((np.arange(5.0), 4, 2), {}, "window=4 and horizon=2 need 6 rows, but the series"),
    "all too short": (
        (FRAME, 8),
        {"groups": "id"},
        "need 9 rows, but the longest series, 'a', has 8",
    ),
    "window": ((SERIES, 0), {}, "window must be a whole number from 1 on, got 0"),
    "horizon": ((SERIES, 2, 1.5), {}, "horizon must be a whole number from 1 on, got 1.5"),
    "stride": ((SERIES, 2), {"stride": True}, "stride must be a whole number from 1 on, got True"),
    "target": ((SERIES, 2), {"target": 3}, "target is 3, which is no column of a series with 3"),
    "its name": ((FRAME[["x"]], 2), {"target": "y"}, "target is 'y', .* the columns ['x']"),
    "future": ((SERIES, 2), {"future": ["x"]}, "future is 'x', which is no column"),
    "rows of future": ((SERIES, 2), {"future": SERIES[:9]}, "future has 9 rows, but the series 20"),
    "further rows": ((SERIES[:9], 2), {"future": SERIES}, "future has 20 rows, but series 9"),
    "3-D future": (
        (SERIES, 2),
        {"future": SERIES[None]},
        "future must be a list of columns",
    ),
    "the target in future": ((SERIES, 2), {"future": [0]}, "future has the target's own column"),
    "far future": ((SERIES, 2, 3), {"future": [1]}, "window=2 is shorter than horizon=3"),
    "no column of times": ((FRAME, 2), {"times": "t"}, "times is 't', but series has ['id'"),
    "times of another length": ((SERIES, 2), {"times": [1, 2]}, "times must be a column of series"),
    "times as text": ((SERIES, 2), {"times": ["1"] * 20}, "times must be numbers or dates, but"),
    "no time": ((SERIES, 2), {"times": np.r_[0.0, np.nan, 2:20]}, "times is missing in row 1"),
    "no group": ((SERIES, 2), {"groups": [*"aab", None, *"b" * 16]}, "groups is missing in row 3"),
    "text": ((FRAME, 2), {}, "Column 'id' of series must be numeric"),
    "text in an array": (
        (np.array([["1", "2"]] * 4), 2),
        {},
        "series is of dtype <U1, but",
    ),
    "infinity": ((np.r_[0.0, 1.0, np.inf], 2), {}, "series contains infinity: row 2, column 0"),
    "by name": (
        (FRAME[["x", "z"]].replace(3.0, np.inf), 2),
        {},
        "series contains infinity: row 3, column 0 ('x')",
    ),
    "3-D": (
        (np.ones((2, 3, 4)), 2),
        {},
        "series must be of shape (n_rows,) or",
    ),
    "ragged": (([[1.0, 2.0], [1.0]], 2), {}, "different lengths. Several series go below each"),
    "empty": ((np.empty(0), 2), {}, "got (0,)"),
    "no series": (({"a": [1.0]}, 2), {}, "series must be of shape (n_rows,) or .* got dict"),
    "only groups": ((FRAME[["id"]], 2), {"groups": "id"}, "series has no column beside those of"),
    "masked": (
        (np.ma.array(np.arange(9.0), mask=[1] + [0] * 8), 2),
        {},
        "series is a masked array",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_cut_is_refused_in_words(case):
    arguments, keywords, words = REFUSED[case]
    words = re.escape(words).replace(r"\.\*", ".*")
    with pytest.raises(ValueError, match=words):
        make_windows(*arguments, **keywords)


def test_no_compiler_is_imported():
    code = "import sys; from skrnn.windows import make_windows; print('numba' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]
