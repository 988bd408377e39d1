"""How the fields of a saved model fit together: sizes, kinds and arrays.

The fields are each valid by themselves (:mod:`skrnn.learning.saved`). A relation of a new field to
others needs an entry here, because kernels trust the sizes of a model.
"""

from itertools import pairwise

import numpy as np

from skrnn.data.checks import is_finite
from skrnn.data.transcripts import TARGETS
from skrnn.learning.saved import LEFT_OUT, refuse
from skrnn.learning.valid import Valid
from skrnn.linear.bag import BagPath
from skrnn.linear.path import CurvedPath, LinearPath
from skrnn.linear.token_window import TokenWindow


def _has_its_columns(schema):
    n_steps = {"table": schema.n_columns, "flat": schema.n_timesteps}.get(schema.form, 1)
    return n_steps is not None and schema.n_columns == n_steps * schema.n_features


def _has_its_categories(schema):
    columns = [one.column for one in schema.categories]
    is_each_once = all(one < other for one, other in pairwise([-1, *columns, schema.n_columns]))
    return not columns or (is_each_once and schema.is_table and schema.width > 0)


def _has_its_classes(target):
    if not hasattr(target, "classes"):
        return True
    if target.kind == "multilabel":
        return np.array_equal(target.classes, np.arange(len(target.classes)))
    return (target.kind == "binary") == (len(target.classes) == 2)


def _has_its_decoder(model):
    decoders = {target: decoder for decoder, target in TARGETS.items()}
    return decoders.get(type(model.target)) == model.architecture.decoder


def _learns_no_path(model):
    return model.architecture.decoder is not None or model.target.reads_beginnings


def _embeds_labels(model):
    return model.architecture.target_embedding_dim > 0


def _n_tokens(schema):
    return 0 if schema.tokens is None else len(schema.tokens)


def _n_inputs(model):
    """Features of an observation, with its marks and the indicators of its class."""
    n_conditions = 0 if model.schema.is_of_tokens else model.target.n_conditions
    return model.schema.n_inputs + n_conditions


def _n_conditions_of_tokens(model):
    return model.target.n_conditions if model.schema.is_of_tokens else 0


def _has_its_shares(target):
    return (target.conditions is None) == (target.shares is None)


def _answers_what_follows(model):
    """Whether each step has an answer that depends on no later one, in numbers as X has them."""
    architecture, is_of_tokens = model.architecture, model.schema.is_of_tokens
    return (
        architecture.return_sequences
        and not architecture.bidirectional
        and (model.target.kind == "next token") == is_of_tokens
        and _knows_what_follows(model.target, model.schema)
    )


def _knows_what_follows(target, schema):
    if schema.is_of_tokens:
        return target.n_tokens == len(schema.tokens)
    return len(target.center) == schema.n_features


def _most_gaps(schema):
    """How many features there may be gaps in."""
    return schema.width if schema.is_table else schema.n_features


def _is_one_step(model):
    """Whether whatever the schema reads is one step of the network."""
    schema = model.schema
    return schema.is_table and model.architecture.frame_length >= schema.n_observations


def _answers_steps(model):
    """Whether a model can: each observation has to be a step."""
    return model.architecture.frame_length == 1 and not model.schema.is_table


def _has_its_kind_of_path(model):
    kinds = (LinearPath, CurvedPath) if model.schema.is_table else (LinearPath,)
    if model.schema.is_of_tokens:
        kinds = (TokenWindow,) if model.architecture.return_sequences else (BagPath,)
    return type(model.path) in kinds


def _has_its_curves(model):
    """Whether each is of a column, all of which the path sees."""
    path, n_columns = model.path, model.schema.n_observations
    return path.n_steps == n_columns and len(path.columns) > 0 and max(path.columns) < n_columns


def _looks_ahead(model):
    return model.architecture.return_sequences and model.architecture.bidirectional


def _is_within_rows(path, schema, asked):
    if isinstance(path, BagPath):
        return path.n_steps == (None if asked == "auto" else asked)
    return (
        path is None
        or not schema.is_of_rows
        or path.n_steps * schema.n_features <= schema.n_observations
    )


#: Of each relation the field to name, a test of the model, and in words what passes it. They are
#: tested in this order, and some rely on those above them, as what is asked of curves does on the
#: kind of path.
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
        "schema.tokens",
        lambda model: model.schema.is_of_tokens == (model.schema.tokens is not None),
        "there where X is of tokens, and only there",
    ),
    (
        "architecture.n_tokens",
        lambda model: model.architecture.n_tokens == _n_tokens(model.schema),
        "that of the schema",
    ),
    (
        "architecture.embedding_dim",
        lambda model: model.schema.is_of_tokens == (model.architecture.embedding_dim is not None),
        "there where X is of tokens, and only there",
    ),
    (
        "architecture.frame_length",
        lambda model: model.architecture.frame_length == 1 or not model.schema.is_of_tokens,
        "1, because X is of tokens",
    ),
    (
        "path.coefficients",
        lambda model: model.path is None or _has_its_kind_of_path(model),
        "of the kind of path that X and its targets have",
    ),
    (
        "schema.n_features",
        lambda model: _n_inputs(model) == model.architecture.n_features,
        "that of the architecture, less the marks and the classes",
    ),
    (
        "architecture.n_conditions",
        lambda model: model.architecture.n_conditions == _n_conditions_of_tokens(model),
        "that of the target where X is of tokens, else 0",
    ),
    (
        "target.shares",
        lambda model: not model.target.reads_beginnings or _has_its_shares(model.target),
        "there where classes are, and only there",
    ),
    (
        "target.kind",
        lambda model: not model.target.reads_beginnings or _answers_what_follows(model),
        "one of what each step tells, because that is what the architecture answers",
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
        "architecture.return_sequences",
        lambda model: not model.architecture.return_sequences or _answers_steps(model),
        "False, because of a table or of frames there are no targets of steps",
    ),
    (
        "architecture.decoder",
        _has_its_decoder,
        "one whose transcripts are those of the target",
    ),
    (
        "architecture.target_embedding_dim",
        lambda model: model.architecture.decoder is None or _embeds_labels(model),
        "above 0 with a decoder",
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
        "kept.linear_path",
        lambda model: not _learns_no_path(model) or model.kept["linear_path"] in (None, LEFT_OUT),
        "None, because neither transcripts nor what follows have a path",
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
        "path.columns",
        lambda model: type(model.path) is not CurvedPath or _has_its_curves(model),
        "of columns that there are, all of which the path sees",
    ),
    (
        "path.n_ahead",
        lambda model: getattr(model.path, "n_ahead", 0) == 0 or _looks_ahead(model),
        "0, because the steps of a sequence are not read both ways",
    ),
    (
        "path.n_steps",
        lambda model: _is_within_rows(model.path, model.schema, model.kept["linear_path"]),
        "at most the steps of a row, of tokens what linear_path says",
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
            refuse(field, _found(model, field), words)
    for name, array, (shape, dtype, valid) in _arrays(model):
        if array.shape != shape or array.dtype != dtype:
            refuse(name, array, f"{shape}, {np.dtype(dtype)} by the sizes of the model")
        if not valid.test(array):
            refuse(name, array, valid.words)


def _found(model, field):
    part, name = field.split(".")
    found = getattr(model, part)
    return found[name] if type(found) is dict else getattr(found, name)


_FINITE = Valid(is_finite, "finite")
_POSITIVE = Valid(lambda array: array.min() > 0.0 and is_finite(array), "finite and above 0")
_ZEROS = Valid(lambda array: not array.any(), "0, because nothing was standardised")
_ONES = Valid(lambda array: (array == 1.0).all(), "1, because nothing was standardised")
_SHARES = Valid(
    lambda array: array.min() > 0.0 and abs(array.sum() - 1.0) < 1e-9, "above 0, 1 in all"
)
_COUNTS = Valid(lambda array: array.min() >= 0.0 and is_finite(array), "finite and from 0 on")
# A squared gradient may overflow, and its weight then moves no more.
_SQUARES = Valid(lambda array: array.min() >= 0.0, "of squares")
_OF_MOMENTS = {"mean": _FINITE, **dict.fromkeys(("variance", "weight", "n_rows"), _COUNTS)}
_OF_OPTIMIZERS = {"first": _FINITE, "second": _SQUARES, "velocity": _FINITE}


def _above(starts):
    return Valid(
        lambda array: is_finite(array) and bool((array > starts).all()),
        "finite and above the starts",
    )


def _from(lowest):
    return Valid(
        lambda array: is_finite(array) and bool((array >= lowest).all()),
        "finite and nowhere below the lowest",
    )


def _arrays(model):
    """Of each array its name, itself, and its shape, precision and what is valid in it."""
    n, dtype = model.architecture.n_parameters(), np.dtype(model.architecture.dtype)
    yield "theta", model.theta, ((n,), dtype, _FINITE)
    for name, array in (model.optimizer or {}).items():
        if name in _OF_OPTIMIZERS:  # rows of a table have no momentum
            size = n if name == "second" else n - model.architecture.n_in_table()
            yield f"optimizer.{name}", array, ((size,), dtype, _OF_OPTIMIZERS[name])
    expected = _of_scaling(model)
    if model.path is not None:
        expected |= _of_path(model)
    for name, moments in model.moments.items():
        shape = expected["scaling", "center" if name == "inputs" else "target_center"][0]
        for statistic, array in vars(moments).items():
            valid = _OF_MOMENTS[statistic]
            yield f"moments_of_{name}.{statistic}", array, (shape, np.float64, valid)
    expected |= _of_target(model.target)
    for (part, name), (shape, valid) in expected.items():
        yield f"{part}.{name}", getattr(getattr(model, part), name), (shape, np.float64, valid)


def _of_scaling(model):
    """Shape and what is valid of each array; of a table each column has a scale of its own."""
    standardize, n_targets = model.kept["standardize"], model.target.n_targets
    of_x = standardize and not model.schema.is_of_tokens
    n_rows = model.schema.n_observations if model.schema.is_table and standardize else 1
    of_inputs, of_targets = (n_rows, _n_inputs(model)), (n_targets,)
    of_y = standardize and model.target.loss.is_standardized
    return {
        ("scaling", "center"): (of_inputs, _FINITE if of_x else _ZEROS),
        ("scaling", "scale"): (of_inputs, _POSITIVE if of_x else _ONES),
        ("scaling", "target_center"): (of_targets, _FINITE if of_y else _ZEROS),
        ("scaling", "target_scale"): (of_targets, _POSITIVE if of_y else _ONES),
    }


def _of_target(target):
    """Shape and what is valid of each array of numbers that a target has."""
    if not target.reads_beginnings:
        return {}
    of_shares = {("target", "shares"): ((target.n_conditions,), _SHARES)}
    found = of_shares if target.n_conditions else {}
    if target.kind == "next step":
        of_steps = (target.n_targets - 1,)
        found |= {
            ("target", "center"): (of_steps, _FINITE),
            ("target", "scale"): (of_steps, _POSITIVE),
        }
    return found


def _of_path(model):
    """Shape and what is valid of each array of the path, which always standardises."""
    n_features, n_outputs = model.schema.n_inputs, model.architecture.n_outputs
    if isinstance(model.path, BagPath):
        n_tokens = model.architecture.n_tokens
        return {
            ("path", "rarity"): ((n_tokens + 1,), _COUNTS),
            ("path", "coefficients"): ((n_tokens + 1, n_outputs), _FINITE),
            ("path", "intercepts"): ((n_outputs,), _FINITE),
            ("path", "unit"): ((n_outputs,), _POSITIVE),
        }
    if model.schema.is_of_tokens:
        n_features = model.architecture.n_tokens
    of_inputs = (model.schema.n_observations if model.schema.is_table else 1, n_features)
    n_window = model.path.n_steps + model.path.n_ahead
    n_rises, of_curves = 0, {}
    if isinstance(model.path, CurvedPath):
        n_rises, starts = len(model.path.columns), model.path.starts
        of_curves = {
            ("path", "starts"): ((n_rises,), _FINITE),
            ("path", "ends"): ((n_rises,), _above(starts)),
        }
    return of_curves | {
        ("path", "center"): (of_inputs, _FINITE),
        ("path", "scale"): (of_inputs, _POSITIVE),
        ("path", "lowest"): (of_inputs, _FINITE),
        ("path", "highest"): (of_inputs, _from(model.path.lowest)),
        ("path", "coefficients"): ((n_window * n_features + n_rises, n_outputs), _FINITE),
        ("path", "beyond"): ((n_window * n_features, n_outputs), _FINITE),
        ("path", "intercepts"): ((n_outputs,), _FINITE),
        ("path", "unit"): ((n_outputs,), _POSITIVE),
    }
