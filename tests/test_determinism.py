"""The same bits, whatever stands beside a sample, in whatever form, thread or process."""

import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators import recurrent
from skrnn.network import plan
from skrnn.network.plan import Planner

CELLS = ["rnn", "lstm", "gru"]
POOLINGS = ["last", "mean", "max", "attention"]
DTYPES = ["float32", "float64"]
#: Numbers of samples of the widths and remainders that a tile of the matrix product can have.
SUBSETS = [1, 2, 3, 4, 5, 11, 12, 13, 17, 25, 37]


def sequences(n=37, n_features=3, seed=0, longest=9):
    random = np.random.RandomState(seed)
    return [random.normal(size=(random.randint(1, longest + 1), n_features)) for _ in range(n)]


def targets(X):
    return np.array([x[:, 0].sum() - x[-1, 1] for x in X])


def classes(X):
    return np.digitize(targets(X), [-1.0, 1.0])


def small(Estimator=RNNRegressor, **parameters):
    settings = {"hidden_layer_sizes": (7,), "max_iter": 2, "random_state": 5}
    return Estimator(**(settings | parameters))


def state(model):
    """A hash of all that a model has learnt and recorded."""
    left_out = {"n_features_in_", *model.get_params()}
    learnt = {k: v for k, v in model.__getstate__().items() if k not in left_out}
    schema = dict(learnt["_model"]["schema"])
    for form_of_X in ("form", "n_columns", "n_timesteps"):
        del schema[form_of_X]
    learnt["_model"] = {**learnt["_model"], "schema": schema}
    learnt["linear_coef_"] = np.ravel(learnt["linear_coef_"])  # in the form of X
    return joblib.hash(learnt)


@pytest.fixture
def n_shards(monkeypatch):
    """How many shards each minibatch was cut into."""
    seen, original = [], Planner.plan

    def counting(self, *args, **settings):
        shards = original(self, *args, **settings)
        seen.append(len(shards))
        return shards

    monkeypatch.setattr(Planner, "plan", counting)
    monkeypatch.setattr(plan, "_TRAINING_SHARD", 1e7)  # or the tests would take large data
    return seen


# --- the same fit again ----------------------------------------------------------------------


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(solver, Estimator):
    X = sequences()
    y = targets(X) if Estimator is RNNRegressor else classes(X)
    settings = {"solver": solver, "batch_size": 10, "tol": 10.0 if solver == "lbfgs" else 1e-4}
    if solver != "lbfgs":
        settings |= {"dropout": 0.3, "early_stopping": True}
    fits = [small(Estimator, random_state=seed, **settings).fit(X, y) for seed in (5, 5, 6)]
    assert state(fits[0]) == state(fits[1])
    assert (fits[0].coefs_[0] != fits[2].coefs_[0]).any()


def test_a_random_state_instance_is_drawn_from():
    X = sequences()
    random = np.random.RandomState(5)
    first = small(random_state=random).fit(X, targets(X))
    second = small(random_state=random).fit(X, targets(X))
    assert (first.coefs_[0] != second.coefs_[0]).any()
    again = small(random_state=np.random.RandomState(5)).fit(X, targets(X))
    np.testing.assert_array_equal(again.predict(X), first.predict(X))


def test_the_global_random_state_is_left_alone():
    X = sequences()
    np.random.seed(3)
    before = pickle.dumps(np.random.get_state())
    small(dropout=0.5, early_stopping=True).fit(X, targets(X)).predict(X)
    assert pickle.dumps(np.random.get_state()) == before


# --- threads ---------------------------------------------------------------------------------


def large(n=200, n_features=4, longest=30):
    return sequences(n, n_features, seed=2, longest=longest)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", CELLS)
def test_n_jobs_changes_no_bit(cell, dtype, n_shards):
    X = large()
    settings = {
        "cell": cell,
        "dtype": dtype,
        "hidden_layer_sizes": (40, 24),
        "bidirectional": True,
        "batch_size": 150,
        "max_iter": 1,
        "dropout": 0.2,
    }
    one, two, all_of_them = (small(n_jobs=n, **settings).fit(X, targets(X)) for n in (1, 2, -1))
    assert max(n_shards) >= 3
    assert state(one) == state(two) == state(all_of_them)
    predicted = one.predict(X)
    np.testing.assert_array_equal(one.set_params(n_jobs=2).predict(X), predicted)
    np.testing.assert_array_equal(two.set_params(n_jobs=1).predict(X), predicted)


def test_n_jobs_changes_no_bit_of_probabilities_or_lbfgs(n_shards):
    X = large()
    settings = {"hidden_layer_sizes": 48, "solver": "lbfgs", "max_iter": 2, "tol": 10.0}
    one, two = (small(RNNClassifier, n_jobs=n, **settings).fit(X, classes(X)) for n in (1, 2))
    assert max(n_shards) >= 3
    assert state(one) == state(two)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_threads_are_counted_only_for_predictions_that_are_worth_them(monkeypatch):
    asked = []

    def count(n_jobs):
        asked.append(n_jobs)
        return 2

    X = large()
    model = small(hidden_layer_sizes=48, n_jobs=-1, max_iter=1).fit(X, targets(X))
    monkeypatch.setattr(recurrent, "n_threads", count)
    for name in ("_TRAINING_SHARD", "_PREDICTION_SHARD"):
        monkeypatch.setattr(plan, name, 1e6)
    expected = model.predict(X[:1])
    assert asked == []
    assert model.predict(X)[0] == expected
    assert asked == [-1]


def test_shards_follow_from_the_minibatch_alone(n_shards):
    X = large()
    for n_jobs in (1, 2, 3):
        small(hidden_layer_sizes=48, batch_size=100, max_iter=1, n_jobs=n_jobs).fit(X, targets(X))
    runs = np.reshape(n_shards, (3, -1))
    assert runs.max() > 1
    assert (runs == runs[0]).all()


@pytest.mark.parametrize("cell", CELLS)
def test_fitting_in_threads_and_in_workers_gives_the_same_bits(cell):
    X = sequences()
    model, y = small(cell=cell), targets(X)
    here = state(model.fit(X, y))
    with ThreadPoolExecutor(3) as pool:
        threads = list(pool.map(lambda _: state(small(cell=cell).fit(X, y)), range(3)))
    assert threads == [here] * 3


def test_fitting_in_a_loky_worker_gives_the_same_bits():
    X = sequences()
    models = [small(), small(dtype="float32", n_jobs=2)]
    tasks = (joblib.delayed(type(model).fit)(model, X, targets(X)) for model in models)
    there = joblib.Parallel(n_jobs=2, backend="loky")(tasks)
    for model, other in zip(models, there, strict=True):
        assert state(model.fit(X, targets(X))) == state(other)
        np.testing.assert_array_equal(other.predict(X), model.predict(X))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_threads_of_blas_change_no_bit(solver):
    X = large(80)
    settings = {"hidden_layer_sizes": 64, "bidirectional": True, "solver": solver, "tol": 10.0}
    states = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            model = small(**settings).fit(X, targets(X))
            states.append((state(model), model.predict(X).tobytes()))
    assert states[0] == states[1]


# --- neighbours ------------------------------------------------------------------------------


def fitted(cell, bidirectional, pooling, dtype, Estimator=RNNRegressor):
    X = sequences()
    return small(
        Estimator,
        cell=cell,
        hidden_layer_sizes=(7, 5),
        bidirectional=bidirectional,
        pooling=pooling,
        dtype=dtype,
    ).fit(X, targets(X) if Estimator is RNNRegressor else classes(X))


@pytest.mark.parametrize(
    ("cell", "bidirectional", "pooling", "dtype"),
    list(itertools.product(CELLS, [False, True], POOLINGS, DTYPES)),
)
def test_a_prediction_does_not_depend_on_its_neighbours(cell, bidirectional, pooling, dtype):
    model = fitted(cell, bidirectional, pooling, dtype)
    X = sequences(seed=1)
    alone = np.concatenate([model.predict([x]) for x in X])
    random = np.random.RandomState(0)
    for n in SUBSETS:
        rows = random.permutation(len(X))[:n]
        np.testing.assert_array_equal(model.predict([X[row] for row in rows]), alone[rows])
    repeated = [X[3]] * 30
    np.testing.assert_array_equal(model.predict(repeated), np.repeat(alone[3], 30))


@pytest.mark.parametrize("shortest", range(3))
@pytest.mark.parametrize("pooling", POOLINGS)
def test_sequences_of_one_length_but_for_one_of_them(pooling, shortest):
    model, X = fitted("gru", False, pooling, "float64"), sequences(seed=1)
    long = next(x for x in X if len(x) > 3)
    mixed = [long + 1.0, long - 1.0, -long]
    mixed[shortest] = mixed[shortest][:2]
    alone = np.concatenate([model.predict([x]) for x in mixed])
    np.testing.assert_array_equal(model.predict(mixed), alone)


@pytest.mark.parametrize("form", ["table", "flat", "array"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", CELLS)
def test_a_prediction_on_a_table_does_not_depend_on_its_neighbours(cell, dtype, form):
    X = np.random.RandomState(0).normal(size=(37, 6)).astype(dtype)
    n_timesteps = 3 if form == "flat" else None
    if form == "array":
        X = X.reshape(37, 2, 3)
    model = small(RNNClassifier, cell=cell, n_timesteps=n_timesteps, hidden_layer_sizes=20)
    model.fit(X, np.arange(37) % 3)
    alone = np.concatenate([model.predict_proba(X[i : i + 1]) for i in range(37)])
    for n in SUBSETS:
        np.testing.assert_array_equal(model.predict_proba(X[:n]), alone[:n])
        np.testing.assert_array_equal(model.predict_proba(X[-n:][::-1]), alone[-n:][::-1])


@pytest.mark.parametrize("cell", CELLS)
def test_a_prediction_does_not_depend_on_its_tile(cell, monkeypatch):
    model = fitted(cell, True, "mean", "float32")
    X = sequences(seed=1)
    expected = model.predict(X)
    for rows in (1, 3, 16, 30):
        monkeypatch.setattr(Planner, "_tile_rows", lambda *_, rows=rows, **__: rows)
        np.testing.assert_array_equal(model.predict(X), expected)


# --- forms of the same data ------------------------------------------------------------------


def padded(X, filler=np.nan, extra=2):
    array = np.full((len(X), max(map(len, X)) + extra, X[0].shape[1]), filler)
    for row, x in zip(array, X, strict=True):
        row[: len(x)] = x
    return array


def object_array(X):
    array = np.empty(len(X), dtype=object)
    array[:] = X
    return array


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("cell", CELLS)
def test_all_forms_of_ragged_data_give_the_same_model(cell, Estimator):
    X = sequences()
    y = targets(X) if Estimator is RNNRegressor else classes(X)
    forms = [X, tuple(X), object_array(X), padded(X), padded(X, extra=0), padded(X, extra=20)]
    settings = {"cell": cell, "bidirectional": True, "pooling": "max", "batch_size": 10}
    models = [small(Estimator, **settings).fit(form, y) for form in forms]
    expected = models[0].predict(X)
    for model in models:
        assert state(model) == state(models[0])
        for form in forms:
            np.testing.assert_array_equal(model.predict(form), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", CELLS)
def test_all_forms_of_equally_long_data_give_the_same_model(cell, dtype):
    X = np.random.RandomState(0).normal(size=(37, 4, 3)).astype(dtype)
    y = X[:, :, 0].sum(axis=1)
    flat = X.reshape(37, 12)
    forms = {"array": X, "list": list(X), "objects": object_array(list(X)), "nested": X.tolist()}
    settings = {"cell": cell, "bidirectional": True, "batch_size": 10, "dtype": dtype}
    model = small(**settings).fit(X, y)
    expected = model.predict(X)
    for form in forms.values():
        same = small(**settings).fit(form, y)
        assert state(same) == state(model)
        np.testing.assert_array_equal(same.predict(form), expected)
    for form in (flat, flat.tolist(), np.asfortranarray(flat)):
        same = small(n_timesteps=4, **settings).fit(form, y)
        assert state(same) == state(model)
        np.testing.assert_array_equal(same.predict(form), expected)
        np.testing.assert_array_equal(same.predict(X), expected)


def test_sequences_of_one_feature_may_be_one_dimensional():
    X = sequences(n_features=1)
    flat = [x[:, 0] for x in X]
    one, other = small().fit(X, targets_of_one(X)), small().fit(flat, targets_of_one(X))
    assert state(one) == state(other)
    np.testing.assert_array_equal(one.predict(flat), other.predict(X))


def targets_of_one(X):
    return np.array([x.sum() for x in X])


def test_padding_is_read_nowhere():
    X = sequences()
    model = small(bidirectional=True, pooling="mean").fit(X, targets(X))
    plain = padded(X)
    strange = plain.copy()
    strange.view(np.uint64)[np.isnan(plain)] += 12345  # other NaN, other bits
    assert np.isnan(strange[np.isnan(plain)]).all()
    np.testing.assert_array_equal(model.predict(strange), model.predict(plain))


def test_validation_data_of_any_form_are_watched_alike():
    X, other = sequences(), sequences(seed=1)
    models = [
        small(max_iter=4).fit(X, targets(X), X_val=form, y_val=targets(other))
        for form in (other, padded(other), object_array(other))
    ]
    assert state(models[0]) == state(models[1]) == state(models[2])
    assert len(models[0].validation_loss_curve_) == 4
