"""The reference implementation by itself: values by hand, loss gradients by differences."""

import re
from pathlib import Path

import numpy as np
import pytest
import reference

MATHEMATICS = Path(__file__).parents[1] / "docs" / "mathematics.md"


def test_numerical_gradient_of_a_known_function():
    theta = np.array([0.3, -1.2, 2.0])
    gradient = reference.numerical_gradient(
        lambda v: np.sin(v[0]) * np.exp(v[1]) + v[2] ** 3, theta
    )
    expected = [
        np.cos(0.3) * np.exp(-1.2),
        np.sin(0.3) * np.exp(-1.2),
        12.0,
    ]
    np.testing.assert_allclose(gradient, expected, rtol=1e-10)


def test_cells_on_one_unit_by_hand():
    def s(a):
        return 1 / (1 + np.exp(-a))

    x = np.array([[0.5], [-1.0]])
    h = np.tanh(0.5 * 2 + 0.1)
    expected = [[h], [np.tanh(-1.0 * 2 + 0.1 + 0.3 * h)]]
    one = np.array([[2.0]]), np.array([[0.3]]), np.array([0.1])
    np.testing.assert_allclose(reference.rnn(x, *one), expected, rtol=1e-15)

    W = np.array([[0.1, -0.2, 0.3, 0.4]])
    U = np.array([[0.5, 0.6, -0.7, 0.8]])
    b = np.array([0.01, 1.0, 0.02, -0.03])
    c = s(0.06) * np.tanh(0.17)
    h = s(0.17) * np.tanh(c)
    i, f, g, o = np.array([-0.09, 1.2, -0.28, -0.43]) + h * U[0]
    second = s(o) * np.tanh(s(f) * c + s(i) * np.tanh(g))
    np.testing.assert_allclose(reference.lstm(x, W, U, b), [[h], [second]], rtol=1e-14)

    W, U = W[:, :3], U[:, :3]
    c_n, b_r, b_z, b_n = 0.9, 0.2, -0.3, 0.4
    n = np.tanh(0.5 * 0.3 + b_n + s(0.5 * 0.1 + b_r) * c_n)
    h = (1 - s(0.5 * -0.2 + b_z)) * n
    r, z = s(-0.1 + b_r + 0.5 * h), s(0.2 + b_z + 0.6 * h)
    second = (1 - z) * np.tanh(-0.3 + b_n + r * (-0.7 * h + c_n)) + z * h
    gru = reference.gru(x, W, U, np.array([c_n, b_r, b_z, b_n]))
    np.testing.assert_allclose(gru, [[h], [second]], rtol=1e-14)


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_loss_gradients(loss):
    rng = np.random.default_rng(0)
    quantiles, n_outputs = (0.1, 0.5, 0.8), 6
    for target in reference.random_targets(rng, loss, 30, n_outputs, quantiles):
        raw = rng.standard_normal(n_outputs)
        expected = reference.numerical_gradient(
            lambda raw, y=target: reference.sample_loss(loss, raw, y, quantiles), raw, 1e-4
        )
        gradient = reference.sample_loss_gradient(loss, raw, target, quantiles)
        np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("loss", "raw", "target", "value"),
    [
        ("squared_error", [1.0, 4.0], [2.0, 2.0], (0.5 + 2.0) / 2),
        ("absolute_error", [1.0, 4.0], [2.0, 2.0], (1.0 + 2.0) / 2),
        ("huber", [1.0, 4.0], [2.0, 2.0], (0.5 + 1.35 * (2.0 - 0.675)) / 2),
        ("poisson", [0.0, 1.0], [3.0, 2.0], (1.0 + np.e - 2.0) / 2),
        ("quantile", [1.0, 4.0], [2.0], (0.2 * 1.0 + (1 - 0.9) * 2.0) / 2),
        ("logistic", [0.0, 800.0], [1.0, 0.0], (np.log(2.0) + 800.0) / 2),
        ("logistic", [-800.0, 800.0], [0.0, 1.0], 0.0),
        ("softmax", [0.0, 0.0, 0.0], [1.0], np.log(3.0)),
        ("softmax", [-1e4, 0.0, 1e4], [0.0], 2e4),
    ],
)
def test_loss_values(loss, raw, target, value):
    actual = reference.sample_loss(loss, raw, target, quantiles=(0.2, 0.9))
    np.testing.assert_allclose(actual, value, rtol=1e-15)


def test_objective_weighs_samples_and_leaves_biases_unpenalised():
    rng = np.random.default_rng(1)
    parameters = reference.random_parameters(rng, "gru", (4,), 3, 2)
    sequences = reference.random_sequences(rng, [2, 5, 3], 3)
    targets = rng.standard_normal((3, 2))
    weights = np.array([1.0, 0.5, 2.5])
    raw = reference.raw_predict(sequences, parameters)
    fit = sum(w * ((r - y) ** 2).sum() / 4 for w, r, y in zip(weights, raw, targets, strict=True))
    squares = sum((parameters[name] ** 2).sum() for name in ("W_l0_d0", "U_l0_d0", "V"))
    expected = (fit + 0.3 / 2 * squares) / 4.0
    actual = reference.objective(
        sequences, targets, weights, parameters, loss="squared_error", alpha=0.3
    )
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


def test_schedules():
    assert reference.invscaling(0.1, 0) == 0.1
    np.testing.assert_allclose(reference.invscaling(0.1, 99), 0.01)
    np.testing.assert_allclose(
        [reference.cosine(0.1, share) for share in (0, 0.5, 1)], [0.1, 0.05, 0.0], atol=1e-17
    )
    np.testing.assert_allclose(
        [reference.one_cycle(0.1, share) for share in (0, 0.15, 0.3, 0.65, 1)],
        [0.004, 0.052, 0.1, 0.050005, 1e-5],
    )


def test_equations_are_numbered_in_order():
    numbers = [int(n) for n in re.findall(r"\\tag\{(\d+)\}", MATHEMATICS.read_text("utf-8"))]
    assert numbers == sorted(set(numbers))
