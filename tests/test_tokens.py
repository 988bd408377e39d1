"""Token ids: how they are read, the table of their vectors, and nets that learn it."""

import copy
import pickle
from dataclasses import replace
from typing import NamedTuple

import building
import numpy as np
import pandas as pd
import pytest
import reference
from datasets import objects
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import get_tags

from skrnn import RNNClassifier, RNNGenerator, RNNRegressor, RNNTranslator
from skrnn.data import tokens
from skrnn.data.sequences import Sequences
from skrnn.learning.optimizers import SGD, Adam, Average, gradient_norm
from skrnn.network import inputs
from skrnn.network.examples import Examples
from skrnn.network.network import Memory

LISTS = [[3, 9], [4], [9, 9, 3]]


def texts(n=60, seed=0, n_tokens=12, longest=7):
    """Lists of ids, and a number that is no sum over tokens: it depends on the last one."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(1, n_tokens + 1, rng.integers(1, longest + 1)) for _ in range(n)]
    return X, np.array([(x[-1] % 3) + 0.5 * (x == 2).sum() for x in X])


def net(Estimator=RNNRegressor, **parameters):
    """A small net, alone, with no data held out."""
    settings = {"embedding_dim": 4, "hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    settings |= {"linear_path": None, "early_stopping": False}
    return Estimator(**(settings | parameters))


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        LISTS,
        [np.array(ids) for ids in LISTS],
        [np.array(ids, np.uint16) for ids in LISTS],
        [np.array([*ids, 0, 0]) for ids in LISTS],
        objects([np.array(ids) for ids in LISTS]),
        pd.Series(LISTS),
        pd.DataFrame({"ids": LISTS}),
        np.array([[3, 9, 0], [4, 0, 0], [9, 9, 3]]),
        np.array([[3, 9, 0, 0], [4, 0, 0, 0], [9, 9, 3, 0]], float),
        pd.DataFrame([[3, 9, 0], [4, 0, 0], [9, 9, 3]]),
        [[3.0, 9.0], [4.0], [9, 9, 3]],
    ],
    ids=str,
)
def test_all_forms_are_the_same_sequences(X):
    found = tokens.read(X, "RNNRegressor")
    assert_array_equal(found.lengths, [2, 1, 3])
    assert_array_equal(found.steps().ravel(), [3, 9, 4, 9, 9, 3])


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([[3, 0, 4]], "Sample 0 of X has a zero inside: step 1"),
        ([[3], [4, -2]], "Sample 1 of X has the id -2 at step 1"),
        ([[3], [2**63]], "Sample 1 of X has"),
        ([[3], np.array([1, 2**63], np.uint64)], "has the id 9223372036854775808 at step 1"),
        ([[3], [0, 0]], "Sample 1 of X has no token"),
        ([[3], []], "Sample 1 of X has no token"),
        ([[3], [1.5, 2.0]], r"Sample 1 of X has 1\.5 at step 0.* With embedding_dim"),
        ([[3], [2.0, np.nan]], "Sample 1 of X has .*nan.* at step 1"),
        ([[3], [2, None]], "Sample 1 of X has None at step 1"),
        ([[3], [True, False]], "Sample 1 of X is of dtype bool"),
        ([3, 4], r"Sample 0 of X is not a sequence, but 3.* pass \[X\]"),
        (np.array([3, 4]), r"Sample 0 of X is not a sequence.* pass \[X\]"),
        ([[[3], [4]]], r"Sample 0 of X is of shape \(2, 1\)"),
        ([[3], [[1], [1, 2]]], "Sample 1 of X is not a sequence of ids.* With embedding_dim"),
        (np.ones((2, 3, 1), int), r"X has 3 dimensions \(shape \(2, 3, 1\)\)"),
        ([], "0 sample"),
        (np.ones((0, 3), int), "0 sample"),
        (np.zeros((2, 3), int), "Sample 0 of X has no token"),
        (np.ma.masked_array([[1, 2]], mask=[[0, 1]]), "masked"),
        ([[2**53 + 1.0]], "Sample 0 of X has"),
    ],
    ids=str,
)
def test_what_is_no_token_is_refused_by_its_place(X, words):
    with pytest.raises(ValueError, match=words):
        tokens.read(X, "RNNRegressor")


@pytest.mark.parametrize(
    "X",
    [
        ["a text", "another"],
        "a text",
        [["a", "b"]],
        [[3, "b"]],
        np.array([["a", "b"]]),
        np.array(["a text", "another"], object),
        pd.Series(["a text", "another"]),
        sparse.csr_matrix([[1, 2]]),
    ],
    ids=str,
)
def test_text_is_refused_with_the_name_of_what_makes_ids_of_it(X):
    with pytest.raises(TypeError, match=r"skrnn\.text\.SequenceVectorizer"):
        tokens.read(X, "RNNRegressor")


def test_unknown_ids_share_a_number():
    known = np.array([2, 5, 2**62])
    sequences = Sequences.from_list([np.array([[5], [2], [3]]), np.array([[2**62], [2**63 - 1]])])
    found = tokens.numbered(sequences, known)
    assert found.values.dtype == np.int32
    assert_array_equal(found.values.ravel(), [1, 0, 3, 2, 3])


def test_ids_are_numbered_some_at_a_time(monkeypatch):
    monkeypatch.setattr(tokens, "_CHUNK", 3)
    sequences = tokens.read([[7, 3, 7, 9, 1], [3]], "RNNRegressor")
    known = tokens.distinct(sequences)
    assert_array_equal(known, [1, 3, 7, 9])
    assert_array_equal(tokens.numbered(sequences, known).values.ravel(), [2, 1, 2, 3, 0, 1])


def test_ids_take_four_bytes_where_they_are_small():
    assert tokens.read([[2**31 - 1]], "").values.dtype == np.int32
    assert tokens.read([[2**31]], "").values.dtype == np.int64


# --- the table -----------------------------------------------------------------------------------


def problem(cell="gru", dtype=np.float64, **architecture):
    """A network of tokens, its parameters, and data as the network and the reference read them."""
    network = building.network(
        cell, (4, 3), 1, 2, dtype, embedding_dim=5, n_tokens=9, **architecture
    )
    rng = np.random.default_rng(1)
    theta = network.initialize(np.random.RandomState(2))
    theta += rng.normal(scale=0.3, size=theta.shape).astype(dtype)
    numbers = [rng.integers(0, 10, n).astype(np.int32) for n in (3, 7, 1, 5, 7)]
    columns = [[x, np.full_like(x, row % 3)] for row, x in enumerate(numbers)]
    n_columns = 2 if network.architecture.n_conditions else 1
    sequences = Sequences.from_list([np.column_stack(one[:n_columns]) for one in columns])
    data = inputs.sequence_data(sequences, np.zeros((1, 1)), np.ones((1, 1)))
    return network, theta, numbers, data, rng


def vectors(numbers, table, n_conditions):
    """What layers read of the tokens of each row: its class beside each vector."""
    found = [reference.embedded(x, table) for x in numbers]
    classes = np.eye(n_conditions)
    if n_conditions:
        found = [
            np.column_stack([x, np.tile(classes[row % 3], (len(x), 1))])
            for row, x in enumerate(found)
        ]
    return found


ARCHITECTURES = pytest.mark.parametrize(
    "architecture",
    [
        {"cell": "gru"},
        {"cell": "lstm", "bidirectional": True},
        {"cell": "rnn", "pooling": "mean", "bidirectional": True},
        {"cell": "gru", "n_conditions": 3},
    ],
    ids=str,
)


@ARCHITECTURES
def test_predictions_are_those_of_the_vectors(architecture):
    architecture = dict(architecture)
    network, theta, numbers, data, _ = problem(**architecture)
    parameters = network.views(theta)
    n_conditions = architecture.pop("n_conditions", 0)
    expected = reference.raw_predict(
        vectors(numbers, parameters["E"], n_conditions),
        parameters,
        n_layers=2,
        **architecture,
    )
    assert_allclose(network.raw_predict(theta, data), expected, rtol=1e-12)


@ARCHITECTURES
def test_gradient_of_every_vector(architecture):
    network, theta, _, data, rng = problem(**architecture)
    targets, weights = rng.normal(size=(5, 2)), rng.uniform(0.5, 2.0, 5)
    loss = building.loss("squared_error")

    def value(theta):
        gradient = np.zeros_like(theta)
        examples = Examples(data, targets, weights)
        rows = np.arange(5)
        return network.loss_gradient(loss, theta, examples, rows, gradient, alpha=0.7), gradient

    gradient = value(theta)[1]
    found = reference.numerical_gradient(lambda x: value(x)[0], theta, 1e-4)
    assert_allclose(gradient, found, rtol=1e-7, atol=1e-9)
    assert np.abs(network.table(gradient)).max() > 1e-3


def test_the_penalty_leaves_vectors_out():
    network, theta, _, data, rng = problem()
    targets, weights, loss = rng.normal(size=(5, 2)), np.ones(5), building.loss("squared_error")
    gradients = np.zeros((2, len(theta)))
    for gradient, alpha in zip(gradients, (0.0, 3.0), strict=True):
        examples = Examples(data, targets, weights)
        network.loss_gradient(loss, theta, examples, np.arange(5), gradient, alpha=alpha)
    assert_array_equal(*map(network.table, gradients))
    assert not np.array_equal(*gradients)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_minibatch_touches_the_rows_of_its_own_tokens_alone(dtype):
    network, theta, numbers, data, rng = problem(dtype=dtype)
    memory, loss = Memory(network), building.loss("squared_error")
    examples = Examples(data, rng.normal(size=(5, 2)).astype(dtype), np.ones(5, dtype))
    gradient = np.full_like(theta, np.nan)
    for rows in (np.array([0, 2]), np.array([1])):
        gradient[:] = np.nan
        network.loss_gradient(loss, theta, examples, rows, gradient, memory=memory)
        present = np.unique(np.concatenate([numbers[row] for row in rows]))
        is_written = ~np.isnan(network.table(gradient)).any(axis=1)
        assert_array_equal(np.flatnonzero(is_written), present)
        assert_array_equal(np.sort(memory.table.rows), present)
        touched = memory.table
        assert_array_equal(touched.gradient, network.table(gradient)[touched.rows])
        of_others = np.full(network.n_dense, np.nan, dtype)
        network.loss_gradient(loss, theta, examples, rows, of_others, memory=memory)
        assert_array_equal(of_others, gradient[network.n_in_table :])
        assert not np.isnan(of_others).any()
        norm = np.linalg.norm(np.r_[touched.gradient.ravel(), of_others])
        assert gradient_norm(of_others, touched) == pytest.approx(norm, rel=1e-6)


class Touched(NamedTuple):
    """Some rows of a table, and their gradients."""

    rows: np.ndarray
    gradient: np.ndarray
    width: int = 3


@pytest.mark.parametrize("optimizer", [Adam, SGD])
def test_an_update_moves_what_is_behind_a_table_as_a_whole_and_rows_without_momentum(optimizer):
    rng = np.random.default_rng(3)
    theta = rng.normal(size=12)  # a table (3, 3), and three more
    touched, rows, tail = np.array([2, 0], np.int32), np.r_[6:9, 0:3], np.r_[9:12]
    whole, dense = optimizer(12, np.float64, n_in_table=9), optimizer(3, np.float64)
    second, plain = np.zeros(6), theta[rows]
    moved, alone = theta.copy(), theta[tail]
    for t in range(1, 4):
        gradient = rng.normal(size=12)
        of_rows = Touched(touched, gradient[rows].reshape(2, 3))
        whole.update(moved, gradient[tail], 0.1, 0.5, of_rows)
        dense.update(alone, gradient[tail], 0.1, 0.5)
        g = 0.5 * gradient[rows]
        second = 0.999 * second + 0.001 * g**2
        if optimizer is Adam:
            plain -= 0.1 * g / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        else:
            plain -= 0.1 * g / (1 - 0.9)
    assert_array_equal(moved[tail], alone)
    assert_allclose(moved[rows], plain, rtol=1e-12)
    assert_array_equal(moved[3:6], theta[3:6])


def test_an_average_of_rows_that_are_seldom_touched_is_that_of_all_updates():
    rng = np.random.default_rng(4)
    theta = rng.normal(size=11)  # a table (4, 2), and three more
    average, expected = Average(theta, (4, 2)), theta.copy()
    for number in range(1, 150):
        rows = np.flatnonzero(rng.random(4) < 0.2).astype(np.int32)
        if number == 80:
            average = average.copy()
        average.catch_up(theta, rows)
        theta[8:] += rng.normal(size=3)
        for row in rows:
            theta[2 * row : 2 * row + 2] += rng.normal(size=2)
        average.add(theta, rows)
        expected += max(0.01, 10.0 / (number + 9.0)) * (theta - expected)
        if number % 37 == 0:
            average.catch_up(theta)
            assert_allclose(average.theta, expected, rtol=1e-12)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_outputs_and_gradients_are_pytorchs(cell):
    torch = pytest.importorskip("torch", reason="parity is measured against PyTorch")
    network = building.network(cell, (6,), 1, 2, embedding_dim=5, n_tokens=9)
    theta = network.initialize(np.random.RandomState(5))
    views, rng = network.views(theta), np.random.default_rng(6)
    numbers = [rng.integers(0, 10, n) for n in (3, 7, 1, 5)]
    targets = rng.normal(size=(4, 2))
    table = torch.nn.Embedding(10, 5, dtype=torch.float64)
    table.weight.data = torch.from_numpy(views["E"].copy())
    module = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM, "rnn": torch.nn.RNN}[cell]
    module = module(5, 6, batch_first=True, dtype=torch.float64)
    W, U, b = (views[f"{name}_l0_d0"] for name in "WUb")
    own, of_state = (b[6:], np.r_[np.zeros(12), b[:6]]) if cell == "gru" else (b, 0 * b)
    for name, array in zip(
        ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (W.T, U.T, own, of_state), strict=True
    ):
        getattr(module, name + "_l0").data = torch.from_numpy(np.array(array))
    padded = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(x) for x in numbers], batch_first=True
    )
    lengths = torch.tensor([len(x) for x in numbers])
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        table(padded), lengths, batch_first=True, enforce_sorted=False
    )
    final = module(packed)[1]
    final = (final[0] if cell == "lstm" else final)[0]
    raw = final @ torch.from_numpy(views["V"].copy()) + torch.from_numpy(views["b_out"].copy())
    (0.5 * ((raw - torch.from_numpy(targets)) ** 2).mean(axis=1)).mean().backward()

    sequences = Sequences.from_list([x[:, np.newaxis].astype(np.int32) for x in numbers])
    data = inputs.sequence_data(sequences, np.zeros((1, 1)), np.ones((1, 1)))
    assert_allclose(network.raw_predict(theta, data), raw.detach().numpy(), rtol=1e-10)
    gradient = np.zeros_like(theta)
    examples = Examples(data, targets, np.ones(4))
    loss = building.loss("squared_error")
    network.loss_gradient(loss, theta, examples, np.arange(4), gradient)
    assert_allclose(network.table(gradient), table.weight.grad.numpy(), rtol=1e-8, atol=1e-12)


# --- fits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_net_alone_learns_from_tokens(solver):
    X, y = texts(300)
    rates = {"adam": 0.01, "sgd": 0.1, "lbfgs": 0.01}
    settings = {"solver": solver, "max_iter": 120, "learning_rate_init": rates[solver]}
    model = net(**settings, tol=1e-3).fit(X, y)
    assert model.score(*texts(200, seed=1)) > 0.9


def test_fitted_attributes():
    X, y = texts()
    model = net().fit(X, y)
    known = np.unique(np.concatenate(X))
    assert_array_equal(model.tokens_, known)
    assert model.embeddings_.shape == (len(known) + 1, 4)
    assert model.n_features_in_ == 1
    assert [array.shape for array in model.coefs_] == [(4, 18), (6, 18), (6, 1)]
    model.embeddings_[:] = 0.0  # a view
    assert len(set(model.predict([[3, 5], [7, 9]]))) == 1


def test_numbers_of_ids_change_nothing_but_their_order_the_start():
    """Memory follows the number of distinct ids: the largest that there are fit too."""
    X, y = texts()
    far = [x * 2**58 for x in X]
    one, other = net().fit(X, y), net().fit(far, y)
    assert_array_equal(one.predict(X), other.predict(far))


def test_padded_and_listed_tokens_have_the_same_bits():
    X, y = texts()
    padded = np.zeros((len(X), 9), int)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    for parameters in ({}, {"linear_path": "auto", "early_stopping": True, "max_iter": 8}):
        one, other = net(**parameters).fit(X, y), net(**parameters).fit(padded, y)
        assert_array_equal(one.predict(X), other.predict(padded))
        assert_array_equal(one.predict(X), other.predict(X))


def test_two_threads_give_the_bits_of_one(monkeypatch):
    monkeypatch.setattr("skrnn.network.plan._TRAINING_SHARD", 1e3)
    monkeypatch.setattr("skrnn.network.plan._PREDICTION_SHARD", 1e3)
    X, y = texts(200)
    one, two = (net(batch_size=64, n_jobs=n, pooling="mean").fit(X, y) for n in (1, 2))
    assert_array_equal(one._model.theta, two._model.theta)
    assert_array_equal(one.predict(X), two.predict(X))


def test_a_prediction_does_not_depend_on_its_neighbours():
    X, y = texts()
    model = net(linear_path="auto").fit(X, y)
    whole = model.predict(X)
    for some in ([3], [5, 3, 40]):
        assert_array_equal(model.predict([X[i] for i in some]), whole[some])


def test_unknown_ids_have_the_mean_of_the_other_vectors():
    X, y = texts()
    model = net().fit(X, y)
    assert_allclose(model.embeddings_[-1], model.embeddings_[:-1].mean(axis=0), rtol=1e-5)
    model.partial_fit(X[:20], y[:20])  # moves the others
    assert_allclose(model.embeddings_[-1], model.embeddings_[:-1].mean(axis=0), rtol=1e-5)
    assert model.predict([[99, 3]]) == model.predict([[2**62, 3]])
    assert model.predict([[99, 3]]) != model.predict([[5, 3]])


@pytest.mark.parametrize("linear_path", [None, "auto"])
def test_ids_of_validation_data_alone_count_as_unknown(linear_path):
    X, y = texts(60)
    X_val, y_val = texts(30, seed=5)
    model = net(linear_path=linear_path).fit(X, y, X_val=[x + 100 for x in X_val], y_val=y_val)
    assert_array_equal(model.tokens_, np.unique(np.concatenate(X)))
    own = net(
        linear_path=linear_path, early_stopping=True, validation_fraction=0.5, shuffle=False,
        warm_start=True,
    )  # fmt: skip
    own.fit(X[:30] + [x + 100 for x in X[30:]], y)
    late = own.tokens_ > 100
    assert late.any()
    assert_array_equal(own.embeddings_[:-1][late], np.tile(own.embeddings_[-1], (late.sum(), 1)))


@pytest.mark.parametrize("linear_path", [None, "auto"])
@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
def test_weights_are_repetition_and_zero_is_removal(Estimator, linear_path):
    X, y = texts(40)
    y = y if Estimator is RNNRegressor else (y > 1).astype(int)
    weights = np.random.default_rng(7).integers(0, 3, len(X))
    X[0], weights[0] = np.array([50, 51]), 0  # ids that no sample of weight has
    repeated = [x for x, w in zip(X, weights, strict=True) for _ in range(w)]
    settings = {"linear_path": linear_path, "batch_size": 100, "dtype": "float64"}
    one = net(Estimator, **settings).fit(X, y, weights)
    other = net(Estimator, **settings).fit(repeated, np.repeat(y, weights))
    assert_array_equal(one.tokens_, other.tokens_)
    assert 50 not in one.tokens_
    method = "predict" if Estimator is RNNRegressor else "predict_proba"
    assert_allclose(getattr(one, method)(X), getattr(other, method)(X), rtol=1e-6, atol=1e-8)


def test_training_goes_on_with_the_tokens_of_the_first_call():
    X, y = texts(60)
    model = net().partial_fit(X[:20], y[:20])
    known = model.tokens_
    before = model.embeddings_.copy()
    model.partial_fit([x + 50 for x in X[:10]], y[:10])  # all unknown
    assert_array_equal(model.tokens_, known)
    assert_array_equal(model.embeddings_[:-1], before[:-1])
    model.partial_fit(X, y)
    assert np.abs(model.embeddings_[:-1] - before[:-1]).max() > 0.0


def test_a_warm_start_keeps_vectors_of_tokens_that_do_not_come_again():
    X, y = texts(60)
    model = net(warm_start=True).fit(X, y)
    before, without = model.embeddings_.copy(), [x for x in X if 4 not in x]
    model.fit(without, [v for x, v in zip(X, y, strict=True) if 4 not in x])
    place = int(np.flatnonzero(model.tokens_ == 4)[0])
    assert_array_equal(model.embeddings_[place], before[place])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_timesteps": 3}, "n_timesteps=3 is for an X of numbers"),
        ({"frame_length": 2}, "frame_length=2 is for an X of numbers"),
        ({"categorical_features": [0]}, "categorical_features=.* is for an X of numbers"),
    ],
)
def test_parameters_of_numbers_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        net(**parameters).fit(*texts())


def test_a_refused_call_leaves_the_model_as_it_was():
    X, y = texts()
    model = net(linear_path="auto").fit(X, y)
    before = model.predict(X)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="Sample 1 of X has a zero inside"):
            call([[3], [4, 0, 2]], [1.0, 2.0])
    with pytest.raises(ValueError, match="In X_val: Sample 0 of X"):
        model.fit(X, y, X_val=[[0]], y_val=[1.0])
    assert_array_equal(model.predict(X), before)


def test_numbers_after_tokens_forget_the_tokens():
    X, y = texts()
    model = net().fit(X, y).set_params(embedding_dim=None).fit(np.ones((9, 2)), np.arange(9.0))
    assert not hasattr(model, "tokens_")
    assert not hasattr(model, "embeddings_")


def test_search_and_cross_validation_take_lists_of_tokens():
    X, y = texts(60)
    model = net(RNNClassifier, linear_path="auto")
    scores = cross_val_score(clone(model), X, y > 1, cv=3)
    assert scores.shape == (3,)
    grid = GridSearchCV(model, {"embedding_dim": [2, 3]}, cv=2, n_jobs=2).fit(X, y > 1)
    assert grid.best_params_["embedding_dim"] in (2, 3)


@pytest.mark.parametrize("parameter", [0, -1, 1.5, "4", True])
def test_the_length_of_vectors_is_validated(parameter):
    with pytest.raises(ValueError, match="embedding_dim"):
        net(embedding_dim=parameter).fit(*texts())


# --- precision -----------------------------------------------------------------------------------


def padded(X, dtype=int):
    found = np.zeros((len(X), max(map(len, X))), dtype)
    for row, x in zip(found, X, strict=True):
        row[: len(x)] = x
    return found


@pytest.mark.parametrize("of_ids", [int, np.float32, np.float64])
def test_nets_of_tokens_are_of_single_precision_whatever_holds_the_ids(of_ids):
    X, y = texts()
    model = net(linear_path="auto").fit(padded(X, of_ids), y)
    assert {array.dtype for array in (*model.coefs_, model.embeddings_)} == {np.dtype("float32")}
    assert model.predict(X).dtype == model.transform(X).dtype == np.float32
    assert_array_equal(model.predict(X), net(linear_path="auto").fit(X, y).predict(X))
    assert get_tags(model).transformer_tags.preserves_dtype == ["float32"]


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_dtype_says_the_precision_of_every_net_of_tokens(dtype):
    X, y = texts()
    expected, labels = dtype or "float32", (y > 1).astype(int)
    classifier = net(RNNClassifier, dtype=dtype).fit(X, labels)
    assert classifier.predict_proba(X).dtype == expected
    assert classifier.predict(X).dtype == labels.dtype
    settings = {"embedding_dim": 2, "hidden_layer_sizes": (3,), "max_iter": 1, "dtype": dtype}
    translator = RNNTranslator(**settings, early_stopping=False).fit(X, [x % 3 for x in X])
    assert translator.attention_weights(X, [[1]] * len(X))[0].dtype == expected
    generator = RNNGenerator(**settings, early_stopping=False).fit(X)
    assert generator.embeddings_.dtype == translator.embeddings_.dtype == expected
    assert generator.score_samples(X).dtype == np.float64  # a sum, in each precision


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frames_of_numbers_keep_their_precision_where_labels_are_written(dtype):
    X = [np.random.default_rng(len(x)).normal(size=(len(x), 2)) for x in texts(20)[0]]
    settings = {"hidden_layer_sizes": (3,), "max_iter": 1, "early_stopping": False}
    model = RNNTranslator(**settings).fit([x.astype(dtype) for x in X], [["a"]] * 20)
    assert model.coefs_[0].dtype == dtype


@pytest.mark.parametrize("of_steps", [False, True])
def test_the_path_of_tokens_is_of_double_precision(of_steps):
    X, y = texts(80)
    y = [np.cumsum(x) / 7.0 for x in X] if of_steps else y / 7.0
    settings = {"linear_path": "auto", "return_sequences": of_steps}
    one, other = (net(**settings, dtype=dtype).fit(X, y) for dtype in (None, "float64"))
    for name in ("coefficients", "intercepts"):
        found, expected = (getattr(model._model.path, name) for model in (one, other))
        assert found.dtype == np.float64
        assert np.abs(found).max() > 1e-3
        assert_array_equal(found, expected)


def test_a_net_of_tokens_goes_on_in_its_precision():
    X, y = texts()
    model = net(warm_start=True).fit(X, y)
    for twin in (clone(model).fit(X, y), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_array_equal(twin.predict(X), model.predict(X))
    assert model.set_params(dtype="float32").fit(X, y).embeddings_.dtype == np.float32
    with pytest.raises(ValueError, match="training cannot go on with dtype='float64'"):
        model.set_params(dtype="float64").fit(X, y)
    assert net().partial_fit(X, y).partial_fit(X, y).embeddings_.dtype == np.float32
    double = net(dtype="float64").partial_fit(X, y).partial_fit(X, y)
    assert double.embeddings_.dtype == np.float64


def test_a_model_that_was_saved_when_tokens_were_of_double_precision_keeps_it():
    X, y = texts()
    model = net(dtype="float64").fit(X, y).set_params(dtype=None, warm_start=True)
    model._model = replace(model._model, kept=model._model.kept | {"dtype": None})
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.predict(X).dtype == np.float64
    assert loaded.fit(X, y).partial_fit(X, y).embeddings_.dtype == np.float64
    assert clone(loaded).fit(X, y).embeddings_.dtype == np.float32


def test_targets_too_large_for_single_precision_are_told_of_dtype():
    X, y = texts()
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\).*dtype='float64'"):
        net().fit(X, 1e39 * y)
    assert np.isfinite(net(dtype="float64").fit(X, 1e39 * y).predict(X)).all()


# --- streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {"linear_path": None},
        {"linear_path": "auto"},
        {"linear_path": 2, "cell": "lstm"},
        {"hidden_layer_sizes": (5, 4), "dtype": "float64", "linear_path": "auto"},
    ],
    ids=str,
)
def test_streams_of_tokens_have_the_bits_of_whole_sequences(parameters):
    X, y = texts(80)
    model = net(**parameters).fit(X, y)
    rows, state = np.random.default_rng(8).integers(1, 15, (3, 6)), None
    for step in range(6):
        predicted, state = model.predict_step(rows[:, step], state)
        expected = model.predict(rows[:, : step + 1])
        assert predicted.dtype == expected.dtype == parameters.get("dtype", "float32")
        assert_array_equal(predicted, expected)
    some, _ = model.predict_step([4], state[1])
    assert_array_equal(some, model.predict([[*rows[1], 4]]))


def test_streams_that_answer_each_step():
    X, _ = texts(40)
    y = [(x % 2).astype(float) for x in X]
    model = net(RNNClassifier, return_sequences=True).fit(X, y)
    whole, state = model.predict(np.array([X[3]]))[0], None
    for step, token in enumerate(X[3]):
        predicted, state = model.predict_step([token], state)
        assert predicted[0] == whole[step]


def test_steps_of_streams_that_are_no_tokens_are_refused():
    X, y = texts()
    model = net(linear_path="auto").fit(X, y)
    _, state = model.predict_step([3, 4])
    for x, words in (
        ([[3], [4]], r"x has the shape \(2, 1\)"),
        ([3, 0], "In x: Sample 1 of X has no token"),
        ([3, 1.5], "In x: Sample 1 of X has .*1.5"),
        ([3], "x has 1 rows, but state is of 2 streams"),
    ):
        with pytest.raises(ValueError, match=words):
            model.predict_step(x, state)
    with pytest.raises(ValueError, match="state is of another model"):
        net().fit(X, y + 1).predict_step([3, 4], state)


# --- a linear path at each step ------------------------------------------------------------------


def steps_of(X):
    """For each step whether the token before it is 3, which a window of two steps knows."""
    return [np.r_[False, x[:-1] == 3].astype(int) for x in X]


def test_the_path_at_each_step_knows_the_tokens_around_it():
    X, _ = texts(150)
    new, _ = texts(80, seed=1)
    settings = {"return_sequences": True, "early_stopping": True, "max_iter": 1}
    model = net(RNNClassifier, **settings, linear_path="auto").fit(X, steps_of(X))
    assert model.linear_score_ > 0.98
    assert model.score(new, steps_of(new)) > 0.98
    alone = net(RNNClassifier, **settings, linear_path=None).fit(X, steps_of(X))
    assert alone.score(new, steps_of(new)) < model.score(new, steps_of(new)) - 0.02


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_path_at_each_step_looks_ahead_only_both_ways(bidirectional):
    X, _ = texts(80)
    y = [np.cumsum(x) / 10.0 for x in X]
    model = net(return_sequences=True, bidirectional=bidirectional, linear_path="auto").fit(X, y)
    one, other = model.predict(np.array([[3, 4, 5, 6], [3, 4, 7, 2]]))
    assert np.array_equal(one[:2], other[:2]) == (not bidirectional)
    assert_array_equal(model.predict([[99, 3]])[0], model.predict([[98, 3]])[0])


def test_large_vocabularies_have_no_path_at_each_step(monkeypatch):
    X, _ = texts(60)
    monkeypatch.setattr("skrnn.linear.token_window.MOST_TOKENS", 11)
    model = net(RNNClassifier, return_sequences=True, linear_path="auto").fit(X, steps_of(X))
    assert model.linear_score_ is None


def test_streams_that_answer_each_step_beside_a_path():
    X, _ = texts(60)
    y = [np.cumsum(x) / 10.0 for x in X]
    model = net(return_sequences=True, linear_path=3).fit(X, y)
    whole, state = model.predict(np.array([[3, 4, 5, 6, 2]]))[0], None
    for step, token in enumerate([3, 4, 5, 6, 2]):
        predicted, state = model.predict_step([token], state)
        assert predicted[0] == whole[step]


def test_answers_have_the_form_of_the_tokens():
    """An array of ids without padding has an array of answers, anything else a list."""
    X, _ = texts(60)
    model = net(return_sequences=True).fit(X, [x / 9.0 for x in X])
    whole = np.array([[3, 4, 5], [6, 7, 2]])
    assert model.predict(whole).shape == (2, 3)
    assert model.hidden_states(whole).shape == (2, 3, 6)
    for lists in (list(whole), whole.tolist(), [[3, 4, 5], [6]], np.array([[3, 4, 5], [6, 0, 0]])):
        assert [len(one) for one in model.predict(lists)] == [len(one) for one in tokens_of(lists)]
        assert isinstance(model.hidden_states(lists), list)


def tokens_of(X):
    return [[token for token in x if token] for x in X]


def test_numbers_do_not_go_on_from_tokens_nor_the_reverse():
    X, y = texts()
    numbers = np.random.default_rng(9).normal(size=(20, 3))
    for first, then, dim in (((X, y), (numbers, y[:20]), None), ((numbers, y[:20]), (X, y), 4)):
        model = net(warm_start=True, embedding_dim=4 if dim is None else None).fit(*first)
        with pytest.raises(ValueError, match="training cannot go on with embedding_dim="):
            model.set_params(embedding_dim=dim).fit(*then)
