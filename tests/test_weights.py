"""Sample weights: what is taken for them, and what each refusal says."""

import numpy as np
import pandas as pd
import pytest

from skrnn.data.weights import read_weights, representable

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_form_of_weights_is_one_number_for_each_sample(dtype):
    for given, expected in [
        (None, [1, 1, 1]),
        (2, [2, 2, 2]),
        (np.float64(0.5), [0.5, 0.5, 0.5]),
        ([0, 1, 2], [0, 1, 2]),
        (pd.Series([0, 1, 2], index=[5, 6, 7]), [0, 1, 2]),
        (np.array([True, False, True]), [1, 0, 1]),
    ]:
        weights = read_weights(given, 3, dtype)
        assert weights.dtype == np.float64
        assert weights.tolist() == expected


def test_weights_are_a_copy():
    given = np.ones(3)
    read_weights(given, 3, np.float64)[:] = 7
    assert given.tolist() == [1, 1, 1]


BAD_WEIGHTS = {
    "2-D": (np.ones((3, 1)), ValueError, "must be 1D array or scalar, got 2D array"),
    "length": (np.ones(2), ValueError, r"be of shape \(3,\), because X has 3.*Got shape \(2,\)"),
    "negative": ([1, -2, 1], ValueError, "Negative values.*`sample_weight`: sample 1 is -2"),
    "negative scalar": (-1, ValueError, "Negative values.*`sample_weight`"),
    "nan": ([1, 1, NAN], ValueError, "Input sample_weight contains NaN: sample 2"),
    "inf": ([1, INF, 1], ValueError, "Input sample_weight contains infinity.*sample 1"),
    "zeros": ([0, 0, 0], ValueError, "must contain at least one non-zero number"),
    "zero": (0, ValueError, "must contain at least one non-zero number"),
    "strings": (["a", "b", "c"], ValueError, "sample_weight is of dtype <U1"),
    "complex": (np.ones(3) + 1j, ValueError, "Complex data not supported"),
    "huge": (
        [1e308, 1e308, 1e308],
        ValueError,
        "sum of sample_weight is too large.* Scale the weights",
    ),
    "a string": (
        "balanced",
        ValueError,
        "^sample_weight must be one number .* got 'balanced'.*class_w",
    ),
    "a dict": ({0: 1.0}, ValueError, "one number for each sample, got {0: 1.0}. Weights by class"),
    "an object": ({1.0}, ValueError, "one number for each sample, got a set. Weights by class"),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_bad_weights_are_refused_with_the_place(case):
    weights, error, message = BAD_WEIGHTS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        read_weights(weights, 3, np.float64)


def test_weights_are_named_as_asked():
    with pytest.raises(ValueError, match=r"sample_weight_val must .* because X_val has 3"):
        read_weights([1], 3, np.float64, input_name="sample_weight_val")


def test_weights_have_to_be_finite_in_the_precision_of_the_model():
    for dtype in ("float64", np.float64):
        assert read_weights([1e39, 1.0], 2, dtype).tolist() == [1e39, 1.0]
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\): sample 0"):
        read_weights([1e39, 1.0], 2, "float32")
    with pytest.raises(ValueError, match=r"sum of sample_weight is too large for dtype\('float32'"):
        read_weights([3e38, 3e38], 2, "float32")
    assert read_weights([1e-46, 1.0], 2, "float32").tolist() == [0.0, 1.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smallest", [5e-324, 1e-310, 1e-60, 1e-46])
def test_weights_that_are_all_tiny_keep_their_proportions(smallest, dtype):
    weights = read_weights([smallest, 3 * smallest, 0.0], 3, dtype)
    assert weights.min() == 0.0
    assert weights[1] == pytest.approx(3 * weights[0], rel=1e-6)
    assert 2.0**-110 < weights[0] < 1e-20
    np.testing.assert_array_equal(representable(np.array([smallest]), dtype) > 0, True)


def test_a_small_negative_weight_is_no_zero_in_single_precision():
    with pytest.raises(ValueError, match=r"Negative values.*sample 1 is -1e-300"):
        read_weights([1.0, -1e-300], 2, "float32")


def test_weights_that_are_not_tiny_keep_their_bits():
    for weights in (np.array([2.0**-100, 1e-300]), np.array([0.1, 0.7])):
        assert read_weights(weights, 2, "float64").tolist() == weights.tolist()
        assert representable(weights, "float64") is weights


def test_weights_of_samples_and_classes_are_held_by_the_model_or_refused():
    assert representable(np.array([1e-50, 1.0]), "float32").tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match=r"times class_weight is too large for dtype\('float32'"):
        representable(np.array([1e39, 1.0]), "float32")
    with pytest.raises(ValueError, match=r"times class_weight is too large for dtype\('float64'"):
        representable(np.array([1.5e308, 1.5e308]), "float64")
    with pytest.raises(ValueError, match="The sum of sample_weight_val times class_weight"):
        representable(np.array([1e39]), "float32", input_name="sample_weight_val")
