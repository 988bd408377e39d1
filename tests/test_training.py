"""How a model is trained: what is watched and kept, how it stops, recovers and goes on."""

import math
import pickle
import warnings

import numpy as np
import pytest
from datasets import numbers
from fits import (
    ALONE,
    SCHEDULES,
    Diary,
    Spy,
    break_at,
    fitted,
    ragged,
    small,
    table,
    target_for,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.utils import resample

from skrnn import RNNClassifier, RNNRegressor, losses
from skrnn.learning import advice, optimizers, training
from skrnn.learning.events import Patience
from skrnn.learning.settings import settings_of
from skrnn.network.network import Network

ESTIMATORS = [RNNRegressor, RNNClassifier]
BOTH = pytest.mark.parametrize("Estimator", ESTIMATORS)
CELLS = pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])


def theta(model):
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def assert_same(model, other):
    np.testing.assert_array_equal(theta(model), theta(other))


def without_penalty(model, X, y):
    """The loss of a model from its predictions, in the units of loss_curve_."""
    if isinstance(model, RNNClassifier):
        return log_loss(y, model.predict_proba(X))
    return np.mean(((model.predict(X) - y) / model._model.scaling.target_scale) ** 2) / 2


# --- the loss goes down ----------------------------------------------------------------------


@BOTH
@CELLS
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_every_solver_reaches_a_low_loss(solver, cell, Estimator):
    X = table(60)
    y = numbers(X) if Estimator is RNNRegressor else (numbers(X) > 0).astype(int)
    model = small(
        Estimator,
        cell=cell,
        solver=solver,
        hidden_layer_sizes=(12,),
        max_iter=100 if solver == "lbfgs" else 400,
        learning_rate_init={"adam": 0.03, "sgd": 0.1}.get(solver, 1.0),
        tol=1e-3 if solver == "lbfgs" else 0.0,
        alpha=0.0,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "L-BFGS stopped after", ConvergenceWarning)
        model.fit(X, y)
    assert model.loss_curve_[-1] < 0.2 * model.loss_curve_[0]
    assert without_penalty(model, X, y) < 0.2 * model.loss_curve_[0]


@BOTH
def test_lbfgs_ends_with_the_loss_it_reports(Estimator):
    X = table()
    y = target_for(Estimator, X)
    model = small(Estimator, solver="lbfgs", max_iter=30, tol=0.3, alpha=0.0).fit(X, y)
    assert model.loss_ == pytest.approx(without_penalty(model, X, y), rel=1e-10)
    assert (np.diff(model.loss_curve_) <= 0).all()
    assert 1 <= model.n_iter_ == len(model.loss_curve_) < 30


def test_lbfgs_warns_at_max_iter():
    X = table()
    with pytest.warns(ConvergenceWarning, match="L-BFGS stopped after max_iter=2"):
        model = small(solver="lbfgs", max_iter=2, tol=1e-9).fit(X, numbers(X))
    assert model.n_iter_ == 2


def test_lbfgs_warns_when_it_runs_out_of_evaluations(monkeypatch):
    minimize = training.minimize

    def without_another_evaluation(*arguments, options, **others):
        result = minimize(*arguments, options=options, **others)
        result.nfev = options["maxfun"]
        return result

    monkeypatch.setattr(training, "minimize", without_another_evaluation)
    X = table()
    with pytest.warns(ConvergenceWarning, match="L-BFGS stopped after max_iter"):
        small(solver="lbfgs", max_iter=30, tol=0.3, alpha=0.0).fit(X, numbers(X))


def test_patience_ends_lbfgs_where_validation_data_are_watched_only(monkeypatch):
    X = table()
    y = numbers(X)
    settings = {"solver": "lbfgs", "max_iter": 30, "tol": 0.1}
    alone = small(**settings).fit(X, y)
    monkeypatch.setattr(Patience, "has_stalled", True)
    assert small(**settings).fit(X, y).loss_curve_ == alone.loss_curve_
    watched = small(**settings, early_stopping=True).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert watched.n_iter_ == 1 < alone.n_iter_


def test_the_first_loss_is_that_of_the_start_values(monkeypatch):
    X = table()
    y = numbers(X)
    spy = Spy(monkeypatch, Network, "loss_gradient")
    model = small(max_iter=1, alpha=0.4).fit(X, y)
    start, network = spy["theta"][0], spy["self"][0]
    penalty = 0.2 * sum((v**2).sum() for k, v in network.views(start).items() if k[0] in "WUV") / 50
    model._model.theta[:] = start
    assert model.loss_ == pytest.approx(without_penalty(model, X, y) + penalty, rel=1e-10)


def test_a_loss_of_minibatches_is_their_weighted_mean(monkeypatch):
    X, weight = table(), np.linspace(0.5, 2, 50)
    spy = Spy(monkeypatch, Network, "loss_gradient")
    model = small(batch_size=20, max_iter=1).fit(X, numbers(X), weight)
    assert [len(rows) for rows in spy["rows"]] == [20, 20, 10]
    sums = [weight[rows].sum() for rows in spy["rows"]]
    assert model.loss_ == pytest.approx(np.average(spy.results, weights=sums), rel=1e-12)


def test_each_epoch_takes_every_sample_once_in_a_new_order(monkeypatch):
    spy = Spy(monkeypatch, Network, "loss_gradient")
    small(batch_size=20, max_iter=3).fit(table(), numbers(table()))
    epochs = np.reshape([np.concatenate(spy["rows"][i : i + 3]) for i in (0, 3, 6)], (3, 50))
    np.testing.assert_array_equal(np.sort(epochs), np.tile(np.arange(50), (3, 1)))
    assert (epochs[0] != epochs[1]).any()
    assert (epochs[1] != epochs[2]).any()


def test_without_shuffle_the_order_is_that_of_the_data(monkeypatch):
    spy = Spy(monkeypatch, Network, "loss_gradient")
    small(batch_size=20, max_iter=2, shuffle=False).fit(table(), numbers(table()))
    np.testing.assert_array_equal(np.concatenate(spy["rows"]), np.tile(np.arange(50), 2))


@pytest.mark.parametrize(("n", "batch"), [(10, 10), (64, 64), (65, 32), (3999, 32), (4000, 64)])
def test_automatic_batch_size(n, batch, monkeypatch):
    spy = Spy(monkeypatch, Network, "loss_gradient")
    X = table(n, 1)
    small(cell="rnn", hidden_layer_sizes=1, max_iter=1).fit(X, X[:, 0])
    assert len(spy["rows"][0]) == batch


# --- validation ------------------------------------------------------------------------------


def noise(Estimator, n=60):
    """A problem on which a net soon learns too much."""
    X = table(n)
    y = np.random.RandomState(9).normal(size=n)
    return X, y if Estimator is RNNRegressor else (y > 0).astype(int)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_early_stopping_keeps_the_best_weights(solver, Estimator):
    X, y = noise(Estimator)
    model = small(
        Estimator,
        solver=solver,
        early_stopping=True,
        validation_fraction=0.3,
        learning_rate_init=0.1,
        max_iter=200,
        n_iter_no_change=5,
        tol=0.0,
        warm_start=True,  # so what is held out is not learnt in the end
    ).fit(X, y)
    stratify = y if Estimator is RNNClassifier else None
    seed = model._model.seeds[3]
    X_val, y_val = resample(X, y, replace=False, n_samples=18, random_state=seed, stratify=stratify)
    curve = model.validation_loss_curve_
    best = int(np.argmin(curve))
    assert len(curve) == len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_
    assert model.n_iter_ < 200
    assert best == len(curve) - 1 - 6
    assert without_penalty(model, X_val, y_val) == pytest.approx(curve[best], rel=1e-10)
    assert model.score(X_val, y_val) == pytest.approx(model.validation_scores_[best], rel=1e-10)
    assert model.best_validation_score_ == max(model.validation_scores_)


@pytest.mark.filterwarnings("ignore:Overfitting")
@BOTH
def test_given_validation_data_are_watched_and_all_data_are_learnt_from(Estimator):
    X, y = noise(Estimator)
    settings = {"learning_rate_init": 0.1, "max_iter": 30, "frame_length": 1}
    model = small(Estimator, **settings).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    curve = model.validation_loss_curve_
    assert len(curve) == model.n_iter_ == 30
    assert model.t_ == 30 * 40
    best = int(np.argmin(curve))
    assert best < 29
    assert without_penalty(model, X[40:], y[40:]) == pytest.approx(curve[best], rel=1e-10)
    shorter = small(Estimator, **settings).fit(X[:40], y[:40])
    assert model.loss_curve_ == shorter.loss_curve_
    stopped = small(Estimator, early_stopping=True, n_iter_no_change=2, **settings)
    stopped.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert stopped.t_ == stopped.n_iter_ * 40
    assert stopped.n_iter_ < 30
    assert_same(stopped, model)


@BOTH
def test_weights_of_validation_data(Estimator):
    X, y = noise(Estimator)
    weight = np.repeat([0.0, 1.0, 2.0], [5, 10, 5])
    rows = np.repeat(np.arange(20), weight.astype(int))
    weighted = small(Estimator).fit(
        X[:40], y[:40], X_val=X[40:], y_val=y[40:], sample_weight_val=weight
    )
    repeated = small(Estimator).fit(X[:40], y[:40], X_val=X[40:][rows], y_val=y[40:][rows])
    for name in ("validation_loss_curve_", "validation_scores_"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-10)


def test_class_weights_count_in_validation_data_too():
    X, y = noise(RNNClassifier)
    factors = np.array([1.0, 5.0])
    data = {"X": X[:40], "y": y[:40], "X_val": X[40:], "y_val": y[40:]}
    of_classes = small(RNNClassifier, class_weight=dict(enumerate(factors))).fit(**data)
    weights = {"sample_weight": factors[y[:40]], "sample_weight_val": factors[y[40:]]}
    of_samples = small(RNNClassifier).fit(**data, **weights)
    assert of_classes.validation_loss_curve_ == of_samples.validation_loss_curve_
    assert of_classes.validation_scores_ == of_samples.validation_scores_
    assert_same(of_classes, of_samples)
    for_training = small(RNNClassifier).fit(**data, sample_weight=factors[y[:40]])
    assert for_training.validation_loss_curve_ != of_samples.validation_loss_curve_


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile"])
def test_validation_scores_are_those_of_score(loss):
    X = table()
    y = np.abs(numbers(X)) + 0.1
    model = small(loss=loss, max_iter=1).fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    assert model.validation_scores_ == pytest.approx([model.score(X[30:], y[30:])], rel=1e-10)


def test_validation_scores_of_labels_are_those_of_score():
    X = table()
    Y = (X[:, :2] > 0).astype(int)
    model = small(RNNClassifier, max_iter=1).fit(X[:30], Y[:30], X_val=X[30:], y_val=Y[30:])
    assert model.validation_scores_ == [model.score(X[30:], Y[30:])]


def test_the_held_out_part_is_stratified():
    X = table(100)
    y = np.array([0] * 90 + [1] * 10)
    for seed in range(5):
        settings = {"early_stopping": True, "max_iter": 1, "warm_start": True}
        model = small(RNNClassifier, random_state=seed, **settings).fit(X, y)
        assert model.t_ == 90
        assert model.intercepts_[-1] == pytest.approx(math.log(1 / 9), abs=0.02)


@BOTH
@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        (0.01, "validation set is too small: .*0.01 of 60 samples is 1, .* count. Increase"),
        (0.99, "training set is too small: .*0.99 of 60 samples is 60, .* count. Decrease"),
    ],
)
def test_a_part_that_is_too_small_to_hold_out_or_to_learn_from(fraction, message, Estimator):
    X, y = noise(Estimator)
    with pytest.raises(ValueError, match=f"The {message}"):
        small(Estimator, early_stopping=True, validation_fraction=fraction).fit(X, y)


@pytest.mark.parametrize(
    ("n_distinct", "shuffle", "words"),
    [
        (3, True, "of 3 samples is 1, .* Equal samples count as one, and samples of .* Increase"),
        (2, True, "of 2 samples is 1, but at least 2 .* to validate with and 1 .* count. Pass X"),
        (3, False, "to train on. Samples of weight 0 do not count. Increase"),
    ],
)
def test_a_part_that_is_too_small_says_how_samples_are_counted(n_distinct, shuffle, words):
    X, y = noise(RNNRegressor)
    rows = np.arange(30) % n_distinct if shuffle else np.arange(n_distinct)
    model = small(early_stopping=True, validation_fraction=0.25, shuffle=shuffle)
    with pytest.raises(ValueError, match=words):
        model.fit(X[rows], y[rows])


#: A model that is to go on does not learn in the end what was held out.
LAST = {"early_stopping": True, "shuffle": False, "validation_fraction": 0.25, "warm_start": True}


def test_without_shuffle_the_last_part_is_held_out():
    X, y = noise(RNNRegressor)
    held = small(**LAST).fit(X, y)
    given = small(shuffle=False).fit(X[:45], y[:45], X_val=X[45:], y_val=y[45:])
    assert_same(held, given)
    assert held.validation_loss_curve_ == given.validation_loss_curve_


def test_shuffle_holds_out_a_random_part(monkeypatch):
    X, y = noise(RNNRegressor)
    spy = Spy(monkeypatch, losses.Loss, "of_rows")
    for seed in (1, 2):
        small(early_stopping=True, random_state=seed, max_iter=1).fit(X, y)
    first, second = spy["targets"]
    assert first.shape == second.shape
    assert (first != second).any()


def test_the_last_part_does_not_enter_the_standardisation():
    X, y = noise(RNNRegressor)
    y[45:] += 100.0
    model = small(**LAST).fit(X, y)
    np.testing.assert_allclose(model._model.scaling.target_center, y[:45].mean(), rtol=1e-12)
    np.testing.assert_allclose(model._model.scaling.center[:, 0], X[:45].mean(axis=0), atol=1e-14)


# --- stopping --------------------------------------------------------------------------------


def test_training_stops_when_the_loss_no_longer_improves():
    X = table()
    y = numbers(X)
    settings = {"max_iter": 100, "tol": 1e6, "n_iter_no_change": 4}
    model = small(learning_rate="constant", **settings).fit(X, y)
    assert model.n_iter_ == 6  # the first epoch improves on nothing
    endless = small(learning_rate="constant", **(settings | {"n_iter_no_change": np.inf}))
    with pytest.warns(ConvergenceWarning, match=r"its limit of 100 epochs \(max_iter\)"):
        assert endless.fit(X, y).n_iter_ == 100


@pytest.mark.parametrize(
    ("solver", "n", "max_iter"),
    [
        ("adam", 20, 300),
        ("sgd", 200, 150),
        ("adam", 995, 30),
        ("adam", 9999, 25),
        ("lbfgs", 9, 200),
    ],
)
def test_automatic_max_iter_makes_some_3000_updates(solver, n, max_iter):
    model = small(solver=solver, batch_size=10, max_iter=None)
    assert settings_of(vars(model), n, False, False).max_iter == max_iter


@pytest.mark.parametrize(
    ("n", "schedule", "is_watched", "patience"),
    [
        (20, "cosine", True, 50),
        (20, "constant", False, 100),
        (500, "one_cycle", True, 5),
        (500, "constant", False, 10),
        (20, "cosine", False, math.inf),
        (20, "one_cycle", False, math.inf),
    ],
)
def test_automatic_patience_is_100_updates_or_the_whole_of_a_schedule(
    n, schedule, is_watched, patience
):
    model = small(batch_size=10, learning_rate=schedule)
    settings = settings_of(vars(model), n, False, is_watched)
    assert settings.n_iter_no_change == patience
    assert settings.least_evidence == 0.1
    own = settings_of(vars(model) | {"n_iter_no_change": 7}, n, False, is_watched)
    assert (own.n_iter_no_change, own.least_evidence) == (7, 0.0)


@BOTH
def test_early_stopping_stops_as_it_comes(Estimator):
    X, y = noise(Estimator)
    model = small(Estimator, early_stopping="auto", validation_fraction=0.3, max_iter=300)
    model.set_params(learning_rate_init=0.1, batch_size=3).fit(X, y)
    assert model.n_iter_ < 100


@pytest.mark.filterwarnings("ignore:Overfitting")
def test_given_validation_data_stop_nothing_without_early_stopping():
    X, y = noise(RNNRegressor)
    model = small(learning_rate_init=0.1, max_iter=30, n_iter_no_change=1)
    assert model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:]).n_iter_ == 30


@BOTH
def test_by_itself_a_fit_holds_data_out_from_10_samples_on(Estimator):
    for n, n_learnt in ((9, 9), (10, 7), (49, 36), (50, 37)):
        X, y = noise(Estimator, n)
        settings = {"early_stopping": "auto", "max_iter": 1, "warm_start": True}
        model = small(Estimator, validation_fraction=0.25, **settings)
        assert model.fit(X, y).t_ == n_learnt
        assert (model.validation_scores_ is None) == (n == 9)


@BOTH
@pytest.mark.parametrize("learning_rate", SCHEDULES)
def test_a_warning_at_max_iter_where_the_schedule_does_not_end_there(learning_rate, Estimator):
    X = table()
    model = small(Estimator, learning_rate=learning_rate, tol=0.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, target_for(Estimator, X))
    assert model.n_iter_ == 5
    expected = [] if learning_rate in ("cosine", "one_cycle") else [ConvergenceWarning]
    assert [warning.category for warning in caught] == expected


@BOTH
def test_nothing_is_printed_unless_verbose(Estimator, capfd):
    X = table()
    y = target_for(Estimator, X)
    small(Estimator).fit(X, y).predict(X)
    assert capfd.readouterr() == ("", "")
    model = small(Estimator, verbose=True, early_stopping=True).fit(X, y)
    printed = capfd.readouterr()
    lines = printed.out.splitlines()
    assert printed.err == ""
    lines = [line for line in lines if "compiling" not in line]
    n_again = math.ceil(model.part_curves_[ALONE]["kept_epoch"] / 4)
    assert lines[5] == "Stopped after epoch 5: reached max_iter."
    assert lines[6].startswith(f"All 50 samples are learnt now, for {n_again} epoch")
    assert lines[7 + n_again :] == [f"Stopped after epoch {n_again}: all samples are learnt."]
    assert f"loss {model.loss_curve_[2]:.6f}  val" in lines[2]
    assert f"val {model.validation_loss_curve_[4]:.6f}  score" in lines[4]


# --- dropout, penalty ------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_dropout_acts_in_training_only(cell):
    X = ragged()
    y = numbers(X)
    settings = {"cell": cell, "hidden_layer_sizes": (6, 4), "bidirectional": True}
    dropped, plain = small(dropout=0.5, **settings).fit(X, y), small(**settings).fit(X, y)
    assert (theta(dropped) != theta(plain)).any()
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))
    plain._model.theta[:] = dropped._model.theta
    np.testing.assert_array_equal(dropped.predict(X), plain.predict(X))


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_keeps_the_expected_output(rate, dtype, monkeypatch):
    spy = Spy(monkeypatch, Network, "loss_gradient")
    settings = {"hidden_layer_sizes": (6, 4), "bidirectional": True, "max_iter": 60}
    settings |= {"n_iter_no_change": np.inf}
    small(dropout=rate, dtype=dtype, **settings).fit(table(), numbers(table()))
    masks = np.array(spy["masks"])
    assert masks.shape == (60, 50, 20)
    assert masks.dtype == dtype
    np.testing.assert_allclose(np.unique(masks), [0, 1 / (1 - rate)], rtol=1e-6)
    kept = (masks > 0).mean()
    assert kept == pytest.approx(1 - rate, abs=4 * math.sqrt(rate * (1 - rate) / masks.size))
    assert (masks[0] != masks[1]).any()


def test_dropout_is_no_part_of_the_watched_loss():
    X = table()
    y = numbers(X)
    model = small(dropout=0.9, max_iter=1).fit(X, y, X_val=X, y_val=y)
    assert model.validation_loss_curve_ == pytest.approx([without_penalty(model, X, y)], rel=1e-10)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_alpha_shrinks_the_weights_and_leaves_the_biases(solver, Estimator):
    X = table() + 3.0
    y = target_for(Estimator, X)
    settings = {"solver": solver, "max_iter": 60, "learning_rate_init": 0.1, "tol": 0.05}
    sizes = []
    for alpha in (0.0, 1.0, 1e4):
        model = small(Estimator, alpha=alpha, **settings).fit(X, y)
        sizes.append(sum((coef**2).sum() for coef in model.coefs_))
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] < 0.02 * sizes[0]
    if Estimator is RNNClassifier:
        shares = np.bincount(y) / len(y)
        np.testing.assert_allclose(model.predict_proba(X), np.tile(shares, (50, 1)), atol=0.05)


# --- going on --------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start_goes_on_from_the_last_weights(solver, Estimator, monkeypatch):
    X = table()
    y = target_for(Estimator, X)
    settings = {"solver": solver, "tol": 1.0 if solver == "lbfgs" else 0.0, "max_iter": 5}
    model = small(Estimator, warm_start=True, **settings).fit(X, y)
    first, center = theta(model), model._model.scaling.center
    losses = list(model.loss_curve_)
    spy = Spy(monkeypatch, Network, "loss_gradient")
    model.fit(X + 0.1, y)
    np.testing.assert_array_equal(np.sort(spy["theta"][0]), np.sort(first))
    np.testing.assert_array_equal(model._model.scaling.center, center)
    assert model.loss_curve_[: len(losses)] == losses
    assert len(model.loss_curve_) == len(losses) + model.n_iter_
    assert model.t_ == len(model.loss_curve_) * 50
    cold = small(Estimator, **settings).fit(X, y)
    np.testing.assert_array_equal(theta(cold.fit(X, y)), first)


@BOTH
def test_the_losses_and_scores_of_all_warm_fits_count(Estimator):
    X, y = noise(Estimator)
    settings = {"learning_rate_init": 0.1, "max_iter": 30, "warm_start": True}
    settings |= {"early_stopping": True, "validation_fraction": 0.3}
    model = small(Estimator, **settings).fit(X, y)
    losses, scores = list(model.loss_curve_), list(model.validation_scores_)
    model.set_params(learning_rate_init=10.0, max_iter=2, max_grad_norm=None).fit(X, y)
    assert model.loss_curve_[:-2] == losses
    assert model.validation_scores_[:-2] == scores
    assert len(model.validation_loss_curve_) == len(scores) + 2
    assert model.best_loss_ == min(losses) < min(model.loss_curve_[-2:])
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_validation_score_ == max(scores) > max(model.validation_scores_[-2:])


def test_warm_start_may_change_everything_but_the_architecture():
    X = table()
    y = numbers(X)
    model = small(warm_start=True).fit(X, y)
    kept = theta(model)
    for name, value in [
        ("cell", "lstm"),
        ("hidden_layer_sizes", (7,)),
        ("bidirectional", True),
        ("pooling", "mean"),
        ("loss", "huber"),
    ]:
        with pytest.raises(ValueError, match=f"{name}.*cannot go on"):
            small(warm_start=True).fit(X, y).set_params(**{name: value}).fit(X, y)
        old = model.get_params()[name]
        with pytest.raises(ValueError, match=name):
            model.set_params(**{name: value}).fit(X, y)
        model.set_params(**{name: old})
    np.testing.assert_array_equal(theta(model), kept)
    model.set_params(solver="sgd", alpha=0.1, max_iter=2, learning_rate="one_cycle").fit(X, y)
    assert model.n_iter_ == 2


def test_a_warm_start_with_other_quantiles_is_refused_by_their_name():
    X = table()
    y = numbers(X)
    model = small(loss="quantile", quantile=0.5, warm_start=True).fit(X, y)
    for quantile in (0.4, [0.1, 0.9], [0.1, 0.5, 0.9]):
        model.set_params(quantile=quantile)
        for train in (model.fit, model.partial_fit):
            with pytest.raises(
                ValueError, match=r"with quantile=\(0\.5,\), .* go on with quantile="
            ):
                train(X, y)
    model.set_params(quantile=0.5).fit(X, y)


@BOTH
@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dtype", "float32"),
        ("n_timesteps", 2),
        ("n_timesteps", 3),
        ("standardize", False),
        ("linear_path", "auto"),
        ("linear_path", 2),
    ],
)
def test_a_parameter_that_can_take_no_effect_any_more_is_refused(name, value, saved, Estimator):
    X = table()
    y = target_for(Estimator, X)
    for begin in ("fit", "partial_fit"):
        classes = {"classes": np.unique(y)} if begin == "partial_fit" and y.dtype != float else {}
        model = getattr(small(Estimator, warm_start=True), begin)(X, y, **classes)
        model = pickle.loads(pickle.dumps(model)) if saved else model
        old, kept = model.get_params()[name], theta(model)
        model.set_params(**{name: value})
        words = f"was fitted with {name}={old!r}, and training cannot go on with {name}={value!r}"
        if name == "linear_path" and begin == "partial_fit":  # which looks at it never
            model.partial_fit(X, y)
            continue
        with pytest.raises(ValueError, match=words):
            model.fit(X, y)
        if name != "linear_path":
            with pytest.raises(ValueError, match=words):
                model.partial_fit(X, y)
        np.testing.assert_array_equal(theta(model), kept)
        model.set_params(**{name: old}).fit(X, y)


@BOTH
def test_a_parameter_that_says_what_was_already_so_is_no_change(Estimator):
    X = table()
    y = target_for(Estimator, X)
    small(Estimator, warm_start=True).fit(X, y).set_params(dtype="float64").fit(X, y)
    model = small(Estimator, warm_start=True).fit(X.reshape(-1, 2, 2), y)
    model.set_params(n_timesteps=2).fit(X, y)  # it says how to read the rows of this X
    model.partial_fit(X.reshape(-1, 2, 2), y)
    with pytest.raises(ValueError, match="dtype='float32', and training cannot go on with dtype=N"):
        small(Estimator, warm_start=True, dtype="float32").fit(X, y).set_params(dtype=None).fit(
            X, y
        )


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_learns(solver, Estimator):
    X = table(60)
    y = numbers(X) if Estimator is RNNRegressor else np.where(numbers(X) > 0, "up", "down")
    rate = 0.03 if solver == "adam" else 0.1
    model = small(Estimator, solver=solver, learning_rate_init=rate, hidden_layer_sizes=12)
    classes = {} if Estimator is RNNRegressor else {"classes": ["down", "up"]}
    for _ in range(100):
        model.partial_fit(X[:40], y[:40], **classes)
        model.partial_fit(X[40:], y[40:])
    assert model.score(X, y) > 0.9
    assert len(model.loss_curve_) == 200
    assert model.t_ == 100 * 60


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fits_on_all_data_are_the_epochs_of_a_fit(solver, Estimator):
    X = table()
    y = target_for(Estimator, X)
    settings = {"solver": solver, "shuffle": False, "batch_size": 20, "tol": 0.0}
    classes = {} if Estimator is RNNRegressor else {"classes": [0, 1, 2]}
    model = small(Estimator, learning_rate="constant", **settings)
    for _ in range(5):
        model.partial_fit(X, y, **classes)
    with pytest.warns(ConvergenceWarning, match="Training reached its limit"):
        whole = small(Estimator, learning_rate="constant", **settings).fit(X, y)
    assert_same(model, whole)
    assert model.loss_curve_ == whole.loss_curve_
    assert model.t_ == whole.t_


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_whoever_goes_on_draws_another_order_and_other_masks(method, monkeypatch):
    X, seen = table(), []
    for _ in range(2):
        with monkeypatch.context() as patch:
            spy = Spy(patch, Network, "loss_gradient")
            model = small(dropout=0.5, batch_size=20, max_iter=1, warm_start=True)
            for _ in range(2):
                getattr(model, method)(X, numbers(X))
        seen.append([(np.concatenate(spy["rows"][i : i + 3]), spy["masks"][i]) for i in (0, 3)])
    (rows, masks), (next_rows, next_masks) = seen[0]
    assert (rows != next_rows).any()
    assert (masks != next_masks).any()
    for one, other in zip(seen[0], seen[1], strict=True):  # all by one seed
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_partial_fit_takes_the_constant_rate_where_a_schedule_needs_an_end(monkeypatch):
    X = table()
    for learning_rate in ("cosine", "one_cycle"):
        with monkeypatch.context() as patch:
            spy = Spy(patch, optimizers.Adam, "update")
            model = small(learning_rate=learning_rate, learning_rate_init=0.02)
            model.partial_fit(X, numbers(X)).partial_fit(X, numbers(X))
        assert spy["rate"] == [0.02, 0.02]


def test_partial_fit_after_fit_goes_on():
    X = table()
    y = numbers(X)
    model = small().fit(X, y)
    kept = theta(model)
    model.partial_fit(X[:5], y[:5])
    assert 0 < np.abs(theta(model) - kept).max() < 0.1
    assert len(model.loss_curve_) == 6


@BOTH
def test_lbfgs_has_no_partial_fit(Estimator):
    assert not hasattr(small(Estimator, solver="lbfgs"), "partial_fit")
    assert hasattr(small(Estimator), "partial_fit")


def test_classes_of_partial_fit():
    X = table()
    y = np.arange(50) % 3
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        small(RNNClassifier).partial_fit(X, y)
    model = small(RNNClassifier).partial_fit(X[:4], np.zeros(4, int), classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (50, 3)
    model.partial_fit(X, y).partial_fit(X, y, classes=[2, 1, 0])
    with pytest.raises(ValueError, match="are not the classes that this model has"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"class that RNNClassifier does not know.*3"):
        model.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="class_weight='balanced'"):
        model.set_params(class_weight="balanced").partial_fit(X, y)


def test_labels_need_no_classes_in_partial_fit():
    X = table()
    Y = (X[:, :3] > 0).astype(int)
    model = small(RNNClassifier)
    for _ in range(3):
        model.partial_fit(X, Y)
    assert model.predict(X).shape == (50, 3)
    assert model.classes_.tolist() == [0, 1, 2]


# --- divergence ------------------------------------------------------------------------------


def nan_loss(loss, gradient):
    return math.nan


def nan_gradient(loss, gradient):
    gradient[len(gradient) // 2] = np.nan
    return loss


def infinite_gradient(loss, gradient):
    gradient[0] = np.inf
    return loss


@BOTH
@pytest.mark.parametrize("what", [nan_loss, nan_gradient, infinite_gradient])
def test_a_diverging_epoch_is_undone_and_the_rate_halved(what, Estimator, monkeypatch):
    X = table()
    y = target_for(Estimator, X)
    spy = Spy(monkeypatch, optimizers.Adam, "update")
    visited = Spy(monkeypatch, Network, "loss_gradient")
    break_at(monkeypatch, {7}, what)  # in the middle of the third epoch of three minibatches
    settings = {"batch_size": 20, "learning_rate_init": 0.01, "tol": 0.0}
    with pytest.warns(
        ConvergenceWarning,
        match="went back to the last weights with a finite loss.*halved to 0.005",
    ):
        model = small(Estimator, **settings).fit(X, y)
    assert model.n_iter_ == 5
    assert np.isfinite(theta(model)).all()
    assert np.isfinite(model.loss_curve_).all()
    # Call 6 began the third epoch, call 8 begins it again from the same weights.
    np.testing.assert_array_equal(visited["theta"][8], visited["theta"][6])
    assert (visited["theta"][7] != visited["theta"][6]).any()
    found = np.array(spy["rate"])
    epochs = [[0.0, 0.4, 0.8], [1, 1.4, 1.8], [2], [2, 2.4, 2.8], [3, 3.4, 3.8], [4, 4.4, 4.8]]
    progress = np.concatenate(epochs) / 5
    factor = np.repeat([1.0, 0.5], [7, 9])
    np.testing.assert_allclose(
        found, 0.005 * factor * (1 + np.cos(np.pi * progress)), rtol=1e-9, atol=1e-16
    )


def test_the_optimizer_forgets_a_diverging_epoch(monkeypatch):
    original, seen = optimizers.Adam.update, []

    def watched(self, theta, *arguments):
        seen.append((self.n_updates, self.first.copy(), self.second.copy(), theta.copy()))
        original(self, theta, *arguments)

    monkeypatch.setattr(optimizers.Adam, "update", watched)
    break_at(monkeypatch, {7}, nan_loss)  # updates 0 to 5 are two epochs, 6 is undone
    with pytest.warns(ConvergenceWarning, match="went back"):
        small(shuffle=False, batch_size=20).fit(table(), numbers(table()))
    assert [state[0] for state in seen[:9]] == [0, 1, 2, 3, 4, 5, 6, 6, 7]
    for before, again in zip(seen[6], seen[7], strict=True):
        np.testing.assert_array_equal(before, again)


@pytest.mark.parametrize("n_epochs", [0, 1, 9])
def test_the_average_of_the_weights_forgets_a_diverging_epoch(n_epochs, monkeypatch):
    updated, told = Spy(monkeypatch, optimizers.Adam, "update"), Diary()
    break_at(monkeypatch, {3 * n_epochs + 1}, nan_loss)
    with pytest.warns(ConvergenceWarning, match="went back"):
        fitted(RNNRegressor, True, told, max_iter=n_epochs + 2)
    # Each update finds the weights that the one before has left; one update was undone.
    undone = 3 * n_epochs + 1
    visited = [*updated["theta"][1:undone], *updated["theta"][undone + 1 :]]
    average = np.zeros_like(visited[0])
    for n, weights in enumerate(visited, start=1):  # equation 83
        average += max(1 / 100, 10 / (n + 9)) * (weights - average)
        if n % 3 == 0:
            np.testing.assert_allclose(told.thetas[n // 3 - 1], average, rtol=1e-9, atol=1e-12)
    assert len(told.thetas) == n_epochs + 2


def test_a_run_that_stops_in_an_epoch_keeps_the_epochs_before(monkeypatch):
    X = table()
    y = numbers(X)
    settings = {"shuffle": False, "batch_size": 20}
    with monkeypatch.context() as patch:
        patch.setattr(training, "_MAX_RECOVERIES", 0)
        break_at(patch, {7}, nan_loss)
        with pytest.warns(ConvergenceWarning, match="non-finite 1 times"):
            stopped = small(**settings).fit(X, y)
    assert stopped.n_iter_ == len(stopped.loss_curve_) == 2
    spy = Spy(monkeypatch, Network, "loss_gradient")
    whole = small(**settings).fit(X, y)
    np.testing.assert_array_equal(stopped._model.theta, spy["theta"][6])
    assert stopped.loss_curve_ == whole.loss_curve_[:2]


@pytest.mark.parametrize("first", [0, 4])
def test_after_several_divergences_training_stops_with_the_good_weights(first, monkeypatch):
    X = table()
    y = numbers(X)
    visited = Spy(monkeypatch, Network, "loss_gradient")
    break_at(monkeypatch, set(range(first, 1000)), nan_loss)
    with pytest.warns(ConvergenceWarning) as caught:
        model = small().fit(X, y)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert "went back to the last weights with a finite loss" in messages[0]
    assert f"non-finite {training._MAX_RECOVERIES + 1} times" in messages[1]
    assert "earlier weights with a finite loss are kept" in messages[1]
    for told in messages:
        assert "Lower learning_rate_init or max_grad_norm, set standardize=True" in told
    assert model.n_iter_ == len(model.loss_curve_) == first
    # The weights after the last whole epoch, or, if they are to blame, those before it.
    kept = visited["theta"][max(first - 1, 0) : first + 1]
    assert any((model._model.theta == weights).all() for weights in kept)
    assert np.isfinite(model.predict(X)).all()
    assert len(visited.calls) == first + training._MAX_RECOVERIES + 1


@CELLS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_huge_learning_rate_leaves_finite_weights(cell, dtype):
    X = table()
    y = numbers(X)
    model = small(
        cell=cell,
        activation="relu",
        hidden_layer_sizes=(6, 6),
        solver="sgd",
        learning_rate_init=1e6,
        max_grad_norm=None,
        max_iter=30,
        dtype=dtype,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert np.isfinite(theta(model)).all()
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(model.predict(X)).all()
    assert {warning.category for warning in caught} <= {ConvergenceWarning}
    assert len(caught) == 2 or cell != "rnn"  # a gated cell of float64 saturates instead


def test_training_recovers_from_a_step_far_too_long(monkeypatch):
    """The weights after the long step are finite, their loss is not: going back to them is vain."""
    original, count = optimizers.Adam.update, iter(range(10**9))

    def thrown(self, theta, *arguments):
        original(self, theta, *arguments)
        if next(count) == 2:
            theta *= 1e300

    monkeypatch.setattr(optimizers.Adam, "update", thrown)
    X = table()
    y = numbers(X)
    with pytest.warns(ConvergenceWarning, match="went back to the last weights") as caught:
        model = small(hidden_layer_sizes=16, max_iter=60, learning_rate_init=0.1).fit(X, y)
    assert len(caught) == 1
    assert model.n_iter_ == 60
    assert model.score(X, y) > 0.9


def test_weights_that_turn_nonfinite_are_seen(monkeypatch):
    original, count = optimizers.Adam.update, iter(range(10**9))

    def poisoned(self, theta, *arguments):
        original(self, theta, *arguments)
        if next(count) == 2:
            theta[0] = np.inf

    monkeypatch.setattr(optimizers.Adam, "update", poisoned)
    with pytest.warns(ConvergenceWarning, match="went back"):
        model = small().fit(table(), numbers(table()))
    assert model.n_iter_ == 5
    assert np.isfinite(theta(model)).all()


def test_a_diverging_partial_fit_is_undone(monkeypatch):
    X = table()
    y = numbers(X)
    model = small().partial_fit(X, y)
    kept, curve = theta(model), list(model.loss_curve_)
    with monkeypatch.context() as patch:
        break_at(patch, {0}, nan_gradient)
        with pytest.warns(ConvergenceWarning, match="this call of partial_fit.*undone") as caught:
            model.partial_fit(X, y)
    assert len(caught) == 1
    np.testing.assert_array_equal(theta(model), kept)
    assert model.loss_curve_ == curve
    model.partial_fit(X, y)
    assert len(model.loss_curve_) == 2


def test_a_later_partial_fit_whose_model_predicts_nothing_finite_is_undone(monkeypatch):
    X = table()
    y = numbers(X)
    model = small().partial_fit(X, y)
    kept = theta(model)
    monkeypatch.setattr(
        Network, "raw_of", lambda self, theta, examples, *_: np.full((len(X), 1), np.nan)
    )
    with pytest.warns(ConvergenceWarning, match="this call of partial_fit.*undone"):
        model.partial_fit(X, y)
    np.testing.assert_array_equal(theta(model), kept)
    with pytest.raises(ValueError, match="not finite even before training"):
        small().partial_fit(X, y)


@pytest.mark.parametrize(("alpha", "is_named"), [(0.1, False), (0.5, True)])
def test_a_penalty_above_the_smallest_weight_may_be_what_is_not_finite(
    alpha, is_named, monkeypatch
):
    X = table()
    weight = np.where(np.arange(50) % 2, 0.25, 1.75)
    monkeypatch.setattr("skrnn.data.examples.counted", lambda copies, weights: weights)
    break_at(monkeypatch, {2}, nan_loss)
    with pytest.warns(ConvergenceWarning, match="went back") as caught:
        small(alpha=alpha).fit(X, numbers(X), weight)
    assert ("finite without its penalty" in str(caught[0].message)) == is_named


def test_lbfgs_survives_a_nonfinite_loss(monkeypatch):
    X = table()
    break_at(monkeypatch, {3}, nan_loss)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = small(solver="lbfgs", max_iter=20, tol=1e-2).fit(X, numbers(X))
    assert np.isfinite(theta(model)).all()
    assert np.isfinite(model.loss_)


# --- interruption ----------------------------------------------------------------------------


def interrupt(loss, gradient):
    raise KeyboardInterrupt


@BOTH
def test_ctrl_c_keeps_what_is_learnt(Estimator, monkeypatch):
    X = table()
    y = target_for(Estimator, X)
    whole = small(Estimator).fit(X, y)
    break_at(monkeypatch, {3}, interrupt)
    with pytest.warns(ConvergenceWarning, match="interrupted") as caught:
        model = small(Estimator).fit(X, y)
    assert len(caught) == 1
    assert model.n_iter_ == 3
    assert model.loss_curve_ == whole.loss_curve_[:3]
    assert model.t_ == 150
    assert (theta(model) != theta(whole)).any()
    assert model.predict(X).shape == y.shape


@pytest.mark.filterwarnings("ignore:Overfitting")
def test_ctrl_c_keeps_the_best_weights_seen():
    X, y = noise(RNNRegressor)
    settings = {"learning_rate_init": 0.1, "max_iter": 40}
    whole = small(**settings).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    best = int(np.argmin(whole.validation_loss_curve_))
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, {best + 5}, interrupt)
        with pytest.warns(ConvergenceWarning, match="interrupted"):
            model = small(**settings).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert model.n_iter_ == best + 5
    assert_same(model, whole)


def test_ctrl_c_in_lbfgs_keeps_the_last_iteration(monkeypatch):
    X = table()
    y = numbers(X)
    break_at(monkeypatch, {9}, interrupt)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model = small(solver="lbfgs", max_iter=50, alpha=0.0).fit(X, y)
    assert 1 <= model.n_iter_ < 9
    assert without_penalty(model, X, y) == pytest.approx(model.loss_, rel=1e-10)


def test_ctrl_c_before_the_first_epoch_ends_leaves_a_usable_model(monkeypatch):
    X = table()
    break_at(monkeypatch, {1}, interrupt)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model = small(batch_size=10).fit(X, numbers(X))
    assert model.loss_curve_ == []
    assert np.isfinite(model.predict(X)).all()


@BOTH
@pytest.mark.parametrize("value", [np.inf, np.nan, 1e200])
@pytest.mark.parametrize(("update", "n_epochs"), [(1, 0), (7, 2), (9, 2)])
def test_ctrl_c_right_after_an_exploding_update_keeps_the_last_good_weights(
    update, n_epochs, value, Estimator, monkeypatch
):
    """Each epoch has three updates, so the ninth is the last of its epoch."""
    X = table(50)
    y, original, n_updates = target_for(Estimator, X), optimizers.Adam.update, iter(range(99))
    settings = {"batch_size": 20, "learning_rate": "constant"}

    def explode(self, theta, *arguments):
        original(self, theta, *arguments)
        if next(n_updates) == update - 1:
            theta[: theta.size // 2] = value
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimizers.Adam, "update", explode)
        with pytest.warns(ConvergenceWarning, match="interrupted"):
            model = small(Estimator, **settings).fit(X, y)
    assert model.n_iter_ == n_epochs
    assert np.isfinite(theta(model)).all()
    assert np.abs(theta(model)).max() < 10.0
    assert len(model.predict(X)) == 50
    if n_epochs:
        with pytest.warns(ConvergenceWarning):
            assert_same(model, small(Estimator, max_iter=n_epochs, **settings).fit(X, y))


# --- advice ----------------------------------------------------------------------------------


def test_advice_where_the_loss_still_falls():
    X = table()
    with pytest.warns(ConvergenceWarning, match="still improving. Increase max_iter, or set"):
        small(learning_rate="constant", learning_rate_init=1e-3).fit(X, numbers(X))


def test_advice_where_the_loss_is_restless(monkeypatch):
    X = table()
    losses = iter([3.0, 1.0, *[2.0] * 8])

    def epoch(self):
        yield from ()
        return next(losses)

    monkeypatch.setattr(training.Training, "_epoch", epoch)
    restless = {"max_iter": 10, "n_iter_no_change": np.inf}
    told = "improved in the last 2 epochs nor settled. Lower learning_rate_init, or set"
    with pytest.warns(ConvergenceWarning, match=told):
        small(learning_rate="constant", **restless).fit(X, numbers(X))


def test_a_warning_shows_the_line_that_called_the_estimator(monkeypatch):
    X = table()
    with pytest.warns(ConvergenceWarning, match="limit of 1 epoch") as caught:
        small(learning_rate="constant", max_iter=1).fit(X, numbers(X))
    assert [one.filename for one in caught] == [__file__]
    break_at(monkeypatch, {0}, nan_loss)
    with pytest.warns(ConvergenceWarning, match="undone") as caught:
        small().partial_fit(X, numbers(X))
    assert [one.filename for one in caught] == [__file__]


def test_advice_of_a_few_epochs():
    restless = advice.on_no_convergence("adam", 2, 1e-4, [1.0, 2.0])
    assert "its limit of 2 epochs (max_iter), and" in restless
    assert "improved in the last epoch nor" in restless
    assert "still improving" in advice.on_no_convergence("adam", 2, 1e-4, [2.0, 1.0])
    X = table()
    told = r"limit of 1 epoch \(max_iter\), too few to see .* settled. Increase max_iter.$"
    with pytest.warns(ConvergenceWarning, match=told):
        small(learning_rate="constant", max_iter=1).fit(X, numbers(X))


def test_advice_on_divergence_fits_the_solver():
    for said in (advice.UNDONE, advice.on_stepping_back("adam"), advice.on_stepping_back("sgd")):
        assert said.endswith(
            "Lower learning_rate_init or max_grad_norm, set standardize=True if it is not, and "
            "look for extreme values in X and y."
        )
    ends = "kept. Set standardize=True if it is not, and look for extreme values in X and y."
    assert advice.on_stepping_back("lbfgs").endswith(ends)


def test_advice_of_a_larger_dtype_is_for_the_smaller_one():
    assert advice.on_nothing_finite(np.dtype("float32")).endswith(
        "dtype='float64' holds larger values."
    )
    assert "dtype" not in advice.on_nothing_finite(np.dtype("float64"))


@BOTH
def test_advice_where_nothing_stops_overfitting(Estimator):
    X, y = noise(Estimator)
    model = small(Estimator, learning_rate_init=0.1, max_iter=100)
    with pytest.warns(ConvergenceWarning, match="Overfitting: .* Set early_stopping=True"):
        model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    model.set_params(early_stopping=True).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])


# --- weights ---------------------------------------------------------------------------------


@CELLS
@BOTH
@pytest.mark.parametrize("make", [table, ragged])
def test_weights_equal_repetition_and_zero_weight_removal(make, Estimator, cell):
    X = make(20)
    y = target_for(Estimator, X)
    weight = np.random.RandomState(0).randint(0, 4, size=20)
    weight[:3] = 0, 2, 3
    assert set(y[weight > 0]) == set(y) or Estimator is RNNRegressor
    rows = np.repeat(np.arange(20), weight)
    repeated = [X[row] for row in rows] if isinstance(X, list) else X[rows]
    settings = {"cell": cell, "bidirectional": True, "max_iter": 20, "learning_rate_init": 0.01}
    weighted = small(Estimator, **settings).fit(X, y, weight)
    longer = small(Estimator, **settings).fit(repeated, y[rows])
    method = "predict" if Estimator is RNNRegressor else "decision_function"
    np.testing.assert_allclose(
        getattr(weighted, method)(X), getattr(longer, method)(X), rtol=1e-7, atol=1e-9
    )
    np.testing.assert_allclose(weighted.loss_curve_, longer.loss_curve_, rtol=1e-7)
    kept = np.flatnonzero(weight)
    shorter = [X[row] for row in kept] if isinstance(X, list) else X[kept]
    assert_same(weighted, small(Estimator, **settings).fit(shorter, y[kept], weight[kept]))


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "poisson", "quantile"])
def test_weights_equal_repetition_for_every_loss(loss):
    X = table(20)
    y = np.abs(numbers(X))
    weight = np.random.RandomState(0).randint(0, 4, size=20)
    rows = np.repeat(np.arange(20), weight)
    weighted = small(loss=loss).fit(X, y, weight)
    np.testing.assert_allclose(
        weighted.predict(X), small(loss=loss).fit(X[rows], y[rows]).predict(X), rtol=1e-7, atol=1e-9
    )


@BOTH
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_only_the_proportions_of_weights_count_without_penalty(solver, Estimator):
    X = table(20)
    y = target_for(Estimator, X)
    weight = np.linspace(0.5, 2, 20)
    settings = {"solver": solver, "alpha": 0.0, "tol": 1.0 if solver == "lbfgs" else 1e-4}
    one, many = (small(Estimator, **settings).fit(X, y, weight * f) for f in (1.0, 1024.0))
    np.testing.assert_allclose(theta(one)[:-3], theta(many)[:-3], rtol=1e-9, atol=1e-12)


def test_a_number_weighs_all_samples():
    X = table()
    assert_same(small().fit(X, numbers(X), 1.0), small().fit(X, numbers(X)))


# --- standardisation -------------------------------------------------------------------------


@CELLS
@pytest.mark.parametrize("make", [table, ragged])
def test_units_of_x_and_y_change_predictions_by_their_map_only(make, cell):
    X = make(40)
    y = numbers(X)
    width = np.shape(X[0])[-1]
    factor = np.resize([1e4, 1e-3], width)
    shift = np.resize([-5e5, 0.2], width)
    other = [x * factor + shift for x in X]
    other = other if isinstance(X, list) else np.array(other)
    settings = {"cell": cell, "max_iter": 20}
    model = small(**settings).fit(X, y)
    moved = small(**settings).fit(other, 1e6 * y + 7e6)
    np.testing.assert_allclose(
        moved.predict(other), 1e6 * model.predict(X) + 7e6, rtol=1e-6, atol=1e-6 * 1e6
    )
    np.testing.assert_allclose(moved.loss_curve_, model.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_units_of_y_are_undone_for_every_loss(loss):
    X = table(40)
    y = np.column_stack([numbers(X), X[:, 1] ** 3])
    quantile = [0.2, 0.8] if loss == "quantile" else 0.5
    model = small(loss=loss, quantile=quantile).fit(X, y)
    moved = small(loss=loss, quantile=quantile).fit(X, 2.0**10 * y)
    np.testing.assert_allclose(moved.predict(X), 2.0**10 * model.predict(X), rtol=1e-9)


def test_a_table_is_scaled_by_column_and_sequences_by_feature():
    X = table(40, 6) * [1, 10, 100, 1000, 1e4, 1e5] + np.arange(6)
    y = X[:, 0]
    by_column = small().fit(X, y)._model.scaling
    np.testing.assert_allclose(by_column.center[:, 0], X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(by_column.scale[:, 0], X.std(axis=0), rtol=1e-12)
    by_feature = small().fit(X.reshape(40, 3, 2), y)._model.scaling
    steps = X.reshape(-1, 2)
    np.testing.assert_allclose(by_feature.center, [steps.mean(axis=0)], rtol=1e-12)
    np.testing.assert_allclose(by_feature.scale, [steps.std(axis=0)], rtol=1e-12)


@BOTH
@pytest.mark.parametrize("value", [0.0, 1e6 + 0.1, -1e-6, 1e20])
def test_constant_columns_are_harmless(value, Estimator):
    X = table(60)
    y = numbers(X) if Estimator is RNNRegressor else (numbers(X) > 0).astype(int)
    X[:, 1] = value
    model = small(Estimator, hidden_layer_sizes=12, max_iter=100, learning_rate_init=0.03)
    assert model.fit(X, y).score(X, y) > 0.9


def test_a_constant_target_is_predicted():
    for value in (0.0, 5.0, -1e9):
        model = small(max_iter=100, learning_rate_init=0.03).fit(table(), np.full(50, value))
        np.testing.assert_allclose(model.predict(table()), value, rtol=1e-6, atol=0.1)


@BOTH
def test_without_standardisation_data_are_taken_as_they_are(Estimator):
    X = table(60)
    y = numbers(X) if Estimator is RNNRegressor else (numbers(X) > 0).astype(int)
    settings = {"hidden_layer_sizes": 12, "max_iter": 100, "learning_rate_init": 0.03}
    model = small(Estimator, standardize=False, **settings).fit(X, y)
    assert model.score(X, y) > 0.9
    stored = model._model.scaling
    assert (stored.center.tolist(), stored.scale.tolist()) == ([[0.0]], [[1.0]])
    assert (stored.target_center.any(), (stored.target_scale != 1).any()) == (False, False)


def test_a_new_class_weight_counts_in_the_next_warm_fit():
    X = table()
    y = (X[:, 0] > 0).astype(int)
    losses = []
    for weight in (1.0, 1000.0):
        model = small(RNNClassifier, warm_start=True, class_weight={0: 1.0, 1: 1.0}).fit(X, y)
        losses.append(model.set_params(class_weight={0: 1.0, 1: weight}).fit(X, y).loss_)
    assert losses[0] != losses[1]


def test_partial_fit_of_labels_may_name_them():
    X = table()
    Y = (X[:, :3] > 0).astype(int)
    model = small(RNNClassifier).partial_fit(X, Y, classes=np.arange(3))
    for wrong in ([0, 1], ["a", "b", "c"], [1, 2, 3], np.arange(4)):
        with pytest.raises(ValueError, match=r"expecting \d labels|classes=.*does not fit"):
            small(RNNClassifier).partial_fit(X, Y, classes=wrong)
        with pytest.raises(ValueError, match="are not the classes that this model has"):
            small(RNNClassifier).partial_fit(X, Y).partial_fit(X, Y, classes=wrong)
    assert model.predict(X).shape == (50, 3)


def test_a_subclass_with_fewer_parameters():
    class LSTMRegressor(RNNRegressor):
        def __init__(self, hidden_layer_sizes=(4,), random_state=None):
            super().__init__(hidden_layer_sizes, cell="lstm", max_iter=2, random_state=random_state)

    X = table()
    assert LSTMRegressor(random_state=0).fit(X, X[:, 0]).n_iter_ == 2
