"""The labels that a classifier is given, in y or as the classes of ``partial_fit``."""

from numbers import Number

import numpy as np
from sklearn.utils.multiclass import unique_labels

from skrnn.data.checks import TARGET_AXES, at, is_missing, naming, require_finite, target_advice
from skrnn.data.given import ONE_FOR_EACH_SEQUENCE, without_made_strings

_SETS_OF_LABELS = (
    "Make an indicator matrix of sets of labels by sklearn.preprocessing.MultiLabelBinarizer."
)


def read_labels(given):
    """A classifier's y, of one dtype that scikit-learn takes for labels: classes or indicators."""
    labels = array_of_labels(given)
    if labels.ndim > 2 or labels.shape[1:] == (0,):
        raise ValueError(
            f"{given.name} must be of shape (n_samples,) or (n_samples, n_labels), got shape"
            f" {labels.shape}." + (ONE_FOR_EACH_SEQUENCE if labels.ndim > 2 else "")
        )
    if labels.dtype == object:
        labels = _labels_of_objects(labels, given.name, given.axes)
    if labels.dtype != object and _is_of_objects(given.y):
        _refuse_numbers_in_objects(labels, given.name)
    require_finite(labels, labels, given.name, axes=given.axes)
    if labels.dtype.kind == "S":
        raise TypeError(
            f"{given.name} is of dtype {labels.dtype}, bytes, which scikit-learn does not support"
            f" as labels. Pass {given.name}.astype(str)."
        )
    return _in_native_order(labels)


def array_of_labels(given):
    """A classifier's y as an array of any type."""
    return given.array(advice=_SETS_OF_LABELS)


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
    found = without_made_strings(np.asarray(classes), classes)
    if found.dtype == object:
        found = _labels_of_objects(found, "classes", TARGET_AXES)
    if found.ndim != 1:
        raise ValueError(f"classes must be a list of classes, got shape {found.shape}.")
    if found.dtype.kind == "V":
        raise TypeError(f"classes is of dtype {found.dtype}, but must be strings or numbers.")
    require_finite(found, found, "classes", "A class cannot be missing.")
    if found.dtype.kind == "f" and (found != np.floor(found)).any():
        raise ValueError(
            f"Unknown label type: classes contains numbers that are not whole: {classes!r}."
            " Classes must be strings, whole numbers or booleans."
        )
    with naming("classes", usual=None):
        found = _in_native_order(unique_labels(found))
    if fitted is not None and not np.array_equal(found, fitted):
        raise ValueError(
            f"classes={classes!r} are not the classes that this model has: {fitted.tolist()}. Leave"
            " classes out, or begin with a new estimator."
        )
    if len(found) < 2:
        raise ValueError(f"classes must name at least 2 classes. Got {classes!r} instead.")
    return found


def _in_native_order(labels):
    """In the order of bytes of the machine: predict gives classes back, pandas takes no other."""
    return labels.astype(labels.dtype.newbyteorder("="), copy=False)


def _labels_of_objects(labels, name, axes):
    """Objects that are all strings as they are, all numbers or booleans in their own dtype."""
    if all(issubclass(kind, str) for kind in set(map(type, labels.ravel()))):
        return labels
    for position, label in np.ndenumerate(labels):
        place = at(position, axes)
        # None has words of its own below.
        if label is not None and is_missing(label):
            raise ValueError(f"Input {name} contains NaN: {place}. {target_advice(axes)}")
        if not isinstance(label, (str, Number, np.bool_)):
            raise ValueError(
                f"Unknown label type: {name} contains {label!r} ({place}). Labels must be strings,"
                f" numbers or booleans, none missing.{_advice_on(label)}"
            )
        if isinstance(label, str) != isinstance(labels.flat[0], str):
            raise ValueError(
                f"Unknown label type: {name} mixes strings and numbers: it begins with"
                f" {labels.flat[0]!r} and contains {label!r} ({place})."
            )
    return np.array(labels.tolist())


def _advice_on(label):
    is_of_several = isinstance(label, (list, tuple, set, frozenset, np.ndarray))
    return f" {_SETS_OF_LABELS}" if is_of_several else ""


def _is_of_objects(y):
    """Whether y is to scikit-learn's metrics an array of objects."""
    if hasattr(y, "columns"):
        return np.asarray(y).dtype == object
    return str(getattr(y, "dtype", None)) == "object"


def _refuse_numbers_in_objects(labels, name):
    kind = {"b": "bool", "i": "int", "u": "int"}.get(labels.dtype.kind, "float")
    raise ValueError(
        f"Unknown label type: {name} is of dtype object but holds numbers or booleans, which"
        f" scikit-learn's metrics and splitters do not take for labels. Pass {name}.astype({kind})."
    )
