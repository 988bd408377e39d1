"""Each loss against its definition: values, gradients, extremes, kinks."""

import math

import building
import numpy as np
import pytest
import reference

from skrnn import losses

DTYPES = [np.float32, np.float64]


def rng_of(*seed):
    return np.random.default_rng([20240229, *seed])


QUANTILES = np.array([0.1, 0.5, 0.8])


def loss_by_hand(kind, raw, y, quantiles=QUANTILES):
    """Mean loss of one row, from its definition."""
    if kind == "softmax":
        shifted = raw - raw.max()
        return np.log(np.exp(shifted).sum()) - shifted[int(y[0])]
    if kind == "quantile":
        error = np.repeat(y, len(quantiles)) - raw
        levels = np.tile(quantiles, len(y))
        return np.where(error >= 0, levels * error, (levels - 1) * error).mean()
    error = np.abs(raw - y)
    delta = losses.Huber.DELTA
    with np.errstate(over="ignore"):
        return {
            "squared_error": error**2 / 2,
            "absolute_error": error,
            "huber": np.where(error <= delta, error**2 / 2, delta * (error - delta / 2)),
            "poisson": np.exp(raw) - y * raw,
            "logistic": np.logaddexp(0, raw) - y * raw,
        }[kind].mean()


def loss_case(kind, dtype=np.float64, n=6):
    rng = rng_of(14)
    n_raw = 6 if kind == "quantile" else 4
    raw = rng.normal(scale=2.0, size=(n, n_raw)).astype(dtype)
    n_targets = {"softmax": 1, "quantile": 2}.get(kind, n_raw)
    y = rng.normal(size=(n + 2, n_targets))
    if kind == "softmax":
        y = rng.integers(n_raw, size=(n + 2, 1))
    elif kind == "poisson":
        y = rng.poisson(2.0, size=y.shape)
    elif kind == "logistic":
        y = rng.integers(2, size=y.shape)
    weights = rng.uniform(0.1, 3.0, size=n + 2)
    rows = rng.permutation(n + 2)[:n]
    return raw, y.astype(dtype), weights.astype(dtype), rows


def evaluate(kind, raw, y, weights, rows, weight_sum=None):
    """The loss's value and gradient."""
    gradient = raw.copy()
    total = float(weights[rows].sum()) if weight_sum is None else weight_sum
    shares = weights[rows] / np.float64(total)
    value = building.loss(kind, raw.shape[1], QUANTILES).gradient(gradient, y[rows], shares)
    return value, gradient


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", reference.LOSSES)
def test_loss_is_the_weighted_mean_of_its_definition(kind, dtype):
    raw, y, weights, rows = loss_case(kind, dtype)
    value, gradient = evaluate(kind, raw, y, weights, rows)
    wide = raw.astype(np.float64)
    by_hand = [loss_by_hand(kind, wide[i], y[row].astype(float)) for i, row in enumerate(rows)]
    expected = np.average(by_hand, weights=weights[rows].astype(np.float64))
    assert gradient.dtype == dtype
    assert value == pytest.approx(expected, rel=1e-13 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("kind", reference.LOSSES)
def test_gradient_of_a_loss(kind):
    raw, y, weights, rows = loss_case(kind)
    _, gradient = evaluate(kind, raw, y, weights, rows)
    step = 1e-5
    for place in np.ndindex(raw.shape):
        up, down = raw.copy(), raw.copy()
        up[place] += step
        down[place] -= step
        change = evaluate(kind, up, y, weights, rows)[0] - evaluate(kind, down, y, weights, rows)[0]
        assert gradient[place] == pytest.approx(change / (2 * step), abs=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("kind", reference.LOSSES)
def test_extreme_raw_predictions_have_finite_loss_and_gradient(kind, sign, dtype):
    raw, y, weights, rows = loss_case(kind, dtype)
    raw[:, ::2] = 1000 * sign
    if kind == "poisson":
        raw[:, ::2] = -1000 if sign < 0 else 80
    value, gradient = evaluate(kind, raw, y, weights, rows)
    assert math.isfinite(value)
    assert np.isfinite(gradient).all()
    wide = raw.astype(np.float64)
    by_hand = [loss_by_hand(kind, wide[i], y[row].astype(float)) for i, row in enumerate(rows)]
    expected = np.average(by_hand, weights=weights[rows].astype(np.float64))
    assert value == pytest.approx(expected, rel=1e-12 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("kind", reference.LOSSES)
def test_nan_in_a_raw_prediction_is_seen_in_loss_or_gradient(kind):
    raw, y, weights, rows = loss_case(kind)
    raw[1, 1] = np.nan
    value, gradient = evaluate(kind, raw, y, weights, rows)
    assert not math.isfinite(value)
    if kind != "softmax":
        assert np.isfinite(np.delete(gradient, 1, axis=0)).all()


@pytest.mark.parametrize("kind", ["absolute_error", "quantile"])
def test_at_a_kink_the_gradient_is_zero(kind):
    y = np.array([[2.0]])
    gradient = np.array([[2.0]])
    value = building.loss(kind, quantiles=0.3).gradient(gradient, y, np.ones(1))
    assert (value, gradient.item()) == (0.0, 0.0)


def test_the_parts_of_a_minibatch_add_up_to_the_whole():
    raw, y, weights, rows = loss_case("squared_error")
    total = float(weights[rows].sum())
    whole = evaluate("squared_error", raw, y, weights, rows)
    first = evaluate("squared_error", raw[:2], y, weights, rows[:2], total)
    rest = evaluate("squared_error", raw[2:], y, weights, rows[2:], total)
    assert first[0] + rest[0] == pytest.approx(whole[0], rel=1e-14)
    np.testing.assert_array_equal(np.concatenate([first[1], rest[1]]), whole[1])
