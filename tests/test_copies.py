"""Equal rows are found, and weights count as samples in a way that knows no scale."""

import numpy as np
import pytest
from datasets import ragged, table

from skrnn.data import copies
from skrnn.data.copies import Copies, counted, find, left_out, together
from skrnn.data.examples import Examples, Share
from skrnn.data.regression import RegressionTarget
from skrnn.data.sequences import Sequences
from skrnn.losses import SquaredError


def rows_of(n=80, seed=0):
    """Distinct rows and targets."""
    return table(n, 5, seed), table(n, 2, seed + 1)


def found(X, y):
    return find(Sequences.from_array(np.asarray(X)[:, :, np.newaxis]), np.asarray(y))


def groups_of(examples):
    return together(examples.sequences, examples.targets, examples.copies, examples.weights)


def repeated(X, y, times, shuffle=False):
    rows = np.repeat(np.arange(len(X)), times)
    if shuffle:
        rows = np.random.RandomState(0).permutation(rows)
    return X[rows], y[rows], rows


# --- who is equal --------------------------------------------------------------------------------


def test_distinct_rows_have_no_copies():
    assert found(*rows_of()) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 16])
def test_equal_rows_have_one_number_in_the_order_of_their_first_places(chunk, dtype, monkeypatch):
    monkeypatch.setattr(copies, "_CHUNK", chunk)
    X, y = rows_of(30)
    X, y, rows = repeated(X.astype(dtype), y, 1 + np.arange(30) % 3, shuffle=True)
    equal = found(X, y)
    _, first = np.unique(rows, return_index=True)
    expected = np.argsort(np.argsort(first))[np.searchsorted(np.unique(rows), rows)]
    np.testing.assert_array_equal(equal.rows, expected)
    np.testing.assert_array_equal(equal.cells, expected)
    np.testing.assert_array_equal(X[equal.first()][equal.rows], X)


def test_rows_of_one_x_and_several_y_share_a_cell():
    equal = found([[1.0], [1.0], [2.0], [1.0]], [[0.0], [1.0], [0.0], [0.0]])
    np.testing.assert_array_equal(equal.rows, [0, 1, 2, 0])
    np.testing.assert_array_equal(equal.cells, [0, 0, 1, 0])


def test_small_numbers_are_told_apart():
    """Their bits differ in few places; all 4096 rows of six digits are distinct."""
    X = np.indices((4,) * 6).reshape(6, -1).T.astype(float)
    assert found(X, np.zeros((len(X), 1))) is None
    twice = found(np.vstack([X, X]), np.zeros((2 * len(X), 1)))
    np.testing.assert_array_equal(twice.rows, np.tile(np.arange(4096), 2))


def test_order_sign_and_length_count_but_negative_zero_is_zero():
    target = np.zeros((2, 1))
    for one, other in (([1.0, 2.0], [2.0, 1.0]), ([1.0], [-1.0])):
        assert found([one, other], target) is None
    assert found([[0.0], [-0.0]], target) is not None
    unequal = Sequences.from_list([np.zeros((2, 1)), np.zeros((3, 1))])
    assert find(unequal, target) is None


def test_copies_are_found_among_sequences_of_different_lengths():
    X = ragged(40)
    order = np.r_[np.arange(40), 3, 3, 17]
    equal = find(Sequences.from_list([X[i] for i in order]), table(40, 1)[order])
    np.testing.assert_array_equal(equal.rows, order)


def test_rows_that_differ_by_zeros_at_the_end_do_not_hide_the_copies_among_others():
    rows = [np.ones((2, 1)), np.zeros((2, 1)), np.zeros((3, 1)), np.ones((2, 1))]
    equal = find(Sequences.from_list(rows), np.zeros((4, 1)))
    np.testing.assert_array_equal(equal.rows, [0, 1, 2, 0])


def test_two_rows_of_one_hash_are_not_taken_for_equal(monkeypatch):
    monkeypatch.setattr(copies, "_hashes", lambda sequences: np.zeros(len(sequences), np.uint64))
    X, _ = rows_of(10)
    assert found(X, np.zeros((10, 1))) is None


def test_some_of_the_rows_keep_their_copies():
    equal = Copies(np.array([0, 1, 0, 2, 1]), np.array([0, 0, 0, 1, 0]))
    some = equal.take(np.array([1, 3, 4]))
    np.testing.assert_array_equal(some.rows, [0, 1, 0])
    np.testing.assert_array_equal(some.cells, [0, 1, 0])
    some = equal.take(np.array([0, 1, 3]))
    np.testing.assert_array_equal(some.rows, [0, 1, 2])
    np.testing.assert_array_equal(some.cells, [0, 0, 1])
    assert equal.take(np.array([0, 3])) is None


# --- what they count as --------------------------------------------------------------------------

SCALES = [2.0**-900, 1e-3, 1 / 3, 1.0, 10.0, 2.0**900]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n_copies", [1, 3])
def test_equal_weights_count_as_so_many_distinct_rows_whatever_their_scale(n_copies, scale):
    X, y, _ = repeated(*rows_of(), n_copies)
    weights = counted(found(X, y), np.full(len(X), scale))
    np.testing.assert_allclose(weights, 1.0 / n_copies, rtol=1e-14)


def test_weights_of_one_of_distinct_rows_are_left_as_they_are():
    ones = np.ones(80)
    assert counted(None, ones) is ones


@pytest.mark.parametrize("scale", SCALES)
def test_unequal_weights_are_worth_fewer_samples_whatever_their_scale(scale):
    w = np.random.RandomState(0).uniform(0.1, 5.0, 80)
    weights = counted(None, scale * w)
    np.testing.assert_allclose(weights.sum(), w.sum() ** 2 / (w @ w), rtol=1e-13)
    np.testing.assert_allclose(weights / weights[0], w / w[0], rtol=1e-12)


@pytest.mark.parametrize("n", [20, 80])
def test_integer_weights_count_as_repeated_rows(n):
    X, y = rows_of(n)
    w = 1.0 + np.arange(n) % 4
    X_again, y_again, rows = repeated(X, y, w.astype(int), shuffle=True)
    again = counted(found(X_again, y_again), np.ones(len(rows)))
    np.testing.assert_allclose(np.bincount(rows, again), counted(None, w), rtol=1e-13)


def test_below_fifty_rows_a_weight_is_as_many_samples_as_it_says():
    w = np.array([1.0, 2.0, 4.0])
    assert counted(None, w) is w
    np.testing.assert_allclose(counted(None, w / 100).sum(), 49 / 21)
    np.testing.assert_allclose(counted(None, np.full(3, 0.01)), np.ones(3))


def test_rows_of_a_table_of_few_cells_are_samples_of_their_own():
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]] * 50)
    y = (X[:, :1] != X[:, 1:]).astype(float)
    examples = examples_of(X, y, np.ones(200))
    np.testing.assert_array_equal(examples.weights, np.ones(200))
    np.testing.assert_array_equal(groups_of(examples), np.arange(200))


@pytest.mark.parametrize("weights", [np.full(80, 1e300), np.r_[1e300, np.full(79, 1e-300)]])
def test_extreme_weights_count_as_finite_ones(weights):
    with np.errstate(all="raise", under="ignore"):
        w = counted(None, weights)
    assert np.isfinite(w).all()
    assert np.isfinite(w.astype(np.float32)).all()
    assert 0.99 < w.sum() < 81


# --- what is left out ----------------------------------------------------------------------------


def test_a_row_is_left_out_with_all_of_its_copies():
    joined = np.array([3.0, 0.5, 7.0])
    assert left_out(None, joined) is joined
    equal = Copies(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 2]))
    np.testing.assert_array_equal(left_out(equal, joined), joined)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 8.0])
def test_where_one_x_has_several_y_one_row_is_left_out(scale):
    """Forty rows of one x, of which 30 are of one class, and twelve of another x."""
    rows, cells = np.array([0, 1, 2]), np.array([0, 0, 1])
    amounts = left_out(Copies(rows, cells), scale * np.array([30.0, 10.0, 12.0]))
    np.testing.assert_allclose(amounts, scale * np.array([2.0, 2.0, 12.0]))


@pytest.mark.parametrize(
    ("weights", "unit"),
    [([4, 6], 2), ([1, 1.5], 0.5), ([5, 5], 5), ([1, np.pi], 1), ([1, 1e9], 1), ([0.3, 0.7], 0.1)],
)
def test_the_unit_of_weights_is_their_common_divisor(weights, unit):
    assert copies._unit(np.array(weights, float)) == pytest.approx(unit, rel=1e-12)


# --- examples ------------------------------------------------------------------------------------


def examples_of(X, y, weights):
    return Examples.of(Sequences.from_array(X[:, :, np.newaxis]), y, weights)


def test_where_one_x_has_several_y_weights_are_repetition_without_equal_rows_too(rng):
    """Rows of one x were looked for only where there were rows of one x and one y."""
    X, y = np.repeat(rng.normal(size=(20, 2)), 2, axis=0), rng.normal(size=40)
    weights = rng.integers(1, 3, size=40)
    rows = np.repeat(np.arange(40), weights)
    weighted, copied = found(X, y[:, None]), found(X[rows], y[rows][:, None])
    joined = np.bincount(copied.rows)
    np.testing.assert_array_equal(joined, weights)
    amounts = left_out(weighted, weights)
    np.testing.assert_array_equal(amounts, left_out(copied, joined))
    np.testing.assert_array_equal(amounts, 1)


def test_joined_examples_have_each_row_once_with_all_of_its_weight():
    X, y = rows_of()
    X_again, y_again, rows = repeated(X, y, 1 + np.arange(80) % 3, shuffle=True)
    examples = examples_of(X_again, y_again, np.ones(len(rows)))
    joined = examples.joined()
    assert len(joined) == 80
    order = rows[np.sort(np.unique(rows, return_index=True)[1])]
    np.testing.assert_array_equal(joined.targets, y[order])
    np.testing.assert_allclose(joined.weights.sum(), examples.weights.sum())
    np.testing.assert_allclose(
        joined.weights / joined.weights.min(), (1 + np.arange(80) % 3)[order]
    )


def test_weights_sum_to_no_more_than_single_precision_can_square():
    for weights in (np.full(10, 1e15), np.full(100, 1e20), np.r_[1e30, np.ones(10)]):
        assert counted(None, weights).sum() <= 1e12 * (1 + 1e-12)
    np.testing.assert_allclose(counted(None, np.full(10, 1e15)), np.full(10, 1e11))


def test_rows_of_one_x_with_several_y_are_samples_of_their_own():
    """But copies of a row whose x has one y are one sample."""
    X, y = rows_of(60)
    X = np.concatenate([X, X[:1], X[:1], X[1:2]])
    y = np.concatenate([y, y[:1], y[:1] + 1.0, y[1:2]])
    group = groups_of(Examples.of(Sequences.from_array(X[:, :, np.newaxis]), y, np.ones(63)))
    assert len({group[0], group[60], group[61]}) == 3
    assert group[1] == group[62]
    assert len(set(group.tolist())) == 62


def test_copies_are_held_out_together():
    X, y, rows = repeated(*rows_of(), 3, shuffle=True)
    examples = examples_of(X, y, np.ones(len(rows)))
    share = Share(0.25, RegressionTarget(SquaredError(), 2), seed=0)
    training, watched = share.split(examples)
    assert len(watched) == 3 * 20
    assert not set(training.targets[:, 0]) & set(watched.targets[:, 0])


def test_a_target_is_told_how_many_samples_a_share_holds_out():
    """More than there are classes, or there is no use in strata."""

    class Asked:
        def strata(self, values, n_held_out):
            self.n_held_out = n_held_out

    X, y = rows_of(60)
    asked = Asked()
    Share(0.1, asked, seed=0).split(examples_of(X, y, np.ones(60)))
    assert asked.n_held_out == 6.0


@pytest.mark.parametrize("seed", range(3))
def test_of_few_rows_the_same_are_held_out_in_any_order_and_number(seed):
    """Below 50 rows too a weight is copies, and a row is held out for what it is."""
    X, y = rows_of(14)
    share = Share(0.25, RegressionTarget(SquaredError(), 2), seed=seed)
    times = 1 + np.arange(14) % 4
    once = share.split(examples_of(X, y, times.astype(float)))[1]
    assert len(once) == 4
    X, y, _ = repeated(X, y, times, shuffle=True)
    again = share.split(examples_of(X, y, np.ones(len(X))))[1]
    assert set(again.targets[:, 0]) == set(once.targets[:, 0])
    assert len(again) == again.weights.sum() == once.weights.sum()


@pytest.mark.parametrize(
    ("n_distinct", "times", "expected"),
    [(9, 1, False), (10, 1, True), (9, 4, False), (10, 4, True), (9, 6, True)],
)
def test_a_share_is_held_out_from_ten_distinct_samples_on(n_distinct, times, expected):
    X, y, _ = repeated(*rows_of(n_distinct), times)
    share = Share(0.25, RegressionTarget(SquaredError(), 2), seed=0)
    assert share.has_enough(examples_of(X, y, np.ones(len(X)))) == expected


def test_distinct_rows_are_held_out_one_by_one():
    X, y = rows_of()
    share = Share(0.25, RegressionTarget(SquaredError(), 2), seed=0)
    training, watched = share.split(examples_of(X, y, np.ones(80)))
    assert (len(training), len(watched)) == (60, 20)
    assert len(set(training.targets[:, 0]) | set(watched.targets[:, 0])) == 80


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize(("fraction", "n_watched"), [(0.25, 21), (0.1, 9), (0.0249, 3)])
def test_a_share_is_rounded_up(fraction, n_watched, seed):
    X, y = rows_of(81)
    share = Share(fraction, RegressionTarget(SquaredError(), 2), seed)
    training, watched = share.split(examples_of(X, y, np.ones(81)))
    assert (len(training), len(watched)) == (81 - n_watched, n_watched)


def test_a_weight_that_vanishes_beside_the_others_removes_its_row():
    X, y = rows_of()
    w = np.r_[1e-320, np.full(79, 1e300)]
    examples = examples_of(X, y, w)
    assert len(examples) == 79
    assert examples.weights.all()
