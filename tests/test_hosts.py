"""The regressor inside forecasting tools that make lag tables and feed forecasts back themselves.

What comes out of them has to be what make_windows and forecast give: the same windows, for most of
them in another order of columns, which LagLayout puts right.
"""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor
from skrnn.windows import LagLayout, forecast, make_windows

needs_skforecast = pytest.mark.skipif(
    find_spec("skforecast") is None, reason="skforecast is not installed"
)
needs_mlforecast = pytest.mark.skipif(
    find_spec("mlforecast") is None, reason="mlforecast is not installed"
)
needs_sktime = pytest.mark.skipif(find_spec("sktime") is None, reason="sktime is not installed")
# Their own: of pandas, and of how they look at estimators.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

LAGS, HORIZON = 8, 6


def small():
    return RNNRegressor(4, linear_path=None, max_iter=5, random_state=0)


def series(n_rows=100, period=9, start="2024-01-01"):
    values = 5.0 + np.sin(2 * np.pi * np.arange(n_rows) / period)
    values += 0.1 * np.random.default_rng(period).normal(size=n_rows)
    return pd.Series(values, pd.date_range(start, periods=n_rows, freq="D"), name="y")


def forecast_of_ours(values, groups=None):
    X, y, _ = make_windows(values, LAGS, groups=groups)
    return forecast(small().fit(X, y), values, HORIZON, groups=groups)


def recursive(**parameters):
    from skforecast.recursive import ForecasterRecursive

    model = make_pipeline(LagLayout(lags=LAGS, n_series=1), small())
    return ForecasterRecursive(estimator=model, lags=LAGS, **parameters)


@needs_skforecast
def test_skforecast_recursive():
    y = series()
    host = recursive()
    host.fit(y=y)
    found = host.predict(steps=HORIZON)
    np.testing.assert_allclose(found, forecast_of_ours(y.to_numpy()), rtol=1e-6)


@needs_skforecast
def test_skforecast_with_covariates_backtests_and_predicts():
    from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster

    y = series(120)
    weekday = pd.DataFrame({"weekday": np.arange(120.0) % 7}, y.index)
    host = recursive()
    folds = TimeSeriesFold(steps=HORIZON, initial_train_size=80)
    errors, found = backtesting_forecaster(
        host, y=y, exog=weekday, cv=folds, metric="mean_absolute_error", show_progress=False
    )
    assert len(found) == 40
    assert errors["mean_absolute_error"][0] < 1.5
    host.fit(y=y[:100], exog=weekday[:100])
    reached = [host.predict(steps=HORIZON, exog=weekday[100:106] * by) for by in (1, 0)]
    assert not np.array_equal(*reached)
    # The calendar of the step that is forecast stands at each step of the window.
    X, target, _ = make_windows(y.to_numpy()[:100], LAGS)
    calendar = np.repeat(weekday.to_numpy()[LAGS:100, np.newaxis], LAGS, axis=1)
    ours = small().fit(np.concatenate([X, calendar], axis=2), target)
    last = np.c_[y.to_numpy()[92:100], np.full(LAGS, 100 % 7)][np.newaxis]
    np.testing.assert_allclose(reached[0].iloc[0], ours.predict(last)[0], rtol=1e-6)


@needs_skforecast
def test_skforecast_direct():
    from skforecast.direct import ForecasterDirect

    model = make_pipeline(LagLayout(lags=LAGS, n_series=1), small())
    host = ForecasterDirect(estimator=model, lags=LAGS, steps=2, n_jobs=1)
    y = series()
    host.fit(y=y)
    X, target, _ = make_windows(y.to_numpy(), LAGS, 2)
    one = small().fit(X, target[:, 0])
    np.testing.assert_allclose(host.predict().iloc[0], forecast(one, y.to_numpy(), 1)[0], rtol=1e-6)


def panel():
    parts = {"a": series(100, 9), "b": series(90, 7)}
    return pd.concat(
        [pd.DataFrame({"unique_id": n, "ds": s.index, "y": s.to_numpy()}) for n, s in parts.items()]
    )


@needs_mlforecast
def test_mlforecast_on_a_panel():
    from mlforecast import MLForecast

    frame = panel()
    model = make_pipeline(LagLayout(), small())
    host = MLForecast(models={"rnn": model}, freq="D", lags=list(range(1, LAGS + 1)))
    found = host.fit(frame).predict(HORIZON)
    ours = forecast_of_ours(frame["y"].to_numpy(), frame["unique_id"].to_numpy())
    assert list(ours) == ["a", "b"]
    for name, expected in ours.items():
        of_group = found.loc[found["unique_id"] == name, "rnn"]
        np.testing.assert_allclose(of_group, expected, rtol=1e-5)


@needs_mlforecast
def test_mlforecast_cross_validates_with_a_calendar():
    from mlforecast import MLForecast

    model = make_pipeline(LagLayout(), small())
    host = MLForecast(
        models={"rnn": model},
        freq="D",
        lags=list(range(1, LAGS + 1)),
        date_features=["dayofweek"],
    )
    found = host.cross_validation(panel(), n_windows=2, h=HORIZON)
    assert len(found) == 2 * 2 * HORIZON
    assert np.isfinite(found["rnn"]).all()


@needs_sktime
@pytest.mark.parametrize(("strategy", "horizon"), [("recursive", 1), ("multioutput", 3)])
def test_sktime_reduction(strategy, horizon):
    """Its tables begin with the oldest value, as flat rows do."""
    from sktime.forecasting.compose import make_reduction

    y = series()
    model = small().set_params(n_timesteps=LAGS)
    scitype = "tabular-regressor"
    host = make_reduction(model, window_length=LAGS, strategy=strategy, scitype=scitype)
    found = host.fit(y, fh=[1, 2, 3]).predict()
    X, target, _ = make_windows(y.to_numpy(), LAGS, horizon)
    expected = forecast(small().fit(X, target), y.to_numpy(), 3)
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-6)


def test_a_search_on_the_table_that_hosts_hand_over():
    """Without a host: the same pipeline in scikit-learn's own search."""
    X, y, _ = make_windows(series().to_numpy(), LAGS)
    newest_first = X[:, ::-1, 0]
    model = make_pipeline(LagLayout(n_series=1), small())
    search = GridSearchCV(model, {"rnnregressor__max_iter": [2, 5]}, cv=TimeSeriesSplit(2))
    found = search.fit(newest_first, y)
    n_epochs = found.best_params_["rnnregressor__max_iter"]
    ours = small().set_params(max_iter=n_epochs).fit(X, y)
    np.testing.assert_array_equal(found.predict(newest_first), ours.predict(X))
