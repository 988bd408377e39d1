"""The door for data: what comes in, as what, and what each refusal says."""

import copy
import re
import runpy
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import cross_val_predict
from sklearn.utils.estimator_checks import check_param_validation, estimator_checks_generator

from skrnn import parameters, validation
from skrnn.parameters import CLASSIFIER_CONSTRAINTS, REGRESSOR_CONSTRAINTS, validate_parameters
from skrnn.validation import (
    read_class_targets,
    read_classes,
    read_matching_sequences,
    read_regression_targets,
    read_sequences,
    read_validation_sequences,
    read_weights,
    remember_features,
)

NAN, INF = np.nan, np.inf
TABLE = np.arange(12.0).reshape(3, 4)
ARRAY = np.arange(24.0).reshape(2, 4, 3)


def objects(*items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def put(array, position, value):
    array = np.array(array)
    array[position] = value
    return array


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
    ],
)
def test_every_2d_container_is_the_same_table(X):
    sequences, form, n_features_in = read_sequences(X)
    assert (form, n_features_in) == ("table", 4)
    assert sequences.values.dtype == np.float64
    assert sequences.values.flags.c_contiguous
    assert sequences.starts.tolist() == [0, 4, 8]
    np.testing.assert_array_equal(sequences.values, TABLE.reshape(-1, 1))


def test_flat_rows_are_time_before_features():
    flat = ARRAY.reshape(2, 12)
    sequences, form, n_features_in = read_sequences(flat, n_timesteps=4)
    assert (form, n_features_in) == ("flat", 12)
    assert np.shares_memory(sequences.values, flat)
    np.testing.assert_array_equal(sequences.values, ARRAY.reshape(-1, 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_3d_is_a_view(dtype):
    X = ARRAY.astype(dtype)
    X.flags.writeable = False
    sequences, form, n_features_in = read_sequences(X)
    assert (form, n_features_in) == ("array", 3)
    assert np.shares_memory(sequences.values, X)
    assert sequences.values.dtype == dtype


LIST = [np.arange(6.0).reshape(2, 3), np.arange(15.0).reshape(5, 3)]


@pytest.mark.parametrize(
    "X",
    [
        LIST,
        tuple(LIST),
        objects(*LIST),
        pd.Series(LIST),
        [LIST[0].tolist(), LIST[1].tolist()],
        [pd.DataFrame(LIST[0]), pl.DataFrame(LIST[1])],
        [LIST[0], LIST[1].tolist()],
    ],
)
def test_every_container_of_arrays_is_the_same_list(X):
    sequences, form, n_features_in = read_sequences(X)
    assert (form, n_features_in) == ("list", 3)
    assert sequences.lengths.tolist() == [2, 5]
    np.testing.assert_array_equal(sequences.values, np.concatenate(LIST))


@pytest.mark.parametrize(
    "X",
    [
        [np.array([1.0, 2.0]), np.array([3.0])],
        [np.array([[1.0], [2.0]]), np.array([3.0])],
        objects([1, 2], [3]),
        objects((1, 2), (3,)),
        pd.Series([[1, 2], [3]]),
        pl.Series([[1, 2], [3]]),
        [pd.Series([1, 2]), pd.Series([3], dtype="Int64")],
        [np.array([1, 2], dtype=object), np.array([3])],
    ],
)
def test_1d_elements_have_one_feature(X):
    sequences, form, n_features_in = read_sequences(X)
    assert (form, n_features_in) == ("list", 1)
    assert sequences.lengths.tolist() == [2, 1]
    assert sequences.values.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize("X", [TABLE.astype(">f4"), ARRAY.astype(">f4"), [LIST[0].astype(">f4")]])
def test_float32_in_another_order_of_bytes_stays_float32(X):
    assert read_sequences(X).sequences.values.dtype == np.dtype("=f4")


def test_list_of_equal_arrays_stays_a_list_and_list_of_numbers_a_table():
    arrays = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    assert read_sequences(arrays).form == "list"
    assert read_sequences(objects(*arrays)).form == "list"
    assert read_sequences(pd.Series([[1, 2], [3, 4]])).form == "list"
    assert read_sequences([[1, 2], [3, 4]]).form == "table"
    assert read_sequences([[1, 2]]).form == "table"
    assert read_sequences([[[1, 2], [3, 4]]]).form == "list"


def test_trailing_nan_steps_are_padding():
    padded = np.full((3, 5, 2), NAN)
    arrays = [np.arange(2.0 * n).reshape(n, 2) for n in (3, 5, 1)]
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    sequences, form, n_features_in = read_sequences(padded)
    expected = read_sequences(arrays).sequences
    assert (form, n_features_in) == ("array", 2)
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
def test_dtype(X, expected):
    assert read_sequences(X).sequences.values.dtype == expected
    assert read_sequences(X, dtype="float32").sequences.values.dtype == np.float32
    assert read_sequences(X, dtype="float64").sequences.values.dtype == np.float64


def test_large_but_finite_is_accepted():
    for X in (np.full((2, 3), 1.7e308), np.full((2, 3, 2), 3e38, np.float32)):
        np.testing.assert_array_equal(read_sequences(X).sequences.values.ravel(), X.ravel())


def test_nothing_is_changed_and_nothing_warns():
    X = put(ARRAY, (1, slice(2, None)), NAN)
    before = X.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_sequences(X, dtype="float32")
    np.testing.assert_array_equal(X, before)


# --- refusals of X ---------------------------------------------------------------------------

BAD_X = {
    "nan in table": (put(TABLE, (1, 2), NAN), ValueError, "X contains NaN: sample 1, column 2"),
    "None in table": ([[1, None]], ValueError, "Input X contains NaN: sample 0, column 1"),
    "NA in table": (
        pd.DataFrame({"a": [1, None]}).convert_dtypes(),
        ValueError,
        "Input X contains NaN: sample 1, column 0",
    ),
    "inf in table": (put(TABLE, (2, 3), -INF), ValueError, "X contains infinity.*sample 2, col"),
    "nan before the end": (
        put(ARRAY, (1, 2, 0), NAN),
        ValueError,
        "Input X contains NaN: sample 1, step 2, feature 0",
    ),
    "nan step before a step": (put(ARRAY, (0, 1), NAN), ValueError, "sample 0, step 1, feature 0"),
    "nan in part of the last step": (
        put(ARRAY, (1, 3, 2), NAN),
        ValueError,
        "sample 1, step 3, feature 2. NaN is padding only",
    ),
    "inf in 3-D": (put(ARRAY, (0, 3, 1), INF), ValueError, "infinity.*sample 0, step 3, feature 1"),
    "inf in padding": (
        put(put(ARRAY, (1, slice(2, None)), NAN), (1, 3, 0), INF),
        ValueError,
        "Input X contains NaN: sample 1, step 2, feature 0",
    ),
    "only padding": (put(ARRAY, 1, NAN), ValueError, "Sample 1 of X is empty: all of its 4 steps"),
    "nan in a list": (
        [np.ones((2, 3)), put(np.ones((4, 3)), (3, 1), NAN)],
        ValueError,
        "Input X contains NaN: sample 1, step 3, feature 1",
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
    "ragged sample": ([[[1, 2], [3]]], ValueError, "Sample 0 of X is not a sequence"),
    "nested table": ([[1, [2]], [3, 4]], ValueError, "not a 2-D or 3-D array of numbers"),
    "3-D element": ([np.ones((2, 2, 2))], TypeError, "type ndarray of 3 dimensions"),
    "None in a list": ([np.ones(2), None], TypeError, "Sample 1 of X is not.*NoneType"),
    "dicts": ([{"a": 1}], TypeError, "Sample 0 of X is not a sequence.*dict"),
    "object junk": (objects(object(), {}), TypeError, "Sample 0 of X is not a sequence.*object"),
    "list of strings": (["ab", "cd"], TypeError, "Sample 0 of X is not a sequence.*str"),
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
    "dates": (np.array([["2020"]], dtype="M8[D]"), ValueError, "datetime64.*must be numeric"),
    "complex": (TABLE + 1j, ValueError, "Complex data not supported"),
    "complex in a list": ([np.ones(2) + 1j], ValueError, "Complex data not supported: Sample 0"),
    "complex objects": ((TABLE + 1j).astype(object), ValueError, "Complex data not supported"),
    "array cells": (
        pd.DataFrame({"a": [np.ones(3), np.ones(2)]}),
        ValueError,
        r"array of shape \(3,\) in the place of a number",
    ),
    "huge integer": ([[10**400]], ValueError, "too large to convert to float.*sample 0, column 0"),
    "sparse": (sparse.csr_array(TABLE), TypeError, r"[Ss]parse.*toarray\(\)"),
    "sparse matrix": (sparse.coo_matrix(TABLE), TypeError, r"[Ss]parse.*toarray\(\)"),
    "sparse element": ([sparse.csr_array(TABLE)], TypeError, "Sample 0 of X.*csr_array"),
    "mask": (np.ma.masked_greater(TABLE, 3), ValueError, "masked"),
}


@pytest.mark.parametrize("case", BAD_X)
def test_bad_X(case):
    X, error, message = BAD_X[case]
    with pytest.raises(error, match=f"(?s){message}"):
        read_sequences(X, estimator_name="Net")


def test_mask_without_masked_values_is_an_array():
    np.testing.assert_array_equal(
        read_sequences(np.ma.array(TABLE)).sequences.values.ravel(), TABLE.ravel()
    )


def test_n_timesteps_must_divide():
    with pytest.raises(ValueError, match="4 columns, which n_timesteps=3 does not divide"):
        read_sequences(TABLE, n_timesteps=3)


def test_n_timesteps_must_agree():
    read_sequences(ARRAY, n_timesteps=4)
    read_sequences(LIST, n_timesteps=5)
    with pytest.raises(ValueError, match=r"4 time steps \(shape \(2, 4, 3\).*n_timesteps=3"):
        read_sequences(ARRAY, n_timesteps=3)
    with pytest.raises(ValueError, match="Sample 1 of X has 5 steps, but n_timesteps=4"):
        read_sequences(LIST, n_timesteps=4)


def test_flat_nan_names_step_and_feature():
    with pytest.raises(ValueError, match=r"sample 1, column 3 \(step 1, feature 1\)"):
        read_sequences(put(TABLE, (1, 3), NAN), n_timesteps=2)


@pytest.mark.parametrize("X", [TABLE + 1e300, ARRAY + 1e300, [np.ones((2, 1)) * 1e300]])
def test_overflow_is_an_error_not_infinity(X):
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\): sample 0.*1e\+300"):
        read_sequences(X, dtype="float32")


# --- the estimator's memory ------------------------------------------------------------------


class Net(RegressorMixin, BaseEstimator):
    """Predicts the sum of a sequence; as small as an estimator can be that uses the door."""

    def __init__(self, n_timesteps=None):
        self.n_timesteps = n_timesteps

    def fit(self, X, y, sample_weight=None):
        name = type(self).__name__
        data = read_sequences(X, n_timesteps=self.n_timesteps, estimator_name=name)
        n_samples, dtype = len(data.sequences), data.sequences.values.dtype
        weights = read_weights(sample_weight, n_samples, dtype)
        read_regression_targets(y, n_samples, dtype, weights=weights, estimator_name=name)
        remember_features(self, X, data)
        return self

    def predict(self, X):
        sequences = read_matching_sequences(self, X).sequences
        return np.add.reduceat(sequences.values.sum(axis=1), sequences.starts)


INPUT_CHECKS = [
    "check_complex_data",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_empty_data_messages",
    "check_estimators_nan_inf",
    "check_f_contiguous_array_estimator",
    "check_fit1d",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_fit2d_predict1d",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_readonly_memmap_input",
    "check_regressor_data_not_an_array",
    "check_requires_y_none",
    "check_sample_weights_shape",
    "check_all_zero_sample_weights_error",
    "check_sample_weights_list",
    "check_sample_weights_pandas_series",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_supervised_y_2d",
    "check_supervised_y_no_nan",
    "check_estimators_pickle",
    "check_dict_unchanged",
]


@pytest.mark.parametrize("check", INPUT_CHECKS)
def test_sklearn_checks_of_input(check):
    checks = [
        found for _, found in estimator_checks_generator(Net()) if found.func.__name__ == check
    ]
    for found in checks:
        found(Net())
    assert checks or check == "check_all_zero_sample_weights_error"  # new in scikit-learn 1.9


def test_features_are_remembered_by_form():
    y = [1.0, 2.0]
    frame = pd.DataFrame(ARRAY.reshape(2, 12)).add_prefix("c")
    net = Net(n_timesteps=4).fit(frame, y)
    assert net.n_features_in_ == 12
    assert net.feature_names_in_.tolist() == list(frame.columns)
    net.fit(ARRAY, y)
    assert net.n_features_in_ == 3
    assert not hasattr(net, "feature_names_in_")
    assert net.fit(ARRAY[:, :, 0].tolist(), y).n_features_in_ == 4


@pytest.mark.parametrize("X", [put(TABLE, (0, 0), NAN), TABLE[:2], TABLE.astype(str)])
def test_bad_input_leaves_the_model_as_it_was(X):
    net = Net().fit(pd.DataFrame(TABLE).add_prefix("c"), [1, 2, 3])
    before = copy.deepcopy(vars(net))
    with pytest.raises(ValueError, match=r"X|inconsistent"):
        net.fit(X, [1, 2, 3])
    assert vars(net).keys() == before.keys()
    np.testing.assert_equal(vars(net), before)


def test_any_form_predicts_the_same_sums():
    flat, y = ARRAY.reshape(2, 12), [0.0, 1.0]
    expected = flat.sum(axis=1)
    forms = [ARRAY, flat, list(ARRAY), objects(*ARRAY), pd.DataFrame(flat)]
    for fitted in forms:
        net = Net(n_timesteps=4).fit(fitted, y)
        for X in forms:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "X (has|does not have)")
                np.testing.assert_allclose(net.predict(X), expected)


def test_longer_sequences_are_fine_after_sequences():
    net = Net().fit(ARRAY, [0, 1])
    np.testing.assert_allclose(net.predict(LIST), [15, 105])
    np.testing.assert_allclose(net.predict(np.ones((1, 9, 3))), [27])


def test_wrong_number_of_columns_in_sklearn_words():
    words = "X has 3 features, but Net is expecting 4 features as input"
    with pytest.raises(ValueError, match=words):
        Net().fit(TABLE, [1, 2, 3]).predict(TABLE[:, :3])
    with pytest.raises(ValueError, match=words):
        Net(n_timesteps=2).fit(TABLE, [1, 2, 3]).predict(TABLE[:, :3])


def test_wrong_features_per_step():
    net = Net().fit(ARRAY, [0, 1])
    with pytest.raises(ValueError, match="X has 2 features, but Net is expecting 3 features"):
        net.predict(ARRAY[:, :, :2])
    with pytest.raises(ValueError, match=r"X is 2-D with 12 columns.*3-D X.*or set n_timesteps"):
        net.predict(ARRAY.reshape(2, 12))
    net.set_params(n_timesteps=4)
    np.testing.assert_allclose(net.predict(ARRAY.reshape(2, 12)), ARRAY.sum(axis=(1, 2)))


def test_table_of_one_feature_after_sequences_of_one_feature():
    net = Net().fit([np.ones(2), np.ones(5)], [0, 1])
    np.testing.assert_allclose(net.predict(TABLE), TABLE.sum(axis=1))


def test_table_model_needs_its_length():
    net = Net().fit(TABLE, [1, 2, 3])
    np.testing.assert_allclose(net.predict(list(TABLE)), TABLE.sum(axis=1))
    np.testing.assert_allclose(net.predict(TABLE[:, :, np.newaxis]), TABLE.sum(axis=1))
    with pytest.raises(ValueError, match=r"Sample 1 of X has 3 steps.*table of 4 columns"):
        net.predict([np.ones(4), np.ones(3)])
    with pytest.raises(ValueError, match="X has 3 features, but Net is expecting 1 features"):
        net.predict(ARRAY)


def test_feature_names_are_checked():
    frame = pd.DataFrame(TABLE, columns=list("abcd"))
    net = Net().fit(frame, [1, 2, 3])
    with pytest.raises(ValueError, match=r"feature names should match.*\n.*same order"):
        net.predict(frame[list("dcba")])
    with pytest.raises(ValueError, match="yet now missing:\n- d"):
        net.predict(frame[list("abc")])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        net.predict(TABLE)


NAMED = pd.DataFrame(TABLE, columns=list("abcd"))
#: X that models are fitted on, and their n_timesteps.
FITTED_ON = {
    "table": (TABLE, None),
    "named": (NAMED, None),
    "flat": (TABLE, 2),
    "array": (ARRAY, None),
    "array of n_timesteps": (ARRAY, 4),
    "list": ([ARRAY[0], ARRAY[1, :2]], None),
}


class Subclass(np.ndarray):
    pass


def odd_and_ordinary(X):
    """Arrays of which some are just what a model works on, and some are not quite."""
    steps = X.shape[1]
    yield from (X, X[:1], X[1:2], X[:0], X[:, :0], X[..., :2], np.repeat(X, 2, axis=1))
    yield from (X[::2], X[::-1], np.asfortranarray(X), X[:, :, np.newaxis], X[0], X.tolist())
    yield from (X.astype(dtype) for dtype in ("f4", ">f8", "i8", "O", "U9", "c16", "f2"))
    yield from (put(X, (0,) * X.ndim, value) for value in (NAN, INF, -INF, 1e308, 1e-320))
    yield put(X, (slice(None), 0), 1e308)  # finite, with a sum that is not
    yield put(X, (1, slice(steps - 1, None)), NAN)  # padding, where X is 3-D
    yield from (X.view(Subclass), np.ma.array(X))
    yield from (np.ma.masked_greater(X, 2), sparse.csr_array(X.reshape(len(X), -1)))


def outcome(net, X, dtype):
    """All that the door gives for an X: data, or an error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            sequences, *rest = read_matching_sequences(net, X, dtype=dtype)
            found = sequences.steps().tolist(), sequences.lengths.tolist(), sequences.values.dtype
        except (TypeError, ValueError) as error:
            found, rest = type(error), [str(error)]
    return found, rest, [(warning.category, str(warning.message)) for warning in caught]


@pytest.mark.parametrize("dtype", [None, "float64", "float32", np.dtype("f8"), np.dtype("f4")])
@pytest.mark.parametrize("fitted_on", FITTED_ON)
def test_the_short_way_through_the_door_changes_nothing(fitted_on, dtype, monkeypatch):
    X, n_timesteps = FITTED_ON[fitted_on]
    net = Net(n_timesteps).fit(X, np.arange(len(X)))
    inputs = [*odd_and_ordinary(TABLE), *odd_and_ordinary(ARRAY), np.ones((2, 5, 1))]
    found = [outcome(net, X, dtype) for X in inputs]
    net.set_params(n_timesteps=3)
    found += [outcome(net, X, dtype) for X in inputs]
    monkeypatch.setattr(validation, "_as_it_is", lambda estimator, X, dtype: None)
    net.set_params(n_timesteps=n_timesteps)
    expected = [outcome(net, X, dtype) for X in inputs]
    net.set_params(n_timesteps=3)
    expected += [outcome(net, X, dtype) for X in inputs]
    for X, one, other in zip(inputs * 2, found, expected, strict=True):
        assert one == other, X


@pytest.mark.parametrize("fitted_on", ["table", "flat", "array", "list"])
def test_ordinary_arrays_take_the_short_way(fitted_on, monkeypatch):
    X, n_timesteps = FITTED_ON[fitted_on]
    net = Net(n_timesteps).fit(X, np.arange(len(X)))
    X = ARRAY if isinstance(X, list) else X
    monkeypatch.setattr(validation, "_open", None)
    for rows in (X, X[:1], X.astype("f4")):
        data = read_matching_sequences(net, rows, dtype=rows.dtype)
        assert np.shares_memory(data.sequences.values, rows)


def test_ragged_folds_keep_their_meaning():
    # Each fold has sequences of equal length, all have not.
    X = [np.full(length, 1.0) for length in (2, 2, 3, 3, 3, 3)]
    folds = [([2, 3, 4, 5], [0, 1]), ([0, 1], [2, 3, 4, 5])]
    sums = cross_val_predict(Net(), X, np.arange(6.0), cv=folds)
    np.testing.assert_allclose(sums, [2, 2, 3, 3, 3, 3])


def test_validation_data_must_match_training_data():
    net = Net()
    frame = pd.DataFrame(TABLE, columns=list("abcd"))
    data = read_sequences(frame)
    found = read_validation_sequences(net, frame[:2], frame, data)
    assert len(found.sequences) == 2
    with pytest.raises(ValueError, match=r"(?s)In X_val: The feature names.*yet now missing"):
        read_validation_sequences(net, frame[list("abc")], frame, data)
    with pytest.raises(ValueError, match="In X_val: Input X contains NaN: sample 0, column 1"):
        read_validation_sequences(net, put(TABLE, (0, 1), NAN), TABLE, read_sequences(TABLE))
    with pytest.raises(TypeError, match="In X_val: Sparse"):
        read_validation_sequences(net, sparse.csr_array(TABLE), TABLE, read_sequences(TABLE))
    assert vars(net) == {"n_timesteps": None}


# --- regression targets ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "y",
    [
        [1, 2, 3],
        np.array([1.0, 2.0, 3.0]),
        pd.Series([1, 2, 3], index=[7, 8, 9]),
        pd.Series([1, 2, 3], dtype="Int64"),
        pl.Series([1, 2, 3]),
        np.array([1, 2, 3], dtype=object),
    ],
)
def test_1d_targets(y, dtype):
    values, one_dimensional = read_regression_targets(y, 3, dtype)
    assert one_dimensional
    assert values.dtype == dtype
    assert values.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize("container", [np.asfortranarray, np.ndarray.tolist, pd.DataFrame])
def test_2d_targets(container):
    y = np.arange(6.0).reshape(3, 2)
    values, one_dimensional = read_regression_targets(container(y), 3, np.float64)
    assert not one_dimensional
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values, y)


def test_targets_are_a_copy():
    y = np.arange(6.0).reshape(3, 2)
    assert not np.shares_memory(read_regression_targets(y, 3, np.float64).values, y)


def test_column_is_1d_with_a_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y"):
        values, one_dimensional = read_regression_targets([[1.0], [2.0]], 2, np.float64)
    assert one_dimensional
    assert values.shape == (2, 1)


BAD_TARGETS = {
    "None": (None, ValueError, "This Net estimator requires y to be passed, but the target y is"),
    "length": ([1, 2], ValueError, r"inconsistent numbers of samples: \[3, 2\]"),
    "nan": ([1, NAN, 3], ValueError, "Input y contains NaN: sample 1. Leave"),
    "None inside": ([1, None, 3], ValueError, "Input y contains NaN: sample 1"),
    "nan in output": ([[1, 2], [1, 2], [1, NAN]], ValueError, "NaN: sample 2, output 1"),
    "inf": ([1, 2, -INF], ValueError, "Input y contains infinity.*sample 2"),
    "complex": (np.ones(3) + 1j, ValueError, "Complex data not supported"),
    "strings": (["a", "b", "c"], ValueError, "y is of dtype <U1.*could not convert string"),
    "string objects": (np.array([1, "b", 2], object), ValueError, "to float: 'b' .sample 1"),
    "dates": (np.array(["2020"] * 3, "M8[D]"), ValueError, "y is of dtype datetime64"),
    "3-D": (np.ones((3, 2, 2)), ValueError, r"got shape \(3, 2, 2\)"),
    "no outputs": (np.ones((3, 0)), ValueError, r"got shape \(3, 0\)"),
    "scalar": (1.0, TypeError, "at least 1 dimension"),
    "ragged": ([[1], [1, 2], [3]], ValueError, "same number of targets, for each sample"),
    "sparse": (sparse.csr_array(np.ones((3, 2))), TypeError, r"Sparse.*y.*toarray\(\)"),
}


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_targets(case):
    y, error, message = BAD_TARGETS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        read_regression_targets(y, 3, np.float64, estimator_name="Net")


def test_targets_too_large_for_float32():
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\): sample 1.*1e\+200"):
        read_regression_targets([1, 1e200], 2, np.float32)


def test_number_of_outputs_is_kept():
    with pytest.raises(ValueError, match="y has 2 outputs, but Net is expecting 1 outputs"):
        read_regression_targets(np.ones((3, 2)), 3, float, n_outputs=1, estimator_name="Net")


def test_poisson_targets():
    def read(y, weights=None):
        return read_regression_targets(y, 3, np.float64, loss="poisson", weights=weights)

    assert read([0, 1, 2]).values.ravel().tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"non-negative y: sample 2, output 0 is -1\.0"):
        read([0, 1, -1])
    with pytest.raises(ValueError, match="positive sum of y: all samples of output 0 are 0"):
        read([0, 0, 0])
    with pytest.raises(ValueError, match="all samples of output 1 are 0"):
        read([[1, 0], [0, 0], [1, 0]])
    with pytest.raises(ValueError, match="all samples of output 0 are 0"):
        read([0, 0, 1], np.array([1.0, 1.0, 0.0]))


# --- class targets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes", "kind"),
    [
        ([3, 1, 3], [1, 3], "binary"),
        ([3.0, 1.0, 3.0], [1.0, 3.0], "binary"),
        ([True, False, True], [False, True], "binary"),
        (["b", "a", "b"], ["a", "b"], "binary"),
        (np.array(["b", "a", "b"], dtype=object), ["a", "b"], "binary"),
        (np.array([3, 1, 3], dtype=object), [1, 3], "binary"),
        (pd.Series(["b", "a", "b"]), ["a", "b"], "binary"),
        (pd.Series(["b", "a", "b"], dtype="category"), ["a", "b"], "binary"),
        (pd.Series([3, 1, 3], dtype="Int64"), [1, 3], "binary"),
        (pl.Series(["b", "a", "b"]), ["a", "b"], "binary"),
        ([2, 0, 5], [0, 2, 5], "multiclass"),
        (["c", "a", "b"], ["a", "b", "c"], "multiclass"),
    ],
)
def test_labels_of_any_type(y, classes, kind):
    targets = read_class_targets(y, 3)
    assert targets.classes.tolist() == classes
    assert targets.kind == kind
    assert targets.values.dtype == np.int64
    assert targets.classes[targets.values].tolist() == list(y)


@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist, list, pd.DataFrame])
def test_indicator_matrix(convert):
    y = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 1]])
    for matrix in (y, y.astype(bool), y.astype(float)):
        values, classes, kind = read_class_targets(convert(matrix), 3)
        assert kind == "multilabel"
        assert classes.tolist() == [0, 1, 2]
        assert values.dtype == np.float64
        assert values.flags.c_contiguous
        np.testing.assert_array_equal(values, y)


def test_label_column_is_1d_with_a_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y"):
        assert read_class_targets([["a"], ["b"]], 2).values.tolist() == [0, 1]


BAD_LABELS = {
    "None": (None, ValueError, "requires y to be passed, but the target y is None"),
    "length": ([1, 2], ValueError, r"inconsistent numbers of samples: \[3, 2\]"),
    "continuous": ([0.5, 1.2, 3.3], ValueError, "Unknown label type: continuous"),
    "3-D": (np.zeros((3, 2, 2)), ValueError, "Unknown label type"),
    "objects": (
        np.array([1, {}, [2]], object),
        ValueError,
        r"Unknown label type: y .*{} \(sample 1",
    ),
    "nan": ([0, 1, NAN], ValueError, "Input y contains NaN: sample 2"),
    "inf": ([0, 1, INF], ValueError, "Input y contains infinity.*sample 2"),
    "None inside": (
        ["a", None, "b"],
        ValueError,
        r"Unknown label type: y contains None \(sample 1\).*none missing",
    ),
    "mixed": (
        np.array([1, "a", "b"], object),
        ValueError,
        r"mixes strings and numbers: it begins with 1 and contains 'a' \(sample 1\)",
    ),
    "complex": (np.ones(3) + 1j, ValueError, "Complex data not supported"),
    "one class": (["a"] * 3, ValueError, "at least 2 classes, but y contains only one class: 'a'"),
    "multioutput": ([[1, 2], [3, 1], [2, 2]], ValueError, "2 columns of classes.*MultiOutputClass"),
    "not indicators": ([[1, 2], [2, 1], [2, 2]], ValueError, "sample 0, label 1 is 2"),
    "sparse": (sparse.csr_array(np.eye(3)), TypeError, r"Sparse.*toarray\(\)"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels(case):
    y, error, message = BAD_LABELS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        read_class_targets(y, 3, estimator_name="Net")


def test_zero_weight_removes_a_class():
    targets = read_class_targets([1, 0, 2, 1], 4, weights=np.array([1.0, 1.0, 0.0, 2.0]))
    assert targets.classes.tolist() == [0, 1]
    assert targets.kind == "binary"
    assert targets.values[[0, 1, 3]].tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="only one class: 1, sample_weight being zero elsewhere"):
        read_class_targets([0, 1, 0, 1], 4, weights=np.array([0.0, 1.0, 0.0, 1.0]))


def test_known_classes():
    targets = read_class_targets([2, 2], 2, classes=np.array([0, 1, 2]))
    assert targets.values.tolist() == [2, 2]
    assert targets.kind == "multiclass"
    for y, unseen in ([0, 5], "5"), (["a", "b"], "'a'"):
        with pytest.raises(ValueError, match=rf"class that Net does not know: {unseen} \(sample"):
            read_class_targets(y, 2, classes=np.array([0, 1, 2]), estimator_name="Net")
    with pytest.raises(ValueError, match=r"y_val contains a class.*'c' \(sample 1\)"):
        read_class_targets(["a", "c"], 2, classes=np.array(["a", "b"]), input_name="y_val")


def test_known_kind():
    matrix = np.array([[0, 1], [1, 1]])
    with pytest.raises(ValueError, match="multilabel-indicator, but Net was fitted on a binary y"):
        read_class_targets(matrix, 2, kind="binary", estimator_name="Net")
    with pytest.raises(ValueError, match="is binary, but Net was fitted on a multilabel y"):
        read_class_targets([0, 1], 2, kind="multilabel", estimator_name="Net")
    with pytest.raises(ValueError, match=r"y has 2 labels \(columns\), but Net is expecting 3"):
        read_class_targets(matrix, 2, classes=np.arange(3), estimator_name="Net")
    assert read_class_targets(matrix[1:], 1, classes=np.arange(2), kind="multilabel").values.all()


def test_partial_fit_classes():
    assert read_classes(["b", "a"]).tolist() == ["a", "b"]
    fitted = np.array([0, 1])
    assert read_classes(None, fitted) is fitted
    assert read_classes([1, 0], fitted).tolist() == [0, 1]
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        read_classes(None)
    with pytest.raises(ValueError, match="not the same as on last call to partial_fit"):
        read_classes([0, 1, 2], fitted)
    with pytest.raises(ValueError, match="at least 2 classes"):
        read_classes([1])
    with pytest.raises(ValueError, match=r"classes must be a list of classes, got shape \(1, 2\)"):
        read_classes([[0, 1]])


# --- weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights(dtype):
    for given, expected in [
        (None, [1, 1, 1]),
        (2, [2, 2, 2]),
        (np.float64(0.5), [0.5, 0.5, 0.5]),
        ([0, 1, 2], [0, 1, 2]),
        (pd.Series([0, 1, 2], index=[5, 6, 7]), [0, 1, 2]),
        (np.array([True, False, True]), [1, 0, 1]),
    ]:
        weights = read_weights(given, 3, dtype)
        assert weights.dtype == dtype
        assert weights.tolist() == expected


def test_weights_are_a_copy():
    given = np.ones(3)
    read_weights(given, 3, np.float64)[:] = 7
    assert given.tolist() == [1, 1, 1]


BAD_WEIGHTS = {
    "2-D": (np.ones((3, 1)), ValueError, "must be 1D array or scalar, got 2D array"),
    "length": (np.ones(2), ValueError, r"sample_weight.shape == \(2,\), expected \(3,\)"),
    "negative": ([1, -2, 1], ValueError, "Negative values.*`sample_weight`: sample 1 is -2"),
    "negative scalar": (-1, ValueError, "Negative values.*`sample_weight`"),
    "nan": ([1, 1, NAN], ValueError, "Input sample_weight contains NaN: sample 2"),
    "inf": ([1, INF, 1], ValueError, "Input sample_weight contains infinity.*sample 1"),
    "zeros": ([0, 0, 0], ValueError, "must contain at least one non-zero number"),
    "zero": (0, ValueError, "must contain at least one non-zero number"),
    "strings": (["a", "b", "c"], ValueError, "sample_weight is of dtype <U1"),
    "complex": (np.ones(3) + 1j, ValueError, "Complex data not supported"),
    "huge": ([1e308, 1e308, 1e308], ValueError, "sum of sample_weight is too large"),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_bad_weights(case):
    weights, error, message = BAD_WEIGHTS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        read_weights(weights, 3, np.float64)


def test_weights_are_named_as_asked():
    with pytest.raises(ValueError, match=r"sample_weight_val\.shape"):
        read_weights([1], 3, np.float64, input_name="sample_weight_val")


# --- constructor parameters ------------------------------------------------------------------


DEFAULTS = {
    "hidden_layer_sizes": (64,),
    "cell": "gru",
    "activation": "tanh",
    "bidirectional": False,
    "pooling": "last",
    "n_timesteps": None,
    "dropout": 0.0,
    "linear_path": "auto",
    "solver": "adam",
    "alpha": 1e-4,
    "batch_size": "auto",
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "power_t": 0.5,
    "max_iter": 200,
    "shuffle": True,
    "random_state": None,
    "tol": 1e-4,
    "verbose": False,
    "warm_start": False,
    "momentum": 0.9,
    "nesterovs_momentum": True,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "early_stopping": False,
    "validation_fraction": 0.1,
    "n_iter_no_change": 10,
    "max_grad_norm": 1.0,
    "standardize": True,
    "dtype": None,
    "n_jobs": None,
}


class OnlyParameters(BaseEstimator):
    """Parameters of one of the two estimators, and a fit that looks at nothing else."""

    def __init__(self, **parameters):
        vars(self).update(self._defaults | parameters)

    def get_params(self, deep=True):
        return {name: getattr(self, name) for name in self._defaults}

    def fit(self, X, y):
        validate_parameters(self)
        return self


class RNNRegressor(RegressorMixin, OnlyParameters):
    _parameter_constraints = REGRESSOR_CONSTRAINTS
    _defaults = DEFAULTS | {"loss": "squared_error", "quantile": 0.5}


class RNNClassifier(ClassifierMixin, OnlyParameters):
    _parameter_constraints = CLASSIFIER_CONSTRAINTS
    _defaults = DEFAULTS | {"class_weight": None}


@pytest.mark.parametrize("estimator", [RNNRegressor(), RNNClassifier()])
def test_sklearn_check_of_parameters(estimator):
    validate_parameters(estimator)
    check_param_validation(type(estimator).__name__, estimator)


@pytest.mark.parametrize("class_weight", [{0: 1.0}, "balanced"])
def test_class_weight(class_weight):
    validate_parameters(RNNClassifier(class_weight=class_weight))


GOOD_PARAMETERS = [
    {"hidden_layer_sizes": 3},
    {"hidden_layer_sizes": [np.int64(3), 4]},
    {"quantile": 0.1},
    {"quantile": [0.1, np.float32(0.5)]},
    {"n_iter_no_change": INF},
    {"n_iter_no_change": 1},
    {"max_grad_norm": None},
    {"n_jobs": -1},
    {"n_jobs": 2},
    {"dropout": 0},
    {"dtype": "float32"},
    {"n_timesteps": np.int32(4)},
    {"random_state": np.random.RandomState(0)},
    {"alpha": np.float32(0)},
]


@pytest.mark.parametrize("good", GOOD_PARAMETERS, ids=lambda good: next(iter(good)))
def test_good_parameters(good):
    validate_parameters(RNNRegressor(**good))


BAD_PARAMETERS = [
    ({"hidden_layer_sizes": 0}, "an int in the range [1, inf)"),
    ({"hidden_layer_sizes": ()}, "an int in the range [1, inf) or a non-empty tuple or list"),
    ({"hidden_layer_sizes": (4, 0)}, "of such. Got (4, 0) instead."),
    ({"hidden_layer_sizes": [4, 2.5]}, "of such. Got [4, 2.5] instead."),
    ({"hidden_layer_sizes": "64"}, "Got '64' instead."),
    ({"quantile": 1.0}, "a float in the range (0.0, 1.0)"),
    ({"quantile": []}, "or a non-empty tuple or list of such. Got [] instead."),
    ({"quantile": [0.1, 1.5]}, "of such. Got [0.1, 1.5] instead."),
    ({"quantile": [0.1, "q"]}, "of such. Got [0.1, 'q'] instead."),
    ({"n_jobs": 0}, "Got 0 instead."),
    ({"dropout": 1.0}, "in the range [0.0, 1.0). Got 1.0 instead."),
    ({"dtype": "float16"}, "Got 'float16' instead."),
    ({"validation_fraction": 0.0}, "in the range (0.0, 1.0). Got 0.0 instead."),
    ({"max_grad_norm": 0}, "Got 0 instead."),
    ({"alpha": NAN}, "Got nan instead."),
    ({"pooling": "sum"}, "Got 'sum' instead."),
    ({"shuffle": 1}, "Got 1 instead."),
]


@pytest.mark.parametrize(("bad", "message"), BAD_PARAMETERS, ids=str)
def test_bad_parameters(bad, message):
    beginning = f"The '{next(iter(bad))}' parameter of RNNRegressor must be "
    with pytest.raises(ValueError, match=re.escape(beginning) + ".*" + re.escape(message)):
        validate_parameters(RNNRegressor(**bad))


def test_parameters_go_unchecked_without_sklearns_private_module(monkeypatch):
    monkeypatch.setattr(parameters, "Interval", None)
    validate_parameters(RNNRegressor(cell="transformer"))


def test_import_survives_without_sklearns_private_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.utils._param_validation", None)
    names = runpy.run_path(parameters.__file__)
    assert names["REGRESSOR_CONSTRAINTS"] == names["CLASSIFIER_CONSTRAINTS"] == {}
    names["validate_parameters"](RNNRegressor(cell="transformer"))
