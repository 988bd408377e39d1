"""Curves of a table's columns: where they rise, when they are there, and what they predict."""

import building
import numpy as np
import pandas as pd
import pytest
import reference
from fits import small
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.examples import Examples
from skrnn.data.sequences import Sequences
from skrnn.linear import curves
from skrnn.linear import path as linear_path
from skrnn.linear.path import CurvedPath, LinearPath


def table_of(X):
    return Sequences.from_array(np.ascontiguousarray(X)[:, :, np.newaxis])


def fitted_path(X, y, weights=None, loss="squared_error", linear="auto"):
    """The path of a table to standardised y, and its left-out predictions."""
    weights = np.ones(len(X)) if weights is None else weights
    examples = Examples(table_of(X), np.asarray(y, float).reshape(len(X), -1), weights)
    origins = np.arange(X.shape[1])
    return linear_path.fit(examples, origins, building.loss(loss), linear)


def bowl(n, p, noise, seed):
    """A table, a square of its first column, and a line of the second."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X[:, 0] ** 2 - 1.0 + 0.5 * X[:, 1] + noise * rng.normal(size=n)


def line(n, p, noise, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X @ rng.normal(size=p) / np.sqrt(p) + noise * rng.normal(size=n)


# Where they rise


@pytest.mark.parametrize("n", [7, 40, 300])
def test_edges_are_the_quantiles_of_as_many_copies_as_weights_say(n, rng):
    column, weights = rng.normal(size=n), rng.integers(1, 5, size=n)
    found = curves.curves_of([column], weights.astype(float))
    expected = reference.edges(np.repeat(column, weights))
    assert_array_equal(found.starts, expected[:-1])
    assert_array_equal(found.ends, expected[1:])
    for factor in (0.1, 1 / 3, 1e6):
        again = curves.curves_of([column], weights * factor)
        assert_array_equal(found.ends, again.ends)


@pytest.mark.parametrize("weight", [1.0, 0.1, 0.7, 1 / 3])
def test_rounding_of_weights_moves_no_quantile(weight, rng):
    """Of 60 equal rows the tenth is the first sixth, whatever their sum is rounded to."""
    column = rng.normal(size=60)
    found = curves.curves_of([column], np.full(60, weight))
    assert_array_equal(found.ends, reference.edges(column)[1:])


def test_rises_are_those_of_the_reference(rng):
    X = rng.normal(size=(50, 3))
    found = curves.curves_of(X.T, np.ones(50))
    assert found.columns == (0,) * 6 + (1,) * 6 + (2,) * 6
    new = 3.0 * rng.normal(size=(20, 3))
    expected = [
        [rise for x, column in zip(row, X.T, strict=True) for rise in reference.rises(x, column)]
        for row in new
    ]
    assert_allclose(found.rises(new), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "column",
    [
        np.repeat([0.0, 1.0], 20),
        np.zeros(40),
        np.where(np.arange(40) % 3, 1e-16, 2e-16),
        np.r_[np.zeros(19), 1.0, np.full(20, 1.0 + 1e-9)],
        np.r_[np.zeros(38), 1.0, 2.0],
    ],
    ids=["two values", "constant", "rounding", "two values but for rounding", "one value mostly"],
)
def test_columns_that_have_no_curves(column, rng):
    assert curves.curves_of([column], np.ones(40)) is None
    other = rng.normal(size=40)
    assert set(curves.curves_of([column, other], np.ones(40)).columns) == {1}


def test_values_between_the_least_and_the_greatest_are_enough():
    found = curves.curves_of([np.repeat([-1.0, 0.0, 1.0], 10)], np.ones(30))
    assert_array_equal(found.starts, [-1.0, 0.0])
    assert_array_equal(found.ends, [0.0, 1.0])


def test_of_wide_tables_there_are_none(rng):
    X = rng.normal(size=(20, 171))
    assert curves.curves_of(X.T, np.ones(20)) is None
    assert len(curves.curves_of(X.T[:170], np.ones(20)).columns) == 1020


def test_far_away_they_stay_as_they_are(rng):
    found = curves.curves_of([rng.normal(size=30)], np.ones(30))
    assert_array_equal(found.rises(np.array([[-1e300], [1e300]])), [[0.0] * 6, [1.0] * 6])


# When they are there


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_curves_are_kept_where_they_pay(loss):
    X, y = bowl(400, 4, 0.3, 0)
    if loss == "poisson":
        y = np.random.default_rng(0).poisson(np.exp(y))
    path, left_out = fitted_path(X, y, loss=loss)
    assert type(path) is CurvedPath
    assert np.corrcoef(left_out[:, 0], np.log1p(y) if loss == "poisson" else y)[0, 1] > 0.7


def test_of_classes_too():
    X, y = bowl(400, 4, 0.3, 0)
    path, left_out = fitted_path(X, y > 0.0, loss="logistic")
    assert type(path) is CurvedPath
    assert np.mean((left_out[:, 0] > 0.0) == (y > 0.0)) > 0.85


@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_lines_and_noise_have_none_and_keep_their_bits(noise, seed):
    X, y = line(100, 5, noise, seed)
    (path, left_out), (linear, expected) = fitted_path(X, y), fitted_path(X, y, linear=5)
    assert type(path) is type(linear) is LinearPath
    assert_array_equal(path.coefficients, linear.coefficients)
    assert_array_equal(left_out, expected)


@pytest.mark.parametrize("n", [49, 50])
def test_below_fifty_samples_there_are_none(n):
    """Their left-out predictions do not say enough, whether rows or copies of rows."""
    X, y = bowl(n, 2, 0.1, 0)
    expected = LinearPath if n < 50 else CurvedPath
    assert type(fitted_path(X, y)[0]) is expected
    assert type(fitted_path(X, y, weights=np.full(n, 0.1))[0]) is LinearPath


@pytest.mark.parametrize("p", [3, 60])
def test_noise_has_none_however_many_columns(p):
    """As far as chance goes: two of a hundred pass by two standard errors."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found.append(type(fitted_path(rng.normal(size=(50, p)), rng.normal(size=50))[0]))
    assert found.count(CurvedPath) <= 1


def test_an_int_and_sequences_are_linear():
    X, y = bowl(200, 4, 0.3, 0)
    assert type(fitted_path(X, y, linear=4)[0]) is LinearPath
    examples = Examples(table_of(X), y[:, np.newaxis], np.ones(200))
    loss = building.loss("squared_error")
    assert type(linear_path.fit(examples, None, loss, "auto")[0]) is LinearPath


def test_the_path_is_a_sum_of_the_columns_curves(rng):
    X, y = bowl(200, 3, 0.3, 0)
    path, _ = fitted_path(X, y)
    new = 2.0 * rng.normal(size=(30, 3))
    center, scale = X.mean(axis=0), X.std(axis=0)
    standardized = (X - center) / scale
    expected = [
        reference.curved(row, standardized, path.coefficients, path.intercepts)
        for row in (new - center) / scale
    ]
    assert_allclose(path.predict(table_of(new)), expected, rtol=1e-9, atol=1e-9)


def test_the_gradient_is_the_slope_in_each_columns_own_unit():
    units = np.array([1.0, 10.0, 0.1])
    X, y = bowl(200, 3, 0.1, 0)
    found, _ = fitted_path(X * units, y)
    assert isinstance(found, CurvedPath)
    new = units * bowl(100, 3, 0.1, 1)[0]  # none of which stands on an edge
    gradient = found.gradient(table_of(new), np.ones((100, 1))).reshape(100, 3)
    for column, step in enumerate(1e-6 * units):
        moved = step * np.eye(3)[column]
        up, down = (found.predict(table_of(new + sign * moved))[:, 0] for sign in (1, -1))
        assert_allclose(gradient[:, column], (up - down) / (2 * step), rtol=1e-4, atol=1e-5)


def test_samples_that_count_for_more_may_have_curves():
    X, y = bowl(40, 3, 0.01, 0)
    assert not isinstance(fitted_path(X, y)[0], CurvedPath)
    assert isinstance(fitted_path(X, y, np.full(40, 2.0))[0], CurvedPath)


def test_what_is_left_out_is_predicted_without_the_row():
    """By the same rises, because where a quantile stands hardly depends on one row."""
    X, y = bowl(80, 2, 0.3, 1)
    path, left_out = fitted_path(X, y)
    assert type(path) is CurvedPath
    seen = np.mean((path.predict(table_of(X)) - y[:, np.newaxis]) ** 2)
    new, truth = bowl(2000, 2, 0.3, 2)
    unseen = np.mean((path.predict(table_of(new)) - truth[:, np.newaxis]) ** 2)
    error = np.mean((left_out - y[:, np.newaxis]) ** 2)
    assert seen < error
    assert error == pytest.approx(unseen, rel=0.3)


# In the estimators


def test_a_weight_is_as_many_copies():
    X, y = bowl(60, 3, 0.3, 0)
    weights = np.random.default_rng(1).integers(1, 4, size=60)
    rows = np.repeat(np.arange(60), weights)
    settings = {"max_iter": 2, "early_stopping": False, "batch_size": 400, "linear_path": "auto"}
    one = small(RNNRegressor, **settings).fit(X, y, sample_weight=weights)
    other = small(RNNRegressor, **settings).fit(X[rows], y[rows])
    assert type(one._model.path) is CurvedPath
    assert_allclose(one.predict(X), other.predict(X), rtol=1e-7, atol=1e-9)


def test_the_order_of_columns_changes_nothing_of_the_path():
    X, y = bowl(150, 5, 0.3, 0)
    order = [3, 0, 4, 2, 1]
    one, other = fitted_path(X, y)[0], fitted_path(X[:, order], y)[0]
    predicted, again = one.predict(table_of(X)), other.predict(table_of(X[:, order]))
    assert_allclose(predicted, again, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_default_fit_predicts_curves(dtype):
    X, y = bowl(300, 4, 0.3, 0)
    model = RNNRegressor(random_state=0).fit(X[:200].astype(dtype), y[:200])
    assert type(model._model.path) is CurvedPath
    assert model.score(X[200:].astype(dtype), y[200:]) > 0.9
    assert model.linear_coef_ is None
    assert model.linear_intercept_ is None
    assert 0.8 < model.linear_score_ < 1.0
    linear = RNNRegressor(random_state=0, linear_path=4).fit(X[:200].astype(dtype), y[:200])
    assert linear.linear_coef_.shape == (4,)


def test_gaps_and_categories_beside_curves():
    X, y = bowl(200, 4, 0.3, 0)
    frame = pd.DataFrame(X)
    frame[4] = pd.Categorical(np.arange(200) % 3)
    frame.iloc[::7, 2] = np.nan
    y = y + (np.arange(200) % 3)
    model = small(RNNRegressor, linear_path="auto").fit(frame, y)
    path = model._model.path
    assert type(path) is CurvedPath
    assert set(path.columns) == {1, 2, 3, 4}  # 0 is the mark of the gaps, 5 on are indicators
    assert np.isfinite(model.predict(frame.iloc[:5])).all()


def test_curves_of_single_precision_rise_where_those_of_double_do():
    """However far from zero a column is: it is read less a centre that is rounded."""
    X, y = bowl(200, 4, 0.3, 0)
    X = (np.round(100 * X) + 2**23).astype(np.float32)
    model = small(RNNRegressor, linear_path="auto").fit(X, y)
    path = model._model.path
    assert type(path) is CurvedPath
    expected = path.predict(table_of(X.astype(float)))
    found = path.predict(table_of(X))
    assert found.dtype == np.float32
    assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_row_has_its_own_bits():
    X, y = bowl(200, 4, 0.3, 0)
    model = small(RNNRegressor, linear_path="auto").fit(X, y)
    assert_array_equal(model.predict(X)[7:8], model.predict(X[7:8]))


def test_several_outputs_have_curves_together():
    X, y = bowl(200, 4, 0.3, 0)
    model = small(RNNRegressor, linear_path="auto").fit(X, np.column_stack([y, X[:, 2]]))
    assert model._model.path.coefficients.shape == (4 + 24, 2)
    labels = np.column_stack([y > 0, X[:, 2] > 0])
    model = small(RNNClassifier, linear_path="auto").fit(X, labels)
    assert type(model._model.path) is CurvedPath
