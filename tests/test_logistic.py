"""Penalised logistic regression and its left-out log-odds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression

from skrnn.linear import logistic
from skrnn.linear.logistic import PENALTIES, Logistic


def logistic_of(n, n_classes, seed):
    """A problem of classes on principal components, weighted, with its codes."""
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(n, 4)), rng.integers(1, 4, n).astype(float)
    codes = (X @ rng.normal(size=(4, n_classes)) + rng.normal(size=(n, n_classes))).argmax(axis=1)
    X = X - np.average(X, axis=0, weights=weights)
    _, vectors = np.linalg.eigh((weights[:, np.newaxis] * X).T @ X)
    indicators = np.eye(n_classes)[codes] if n_classes > 2 else (codes == 1)[:, np.newaxis] * 1.0
    return Logistic(X @ vectors, indicators, weights, np.minimum(weights, 1.0)), codes


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_map_is_the_logistic_regression_of_its_penalty(n_classes):
    problem, codes = logistic_of(80, n_classes, 0)
    ridge = np.r_[np.full(4, 0.01), 1e-6]
    fitted = problem._minimize(problem._start(), ridge)
    model = LogisticRegression(C=1 / (0.01 * problem.total), tol=1e-10, max_iter=10_000)
    model.fit(problem.terms[:, :4], codes, sample_weight=problem.weights)
    assert_allclose(fitted[:-1], model.coef_.T, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("n_classes", "tolerance"), [(2, 0.02), (3, 0.1)])
def test_left_out_log_odds_are_close_to_those_of_a_fit_without_the_sample(n_classes, tolerance):
    problem, _ = logistic_of(60, n_classes, 1)
    ridge = np.r_[np.full(4, 0.01), 1e-6]
    fitted = problem._minimize(problem._start(), ridge)
    left_out, raw = problem._left_out(fitted, ridge), problem.terms @ fitted
    for i in range(0, 60, 7):
        weights = problem.weights.copy()
        weights[i] -= 1.0
        kept = weights > 0
        fewer = Logistic(
            problem.terms[kept, :-1], problem.indicators[kept], weights[kept], weights[kept]
        )  # fmt: skip
        scale = problem.total / fewer.total  # the penalty stays what it was in all
        exact = problem.terms[i] @ fewer._minimize(fitted, ridge * scale)
        shift = left_out[i] - exact
        assert np.abs(shift - shift.mean() * (n_classes > 2)).max() < tolerance
        assert np.abs(exact - raw[i]).max() > 0.5 * np.abs(left_out[i] - raw[i]).max()


@pytest.mark.parametrize(("load", "most"), [(load_breast_cancer, 120), (load_wine, 200)])
def test_a_fit_takes_few_evaluations(monkeypatch, load, most):
    """With the spread of the inputs for a scale it took three times as many where classes are
    nearly separable.
    """
    X, codes = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    n_classes, n_evaluations = codes.max() + 1, []
    indicators = np.eye(n_classes)[codes] if n_classes > 2 else codes[:, np.newaxis] * 1.0

    def counting(*arguments, **options):
        found = minimize(*arguments, **options)
        assert found.success
        n_evaluations.append(found.nfev)
        return found

    monkeypatch.setattr(logistic, "minimize", counting)
    ones = np.ones(len(X))
    Logistic(X @ np.linalg.eigh(X.T @ X)[1], indicators, ones, ones).fit()
    assert sum(n_evaluations) < most


def test_coefficients_of_several_classes_sum_to_zero():
    problem, _ = logistic_of(60, 3, 4)
    coefficients, unseen = problem.fit()
    assert_allclose(coefficients.sum(axis=1), 0.0, atol=1e-12)
    assert np.abs(coefficients).max() > 0.1
    assert np.abs(unseen).max() > 0.1


def test_one_sample_may_outweigh_all_others():
    for seed in range(20):
        random = np.random.RandomState(seed)
        X, weights = random.normal(size=(12, 2)), random.uniform(0.5, 2.0, 12)
        weights[seed % 12] = 1e20
        X = X - np.average(X, axis=0, weights=weights)
        _, vectors = np.linalg.eigh((weights[:, np.newaxis] * X).T @ X)
        indicators = (random.permutation(12) % 3 > 0)[:, np.newaxis] * 1.0
        fits = Logistic(X @ vectors, indicators, weights, weights).fit()
        assert all(np.isfinite(fitted).all() for fitted in fits)


def test_a_strong_penalty_is_made_up_for_by_the_slope():
    problem, _ = logistic_of(400, 2, 2)
    raw = problem.terms @ problem._minimize(problem._start(), np.r_[np.full(4, 1.0), 1e-6])
    assert problem._slope(raw) > 1.5
    assert problem._slope(10.0 * raw) == pytest.approx(problem._slope(raw) / 10.0, rel=0.05)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_penalty_is_the_strongest_within_half_a_standard_error_of_the_best(n_classes):
    problem, codes = logistic_of(200, n_classes, 3)
    shares = problem.weights / problem.weights.sum()

    def losses(left_out):
        raw = np.hstack([-left_out, left_out]) / 2.0 if n_classes == 2 else left_out
        return logsumexp(raw, axis=1) - raw[np.arange(200), codes]

    tried, coefficients = [], problem._start()
    for penalty in PENALTIES:
        ridge = np.r_[np.full(4, penalty), 1e-6]
        coefficients = problem._minimize(coefficients, ridge)
        left_out = problem._left_out(coefficients, ridge)
        tried.append(problem._slope(left_out) * left_out)
    found = np.array([losses(left_out) for left_out in tried])
    excess = found - found[(found @ shares).argmin()]
    mean = excess @ shares
    error = np.sqrt((excess - mean[:, np.newaxis]) ** 2 @ shares / problem.weights.sum())
    chosen = np.flatnonzero(mean <= 0.5 * error)[0]
    assert 0 < chosen < (found @ shares).argmin()
    assert_allclose(problem.fit()[1], tried[chosen], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repetition_for_the_logistic_map(n_classes):
    for seed in range(4):
        problem, _ = logistic_of(30, n_classes, seed)
        rows = np.repeat(np.arange(30), problem.weights.astype(int))[::-1]
        again = Logistic(
            problem.terms[rows, :-1], problem.indicators[rows], np.ones(len(rows)),
            np.ones(len(rows)),
        )  # fmt: skip
        (fitted, left_out), (fitted_again, left_out_again) = problem.fit(), again.fit()
        assert_allclose(fitted, fitted_again, rtol=1e-7, atol=1e-9)
        assert_allclose(left_out[rows], left_out_again, rtol=1e-7, atol=1e-9)


def test_what_is_as_good_is_within_standard_errors_of_the_difference():
    """Of a difference of 0 and 2, whose mean is 1 and whose spread is 1 too."""
    losses, best, shares = np.array([0.0, 2.0]), np.zeros(2), np.full(2, 0.5)
    assert logistic.is_as_good(losses, best, shares, total=0.24, tolerance=0.5)
    assert not logistic.is_as_good(losses, best, shares, total=0.26, tolerance=0.5)


def test_two_penalties_without_a_gain_are_tried_before_the_search_ends():
    """And not a third one."""
    script = iter([5.0, 4.0, 4.5, 4.6, 3.0, 3.5, 3.6, 3.7, 1.0])

    class Scripted(Logistic):
        def _minimize(self, start, ridge):
            return start + 1.0

        def _left_out(self, coefficients, ridge):
            return coefficients[-1] + np.zeros((4, 1))

        def _slope(self, raw):
            return 1.0

        def _losses_and_errors(self, raw):
            return np.full(4, next(script)), None

    indicators = np.array([[0.0], [1.0], [0.0], [1.0]])
    problem = Scripted(np.zeros((4, 1)), indicators, np.ones(4), np.ones(4))
    coefficients, _ = problem.fit()
    assert coefficients[0] == 5.0  # the fifth penalty, of a loss of 3
    assert next(script) == 1.0
