"""Shares of the recurrent part and of the linear path: earned on validation data."""

import numpy as np
import pytest

from skrnn.linear.blending import Part, blend
from skrnn.losses import AbsoluteError, Logistic, Quantile, SquaredError


def test_shares_are_earned():
    rng = np.random.default_rng(8)
    target = rng.normal(size=(400, 1))
    path = np.zeros_like(target)

    def blend_of(recurrent, n):
        parts = [Part(part[:n], False) for part in recurrent]
        return blend(parts, path[:n], target[:n], np.ones(n), SquaredError())

    noise = rng.normal(size=(400, 1))
    good = target + 0.5 * noise
    assert blend_of([noise], 400).share < 0.1
    assert 0.7 < blend_of([good], 400).share < 0.9  # by least squares it is 0.8
    assert blend_of([good], 4).share < blend_of([good], 400).share
    assert blend_of([noise, good], 400).part == 1


def test_a_part_that_learnt_alone_takes_its_share_from_the_path():
    rng = np.random.default_rng(9)
    target = rng.normal(size=(500, 1))
    path, alone = (target + rng.normal(size=(500, 1)) for _ in range(2))

    parts = [Part(alone, True)]
    best, share, of_path = blend(parts, path, target, np.ones(500), SquaredError())
    assert best == 0
    assert 0.4 < share < 0.6
    assert share + of_path == pytest.approx(1.0)


def test_what_is_left_of_the_path_depends_on_the_part_that_is_kept():
    rng = np.random.default_rng(9)
    target = rng.normal(size=(500, 1))
    path, good = (target + rng.normal(size=(500, 1)) for _ in range(2))
    noise = rng.normal(size=(500, 1))
    for is_alone in (True, False):
        raw = good if is_alone else 0.5 * (target - path)
        parts = [Part(noise, not is_alone), Part(raw, is_alone)]
        best, share, of_path = blend(parts, path, target, np.ones(500), SquaredError())
        assert best == 1
        assert share > 0.3
        assert of_path == (1.0 - share if is_alone else 1.0)


def test_beside_a_part_that_learnt_its_errors_the_path_says_all_it_knows():
    rng = np.random.default_rng(11)
    target = rng.normal(size=(50, 1))
    errors = [Part(0.5 * target, False), Part(target, True)]
    for part in errors:
        found = blend([part], 0.5 * target, target, np.ones(50), SquaredError())
        assert found.path_share == (1.0 - found.share if part.is_alone else 1.0)
        assert found.share > 0.9


def test_samples_of_the_validation_data_count_by_their_weights():
    rng = np.random.default_rng(12)
    target, raw = rng.normal(size=(2, 30, 1))
    raw += 0.5 * target
    weights = rng.integers(0, 4, 30).astype(float)
    rows = np.repeat(np.arange(30), weights.astype(int))
    path = np.zeros_like(target)
    for is_alone in (True, False):
        weighted = blend([Part(raw, is_alone)], path, target, weights, SquaredError())
        parts = [Part(raw[rows], is_alone)]
        repeated = blend(parts, path[rows], target[rows], np.ones(len(rows)), SquaredError())
        assert weighted == pytest.approx(repeated, rel=1e-12)
        assert 0.05 < weighted.share < 0.95


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), Quantile([0.2, 0.7])])
def test_shares_do_not_depend_on_the_unit_of_a_loss_without_a_scale(loss):
    rng = np.random.default_rng(13)
    target, path = rng.normal(size=(2, 60, 1))
    raw = np.repeat(target + rng.normal(size=(60, 1)), len(loss.levels), axis=1)
    path = np.repeat(path, len(loss.levels), axis=1)
    one, other = (
        blend([Part(c * raw, False)], c * path, c * target, np.ones(60), loss) for c in (1.0, 64.0)
    )
    assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize("n_parts", [1, 2, 5])
def test_the_evidence_of_a_likelihood_is_the_likelihood(n_parts):
    """By Bayes' rule on the 21 shares (84), (85); the more parts, the less each is trusted."""
    rng = np.random.default_rng(14)
    truth = rng.normal(size=(40, 1))
    target = (rng.uniform(size=(40, 1)) < 1 / (1 + np.exp(-truth))).astype(float)
    path, raw, weights = 0.3 * truth, 0.7 * truth, rng.uniform(0.5, 2.0, 40)
    shares = np.linspace(0.0, 1.0, 21)
    prior = np.r_[0.5, np.full(20, 0.5 / 20 / n_parts)]

    def probability(sample, log_odds):
        p = 1 / (1 + np.exp(-log_odds))
        return p if target[sample, 0] else 1 - p

    likelihoods = np.array(
        [
            np.prod([probability(i, (path + s * raw)[i, 0]) ** weights[i] for i in range(40)])
            for s in shares
        ]
    )
    posterior = likelihoods * prior / (likelihoods @ prior)
    parts = [Part(raw, False), *[Part(-raw, False)] * (n_parts - 1)]
    found = blend(parts, path, target, weights, Logistic())
    assert found.part == 0
    assert found.share == pytest.approx(posterior @ shares, rel=1e-10)


def windows(n=300):
    """A path that says nothing, and a part whose gain is that of its neighbours too."""
    random = np.random.default_rng(13)
    target = np.repeat(random.normal(size=(n // 30, 1)), 30, axis=0)
    return np.zeros((n, 1)), target, 0.4 * target + random.normal(size=(n, 1)) / 30 - 0.3


def test_overlapping_windows_are_not_so_many_samples():
    path, target, raw = windows()
    order = np.random.RandomState(0).permutation(len(path))
    found = [
        blend([Part(raw[rows], False)], path[rows], target[rows], np.ones(300), SquaredError())
        for rows in (np.arange(300), order)
    ]
    assert found[0].share < found[1].share - 0.1


def test_sorted_classes_are_as_many_samples_as_they_are():
    codes = np.repeat([[0.0], [1.0]], 40, axis=0)
    raw = np.random.default_rng(14).normal(size=(80, 1)) + codes - 0.5
    order = np.random.RandomState(0).permutation(80)
    found = [
        blend([Part(raw[rows], False)], 0 * raw, codes[rows], np.ones(80), Logistic()).share
        for rows in (np.arange(80), order)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_copies_side_by_side_are_no_windows_of_a_series():
    random = np.random.default_rng(15)
    target, raw = random.normal(size=(2, 60, 1))
    raw += target
    rows = np.repeat(np.arange(60), 3)
    ones = [Part(raw, True)], 0 * raw, target, np.full(60, 3.0), SquaredError()
    copies = [Part(raw[rows], True)], 0 * raw[rows], target[rows], np.ones(180), SquaredError()
    assert blend(*copies) == pytest.approx(blend(*ones), rel=1e-12)


def test_classes_of_steps_are_not_so_many_samples():
    """Steps of a sequence gain together, and those that do not count say nothing of it."""
    random = np.random.default_rng(14)
    codes = np.repeat(random.integers(0, 2, (12, 1)), 20, axis=0).astype(float)
    raw = np.repeat(random.normal(size=(12, 1)), 20, axis=0) + 0.7 * (codes - 0.5)
    raw += 0.01 * random.normal(size=raw.shape)
    problem = [Part(raw, False)], 0 * raw, codes
    of_samples = blend(*problem, np.ones(240), Logistic()).share
    of_steps = blend(*problem, np.ones(240), Logistic(), True).share
    assert abs(of_steps - of_samples) > 0.05
    weights = np.tile([1.0, 0.0], 120)
    counted = [Part(raw[::2], False)], 0 * raw[::2], codes[::2], np.ones(120), Logistic(), True
    found = blend(*problem, weights, Logistic(), True)
    assert found == pytest.approx(blend(*counted), rel=1e-12)


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), Logistic()])
def test_weights_and_losses_whose_product_is_beyond_all_numbers(loss):
    """The share is one between none and all, and that of the heaviest sample."""
    target, weights = np.array([[1.0], [0.0], [1.0]]), np.array([1e180, 1e240, 1e300])
    path = np.full((3, 1), 1e40)
    for part in (Part(-path, False), Part(np.zeros((3, 1)), True)):
        _, share, of_path = blend([part], path, target, weights, loss)
        assert 0.0 <= share <= 1.0
        assert 0.0 <= of_path <= 1.0
    assert np.isfinite(blend([Part(path, True)], path, target, weights, loss).share)
