"""What must hold of every call, whatever it is given: see :func:`guarded`."""

import os
import random
import re
import threading
import warnings

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse
from sklearn import metrics  # noqa: F401, where rich is installed it draws random numbers
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from threadpoolctl import ThreadpoolController

from skrnn import RNNClassifier

_POOLS = []

#: Warnings that are meant for the user, by their words where the category is a common one.
_OURS = {
    ConvergenceWarning: "",
    DataConversionWarning: "A column-vector y was passed",
    UserWarning: (
        "is read as one time step|does not have valid feature names|has feature names, but"
        "|The number of unique classes is greater than 50%"
    ),
}

#: What an error must speak of: an argument, or a parameter of the estimators.
_ARGUMENTS = {"X", "y", "X_val", "y_val", "sample_weight", "sample_weight_val", "classes"}
_ARGUMENTS |= {"tokens", "n_samples", "prompt", "temperature"}
_SUBJECTS = _ARGUMENTS | set(RNNClassifier().get_params()) | {"loss", "quantile", "max_length"}
#: scikit-learn's own words, which name no argument.
_KNOWN = (
    "Found input variables with inconsistent numbers of samples|Sample weights must|is not fitted"
    "|Found array with 0|Expected 2D array, got|The feature names should match"
    "|has no attribute 'partial_fit'|Invalid parameter"
)
#: Words of Python's, NumPy's or of skrnn's inside, which tell a user nothing.
_INNER = (
    r"unsupported operand|not subscriptable|has no attribute|positional argument|out of bounds"
    r"|broadcast|not aligned|ufunc|'NoneType'|has no len|not iterable|not callable|__\w+__"
    r"|\bself\b|unhashable|truth value|<lambda>|object at 0x|(?<![\w.])_[a-z]+"
)


def told(value):
    """A value in words that are the same in every process."""
    return re.sub(r" at 0x\w+", "", repr(value))


def guarded(call, *inputs, errors=(ValueError, TypeError)):
    """What a call gives and None, or None and the error of these kinds that it refuses with.

    Whatever it does, the inputs and the process are as before, and it warns of nothing but what a
    user can help; a refusal has words that a user understands.
    """
    before, given = _surroundings(), fingerprint(inputs)
    value = error = None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        filters = list(warnings.filters)
        try:
            value = call()
        except errors as refusal:
            error = refusal
        assert warnings.filters == filters, "the filters of warnings have changed"
    assert _surroundings() == before, "a global setting, state or thread is not as before"
    assert fingerprint(inputs) == given, "the call has changed what it was given"
    _check_warnings(said)
    if error is not None:
        _check_words(error)
    return value, error


def fingerprint(thing):
    """Something that changes if anything in the thing does: values, types, order in memory."""
    if isinstance(thing, np.ndarray):
        return _of_array(thing)
    if isinstance(thing, dict):
        return type(thing), {key: fingerprint(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing), [fingerprint(one) for one in thing]
    if isinstance(thing, (pd.DataFrame, pl.DataFrame)):
        columns = [fingerprint(thing[name].to_numpy()) for name in thing.columns]
        return type(thing), list(thing.columns), list(map(str, thing.dtypes)), columns
    if isinstance(thing, (pd.Series, pl.Series)):
        return type(thing), thing.name, str(thing.dtype), fingerprint(thing.to_numpy())
    if sparse.issparse(thing):
        return type(thing), thing.shape, fingerprint(thing.tocsr().data)
    if isinstance(thing, np.random.RandomState):
        return type(thing)  # each call may draw from it, a refused one too
    return type(thing), told(thing)


def state(model):
    """All that an estimator holds, its parameters too."""
    return fingerprint(model.__getstate__())


def assert_same(one, other, what):
    for name, values in one.items():
        assert values.dtype == other[name].dtype, f"{what}: another dtype of {name}"
        same = fingerprint(values) == fingerprint(other[name])
        assert same, f"{what}: other bits of {name}"


def _of_array(array):
    values = array.tobytes()
    if array.dtype == object:
        values = [fingerprint(one) for one in np.asarray(array).ravel()]
    mask = np.ma.getmaskarray(array).tobytes() if isinstance(array, np.ma.MaskedArray) else None
    return type(array), array.dtype, array.shape, array.strides, array.flags.writeable, values, mask


def _surroundings():
    """Of the process, all that a call has no business to change."""
    if not _POOLS:
        _POOLS.append(ThreadpoolController())  # to look for libraries takes long
    _, keys, *rest = np.random.get_state()
    pools = [(pool.prefix, pool.num_threads) for pool in _POOLS[0].lib_controllers]
    # Numba asks which thread it loads a kernel in, and then Python 3.11 never forgets a helper.
    threads = {one for one in threading.enumerate() if "Dummy" not in one.name}
    return np.geterr(), keys.tobytes(), rest, random.getstate(), pools, threads, dict(os.environ)


def _check_warnings(said):
    for one in said:
        words = _OURS.get(one.category)
        known = words is not None and re.search(words, str(one.message))
        where = f"{one.filename}:{one.lineno}"
        assert known, f"a foreign warning: {one.category.__name__}: {one.message} ({where})"


def _check_words(error):
    kind, words = type(error).__name__, str(error)
    error_told = f"{kind}: {words}"
    assert len(words.split()) > 4, f"the error is no sentence: {error_told}"
    if re.search(_KNOWN, words):
        return
    inner = re.search(_INNER, words)
    assert not inner, f"the error speaks of the inside, {inner}: {error_told}"
    named = _SUBJECTS & set(re.findall(r"\w+", words))
    assert named, f"the error names no argument: {error_told}"
