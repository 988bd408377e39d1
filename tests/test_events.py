"""What listeners are told of each epoch, how they stop a training, and the package's own ones."""

import copy
import math
import re
import warnings
from dataclasses import replace

import building
import joblib
import numpy as np
import pytest
from building import of_steps
from fits import ALONE, BESIDE, Diary, Spy, break_at, data_for, fit, fitted, lasting, small
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, mean_pinball_loss

from skrnn import RNNClassifier, RNNRegressor, losses
from skrnn.kernels import announcements
from skrnn.learning import candidates, clock, optimizers
from skrnn.learning.clock import Clock
from skrnn.learning.events import Curves, Epoch, Lines, Patience, Watch
from skrnn.linear.blending import Blend
from skrnn.network.examples import Examples

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
SOLVERS = pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
WATCHED = pytest.mark.parametrize("watched", [False, True])
L_BFGS_MAY_END = pytest.mark.filterwarnings("ignore:L-BFGS stopped")


# --- what an epoch tells ---------------------------------------------------------------------


@L_BFGS_MAY_END
@BOTH
@SOLVERS
@WATCHED
def test_a_listener_is_told_of_every_epoch_what_the_curves_record(watched, solver, Estimator):
    diary = Diary()
    model, _ = fitted(Estimator, watched, diary, solver=solver)
    assert model.n_iter_ == 6
    assert diary.places() == [(ALONE, number) for number in range(1, 7)]  # there is no path
    assert {epoch.n_planned for epoch in diary.epochs} == {6}
    assert [epoch.loss for epoch in diary.epochs] == model.loss_curve_
    seen = [(epoch.validation_loss, epoch.validation_score) for epoch in diary.epochs]
    if watched:
        curves = zip(model.validation_loss_curve_, model.validation_scores_, strict=True)
        assert seen == list(curves)
    else:
        assert seen == [(None, None)] * 6
    decides = model.validation_loss_curve_ if watched else model.loss_curve_
    assert [epoch.watched_loss for epoch in diary.epochs] == decides


@L_BFGS_MAY_END
@BOTH
@SOLVERS
def test_of_two_candidates_each_has_its_epochs_and_the_curves_are_those_of_one(solver, Estimator):
    diary = Diary()
    model, _ = fitted(Estimator, True, diary, solver=solver, linear_path="auto")
    expected = [(name, number) for name in (BESIDE, ALONE) for number in range(1, 7)]
    assert diary.places() == expected
    recorded = [
        (
            [epoch.loss for epoch in diary.of(name)],
            [epoch.validation_loss for epoch in diary.of(name)],
            [epoch.validation_score for epoch in diary.of(name)],
        )
        for name in (BESIDE, ALONE)
    ]
    assert recorded[0] != recorded[1]
    assert (model.loss_curve_, model.validation_loss_curve_, model.validation_scores_) in recorded


def test_a_warm_start_trains_the_part_beside_the_path_alone():
    model, data = fitted(RNNRegressor, True, linear_path="auto", warm_start=True)
    diary = Diary()
    fit(model, data, diary)
    assert diary.places() == [(BESIDE, number) for number in range(1, 7)]
    assert model.loss_curve_[6:] == [epoch.loss for epoch in diary.epochs]
    assert [rebuilt.n_samples_seen for rebuilt in diary.rebuilt] == [60 * n for n in range(7, 13)]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_each_partial_fit_is_one_epoch(solver):
    model, diary = small(solver=solver), Diary()
    data = data_for(RNNRegressor, False)
    for _ in range(3):
        fit(model, data, diary, method="partial_fit")
    assert diary.places() == [(ALONE, 1)] * 3
    assert {epoch.n_planned for epoch in diary.epochs} == {1}
    assert [epoch.loss for epoch in diary.epochs] == model.loss_curve_
    assert [epoch.validation_loss for epoch in diary.epochs] == [None] * 3
    np.testing.assert_array_equal(diary.thetas[2], model._model.theta)
    assert [rebuilt.n_samples_seen for rebuilt in diary.rebuilt] == [60, 120, 180]


def test_an_epoch_that_is_undone_is_not_told(monkeypatch):
    break_at(
        monkeypatch, {4}, lambda loss, gradient: math.nan
    )  # in the second of three minibatches
    diary = Diary()
    with pytest.warns(ConvergenceWarning, match="went back"):
        model, _ = fitted(RNNRegressor, True, diary)
    assert diary.places() == [(ALONE, number) for number in range(1, 7)]
    assert [epoch.loss for epoch in diary.epochs] == model.loss_curve_
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(diary.thetas).all()


def loss_by_hand(model, X, y, weight):
    """The loss of a model from its predictions, in the units of validation_loss_curve_."""
    predicted = model.predict(X)
    if isinstance(model, RNNClassifier):
        return log_loss(y, model.predict_proba(X), sample_weight=weight, labels=model.classes_)
    if model.loss == "poisson":
        return np.average(predicted - y * np.log(predicted), weights=weight)
    scale = model._model.scaling.target_scale[0]
    if model.loss == "quantile":
        return mean_pinball_loss(y, predicted, alpha=model.quantile, sample_weight=weight) / scale
    return np.average(((predicted - y) / scale) ** 2, weights=weight) / 2


KINDS = [
    (RNNRegressor, {}),
    (RNNRegressor, {"loss": "quantile", "quantile": 0.8}),
    (RNNRegressor, {"loss": "poisson"}),
    (RNNClassifier, {}),
]


@L_BFGS_MAY_END
@pytest.mark.parametrize(("Estimator", "kind"), KINDS)
@pytest.mark.parametrize("linear_path", [None, "auto"])
@SOLVERS
def test_the_model_of_an_epoch_has_its_validation_loss_and_score(
    solver, linear_path, Estimator, kind
):
    diary = Diary()
    settings = {"solver": solver, "linear_path": linear_path} | kind
    model, data = fitted(Estimator, True, diary, **settings)
    held_out = data["X_val"], data["y_val"], data["sample_weight_val"]
    assert len(diary.epochs) == (6 if linear_path is None else 12)
    for epoch, rebuilt, theta in zip(diary.epochs, diary.rebuilt, diary.thetas, strict=True):
        judge = copy.copy(model)
        judge._model = rebuilt
        np.testing.assert_array_equal(rebuilt.theta, theta)
        assert judge.score(*held_out) == pytest.approx(epoch.validation_score, rel=1e-10)
        assert loss_by_hand(judge, *held_out) == pytest.approx(epoch.validation_loss, rel=1e-10)
        assert (rebuilt.path is None) == (linear_path is None)
        if rebuilt.path is not None:  # alone it says nothing but of what is beyond its values
            assert np.any(rebuilt.path.coefficients) == (epoch.candidate == BESIDE)
        assert rebuilt.n_samples_seen == epoch.number * 60


def test_without_validation_data_the_weights_of_an_epoch_are_the_last_ones():
    diary = Diary()
    model, _ = fitted(RNNRegressor, False, diary)
    np.testing.assert_array_equal(diary.thetas[-1], model._model.theta)
    assert len({theta.tobytes() for theta in diary.thetas}) == 6


def test_where_data_are_watched_the_weights_of_an_epoch_are_an_average(monkeypatch):
    """Equation (83), until the average is one of the last hundred updates."""
    original, updated = optimizers.Adam.update, []

    def watched(self, theta, *arguments):
        original(self, theta, *arguments)
        updated.append(theta.copy())

    monkeypatch.setattr(optimizers.Adam, "update", watched)
    diary = Diary()
    fitted(RNNRegressor, True, diary, batch_size=6, max_iter=105)
    assert len(updated) == 1050
    average, averages = 0.0, []
    for number, theta in enumerate(updated, start=1):
        average = average + max(0.01, 10.0 / (number + 9.0)) * (theta - average)
        averages.append(average)
    np.testing.assert_allclose(diary.thetas, averages[9::10], rtol=1e-9, atol=1e-12)
    assert np.abs(diary.thetas[3] - updated[39]).max() > 1e-3


# --- what a listener can do ------------------------------------------------------------------


@BOTH
@SOLVERS
@WATCHED
def test_a_training_ends_after_the_epoch_in_which_a_listener_returns_true(
    watched, solver, Estimator
):
    settings = {"solver": solver, "learning_rate": "constant"}
    everything, diary = Diary(), Diary(last=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole, _ = fitted(Estimator, watched, everything, **settings)
    # More epochs would help, but nobody who stopped a training is told so.
    stopped, _ = fitted(Estimator, watched, diary, **settings)
    assert whole.n_iter_ == 6
    assert stopped.n_iter_ == len(diary.epochs) == 3
    assert stopped.t_ == 180
    assert stopped.loss_curve_ == whole.loss_curve_[:3]
    best = 2
    if watched:
        assert stopped.validation_loss_curve_ == whole.validation_loss_curve_[:3]
        best = int(np.argmin(stopped.validation_loss_curve_))
    np.testing.assert_array_equal(stopped._model.theta, everything.thetas[best])


def test_the_best_weights_are_kept_where_a_listener_stops_later():
    data, noise = data_for(RNNRegressor, True), np.random.RandomState(5).normal(size=90)
    data |= {"y": noise[:60], "y_val": noise[60:]}
    diary = Diary(last=30)
    stopped = fit(lasting(RNNRegressor, learning_rate_init=0.1, max_iter=40), data, diary)
    best = int(np.argmin(stopped.validation_loss_curve_))
    assert stopped.n_iter_ == 30
    assert best < 25
    np.testing.assert_array_equal(stopped._model.theta, diary.thetas[best])


@L_BFGS_MAY_END
@BOTH
@SOLVERS
@pytest.mark.parametrize("candidate", [BESIDE, ALONE])
def test_a_listener_ends_the_training_that_it_hears_and_no_other(candidate, solver, Estimator):
    diary = Diary(2, candidate)
    settings = {"solver": solver, "linear_path": "auto"}
    model, data = fitted(Estimator, True, diary, **settings)
    assert len(diary.of(candidate)) == 2
    assert len(diary.epochs) == 2 + 6
    recorded = [[epoch.loss for epoch in diary.of(name)] for name in (BESIDE, ALONE)]
    assert model.loss_curve_ in recorded
    assert np.isfinite(model.score(data["X"], data["y"]))
    assert model._model.path is not None


class Follower(Diary):
    """Listener to the beginning of each epoch and to the end of each training too."""

    def __init__(self, last=None, candidate=None, ends_fit=False):
        super().__init__(last, candidate)
        self.ends_fit, self.course = ends_fit, []

    def begin_epoch(self, rebuild):
        self.course.append(("begin", rebuild().n_samples_seen))

    def __call__(self, epoch):
        self.course.append(("epoch", epoch.rebuild().n_samples_seen))
        return super().__call__(epoch)

    def end(self, rebuild):
        self.course.append(("end", rebuild()))
        return self.ends_fit


@L_BFGS_MAY_END
@BOTH
@SOLVERS
@WATCHED
def test_a_follower_hears_of_the_beginning_of_each_epoch_and_of_the_end(watched, solver, Estimator):
    follower = Follower()
    model, _ = fitted(Estimator, watched, follower, solver=solver)
    *epochs, (last, rebuilt) = follower.course
    expected = [("begin", 0), ("epoch", 60)]
    expected = [(what, seen + 60 * n) for n in range(6) for what, seen in expected]
    assert epochs == expected
    assert last == "end"
    np.testing.assert_array_equal(rebuilt.theta, model._model.theta)


@L_BFGS_MAY_END
@BOTH
@SOLVERS
def test_a_follower_ends_the_fit_at_the_end_of_a_training(solver, Estimator):
    follower = Follower(2, BESIDE, ends_fit=True)
    model, _ = fitted(Estimator, True, follower, solver=solver, linear_path="auto")
    assert follower.places() == [(BESIDE, 1), (BESIDE, 2)]
    assert model.recurrent_part_ == BESIDE


def test_an_epoch_that_is_undone_begins_anew_and_ends_once(monkeypatch):
    break_at(monkeypatch, {4}, lambda loss, gradient: math.nan)
    follower = Follower()
    with pytest.warns(ConvergenceWarning, match="went back"):
        fitted(RNNRegressor, True, follower)
    kinds = [what for what, _ in follower.course]
    assert kinds == ["begin", "epoch", "begin", *["begin", "epoch"] * 5, "end"]


def test_what_begins_an_epoch_is_what_the_one_before_has_left():
    begun = []

    class Beginnings(Follower):
        def begin_epoch(self, rebuild):
            begun.append(rebuild().theta)

    for watched in (False, True):
        begun.clear()
        follower = Beginnings()
        fitted(RNNRegressor, watched, follower)
        np.testing.assert_array_equal(begun[1:], follower.thetas[:-1])


def test_ctrl_c_at_the_end_of_a_training_keeps_what_is_learnt():
    class Impatient(Follower):
        def end(self, rebuild):
            raise KeyboardInterrupt

    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model, _ = fitted(RNNRegressor, False, Impatient())
    assert model.n_iter_ == 6


def test_all_listeners_are_told_of_the_epoch_in_which_one_stops():
    for stops in (0, 1, 2):
        diaries = [Diary(2 if i == stops else None) for i in range(3)]
        model, _ = fitted(RNNRegressor, True, *diaries)
        assert model.n_iter_ == 2
        assert [len(diary.epochs) for diary in diaries] == [2, 2, 2]


def test_a_listener_that_ends_a_partial_fit_changes_nothing():
    data = data_for(RNNRegressor, False)
    model, plain = small(), small()
    for _ in range(3):
        fit(model, data, Diary(last=1), method="partial_fit")
        plain.partial_fit(**data)
    assert joblib.hash(model.__getstate__()) == joblib.hash(plain.__getstate__())
    assert len(model.loss_curve_) == 3


def scribble(epoch):
    """Listener that rebuilds a model and spoils it."""
    rebuilt = epoch.rebuild()
    rebuilt.theta[:] = np.nan
    return False


@L_BFGS_MAY_END
@BOTH
@SOLVERS
@pytest.mark.parametrize(
    ("watched", "settings"),
    [
        (False, {}),
        (True, {}),
        (True, {"linear_path": "auto"}),
        (False, {"dropout": 0.3}),
        (True, {"dtype": "float32"}),
    ],
)
def test_a_listener_changes_no_bit_of_a_fit(watched, settings, solver, Estimator):
    plain, _ = fitted(Estimator, watched, solver=solver, **settings)
    heard, _ = fitted(Estimator, watched, Diary(), scribble, solver=solver, **settings)
    assert joblib.hash(heard.__getstate__()) == joblib.hash(plain.__getstate__())


def test_an_error_of_a_listener_reaches_the_caller_and_leaves_the_model_as_it_was():
    model, data = fitted(RNNRegressor, True)
    kept = joblib.hash(model.__getstate__())

    def fail(epoch):
        raise RuntimeError("no more paper")

    with pytest.raises(RuntimeError, match="no more paper"):
        fit(model, data, fail)
    assert joblib.hash(model.__getstate__()) == kept


def test_ctrl_c_in_a_listener_keeps_what_is_learnt():
    diary = Diary()

    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model, _ = fitted(RNNRegressor, False, diary, interrupt)
    assert model.n_iter_ == len(diary.epochs) == 3
    np.testing.assert_array_equal(model._model.theta, diary.thetas[2])


# --- the package's own listeners -------------------------------------------------------------


def epoch(loss, validation_loss=None, validation_score=None, number=1, theta=None):
    return Epoch("net", number, 10, loss, validation_loss, validation_score, theta, None)


def told(listener, values):
    """The listener, having heard of some losses."""
    for loss in values:
        assert not listener(epoch(loss))
    return listener


@pytest.mark.parametrize("n_epochs", [0, 1, 4])
def test_a_loss_has_stalled_after_more_epochs_without_improvement_than_allowed(n_epochs):
    patience = told(Patience(0.0, n_epochs), [3.0])
    assert not patience.has_stalled
    for _ in range(n_epochs):
        assert not told(patience, [3.0]).has_stalled
    assert told(patience, [3.0]).has_stalled
    assert not told(patience, [2.9]).has_stalled
    assert told(patience, [2.95] * (n_epochs + 1)).has_stalled


def test_a_loss_never_stalls_if_patience_is_infinite():
    assert not told(Patience(0.0, math.inf), [1.0] * 1000).has_stalled


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_improvement_is_one_by_more_than_a_share_of_the_best(sign, unit):
    best = sign * 100.0 * unit
    for gain, stalls in ((0.5, True), (0.99, True), (1.01, False), (30.0, False)):
        patience = told(Patience(0.01, 0), [best, best - gain * unit])
        assert patience.has_stalled == stalls


def test_the_best_is_the_smallest_loss_even_if_it_was_no_improvement():
    slowly = [100.0 * 0.995**n for n in range(6)]
    assert told(Patience(0.01, 4), slowly).has_stalled
    assert not told(Patience(0.01, 5), slowly).has_stalled
    assert not told(Patience(0.004, 4), slowly).has_stalled
    assert told(Patience(0.01, 0), [100.0, 99.5, 98.9]).has_stalled  # 98.9 is near to 99.5
    assert not told(Patience(0.01, 0), [100.0, 99.5, 98.4]).has_stalled


def test_small_gains_are_an_improvement_together():
    """Of a tenth at least, since the last improvement."""
    patience = Patience(0.0, 2, lambda loss: 0.1 * loss)
    for told_of, n_stalled in ([100, 91], 1), ([90.5], 2), ([89], 0), ([81], 1), ([80], 0):
        assert told(patience, told_of).n_stalled == n_stalled


@pytest.mark.parametrize("name", ["squared_error", "logistic"])
def test_what_evidence_is_worth(name):
    """It is that of the posterior of a share: equation (85)."""
    weights, targets = np.array([1.0, 2.0, 0.5]), np.zeros((3, 1))
    watch = Watch(Examples(None, targets, weights), building.loss(name), None)
    worth = watch.worth(0.3, 0.7)
    before, after = 3.5 * 0.7, 3.5 * (0.7 - worth)
    gained = before - after if name == "logistic" else 1.75 * np.log(before / after)
    assert gained == pytest.approx(0.3, rel=1e-12)


def test_patience_that_starts_at_a_loss_counts_only_what_is_better():
    patience = Patience(0.01, 1)
    patience.start_at(2.0)
    assert not told(patience, [1.99]).has_stalled
    assert told(patience, [1.98]).has_stalled
    assert not told(patience, [1.9]).has_stalled


def test_patience_that_starts_anew_forgets_the_epochs_and_keeps_the_best():
    patience = told(Patience(0.0, 1), [1.0, 2.0, 2.0])
    assert patience.has_stalled
    patience.start_anew()
    assert not patience.has_stalled
    assert not told(patience, [1.5]).has_stalled
    assert told(patience, [1.5]).has_stalled


def test_patience_watches_the_validation_data_where_there_are_any():
    falling, rising = [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]
    for training, watched, stalls in ((falling, rising, True), (rising, falling, False)):
        patience = Patience(0.0, 1)
        for loss, validation_loss in zip(training, watched, strict=True):
            patience(epoch(loss, validation_loss, 0.0))
        assert patience.has_stalled == stalls


def test_beside_a_linear_path_patience_starts_at_what_the_path_says():
    diary = Diary()
    settings = {"linear_path": "auto", "tol": 1e6, "n_iter_no_change": 3, "max_iter": 20}
    fitted(RNNRegressor, True, diary, **settings)
    # Alone, the first epoch improves on nothing.
    assert (len(diary.of(BESIDE)), len(diary.of(ALONE))) == (4, 5)


def test_the_start_is_kept_where_no_epoch_is_better_than_the_path():
    """Steps that are far too long: what is best on the validation data is the path by itself."""
    diary = Diary()
    settings = {"learning_rate_init": 3.0, "linear_path": "auto", "max_iter": 2}
    model, data = fitted(RNNRegressor, True, diary, **settings)
    path = model._model.path
    start = small(linear_path="auto", learning_rate_init=1e-12, max_iter=1, early_stopping=True)
    start_diary = Diary()
    fit(start, data, start_diary)
    begins_at = start_diary.of(BESIDE)[0].validation_loss
    assert min(epoch.validation_loss for epoch in diary.of(BESIDE)) > begins_at
    raw, _ = model._predicted(data["X_val"], lambda model, raw: raw)
    sequences = model._model.schema.read(data["X_val"])
    np.testing.assert_allclose(raw, path.predict(sequences), rtol=1e-10)


class Table:
    """A network of as many parameters as rows, which predicts just these."""

    def raw_of(self, theta, examples, helpers, memory):
        return theta[:, np.newaxis].copy()


def watch_of(rng, n=9):
    targets, offsets = rng.normal(size=(2, n, 1))
    scored = []

    def score(raw):
        scored.append(raw)
        return float(len(scored))

    examples = Examples(None, targets, rng.uniform(0.5, 2.0, n), offsets)
    return Watch(examples, losses.SquaredError(), score), scored


def test_a_verdict_is_the_weighted_loss_and_the_score_of_predictions_with_their_offsets(rng):
    watch, scored = watch_of(rng)
    _, targets, weights, offsets = watch.examples[:4]
    theta = rng.normal(size=9)
    verdict = watch.measure(Table(), theta, None)
    raw = theta[:, np.newaxis] + offsets
    expected = (weights @ (raw - targets) ** 2)[0] / 2 / weights.sum()
    assert verdict.loss == pytest.approx(expected, rel=1e-14)
    assert verdict.score == 1.0
    np.testing.assert_array_equal(scored, [raw])


def test_a_watch_keeps_a_copy_of_the_best_weights(rng):
    watch, _ = watch_of(rng)
    theta = np.zeros(9)
    assert watch.best is None
    for number, loss in enumerate([3.0, 2.0, 2.5, 1.0, 1.0, 4.0]):
        theta[:] = number
        assert not watch(epoch(0.0, loss, 0.0, theta=theta))
    assert watch.best_loss == 1.0
    np.testing.assert_array_equal(watch.best, np.full(9, 3.0))  # of two equals the first


def test_a_watch_may_choose_by_more_than_the_loss(rng):
    watch, _ = watch_of(rng)
    watch = Watch(watch.examples, losses.SquaredError(), None, lambda loss, score: loss - score)
    for number, (loss, score) in enumerate([(3.0, 0.0), (4.0, 2.0), (2.5, 0.0), (4.5, 2.4)]):
        watch(epoch(0.0, loss, score, theta=np.full(9, float(number))))
    assert watch.best_loss == 4.0
    np.testing.assert_array_equal(watch.best, np.full(9, 1.0))


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_watch_keeps_the_first_weights_whatever_their_loss(loss, rng):
    watch, _ = watch_of(rng)
    watch.keep_best(np.ones(9), loss)
    np.testing.assert_array_equal(watch.best, np.ones(9))


def test_each_half_of_the_validation_data_has_predictions_chosen_on_the_other_half(rng):
    watch, _ = watch_of(rng)
    _, targets, weights, offsets = watch.examples[:4]
    assert watch.unchosen is None
    thetas, best = [], set()
    for _ in range(12):
        thetas.append(rng.normal(size=9))
        watch.measure(Table(), thetas[-1], None)
        raw = np.array(thetas)[:, :, np.newaxis] + offsets
        rows = (weights[:, np.newaxis] * (raw - targets) ** 2)[:, :, 0]
        even, odd = rows[:, ::2].sum(axis=1).argmin(), rows[:, 1::2].sum(axis=1).argmin()
        expected = np.empty(9)
        expected[1::2], expected[::2] = thetas[even][1::2], thetas[odd][::2]
        np.testing.assert_array_equal(watch.unchosen[:, 0], expected)
        best.add((even, odd))
    assert len(best) > 2
    assert any(even != odd for even, odd in best)


@pytest.mark.parametrize(
    ("lengths", "other"),
    [
        ([2, 1, 3, 2], [0, 0, 1, 0, 0, 0, 1, 1]),
        ([6], [0, 0, 0, 1, 1, 1]),
    ],
    ids=["every other sequence", "of one the later steps"],
)
def test_halves_of_steps(lengths, other):
    weights = np.ones(len(other))
    steps = of_steps(np.array(lengths), weights)
    one, rest = Examples(None, None, weights, None, steps).halves()
    assert one.tolist() == [i for i, is_other in enumerate(other) if not is_other]
    assert rest.tolist() == [i for i, is_other in enumerate(other) if is_other]


def test_predictions_of_the_start_are_chosen_from_too(monkeypatch):
    """Weights that are worse on both halves than the path by itself say nothing."""
    diary, halves = Diary(), []
    original = Watch.measure

    def measure(self, *arguments):
        verdict = original(self, *arguments)
        halves.append((self, self.unchosen.copy()))
        return verdict

    monkeypatch.setattr(Watch, "measure", measure)
    settings = {"learning_rate_init": 3.0, "linear_path": "auto", "max_iter": 2}
    fitted(RNNRegressor, True, diary, **settings)
    beside = [unchosen for watch, unchosen in halves if watch is halves[0][0]]
    assert len(beside) == 3  # the start and two epochs
    for unchosen in beside:
        np.testing.assert_array_equal(unchosen, 0.0)


def curves_of(training, watched):
    curves = Curves()
    for number, (loss, validation_loss) in enumerate(zip(training, watched, strict=True)):
        assert not curves(epoch(loss, validation_loss, float(number)))
    return curves


def test_curves_record_losses_and_scores_of_every_epoch():
    curves = curves_of([3.0, 2.0, 2.5], [6.0, 7.0, 5.0])
    assert len(curves) == 3
    assert curves.loss == [3.0, 2.0, 2.5]
    assert curves.validation_loss == [6.0, 7.0, 5.0]
    assert curves.validation_scores == [0.0, 1.0, 2.0]


def test_curves_have_no_validation_losses_where_there_are_no_data_to_watch():
    curves = told(Curves(), [3.0, 2.0])
    assert curves.loss == [3.0, 2.0]
    assert curves.validation_loss == curves.validation_scores == []
    assert not curves.overfits()


@pytest.mark.parametrize(
    ("training", "watched", "overfits"),
    [
        ([4, 3, 2, 1], [2.0, 1.0, 1.2, 1.6], True),
        ([4, 3, 2, 1], [2.0, 1.0, 1.2, 1.4], False),  # not by more than half
        ([4, 3, 2, 3.5], [2.0, 1.0, 1.2, 1.6], False),  # the training loss rose too
        ([4, 3, 2, 1], [-1.0, -2.0, -1.5, -0.9], True),
        ([4, 3, 2, 1], [-1.0, -2.0, -1.5, -1.1], False),
        ([4, 3, 2, 1], [4.0, 3.0, 9.0, 2.0], False),  # the last is the best
        ([1], [1.0], False),
    ],
)
def test_curves_overfit_where_the_validation_loss_rises_by_half_and_the_training_loss_falls(
    training, watched, overfits
):
    assert curves_of(training, watched).overfits() == overfits


def lines_told(epochs, **options):
    """Lines about some epochs, each of which takes two seconds."""
    lines, seconds = [], iter(np.arange(0.0, 1000.0, 2.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "perf_counter", lambda: next(seconds))
        listener = Lines(lines.append, Clock(1), 10, **options)
        for told_of in epochs:
            listener.begin_epoch(None)
            assert listener(told_of) is None
    return lines


def test_a_line_has_the_number_the_losses_and_the_time_that_is_left():
    epochs = [epoch(0.123456789), epoch(12.0, 0.5, -0.25, number=2)]
    assert lines_told(epochs) == [
        "Epoch  1/10  loss 0.123457  18s left",
        "Epoch  2/10  loss 12.00000  val 0.500000  score -0.2500  16s left",
    ]
    assert lines_told(epochs[1:], label="beside path", factor=0.5) == [
        "Epoch  2/10 beside path  loss 6.000000  val 0.250000  score -0.2500  18s left",
    ]


def test_of_a_training_that_has_ended_no_time_is_left(monkeypatch):
    lines, of_fit, seconds = [], Clock(2), iter(np.arange(0.0, 1000.0, 2.0))
    monkeypatch.setattr(clock, "perf_counter", lambda: next(seconds))
    one, other = (Lines(lines.append, of_fit, 10) for _ in range(2))
    for listener in (one, other):
        listener.begin_epoch(None)
        listener(epoch(1.0))
    one.end(None)
    other.begin_epoch(None)
    other(epoch(1.0, number=2))
    left = [line.split()[-2] for line in lines]
    assert left == ["18s", "36s", "16s"]


NUMBERS = [0.0, 1e-300, -3.4e-5, 1.2e-5, 1.2e-4, -0.5, 0.99999999, 9.9999999, 98765.4321, 1e5, -1e5]
NUMBERS += [3.3e7, 1e300, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("loss", NUMBERS)
def test_lines_are_columns_within_80_characters(loss):
    told_of = Epoch("net", 300, 300, loss, loss, 0.5, None, None)
    [line] = lines_told([told_of], label="beside path")
    usual = replace(told_of, loss=1.0, validation_loss=1.0)
    [usual] = lines_told([usual], label="beside path")
    assert len(line) <= 80
    places = [[one.index(name) for name in ("  val ", "  score ")] for one in (line, usual)]
    assert places[0] == places[1]
    shown = float(line.partition("loss ")[2].split()[0])
    assert shown == pytest.approx(loss, rel=0.09, nan_ok=True)


# --- what verbose prints -------------------------------------------------------------------------


@pytest.fixture
def printed(capfd, monkeypatch):
    """Lines that have been printed; kernels count as announced."""
    monkeypatch.setattr(announcements, "_announced", {f"gru, float{bits}" for bits in (32, 64)})

    def lines():
        out, err = capfd.readouterr()
        assert err == ""
        return out.splitlines()

    return lines


#: What lines call a candidate.
LABELS = {BESIDE: " beside path", ALONE: " alone      "}


def short(number):
    return f"{number:.6f}"[:8] if 1e-4 <= abs(number) < 1e5 else f"{number:8.1e}"


def lines_of(epochs, names=False, factor=1.0):
    lines = []
    for epoch in epochs:
        line = f"Epoch {epoch.number}/6" + (LABELS[epoch.candidate] if names else "")
        line += f"  loss {short(factor * epoch.loss)}"
        if epoch.validation_loss is not None:
            line += f"  val {short(factor * epoch.validation_loss)}"
            line += f"  score {epoch.validation_score:7.4f}"
        lines.append(line)
    return lines


def without_time(lines):
    """Lines about epochs without the time that is left."""
    return [re.sub("  [0-9]+[smh] left$", "", line) for line in lines]


@L_BFGS_MAY_END
@BOTH
@SOLVERS
@WATCHED
def test_verbose_prints_a_line_for_each_epoch_and_why_training_stopped(
    watched, solver, Estimator, printed
):
    diary = Diary()
    fitted(Estimator, watched, diary, solver=solver, verbose=1)
    assert len(diary.epochs) == 6
    lines = printed()
    assert all(line.endswith("s left") for line in lines[:6])
    expected = [*lines_of(diary.epochs), "Stopped after epoch 6: reached max_iter."]
    assert without_time(lines) == expected


KINDS_OF_ONE_TARGET = [
    (RNNRegressor, {}, 2),
    (RNNRegressor, {"loss": "quantile", "quantile": 0.8}, 1),
    (RNNRegressor, {"loss": "poisson"}, 0),
    (RNNClassifier, {}, 0),
]


@pytest.mark.parametrize(("Estimator", "kind", "power"), KINDS_OF_ONE_TARGET)
def test_verbose_says_what_both_parts_and_the_path_are_worth_in_one_unit(
    Estimator, kind, power, printed
):
    diary = Diary()
    model, data = fitted(Estimator, True, diary, linear_path="auto", verbose=True, **kind)
    lines = printed()
    held_out = data["X_val"], data["y_val"], data["sample_weight_val"]
    start = copy.copy(model)
    beside = diary.rebuilt[0]
    beside.theta[:] = 0.0  # what is left is the path
    start._model = beside
    loss, score = loss_by_hand(start, *held_out), start.score(*held_out)
    assert lines[0] == f"Linear path, validation loss = {loss:.8f}, validation score = {score:.6f}"
    unit = beside.path.unit[0]
    assert (unit < 0.95) == (power > 0)
    stopped = "Stopped after epoch 6: reached max_iter."
    for place, name, factor in ((1, BESIDE, 1.0), (8, ALONE, unit**-power)):
        expected = lines_of(diary.of(name), True, factor)
        assert without_time(lines[place : place + 7]) == [*expected, stopped]
    shown = f"Linear path {model.linear_score_:.4f}; recurrent part {model.recurrent_part_} "
    assert lines[15].startswith(shown)
    assert lines[15].endswith(f", share {model.recurrent_share_:.2f}.")
    assert len(lines) == 16
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("watched", [False, True])
def test_the_path_is_judged_once(watched, monkeypatch):
    spy = Spy(monkeypatch, candidates, "path_verdict")
    fitted(RNNRegressor, watched, linear_path="auto", verbose=True, max_iter=1)
    assert len(spy.calls) == 1


def test_the_gain_that_is_printed_is_that_of_the_share(printed, monkeypatch):
    monkeypatch.setattr(candidates, "blend", lambda *_: Blend(1, 0.4, 0.6))
    model, data = fitted(RNNRegressor, True, linear_path="auto", verbose=True, max_iter=1)
    assert (model.recurrent_part_, model.recurrent_share_) == (ALONE, 0.4)
    score = model.score(data["X_val"], data["y_val"], data["sample_weight_val"])
    # With one epoch there is nothing to choose by halves between, but for nothing at all.
    gain = f"recurrent part alone {score - model.linear_score_:+.4f}, share 0.40."
    assert printed()[-1] == f"Linear path {model.linear_score_:.4f}; {gain}"


def test_without_validation_data_the_path_is_judged_on_samples_left_out(printed):
    model, _ = fitted(RNNRegressor, False, linear_path="auto", verbose=True)
    last = printed()[-1]
    assert last.startswith(f"Linear path {model.linear_score_:.4f}, left out; recurrent")
    assert len(last) <= 80


REASONS = {
    "no improvement for 4 epochs": {"tol": 1e6, "n_iter_no_change": 3, "max_iter": 20},
    "reached max_iter": {},
    "diverged too often": {},
    "interrupted": {},
    "a callback ended it": {},
    "L-BFGS found no better weights": {"solver": "lbfgs", "tol": 1e9},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("reason", REASONS)
def test_the_reason_to_stop_is_said(reason, printed, monkeypatch):
    def listener(epoch):
        if reason == "interrupted":
            raise KeyboardInterrupt
        return reason == "a callback ended it"

    if reason == "diverged too often":
        break_at(monkeypatch, set(range(9, 10**4)), lambda loss, gradient: math.nan)
    fitted(RNNRegressor, False, listener, verbose=True, **REASONS[reason])
    *_, last = printed()
    assert last.endswith(f": {reason}.")
    assert last.startswith("Stopped after epoch ")


def test_a_verbose_partial_fit_prints_one_line(printed):
    model, diary = small(verbose=True), Diary()
    fit(model, data_for(RNNRegressor, False), diary, method="partial_fit")
    assert printed() == [lines_of(diary.epochs)[0].replace("1/6", "1/1") + "  0s left"]
