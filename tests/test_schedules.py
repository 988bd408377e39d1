"""Learning-rate schedules: their formulas, and the rates that updates are made with."""

import warnings

import numpy as np
import pytest
import reference
from datasets import numbers
from fits import SCHEDULES, Spy, small, table
from sklearn.exceptions import ConvergenceWarning

from skrnn.learning import optimizers, schedules
from skrnn.network.network import Network


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.3, 0.31, 0.8, 1.0])
def test_schedules_are_those_of_the_reference(progress):
    for name in ("cosine", "one_cycle"):
        factor = getattr(schedules, name)(progress)
        np.testing.assert_allclose(
            factor, getattr(reference, name)(1.0, progress), rtol=1e-12, atol=1e-16
        )
    n_seen = int(1000 * progress)
    factor = schedules.inverse_scaling(n_seen, 0.7)
    np.testing.assert_allclose(factor, reference.invscaling(1.0, n_seen, 0.7), rtol=1e-14)


def rates(monkeypatch, max_iter=20, n_batches=2, **parameters):
    """The learning rate of every minibatch."""
    spy = Spy(monkeypatch, optimizers.Adam, "update")
    X = table(40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        small(
            max_iter=max_iter, batch_size=40 // n_batches, learning_rate_init=0.01, **parameters
        ).fit(X, numbers(X))
    return np.array(spy["rate"])


def test_constant_rate(monkeypatch):
    np.testing.assert_array_equal(rates(monkeypatch, learning_rate="constant", tol=0), 0.01)


def test_cosine_rate(monkeypatch):
    found = rates(monkeypatch, learning_rate="cosine", tol=0)
    progress = np.arange(40) / 40
    np.testing.assert_allclose(found, 0.005 * (1 + np.cos(np.pi * progress)), atol=1e-15)


def test_one_cycle_rate(monkeypatch):
    found = rates(monkeypatch, learning_rate="one_cycle", tol=0)
    top = int(found.argmax())
    assert len(found) == 40
    assert found[top] == pytest.approx(0.01, rel=1e-12)
    assert top == 12  # at 30 % of the way
    assert (np.diff(found[: top + 1]) > 0).all()
    assert (np.diff(found[top:]) < 0).all()
    assert found[0] == pytest.approx(0.01 / 25, rel=1e-12)
    assert 1e-6 < found[-1] < 1e-4


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_inverse_scaling_rate(power, monkeypatch):
    found = rates(monkeypatch, learning_rate="invscaling", power_t=power, tol=0)
    seen = np.repeat(np.arange(20) * 40, 2)
    np.testing.assert_allclose(found, 0.01 / (seen + 1.0) ** power, rtol=1e-13)


def test_adaptive_rate(monkeypatch):
    found = rates(monkeypatch, 60, 1, learning_rate="adaptive", tol=1e6, n_iter_no_change=2)
    steps = np.array([0.01, 0.002, 0.0004, 8e-5, 1.6e-5, 3.2e-6, 6.4e-7])
    first, *others = np.unique(found, return_counts=True)[1][::-1]
    assert first == 4
    np.testing.assert_allclose(np.unique(found)[::-1], steps, rtol=1e-12)
    assert others == [3] * 6


@pytest.mark.parametrize("learning_rate", SCHEDULES)
def test_the_rate_is_that_of_the_update(learning_rate, monkeypatch):
    """A hundredth of the learning rate moves plain gradient descent a hundredth as far."""
    moved = []
    for rate in (1e-4, 1e-6):
        with monkeypatch.context() as patch:
            spy = Spy(patch, Network, "loss_gradient")
            settings = {"solver": "sgd", "momentum": 0.0, "max_iter": 2, "tol": 0.0}
            model = small(learning_rate=learning_rate, learning_rate_init=rate, **settings)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(table(), numbers(table()))
        moved.append(spy["theta"][1] - spy["theta"][0])
    assert np.abs(moved[0]).max() > 0
    np.testing.assert_allclose(moved[0], 100 * moved[1], rtol=1e-5, atol=1e-12)
