"""What y means: numbers or classes, as what they are learnt, and what each refusal says."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from datasets import objects
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import r2_score
from sklearn.utils.class_weight import compute_sample_weight

from skrnn import losses
from skrnn.data import targets
from skrnn.data.classes import ClassTarget, MultilabelTarget
from skrnn.data.given import Given
from skrnn.data.labels import read_classes
from skrnn.data.regression import RegressionTarget

NAN, INF = np.nan, np.inf
SQUARED_ERROR = losses.of_regression("squared_error", 0.5)


def given(y, n_samples, weights=None, dtype="float64", **names):
    """A y whose samples all count, if nothing else is said."""
    return Given(y, n_samples, np.ones(n_samples) if weights is None else weights, dtype, **names)


def learn_numbers(y, n_samples, *, loss=SQUARED_ERROR, n_targets=None, **settings):
    return RegressionTarget.learn(given(y, n_samples, **settings), loss, n_targets)


def learn_classes(y, n_samples, *, classes=None, kind=None, **settings):
    return ClassTarget.learn(given(y, n_samples, **settings), classes=classes, kind=kind)


# --- numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
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
def test_1d_targets_are_one_column_and_come_back_1d(y, dtype):
    target, values = learn_numbers(y, 3, dtype=dtype)
    assert target.n_targets == target.n_outputs == 1
    assert target.decode(values).tolist() == [1, 2, 3]
    assert values.dtype == np.float64
    assert values.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize("container", [np.asfortranarray, np.ndarray.tolist, pd.DataFrame])
def test_2d_targets_come_back_2d(container):
    y = np.arange(6.0).reshape(3, 2)
    target, values = learn_numbers(container(y), 3)
    assert target.n_targets == target.n_outputs == 2
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values, y)
    np.testing.assert_array_equal(target.decode(values), y)


def test_targets_are_a_copy():
    for y in (np.arange(6.0).reshape(3, 2), np.arange(3.0)):
        assert not np.shares_memory(learn_numbers(y, 3)[1], y)


def test_a_column_is_1d_with_a_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y"):
        target, values = learn_numbers([[1.0], [2.0]], 2)
    assert target.n_targets == 1
    assert target.decode(values).tolist() == [1, 2]
    assert values.shape == (2, 1)


AS_FLOAT = r"\. For classes use RNNClassifier; for numbers in text pass y\.astype\(float\)\.$"
BAD_TARGETS = {
    "None": (None, ValueError, "This Net estimator requires y to be passed, but the target y is"),
    "length": ([1, 2], ValueError, "numbers of samples: X has 3, y has 2.$"),
    "nan": ([1, NAN, 3], ValueError, "Input y contains NaN: sample 1. Leave"),
    "None inside": ([1, None, 3], ValueError, "Input y contains NaN: sample 1"),
    "nan in output": ([[1, 2], [1, 2], [1, NAN]], ValueError, "NaN: sample 2, output 1"),
    "inf": ([1, 2, -INF], ValueError, "Input y contains infinity.*sample 2"),
    "complex": (np.ones(3) + 1j, ValueError, "Complex data not supported"),
    "strings": (["a", "b", "c"], ValueError, f"y is of dtype <U1.*string to float{AS_FLOAT}"),
    "string objects": (
        np.array([1, "b", 2], object),
        ValueError,
        f"to float: 'b' .sample 1.{AS_FLOAT}",
    ),
    "junk": (objects([1.0, object(), 2.0]), TypeError, r"not 'object' .sample 1.\.$"),
    "dates": (
        np.array(["2020"] * 3, "M8[D]"),
        ValueError,
        "y is of dtype datetime64.*Turn dates into",
    ),
    "3-D": (np.ones((3, 2, 2)), ValueError, r"got shape \(3, 2, 2\). There is one prediction for"),
    "no outputs": (np.ones((3, 0)), ValueError, r"got shape \(3, 0\).$"),
    "scalar": (1.0, TypeError, "y must have one target.*for each sample. Got.* float instead"),
    "a set": ({1.0, 2.0, 3.0}, TypeError, "y must have one target.*Got.* set instead"),
    "ragged": ([[1], [1, 2], [3]], ValueError, "0 is of length 1, but sample 1 is of length 2.$"),
    "partly ragged": ([1, 2, [3]], ValueError, "0 is a single value, but sample 2 is of length 1"),
    "arrays in cells": (
        objects([1.0, np.ones(3), 2.0]),
        ValueError,
        r"but sample 1 is an array of shape \(3,\). .* not for each step, unless return_sequences",
    ),
    "lists in cells": (objects([[1], [1, 2], [3]]), TypeError, "0 is a list of length 1. It"),
    "sparse": (sparse.csr_array(np.ones((3, 2))), TypeError, r"Sparse.*y.*toarray\(\)"),
}


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_targets_are_refused_with_the_place(case):
    y, error, message = BAD_TARGETS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        learn_numbers(y, 3, estimator_name="Net")


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_targets_are_refused_by_the_name_of_their_argument(case):
    y, error, _ = BAD_TARGETS[case]
    target = learn_numbers([1, 2, 3], 3)[0]
    with pytest.raises(error, match="y_val"):
        target.encode(given(y, 3, name="y_val"))


def test_numbers_of_samples_are_told_with_their_arguments():
    target = learn_numbers([1, 2, 3], 3)[0]
    with pytest.raises(ValueError, match=r"numbers of samples: X_val has 3, y_val has 2.$"):
        target.encode(given([1, 2], 3, name="y_val"))


def test_targets_too_large_for_float32_are_refused():
    assert learn_numbers([1, 1e200], 2)[1].tolist() == [[1], [1e200]]
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\): sample 1.*1e\+200"):
        learn_numbers([1, 1e200], 2, dtype="float32")


def test_the_number_of_outputs_is_kept():
    with pytest.raises(ValueError, match="y has 2 outputs, but Net is expecting 1 outputs"):
        learn_numbers(np.ones((3, 2)), 3, n_targets=1, estimator_name="Net")
    target = learn_numbers(np.ones((3, 2)), 3)[0]
    assert target.encode(given(np.eye(2), 2)).tolist() == np.eye(2).tolist()
    with pytest.raises(ValueError, match="y_val has 1 outputs, but Net is expecting 2 outputs"):
        target.encode(given([1, 2], 2, estimator_name="Net", name="y_val"))


def test_poisson_targets_are_neither_negative_nor_all_zero():
    poisson = losses.of_regression("poisson", 0.5)
    read = partial(learn_numbers, n_samples=3, loss=poisson)
    target, values = read([0, 1, 2])
    assert values.ravel().tolist() == [0, 1, 2]
    assert target.encode(given([0, 1], 2)).ravel().tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"non-negative y: sample 2, output 0 is -1\.0"):
        read([0, 1, -1])
    with pytest.raises(ValueError, match="positive sum of y: all samples of output 0 are 0"):
        read([0, 0, 0])
    with pytest.raises(ValueError, match="all samples of output 1 are 0"):
        read([[1, 0], [0, 0], [1, 0]])
    with pytest.raises(ValueError, match="all samples of output 0 are 0"):
        read([0, 0, 1], weights=np.array([1.0, 1.0, 0.0]))
    with pytest.raises(ValueError, match=r"non-negative y_val: sample 0, output 0 is -1\.0"):
        target.encode(given([-1, 1, 1], 3, name="y_val"))


@pytest.mark.parametrize("n_targets", [1, 2])
def test_several_levels_are_one_more_axis_and_never_cross(n_targets):
    loss = losses.of_regression("quantile", [0.9, 0.1, 0.5])
    y = np.arange(2.0 * n_targets).reshape(2, n_targets)
    target, values = learn_numbers(y if n_targets > 1 else y[:, 0], 2, loss=loss)
    assert values.shape == (2, n_targets)
    assert target.n_outputs == 3 * n_targets
    crossed = np.arange(6.0 * n_targets)[::-1].reshape(2, -1)
    decoded = target.decode(crossed)
    assert decoded.shape == ((2, 3) if n_targets == 1 else (2, 2, 3))
    np.testing.assert_array_equal(decoded.ravel(), np.sort(crossed.reshape(-1, 3)).ravel())


def test_of_several_levels_the_median_is_scored(rng):
    loss = losses.of_regression("quantile", [0.1, 0.5, 0.9])
    y = rng.normal(size=(20, 2))
    target, values = learn_numbers(y, 20, loss=loss)
    predicted = np.dstack([y - 3.0, y, y + 5.0])
    assert target.score(values, predicted.reshape(20, 6), np.ones(20)) == 1.0


# --- classes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes", "kind"),
    [
        ([3, 1, 3], [1, 3], "binary"),
        ([3.0, 1.0, 3.0], [1.0, 3.0], "binary"),
        ([True, False, True], [False, True], "binary"),
        (["b", "a", "b"], ["a", "b"], "binary"),
        (np.array(["b", "a", "b"], dtype=object), ["a", "b"], "binary"),
        (pd.Series(["b", "a", "b"]), ["a", "b"], "binary"),
        (pd.Series(["b", "a", "b"], dtype="category"), ["a", "b"], "binary"),
        (pd.Series([3, 1, 3], dtype="Int64"), [1, 3], "binary"),
        (pd.Series([True, False, True], dtype="boolean"), [False, True], "binary"),
        (pd.Series([3, 1, 3]).astype("category"), [1, 3], "binary"),
        (pl.Series(["b", "a", "b"]), ["a", "b"], "binary"),
        ([2, 0, 5], [0, 2, 5], "multiclass"),
        (["c", "a", "b"], ["a", "b", "c"], "multiclass"),
    ],
)
def test_labels_of_any_type_become_numbers_of_classes(y, classes, kind):
    target, values = learn_classes(y, 3)
    assert target.classes.tolist() == classes
    assert target.kind == kind
    assert (target.n_targets, target.n_outputs) == (1, 1 if kind == "binary" else 3)
    assert values.dtype == np.float64
    assert values.shape == (3, 1)
    codes = values[:, 0].astype(np.int64)
    assert (codes == values[:, 0]).all()
    assert target.classes[codes].tolist() == list(y)
    raw = 2.0 * values - 1.0 if kind == "binary" else np.eye(3)[codes]
    assert target.decode(raw).tolist() == list(y)
    np.testing.assert_array_equal(target.encode(given(y, 3)), values)


@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist, list, pd.DataFrame])
def test_an_indicator_matrix_is_learnt_as_it_is(convert):
    y = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 1]])
    for matrix in (y, y.astype(bool), y.astype(float)):
        target, values = learn_classes(convert(matrix), 3)
        assert target.kind == "multilabel"
        assert target.classes.tolist() == [0, 1, 2]
        assert target.n_targets == target.n_outputs == 3
        assert values.dtype == np.float64
        assert values.flags.c_contiguous
        np.testing.assert_array_equal(values, y)
        np.testing.assert_array_equal(target.decode(2.0 * values - 1.0), y)


@pytest.mark.parametrize("kind", [">i4", ">f8", ">U3"])
def test_classes_are_in_the_order_of_bytes_of_the_machine(kind):
    y = np.array([2, 1, 2], kind)
    for classes in (learn_classes(y, 3)[0].classes, read_classes(y)):
        assert classes.dtype.isnative
        assert classes.tolist() == np.unique(y).tolist()


def test_a_column_of_labels_is_1d_with_a_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y"):
        assert learn_classes([["a"], ["b"]], 2)[1].tolist() == [[0], [1]]


BAD_LABELS = {
    "nan among strings": (
        objects(["a", NAN, "b"]),
        ValueError,
        "Input y contains NaN: sample 1. Leave samples without a target out",
    ),
    "nan first": (objects([NAN, "a", "b"]), ValueError, "Input y contains NaN: sample 0"),
    "nan in a list of strings": (["a", "b", NAN], ValueError, "Input y contains NaN: sample 2"),
    "nan in a Series": (pd.Series(["a", None, "b"]), ValueError, "y contains NaN|none missing"),
    "NA": (objects(["a", pd.NA, "b"]), ValueError, "Input y contains NaN: sample 1"),
    "NA among numbers": (
        pd.Series([1, None, 0], dtype="Int64"),
        ValueError,
        "Input y contains NaN: sample 1",
    ),
    "NaT": (objects(["a", pd.NaT, "b"]), ValueError, "Input y contains NaN: sample 1"),
    "integers as objects": (
        objects([1, 0, 1]),
        ValueError,
        r"Unknown label type: y is of dtype object but holds numbers.*Pass y.astype\(int\)",
    ),
    "booleans as objects": (objects([True, False, True]), ValueError, r"y.*astype\(bool\)"),
    "whole numbers as objects": (objects([1.0, 0.0, 1.0]), ValueError, r"y.*astype\(float\)"),
    "indicators as objects": (
        np.array([[0, 1], [1, 0], [1, 1]], dtype=object),
        ValueError,
        r"y is of dtype object.*astype\(int\)",
    ),
    "indicators in a mixed frame": (
        pd.DataFrame({"a": [0, 1, 1], "b": [True, False, True]}),
        ValueError,
        r"y is of dtype object.*astype\(int\)",
    ),
    "None": (None, ValueError, "requires y to be passed, but the target y is None"),
    "length": ([1, 2], ValueError, "numbers of samples: X has 3, y has 2.$"),
    "continuous": ([0.5, 1.2, 3.3], ValueError, "Unknown label type: continuous"),
    "3-D": (np.zeros((3, 2, 2)), ValueError, r"got shape \(3, 2, 2\). There is one prediction for"),
    "no labels": (np.zeros((3, 0)), ValueError, r"\(n_samples, n_labels\), got shape \(3, 0\).$"),
    "ragged": ([[1], [1, 2], [3]], ValueError, "1 is of length 2. Make .*MultiLabelBinarizer.$"),
    "sets": ([{1}, {1, 2}, {3}], ValueError, "Unknown label type: y.*MultiLabelBinarizer.$"),
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
    "bytes": (np.array([b"a", b"b", b"a"]), TypeError, r"y is of dtype .S1, bytes.*astype\(str\)"),
    "mixed in a list": (
        [0, 1, "a"],
        ValueError,
        r"mixes strings and numbers: it begins with 0 and contains 'a' \(sample 2\)",
    ),
    "complex": (np.ones(3) + 1j, ValueError, "Complex data not supported"),
    "scalar": (1.0, TypeError, "y must have one target.*for each sample. Got.* float instead"),
    "one class": (["a"] * 3, ValueError, "at least 2 classes, but y contains only one class: 'a'"),
    "multioutput": ([[1, 2], [3, 1], [2, 2]], ValueError, "2 columns of classes.*MultiOutputClass"),
    "not indicators": ([[1, 2], [2, 1], [2, 2]], ValueError, "sample 0, label 1 is 2"),
    "sparse": (sparse.csr_array(np.eye(3)), TypeError, r"Sparse.*toarray\(\)"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels_are_refused_with_the_place(case):
    y, error, message = BAD_LABELS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        learn_classes(y, 3, estimator_name="Net")


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels_are_refused_by_the_name_of_their_argument(case):
    y, error, _ = BAD_LABELS[case]
    target = learn_classes([1, 2, 3], 3)[0]
    with pytest.raises(error, match="y_val"):
        target.encode(given(y, 3, name="y_val"))


def test_a_weight_of_zero_removes_a_class():
    target, values = learn_classes([1, 0, 2, 1], 4, weights=np.array([1.0, 1.0, 0.0, 2.0]))
    assert target.classes.tolist() == [0, 1]
    assert target.kind == "binary"
    assert values[[0, 1, 3], 0].tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="only one class: 1, sample_weight being zero elsewhere"):
        learn_classes([0, 1, 0, 1], 4, weights=np.array([0.0, 1.0, 0.0, 1.0]))


def test_known_classes_are_kept():
    target, values = learn_classes([2, 2], 2, classes=np.array([0, 1, 2]))
    assert values.tolist() == [[2], [2]]
    assert target.kind == "multiclass"
    for y, unseen in ([0, 5], "5"), (["a", "b"], "'a'"):
        with pytest.raises(ValueError, match=rf"class that Net does not know: {unseen} \(sample"):
            learn_classes(y, 2, classes=np.array([0, 1, 2]), estimator_name="Net")
        with pytest.raises(ValueError, match=rf"class that Net does not know: {unseen} \(sample"):
            target.encode(given(y, 2, estimator_name="Net"))
    with pytest.raises(ValueError, match=r"y_val contains a class.*'c' \(sample 1\)"):
        learn_classes(["a", "c"], 2, classes=np.array(["a", "b"]), name="y_val")


def test_the_known_kind_is_kept():
    matrix = np.array([[0, 1], [1, 1]])
    with pytest.raises(
        ValueError, match=r"^y of shape .2, 2. is an indicator matrix, but the first y has"
    ):
        learn_classes(matrix, 2, kind="binary", estimator_name="Net")
    with pytest.raises(ValueError, match=r"^y has one class for each sample, but the first y is"):
        learn_classes([0, 1], 2, kind="multilabel", estimator_name="Net")
    with pytest.raises(ValueError, match=r"^y_val .* matrix, but y has one class.*pass the class"):
        learn_classes(matrix, 2, kind="multiclass", name="y_val")
    with pytest.raises(ValueError, match="but y is an indicator matrix; y_val must be one with"):
        learn_classes([0, 1], 2, kind="multilabel", name="y_val")
    with pytest.raises(ValueError, match=r"y has 2 labels \(columns\), but Net is expecting 3"):
        learn_classes(matrix, 2, classes=np.arange(3), estimator_name="Net")
    target, values = learn_classes(matrix[1:], 1, classes=np.arange(2), kind="multilabel")
    assert target.kind == "multilabel"
    assert values.all()


def test_the_classes_of_partial_fit_are_named_once():
    assert read_classes(["b", "a"]).tolist() == ["a", "b"]
    fitted = np.array([0, 1])
    assert read_classes(None, fitted) is fitted
    assert read_classes([1, 0], fitted).tolist() == [0, 1]
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        read_classes(None)
    told = r"classes=\[0, 1, 2\] are not the classes that this model has: \[0, 1\]. Leave classes"
    with pytest.raises(ValueError, match=told):
        read_classes([0, 1, 2], fitted)
    found = read_classes(objects([3, 1, 2]))
    assert (found.tolist(), found.dtype.kind) == ([1, 2, 3], "i")
    assert read_classes(objects(["b", "a"])).tolist() == ["a", "b"]
    for mixed in (objects([0, "a"]), [0, "a"]):
        told = "Unknown label type: classes mixes .* it begins with 0 and contains 'a'"
        with pytest.raises(ValueError, match=told):
            read_classes(mixed)
    with pytest.raises(ValueError, match="Input classes contains NaN: sample 1"):
        read_classes(objects(["a", NAN]))
    with pytest.raises(ValueError, match="Input classes contains NaN: sample 1"):
        read_classes([1.0, NAN])
    with pytest.raises(TypeError, match=r"classes is of dtype .*must be strings or numbers"):
        read_classes(np.zeros(2, [("a", float)]))
    with pytest.raises(ValueError, match=r"Unknown label type: classes .* not whole: \[0.25, 1"):
        read_classes([0.25, 1.0])
    assert read_classes([2.0, 1.0]).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="at least 2 classes"):
        read_classes([1])
    with pytest.raises(ValueError, match=r"classes must be a list of classes, got shape \(1, 2\)"):
        read_classes([[0, 1]])


def test_weights_of_classes_are_those_of_the_training_data():
    training = given(["a", "a", "a", "b"], 4, np.array([1.0, 1.0, 1.0, 0.5]))
    target, values = ClassTarget.learn(training, "balanced")
    weighed = target.weigh(values, training.weights)
    assert weighed[:3].sum() == pytest.approx(weighed[3])
    later = given(["b", "b"], 2)
    factor = weighed[3] / training.weights[3]
    np.testing.assert_allclose(target.weigh(target.encode(later), later.weights), [factor, factor])
    target, values = ClassTarget.learn(training, {"b": 4.0})
    assert target.weigh(values, training.weights).tolist() == [1, 1, 1, 2]
    target, values = ClassTarget.learn(training)
    assert target.weigh(values, training.weights) is training.weights


@pytest.mark.parametrize("y", [["a", "b", "a", "a"], [1, 2, 1, 1], [False, True, False, False]])
def test_class_weight_may_name_classes_that_y_lacks_if_it_names_all_that_y_has(y):
    training = given(y, 4)
    one, two = sorted(set(y))
    target, values = ClassTarget.learn(training, {one: 2.0, two: 3.0, "rare": 9.0, 7: 0.0})
    assert target.weigh(values, training.weights).tolist() == [2, 3, 2, 2]
    target, values = ClassTarget.learn(training, {two: 3.0})
    assert target.weigh(values, training.weights).tolist() == [1, 3, 1, 1]
    with pytest.raises(ValueError, match=r"keys that are no classes: \['rear'\].*leaves out \["):
        ClassTarget.learn(training, {one: 2.0, "rear": 3.0})


# --- a saved target --------------------------------------------------------------------------

TARGETS = {
    "one number": learn_numbers([1.0, 2.0], 2)[0],
    "two numbers": learn_numbers(np.eye(2), 2, loss=losses.of_regression("poisson", 0.5))[0],
    "a level": learn_numbers([1.0, 2.0], 2, loss=losses.of_regression("quantile", 0.9))[0],
    "levels": learn_numbers(np.eye(2), 2, loss=losses.of_regression("quantile", [0.1, 0.9]))[0],
    "a level in a list": learn_numbers([1], 1, loss=losses.of_regression("quantile", [0.3]))[0],
    "two classes": learn_classes(["a", "b"], 2)[0],
    "three classes": learn_classes([1, 2, 3], 3)[0],
    "labels": learn_classes(np.eye(3, dtype=int), 3)[0],
}


@pytest.mark.parametrize("case", TARGETS)
def test_a_target_comes_back_from_its_state(case):
    target = TARGETS[case]
    back = targets.from_state(target.to_state())
    assert type(back) is type(target)
    assert (back.kind, back.n_targets, back.n_outputs) == (
        target.kind,
        target.n_targets,
        target.n_outputs,
    )
    assert vars(back.loss) == vars(target.loss)
    assert back.loss.name == target.loss.name
    raw = np.random.RandomState(0).normal(size=(7, target.n_outputs))
    np.testing.assert_array_equal(back.decode(raw), target.decode(raw))


def test_there_are_strata_where_each_class_has_samples_enough_and_more_are_held_out_than_classes():
    target, values = ClassTarget(np.arange(3)), np.array([0, 0, 1, 1, 2, 2.0])[:, np.newaxis]
    assert target.strata(values, 3.0) is None
    np.testing.assert_array_equal(target.strata(values, 3.5), values[:, 0])
    assert target.strata(values[:5], 3.5) is None  # one of a class


def test_balanced_labels_weigh_beside_the_weights_of_samples(rng):
    values, weights = rng.integers(0, 2, (20, 3)).astype(float), rng.uniform(size=20)
    target = MultilabelTarget(np.arange(3), None, "balanced")
    expected = weights * compute_sample_weight("balanced", values)
    np.testing.assert_allclose(target.weigh(values, weights), expected, rtol=1e-14)


def test_the_score_of_numbers_is_scikit_learns(rng):
    (values, predicted), weights = rng.normal(5.0, size=(2, 30, 2)), rng.uniform(size=30)
    target = RegressionTarget(losses.SquaredError(), 2)
    expected = r2_score(values, predicted, sample_weight=weights)
    assert target.score(values, predicted, weights) == pytest.approx(expected, rel=1e-12)
