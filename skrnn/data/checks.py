"""Are these finite numbers, and if not, where? The words that all input errors share."""

import math
from contextlib import contextmanager
from datetime import date, time, timedelta
from numbers import Number

import numpy as np

# What an index of an array counts.
TABLE_AXES = ("sample", "column")
ARRAY_AXES = ("sample", "step", "feature")
STEP_AXES = ("step", "feature")
TARGET_AXES = ("sample", "output")
# To look at up to so many values one by one takes less time than an array of booleans does, and up
# to so many such an array takes less than their sum.
_VERY_FEW, _FEW = 8, 1 << 14


class StepAxes:
    """What an index counts of an array that has the steps of all sequences end to end.

    Parameters
    ----------
    lengths : ndarray of shape (n,)
        Of the sequences.
    word : str, default="step"
        What a step is called.
    """

    def __init__(self, lengths, word="step"):
        self._ends, self._word = np.cumsum(lengths), word

    def place(self, position):
        """Sample, step and output of an index, and these words."""
        line, *rest = position
        sample = int(np.searchsorted(self._ends, line, side="right"))
        step = int(line - (self._ends[sample - 1] if sample else 0))
        return (sample, step, *rest), ("sample", self._word, "output")


TARGET_ADVICE = "Leave samples without a target out, of X too."
_STEP_ADVICE = "Give steps without a target a sample_weight of 0."


def target_advice(axes):
    """What to do about a missing target, of samples or of steps."""
    return _STEP_ADVICE if isinstance(axes, StepAxes) else TARGET_ADVICE


@contextmanager
def naming(argument, usual):
    """Errors that do not name the argument begin with it, where it is not the usual one."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if argument == usual:
            raise
        raise type(error)(f"In {argument}: {error}") from error


def at(position, axes, names=None):
    """Words for a place in an array, as "sample 3, step 0", or "column 0 ('height')" with names."""
    if isinstance(axes, StepAxes):
        position, axes = axes.place(position)
    words = ", ".join(f"{axis} {index}" for axis, index in zip(axes, position, strict=False))
    return words if names is None else f"{words} ({names[position[-1]]!r})"


def shortened(value):
    """The representation of an object, for a message, in 60 characters or less."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 60 else text[:57] + "..."


def first(mask):
    """Index of the first True of an array of booleans."""
    return tuple(np.argwhere(mask)[0].tolist())


PADDED_STEPS_ADVICE = (
    "If they pad its end, cut it to its own length; if they are missing values, pass"
    " x.astype(float).filled(np.nan)."
)
PADDING_MASK_ADVICE = (
    "Pass X.astype(float).filled(np.nan): NaN is a missing value, or padding at the end of a 3-D X."
)


def refuse_mask(array, where, advice=PADDING_MASK_ADVICE):
    """Refuse a masked array: np.asarray would drop the mask, and masked values would be used."""
    if _has_masked(array):
        raise ValueError(f"{where} is a masked array with masked values. {advice}")


def _has_masked(array):
    if isinstance(array, (list, tuple)):
        return any(_has_masked(one) for one in array if isinstance(one, (list, tuple, np.ndarray)))
    return isinstance(array, np.ma.MaskedArray) and bool(np.any(np.ma.getmask(array)))


def refuse_complex(array, name):
    """Refuse complex numbers by the name of the argument, which scikit-learn leaves out."""
    if getattr(getattr(array, "dtype", None), "kind", None) == "c":
        raise ValueError(f"Complex data not supported: {name} has complex numbers.")


def rectangular(nested, otherwise):
    """A list as an array, any other object as it is; `otherwise` begins the error for a ragged one.

    Parameters
    ----------
    nested : object
    otherwise : str
        What is wrong where NumPy cannot make one array of a list.
    """
    if not isinstance(nested, (list, tuple)):
        return nested
    try:
        return np.asarray(nested)
    except ValueError as error:
        raise ValueError(f"{otherwise}: {first_unequal(nested) or error}") from error


def first_unequal(nested, kind="sample"):
    """Words for the first item of another length than item 0; None where all are as long."""
    lengths = [_length(item) for item in nested]
    sample = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    return sample and f"{kind} 0 is {lengths[0]}, but {kind} {sample} is {lengths[sample]}"


def _length(item):
    is_nested = isinstance(item, (list, tuple)) or np.ndim(item) > 0
    return f"of length {len(item)}" if is_nested else "a single value"


def numbers(array, where, axes, names=None, text_advice=""):
    """The array itself if it holds real numbers; an array of objects is converted.

    Parameters
    ----------
    array : ndarray
    where : str
        What the array is, for messages.
    axes, names : tuple of str
        What its indices count, and what its columns are called, for messages.
    text_advice : str
        What to do about text that is in no table.
    """
    kind = array.dtype.kind
    if kind in "biuf":
        return array
    if kind == "O":
        return _numbers_of_objects(array, where, axes, names, text_advice)
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {where} is of dtype {array.dtype}. Pass the real and the"
            " imaginary part as two features."
        )
    cause = ": could not convert string to float" if kind in "USTV" else ""
    advice = DATE_ADVICE if kind in "mM" else " Encode it first."
    if cause and axes == TABLE_AXES:
        advice = _CATEGORY_ADVICE
    elif cause:
        advice = text_advice or advice
    raise ValueError(f"{where} is of dtype {array.dtype}, but must be numeric{cause}.{advice}")


def _numbers_of_objects(array, where, axes, names, text_advice):
    if all(map(_is_plain, set(map(type, array.ravel())))):
        try:
            with np.errstate(over="ignore"):
                return array.astype(np.float64)
        except OverflowError:
            pass  # what is below says where
    found = np.empty(array.shape)
    for position, item in np.ndenumerate(array):
        try:
            found[position] = _number(item)
        except (TypeError, ValueError, OverflowError) as error:
            refusal = TypeError if isinstance(error, TypeError) else ValueError
            if axes == TARGET_AXES and has_length(item):
                raise refusal(_several_for_one(where, position, item)) from error
            place = at(position, axes, names)
            name = None if names is None else names[position[-1]]
            advice = _advice_on(item, axes, name, text_advice)
            raise refusal(f"{where} must be numeric: {error} ({place}).{advice}") from error
    return found


def _several_for_one(where, position, item):
    """Words for an array or a list in the place of the target or the weight of a sample."""
    is_array = hasattr(item, "shape")
    what = f"an array of shape {item.shape}" if is_array else f"a list {_length(item)}"
    return (
        f"{where} must be numeric, but {at(position, TARGET_AXES)} is {what}. It has one value, or"
        " the same number of values, for each sequence, not for each step, unless"
        " return_sequences=True."
    )


def _is_plain(kind):
    """Whether NumPy makes of such objects just what :func:`_number` does."""
    known = (int, float, np.integer, np.floating, np.bool_, type(None))
    return issubclass(kind, known) and not issubclass(kind, np.timedelta64)


def _number(item):
    if is_missing(item):
        return np.nan
    # float() takes "1.5", but a column of strings is more often a mistake than a wish.
    if isinstance(item, (str, bytes)):
        raise ValueError(f"could not convert string to float: {item!r}")
    if np.iscomplexobj(item):
        raise ValueError(f"Complex data not supported: {item!r}")
    if getattr(item, "ndim", 0) > 0:
        raise ValueError(f"an array of shape {item.shape} in the place of a number")
    return float(item)


def is_missing(item):
    """Whether an object stands for a missing value: None, NaN, or pandas' NA or NaT."""
    if isinstance(item, Number):
        return item != item
    return item is None or type(item).__name__ in ("NAType", "NaTType")


def _advice_on(item, axes, name, text_advice):
    """What to do about an object that is no number, in a column of that name or of none."""
    if isinstance(item, (str, bytes)):
        if axes == TABLE_AXES:
            return _CATEGORY_ADVICE
        return text_advice if name is None else _ENCODE_ADVICE
    if isinstance(item, _DATES):
        return DATE_ADVICE
    if has_length(item):
        how = (
            "pass a list of them" if name is None else f"pass that column alone: list(df[{name!r}])"
        )
        return f" If the cells are sequences, {how}."
    return ""


#: What pandas' Timestamp and Timedelta are too.
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
DATE_ADVICE = " Turn dates into numbers first, such as days since a date, or leave them out."
_ENCODE_ADVICE = " Encode that column first, for instance by sklearn.preprocessing.OneHotEncoder."
_CATEGORY_ADVICE = (
    " Where a table has categories, fit on a data frame with that column of type category, or name"
    " it in categorical_features; or encode it first by sklearn.preprocessing.OneHotEncoder."
)


def has_length(item):
    """Whether an object is an array or a list."""
    return isinstance(item, (list, tuple)) or getattr(item, "ndim", 0) > 0


def is_a_number(element):
    """Whether an element of a list is a number by itself."""
    return isinstance(element, Number) or (hasattr(element, "ndim") and element.ndim == 0)


def float_dtype(arrays):
    """float32 where all arrays are, in any order of their bytes; float64 otherwise."""
    single = all(array.dtype.type is np.float32 for array in arrays)
    return np.float32 if single else np.float64


def as_float(array, dtype):
    """The array in that precision, in the one of its own if None, C-contiguous."""
    # A value too large for float32 becomes infinite here and is refused as such.
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=dtype or float_dtype([array]), order="C")


def is_finite(values):
    """Whether all values are finite."""
    if values.size <= _VERY_FEW:
        return all(map(math.isfinite, values.ravel().tolist()))
    if values.size <= _FEW:
        return bool(np.isfinite(values).all())
    # A sum is finite only if all its terms are, and needs no array of booleans. It may also
    # overflow: only then look at every value.
    with np.errstate(all="ignore"):
        return math.isfinite(values.sum()) or bool(np.isfinite(values).all())


def not_finite(input_name, value, dtype, where, nan_advice):
    """The error for a value, which begins in scikit-learn's words."""
    if np.isnan(value):
        return ValueError(f"Input {input_name} contains NaN: {where}. {nan_advice}")
    return infinite(input_name, value, dtype, where)


def infinite(input_name, value, dtype, where):
    """The error for a value that is infinite, or becomes so in that precision."""
    advice = "Correct it, or leave that sample out."
    if not np.isinf(value):
        wider = ", or set dtype='float64'" if np.dtype(dtype) == np.float32 else ""
        advice = f"Scale the value {value} down{wider}."
    return ValueError(
        f"Input {input_name} contains infinity or a value too large for {np.dtype(dtype)!r}:"
        f" {where}. {advice}"
    )


def require_finite(raw, values, input_name, nan_advice=None, axes=TARGET_AXES):
    """Refuse targets or weights that are not finite; `raw` is what they were before conversion."""
    if values.dtype.kind != "f" or is_finite(values):
        return
    position = first(~np.isfinite(values))
    advice = nan_advice or target_advice(axes)
    raise not_finite(input_name, raw[position], values.dtype, at(position, axes), advice)


#: What the rows of an output are of.
SAMPLES, STREAMS = ("sample", "X"), ("stream", "x")


def require_finite_output(found, what="prediction", of=SAMPLES, axes=None):
    """Refuse to pass off nan or infinity as what a model found, (n, ...) or a list.

    Parameters
    ----------
    found : ndarray or list of ndarray
    what : str
        It is, for the message.
    of : tuple of str
        What its rows are of.
    axes : tuple of str or StepAxes
        What an index of its rows counts; None: what they are of.
    """
    if isinstance(found, list):
        finite = np.array([np.isfinite(one).all() for one in found])
    elif is_finite(found):
        return
    else:
        finite = np.isfinite(found)
    if not finite.all():
        (row, argument), place = of, int(np.argmin(finite.reshape(len(finite), -1).all(axis=1)))
        where = at((place,), of if axes is None else axes)
        raise ValueError(
            f"The {what} for {where} of {argument} is not finite, because the values of that"
            f" {row} are far beyond those of fit. Look for errors in them, or fit on data with such"
            " values."
        )
