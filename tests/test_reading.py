"""X of every form becomes Sequences, or an error that says where in X and what is wrong."""

import datetime
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from datasets import ARRAY, LIST, TABLE, objects, put
from scipy import sparse

from skrnn.data import checks
from skrnn.data.reading import read

NAN, INF = np.nan, np.inf

# --- forms of X ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        TABLE,
        TABLE.tolist(),
        tuple(map(tuple, TABLE)),
        TABLE.astype(object),
        TABLE.astype(int),
        TABLE.astype(">f8"),
        np.asfortranarray(TABLE),
        pd.DataFrame(TABLE),
        pd.DataFrame(TABLE.astype(int)).convert_dtypes(),
        pd.DataFrame(TABLE).astype(object),
        pl.DataFrame(TABLE),
        sparse.csr_array(TABLE),
        sparse.csc_matrix(TABLE),
        sparse.coo_array(TABLE.astype(int)),
    ],
)
def test_every_2d_container_is_the_same_table(X):
    sequences, form, n_columns = read(X)
    assert (form, n_columns) == ("table", 4)
    assert sequences.values.dtype == np.float64
    assert sequences.values.flags.c_contiguous
    assert sequences.starts.tolist() == [0, 4, 8]
    np.testing.assert_array_equal(sequences.values, TABLE.reshape(-1, 1))


def test_flat_rows_are_time_before_features():
    flat = ARRAY.reshape(2, 12)
    sequences, form, n_columns = read(flat, n_timesteps=4)
    assert (form, n_columns) == ("flat", 12)
    assert np.shares_memory(sequences.values, flat)
    np.testing.assert_array_equal(sequences.values, ARRAY.reshape(-1, 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_3d_is_a_view(dtype):
    X = ARRAY.astype(dtype)
    X.flags.writeable = False
    sequences, form, n_columns = read(X)
    assert (form, n_columns) == ("array", 3)
    assert np.shares_memory(sequences.values, X)
    assert sequences.values.dtype == dtype


@pytest.mark.parametrize(
    "X",
    [
        LIST,
        tuple(LIST),
        objects(LIST),
        pd.Series(LIST),
        [LIST[0].tolist(), LIST[1].tolist()],
        [pd.DataFrame(LIST[0]), pl.DataFrame(LIST[1])],
        [LIST[0], LIST[1].tolist()],
        pd.Series([objects(list(x)) for x in LIST]),
        pd.Series([x.tolist() for x in LIST]),
        pl.Series([x.tolist() for x in LIST]),
        pd.DataFrame({"seq": LIST}),
        pd.DataFrame({"seq": [objects(list(x)) for x in LIST]}),
        pd.DataFrame({"seq": LIST}).to_numpy(),
        pl.DataFrame({"seq": [x.tolist() for x in LIST]}),
        [objects(list(x)) for x in LIST],
    ],
)
def test_every_container_of_arrays_is_the_same_list(X):
    sequences, form, n_columns = read(X)
    assert (form, n_columns) == ("list", 3)
    assert sequences.lengths.tolist() == [2, 5]
    np.testing.assert_array_equal(sequences.values, np.concatenate(LIST))


@pytest.mark.parametrize(
    "X",
    [
        [np.array([1.0, 2.0]), np.array([3.0])],
        [np.array([[1.0], [2.0]]), np.array([3.0])],
        objects([[1, 2], [3]]),
        objects([(1, 2), (3,)]),
        pd.Series([[1, 2], [3]]),
        pl.Series([[1, 2], [3]]),
        [pd.Series([1, 2]), pd.Series([3], dtype="Int64")],
        [np.array([1, 2], dtype=object), np.array([3])],
        pd.DataFrame({"seq": [[1, 2], [3]]}),
        pl.DataFrame({"seq": [[1, 2], [3]]}),
    ],
)
def test_1d_elements_have_one_feature(X):
    sequences, form, n_columns = read(X)
    assert (form, n_columns) == ("list", 1)
    assert sequences.lengths.tolist() == [2, 1]
    assert sequences.values.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize("X", [TABLE.astype(">f4"), ARRAY.astype(">f4"), [LIST[0].astype(">f4")]])
def test_float32_in_another_order_of_bytes_stays_float32(X):
    assert read(X).sequences.values.dtype == np.dtype("=f4")


def test_list_of_equal_arrays_stays_a_list_and_list_of_numbers_a_table():
    arrays = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    assert read(arrays).form == "list"
    assert read(objects(arrays)).form == "list"
    assert read(pd.Series([[1, 2], [3, 4]])).form == "list"
    assert read([[1, 2], [3, 4]]).form == "table"
    assert read([[1, 2]]).form == "table"
    assert read([[[1, 2], [3, 4]]]).form == "list"


@pytest.mark.parametrize(
    "X",
    [
        objects([objects(list(x)) for x in ARRAY]),
        pd.Series([objects(list(x)) for x in ARRAY]),
        pd.DataFrame({"seq": list(ARRAY)}),
        pl.Series(ARRAY.tolist()),
        pl.Series(ARRAY.tolist(), dtype=pl.Array(pl.Float64, ARRAY.shape[1:])),
        pl.DataFrame({"seq": ARRAY.tolist()}),
        pl.DataFrame({"seq": pl.Series(ARRAY.tolist(), dtype=pl.Array(pl.Float64, (4, 3)))}),
    ],
)
def test_a_column_of_equal_sequences_is_the_list_of_them(X):
    sequences, form, n_columns = read(X)
    assert (form, n_columns) == ("list", 3)
    assert sequences.lengths.tolist() == [4, 4]
    np.testing.assert_array_equal(sequences.values, ARRAY.reshape(-1, 3))


def test_sparse_flat_rows_are_the_dense_ones():
    flat = ARRAY.reshape(2, 12).astype(np.float32)
    found, form, _ = read(sparse.csr_array(flat), n_timesteps=4)
    assert (form, found.values.dtype) == ("flat", np.float32)
    np.testing.assert_array_equal(found.values, ARRAY.reshape(-1, 3))


def test_objects_that_are_numbers_are_not_looked_at_one_by_one(monkeypatch):
    mixed = pd.DataFrame({"a": [1.0, 2.0], "b": [True, False], "c": objects([1, 2.5])})
    monkeypatch.setattr(checks, "_number", None)  # that takes 5 µs for each
    for X in (mixed, TABLE.astype(object), ARRAY.astype(object), [objects([1, 2.0])]):
        assert read(X).sequences.values.dtype == np.float64


@pytest.mark.parametrize(
    "value", [7, 7.0, np.float32(7), np.int8(7), Decimal(7), Fraction(7), np.longdouble(7)]
)
def test_an_object_is_the_number_that_python_makes_of_it(value):
    for X in (put(TABLE.astype(object), (1, 2), value), put(ARRAY.astype(object), 0, value)):
        expected = np.array(X, dtype=np.float64)
        np.testing.assert_array_equal(read(X).sequences.values.ravel(), expected.ravel())


def test_trailing_nan_steps_are_padding():
    padded = np.full((3, 5, 2), NAN)
    arrays = [np.arange(2.0 * n).reshape(n, 2) for n in (3, 5, 1)]
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    sequences, form, n_columns = read(padded)
    expected = read(arrays).sequences
    assert (form, n_columns) == ("array", 2)
    assert np.shares_memory(sequences.values, padded)
    np.testing.assert_array_equal(sequences.steps(), expected.steps())
    np.testing.assert_array_equal(sequences.lengths, expected.lengths)
    assert sequences.starts.dtype == sequences.lengths.dtype == np.int64


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (TABLE.astype(np.float32), np.float32),
        (TABLE.astype(np.float16), np.float64),
        (TABLE.astype(int), np.float64),
        (TABLE > 3, np.float64),
        (pd.DataFrame(TABLE.astype(np.float32)), np.float32),
        ([np.ones(2, np.float32), np.ones(3, np.float32)], np.float32),
        ([np.ones(2, np.float32), np.ones(3)], np.float64),
    ],
)
def test_float32_stays_and_all_else_becomes_float64(X, expected):
    assert read(X).sequences.values.dtype == expected
    assert read(X, dtype="float32").sequences.values.dtype == np.float32
    assert read(X, dtype="float64").sequences.values.dtype == np.float64


def test_large_but_finite_is_accepted():
    for X in (np.full((2, 3), 1.7e308), np.full((2, 3, 2), 3e38, np.float32)):
        np.testing.assert_array_equal(read(X).sequences.values.ravel(), X.ravel())


def test_nothing_is_changed_and_nothing_warns():
    X = put(ARRAY, (1, slice(2, None)), NAN)
    before = X.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(X, dtype="float32")
    np.testing.assert_array_equal(X, before)


# --- missing values --------------------------------------------------------------------------

MISSING = {
    "table": (put(TABLE, (1, 2), NAN), None),
    "None": ([[1, None], [2, 3]], None),
    "NA": (pd.DataFrame({"a": [1, None], "b": [1, 2]}).convert_dtypes(), None),
    "NA of booleans": (pd.DataFrame({"a": [True, None], "b": [1, 2]}).convert_dtypes(), None),
    "NA among objects": (np.array([[1, pd.NA], [2, 3]], dtype=object), None),
    "null of polars": (pl.DataFrame({"a": [None, 2], "b": [1, 2]}), None),
    "a column of None": (pd.DataFrame({"a": [1.0, 2.0], "b": [None, None]}), None),
    "sparse": (sparse.csr_array(put(TABLE, (1, 2), NAN)), None),
    "flat": (put(TABLE, (1, 0), NAN), 2),
    "part of a step": (put(ARRAY, (1, 2, 0), NAN), None),
    "a step before another": (put(ARRAY, (0, 1), NAN), None),
    "part of the last step": (put(ARRAY, (1, 3, 2), NAN), None),
    "list": ([np.ones((2, 3)), put(np.ones((4, 3)), (3, 1), NAN)], None),
    "NA in a list": ([objects([1, pd.NA]), np.ones(1)], None),
    "a list of nothing else": ([np.full((2, 3), NAN)], None),
}


@pytest.mark.parametrize("case", MISSING)
def test_missing_values_are_read_as_nan(case):
    X, n_timesteps = MISSING[case]
    sequences = read(X, n_timesteps=n_timesteps).sequences
    assert sequences.has_gaps
    assert np.isnan(sequences.steps()).any()
    assert sequences.take([0]).has_gaps


def test_no_step_of_a_table_or_a_list_is_padding():
    table = read(put(TABLE, (1, slice(1, None)), NAN)).sequences
    assert table.lengths.tolist() == [4, 4, 4]
    assert read([put(np.ones((4, 3)), (3,), NAN)]).sequences.lengths.tolist() == [4]


def test_of_padding_alone_one_missing_step_stays():
    for X, n_timesteps in ((put(ARRAY, 1, NAN), None), (put(ARRAY, 1, NAN).reshape(2, -1), 4)):
        sequences = read(X, n_timesteps=n_timesteps).sequences
        assert sequences.lengths.tolist() == [4, 1]
        assert np.isnan(sequences.take([1]).steps()).all()
        assert sequences.has_gaps


def test_padding_is_no_gap():
    for X, n_timesteps in (
        (put(ARRAY, (1, slice(2, None)), NAN), None),
        (put(ARRAY, (1, slice(2, None)), NAN).reshape(2, -1), 4),
    ):
        sequences = read(X, n_timesteps=n_timesteps).sequences
        assert sequences.lengths.tolist() == [4, 2]
        assert not sequences.has_gaps


# --- refusals of X ---------------------------------------------------------------------------

BAD_X = {
    "inf in table": (put(TABLE, (2, 3), -INF), ValueError, "X contains infinity.*sample 2, col"),
    "inf in 3-D": (put(ARRAY, (0, 3, 1), INF), ValueError, "infinity.*sample 0, step 3, feature 1"),
    "inf in padding": (
        put(put(ARRAY, (1, slice(2, None)), NAN), (1, 3, 0), INF),
        ValueError,
        "infinity.*sample 1, step 3, feature 0",
    ),
    "inf in a list": ([np.array([1.0, INF])], ValueError, "infinity.*sample 0, step 1, feature 0"),
    "empty sequence": ([np.ones((2, 3)), np.ones((0, 3))], ValueError, "Sample 1 of X is empty"),
    "no features": ([np.ones((2, 0))], ValueError, "Sample 0 of X is empty"),
    "empty list": ([], ValueError, r"Found array with 0 sample\(s\)"),
    "no rows": (np.empty((0, 3)), ValueError, r"0 sample\(s\) \(shape=\(0, 3\)\)"),
    "no columns": (np.empty((12, 0)), ValueError, r"0 feature\(s\) \(shape=\(12, 0\)\)"),
    "no steps": (np.empty((3, 0, 2)), ValueError, r"X is empty: shape \(3, 0, 2\)"),
    "no features in 3-D": (np.empty((3, 2, 0)), ValueError, "X is empty.*Net requires"),
    "1-D": (np.ones(3), ValueError, "Reshape your data"),
    "list of numbers": ([1, 2, 3], ValueError, "Reshape your data"),
    "objects in 1-D": (np.array([1, 2], dtype=object), ValueError, "Reshape your data"),
    "scalar": (3.0, ValueError, "Reshape your data"),
    "None": (None, ValueError, "Expected 2D array"),
    "Series of numbers": (pd.Series([1.0, 2.0]), ValueError, "Expected a 2-dimensional container"),
    "4-D": (np.ones((1, 2, 3, 4)), ValueError, r"4 dimensions \(shape \(1, 2, 3, 4\)\)"),
    "features differ": (
        [np.ones((2, 3)), np.ones((2, 2))],
        ValueError,
        "Sample 1 of X has 2 features per step, but sample 0 has 3",
    ),
    "ragged lists": ([[1, 2], [3]], ValueError, r"sample 1 has 1 numbers.*np.asarray\(x\) for x"),
    "arrays and lists": ([np.ones(2), [3, 4]], ValueError, "mixes forms.*sample 1 is a list"),
    "arrays and numbers": ([np.ones(2), 3.0], ValueError, "mixes forms.*sample 1 is a number"),
    "ragged sample": ([[[1, 2], [3]]], ValueError, "step 0 is of length 2, but step 1 is of"),
    "nested table": ([[1, [2]], [3, 4]], ValueError, "not a 2-D or 3-D array of numbers"),
    "3-D element": ([np.ones((2, 2, 2))], TypeError, "type ndarray of 3 dimensions"),
    "None in a list": ([np.ones(2), None], TypeError, "Sample 1 of X is not.*NoneType"),
    "dicts": ([{"a": 1}], TypeError, "Sample 0 of X is not a sequence.*dict"),
    "object junk": (objects([object(), {}]), TypeError, "Sample 0 of X is not a sequence.*object"),
    "list of strings": (["ab", "cd"], TypeError, "Sample 0 of X is .*str.*SequenceVectorizer"),
    "dict in a table": (
        np.array([[1, {}]], object),
        TypeError,
        "string or a real number.*column 1",
    ),
    "strings": (np.array([["a", "b"]]), ValueError, "could not convert string to float"),
    "digits": ([["1", "2"]], ValueError, "could not convert string to float"),
    "string objects": (
        pd.DataFrame({"a": [1, "q"]}),
        ValueError,
        "to float: 'q'.*sample 1, column",
    ),
    "string column": (pd.DataFrame({"a": ["x", "y"]}), ValueError, "string to float.*sample 0"),
    "strings in a list": ([np.array(["a"])], ValueError, "Sample 0 of X is of dtype <U1"),
    "dates": (
        np.array([["2020"]], dtype="M8[D]"),
        ValueError,
        "datetime64.*numeric. Turn dates into",
    ),
    "complex": (TABLE + 1j, ValueError, "Complex data not supported: X has complex numbers"),
    "complex in a list": ([np.ones(2) + 1j], ValueError, "Complex data not supported: Sample 0"),
    "complex objects": ((TABLE + 1j).astype(object), ValueError, "Complex data not supported"),
    "array cells": (
        pd.DataFrame({"n": [1, 2], "a": [np.ones(3), np.ones(2)]}),
        ValueError,
        r"array of shape \(3,\) in the place of a number \(sample 0, column 1 \('a'\)\)\."
        r" If the cells are sequences, pass that column alone: list\(df\['a'\]\)\.",
    ),
    "list cells": (
        pd.DataFrame({"n": [1, 2], "seq": [[1, 2], [3]]}),
        TypeError,
        r"sample 0, column 1 \('seq'\)\)\. If the cells are .*: list\(df\['seq'\]\)",
    ),
    "ragged cells": (
        pd.Series([objects([[1, 2], [3]])]),
        ValueError,
        "Sample 0 of X has steps of different lengths: step 0 is of length 2, but step 1 is of",
    ),
    "inf by the name of its column": (
        pl.DataFrame({"a": [1.0, 2.0], "height": [3.0, INF]}),
        ValueError,
        r"infinity.*sample 1, column 1 \('height'\)",
    ),
    "strings by the name of their column": (
        pd.DataFrame({"a": [1.0, 2.0], "kind": ["x", "y"]}),
        ValueError,
        r"to float: 'x' \(sample 0, column 1 \('kind'\)\)\. .* of type category.*OneHotEncoder",
    ),
    "strings by the name of their feature": (
        [pd.DataFrame({"a": [1.0, 2.0], "kind": ["x", "y"]})],
        ValueError,
        r"Sample 0 of X must be.*to float: 'x' \(step 0, feature 1 \('kind'\)\)",
    ),
    "a column of dates": (
        pd.DataFrame({"a": [1.0], "when": pd.to_datetime(["2020-01-01"])}),
        ValueError,
        r"X is of dtype datetime64\[\w+\] in column 'when', but .* numeric. Turn dates into",
    ),
    "a column of dates in a zone": (
        pd.DataFrame({"a": [1.0], "when": pd.to_datetime(["2020-01-01"], utc=True)}),
        ValueError,
        r"X is of dtype datetime64\[\w+, UTC\] in column 'when'",
    ),
    "a column of durations": (
        pd.DataFrame({"a": [1.0], "took": pd.to_timedelta([1])}),
        ValueError,
        r"X is of dtype timedelta64\[\w+\] in column 'took'",
    ),
    "a column of dates in polars": (
        pl.DataFrame({"a": [1.0], "when": [datetime.date(2020, 1, 1)]}),
        ValueError,
        r"X is of dtype Date in column 'when'",
    ),
    "a column of dates in a list": (
        [pd.DataFrame({"a": [1.0], "when": pd.to_datetime(["2020-01-01"])})],
        ValueError,
        r"Sample 0 of X is of dtype datetime64\[\w+\] in column 'when'",
    ),
    "huge integer": ([[10**400]], ValueError, "too large to convert to float.*sample 0, column 0"),
    "sparse": (
        sparse.coo_array((3, 10**8)),
        ValueError,
        r"Sparse X of shape \(3, 100000000\) is 2289 MiB.*up to 512 MiB.*TruncatedSVD.*toarray\(\)",
    ),
    "sparse and complex": (
        sparse.csr_array(TABLE * 1j),
        ValueError,
        "not supported: X has complex",
    ),
    "sparse element": ([sparse.csr_array(TABLE)], TypeError, "Sample 0 of X.*csr_array"),
    "an empty list": ([np.ones(2), []], ValueError, "Sample 1 of X is empty. A sequence needs"),
    "an empty list first": ([[], [[1.0], [2.0]]], ValueError, "Sample 0 of X is empty. A seq"),
    "dates among objects": (
        np.array([[1.0, datetime.date(2020, 1, 1)]], object),
        TypeError,
        r"\(sample 0, column 1\)\. Turn dates into numbers first",
    ),
    "mask in a list": (
        [np.ones(2), np.ma.masked_greater(np.array([1, 4]), 3)],
        ValueError,
        r"Sample 1 of X is a masked array .* cut it to its own length; .*filled\(np.nan\)",
    ),
    "mask": (np.ma.masked_greater(TABLE, 3), ValueError, "masked"),
}


@pytest.mark.parametrize("case", BAD_X)
def test_bad_X_is_refused_with_the_place(case):
    X, error, message = BAD_X[case]
    with pytest.raises(error, match=f"(?s){message}"):
        read(X, estimator_name="Net")


def test_mask_without_masked_values_is_an_array():
    np.testing.assert_array_equal(read(np.ma.array(TABLE)).sequences.values.ravel(), TABLE.ravel())


def test_n_timesteps_must_divide():
    with pytest.raises(ValueError, match="4 columns, which n_timesteps=3 does not divide"):
        read(TABLE, n_timesteps=3)


def test_n_timesteps_must_agree():
    read(ARRAY, n_timesteps=4)
    read(LIST, n_timesteps=5)
    with pytest.raises(ValueError, match=r"4 time steps \(shape \(2, 4, 3\).*n_timesteps=3"):
        read(ARRAY, n_timesteps=3)
    with pytest.raises(ValueError, match=r"has 5 steps, but n_timesteps=4.*np.stack\(X\)"):
        read(LIST, n_timesteps=4)


def test_flat_infinity_names_step_and_feature():
    with pytest.raises(ValueError, match=r"sample 1, column 3 \(step 1, feature 1\)"):
        read(put(TABLE, (1, 3), INF), n_timesteps=2)


@pytest.mark.parametrize("X", [TABLE + 1e300, ARRAY + 1e300, [np.ones((2, 1)) * 1e300]])
def test_overflow_is_an_error_not_infinity(X):
    with pytest.raises(
        ValueError, match=r"too large for dtype\('float32'\): sample 0.*1e\+300 down, or set"
    ):
        read(X, dtype="float32")
