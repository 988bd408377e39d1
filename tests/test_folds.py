"""The linear path at each step: its windows, and what it says of sequences that it has not seen."""

import building
import numpy as np
import pytest
from fits import weighted_table
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import linear_model

from skrnn.data.examples import Examples
from skrnn.data.sequences import Sequences
from skrnn.linear import path as linear_path
from skrnn.linear import ridge
from skrnn.linear.folds import FoldedLogistic, FoldedRidge, folds_of
from skrnn.linear.inputs import window_of

DEALT = np.arange(36) * 7 % 5


def ridge_of(X, Y, weights, folds):
    def chunks():
        for first in range(0, len(X), 7):
            rows = slice(first, min(first + 7, len(X)))
            yield rows, X[rows]

    return FoldedRidge(chunks, Y, weights, folds)


@pytest.mark.parametrize("p", [4, 40])
def test_what_is_left_out_is_predicted_by_a_fit_without_its_fold(p):
    X, Y, weights = weighted_table(36, p, 0)
    weights[::6] = 0.0
    penalties = ridge.PENALTIES[[20, 17]]
    found = ridge_of(X, Y, weights, DEALT).leave_one_out(penalties)
    for fold in range(5):
        rest, own = fold != DEALT, fold == DEALT
        for k, penalty in enumerate(penalties):
            model = linear_model.Ridge(penalty * weights.sum())
            model.fit(X[rest], Y[rest, k], sample_weight=weights[rest])
            assert_allclose(found[own, k], model.predict(X[own]), rtol=1e-7, atol=1e-9)


def test_the_best_penalty_has_the_least_error_in_folds_left_out():
    X, Y, weights = weighted_table(36, 6, 2)
    fitted = ridge_of(X, Y, weights, DEALT)
    errors = [
        weights @ (Y - fitted.leave_one_out(np.full(2, penalty))) ** 2
        for penalty in ridge.PENALTIES
    ]
    best = np.argmin(errors, axis=0)
    assert_array_equal(fitted.best_penalties(), ridge.PENALTIES[best])
    assert (best > 0).all()


@pytest.mark.parametrize(("n_classes", "tolerance"), [(2, 0.07), (3, 0.15)])
def test_log_odds_are_close_to_those_of_a_fit_without_the_fold(n_classes, tolerance):
    rng, n = np.random.default_rng(1), 200
    X, weights = rng.normal(size=(n, 4)), rng.integers(0, 3, n).astype(float)
    codes = (X @ rng.normal(size=(4, n_classes)) + rng.normal(size=(n, n_classes))).argmax(axis=1)
    X = X - np.average(X, axis=0, weights=weights)
    _, vectors = np.linalg.eigh((weights[:, np.newaxis] * X).T @ X)
    indicators = np.eye(n_classes)[codes] if n_classes > 2 else (codes == 1)[:, np.newaxis] * 1.0
    folds = np.arange(n) % 10
    problem = FoldedLogistic(X @ vectors, indicators, weights, folds)
    penalty = np.r_[np.full(4, 0.01), 1e-6]
    fitted = problem._minimize(problem._start(), penalty)
    left_out, raw = problem._left_out(fitted, penalty), problem.terms @ fitted
    for fold in range(10):
        rest, own = folds != fold, folds == fold
        fewer = FoldedLogistic(
            problem.terms[rest, :-1], indicators[rest], weights[rest], folds[rest]
        )
        exact = problem.terms[own] @ fewer._minimize(fitted, penalty * problem.total / fewer.total)
        error = left_out[own] - exact
        error -= error.mean(axis=1, keepdims=True) * (n_classes > 2)
        assert np.abs(error).max() < tolerance
        assert np.abs(exact - raw[own]).max() > 2.0 * np.abs(error).max()


def test_whole_sequences_are_left_out():
    lengths = np.array([3, 1, 4, 2, 5] * 5)
    folds = np.split(folds_of(lengths, np.ones(lengths.sum())), np.cumsum(lengths)[:-1])
    assert [set(fold) for fold in folds] == [{i % 10} for i in range(25)]


@pytest.mark.parametrize("lengths", [[200], [30, 90, 80]])
def test_few_sequences_are_left_out_in_blocks_of_equal_weight(lengths):
    weights = np.r_[np.zeros(50), np.ones(150)]
    folds = folds_of(np.array(lengths), weights)
    assert (np.diff(folds) >= 0).all()
    assert_array_equal(np.bincount(folds, weights), np.full(10, 15.0))
    assert folds_of(np.array([3]), np.array([1.0, 0.0, 1e6])).tolist()[0] == 0


# --- windows ---------------------------------------------------------------------------------


LENGTHS = [4, 1, 6, 2]


def windows(sequences, n_steps, n_ahead):
    """Inputs of the map at each step, by loops; zeros beyond the ends."""
    rows = []
    for x in sequences:
        for t in range(len(x)):
            places = range(t - n_steps + 1, t + n_ahead + 1)
            rows.append([x[s] if 0 <= s < len(x) else np.zeros(x.shape[1]) for s in places])
    return np.array(rows).reshape(len(rows), -1)


@pytest.mark.parametrize("n_ahead", [0, 1, 2])
@pytest.mark.parametrize("n_steps", [1, 3])
def test_the_map_reads_the_steps_around_each(n_steps, n_ahead, rng):
    X = [rng.normal(size=(length, 2)) for length in LENGTHS]
    size = (n_steps + n_ahead) * 2
    path = linear_path.LinearPath(
        n_steps, n_ahead, np.zeros((1, 2)), np.ones((1, 2)), *building.no_limits(np.zeros((1, 2))),
        rng.normal(size=(size, 3)), np.zeros((size, 3)), rng.normal(size=3), np.ones(3),
    )  # fmt: skip
    found = path.predict(Sequences.from_list(X), of_steps=True)
    expected = windows(X, n_steps, n_ahead) @ path.coefficients + path.intercepts
    assert_allclose(found, expected, rtol=1e-12)
    # A longer array around them changes nothing.
    values = np.vstack([np.full((2, 2), 9.0), *X, np.full((2, 2), 9.0)])
    starts = 2 + np.cumsum(LENGTHS) - LENGTHS
    spread = Sequences(values, starts, np.array(LENGTHS))
    assert_array_equal(path.predict(spread, of_steps=True), found)


def test_the_window_is_as_long_as_asked_or_of_so_many_inputs():
    X = Sequences.from_array(np.zeros((2, 50, 8)))
    assert window_of(X, "auto", False) == (32, 0)
    assert window_of(X, "auto", True) == (16, 15)
    assert window_of(X, 3, False) == (3, 0)
    assert window_of(X, 3, True) == (3, 2)
    assert window_of(X, 99, True) == (50, 49)
    X = Sequences.from_array(np.zeros((2, 5, 900)))
    assert window_of(X, "auto", True) == (1, 0)


def examples_of(X, targets, weights=None):
    sequences = Sequences.from_list(X)
    weights = np.ones(len(targets)) if weights is None else weights
    return Examples.of(sequences, targets, weights, sequences.lengths)


@pytest.mark.parametrize("both_sides", [False, True])
def test_the_path_finds_a_map_of_windows(both_sides, rng):
    X = [rng.normal(size=(length, 2)) for length in rng.integers(4, 12, 60)]
    reads = windows(X, 3, 2 if both_sides else 0)
    slopes = rng.normal(size=(reads.shape[1], 2))
    y = reads @ slopes + 0.1 * rng.normal(size=(len(reads), 2))
    loss = building.loss("squared_error")
    path, left_out = linear_path.fit(examples_of(X, y), None, loss, 3, both_sides)
    coefficients, _ = path.of_unscaled_inputs()
    assert_allclose(coefficients.reshape(-1, 2), slopes, atol=0.03)
    assert 0.005 < ((y - left_out) ** 2).mean() < 0.02


@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [("squared_error", 2), ("quantile", 4), ("poisson", 2), ("logistic", 2), ("softmax", 3)],
)
def test_what_is_left_out_of_targets_that_are_alike_within_a_sequence_says_nothing(loss, n_outputs):
    """A map that leaves out one step only would know the target from the steps beside it."""
    rng = np.random.default_rng(3)
    X = [np.repeat(rng.normal(size=(1, 6)), 8, axis=0) for _ in range(60)]
    targets = {
        "logistic": rng.integers(0, 2, (60, 2)),
        "softmax": rng.integers(0, 3, (60, 1)),
        "poisson": rng.poisson(3.0, (60, 2)),
    }.get(loss, rng.normal(size=(60, 2))).astype(float)
    targets = np.repeat(targets, 8, axis=0)
    loss = building.loss(loss, n_outputs, (0.2, 0.8))
    left_out = linear_path.fit(examples_of(X, targets), None, loss, "auto")[1]
    assert left_out.shape == (480, n_outputs)
    value = loss.of_rows(left_out, targets).mean()
    constant = np.tile(loss.best_constant(targets, np.ones(480)), (480, 1))
    assert value < 1.03 * loss.of_rows(constant, targets).mean()
    assert np.ptp(left_out, axis=0).max() < 1.0


@pytest.mark.parametrize("loss", ["squared_error", "softmax"])
def test_equal_sequences_are_one_with_their_weights_together(loss, rng):
    X = [rng.normal(size=(length, 2)) for length in rng.integers(2, 7, 20)]
    y = np.concatenate([np.cumsum(x[:, :1]) for x in X])[:, np.newaxis]
    y = y if loss == "squared_error" else np.digitize(y, [-0.5, 0.5]).astype(float)
    ends = np.cumsum([len(x) for x in X])
    times = rng.integers(1, 4, 20)
    again = [i for i in range(20) for _ in range(times[i])]
    parts = np.split(y, ends[:-1])
    loss = building.loss(loss, 3)
    weighted = examples_of(X, y, np.repeat(times, [len(x) for x in X]).astype(float))
    repeated = examples_of([X[i] for i in again], np.concatenate([parts[i] for i in again]))
    one, left_out = linear_path.fit(weighted, None, loss, "auto")
    other, left_out_again = linear_path.fit(repeated, None, loss, "auto")
    assert_allclose(one.coefficients, other.coefficients, rtol=1e-6, atol=1e-9)
    rows = np.concatenate([np.arange(ends[i] - len(X[i]), ends[i]) for i in again])
    assert_allclose(left_out[rows], left_out_again, rtol=1e-4, atol=1e-6)


def test_a_step_is_of_the_fold_that_the_middle_of_its_weight_is_in():
    found = folds_of(np.array([6]), np.array([5.0, 1.0, 1.0, 1.0, 1.0, 1.0]))
    assert_array_equal(found, [2, 5, 6, 7, 8, 9])
