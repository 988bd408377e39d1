"""Hostile input, drawn from a seed: estimators, X of every form, y and weights, good and bad ones.

Every choice is made from a table of three parts: what is *good* must work, what is *odd* may work
or be refused, and what is *bad* must be refused. A `Draw` notes each choice by its name and keeps
the worst, so that a case can be told, and says what has to come of it.
"""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
from datasets import objects
from guarding import told
from scipy import sparse

from skrnn import RNNClassifier, RNNRegressor

GOOD, ODD, BAD = "good", "odd", "bad"
NAN, INF = np.nan, np.inf
#: How often a choice is bad, and how often odd.
SHARE_BAD, SHARE_ODD = 0.05, 0.1


class Draw:
    """A random generator that notes what it chose.

    Parameters
    ----------
    seed : int
    bad : (str, str) or None
        What is to be bad, and which option it is to be; everything else is good then.

    Attributes
    ----------
    rng : numpy.random.Generator
    notes : list of str
    verdict : {"good", "odd", "bad"}
        The worst of all choices.
    """

    def __init__(self, seed, bad=None):
        self.rng, self.notes, self.verdict = np.random.default_rng(seed), [], GOOD
        self._bad = bad

    def chance(self, share):
        return self.rng.random() < share

    def one(self, options):
        return options[self.rng.integers(len(options))]

    def wants(self, what, share=SHARE_BAD):
        """Whether something is to be bad that is good as a rule."""
        return self.chance(share) if self._bad is None else self._bad[0] == what

    def choose(self, what, table, only=None):
        """One of the options of a table, which are a dict by name or a list."""
        part = only or self._part(table, what)
        options = table[part]
        by_name = options if isinstance(options, dict) else {told(one): one for one in options}
        name = self._bad[1] if self._bad and self._bad[0] == what else self.one(list(by_name))
        self.note(f"{what}: {name}", part)
        return by_name[name]

    def _part(self, table, what):
        if self._bad is not None:
            return BAD if self._bad[0] == what else GOOD
        place = self.rng.random()
        if place < SHARE_BAD and table.get(BAD):
            return BAD
        return ODD if place < SHARE_BAD + SHARE_ODD and table.get(ODD) else GOOD

    def note(self, words, part=GOOD):
        self.notes.append(words if part == GOOD else f"{words} ({part})")
        self.verdict = max(self.verdict, part, key=(GOOD, ODD, BAD).index)


# --- parameters --------------------------------------------------------------------------------


def _of(good, bad=(), odd=()):
    return {GOOD: list(good), ODD: list(odd), BAD: list(bad)}


_SWITCH = _of([False, True, np.True_], ["yes", None, 2.5])

PARAMETERS = {
    "hidden_layer_sizes": _of(
        [3, (3,), [2, 3], np.array([3]), np.int64(2), (1,)],
        [0, (), (3, 0), -1, 2.5, "3", None, True, (3.0,), ((3,),), NAN, (True,)],
    ),
    "cell": _of(["rnn", "lstm", "gru"], ["GRU", None, 3, ["gru"]]),
    "activation": _of(["tanh", "relu", "logistic"], ["identity", None]),
    "bidirectional": _SWITCH,
    "pooling": _of(["last", "mean", "max", "attention"], ["first", None]),
    "dropout": _of([0.0, 0, 0.3, 0.9], [1.0, -0.1, NAN, None, "0.1"]),
    "categorical_features": _of(
        ["from_dtype"],
        ["all", [999], [-1], ["size"], [1.5], [[True]], [True] * 99, 1],
        [None, [], ()],
    ),
    "linear_path": _of(["auto", None, 1, 2, 100, np.int32(3)], [0, -1, "none", 1.5, True]),
    "solver": _of(["adam", "sgd", "lbfgs"], ["ADAM", None]),
    "alpha": _of([1e-4, 0, 10.0, np.float32(0.5)], [-1, NAN, None, "0"], [1e300, 1e-300, INF]),
    "batch_size": _of(["auto", 1, 3, 1000], [0, -5, 2.5, None, "all"], [10**30]),
    "learning_rate": _of(
        ["cosine", "one_cycle", "constant", "invscaling", "adaptive"], ["linear", None]
    ),
    "learning_rate_init": _of([3e-3, 0.1], [0.0, -1, NAN, None], [1.0, 1e3, 1e300, 1e-300, INF]),
    "power_t": _of([0.5, 0], [-1.0, NAN, None], [120.0, 1e300]),
    "max_iter": _of([1, 2, 3, np.int64(2)], [0, -1, 1.5, "3", NAN]),
    "shuffle": _SWITCH,
    "random_state": _of(
        [0, 7, 2**32 - 1, np.int64(5), np.random.RandomState(3)],
        [-1, "0", 1.5, np.random.default_rng(0), 2**40],
    ),
    "tol": _of([1e-4, 0, 10.0], [-1, NAN, None], [INF, 1e300]),
    "verbose": _of([False, True, 2], ["yes", -1, None]),
    "warm_start": _SWITCH,
    "momentum": _of([0.9, 0, 0.5], [1.5, -0.1, NAN], [1.0]),
    "nesterovs_momentum": _SWITCH,
    "beta_1": _of([0.9, 0.0], [1.0, -0.1, NAN, None]),
    "beta_2": _of([0.999, 0.0], [1.0, 2, NAN, "0.9"]),
    "epsilon": _of([1e-8, 1.0], [0.0, -1e-8, NAN], [1e-300, 1e300]),
    "early_stopping": _of(["auto", False], ["yes", None, 2.5], [True]),
    "validation_fraction": _of(
        [0.25, 0.5, "tail"], ["head", 0.0, 1.0, NAN, None, 3], [0.9, 0.01, 1e-300]
    ),
    "n_iter_no_change": _of(["auto", 1, 10, INF], [0, 1.5, "never", NAN, -INF]),
    "max_grad_norm": _of([1.0, None, 1e-3], [0.0, -1, NAN], [1e300, 1e-300, INF]),
    "standardize": _SWITCH,
    "dtype": _of([None, "float32", "float64"], [np.float32, "float16", "f4", 32]),
    "n_jobs": _of([None, 1, 2, -1], [0, 1.5, "2"], [10**30, -100]),
    "loss": _of(
        ["squared_error", "absolute_error", "huber", "poisson", "quantile"], ["mse", None, 1]
    ),
    "quantile": _of(
        [0.5, 0.01, [0.1, 0.9], (0.5,), np.array([0.9, 0.2])],
        [0, 1, [], [0.1, 1.5], NAN, "0.5", None, ["0.5"], [[0.5]]],
        [[0.5, 0.5], 1e-300, 1 - 1e-16],
    ),
    "class_weight": _of([None, "balanced"], ["equal", 3, {0: -1}, {0: NAN}], [{0: 2.0}, {}]),
}
_ONE_KIND = {"loss": RNNRegressor, "quantile": RNNRegressor, "class_weight": RNNClassifier}


def parameters_of(Estimator):
    """Names of the parameters that an estimator has a table for."""
    return [name for name in PARAMETERS if _ONE_KIND.get(name, Estimator) is Estimator]


def draw_parameters(draw, Estimator, share=0.25, only=None, without=()):
    """A share of the parameters; the others are those of a small net that is quick to fit."""
    found = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 1}
    for name in parameters_of(Estimator):
        if name in without:
            continue
        if draw.chance(share) or draw.wants(name, 0.0):
            # A single wrong parameter of thirty is enough, or most cases would be refused for one.
            part = GOOD if draw.chance(0.6) else only
            if draw.wants(name, 0.0):
                part = BAD
            found[name] = draw.choose(name, PARAMETERS[name], part)
    return found


# --- X -------------------------------------------------------------------------------------------


def _outlier(values):
    values = values.copy()
    values.flat[0] = 1e200
    return values


def _gaps(values):
    """A fifth of the values missing, and all of one sample."""
    place = np.arange(values.size).reshape(values.shape) * 7 % 5
    values = np.where(place == 0, NAN, values)
    values[len(values) // 2] = NAN
    return values


#: What the numbers of a (n, T, F) array become; mostly they stay as they are.
VALUES = {
    GOOD: {
        "normal": lambda v: v,
        "integers": lambda v: np.round(3 * v),
        "zeros and ones": lambda v: (v > 0).astype(float),
        "offset": lambda v: v + 1e6,
        "small": lambda v: v * 1e-4,
        "gaps": _gaps,
    },
    ODD: {
        "constant": lambda v: 0 * v + 3.5,
        "huge": lambda v: v * 1e300,
        "nearly infinite": lambda v: np.sign(v) * 1.7e308,
        "large": lambda v: v * 1e37,
        "tiny": lambda v: v * 1e-300,
        "subnormal": lambda v: np.round(3 * v) * 5e-324,
        "far offset": lambda v: v + 1e15,
        "mixed": lambda v: v * 10.0 ** np.linspace(-200, 200, v[0].size).reshape(v[0].shape),
        "outlier": _outlier,
        "negative zero": lambda v: v * -0.0,
    },
}

#: Types that hold what normal numbers are rounded to.
TYPES = {
    GOOD: [float, "float32", ">f8", ">f4", "int64", "int32", "longdouble"],
    ODD: ["float16", "bool", "uint8", "int8", ">i2"],
}


def _unaligned(array):
    memory = bytearray(array.nbytes + 1)
    copy = np.frombuffer(memory, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _every_other(array):
    spread = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    spread[::2] = array
    return spread[::2]


def _read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


class _Kept(np.ndarray):
    """A subclass that does nothing."""


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "every other": _every_other,
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "columns backwards": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "read-only": _read_only,
    "unaligned": _unaligned,
    "objects": lambda a: a.astype(object),
    "without masked values": np.ma.masked_array,
    "subclass": lambda a: a.view(_Kept),
}

NAMES = [f"column {i}" for i in range(40)]


def _frame(table, names=NAMES):
    return pd.DataFrame(table, columns=list(names[: table.shape[1]]))


#: What holds rows (n, T * F).
TABLES = {
    "array": lambda t: t,
    "list of lists": lambda t: t.tolist(),
    "tuple of tuples": lambda t: tuple(map(tuple, t.tolist())),
    "pandas": _frame,
    "pandas of objects": lambda t: _frame(t.astype(object)),
    "pandas, nullable": lambda t: _frame(np.asarray(t, float)).convert_dtypes(),
    "pandas, numbered": lambda t: pd.DataFrame(np.asarray(t)),
    "polars": lambda t: pl.DataFrame(np.asarray(t, float), NAMES[: t.shape[1]], orient="row"),
    "sparse": lambda t: sparse.csr_matrix(np.asarray(t, float)),
    "sparse array": lambda t: sparse.coo_array(np.asarray(t, float)),
}


def _kinds(table):
    """Text for each row."""
    return ["low" if row[0] < 0 else "high" for row in np.asarray(table).tolist()]


def _with_kinds(table):
    frame = _frame(table)
    frame.insert(0, "kind", pd.Categorical(_kinds(table)))
    return frame


def _polars_with_kinds(table):
    frame = TABLES["polars"](table)
    kinds = pl.Series("kind", _kinds(table), pl.Enum(["high", "low"]))
    return frame.insert_column(0, kinds)


#: What holds rows with categories, which only a table may have.
TABLES_WITH_CATEGORIES = {
    "pandas with categories": _with_kinds,
    "polars with categories": _polars_with_kinds,
}
#: What holds sequences (T_i, F).
LISTS = {
    "list": list,
    "tuple": tuple,
    "object array": objects,
    "Series": lambda s: pd.Series(objects(s), index=np.arange(len(s)) + 5),
    "frame of one column": lambda s: pd.DataFrame({"sequence": objects(s)}),
    "polars": lambda s: pl.Series([np.asarray(x, float).tolist() for x in s]),
    "list of frames": lambda s: [_frame(np.asarray(x)) for x in s],
    "list of lists": lambda s: [np.asarray(x).tolist() for x in s],
    "nested objects": lambda s: [objects(list(x)) for x in s],
}


@dataclass
class Data:
    """Samples that can be had in one form again and again, all or some of them.

    Attributes
    ----------
    form : {"table", "flat", "array", "padded", "list"}
    values : ndarray of shape (n, T, F)
    lengths : ndarray of shape (n,)
        Steps of each sample; all T, but in a list and a padded array.
    number_type : dtype
    layout, holder : callable
    """

    form: str
    values: np.ndarray
    lengths: np.ndarray
    number_type: object
    layout: object
    holder: object

    @property
    def n_timesteps(self):
        return self.values.shape[1] if self.form == "flat" else None

    @property
    def n_columns(self):
        """Of a table or flat rows, else features of a step."""
        _, n_steps, n_features = self.values.shape
        if self.form not in ("table", "flat"):
            return n_features
        return n_steps * n_features + (self.holder in TABLES_WITH_CATEGORIES.values())

    @property
    def has_gaps(self):
        return bool(np.isnan(self.values).any())

    @property
    def bad(self):
        """What no X like this may be, in a fit and later."""
        return BAD_X, BAD_LATER_X

    def made_bad(self, make, n, rng):
        """An X of n samples of one of these tables."""
        return make(rng.normal(size=(n, 3, self.values.shape[2])))

    def steps(self, rows):
        """How many each of some rows has where y is of steps."""
        if self.form == "table":
            return np.full(len(rows), self.values.shape[1] * self.values.shape[2])
        return self.lengths[rows]

    def steps_of_array(self, rows):
        """Steps of an X that is an array or might be one, padding included; else None."""
        lengths = self.steps(rows)
        if self.form == "list" and len(set(lengths)) > 1:
            return None
        return self.values.shape[1] if self.form == "padded" else int(lengths[0])

    def extreme(self, rows, rng):
        """X in this form, of numbers of any size."""
        size = 10.0 ** rng.choice([-300, -10, 10, 30, 150, 308])
        with np.errstate(all="ignore"):
            values = np.clip(rng.normal(size=self.values.shape) * size, -1.7e308, 1.7e308)
        return replace(self, values=values, number_type=float).take(rows)

    def sequences(self, rows):
        """Some rows as plain arrays (T_i, F)."""
        with np.errstate(all="ignore"):
            values = self.values[rows].astype(self.number_type)
        return [x[:length] for x, length in zip(values, self.lengths[rows], strict=True)]

    def take(self, rows):
        """X of some rows."""
        sequences = self.sequences(rows)
        if self.form == "list":
            return self.holder([self.layout(x) for x in sequences])
        padding = NAN if self.form == "padded" else 0
        values = np.full((len(sequences), *self.values.shape[1:]), padding, self.number_type)
        for x, sequence in zip(values, sequences, strict=True):
            x[: len(sequence)] = sequence
        if self.form in ("array", "padded"):
            return self.holder(self.layout(values))
        with np.errstate(invalid="ignore"):  # older pandas casts NaN
            return self.holder(self.layout(values.reshape(len(values), -1)))


def draw_data(draw, n, n_features=None, only=None):
    """Data of any form with good or odd numbers, or with those of one part of the tables only."""
    form = draw.one(["table", "flat", "array", "padded", "list"])
    n_steps = int(draw.rng.integers(1, 5))
    n_features = int(draw.rng.integers(1, 4)) if n_features is None else n_features
    draw.note(f"X: {form} ({n}, {n_steps}, {n_features})")
    values = draw.choose("values", VALUES, only)(draw.rng.normal(size=(n, n_steps, n_features)))
    lengths = np.full(n, n_steps)
    if form in ("list", "padded"):
        lengths = draw.rng.integers(1, n_steps + 1, n)
    if form == "list":
        holder = draw.choose("holder", {GOOD: LISTS})
    elif form == "padded":
        holder = np.asanyarray
    elif form == "array":
        holder = draw.choose("holder", {GOOD: {"array": lambda a: a, "lists": np.ndarray.tolist}})
    else:
        holders = TABLES | (TABLES_WITH_CATEGORIES if form == "table" else {})
        holder = draw.choose("holder", {GOOD: holders})
    # No other number is NaN.
    is_float = form == "padded" or draw.chance(0.5) or np.isnan(values).any()
    number_type = float if is_float else draw.choose("type", TYPES, only)
    layout = draw.choose("layout", {GOOD: LAYOUTS})
    return Data(form, values, lengths, number_type, layout, holder)


def _put(value, dtype=float):
    def change(v):
        array = v[:, 0].astype(dtype)
        array[len(v) // 2, -1] = value
        return array

    return change


def _masked(v):
    table = np.ma.masked_array(v[:, 0], mask=False)
    table[0, 0] = np.ma.masked
    return table


def _frame_with(column):
    return lambda v: _frame(v[:, 0]).assign(last=column * len(v))


#: What no estimator may take for X, made of an (n, T, F) array.
BAD_X = {
    "inf": _put(INF),
    "-inf in float32": _put(-INF, np.float32),
    "a string in objects": _put("1.5", object),
    "an array in objects": _put(objects([1.0]), object),
    "a huge int in objects": _put(10**400, object),
    "a complex number in objects": _put(1j, object),
    "a date in objects": _put(datetime(2020, 1, 1), object),
    "a dict in objects": _put({}, object),
    "0-d": lambda v: np.array(3.0),
    "a number": lambda v: 3.0,
    "1-D": lambda v: v[:, 0, 0],
    "1-D list": lambda v: v[:, 0, 0].tolist(),
    "4-D": lambda v: v[..., np.newaxis],
    "no samples": lambda v: v[:0, 0],
    "no columns": lambda v: v[:, 0, :0],
    "no steps": lambda v: v[:, :0],
    "no features": lambda v: v[..., :0],
    "empty list": lambda v: [],
    "None": lambda v: None,
    "string": lambda v: "X",
    "bytes": lambda v: b"X",
    "dict": lambda v: dict(enumerate(v)),
    "set": lambda v: set(range(len(v))),
    "generator": lambda v: (x for x in v),
    "a class": lambda v: RNNRegressor,
    "strings": lambda v: v[:, 0].astype(str),
    "numbers as bytes": lambda v: v[:, 0].astype("S"),
    "complex": lambda v: v[:, 0] + 0j,
    "dates": lambda v: np.full(v[:, 0].shape, np.datetime64("2020-01-01")),
    "durations": lambda v: np.full(v[:, 0].shape, np.timedelta64(1, "D")),
    "structured": lambda v: np.zeros(len(v), [("a", float), ("b", int)]),
    "masked": _masked,
    "masked 3-D": lambda v: np.ma.masked_array(v, np.arange(v.size).reshape(v.shape) == 1),
    "mixed list": lambda v: [v[0], *v[1:, 0, 0].tolist()],
    "unequal rows": lambda v: [[1.0], *[[1.0, 2.0]] * (len(v) - 1)],
    "unequal features": lambda v: [v[0], *np.concatenate([v[1:], v[1:]], axis=2)],
    "an empty sequence": lambda v: [v[0][:0], *v[1:]],
    "None among sequences": lambda v: [None, *v[1:]],
    "a string among sequences": lambda v: ["ab", *v[1:]],
    "a dict among sequences": lambda v: [{}, *v[1:]],
    "3-D sequences": lambda v: list(v[..., np.newaxis]),
    "complex sequences": lambda v: [x + 0j for x in v],
    "masked sequences": lambda v: [np.ma.masked_array(x, mask=True) for x in v],
    "a column of strings": _frame_with(["a"]),
    "a column of dates": _frame_with([datetime(2020, 1, 1)]),
    "categories beside text": lambda v: _with_kinds(v[:, 0]).assign(last="a"),
    "categories of text and numbers": lambda v: _frame(v[:, 0]).assign(
        last=pd.Categorical(["a", *range(len(v) - 1)])
    ),
    "infinite categories": lambda v: _frame(v[:, 0]).assign(last=pd.Categorical([INF] * len(v))),
    "categories in sequences": lambda v: [_with_kinds(x) for x in v],
    "a column of lists": _frame_with([[1.0, 2.0]]),
    "polars of strings": lambda v: pl.DataFrame({"a": ["1.0"] * len(v), "b": [1.0] * len(v)}),
    "polars of dates": lambda v: pl.DataFrame({"a": [datetime(2020, 1, 1)] * len(v)}),
    "names of two types": lambda v: pd.DataFrame(np.ones((len(v), 3)), columns=["a", 1, "b"]),
    "frames of other names": lambda v: [_frame(v[0]), *[_frame(x, NAMES[1:]) for x in v[1:]]],
    "sparse complex": lambda v: sparse.csr_matrix(v[:, 0] + 1j),
    "sparse and large": lambda v: sparse.csr_matrix((len(v), 10**9)),
}

#: The same after a fit, where names do not matter to every model.
BAD_LATER_X = {name: make for name, make in BAD_X.items() if name != "names of two types"} | {
    "a column of categories": lambda v: _frame(v[:, 0]).assign(last=pd.Categorical(["a"] * len(v)))
}


# --- y -------------------------------------------------------------------------------------------


def _last(value, dtype=object):
    def change(y):
        y = y.astype(dtype)
        y[-1] = value
        return y

    return change


def _columns(y):
    return np.column_stack([y, y[::-1]])


_ANY_BAD_Y = {
    "None": lambda y: None,
    "a number": lambda y: 1.0,
    "string": lambda y: "y",
    "dict": lambda y: dict(enumerate(y)),
    "set": lambda y: set(y.tolist()),
    "one short": lambda y: y[:-1],
    "one long": lambda y: np.append(y, y[:1]),
    "empty": lambda y: y[:0],
    "3-D": lambda y: y.reshape(-1, 1, 1) + np.zeros((1, 2, 2)),
    "no columns": lambda y: np.zeros((len(y), 0)),
    "ragged": lambda y: [[1.0], *[[1.0, 2.0]] * (len(y) - 1)],
    "NaN": _last(NAN, float),
    "NaN in objects": _last(NAN),
    "None in objects": _last(None),
    "pd.NA in objects": _last(pd.NA),
    "inf": _last(-INF, float),
    "complex": lambda y: y + 1j,
    "complex objects": _last(1j),
    "dates": lambda y: np.full(len(y), np.datetime64("2020-01-01")),
    "masked": lambda y: np.ma.masked_array(y, np.arange(len(y)) == 1),
    "list of arrays": lambda y: objects([np.zeros(2)] * len(y)),
    "structured": lambda y: np.zeros(len(y), [("a", float), ("b", int)]),
    "nullable with NA": lambda y: pd.Series(y).astype("Float64").where(np.arange(len(y)) != 1),
    "mixed strings": lambda y: [*y[:-1].tolist(), "a"],
    "sparse": lambda y: sparse.csr_matrix(y),
}

NUMBERS = {
    GOOD: {
        "floats": lambda y: y,
        "list": lambda y: y.tolist(),
        "tuple": lambda y: tuple(y.tolist()),
        "float32": lambda y: y.astype(np.float32),
        "big-endian": lambda y: y.astype(">f8"),
        "backwards": lambda y: y[::-1].copy()[::-1],
        "read-only": _read_only,
        "ints": lambda y: np.round(3 * y).astype(int),
        "small ints": lambda y: np.round(3 * y).astype("i1"),
        "bools": lambda y: y > 0,
        "objects": lambda y: y.astype(object),
        "Series": lambda y: pd.Series(y, index=np.arange(len(y)) + 3, name="y"),
        "polars": pl.Series,
        "two columns": _columns,
        "Fortran columns": lambda y: np.asfortranarray(_columns(y)),
        "list of lists": lambda y: _columns(y).tolist(),
        "frame": lambda y: pd.DataFrame(_columns(y), columns=["a", "b"]),
        "column": lambda y: y[:, np.newaxis],
        "constant": lambda y: 0 * y + 2.5,
        "float16": lambda y: y.astype(np.float16),
        "longdouble": lambda y: y.astype(np.longdouble),
        "unmasked": lambda y: np.ma.masked_array(y),
    },
    ODD: {
        "huge": lambda y: y * 1e300,
        "nearly infinite": lambda y: np.where(y > 0.5, 1.7e308, 0.0),
        "above float32": lambda y: y * 1e37,
        "subnormal": lambda y: np.round(3 * y) * 5e-324,
        "tiny": lambda y: y * 1e-300,
        "far offset": lambda y: y + 1e15,
        "constant and huge": lambda y: 0 * y + 1e300,
        "outlier": _outlier,
        "large ints": lambda y: (np.abs(y) * 1e18).astype("u8"),
        "Decimals": lambda y: objects([Decimal(str(one)) for one in y]),
        "Fractions": lambda y: objects([Fraction(one) for one in y]),
        "many columns": lambda y: np.tile(_columns(y), 20),
        "one huge column": lambda y: np.column_stack([y, y * 1e290]),
    },
    BAD: _ANY_BAD_Y
    | {
        "strings": lambda y: y.astype(str),
        "numbers as strings in objects": lambda y: y.astype(str).astype(object),
        "a huge int": _last(10**400),
        "longdouble above float64": lambda y: y.astype(np.longdouble) * np.longdouble("1e4000"),
    },
}

LETTERS = np.array(["left", "right", "Ünïcode ", "", "nan"])


def _indicators(y):
    rows = np.zeros((len(y), 3), int)
    rows[np.arange(len(y)), y] = 1
    return rows


LABELS = {
    GOOD: {
        "ints": lambda y: y,
        "list": lambda y: y.tolist(),
        "negative": lambda y: -5 * y,
        "int8": lambda y: y.astype("i1"),
        "big-endian": lambda y: y.astype(">i4"),
        "backwards": lambda y: y[::-1].copy()[::-1],
        "read-only": _read_only,
        "whole floats": lambda y: y.astype(float),
        "two classes": lambda y: y % 2,
        "bools": lambda y: y > 0,
        "list of bools": lambda y: (y > 0).tolist(),
        "strings": lambda y: LETTERS[y],
        "list of strings": lambda y: LETTERS[y].tolist(),
        "strings in objects": lambda y: LETTERS[y].astype(object),
        "Series": lambda y: pd.Series(y, index=np.arange(len(y)) + 3),
        "Series of strings": lambda y: pd.Series(LETTERS[y]),
        "categories": lambda y: pd.Series(pd.Categorical(LETTERS[y])),
        "polars": lambda y: pl.Series(LETTERS[y].tolist()),
        "column": lambda y: y[:, np.newaxis],
        "large ints": lambda y: y.astype("i8") + 2**60,
    },
    ODD: {
        "indicators": _indicators,
        "indicators, bool": lambda y: _indicators(y).astype(bool),
        "indicators, float": lambda y: _indicators(y).astype(float),
        "indicators, lists": lambda y: _indicators(y).tolist(),
        "indicators, frame": lambda y: pd.DataFrame(_indicators(y)),
        "bytes": lambda y: LETTERS[y % 2].astype("S"),
        "uint64": lambda y: y.astype("u8") + np.uint64(2**63),
        "float16": lambda y: y.astype(np.float16),
        "huge floats": lambda y: y * 1e300,
    },
    BAD: _ANY_BAD_Y
    | {
        "one class": lambda y: 0 * y,
        "continuous": lambda y: y + 0.25,
        "columns of classes": lambda y: _columns(y) + np.arange(2),
        "numbers in objects": lambda y: y.astype(object),
        "mixed in objects": lambda y: np.where(y, y.astype(object), "a"),
        "indicators with NaN": lambda y: np.where(_indicators(y) > 0, NAN, 0.0),
        "indicators with two": lambda y: 2 * _indicators(y),
        "tuples": lambda y: objects([(one,) for one in y.tolist()]),
    },
}


# --- weights -------------------------------------------------------------------------------------

WEIGHTS = {
    GOOD: {
        "None": lambda w: None,
        "ones": np.ones_like,
        "random": lambda w: w,
        "list": lambda w: w.tolist(),
        "ints": lambda w: np.ceil(3 * w).astype(int),
        "number": lambda w: 2.0,
        "float32": lambda w: w.astype(np.float32),
        "Series": lambda w: pd.Series(w, index=np.arange(len(w)) + 2),
        "polars": pl.Series,
        "read-only": _read_only,
        "sum of one": lambda w: w / w.sum(),
        "tiny": lambda w: w * 1e-300,
        "objects": lambda w: w.astype(object),
    },
    ODD: {
        "huge": lambda w: w * 1e300,
        "subnormal": lambda w: np.ceil(3 * w) * 5e-324,
        "from tiny to huge": lambda w: 10.0 ** np.linspace(-300, 300, len(w)),
        "one": lambda w: (np.arange(len(w)) == 1).astype(float),
        "zeros": lambda w: w * (np.arange(len(w)) % 3 > 0),
        "bools": lambda w: np.arange(len(w)) % 4 > 0,
        "one huge": lambda w: np.where(np.arange(len(w)) == 1, 1e18, w),
        "big int": lambda w: np.ceil(3 * w).astype(int) * 10**17,
    },
    BAD: {
        "negative": lambda w: -w,
        "one negative": lambda w: np.where(np.arange(len(w)) == 1, -1e-300, w),
        "NaN": _last(NAN, float),
        "inf": _last(INF, float),
        "None inside": _last(None),
        "all zero": np.zeros_like,
        "zero": lambda w: 0,
        "short": lambda w: w[:-1],
        "2-D": lambda w: w[:, np.newaxis],
        "strings": lambda w: w.astype(str),
        "a string": lambda w: "balanced",
        "complex": lambda w: w + 1j,
        "masked": lambda w: np.ma.masked_array(w, np.arange(len(w)) == 1),
        "dates": lambda w: np.full(len(w), np.datetime64("2020-01-01")),
        "dict": lambda w: {0: 1.0, 1: 2.0},
        "huge int inside": _last(10**400),
    },
}


# --- whole cases ---------------------------------------------------------------------------------


@dataclass
class Case:
    """One estimator with its parameters, and arguments for its fit.

    Attributes
    ----------
    draw : Draw
        Its verdict says what has to come of the fit.
    Estimator : type
    parameters : dict
    data : Data
        What X was made of; rows from `n` on were held out.
    n : int
    method : {"fit", "partial_fit"}
    arguments : dict
        Of that method.
    """

    draw: Draw
    Estimator: type
    parameters: dict
    data: Data
    n: int
    method: str = "fit"
    arguments: dict = field(default_factory=dict)

    def estimator(self):
        """A new one; a copy of the parameters, because a fit draws from a RandomState."""
        return self.Estimator(**deepcopy(self.parameters))

    def answers(self, rows):
        """Where the predictions for some of all n rows are, end to end."""
        return rows

    def __str__(self):
        words = "; ".join([self.Estimator.__name__, self.method, *self.draw.notes])
        return f"{words}. The fit is {self.draw.verdict}."


def draw_case(seed, Estimator=None, bad=None):
    """A case of one estimator or of either, the same for the same seed; `bad` is as in Draw."""
    draw = Draw(seed, bad)
    Estimator = Estimator or draw.one([RNNRegressor, RNNClassifier])
    n = int(draw.rng.integers(6, 13))
    parameters = draw_parameters(draw, Estimator)
    data = draw_data(draw, 2 * n)
    parameters["n_timesteps"] = data.n_timesteps
    case = Case(draw, Estimator, parameters, data, n)
    if bad is None and draw.chance(0.2):
        case.method = "partial_fit"
        draw.note("for some parameters there is none", ODD)
    draw_arguments(case, draw.chance(0.25) if bad is None else bad[0].endswith("_val"))
    return case


def all_bad(Estimator):
    """Every bad option of a fit: what is bad, and its name."""
    of_y = y_table(Estimator)[BAD]
    options = {"X": BAD_X, "X_val": BAD_LATER_X, "y": of_y, "y_val": bad_later_y(of_y)}
    options |= dict.fromkeys(("sample_weight", "sample_weight_val"), WEIGHTS[BAD])
    options |= {name: map(told, PARAMETERS[name][BAD]) for name in parameters_of(Estimator)}
    return [(what, name) for what, names in options.items() for name in names]


def y_table(Estimator):
    """What its y may be."""
    return NUMBERS if Estimator is RNNRegressor else LABELS


def bad_later_y(options):
    """What is bad where classes are known already: a y of one class is not."""
    return {name: options[name] for name in options if name != "one class"}


def draw_arguments(case, with_held_out):
    """Give a case what its method is called with."""
    draw, n, data, table = case.draw, case.n, case.data, y_table(case.Estimator)
    dress = draw.choose("y", table)
    known, weights = targets_of(case, 2 * n), draw.rng.uniform(0.1, 2.0, n)
    found = {"X": data.take(np.arange(n)), "y": dress(known[:n])}
    found["sample_weight"] = draw.choose("sample_weight", WEIGHTS)(weights)
    if case.method == "partial_fit" and case.Estimator is RNNClassifier:
        found["classes"] = classes_of(dress(known))
    elif case.method == "fit" and with_held_out:
        if draw.wants("y_val"):
            dress = draw.choose("y_val", {BAD: bad_later_y(table[BAD])}, BAD)
        found |= {"X_val": data.take(np.arange(n, 2 * n)), "y_val": dress(known[n:])}
        found["sample_weight_val"] = draw.choose("sample_weight_val", WEIGHTS)(weights)
    put_bad_x(case, found)
    case.arguments = found


def put_bad_x(case, found):
    """Now and then make an X bad."""
    for name, options in zip(("X", "X_val"), case.data.bad, strict=True):
        if name in found and case.draw.wants(name):
            make = case.draw.choose(name, {BAD: options}, BAD)
            found[name] = case.data.made_bad(make, case.n, case.draw.rng)


def targets_of(case, n):
    """Numbers for a regressor, class numbers 0 to 2 for a classifier, (n,)."""
    if case.Estimator is RNNClassifier:
        return np.arange(n) % 3
    known = case.draw.rng.normal(size=n)
    return np.abs(known) if case.parameters.get("loss") == "poisson" else known


def classes_of(y):
    """What to name in a first ``partial_fit``."""
    try:
        labels = np.asarray(y)
        return None if labels.ndim > 1 and labels.shape[1] > 1 else np.unique(labels)
    except (TypeError, ValueError):
        return [0, 1, 2]
