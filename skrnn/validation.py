"""The one door for data: any X becomes Sequences, any y an array of targets.

Every error about input is raised here, in words of the user's own data: the argument, the sample,
the step. Nothing here changes its arguments, and only :func:`remember_features` touches an
estimator.

Two rules decide the form of X, and neither looks at the numbers in it, so a subset of X (a fold
of a cross-validation) is always read as X is: an element that is itself an array is a sequence,
and a list of plain numbers is a row of a 2-D table.
"""

import copy
from dataclasses import replace
from numbers import Number
from typing import NamedTuple

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from skrnn.sequences import Sequences

# ---------------------------------------------------------------------------------------------
# X
# ---------------------------------------------------------------------------------------------


class Input(NamedTuple):
    """X as it was read.

    Attributes
    ----------
    sequences : Sequences
        The data, float32 or float64.
    form : {"table", "flat", "array", "list"}
        2-D without ``n_timesteps``, 2-D with it, 3-D, or one array per sample.
    n_features_in : int
        Columns of a 2-D X, features per step of any other.
    """

    sequences: Sequences
    form: str
    n_features_in: int


def read_sequences(X, *, n_timesteps=None, dtype=None, estimator_name="This estimator"):
    """Read X of any form.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_columns), (n_samples, n_timesteps, n_features), \
            or list of array-likes of shape (T_i, n_features) or (T_i,)
        Whole trailing steps of NaN in a 3-D X are padding. An object array, tuple or Series of
        arrays is read as the list of them.
    n_timesteps : int, default=None
        Steps in a row of a 2-D X; None: as many as columns. Another form has to agree with it:
        a 3-D X has exactly so many steps, a sequence of a list at most so many.
    dtype : {"float32", "float64"}, default=None
        None keeps float32 and makes everything else float64.
    estimator_name : str, default="This estimator"
        For messages.

    Returns
    -------
    Input
        Its values are a view of a C-contiguous X of the right dtype without padding.

    Raises
    ------
    ValueError, TypeError
        If X is none of these forms, empty, not numeric, or not finite.
    """
    return _cut(_open(X, estimator_name), n_timesteps, dtype)


def read_matching_sequences(estimator, X, *, dtype=None):
    """Read X for an estimator that has been fitted.

    Parameters
    ----------
    estimator : estimator
        One on which :func:`remember_features` has been called.
    X : any form that :func:`read_sequences` takes
        It need not be the form of ``fit``; it must have the same features per step, and, if both
        are 2-D, the same columns.
    dtype : {"float32", "float64"} or numpy.dtype, default=None
        As in :func:`read_sequences`.

    Returns
    -------
    Input

    Raises
    ------
    ValueError, TypeError
        As :func:`read_sequences`, and if X does not match what the estimator was fitted on.
    """
    plain = _as_it_is(estimator, X, dtype)
    if plain is not None:
        return plain
    name = type(estimator).__name__
    opened = _open(X, name)
    # The columns first: to a user who left one out, "n_timesteps does not divide" says less.
    if _is_2d(opened) and estimator._input_form in ("table", "flat"):
        validate_data(estimator, X, reset=False, skip_check_array=True)
    # Fitted on 2-D rows, a model goes on reading them as in fit, whatever set_params says since.
    by_row = estimator._input_form in ("table", "flat")
    n_timesteps = estimator._n_timesteps if by_row else estimator.n_timesteps
    data = _cut(opened, n_timesteps, dtype)
    _check_features_per_step(estimator, data)
    if estimator._input_form == "table":
        _check_lengths(estimator, data.sequences)
    return data


def _as_it_is(estimator, X, dtype):
    """X as Input where it is just what `estimator` works on, None where it needs a closer look.

    A short way through the door, for a single row takes less time to predict than all checks do. It
    refuses nothing, warns of nothing and converts nothing: whatever is out of the ordinary goes the
    long way, which gives the same Input.
    """
    if type(X) is not np.ndarray or X.dtype != dtype or not (X.size and X.flags.c_contiguous):
        return None
    form, n_features = estimator._input_form, estimator._n_features_per_step
    fits = False
    if X.ndim == 2 and form in ("table", "flat"):
        named = hasattr(estimator, "feature_names_in_")
        fits = X.shape[1] == estimator.n_features_in_ and not named
    elif X.ndim == 3 and form in ("array", "list"):
        form = "array"
        fits = X.shape[2] == n_features and estimator.n_timesteps in (None, X.shape[1])
    if not (fits and _is_finite(X)):
        return None
    sequences = Sequences.from_array(X.reshape(len(X), -1, n_features))
    return Input(sequences, form, X.shape[-1])


def read_validation_sequences(estimator, X_val, X, data, *, dtype=None):
    """Read the validation X of a ``fit`` whose training X has been read.

    Parameters
    ----------
    estimator : estimator
        Not changed.
    X_val : any form that :func:`read_sequences` takes
    X : the training X as the user gave it
        None: the estimator has been fitted, and X_val is to match that.
    data : Input
        The training X as it was read.
    dtype : {"float32", "float64"}, default=None
        As in :func:`read_sequences`.

    Returns
    -------
    Input
    """
    fitted = estimator
    if X is not None:
        fitted = copy.copy(estimator)
        remember_features(fitted, X, data)
    try:
        return read_matching_sequences(fitted, X_val, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise type(error)(f"In X_val: {error}") from error


def remember_features(estimator, X, data):
    """Set ``n_features_in_`` and ``feature_names_in_``, and what later input is checked against.

    To be called once nothing can fail any more, so that bad input leaves a fitted model as it was.

    Parameters
    ----------
    estimator : estimator
    X : the X of ``fit`` as the user gave it
    data : Input
        X as it was read.
    """
    if data.form in ("table", "flat"):
        validate_data(estimator, X, reset=True, skip_check_array=True)
    else:
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        estimator.n_features_in_ = data.n_features_in
    estimator._input_form = data.form
    estimator._n_timesteps = estimator.n_timesteps
    estimator._n_features_per_step = data.sequences.n_features


def _check_features_per_step(estimator, data):
    expected, found = estimator._n_features_per_step, data.sequences.n_features
    if found == expected:
        return
    name = type(estimator).__name__
    if data.form == "table":
        raise ValueError(
            f"X is 2-D with {data.n_features_in} columns and n_timesteps=None, which means one"
            f" feature per step, but {name} was fitted on {expected} features per step. Pass a 3-D"
            f" X of shape (n_samples, n_timesteps, {expected}) or a list of (T_i, {expected})"
            " arrays, or set n_timesteps to the number of steps in a row."
        )
    raise ValueError(
        f"X has {found} features, but {name} is expecting {expected} features as input at each"
        " step."
    )


def _check_lengths(estimator, sequences):
    wrong = np.flatnonzero(sequences.lengths != estimator.n_features_in_)
    if len(wrong):
        name, n_columns = type(estimator).__name__, estimator.n_features_in_
        raise ValueError(
            f"Sample {wrong[0]} of X has {sequences.lengths[wrong[0]]} steps, but {name} was fitted"
            f" on a plain table of {n_columns} columns, where each column is a step with a mean and"
            f" scale of its own: every sequence must have {n_columns} steps. For sequences of any"
            " length, fit on a 3-D X or a list of arrays, or set n_timesteps."
        )


_NOT_A_SEQUENCE = "is not a sequence, an array of shape (T_i, n_features) or (T_i,)"
_TABLE_AXES = ("sample", "column")
_ARRAY_AXES = ("sample", "step", "feature")
_STEP_AXES = ("step", "feature")
_TARGET_AXES = ("sample", "output")

# Opening: from whatever the user has to a 2-D or 3-D array, or a list of 2-D arrays, of numbers.


def _open(X, estimator_name):
    if isinstance(X, (list, tuple)):
        elements = _elements_of_list(X)
    else:
        elements = _elements_of_column(X)
    if elements is None:
        return _open_array(X, estimator_name)
    _require_samples(len(elements), estimator_name)
    arrays = [_open_element(element, sample) for sample, element in enumerate(elements)]
    _check_equal_features(arrays)
    return arrays


def _is_2d(opened):
    return isinstance(opened, np.ndarray) and opened.ndim == 2


def _elements_of_list(X):
    """The sequences in a list, or None if X is a table (or 1-D) in the form of a list."""
    kinds = [_kind(element) for element in X]
    for sample, kind in enumerate(kinds):
        if kind != kinds[0]:
            raise ValueError(
                f"X mixes forms: sample 0 is {kinds[0]}, but sample {sample} is {kind}. For"
                " sequences of different lengths make every sample an array:"
                " [np.asarray(x) for x in X]."
            )
    if kinds and kinds[0] != "a sequence":
        _check_row_lengths(X, kinds[0])
        return None
    return list(X)


def _kind(element):
    if isinstance(element, (list, tuple)):
        nested = len(element) > 0 and _has_length(element[0])
        return "a sequence" if nested else "a list of numbers"
    if isinstance(element, Number) or (hasattr(element, "ndim") and element.ndim == 0):
        return "a number"
    return "a sequence"


def _has_length(item):
    return isinstance(item, (list, tuple)) or getattr(item, "ndim", 0) > 0


def _check_row_lengths(X, kind):
    if kind == "a number":
        return
    for sample, row in enumerate(X):
        if len(row) != len(X[0]):
            raise ValueError(
                "X is a list of lists of numbers, read as the rows of a 2-D table, but sample"
                f" {sample} has {len(row)} numbers and sample 0 has {len(X[0])}. For sequences of"
                " different lengths make every sample an array: [np.asarray(x) for x in X]."
            )


def _elements_of_column(X):
    """The sequences in an object array or Series of arrays, or None if X is something else."""
    if len(getattr(X, "shape", ())) != 1:
        return None
    column = np.asarray(X)
    if column.dtype != object or all(_kind(element) == "a number" for element in column):
        return None
    return list(column)


def _require_samples(n_samples, estimator_name):
    if n_samples == 0:
        raise ValueError(
            "Found array with 0 sample(s) (X is an empty list) while a minimum of 1 is required by"
            f" {estimator_name}."
        )


def _open_element(element, sample):
    where = f"Sample {sample} of X"
    _refuse_mask(element, where)
    try:
        array = np.asarray(element)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} {_NOT_A_SEQUENCE}: {error}") from error
    if array.ndim not in (1, 2):
        kind = type(element).__name__ + (f" of {array.ndim} dimensions" if array.ndim else "")
        raise TypeError(f"{where} {_NOT_A_SEQUENCE}, but of type {kind}.")
    array = _numbers(array, where, _STEP_AXES)
    if array.size == 0:
        raise ValueError(
            f"{where} is empty: shape {array.shape}. A sequence needs at least one step and one"
            " feature; leave such samples out, of y too."
        )
    return array if array.ndim == 2 else array[:, np.newaxis]


def _check_equal_features(arrays):
    n_features = arrays[0].shape[1]
    for sample, array in enumerate(arrays):
        if array.shape[1] != n_features:
            raise ValueError(
                f"Sample {sample} of X has {array.shape[1]} features per step, but sample 0 has"
                f" {n_features}. Sequences may differ in length only: shapes are (T_i, n_features),"
                " time before features."
            )


def _open_array(X, estimator_name):
    _refuse_mask(X, "X")
    try:
        array = check_array(
            X,
            dtype=None,
            allow_nd=True,
            ensure_all_finite=False,
            estimator=estimator_name,
            input_name="X",
        )
    except ValueError as error:
        if "setting an array element" not in str(error):
            raise
        raise ValueError(f"X is not a 2-D or 3-D array of numbers: {error}") from error
    if array.ndim > 3:
        raise ValueError(
            f"X has {array.ndim} dimensions (shape {array.shape}). Expected (n_samples, n_columns),"
            " (n_samples, n_timesteps, n_features), or a list of arrays."
        )
    if array.size == 0:
        raise ValueError(
            f"X is empty: shape {array.shape}, but {estimator_name} requires at least one step and"
            " one feature."
        )
    return _numbers(np.asarray(array), "X", _TABLE_AXES if array.ndim == 2 else _ARRAY_AXES)


def _refuse_mask(array, where):
    # np.asarray drops a mask without a word, and what is below it would be learnt from.
    if isinstance(array, np.ma.MaskedArray) and array.mask.any():
        raise ValueError(
            f"{where} is a masked array with masked values. If they pad the end of a sequence, pass"
            " a 3-D X.filled(np.nan); else impute them first."
        )


def _numbers(array, where, axes):
    """The array itself if it holds real numbers; of objects, what they are as numbers."""
    kind = array.dtype.kind
    if kind in "biuf":
        return array
    if kind == "O":
        return _numbers_of_objects(array, where, axes)
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {where} is of dtype {array.dtype}. Pass the real and the"
            " imaginary part as two features."
        )
    cause = ": could not convert string to float" if kind in "USTV" else ""
    raise ValueError(
        f"{where} is of dtype {array.dtype}, but must be numeric{cause}. Encode it first."
    )


def _numbers_of_objects(array, where, axes):
    numbers = np.empty(array.shape)
    for position, item in np.ndenumerate(array):
        try:
            numbers[position] = _number(item)
        except (TypeError, ValueError, OverflowError) as error:
            refusal = TypeError if isinstance(error, TypeError) else ValueError
            raise refusal(f"{where} must be numeric: {error} ({_at(position, axes)})") from error
    return numbers


def _number(item):
    if item is None:
        return np.nan
    # float() takes "1.5", but a column of strings is more often a mistake than a wish.
    if isinstance(item, (str, bytes)):
        raise ValueError(f"could not convert string to float: {item!r}")
    if np.iscomplexobj(item):
        raise ValueError(f"Complex data not supported: {item!r}")
    if getattr(item, "ndim", 0) > 0:
        raise ValueError(f"an array of shape {item.shape} in the place of a number")
    return float(item)


def _at(position, axes):
    return ", ".join(f"{axis} {index}" for axis, index in zip(axes, position, strict=False))


# Cutting: from opened X to finite Sequences.


def _cut(opened, n_timesteps, dtype):
    if isinstance(opened, list):
        sequences, form = _cut_list(opened, n_timesteps, dtype), "list"
    elif opened.ndim == 3:
        sequences, form = _cut_3d(opened, n_timesteps, dtype), "array"
    else:
        sequences = _cut_2d(opened, n_timesteps, dtype)
        form = "table" if n_timesteps is None else "flat"
    n_features_in = opened.shape[1] if _is_2d(opened) else sequences.n_features
    return Input(sequences, form, n_features_in)


def _cut_2d(table, n_timesteps, dtype):
    n_samples, n_columns = table.shape
    steps = n_columns if n_timesteps is None else n_timesteps
    if n_columns % steps:
        raise ValueError(
            f"X has {n_columns} columns, which n_timesteps={steps} does not divide. A row of a 2-D"
            " X holds all features of step 0, then of step 1, and so on: n_columns = n_timesteps *"
            " n_features."
        )
    values = _as_float(table, dtype)
    if not _is_finite(values):
        sample, column = _first(~np.isfinite(values))
        where = _at((sample, column), _TABLE_AXES)
        if n_timesteps is not None:
            where += f" ({_at(divmod(column, n_columns // steps), _STEP_AXES)})"
        raise _not_finite("X", table[sample, column], values.dtype, where, _PADDING_ADVICE)
    return Sequences.from_array(values.reshape(n_samples, steps, n_columns // steps))


def _cut_3d(array, n_timesteps, dtype):
    if n_timesteps not in (None, array.shape[1]):
        raise ValueError(
            f"X has {array.shape[1]} time steps (shape {array.shape}; time before features), but"
            f" n_timesteps={n_timesteps}. Leave n_timesteps=None for a 3-D X: it says how to read"
            " the rows of a 2-D one."
        )
    values = _as_float(array, dtype)
    if _is_finite(values):
        return Sequences.from_array(values)
    return _without_padding(array, values)


def _without_padding(array, values):
    """Drop whole trailing steps of NaN; `array` is what `values` were before conversion."""
    n_timesteps = values.shape[1]
    filled = ~np.isnan(values).all(axis=2)
    lengths = np.where(filled.any(axis=1), n_timesteps - np.argmax(filled[:, ::-1], axis=1), 0)
    if not lengths.all():
        raise ValueError(
            f"Sample {np.argmin(lengths)} of X is empty: all of its {n_timesteps} steps are NaN,"
            " which is padding. A sequence needs at least one step; leave such samples out, of y"
            " too."
        )
    kept = np.arange(n_timesteps) < lengths[:, np.newaxis]
    bad = kept & ~np.isfinite(values).all(axis=2)
    if bad.any():
        sample, step = _first(bad)
        position = sample, step, *_first(~np.isfinite(values[sample, step]))
        where = _at(position, _ARRAY_AXES)
        raise _not_finite("X", array[position], values.dtype, where, _PADDING_ADVICE)
    return replace(Sequences.from_array(values), lengths=lengths)


def _cut_list(arrays, n_timesteps, dtype):
    if dtype is None:
        dtype = _float_dtype(arrays)
    with np.errstate(over="ignore"):
        sequences = Sequences.from_list(arrays, dtype)
    _check_longest(sequences.lengths, n_timesteps)
    if not _is_finite(sequences.values):
        row, feature = _first(~np.isfinite(sequences.values))
        sample = int(np.searchsorted(sequences.starts, row, side="right")) - 1
        step = row - sequences.starts[sample]
        value = arrays[sample][step, feature]
        where = _at((sample, step, feature), _ARRAY_AXES)
        raise _not_finite("X", value, sequences.values.dtype, where, _LIST_ADVICE)
    return sequences


def _check_longest(lengths, n_timesteps):
    # A list of the rows of a flat X would otherwise pass as sequences of one feature.
    if n_timesteps is not None and lengths.max() > n_timesteps:
        sample = np.argmax(lengths > n_timesteps)
        raise ValueError(
            f"Sample {sample} of X has {lengths[sample]} steps, but n_timesteps={n_timesteps}."
            " Leave n_timesteps=None for a list of arrays: it says how to read the rows of a 2-D X."
        )


def _float_dtype(arrays):
    single = all(array.dtype.type is np.float32 for array in arrays)  # in any order of its bytes
    return np.float32 if single else np.float64


def _as_float(array, dtype):
    if dtype is None:
        dtype = _float_dtype([array])
    # A value too large for float32 becomes infinite here and is refused as such.
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=dtype, order="C")


def _is_finite(values):
    # A sum is finite only if all its terms are, and needs no array of booleans. It may also
    # overflow: only then look at every value.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def _first(mask):
    return tuple(np.argwhere(mask)[0].tolist())


def _not_finite(input_name, value, dtype, where, nan_advice):
    """The error for a value, which begins in scikit-learn's words."""
    if np.isnan(value):
        return ValueError(f"Input {input_name} contains NaN: {where}. {nan_advice}")
    advice = (
        "Correct it, or leave that sample out."
        if np.isinf(value)
        else f"Its value {value} has to be scaled down."
    )
    return ValueError(
        f"Input {input_name} contains infinity or a value too large for {np.dtype(dtype)!r}:"
        f" {where}. {advice}"
    )


_PADDING_ADVICE = (
    "NaN is padding only in a 3-D X, where it fills all features of a step and of every step after"
    " it; a missing value has to be imputed, or its sample left out."
)
_LIST_ADVICE = (
    "An array in a list needs no padding, cut it to its own length; a missing value has to be"
    " imputed, or its sample left out."
)
_TARGET_ADVICE = "Leave samples without a target out, of X too."


# ---------------------------------------------------------------------------------------------
# y
# ---------------------------------------------------------------------------------------------


class RegressionTargets(NamedTuple):
    """Targets of a regressor.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_outputs), C-contiguous
        A new array: it may be changed in place.
    one_dimensional : bool
        Whether y was 1-D (or one column), so that predictions have to be.
    """

    values: np.ndarray
    one_dimensional: bool


class ClassTargets(NamedTuple):
    """Targets of a classifier.

    Attributes
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_labels)
        For each sample the place of its class in `classes` (int64), or, if multilabel, the
        indicator matrix (float64). 0 for a sample of no weight whose class no other sample has.
    classes : ndarray
        The sorted classes, or the numbers of the labels.
    kind : {"binary", "multiclass", "multilabel"}
        How the values are to be understood.
    """

    values: np.ndarray
    classes: np.ndarray
    kind: str


def read_regression_targets(
    y,
    n_samples,
    dtype,
    *,
    weights=None,
    loss="squared_error",
    n_outputs=None,
    estimator_name="This estimator",
    input_name="y",
):
    """Read the targets of a regressor.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    n_samples : int
        Samples in X.
    dtype : {np.float32, np.float64}
        Of the result.
    weights : ndarray of shape (n_samples,), default=None
        What :func:`read_weights` returned; a sample of no weight counts for nothing.
    loss : str, default="squared_error"
        "poisson" needs targets that are not negative, nor all zero.
    n_outputs : int, default=None
        How many a fitted model has.
    estimator_name : str, default="This estimator"
        For messages.
    input_name : str, default="y"
        For messages.

    Returns
    -------
    RegressionTargets

    Raises
    ------
    ValueError, TypeError
        If y is missing, not numeric, not finite, of another length or number of outputs, or
        not in the range of the loss.

    Warns
    -----
    sklearn.exceptions.DataConversionWarning
        If y is a single column; it is read as 1-D.
    """
    raw = _open_targets(y, n_samples, estimator_name, input_name)
    raw = _numbers(raw, input_name, _TARGET_AXES)
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = column_or_1d(raw, warn=True)
    if raw.ndim > 2 or raw.size == 0:
        raise ValueError(
            f"{input_name} must be of shape (n_samples,) or (n_samples, n_outputs), got shape"
            f" {raw.shape}."
        )
    with np.errstate(over="ignore"):
        values = np.array(raw, dtype=dtype, order="C")
    _check_finite(raw, values, input_name, _TARGET_ADVICE)
    values = values.reshape(n_samples, -1)
    if n_outputs not in (None, values.shape[1]):
        raise ValueError(
            f"{input_name} has {values.shape[1]} outputs, but {estimator_name} is expecting"
            f" {n_outputs} outputs."
        )
    if loss == "poisson":
        _check_counts(values, weights, input_name)
    return RegressionTargets(values, raw.ndim == 1)


def read_class_targets(
    y,
    n_samples,
    *,
    weights=None,
    classes=None,
    kind=None,
    estimator_name="This estimator",
    input_name="y",
):
    """Read the targets of a classifier.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Labels of any type, or an indicator matrix of zeros and ones.
    n_samples : int
        Samples in X.
    weights : ndarray of shape (n_samples,), default=None
        What :func:`read_weights` returned; a sample of no weight counts for nothing.
    classes : ndarray, default=None
        The classes of a fitted model, or of the first ``partial_fit``. None: those in y, which
        must be at least two.
    kind : {"binary", "multiclass", "multilabel"}, default=None
        That of a fitted model.
    estimator_name : str, default="This estimator"
        For messages.
    input_name : str, default="y"
        For messages.

    Returns
    -------
    ClassTargets

    Raises
    ------
    ValueError, TypeError
        If y is missing, continuous, has several columns of classes, one class only, or one that
        is not in `classes`.

    Warns
    -----
    sklearn.exceptions.DataConversionWarning
        If y is a single column; it is read as 1-D.
    """
    labels = _open_targets(y, n_samples, estimator_name, input_name)
    if labels.dtype == object:
        labels = _labels_of_objects(labels, input_name)
    _check_finite(labels, labels, input_name, _TARGET_ADVICE)
    check_classification_targets(labels)
    found = type_of_target(labels, input_name=input_name)
    if found == "multiclass-multioutput":
        raise ValueError(
            f"{input_name} has {labels.shape[1]} columns of classes (multiclass-multioutput), which"
            f" {estimator_name} does not support; an indicator matrix has zeros and ones only. For"
            " one model per column, use sklearn.multioutput.MultiOutputClassifier."
        )
    multilabel = found == "multilabel-indicator"
    if kind is not None and multilabel != (kind == "multilabel"):
        raise ValueError(
            f"{input_name} of shape {labels.shape} is {found}, but {estimator_name} was fitted on a"
            f" {kind} y."
        )
    if multilabel:
        return _read_indicators(labels, classes, estimator_name, input_name)
    labels = column_or_1d(labels, warn=True)
    return _encode(labels, weights, classes, estimator_name, input_name)


def read_classes(classes, fitted=None):
    """Read the `classes` of ``partial_fit``.

    Parameters
    ----------
    classes : array-like of shape (n_classes,) or None
        What the user passed.
    fitted : ndarray, default=None
        ``classes_`` after the first call.

    Returns
    -------
    ndarray
        Sorted.

    Raises
    ------
    ValueError
        If they are missing in the first call, fewer than two, or others than in the first call.
    """
    if classes is None:
        if fitted is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return fitted
    found = np.asarray(classes)
    if found.ndim != 1:
        raise ValueError(f"classes must be a list of classes, got shape {found.shape}.")
    found = unique_labels(found)
    if fitted is not None and not np.array_equal(found, fitted):
        raise ValueError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {fitted!r}"
        )
    if len(found) < 2:
        raise ValueError(f"classes must name at least 2 classes. Got {classes!r} instead.")
    return found


def _open_targets(y, n_samples, estimator_name, input_name):
    if y is None:
        raise ValueError(
            f"This {estimator_name} estimator requires {input_name} to be passed, but the target"
            f" {input_name} is None."
        )
    try:
        array = check_array(
            y,
            dtype=None,
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite=False,
            ensure_min_samples=0,
            ensure_min_features=0,
            input_name=input_name,
        )
    except ValueError as error:
        if "setting an array element" not in str(error):
            raise
        raise ValueError(
            f"{input_name} must have one target, or the same number of targets, for each sample:"
            f" {error}"
        ) from error
    check_consistent_length(range(n_samples), array)
    return np.asarray(array)


def _check_finite(raw, values, input_name, nan_advice):
    """`raw` is what `values` were before conversion."""
    if values.dtype.kind != "f" or _is_finite(values):
        return
    position = _first(~np.isfinite(values))
    where = _at(position, _TARGET_AXES)
    raise _not_finite(input_name, raw[position], values.dtype, where, nan_advice)


def _check_counts(values, weights, input_name):
    if values.min() < 0:
        position = _first(values < 0)
        raise ValueError(
            f"loss='poisson' requires non-negative {input_name}: {_at(position, _TARGET_AXES)} is"
            f" {values[position]}."
        )
    counted = values if weights is None else values[weights > 0]
    if not counted.any(axis=0).all():
        raise ValueError(
            f"loss='poisson' requires a positive sum of {input_name}: all samples of output"
            f" {np.argmin(counted.any(axis=0))} are 0."
        )


def _labels_of_objects(labels, input_name):
    """Objects that are all strings as they are, all numbers or booleans in their own dtype."""
    is_string = [isinstance(label, str) for label in labels.flat]
    for place, label in enumerate(labels.flat):
        position = np.unravel_index(place, labels.shape)
        if not isinstance(label, (str, Number, np.bool_)):
            raise ValueError(
                f"Unknown label type: {input_name} contains {label!r}"
                f" ({_at(position, _TARGET_AXES)}). Labels must be strings, numbers or booleans,"
                " none missing."
            )
        if is_string[place] != is_string[0]:
            raise ValueError(
                f"Unknown label type: {input_name} mixes strings and numbers: it begins with"
                f" {labels.flat[0]!r} and contains {label!r} ({_at(position, _TARGET_AXES)})."
            )
    return labels if all(is_string) else np.array(labels.tolist())


def _read_indicators(labels, classes, estimator_name, input_name):
    odd = ~np.isin(labels, (0, 1))
    if odd.any():
        position = _first(odd)
        raise ValueError(
            f"A 2-D {input_name} is an indicator matrix and holds 0 and 1 only:"
            f" {_at(position, ('sample', 'label'))} is {labels[position]}."
        )
    n_labels = labels.shape[1]
    if classes is not None and len(classes) != n_labels:
        raise ValueError(
            f"{input_name} has {n_labels} labels (columns), but {estimator_name} is expecting"
            f" {len(classes)} labels."
        )
    return ClassTargets(labels.astype(np.float64, order="C"), np.arange(n_labels), "multilabel")


def _encode(labels, weights, classes, estimator_name, input_name):
    counted = np.ones(len(labels), dtype=bool) if weights is None else weights > 0
    if classes is None:
        classes = np.unique(labels[counted])
        _require_two_classes(classes, weights, estimator_name, input_name)
    places = {label: place for place, label in enumerate(classes.tolist())}
    found, inverse = np.unique(labels, return_inverse=True)
    # By dictionary: a sorted search would compare, and fail, if the types are different.
    codes = np.array([places.get(label, -1) for label in found.tolist()], dtype=np.int64)[inverse]
    unseen = np.flatnonzero((codes < 0) & counted)
    if len(unseen):
        raise ValueError(
            f"{input_name} contains a class that {estimator_name} does not know:"
            f" {labels.tolist()[unseen[0]]!r} (sample {unseen[0]}). It knows {classes.tolist()}."
            " All classes must be in the y of fit, or be named in the first call to partial_fit."
        )
    kind = "binary" if len(classes) == 2 else "multiclass"
    return ClassTargets(np.maximum(codes, 0), classes, kind)


def _require_two_classes(classes, weights, estimator_name, input_name):
    if len(classes) < 2:
        after = "" if weights is None or weights.all() else ", sample_weight being zero elsewhere"
        raise ValueError(
            f"{estimator_name} needs samples of at least 2 classes, but {input_name} contains only"
            f" one class: {classes.tolist()[0]!r}{after}."
        )


# ---------------------------------------------------------------------------------------------
# sample_weight
# ---------------------------------------------------------------------------------------------


def read_weights(sample_weight, n_samples, dtype, *, input_name="sample_weight"):
    """Read sample weights.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), number, or None
        None means ones.
    n_samples : int
        Samples in X.
    dtype : {np.float32, np.float64}
        Of the result.
    input_name : str, default="sample_weight"
        For messages.

    Returns
    -------
    ndarray of shape (n_samples,)
        A new array: it may be changed in place.

    Raises
    ------
    ValueError, TypeError
        If a weight is negative or not finite, all are zero, or the shape is wrong.
    """
    if sample_weight is None:
        return np.ones(n_samples, dtype=dtype)
    raw = _open_weights(sample_weight, n_samples, input_name)
    with np.errstate(over="ignore"):
        weights = np.array(raw, dtype=dtype)
        total = weights.sum()
    _check_finite(raw, weights, input_name, "A weight of 0 leaves a sample out.")
    if weights.min() < 0:
        sample = np.argmax(weights < 0)
        raise ValueError(
            f"Negative values in data passed to `{input_name}`: sample {sample} is {raw[sample]}."
        )
    if not weights.any():
        raise ValueError(
            f"Sample weights must contain at least one non-zero number. All of {input_name} are 0."
        )
    if not np.isfinite(total):
        raise ValueError(f"The sum of {input_name} is too large for {np.dtype(dtype)!r}.")
    return weights


def _open_weights(sample_weight, n_samples, input_name):
    if isinstance(sample_weight, Number):
        sample_weight = np.full(n_samples, sample_weight)
    array = check_array(
        sample_weight,
        dtype=None,
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite=False,
        ensure_min_samples=0,
        input_name=input_name,
    )
    if array.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {array.ndim}D array as {input_name}."
            f" Expected either a scalar value or a 1D array of length {n_samples}."
        )
    if len(array) != n_samples:
        raise ValueError(
            f"{input_name}.shape == {array.shape}, expected {(n_samples,)}! X has {n_samples}"
            " samples, each needs one weight."
        )
    return _numbers(np.asarray(array), input_name, _TARGET_AXES)
