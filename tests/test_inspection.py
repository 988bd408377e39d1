"""Attributions against finite differences of predictions, and the sums they have to add up to."""

import datasets
import numpy as np
import pandas as pd
import pytest
from datasets import numbers, ragged
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import input_gradients, integrated_gradients, permutation_importance

CELLS = [("rnn", "tanh"), ("rnn", "relu"), ("rnn", "logistic"), ("lstm", "tanh"), ("gru", "tanh")]
X_LIST = ragged(n=30, lengths=(1, 6), seed=1)


def small(Estimator=RNNRegressor, **parameters):
    """A net that trains in milliseconds, its recurrent part at work."""
    settings = {"hidden_layer_sizes": (4,), "max_iter": 8, "random_state": 2, "dropout": 0.0}
    settings |= {"early_stopping": False, "learning_rate_init": 0.02}
    return Estimator(**(settings | parameters))


def differences(function, X, step=1e-5):
    """Central differences of a function that gives a number for each sample, in the form of X."""
    found = [np.full(np.shape(x), np.nan) for x in X]
    for sample, x in enumerate(X):
        for place in np.ndindex(np.shape(x)):
            if np.isnan(x[place]):
                continue
            values = [function(put(X, sample, place, x[place] + h)) for h in (step, -step)]
            found[sample][place] = (values[0][sample] - values[1][sample]) / (2 * step)
    return found


def put(X, sample, place, value):
    X = [x.copy() for x in X] if isinstance(X, list) else X.copy()
    X[sample][place] = value
    return X


def inner(X):
    """X without its least and greatest numbers, at which predictions have two slopes."""
    return [0.95 * x for x in X] if isinstance(X, list) else 0.95 * X


def assert_gradients(model, X, function=None, rtol=1e-6, **options):
    X = inner(X)
    found = input_gradients(model, X, **options)
    wanted = differences(model.predict if function is None else function, X)
    scale = max(np.nanmax(np.abs(one)) for one in wanted)
    assert scale > 1e-3
    for one, of_sample, x in zip(found, wanted, X, strict=True):
        assert one.shape == np.shape(x)
        of_sample = np.where(np.isnan(of_sample), one, of_sample)  # gaps and padding: elsewhere
        np.testing.assert_allclose(one, of_sample, atol=rtol * scale, rtol=0)


# Gradients


@pytest.mark.parametrize("linear_path", [None, "auto"], ids=["net", "path"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["ahead", "both"])
@pytest.mark.parametrize(("cell", "activation"), CELLS, ids="-".join)
def test_gradient_of_every_cell_and_pooling(cell, activation, bidirectional, pooling, linear_path):
    model = small(
        cell=cell, activation=activation, bidirectional=bidirectional, pooling=pooling,
        hidden_layer_sizes=(4, 3) if pooling in ("last", "attention") else (4,),
        linear_path=linear_path,
    ).fit(X_LIST, numbers(X_LIST))  # fmt: skip
    assert_gradients(model, X_LIST[:4])


TARGETS = {
    "two outputs": ({}, lambda y: np.c_[y, y**2], 1, (..., 1)),
    "poisson": ({"loss": "poisson"}, lambda y: np.exp(y / 2), None, ...),
    "quantiles": ({"loss": "quantile", "quantile": [0.2, 0.5, 0.9]}, lambda y: y, 2, (..., 2)),
    "quantiles of two": (
        {"loss": "quantile", "quantile": [0.9, 0.1]},
        lambda y: np.c_[y, -y],
        (1, 0),
        (..., 1, 0),
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_gradient_of_an_output(name):
    parameters, make, target, place = TARGETS[name]
    model = small(**parameters).fit(X_LIST, make(numbers(X_LIST)))
    assert_gradients(model, X_LIST[:5], lambda X: model.predict(X)[place], target=target)


def test_gradient_of_levels_that_are_sorted():
    """Levels that cross are sorted, and the gradient is that of the one that has the place."""
    y = np.random.RandomState(0).normal(size=30)
    model = small(loss="quantile", quantile=[0.4, 0.5], linear_path=None).fit(X_LIST, y)
    raw = model._model.raw_predict(model._model.schema.read(X_LIST))
    crossed = np.flatnonzero(raw[:, 0] > raw[:, 1])
    assert len(crossed)
    X = [X_LIST[i] for i in crossed[:3]]
    for level in (0, 1):
        found = input_gradients(model, X, target=level)
        wanted = differences(lambda X, level=level: model.predict(X)[:, level], X)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.parametrize("label", ["left", "right", None])
def test_gradient_of_two_classes(label):
    model = small(RNNClassifier).fit(X_LIST, datasets.labels(X_LIST))
    sign = -1.0 if label == "left" else 1.0
    assert_gradients(model, X_LIST[:4], lambda X: sign * model.decision_function(X), target=label)


def test_gradient_of_several_classes():
    names = ("a", "b", "c")
    model = small(RNNClassifier).fit(X_LIST, datasets.labels(X_LIST, names))
    X = X_LIST[:5]
    for place, label in enumerate(names):
        of_class = lambda X, place=place: model.decision_function(X)[:, place]  # noqa: E731
        assert_gradients(model, X, of_class, target=label)
    predicted = np.searchsorted(names, model.predict(X))
    assert_gradients(model, X, lambda X: model.decision_function(X)[np.arange(5), predicted])


def test_gradient_of_a_label():
    y = np.c_[numbers(X_LIST) > 0, numbers(X_LIST) > 1].astype(int)
    model = small(RNNClassifier).fit(X_LIST, y)
    assert_gradients(model, X_LIST[:4], lambda X: model.decision_function(X)[:, 1], target=1)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("linear_path", [None, "auto", 2])
def test_gradient_of_each_step(bidirectional, linear_path):
    y = [np.cumsum(x[:, 0]) - 2.0 * x[:, 1] for x in X_LIST]
    model = small(return_sequences=True, bidirectional=bidirectional, linear_path=linear_path).fit(
        X_LIST, y
    )
    X = [x for x in X_LIST if len(x) > 2][:3]
    assert_gradients(model, X, lambda X: [one.sum() for one in model.predict(X)])
    for step in (1, -1):
        of_step = lambda X, step=step: [one[step] for one in model.predict(X)]  # noqa: E731
        assert_gradients(model, X, of_step, step=step)


@pytest.mark.parametrize("linear_path", [None, "auto"])
@pytest.mark.parametrize("form", ["table", "flat", "array", "flat list"])
def test_gradient_in_the_form_of_x(form, linear_path):
    X = {
        "table": datasets.table(), "flat": datasets.table(), "array": datasets.array(),
        "flat list": [x[:, 0] for x in X_LIST],
    }[form]  # fmt: skip
    y = numbers(X)
    model = small(linear_path=linear_path, n_timesteps=3 if form == "flat" else None).fit(X, y)
    assert_gradients(model, X[:4])
    assert isinstance(input_gradients(model, X[:4]), type(X))


@pytest.mark.parametrize("form", ["table", "array", "list"])
def test_gradient_beyond_the_training_data(form):
    X = {"table": datasets.table(), "array": datasets.array(), "list": X_LIST}[form]
    model = small().fit(X, numbers(X))
    assert_gradients(model, [3.0 * x for x in X[:4]] if form == "list" else 3.0 * X[:4])


@pytest.mark.parametrize("frame_length", [2, 4])
def test_gradient_through_frames(frame_length):
    X = ragged(lengths=(3, 9), seed=4)
    model = small(frame_length=frame_length, bidirectional=True).fit(X, numbers(X))
    assert_gradients(model, X[:4])


@pytest.mark.parametrize("frame_length", ["auto", 1, 4])
def test_gradient_of_a_table_of_frames(frame_length):
    X = datasets.table() * [1, 10, 100, 0.1, 1, 1]
    model = small(frame_length=frame_length).fit(X, X[:, 1] / 10)
    assert_gradients(model, X[:3])


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("form", ["table", "list", "array"])
def test_gradient_beside_gaps(form, standardize):
    X = {"table": datasets.table(), "list": ragged(lengths=(3, 7)), "array": datasets.array()}
    X = datasets.gappy(X[form])
    y = np.array([np.nansum(x) for x in X])
    model = small(standardize=standardize).fit(X, y)
    assert_gradients(model, X[:5])
    found = input_gradients(model, X[:5])
    for one, x in zip(found, X, strict=False):
        assert (one[np.isnan(x)] == 0.0).all()
    assert any(np.isnan(x).any() for x in X[:5])


def test_gradient_beside_gaps_that_fit_had_not():
    X = ragged(lengths=(3, 7))
    model = small().fit(X, numbers(X))
    assert_gradients(model, datasets.gappy(X[:4]))


def test_padding_is_nan():
    X = datasets.array(n_timesteps=5)
    X[1, 3:] = X[4, 2:] = np.nan
    model = small().fit(X, np.nansum(X, axis=(1, 2)))
    assert_gradients(model, X[:5])
    np.testing.assert_array_equal(np.isnan(input_gradients(model, X[:5])), np.isnan(X[:5]))


def test_frames_of_pandas():
    X = [pd.DataFrame(x, columns=["a", "b"]) for x in X_LIST]
    model = small().fit(X, numbers(X_LIST))
    found = input_gradients(model, X[:3])
    plain = small().fit(X_LIST, numbers(X_LIST))
    for one, other in zip(found, input_gradients(plain, X_LIST[:3]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_single_precision_and_threads():
    X = datasets.array(n=3000, n_timesteps=20).astype(np.float32)
    model = small(hidden_layer_sizes=(24,), max_iter=1).fit(X, numbers(X))
    found = input_gradients(model, X)
    model.n_jobs = 2
    np.testing.assert_array_equal(input_gradients(model, X), found)
    np.testing.assert_allclose(input_gradients(model, X[7:9]), found[7:9], rtol=1e-5)


def test_partial_fit_and_a_pickled_model_have_gradients():
    model = small()
    for _ in range(3):
        model.partial_fit(X_LIST, numbers(X_LIST))
    assert_gradients(model, X_LIST[:3])


# Integrated gradients


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_integrated_gradients_are_complete(cell, pooling):
    model = small(cell=cell, pooling=pooling, bidirectional=True).fit(X_LIST, numbers(X_LIST))
    baseline = [np.zeros_like(x) for x in X_LIST]
    difference = model.predict(X_LIST) - model.predict(baseline)
    for given in (0.0, [0.0, 0.0], baseline):
        found = integrated_gradients(model, X_LIST, baseline=given)
        sums = [one.sum() for one in found]
        np.testing.assert_allclose(sums, difference, rtol=0, atol=1e-6 * np.ptp(difference))


def test_integrated_gradients_of_a_linear_map_are_its_terms():
    X = datasets.table()
    model = small(max_iter=1, learning_rate_init=1e-12).fit(X, X @ [1.0, 2.0, 0.0, 0.0, 0.0, -3.0])
    found = integrated_gradients(model, X)
    np.testing.assert_allclose(found, (X - X.mean(axis=0)) * model.linear_coef_, atol=1e-6)


def test_baseline_is_the_mean():
    X = datasets.array() + np.array([5.0, -3.0])
    model = small(linear_path=None).fit(X, numbers(X))
    found = integrated_gradients(model, X)
    given = integrated_gradients(model, X, baseline=X.mean(axis=(0, 1)))
    np.testing.assert_allclose(found, given, atol=1e-9)
    X = datasets.table() + 5.0
    model = small(linear_path=None).fit(X, numbers(X))
    given = integrated_gradients(model, X, baseline=X.mean(axis=0))
    np.testing.assert_allclose(integrated_gradients(model, X), given, atol=1e-9)


def test_poisson_quantiles_and_steps_are_complete():
    y = np.exp(numbers(X_LIST) / 3)
    zeros = [np.zeros_like(x) for x in X_LIST]
    model = small(loss="poisson").fit(X_LIST, y)
    sums = [one.sum() for one in integrated_gradients(model, X_LIST, baseline=0.0)]
    np.testing.assert_allclose(sums, model.predict(X_LIST) - model.predict(zeros), atol=1e-6)
    y = [np.cumsum(x[:, 0]) for x in X_LIST]
    model = small(return_sequences=True).fit(X_LIST, y)
    sums = [one.sum() for one in integrated_gradients(model, X_LIST, baseline=0.0, step=-1)]
    last, first = ([one[-1] for one in model.predict(X)] for X in (X_LIST, zeros))
    np.testing.assert_allclose(sums, np.subtract(last, first), atol=1e-6)


def test_gaps_stay_gaps_on_the_way():
    X = datasets.gappy(ragged(lengths=(3, 7)))
    model = small().fit(X, np.array([np.nansum(x) for x in X]))
    found = integrated_gradients(model, X, baseline=1.0)
    start = [np.where(np.isnan(x), np.nan, 1.0) for x in X]
    difference = model.predict(X) - model.predict(start)
    np.testing.assert_allclose([one.sum() for one in found], difference, atol=1e-6)
    for one, x in zip(found, X, strict=True):
        assert (one[np.isnan(x)] == 0.0).all()


def test_categories():
    random = np.random.RandomState(0)
    color = random.choice(["red", "green", "blue"], 60)
    X = pd.DataFrame({"size": random.normal(size=60), "color": pd.Categorical(color)})
    X.loc[3, "size"] = np.nan
    y = np.where(color == "red", 3.0, 0.0) + X["size"].fillna(0).to_numpy()
    model = small().fit(X, y)
    baseline = X.assign(color=pd.Categorical(["blue"] * 60, X["color"].cat.categories))
    found = integrated_gradients(model, X, baseline=baseline)
    assert found.shape == (60, 2)
    difference = model.predict(X) - model.predict(baseline)
    np.testing.assert_allclose(found.sum(axis=1), difference, atol=1e-6)
    np.testing.assert_allclose(found[:, 0], 0.0, atol=1e-12)
    by_mean = integrated_gradients(model, X)
    assert by_mean[color == "red", 1].min() > by_mean[color != "red", 1].max()
    with pytest.raises(ValueError, match=r"\['color'\], which have no gradient"):
        input_gradients(model, X)


def test_of_what_is_missed_there_is_a_warning():
    model = small(cell="rnn", activation="relu", pooling="max", linear_path=None)
    model.fit(X_LIST, numbers(X_LIST))
    with pytest.warns(ConvergenceWarning, match="Raise n_steps, now 1"):
        integrated_gradients(model, X_LIST, n_steps=1)


# Tokens


def documents(n=40):
    random = np.random.RandomState(5)
    return [random.randint(1, 9, size=random.randint(2, 8)) for _ in range(n)]


def unknown(X):
    return [np.full_like(x, 99) for x in X]


@pytest.mark.parametrize("linear_path", [None, "auto", 2])
@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_tokens_add_up_from_unknown_ones(pooling, linear_path):
    X = documents()
    y = np.array([np.isin(x, (3, 4)).sum() - (x == 5).sum() for x in X], float)
    model = small(embedding_dim=3, pooling=pooling, linear_path=linear_path).fit(X, y)
    X[0][1] = 99
    found = integrated_gradients(model, X)
    difference = model.predict(X) - model.predict(unknown(X))
    assert [one.shape for one in found] == [x.shape for x in X]
    np.testing.assert_allclose([one.sum() for one in found], difference, atol=1e-6)
    assert found[0][1] == 0.0


@pytest.mark.parametrize("linear_path", [None, "auto"])
def test_tokens_of_each_step_add_up(linear_path):
    X = documents()
    y = [np.isin(x, (3, 4)) * 1.0 for x in X]
    model = small(
        embedding_dim=3, return_sequences=True, linear_path=linear_path, bidirectional=True
    ).fit(X, y)
    found = integrated_gradients(model, X, step=0)
    last, first = ([one[0] for one in model.predict(some)] for some in (X, unknown(X)))
    sums = [one.sum() for one in found]
    np.testing.assert_allclose(sums, np.subtract(last, first), atol=1e-6)


def test_paths_of_tokens_in_pieces(monkeypatch):
    """Many documents are read some at a time, with the same parts."""
    X = documents()
    of_all = small(embedding_dim=3).fit(X, [float((x == 3).sum()) for x in X])
    of_steps = small(embedding_dim=3, return_sequences=True).fit(X, [x / 8 for x in X])
    pairs = ((of_all, None), (of_steps, 0))
    whole = [integrated_gradients(model, X, step=step) for model, step in pairs]
    monkeypatch.setattr("skrnn.data.sequences._AT_A_TIME", 7)
    for (model, step), expected in zip(pairs, whole, strict=True):
        found = integrated_gradients(model, X, step=step)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_gradient_of_tokens_is_that_of_their_vectors():
    X = documents()
    y = np.array([(x == 3).sum() - x[-1] for x in X], float)
    model = small(embedding_dim=3, linear_path=None, dtype="float64").fit(X, y)
    found, table = input_gradients(model, X), model.embeddings_
    for place, token in enumerate(model.tokens_):
        own, values = table[place].copy(), []
        for h in (1e-5, -1e-5):
            table[place] = own + h * (own - table[-1])
            values.append(model.predict(X))
        table[place] = own
        wanted = (values[0] - values[1]) / 2e-5
        sums = [one[x == token].sum() for one, x in zip(found, X, strict=True)]
        np.testing.assert_allclose(sums, wanted, atol=1e-7)


def test_padded_tokens():
    X = np.array([[1, 2, 3], [3, 1, 0], [2, 0, 0], [1, 3, 2]])
    model = small(embedding_dim=2).fit(X, [1.0, 2.0, 0.0, 1.0])
    found = integrated_gradients(model, X)
    np.testing.assert_array_equal(np.isnan(found), X == 0)


# Refusals


REFUSED = {
    "target": ({"target": 2}, "target=2, but the model predicts one number"),
    "step": ({"step": 1}, "return_sequences=True"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    options, words = REFUSED[name]
    model = small().fit(X_LIST, numbers(X_LIST))
    before = datasets.state(model)
    with pytest.raises(ValueError, match=words):
        input_gradients(model, X_LIST, **options)
    assert datasets.state(model) == before


@pytest.mark.parametrize("target", [None, 3, -4, 1.0, True, "a", (0, 1)])
def test_an_output_that_is_none(target):
    y = numbers(X_LIST)
    model = small().fit(X_LIST, np.c_[y, y, y])
    with pytest.raises(ValueError, match=r"have the shape \(3,\): pass an int from 0 to 2"):
        input_gradients(model, X_LIST, target=target)


def test_a_class_that_is_none():
    model = small(RNNClassifier).fit(X_LIST, datasets.labels(X_LIST))
    with pytest.raises(ValueError, match=r"target='up' is none of the classes \['left', 'right'"):
        input_gradients(model, X_LIST, target="up")
    y = np.c_[numbers(X_LIST) > 0, numbers(X_LIST) > 1].astype(int)
    with pytest.raises(ValueError, match="there are 2 labels"):
        input_gradients(small(RNNClassifier).fit(X_LIST, y), X_LIST)


def test_a_step_that_is_none():
    X = [np.ones((3, 1)), np.ones((2, 1))] * 5
    model = small(return_sequences=True).fit(X, [x[:, 0] + np.arange(len(x)) for x in X])
    for step in (2, -3):
        with pytest.raises(ValueError, match=f"step={step}, but sample 1 of X has 2 steps only"):
            input_gradients(model, X, step=step)
    with pytest.raises(ValueError, match=r"step=1\.5 must be an int"):
        input_gradients(model, X, step=1.5)


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        ([1.0], "baseline has 1 numbers, but X has 2 features"),
        ([x[:1] for x in X_LIST], "baseline has 30 sequences of 1 steps, but X has 30 sequences"),
        ([x * np.nan for x in X_LIST], "NaN where X has a value"),
        ([x[:, :1] for x in X_LIST], "In baseline: X has 1 features"),
    ],
)
def test_a_baseline_that_does_not_fit(baseline, words):
    model = small().fit(X_LIST, numbers(X_LIST))
    with pytest.raises(ValueError, match=words):
        integrated_gradients(model, X_LIST, baseline=baseline)


@pytest.mark.parametrize("n_steps", [0, 1.5, True, None])
def test_a_number_of_points_that_is_none(n_steps):
    model = small().fit(X_LIST, numbers(X_LIST))
    with pytest.raises(ValueError, match="n_steps"):
        integrated_gradients(model, X_LIST, n_steps=n_steps)


def test_another_estimator():
    X = datasets.table()
    pipeline = make_pipeline(StandardScaler(), small()).fit(X, numbers(X))
    with pytest.raises(TypeError, match="Of a pipeline pass the last step"):
        input_gradients(pipeline, X)


def test_a_baseline_of_tokens():
    X = documents()
    model = small(embedding_dim=2).fit(X, [float(len(x)) for x in X])
    with pytest.raises(ValueError, match="baseline is for an X of numbers"):
        integrated_gradients(model, X, baseline=0.0)


# Permutation importance


class LastOfFirst:
    """An estimator that needs no fit: the last step's first feature, and the first step's other."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.array([np.asarray(x)[-1, 0] + np.asarray(x)[0, -1] for x in X])

    def score(self, X, y, sample_weight=None):
        return -float(np.average(np.abs(self.predict(X) - y), weights=sample_weight))


def test_the_usual_baseline_of_a_table_with_gaps_is_the_mean_of_its_columns():
    from skrnn.inspection.inputs import Input

    X = np.random.RandomState(0).normal([0.0, 5.0, -9.0], size=(40, 3))
    X[::4, 1] = np.nan
    model = RNNRegressor(max_iter=1, early_stopping=False).fit(X, X[:, 0])._model
    found = Input.read(model, X, None).baseline(model, None, None)
    means = np.tile(np.nanmean(X, axis=0), 40)[:, np.newaxis]
    np.testing.assert_allclose(found, means, rtol=1e-12)


def test_importance_by_feature_and_step():
    X = datasets.array(n=200, n_timesteps=4, n_features=3)
    y = LastOfFirst().predict(X)
    before = X.copy()
    found = permutation_importance(LastOfFirst(), X, y, random_state=0)
    assert found.importances.shape == (3, 5)
    assert found.importances_mean[1] == found.importances_std[1] == 0.0
    assert (found.importances[[0, 2]] > 0.5).all()
    assert len(set(found.importances[0])) == 5  # each time another permutation
    np.testing.assert_array_equal(found.importances_mean, found.importances.mean(axis=1))
    found = permutation_importance(LastOfFirst(), X, y, by="step", random_state=0)
    assert found.importances.shape == (4, 5)
    assert (found.importances[[0, 3]] > 0.5).all()
    assert (found.importances[1:3] == 0.0).all()
    np.testing.assert_array_equal(X, before)


def test_importance_of_lists():
    X = ragged(n=100, n_features=3, lengths=(2, 7))
    y, copies = LastOfFirst().predict(X), [x.copy() for x in X]
    found = permutation_importance(LastOfFirst(), X, y, random_state=0)
    assert found.importances_mean[1] == 0.0
    assert (found.importances[[0, 2]] > 0.5).all()
    found = permutation_importance(LastOfFirst(), X, y, by="step", random_state=0)
    assert found.importances.shape == (6, 5)
    assert found.importances_mean[-1] == max(found.importances_mean)
    for x, copy in zip(X, copies, strict=True):
        np.testing.assert_array_equal(x, copy)


def test_a_step_without_any_value_is_no_padding_before_others_with_some():
    from skrnn.inspection.permutation import Samples

    X = np.arange(24.0).reshape(2, 6, 2)
    X[0, 1] = X[0, 4:] = X[1] = np.nan
    assert Samples.read(X).lengths.tolist() == [4, 1]


def test_a_step_is_a_permutation_among_those_that_have_it():
    from skrnn.inspection.permutation import Samples

    X = ragged(n=20, lengths=(1, 6))
    samples = Samples.read(X)
    shuffled = samples.with_steps_of(np.random.RandomState(0), [4, 2])
    for left in range(1, 6):
        own, others = ([x[-left, 0] for x in some if len(x) >= left] for some in (X, shuffled))
        assert sorted(own) == sorted(others)
        assert (own == others) == (left not in (4, 2))
    # The steps of a group come of one sample, and the others stay.
    pairs = {(x[-4, 0], x[-2, 0]) for x in X if len(x) >= 4}
    assert pairs == {(x[-4, 0], x[-2, 0]) for x in shuffled if len(x) >= 4}


def test_series_go_whole_and_their_ends_meet():
    from skrnn.inspection.permutation import Samples

    X = datasets.array(n=20, n_timesteps=4)
    shuffled = Samples.read(X).with_features_of(np.random.RandomState(0), [1])
    assert {tuple(x[:, 1]) for x in shuffled} == {tuple(x[:, 1]) for x in X}
    assert not np.array_equal(shuffled, X)
    X = ragged(n=20, lengths=(1, 6))
    shuffled = Samples.read(X).with_features_of(np.random.RandomState(0), [0, 1])
    assert {x[-1, 0] for x in shuffled} == {x[-1, 0] for x in X}
    assert {x[0, 0] for x in shuffled if len(x) > 1} <= {x[0, 0] for x in X}
    assert [len(x) for x in shuffled] == [len(x) for x in X]


def test_groups_go_together():
    X = datasets.array(n=100, n_timesteps=4, n_features=3)
    X[:, :, 2] = X[:, :, 0]
    from skrnn.inspection.permutation import Samples

    shuffled = Samples.read(X).with_features_of(np.random.RandomState(0), [0, 2])
    np.testing.assert_array_equal(shuffled[:, :, 0], shuffled[:, :, 2])
    np.testing.assert_array_equal(shuffled[:, :, 1], X[:, :, 1])
    y = LastOfFirst().predict(X)
    found = permutation_importance(
        LastOfFirst(), X, y, by="step", groups=[[0, -1], [1, 2]], random_state=0
    )
    assert found.importances.shape == (2, 5)
    assert found.importances_mean[1] == 0.0


def test_names_of_features():
    X = [pd.DataFrame(x, columns=["wind", "rain"]) for x in ragged(n=40, lengths=(2, 5))]
    model = small().fit(X, [x["wind"].iloc[-1] for x in X])
    found = permutation_importance(
        model, X, [x["wind"].iloc[-1] for x in X], groups=[["rain"], ["wind"]], random_state=0
    )
    assert found.importances_mean[1] > found.importances_mean[0]
    with pytest.raises(ValueError, match="groups has the feature 'snow'"):
        permutation_importance(model, X, [0] * 40, groups=[["snow"]])


def test_padding_stays():
    X = datasets.array(n=30, n_timesteps=5)
    X[3, 2:] = X[7, 4:] = np.nan
    from skrnn.inspection.permutation import Samples

    for shuffled in (
        Samples.read(X).with_features_of(np.random.RandomState(0), [0]),
        Samples.read(X).with_steps_of(np.random.RandomState(0), [1]),
    ):
        np.testing.assert_array_equal(np.isnan(shuffled), np.isnan(X))


def test_jobs_weights_and_scorers():
    X = datasets.array(n=60)
    model = small().fit(X, numbers(X))
    weights = np.r_[np.ones(30), np.zeros(30)]
    options = {"random_state": 3, "sample_weight": weights, "n_repeats": 3}
    one = permutation_importance(model, X, numbers(X), **options)
    two = permutation_importance(model, X, numbers(X), n_jobs=2, **options)
    np.testing.assert_array_equal(one.importances, two.importances)
    assert one.importances.shape == (2, 3)
    scoring = {"r2": "r2", "mae": make_scorer(mean_absolute_error, greater_is_better=False)}
    found = permutation_importance(model, X, numbers(X), scoring=scoring, random_state=0)
    assert set(found) == {"r2", "mae"}
    assert found["mae"].importances.shape == (2, 5)


def test_importance_of_tokens():
    X = documents(60)
    y = np.array([x[-1] == 3 for x in X]).astype(int)

    class Last(LastOfFirst):
        def predict(self, X):
            return np.array([x[-1] == 3 for x in X]).astype(int)

    found = permutation_importance(Last(), X, y, by="step", random_state=0)
    assert found.importances_mean[-1] > 0.0
    assert (found.importances[:-1] == 0.0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "row"}, "by='row'"),
        ({"n_repeats": 0}, "n_repeats=0"),
        ({"groups": [0, 1]}, "must be a list of lists"),
        ({"groups": [[2]]}, "groups has the feature 2, but there are 2"),
        ({"groups": [[3]], "by": "step"}, "groups has the step 3, but there are 3"),
        ({"groups": [["a"]]}, "they have no names"),
    ],
)
def test_permutations_refused(options, words):
    X = datasets.array(n=10)
    with pytest.raises(ValueError, match=words):
        permutation_importance(LastOfFirst(), X, numbers(X), **options)


def test_no_tables_and_no_steps_from_the_start_of_unequal_lengths():
    X = datasets.table()
    with pytest.raises(ValueError, match=r"For the columns of a table use sklearn\.inspection"):
        permutation_importance(LastOfFirst(), X, numbers(X))
    X = ragged(n=10)
    with pytest.raises(ValueError, match="but lengths differ"):
        permutation_importance(LastOfFirst(), X, numbers(X), by="step", groups=[[0]])
