"""Sequences: layout, sharing of memory, selection."""

import pickle

import numpy as np
import pytest

from skrnn.data.sequences import Sequences


@pytest.fixture
def ragged():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 3)) for length in (4, 1, 6, 2)]


def items(sequences):
    places = zip(sequences.starts, sequences.lengths, strict=True)
    return [sequences.values[start : start + length] for start, length in places]


def test_from_list_lays_sequences_end_to_end(ragged):
    sequences = Sequences.from_list(ragged)
    assert len(sequences) == 4
    assert sequences.n_features == 3
    assert sequences.lengths.tolist() == [4, 1, 6, 2]
    assert sequences.starts.tolist() == [0, 4, 5, 11]
    assert sequences.starts.dtype == sequences.lengths.dtype == np.int64
    assert sequences.values.flags.c_contiguous
    for found, expected in zip(items(sequences), ragged, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_from_list_promotes_or_converts(ragged):
    mixed = [ragged[0].astype(np.float32), ragged[1]]
    assert Sequences.from_list(mixed).values.dtype == np.float64
    assert Sequences.from_list(mixed, np.float32).values.dtype == np.float32
    assert Sequences.from_list([np.ones((2, 1), int)], np.float32).values.dtype == np.float32


def test_from_list_of_fortran_ordered_arrays_is_c_contiguous(ragged):
    sequences = Sequences.from_list([np.asfortranarray(array) for array in ragged])
    assert sequences.values.flags.c_contiguous
    np.testing.assert_array_equal(sequences.values, np.concatenate(ragged))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_from_array_is_a_view(dtype):
    X = np.arange(24, dtype=dtype).reshape(2, 4, 3)
    sequences = Sequences.from_array(X)
    assert np.shares_memory(sequences.values, X)
    assert sequences.values.dtype == dtype
    assert sequences.starts.tolist() == [0, 4]
    assert sequences.lengths.tolist() == [4, 4]
    assert sequences.starts.dtype == sequences.lengths.dtype == np.int64
    for found, expected in zip(items(sequences), X, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_from_array_copies_what_is_not_contiguous():
    X = np.arange(24.0).reshape(3, 4, 2).transpose(1, 0, 2)
    sequences = Sequences.from_array(X)
    assert sequences.values.flags.c_contiguous
    np.testing.assert_array_equal(sequences.values.reshape(X.shape), X)


@pytest.mark.parametrize("rows", [[2, 0, 2], [3], [], np.array([False, True, True, False])])
def test_take(ragged, rows):
    rows = np.array(rows, dtype=bool if len(rows) and isinstance(rows[0], np.bool_) else int)
    sequences = Sequences.from_list(ragged)
    taken = sequences.take(rows)
    expected = [ragged[i] for i in np.arange(4)[rows]]
    assert len(taken) == len(expected)
    assert taken.n_features == 3
    assert taken.values is sequences.values
    for found, array in zip(items(taken), expected, strict=True):
        np.testing.assert_array_equal(found, array)
    steps = taken.steps()
    assert steps.flags.c_contiguous
    np.testing.assert_array_equal(steps, np.concatenate([np.empty((0, 3)), *expected]))


def test_steps_of_neighbours_are_a_view(ragged):
    sequences = Sequences.from_list(ragged).take(slice(1, 3))
    assert np.shares_memory(sequences.steps(), sequences.values)
    np.testing.assert_array_equal(sequences.steps(), np.concatenate(ragged[1:3]))


@pytest.mark.parametrize(("rows", "n_steps"), [([0, 2], 3), ([1, 1], 2), ([0, 1], 0), ([], 0)])
def test_steps_of_each_sequence(rows, n_steps):
    sequences = Sequences(np.zeros((8, 1)), np.array([0, 3, 5]), np.array([3, 2, 3]))
    assert sequences.take(rows).n_steps == n_steps
    assert Sequences.from_array(np.zeros((5, 4, 1))).n_steps == 4


def test_what_there_is_so_far_and_what_is_left(ragged):
    sequences = Sequences.from_list(ragged)
    so_far = sequences.so_far().lengths
    assert so_far.tolist() == [1, 2, 3, 4, 1, 1, 2, 3, 4, 5, 6, 1, 2]
    assert (sequences.n_left() + so_far).tolist() == np.repeat([4, 1, 6, 2], [4, 1, 6, 2]).tolist()


def test_pickle_and_repr(ragged):
    sequences = Sequences.from_list(ragged)
    loaded = pickle.loads(pickle.dumps(sequences))
    np.testing.assert_array_equal(loaded.values, sequences.values)
    np.testing.assert_array_equal(loaded.starts, sequences.starts)
    assert repr(loaded) == "Sequences(n=4, n_features=3, total_steps=13, dtype=float64)"
