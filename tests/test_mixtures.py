"""The mixture density of a step: values by SciPy and PyTorch, slopes by differences, draws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, softmax

from skrnn import mixtures
from skrnn.kernels import mixtures as kernels

pytestmark = pytest.mark.kernels
N, M, F = 7, 3, 2


@pytest.fixture
def case(rng):
    """Raw predictions, and targets two of which are ends."""
    loss = mixtures.Mixture(M, F)
    raw = rng.normal(size=(N, loss.n_outputs()))
    targets = np.column_stack([rng.normal(size=(N, F)), np.zeros(N)])
    targets[[1, 4]] = [0.0] * F + [1.0]
    return loss, raw, targets


def naive(raw, target):
    """The loss of one row, as the equations say it."""
    weights, end = softmax(raw[:M]), expit(raw[-1])
    if target[-1]:
        return -np.log(end)
    means, logs = raw[M : M + M * F].reshape(M, F), raw[M + M * F : -1].reshape(M, F)
    deviations = np.sqrt(np.exp(2 * logs) + mixtures.LEAST_VARIANCE)
    of_each = stats.norm.pdf(target[:-1], means, deviations).prod(axis=1)
    return -np.log(weights @ of_each) - np.log(1 - end)


def test_values_are_those_of_the_equations(case):
    loss, raw, targets = case
    expected = [naive(row, target) for row, target in zip(raw, targets, strict=True)]
    assert_allclose(loss.of_rows(raw, targets), expected, rtol=1e-12)


def test_slopes_are_those_of_differences(case, rng):
    loss, raw, targets = case
    shares, step = rng.uniform(0.5, 2.0, size=N), 1e-6
    slopes = raw.copy()
    value = loss.gradient(slopes, targets, shares)
    assert value == pytest.approx(shares @ loss.of_rows(raw, targets), rel=1e-12)
    for column in range(raw.shape[1]):
        moved = [raw.copy(), raw.copy()]
        moved[0][:, column] -= step
        moved[1][:, column] += step
        below, above = (loss.of_rows(one, targets) for one in moved)
        assert_allclose(slopes[:, column], shares * (above - below) / (2 * step), atol=1e-8)


def test_values_and_slopes_are_those_of_torch(case):
    torch = pytest.importorskip("torch")
    loss, raw, targets = case
    leaf = torch.tensor(raw, requires_grad=True)
    found = mixtures.parts(leaf, M)
    deviations = torch.sqrt(torch.exp(2 * found.log_deviations) + mixtures.LEAST_VARIANCE)
    normal = torch.distributions.Normal(found.means, deviations)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=found.weights),
        torch.distributions.Independent(normal, 1),
    )
    is_end = torch.tensor(targets[:, -1])
    density = mixture.log_prob(torch.tensor(targets[:, :-1]))
    of_end = torch.nn.functional.binary_cross_entropy_with_logits(
        found.ends, is_end, reduction="none"
    )
    values = of_end - (1 - is_end) * density
    values.sum().backward()
    assert_allclose(loss.of_rows(raw, targets), values.detach().numpy(), rtol=1e-12)
    slopes = raw.copy()
    loss.gradient(slopes, targets, np.ones(N))
    assert_allclose(slopes, leaf.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_the_density_of_numbers_that_repeat_themselves_is_finite():
    loss = mixtures.Mixture(1, 1)
    raw = np.array([[0.0, 0.0, -1e4, 0.0]])
    assert np.isfinite(loss.of_rows(raw, np.zeros((1, 2)))).all()
    raw[0, 1] = 1e3
    assert np.isfinite(loss.of_rows(raw, np.zeros((1, 2)))).all()


def test_the_density_of_weights_that_ran_away_is_a_number():
    loss = mixtures.Mixture(2, 1)
    raw = np.full((1, loss.n_outputs()), 1e300)
    assert loss.of_rows(raw, np.zeros((1, 2))) == np.inf


def test_a_start_has_the_quantiles_and_ends_as_often_as_there_are(rng):
    loss = mixtures.Mixture(4, 1)
    targets = np.column_stack([rng.normal(size=1000), np.zeros(1000)])
    targets[:100, 1] = 1.0
    start = loss.best_constant(targets, np.ones(1000))[np.newaxis]
    found = mixtures.parts(start, 4)
    assert_allclose(expit(found.ends), 0.1)
    expected = stats.norm.ppf([0.125, 0.375, 0.625, 0.875])
    assert_allclose(found.means[0, :, 0], expected, atol=0.15)


def test_draws_are_of_the_mixture():
    random, n = np.random.RandomState(0), 40_000
    raw = np.zeros((1, mixtures.Mixture(2, 1).n_outputs()))
    found = mixtures.parts(raw, 2)
    found.weights[:], found.means[0, :, 0] = np.log([0.25, 0.75]), (-3.0, 5.0)
    found.log_deviations[0, :, 0] = np.log([0.5, 2.0])
    for temperature, share in [(1.0, 0.25), (0.5, 0.1)]:
        drawn = mixtures.draw(np.repeat(raw, n, axis=0), 2, temperature, random)[:, 0]
        low, high = (
            stats.norm(mean, deviation * np.sqrt(temperature))
            for mean, deviation in ((-3.0, 0.5), (5.0, 2.0))
        )

        def distribution(x, low=low, high=high, share=share):
            return share * low.cdf(x) + (1 - share) * high.cdf(x)

        assert stats.kstest(drawn, distribution).pvalue > 0.01


def test_classes_are_drawn_as_often_as_they_are_probable():
    logarithms = np.log([[0.1, 1.0, 0.6, 0.3]] * 50_000)
    logarithms[:, 1] = -1e30
    drawn = mixtures.drawn_classes(logarithms, 1.0, np.random.RandomState(0))
    assert_allclose(np.bincount(drawn, minlength=4) / 50_000, [0.1, 0, 0.6, 0.3], atol=0.01)


def test_the_kernel_and_the_loss_know_one_least_variance():
    assert mixtures.LEAST_VARIANCE == kernels.LEAST_VARIANCE
