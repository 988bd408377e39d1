"""How X becomes what a model reads: lengths, missing values, categories, ids of tokens, scales.

Each form of X (:class:`skrnn.data.schema.Schema`) has a function here, which gives
:class:`Sequences`, the counterpart of :class:`skrnn.data.sequences.Sequences` with padding.
"""

from typing import NamedTuple

import numpy as np

from skrnn.onnx.graph import ML


class Sequences(NamedTuple):
    """Sequences as the schema reads them.

    Attributes
    ----------
    values : str
        With marks (N, T, F), what has no value NaN; of tokens their numbers (N, T), int64.
    lengths : str or None
        Steps of each (N,), int64; None: all that there are.
    classes : str or None
        Numbers of the classes that they are of (N,), int64, where the network is told.
    """

    values: str
    lengths: str | None
    classes: str | None = None


def read(g, schema, X, lengths=None):
    """X as Sequences.

    Parameters
    ----------
    g : Graph
    schema : skrnn.data.schema.Schema
    X : str
        Rows (N, n_columns) or sequences (N, T, F) in the schema's precision, or ids (N, T).
    lengths : str, optional
        Steps of each sequence (N,), int64. Where it is 0 or less, and where there are none, padding
        is found in X as `predict` finds it.

    Raises
    ------
    ValueError
        If X has categories that are text.
    """
    if schema.is_of_tokens:
        return _tokens(g, schema, X, lengths)
    if schema.is_table:
        return _table(g, schema, X)
    if schema.is_of_rows:
        X = g.add("Reshape", X, [0, schema.n_timesteps, schema.n_features])
    is_missing = g.add("IsNaN", X)
    lengths = _lengths(g, g.add("Not", _all(g, is_missing)), lengths)
    return Sequences(_carried_forward(g, schema, X, is_missing), lengths)


def has_step(g, values, lengths, axis):
    """Whether each sequence has each of the steps, which are an axis of values.

    (T, N, 1) for steps in axis 0, (N, T, 1) in axis 1.
    """
    steps = g.add("Unsqueeze", g.numbers_to(g.size(values, axis)), [1 - axis, 2])
    return g.add("Less", steps, g.add("Unsqueeze", lengths, [axis, 2]))


def all_lengths(g, values, lengths):
    """Steps of each sequence (N,), also where all have those that there are, of (N, T, F)."""
    n_steps, n_samples = g.size(values, 1), g.size(values, 0)
    return g.add("Expand", n_steps, n_samples) if lengths is None else lengths


def _lengths(g, is_filled, given):
    """How many steps there are up to the last that is filled (N, T), one at least; or as given."""
    steps = g.add("Add", g.numbers_to(g.size(is_filled, 1)), np.int64(1))
    places = g.add("Where", is_filled, steps, np.int64(1))
    found = g.add("ReduceMax", places, [1], keepdims=0)
    return found if given is None else g.add("Where", g.add("Less", given, [1]), found, given)


def _all(g, is_true):
    """Whether something is true of all features of each step (N, T), of (N, T, F)."""
    return g.cast(g.add("ReduceMin", g.cast(is_true, np.int32), [2], keepdims=0), bool)


# Tokens


def _tokens(g, schema, ids, lengths):
    """Numbers of ids among those of fit; all others have the number behind the last one."""
    if lengths is not None:
        given = g.add("Where", g.add("Less", lengths, [1]), g.size(ids, 1), lengths)
        steps = g.numbers_to(g.size(ids, 1))
        is_there = g.add("Less", steps, g.add("Unsqueeze", given, [1]))
        ids = g.add("Where", is_there, ids, np.int64(0))
    is_filled = g.add("Not", g.add("Equal", ids, np.int64(0)))
    n_tokens = len(schema.tokens)
    numbers = g.add(
        "LabelEncoder", ids, domain=ML, keys_int64s=schema.tokens.tolist(),
        values_int64s=list(range(n_tokens)), default_int64=n_tokens,
    )  # fmt: skip
    return Sequences(numbers, _lengths(g, is_filled, None))


# Missing values (equations 90 to 93)


def _carried_forward(g, schema, X, is_missing):
    """X with the last value in the place of missing ones, and marks of the features with gaps."""

    def step(body, states, items):
        value, age = states
        missing = body.add("IsNaN", items[0])
        value = body.add("Where", missing, value, items[0])
        age = body.add("Where", missing, body.add("Add", age, g.number(1.0)), g.number(0.0))
        return [value, age], [value, age]

    def fill(body):
        by_step = body.add("Transpose", X, perm=[1, 0, 2])
        shape = body.add("Shape", by_step, start=1)
        start = [body.add("Expand", g.number(value), shape) for value in (np.nan, 0.0)]
        _, found = body.scan(step, start, [by_step])
        return [body.add("Transpose", one, perm=[1, 0, 2]) for one in found]

    has_gaps = g.cast(g.add("ReduceMax", g.cast(is_missing, np.int32), keepdims=0), bool)
    values, age = g.branch(has_gaps, fill, lambda body: [X, body.cast(is_missing, g.dtype)])
    if not schema.gaps:
        return values
    missing, since = (g.add("Gather", one, list(schema.gaps), axis=2) for one in (is_missing, age))
    since = g.add("Log", g.add("Add", since, g.number(1.0)))
    return g.add("Concat", g.cast(missing, g.dtype), since, values, axis=2)


# Tables


def _table(g, schema, X):
    """Each column as a step of one feature, with indicators for categories and marks of gaps."""
    if schema.categories:
        X = _expanded(g, schema, X)
    if schema.gaps:
        missing = g.add("IsNaN", g.add("Gather", X, list(schema.gaps), axis=1))
        X = g.add("Concat", g.cast(missing, g.dtype), X, axis=1)
    return Sequences(g.add("Unsqueeze", X, [2]), None)


def _expanded(g, schema, X):
    """Columns (N, width) with indicators in the place of categories."""
    parts, first = [], 0
    for one in schema.categories:
        _check_categories(schema, one)
        parts += _columns(g, X, first, one.column)
        parts += _indicators(g, one, g.add("Gather", X, [one.column], axis=1))
        first = one.column + 1
    parts += _columns(g, X, first, schema.n_columns)
    return g.add("Concat", *parts, axis=1)


def _columns(g, X, first, behind):
    """A list of the columns from the first on, which is empty if there are none."""
    return [g.add("Slice", X, [first], [behind], [1])] if first < behind else []


def _check_categories(schema, categories):
    """Refuse text, and whole numbers that the precision of X cannot tell apart."""
    name = "" if schema.names is None else f" ({schema.names[categories.column]!r})"
    column = f"column {categories.column}{name} of X"
    if any(isinstance(value, str) for value in categories.values):
        raise ValueError(
            f"The categories of {column} are text, such as {categories.values[0]!r}, but the ONNX"
            " model takes one array of numbers. Encode them before the net, for instance by"
            " sklearn.preprocessing.OrdinalEncoder or OneHotEncoder in a Pipeline, and export that"
            " with skl2onnx and skrnn.onnx.register_converters()."
        )
    if len(set(np.array(categories.values, schema.dtype).tolist())) < len(categories.values):
        raise ValueError(
            f"The categories of {column} are numbers too large for {schema.dtype}, in which the"
            " ONNX model reads X. Encode them before the net, or fit with dtype='float64'."
        )


def _indicators(g, categories, cells):
    """Arrays (N, ...) of the indicators of a column (N, 1)."""
    parts, is_missing = [], g.add("IsNaN", cells)
    if categories.values:
        is_value = g.add("Equal", cells, np.array([categories.values], g.dtype))
        parts.append(g.cast(is_value, g.dtype))
    if categories.others:
        is_known = g.add("Or", g.cast(g.add("ReduceMax", parts[0], [1]), bool), is_missing)
        parts.append(g.cast(g.add("Not", is_known), g.dtype))
    if categories.missing:
        parts.append(g.cast(is_missing, g.dtype))
    return parts


# What the network reads


def for_network(g, sequences, model):
    """Sequences of numbers, standardised and in steps of some observations, (N, T, k * F).

    Parameters
    ----------
    sequences : Sequences
    model : skrnn.learning.model.Model
    """
    center, scale = model.scaling.center, 1.0 / model.scaling.scale
    scaled = without_gaps(g, sequences.values, center.astype(g.dtype))
    if model.path is not None:
        lowest, highest = (one.astype(g.dtype) for one in (model.path.lowest, model.path.highest))
        scaled = g.add("Min", g.add("Max", scaled, lowest), highest)
    scaled = g.add("Sub", scaled, center.astype(g.dtype))
    scaled = g.add("Mul", scaled, scale.astype(g.dtype))
    length, n_features = model.architecture.frame_length, model.architecture.n_features
    if length == 1:
        return sequences._replace(values=scaled)
    n_observations = model.schema.n_observations if model.schema.is_table else None
    if n_observations is not None and n_observations % length == 0:
        shape = [0, n_observations // length, length * n_features]
        return Sequences(g.add("Reshape", scaled, shape), None)
    return _in_frames(g, scaled, sequences.lengths, length, n_features)


def with_classes(g, values, classes, n_classes):
    """Values (N, T, F) with an indicator of each sequence's class behind those of each step."""
    if classes is None:
        return values
    indicators = g.add("Gather", np.eye(n_classes, dtype=g.dtype), classes)
    shape = g.add("Concat", [1], g.size(values, 1), [1], axis=0)
    indicators = g.add("Expand", g.add("Unsqueeze", indicators, [1]), shape)
    return g.add("Concat", values, indicators, axis=2)


def without_gaps(g, values, instead):
    """Values with a number instead of NaN."""
    return g.add("Where", g.add("IsNaN", values), instead, values)


def _in_frames(g, values, lengths, length, n_features):
    """Sequences whose last step ends with the last observation.

    The first step repeats the first observation for those that it lacks.
    """
    n_all = g.size(values, 1)
    n_observations = n_all if lengths is None else lengths
    n_frames, n_most = (_divided(g, n, length) for n in (n_observations, n_all))
    lacking = g.add("Sub", g.add("Mul", n_frames, np.int64(length)), n_observations)
    places = g.numbers_to(g.add("Mul", n_most, np.int64(length)))
    places = g.add("Sub", places, g.add("Unsqueeze", lacking, [1]))
    places = g.add("Max", places, np.int64(0))
    places = g.add("Min", places, g.add("Sub", n_all, np.int64(1)))
    shape = g.add("Concat", [0], n_most, [n_features * length], axis=0)
    values = g.add("Reshape", at_places(g, values, places), shape)
    return Sequences(values, None if lengths is None else n_frames)


def _divided(g, n, length):
    """How many steps so many observations make."""
    return g.add("Div", g.add("Add", n, np.int64(length - 1)), np.int64(length))


def at_places(g, values, places):
    """Values (N, L, F) at places (N, L) of each sequence, or (1, L) of all, of (N, T, F)."""
    shape = g.add("Concat", g.size(values, 0), g.size(places, 1), axis=0)
    places = g.add("Unsqueeze", g.add("Expand", places, shape), [2])
    return g.add("GatherND", values, places, batch_dims=1)
