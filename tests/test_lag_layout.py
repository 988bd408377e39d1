"""LagLayout: where each lag goes, by names and by description, and the conventions it follows."""

import datetime
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from skrnn import RNNRegressor
from skrnn.windows import LagLayout

checks = parametrize_with_checks([LagLayout(n_series=1), LagLayout(n_series=1, flat=True)]).mark
# Arrays of other libraries are not promised, and their check would only skip.
CHECKS = [pair for pair in checks.args[1] if "array_api" not in repr(pair)]


@pytest.mark.parametrize(checks.args[0], CHECKS, **checks.kwargs)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def host_table(series, lags, n_statics=0):
    """Series (n, k) as a host's lag table, newest first, series by series; and the targets' rows.

    A static column holds a hundred times the row.
    """
    first = max(lags)
    rows = np.arange(first, len(series))
    columns = [series[rows - lag, k] for k in range(series.shape[1]) for lag in lags]
    columns += [100.0 * rows + s for s in range(n_statics)]
    return np.column_stack(columns), rows


SERIES = np.arange(20.0)[:, np.newaxis] + [0.0, 0.25]


@pytest.mark.parametrize("lags", [[1, 2, 3], [3, 1, 2], [1, 7, 4]])
@pytest.mark.parametrize("n_statics", [0, 2])
@pytest.mark.parametrize("k", [1, 2])
def test_steps_are_in_time_order_with_all_series_and_the_rest_repeated(k, n_statics, lags):
    X, rows = host_table(SERIES[:, :k], lags, n_statics)
    layout = LagLayout(lags=lags, n_series=k).fit(X)
    found = layout.transform(X)
    assert found.shape == (len(rows), 3, k + n_statics)
    oldest_first = sorted(lags, reverse=True)
    for row, steps in zip(rows, found, strict=True):
        np.testing.assert_array_equal(steps[:, :k], SERIES[row - np.array(oldest_first), :k])
        np.testing.assert_array_equal(
            steps[:, k:], [[100.0 * row, 100.0 * row + 1][:n_statics]] * 3
        )
    assert layout.n_timesteps_ == 3
    assert layout.lags_.tolist() == oldest_first
    flat = LagLayout(lags=lags, n_series=k, flat=True).fit(X)
    np.testing.assert_array_equal(flat.transform(X), found.reshape(len(rows), -1))


def names_of(host, n_lags=3):
    """Names of the columns of two series and a calendar column, as hosts give them."""
    lags = range(1, n_lags + 1)
    return {
        "skforecast": [f"{s}_lag_{lag}" for s in "ab" for lag in lags] + ["weekday"],
        "by lag": [f"{s}_lag_{lag}" for lag in lags for s in "ab"] + ["weekday"],
        "mlforecast": [f"{s}_lag{lag}" for s in "ab" for lag in lags] + ["weekday"],
        "sktime": [f"{s}__lag_{lag}" for s in "ab" for lag in lags] + ["weekday"],
        "calendar first": ["weekday"] + [f"{s}_lag_{lag}" for s in "ab" for lag in lags],
    }[host]


HOSTS = ["skforecast", "by lag", "mlforecast", "sktime", "calendar first"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("Frame", [pd.DataFrame, pl.DataFrame])
def test_names_say_where_a_lag_is(Frame, host):
    X, _ = host_table(SERIES, [1, 2, 3], 1)
    expected = LagLayout(lags=3, n_series=2).fit_transform(X)
    by_name = dict(zip(names_of("skforecast"), X.T, strict=True))
    own = names_of(host)
    plain = [name.replace("__", "_").replace("lag", "lag_").replace("__", "_") for name in own]
    frame = Frame({name: by_name[key] for name, key in zip(own, plain, strict=True)})
    layout = LagLayout().fit(frame)
    np.testing.assert_array_equal(layout.transform(frame), expected)
    if hasattr(FunctionTransformer().fit(frame), "feature_names_in_"):  # 1.7: none of polars 2
        assert layout.feature_names_in_.tolist() == own


def test_one_series_needs_no_name_and_lags_above_nine_are_numbers():
    lags = [*range(1, 13)]
    X, _ = host_table(SERIES[:, :1], lags)
    frame = pd.DataFrame(X, columns=[f"lag_{lag}" for lag in lags])
    found = LagLayout().fit_transform(frame)
    np.testing.assert_array_equal(found[:, :, 0], X[:, ::-1])
    np.testing.assert_array_equal(found, LagLayout(n_series=1).fit_transform(X))


def test_a_name_that_only_ends_like_a_lag_is_another_column():
    frame = pd.DataFrame([[1.0, 2.0, 3.0]], columns=["lag_1", "lag_2", "flag_1"])
    assert LagLayout().fit_transform(frame).tolist() == [[[2.0, 3.0], [1.0, 3.0]]]


def test_a_pattern_of_ones_own():
    frame = pd.DataFrame([[1.0, 2.0, 9.0]], columns=["t-1", "t-2", "c"])
    found = LagLayout(pattern=r"t-(?P<lag>\d+)").fit_transform(frame)
    assert found.tolist() == [[[2.0, 9.0], [1.0, 9.0]]]


def test_a_description_counts_more_than_names():
    frame = pd.DataFrame([[1.0, 2.0]], columns=["lag_2", "lag_1"])
    assert LagLayout().fit_transform(frame).ravel().tolist() == [1.0, 2.0]
    assert LagLayout(lags=2).fit_transform(frame).ravel().tolist() == [2.0, 1.0]
    assert LagLayout(n_series=1).fit_transform(frame).ravel().tolist() == [2.0, 1.0]


def test_names_of_the_flat_columns():
    X, _ = host_table(SERIES, [1, 2], 1)
    frame = pd.DataFrame(X, columns=names_of("skforecast", 2))
    layout = LagLayout(flat=True).set_output(transform="pandas")
    found = layout.fit_transform(frame)
    expected = ["a_lag_2", "b_lag_2", "weekday_at_lag_2", "a_lag_1", "b_lag_1", "weekday_at_lag_1"]
    assert found.columns.tolist() == layout.get_feature_names_out().tolist() == expected
    np.testing.assert_array_equal(found["weekday_at_lag_2"], frame["weekday"])
    np.testing.assert_array_equal(found["a_lag_2"], frame["a_lag_2"])
    unnamed = LagLayout(lags=2, n_series=2, flat=True).fit(X)
    assert unnamed.get_feature_names_out()[:2].tolist() == ["x1", "x3"]
    one = LagLayout(flat=True).fit(pd.DataFrame([[1.0, 2.0]], columns=["lag_1", "c"]))
    assert one.get_feature_names_out().tolist() == ["lag_1", "c"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        layout.get_feature_names_out(list("abcde"))


def test_steps_in_three_dimensions_have_no_columns_to_name():
    X, _ = host_table(SERIES, [1, 2])
    layout = LagLayout(n_series=2).fit(X)
    assert not hasattr(layout, "get_feature_names_out")
    with config_context(transform_output="pandas"):
        assert type(layout.transform(X)) is np.ndarray


def test_precision_missing_values_and_copies():
    X, _ = host_table(SERIES, [1, 2])
    X[0, 1] = np.nan
    kept = X.copy()
    layout = LagLayout(n_series=2).fit(X.astype(np.float32))
    assert layout.transform(X.astype(np.float32)).dtype == np.float32
    found = layout.transform(X)
    assert found.dtype == np.float64
    assert np.argwhere(np.isnan(found)).tolist() == [[0, 0, 0]]
    found[:] = 0.0
    np.testing.assert_array_equal(X, kept)
    assert layout.transform(X.tolist()).shape == found.shape


def test_clone_and_pickle():
    X, _ = host_table(SERIES, [1, 4], 1)
    layout = LagLayout(lags=(1, 4), n_series=2, flat=True).fit(X)
    again = pickle.loads(pickle.dumps(layout))
    np.testing.assert_array_equal(again.transform(X), layout.transform(X))
    assert clone(layout).get_params() == layout.get_params()
    assert not hasattr(clone(layout), "columns_")


def test_before_a_net_in_a_search_both_forms_give_the_same_model():
    rng = np.random.default_rng(0)
    series = np.sin(np.arange(80.0) / 3.0)[:, np.newaxis] + 0.1 * rng.normal(size=(80, 1))
    X, rows = host_table(series, [1, 2, 3, 4], 1)
    frame, y = pd.DataFrame(X, columns=[*(f"lag_{n}" for n in range(1, 5)), "c"]), series[rows, 0]
    net = RNNRegressor(4, max_iter=5, random_state=0, linear_path=None)
    on_steps = make_pipeline(LagLayout(), net).fit(frame, y)
    flat = make_pipeline(LagLayout(flat=True), clone(net).set_params(n_timesteps=4)).fit(frame, y)
    np.testing.assert_array_equal(on_steps.predict(frame), flat.predict(frame))
    assert on_steps[-1].n_features_in_ == 2
    grid = {"rnnregressor__max_iter": [1, 5]}
    search = GridSearchCV(
        make_pipeline(LagLayout(), net), grid, cv=TimeSeriesSplit(2), error_score="raise"
    )
    assert search.fit(frame, y).predict(frame).shape == y.shape


def test_behind_a_column_transformer_that_encodes_the_calendar():
    X, _ = host_table(SERIES, [1, 2])
    frame = pd.DataFrame(X, columns=names_of("skforecast", 2)[:-1])
    frame["day"] = np.where(np.arange(len(X)) % 2, "odd", "even")
    encode = OneHotEncoder(sparse_output=False)
    columns = ColumnTransformer(
        [("day", encode, ["day"])], remainder="passthrough", verbose_feature_names_out=False
    )
    steps = make_pipeline(columns.set_output(transform="pandas"), LagLayout()).fit_transform(frame)
    assert steps.shape == (len(X), 2, 4)
    np.testing.assert_array_equal(steps[:, :, 2:].sum(axis=2), 1.0)


FRAME = pd.DataFrame(np.ones((2, 3)), columns=["lag_1", "lag_2", "c"])
REFUSED = {
    "no names": ({}, FRAME.to_numpy(), "X has no column names .* lags must say"),
    "no lag": ({}, FRAME[["c"]], r"No column of X is named as a lag: \['c'\] against pattern="),
    "a lag is missing": (
        {},
        FRAME.set_axis(["a_lag_1", "a_lag_2", "b_lag_1"], axis=1),
        r"Series 'b' lacks lag 2, .* of it X has \['b_lag_1'\]. .* same lags, \[1, 2\]",
    ),
    "a lag twice": (
        {},
        FRAME.set_axis(["lag_1", "lag1", "c"], axis=1),
        "Columns 'lag_1' and 'lag1' of X are both the same lag",
    ),
    "a pattern without a lag": ({"pattern": "lag_.*"}, FRAME, r"a group \(\?P<lag>"),
    "text": (
        {},
        FRAME.assign(c=["Mon", "Tue"]),
        "Column 'c' of X is of dtype .* and begins with 'Mon', but .* numbers. .* OneHotEncoder",
    ),
    "infinity": (
        {},
        FRAME.assign(lag_2=[1.0, np.inf]),
        "Column 'lag_2' of X contains infinity: sample 1",
    ),
    "too many lags": (
        {"lags": 2, "n_series": 2},
        FRAME,
        "X has 3 columns, but 2 lags of",
    ),
    "columns over": ({"n_series": 2}, FRAME, "X has 3 columns, which n_series=2 does not divide"),
    "no series": ({"n_series": 0}, FRAME, "n_series must be a whole number from 1 on, got 0"),
    "no lags": ({"lags": []}, FRAME, "lags must be a number from 1 on, or a list"),
    "no number of lags": ({"lags": 0}, FRAME, r"lags must be a number from 1 on, .* got 0\."),
    "a fraction of lags": ({"lags": 2.0}, FRAME, r"lags must be a number from 1 on, .* got 2\.0"),
    "no pattern": ({"pattern": None}, FRAME, "pattern must be a regular expression, got None"),
    "half a pattern": ({"pattern": "("}, FRAME, r"pattern must be a regular expression, got '\('"),
    "a lag in words": (
        {"pattern": "(?P<lag>lag)_.*"},
        FRAME,
        "group .* of pattern finds 'lag' in column 'lag_1' of X, which is no whole number",
    ),
    "a lag that may be missing": (
        {"pattern": r"lag_(?P<lag>\d+)|c"},
        FRAME,
        "group .* of pattern finds None in column 'c' of X",
    ),
    "dates": ({}, FRAME.assign(c=pd.to_datetime(["2020"] * 2)), "X is of dtype .* in column 'c'"),
    "dates of polars": (
        {},
        pl.DataFrame({"lag_1": [1.0], "when": [datetime.date(2020, 1, 1)]}),
        "X is of dtype Date in column 'when', but must be numeric",
    ),
    "a lazy frame": ({}, pl.DataFrame({"lag_1": [1.0]}).lazy(), r"LazyFrame.* Pass X.collect\(\)"),
    "a mask": (
        {"lags": 2},
        np.ma.masked_array(np.ones((2, 2)), [[True, False], [False, False]]),
        "X is a masked array with masked values",
    ),
    "a fraction": ({"lags": [1, 1.5]}, FRAME, "lags must be a number from 1 on, or a list"),
    "lags that are equal": ({"lags": [2, 2]}, FRAME, "lags must be different from each other"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_laid_out_is_refused_in_words(case):
    parameters, X, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        LagLayout(**parameters).fit(X)


def test_columns_of_arrow_are_named_too():
    pyarrow = pytest.importorskip("pyarrow", reason="tables of Arrow need it")
    with pytest.raises(ValueError, match=r"Column 'c' of X is of dtype .* begins with 'Mon'"):
        LagLayout().fit(pyarrow.Table.from_pandas(FRAME.assign(c=["Mon", "Tue"])))


def test_other_columns_than_in_fit_are_refused():
    layout = LagLayout().fit(FRAME)
    with pytest.raises(ValueError, match="feature names should match"):
        layout.transform(FRAME[["lag_2", "lag_1", "c"]])
    with pytest.raises(ValueError, match="X has 2 features, but LagLayout is expecting 3"):
        LagLayout(lags=2).fit(np.ones((2, 3))).transform(np.ones((2, 2)))


def test_no_compiler_is_imported():
    code = "import sys; from skrnn.windows import LagLayout; print('numba' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]
