"""Sample weights."""

from numbers import Number

import numpy as np
from sklearn.utils.validation import check_array

from skrnn.data.checks import (
    TARGET_AXES,
    at,
    numbers,
    refuse_complex,
    refuse_mask,
    require_finite,
)

#: Weights that are all below this are scaled up, by a power of two: their reciprocals overflow.
_SMALLEST = 2.0**-100
_ADVICE = "Fill missing weights; a weight of 0 leaves a sample out."


def read_weights(sample_weight, n_samples, dtype, *, input_name="sample_weight", axes=TARGET_AXES):
    """Read sample weights.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), number, or None
        None means ones.
    n_samples : int
        Samples in X.
    dtype : {np.float32, np.float64}
        The precision in which weights have to be finite, and not all zero.
    input_name : str, default="sample_weight"
        For messages.
    axes : tuple of str or StepAxes
        For messages: what an index of the weights counts.

    Returns
    -------
    ndarray of shape (n_samples,)
        In double precision.

    Raises
    ------
    ValueError, TypeError
        If a weight is negative or not finite, all are zero, or the shape is wrong.
    """
    if sample_weight is None:
        return np.ones(n_samples)
    raw = _open(sample_weight, n_samples, input_name, axes)
    with np.errstate(all="ignore"):
        double = np.array(raw, dtype=np.float64)
        weights = _scaled_up(double).astype(dtype)
        total = weights.sum()
    require_finite(raw, weights, input_name, _ADVICE, axes)
    if double.min() < 0:  # single precision makes a zero of a small one
        sample = np.argmax(double < 0)
        raise ValueError(
            f"Negative values in data passed to `{input_name}`: {at((sample,), axes)} is"
            f" {raw[sample]}."
        )
    if not weights.any():
        raise ValueError(
            f"Sample weights must contain at least one non-zero number. All of {input_name} are 0."
        )
    if not np.isfinite(total):
        raise ValueError(
            f"The sum of {input_name} is too large for {np.dtype(dtype)!r}. Scale the weights down."
        )
    return weights.astype(np.float64, copy=False)


def representable(weights, dtype, *, input_name="sample_weight"):
    """Weights times class weights as a model of that precision can hold them.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
    dtype : {"float32", "float64"}
    input_name : str, default="sample_weight"
        For messages: of the weights before class weights.

    Returns
    -------
    ndarray of shape (n_samples,)
        In double precision, 0 where that precision has no other number.

    Raises
    ------
    ValueError
        If their sum is not finite in that precision.
    """
    with np.errstate(all="ignore"):
        weights = _scaled_up(weights)
        held = weights.astype(dtype)
        total = held.sum()
    if not np.isfinite(total):
        raise ValueError(
            f"The sum of {input_name} times class_weight is too large for {np.dtype(dtype)!r}."
            " Scale them down."
        )
    return weights if held.all() else np.where(held > 0, weights, 0.0)


def _scaled_up(weights):
    largest = np.max(weights, initial=0.0)
    if not 0.0 < largest < _SMALLEST:
        return weights
    return np.ldexp(weights, -99 - np.frexp(largest)[1])


def _open(sample_weight, n_samples, input_name, axes):
    if isinstance(sample_weight, Number):
        sample_weight = np.full(n_samples, sample_weight)
    refuse_mask(sample_weight, input_name, _ADVICE)
    refuse_complex(sample_weight, input_name)
    array = check_array(
        sample_weight,
        dtype=None,
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite=False,
        ensure_min_samples=0,
        input_name=input_name,
    )
    if array.ndim == 0:
        raise ValueError(
            f"{input_name} must be one number for each sample, got {_told(sample_weight)}."
            " Weights by class are the classifier's parameter class_weight."
        )
    if array.ndim > 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {array.ndim}D array as {input_name}."
            f" Expected either a scalar value or a 1D array of length {n_samples}."
        )
    if len(array) != n_samples:
        data = "X_val" if input_name == "sample_weight_val" else "X"
        raise ValueError(
            f"{input_name} must be of shape {(n_samples,)}, because {data} has {n_samples} samples"
            f" and each needs one weight. Got shape {array.shape}."
        )
    return numbers(np.asarray(array), input_name, axes)


def _told(single):
    """A single object in words; the representation of most tells a user nothing."""
    return repr(single) if isinstance(single, (str, dict)) else f"a {type(single).__name__}"
