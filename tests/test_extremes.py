"""Extreme numbers: a fit leaves what predicts its own data, or says in words what to change."""

import re
import warnings
from functools import partial

import numpy as np
import pytest
from datasets import array, objects, ragged
from fits import Spy, break_at, small, table
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNClassifier, RNNRegressor
from skrnn.learning import optimizers, schedules
from skrnn.losses import Logistic, Softmax
from skrnn.network.network import Network

X = table(60)
Y, CLASSES = X[:, 0], (X[:, 0] > 0).astype(int)
BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
PATHS = pytest.mark.parametrize("linear_path", ["auto", None])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def target_for(Estimator):
    return Y if Estimator is RNNRegressor else CLASSES


def fitted(model, X, y, *weights, method="fit", **named):
    """The model, after a fit that did not let a RuntimeWarning out, and its ConvergenceWarnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(model, method)(X, y, *weights, **named)
    assert {one.category for one in caught} <= {ConvergenceWarning}
    return model, [str(one.message) for one in caught]


def predicts(model, X):
    """All kinds of prediction are finite."""
    methods = ["predict", "predict_proba", "decision_function"]
    for method in filter(partial(hasattr, model), methods):
        assert np.isfinite(getattr(model, method)(X)).all()


def fits_or_says_why(model, X, y):
    """A model that predicts X, or an error of fit."""
    told = None
    try:
        fitted(model, X, y)
    except ValueError as error:
        told = str(error)
    if told is None:
        predicts(model, X)
    else:
        assert re.search("X or y is too large for this net.*rescale X and y", told)


# --- weights ---------------------------------------------------------------------------------


@PATHS
@DTYPES
@pytest.mark.parametrize("weight", [1e16, 1e30])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_weights_of_many_orders(weight, n_classes, dtype, linear_path):
    y = np.arange(60) % n_classes
    for class_weight in ({0: 1.0, 1: weight, 2: 1.0}, dict.fromkeys(range(3), weight)):
        model = small(RNNClassifier, linear_path=linear_path, class_weight=class_weight)
        model, told = fitted(model.set_params(dtype=dtype, early_stopping="auto"), X, y)
        predicts(model, X)
        assert not told


@DTYPES
def test_a_count_of_zero_that_outweighs_all_others(dtype):
    for seed in range(10):
        random = np.random.RandomState(seed)
        data, counts = random.normal(size=(30, 3)), random.poisson(2.0, size=30)
        counts[3], weights = 0, np.where(np.arange(30) == 3, 1e20, 1.0)
        model = small(RNNRegressor, linear_path="auto", loss="poisson", dtype=dtype)
        model, told = fitted(model, data, counts, weights)
        predicts(model, data)
        assert not told


def test_a_class_of_nearly_all_the_weight_has_a_start_that_is_finite():
    for total in (1.0, 1e15, 1e16, 1e300):
        weights = np.array([total, 1.0])
        targets = np.array([[1.0], [0.0]])
        assert np.isfinite(Logistic().best_constant(targets, weights)).all()
        assert np.isfinite(Softmax(2).best_constant(targets, weights)).all()


@PATHS
@BOTH
@DTYPES
@pytest.mark.parametrize("weight", [5e-324, 1e-310, 1e-46, 1e-39])
def test_tiny_weights_are_weights(weight, dtype, Estimator, linear_path):
    y, weights = target_for(Estimator), np.full(60, weight)
    model = small(Estimator, dtype=dtype, linear_path=linear_path, early_stopping="auto")
    model, told = fitted(model, X, y, weights)
    predicts(model, X)
    assert np.isfinite(model.loss_)
    assert not told
    other = small(Estimator, dtype=dtype, linear_path=linear_path)
    other, told = fitted(other, X, y, X_val=X, y_val=y, sample_weight_val=weights)
    assert np.isfinite(other.validation_loss_curve_).all()


@DTYPES
def test_tiny_weights_of_samples_and_classes_together(dtype):
    model = small(RNNClassifier, class_weight={0: 1e-200, 1: 1e-200}, dtype=dtype)
    weights = np.full(60, 1e-30 if dtype == "float32" else 1e-200)
    model, _ = fitted(model, X, CLASSES, weights)
    predicts(model, X)
    assert np.isfinite(model.loss_)


@DTYPES
def test_weights_of_samples_and_classes_beyond_the_precision_are_refused(dtype):
    model = small(RNNClassifier, class_weight={0: 1.0, 1: 1e308}, dtype=dtype)
    with pytest.raises(ValueError, match="sample_weight times class_weight is too large"):
        model.fit(X, CLASSES, np.full(60, 10.0))
    model.set_params(class_weight={0: 1.0, 1: 1e30 if dtype == "float32" else 1e300})
    weighed = {"X_val": X, "y_val": CLASSES, "sample_weight_val": np.full(60, 1e10)}
    with pytest.raises(ValueError, match="sample_weight_val times class_weight is too large"):
        model.fit(X, CLASSES, **weighed)


# --- y and X ---------------------------------------------------------------------------------


@PATHS
@DTYPES
@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error", "quantile"])
@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-42, 1e-38])
def test_a_y_of_tiny_numbers_is_learnt_or_a_constant(scale, loss, dtype, linear_path):
    model = small(loss=loss, dtype=dtype, linear_path=linear_path, early_stopping="auto")
    model, told = fitted(model, X, Y * scale)
    predicts(model, X)
    assert not told


@BOTH
@PATHS
@pytest.mark.parametrize("form", ["table", "array", "list"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("size", [1e38, 3e38])
def test_a_float32_x_of_the_largest_numbers(size, standardize, form, Estimator, linear_path):
    given = {"table": table(60), "array": array(60), "list": ragged(60)}[form]
    given = [(np.sign(x) * size).astype(np.float32) for x in given]
    given = given if form == "list" else np.array(given)
    for cell in ("gru", "rnn"):
        model = small(Estimator, linear_path=linear_path, standardize=standardize, cell=cell)
        fits_or_says_why(model.set_params(activation="relu"), given, target_for(Estimator))


@PATHS
def test_a_y_of_the_largest_numbers_of_float32_is_predicted(linear_path):
    y = (np.sign(Y) * 3.4e38).astype(np.float32)
    model = small(dtype="float32", linear_path=linear_path, learning_rate_init=0.3, max_iter=30)
    fits_or_says_why(model, X, y)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "quantile"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@PATHS
def test_an_extreme_y_leaks_no_warning_of_numpy(linear_path, solver, loss):
    for scale in (1e160, 1e300):
        model = small(solver=solver, loss=loss, linear_path=linear_path, standardize=False)
        for early_stopping in (False, True):
            model, _ = fitted(model.set_params(early_stopping=early_stopping), X, abs(Y) * scale)


# --- the last update -------------------------------------------------------------------------


def thrown_after(monkeypatch, n_updates):
    """Let an update be so long that weights are finite and predictions are not."""
    original, count = optimizers.Adam.update, iter(range(1, 10**9))

    def update(self, theta, *arguments):
        original(self, theta, *arguments)
        if next(count) == n_updates:
            theta *= 1e300

    monkeypatch.setattr(optimizers.Adam, "update", update)


relu = partial(small, cell="rnn", activation="relu", batch_size=60, shuffle=False)


def test_a_last_update_that_went_too_far_is_taken_back(monkeypatch):
    kept = fitted(relu(max_iter=4, learning_rate="constant"), X, Y)[0]._model.theta
    thrown_after(monkeypatch, 5)
    model, told = fitted(relu(max_iter=5, learning_rate="constant"), X, Y)
    assert "earlier ones are kept" in told[0]
    np.testing.assert_array_equal(model._model.theta, kept)
    predicts(model, X)


def test_a_first_and_only_update_that_went_too_far_leaves_the_start(monkeypatch):
    thrown_after(monkeypatch, 1)
    model, told = fitted(relu(max_iter=1), X, Y)
    assert "earlier ones are kept" in told[0]
    predicts(model, X)


def test_a_partial_fit_whose_last_update_went_too_far_is_undone(monkeypatch):
    model = relu().partial_fit(X, Y)
    kept, curve = model._model.theta.copy(), list(model.loss_curve_)
    thrown_after(monkeypatch, 1)
    model, told = fitted(model, X, Y, method="partial_fit")
    assert len(told) == 1
    assert "which has been undone" in told[0]
    np.testing.assert_array_equal(model._model.theta, kept)
    assert model.loss_curve_ == curve


def test_a_first_partial_fit_that_cannot_predict_from_its_start_is_refused():
    model = small(standardize=False)
    with pytest.raises(ValueError, match="not finite even before training"):
        model.partial_fit(X, np.where(Y > 0, 1.7e308, 0.0))
    assert not hasattr(model, "_model")


@pytest.mark.parametrize("learning_rate", [1e3, 1e80])
@pytest.mark.parametrize("max_iter", [1, 3])
@PATHS
@BOTH
def test_a_relu_net_of_a_huge_learning_rate(learning_rate, max_iter, linear_path, Estimator):
    settings = {"cell": "rnn", "activation": "relu", "learning_rate_init": learning_rate}
    model = small(Estimator, max_iter=max_iter, linear_path=linear_path, **settings)
    model, _ = fitted(model, X, target_for(Estimator))
    predicts(model, X)


# --- settings --------------------------------------------------------------------------------


@DTYPES
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_huge_alpha_is_named_where_the_penalty_is_what_is_not_finite(solver, dtype):
    model = small(solver=solver, alpha=1e306, dtype=dtype, cell="rnn")
    model, told = fitted(model, 1e3 * X, Y)
    assert told
    assert all("finite without its penalty: lower alpha" in text for text in told)
    assert not any("learning_rate_init" in text for text in told)
    predicts(model, X)


@BOTH
def test_weights_far_apart_are_named_where_the_penalty_is_what_is_not_finite(Estimator):
    weights = np.r_[np.full(59, 1e-300), 1.0]  # minibatches of hardly any weight
    model, told = fitted(small(Estimator, batch_size=5), X, target_for(Estimator), weights)
    assert told
    assert all("look for extreme sample weights" in text for text in told)
    assert not any("learning_rate_init" in text for text in told)
    predicts(model, X)


@DTYPES
def test_an_epsilon_below_the_precision_is_no_division_by_zero(dtype):
    given = X.copy()
    given[:, 2:] = 0.0  # weights whose gradient is nothing but zeros
    model = small(epsilon=1e-320, dtype=dtype, n_timesteps=1)
    model, told = fitted(model, given, Y)
    assert not told
    assert np.isfinite(model.loss_curve_).all()
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_a_rate_too_small_to_compute_is_none():
    assert schedules.inverse_scaling(10**6, 120.0) == 0.0
    model = small(learning_rate="invscaling", power_t=120.0, solver="sgd", max_iter=30)
    model, _ = fitted(model, X, Y)
    predicts(model, X)


# --- L-BFGS ----------------------------------------------------------------------------------


@PATHS
def test_lbfgs_says_that_it_ended_with_a_loss_that_is_not_finite(linear_path):
    model = small(solver="lbfgs", standardize=False, linear_path=linear_path)
    model, told = fitted(model, X, Y * 1e160)
    assert len(told) == 1
    assert "L-BFGS ended after 0 iterations with a loss that is not finite" in told[0]
    assert "Set standardize=True if it is not, and look for extreme values in X and y." in told[0]
    assert "learning_rate" not in told[0]
    predicts(model, X)


def test_lbfgs_keeps_the_last_weights_of_a_finite_loss(monkeypatch):
    visited = Spy(monkeypatch, Network, "loss_gradient")
    break_at(monkeypatch, set(range(6, 1000)), lambda loss, gradient: np.nan)
    model, told = fitted(small(solver="lbfgs", max_iter=30), X, Y)
    assert "L-BFGS ended after" in told[0]
    assert len(model.loss_curve_) > 1
    assert np.isfinite(model.loss_curve_).all()
    assert any((model._model.theta == theta).all() for theta in visited["theta"][1:6])
    predicts(model, X)


# --- the user's own settings of NumPy --------------------------------------------------------


@BOTH
@PATHS
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_nothing_breaks_where_the_user_has_numpy_raise(n_jobs, linear_path, Estimator):
    y = target_for(Estimator)
    model = small(Estimator, linear_path=linear_path, early_stopping="auto", n_jobs=n_jobs)
    expected = model.fit(X, y).predict(X)
    three = np.arange(60) % 3
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(model.fit(X, y).predict(X), expected)
        model.partial_fit(X, y)
        for kinds in (CLASSES, three, np.eye(3, dtype=int)[three]):
            sure = small(RNNClassifier).fit(X, kinds)
            sure.coefs_[-1][:] *= 1e5  # a view
            assert (sure.predict_proba(X) < 1e-300).any()  # some underflow
            sure.predict_log_proba(X)
        assert np.geterr()["under"] == "raise"
        read = small(Estimator, dtype="float32").fit(objects(list(X[:, :2] * 1e-300)), y)
        assert np.isfinite(read.loss_)
