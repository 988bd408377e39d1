"""Every field of a saved model, changed to what it cannot be: refused, or without any effect."""

import pickle
import re
import tracemalloc
from dataclasses import fields

import joblib
import numpy as np
import pytest
from datasets import outputs
from saving import (
    EACH,
    MODELS,
    OWN_Y,
    REFUSED,
    Y,
    changed,
    fitted,
    id_of,
    leaves,
    refuses_state,
    saved,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.schema import Schema
from skrnn.learning.model import Scaling
from skrnn.learning.optimizers import SGD, Adam
from skrnn.learning.saved import PARTS
from skrnn.linear.bag import BagPath
from skrnn.linear.path import CurvedPath, LinearPath
from skrnn.network.network import Architecture, Network

#: Values for any field.
ANYTHING = [
    None, True, False, 0, -1, 1, 2, 7, 4000, 10**7, 10**30, 10**400, 0.0, 0.5, 1.0, 1.5, -1.5,
    np.nan, np.inf, 1j, "", "0", "text", "a\0b", "lstm", "relu", "max", "float32", "flat", "list",
    "binary", "poisson", "auto", "left out", b"bytes", (), (4,), (0,), (-1,), (True,), (2.0,),
    (10**7,), (10**7,) * 4, (1, 1, 1, 1), (2**32,) * 4, ("a",), [], [4], [0.5], [0.9, 0.1],
    [1.5], [[]], {}, {"a": 1}, set(), np.int64(4), np.float64(0.5), np.bool_(True),
    np.array(1), np.array(1.0), np.array([]), np.array([1.0]), np.array([4, 4]), np.array([2, 1]),
    np.array([1.0, np.nan]), np.array(["b", "a"]), np.array([None, "a"]), np.zeros((0, 3)),
    np.array([{}, 1], dtype=object), np.zeros(3, [("a", "f8")]), np.ma.masked_array([1.0], [True]),
]  # fmt: skip


def with_number(number):
    def put(array):
        array = array.copy()
        array.flat[-1] = number
        return array

    return put


#: What else may become of an array.
OF_ARRAYS = {
    "nan": with_number(np.nan),
    "inf": with_number(np.inf),
    "-inf": with_number(-np.inf),
    "of another order of bytes": lambda array: array.astype(array.dtype.newbyteorder()),
    "with gaps": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "backward": lambda array: array[::-1].copy()[::-1],
    "one number again and again": lambda array: np.broadcast_to(array.flat[0], array.shape),
    "endless": lambda array: np.broadcast_to(array.flat[0], (10**9, *array.shape[1:])),
    "masked": lambda array: np.ma.masked_array(array, np.ones(array.shape, bool)),
    "of a subclass": lambda array: array.view(np.recarray),
}


#: Fields that may have other values in a sound model; what they change is not to be told from
#: another model, or shows in training alone.
FREE = {
    ("version",),
    ("path",),
    ("optimizer",),
    ("moments_of_inputs",),
    ("moments_of_targets",),
    ("seeds",),
    ("n_samples_seen",),
    ("scaling", "target_center"),
    ("scaling", "target_scale"),
    ("path", "intercepts"),
    ("optimizer", "n_updates"),
    ("optimizer", "second"),
    ("architecture", "return_sequences"),
    ("target", "label_smoothing"),
    ("target", "longest"),
}


#: Refused when it is loaded, or when it is trained on with other parameters than it says.
IN_WORDS = f"{REFUSED}|^This model was saved by .* again.$|was fitted with .* Set it back"


def hostile(kind):
    """Of each field, and each dict of fields, the keys and all that is to be put there."""
    state = saved(kind)
    parts = [((part,), value) for part, value in state.items() if isinstance(value, dict)]
    for keys, value in [*leaves(state), *parts]:
        for wrong in ANYTHING:
            yield keys, wrong
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            for wrong in OF_ARRAYS.values():
                yield keys, wrong


def loaded(kind, state):
    model = fitted(kind)
    new = object.__new__(type(model))
    new.__setstate__(model.__getstate__() | {"_model": state})
    return new


def bits(kind, model):
    """Of what a model says, now and after another epoch."""
    X = MODELS[kind][1]
    y = Y if isinstance(model, RNNRegressor) or kind in OWN_Y else fitted(kind).predict(X)
    if kind in ("array", "scales not settled"):
        y = np.column_stack([y, -y])
    y = abs(y) if kind == "flat" else y
    y = OWN_Y.get(kind, y)
    if kind == "two classes":
        model.set_params(class_weight=None)  # "balanced" is not for partial_fit
    before = outputs(model, X).tobytes()
    return before, outputs(model.partial_fit(X, y), X).tobytes()


@EACH
def test_a_field_is_refused_or_its_value_has_no_effect(kind):
    """A model is refused when it is loaded, or in words when it is trained on, or is as it was."""
    expected, messages = bits(kind, loaded(kind, saved(kind))), []
    for keys, wrong in hostile(kind):
        state, where = changed(kind, keys, wrong), f"{keys} {id_of(wrong)}"
        try:
            model = loaded(kind, state)
        except ValueError as error:
            messages.append(str(error))
            continue
        try:
            found = bits(kind, model)
        except ValueError as error:
            messages.append(str(error))
        else:
            assert found == expected or keys in FREE, where
    assert [text for text in messages if not re.search(IN_WORDS, text)] == []
    assert len(messages) > 2500


def with_categories(**changes):
    """Other categories of the first column that has any."""
    return lambda found: (found[0] | changes, *found[1:])


WRONG_CATEGORIES = [
    {"column": -1}, {"column": 7}, {"column": 8}, {"column": 6.0}, {"column": True},
    {"values": [0, 1, 2]}, {"values": (0, 2, 1)}, {"values": (0, 1, 1)},
    {"values": (0, 1, "2")}, {"values": (0, 1, np.nan)}, {"values": (0, 1, np.inf)},
    {"values": (0, 1, np.int64(2))}, {"values": (False, 1, 2)}, {"values": (0, 1, None)},
    {"others": 0}, {"missing": None}, {"more": 1},
]  # fmt: skip


def without_column(found):
    return tuple({"values": one["values"]} for one in found)


#: Of each of these fields all values are refused, and the message says which field it is.
WRONG = [
    ("table", ("theta",), [OF_ARRAYS["nan"], OF_ARRAYS["inf"]]),
    ("table", ("scaling", "center"), [OF_ARRAYS["nan"], OF_ARRAYS["-inf"]]),
    ("table", ("scaling", "scale"), [with_number(0.0), with_number(-1.0), OF_ARRAYS["nan"]]),
    ("table", ("scaling", "target_center"), [OF_ARRAYS["nan"]]),
    ("table", ("scaling", "target_scale"), [with_number(0.0), with_number(-1.0)]),
    ("not standardised", ("scaling", "center"), [with_number(1.0)]),
    ("not standardised", ("scaling", "target_scale"), [with_number(2.0)]),
    ("two classes", ("scaling", "target_center"), [with_number(1.0)]),
    ("array", ("path", "scale"), [with_number(0.0), OF_ARRAYS["inf"]]),
    ("array", ("path", "unit"), [with_number(0.0)]),
    ("array", ("path", "coefficients"), [OF_ARRAYS["nan"]]),
    ("adam", ("optimizer",), [0, "", [], (), {}]),
    ("adam", ("optimizer", "n_updates"), [-1, True, 1.0, 10**400]),
    ("adam", ("optimizer", "first"), [OF_ARRAYS["nan"], OF_ARRAYS["inf"]]),
    ("adam", ("optimizer", "second"), [with_number(-1.0), OF_ARRAYS["nan"]]),
    ("sgd", ("optimizer", "velocity"), [OF_ARRAYS["nan"]]),
    ("table", ("schema", "estimator_name"), [0, None, "", "a\0b", ["name"]]),
    ("table", ("schema", "names"), [(), ("a",), ["a"] * 6, (1,) * 6]),
    ("categories", ("schema", "categories"), [None, [], (1,), ({},), without_column]),
    ("categories", ("schema", "categories"), [with_categories(**one) for one in WRONG_CATEGORIES]),
    ("categories", ("schema", "categories"), [lambda found: found[::-1]]),
    ("flat", ("schema", "n_timesteps"), [None, 2, True, 3.0]),
    ("classes", ("target", "classes"), [np.array([4, 4, 5]), np.array([1.0, 2.0, np.nan])]),
    ("classes", ("target", "classes"), [np.array(["b", "a", "c"]), np.array(["a", "b"])]),
    ("two classes", ("target", "classes"), [np.array([4, 4]), np.array([2, 1])]),
    ("labels", ("target", "classes"), [np.array([0, 2]), np.array(["a", "b"])]),
    ("levels", ("target", "quantile"), [1.5, -0.5, 0.0, np.nan, [0.9, 0.1], [0.1, 1.0], True, []]),
    ("table", ("architecture", "activation"), ["swish", None, "", 0, ["tanh"]]),
    ("table", ("architecture", "bidirectional"), [0, None, "no"]),
    ("table", ("architecture", "n_features"), [True, 1.0, np.int64(1)]),
    ("table", ("architecture", "is_recurrent"), [True, 0, None]),
    ("flat", ("architecture", "is_recurrent"), [False]),
    ("table", ("kept", "standardize"), [1, None]),
    ("no path", ("kept", "linear_path"), [True, 0, "manual"]),
    ("array", ("kept", "dtype"), ["float64", "float16"]),
    ("curves", ("path", "columns"), [(10**7,) * 12, (-1,) * 12, ()]),
    ("curves", ("path", "ends"), [with_number(-1e9)]),
    ("table", ("kept", "linear_path"), [None, "left out"]),
    ("next tokens", ("target", "shares"), [np.array([0.9, 0.9]), with_number(0.0)]),
    ("next tokens", ("target", "shares"), [None, np.array([1.0]), OF_ARRAYS["nan"]]),
    ("next tokens", ("kept", "linear_path"), [4, "auto"]),
    ("next steps", ("kept", "linear_path"), [4, "auto"]),
    ("next steps", ("target", "center"), [OF_ARRAYS["nan"], OF_ARRAYS["inf"]]),
    ("next steps", ("target", "scale"), [with_number(0.0), with_number(-1.0), np.ones(7)]),
    ("table", ("seeds",), [(1, 2, 3), (1, 2, 3, -1), (1, 2, 3, 2**32), (1, 2, 3, True)]),
]


@pytest.mark.parametrize(
    ("kind", "keys", "values"), WRONG, ids=[f"{kind}-{keys}" for kind, keys, _ in WRONG]
)
def test_a_refusal_names_the_field(kind, keys, values):
    for value in values:
        refuses_state(
            kind,
            changed(kind, keys, value),
            rf"fit it again\. \(.*{keys[-1]}",
        )


def test_an_array_for_a_format_is_refused():
    for found in (np.array(1), np.array([1, 1]), True, 1.0):
        refuses_state("table", saved("table") | {"format": found}, r"\(Field 'format' is ")


#: Sizes that no array of the model has.
HUGE = [
    ("array", ("architecture", "hidden_layer_sizes"), (10**7,)),
    ("array", ("architecture", "hidden_layer_sizes"), (10**4,)),
    ("classes", ("architecture", "hidden_layer_sizes"), (4000, 4000)),
    ("array", ("path", "n_steps"), 10**7),
    ("table", ("schema", "n_columns"), 10**7),
    ("two classes", ("architecture", "cell"), "lstm"),
]


def peak_of(kind, state):
    """Most memory that is allocated at a time while a state is refused."""
    tracemalloc.start()
    try:
        refuses_state(kind, state)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("kind", "keys", "value"), HUGE, ids=str)
def test_a_damaged_size_is_refused_before_anything_large_is_allocated(kind, keys, value):
    assert peak_of(kind, changed(kind, keys, value)) < 200_000


def test_sizes_that_agree_with_each_other_but_not_with_the_arrays_allocate_nothing():
    state = saved("array")
    state["schema"]["n_features"] = state["schema"]["n_columns"] = 4000
    state["architecture"] |= {"n_features": 4000, "n_outputs": 2}
    assert peak_of("array", state) < 200_000


def test_tokens_that_are_as_many_as_the_answers_but_not_as_the_ids_are_refused():
    """The number behind the last stands for the beginning, whose vector a kernel reads."""
    state = saved("next tokens")
    state["target"]["n_tokens"] += 2
    state["architecture"]["n_outputs"] += 2
    n_more = 2 * (state["architecture"]["hidden_layer_sizes"][-1] + 1)
    state["theta"] = np.append(state["theta"], np.zeros(n_more, state["theta"].dtype))
    refuses_state("next tokens", state, r"Field 'target.kind'")


def test_a_density_that_would_look_ahead_is_refused():
    state = saved("next steps")
    state["architecture"]["bidirectional"] = True
    n_parameters = Architecture(**state["architecture"]).n_parameters()
    state["theta"] = np.zeros(n_parameters, state["theta"].dtype)
    refuses_state("next steps", state, r"Field 'target.kind'")


@EACH
def test_a_network_is_as_large_as_arithmetic_says(kind):
    architecture = fitted(kind)._model.architecture
    assert architecture.n_parameters() == Network(architecture).n_parameters


@pytest.mark.parametrize(("part", "of_part"), [("schema", Schema), ("architecture", Architecture)])
def test_the_tables_have_all_fields(part, of_part):
    [table] = PARTS[part]
    assert list(table) == [field.name for field in fields(of_part)]


def test_the_tables_have_all_arrays_and_optimizers():
    assert PARTS["scaling"][0].keys() == {field.name for field in fields(Scaling)}
    for table, kind in zip(PARTS["path"], (LinearPath, CurvedPath, BagPath), strict=True):
        assert table.keys() == {field.name for field in fields(kind)}
    optimizers = [Adam(1, "f8"), SGD(1, "f8")]
    assert [table.keys() for table in PARTS["optimizer"]] == [
        vars(one).keys() for one in optimizers
    ]


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_whatever_the_settings_of_an_optimizer_are_its_state_is_loaded(kind):
    """scikit-learn's rules for parameters let NumPy's numbers pass."""
    model, X = loaded(kind, saved(kind)), MODELS[kind][1]
    y = Y if kind == "adam" else fitted(kind).predict(X)
    model.set_params(nesterovs_momentum=np.True_, momentum=1, beta_1=np.float32(0.5), beta_2=0)
    model.partial_fit(X, y)
    twin = pickle.loads(pickle.dumps(model))
    assert outputs(twin, X).tobytes() == outputs(model, X).tobytes()


def test_a_model_in_shared_memory_is_loaded(tmp_path):
    """Its arrays are memory maps, which nobody may write to."""
    for kind in MODELS:
        joblib.dump(fitted(kind), tmp_path / "model")
        model, X = joblib.load(tmp_path / "model", mmap_mode="r"), MODELS[kind][1]
        assert outputs(model, X).tobytes() == outputs(fitted(kind), X).tobytes()


def test_fields_that_are_missing_or_unknown_are_told():
    for change, told in [
        (
            lambda state: state.pop("theta"),
            r"of a model: missing are \['theta'\], unknown are \[\]",
        ),
        (lambda state: state.update(odd=1), r"of a model: missing are \[\], unknown are \['odd'\]"),
        (lambda state: state["target"].pop("loss"), r"of target: missing are \['loss'\], unknown"),
    ]:
        state = saved("table")
        change(state)
        refuses_state("table", state, told)


@EACH
def test_an_estimator_of_another_kind_is_refused(kind):
    """A regressor has no classes."""
    model = fitted(kind)
    Other = RNNClassifier if isinstance(model, RNNRegressor) else RNNRegressor
    with pytest.raises(ValueError, match=r"\(Field 'target\.kind' is .*, expected one of "):
        object.__new__(Other).__setstate__(model.__getstate__())
