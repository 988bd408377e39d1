"""The linear path: its inputs, its earned strength, and its place in the estimators."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import building
import numpy as np
import pytest
from fits import Spy, weighted_table
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_info

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.examples import Examples
from skrnn.data.sequences import Sequences
from skrnn.learning import candidates, training
from skrnn.linear import path as linear_path
from skrnn.linear.inputs import flatten, n_steps_of


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
    flat = flatten(sequences, slice(0, 2), np.zeros((1, 2)), np.ones((1, 2)), 2)
    assert_array_equal(flat, [[2, 3, 4, 5], [0, 0, 9, 9]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_step", [True, False])
def test_flatten_gives_a_row_the_same_bits_beside_shorter_ones(per_step, dtype):
    rng = np.random.default_rng(0)
    center, scale = rng.normal(size=(4, 2)), rng.uniform(1, 2, size=(4, 2))
    center, scale = (center, scale) if per_step else (center[:1], scale[:1])
    arrays = [rng.normal(size=(4, 2)).astype(dtype) for _ in range(3)]
    for n_steps in (4, 3):
        alike = flatten(Sequences.from_list(arrays), slice(0, 3), center, scale, n_steps)
        ragged = Sequences.from_list([*arrays, arrays[0][:1]])
        mixed = flatten(ragged, slice(0, 4), center, scale, n_steps)
        assert alike.dtype == mixed.dtype == np.float64
        assert_array_equal(alike, mixed[:3])
        some = flatten(ragged, slice(1, 3), center, scale, n_steps)
        assert_array_equal(some, mixed[1:3])
        steps = np.array(arrays, float)[:, -n_steps:]
        expected = (steps - center[-n_steps:]) / scale[-n_steps:]
        assert_array_equal(alike, expected.reshape(3, -1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_step", [True, False])
def test_a_prediction_is_of_the_flat_inputs_and_has_bits_of_its_own(per_step, dtype, rng):
    """Of those that the map was fitted to, however far from zero the numbers are."""
    lengths = [4, 4, 4] if per_step else [4, 1, 6]
    X = [(1000 + rng.normal(size=(length, 2))).astype(dtype) for length in lengths]
    X[0][2, 1] = np.nan
    center, scale = 1000 + rng.normal(size=(4, 2)), rng.uniform(1, 2, size=(4, 2))
    center, scale = (center, scale) if per_step else (center[:1], scale[:1])
    arrays = rng.normal(size=(6, 2)), np.zeros((6, 2)), rng.normal(size=2), np.ones(2)
    path = linear_path.LinearPath(3, 0, center, scale, *building.no_limits(center), *arrays)
    sequences = replace(Sequences.from_list(X), has_gaps=True)
    expected = np.tile(path.intercepts, (3, 1))
    flat = flatten(sequences, slice(0, 3), center, scale, 3)
    for column, coefficients in zip(np.nan_to_num(flat).T, path.coefficients, strict=True):
        expected += column[:, np.newaxis] * coefficients
    found = path.predict(sequences)
    assert found.dtype == dtype
    # Where numbers are missing, what the centre of 1000 loses in single precision is not made good.
    whole = [1, 2] if per_step else [2]
    atol = {"float32": (1e-5, 3e-4), "float64": (1e-12, 1e-12)}[dtype]
    assert_allclose(found[whole], expected[whole], rtol=0, atol=atol[0])
    assert_allclose(found, expected, rtol=0, atol=atol[1])
    for rows in ([1], [2, 0]):
        assert_array_equal(path.predict(sequences.take(rows)), found[rows])


def raw_of(model, X):
    """Raw predictions."""
    raw, _ = model._predicted(X, lambda model, raw: raw)
    return raw


def test_auto_sees_at_most_512_inputs():
    sequences = Sequences.from_array(np.zeros((2, 300, 3)))
    assert n_steps_of(sequences, False, "auto") == 170
    assert n_steps_of(sequences, False, 5) == 5
    assert n_steps_of(sequences, False, 400) == 300


def test_of_a_table_auto_sees_all_columns():
    table = Sequences.from_array(np.zeros((2, 700, 1)))
    assert n_steps_of(table, True, "auto") == 700
    assert n_steps_of(table, True, 5) == 5


@pytest.mark.parametrize("first", [0, 580])
def test_a_wide_table_is_learnt_wherever_its_numbers_stand(first):
    X = np.random.RandomState(0).normal(size=(200, 600))
    y = X[:, first : first + 4].sum(axis=1)
    model = RNNRegressor(random_state=0).fit(X[:150], y[:150])
    assert model.score(X[150:], y[150:]) > 0.1


def test_auto_sees_the_last_step_however_many_features_it_has():
    assert n_steps_of(Sequences.from_array(np.zeros((2, 4, 513))), False, "auto") == 1


@pytest.mark.parametrize("loss", ["squared_error", "logistic"])
def test_the_order_of_the_samples_changes_no_bit_of_what_is_left_out(loss, rng):
    """It changes round-off, which training would multiply."""
    X = Sequences.from_array(rng.normal(size=(80, 5, 1)))
    y = X.values.reshape(80, 5) @ rng.normal(size=(5, 1)) + rng.normal(size=(80, 1))
    examples = Examples(X, y if loss == "squared_error" else (y > 0).astype(float), np.ones(80))
    order, loss = rng.permutation(80), building.loss(loss)
    left_out = linear_path.fit(examples, None, loss, "auto")[1]
    again = linear_path.fit(examples.take(order), None, loss, "auto")[1]
    assert_array_equal(left_out[order], again)
    assert len(np.unique(left_out)) == 80


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
    loss = building.loss(loss, n_outputs, (0.2, 0.8))
    path, left_out = linear_path.fit(Examples(X, targets, np.ones(400)), None, loss, "auto")
    assert left_out.shape == (400, n_outputs)
    assert np.ptp(left_out, axis=0).max() < 0.5
    assert path.coefficients.shape == (10, n_outputs)


def test_weights_are_repetition():
    X, _, weights = weighted_table(40, 5, 4)
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
        raw = raw_of(model.fit(X, target, sample_weight=weights), X)
        again = raw_of(model.fit(X[repeated], target[repeated]), X)
        assert_allclose(raw, again, rtol=1e-7, atol=1e-9)


def test_untrained_model_predicts_what_the_path_predicts():
    X, y = load_diabetes(return_X_y=True)
    model = RNNRegressor(max_iter=1, learning_rate_init=1e-12, random_state=0).fit(X, y)
    assert 0.48 < model.score(X, y) < 0.53  # ridge regression has 0.51


def test_path_helps_on_tables_and_can_be_left_out():
    X, y = load_diabetes(return_X_y=True)
    scores = {
        path: RNNRegressor(frame_length=1, linear_path=path, random_state=0)
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
        return model._model.path.coefficients

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(fit, range(8)))
    for result in results[1:]:
        assert_array_equal(results[0], result)
    after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert after == before


@pytest.mark.parametrize("scale", [1e-31, 1.0, 1e31])
def test_a_path_of_extreme_scales_maps_in_double_precision(scale):
    center, one = np.zeros((1, 1)), np.ones(1)
    limits = -one[:, np.newaxis], one[:, np.newaxis]
    slopes = np.ones((1, 1))
    arrays = center, np.full((1, 1), scale), *limits, slopes, slopes, one, one
    found = linear_path.LinearPath(1, 0, *arrays)
    assert found.precision("float32") == ("float32" if scale == 1.0 else np.float64)


@pytest.mark.parametrize(
    ("loss", "n_classes", "shapes"), [("softmax", 3, [(60, 3)]), ("logistic", 2, [(60, 1)] * 2)]
)
def test_classes_are_fitted_together_and_labels_one_by_one(loss, n_classes, shapes, monkeypatch):
    fits = Spy(monkeypatch, linear_path, "Logistic")
    rng = np.random.default_rng(0)
    X, targets = rng.normal(size=(60, 4)), rng.integers(0, n_classes, (60, len(shapes)))
    sequences = Sequences.from_array(X[:, np.newaxis])
    examples = Examples(sequences, targets.astype(float), np.ones(60))
    linear_path.fit(examples, None, building.loss(loss, n_classes), "auto")
    assert [indicators.shape for indicators in fits["indicators"]] == shapes


# Numbers far from those of the training data


def nearly_equal(n, seed=0):
    """A table whose columns are nearly equal, and a target of a small difference between them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 1)) + 0.1 * rng.normal(size=(n, 5))
    return X, X[:, 0] + 3.0 * (X[:, 1] - X[:, 2]) + 0.3 * rng.normal(size=n)


def sequences_of(X):
    return Sequences.from_array(X[:, :, np.newaxis])


FORMS = {
    "table": lambda X: X,
    "array": lambda X: X[:, :, np.newaxis],
    "list": lambda X: [x[: 4 + i % 2, np.newaxis] for i, x in enumerate(X)],
}


@pytest.mark.parametrize("form", FORMS)
def test_an_odd_number_does_not_carry_a_prediction_away(form):
    """As a sensor that fails and says -100."""
    X, y = nearly_equal(150)
    in_form = FORMS[form]
    model = RNNRegressor(random_state=0).fit(in_form(X), y)
    X, y = nearly_equal(40, seed=1)
    X[7, 1:4] = [-100.0, -70.0, -120.0]
    predicted = model.predict(in_form(X))
    assert np.abs(predicted[7] - y[7]) < 40.0
    others = np.arange(len(X)) != 7
    assert r2_score(y[others], predicted[others]) > 0.6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["line", "bowl"])
@pytest.mark.parametrize("form", FORMS)
def test_beyond_the_training_data_the_path_goes_on_alone(form, kind, dtype):
    """Up to five ranges, equation (156); in a bowl the net says most."""
    X, y = nearly_equal(300)
    y = y if kind == "line" else 3.0 * X[:, 0] ** 2 + y
    X, in_form = X.astype(dtype), FORMS[form]
    model = RNNRegressor(linear_path=5, random_state=0).fit(in_form(X), y)
    assert kind == "line" or model.recurrent_share_ > 0.5
    seen = X if form == "table" else np.concatenate([np.ravel(x) for x in in_form(X)])
    lowest, highest = seen.min(axis=0), seen.max(axis=0)
    room = 5.0 * (highest - lowest)
    far = X[:8].copy()
    far[0, 1], far[1, 2], far[2, 3], far[3, :] = 9.0, -9.0, 1e4, 5.0
    nearest = np.clip(far, lowest, highest)
    beyond = np.clip(far - nearest, -room, room)
    slopes = model.linear_coef_.reshape(-1)
    far, nearest, beyond = (in_form(one) for one in (far, nearest, beyond))
    added = [np.ravel(one) @ slopes[len(slopes) - len(one) :] for one in beyond]
    found = model.predict(far) - model.predict(nearest)
    assert np.abs(found[:4]).min() > 0.1
    tolerance = {"float32": 1e-3, "float64": 1e-9}[dtype]
    assert_allclose(found, added, rtol=tolerance, atol=tolerance)
    assert_array_equal(found[4:], 0.0)


def test_a_series_that_grows_is_forecast_as_by_its_path():
    """Whatever validation data said of the part that learns alone."""
    rng = np.random.default_rng(0)
    steps = np.exp(0.01 * np.arange(300)) * (1.0 + 0.1 * np.sin(np.arange(300) * 0.7))
    series = steps + 0.02 * rng.normal(size=300)
    windows = np.lib.stride_tricks.sliding_window_view(series, 9)
    X, y = windows[:, :-1], windows[:, -1]
    for in_form in (FORMS["table"], FORMS["array"]):
        model = RNNRegressor(random_state=0).fit(in_form(X[:200]), y[:200])
        line = X[200:] @ model.linear_coef_.reshape(-1) + model.linear_intercept_
        errors = [np.abs(one - y[200:]).mean() for one in (model.predict(in_form(X[200:])), line)]
        assert errors[0] < 1.2 * errors[1]


def test_what_is_beyond_in_steps_that_the_path_does_not_see_counts_as_the_nearest():
    """By itself and in a batch, where a prediction is repeated and where it is not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 12, 1))
    model = RNNRegressor(linear_path=3, max_iter=2, random_state=0).fit(X, X[:, 0, 0])
    far, nearest = X[:6].copy(), X[:6].copy()
    far[1, 2], far[4, 11] = 50.0, -50.0
    nearest[1, 2] = X.max()
    whole = [model.predict(far) for _ in range(3)]
    assert_array_equal(whole[0], whole[2])
    for row in range(6):
        for _ in range(3):
            assert_array_equal(model.predict(far[row : row + 1]), whole[0][row])
    assert_array_equal(np.delete(whole[0], 4), np.delete(model.predict(nearest), 4))
    assert_array_equal(model.predict([*far]), whole[0])


def test_a_part_that_learns_alone_is_weighed_with_what_the_path_adds():
    X, y = nearly_equal(60)
    model = RNNRegressor(max_iter=2, random_state=0).fit(X, y)._model
    model = replace(model, path=model.path.in_unit(np.array([4.0])))

    def watched(rows):
        sequences = Sequences.from_array(rows[:, :, np.newaxis])
        return Examples(sequences, np.zeros((len(rows), 1)), np.ones(len(rows)))

    found = candidates.alone(model, watched(X), watched(X[:9])).watched
    assert found.offsets is None
    far = X[:9].copy()
    far[2, 1] = 9.0
    found = candidates.alone(model, watched(X), watched(far)).watched
    nearest = watched(np.where(far == 9.0, X[:, 1].max(), far)).sequences
    assert_array_equal(found.sequences.values, nearest.values)
    added = model.path.predict(watched(far).sequences) - model.path.predict(nearest)
    assert np.abs(added[2]) > 0.1
    assert_allclose(found.offsets, 4.0 * added, atol=1e-12)


@pytest.mark.parametrize("way", ["warm_start", "partial_fit"])
def test_what_is_learnt_later_is_not_beyond(way):
    X, y = nearly_equal(60)
    model = RNNRegressor(max_iter=2, warm_start=True, random_state=0).fit(X, y)
    path = model._model.path
    X[3, 1] += 20.0
    model.fit(X, y) if way == "warm_start" else model.partial_fit(X, y)
    assert_array_equal(model._model.path.highest.ravel(), X.max(axis=0))
    assert_array_equal(model._model.path.lowest, path.lowest)
    assert model._model.path.within(sequences_of(X)).values.max() > 15.0
    assert path.within(sequences_of(X)).values.max() < 15.0


@pytest.mark.parametrize("form", FORMS)
def test_beyond_its_limits_a_number_has_no_slope_in_the_path(form):
    X, y = nearly_equal(60)
    in_form = FORMS[form]
    path = RNNRegressor(max_iter=2, random_state=0).fit(in_form(X), y)._model.path
    X[1, 2], X[2, 3], X[3, 1] = 100.0, -100.0, np.nan
    sequences = Sequences.from_list([x[:, np.newaxis] for x in X[:4]])
    is_beyond = path.gradient(sequences, np.ones((4, 1))).reshape(4, 5) == 0.0
    assert_array_equal(np.argwhere(is_beyond), [[1, 2], [2, 3]])


@pytest.mark.parametrize("curved", [True, False])
def test_curves_keep_to_the_limits_too(curved):
    X, y = nearly_equal(200)
    y = y + 3.0 * X[:, 0] ** 2 if curved else y
    path = RNNRegressor(max_iter=2, random_state=0).fit(X, y)._model.path
    assert isinstance(path, linear_path.CurvedPath) == curved
    X[1, 2] = 1e6
    sequences = Sequences.from_array(X[:3, :, np.newaxis])
    assert np.abs(path.unit * path.predict(sequences)).max() < 100.0
    gradient = path.gradient(sequences, np.ones((3, 1))).reshape(3, 5)
    assert gradient[1, 2] == 0.0
    assert (gradient[2] != 0.0).all()


def test_streams_keep_to_the_limits_as_predictions_do():
    X, y = nearly_equal(60)
    X = X[:, :, np.newaxis]
    model = RNNRegressor(max_iter=2, random_state=0).fit(X, y)
    row = X[:1].copy()
    row[0, [1, 3], 0] = 100.0, -100.0
    state = None
    for t in range(5):
        predicted, state = model.predict_step(row[:, t], state)
    assert_allclose(predicted, model.predict(row), rtol=1e-9)
