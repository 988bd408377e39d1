"""Scales that ``partial_fit`` learns: from rows that come one at a time, or begin as constants."""

import pickle

import numpy as np
import pandas as pd
import pytest
from datasets import outputs, state
from fits import break_at, small
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.scaling import ENOUGH, Moments

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
FORMS = {
    "table": lambda X: X,
    "array": lambda X: X[:, :, np.newaxis],
    "list": lambda X: [x[: 3 + int(x[0] > 0), np.newaxis] for x in X],
}


def problem(n, size=1000.0, seed=0):
    """X, y of a spread and a mean far from one and nothing."""
    X = np.random.RandomState(seed).normal(size=(n, 4))
    return size * (X + 3.0), size * (X[:, 0] + 5.0)


def stream(model, X, y, n_rows=1, weights=None, **first):
    """Train on some rows at a time; `first` goes into the first call."""
    for i in range(0, len(y), n_rows):
        some = slice(i, i + n_rows)
        given = {} if weights is None else {"sample_weight": weights[some]}
        model.partial_fit(X[some], y[some], **given, **first)
        first = {}
    return model


def scales(model):
    return {name: np.copy(array) for name, array in vars(model._model.scaling).items()}


def assert_scales(model, X, y, weights=None):
    """Those of rows of a table."""
    for values, center, scale in (
        (X, "center", "scale"),
        (y.reshape(len(y), -1), "target_center", "target_scale"),
    ):
        mean = np.average(values, axis=0, weights=weights)
        deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
        found = scales(model)
        np.testing.assert_allclose(found[center].ravel(), mean, rtol=1e-10)
        np.testing.assert_allclose(found[scale].ravel(), deviation, rtol=1e-8)


# --- learning --------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_rows_that_come_one_at_a_time_are_learnt(size, form, Estimator):
    X, y = problem(500, size)
    classes = {}
    if Estimator is RNNClassifier:
        y = np.digitize(y / size - 5.0, [-0.5, 0.5])
        classes = {"classes": [0, 1, 2]}
    X = FORMS[form](X)
    model = stream(small(Estimator, learning_rate_init=0.01), X, y, **classes)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_other_losses_and_several_outputs_are_learnt_from_single_rows(loss):
    X, y = problem(800)
    Y = np.column_stack([y, 1e-5 * X[:, 1]])
    model = stream(small(loss=loss, learning_rate_init=0.01, dtype="float32"), X, Y)
    assert model.predict(X).dtype == np.float32
    for output in (0, 1):
        assert np.corrcoef(model.predict(X)[:, output], Y[:, output])[0, 1] > 0.7


def test_counts_are_learnt_from_single_rows_of_which_the_first_are_nothing():
    X, _ = problem(800)
    y = np.random.RandomState(1).poisson(np.exp(X[:, 0] / 1000.0 - 3.0))
    y[:5] = 0
    model = stream(small(loss="poisson", learning_rate_init=0.01), X, y)
    assert np.corrcoef(model.predict(X), np.exp(X[:, 0] / 1000.0))[0, 1] > 0.7
    with pytest.raises(ValueError, match="positive sum of y"):
        small(loss="poisson").fit(X, np.zeros(800))


@pytest.mark.parametrize("n_rows", [1, 40])
def test_what_is_constant_for_a_long_time_is_learnt_when_it_varies(n_rows):
    X, y = problem(900)
    X[:120, 0] = y[:120] = 0.0
    model = stream(small(learning_rate_init=0.02), X[:120], y[:120], n_rows)
    assert scales(model)["target_scale"] == scales(model)["scale"][0, 0] == 1.0
    for _ in range(1 if n_rows == 1 else 10):
        stream(model, X[120:], y[120:], n_rows)
    assert model.score(X[120:], y[120:]) > 0.8
    assert 500.0 < scales(model)["scale"][0, 0] < 2500.0


def test_a_warm_start_learns_the_scales_too():
    X, y = problem(200)
    settings = {"warm_start": True, "max_iter": 60, "learning_rate_init": 0.02}
    model = small(**settings).partial_fit(X[:1], y[:1])
    model.fit(X, y)
    assert model.score(X, y) > 0.9
    assert_scales(model, *((np.r_[a[:1], a]) for a in (X, y)))
    settled = scales(model)
    model.fit(7.0 * X, 7.0 * y)
    assert_same_scales(model, settled)


# --- scales ----------------------------------------------------------------------------------


def assert_same_scales(model, expected):
    for name, array in scales(model).items():
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("n_rows", [1, 3, ENOUGH])
def test_the_scales_are_those_of_the_first_rows(n_rows):
    X, y = problem(3 * ENOUGH)
    n = -(-ENOUGH // n_rows) * n_rows
    model = stream(small(), X[:n], y[:n], n_rows)
    assert_scales(model, X[:n], y[:n])
    settled = scales(model)
    assert model._model.moments == {}
    stream(model, 5.0 * X, 5.0 * y, 10)
    assert_same_scales(model, settled)


def test_a_weight_counts_as_so_many_rows_and_no_weight_as_none():
    X, y = problem(20)
    weights = np.random.RandomState(2).randint(0, 4, 20).astype(float)
    weights[[0, 7]] = 3.0, 0.0
    X[7], y[7] = 1e9, 1e9
    rows = np.repeat(np.arange(20), weights.astype(int))
    model = small()
    for i in range(0, 20, 5):
        some = slice(i, i + 5)
        model.partial_fit(X[some], y[some], weights[some])
    assert_scales(model, X, y, weights)
    copies = small()
    for i in range(0, 20, 5):
        some = rows[(i <= rows) & (rows < i + 5)]
        copies.partial_fit(X[some], y[some])
    for name, array in scales(copies).items():
        np.testing.assert_allclose(array, scales(model)[name], rtol=1e-12)
    for part, found in copies._model.moments.items():
        np.testing.assert_array_equal(found.n_rows, model._model.moments[part].n_rows)


def test_two_rows_of_large_weights_do_not_settle_the_scales():
    X, y = problem(60)
    model = stream(small(), X, y, 2, weights=np.full(60, 1000.0))
    n = ENOUGH
    assert_scales(model, X[:n], y[:n])


def test_a_column_that_varies_late_forgets_most_of_its_past():
    constant = Moments.of(np.zeros(1), np.zeros(1), 10_000.0, 10_000)
    kept = constant.without_constants(np.float64)
    assert kept.n_rows == kept.weight == ENOUGH / 2
    assert not kept.are_settled
    later = kept.merged(Moments.of(np.full(1, 6.0), np.ones(1), 16.0, 16))
    np.testing.assert_allclose([later.mean[0], later.variance[0]], [3.0, 9.5])
    assert later.are_settled


def test_only_columns_that_are_not_settled_move():
    X, y = problem(80)
    X[:40, 2] = 5.0
    model = small().partial_fit(X[:40], y[:40])
    before = scales(model)
    model.partial_fit(9.0 * X[40:], 9.0 * y[40:])
    after = scales(model)
    moved = before["center"] != after["center"]
    assert moved.ravel().tolist() == [False, False, True, False]
    assert before["target_scale"] == after["target_scale"]


def test_without_standardisation_there_is_nothing_to_learn():
    X, y = problem(5)
    model = stream(small(standardize=False), X, y)
    assert model._model.moments == {}
    assert (scales(model)["scale"] == 1.0).all()


# --- what is kept ----------------------------------------------------------------------------


@BOTH
def test_a_pickle_in_between_changes_no_bit(Estimator):
    X, y = problem(20)
    y = y if Estimator is RNNRegressor else np.arange(20) % 2
    classes = {} if Estimator is RNNRegressor else {"classes": [0, 1]}
    model = stream(small(Estimator), X[:9], y[:9], **classes)
    twin = pickle.loads(pickle.dumps(model))
    for one in (model, twin):
        stream(one, X[9:], y[9:])
    np.testing.assert_array_equal(outputs(model, X), outputs(twin, X))


def test_a_fit_leaves_no_moments():
    X, y = problem(10)
    assert small(early_stopping=False).fit(X, y)._model.moments == {}


def test_a_call_that_is_undone_leaves_the_scales_as_they_were(monkeypatch):
    X, y = problem(10)
    model = small().partial_fit(X[:5], y[:5])
    before, moments = outputs(model, X), model._model.moments
    with monkeypatch.context() as patch:
        break_at(patch, {0}, lambda loss, gradient: np.nan)
        with pytest.warns(ConvergenceWarning, match="undone"):
            model.partial_fit(100.0 * X[5:], y[5:])
    np.testing.assert_array_equal(outputs(model, X), before)
    assert model._model.moments is moments


@pytest.mark.parametrize("name", ["X", "y"])
def test_values_too_large_to_be_standardised_are_refused(name):
    X, y = problem(4)
    model = small().partial_fit(X, y)
    before = state(model)
    wrong = (X * 1e200, y) if name == "X" else (X, y * 1e200)
    with pytest.raises(ValueError, match=f"^{name} cannot be standardised, because .* too large"):
        model.partial_fit(*wrong)
    assert state(model) == before


def test_the_column_that_is_too_large_to_be_standardised_is_named():
    X, y = problem(4)
    n = X.shape[1]
    X, Y = np.zeros((4, n)), np.zeros((4, 2))
    X[:, 1], Y[:, 1] = 1e200 * np.arange(4), 1e200 * np.arange(4)
    frame, broken = pd.DataFrame(X).add_prefix("c"), np.where(np.arange(n) == 0, np.nan, X)
    broken[0] = X[0]  # so that marks stand before the columns
    for data, target, told in [
        (X, y, r"^X .* of column 1 is too large for float64. Divide that column by a constant"),
        (frame, y, r"^X .* of column 1 \('c1'\) is too large"),
        ([X, X, X, X], y, r"^X .* of feature 1 is too large for float64. Divide that feature"),
        (broken, y, r"^X .* of column 1 is too large"),
        ([broken, X, X, X], y, r"^X .* of feature 1 is too large"),
        (np.zeros((4, n)), Y, r"^y .* of output 1 is too large for float64. Divide that output"),
        (np.zeros((4, n)), Y[:, 1], r"^y .* of its values is too large for float64. Divide y by"),
    ]:
        with pytest.raises(ValueError, match=told):
            small().fit(data, target)
