"""Kinds of values that a field of a saved model may have, each with words for it."""

from itertools import pairwise
from math import inf
from numbers import Real
from typing import NamedTuple

import numpy as np

# Counts of this size are of nothing that exists, and beyond what a float or an int64 holds.
_TOO_MANY = 2**63
# Other subclasses, such as masked arrays, are read in other ways.
_ARRAYS = np.ndarray, np.memmap


class Valid(NamedTuple):
    """A test of values, and in words what passes it."""

    test: object
    words: str


def one_of(names):
    """A name in a tuple, or a key of a table, which may get further ones."""
    return Valid(lambda found: type(found) is str and found in names, f"one of {list(names)}")


def either(one, other):
    return Valid(
        lambda found: one.test(found) or other.test(found), f"{one.words}, or {other.words}"
    )


def whole_number(first, end=_TOO_MANY):
    return Valid(
        lambda found: type(found) is int and first <= found < end,
        f"a whole number from {first} on, less than {end}",
    )


COUNT, COUNTER, SEED = whole_number(1), whole_number(0), whole_number(0, 2**32)


def tuple_of(valid, n=None):
    def test(found):
        return type(found) is tuple and n in (None, len(found)) and all(map(valid.test, found))

    return Valid(test, f"a tuple, each of it {valid.words}")


def _are_indices(found):
    return tuple_of(COUNTER).test(found) and list(found) == sorted(set(found))


def _are_levels(found):
    levels = found if type(found) is list else [found]
    if not all(type(level) is float and 0.0 < level < 1.0 for level in levels):
        return False
    return len(levels) > 0 and levels == sorted(levels)


def _are_classes(found):
    if type(found) not in _ARRAYS or found.ndim != 1 or found.dtype.kind not in "biufUOT":
        return False
    if found.dtype.kind == "O" and not all(isinstance(name, str) for name in found):
        return False
    return len(found) > 1 and bool((found[:-1] < found[1:]).all())


def _are_categories(found):
    kinds = {"column": int, "values": tuple, "others": bool, "missing": bool}
    if type(found) is not dict or {key: type(value) for key, value in found.items()} != kinds:
        return False
    values = found["values"]
    is_text = all(type(value) is str for value in values)
    is_number = all(type(value) in (int, float) and -inf < value < inf for value in values)
    return (is_text or is_number) and all(one < other for one, other in pairwise(values))


def _are_tokens(found):
    if type(found) not in _ARRAYS or found.ndim != 1 or found.dtype != np.int64 or not len(found):
        return False
    return bool(found[0] > 0 and (found[:-1] < found[1:]).all())


def _are_labels(found):
    try:
        return type(found) is tuple and 0 < len(found) == len(set(found))
    except TypeError:
        return False


def _is_factor(found):
    return isinstance(found, (Real, np.bool_)) and 0 <= found < inf


def _is_array(found):
    """Whether kernels may read it by address, where its shape and type are right."""
    return type(found) in _ARRAYS and found.ndim > 0 and found.flags.c_contiguous


NONE = Valid(lambda found: found is None, "None")
# A null in the name would be an error where a class of that name is made.
NAME = Valid(
    lambda found: type(found) is str and found != "" and found.isprintable(), "a printable name"
)
TEXT = Valid(lambda found: type(found) is str, "text")
FLAG = Valid(lambda found: type(found) is bool, "True or False")
FACTOR = Valid(_is_factor, "a finite number from 0 on")
SHARE = Valid(lambda found: type(found) is float and 0.0 <= found < 1.0, "from 0 on, below 1")
ARRAY = Valid(_is_array, "an array without gaps")
CLASSES = Valid(_are_classes, "an array of two or more classes, sorted, each once")
LABELS = Valid(_are_labels, "a tuple of labels that can be hashed, each once")
TOKENS = Valid(_are_tokens, "an array of token ids, ascending from 1 on, each once")
CATEGORIES = Valid(_are_categories, "of the indicators of one column: text or numbers, ascending")
PRECISION = one_of(("float32", "float64"))
#: Ascending, each once.
INDICES = Valid(_are_indices, "an ascending tuple of whole numbers from 0 on")
LEVELS = Valid(_are_levels, "between 0 and 1, or an ascending list of such")
