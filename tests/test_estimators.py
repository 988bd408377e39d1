"""RNNRegressor and RNNClassifier as scikit-learn estimators: its checks, and ours beside them."""

import ast
import copy
import inspect
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
from conventions import run, with_checks
from datasets import labels, numbers, outputs, ragged, small, state, table, target_for
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
)

from skrnn import RNNClassifier, RNNRegressor

ESTIMATORS = [RNNRegressor, RNNClassifier]
BOTH = pytest.mark.parametrize("Estimator", ESTIMATORS)
CELLS = pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
LOSSES = ["squared_error", "absolute_error", "huber", "poisson", "quantile"]
PARAMETER_NAMES = {E: list(inspect.signature(E).parameters) for E in ESTIMATORS}


# --- scikit-learn's checks -------------------------------------------------------------------


@with_checks([RNNRegressor(), RNNClassifier()])
def test_scikit_learn_checks(estimator, check, monkeypatch):
    run(check, estimator, monkeypatch)


DEFAULT_VARIANTS = [
    {"cell": "rnn"},
    {"cell": "lstm"},
    {"bidirectional": True},
    {"hidden_layer_sizes": (64, 64)},
]


@with_checks([E(**parameters) for parameters in DEFAULT_VARIANTS for E in ESTIMATORS])
def test_scikit_learn_checks_of_default_variants(estimator, check, monkeypatch):
    run(check, estimator, monkeypatch)


VARIANTS = [
    {"cell": "rnn"},
    {"cell": "rnn", "activation": "relu"},
    {"cell": "rnn", "activation": "logistic", "bidirectional": True},
    {"cell": "lstm"},
    {"cell": "lstm", "hidden_layer_sizes": (12, 12), "bidirectional": True},
    {"cell": "gru", "bidirectional": True},
    {"cell": "gru", "hidden_layer_sizes": (12, 12), "pooling": "mean"},
    {"pooling": "max", "dtype": "float64"},
    {"solver": "lbfgs", "cell": "rnn", "tol": 0.01, "max_iter": 3000, "alpha": 0.1},
    {"n_timesteps": 1, "solver": "sgd", "learning_rate_init": 0.2},
]


def variant(Estimator, parameters):
    settings = {"hidden_layer_sizes": (16,), "max_iter": 80, "learning_rate_init": 0.03}
    settings |= {"linear_path": None, "early_stopping": False}
    return Estimator(**(settings | parameters))


@with_checks([variant(E, parameters) for parameters in VARIANTS for E in ESTIMATORS])
def test_scikit_learn_checks_of_variants(estimator, check, monkeypatch):
    run(check, estimator, monkeypatch)


@BOTH
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_scikit_learn_checks_that_the_generator_leaves_out(check, Estimator):
    check(Estimator.__name__, small(Estimator))


# --- parameters and documentation ------------------------------------------------------------


def documented_parameters(Estimator):
    """Names and defaults from the section "Parameters" of the docstring."""
    section = inspect.getdoc(Estimator).split("\nAttributes\n")[0]
    found = {}
    for names, default in re.findall(r"^(\w+(?:, \w+)*) : .*default=(.+)$", section, re.MULTILINE):
        names, value = names.split(", "), ast.literal_eval(default)
        found |= dict(zip(names, value, strict=True)) if len(names) > 1 else {names[0]: value}
    return found


@BOTH
def test_tags_say_what_x_and_y_may_be(Estimator):
    tags = get_tags(Estimator())
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert tags.input_tags.sparse
    assert tags.input_tags.allow_nan
    if Estimator is RNNRegressor:
        assert tags.target_tags.multi_output
    else:
        assert tags.classifier_tags.multi_class
        assert tags.classifier_tags.multi_label


@BOTH
def test_every_parameter_is_documented_with_its_default(Estimator):
    parameters = inspect.signature(Estimator).parameters.values()
    assert documented_parameters(Estimator) == {p.name: p.default for p in parameters}


@BOTH
def test_only_the_first_parameter_is_positional(Estimator):
    kinds = [p.kind for p in inspect.signature(Estimator).parameters.values()]
    assert kinds == [inspect.Parameter.POSITIONAL_OR_KEYWORD] + [inspect.Parameter.KEYWORD_ONLY] * (
        len(kinds) - 1
    )


def test_both_estimators_have_the_same_parameters_but_for_y():
    regressor, classifier = (set(PARAMETER_NAMES[E]) for E in ESTIMATORS)
    assert regressor - classifier == {"loss", "quantile"}
    assert classifier - regressor == {"class_weight"}


def documented_attributes(Estimator):
    section = inspect.getdoc(Estimator).split("\nAttributes\n")[1].split("\nSee Also\n")[0]
    found = re.findall(r"^(\w+(?:, \w+)*) : ", section, re.MULTILINE)
    return {name for names in found for name in names.split(", ")}


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_fitted_attributes_are_the_documented_ones(Estimator, early_stopping):
    X = pd.DataFrame(table(), columns=list("abcdef"))
    model = small(Estimator, early_stopping=early_stopping)
    model.fit(X, target_for(Estimator, X.to_numpy()))
    public = {name for name in dir(model) if name.endswith("_") and name[0] != "_"}
    of_tokens = {"tokens_", "embeddings_"}  # older versions of scikit-learn list what is not there
    assert public - of_tokens == documented_attributes(Estimator) - of_tokens
    assert all(hasattr(model, name) for name in public - of_tokens)


@BOTH
def test_fitted_attributes_have_the_documented_values(Estimator):
    X = table()
    model = small(Estimator).fit(X, target_for(Estimator, X))
    assert model.n_features_in_ == 6
    assert model.n_iter_ == 4
    assert model.t_ == 4 * 40
    assert len(model.loss_curve_) == 4
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_loss_curve_ is None
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None
    assert model.n_outputs_ == (1 if Estimator is RNNRegressor else 3)
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize(
    ("y", "activation", "n_outputs"),
    [
        (np.arange(40) % 2, "logistic", 1),
        (np.arange(40) % 3, "softmax", 3),
        (np.eye(2, dtype=int)[np.arange(40) % 2], "logistic", 2),
    ],
)
def test_output_activation_of_the_classifier(y, activation, n_outputs):
    model = small(RNNClassifier).fit(table(), y)
    assert (model.out_activation_, model.n_outputs_) == (activation, n_outputs)


def test_output_activation_of_the_regressor():
    y = np.abs(numbers(table()))
    for loss in LOSSES:
        model = small(RNNRegressor, loss=loss, max_iter=1).fit(table(), y)
        assert model.out_activation_ == ("exp" if loss == "poisson" else "identity")


@CELLS
def test_shapes_of_coefs_and_intercepts(cell):
    n_gates, n_blocks = {"rnn": (1, 1), "lstm": (4, 4), "gru": (3, 4)}[cell]
    X = ragged()
    model = small(RNNClassifier, cell=cell, hidden_layer_sizes=(5, 3), bidirectional=True)
    model.fit(X, labels(X, ("a", "b", "c", "d")))
    layers = [(2, 5)] * 2 + [(10, 3)] * 2
    expected = [
        shape for n, size in layers for shape in ((n, n_gates * size), (size, n_gates * size))
    ]
    assert [coef.shape for coef in model.coefs_] == [*expected, (6, 4)]
    biases = [(n_blocks * size,) for _, size in layers]
    assert [intercept.shape for intercept in model.intercepts_] == [*biases, (4,)]


@BOTH
def test_coefs_and_intercepts_are_views(Estimator):
    X = table()
    model = small(Estimator).fit(X, target_for(Estimator, X))
    before = outputs(model, X)
    for array in (*model.coefs_, *model.intercepts_):
        assert array.base is not None
        array *= 0.5
    changed = outputs(model, X)
    assert (changed != before).all()
    model.intercepts_[-1][:] += 100.0
    assert (outputs(model, X) != changed).any()


@BOTH
def test_n_features_in_of_each_form(Estimator):
    X = table(40, 6)
    y = target_for(Estimator, X)
    assert small(Estimator).fit(X, y).n_features_in_ == 6
    assert small(Estimator, n_timesteps=3).fit(X, y).n_features_in_ == 6
    assert small(Estimator).fit(X.reshape(40, 3, 2), y).n_features_in_ == 2
    assert small(Estimator).fit(list(X.reshape(40, 3, 2)), y).n_features_in_ == 2


@BOTH
def test_n_timesteps_of_now_says_how_to_read_the_rows_of_a_later_x(Estimator):
    X = table(40, 6).reshape(40, 3, 2)
    model = small(Estimator).fit(X, target_for(Estimator, X))
    expected = model.predict(X)
    with pytest.raises(ValueError, match="set n_timesteps"):
        model.predict(X.reshape(40, 6))
    model.set_params(n_timesteps=3)
    np.testing.assert_array_equal(model.predict(X.reshape(40, 6)), expected)


@BOTH
def test_feature_names_in(Estimator):
    X = pd.DataFrame(table(), columns=list("uvwxyz"))
    y = target_for(Estimator, X.to_numpy())
    model = small(Estimator).fit(X, y)
    assert model.feature_names_in_.tolist() == list("uvwxyz")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[X.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        unnamed = model.predict(X.to_numpy())
    np.testing.assert_array_equal(unnamed, model.predict(X))
    assert not hasattr(model.fit(ragged(), target_for(Estimator, ragged())), "feature_names_in_")


@BOTH
def test_an_unfitted_model_says_so(Estimator):
    model = small(Estimator)
    methods = ["predict", "score", *(["predict_proba"] if Estimator is RNNClassifier else [])]
    for method in methods:
        arguments = [table()] + [numbers(table())] * (method == "score")
        with pytest.raises(NotFittedError):
            getattr(model, method)(*arguments)
    with pytest.raises(NotFittedError):
        _ = model.coefs_


@BOTH
def test_html_repr_links_to_the_documentation(Estimator):
    model = small(Estimator)
    for _ in range(2):
        html = model._repr_html_()
        assert Estimator.__name__ in html
        assert f"{Estimator.__name__}.html" in html
        model.fit(table(), target_for(Estimator, table()))


@BOTH
def test_repr_shows_what_was_changed(Estimator):
    assert repr(Estimator(cell="lstm")) == f"{Estimator.__name__}(cell='lstm')"


# --- copies ----------------------------------------------------------------------------------


def by_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


def by_memory_map(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")


def by_cloudpickle(model, folder):
    cloudpickle = pytest.importorskip("cloudpickle")
    return cloudpickle.loads(cloudpickle.dumps(model))


def by_skops(model, folder):
    skops = pytest.importorskip("skops.io")
    dumped = skops.dumps(model)
    own = skops.get_untrusted_types(data=dumped)
    assert own == [f"skrnn.{type(model).__name__}"]
    return skops.loads(dumped, trusted=own)


COPIES = {
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "cloudpickle": by_cloudpickle,
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "joblib": by_joblib,
    "memory map": by_memory_map,
    "skops": by_skops,
    "fit of a clone": lambda model, folder: clone(model).fit(*model.seen),
    "fit with its parameters": lambda model, folder: type(model)(**model.get_params()).fit(
        *model.seen
    ),
}


@BOTH
@pytest.mark.parametrize("way", COPIES)
def test_a_copy_predicts_the_same_to_the_bit(way, Estimator, tmp_path):
    X = ragged()
    y = target_for(Estimator, X)
    model = small(Estimator, bidirectional=True, pooling="max").fit(X, y)
    model.seen = (X, y) if way.startswith("fit") else ()
    twin = COPIES[way](model, tmp_path)
    np.testing.assert_array_equal(outputs(twin, X), outputs(model, X))
    assert twin.get_params() == model.get_params()
    assert twin.loss_curve_ == model.loss_curve_


@BOTH
def test_a_copy_is_trained_on_alone(Estimator):
    X = table()
    y = target_for(Estimator, X)
    classes = {} if Estimator is RNNRegressor else {"classes": np.unique(y)}
    model = small(Estimator).partial_fit(X, y, **classes)
    before = outputs(model, X)
    twins = [copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))]
    after = [outputs(twin.partial_fit(X, y), X) for twin in twins]
    np.testing.assert_array_equal(outputs(model, X), before)
    assert (after[0] != before).any()
    for other in after[1:]:
        np.testing.assert_array_equal(other, after[0])
    np.testing.assert_array_equal(outputs(model.partial_fit(X, y), X), after[0])


@BOTH
@CELLS
def test_a_pickle_of_64_units_is_small(cell, Estimator):
    X = table(200, 10)
    model = small(Estimator, hidden_layer_sizes=64, cell=cell, max_iter=1)
    model.fit(X, target_for(Estimator, X))
    assert len(pickle.dumps(model)) < 200_000


@BOTH
def test_set_params_after_fit_changes_no_prediction(Estimator):
    X, other = table(), table(seed=1)
    y = target_for(Estimator, X)
    for fitted_with in ({}, {"n_timesteps": 3}):
        model = small(Estimator, **fitted_with).fit(X, y)
        before, score = outputs(model, other), model.score(X, y)
        changes = {
            "hidden_layer_sizes": (3, 3),
            "cell": "lstm",
            "activation": "relu",
            "bidirectional": True,
            "pooling": "mean",
            "dtype": "float32",
            "standardize": False,
            "random_state": 1,
            "n_jobs": 2,
            "dropout": 0.5,
            "n_timesteps": 2,
        }
        if Estimator is RNNRegressor:
            changes |= {"loss": "poisson"}
        for name, value in changes.items():
            model.set_params(**{name: value})
            np.testing.assert_array_equal(outputs(model, other), before, err_msg=name)
            assert model.score(X, y) == score


def test_set_params_after_fit_changes_no_score():
    X, y = table(), numbers(table())
    model = small(RNNRegressor).fit(X, y)
    score = model.score(X, y)
    assert model.set_params(loss="quantile", quantile=[0.1, 0.9]).score(X, y) == score


@BOTH
def test_a_second_fit_begins_anew(Estimator):
    X, other = table(), ragged()
    once = small(Estimator).fit(X, target_for(Estimator, X))
    twice = small(Estimator).fit(
        other, labels(other) if Estimator is RNNClassifier else np.ones(40)
    )
    twice.fit(X, target_for(Estimator, X))
    np.testing.assert_array_equal(outputs(twice, X), outputs(once, X))
    assert twice.loss_curve_ == once.loss_curve_
    assert state(twice) == state(once)


@BOTH
def test_fit_writes_no_file_and_leaves_its_arguments_alone(Estimator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, weight = ragged(), np.linspace(0, 1, 40)
    y = target_for(Estimator, X)
    arguments = X, y, weight
    before = joblib.hash(arguments)
    model = small(Estimator, early_stopping=True, n_jobs=2, verbose=True)
    outputs(model.fit(*arguments), X)
    model.score(X, y, weight)
    assert list(tmp_path.iterdir()) == []
    assert joblib.hash(arguments) == before


# --- forms, precisions, memory layouts -------------------------------------------------------


@BOTH
@pytest.mark.parametrize("shape", [(40, 6), (40, 3, 2)])
def test_read_only_and_fortran_input(shape, Estimator):
    X = table().reshape(shape)
    y = target_for(Estimator, table())
    expected = small(Estimator).fit(X, y)
    read_only = X.copy()
    read_only.flags.writeable = y.flags.writeable = False
    spread = np.repeat(X, 2, axis=0)[::2]
    for same in (np.asfortranarray(X), read_only, spread, X.astype(">f8")):
        model = small(Estimator).fit(same, y)
        np.testing.assert_array_equal(outputs(model, same), outputs(expected, X))


@BOTH
def test_read_only_input_compiles_nothing_new(Estimator):
    from skrnn.kernels import affine, losses, packing, recurrence, timeline, updates

    kernels = (timeline.gather, recurrence.forward, recurrence.backward, *losses.GRADIENTS.values())
    kernels += (affine.forward, affine.backward, affine.forward_of_windows, updates.adam)
    kernels += (packing.pack, packing.sum_up)
    X = table().reshape(40, 3, 2)
    y = target_for(Estimator, table())
    small(Estimator).fit(X, y).predict(X)
    compiled = [len(kernel.signatures) for kernel in kernels]
    X.flags.writeable = y.flags.writeable = False
    model = small(Estimator).fit(X, y)
    model._model.theta.flags.writeable = False  # as in shared memory
    model.predict(X)
    assert [len(kernel.signatures) for kernel in kernels] == compiled


@BOTH
@CELLS
def test_float32_stays_float32(cell, Estimator):
    X = table().astype(np.float32)
    y = target_for(Estimator, X)
    model = small(Estimator, cell=cell).fit(X, y)
    assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype("f4")}
    assert outputs(model, X).dtype == np.float32
    double = small(Estimator, cell=cell).fit(X.astype(np.float64), y)
    np.testing.assert_allclose(outputs(model, X), outputs(double, X), rtol=1e-3, atol=1e-4)


@BOTH
@pytest.mark.parametrize(
    ("given", "parameter", "expected"),
    [
        ("f4", None, "f4"),
        ("f8", None, "f8"),
        ("f2", None, "f8"),
        ("i8", None, "f8"),
        ("f8", "float32", "f4"),
        ("f4", "float64", "f8"),
    ],
)
def test_dtype(given, parameter, expected, Estimator):
    X = np.round(table() * 4).astype(given)
    model = small(Estimator, dtype=parameter, max_iter=1).fit(X, target_for(Estimator, X))
    other = np.round(table(5)).astype("f8" if given == "f4" else "f4")
    assert model.coefs_[0].dtype == expected
    assert outputs(model, X).dtype == expected
    assert outputs(model, other).dtype == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_probability_method_keeps_the_precision(dtype):
    X = table().astype(dtype)
    for y in (labels(X), labels(X, list("abc")), (X[:, :2] > 0).astype(int)):
        model = small(RNNClassifier).fit(X, y)
        for method in ("predict_proba", "predict_log_proba", "decision_function"):
            assert getattr(model, method)(X).dtype == dtype


# --- the regressor's y and losses ------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_forms_of_the_regressors_y(loss):
    X = table()
    y = np.abs(numbers(X))
    model = small(RNNRegressor, loss=loss)
    one = model.fit(X, y).predict(X)
    assert one.shape == (40,)
    for same in (y.tolist(), pd.Series(y), y.astype(object)):
        np.testing.assert_array_equal(model.fit(X, same).predict(X), one)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        np.testing.assert_array_equal(model.fit(X, y[:, np.newaxis]).predict(X), one)
    several = np.column_stack([y, y + 1, X[:, 0] ** 2])
    assert model.fit(X, several).predict(X).shape == (40, 3)
    assert model.n_outputs_ == 3
    assert model.score(X, several) == pytest.approx(r2_score(several, model.predict(X)))


#: The net alone, which has to learn by itself what a linear path would know at once.
ALONE = {"linear_path": None, "early_stopping": False, "random_state": 0}


def test_each_output_is_learnt():
    X = table(100, 3)
    Y = np.column_stack([X[:, 0], 1000 * X[:, 1] - 5, -X[:, 2]])
    model = RNNRegressor((12,), max_iter=80, learning_rate_init=0.03, **ALONE).fit(X, Y)
    assert r2_score(Y, model.predict(X), multioutput="raw_values").min() > 0.95


def noisy(n=400, seed=3):
    random = np.random.RandomState(seed)
    X = random.uniform(-1, 1, size=(n, 2))
    return X, 2 * X[:, 0], random


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_every_loss_learns_a_linear_map(loss):
    X, signal, _ = noisy()
    model = RNNRegressor((8,), cell="rnn", loss=loss, max_iter=30, learning_rate_init=0.02, **ALONE)
    assert model.fit(X, signal).score(X, signal) > 0.97


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_quantile_covers_its_share(level):
    X, signal, random = noisy()
    y = signal + random.exponential(size=len(X))
    model = RNNRegressor(
        (8,), loss="quantile", quantile=level, max_iter=40, learning_rate_init=0.02, **ALONE
    ).fit(X, y)
    assert np.mean(y <= model.predict(X)) == pytest.approx(level, abs=0.05)
    assert model.score(X, signal + np.quantile(random.exponential(size=9999), level)) > 0.6


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_several_quantiles_cover_their_shares_and_are_ascending_even_where_they_cross(n_outputs):
    X, signal, random = noisy()
    y = signal + random.normal(size=len(X))
    Y = y if n_outputs == 1 else np.column_stack([y, -10 * y])
    model = RNNRegressor(
        (8,),
        loss="quantile",
        quantile=[0.9, 0.1, 0.5],
        max_iter=30,
        learning_rate_init=0.02,
        **ALONE,
    ).fit(X, Y)
    predicted = model.predict(X)
    assert predicted.shape == (*np.shape(Y), 3)
    assert (np.diff(predicted, axis=-1) > 0).all()
    cover = (Y[..., np.newaxis] <= predicted).mean(axis=0).reshape(-1, 3)
    np.testing.assert_allclose(cover, np.tile([0.1, 0.5, 0.9], (n_outputs, 1)), atol=0.06)
    skill = [d2_pinball_score(Y, predicted[..., q], alpha=a) for q, a in enumerate([0.1, 0.5, 0.9])]
    assert model.score(X, Y) == pytest.approx(np.mean(skill), rel=1e-12)
    assert model.score(X, Y) > 0.3
    for array in (model.coefs_[-1], model.intercepts_[-1]):  # let all levels cross
        array[:] = array.reshape(-1, n_outputs, 3)[..., ::-1].reshape(array.shape)
    np.testing.assert_array_equal(model.predict(X), predicted)


def test_poisson_predicts_positive_means():
    X, signal, random = noisy()
    y = random.poisson(np.exp(signal))
    model = RNNRegressor((8,), loss="poisson", max_iter=40, learning_rate_init=0.02, **ALONE).fit(
        X, y
    )
    predicted = model.predict(X)
    assert predicted.min() > 0
    assert r2_score(np.exp(signal), predicted) > 0.9
    assert predicted.mean() == pytest.approx(y.mean(), rel=0.05)


@pytest.mark.parametrize("linear_path", [None, "auto"])
@pytest.mark.parametrize("loss", ["huber", "absolute_error"])
def test_robust_losses_do_not_follow_outliers(loss, linear_path):
    X, signal, _ = noisy()
    y = signal.copy()
    y[::10] += 100.0
    settings = ALONE | {"linear_path": linear_path, "max_iter": 60, "learning_rate_init": 0.02}
    robust = RNNRegressor((8,), loss=loss, **settings).fit(X, y)
    squared = RNNRegressor((8,), loss="squared_error", **settings).fit(X, y)
    error = np.abs(robust.predict(X) - signal).mean()
    assert error < 0.5 * np.abs(squared.predict(X) - signal).mean()


@pytest.mark.parametrize("loss", LOSSES)
def test_the_start_is_the_best_constant(loss):
    X = np.random.RandomState(0).normal(size=(50, 2))
    y = np.random.RandomState(1).exponential(size=50)
    model = RNNRegressor(
        (4,),
        loss=loss,
        quantile=0.9,
        linear_path=None,
        max_iter=1,
        learning_rate_init=1e-12,
        random_state=0,
    ).fit(X, y)
    best = {"absolute_error": np.median(y), "quantile": np.quantile(y, 0.9)}.get(loss, y.mean())
    inner = model.intercepts_[-1]
    scale = 1.0 if loss == "poisson" else y.std()
    at_rest = np.exp(inner) if loss == "poisson" else y.mean() + scale * inner
    assert at_rest.item() == pytest.approx(best, abs=0.1 * y.std())


# --- the classifier's y ----------------------------------------------------------------------


@pytest.mark.parametrize("names", ["ab", "abc", "dcbae"])
def test_probabilities_are_consistent(names):
    X = ragged()
    model = small(RNNClassifier, max_iter=10).fit(X, labels(X, list(names)))
    assert model.classes_.tolist() == sorted(names)
    proba = model.predict_proba(X)
    assert proba.shape == (40, len(names))
    assert proba.min() > 0
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-10, atol=1e-14)
    np.testing.assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])
    decision = model.decision_function(X)
    if len(names) == 2:
        np.testing.assert_allclose(expit(decision), proba[:, 1], rtol=1e-14)
    else:
        np.testing.assert_allclose(
            np.exp(decision[:, 0] - decision[:, 1]), proba[:, 0] / proba[:, 1]
        )
    assert model.score(X, labels(X, list(names))) == accuracy_score(
        labels(X, list(names)), model.predict(X)
    )


@pytest.mark.parametrize(
    "names", [(0, 1), (-1, 1), (10, 20, 30), ("x", "y"), (False, True), (0.0, 1.0)]
)
def test_labels_of_any_type_come_back(names):
    X = table(60)
    y = labels(X, names)
    model = RNNClassifier((8,), max_iter=100, learning_rate_init=0.03, **ALONE).fit(X, y)
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    assert model.classes_.tolist() == sorted(names)
    assert np.mean(predicted == y) > 0.95


def test_multilabel():
    X = table(100, 3)
    Y = (X[:, :3] > [0.0, 0.5, -0.5]).astype(int)
    model = RNNClassifier((12,), max_iter=80, learning_rate_init=0.03, **ALONE).fit(X, Y)
    predicted, proba = model.predict(X), model.predict_proba(X)
    assert predicted.shape == proba.shape == (100, 3)
    assert (predicted == Y).mean(axis=0).min() > 0.93
    np.testing.assert_array_equal(predicted, (proba > 0.5).astype(int))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(expit(model.decision_function(X)), proba, rtol=1e-14)
    assert model.score(X, Y) == (predicted == Y).all(axis=1).mean()


def test_the_classifier_starts_at_the_log_odds():
    y = np.array([0] * 30 + [1] * 10)
    model = small(RNNClassifier, linear_path=None, max_iter=1, learning_rate_init=1e-12).fit(
        table(), y
    )
    assert model.intercepts_[-1] == pytest.approx(np.log(1 / 3), abs=1e-9)
    y = np.array([0] * 20 + [1] * 12 + [2] * 8)
    model = small(RNNClassifier, linear_path=None, max_iter=1, learning_rate_init=1e-12).fit(
        table(), y
    )
    shares = np.exp(model.intercepts_[-1])
    np.testing.assert_allclose(shares / shares.sum(), [0.5, 0.3, 0.2], rtol=1e-9)


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_class_weight_is_sample_weight(names):
    X = ragged()
    y = labels(X, list(names))
    own = np.linspace(0.5, 1.5, 40)
    factors = {"a": 3.0, "b": 0.5}
    given = small(RNNClassifier, class_weight=factors).fit(X, y, own)
    weight = own * compute_sample_weight({name: factors.get(name, 1.0) for name in names}, y)
    np.testing.assert_array_equal(
        given.decision_function(X), small(RNNClassifier).fit(X, y, weight).decision_function(X)
    )


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_balanced_class_weight_is_sample_weight(names):
    X = ragged()
    y = labels(X, list(names))
    y[:15] = "a"
    balanced = small(RNNClassifier, class_weight="balanced").fit(X, y)
    weighted = small(RNNClassifier).fit(X, y, compute_sample_weight("balanced", y))
    np.testing.assert_allclose(
        balanced.decision_function(X), weighted.decision_function(X), rtol=1e-9, atol=1e-12
    )
    plain = small(RNNClassifier).fit(X, y)
    gain = plain.predict_proba(X)[:, 0] - balanced.predict_proba(X)[:, 0]
    assert gain.mean() > 0.05  # the frequent class is expected less often


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_labels_in_any_container_give_the_same_bits(class_weight):
    X = table(60)
    Y = (X[:, :2] > 0).astype(int)
    model = small(RNNClassifier, class_weight=class_weight)
    expected = model.fit(X, Y).predict_proba(X)
    for same in (np.asfortranarray(Y), pd.DataFrame(Y), Y.tolist(), Y.astype(bool), Y.astype("f4")):
        np.testing.assert_array_equal(model.fit(X, same).predict_proba(X), expected)


def test_class_weight_of_labels_is_sample_weight():
    X = table()
    Y = (X[:, :2] > 0).astype(int)
    given = small(RNNClassifier, class_weight="balanced").fit(X, Y)
    weighted = small(RNNClassifier).fit(X, Y, compute_sample_weight("balanced", Y))
    np.testing.assert_array_equal(given.decision_function(X), weighted.decision_function(X))
    plain = small(RNNClassifier).fit(X, Y)
    assert (given.decision_function(X) != plain.decision_function(X)).all()


@BOTH
def test_score_takes_weights(Estimator):
    X = table()
    y = target_for(Estimator, X)
    model = small(Estimator).fit(X, y)
    weight = np.linspace(0, 1, 40)
    metric = r2_score if Estimator is RNNRegressor else accuracy_score
    assert model.score(X, y, weight) == metric(y, model.predict(X), sample_weight=weight)
    assert model.score(X, y, weight) != model.score(X, y)
