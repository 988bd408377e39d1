"""More hostile input: X of token ids, and y and weights for each step.

The tables are of the same three parts as those in ``fuzzing.py``, and a `Draw` chooses from them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from datasets import objects
from fuzzing import (
    BAD,
    GOOD,
    INF,
    LAYOUTS,
    LETTERS,
    LISTS,
    NAN,
    ODD,
    TABLES,
    TABLES_WITH_CATEGORIES,
    WEIGHTS,
    Case,
    Draw,
    draw_arguments,
    draw_data,
    draw_parameters,
    put_bad_x,
    targets_of,
)
from scipy import sparse

from skrnn import RNNClassifier, RNNRegressor

# --- X of tokens ---------------------------------------------------------------------------------

#: What small ids become.
IDS = {
    GOOD: {
        "small": lambda x: x,
        "far apart": lambda x: x * 1000 + 7,
        "of eight bytes": lambda x: x + 2**40,
        "the largest": lambda x: np.iinfo(np.int64).max - x,
        "one token": lambda x: 0 * x + 5,
    },
    ODD: {"each its own": lambda x: x + 100 * np.arange(len(x))},
}
ID_TYPES = {GOOD: ["i8", "i4", "u8", ">i8", float, "f4", object], ODD: ["i2", "u1", "i1", "f2"]}


def _filled(sequences):
    """An array (n, T) of them, with zeros at the end."""
    most = max(map(len, sequences))
    return np.array([[*x, *[0] * (most - len(x))] for x in sequences], dtype=sequences[0].dtype)


#: What holds sequences of ids, in the words of the tables of numbers.
TOKEN_LISTS = {name: LISTS[name] for name in LISTS if name not in ("list of frames", "polars")}
TOKEN_LISTS["polars"] = lambda s: pl.Series([np.asarray(x).tolist() for x in s])
TOKEN_TABLES = {
    "array": lambda t: t,
    "list of lists": lambda t: t.tolist(),
    "tuple of tuples": lambda t: tuple(map(tuple, t.tolist())),
    "pandas": pd.DataFrame,
    "pandas of objects": lambda t: pd.DataFrame(t.astype(object)),
}
_NESTED = TOKEN_TABLES["list of lists"], TOKEN_TABLES["tuple of tuples"]


@dataclass
class TokenData:
    """Sequences of ids that can be had in one form again and again, all or some of them.

    Attributes
    ----------
    ids : list of ndarray of shape (T_i,)
    form : {"list", "padded"}
    layout, holder : callable
    """

    ids: list
    form: str
    layout: object
    holder: object
    n_timesteps = None
    n_columns = 1

    @property
    def lengths(self):
        return np.array([len(x) for x in self.ids])

    def sequences(self, rows):
        """Some rows as plain arrays."""
        return [self.ids[row] for row in rows]

    def take(self, rows):
        """X of some rows."""
        sequences = self.sequences(rows)
        if self.form == "padded":
            return self.holder(self.layout(_filled(sequences)))
        return self.holder([self.layout(x) for x in sequences])

    has_gaps = False

    @property
    def bad(self):
        return BAD_TOKENS, BAD_TOKENS

    def made_bad(self, make, n, rng):
        """An X of n samples of one of these tables."""
        return make([rng.integers(1, 9, rng.integers(2, 6)) for _ in range(n)])

    def extreme(self, rows, rng):
        """Other ids."""
        return [rng.integers(1, 2**63 - 1, rng.integers(1, 6)) for _ in rows]

    def steps(self, rows):
        return self.lengths[rows]

    def steps_of_array(self, rows):
        """Steps of an X that is an array or might be one, padding included; else None."""
        lengths = self.lengths[rows]
        is_array = self.form == "padded" and self.holder not in _NESTED
        return int(lengths.max()) if is_array or len(set(lengths)) == 1 else None


def draw_tokens(draw, n, only=None):
    """TokenData of n sequences."""
    form = draw.one(["list", "padded"])
    draw.note(f"X: tokens, {form}, {n}")
    ids = [draw.rng.integers(1, 9, draw.rng.integers(1, 6)) for _ in range(n)]
    change = draw.choose("ids", IDS, only)
    number_type = "i8"
    ids = [change(x) for x in ids]
    if max(x.max() for x in ids) < 100:
        number_type = draw.choose("type", ID_TYPES, only)
    ids = [x.astype(number_type) for x in ids]
    holder = draw.choose("holder", {GOOD: TOKEN_LISTS if form == "list" else TOKEN_TABLES})
    without = ["columns backwards", *(["unaligned"] if number_type is object else [])]
    layouts = {name: LAYOUTS[name] for name in LAYOUTS if name not in without}
    return TokenData(ids, form, draw.choose("layout", {GOOD: layouts}), holder)


def one_by_one(things):
    """A generator, whose name an error may tell."""
    yield from things


def _in_first(value, dtype=object):
    """The first sequence with something else at its end."""
    return lambda s: [np.array([*s[0].tolist(), value], dtype=dtype), *s[1:]]


#: What no estimator with an embedding may take for X, made of a list of sequences of ids.
BAD_TOKENS = {
    "a fraction": _in_first(1.5, float),
    "a fraction in objects": _in_first(2.5),
    "negative": _in_first(-1, int),
    "negative objects": _in_first(-(2**62)),
    "NaN": _in_first(NAN, float),
    "inf": _in_first(INF, float),
    "None": _in_first(None),
    "pd.NA": _in_first(pd.NA),
    "text": _in_first("7"),
    "bytes": _in_first(b"7"),
    "True": _in_first(True),
    "complex": _in_first(1j, complex),
    "a complex object": _in_first(1j),
    "a huge int": _in_first(10**30),
    "above the largest": _in_first(2**63, "u8"),
    "a large float": _in_first(1e300, float),
    "a date": _in_first(np.datetime64("2020-01-01")),
    "a dict": _in_first({}),
    "a list": _in_first(objects([1])),
    "zero inside": lambda s: [np.array([3, 0, 3]), *s[1:]],
    "zero at the beginning": lambda s: [np.array([0, 3]), *s[1:]],
    "zeros alone": lambda s: [np.zeros(3, int), *s[1:]],
    "no token": lambda s: [np.zeros(0, int), *s[1:]],
    "an empty list": lambda s: [[], *s[1:]],
    "a number": lambda s: 3,
    "numbers": lambda s: [1, 2, 3],
    "an array of numbers": lambda s: np.array([1, 2, 3]),
    "a number among sequences": lambda s: [3, *s[1:]],
    "3-D": lambda s: np.ones((len(s), 2, 1), int),
    "2-D sequences": lambda s: [x[:, np.newaxis] for x in s],
    "no samples": lambda s: [],
    "no rows": lambda s: np.zeros((0, 3), int),
    "no columns": lambda s: np.zeros((len(s), 0), int),
    "floats": lambda s: np.linspace(0.1, 1.0, 3 * len(s)).reshape(len(s), 3),
    "bools": lambda s: np.ones((len(s), 3), bool),
    "dates": lambda s: np.full((len(s), 2), np.datetime64("2020-01-01")),
    "a column of text": lambda s: pd.DataFrame({"text": ["a b"] * len(s)}),
    "documents": lambda s: ["a few words"] * len(s),
    "text of each": lambda s: [list("abc")] * len(s),
    "a string": lambda s: "abc",
    "bytes of each": lambda s: [b"abc"] * len(s),
    "nothing": lambda s: None,
    "None among sequences": lambda s: [None, *s[1:]],
    "a dict among sequences": lambda s: [{}, *s[1:]],
    "a set among sequences": lambda s: [{1, 2}, *s[1:]],
    "a generator among sequences": lambda s: [one_by_one((1, 2)), *s[1:]],
    "ragged sequences": lambda s: [[[1], [1, 2]], *s[1:]],
    "a dict of sequences": lambda s: dict(enumerate(s)),
    "a set": lambda s: {1, 2, 3},
    "a generator": one_by_one,
    "a class": lambda s: RNNRegressor,
    "sparse": lambda s: sparse.csr_matrix(np.ones((len(s), 3), int)),
    "masked": lambda s: np.ma.masked_array(np.ones((len(s), 2), int), [[0, 1]] * len(s)),
    "masked sequences": lambda s: [np.ma.masked_array(x, mask=True) for x in s],
    "structured": lambda s: np.zeros(len(s), [("a", int)]),
    "missing cells": lambda s: pd.DataFrame({"a": [1] * len(s), "b": [None] * len(s)}),
}

# --- y of each step ------------------------------------------------------------------------------

#: What the targets of all steps end to end become.
NUMBERS_OF_STEPS = {
    "floats": lambda y: y,
    "float32": lambda y: y.astype(np.float32),
    "ints": lambda y: np.round(3 * y).astype(int),
    "bools": lambda y: y > 0,
    "objects": lambda y: y.astype(object),
    "two columns": lambda y: np.column_stack([y, y[::-1]]),
    "column": lambda y: y[:, np.newaxis],
}
LABELS_OF_STEPS = {
    "ints": lambda y: y,
    "int8": lambda y: y.astype("i1"),
    "whole floats": lambda y: y.astype(float),
    "two classes": lambda y: y % 2,
    "bools": lambda y: y > 0,
    "strings": lambda y: LETTERS[y],
    "strings in objects": lambda y: LETTERS[y].astype(object),
    "column": lambda y: y[:, np.newaxis],
}
#: What holds them.
STEP_LISTS = {
    "list": list,
    "tuple": tuple,
    "object array": objects,
    "Series": lambda s: pd.Series(objects(s), index=np.arange(len(s)) + 3),
    "list of lists": lambda s: [x.tolist() for x in s],
    "list of tuples": lambda s: [tuple(x.tolist()) for x in s],
    "backwards": lambda s: [x[::-1].copy()[::-1] for x in s],
}


def step_holders(n_steps, lengths):
    """The same, and arrays where each sequence has so many steps, padding included; rows in a list
    have none.
    """

    def filled(s):
        array = np.zeros((len(s), n_steps, *s[0].shape[1:]), s[0].dtype)
        for x, one in zip(array, s, strict=True):
            x[: len(one)] = one
        return array

    holders = dict(STEP_LISTS)
    if n_steps is not None:
        holders["array"] = filled
    if (lengths == n_steps).all():
        holders["list of rows"] = lambda s: filled(s).tolist()
    return holders


def _first_as(change):
    return lambda s: [change(s[0]), *s[1:]]


_ANY_BAD_STEPS = {
    "None": lambda s: None,
    "a number": lambda s: 1.0,
    "string": lambda s: "y",
    "dict": lambda s: dict(enumerate(s)),
    "set": lambda s: {1, 2},
    "generator": one_by_one,
    "of samples": lambda s: np.array([x[0] for x in s]),
    "list of samples": lambda s: [x[0] for x in s],
    "one sample short": lambda s: s[:-1],
    "one sample long": lambda s: [*s, s[0]],
    "a step short": _first_as(lambda x: x[:-1]),
    "a step long": _first_as(lambda x: np.concatenate([x, x[:1]])),
    "end to end": lambda s: np.concatenate(s),
    "empty": lambda s: [],
    "None among sequences": _first_as(lambda x: None),
    "a number among sequences": _first_as(lambda x: x[0]),
    "a string among sequences": _first_as(lambda x: "ab" * len(x)),
    "a dict among sequences": _first_as(lambda x: dict(enumerate(x))),
    "3-D sequences": lambda s: [np.reshape(x, (len(x), -1, 1)) for x in s],
    "no outputs": lambda s: [np.zeros((len(x), 0)) for x in s],
    "more outputs in one": _first_as(lambda x: np.zeros((len(x), 3))),
    "ragged steps": _first_as(lambda x: [[1.0], *[[1.0, 2.0]] * len(x)]),
    "NaN": _first_as(lambda x: np.full(len(x), NAN)),
    "inf": _first_as(lambda x: np.full(len(x), -INF)),
    "None inside": _first_as(lambda x: [None] * len(x)),
    "pd.NA inside": _first_as(lambda x: [pd.NA] * len(x)),
    "complex": lambda s: [np.full(len(x), 1j) for x in s],
    "dates": lambda s: [np.full(len(x), np.datetime64("2020-01-01")) for x in s],
    "masked": _first_as(lambda x: np.ma.masked_array(np.ones(len(x)), np.ones(len(x), bool))),
    "masked array": lambda s: np.ma.masked_array(np.ones((len(s), 2)), np.ones((len(s), 2), bool)),
    "structured": lambda s: [np.zeros(len(x), [("a", float)]) for x in s],
    "sparse": lambda s: sparse.csr_matrix(np.ones((len(s), 2))),
    "polars of structs": lambda s: pl.Series([{"a": 1}] * len(s)),
}
BAD_NUMBERS_OF_STEPS = _ANY_BAD_STEPS | {
    "strings": lambda s: [np.full(len(x), "1.5") for x in s],
    "a huge int": _first_as(lambda x: [10**400] * len(x)),
}
BAD_LABELS_OF_STEPS = _ANY_BAD_STEPS | {
    "one class": lambda s: [np.ones(len(x), int) for x in s],
    "continuous": lambda s: [np.arange(len(x)) + 0.25 for x in s],
    "columns of classes": lambda s: [np.tile([0, 2], (len(x), 1)) for x in s],
    "strings beside numbers": _first_as(lambda x: ["a"] * len(x)),
}

# --- weights of each step ------------------------------------------------------------------------

WEIGHTS_OF_STEPS = {
    GOOD: {
        "random": lambda s: s,
        "ones": lambda s: [np.ones(len(x)) for x in s],
        "lists": lambda s: [x.tolist() for x in s],
        "ints": lambda s: [np.ceil(3 * x).astype(int) for x in s],
        "object array": objects,
        "Series": lambda s: pd.Series(objects(s)),
        "float32": lambda s: [x.astype(np.float32) for x in s],
        "tiny": lambda s: [x * 1e-300 for x in s],
    },
    ODD: {
        "the last steps": lambda s: [np.r_[np.zeros(len(x) - 1), 1.0] for x in s],
        "the first sample": lambda s: [s[0], *[0 * x for x in s[1:]]],
        "every other step": lambda s: [x * (np.arange(len(x)) % 2) for x in s],
        "one step": lambda s: [np.r_[1.0, 0 * s[0][1:]], *[0 * x for x in s[1:]]],
        "huge": lambda s: [x * 1e300 for x in s],
        "bools": lambda s: [x > 1.0 for x in s],
    },
    BAD: {
        "negative": lambda s: [-x for x in s],
        "one negative": _first_as(lambda x: np.r_[-1e-300, x[1:]]),
        "NaN": _first_as(lambda x: NAN * x),
        "inf": _first_as(lambda x: INF + x),
        "all zero": lambda s: [0 * x for x in s],
        "a step short": _first_as(lambda x: x[:-1]),
        "a sample short": lambda s: s[:-1],
        "of outputs": lambda s: [x[:, np.newaxis] for x in s],
        "strings": lambda s: [x.astype(str) for x in s],
        "complex": lambda s: [x + 1j for x in s],
        "None among sequences": _first_as(lambda x: None),
        "masked": lambda s: [np.ma.masked_array(x, mask=True) for x in s],
        "dict": lambda s: dict(enumerate(s)),
    },
}

# --- whole cases ---------------------------------------------------------------------------------

#: What a case may be of: whether X is of tokens, and whether y is of steps.
KINDS = {"tokens": (True, False), "steps": (False, True), "tokens and steps": (True, True)}


@dataclass
class StepCase(Case):
    """One whose y is of steps."""

    def answers(self, rows):
        lengths = self.data.steps(np.arange(self.n))
        ends = np.cumsum(lengths)
        return np.concatenate([np.arange(ends[row] - lengths[row], ends[row]) for row in rows])


def draw_step_case(seed, kind=None, Estimator=None, bad=None):
    """A Case with tokens or steps, the same for the same seed; `bad` is as in Draw."""
    draw = Draw(seed, bad)
    Estimator = Estimator or draw.one([RNNRegressor, RNNClassifier])
    kind = kind or draw.one(list(KINDS))
    draw.note(kind)
    of_tokens, of_steps = KINDS[kind]
    n = int(draw.rng.integers(6, 13))
    without = ["categorical_features", *(["pooling"] if of_steps else [])]
    parameters = draw_parameters(draw, Estimator, without=without)
    parameters["return_sequences"] = of_steps
    data = draw_tokens(draw, 2 * n) if of_tokens else draw_numbers(draw, 2 * n)
    parameters["embedding_dim"] = draw.one([1, 3]) if of_tokens else None
    parameters["n_timesteps"] = data.n_timesteps
    case = (StepCase if of_steps else Case)(draw, Estimator, parameters, data, n)
    if bad is None and draw.chance(0.2):
        case.method = "partial_fit"
        draw.note("for some parameters there is none", ODD)
    with_held_out = draw.chance(0.25) if bad is None else "_val" in bad[0]
    (draw_arguments_of_steps if of_steps else draw_arguments)(case, with_held_out)
    return case


def draw_numbers(draw, n):
    """Data of n samples without categories, whose steps can be counted: no gap may be padding."""
    data = draw_data(draw, n)
    data.values = np.nan_to_num(data.values)
    if data.holder in TABLES_WITH_CATEGORIES.values():
        data.holder = TABLES["pandas"]
    return data


def draw_arguments_of_steps(case, with_held_out):
    """Give a case with a y of steps what its method is called with."""
    draw, n, data = case.draw, case.n, case.data
    codes = draw.choose("codes of y", {GOOD: codes_of(case.Estimator)})
    is_first = case.method == "fit"  # else there are more classes than in y
    found = {"X": data.take(np.arange(n))}
    found["y"], of_y = _draw_y(case, np.arange(n), codes, "y", is_first)
    found["sample_weight"] = _draw_weights(case, np.arange(n), "sample_weight")
    if not is_first and case.Estimator is RNNClassifier:
        found["classes"] = np.unique(of_y)
    elif is_first and with_held_out:
        rows = np.arange(n, 2 * n)
        found["X_val"] = data.take(rows)
        found["y_val"], _ = _draw_y(case, rows, codes, "y_val", False)
        found["sample_weight_val"] = _draw_weights(case, rows, "sample_weight_val")
    put_bad_x(case, found)
    case.arguments = found


def _draw_y(case, rows, codes, name, with_one_class):
    """y of some rows, and the same end to end."""
    lengths, bad = case.data.steps(rows), bad_y(case.Estimator, with_one_class)
    flat = codes(targets_of(case, lengths.sum()))
    n_steps = case.data.steps_of_array(rows)
    holders = {GOOD: step_holders(n_steps, lengths), BAD: bad}
    hold = case.draw.choose(name, holders)
    return hold(np.split(flat, np.cumsum(lengths)[:-1])), flat


def _draw_weights(case, rows, name):
    """Weights of some rows, or of all of their steps."""
    draw, of_steps = case.draw, name + " of steps"
    if not draw.wants(of_steps, 0.6):
        return draw.choose(name, WEIGHTS)(draw.rng.uniform(0.1, 2.0, len(rows)))
    weights = [draw.rng.uniform(0.1, 2.0, length) for length in case.data.steps(rows)]
    return draw.choose(of_steps, WEIGHTS_OF_STEPS)(weights)


def bad_of_steps(kind, Estimator):
    """Every bad option of a fit that is of tokens or steps alone: what is bad, and its name."""
    (of_tokens, of_steps), options = KINDS[kind], {}
    if of_tokens:
        options |= dict.fromkeys(("X", "X_val"), BAD_TOKENS)
    if of_steps:
        options |= {name: bad_y(Estimator, name == "y") for name in ("y", "y_val")}
        weights = ("sample_weight of steps", "sample_weight_val of steps")
        options |= dict.fromkeys(weights, WEIGHTS_OF_STEPS[BAD])
    return [(what, name) for what, names in options.items() for name in names]


def bad_y(Estimator, with_one_class):
    """What no y of steps may be; one class is no fault where there are others."""
    bad = BAD_NUMBERS_OF_STEPS if Estimator is RNNRegressor else BAD_LABELS_OF_STEPS
    return {name: bad[name] for name in bad if with_one_class or name != "one class"}


def codes_of(Estimator):
    return NUMBERS_OF_STEPS if Estimator is RNNRegressor else LABELS_OF_STEPS
