"""Hidden states, pooled or of each step, and attention weights: forms, values, names, refusals."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import reference
from fits import small
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.network import plan

POOLINGS = ["last", "mean", "max", "attention"]
BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
LENGTHS = [3, 1, 6, 6, 2, 4, 5, 6, 1, 3, 2, 6]


def problem(seed=0, n_features=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(12, 6, n_features)), np.arange(12) % 2


def ragged(X):
    return [x[:length] for x, length in zip(X, LENGTHS, strict=True)]


def padded(X):
    X = X.copy()
    for x, length in zip(X, LENGTHS, strict=True):
        x[length:] = np.nan
    return X


def parameters_of(model):
    views = model._model.network.views(model._model.theta)
    return {name: view.copy() for name, view in views.items()}


def standardised(model, x):
    scaling = model._model.scaling
    return (x - scaling.center) / scaling.scale


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_states_are_those_of_the_reference(cell, pooling, bidirectional):
    X, y = problem()
    options = {"cell": cell, "pooling": pooling, "bidirectional": bidirectional}
    model = small(**options, hidden_layer_sizes=(4, 3)).fit(ragged(X), y)
    parameters, pooled = parameters_of(model), model.transform(ragged(X))
    states = model.hidden_states(ragged(X))
    assert pooled.shape == (12, 3 * (1 + bidirectional))
    for i, x in enumerate(ragged(X)):
        expected = standardised(model, x)
        for layer in (0, 1):
            expected = reference.layer_outputs(expected, parameters, layer, cell, bidirectional)
        np.testing.assert_allclose(states[i], expected, rtol=1e-9, atol=1e-12)
        row = reference.pool(expected, pooling, bidirectional, parameters)
        np.testing.assert_allclose(pooled[i], row, rtol=1e-9, atol=1e-12)
        if pooling == "attention":
            shares = reference.attention_shares(expected, parameters)
            found = model.attention_weights(ragged(X))[i]
            np.testing.assert_allclose(found, shares, rtol=1e-9)


@BOTH
def test_an_array_for_an_array_and_a_list_for_what_is_ragged(Estimator):
    X, y = problem()
    model = small(Estimator, pooling="attention", bidirectional=True).fit(X, y)
    for method, shape in (("hidden_states", (12, 6, 12)), ("attention_weights", (12, 6))):
        find = getattr(model, method)
        of_array, of_list = find(X), find(list(X))
        assert of_array.shape == shape
        assert isinstance(of_list, list)
        for one, other in zip(of_array, of_list, strict=True):
            np.testing.assert_array_equal(one, other)
        of_ragged, of_padded = find(ragged(X)), find(padded(X))
        assert [len(one) for one in of_ragged] == LENGTHS
        for one, other in zip(of_ragged, of_padded, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_neighbours_and_threads_change_no_bit(bidirectional, dtype, monkeypatch):
    X, y = problem()
    model = small(pooling="attention", bidirectional=bidirectional, dtype=dtype).fit(ragged(X), y)
    whole = [model.transform(ragged(X)), model.hidden_states(ragged(X))]
    whole.append(model.attention_weights(ragged(X)))
    for i, x in enumerate(ragged(X)):
        alone = model.transform([x]), model.hidden_states([x]), model.attention_weights([x])
        for one, every in zip(alone, whole, strict=True):
            np.testing.assert_array_equal(one[0], every[i])
    for name in ("_PREDICTION_SHARD", "_PREDICT_TILE", "_MIN_PREDICT_ROWS"):
        monkeypatch.setattr(plan, name, 1)
    model.set_params(n_jobs=3)
    for i, find in enumerate((model.transform, model.hidden_states, model.attention_weights)):
        found = find(ragged(X) * 6)  # in shards of four rows, and tiles
        for one, other in zip(found, [*whole[i]] * 6, strict=True):
            np.testing.assert_array_equal(one, other)


def test_attention_weights_are_positive_and_sum_to_one():
    X, y = problem()
    model = small(pooling="attention").fit(ragged(X), y)
    for shares in model.attention_weights(ragged(X)):
        assert (shares > 0).all()
        np.testing.assert_allclose(shares.sum(), 1.0, rtol=1e-12)


def test_attention_looks_where_the_answer_is():
    """The value of the one step that a second feature marks, among a hundred others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 30, 2))
    X[:, :, 1], marked = 0.0, rng.integers(0, 30, 400)
    X[np.arange(400), marked, 1] = 1.0
    y = X[np.arange(400), marked, 0]
    net = {"hidden_layer_sizes": (16,), "linear_path": None, "frame_length": 1, "random_state": 0}
    model = RNNRegressor(**net, pooling="attention", max_iter=60).fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.8
    shares = model.attention_weights(X[300:])
    near = [share[step : step + 3].sum() for share, step in zip(shares, marked[300:], strict=True)]
    assert np.mean(near) > 0.5


def test_steps_are_frames():
    X, y = problem()
    model = small(pooling="attention", frame_length=4).fit(ragged(X), y)
    n_frames = [-(-length // 4) for length in LENGTHS]
    assert [len(one) for one in model.hidden_states(ragged(X))] == n_frames
    assert [len(one) for one in model.attention_weights(ragged(X))] == n_frames
    table = small(pooling="attention").fit(X[:, :, 0], y)
    assert table.hidden_states(X[:, :, 0]).shape == (12, 1, 6)
    np.testing.assert_array_equal(table.attention_weights(X[:, :, 0]), np.ones((12, 1)))


@BOTH
def test_states_are_of_the_recurrent_part_alone(Estimator):
    """What the head makes of them is the raw prediction less the linear path's."""
    X, y = problem(n_features=3)
    model = small(Estimator, linear_path="auto").fit(X, y)
    inner = model._model
    V, bias = inner.head()
    sequences = inner.schema.read(X)
    raw = inner.raw_predict(sequences) - inner.path_predict(sequences)
    np.testing.assert_allclose(model.transform(X) @ V + bias, raw, atol=1e-12)


# --- as a transformer ----------------------------------------------------------------------------


@BOTH
def test_fit_transform(Estimator):
    X, y = problem()
    weights = np.arange(12.0) + 1
    one, other = small(Estimator), small(Estimator)
    found = one.fit_transform(X, y, sample_weight=weights)
    np.testing.assert_array_equal(found, other.fit(X, y, sample_weight=weights).transform(X))
    assert is_regressor(one) == (Estimator is RNNRegressor)
    assert is_classifier(one) == (Estimator is RNNClassifier)
    with pytest.raises(TypeError, match="'y'"):
        small(Estimator).fit_transform(X)


def test_names_and_data_frames():
    X, y = problem()
    model = small(bidirectional=True, hidden_layer_sizes=2).fit(ragged(X), y)
    names = model.get_feature_names_out()
    assert names.tolist() == [f"rnnregressor{i}" for i in range(4)]
    plain = model.transform(ragged(X))
    model.set_output(transform="pandas")
    frame = model.transform(ragged(X))
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == names.tolist()
    np.testing.assert_array_equal(frame.to_numpy(), plain)
    assert isinstance(clone(model).fit_transform(ragged(X), y), pd.DataFrame)
    assert isinstance(pickle.loads(pickle.dumps(model)).transform(ragged(X)), pd.DataFrame)
    model.set_output(transform="polars")
    assert isinstance(model.transform(ragged(X)), pl.DataFrame)
    assert model.transform(ragged(X)).columns == names.tolist()
    model.set_output(transform="default")
    np.testing.assert_array_equal(model.transform(ragged(X)), plain)


def test_a_data_frame_keeps_its_index():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=list("abc"))
    table.index = np.arange(20) * 2 + 5
    model = small().set_output(transform="pandas").fit(table, table["a"])
    assert model.transform(table[3:7]).index.tolist() == [11, 13, 15, 17]


def test_states_feed_another_estimator():
    X, y = problem()
    model = make_pipeline(small(), Ridge()).fit(ragged(X), y)
    assert model.predict(ragged(X)).shape == (12,)


def test_what_is_refused():
    X, y = problem()
    for method in ("transform", "hidden_states", "get_feature_names_out"):
        with pytest.raises(NotFittedError):
            getattr(small(), method)(*([X] if method != "get_feature_names_out" else []))
    with pytest.raises(NotFittedError):
        small(pooling="attention").attention_weights(X)
    assert not hasattr(small(), "attention_weights")
    model = small(pooling="mean").fit(X, y)
    with pytest.raises(AttributeError) as error:
        getattr(model, "attention_weights")  # noqa: B009
    assert "pooling='attention', not for pooling='mean'" in str(error.value.__cause__)
    model.set_params(pooling="attention")  # the fitted model counts
    assert not hasattr(model, "attention_weights")
    for method in ("transform", "hidden_states"):
        with pytest.raises(ValueError, match="X has 1 features at each step"):
            getattr(model, method)(X[:, :, :1])


def test_a_state_that_is_not_finite_is_refused():
    X, y = problem()
    model = small(cell="rnn", activation="relu", standardize=False, dtype="float32").fit(X, y)
    huge = X.copy()
    huge[5], model.coefs_[0][:] = 3e38, 3.0
    for find in (model.transform, model.hidden_states):
        with pytest.raises(ValueError, match="The state for sample 5 of X is not finite"):
            find(huge)
        with pytest.raises(ValueError, match="The state for sample 1 of X is not finite"):
            find([X[0], huge[5], X[1]])


@pytest.mark.parametrize("is_array", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_with_a_target_for_each_step_each_sample_has_its_last_states(bidirectional, is_array):
    X, _ = problem()
    X = X if is_array else ragged(X)
    y = [x[:, 0] for x in X]
    model = small(bidirectional=bidirectional, return_sequences=True).fit(X, y)
    states, last = model.hidden_states(X), model.transform(X)
    size = last.shape[1] // (1 + bidirectional)
    expected = [np.r_[one[-1, :size], one[0, size:]] for one in states]
    np.testing.assert_array_equal(last, expected)
    np.testing.assert_array_equal(model.transform(X[:3]), last[:3])
