"""Clipping of gradients, and how an optimiser goes on from its state."""

from typing import NamedTuple

import numpy as np
import pytest
import reference
from datasets import numbers
from fits import Spy, small, table

from skrnn.learning import optimizers
from skrnn.learning.settings import Settings


@pytest.mark.parametrize("max_norm", [0.5, 13.0, 20.0])
def test_clipping_is_that_of_the_reference(max_norm):
    gradient = np.array([3.0, -4.0, 12.0])
    norm = optimizers.gradient_norm(gradient)
    np.testing.assert_allclose(
        gradient * optimizers.clipping_factor(norm, max_norm),
        reference.clip(gradient, max_norm),
        rtol=1e-14,
    )


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_max_grad_norm_clips_the_whole_gradient(solver, monkeypatch):
    owner = {"adam": optimizers.Adam, "sgd": optimizers.SGD}[solver]
    X = table()
    y = 5 * numbers(X)
    settings = {"solver": solver, "standardize": False, "batch_size": 10, "max_iter": 3}
    for bound in (0.1, 3.0, 1e9, None):
        with monkeypatch.context() as patch:
            spy = Spy(patch, owner, "update")
            small(max_grad_norm=bound, **settings).fit(X, y)
        norms = np.array([np.linalg.norm(gradient) for gradient in spy["gradient"]])
        after = norms * np.array(spy["shrink"])
        limit = np.inf if bound is None else bound
        np.testing.assert_allclose(after, np.minimum(norms, limit), rtol=1e-12)
        if bound == 0.1:
            assert (norms > 0.1).all()
    np.testing.assert_array_equal(spy["shrink"], 1.0)


@pytest.mark.parametrize("beta_1", [0.0, 0.9])
@pytest.mark.parametrize("beta_2", [0.5, 0.999])
def test_adam_goes_as_far_as_the_rate_at_every_step_while_the_gradient_stays(beta_1, beta_2):
    """Its corrected moments are then the gradient and its square, from the first step on."""
    adam = optimizers.Adam(3, np.float64, beta_1, beta_2, epsilon=1e-30)
    theta, gradient = np.zeros(3), np.array([1e-3, -2.0, 50.0])
    for n in range(1, 8):
        adam.update(theta, gradient, 0.25)
        np.testing.assert_allclose(theta, -0.25 * n * np.sign(gradient), rtol=1e-10)


SETTINGS = {
    "adam": {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6},
    "sgd": {"momentum": 0.7, "nesterovs_momentum": False},
}
SOLVERS = pytest.mark.parametrize("solver", SETTINGS)


class Sized(NamedTuple):
    """All that an optimiser is told of a network."""

    n_parameters: int
    dtype: np.dtype
    n_in_table: int = 0


NETWORK = Sized(7, np.dtype(np.float32))


def settings_for(solver, **changes):
    estimator = small(solver=solver, **SETTINGS[solver], **changes)
    values = vars(estimator) | {"n_iter_no_change": 10}
    names = Settings._fields[:-2]
    return Settings(**{name: values[name] for name in names})


def path_of(optimizer, n_updates, seed=0):
    """Where so many updates by some gradients lead."""
    rng, theta = np.random.default_rng(seed), np.zeros(7, np.float32)
    for gradient in rng.normal(size=(n_updates, 7)).astype(np.float32):
        optimizer.update(theta, gradient, 0.1)
    return theta


def test_a_new_optimizer_is_of_the_kind_and_the_parameters_of_the_settings():
    adam = optimizers.new_optimizer(NETWORK, settings_for("adam"))
    assert type(adam) is optimizers.Adam
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.8, 0.99, 1e-6)
    assert (adam.first.shape, adam.first.dtype) == ((7,), np.float32)
    sgd = optimizers.new_optimizer(NETWORK, settings_for("sgd"))
    assert type(sgd) is optimizers.SGD
    assert (sgd.momentum, sgd.nesterov) == (0.7, False)
    assert (sgd.velocity.shape, sgd.velocity.dtype) == ((7,), np.float32)


@SOLVERS
def test_a_copy_goes_on_by_itself(solver):
    optimizer = optimizers.new_optimizer(NETWORK, settings_for(solver))
    path_of(optimizer, 3)
    twin = optimizer.copy()
    kept = {k: np.copy(v) for k, v in vars(twin).items()}
    moved = path_of(optimizer, 4, seed=1)
    for name, value in kept.items():
        np.testing.assert_array_equal(getattr(twin, name), value)
    np.testing.assert_array_equal(path_of(twin, 4, seed=1), moved)


@SOLVERS
def test_a_revived_optimizer_goes_on_and_leaves_the_state_as_it_was(solver):
    settings = settings_for(solver)
    optimizer = optimizers.new_optimizer(NETWORK, settings)
    path_of(optimizer, 3)
    state = {k: np.copy(v) if isinstance(v, np.ndarray) else v for k, v in vars(optimizer).items()}
    kept = optimizer.copy()
    revived = optimizers.revived(NETWORK, settings, state)
    np.testing.assert_array_equal(path_of(revived, 4, seed=1), path_of(optimizer, 4, seed=1))
    for name, value in vars(kept).items():
        np.testing.assert_array_equal(state[name], value)


def test_a_revived_optimizer_has_the_parameters_of_now():
    state = vars(optimizers.new_optimizer(NETWORK, settings_for("adam")))
    now = settings_for("adam")._replace(beta_1=0.5)
    assert optimizers.revived(NETWORK, now, state).beta_1 == 0.5


@SOLVERS
def test_an_optimizer_without_a_state_of_its_kind_is_fresh(solver):
    other = optimizers.new_optimizer(NETWORK, settings_for({"adam": "sgd", "sgd": "adam"}[solver]))
    path_of(other, 3)
    settings = settings_for(solver)
    expected = path_of(optimizers.new_optimizer(NETWORK, settings), 4)
    for state in (None, vars(other)):
        optimizer = optimizers.revived(NETWORK, settings, state)
        np.testing.assert_array_equal(path_of(optimizer, 4), expected)
