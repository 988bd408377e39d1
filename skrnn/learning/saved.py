"""What a saved model may be: each of its fields, and how they fit together.

Kernels read a model's arrays by address, and its sizes decide how much memory is allocated. So a
saved model is looked at before anything is built of it: each field by itself while it is a plain
value (:func:`check_fields`), then what the fields say of each other (:func:`check_fit`). A new
field needs a line in the tables here, and without it no model is loaded.
"""

from itertools import pairwise
from reprlib import Repr

import numpy as np

from skrnn import choices, losses
from skrnn.data.checks import is_finite
from skrnn.learning.valid import (
    ARRAY,
    CATEGORIES,
    CLASSES,
    COUNT,
    COUNTER,
    FACTOR,
    FLAG,
    INDICES,
    LEVELS,
    NAME,
    NONE,
    PRECISION,
    SEED,
    TEXT,
    Valid,
    either,
    one_of,
    tuple_of,
    whole_number,
)

#: The format of saved models. It changes whenever older ones cannot be read.
FORMAT = 5
#: Instead of a `linear_path` in a model that ``partial_fit`` began, which has none.
LEFT_OUT = "left out"
_SHORT = Repr()
_SHORT.maxother = _SHORT.maxstring = 80


class DamagedModelError(ValueError):
    """A saved model that cannot be what was saved."""


def _refuse(field, found, expected):
    if isinstance(found, np.ndarray):
        found = f"a {type(found).__name__} {found.shape}, {found.dtype}"
    else:
        found = _SHORT.repr(found)
    _refuse_for(f"Field {field!r} is {found}, expected {expected}.")


def _refuse_for(reason):
    raise DamagedModelError(
        "This saved model cannot be loaded, because it is damaged or was saved by another version "
        f"of skrnn. Load another copy, or fit it again. ({reason})"
    )


# Each field by itself


_SCALES = {"center": ARRAY, "scale": ARRAY}
_MOMENTS = dict.fromkeys(("mean", "variance", "weight", "n_rows"), ARRAY)
#: The fields of a model that are no dicts, and of the others each kind that there is.
FIELDS = {
    "format": whole_number(FORMAT, FORMAT + 1),
    "theta": ARRAY,
    "seeds": tuple_of(SEED, 4),
    "n_samples_seen": COUNTER,
}
PARTS = {
    "schema": [
        {
            "form": one_of(("table", "flat", "array", "list")),
            "n_columns": COUNT,
            "n_features": COUNT,
            "n_timesteps": either(COUNT, NONE),
            "names": either(tuple_of(TEXT), NONE),
            "dtype": PRECISION,
            "estimator_name": NAME,
            "categories": tuple_of(CATEGORIES),
            "gaps": INDICES,
        }
    ],
    "target": [
        {
            "kind": one_of(("regression",)),
            "loss": one_of(losses.REGRESSION),
            "quantile": LEVELS,
            "n": COUNT,
        },
        {"kind": one_of(("binary", "multiclass", "multilabel")), "classes": CLASSES},
    ],
    "architecture": [
        {
            "cell": one_of(choices.CELLS),
            "hidden_layer_sizes": tuple_of(COUNT),
            "n_features": COUNT,
            "n_outputs": COUNT,
            "bidirectional": FLAG,
            "pooling": one_of(choices.POOLINGS),
            "activation": one_of(choices.ACTIVATIONS),
            "dtype": PRECISION,
            "frame_length": COUNT,
            "is_recurrent": FLAG,
        }
    ],
    "scaling": [_SCALES | {"target_center": ARRAY, "target_scale": ARRAY}],
    "path": [
        _SCALES | {"n_steps": COUNT, "coefficients": ARRAY, "intercepts": ARRAY, "unit": ARRAY}
    ],
    "kept": [
        {
            "standardize": FLAG,
            "linear_path": either(either(one_of(("auto", LEFT_OUT)), COUNT), NONE),
            "dtype": either(PRECISION, NONE),
            "frame_length": either(one_of(("auto",)), COUNT),
        }
    ],
    "moments_of_inputs": [_MOMENTS],
    "moments_of_targets": [_MOMENTS],
    "optimizer": [
        {"first": ARRAY, "second": ARRAY, "n_updates": COUNTER}
        | dict.fromkeys(("beta_1", "beta_2", "epsilon"), FACTOR),
        {"velocity": ARRAY, "n_updates": COUNTER, "momentum": FACTOR, "nesterov": FACTOR},
    ],
}
#: Parts that are None in some models.
OPTIONAL = ("path", "optimizer", "moments_of_inputs", "moments_of_targets")


def check_fields(state, kinds):
    """Refuse a saved model one of whose fields is missing or can be of no model.

    Parameters
    ----------
    state : dict
    kinds : sequence of str
        Of targets that there may be.

    Raises
    ------
    ValueError
        That names the field.
    """
    found = state.get("format") if type(state) is dict else None
    if not FIELDS["format"].test(found):
        raise ValueError(
            f"This model is of format {_SHORT.repr(found)}, but this version of skrnn reads format "
            f"{FORMAT}. Load it with the version that saved it, or fit it again."
        )
    _check_keys("a model", state, [FIELDS | PARTS])
    _check_values("", state, FIELDS)
    for part, tables in PARTS.items():
        if not (state[part] is None and part in OPTIONAL):
            _check_values(part + ".", state[part], _check_keys(part, state[part], tables))
    if state["target"]["kind"] not in kinds:
        _refuse("target.kind", state["target"]["kind"], f"one of {list(kinds)}")


def _check_keys(part, found, kinds):
    """The kind that has these keys."""
    if type(found) is not dict:
        _refuse(part, found, "a dict")
    for kind in kinds:
        if found.keys() == kind.keys():
            return kind
    nearest = min(kinds, key=lambda kind: len(kind.keys() ^ found.keys()))
    missing = _SHORT.repr(sorted(nearest.keys() - found.keys()))
    unknown = _SHORT.repr(sorted(map(str, found.keys() - nearest.keys())))
    return _refuse_for(f"The fields of {part}: missing are {missing}, unknown are {unknown}.")


def _check_values(part, found, fields):
    for name, valid in fields.items():
        if not valid.test(found[name]):
            _refuse(part + name, found[name], valid.words)


# What the fields say of each other


def _has_its_columns(schema):
    n_steps = {"table": schema.n_columns, "flat": schema.n_timesteps}.get(schema.form, 1)
    return n_steps is not None and schema.n_columns == n_steps * schema.n_features


def _has_its_categories(schema):
    columns = [one.column for one in schema.categories]
    is_each_once = all(one < other for one, other in pairwise([-1, *columns, schema.n_columns]))
    return not columns or (is_each_once and schema.is_table and schema.width > 0)


def _has_its_classes(target):
    if target.kind == "multilabel":
        return np.array_equal(target.classes, np.arange(len(target.classes)))
    return target.kind == "regression" or (target.kind == "binary") == (len(target.classes) == 2)


def _most_gaps(schema):
    """How many features there may be gaps in."""
    return schema.width if schema.is_table else schema.n_features


def _is_one_step(model):
    """Whether whatever the schema reads is one step of the network."""
    schema = model.schema
    return schema.is_table and model.architecture.frame_length >= schema.n_observations


def _is_within_rows(path, schema):
    return (
        path is None
        or not schema.is_of_rows
        or path.n_steps * schema.n_features <= schema.n_observations
    )


#: Of each relation the field to name, a test of the model, and in words what passes it.
RELATIONS = [
    (
        "schema.n_columns",
        lambda model: _has_its_columns(model.schema),
        "what the form of X, n_timesteps and n_features make",
    ),
    (
        "schema.n_timesteps",
        lambda model: model.schema.n_timesteps is None or model.schema.form != "table",
        "None, because X was a table",
    ),
    (
        "schema.names",
        lambda model: (
            model.schema.names is None or len(model.schema.names) == model.schema.n_columns
        ),
        "a name for each column",
    ),
    (
        "schema.categories",
        lambda model: _has_its_categories(model.schema),
        "of columns of a table, each once",
    ),
    (
        "schema.gaps",
        lambda model: all(gap < _most_gaps(model.schema) for gap in model.schema.gaps),
        "of features that there are",
    ),
    (
        "schema.n_features",
        lambda model: model.schema.n_inputs == model.architecture.n_features,
        "that of the architecture, less the marks",
    ),
    (
        "schema.dtype",
        lambda model: model.schema.dtype == model.architecture.dtype,
        "that of the architecture",
    ),
    (
        "kept.dtype",
        lambda model: model.kept["dtype"] in (None, model.schema.dtype),
        "that of the schema",
    ),
    (
        "target.classes",
        lambda model: _has_its_classes(model.target),
        "as many as the kind of target has",
    ),
    (
        "architecture.n_outputs",
        lambda model: model.target.n_outputs == model.architecture.n_outputs,
        "that of the target",
    ),
    (
        "architecture.hidden_layer_sizes",
        lambda model: len(model.architecture.hidden_layer_sizes) > 0,
        "of one layer or more",
    ),
    (
        "architecture.is_recurrent",
        lambda model: model.architecture.is_recurrent != _is_one_step(model),
        "False of a table of one step, else True",
    ),
    (
        "kept.linear_path",
        lambda model: model.path is None or model.kept["linear_path"] not in (None, LEFT_OUT),
        "what gives the path that is there",
    ),
    (
        "kept.standardize",
        lambda model: model.kept["standardize"] or not model.moments,
        "True, because scales are learnt",
    ),
    (
        "target.loss",
        lambda model: model.target.loss.is_standardized or "targets" not in model.moments,
        "one whose targets are standardised, because their scale is learnt",
    ),
    (
        "path.n_steps",
        lambda model: _is_within_rows(model.path, model.schema),
        "at most the steps of a row",
    ),
]


def check_fit(model):
    """Refuse a model whose sizes and arrays contradict each other, before anything is allocated.

    Parameters
    ----------
    model : skrnn.learning.model.Model
        Of fields that each are valid.

    Raises
    ------
    ValueError
        That names the field.
    """
    for field, holds, words in RELATIONS:
        if not holds(model):
            _refuse(field, _found(model, field), words)
    for name, array, (shape, dtype, valid) in _arrays(model):
        if array.shape != shape or array.dtype != dtype:
            _refuse(name, array, f"{shape}, {np.dtype(dtype)} by the sizes of the model")
        if not valid.test(array):
            _refuse(name, array, valid.words)


def _found(model, field):
    part, name = field.split(".")
    found = getattr(model, part)
    return found[name] if type(found) is dict else getattr(found, name)


_FINITE = Valid(is_finite, "finite")
_POSITIVE = Valid(lambda array: array.min() > 0.0 and is_finite(array), "finite and above 0")
_ZEROS = Valid(lambda array: not array.any(), "0, because nothing was standardised")
_ONES = Valid(lambda array: (array == 1.0).all(), "1, because nothing was standardised")
_COUNTS = Valid(lambda array: array.min() >= 0.0 and is_finite(array), "finite and from 0 on")
# A squared gradient may overflow, and its weight then moves no more.
_SQUARES = Valid(lambda array: array.min() >= 0.0, "of squares")
_OF_MOMENTS = {"mean": _FINITE, **dict.fromkeys(("variance", "weight", "n_rows"), _COUNTS)}
_OF_OPTIMIZERS = {"first": _FINITE, "second": _SQUARES, "velocity": _FINITE}


def _arrays(model):
    """Of each array its name, itself, and its shape, precision and what is valid in it."""
    of_network = (model.architecture.n_parameters(),), np.dtype(model.architecture.dtype)
    yield "theta", model.theta, (*of_network, _FINITE)
    for name, array in (model.optimizer or {}).items():
        if name in _OF_OPTIMIZERS:
            yield f"optimizer.{name}", array, (*of_network, _OF_OPTIMIZERS[name])
    expected = _of_scaling(model)
    if model.path is not None:
        expected |= _of_path(model)
    for name, moments in model.moments.items():
        shape = expected["scaling", "center" if name == "inputs" else "target_center"][0]
        for statistic, array in vars(moments).items():
            valid = _OF_MOMENTS[statistic]
            yield f"moments_of_{name}.{statistic}", array, (shape, np.float64, valid)
    for (part, name), (shape, valid) in expected.items():
        yield f"{part}.{name}", getattr(getattr(model, part), name), (shape, np.float64, valid)


def _of_scaling(model):
    """Shape and what is valid of each array; of a table each column has a scale of its own."""
    standardize, n_targets = model.kept["standardize"], model.target.n_targets
    n_rows = model.schema.n_observations if model.schema.is_table and standardize else 1
    of_inputs, of_targets = (n_rows, model.schema.n_inputs), (n_targets,)
    of_y = standardize and model.target.loss.is_standardized
    return {
        ("scaling", "center"): (of_inputs, _FINITE if standardize else _ZEROS),
        ("scaling", "scale"): (of_inputs, _POSITIVE if standardize else _ONES),
        ("scaling", "target_center"): (of_targets, _FINITE if of_y else _ZEROS),
        ("scaling", "target_scale"): (of_targets, _POSITIVE if of_y else _ONES),
    }


def _of_path(model):
    """The same of the path, which always standardises."""
    n_features, n_outputs = model.schema.n_inputs, model.architecture.n_outputs
    of_inputs = (model.schema.n_observations if model.schema.is_table else 1, n_features)
    return {
        ("path", "center"): (of_inputs, _FINITE),
        ("path", "scale"): (of_inputs, _POSITIVE),
        ("path", "coefficients"): ((model.path.n_steps * n_features, n_outputs), _FINITE),
        ("path", "intercepts"): ((n_outputs,), _FINITE),
        ("path", "unit"): ((n_outputs,), _POSITIVE),
    }
