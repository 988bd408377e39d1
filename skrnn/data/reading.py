"""Reading X of any form into Sequences.

Two rules decide the form of X, and neither looks at the numbers in it, so a subset of X (a fold
of a cross-validation) is always read as X is: an element that is itself an array is a sequence,
and a list of plain numbers is a row of a 2-D table.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from skrnn.data.checks import (
    ARRAY_AXES,
    PADDED_STEPS_ADVICE,
    STEP_AXES,
    TABLE_AXES,
    as_float,
    at,
    first,
    first_unequal,
    float_dtype,
    has_length,
    infinite,
    is_a_number,
    is_finite,
    numbers,
    rectangular,
    refuse_complex,
    refuse_mask,
)
from skrnn.data.columns import names_of, refuse_lazy, refuse_types
from skrnn.data.sequences import Sequences


class Reading(NamedTuple):
    """X as it was read.

    Attributes
    ----------
    sequences : Sequences
        The data, float32 or float64.
    form : {"table", "flat", "array", "list"}
        2-D without ``n_timesteps``, 2-D with it, 3-D, or one array per sample.
    n_columns : int
        Columns of a 2-D X, features per step of any other: ``n_features_in_``.
    """

    sequences: Sequences
    form: str
    n_columns: int


def read(X, *, n_timesteps=None, dtype=None, estimator_name="This estimator"):
    """Read X of any form.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_columns), (n_samples, n_timesteps, n_features), \
            or list of array-likes of shape (T_i, n_features) or (T_i,)
        Whole trailing steps of NaN in a 3-D X, or in flat rows, are padding, but for the first
        step; any other NaN is a missing value. An object array, tuple or Series of
        arrays, or the only column of a frame, is read as the list of them. A sparse X is made dense
        up to :data:`LARGEST_DENSE` bytes.
    n_timesteps : int, default=None
        Steps in a row of a 2-D X; None: as many as columns. Another form has to agree with it:
        a 3-D X has exactly so many steps, a sequence of a list at most so many.
    dtype : {"float32", "float64"}, default=None
        None keeps float32 and makes everything else float64.
    estimator_name : str, default="This estimator"
        For messages.

    Returns
    -------
    Reading
        Its values are a view of a C-contiguous X of the right dtype without padding.

    Raises
    ------
    ValueError, TypeError
        If X is none of these forms, empty, not numeric, or infinite.
    """
    return cut(open_input(X, estimator_name), n_timesteps, dtype)


# Opening: from whatever the user has to a 2-D or 3-D array, or a list of 2-D arrays, of numbers.

_NOT_A_SEQUENCE = "is not a sequence, an array of shape (T_i, n_features) or (T_i,)"
_TEXT_ADVICE = (
    " skrnn.text.SequenceVectorizer makes token ids of documents, for an estimator with"
    " embedding_dim."
)
#: Bytes that a sparse X may take as a dense array.
LARGEST_DENSE = 1 << 29


class Opened(NamedTuple):
    """X as numbers that have not been looked at.

    Attributes
    ----------
    data : ndarray or list of ndarray
        2-D or 3-D, or one 2-D array per sample.
    names : tuple or None
        Of the columns of a data frame; for messages.
    """

    data: object
    names: tuple | None = None

    @property
    def is_list(self):
        """Whether there is one array per sample."""
        return isinstance(self.data, list)

    @property
    def is_2d(self):
        return not self.is_list and self.data.ndim == 2


def open_input(X, estimator_name):
    """X as an Opened."""
    found = elements(X)
    if found is None:
        return _open_array(X, estimator_name)
    _require_samples(len(found), estimator_name)
    arrays = [_open_element(element, sample) for sample, element in enumerate(found)]
    _check_equal_features(arrays)
    return Opened(arrays)


def named_frame(X):
    """The first data frame with names in an X of one array per sample, or None.

    Raises
    ------
    ValueError
        If another one has other names.
    """
    first_names = found = None
    for sample, element in enumerate(elements(X) or ()):
        names = names_of(element)
        if found is None and names is not None:
            first_names, first_sample, found = names, sample, element
        elif names not in (None, first_names):
            _refuse_other_names(sample, names, first_sample, first_names)
    return found


def _refuse_other_names(sample, names, first_sample, first_names):
    found = f"there are {len(names)} instead of {len(first_names)}"
    for column, (name, wanted) in enumerate(zip(names, first_names, strict=False)):
        if name != wanted:
            found = f"column {column} is {name!r} instead of {wanted!r}"
            break
    raise ValueError(
        f"Sample {sample} of X has other columns than sample {first_sample}: {found}. All data"
        f" frames of a list must have the columns {list(first_names)}, in this order."
    )


def elements(X):
    """The sequences of an X that is one array per sample, or None if X is a table or an array."""
    refuse_lazy(X)
    return _elements_of_list(X) if isinstance(X, (list, tuple)) else _elements_of_column(X)


def row_length(X):
    """Columns of an X that is 2-D; None of any other."""
    if elements(X) is not None:
        return None
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    return shape[1] if len(shape) == 2 else None


def _elements_of_list(X):
    """The sequences in a list, or None if X is a table (or 1-D) in the form of a list."""
    kinds = [_kind(element) for element in X]
    for sample, kind in enumerate(kinds):
        if kind != kinds[0]:
            for one in (0, sample):
                if has_length(X[one]) and len(X[one]) == 0:
                    raise _empty(f"Sample {one} of X")
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
        nested = len(element) > 0 and has_length(element[0])
        return "a sequence" if nested else "a list of numbers"
    return "a number" if is_a_number(element) else "a sequence"


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
    """The sequences in a Series, an object array or a frame of one column, None if X is no such."""
    shape = getattr(X, "shape", ())
    if shape[1:] not in ((), (1,)) or not shape or issparse(X):
        return None
    column = np.asarray(X)
    if column.ndim > len(shape):  # a type of polars whose cells are arrays of one shape
        return list(column.reshape(shape[0], *column.shape[len(shape) :]))
    if column.dtype != object:
        return None
    if len(shape) == 2:
        return list(column[:, 0]) if any(map(has_length, column[:, 0])) else None
    return None if all(_kind(element) == "a number" for element in column) else list(column)


def _empty(where):
    return ValueError(
        f"{where} is empty. A sequence needs at least one step and one feature; leave such samples"
        " out, and their targets."
    )


def _require_samples(n_samples, estimator_name):
    if n_samples == 0:
        raise ValueError(
            "Found array with 0 sample(s) (X is an empty list) while a minimum of 1 is required by"
            f" {estimator_name}."
        )


def _open_element(element, sample):
    where = f"Sample {sample} of X"
    refuse_mask(element, where, PADDED_STEPS_ADVICE)
    refuse_types(element, where)
    try:
        array = _joined(np.asarray(element))
    except (TypeError, ValueError) as error:
        raise ValueError(
            _of_unequal_steps(element, where) or f"{where} {_NOT_A_SEQUENCE}: {error}"
        ) from error
    if array.ndim not in (1, 2):
        kind = type(element).__name__ + (f" of {array.ndim} dimensions" if array.ndim else "")
        advice = _TEXT_ADVICE if isinstance(element, (str, bytes)) else ""
        raise TypeError(f"{where} {_NOT_A_SEQUENCE}, but of type {kind}.{advice}")
    array = numbers(array, where, STEP_AXES, names_of(element))
    if array.size == 0:
        raise _empty(where)
    return array if array.ndim == 2 else array[:, np.newaxis]


def _of_unequal_steps(steps, where):
    """Words for a sample with steps of different lengths; None for any other."""
    unequal = first_unequal(steps, "step") if has_length(steps) else None
    return unequal and (
        f"{where} has steps of different lengths: {unequal}. A sequence is an array of shape"
        " (T_i, n_features) or (T_i,)."
    )


def _joined(steps):
    """An object array of steps that are arrays themselves, as tables keep them, as one array."""
    if steps.dtype == object and steps.ndim == 1 and len(steps) and has_length(steps[0]):
        return np.stack([np.asarray(step) for step in steps])
    return steps


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
    refuse_mask(X, "X")
    refuse_types(X, "X")
    names = names_of(X)
    X = _dense(X) if issparse(X) else rectangular(X, "X is not a 2-D or 3-D array of numbers")
    refuse_complex(X, "X")
    array = check_array(
        X,
        dtype=None,
        allow_nd=True,
        ensure_all_finite=False,
        estimator=estimator_name,
        input_name="X",
    )
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
    axes = TABLE_AXES if array.ndim == 2 else ARRAY_AXES
    return Opened(numbers(np.asarray(array), "X", axes, names), names)


def _dense(X):
    """A sparse X as an array, unless that would fill the memory."""
    size = X.shape[0] * np.prod(X.shape[1:], dtype=float) * np.dtype(float_dtype([X])).itemsize
    if size > LARGEST_DENSE:
        raise ValueError(
            f"Sparse X of shape {X.shape} is {size / 2**20:.4g} MiB as a dense array, which is what"
            f" a recurrent net reads, and is made dense up to {LARGEST_DENSE >> 20} MiB only."
            " Reduce its columns, for instance by max_categories of the OneHotEncoder that made it,"
            " by sklearn.decomposition.TruncatedSVD or sklearn.feature_selection.SelectKBest, pass"
            " fewer rows at a time, or, if the memory is there, X.toarray()."
        )
    return X.toarray()


# Cutting: from opened X to Sequences whose values are finite or missing.


def cut(opened, n_timesteps, dtype):
    """Reading of what :func:`open_input` gave."""
    data = opened.data
    if opened.is_list:
        sequences, form = _cut_list(data, n_timesteps, dtype), "list"
    elif opened.is_2d:
        sequences = _cut_2d(opened, n_timesteps, dtype)
        form = "table" if n_timesteps is None else "flat"
    else:
        sequences, form = _cut_3d(data, n_timesteps, dtype), "array"
    return Reading(sequences, form, data.shape[1] if opened.is_2d else sequences.n_features)


def _cut_2d(opened, n_timesteps, dtype):
    table = opened.data
    n_samples, n_columns = table.shape
    steps = n_columns if n_timesteps is None else n_timesteps
    if n_columns % steps:
        raise ValueError(
            f"X has {n_columns} columns, which n_timesteps={steps} does not divide. A row of a 2-D"
            " X holds all features of step 0, then of step 1, and so on: n_columns = n_timesteps *"
            " n_features."
        )
    values = as_float(table, dtype)
    shaped = values.reshape(n_samples, steps, n_columns // steps)
    if is_finite(values):
        return Sequences.from_array(shaped)
    if np.isinf(values).any():
        sample, column = first(np.isinf(values))
        where = at((sample, column), TABLE_AXES, opened.names)
        if n_timesteps is not None:
            where += f" ({at(divmod(column, n_columns // steps), STEP_AXES)})"
        raise infinite("X", table[sample, column], values.dtype, where)
    if n_timesteps is None:  # no column of a table is padding
        return replace(Sequences.from_array(shaped), has_gaps=True)
    return _without_padding(shaped)


def _cut_3d(array, n_timesteps, dtype):
    if n_timesteps not in (None, array.shape[1]):
        raise ValueError(
            f"X has {array.shape[1]} time steps (shape {array.shape}; time before features), but"
            f" n_timesteps={n_timesteps}. Leave n_timesteps=None for a 3-D X: it says how to read"
            " the rows of a 2-D one."
        )
    values = as_float(array, dtype)
    if is_finite(values):
        return Sequences.from_array(values)
    if np.isinf(values).any():
        position = first(np.isinf(values))
        raise infinite("X", array[position], values.dtype, at(position, ARRAY_AXES))
    return _without_padding(values)


def _without_padding(values):
    """Sequences of an array of steps less whole trailing steps of NaN, of which one may stay."""
    missing = np.isnan(values)
    n_timesteps, filled = values.shape[1], ~missing.all(axis=2)
    lengths = np.where(filled.any(axis=1), n_timesteps - np.argmax(filled[:, ::-1], axis=1), 1)
    kept = np.arange(n_timesteps) < lengths[:, np.newaxis]
    has_gaps = bool((missing.any(axis=2) & kept).any())
    return replace(Sequences.from_array(values), lengths=lengths, has_gaps=has_gaps)


def _cut_list(arrays, n_timesteps, dtype):
    with np.errstate(over="ignore"):
        sequences = Sequences.from_list(arrays, dtype or float_dtype(arrays))
    _check_longest(sequences.lengths, n_timesteps)
    if is_finite(sequences.values):
        return sequences
    if np.isinf(sequences.values).any():
        row, feature = first(np.isinf(sequences.values))
        sample = int(np.searchsorted(sequences.starts, row, side="right")) - 1
        step = row - sequences.starts[sample]
        value = arrays[sample][step, feature]
        where = at((sample, step, feature), ARRAY_AXES)
        raise infinite("X", value, sequences.values.dtype, where)
    return replace(sequences, has_gaps=True)


def _check_longest(lengths, n_timesteps):
    # A list of the rows of a flat X would otherwise pass as sequences of one feature.
    if n_timesteps is not None and lengths.max() > n_timesteps:
        sample = np.argmax(lengths > n_timesteps)
        raise ValueError(
            f"Sample {sample} of X has {lengths[sample]} steps, but n_timesteps={n_timesteps}."
            " Leave n_timesteps=None for a list of sequences; if X is a list of rows, each of which"
            " holds a whole sequence, pass np.stack(X)."
        )
