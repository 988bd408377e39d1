"""What a fit leaves behind: a value inside, a plain dict in a pickle, and never a damaged model."""

import copy
import dataclasses
import gc
import io
import pickle
import re

import joblib
import numpy as np
import pytest
from datasets import labels, numbers, outputs, ragged, small
from saving import (
    EACH,
    MODELS,
    OWN_Y,
    REFUSED,
    TABLE,
    Pickle,
    Y,
    changed,
    fitted,
    get,
    id_of,
    leaves,
    refuses,
    refuses_state,
    saved,
)

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.schema import Schema
from skrnn.learning import model as module
from skrnn.learning.model import Model
from skrnn.learning.saved import FORMAT
from skrnn.network.network import Architecture

# --- what a pickle holds ---------------------------------------------------------------------


def assert_plain(value):
    assert type(value) in (dict, list, tuple, str, bool, int, float, type(None), np.ndarray)
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            assert_plain(item)
    if isinstance(value, np.ndarray):
        assert not value.dtype.hasobject


@EACH
def test_the_model_in_a_pickle_is_made_of_plain_types(kind):
    assert_plain(fitted(kind).__getstate__()["_model"])


@EACH
def test_a_pickle_names_no_code_of_skrnn_but_the_estimator(kind):
    names = set()

    class Names(pickle.Unpickler):
        def find_class(self, module, name):
            names.add((module, name))
            return super().find_class(module, name)

    model = fitted(kind)
    Names(io.BytesIO(pickle.dumps(model))).load()
    own = type(model).__module__, type(model).__name__
    assert own in names
    assert {module.split(".")[0] for module, name in names - {own}} == {"numpy"}


@EACH
def test_a_model_comes_back_as_it_was(kind):
    model, X = fitted(kind), MODELS[kind][1]
    before = outputs(model, X)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        dumped = pickle.dumps(model, protocol)
        twin = pickle.loads(dumped)
        np.testing.assert_array_equal(outputs(twin, X), before)
        assert joblib.hash(twin.__getstate__()) == joblib.hash(pickle.loads(dumped).__getstate__())
        for keys, value in leaves(model.__getstate__()["_model"]):
            found = get(twin.__getstate__()["_model"], keys)
            assert type(found) is type(value)
            np.testing.assert_array_equal(found, value)
    np.testing.assert_array_equal(outputs(Pickle(model, saved(kind)).load(), X), before)


@EACH
def test_a_model_that_came_back_is_trained_on_as_the_model_is(kind):
    model, X = MODELS[kind][0](), MODELS[kind][1]
    twin = pickle.loads(pickle.dumps(model))
    y = Y if isinstance(model, RNNRegressor) or kind in OWN_Y else model.predict(X)
    if kind in ("array", "scales not settled"):
        y = np.column_stack([y, y])
    y = abs(y) if kind == "flat" else y
    y = OWN_Y.get(kind, y)
    trained = []
    for one in (model, twin):
        if kind == "two classes":
            one.set_params(class_weight=None)  # "balanced" is not for partial_fit
        trained.append(outputs(one.partial_fit(X, y), X))
    np.testing.assert_array_equal(*trained)
    assert (trained[0] != outputs(fitted(kind), X)).any()


def test_an_estimator_without_a_model_is_pickled_too():
    twin = pickle.loads(pickle.dumps(small(RNNRegressor, cell="lstm")))
    assert vars(twin) == vars(small(RNNRegressor, cell="lstm"))


@pytest.mark.parametrize("name", ["nesterovs_momentum", "bidirectional", "shuffle"])
def test_a_switch_may_be_a_boolean_of_numpy(name):
    settings = {"solver": "sgd", name: np.True_}
    model = small(RNNRegressor, **settings).partial_fit(ragged(), numbers(ragged()))
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(ragged()), model.predict(ragged()))


# --- the value inside ------------------------------------------------------------------------


def test_a_model_is_replaced_never_changed():
    model = small(RNNRegressor, warm_start=True).fit(TABLE, Y)
    first = model._model
    assert isinstance(first, Model)
    assert isinstance(first.schema, Schema)
    for field in dataclasses.fields(first):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(first, field.name, None)
    before = first.theta.copy()
    for train in (model.fit, model.partial_fit):
        train(TABLE, Y)
        assert model._model is not first
        np.testing.assert_array_equal(first.theta, before)
        assert not np.shares_memory(model._model.theta, first.theta)


def network_outlives_its_models(hidden_layer_sizes):
    """Models of one architecture share a network; whether it is there when they are gone."""
    model = small(RNNRegressor, hidden_layer_sizes=hidden_layer_sizes).fit(TABLE, Y)
    twin = pickle.loads(pickle.dumps(model))
    architecture = model._model.architecture
    assert twin._model.architecture == architecture
    assert twin._model.network is model._model.network is module.network_of(architecture)
    del model, twin
    gc.collect()
    return architecture in module._NETWORKS


def test_models_of_one_architecture_share_a_network_while_there_are_any(monkeypatch):
    monkeypatch.setattr(module, "_SMALL", 0)
    assert not network_outlives_its_models((3, 2, 3))


def test_a_few_small_networks_outlive_their_models():
    assert network_outlives_its_models((2, 3, 2))
    for size in range(1, module._RECENT.maxlen + 1):
        network_outlives_its_models((size, 3, 3, 3))
    gc.collect()
    sizes = {architecture.hidden_layer_sizes for architecture in module._NETWORKS}
    assert (2, 3, 2) not in sizes
    assert (1, 3, 3, 3) in sizes


def test_a_model_of_a_table_reads_no_other_lengths():
    """The schema refuses them in better words before; kernels would read behind the scaling."""
    model = fitted("table")._model
    sequences = Schema.learn([TABLE[0], TABLE[1, :4]])[1]
    with pytest.raises(ValueError, match="must have the 6 steps of the table"):
        model.raw_predict(sequences)


# --- models of another format ----------------------------------------------------------------

INSTALLED = f"The installed skrnn {skrnn.__version__} reads format {FORMAT}, and no "
OLDER = f"{INSTALLED}older one. Load it with the version that saved it, or fit the model again."
NEWER = f"{INSTALLED}newer one. Install that version or a later one, or fit the model again."


@pytest.mark.parametrize(
    ("found", "version", "saver", "rest"),
    [
        (FORMAT + 1, "9.8.7", "skrnn 9.8.7", NEWER),
        (FORMAT - 1, "0.0.1", "skrnn 0.0.1", OLDER),
        (FORMAT + 10**6, "9.8.7", "skrnn 9.8.7", NEWER),
        (FORMAT + 1, None, "another, newer version of skrnn", NEWER),
        (FORMAT + 1, "9" * 1000, "another, newer version of skrnn", NEWER),
        (FORMAT + 1, "9\n0", "another, newer version of skrnn", NEWER),
        (1, 0.1, "another, older version of skrnn", OLDER),
    ],
    ids=str,
)
def test_a_model_of_another_format_is_refused(found, version, saver, rest):
    message = f"This model was saved by {saver}, in format {found}. {rest}"
    state = saved("table") | {"format": found, "version": version}
    refuses("table", state, f"^{re.escape(message)}$")
    # Whatever else it holds, as fields that this version does not know.
    refuses("table", {"format": found, "version": version, "new": {}}, f"^{re.escape(message)}$")


def test_a_model_says_which_version_saved_it():
    assert saved("table")["version"] == skrnn.__version__
    other = saved("table") | {"version": "0.1.0.dev7"}
    model = Pickle(fitted("table"), other).load()
    assert model.__getstate__()["_model"]["version"] == skrnn.__version__


@pytest.mark.parametrize("found", [0, -1, str(FORMAT), None, "", [FORMAT], 1.0], ids=repr)
def test_what_is_no_format_is_damaged(found):
    refuses("table", saved("table") | {"format": found}, REFUSED)
    refuses("table", saved("table") | {"format": found}, r"\(Field 'format' is ")


def test_a_model_without_a_format_is_damaged():
    state = saved("table")
    del state["format"]
    refuses("table", state, REFUSED)
    flat = dict(state["scaling"], theta=state["theta"], seeds=list(state["seeds"]), optimizer=None)
    refuses("table", flat, REFUSED)


@pytest.mark.parametrize("state", [None, [], {}, "model", 1, np.zeros(3)], ids=repr)
def test_what_is_no_model_at_all_is_refused(state):
    refuses("table", state, REFUSED)


# --- damaged models --------------------------------------------------------------------------

#: Parts of every model, and those that only some have.
PARTS = ["schema", "target", "architecture", "theta", "scaling", "path", "seeds", "n_samples_seen"]
PARTS += ["kept", "optimizer", "moments_of_inputs", "moments_of_targets", "version"]
OF_SCHEMA = [field.name for field in dataclasses.fields(Schema)]
OF_ARCHITECTURE = [field.name for field in dataclasses.fields(Architecture)]
OF_SCALING = ["center", "scale", "target_center", "target_scale"]
OF_PATH = ["n_steps", "n_ahead", "center", "scale", "lowest", "highest", "coefficients", "beyond"]
OF_PATH += ["intercepts", "unit"]
OF_MOMENTS = ["mean", "variance", "weight", "n_rows"]
OF_NUMBERS, OF_CLASSES = ["kind", "loss", "quantile", "n"], ["kind", "classes"]


def under(part, names):
    return [(part, name) for name in names]


MOMENTS = under("moments_of_inputs", OF_MOMENTS) + under("moments_of_targets", OF_MOMENTS)


COMMON_KEYS = [(part,) for part in PARTS] + under("schema", OF_SCHEMA)
COMMON_KEYS += under("architecture", OF_ARCHITECTURE) + under("scaling", OF_SCALING)
COMMON_KEYS += under("kept", ["standardize", "linear_path", "dtype", "frame_length"])
KEYS = {
    "array": COMMON_KEYS + under("path", OF_PATH) + under("target", OF_NUMBERS),
    "table": COMMON_KEYS + under("path", OF_PATH) + under("target", OF_NUMBERS),
    "classes": COMMON_KEYS + under("path", OF_PATH) + under("target", OF_CLASSES),
    "no path": COMMON_KEYS + under("target", OF_NUMBERS),
    "scales not settled": COMMON_KEYS + under("target", OF_NUMBERS) + MOMENTS,
}


@pytest.mark.parametrize(
    ("kind", "keys"), [(kind, keys) for kind in KEYS for keys in KEYS[kind]], ids=str
)
def test_a_model_that_lacks_something_is_refused(kind, keys):
    state = saved(kind)
    del get(state, keys[:-1])[keys[-1]]
    refuses(kind, state)


@pytest.mark.parametrize("kind", KEYS)
def test_every_key_is_left_out_once(kind):
    state = saved(kind)
    below = {keys for keys, _ in leaves(state | {"optimizer": None})} - {("format",)}
    assert below <= set(KEYS[kind])
    assert state.keys() == {"format", *PARTS}


#: Every array of a model, by the keys to it.
ARRAYS = [("theta",), *under("scaling", OF_SCALING), *under("path", OF_PATH[2:])]
STATE_OF_OPTIMIZER = {"adam": ["first", "second"], "sgd": ["velocity"]}


#: What may become of an array.
DAMAGES = {
    "cut short": lambda array: array[:-1],
    "too long": lambda array: np.concatenate([array, array, array[:1]]),
    "empty": lambda array: array[:0],
    "of one more axis": lambda array: array[..., np.newaxis],
    "of one more axis before": lambda array: array[np.newaxis],
    "a single number": lambda array: np.array(array.flat[0]),
    "flat": lambda array: array.reshape(-1) if array.ndim > 1 else array.reshape(1, -1),
    "cut across": lambda array: array[..., :-1],
    "wider": lambda array: np.concatenate([array, array[..., :1]], axis=-1),
    "of another precision": lambda array: array.astype("f4" if array.dtype == "f8" else "f8"),
    "of more precision": lambda array: array.astype(np.longdouble),
    "of integers": lambda array: array.astype("i8"),
    "of complex numbers": lambda array: array.astype("c16"),
    "of objects": lambda array: array.astype(object),
    "of strings": lambda array: array.astype("U5"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("keys", ARRAYS, ids=str)
@pytest.mark.parametrize("kind", ["table", "array"])
def test_a_damaged_array_is_refused(kind, keys, damage):
    refuses(kind, changed(kind, keys, DAMAGES[damage]))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in STATE_OF_OPTIMIZER.items() for name in names]
)
def test_a_damaged_array_of_the_optimizer_is_refused(kind, name, damage):
    refuses(kind, changed(kind, ("optimizer", name), DAMAGES[damage]))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("keys", MOMENTS, ids=str)
def test_damaged_moments_are_refused(keys, damage):
    refuses("scales not settled", changed("scales not settled", keys, DAMAGES[damage]))


@pytest.mark.parametrize("kind", ["table", "array", "scales not settled", *STATE_OF_OPTIMIZER])
def test_an_array_in_another_order_of_bytes_is_refused(kind):
    """A memory map keeps that order; a pickle puts it right, and is loaded."""
    model, X = fitted(kind), MODELS[kind][1]
    places = [keys for keys, value in leaves(saved(kind)) if isinstance(value, np.ndarray)]
    for keys in set(places) - {("target", "classes")}:
        state = changed(kind, keys, lambda array: array.astype(array.dtype.newbyteorder()))
        refuses_state(kind, state)
        np.testing.assert_array_equal(outputs(Pickle(model, state).load(), X), outputs(model, X))


@pytest.mark.parametrize("value", [None, [], 0.0, "theta", np.ndarray.tolist], ids=id_of)
@pytest.mark.parametrize("keys", ARRAYS, ids=str)
def test_what_is_no_array_is_refused(keys, value):
    refuses("table", changed("table", keys, value))


CLASSES = ["cut short", "too long", "empty", "of one more axis", "of one more axis before"]
CLASSES += ["a single number", "flat"]


@pytest.mark.parametrize("damage", CLASSES)
@pytest.mark.parametrize("kind", ["two classes", "classes", "labels"])
def test_damaged_classes_are_refused(kind, damage):
    refuses(kind, changed(kind, ("target", "classes"), DAMAGES[damage]))


OF_TOKENS = [("schema", "tokens"), ("path", "rarity"), ("path", "coefficients")]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("keys", OF_TOKENS, ids=str)
def test_damaged_arrays_of_tokens_are_refused(keys, damage):
    state = saved("tokens")
    value = DAMAGES[damage](state[keys[0]][keys[1]])
    if damage != "of integers" or value.dtype != state[keys[0]][keys[1]].dtype:
        refuses("tokens", changed("tokens", keys, value))


OF_CURVES = [("path", "starts"), ("path", "ends")]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("keys", OF_CURVES, ids=str)
def test_damaged_arrays_of_curves_are_refused(keys, damage):
    refuses("curves", changed("curves", keys, DAMAGES[damage]))


OF_DENSITIES = [("target", name) for name in ("center", "scale", "shares")]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("keys", OF_DENSITIES, ids=str)
def test_damaged_arrays_of_densities_are_refused(keys, damage):
    refuses("next steps", changed("next steps", keys, DAMAGES[damage]))


@pytest.mark.parametrize("damage", CLASSES)
def test_damaged_classes_of_densities_are_refused(damage):
    refuses("next tokens", changed("next tokens", ("target", "conditions"), DAMAGES[damage]))


@EACH
def test_every_array_is_damaged_once(kind):
    found = {keys for keys, value in leaves(saved(kind)) if isinstance(value, np.ndarray)}
    known = {*ARRAYS, *MOMENTS, *OF_TOKENS, *OF_CURVES, *OF_DENSITIES}
    known |= {("target", "classes"), ("target", "conditions")}
    optimizer = "adam" if kind == "scales not settled" else kind
    assert found <= known.union(under("optimizer", STATE_OF_OPTIMIZER.get(optimizer, ())))


def one_more(number):
    return number + 1


def one_less(number):
    return number - 1


#: Values that do not fit the rest of a model: kind of model, keys, value.
MISFITS = [
    *((kind, ("schema", "n_features"), one_more) for kind in MODELS),
    *((kind, ("architecture", "n_features"), one_more) for kind in MODELS),
    *((kind, ("architecture", "n_outputs"), one_more) for kind in MODELS),
    *((kind, ("architecture", "hidden_layer_sizes"), (4,)) for kind in MODELS),
    *((kind, ("architecture", "cell"), "lstm") for kind in MODELS),
    *((kind, ("architecture", "cell"), "transformer") for kind in MODELS),
    *((kind, ("architecture", "pooling"), "sum") for kind in MODELS),
    *((kind, ("architecture", "bidirectional"), lambda given: not given) for kind in MODELS),
    *((kind, ("architecture", "dtype"), "float16") for kind in MODELS),
    *((kind, ("schema", "dtype"), "float16") for kind in MODELS),
    *((kind, ("target", "kind"), "ranking") for kind in MODELS),
    ("array", ("architecture", "dtype"), "float64"),
    ("array", ("schema", "dtype"), "float64"),
    ("array", ("architecture", "activation"), "swish"),
    ("array", ("target", "n"), 1),
    ("table", ("target", "n"), 2),
    ("table", ("architecture", "hidden_layer_sizes"), ()),
    ("table", ("target", "loss"), "hinge"),
    ("levels", ("target", "quantile"), 0.5),
    ("levels", ("target", "quantile"), [0.5]),
    ("levels", ("target", "loss"), "squared_error"),
    ("two classes", ("target", "kind"), "multiclass"),
    ("classes", ("target", "kind"), "binary"),
    ("table", ("schema", "n_columns"), one_more),
    ("table", ("schema", "n_columns"), one_less),
    ("table", ("schema", "form"), "flat"),
    ("table", ("schema", "form"), "array"),
    ("array", ("path", "n_steps"), one_more),
    ("array", ("path", "n_steps"), one_less),
    ("table", ("path", "n_steps"), one_more),
    ("table", ("path", "n_steps"), one_less),
    ("table", ("path", "n_steps"), 0),
    ("table", ("path", "n_steps"), lambda number: -number),
    ("table", ("path", "n_steps"), float),
    ("table", ("path", "n_steps"), str),
    ("table", ("path", "n_steps"), None),
    *(("table", (part,), wrong) for part in PARTS[:6] for wrong in ("text", 1, [], ())),
    *(("table", (part,), None) for part in PARTS[:5]),
    *(("table", (part,), {}) for part in PARTS[:6]),
    *(("table", (part, "another"), 1) for part in ("schema", "architecture", "scaling", "path")),
]


@pytest.mark.parametrize(("kind", "keys", "value"), MISFITS, ids=id_of)
def test_a_value_that_does_not_fit_the_rest_is_refused(kind, keys, value):
    refuses(kind, changed(kind, keys, value))


def test_a_path_that_was_cut_within_a_step_is_refused():
    state = saved("array")
    path = state["path"]
    path["coefficients"], path["n_steps"] = path["coefficients"][:-1], path["n_steps"] - 1
    refuses("array", state)


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
def test_a_refused_model_leaves_the_one_before_as_it_was(Estimator):
    """Where __setstate__ is called on an estimator that is fitted."""
    y = Y if Estimator is RNNRegressor else labels(TABLE)
    model = small(Estimator).fit(TABLE, y)
    before = outputs(model, TABLE)
    state = copy.deepcopy(model.__getstate__())
    state["_model"]["theta"] = state["_model"]["theta"][:-1]
    with pytest.raises(ValueError, match=REFUSED):
        model.__setstate__(state)
    np.testing.assert_array_equal(outputs(model, TABLE), before)
