"""What X was in fit is remembered, and every later X is read as that one was, or refused."""

import copy
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from datasets import ARRAY, LIST, TABLE, objects, put, small, state
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data import reading
from skrnn.data.given import Given
from skrnn.data.regression import RegressionTarget
from skrnn.data.schema import Schema
from skrnn.data.weights import read_weights
from skrnn.losses import SquaredError

NAN, INF = np.nan, np.inf
NAMED = pd.DataFrame(TABLE, columns=list("abcd"))


def learn(X, n_timesteps=None, dtype=None):
    """The schema of an X."""
    return Schema.learn(X, n_timesteps=n_timesteps, dtype=dtype, estimator_name="Net")[0]


def sums(sequences):
    """The sum of each sequence."""
    return [sequences.take([i]).steps().sum() for i in range(len(sequences))]


# --- an estimator made of it -----------------------------------------------------------------


class Net(RegressorMixin, BaseEstimator):
    """Predicts the sum of a sequence; as small as an estimator can be that reads its data so."""

    def __init__(self, n_timesteps=None):
        self.n_timesteps = n_timesteps

    def fit(self, X, y, sample_weight=None):
        name = type(self).__name__
        schema, sequences = Schema.learn(X, n_timesteps=self.n_timesteps, estimator_name=name)
        weights = read_weights(sample_weight, len(sequences), schema.dtype)
        given = Given(y, len(sequences), weights, schema.dtype, name)
        RegressionTarget.learn(given, SquaredError())
        self.schema_, self.n_features_in_ = schema, schema.n_columns
        if schema.names is not None:
            self.feature_names_in_ = np.array(schema.names, dtype=object)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags

    def predict(self, X):
        return np.array(sums(self.schema_.read(X, self.n_timesteps)))


INPUT_CHECKS = [
    "check_complex_data",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_empty_data_messages",
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
def test_an_estimator_that_reads_with_it_passes_scikit_learns_checks_of_input(check):
    checks = [
        found for _, found in estimator_checks_generator(Net()) if found.func.__name__ == check
    ]
    for found in checks:
        found(Net())
    assert checks or check == "check_all_zero_sample_weights_error"  # new in scikit-learn 1.9


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (put(TABLE, (0, 0), INF), "^Input X contains infinity.*: sample 0, column 0"),
        (TABLE[:2], "numbers of samples: X has 2, y has 3"),
        (TABLE.astype(str), "^X is of dtype <U32, but must be numeric"),
    ],
)
def test_bad_input_leaves_the_model_as_it_was(X, message):
    net = Net().fit(pd.DataFrame(TABLE).add_prefix("c"), [1, 2, 3])
    before = copy.deepcopy(vars(net))
    with pytest.raises(ValueError, match=message):
        net.fit(X, [1, 2, 3])
    assert vars(net).keys() == before.keys()
    np.testing.assert_equal(vars(net), before)


def test_ragged_folds_keep_their_meaning():
    # Each fold has sequences of equal length, all have not.
    X = [np.full(length, 1.0) for length in (2, 2, 3, 3, 3, 3)]
    folds = [([2, 3, 4, 5], [0, 1]), ([0, 1], [2, 3, 4, 5])]
    found = cross_val_predict(Net(), X, np.arange(6.0), cv=folds)
    np.testing.assert_allclose(found, [2, 2, 3, 3, 3, 3])


# --- what is learnt of X ---------------------------------------------------------------------


def test_features_are_remembered_by_form():
    frame = pd.DataFrame(ARRAY.reshape(2, 12)).add_prefix("c")
    schema = learn(frame, 4)
    assert (schema.form, schema.n_columns, schema.n_features) == ("flat", 12, 3)
    assert list(schema.names) == list(frame.columns)
    schema = learn(ARRAY, 4)
    assert (schema.form, schema.n_columns, schema.n_features) == ("array", 3, 3)
    assert schema.names is None
    schema = learn(ARRAY[:, :, 0].tolist())
    assert (schema.form, schema.n_columns, schema.n_features) == ("table", 4, 1)
    assert schema.names is None
    assert learn(LIST) == Schema("list", 3, 3, None, None, "float64", "Net")


@pytest.mark.parametrize("form", [TABLE, ARRAY, LIST])
@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_the_precision_of_fit_is_that_of_every_later_X(dtype, form):
    schema = learn(form, dtype=dtype)
    assert schema.dtype == (dtype or "float64")
    for X in (form, [np.asarray(x, "f4") for x in form], [np.asarray(x, "f8") for x in form]):
        assert schema.read(X).values.dtype == schema.dtype


def test_only_a_plain_table_has_columns_with_scales_of_their_own():
    found = [learn(TABLE), learn(NAMED), learn(TABLE, 2), learn(ARRAY), learn(LIST)]
    assert [schema.is_table for schema in found] == [True, True, False, False, False]


@pytest.mark.parametrize("X", [TABLE, NAMED, ARRAY, LIST])
def test_a_schema_survives_as_a_dict_of_numbers_and_strings(X):
    schema = learn(X)
    state = schema.to_state()
    for value in state.values():
        assert value is None or type(value) in (int, str, tuple)
    assert all(type(name) is str for name in state["names"] or ())
    assert Schema(**state) == schema


def test_the_schema_reads_with_the_error_of_the_first_reading():
    with pytest.raises(ValueError, match=r"X is empty.*Net requires"):
        learn(np.empty((3, 2, 0)))
    with pytest.raises(TypeError, match="Feature names are only supported if all input"):
        learn(pd.DataFrame(TABLE, columns=["a", "b", 3, 4]))


# --- later X ---------------------------------------------------------------------------------


def test_any_form_gives_the_same_sums():
    flat = ARRAY.reshape(2, 12)
    expected = flat.sum(axis=1)
    forms = [ARRAY, flat, list(ARRAY), objects(list(ARRAY)), pd.DataFrame(flat)]
    for fitted in forms:
        schema = learn(fitted, 4)
        for X in forms:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "X (has|does not have)")
                np.testing.assert_allclose(sums(schema.read(X, 4)), expected)


def test_longer_sequences_are_fine_after_sequences():
    schema = learn(ARRAY)
    np.testing.assert_allclose(sums(schema.read(LIST)), [15, 105])
    np.testing.assert_allclose(sums(schema.read(np.ones((1, 9, 3)))), [27])


def test_a_wrong_number_of_columns_is_refused_in_scikit_learns_words():
    words = "X has 3 features, but Net is expecting 4 features as input"
    for n_timesteps in (None, 2):
        with pytest.raises(ValueError, match=words):
            learn(TABLE, n_timesteps).read(TABLE[:, :3], n_timesteps)


def test_a_wrong_number_of_features_per_step_is_refused():
    schema = learn(ARRAY)
    with pytest.raises(ValueError, match="X has 2 features at each step, but Net was fitted on 3"):
        schema.read(ARRAY[:, :, :2])
    with pytest.raises(ValueError, match=r"X is 2-D with 12 columns.*3-D X.*or set n_timesteps"):
        schema.read(ARRAY.reshape(2, 12))
    with pytest.raises(ValueError, match=r"X is 2-D with 3 columns, and Net was .*, pass \[X\]\."):
        schema.read(ARRAY[0])
    np.testing.assert_allclose(sums(schema.read([ARRAY[0]])), [ARRAY[0].sum()])
    np.testing.assert_allclose(
        sums(schema.read(ARRAY.reshape(2, 12), n_timesteps=4)), ARRAY.sum(axis=(1, 2))
    )


def test_a_model_of_rows_goes_on_reading_them_as_in_fit():
    schema = learn(TABLE, 2)
    for n_timesteps in (None, 1, 3, 4):
        sequences = schema.read(TABLE, n_timesteps)
        assert sequences.lengths.tolist() == [2, 2, 2]
        assert sequences.n_features == 2
    assert learn(TABLE).read(TABLE, 2).lengths.tolist() == [4, 4, 4]


def test_sequences_of_other_lengths_than_the_rows_of_fit_are_refused():
    schema = learn(ARRAY.reshape(2, 12), 4)
    np.testing.assert_allclose(sums(schema.read(list(ARRAY[:, :2]))), ARRAY[:, :2].sum(axis=(1, 2)))
    words = r"Sample 1 of X has 5 steps, but Net was fitted on rows with n_timesteps=4 and takes"
    for n_timesteps in (None, 4):
        with pytest.raises(ValueError, match=words):
            schema.read(LIST, n_timesteps)
        words_of_array = (
            r"X has {} time steps \(.*\), but Net was fitted on rows with n_timesteps=4"
        )
        for steps in (2, 5):
            with pytest.raises(ValueError, match=words_of_array.format(steps)):
                schema.read(np.ones((2, steps, 3)), n_timesteps)
    with pytest.raises(ValueError, match=r"has 12 steps, .* go in as np.stack\(X\)"):
        schema.read(list(ARRAY.reshape(2, 12)))


def test_a_table_of_one_feature_may_come_after_sequences_of_one_feature():
    schema = learn([np.ones(2), np.ones(5)])
    np.testing.assert_allclose(sums(schema.read(TABLE)), TABLE.sum(axis=1))


def test_a_model_of_a_table_needs_its_length():
    schema = learn(TABLE)
    np.testing.assert_allclose(sums(schema.read(list(TABLE))), TABLE.sum(axis=1))
    np.testing.assert_allclose(sums(schema.read(TABLE[:, :, np.newaxis])), TABLE.sum(axis=1))
    with pytest.raises(ValueError, match=r"Sample 1 of X has 3 steps.*table of 4 columns"):
        schema.read([np.ones(4), np.ones(3)])
    with pytest.raises(ValueError, match=r"X has 3 features at each .* a table of 4 columns"):
        schema.read(ARRAY)


def test_feature_names_are_checked():
    schema = learn(NAMED)
    with pytest.raises(ValueError, match=r"feature names should match.*\n.*same order"):
        schema.read(NAMED[list("dcba")])
    with pytest.raises(ValueError, match="yet now missing:\n- d"):
        schema.read(NAMED[list("abc")])
    with pytest.warns(UserWarning, match="X does not have valid feature names, but Net was"):
        schema.read(TABLE)
    with pytest.warns(UserWarning, match="X has feature names, but Net was fitted without"):
        learn(TABLE).read(NAMED)


# --- lists of data frames --------------------------------------------------------------------

#: What makes a data frame of an array with three features.
FRAMES = {
    "pandas": lambda x, names="abc": pd.DataFrame(x, columns=list(names)),
    "polars": lambda x, names="abc": pl.DataFrame(x, schema=list(names)),
}


def _has_names(frame):
    """Whether this scikit-learn reads names of this library's frames; 1.7 none of polars 2."""
    return hasattr(FunctionTransformer().fit(frame(LIST[0])), "feature_names_in_")


LIBRARIES = pytest.mark.parametrize(
    "frame",
    [
        pytest.param(
            frame,
            id=name,
            marks=pytest.mark.skipif(
                not _has_names(frame), reason=f"scikit-learn reads no names of {name} frames here"
            ),
        )
        for name, frame in FRAMES.items()
    ],
)


@LIBRARIES
def test_names_of_a_steps_features_are_remembered_of_a_list_of_frames(frame):
    frames = [frame(x) for x in LIST]
    for X in (frames, tuple(frames), objects(frames), pd.Series(frames), [frames[0], LIST[1]]):
        schema = learn(X)
        assert (schema.names, schema.n_columns) == (("a", "b", "c"), 3)
        assert Schema(**schema.to_state()) == schema
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_allclose(sums(schema.read(X)), [15, 105])
    assert learn([pd.DataFrame(x) for x in LIST]).names is None


@LIBRARIES
def test_frames_with_other_columns_than_in_fit_are_refused(frame):
    schema = learn([frame(x) for x in LIST])
    with pytest.raises(ValueError, match=r"feature names should match.*\n.*same order"):
        schema.read([frame(x, "bac") for x in LIST])
    with pytest.raises(ValueError, match="yet now missing:\n- c"):
        schema.read([frame(x, "abz") for x in LIST])
    with pytest.raises(ValueError, match="X has 2 features at each step, but Net was fitted on 3"):
        schema.read([frame(x[:, :2], "ab") for x in LIST])
    for unnamed in (LIST, ARRAY, ARRAY[:1]):
        with pytest.warns(UserWarning, match="X does not have valid feature names, but Net was"):
            schema.read(unnamed)
    with pytest.warns(UserWarning, match="X has feature names, but Net was fitted without"):
        learn(LIST).read([frame(x) for x in LIST])


@LIBRARIES
def test_frames_of_one_list_that_differ_are_refused_by_sample_and_column(frame):
    words = r"Sample 2 of X has other columns than sample 0: column 1 is 'c' instead of 'b'"
    X = [frame(LIST[0]), frame(LIST[1]), frame(LIST[0], "acb")]
    for given in (X, objects(X)):
        with pytest.raises(ValueError, match=words):
            learn(given)
        for fitted_on in (learn(LIST), learn(ARRAY), learn(X[:2]), learn(TABLE, 1)):
            with pytest.raises(ValueError, match=words):
                fitted_on.read(given)
    fewer = [frame(LIST[0]), frame(LIST[0][:, :2], "ab")]
    with pytest.raises(ValueError, match=r"Sample 1 of X has other .*: there are 2 instead of 3"):
        learn(fewer)


@LIBRARIES
@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
def test_estimators_hold_lists_of_frames_against_the_names_of_fit(Estimator, frame):
    X, swapped = [frame(x) for x in LIST], [frame(x, "bac") for x in LIST]
    net = small(Estimator, early_stopping="auto").fit(X, [0, 1], X_val=X, y_val=[0, 1])
    assert net.feature_names_in_.tolist() == ["a", "b", "c"]
    assert net.n_features_in_ == 3
    refuses(small(Estimator), X, swapped, r"(?s)In X_val: The feature names.*same order")
    before = state(net)
    for call in (net.predict, lambda X: net.partial_fit(X, [0, 1]), lambda X: net.score(X, [0, 1])):
        with pytest.raises(ValueError, match="feature names should match"):
            call(swapped)
    net.set_params(warm_start=True)
    with pytest.raises(ValueError, match="feature names should match"):
        net.fit(swapped, [0, 1])
    net.set_params(warm_start=False)
    assert state(net) == before
    assert not hasattr(net.fit(LIST, [0, 1]), "feature_names_in_")


# --- time and features -----------------------------------------------------------------------


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
def test_one_step_of_several_features_is_pointed_out_once(Estimator):
    X, y = np.random.RandomState(0).normal(size=(12, 1, 5)), np.arange(12) % 2
    net = small(Estimator)
    with pytest.warns(
        UserWarning, match=r"(?s)shape \(12, 1, 5\) is.*X\.transpose\(0, 2, 1\)"
    ) as seen:
        net.fit(X, y, X_val=X, y_val=y)
    assert [one.category for one in seen] == [UserWarning]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.predict(X)
        net.partial_fit(X, y)
        small(Estimator, n_timesteps=1).fit(X, y)
        small(Estimator).fit(X.transpose(0, 2, 1), y)
        small(Estimator).fit(X[:, :, :1], y)
        small(Estimator).fit(list(X), y)


# --- the quick way and the long way ----------------------------------------------------------

#: X that models are fitted on, and their n_timesteps.
FITTED_ON = {
    "table": (TABLE, None),
    "named": (NAMED, None),
    "flat": (TABLE, 2),
    "array": (ARRAY, None),
    "array of n_timesteps": (ARRAY, 4),
    "list": ([ARRAY[0], ARRAY[1, :2]], None),
}


def in_precision(X, dtype):
    return [x.astype(dtype) for x in X] if isinstance(X, list) else X.astype(dtype)


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


def outcome(schema, X, n_timesteps):
    """All that the schema gives for an X: data, or an error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            sequences = schema.read(X, n_timesteps)
            steps = sequences.steps()  # told in full, for NaN equals nothing
            found = repr(steps.tolist()), sequences.lengths.tolist(), steps.dtype
            found = *found, sequences.has_gaps
        except (TypeError, ValueError) as error:
            found = type(error), str(error)
    return found, [(warning.category, str(warning.message)) for warning in caught]


@pytest.mark.parametrize(
    ("given", "dtype"),
    [("f8", None), ("f8", "float64"), ("f8", "float32"), ("f4", None), ("f4", "float64")],
)
@pytest.mark.parametrize("fitted_on", FITTED_ON)
def test_the_quick_way_gives_what_the_long_way_gives(fitted_on, given, dtype, monkeypatch):
    X, n_timesteps = FITTED_ON[fitted_on]
    schema = learn(in_precision(X, given), n_timesteps, dtype)
    inputs = [*odd_and_ordinary(TABLE), *odd_and_ordinary(ARRAY), np.ones((2, 5, 1))]
    asked = [(X, now) for now in (n_timesteps, 3) for X in inputs]
    found = [outcome(schema, *question) for question in asked]
    monkeypatch.setattr(Schema, "_as_it_is", lambda schema, X, n_timesteps: None)
    expected = [outcome(schema, *question) for question in asked]
    for question, one, other in zip(asked, found, expected, strict=True):
        assert one == other, question


@pytest.mark.parametrize("fitted_on", ["table", "flat", "array", "list"])
def test_ordinary_arrays_go_the_quick_way(fitted_on, monkeypatch):
    X, n_timesteps = FITTED_ON[fitted_on]
    schemas = {dtype: learn(in_precision(X, dtype), n_timesteps) for dtype in ("f8", "f4")}
    X = ARRAY if isinstance(X, list) else X
    monkeypatch.setattr(reading, "open_input", None)
    for dtype, rows in (("f8", X), ("f8", X[:1]), ("f4", X.astype("f4"))):
        assert np.shares_memory(schemas[dtype].read(rows, n_timesteps).values, rows)


# --- validation data -------------------------------------------------------------------------


def refuses(net, X, X_val, message):
    """A fit that watches such X_val is refused and leaves the estimator as it was."""
    before = state(net)
    y = np.arange(len(X)) % 2
    with pytest.raises(ValueError, match=message):
        net.fit(X, y, X_val=X_val, y_val=y)
    assert state(net) == before


def test_validation_data_must_match_training_data():
    schema = learn(NAMED)
    assert len(schema.read(NAMED[:2])) == 2
    net = small(RNNRegressor)
    missing, swapped = NAMED[list("abc")], NAMED[list("bacd")]
    refuses(net, NAMED, missing, r"(?s)In X_val: The feature names.*yet now missing")
    refuses(net, NAMED, swapped, r"(?s)In X_val: The feature names.*same order")
    infinite = put(TABLE, (0, 1), INF)
    refuses(net, TABLE, infinite, "In X_val: Input X contains infinity.*: sample 0, column 1")
    refuses(net, TABLE, sparse.coo_array((3, 10**8)), "In X_val: Sparse")
    longer = np.ones((3, 5, 1))
    refuses(net, TABLE, longer, r"In X_val: Sample 0 of X has 5 steps, but RNNRegressor was")
    assert vars(net) == small(RNNRegressor).get_params()


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
def test_a_refused_fit_with_validation_data_leaves_a_fitted_model_as_it_was(Estimator):
    net = small(Estimator).fit(ARRAY, [0, 1])
    refuses(net, NAMED, NAMED[list("dcba")], r"(?s)In X_val: The feature names.*same order")
    refuses(
        net,
        TABLE,
        ARRAY,
        "In X_val: X has 3 features at each step, but RNN.* was fitted on a table",
    )
    assert not hasattr(net, "feature_names_in_")
    assert net.n_features_in_ == 3


@pytest.mark.parametrize(
    ("X", "X_val", "words"),
    [
        (NAMED, TABLE, "X_val does not have valid feature names, but RNNRegressor was fitted with"),
        (TABLE, NAMED, "X_val has feature names, but RNNRegressor was fitted without"),
    ],
)
def test_a_warning_of_names_speaks_of_the_validation_data(X, X_val, words):
    y = [0.0, 1.0, 2.0]
    with pytest.warns(UserWarning, match="feature names") as warned:
        small(RNNRegressor).fit(X, y, X_val=X_val, y_val=y)
    assert [str(one.message) for one in warned] == [f"{words} feature names"]


def test_validation_data_are_read_as_the_training_data_were():
    X = np.random.RandomState(0).normal(size=(20, 8))
    y = X[:, 0]
    curves = []
    for X_val in (X, X.reshape(20, 4, 2), list(X.reshape(20, 4, 2)), pd.DataFrame(X).to_numpy("O")):
        net = small(RNNRegressor, n_timesteps=4).fit(X, y, X_val=X_val, y_val=y)
        curves.append(net.validation_loss_curve_)
    assert len(curves[0]) == 4
    for curve in curves[1:]:
        assert curve == curves[0]


def test_a_lazy_frame_is_refused_in_words():
    lazy = pl.DataFrame({"a": [1.0, 2.0], "b": [1.0, 3.0]}).lazy()
    for declared in (None, "from_dtype", ["a"]):
        with pytest.raises(ValueError, match=r"X is a LazyFrame.* Pass X.collect\(\)"):
            Schema.learn(lazy, categorical_features=declared)
    schema, _ = Schema.learn(lazy.collect())
    with pytest.raises(ValueError, match=r"X is a LazyFrame.* Pass X.collect\(\)"):
        schema.read(lazy)


@pytest.mark.parametrize("dates", ["timestamp", "date32", "duration"])
def test_dates_of_arrow_are_named(dates):
    pyarrow = pytest.importorskip("pyarrow", reason="tables of Arrow need it")
    kind = getattr(pyarrow, dates)(*(() if dates == "date32" else ("s",)))
    X = pyarrow.table({"a": [1.0], "when": pyarrow.array([7], kind)})
    with pytest.raises(ValueError, match=r"X is of dtype .* in column 'when', but must be numeric"):
        Schema.learn(X)
