"""Weights through the estimators: their scale does not matter, and copies teach nothing new."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, r2_score

from skrnn import RNNClassifier, RNNRegressor

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])


def problem(n, p, seed=0, n_new=1000):
    """Rows whose first column says all that can be known, and new ones."""
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(n, p)), rng.normal(size=(n_new, p))
    return X, X[:, 0] + rng.normal(size=n), X_new, X_new[:, 0] + rng.normal(size=n_new)


def model_of(Estimator, **parameters):
    settings = {"hidden_layer_sizes": 8, "max_iter": 8, "random_state": 0}
    return Estimator(**(settings | parameters))


def said(model, X):
    return model.predict(X) if isinstance(model, RNNRegressor) else model.predict_proba(X)


def learnable(Estimator, y):
    return y if Estimator is RNNRegressor else (y > 0).astype(int)


@BOTH
@pytest.mark.parametrize("linear_path", ["auto", None])
@pytest.mark.parametrize("n", [60, 200])
def test_a_factor_of_all_weights_changes_nothing(n, linear_path, Estimator):
    X, y, X_new, _ = problem(n, 4)
    y, w = learnable(Estimator, y), np.random.RandomState(1).uniform(0.5, 2.0, n)
    first = said(model_of(Estimator, linear_path=linear_path).fit(X, y, w), X_new)
    for factor in (2.0**-700, 2.0**-10, 2.0**10, 2.0**900):
        model = model_of(Estimator, linear_path=linear_path).fit(X, y, factor * w)
        np.testing.assert_array_equal(said(model, X_new), first)
    for factor in (1e-300, 1 / w.sum(), 10.0):
        model = model_of(Estimator, linear_path=linear_path).fit(X, y, factor * w)
        np.testing.assert_allclose(said(model, X_new), first, rtol=1e-6, atol=1e-6)


@BOTH
def test_a_factor_of_validation_weights_changes_nothing(Estimator):
    X, y, X_new, _ = problem(200, 4)
    y, w = learnable(Estimator, y), np.ones(60)
    held_out = {"X_val": X[140:], "y_val": y[140:]}
    first = model_of(Estimator).fit(X[:140], y[:140], **held_out)
    for factor in (2.0**-300, 1 / 64, 32.0):
        model = model_of(Estimator)
        model.fit(X[:140], y[:140], **held_out, sample_weight_val=factor * w)
        np.testing.assert_array_equal(said(model, X_new), said(first, X_new))


def test_a_factor_of_class_weights_changes_nothing():
    X, y, X_new, _ = problem(200, 4)
    y = learnable(RNNClassifier, y)
    first = model_of(RNNClassifier, class_weight={0: 1.0, 1: 4.0}).fit(X, y)
    for factor in (2.0**-20, 16.0):
        model = model_of(RNNClassifier, class_weight={0: factor, 1: 4.0 * factor}).fit(X, y)
        np.testing.assert_array_equal(said(model, X_new), said(first, X_new))


@BOTH
def test_a_factor_of_the_weights_of_partial_fit_changes_nothing(Estimator):
    X, y, X_new, _ = problem(60, 4)
    y = learnable(Estimator, y)
    classes = {} if Estimator is RNNRegressor else {"classes": [0, 1]}
    models = [model_of(Estimator) for _ in range(2)]
    for model, weight in zip(models, (1.0, 2.0**-30), strict=True):
        for _ in range(3):
            model.partial_fit(X, y, np.full(60, weight), **classes)
    np.testing.assert_array_equal(*(said(model, X_new) for model in models))


@BOTH
def test_rows_that_are_all_there_several_times_teach_no_more(Estimator):
    """The map learns each row once, so left-out predictions are of rows that were not seen."""
    X, y, X_new, y_new = problem(100, 80)
    y = learnable(Estimator, y)
    once = model_of(Estimator).fit(X, y)
    copies = model_of(Estimator).fit(np.repeat(X, 8, axis=0), np.repeat(y, 8))
    if Estimator is RNNRegressor:
        assert r2_score(y_new, copies.predict(X_new)) > r2_score(y_new, once.predict(X_new)) - 0.05
    else:
        new = learnable(Estimator, y_new)
        losses = [log_loss(new, said(model, X_new)) for model in (copies, once)]
        assert losses[0] < losses[1] + 0.05


@pytest.mark.parametrize("kind", ["two", "ten", "1 to 1000"])
@pytest.mark.parametrize(("n", "p"), [(100, 80), (300, 40)])
def test_importance_weights_do_not_make_the_linear_path_overfit(n, p, kind):
    scores = []
    for seed in range(3):
        X, y, X_new, y_new = problem(n, p, seed)
        spread = np.exp(np.random.RandomState(seed).uniform(0.0, np.log(1000.0), n))
        w = {"two": np.full(n, 2.0), "ten": np.full(n, 10.0), "1 to 1000": spread}[kind]
        ridge = RidgeCV(np.logspace(-4, 5, 20)).fit(X, y, w)
        model = model_of(RNNRegressor).fit(X, y, w)
        scores.append([r2_score(y_new, one.predict(X_new)) for one in (model, ridge)])
    ours, theirs = np.mean(scores, axis=0)
    assert ours > theirs - 0.1


@pytest.mark.parametrize("class_weight", [{0: 1, 1: 10}, {0: 10, 1: 100}], ids=str)
def test_class_weights_do_not_make_the_linear_path_overfit(class_weight):
    X, y, X_new, y_new = problem(100, 80)
    y, y_new = learnable(RNNClassifier, y), learnable(RNNClassifier, y_new)
    w = np.where(y_new > 0, class_weight[1], class_weight[0])
    best = min(
        log_loss(y_new, one.fit(X, y).predict_proba(X_new), sample_weight=w)
        for one in (
            LogisticRegression(C=C, class_weight=class_weight) for C in np.logspace(-5, 1, 7)
        )
    )
    model = model_of(RNNClassifier, class_weight=class_weight).fit(X, y)
    assert log_loss(y_new, model.predict_proba(X_new), sample_weight=w) < best + 0.02


def test_a_table_of_categories_keeps_its_path():
    """Equal rows are natural there: the map is as good as on rows that were told apart."""
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 3, size=(400, 2))
    X = np.hstack([np.eye(3)[column] for column in cells.T])
    effects = rng.normal(size=6) * 2
    y = (rng.random(400) < 1 / (1 + np.exp(-X @ effects))).astype(int)
    path = model_of(RNNClassifier, early_stopping=False, max_iter=1, learning_rate_init=1e-9)
    apart = X + 1e-9 * rng.normal(size=X.shape)
    losses = [log_loss(y, path.fit(rows, y).predict_proba(rows)) for rows in (X, apart)]
    assert losses[0] < losses[1] + 0.01


def test_repeated_cells_are_learnt_as_samples_of_their_own():
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]] * 50)
    y = X[:, 0] != X[:, 1]
    assert RNNClassifier(random_state=0, hidden_layer_sizes=16).fit(X, y).score(X, y) == 1.0
