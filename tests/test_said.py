"""What a fitted model says of itself: its linear path, and how much of it is recurrent."""

import pickle

import numpy as np
import pytest
from fits import ALONE, BESIDE, data_for, fitted, lasting, small, table, weighted_table
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge

from skrnn import RNNClassifier, RNNRegressor
from skrnn.learning import candidates
from skrnn.linear.blending import Blend

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
#: Steps so short that the model is its linear path, to all digits that are compared.
STILL = {"learning_rate_init": 1e-14, "max_iter": 1, "linear_path": "auto"}


def still(Estimator, **parameters):
    return small(Estimator, **(STILL | parameters))


def assert_is_linear(model, X, predicted, link=lambda raw: raw):
    flat = np.asarray(X).reshape(len(X), -1)
    coef = np.asarray(model.linear_coef_)
    raw = flat @ coef.reshape(*coef.shape[: coef.ndim - np.ndim(X) + 1], -1).T
    np.testing.assert_allclose(link(raw + model.linear_intercept_), predicted, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("linear_path", ["auto", 3])
def test_coefficients_are_of_x_and_y_as_they_are(linear_path, standardize):
    X, Y, _ = weighted_table(60, 4, 0)
    X, Y = X * [1.0, 10.0, 0.1, 1.0] + [0.0, 5.0, 0.0, -3.0], Y * [1.0, 50.0] + [2.0, -8.0]
    settings = {"linear_path": linear_path, "standardize": standardize}
    one = still(RNNRegressor, **settings).fit(X, Y[:, 0])
    assert one.linear_coef_.shape == (4,)
    assert isinstance(one.linear_intercept_, float)
    assert_is_linear(one, X, one.predict(X))
    two = still(RNNRegressor, **settings).fit(X, Y)
    assert two.linear_coef_.shape == (2, 4)
    assert two.linear_intercept_.shape == (2,)
    assert_is_linear(two, X, two.predict(X))
    if linear_path == 3:
        np.testing.assert_array_equal(two.linear_coef_[:, 0], 0.0)
        assert np.abs(two.linear_coef_[:, 1]).min() > 1e-3
    else:
        ridge = Ridge(1e-6).fit(X, Y)
        assert np.corrcoef(ridge.coef_.ravel(), two.linear_coef_.ravel())[0, 1] > 0.99


def test_coefficients_are_on_the_scale_of_the_link():
    X, Y, _ = weighted_table(200, 4, 0)
    counts = np.random.RandomState(0).poisson(np.exp(0.5 * Y[:, 0]))
    poisson = still(RNNRegressor, loss="poisson").fit(X, counts)
    assert_is_linear(poisson, X, poisson.predict(X), np.exp)
    two = still(RNNClassifier).fit(X, Y[:, 0] > 0)
    assert (two.linear_coef_.shape, two.linear_intercept_.shape) == ((1, 4), (1,))
    assert_is_linear(two, X, two.decision_function(X)[:, np.newaxis])
    logistic = LogisticRegression().fit(X, Y[:, 0] > 0).coef_
    assert np.corrcoef(logistic.ravel(), two.linear_coef_.ravel())[0, 1] > 0.98
    three = still(RNNClassifier).fit(X, np.digitize(Y[:, 0], [-0.7, 0.7]))
    assert three.linear_coef_.shape == (3, 4)
    assert_is_linear(three, X, three.decision_function(X))


def test_each_quantile_has_coefficients():
    X, Y, _ = weighted_table(60, 4, 0)
    for quantile, shape in (([0.2, 0.8], (2, 4)), ([0.5], (1, 4)), (0.5, (4,))):
        model = still(RNNRegressor, loss="quantile", quantile=quantile).fit(X, Y[:, 0])
        assert model.linear_coef_.shape == shape
        assert_is_linear(model, X, model.predict(X))
    model = still(RNNRegressor, loss="quantile", quantile=[0.2, 0.8]).fit(X, Y)
    assert model.linear_coef_.shape == (4, 4)
    assert_is_linear(model, X, model.predict(X).reshape(60, 4))


def test_of_sequences_coefficients_are_of_the_last_steps_and_their_features():
    X, Y, _ = weighted_table(60, 12, 0)
    array = X.reshape(60, 6, 2) + np.array([3.0, -7.0])
    model = still(RNNRegressor).fit(array, Y[:, 0])
    assert model.linear_coef_.shape == (6, 2)
    assert_is_linear(model, array, model.predict(array))
    flat = still(RNNRegressor, n_timesteps=6).fit(array.reshape(60, 12), Y[:, 0])
    np.testing.assert_array_equal(flat.linear_coef_, model.linear_coef_.ravel())
    last = still(RNNRegressor, linear_path=2).fit(array, Y)
    assert last.linear_coef_.shape == (2, 2, 2)
    assert_is_linear(last, array[:, 4:], last.predict(array))


@BOTH
def test_the_score_of_the_path_is_on_samples_that_it_has_not_seen(Estimator):
    data = data_for(Estimator, True)
    held_out = data["X_val"], data["y_val"], data["sample_weight_val"]
    watched = still(Estimator, early_stopping=True).fit(**data)
    assert watched.linear_score_ == pytest.approx(watched.score(*held_out), abs=1e-6)
    data = data_for(Estimator, False)
    alone = still(Estimator, linear_path=4).fit(**data)
    assert alone.linear_score_ < alone.score(*data.values()) - 1e-4
    if Estimator is RNNRegressor:
        X, y, w = data.values()
        unseen = np.empty(60)
        for i in range(60):
            rest = np.arange(60) != i
            model = still(Estimator, linear_path=4).fit(X[rest], y[rest], w[rest])
            unseen[i] = model.predict(X[i : i + 1])[0]
        total = w @ (y - np.average(y, weights=w)) ** 2
        assert alone.linear_score_ == pytest.approx(1 - w @ (y - unseen) ** 2 / total, abs=0.02)


@BOTH
@pytest.mark.parametrize("part", [BESIDE, ALONE])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_and_the_part_that_are_kept_are_said_and_the_path_is_whole(
    share, part, Estimator, monkeypatch
):
    whole, _ = fitted(Estimator, True, linear_path=4)
    blend = Blend(int(part == ALONE), share, 1.0 - share * (part == ALONE))
    monkeypatch.setattr(candidates, "blend", lambda *_: blend)
    model, _ = fitted(Estimator, True, linear_path=4)
    assert (model.recurrent_part_, model.recurrent_share_) == (part, share)
    np.testing.assert_array_equal(model.linear_coef_, whole.linear_coef_)
    np.testing.assert_array_equal(model.linear_intercept_, whole.linear_intercept_)
    assert model.linear_score_ == whole.linear_score_
    if share == 0.0 and Estimator is RNNRegressor:
        X = table(20)
        assert_is_linear(model, X, model.predict(X))


@BOTH
def test_without_a_path_all_is_recurrent(Estimator):
    for watched in (True, False):
        model, data = fitted(Estimator, watched)
        assert model.linear_coef_ is model.linear_intercept_ is model.linear_score_ is None
        assert (model.recurrent_share_, model.recurrent_part_) == (1.0, ALONE)
    first = small(Estimator).partial_fit(data["X"], data["y"], **classes_of(model))
    assert first.linear_coef_ is None
    assert first.recurrent_share_ == 1.0
    unwatched, _ = fitted(Estimator, False, linear_path="auto")
    assert (unwatched.recurrent_share_, unwatched.recurrent_part_) == (1.0, BESIDE)


def classes_of(model):
    return {"classes": model.classes_} if isinstance(model, RNNClassifier) else {}


@BOTH
def test_training_that_goes_on_keeps_what_the_first_fit_has_found_of_the_path(Estimator):
    model, data = fitted(Estimator, True, linear_path="auto", warm_start=True)
    coef, score, share = model.linear_coef_, model.linear_score_, model.recurrent_share_
    model.set_params(early_stopping="auto").partial_fit(data["X"], data["y"])
    assert model.linear_coef_ is coef
    assert (model.linear_score_, model.recurrent_share_) == (score, share)
    model.fit(**data)
    assert model.linear_coef_ is coef
    assert model.linear_score_ == score
    assert model.recurrent_part_ == BESIDE
    assert 0.0 <= model.recurrent_share_ <= 1.0
    model.set_params(warm_start=False, linear_path=None).fit(**data)
    assert model.linear_coef_ is model.linear_score_ is None


@BOTH
def test_all_of_it_survives_a_pickle_and_is_gone_in_a_clone(Estimator):
    model, _ = fitted(Estimator, True, linear_path="auto")
    again = pickle.loads(pickle.dumps(model))
    for name in ("linear_coef_", "linear_intercept_", "linear_score_", "recurrent_share_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
        assert not hasattr(clone(model), name)
    assert again.recurrent_part_ == model.recurrent_part_
    assert type(model.recurrent_share_) is type(model.linear_score_) is float


def test_a_refused_fit_leaves_them_as_they_were():
    model, data = fitted(RNNRegressor, True, linear_path="auto")
    coef = model.linear_coef_
    with pytest.raises(ValueError, match="NaN"):
        model.fit(data["X"], np.full(60, np.nan))
    assert model.linear_coef_ is coef


def test_share_follows_what_there_is_to_learn():
    X = table(300)
    straight, bent = X[:, 0] - X[:, 1], X[:, 0] * X[:, 1]
    settings = {"early_stopping": True, "linear_path": "auto", "max_iter": 60}
    linear = lasting(RNNRegressor, **settings).fit(X, straight + X[:, 2])
    recurrent = lasting(RNNRegressor, **settings).fit(X, bent)
    assert linear.linear_score_ > 0.99
    assert recurrent.linear_score_ < 0.5
    assert recurrent.recurrent_share_ > 0.8
