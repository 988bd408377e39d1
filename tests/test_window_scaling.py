"""WindowScaledRegressor: its units, what does not depend on them, and its conventions."""

import pickle
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skrnn import RNNRegressor
from skrnn.windows import WindowScaledRegressor, forecast, make_windows


def small(**parameters):
    """A net without its linear path, which a few epochs suffice for."""
    settings = {"linear_path": None, "max_iter": 5, "random_state": 0, "dtype": "float64"}
    return RNNRegressor(4, **(settings | parameters))


class Recorder(RegressorMixin, BaseEstimator):
    """Remembers what it is given, and predicts ones."""

    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        self.given_ = {"X": X, "y": y, "w": sample_weight, "X_val": X_val, "y_val": y_val}
        return self

    def predict(self, X):
        return np.ones((len(X), *self.given_["y"].shape[1:]))


def series(n_rows=90):
    rng = np.random.default_rng(0)
    months = np.arange(n_rows)
    return np.column_stack(
        [20 + months / 9 + np.sin(months * np.pi / 3) + 0.1 * rng.normal(size=n_rows), months % 6]
    )


def test_units_are_the_level_of_the_last_season_and_the_seasonal_change():
    X, y, _ = make_windows(series(), 13, 4)
    model = WindowScaledRegressor(Recorder(), period=6).fit(X, y, sample_weight=y[:, 0])
    given = model.regressor_.given_
    for n in (0, 7, -1):
        window = X[n, :, 0]
        level = window[-6:].mean()
        scale = np.mean([abs(window[t] - window[t - 6]) for t in range(6, 13)])
        np.testing.assert_allclose(given["X"][n, :, 0], (window - level) / scale)
        np.testing.assert_array_equal(given["X"][n, :, 1], X[n, :, 1])
        np.testing.assert_allclose(given["y"][n], (y[n] - level) / scale)
        np.testing.assert_allclose(model.predict(X)[n], level + scale)
    np.testing.assert_array_equal(given["w"], y[:, 0])


def test_without_a_season_the_level_is_the_last_value():
    X, y, _ = make_windows(series()[:, ::-1], 8)
    given = WindowScaledRegressor(Recorder(), target=1).fit(X, y).regressor_.given_
    np.testing.assert_array_equal(given["X"][:, -1, 1], 0.0)
    np.testing.assert_allclose(np.abs(np.diff(given["X"][:, :, 1])).mean(axis=1), 1.0)
    np.testing.assert_array_equal(given["X"][:, :, 0], X[:, :, 0])


def test_a_window_within_one_season_is_measured_by_its_spread():
    X, y, _ = make_windows(series(), 5)
    given = WindowScaledRegressor(Recorder(), period=6).fit(X, y).regressor_.given_
    np.testing.assert_allclose(given["X"][:, :, 0].mean(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(np.abs(given["X"][:, :, 0]).mean(axis=1), 1.0)


def test_validation_data_are_in_their_own_units():
    X, y, _ = make_windows(series(), 13, 4)
    model = WindowScaledRegressor(Recorder(), period=6).fit(X, y, X_val=X[::2], y_val=y[::2])
    given = model.regressor_.given_
    np.testing.assert_array_equal(given["X_val"], given["X"][::2])
    np.testing.assert_array_equal(given["y_val"], given["y"][::2])


@pytest.mark.parametrize("horizon", [1, 3])
def test_another_level_and_scale_change_nothing_else(horizon):
    X, y, _ = make_windows(series(), 12, horizon)
    model = WindowScaledRegressor(small(), period=6).fit(X[:50], y[:50])
    moved = X.copy()
    moved[:, :, 0] = 7.0 * X[:, :, 0] + 3.0
    np.testing.assert_allclose(model.predict(moved), 7.0 * model.predict(X) + 3.0, rtol=1e-7)


def test_quantiles():
    X, y, _ = make_windows(series(), 12, 3)
    levels = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}
    model = WindowScaledRegressor(small(**levels), period=6).fit(X, y)
    inside = model.regressor_.predict(model._scaled(X, "X")[0])
    scale = np.abs(X[:, 6:, 0] - X[:, :-6, 0]).mean(axis=1)[:, np.newaxis, np.newaxis]
    level = X[:, -6:, 0].mean(axis=1)[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(model.predict(X), inside * scale + level)


FLAT = {
    "constant": np.full((1, 8, 1), 5.0),
    "zeros": np.zeros((1, 8, 1)),
    "missing": np.full((1, 8, 1), np.nan),
    "missing at the end": np.r_[np.arange(4.0), np.full(4, np.nan)].reshape(1, 8, 1),
    "one value": np.r_[np.full(7, np.nan), 3.0].reshape(1, 8, 1),
}


@pytest.mark.parametrize("case", FLAT)
def test_windows_without_changes_have_units_too(case):
    X, y, _ = make_windows(series()[:, :1], 8)
    model = WindowScaledRegressor(small(), period=2).fit(X, y)
    given = FLAT[case].copy()
    assert np.isfinite(model.predict(given)).all()
    np.testing.assert_array_equal(given, FLAT[case])


def test_a_change_of_far_less_than_the_level_is_no_unit():
    X, y, _ = make_windows(100.0 + 1e-9 * series()[:, 0], 8)
    given = WindowScaledRegressor(Recorder()).fit(X, y).regressor_.given_
    assert np.abs(given["X"]).max() < 1e-6
    below = WindowScaledRegressor(Recorder()).fit(-X, -y).regressor_.given_
    np.testing.assert_array_equal(below["X"], -given["X"])


def test_gaps_are_left_to_the_regressor():
    X, y, _ = make_windows(series(), 12)
    X[::3, 4, 0] = np.nan
    model = WindowScaledRegressor(Recorder(), period=6).fit(X, y)
    np.testing.assert_array_equal(np.isnan(model.regressor_.given_["X"]), np.isnan(X))


def test_a_window_without_its_last_season_has_the_level_of_what_is_there():
    X, y, _ = make_windows(series(), 12)
    X[0, 6:, 0] = np.nan
    given = WindowScaledRegressor(Recorder(), period=6).fit(X, y).regressor_.given_
    np.testing.assert_allclose(given["X"][0, :6, 0].mean(), 0.0, atol=1e-9)
    np.testing.assert_allclose(np.abs(given["X"][0, :6, 0]).mean(), 1.0)


def test_the_regressor_itself_is_not_fitted():
    X, y, _ = make_windows(series(), 12)
    recorder = Recorder()
    model = WindowScaledRegressor(recorder).fit(X, y)
    assert model.regressor is recorder
    assert not hasattr(recorder, "given_")


@pytest.mark.parametrize("horizon", [1, 4])
def test_forecast_takes_it_as_a_model(horizon):
    values = series()
    X, y, _ = make_windows(values[:, 0], 12, horizon)
    model = WindowScaledRegressor(small(), period=6).fit(X, y)
    rows = values[:, 0].tolist()
    for _ in range(8 // horizon):
        rows.extend(np.ravel(model.predict(np.array(rows[-12:]).reshape(1, 12, 1))))
    np.testing.assert_allclose(forecast(model, values[:, 0], 8), rows[90:])


def test_in_a_search_and_through_pickle_and_clone():
    X, y, _ = make_windows(series(), 12, 2)
    grid = {"regressor__max_iter": [2, 5], "period": [1, 6]}
    search = GridSearchCV(WindowScaledRegressor(small()), grid, cv=2, error_score="raise")
    found = pickle.loads(pickle.dumps(search.fit(X, y)))
    np.testing.assert_array_equal(found.predict(X), search.predict(X))
    assert not hasattr(clone(search.best_estimator_), "regressor_")
    np.testing.assert_array_equal(
        forecast(search, series()[:, :2], 2), search.predict(series()[np.newaxis, -12:])[0]
    )


def test_float32_stays_float32():
    X, y, _ = make_windows(series().astype(np.float32), 12)
    kept = X.copy()
    model = WindowScaledRegressor(small(dtype=None), period=6).fit(X, y)
    np.testing.assert_array_equal(X, kept)
    assert model.regressor_.coefs_[0].dtype == model.predict(X).dtype == np.float32


REFUSED = {
    "a table": ({}, np.ones((5, 3)), "X must be an array of numbers, of shape (n_windows, window"),
    "text": ({}, np.full((5, 3, 1), "a"), "dtype <U1"),
    "target": ({"target": 1}, np.ones((5, 3, 1)), "target must be the number of one of the 1"),
    "period": ({"period": 0}, np.ones((5, 3, 1)), "period must be a whole number from 1 on, got 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_window_is_refused_in_words(case):
    parameters, X, words = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(words)):
        WindowScaledRegressor(Recorder(), **parameters).fit(X, np.ones(5))


def test_it_knows_whether_it_is_fitted():
    with pytest.raises(NotFittedError):
        WindowScaledRegressor(Recorder()).predict(np.ones((2, 3, 1)))
