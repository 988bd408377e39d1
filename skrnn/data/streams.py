"""Sequences that come one step at a time: the state between two steps, and how a step is read."""

import numpy as np

from skrnn.data.checks import (
    as_float,
    at,
    first,
    infinite,
    numbers,
    rectangular,
    refuse_mask,
)
from skrnn.data.columns import names_of, refuse_types

_AXES = ("stream", "feature")


class StreamState:
    """All that a model has to know of some streams before their next step.

    It is a value: no call changes it, so an old one stays valid, and it may be copied, pickled, and
    sent elsewhere. ``len(state)`` is the number of streams. ``state[rows]`` is the state of some of
    them, chosen as the rows of an array are; one number gives the state of that one stream. It
    belongs to the model whose ``predict_step`` made it.

    Attributes
    ----------
    numbers : ndarray of float64
        A row for each stream; :mod:`skrnn.kernels.streams` says what of.
    model : str
        A digest of the model.
    """

    __slots__ = ("model", "numbers")

    def __init__(self, numbers, model):
        self.numbers, self.model = numbers, model

    @property
    def n_steps(self):
        """How many steps each stream has had, an array of integers."""
        return self.numbers[:, 0].astype(np.int64)

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, rows):
        chosen = self.numbers[rows]
        if chosen.ndim == 1:
            chosen = chosen[np.newaxis]
        if chosen.ndim != 2 or chosen.shape[1] != self.numbers.shape[1]:
            raise IndexError(f"Choose streams by one index for rows, not by {rows!r}.")
        return StreamState(chosen.copy(order="C"), self.model)

    def __repr__(self):
        return f"StreamState({len(self)} stream{'s' * (len(self) != 1)})"


def read_step(x, schema):
    """One step of some streams as numbers (n_streams, n_features) in the model's precision.

    Parameters
    ----------
    x : array-like of shape (n_streams, n_features)
    schema : Schema

    Raises
    ------
    ValueError, TypeError
        If it is of another width, or its values cannot be read.
    """
    if type(x) is np.ndarray and x.dtype == schema.dtype and x.ndim == 2 and len(x):
        found = x.copy(order="C")
    else:
        found = _converted(x, schema)
    if found.shape[1] != schema.n_features:
        raise ValueError(
            f"x has {found.shape[1]} features, but {schema.estimator_name} was fitted on"
            f" {schema.n_features} features per step. Pass one step of each stream, of shape"
            f" (n_streams, {schema.n_features})."
        )
    return found


def _converted(x, schema):
    refuse_mask(x, "x", "Where a value is missing, pass NaN.")
    refuse_types(x, "x")
    names = names_of(x)
    if None not in (names, schema.names) and not schema.is_of_rows and names != schema.names:
        raise ValueError(
            f"x has the columns {list(names)}, but {schema.estimator_name} was fitted on"
            f" {list(schema.names)}, in this order."
        )
    array = np.asarray(rectangular(x, "x is not one step of each stream"))
    if array.ndim != 2 or not len(array):
        raise ValueError(
            f"x has the shape {array.shape}. Expected one step of each stream, of shape"
            f" (n_streams, {schema.n_features}); one stream is a row by itself."
        )
    return as_float(numbers(array, "x", _AXES, names), schema.dtype)


def refuse_infinite(x, read):
    """Refuse a step that has an infinite value; `read` is what became of x."""
    position = first(np.isinf(read))
    raise infinite("x", np.asarray(x)[position], read.dtype, at(position, _AXES))
