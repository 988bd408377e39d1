"""Reading X whose sequences are of token ids, and numbering the tokens.

An id is any whole number above zero; zero pads the end of a sequence. Inside, a token is its number
among the sorted ids of ``fit``, and all ids that ``fit`` has not seen share the number behind the
last one. So memory follows the number of distinct ids, never the largest one.
"""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse

from skrnn.data.checks import has_length, is_missing, refuse_mask
from skrnn.data.sequences import Sequences

#: The number of an id is stored as an int32.
_MOST_TOKENS = 2**31 - 2
# Ids numbered at a time, so that what is in between stays small beside them.
_CHUNK = 1 << 20
_ADVICE = (
    " With embedding_dim, X holds token ids, whole numbers above zero: a list of 1-D arrays, or an"
    " array (n_samples, n_timesteps) whose rows are filled up with zeros at the end."
)
_TEXT_ADVICE = " skrnn.text.SequenceVectorizer makes ids of documents."


def read(X, estimator_name):
    """Sequences (total, 1) of ids, int32 or int64.

    Parameters
    ----------
    X : list, object array or Series of array-likes of shape (T_i,), or array-like of shape \
            (n_samples, n_timesteps)
        Zeros at the end of a sequence are padding, in every form.
    estimator_name : str
        For messages.

    Raises
    ------
    ValueError, TypeError
        If an id is no whole number above zero, or a sequence has none.
    """
    refuse_mask(X, "X", " Fill up with zeros at the end of a sequence only.")
    if issparse(X):
        raise TypeError("X is sparse." + _ADVICE + _TEXT_ADVICE)
    if isinstance(X, str):
        raise TypeError("X is a single string." + _ADVICE + _TEXT_ADVICE)
    found = _of_rows(X)
    if not len(found):
        raise ValueError(
            f"Found array with 0 sample(s) (X is empty) while a minimum of 1 is required by"
            f" {estimator_name}."
        )
    arrays = [_ids(one, sample) for sample, one in enumerate(found)]
    return _joined(arrays)


def row_length(X):
    """Steps of each row of an X that is an array or a table of ids, padding included; else None."""
    rows = _of_rows(X)
    return rows.shape[1] if isinstance(rows, np.ndarray) and rows.ndim == 2 else None


def _of_rows(X):
    """One object for each sample: the rows of a 2-D X, or the elements of any other."""
    if isinstance(X, (list, tuple)):
        return X
    array = np.asarray(X)
    if array.ndim == 0:
        raise TypeError(f"X is of type {type(X).__name__}." + _ADVICE)
    if array.ndim == 2 and array.shape[1] == 1 and has_length(array[0, 0]):
        return array[:, 0]  # the only column of a frame, whose cells are sequences
    if array.ndim > 2:
        raise ValueError(f"X has {array.ndim} dimensions (shape {array.shape})." + _ADVICE)
    return array


def _ids(element, sample):
    """The ids of a sequence, less the padding at its end."""
    where = f"Sample {sample} of X"
    if isinstance(element, (str, bytes)):
        raise TypeError(f"{where} is text: {_short(element)}." + _ADVICE + _TEXT_ADVICE)
    try:
        array = np.asarray(element)
    except ValueError as error:
        raise ValueError(f"{where} is not a sequence of ids: {error}." + _ADVICE) from error
    if array.ndim == 0:
        raise ValueError(
            f"{where} is not a sequence, but {_short(element)}." + _ADVICE + " If X is a single"
            " sequence, pass [X]."
        )
    if array.ndim != 1:
        raise ValueError(f"{where} is of shape {array.shape}." + _ADVICE)
    ids = _whole(array, where) if array.dtype.kind not in "iu" else array
    filled = np.flatnonzero(ids)
    if not len(filled):
        raise ValueError(
            f"{where} has no token. Leave such samples out, and their targets, or give them an id"
            " of their own, as SequenceVectorizer does."
        )
    ids = ids[: filled[-1] + 1]
    if len(filled) < len(ids):
        step = int(np.argmin(ids != 0))
        raise ValueError(
            f"{where} has a zero inside: step {step}. Zero is padding and may only stand at the end"
            " of a sequence; number tokens from 1 on."
        )
    if ids.min() < 0 or ids.max() > np.iinfo(np.int64).max:
        step = int(np.argmax((ids < 0) | (ids > np.iinfo(np.int64).max)))
        raise ValueError(
            f"{where} has the id {ids[step]} at step {step}. Ids are whole numbers from 1 to"
            f" {np.iinfo(np.int64).max}."
        )
    return ids


def _whole(array, where):
    """Ids of an array of another type, if they are whole numbers."""
    if array.dtype.kind in "US":
        raise TypeError(f"{where} is text: {_short(array[0])}." + _ADVICE + _TEXT_ADVICE)
    if array.dtype.kind not in "fO":
        raise ValueError(f"{where} is of dtype {array.dtype}." + _ADVICE)
    for step, item in enumerate(array):
        if isinstance(item, (str, bytes)):
            raise TypeError(
                f"{where} holds text: {_short(item)} (step {step})." + _ADVICE + _TEXT_ADVICE
            )
        if not _is_whole(item):
            raise ValueError(f"{where} has {_short(item)} at step {step}." + _ADVICE)
    return array.astype(np.int64)


def _is_whole(item):
    if isinstance(item, (bool, np.bool_)) or is_missing(item):
        return False
    if isinstance(item, Integral):
        return -(2**63) <= item < 2**63
    return isinstance(item, Real) and abs(item) < 2**53 and float(item).is_integer()


def _short(item):
    text = repr(item.item() if isinstance(item, np.generic) else item)
    return text if len(text) <= 60 else text[:57] + "..."


def _joined(arrays):
    """Sequences of some ids, in four bytes each where they are small enough."""
    lengths = np.array([len(array) for array in arrays], np.int64)
    largest = max(int(array.max()) for array in arrays)
    dtype = np.int32 if largest <= np.iinfo(np.int32).max else np.int64
    values = np.concatenate(arrays, dtype=dtype, casting="unsafe")[:, np.newaxis]
    return Sequences(values, np.cumsum(lengths) - lengths, lengths)


def distinct(sequences):
    """The sorted ids of some sequences, int64.

    Raises
    ------
    ValueError
        If there are more than an int32 can number.
    """
    ids, found = sequences.steps().ravel(), np.empty(0, np.int64)
    for first in range(0, len(ids), _CHUNK):
        found = np.union1d(found, ids[first : first + _CHUNK])
    if len(found) > _MOST_TOKENS:
        raise ValueError(f"X has {len(found)} distinct ids; there may be {_MOST_TOKENS} at most.")
    return found.astype(np.int64)


def numbered(sequences, tokens):
    """The same sequences with the number of each id among some sorted ones, int32.

    Ids that are not among them have the number ``len(tokens)``.
    """
    ids = sequences.values.ravel()
    numbers = np.empty(len(ids), np.int32)
    for first in range(0, len(ids), _CHUNK):
        chunk = ids[first : first + _CHUNK]
        place = np.minimum(np.searchsorted(tokens, chunk), len(tokens) - 1)
        numbers[first : first + _CHUNK] = np.where(tokens[place] == chunk, place, len(tokens))
    return Sequences(numbers[:, np.newaxis], sequences.starts, sequences.lengths)
