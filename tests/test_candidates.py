"""Candidates: what each is trained on and judged by, and the model that is made of the best."""

from dataclasses import replace

import numpy as np
import pytest
from datasets import outputs
from fits import ALONE, BESIDE, Diary, Spy, data_for, fitted, lasting, small, weighted_table
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNClassifier, RNNRegressor
from skrnn.learning import candidates, fitting, race, training
from skrnn.linear.blending import Blend
from skrnn.network import threads

KINDS = [
    (RNNRegressor, {}),
    (RNNRegressor, {"loss": "quantile", "quantile": [0.8, 0.1]}),
    (RNNRegressor, {"loss": "poisson"}),
    (RNNRegressor, {"standardize": False}),
    (RNNClassifier, {}),
]
OF_EVERY_KIND = pytest.mark.parametrize(("Estimator", "kind"), KINDS)


def begun(monkeypatch, Estimator, watched=True, **parameters):
    """Model, examples and watched examples that a fit begins with."""
    settings = {"linear_path": "auto", "max_iter": 1, "early_stopping": True}
    with monkeypatch.context() as patch:
        spy = Spy(patch, fitting, "fit")
        fitted(Estimator, watched, **settings, **parameters)
    return spy["begun"][0][:3]


@OF_EVERY_KIND
def test_beside_the_path_the_start_and_the_examples_are_those_of_the_fit(
    Estimator, kind, monkeypatch
):
    model, examples, watched = begun(monkeypatch, Estimator, **kind)
    candidate = candidates.beside_the_path(model, examples, watched)
    assert candidate.name == BESIDE
    assert candidate.model is model
    assert candidate.examples is examples
    assert candidate.watched is watched
    assert candidate.unit is None
    assert not candidate.is_alone
    # The recurrent part begins with saying nothing.
    raw = replace(model, theta=candidate.start()).raw_predict(watched.sequences)
    np.testing.assert_array_equal(raw, model.path.predict(watched.sequences))


@OF_EVERY_KIND
def test_a_path_is_worth_the_weighted_mean_loss_of_its_left_out_predictions(
    Estimator, kind, monkeypatch
):
    model, examples, _ = begun(monkeypatch, Estimator, **kind)
    targets = model.standardized(examples.targets)
    losses = model.target.loss.of_rows(examples.offsets, targets)
    expected = examples.weights @ losses / examples.weights.sum()
    assert candidates.path_verdict(model, examples).loss == pytest.approx(expected, rel=1e-12)
    assert losses.mean() != pytest.approx(expected, rel=1e-6)


@OF_EVERY_KIND
def test_alone_the_target_is_learnt_in_its_own_units_from_the_best_constant(
    Estimator, kind, monkeypatch
):
    model, examples, watched = begun(monkeypatch, Estimator, **kind)
    candidate = candidates.alone(model, examples, watched)
    start = candidate.model
    assert candidate.name == ALONE
    assert candidate.is_alone
    assert start.path is None
    assert candidate.examples.offsets is None
    np.testing.assert_array_equal(candidate.unit, model.path.unit)
    # As a fit without a path begins.
    diary = Diary()
    settings = {"max_iter": 1, "learning_rate_init": 1e-300, "batch_size": 60}
    net, _ = fitted(Estimator, True, diary, **settings, **kind)
    np.testing.assert_allclose(candidate.start(), diary.thetas[0], rtol=1e-12, atol=1e-15)
    for name in ("center", "scale", "target_center", "target_scale"):
        of_net = getattr(net._model.scaling, name)
        np.testing.assert_allclose(getattr(start.scaling, name), of_net, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(start.scaling.target_center, model.scaling.target_center)


def test_of_held_out_examples_only_the_part_beside_the_path_has_what_the_path_left_out(monkeypatch):
    model, examples, watched = begun(monkeypatch, RNNRegressor, watched=False)
    beside, alone = (make(model, examples, watched) for make in candidates.CANDIDATES)
    assert (len(examples), len(watched)) == (54, 6)
    assert beside.watched.offsets.shape == (6, 1)
    assert np.abs(beside.watched.offsets - model.path_predict(watched.sequences)).min() > 1e-4
    assert alone.examples.offsets is alone.watched.offsets is None
    np.testing.assert_array_equal(alone.watched.targets, watched.targets)


@OF_EVERY_KIND
def test_candidates_of_the_same_predictions_have_the_same_score(Estimator, kind, monkeypatch):
    model, examples, watched = begun(monkeypatch, Estimator, **kind)
    beside, alone = (make(model, examples, watched) for make in candidates.CANDIDATES)
    raw = np.random.default_rng(0).normal(size=(30, model.network.n_outputs))
    assert beside.score(raw) == pytest.approx(alone.score(raw * alone.unit), rel=1e-12)
    expected = model.target.score(watched.targets, model.in_target_units(raw), watched.weights)
    assert beside.score(raw) == expected


@pytest.mark.parametrize("loss", ["squared_error", "quantile"])
def test_each_target_has_the_unit_of_its_own_errors(loss):
    """Of several levels too: the columns of raw predictions go by target first."""
    X, Y, _ = weighted_table(40, 4, 0)
    Y[:, 1] = 100.0 * Y[:, 0] ** 2
    settings = {"loss": loss, "quantile": [0.2, 0.5, 0.9] if loss == "quantile" else 0.5}
    net = small(linear_path="auto", max_iter=1, **settings)
    together = net.fit(X, Y)._model.scaling.target_scale
    alone = [net.fit(X, y)._model.scaling.target_scale[0] for y in Y.T]
    np.testing.assert_allclose(together, alone, rtol=1e-9)


def test_a_fit_leaves_the_start_of_its_candidates_as_it_was(monkeypatch):
    model, examples, watched = begun(monkeypatch, RNNRegressor)
    kept = model.path.coefficients.copy()
    made = [make(model, examples, watched) for make in candidates.CANDIDATES]
    starts = [one.start() for one in made]
    monkeypatch.setattr(candidates, "CANDIDATES", [lambda *_, one=one: one for one in made])
    circumstances = Spy(monkeypatch, fitting, "fit")
    fitted(RNNRegressor, True, linear_path="auto")
    fitting.fit(fitting.Begun(model, examples, watched), circumstances["circumstances"][0])
    np.testing.assert_array_equal(model.path.coefficients, kept)
    for one, start in zip(made, starts, strict=True):
        np.testing.assert_array_equal(one.start(), start)


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("better", [BESIDE, ALONE])
def test_the_model_of_a_fit_has_the_better_part_and_the_path_in_their_shares(
    better, dtype, Estimator, monkeypatch
):
    blend = Blend(int(better == ALONE), 0.7, 0.4)
    monkeypatch.setattr(candidates, "blend", lambda *_: blend)
    diary = Diary()
    net, data = fitted(Estimator, True, diary, linear_path=4, dtype=dtype)
    # The same by hand, of the weights that were best and the path as it was fitted.
    best = min(diary.of(better), key=lambda epoch: epoch.validation_loss)
    trained, of_path = diary.rebuilt[diary.epochs.index(best)], diary.rebuilt[0]
    sequences, path = trained.schema.read(data["X_val"]), of_path.path
    within = path.within(sequences)
    recurrent = trained.network.raw_predict(trained.theta, trained.data(within))
    unit = path.unit if better == ALONE else 1.0
    assert Estimator is RNNClassifier or path.unit[0] < 0.9
    expected = 0.7 * recurrent / unit + 0.4 * path.predict(within)
    expected += path.predict(sequences) - path.predict(within)
    tolerance = 1e-9 if dtype == "float64" else 1e-4
    raw = net._model.raw_predict(sequences)
    assert raw.dtype == dtype
    np.testing.assert_allclose(raw, expected, rtol=tolerance, atol=tolerance)
    for name, value in vars(of_path.scaling).items():
        np.testing.assert_array_equal(getattr(net._model.scaling, name), value)
    assert net.loss_curve_ == [epoch.loss for epoch in diary.of(better)]
    assert net.t_ == net._model.n_samples_seen == 6 * 60


@pytest.mark.parametrize("better", [BESIDE, ALONE])
def test_what_a_part_says_of_the_validation_data_was_chosen_on_other_halves_and_is_in_its_unit(
    better, monkeypatch
):
    spy = Spy(monkeypatch, candidates, "blend")
    trained = Spy(monkeypatch, race, "_begun")
    fitted(RNNRegressor, True, linear_path="auto")
    of = {one.candidate.name: one for one in trained.results}
    part = spy["parts"][0][better == ALONE]
    watch, unit = of[better].training.watch, 1.0
    raw = watch.unchosen
    if better == ALONE:
        unit = of[ALONE].candidate.unit
        assert np.abs(unit - 1.0).min() > 0.05
        assert 0 < np.count_nonzero(watch.examples.offsets) < len(raw)  # of what is beyond
        raw = raw + watch.examples.offsets
    np.testing.assert_allclose(part.raw, raw / unit, rtol=1e-12)
    np.testing.assert_array_equal(spy["path"][0], of[BESIDE].training.watch.examples.offsets)
    np.testing.assert_array_equal(spy["targets"][0], of[BESIDE].training.watch.examples.targets)


@OF_EVERY_KIND
def test_start_values_have_the_best_constant_as_their_output_bias(Estimator, kind, monkeypatch):
    model, examples, _ = begun(monkeypatch, Estimator, **kind)
    beside, model = candidates.start_values(model, examples), replace(model, path=None)
    found = candidates.start_values(model, examples)
    targets = model.standardized(examples.targets)
    bias = model.target.loss.best_constant(targets, examples.weights)
    np.testing.assert_array_equal(model.network.views(found)["b_out"], bias)
    drawn = model.network.initialize(np.random.RandomState(model.seeds[0]))
    np.testing.assert_array_equal(found[: -len(bias)], drawn[: -len(bias)])
    n_head = sum(array.size for array in replace(model, theta=found).head())
    np.testing.assert_array_equal(beside[:-n_head], drawn[:-n_head])
    assert not beside[-n_head:].any()


# --- interrupts between the trainings ----------------------------------------------------------

#: What an interrupt falls into, at which call, and how many candidates have been trained then.
BETWEEN = {
    "start values": (candidates, "start_values", 1, 1),  # those of call 0 are the fit's own
    "a training's threads": (threads, "helpers", 1, 1),
    "shares": (candidates, "blend", 0, 2),
    "the head": (candidates.Trained, "in_share", 0, 2),
}


def interrupt_at(patch, owner, name, number):
    """A KeyboardInterrupt in one call of a function, behind its work."""
    original, count = getattr(owner, name), iter(range(10**9))

    def interrupting(*arguments):
        found = original(*arguments)
        if next(count) == number:
            raise KeyboardInterrupt
        return found

    patch.setattr(owner, name, interrupting)


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("place", BETWEEN)
def test_ctrl_c_between_the_trainings_keeps_what_is_trained(place, Estimator):
    owner, name, number, n_trained = BETWEEN[place]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "CANDIDATES", candidates.CANDIDATES[:n_trained])
        whole, data = fitted(Estimator, True, linear_path="auto")
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(patch, owner, name, number)
        with pytest.warns(ConvergenceWarning, match="interrupted by user") as caught:
            model, _ = fitted(Estimator, True, linear_path="auto")
    assert len(caught) == 1
    np.testing.assert_array_equal(outputs(model, data["X"]), outputs(whole, data["X"]))
    assert model.loss_curve_ == whole.loss_curve_


def test_ctrl_c_before_the_first_training_is_the_users():
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(patch, threads, "helpers", 0)
        with pytest.raises(KeyboardInterrupt):
            fitted(RNNRegressor, True, linear_path="auto")


def test_ctrl_c_while_the_last_weights_are_tried_keeps_them():
    data = data_for(RNNRegressor, False)
    whole = lasting(RNNRegressor, early_stopping=False).fit(**data)
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(patch, training.Training, "_predicts", 0)
        with pytest.warns(ConvergenceWarning, match="interrupted by user"):
            model = lasting(RNNRegressor, early_stopping=False).fit(**data)
    np.testing.assert_array_equal(outputs(model, data["X"]), outputs(whole, data["X"]))
