"""The direct linear path: exact leave-one-out, earned strength, and its place in the estimators."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_info

from skrnn import RNNClassifier, RNNRegressor, linear_path, stacking, training
from skrnn.logistic import Logistic
from skrnn.sequences import Sequences

SQUARED = {"loss": "squared_error", "n_outputs": 2, "quantiles": (0.5,)}


def table(n, p, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    Y = X[:, :2] @ rng.normal(size=(2, 2)) + 0.3 * rng.normal(size=(n, 2))
    return X, Y, rng.integers(1, 4, n).astype(float)


def ridge_of(X, Y, weights):
    def chunks():
        for first in range(0, len(X), 7 if len(X) >= X.shape[1] else len(X)):
            rows = slice(first, min(first + 7, len(X)) if len(X) >= X.shape[1] else len(X))
            yield rows, X[rows]

    return linear_path._Ridge(chunks, Y, weights)


@pytest.mark.parametrize(("n", "p"), [(30, 4), (9, 15)])
def test_leave_one_out_is_a_fit_without_one_copy_of_the_sample(n, p):
    X, Y, weights = table(n, p, 0)
    penalties = linear_path.PENALTIES[[20, 17]]
    left_out = ridge_of(X, Y, weights).leave_one_out(penalties)
    for i in range(n):
        fewer = weights.copy()
        fewer[i] -= 1
        for k, penalty in enumerate(penalties):
            model = Ridge(penalty * weights.sum()).fit(X, Y[:, k], sample_weight=fewer)
            expected = model.predict(X[i : i + 1])[0]
            # The mean that is left out moves the intercept too: (77) takes both as one leverage.
            assert_allclose(left_out[i, k], expected, rtol=1e-9)


@pytest.mark.parametrize(("n", "p"), [(30, 4), (9, 15)])
def test_map_is_the_ridge_regression_of_its_penalties(n, p):
    X, Y, weights = table(n, p, 1)
    penalties = linear_path.PENALTIES[[12, 18]]
    coefficients, intercepts = ridge_of(X, Y, weights).coefficients(penalties)
    for k, penalty in enumerate(penalties):
        model = Ridge(penalty * weights.sum()).fit(X, Y[:, k], sample_weight=weights)
        assert_allclose(coefficients[:, k], model.coef_, rtol=1e-7, atol=1e-10)
        assert_allclose(intercepts[k], model.intercept_, rtol=1e-7, atol=1e-10)


def test_best_penalty_has_the_least_left_out_error():
    X, Y, weights = table(25, 6, 2)
    ridge = ridge_of(X, Y, weights)
    errors = [
        weights @ (Y - ridge.leave_one_out(np.full(2, penalty))) ** 2
        for penalty in linear_path.PENALTIES
    ]
    assert_array_equal(ridge.best_penalties(), linear_path.PENALTIES[np.argmin(errors, axis=0)])


def logistic_of(n, n_classes, seed):
    """A problem of classes on principal components, weighted, with its codes."""
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(n, 4)), rng.integers(1, 4, n).astype(float)
    codes = (X @ rng.normal(size=(4, n_classes)) + rng.normal(size=(n, n_classes))).argmax(axis=1)
    X = X - np.average(X, axis=0, weights=weights)
    values, vectors = np.linalg.eigh((weights[:, np.newaxis] * X).T @ X)
    indicators = np.eye(n_classes)[codes] if n_classes > 2 else (codes == 1)[:, np.newaxis] * 1.0
    return Logistic(X @ vectors, values, indicators, weights), codes


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
            problem.terms[kept, :-1], problem.values[:-1] * problem.total,
            problem.indicators[kept], weights[kept],
        )  # fmt: skip
        scale = problem.total / fewer.total  # the penalty stays what it was in all
        exact = problem.terms[i] @ fewer._minimize(fitted, ridge * scale)
        shift = left_out[i] - exact
        assert np.abs(shift - shift.mean() * (n_classes > 2)).max() < tolerance
        assert np.abs(exact - raw[i]).max() > 0.5 * np.abs(left_out[i] - raw[i]).max()


def test_a_strong_penalty_is_made_up_for_by_the_slope():
    problem, _ = logistic_of(400, 2, 2)
    raw = problem.terms @ problem._minimize(problem._start(), np.r_[np.full(4, 1.0), 1e-6])
    assert problem._slope(raw) > 1.5
    assert problem._slope(10.0 * raw) == pytest.approx(problem._slope(raw) / 10.0, rel=0.05)


def test_shares_are_earned():
    rng = np.random.default_rng(8)
    target = rng.normal(size=(400, 1))
    path = np.zeros_like(target)

    def share(recurrent, n, **options):
        def losses(raw):
            return 0.5 * ((raw - target[:n]) ** 2).sum(axis=1)

        parts = [(part[:n], False) for part in recurrent]
        return stacking.weigh(parts, path[:n], losses, np.ones(n), False)

    noise = rng.normal(size=(400, 1))
    good = target + 0.5 * noise
    assert share([noise], 400)[1] < 0.1
    assert 0.7 < share([good], 400)[1] < 0.9  # by least squares it is 0.8
    assert share([good], 4)[1] < share([good], 400)[1]
    assert share([noise, good], 400)[0] == 1


def test_a_part_that_learnt_alone_takes_its_share_from_the_path():
    rng = np.random.default_rng(9)
    target = rng.normal(size=(500, 1))
    path, alone = (target + rng.normal(size=(500, 1)) for _ in range(2))

    def losses(raw):
        return 0.5 * ((raw - target) ** 2).sum(axis=1)

    best, share, of_path = stacking.weigh([(alone, True)], path, losses, np.ones(500), False)
    assert best == 0
    assert 0.4 < share < 0.6
    assert share + of_path == pytest.approx(1.0)


def test_a_net_alone_is_kept_where_the_path_says_nothing():
    rng = np.random.default_rng(10)
    X = rng.normal(size=(400, 4))
    y = np.sign(X[:, 0] * X[:, 2])
    model = RNNClassifier(random_state=0).fit(X, y)
    assert model.score(X, y) > 0.85  # a linear map is right half the time


def test_a_second_net_that_is_interrupted_at_once_is_forgotten(monkeypatch):
    X, y = load_diabetes(return_X_y=True)
    epoch, calls = training.Training._epoch, []

    def interrupted(self):
        calls.append(self)
        if self is not calls[0]:
            raise KeyboardInterrupt
        return epoch(self)

    monkeypatch.setattr(training.Training, "_epoch", interrupted)
    with pytest.warns(ConvergenceWarning, match="interrupted by user"):
        model = RNNRegressor(hidden_layer_sizes=4, max_iter=3, random_state=0).fit(X, y)
    assert model.n_iter_ == 3
    assert model.score(X, y) > 0.45


def test_flatten_takes_the_last_steps_and_fills_short_sequences_with_zeros():
    sequences = Sequences.from_list([np.arange(6.0).reshape(3, 2), np.full((1, 2), 9.0)])
    flat = linear_path.flatten(sequences, slice(0, 2), np.zeros((1, 2)), np.ones((1, 2)), 2)
    assert_array_equal(flat, [[2, 3, 4, 5], [0, 0, 9, 9]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_step", [True, False])
def test_flatten_gives_a_row_the_same_bits_beside_shorter_ones(per_step, dtype):
    rng = np.random.default_rng(0)
    center, scale = rng.normal(size=(4, 2)), rng.uniform(1, 2, size=(4, 2))
    center, scale = (center, scale) if per_step else (center[:1], scale[:1])
    arrays = [rng.normal(size=(4, 2)).astype(dtype) for _ in range(3)]
    for n_steps in (4, 3):
        alike = linear_path.flatten(
            Sequences.from_list(arrays), slice(0, 3), center, scale, n_steps
        )
        ragged = Sequences.from_list([*arrays, arrays[0][:1]])
        mixed = linear_path.flatten(ragged, slice(0, 4), center, scale, n_steps)
        assert alike.dtype == mixed.dtype == np.float64
        assert_array_equal(alike, mixed[:3])
        some = linear_path.flatten(ragged, slice(1, 3), center, scale, n_steps)
        assert_array_equal(some, mixed[1:3])
        steps = np.array(arrays, float)[:, -n_steps:]
        expected = (steps - center[-n_steps:]) / scale[-n_steps:]
        assert_array_equal(alike, expected.reshape(3, -1))


def test_auto_sees_at_most_512_inputs():
    sequences = Sequences.from_array(np.zeros((2, 300, 3)))
    assert linear_path.n_steps_of(sequences, "auto") == 170
    assert linear_path.n_steps_of(sequences, 5) == 5


@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [("squared_error", 2), ("quantile", 4), ("poisson", 2), ("logistic", 2), ("softmax", 3)],
)
def test_left_out_predictions_of_noise_say_nothing(loss, n_outputs):
    rng = np.random.default_rng(3)
    X = Sequences.from_array(rng.normal(size=(400, 10, 1)))
    targets = {
        "logistic": rng.integers(0, 2, (400, 2)),
        "softmax": rng.integers(0, 3, (400, 1)),
        "poisson": rng.poisson(3.0, (400, 2)),
    }.get(loss, rng.normal(size=(400, 2))).astype(float)
    architecture = {"loss": loss, "n_outputs": n_outputs, "quantiles": (0.2, 0.8)}
    path, left_out = linear_path.fit(X, targets, np.ones(400), False, architecture, "auto")
    assert left_out.shape == (400, n_outputs)
    assert np.ptp(left_out, axis=0).max() < 0.5
    assert path["coefficients"].shape == (10, n_outputs)


def test_weights_are_repetition():
    X, _, weights = table(40, 5, 4)
    rng = np.random.default_rng(5)
    repeated = np.repeat(np.arange(40), weights.astype(int))
    y = rng.poisson(np.exp(0.3 * X[:, 0])).astype(float)
    for model in (
        RNNRegressor(hidden_layer_sizes=4, loss="poisson", max_iter=2, batch_size=200),
        RNNRegressor(hidden_layer_sizes=4, loss="huber", max_iter=2, batch_size=200),
        RNNClassifier(hidden_layer_sizes=4, max_iter=2, batch_size=200),
    ):
        model.set_params(random_state=0, early_stopping=False)
        target = y if isinstance(model, RNNRegressor) else np.minimum(y, 2).astype(int)
        raw = model.fit(X, target, sample_weight=weights)._raw_predict(X)
        again = model.fit(X[repeated], target[repeated])._raw_predict(X)
        assert_allclose(raw, again, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repetition_for_the_logistic_map(n_classes):
    for seed in range(4):
        problem, _ = logistic_of(30, n_classes, seed)
        rows = np.repeat(np.arange(30), problem.weights.astype(int))[::-1]
        again = Logistic(
            problem.terms[rows, :-1], problem.values[:-1] * problem.total,
            problem.indicators[rows], np.ones(len(rows)),
        )  # fmt: skip
        (fitted, left_out), (fitted_again, left_out_again) = problem.fit(), again.fit()
        assert_allclose(fitted, fitted_again, rtol=1e-7, atol=1e-9)
        assert_allclose(left_out[rows], left_out_again, rtol=1e-7, atol=1e-9)


def test_untrained_model_predicts_what_the_path_predicts():
    X, y = load_diabetes(return_X_y=True)
    model = RNNRegressor(max_iter=1, learning_rate_init=1e-12, random_state=0).fit(X, y)
    assert 0.48 < model.score(X, y) < 0.53  # ridge regression has 0.51


def test_path_helps_on_tables_and_can_be_left_out():
    X, y = load_diabetes(return_X_y=True)
    scores = {
        path: RNNRegressor(linear_path=path, random_state=0)
        .fit(X[100:], y[100:])
        .score(X[:100], y[:100])
        for path in ("auto", None)
    }
    assert scores["auto"] > scores[None] + 0.02


def test_recurrent_part_learns_what_the_path_cannot():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(600, 6))
    y = np.abs(X[:, 0] + X[:, 3])
    model = RNNRegressor(random_state=0).fit(X[:450], y[:450])
    assert model.score(X[450:], y[450:]) > 0.7  # a linear map scores about 0


def test_multilabel_with_a_constant_column():
    X, codes = load_iris(return_X_y=True)
    Y = np.c_[codes == 0, codes == 1, np.ones(150)].astype(int)
    model = RNNClassifier(max_iter=20, random_state=0).fit(X, Y)
    assert model.predict_proba(X)[:, 2].min() > 0.95
    assert (model.predict(X)[:, 0] == Y[:, 0]).mean() > 0.98


def test_path_of_a_row_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(7)
    X = [rng.normal(size=(n, 3)) for n in rng.integers(2, 12, 40)]
    y = np.array([x[-1, 0] for x in X])
    model = RNNRegressor(hidden_layer_sizes=5, max_iter=3, random_state=0).fit(X, y)
    one_by_one = np.concatenate([model.predict([x]) for x in X])
    assert_array_equal(model.predict(X), one_by_one)


def test_threads_that_fit_at_once_leave_blas_as_it_was():
    X, y = load_diabetes(return_X_y=True)
    before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    def fit(seed):
        model = RNNRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0).fit(X, y)
        return model._model["linear_path"]["coefficients"]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(fit, range(8)))
    for result in results[1:]:
        assert_array_equal(results[0], result)
    after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert after == before
