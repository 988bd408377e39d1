"""Small batches are predicted by calls that are kept: the same bits, and never those of others."""

import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import building
import numpy as np
import pytest

from skrnn import RNNClassifier, RNNRegressor
from skrnn.learning import repeated
from skrnn.network.examples import Examples
from skrnn.network.network import Memory
from skrnn.network.repeated import TrainingStep, TrainingSteps

SETTINGS = {"max_iter": 2, "random_state": 0, "early_stopping": False}


def data(n=40, dtype="float64"):
    X = np.random.RandomState(0).normal(size=(n, 6, 2)).astype(dtype)
    return X, X[:, -1, 0] - X[:, 0, 1]


def the_long_way(model, X):
    """Predictions of a list, which is no array of rows."""
    return model.predict(list(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("linear_path", ["auto", None, 2])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_bits_are_those_of_the_long_way(cell, linear_path, dtype):
    X, y = data(dtype=dtype)
    settings = SETTINGS | {"cell": cell, "linear_path": linear_path}
    for more in ({"frame_length": 1}, {"frame_length": 4}, {"hidden_layer_sizes": (5, 3)}):
        model = RNNRegressor(**settings | more).fit(X, y)
        expected = the_long_way(model, X)
        for n in (1, 40, 7, 1, 1, 7, 40, 40, 40):
            np.testing.assert_array_equal(model.predict(X[:n].copy()), expected[:n])
            np.testing.assert_array_equal(model.predict(X[-n:]), expected[-n:])


def test_a_path_in_another_precision_than_the_net_goes_the_long_way():
    X, y = data(dtype="float32")
    X *= np.float32(1e31)  # whose differences and quotients are for double precision
    model = RNNRegressor(**SETTINGS).fit(X, y)
    assert model._model.path.precision("float32") == np.float64
    for _ in range(3):
        np.testing.assert_array_equal(model.predict(X[:7]), the_long_way(model, X[:7]))


@pytest.fixture
def ways(monkeypatch):
    """Rows of the batches that are predicted in this way."""
    seen, raw_predict = [], repeated.Repeated.raw_predict

    def counted(self, values):
        seen.append(len(values))
        return raw_predict(self, values)

    monkeypatch.setattr(repeated.Repeated, "raw_predict", counted)
    return seen


def test_it_is_the_way_of_small_batches_in_arrays(ways):
    X, y = data()
    model = RNNRegressor(**SETTINGS).fit(X, y)
    ways.clear()
    model.predict(X[:3])
    assert ways == [3 * 6]
    model.predict([X[0], X[1, :3]])
    model.predict(np.tile(X, (100, 1, 1)))
    assert ways == [3 * 6]


@pytest.mark.parametrize(
    "other",
    [
        {"bidirectional": True},
        {"pooling": "mean"},
        {"pooling": "attention"},
        {"return_sequences": True},
    ],
)
def test_other_nets_go_the_long_way(other, ways):
    X, y = data()
    if "return_sequences" in other:
        y = X[:, :, 0]
    model = RNNRegressor(**SETTINGS | other).fit(X, y)
    assert np.isfinite(model.predict(X[:2])).all()
    assert not ways


def test_numbers_written_into_the_parameters_count():
    X, y = data()
    model = RNNRegressor(**SETTINGS, linear_path=None).fit(X, y)
    before = [model.predict(X[:2]) for _ in range(3)][-1]
    model.intercepts_[-1][:] += 1.0
    moved = [model.predict(X[:2]) for _ in range(3)]
    assert (np.abs(moved[0] - before) > 0.1).all()
    for found in moved:
        np.testing.assert_array_equal(found, the_long_way(model, X[:2]))


def test_predictions_are_not_written_over_and_a_pickle_has_none_of_it():
    X, y = data()
    model = RNNRegressor(**SETTINGS).fit(X, y)
    size = len(pickle.dumps(model))
    first = model.predict(X[:5])
    kept = first.copy()
    for _ in range(4):
        model.predict(X[5:10])
    np.testing.assert_array_equal(first, kept)
    assert len(pickle.dumps(model)) == size
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X[:5]), kept)


def test_missing_values_are_read_anew_in_each_batch(ways):
    """Their marks make other sequences of an array, which go the long way."""
    X, y = data()
    X[::3, 2, 1] = np.nan
    model = RNNClassifier(**SETTINGS).fit(X, y > 0)
    expected = model.predict_proba(list(X))
    ways.clear()
    for rows in (slice(0, 4), slice(4, 8), slice(0, 4), slice(8, 12)):
        np.testing.assert_array_equal(model.predict_proba(X[rows]), expected[rows])
    assert not ways


def test_threads_do_not_share_what_is_kept():
    X, y = data(400)
    model = RNNRegressor(**SETTINGS).fit(X, y)
    expected = the_long_way(model, X)

    def predict(i):
        return (model.predict(X[i : i + 8]) == expected[i : i + 8]).all()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(predict, [i for i in range(390) for _ in range(5)]))


def test_shapes_are_forgotten_when_there_are_many():
    X, y = data()
    model = RNNRegressor(**SETTINGS).fit(X, y)
    for n in range(1, 40):
        model.predict(X[:n])
    assert len(model._model._batches._kept.of_shapes) <= repeated._MOST_SHAPES


def test_parameters_are_kept_once_for_all_shapes_of_all_models():
    """Those of a net of 1000 units take 25 MB."""
    X, y = data()
    models = [RNNRegressor(300, **SETTINGS | {"max_iter": 1}).fit(X, y) for _ in range(2)]
    for model in models:
        model.predict(X[:1])
    tracemalloc.start()
    for n_steps in range(1, 7):
        for model in models:
            model.predict(X[:1, :n_steps].copy())
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < models[0]._model.theta.nbytes


def test_infinite_values_are_refused_as_ever():
    X, y = data()
    model = RNNRegressor(**SETTINGS).fit(X, y)
    for _ in range(3):
        model.predict(X[:2])
    bad = X[:2].copy()
    bad[1, 3, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        model.predict(bad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "softmax"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_steps_have_the_bits_of_the_way_that_all_nets_go(cell, loss, dtype, monkeypatch):
    rng, n_outputs = np.random.default_rng(0), 3 if loss == "softmax" else 1
    net = building.network(cell, (5,), 2, n_outputs, dtype)
    data = building.sequence_data(rng.normal(size=(40 * 6, 2)).astype(dtype), np.arange(0, 241, 6))
    data = data._replace(n_steps=6)
    targets = rng.integers(3, size=(40, 1)) if loss == "softmax" else rng.normal(size=(40, 1))
    weights, loss = rng.uniform(0.5, 2, size=40).astype(dtype), building.loss(loss, n_outputs)
    orders = [rng.permutation(40)[:n] for n in (16, 16, 16, 9, 16, 9, 9, 9, 1, 2, 3, 4, 5, 16)]

    def train(offsets):
        examples = Examples(data, targets.astype(dtype), weights, offsets)
        theta, found = net.initialize(np.random.RandomState(0)), []
        gradient, memory = np.empty_like(theta), Memory(net)
        for rows in orders:
            value = net.loss_gradient(
                loss, theta, examples, rows, gradient, alpha=0.1, memory=memory
            )
            theta -= 0.1 * gradient
            found.append((value, gradient.copy()))
        return found

    used, loss_gradient = [], TrainingStep.loss_gradient
    monkeypatch.setattr(
        TrainingStep, "loss_gradient", lambda *given: used.append(1) or loss_gradient(*given)
    )
    for offsets in (None, rng.normal(size=(40, n_outputs)).astype(dtype)):
        with monkeypatch.context() as patched:
            patched.setattr(TrainingSteps, "of", lambda *arguments: None)
            expected = train(offsets)
        assert not used
        for (value, gradient), (same, bits) in zip(train(offsets), expected, strict=True):
            assert value == same
            np.testing.assert_array_equal(gradient, bits)
        assert len(used) == len(orders)
        used.clear()


def test_steps_follow_other_examples_and_losses():
    rng, net = np.random.default_rng(0), building.network("gru", (4,))
    data = building.sequence_data(rng.normal(size=(60, 2)), np.arange(0, 61, 3))._replace(n_steps=3)
    memory, rows, theta = Memory(net), np.arange(20), net.initialize(np.random.RandomState(0))
    for name in ("squared_error", "absolute_error", "squared_error"):
        examples = Examples(data, rng.normal(size=(20, 1)), np.ones(20))
        loss, gradients = building.loss(name), np.empty((2, len(theta)))
        values = [
            net.loss_gradient(loss, theta, examples, rows, gradient, memory=kept)
            for gradient, kept in zip(gradients, (memory, None), strict=True)
        ]
        assert values[0] == values[1]
        np.testing.assert_array_equal(*gradients)
