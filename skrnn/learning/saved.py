"""What a saved model may be: each of its fields, and how they fit together.

Kernels read a model's arrays by address, and its sizes decide how much memory is allocated. So a
saved model is looked at before anything is built of it: each field by itself while it is a plain
value (:func:`check_fields`), then what the fields say of each other (:func:`check_fit`). A new
field needs a line in the tables here, and without it no model is loaded.
"""

from itertools import pairwise
from math import inf
from numbers import Real
from reprlib import Repr
from typing import NamedTuple

import numpy as np

from skrnn import choices, losses
from skrnn.data.checks import is_finite

#: The format of saved models. It changes whenever older ones cannot be read.
FORMAT = 4
#: Instead of a `linear_path` in a model that ``partial_fit`` began, which has none.
LEFT_OUT = "left out"
# Counts of this size are of nothing that exists, and beyond what a float or an int64 holds.
_TOO_MANY = 2**63
# Other subclasses, such as masked arrays, are read in other ways.
_ARRAYS = np.ndarray, np.memmap
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


class Valid(NamedTuple):
    """A test of values, and in words what passes it."""

    test: object
    words: str


def _one_of(names):
    """Of a tuple, or of the keys of a table, which may get further ones."""
    return Valid(lambda found: type(found) is str and found in names, f"one of {list(names)}")


def _either(one, other):
    return Valid(
        lambda found: one.test(found) or other.test(found), f"{one.words}, or {other.words}"
    )


def _whole_number(first, end=_TOO_MANY):
    return Valid(
        lambda found: type(found) is int and first <= found < end,
        f"a whole number from {first} on, less than {end}",
    )


_COUNT, _COUNTER, _SEED = _whole_number(1), _whole_number(0), _whole_number(0, 2**32)


def _tuple_of(valid, n=None):
    def test(found):
        return type(found) is tuple and n in (None, len(found)) and all(map(valid.test, found))

    return Valid(test, f"a tuple, each of it {valid.words}")


def _are_indices(found):
    return _tuple_of(_COUNTER).test(found) and list(found) == sorted(set(found))


def _are_levels(found):
    levels = found if type(found) is list else [found]
    if not all(type(level) is float and 0.0 < level < 1.0 for level in levels):
        return False
    return len(levels) > 0 and levels == sorted(levels)


def _are_classes(found):
    if type(found) not in _ARRAYS or found.ndim != 1 or found.dtype.kind not in "biufUOT":
        return False
    if found.dtype.kind == "O" and not all(isinstance(name, str) for name in found):
        return False
    return len(found) > 1 and bool((found[:-1] < found[1:]).all())


def _are_categories(found):
    kinds = {"column": int, "values": tuple, "others": bool, "missing": bool}
    if type(found) is not dict or {key: type(value) for key, value in found.items()} != kinds:
        return False
    values = found["values"]
    is_text = all(type(value) is str for value in values)
    is_number = all(type(value) in (int, float) and -inf < value < inf for value in values)
    return (is_text or is_number) and all(one < other for one, other in pairwise(values))


def _is_factor(found):
    return isinstance(found, (Real, np.bool_)) and 0 <= found < inf


def _is_array(found):
    """Whether kernels may read it by address, where its shape and type are right."""
    return type(found) in _ARRAYS and found.ndim > 0 and found.flags.c_contiguous


_NONE = Valid(lambda found: found is None, "None")
# A null in the name would be an error where a class of that name is made.
_NAME = Valid(
    lambda found: type(found) is str and found != "" and found.isprintable(), "a printable name"
)
_TEXT = Valid(lambda found: type(found) is str, "text")
_FLAG = Valid(lambda found: type(found) is bool, "True or False")
_FACTOR = Valid(_is_factor, "a finite number from 0 on")
_ARRAY = Valid(_is_array, "an array without gaps")
_CLASSES = Valid(_are_classes, "an array of two or more classes, sorted, each once")
_CATEGORIES = Valid(_are_categories, "of the indicators of one column: text or numbers, ascending")
_PRECISION = _one_of(("float32", "float64"))

_SCALES = {"center": _ARRAY, "scale": _ARRAY}
_MOMENTS = dict.fromkeys(("mean", "variance", "weight", "n_rows"), _ARRAY)
#: The fields of a model that are no dicts, and of the others each kind that there is.
FIELDS = {
    "format": _whole_number(FORMAT, FORMAT + 1),
    "theta": _ARRAY,
    "seeds": _tuple_of(_SEED, 4),
    "n_samples_seen": _COUNTER,
}
PARTS = {
    "schema": [
        {
            "form": _one_of(("table", "flat", "array", "list")),
            "n_columns": _COUNT,
            "n_features": _COUNT,
            "n_timesteps": _either(_COUNT, _NONE),
            "names": _either(_tuple_of(_TEXT), _NONE),
            "dtype": _PRECISION,
            "estimator_name": _NAME,
            "categories": _tuple_of(_CATEGORIES),
            "gaps": Valid(_are_indices, "an ascending tuple of whole numbers from 0 on"),
        }
    ],
    "target": [
        {
            "kind": _one_of(("regression",)),
            "loss": _one_of(losses.REGRESSION),
            "quantile": Valid(_are_levels, "between 0 and 1, or an ascending list of such"),
            "n": _COUNT,
        },
        {"kind": _one_of(("binary", "multiclass", "multilabel")), "classes": _CLASSES},
    ],
    "architecture": [
        {
            "cell": _one_of(choices.CELLS),
            "hidden_layer_sizes": _tuple_of(_COUNT),
            "n_features": _COUNT,
            "n_outputs": _COUNT,
            "bidirectional": _FLAG,
            "pooling": _one_of(choices.POOLINGS),
            "activation": _one_of(choices.ACTIVATIONS),
            "dtype": _PRECISION,
            "frame_length": _COUNT,
        }
    ],
    "scaling": [_SCALES | {"target_center": _ARRAY, "target_scale": _ARRAY}],
    "path": [
        _SCALES | {"n_steps": _COUNT, "coefficients": _ARRAY, "intercepts": _ARRAY, "unit": _ARRAY}
    ],
    "kept": [
        {
            "standardize": _FLAG,
            "linear_path": _either(_either(_one_of(("auto", LEFT_OUT)), _COUNT), _NONE),
            "dtype": _either(_PRECISION, _NONE),
            "frame_length": _either(_one_of(("auto",)), _COUNT),
        }
    ],
    "moments_of_inputs": [_MOMENTS],
    "moments_of_targets": [_MOMENTS],
    "optimizer": [
        {"first": _ARRAY, "second": _ARRAY, "n_updates": _COUNTER}
        | dict.fromkeys(("beta_1", "beta_2", "epsilon"), _FACTOR),
        {"velocity": _ARRAY, "n_updates": _COUNTER, "momentum": _FACTOR, "nesterov": _FACTOR},
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
