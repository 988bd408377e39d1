"""Ridge regression and its exact leave-one-out predictions."""

import numpy as np
import pytest
from fits import weighted_table
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import linear_model

from skrnn.linear import ridge


def ridge_of(X, Y, weights, amounts=1.0):
    def chunks():
        for first in range(0, len(X), 7 if len(X) >= X.shape[1] else len(X)):
            rows = slice(first, min(first + 7, len(X)) if len(X) >= X.shape[1] else len(X))
            yield rows, X[rows]

    return ridge.Ridge(chunks, Y, weights, np.minimum(weights, amounts))


@pytest.mark.parametrize(("n", "p"), [(30, 4), (9, 15)])
@pytest.mark.parametrize("amounts", [1.0, np.inf], ids=["one copy", "all copies"])
def test_leave_one_out_is_a_fit_without_so_many_copies_of_the_sample(amounts, n, p):
    X, Y, weights = weighted_table(n, p, 0)
    penalties = ridge.PENALTIES[[20, 17]]
    left_out = ridge_of(X, Y, weights, amounts).leave_one_out(penalties)
    for i in range(n):
        fewer = weights.copy()
        fewer[i] -= min(fewer[i], amounts)
        for k, penalty in enumerate(penalties):
            model = linear_model.Ridge(penalty * weights.sum()).fit(X, Y[:, k], sample_weight=fewer)
            expected = model.predict(X[i : i + 1])[0]
            # The mean that is left out moves the intercept too: (77) takes both as one leverage.
            assert_allclose(left_out[i, k], expected, rtol=1e-9)


@pytest.mark.parametrize(("n", "p"), [(30, 4), (9, 15)])
def test_map_is_the_ridge_regression_of_its_penalties(n, p):
    X, Y, weights = weighted_table(n, p, 1)
    penalties = ridge.PENALTIES[[12, 18]]
    coefficients, intercepts = ridge_of(X, Y, weights).coefficients(penalties)
    for k, penalty in enumerate(penalties):
        model = linear_model.Ridge(penalty * weights.sum()).fit(X, Y[:, k], sample_weight=weights)
        assert_allclose(coefficients[:, k], model.coef_, rtol=1e-7, atol=1e-10)
        assert_allclose(intercepts[k], model.intercept_, rtol=1e-7, atol=1e-10)


def test_best_penalty_has_the_least_left_out_error():
    X, Y, weights = weighted_table(25, 6, 2)
    fitted = ridge_of(X, Y, weights)
    errors = [
        weights @ (Y - fitted.leave_one_out(np.full(2, penalty))) ** 2
        for penalty in ridge.PENALTIES
    ]
    assert_array_equal(fitted.best_penalties(), ridge.PENALTIES[np.argmin(errors, axis=0)])


def test_the_best_penalty_counts_errors_by_weight():
    """Most samples say that x counts little, but the heavy ones that it counts."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1))
    Y = np.where(np.arange(60) % 6 == 0, 1.0, -0.2)[:, np.newaxis] * X
    weights = np.where(np.arange(60) % 6 == 0, 100.0, 1.0)
    (heavy,) = ridge_of(X, Y, weights, np.inf).best_penalties()
    problem = ridge_of(X, Y, weights, np.inf)
    errors = [
        weights @ (Y - problem.leave_one_out(np.array([penalty]))) ** 2
        for penalty in ridge.PENALTIES
    ]
    assert heavy == ridge.PENALTIES[np.argmin(errors)]
    unweighted = [
        ((Y - problem.leave_one_out(np.array([penalty]))) ** 2).sum() for penalty in ridge.PENALTIES
    ]
    assert heavy != ridge.PENALTIES[np.argmin(unweighted)]


def test_with_fewer_samples_than_inputs_both_decompositions_give_the_same(monkeypatch):
    X, Y, weights = weighted_table(9, 15, 3)
    X[:, 4] = X[:, 0] - X[:, 1]
    penalties = ridge.PENALTIES[[12, 18]]
    expected = ridge_of(X, Y, weights)
    monkeypatch.setattr(ridge, "_SMALL", 5)
    found = ridge_of(X, Y, weights)
    assert len(found.values) == len(expected.values) == 8
    assert_allclose(np.sort(found.values), np.sort(expected.values), rtol=1e-9)
    for one, other in zip(
        (found.leave_one_out(penalties), *found.coefficients(penalties)),
        (expected.leave_one_out(penalties), *expected.coefficients(penalties)),
        strict=True,
    ):
        assert_allclose(one, other, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("p", [300, 3000])
def test_of_many_more_inputs_than_samples_none_predicts_itself(p):
    """Each lacks 1e-9 of determining its own prediction, and noise would be known by heart."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, p)), rng.normal(size=(20, 1))
    penalties = ridge.PENALTIES[[0]]
    left_out = ridge_of(X, Y, np.ones(20)).leave_one_out(penalties)
    for i in range(20):
        rest = np.arange(20) != i
        other = ridge_of(X[rest], Y[rest], np.ones(19))
        coefficients, intercepts = other.coefficients(penalties * 20 / 19)
        assert_allclose(left_out[i], X[i] @ coefficients + intercepts, rtol=1e-5, atol=1e-6)
    assert np.mean((left_out - Y) ** 2) > 0.5 * Y.var()


@pytest.mark.parametrize(("n", "p"), [(60, 40), (40, 60)])
def test_of_large_data_the_largest_components_are_taken(n, p, monkeypatch):
    random = np.random.RandomState(0)
    X = random.normal(size=(n, 5)) @ random.normal(size=(5, p)) + 1e-6 * random.normal(size=(n, p))
    Y = X[:, :2] + 1e-3 * random.normal(size=(n, 2))
    penalties = ridge.PENALTIES[[12, 18]]
    expected = ridge_of(X, Y, np.ones(n)).leave_one_out(penalties)
    monkeypatch.setattr(ridge, "_LARGE", 30)
    monkeypatch.setattr(ridge, "_LARGEST", 8)
    found = ridge_of(X, Y, np.ones(n))
    assert len(found.values) == 8
    assert_allclose(found.leave_one_out(penalties), expected, rtol=1e-4, atol=1e-6)


def test_the_largest_components_are_the_same_bits_each_time(monkeypatch):
    monkeypatch.setattr(ridge, "_LARGE", 20)
    monkeypatch.setattr(ridge, "_LARGEST", 5)
    X, Y, weights = weighted_table(40, 60, 0)
    one, other = (ridge_of(X, Y, weights) for _ in range(2))
    assert_array_equal(one.vectors, other.vectors)


def test_both_decompositions_give_the_same(monkeypatch):
    X, Y, weights = weighted_table(40, 5, 3)
    X[:, 4] = X[:, 0] - X[:, 1]  # of rank 4
    penalties = ridge.PENALTIES[[10, 18]]
    by_singular_values = ridge_of(X, Y, weights)
    monkeypatch.setattr(ridge, "_SMALL", 39)
    by_eigenvalues = ridge_of(X, Y, weights)
    assert len(by_singular_values.values) == len(by_eigenvalues.values) == 4
    for method in ("coefficients", "leave_one_out"):
        one, other = (getattr(r, method)(penalties) for r in (by_singular_values, by_eigenvalues))
        for a, b in zip(one, other, strict=True):
            assert_allclose(a, b, rtol=1e-9, atol=1e-11)
