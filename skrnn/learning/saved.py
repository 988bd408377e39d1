"""What a saved model may be: each of its fields, and how they fit together.

Kernels read a model's arrays by address, and its sizes decide how much memory is allocated. So a
saved model is looked at before anything is built of it: each field by itself while it is a plain
value (here), then what the fields say of each other (:mod:`skrnn.learning.consistency`). A new
field needs a line in the tables here, and without it no model is loaded.
"""

from reprlib import Repr

import numpy as np

from skrnn import choices, losses
from skrnn.learning.valid import (
    ARRAY,
    CATEGORIES,
    CLASSES,
    COUNT,
    COUNTER,
    FACTOR,
    FLAG,
    INDICES,
    LABELS,
    LEVELS,
    NAME,
    NONE,
    PRECISION,
    SEED,
    SHARE,
    TEXT,
    TOKENS,
    either,
    one_of,
    tuple_of,
    whole_number,
)
from skrnn.version import __version__

#: The format of saved models. It changes whenever an older version cannot read new ones, and then
#: something has to bring older models up to it, because every release reads those of all before.
FORMAT = 8
#: Instead of a `linear_path` in a model that ``partial_fit`` began, which has none.
LEFT_OUT = "left out"
_SHORT = Repr()
_SHORT.maxother = _SHORT.maxstring = 80


class DamagedModelError(ValueError):
    """A saved model that cannot be what was saved."""


def refuse(field, found, expected):
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
_OF_PATH = _SCALES | {"n_steps": COUNT, "n_ahead": COUNTER}
_OF_PATH |= dict.fromkeys(("lowest", "highest", "coefficients", "beyond"), ARRAY)
_OF_PATH |= dict.fromkeys(("intercepts", "unit"), ARRAY)
_OF_CONTINUATIONS = {
    "longest": COUNT,
    "conditions": either(CLASSES, NONE),
    "shares": either(ARRAY, NONE),
}
_MOMENTS = dict.fromkeys(("mean", "variance", "weight", "n_rows"), ARRAY)
#: The fields of a model that are no dicts, and of the others each kind that there is.
FIELDS = {
    "format": whole_number(FORMAT, FORMAT + 1),
    "version": NAME,
    "theta": ARRAY,
    "seeds": tuple_of(SEED, 4),
    "n_samples_seen": COUNTER,
}
PARTS = {
    "schema": [
        {
            "form": one_of(("table", "flat", "array", "list", "tokens")),
            "n_columns": COUNT,
            "n_features": COUNT,
            "n_timesteps": either(COUNT, NONE),
            "names": either(tuple_of(TEXT), NONE),
            "dtype": PRECISION,
            "estimator_name": NAME,
            "categories": tuple_of(CATEGORIES),
            "gaps": INDICES,
            "length": either(COUNT, NONE),
            "tokens": either(TOKENS, NONE),
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
        {
            "kind": one_of(("transcript", "aligned transcript")),
            "labels": LABELS,
            "label_smoothing": SHARE,
            "longest": COUNTER,
        },
        _OF_CONTINUATIONS | {"kind": one_of(("next token",)), "n_tokens": COUNT},
        _OF_CONTINUATIONS | _SCALES | {"kind": one_of(("next step",)), "n_components": COUNT},
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
            "embedding_dim": either(COUNT, NONE),
            "n_tokens": COUNTER,
            "return_sequences": FLAG,
            "is_recurrent": FLAG,
            "decoder": either(one_of(choices.DECODERS), NONE),
            "target_embedding_dim": COUNTER,
            "n_conditions": COUNTER,
        }
    ],
    "scaling": [_SCALES | {"target_center": ARRAY, "target_scale": ARRAY}],
    "path": [
        _OF_PATH,
        _OF_PATH | {"columns": tuple_of(COUNTER), "starts": ARRAY, "ends": ARRAY},
        {"n_steps": either(COUNT, NONE)}
        | dict.fromkeys(("rarity", "coefficients", "intercepts", "unit"), ARRAY),
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
    if type(state) is not dict:
        refuse("_model", state, "a dict")
    _check_format(state.get("format"), state.get("version"))
    _check_keys("a model", state, [FIELDS | PARTS])
    _check_values("", state, FIELDS)
    for part, tables in PARTS.items():
        if not (state[part] is None and part in OPTIONAL):
            _check_values(part + ".", state[part], _check_keys(part, state[part], tables))
    if state["target"]["kind"] not in kinds:
        refuse("target.kind", state["target"]["kind"], f"one of {list(kinds)}")


def _check_format(found, version):
    if not COUNT.test(found):
        refuse("format", found, f"a whole number, as {FORMAT}")
    if found == FORMAT:
        return
    other, remedy = "older", "Load it with the version that saved it"
    if found > FORMAT:
        other, remedy = "newer", "Install that version or a later one"
    saver = f"another, {other} version of skrnn"
    if NAME.test(version) and len(version) < _SHORT.maxstring:
        saver = f"skrnn {version}"
    raise ValueError(
        f"This model was saved by {saver}, in format {found}. The installed skrnn {__version__}"
        f" reads format {FORMAT}, and no {other} one. {remedy}, or fit the model again."
    )


def _check_keys(part, found, kinds):
    """The kind that has these keys."""
    if type(found) is not dict:
        refuse(part, found, "a dict")
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
            refuse(part + name, found[name], valid.words)
