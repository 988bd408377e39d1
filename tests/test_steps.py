"""A target for each step: forms of y and of predictions, weights of steps, causality, scores."""

import pickle
import re

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from datasets import gappy, objects, outputs, state
from fits import Spy
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    TimeSeriesSplit,
    cross_val_score,
    cross_validate,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.classes import ClassTarget
from skrnn.data.examples import Examples
from skrnn.data.sequences import Sequences
from skrnn.data.steps import Steps
from skrnn.learning import candidates
from skrnn.metrics import make_step_scorer

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
PATHS = pytest.mark.parametrize("linear_path", [None, "auto"])
DENSE, RAGGED = datasets.array(30, 5), datasets.ragged(30)


def small(Estimator=RNNRegressor, **parameters):
    settings = {"return_sequences": True, "linear_path": None}
    return datasets.small(Estimator, **(settings | parameters))


def target(Estimator, x):
    """Of each step the sum so far of its first feature, or whether that is low, middle or high."""
    total = np.cumsum(np.asarray(x)[..., 0], axis=-1)
    names = np.array(["high", "low", "middle"])
    return total if Estimator is RNNRegressor else names[np.digitize(total, [-0.7, 0.7])]


def targets(Estimator, X):
    return [target(Estimator, x) for x in X] if isinstance(X, list) else target(Estimator, X)


def end_to_end(values):
    return np.concatenate(list(values))


def says(model, X):
    """All that a model says of X, steps end to end."""
    if isinstance(model, RNNRegressor):
        return end_to_end(model.predict(X))
    found = (model.predict_proba(X), model.predict_log_proba(X), model.decision_function(X))
    parts = [end_to_end(one) for one in found]
    return np.column_stack([end_to_end(model.predict(X)) == "low", *parts])


def padded(X):
    longest = max(map(len, X))
    return np.stack([np.vstack([x, np.full((longest - len(x), x.shape[1]), np.nan)]) for x in X])


# --- forms -----------------------------------------------------------------------------------


@BOTH
@PATHS
def test_a_list_and_a_padded_array_give_the_same_bits(linear_path, Estimator):
    y = targets(Estimator, RAGGED)
    one = small(Estimator, linear_path=linear_path).fit(RAGGED, y)
    other = small(Estimator, linear_path=linear_path).fit(padded(RAGGED), y)
    np.testing.assert_array_equal(says(one, RAGGED), says(other, padded(RAGGED)))
    assert isinstance(other.predict(padded(RAGGED)), list)


@BOTH
def test_an_array_a_list_and_flat_rows_give_the_same_bits(Estimator):
    y, flat = target(Estimator, DENSE), DENSE.reshape(30, -1)
    array = small(Estimator).fit(DENSE, y)
    of_list = small(Estimator).fit(list(DENSE), list(y))
    of_rows = small(Estimator, n_timesteps=5).fit(flat, y)
    expected = says(array, DENSE)
    np.testing.assert_array_equal(says(of_list, list(DENSE)), expected)
    np.testing.assert_array_equal(says(of_rows, flat), expected)
    assert array.predict(DENSE).shape == of_rows.predict(flat).shape == (30, 5)
    assert [len(one) for one in of_list.predict(list(DENSE))] == [5] * 30


def test_a_table_has_a_step_in_each_column():
    X, y = DENSE[:, :, 0], target(RNNRegressor, DENSE)
    of_rows, array = small().fit(X, y), small().fit(X[:, :, np.newaxis], y)
    np.testing.assert_array_equal(of_rows.predict(X), array.predict(X[:, :, np.newaxis]))
    frame = pd.DataFrame(X, columns=list("abcde"))
    of_frame = small(warm_start=True).fit(frame, y)
    np.testing.assert_array_equal(of_frame.predict(frame), of_rows.predict(X))
    assert len(of_frame.fit(frame, y).loss_curve_) == 8


FORMS_OF_Y = {
    "lists": lambda y: [one.tolist() for one in y],
    "object array": objects,
    "series": lambda y: pd.Series(list(y)),
    "polars": lambda y: pl.Series([one.tolist() for one in y]),
    "tuple": tuple,
    "single columns": lambda y: [pd.Series(one) for one in y],
}


@BOTH
@pytest.mark.parametrize("form", FORMS_OF_Y)
def test_forms_of_y(form, Estimator):
    y = targets(Estimator, RAGGED)
    expected = says(small(Estimator).fit(RAGGED, y), RAGGED)
    found = says(small(Estimator).fit(RAGGED, FORMS_OF_Y[form](y)), RAGGED)
    np.testing.assert_array_equal(found, expected)


@BOTH
def test_y_of_a_padded_x_may_be_padded_with_anything(Estimator):
    y, X = targets(Estimator, RAGGED), padded(RAGGED)
    full = np.array([np.resize(one, X.shape[1]) for one in y])
    expected = says(small(Estimator).fit(X, y), X)
    model = small(Estimator).fit(X, full)
    np.testing.assert_array_equal(says(model, X), expected)
    assert model.score(X, full) == model.score(RAGGED, y)


def test_several_outputs_and_quantile_levels_are_further_axes():
    y = np.stack([target(RNNRegressor, DENSE), DENSE[:, :, 1]], axis=2)
    assert small().fit(DENSE, y).predict(DENSE).shape == (30, 5, 2)
    lists = [np.stack([x[:, 0], x[:, 1]], axis=1) for x in RAGGED]
    predicted = small().fit(RAGGED, lists).predict(RAGGED)
    assert [one.shape for one in predicted] == [x.shape for x in RAGGED]
    levels = small(loss="quantile", quantile=[0.9, 0.1]).fit(DENSE, y)
    assert levels.predict(DENSE).shape == (30, 5, 2, 2)
    assert (np.diff(levels.predict(DENSE), axis=3) >= 0).all()
    assert levels.n_outputs_ == 2
    assert np.isfinite(levels.score(DENSE, y))


def test_labels_of_each_step():
    y = (DENSE > 0).astype(int)
    model = small(RNNClassifier).fit(DENSE, y)
    assert model.predict(DENSE).shape == model.predict_proba(DENSE).shape == (30, 5, 2)
    right = (model.predict(DENSE) == y).all(axis=2).mean()
    np.testing.assert_allclose(model.score(DENSE, y), right)


@pytest.mark.parametrize("names", [("no", "yes"), (False, True), (3, 7), (-1, 1)])
def test_two_classes_of_any_type(names):
    y = np.array(names)[(target(RNNRegressor, DENSE) > 0).astype(int)]
    model = small(RNNClassifier, max_iter=60, learning_rate_init=0.1).fit(DENSE, y)
    assert model.classes_.tolist() == list(names)
    assert model.decision_function(DENSE).shape == (30, 5)
    assert model.predict_proba(DENSE).shape == (30, 5, 2)
    assert model.predict(DENSE).dtype == y.dtype
    assert model.score(DENSE, y) > 0.8


# --- what it learns --------------------------------------------------------------------------


LOSSES = ["squared_error", "absolute_error", "huber", "poisson", "quantile"]


@PATHS
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_of_steps(loss, linear_path):
    """The sum so far, which no single step tells."""
    X = datasets.ragged(120, lengths=(3, 9))
    y = [np.exp(0.3 * target(RNNRegressor, x)) for x in X]
    settings = {"hidden_layer_sizes": (16,), "max_iter": 60, "early_stopping": "auto"}
    model = small(loss=loss, linear_path=linear_path, **settings).fit(X, y)
    assert model.score(X, y) > 0.8


def test_mean_and_constant_are_of_labelled_steps():
    """With a learning rate of nothing the net says the mean of all steps that count."""
    X, y = RAGGED, targets(RNNRegressor, RAGGED)
    weights = [(np.arange(len(x)) % 3 + 1.0) for x in X]
    model = small(learning_rate_init=1e-12, max_iter=1).fit(X, y, weights)
    mean = np.average(end_to_end(y), weights=end_to_end(weights))
    np.testing.assert_allclose(model._model.scaling.target_center, mean)


def test_inputs_are_standardised_by_the_mean_weight_of_their_steps():
    y = targets(RNNRegressor, RAGGED)
    of_all = small(max_iter=1).fit(RAGGED, y)._model.scaling.center[0]
    np.testing.assert_allclose(of_all, end_to_end(RAGGED).mean(axis=0))
    weights = [np.arange(len(x)) % 2 + 1.0 + (i % 3) for i, x in enumerate(RAGGED)]
    of_rows = np.repeat([w.mean() for w in weights], list(map(len, RAGGED)))
    center = small(max_iter=1).fit(RAGGED, y, weights)._model.scaling.center[0]
    np.testing.assert_allclose(center, np.average(end_to_end(RAGGED), axis=0, weights=of_rows))


@pytest.mark.parametrize("linear_path", [None, "auto", 2])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@BOTH
def test_no_later_step_changes_a_bit(Estimator, cell, linear_path):
    model = small(Estimator, cell=cell, hidden_layer_sizes=(4, 3), linear_path=linear_path)
    X = [gappy([x])[0] for x in RAGGED]
    model.fit(X, targets(Estimator, RAGGED))
    later = np.random.default_rng(1)
    for x in X[:8]:
        expected = says(model, [x])
        for t in range(1, len(x)):
            changed = x.copy()
            changed[t:] = later.normal(size=x[t:].shape)
            np.testing.assert_array_equal(says(model, [changed])[:t], expected[:t])
            np.testing.assert_array_equal(says(model, [x[:t]]), expected[:t])


@PATHS
def test_a_bidirectional_net_sees_later_steps(linear_path):
    """The target is the next step, which a net of one direction cannot know."""
    X = datasets.array(150, 6, 1)
    y = np.roll(X[:, :, 0], -1, axis=1)
    y[:, -1] = 0.0
    settings = {"hidden_layer_sizes": (12,), "max_iter": 60, "linear_path": linear_path}
    assert small(bidirectional=True, **settings).fit(X, y).score(X, y) > 0.9
    assert small(**settings).fit(X, y).score(X, y) < 0.6


@BOTH
@PATHS
@pytest.mark.parametrize("bidirectional", [False, True])
def test_neighbours_and_threads_change_no_bit(bidirectional, linear_path, Estimator):
    X = datasets.ragged(70)
    y = targets(Estimator, X)
    settings = {"bidirectional": bidirectional, "linear_path": linear_path}
    one = small(Estimator, **settings, early_stopping=True).fit(X, y)
    other = small(Estimator, **settings, early_stopping=True, n_jobs=3).fit(X, y)
    expected = says(one, X)
    np.testing.assert_array_equal(says(other, X), expected)
    starts = np.cumsum([0, *map(len, X)])
    for i in (0, 3, 69):
        np.testing.assert_array_equal(says(one, [X[i]]), expected[starts[i] : starts[i + 1]])


@BOTH
def test_dropout_and_lbfgs(Estimator):
    y = targets(Estimator, RAGGED)
    dropout = small(Estimator, hidden_layer_sizes=(4, 4), dropout=0.4, max_iter=8).fit(RAGGED, y)
    assert dropout.loss_curve_[-1] < dropout.loss_curve_[0]
    lbfgs = small(Estimator, solver="lbfgs", max_iter=200, tol=0.02).fit(RAGGED, y)
    assert lbfgs.score(RAGGED, y) > 0.8


# --- weights ---------------------------------------------------------------------------------


@BOTH
@PATHS
def test_a_step_of_no_weight_may_have_any_target(linear_path, Estimator):
    y = targets(Estimator, RAGGED)
    weights = [(np.arange(len(x)) % 2).astype(float) + (len(x) == 1) for x in RAGGED]
    settings = {"linear_path": linear_path, "early_stopping": True}
    expected = says(small(Estimator, **settings).fit(RAGGED, y, weights), RAGGED)
    nothing = {RNNRegressor: [np.nan, 1e30, -5.0], RNNClassifier: [None, "?", "low"]}[Estimator]
    for other in nothing:
        without = [np.where(w > 0, one, other) for one, w in zip(y, weights, strict=True)]
        found = small(Estimator, **settings).fit(RAGGED, without, weights)
        np.testing.assert_array_equal(says(found, RAGGED), expected)
        assert found.score(RAGGED, without, weights) == found.score(RAGGED, y, weights)


@BOTH
@PATHS
def test_a_sequence_of_no_weight_is_as_good_as_gone(linear_path, Estimator):
    y = targets(Estimator, RAGGED)
    weights = [np.full(len(x), float(i % 4 > 0)) for i, x in enumerate(RAGGED)]
    kept = [i for i in range(30) if i % 4]
    settings = {"linear_path": linear_path, "early_stopping": True}
    found = small(Estimator, **settings).fit(RAGGED, y, weights)
    of_rows = small(Estimator, **settings).fit(RAGGED, y, [float(i % 4 > 0) for i in range(30)])
    expected = small(Estimator, **settings).fit([RAGGED[i] for i in kept], [y[i] for i in kept])
    np.testing.assert_array_equal(says(found, RAGGED), says(expected, RAGGED))
    np.testing.assert_array_equal(says(of_rows, RAGGED), says(expected, RAGGED))


@BOTH
@PATHS
def test_weights_are_repetition(linear_path, Estimator):
    """All in one batch, so that both train alike."""
    y, times = targets(Estimator, RAGGED), [1 + i % 3 for i in range(30)]
    again = np.repeat(np.arange(30), times)
    settings = {"linear_path": linear_path, "batch_size": 1000}
    weighted = small(Estimator, **settings).fit(RAGGED, y, times)
    repeated = small(Estimator, **settings).fit([RAGGED[i] for i in again], [y[i] for i in again])
    np.testing.assert_allclose(says(weighted, RAGGED), says(repeated, RAGGED), rtol=1e-6, atol=1e-7)
    per_step = [np.full(len(x), n) for x, n in zip(RAGGED, times, strict=True)]
    other = small(Estimator, **settings).fit(RAGGED, y, per_step)
    np.testing.assert_array_equal(says(other, RAGGED), says(weighted, RAGGED))


def test_the_scale_of_all_weights_does_not_matter():
    y, rng = targets(RNNRegressor, RAGGED), np.random.default_rng(0)
    weights = [rng.uniform(0.5, 2.0, len(x)) for x in RAGGED]
    one = small(alpha=1.0).fit(RAGGED, y, weights)
    other = small(alpha=1.0).fit(RAGGED, y, [1024.0 * w for w in weights])
    np.testing.assert_array_equal(says(one, RAGGED), says(other, RAGGED))


def test_class_weight_is_a_weight_of_steps():
    y = targets(RNNClassifier, RAGGED)
    factors = {"low": 1.0, "middle": 3.0, "high": 0.5}
    weights = [np.vectorize(factors.get)(one) for one in y]
    one = small(RNNClassifier, class_weight=factors).fit(RAGGED, y)
    other = small(RNNClassifier).fit(RAGGED, y, weights)
    np.testing.assert_array_equal(says(one, RAGGED), says(other, RAGGED))
    names, counts = np.unique(end_to_end(y), return_counts=True)
    balanced = dict(zip(names, counts.sum() / (3 * counts), strict=True))
    one = small(RNNClassifier, class_weight="balanced").fit(RAGGED, y)
    other = small(RNNClassifier, class_weight=balanced).fit(RAGGED, y)
    np.testing.assert_allclose(says(one, RAGGED), says(other, RAGGED), rtol=1e-9, atol=1e-12)


# --- scores ----------------------------------------------------------------------------------


@BOTH
def test_score_is_over_all_steps_that_count(Estimator):
    y, rng = targets(Estimator, RAGGED), np.random.default_rng(3)
    weights = [rng.integers(0, 3, len(x)).astype(float) for x in RAGGED]
    model = small(Estimator).fit(RAGGED, y)
    metric = r2_score if Estimator is RNNRegressor else accuracy_score
    flat = end_to_end(y), end_to_end(model.predict(RAGGED))
    np.testing.assert_allclose(model.score(RAGGED, y), metric(*flat))
    of_steps = metric(*flat, sample_weight=end_to_end(weights))
    np.testing.assert_allclose(model.score(RAGGED, y, weights), of_steps)
    of_rows = np.repeat(np.arange(30.0), list(map(len, RAGGED)))
    expected = metric(*flat, sample_weight=of_rows)
    np.testing.assert_allclose(model.score(RAGGED, y, np.arange(30)), expected)


def test_any_metric_scores_steps():
    y = [(one == "low").astype(int) for one in targets(RNNClassifier, RAGGED)]
    model = small(RNNClassifier).fit(RAGGED, y)
    flat, scorer = end_to_end(y), make_step_scorer(f1_score)
    assert scorer(model, RAGGED, y) == f1_score(flat, end_to_end(model.predict(RAGGED)))
    loss = make_step_scorer(log_loss, response_method="predict_proba", greater_is_better=False)
    probabilities = end_to_end(model.predict_proba(RAGGED))
    np.testing.assert_allclose(loss(model, RAGGED, y), -log_loss(flat, probabilities[:, 1]))
    weights = [np.arange(len(x)) for x in RAGGED[1:]]
    expected = f1_score(
        end_to_end(y[1:]), end_to_end(model.predict(RAGGED[1:])), sample_weight=end_to_end(weights)
    )
    np.testing.assert_allclose(scorer(model, RAGGED[1:], y[1:], weights), expected)
    assert "f1_score" in repr(scorer)
    again = pickle.loads(pickle.dumps(loss))
    assert again(model, RAGGED, y) == loss(model, RAGGED, y)


def test_a_metric_without_weights_sees_the_steps_that_count():
    def largest(y_true, y_pred):
        return np.abs(y_true - y_pred).max()

    y = targets(RNNRegressor, RAGGED)
    model = small().fit(RAGGED, y)
    weights = [(np.arange(len(x)) == 0).astype(float) for x in RAGGED]
    scorer = make_step_scorer(largest, greater_is_better=False)
    first = [p[0] - t[0] for p, t in zip(model.predict(RAGGED), y, strict=True)]
    assert scorer(model, RAGGED, y, weights) == -np.abs(first).max()


@BOTH
@pytest.mark.parametrize("form", ["list", "array"])
def test_cross_validation_and_search(form, Estimator):
    X = RAGGED if form == "list" else DENSE
    y = targets(Estimator, X)
    metric = mean_absolute_error if Estimator is RNNRegressor else accuracy_score
    scorer = make_step_scorer(metric, greater_is_better=metric is accuracy_score)
    scores = cross_val_score(small(Estimator), X, y, cv=KFold(3), scoring=scorer)
    assert np.isfinite(scores).all()
    own = cross_val_score(small(Estimator), X, y, cv=KFold(3))
    assert metric is not accuracy_score or (own == scores).all()
    search = GridSearchCV(
        small(Estimator), {"hidden_layer_sizes": [2, 3]}, cv=KFold(2), scoring=scorer
    )
    assert search.fit(X, y).best_score_ <= 1.0


# --- validation data, more training, saving --------------------------------------------------


@BOTH
@PATHS
def test_validation_data_have_steps_too(linear_path, Estimator):
    y = targets(Estimator, RAGGED)
    held_out = {"X_val": RAGGED[20:], "y_val": y[20:]}
    settings = {"linear_path": linear_path, "early_stopping": True, "max_iter": 12}
    model = small(Estimator, **settings).fit(RAGGED[:20], y[:20], **held_out)
    assert len(model.validation_scores_) == model.n_iter_
    weights = [np.r_[1.0, np.zeros(len(x) - 1)] for x in RAGGED[20:]]
    other = small(Estimator, **settings)
    other.fit(RAGGED[:20], y[:20], **held_out, sample_weight_val=weights)
    assert other.validation_loss_curve_ != model.validation_loss_curve_
    tail = small(Estimator, **settings, validation_fraction=TimeSeriesSplit(2, test_size=10))
    np.testing.assert_array_equal(says(tail.fit(RAGGED, y), RAGGED), says(model, RAGGED))


def test_nothing_is_stratified(monkeypatch):
    monkeypatch.delattr(ClassTarget, "strata")
    small(RNNClassifier, early_stopping=True).fit(RAGGED, targets(RNNClassifier, RAGGED))


def test_the_share_is_found_as_one_of_steps(monkeypatch):
    spy = Spy(monkeypatch, candidates, "blend")
    small(linear_path="auto", early_stopping=True).fit(RAGGED, targets(RNNRegressor, RAGGED))
    assert spy["of_steps"] == [True]


def test_the_score_watched_is_that_of_score():
    y, settings = targets(RNNRegressor, RAGGED), {"early_stopping": True, "max_iter": 1}
    model = small(**settings).fit(RAGGED[:20], y[:20], X_val=RAGGED[20:], y_val=y[20:])
    np.testing.assert_allclose(model.best_validation_score_, model.score(RAGGED[20:], y[20:]))


@BOTH
def test_training_goes_on(Estimator):
    y = targets(Estimator, RAGGED)
    model = small(Estimator, warm_start=True).fit(RAGGED, y).fit(RAGGED, y)
    assert len(model.loss_curve_) == 8
    with pytest.raises(ValueError, match=r"with return_sequences=True.* Set it back"):
        model.set_params(return_sequences=False).fit(RAGGED, [one[0] for one in y])
    classes = {} if Estimator is RNNRegressor else {"classes": ["high", "low", "middle"]}
    model = small(Estimator).partial_fit(RAGGED[:9], y[:9], **classes)
    assert model.partial_fit(RAGGED[9:], y[9:]).t_ == 30
    assert np.isfinite(end_to_end(model.predict(RAGGED)) == "low").all()


@BOTH
@PATHS
def test_saved_models_say_the_same(linear_path, Estimator):
    model = small(Estimator, linear_path=linear_path).fit(RAGGED, targets(Estimator, RAGGED))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(says(again, RAGGED), says(model, RAGGED))
    assert clone(model).return_sequences is True


@BOTH
@PATHS
def test_gaps_are_missing_values(linear_path, Estimator):
    X = gappy(RAGGED)
    model = small(Estimator, linear_path=linear_path).fit(X, targets(Estimator, RAGGED))
    assert np.isfinite(says(model, X)).all()
    assert not np.array_equal(says(model, X), says(model, RAGGED))


@BOTH
def test_a_single_sequence(Estimator):
    x = datasets.array(1, 60)
    model = small(Estimator, linear_path="auto", early_stopping="auto").fit(x, target(Estimator, x))
    assert model.predict(x).shape == (1, 60)


# --- what is refused -------------------------------------------------------------------------


FLAT = ".*but with return_sequences=True there is one for each step.* set return_sequences=False"
BAD_Y = {
    "flat": (lambda y: np.arange(30.0), f"y has shape (30,), {FLAT}"),
    "a number": (lambda y: 1.0, f"y has a single value, 1.0, {FLAT}"),
    "missing": (lambda y: None, "requires y to be passed"),
    "sparse": (lambda y: csr_matrix(np.ones((30, 3))), "y is of type csr_matrix, but with"),
    "one is flat": (lambda y: [*y[:3], 4.0, *y[4:]], f"Sample 3 of y is a single value, {FLAT}"),
    "too few": (lambda y: y[:-1], "numbers of samples: X has 30, y has 29"),
    "longer": (
        lambda y: [*y[:7], np.zeros(9), *y[8:]],
        f"Sample 7 of y has 9 steps, but sample 7 of X has {len(RAGGED[7])}",
    ),
    "an array": (lambda y: np.zeros((30, 3)), "Sample 0 of y has 3 steps, but sample 0 of X has 5"),
    "other outputs": (
        lambda y: [np.stack([one] * (2 + (i == 7)), axis=1) for i, one in enumerate(y)],
        "of shape (2,) in sample 0, but of shape (3,) in sample 7",
    ),
    "axes": (lambda y: [one[:, None, None] for one in y], "Sample 0 of y is of shape (5, 1, 1)"),
    "masked": (
        lambda y: [np.ma.masked_array(one, np.arange(len(one)) == 1) for one in y],
        "y is a masked array .* sample_weight of 0",
    ),
    "nan": (
        lambda y: [*y[:7], np.r_[y[7][:-1], np.nan], *y[8:]],
        f"y contains NaN: sample 7, step {len(RAGGED[7]) - 1}. Give steps without",
    ),
    "text": (
        lambda y: [[str(v) for v in one] for one in y],
        "y is of dtype <U.*, but must be numeric: could not convert string to float",
    ),
    "an object": (
        lambda y: [*y[:7], [*y[7][:-1], {}], *y[8:]],
        f"y must be numeric: .*(sample 7, step {len(RAGGED[7]) - 1})",
    ),
}  # fmt: skip


def in_order(words):
    return ".*".join(map(re.escape, words.split(".*")))


@pytest.mark.parametrize("case", BAD_Y)
def test_a_bad_y_is_refused_in_words(case):
    change, words = BAD_Y[case]
    y = targets(RNNRegressor, RAGGED)
    model = small().fit(RAGGED, y)
    before = state(model)
    for arguments in ((RAGGED, change(y)),):
        with pytest.raises((ValueError, TypeError), match=in_order(words)):
            model.fit(*arguments)
    held_out = words.replace("y ", "y_val ", 1).replace(" X ", " X_val ")
    if case not in ("flat", "a number", "missing"):
        held_out = held_out.replace("of y_val", "of y_val")
        with pytest.raises((ValueError, TypeError), match=in_order(held_out)):
            model.fit(RAGGED, y, X_val=RAGGED, y_val=change(y))
    assert state(model) == before


BAD_CLASSES = {
    "numbers beside text": (0, 1, 5, "mixes strings and numbers: .*(sample 0, step 1)"),
    "missing": (2, 0, np.nan, "contains NaN: sample 2, step 0. Give steps without"),
    "nothing": (2, 0, None, "contains None (sample 2, step 0)"),
    "a set": (2, 0, {"a"}, "contains {'a'} (sample 2, step 0)"),
}


@pytest.mark.parametrize("case", BAD_CLASSES)
def test_a_bad_label_is_refused_in_words(case):
    sample, step, label, words = BAD_CLASSES[case]
    y = [one.tolist() for one in targets(RNNClassifier, RAGGED)]
    y[sample][step] = label
    with pytest.raises((ValueError, TypeError), match=in_order(words)):
        small(RNNClassifier).fit(RAGGED, y)


def test_the_step_of_an_unknown_class_or_a_negative_count_is_named():
    y = targets(RNNClassifier, RAGGED)
    model = small(RNNClassifier).partial_fit(RAGGED, y, classes=["high", "low", "middle"])
    other = [*y[:7], np.r_[y[7][:2], ["huge"], y[7][3:]], *y[8:]]
    assert len(y[7]) > 3
    with pytest.raises(ValueError, match=r"does not know: 'huge' \(sample 7, step 2\)"):
        model.partial_fit(RAGGED, other)
    counts = [np.abs(x[:, 0]) for x in RAGGED]
    counts[6][-1] = -1.0
    with pytest.raises(ValueError, match=rf"sample 6, step {len(counts[6]) - 1}, output 0 is -1"):
        small(loss="poisson").fit(RAGGED, counts)
    indicators = [np.stack([x[:, 0] > 0, x[:, 1] > 0], axis=1).astype(int) for x in RAGGED]
    model = small(RNNClassifier).fit(RAGGED, indicators)
    with pytest.raises(ValueError, match="is an indicator matrix"):
        model.partial_fit(RAGGED, y)


BAD_WEIGHTS = {
    "too few": (lambda w: w[:-1], "X has 30, sample_weight has 29"),
    "too few numbers": (lambda w: np.ones(29), r"sample_weight must be of shape \(30,\)"),
    "of other lengths": (lambda w: [*w[:2], np.ones(9), *w[3:]], "Sample 2 of sample_weight has 9"),
    "an array": (lambda w: np.ones((30, 2)), "Sample 0 of sample_weight has 2 steps"),
    "of outputs": (lambda w: [np.ones((len(x), 2)) for x in w], "not for each output"),
    "negative": (lambda w: [*w[:7], -w[7], *w[8:]], "sample_weight`: sample 7, step 0 is -1"),
    "nan": (lambda w: [*w[:7], w[7] * np.nan, *w[8:]], "contains NaN: sample 7, step 0"),
    "nothing": (lambda w: [0 * x for x in w], "at least one non-zero number"),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_bad_weights_are_refused_in_words(case):
    change, words = BAD_WEIGHTS[case]
    weights = [np.ones(len(x)) for x in RAGGED]
    with pytest.raises(ValueError, match=words):
        small().fit(RAGGED, targets(RNNRegressor, RAGGED), change(weights))


def test_targets_of_steps_are_refused_where_sequences_have_one():
    flat = small(return_sequences=False)
    with pytest.raises(ValueError, match="set return_sequences=True for one for each step"):
        flat.fit(DENSE, DENSE)
    with pytest.raises(ValueError, match="one target, or the same number of targets"):
        flat.fit(RAGGED, [x[:, 0].tolist() for x in RAGGED])
    with pytest.raises((ValueError, TypeError), match="unless return_sequences=True"):
        flat.fit(RAGGED, objects([x[:, 0] for x in RAGGED]))


def test_parameters_that_have_no_meaning_are_refused():
    y = targets(RNNRegressor, DENSE)
    for pooling in ("mean", "max"):
        with pytest.raises(ValueError, match=f"pooling='{pooling}' has no meaning"):
            small(pooling=pooling).fit(DENSE, y)
    with pytest.raises(ValueError, match="frame_length=2 and return_sequences=True"):
        small(frame_length=2).fit(DENSE, y)
    assert small(frame_length=1).fit(DENSE, y).frame_length_ == 1
    with pytest.raises(ValueError, match="'return_sequences' parameter"):
        small(return_sequences="yes").fit(DENSE, y)
    frame = pd.DataFrame(DENSE[:, :, 0]).astype({0: "category"})
    with pytest.raises(ValueError, match="categor"):
        small().fit(frame, y)


def test_a_prediction_that_is_not_finite_is_named_by_its_step():
    model = small(standardize=False, cell="rnn", activation="relu", dtype="float32")
    x = np.ones((1, 6, 2), np.float32)
    x[0, 4] = 3e38
    model.fit(DENSE.astype(np.float32), targets(RNNRegressor, DENSE))
    model.coefs_[0][:] = 10.0
    with pytest.raises(ValueError, match="The prediction for sample 0, step 4 of X is not finite"):
        model.predict(x)


def test_outputs_of_a_net_for_sequences_are_as_before():
    model = datasets.small(RNNRegressor).fit(DENSE, datasets.numbers(DENSE))
    assert outputs(model, DENSE).shape == (30,)


@pytest.mark.parametrize("counted", [[0], [0, 9], [3, 4, 5]])
@pytest.mark.parametrize("factor", [1.0, 1e20])
def test_few_steps_have_a_target_or_one_outweighs_all_others(factor, counted):
    weights = np.zeros((2, 6))
    weights.flat[counted] = 1.0
    weights.flat[counted[0]] = factor
    X = datasets.array(2, 6)
    model = small(linear_path="auto").fit(X, target(RNNRegressor, X), weights)
    assert np.isfinite(model.predict(X)).all()


def test_equal_sequences_with_other_targets_count_no_more_than_their_steps():
    """Equal inputs with several targets, some of them twice, and steps that do not count."""
    x = datasets.array(1, 80)[0]
    lines = np.random.default_rng(0).normal(size=(3, 80, 1))[np.arange(6) % 3]
    weights = np.tile([1.0, 0.0, 1.0, 1.0], 120)
    sequences = Sequences.from_list([x] * 6)
    examples = Examples.of(sequences, lines.reshape(-1, 1), weights, sequences.lengths)
    assert examples.n_distinct == 3
    assert 0.0 < examples.weights.sum() <= weights.sum()
    assert (examples.weights > 0.0).sum() == weights.sum()


def test_weights_are_routed_to_a_scorer_that_asks_for_them():
    y = [(one == "low").astype(int) for one in targets(RNNClassifier, RAGGED)]
    weights = [np.arange(1.0, len(x) + 1.0) for x in RAGGED]
    model = small(RNNClassifier)
    scores = {}
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=False)
        for wanted in (True, False):
            scorer = make_step_scorer(accuracy_score).set_score_request(sample_weight=wanted)
            given = {"cv": KFold(2), "scoring": scorer, "params": {"sample_weight": weights}}
            if not wanted:
                model.set_fit_request(sample_weight=True)
            scores[wanted] = cross_validate(model, RAGGED, y, **given)["test_score"]
    model = small(RNNClassifier).fit(RAGGED[15:], y[15:])
    expected = make_step_scorer(accuracy_score)(model, RAGGED[:15], y[:15], weights[:15])
    assert scores[True][0] == expected
    assert scores[False][0] != expected


def test_predictions_come_as_an_array_for_an_array_without_padding_alone():
    flat = np.arange(6.0)
    array = Steps(np.array([3, 3]), 3).in_form(flat)
    np.testing.assert_array_equal(array, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    for n_timesteps in (None, 4):  # a list, and an array with a step of padding
        found = Steps(np.array([3, 3]), n_timesteps).in_form(flat)
        assert type(found) is list
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("form", [np.array, list], ids=["array", "list"])
def test_targets_of_no_weight_are_not_written_to(form):
    y, weight = form([np.array([1.0, 2.0, 3.0])]), np.array([[0.0, 1.0, 1.0]])
    given = Steps(np.array([3]), 3).given(y, weight, "float64", "Net")
    np.testing.assert_array_equal(given.y, [2.0, 2.0, 3.0])
    np.testing.assert_array_equal(y[0], [1.0, 2.0, 3.0])
