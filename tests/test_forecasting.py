"""forecast: direct, recursive, with covariates known ahead, of panels; what it refuses."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNRegressor
from skrnn.windows import forecast, make_windows

FRAMES = [pd.DataFrame, pl.DataFrame]


def small(**parameters):
    """A net without its linear path, which a few epochs suffice for."""
    settings = {"linear_path": None, "max_iter": 5, "random_state": 0}
    return RNNRegressor(4, **(settings | parameters))


def flat_linear():
    """A linear model on windows, exact on the series here; it does not say what a window is."""
    return make_pipeline(FunctionTransformer(lambda X: X.reshape(len(X), -1)), LinearRegression())


def wave(n_rows, period=12, height=1.0):
    return height * np.sin(2 * np.pi * np.arange(n_rows) / period)


def test_direct_is_the_prediction_of_the_last_window():
    series = np.column_stack([wave(80), wave(80, 7)])
    X, y, _ = make_windows(series, 10, 6)
    model = small().fit(X, y)
    expected = model.predict(series[np.newaxis, -10:])[0]
    np.testing.assert_array_equal(forecast(model, series, 6), expected)
    np.testing.assert_array_equal(forecast(model, series, 4), expected[:4])
    np.testing.assert_array_equal(forecast(model, series[-10:], 6), expected)


def test_recursive_feeds_each_forecast_back():
    series = wave(80)
    X, y, _ = make_windows(series, 10)
    model = small().fit(X, y)
    rows = series.tolist()
    for _ in range(7):
        rows.append(model.predict(np.array(rows[-10:]).reshape(1, 10, 1))[0])
    np.testing.assert_array_equal(forecast(model, series, 7), rows[80:])


def test_several_values_at_once_are_fed_back_together():
    series = wave(80)
    X, y, _ = make_windows(series, 10, 3)
    model = small().fit(X, y)
    rows = series.tolist()
    for _ in range(3):
        rows.extend(model.predict(np.array(rows[-10:]).reshape(1, 10, 1))[0])
    np.testing.assert_array_equal(forecast(model, series, 7), rows[80:87])
    np.testing.assert_array_equal(forecast(model, series, 9), rows[80:])


def exogenous(n_rows):
    """The target follows from its last value and two covariates of the same time."""
    rng = np.random.default_rng(0)
    known = rng.normal(size=(n_rows, 2))
    target = np.zeros(n_rows)
    for t in range(1, n_rows):
        target[t] = 0.5 * target[t - 1] + known[t, 0] - 2.0 * known[t, 1]
    return np.column_stack([known[:, 0], target, known[:, 1]])


def with_gaps(rows):
    """The rows ahead as an array has them: NaN in the column of the target."""
    return np.where(np.arange(3) == 1, np.nan, rows)


@pytest.mark.parametrize("n_values", [1, 3, 5])
def test_covariates_known_ahead_are_read_at_the_steps_that_are_forecast(n_values):
    series = exogenous(200)
    past, after = series[:185], series[185:]
    X, y, _ = make_windows(past, 6, n_values, target=1, future=[0, 2])
    model = flat_linear().fit(X, y)
    settings = {"window": 6, "target": 1}
    found = forecast(model, past, 5, future=with_gaps(after), **settings)
    np.testing.assert_allclose(found, after[:5, 1], atol=1e-8)
    if n_values == 1:
        found = forecast(model, past, 15, future=with_gaps(after), **settings)
        np.testing.assert_allclose(found, after[:, 1], atol=1e-8)


@pytest.mark.parametrize("Frame", FRAMES)
def test_covariates_in_a_frame_are_found_by_name_in_any_order(Frame):
    series = exogenous(100)
    names = ["price", "sold", "rain"]
    times = np.arange("2024-01-01", "2024-04-10", dtype="datetime64[D]")
    table = dict(zip(names, series[:90].T, strict=True)) | {"day": times[:90]}
    ahead = {"rain": series[90:, 2], "day": times[90:], "price": series[90:, 0]}
    settings = {"target": "sold", "times": "day"}
    X, y, _ = make_windows(Frame(table), 6, future=["rain", "price"], **settings)
    model = flat_linear().fit(X, y)
    found = forecast(model, Frame(table), 10, window=6, future=Frame(ahead), **settings)
    np.testing.assert_allclose(found, series[90:, 1], atol=1e-8)
    leaking = ahead | {"sold": np.full(10, 99.0)}  # a frame of a test set: not looked at
    again = forecast(model, Frame(table), 10, window=6, future=Frame(leaking), **settings)
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("n_values", [1, 3])
def test_covariates_of_their_own_go_on_behind_the_history(n_values):
    series = exogenous(200)
    sold, known = series[:185, 1], series[:, [0, 2]]
    X, y, _ = make_windows(sold, 6, n_values, future=known[:185])
    model = flat_linear().fit(X, y)
    found = forecast(model, sold, 3 if n_values == 3 else 15, window=6, future=known)
    np.testing.assert_allclose(found, series[185 : 185 + len(found), 1], atol=1e-8)
    frame = pd.DataFrame({"sold": sold, "day": range(185)})
    again = forecast(
        model, frame, 3, window=6, times="day", future=pd.DataFrame(known, columns=["a", "b"])
    )
    np.testing.assert_array_equal(again, found[:3])
    with pytest.raises(ValueError, match="times has a gap"):
        forecast(model, frame.drop(index=50), 3, window=6, times="day", future=known[1:])


def test_a_last_window_and_more_rows_ahead_than_it_has():
    names, known = ["price", "sold", "rain"], ["price", "rain"]
    table = pd.DataFrame(exogenous(100), columns=names).assign(day=range(100))
    settings = {"target": "sold", "times": "day"}
    X, y, _ = make_windows(table[:90], 6, future=known, **settings)
    model = flat_linear().fit(X, y)
    ahead = table.loc[90:, [*known, "day"]]
    found = forecast(model, table[84:90], 10, window=6, future=ahead, **settings)
    np.testing.assert_allclose(found, table["sold"][90:], atol=1e-8)
    last = table.loc[84:89].drop(columns="day")
    settings = {"target": "sold", "times": table["day"][84:90], "window": 6}
    again = forecast(model, last, 10, future=ahead.drop(columns="day"), **settings)
    np.testing.assert_array_equal(again, found)


def test_a_covariate_of_a_frame_may_be_missing_as_a_whole():
    settings = {"target": "sold", "times": "day"}
    X, y, _ = make_windows(FRAME.drop(columns="item"), 6, future=["price", "rain"], **settings)
    model = small().fit(X, y)
    ahead = NEXT.drop(columns="item").assign(rain=np.nan)
    found = forecast(model, FRAME.drop(columns="item"), 3, future=ahead, **settings)
    assert np.isfinite(found).all()


def long_table(parts, names=("item", "week", "sold", "price")):
    """Series of three columns each as one long table, in which they take turns."""
    rows = [
        (name, week, *row)
        for name, (start, part) in parts.items()
        for week, row in enumerate(part, start=start)
    ]
    rows.sort(key=lambda row: (row[1], row[0]))
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def items(n_ahead=0):
    """Two items' history, of different length, and if wanted the rows behind."""
    one, other = exogenous(130)[:, [1, 0]], exogenous(111)[:, [1, 0]] * [3.0, 1.0]
    if n_ahead:
        return {"a": (120, one[120:]), "b": (101, other[101:])}
    return {"a": (0, one[:120]), "b": (0, other[:101])}


@pytest.mark.parametrize("Frame", FRAMES)
@pytest.mark.parametrize("n_values", [1, 4])
def test_a_panel_is_forecast_as_each_of_its_series(n_values, Frame):
    settings = {"target": "sold", "times": "week"}
    history, ahead = Frame(long_table(items())), Frame(long_table(items(10)))
    X, y, _ = make_windows(history, 8, n_values, future=["price"], groups="item", **settings)
    model = small().fit(X, y)
    found = forecast(model, history, 4, future=ahead, groups="item", **settings)
    assert list(found) == ["a", "b"]
    for name in "ab":
        own, behind = (Frame(long_table({name: of[name]})) for of in (items(), items(10)))
        own, behind = (
            table.drop(columns="item") if Frame is pd.DataFrame else table.drop("item")
            for table in (own, behind)
        )
        alone = forecast(model, own, 4, future=behind, **settings)
        np.testing.assert_array_equal(found[name], alone)


def test_a_panel_with_more_rows_ahead_than_behind():
    history, ahead = (pd.DataFrame(long_table(of)) for of in (items(), items(10)))
    settings = {"target": "sold", "times": "week", "groups": "item"}
    X, y, _ = make_windows(history, 6, future=["price"], **settings)
    model = small().fit(X, y)
    last = history.groupby("item").tail(6)
    found = forecast(model, last, 10, future=ahead, **settings)
    expected = forecast(model, history, 10, future=ahead, **settings)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_a_panel_of_arrays():
    series, groups = np.r_[wave(60), wave(50, height=2.0)], np.repeat([7, 3], [60, 50])
    X, y, _ = make_windows(series, 10, groups=groups)
    model = small().fit(X, y)
    found = forecast(model, series, 5, groups=groups)
    assert list(found) == [7, 3]
    np.testing.assert_array_equal(found[7], forecast(model, series[:60], 5))
    np.testing.assert_array_equal(found[3], forecast(model, series[60:], 5))


def test_the_window_is_found_inside_of_searches_and_pipelines():
    series = wave(80)
    X, y, _ = make_windows(series, 10, 2)
    expected = forecast(small().fit(X, y), series, 4)
    search = GridSearchCV(small(), {"max_iter": [5]}, cv=2).fit(X, y)
    pipeline = make_pipeline(FunctionTransformer(), small()).fit(X, y)
    around = TransformedTargetRegressor(small(), func=np.array, inverse_func=np.array).fit(X, y)
    flat = small(n_timesteps=10).fit(X.reshape(len(X), -1), y)
    for model in (search, pipeline, around, flat):
        np.testing.assert_array_equal(forecast(model, series, 4), expected)


def test_what_models_say_of_the_length_of_their_sequences():
    X, y, _ = make_windows(wave(60), 10)
    assert small().fit(X, y).n_timesteps_ == 10
    assert small().fit(list(X), y).n_timesteps_ == 10
    assert small().fit([X[0, :4], *X[1:]], y).n_timesteps_ is None
    assert small().fit([X[0, :4], *X[1:]], y, np.r_[0.0, np.ones(49)]).n_timesteps_ == 10
    assert small().fit(X[:, :, 0], y).n_timesteps_ is None


def test_quantiles_are_forecast_at_once():
    series = wave(80)
    X, y, _ = make_windows(series, 10, 3)
    levels = {"loss": "quantile", "quantile": [0.1, 0.9]}
    model = small(**levels).fit(X, y)
    np.testing.assert_array_equal(
        forecast(model, series, 3), model.predict(series[np.newaxis, -10:, np.newaxis])[0]
    )
    with pytest.raises(ValueError, match="predicts 2 quantiles of 3 values, which cannot be fed"):
        forecast(model, series, 4)
    X, y, _ = make_windows(series, 10)
    model = small(**levels).fit(X, y)
    assert forecast(model, series, 1).shape == (1, 2)
    with pytest.raises(ValueError, match="predicts 2 quantiles of 1 values, which cannot be fed"):
        forecast(model, series, 2)
    median = small(loss="quantile").fit(X, y)
    assert forecast(median, series, 3).shape == (3,)


def test_missing_values_in_the_history_are_for_the_model():
    series = wave(80)
    series[-1] = np.nan
    X, y, _ = make_windows(series, 10, 2)
    model = small().fit(X, y)
    assert np.isfinite(forecast(model, series, 4)).all()


SERIES = exogenous(60)
ONE = small().fit(*make_windows(SERIES[:, 1], 6)[:2])
THREE = small().fit(*make_windows(SERIES, 6, 3, target=1)[:2])
AHEAD = small().fit(*make_windows(SERIES, 6, 3, target=1, future=[0, 2])[:2])
LINEAR = flat_linear().fit(*make_windows(SERIES[:, 1], 6)[:2])
FRAME = pd.DataFrame(SERIES, columns=["price", "sold", "rain"]).assign(item="a", day=range(60))
NEXT = pd.DataFrame({"price": [1.0] * 3, "rain": 1.0, "day": [60, 61, 62], "item": "a"})
BY_NAME = {"target": "sold", "times": "day", "groups": "item"}
REFUSED = {
    "a short history": ((ONE, SERIES[:5, 1], 2), {}, "history has 5 rows, but a window has 6"),
    "a short group": (
        (ONE, np.arange(10.0), 2),
        {"groups": [*"a" * 7, *"b" * 3]},
        "history of group 'b' has 3 rows, but a window has 6",
    ),
    "horizon": ((ONE, SERIES[:, 1], 0), {}, "horizon must be a whole number from 1 on, got 0"),
    "no window": ((LINEAR, SERIES[:, 1], 2), {}, "The model does not say how many rows a window"),
    "not known": (
        (THREE, SERIES, 4),
        {"target": 1},
        "The model forecasts 3 values at once, so for 4 .* the columns [0, 2] will be is not known",
    ),
    "too few rows": (
        (AHEAD, SERIES, 3),
        {"target": 1, "future": with_gaps(SERIES[:2])},
        "future has 2 rows of each series, but 3 are needed: the model forecasts 3 at once",
    ),
    "no rows ahead": ((AHEAD, SERIES, 3), {"target": 1}, "X has 3 features at each step, but"),
    "other columns": (
        (AHEAD, SERIES, 3),
        {"target": 1, "future": SERIES[:3, :2]},
        "future has 2 columns, but history 3. An array has all columns of history",
    ),
    "an unknown column": (
        (AHEAD, FRAME, 3),
        BY_NAME | {"future": NEXT.assign(snow=1.0)},
        "A column of future is 'snow', which is no column of a series with the columns ['price'",
    ),
    "a group without rows": (
        (AHEAD, FRAME, 3),
        BY_NAME | {"future": NEXT.assign(item="b")},
        "future has no row of group 'a'",
    ),
    "other groups by array": (
        (AHEAD, FRAME[["price", "sold", "rain"]], 3),
        {"target": "sold", "groups": ["a"] * 60, "future": NEXT},
        "With future, groups must be a column of history and of future",
    ),
    "times that do not go on": (
        (AHEAD, FRAME, 3),
        BY_NAME | {"future": NEXT.assign(day=[61, 62, 63])},
        "times of group 'a' has a gap, or a step too short, from 59 in row 59 to 61 in row 60",
    ),
    "times of the past": (
        (AHEAD, FRAME, 3),
        BY_NAME | {"future": NEXT.assign(day=[59, 60, 61])},
        "times of group 'a' has 59 twice, in rows 59 and 60",
    ),
    "gaps in the history": (
        (ONE, SERIES[:, 1], 3),
        {"times": np.r_[:30, 31:61]},
        "times has a gap, or a step too short, from 29 in row 29 to 31 in row 30",
    ),
    "gaps in the history, with rows ahead": (
        (AHEAD, SERIES, 3),
        {"target": 1, "future": with_gaps(SERIES[:3]), "times": np.r_[:30, 31:61]},
        "times has a gap, or a step too short, from 29 in row 29 to 31 in row 30",
    ),
    "numbers of rows that differ": (
        (AHEAD, pd.concat([FRAME, FRAME.assign(item="b")]), 3),
        BY_NAME | {"future": pd.concat([NEXT, NEXT[:2].assign(item="b")])},
        "future has 3 rows of group 'a', but 2 of 'b': it needs as many of each",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_forecast_is_refused_in_words(case):
    arguments, keywords, words = REFUSED[case]
    words = re.escape(words).replace(r"\.\*", ".*")
    with pytest.raises(ValueError, match=words):
        forecast(*arguments, **keywords)
