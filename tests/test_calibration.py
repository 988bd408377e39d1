"""From left-out scores to raw predictions: slopes and shifts are the best ones, never negative."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit

from skrnn import losses
from skrnn.linear.calibration import calibrate
from skrnn.quantiles import weighted_quantile

SQUARED, POISSON, LOGISTIC = losses.SquaredError(), losses.Poisson(), losses.Logistic()
LEVELS = losses.Quantile([0.2, 0.5, 0.9])
LOCATIONS = [SQUARED, losses.AbsoluteError(), losses.Huber(), LEVELS]
NAMED = {"ids": lambda loss: loss.name}


def problem(loss, rng, n=80):
    """Scores that say something of the targets, in another unit, and weights."""
    scores = rng.normal(size=(n, 2))
    mean = 0.6 * scores + [1.0, -0.5]
    if loss.name == "poisson":
        targets = rng.poisson(np.exp(mean)).astype(float)
    elif loss.name == "logistic":
        targets = (rng.uniform(size=(n, 2)) < expit(2.0 * mean)).astype(float)
    else:
        targets = mean + 0.5 * rng.normal(size=(n, 2))
    return scores, targets, rng.uniform(0.5, 2.0, size=n)


def constants(loss, targets, weights):
    """What there is to say without scores."""
    if loss.is_likelihood:
        references = [loss.reference(column, weights) for column in targets.T]
        return [constant + shift for constant, shift, _ in references]
    found = SQUARED if loss.name == "huber" else loss  # for which a mean is near enough
    return found.best_constant(targets, weights)


def standardized(scores, weights):
    """The scores, and their spread."""
    mean = np.average(scores, axis=0, weights=weights)
    spread = np.sqrt(np.average((scores - mean) ** 2, axis=0, weights=weights))
    return scores / spread, spread


@pytest.mark.parametrize("loss", LOCATIONS, **NAMED)
def test_slopes_of_a_location_are_of_least_squares_and_shifts_are_the_best_constants(loss, rng):
    scores, targets, weights = problem(loss, rng)
    mixing, shift = calibrate(scores, targets, weights, loss)
    n_levels = len(loss.levels)
    for k in range(2):
        centered = scores[:, k] - np.average(scores[:, k], weights=weights)
        slope = weights @ (centered * targets[:, k]) / (weights @ centered**2)
        columns = slice(k * n_levels, (k + 1) * n_levels)
        assert 0.0 < slope < 1.0
        assert_allclose(mixing[k, columns], slope, rtol=1e-12)
        assert_array_equal(mixing[1 - k, columns], 0.0)
        rest = (targets - slope * scores)[:, k]
        expected = [
            np.average(rest, weights=weights)
            if level is None
            else weighted_quantile(rest, weights, level)
            for level in loss.levels
        ]
        assert_allclose(shift[columns], expected, rtol=1e-12)


def test_slopes_of_a_location_are_at_most_one(rng):
    scores, targets, weights = problem(SQUARED, rng)
    mixing, shift = calibrate(scores, 3.0 * targets, weights, SQUARED)
    assert_array_equal(mixing, np.eye(2))
    assert_allclose(shift, np.average(3.0 * targets - scores, axis=0, weights=weights))


@pytest.mark.parametrize("loss", [POISSON, LOGISTIC], **NAMED)
def test_slopes_and_shifts_of_a_likelihood_are_the_most_probable(loss, rng):
    """Its slope has a normal prior of precision 10, in scores of variance one (78)."""
    scores, targets, weights = problem(loss, rng)
    mixing, shift = calibrate(scores, targets, weights, loss)
    unit, spread = standardized(scores, weights)
    for k in range(2):
        # Counts are calibrated in units of their mean.
        _, moved, left = loss.reference(targets[:, k], weights)

        def posterior(point, k=k, left=left):
            raw = point[0] * unit[:, k] + point[1]
            prior = 0.5 * (10.0 * point[0] ** 2 + 1e-3 * point[1] ** 2)
            return weights @ (loss.cumulant(raw)[0] - left * raw) + prior

        best = minimize(posterior, np.zeros(2), tol=1e-12, options={"gtol": 1e-7}).x
        assert best[0] > 0.1
        assert_allclose(mixing[k, k] * spread[k], best[0], rtol=1e-5)
        assert_allclose(shift[k] - moved, best[1], rtol=1e-5)
    assert_array_equal(mixing * (1 - np.eye(2)), 0.0)


def test_all_classes_have_one_slope_and_each_its_shift(rng):
    n, weights = 150, rng.uniform(0.5, 2.0, size=150)
    scores = rng.normal(size=(n, 3)) * [1.0, 2.0, 0.5]
    codes = (scores + np.array([0.5, 0.0, -0.5]) + rng.gumbel(size=(n, 3))).argmax(axis=1)
    loss, targets = losses.Softmax(3), codes[:, np.newaxis].astype(float)
    mixing, shift = calibrate(scores, targets, weights, loss)
    _, spread = standardized(scores, weights)
    spread = np.sqrt(np.mean(spread**2))

    def posterior(point):
        raw = point[0] * scores / spread + point[1:]
        prior = 0.5 * (10.0 * point[0] ** 2 + 1e-3 * point[1:] @ point[1:])
        return weights @ loss.of_rows(raw, targets) + prior

    best = minimize(posterior, np.zeros(4), tol=1e-12, options={"gtol": 1e-7}).x
    assert best[0] > 0.1
    assert_allclose(mixing, np.eye(3) * best[0] / spread, rtol=1e-5)
    assert_allclose(shift, best[1:] - best[1:].mean(), atol=1e-5)


@pytest.mark.parametrize("loss", [*LOCATIONS, POISSON, LOGISTIC], **NAMED)
def test_scores_that_run_the_wrong_way_have_no_slope(loss, rng):
    scores, targets, weights = problem(loss, rng)
    mixing, shift = calibrate(-scores, targets, weights, loss)
    assert_array_equal(mixing, 0.0)
    assert_allclose(shift, constants(loss, targets, weights), rtol=1e-10)


def test_scores_of_classes_that_run_the_wrong_way_leave_their_shares(rng):
    codes = rng.choice(3, size=90, p=[0.5, 0.3, 0.2])
    scores = rng.normal(size=(90, 3)) - np.eye(3)[codes]
    targets, weights = codes[:, np.newaxis].astype(float), rng.uniform(0.5, 2.0, size=90)
    mixing, shift = calibrate(scores, targets, weights, losses.Softmax(3))
    assert_array_equal(mixing, 0.0)
    shares = np.bincount(codes, weights) / weights.sum()
    assert_allclose(np.exp(shift) / np.exp(shift).sum(), shares, rtol=1e-12)


@pytest.mark.parametrize("loss", [*LOCATIONS, POISSON], **NAMED)
def test_equal_scores_leave_the_best_constant(loss, rng):
    _, targets, weights = problem(loss, rng)
    mixing, shift = calibrate(np.full((80, 2), 7.0), targets, weights, loss)
    raw = np.full((1, 2), 7.0) @ mixing + shift
    assert_allclose(raw[0], constants(loss, targets, weights), rtol=2e-3)


@pytest.mark.parametrize("heaviest", [1e10, 1e20, 1e60, 1e300])
@pytest.mark.parametrize("loss", [POISSON, LOGISTIC, losses.Softmax(2)], **NAMED)
def test_a_sample_may_outweigh_all_others(loss, heaviest):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weights = np.r_[1.0, heaviest, np.ones(6)]
        scores, targets = rng.normal(size=(8, loss.n_outputs(1))), rng.permutation(8)[:, None] % 2.0
        found = calibrate(scores, targets, weights, loss)
        assert all(np.isfinite(array).all() for array in found)


@pytest.mark.parametrize("loss", [POISSON, LOGISTIC, losses.Softmax(2)], **NAMED)
def test_beside_samples_of_all_the_weight_others_say_nothing_of_a_slope(loss, rng):
    scores = rng.normal(size=(20, loss.n_outputs(1)))
    targets = np.r_[0.0, 0.0, 1.0, rng.permutation(17) % 2][:, np.newaxis]
    scores[:3] = [[0.0], [1.0], [2.0]] * np.array([-1.0, 1.0])[-scores.shape[1] :]
    for heavy, has_slope in [([0], False), ([0, 1], False), ([0, 2], True)]:
        weights = np.ones(20)
        weights[heavy] = 1e20
        mixing, shift = calibrate(scores, targets, weights, loss)
        assert mixing.any() == has_slope
        raw = scores @ mixing + shift
        assert np.isfinite(raw).all()
        if has_slope:
            assert raw[2, -1] > raw[0, -1] + 1.0


@pytest.mark.parametrize("heaviest", [1e5, 1e7, 1e10, 1e20])
def test_counts_beside_a_heavy_zero_are_not_overshot(heaviest):
    """In units of their mean, next to nothing, the other counts are huge.

    With a free shift, weighted means sum to the weighted counts, so none is more than their sum.
    """
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scores, targets = rng.normal(size=(20, 1)), rng.poisson(3.0, size=(20, 1)) + 1.0
        weights, targets[0] = np.r_[heaviest, np.ones(19)], 0.0
        mixing, shift = calibrate(scores, targets, weights, POISSON)
        assert (scores @ mixing + shift).max() < np.log(targets.sum())


def test_a_target_that_is_always_the_same_needs_no_scores(rng):
    scores, weights = rng.normal(size=(20, 2)), np.ones(20)
    mixing, shift = calibrate(scores, np.full((20, 2), [3.0, 7.0]), weights, POISSON)
    assert_array_equal(mixing, 0.0)
    assert_allclose(shift, np.log([3.0, 7.0]))
    mixing, shift = calibrate(scores, np.full((20, 2), [0.0, 1.0]), weights, LOGISTIC)
    assert_array_equal(mixing, 0.0)
    assert_allclose(shift, np.log([0.5 / 20.5, 20.5 / 0.5]))


@pytest.mark.parametrize("loss", [*LOCATIONS, POISSON, LOGISTIC], **NAMED)
def test_weights_are_repetition_for_slopes_and_shifts(loss, rng):
    scores, targets, _ = problem(loss, rng)
    weights = rng.integers(1, 4, size=80)
    rows = np.repeat(np.arange(80), weights)
    weighted = calibrate(scores, targets, weights.astype(float), loss)
    repeated = calibrate(scores[rows], targets[rows], np.ones(len(rows)), loss)
    for one, other in zip(weighted, repeated, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-12)
