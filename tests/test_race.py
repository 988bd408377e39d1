"""Candidates are trained in turns, and one that evidence has left behind is given up."""

import numpy as np
import pytest
from datasets import outputs
from fits import ALONE, BESIDE, Diary, fitted, lasting

from skrnn import RNNClassifier, RNNRegressor
from skrnn.learning import candidates, race, training

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
#: Ten minibatches an epoch, so a turn has ten epochs; and none stops by itself.
LONG = {"linear_path": "auto", "batch_size": 6, "max_iter": 25, "early_stopping": True}
LONG |= {"n_iter_no_change": np.inf}

#: Evidence before a turn and behind it, and who is left behind.
STANDINGS = [
    ([0.0, 0.0], [0.0, 2.1], [0]),
    ([0.0, 0.0], [2.1, 0.0], [1]),
    ([0.0, 0.0], [1.9, 0.0], []),  # by too little
    ([0.0, 0.0], [10.0, 8.1], []),
    ([0.0, 0.0], [20.0, 16.1], []),  # by too small a share
    ([0.0, 0.0], [20.0, 15.9], [1]),
    ([9.0, 1.0], [9.0, 1.5], []),  # catching up
    ([9.0, 1.0], [9.5, 1.5], [1]),
    ([1.0, 9.0], [9.0, 1.0], [1]),  # overtaken
    ([0.0], [0.0], []),
    ([-np.inf, -np.inf], [-np.inf, -np.inf], []),
    ([0.0, 1.0, 2.0], [0.0, 5.0, 9.0], [0, 1]),
]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("before", "now", "expected"), STANDINGS, ids=str)
def test_left_behind_is_who_lacks_evidence_and_ever_more(before, now, expected):
    found = race.left_behind(np.array(before), np.array(now))
    np.testing.assert_array_equal(found, expected)


def scripted(monkeypatch, lead):
    """Let a candidate lead by ever more evidence."""
    turns = {BESIDE: 0, ALONE: 0}

    def evidence(self, *_):
        name = self.candidate.name
        turns[name] += 1
        return 3.0 * turns[name] * (name == lead)

    monkeypatch.setattr(candidates.Trained, "evidence", evidence)


@BOTH
def test_candidates_take_turns(Estimator, monkeypatch):
    monkeypatch.setattr(candidates.Trained, "evidence", lambda *_: 0.0)
    diary = Diary()
    fitted(Estimator, True, diary, **LONG)
    turns = (1, 11), (11, 21), (21, 26)
    expected = [(name, i) for turn in turns for name in (BESIDE, ALONE) for i in range(*turn)]
    assert diary.places() == expected


@BOTH
def test_turns_change_no_bit(Estimator, monkeypatch):
    monkeypatch.setattr(candidates.Trained, "evidence", lambda *_: 0.0)
    in_turns, data = fitted(Estimator, True, **LONG)
    monkeypatch.setattr(race, "_TURN", 10**6)
    one_by_one, _ = fitted(Estimator, True, **LONG)
    np.testing.assert_array_equal(outputs(in_turns, data["X"]), outputs(one_by_one, data["X"]))
    assert in_turns.validation_loss_curve_ == one_by_one.validation_loss_curve_


@BOTH
@pytest.mark.parametrize(("lead", "last"), [(BESIDE, ALONE), (ALONE, BESIDE)])
def test_who_is_left_behind_is_trained_no_more(lead, last, Estimator, monkeypatch, capsys):
    scripted(monkeypatch, lead)
    diary = Diary()
    fitted(Estimator, True, diary, verbose=True, **LONG)
    assert (len(diary.of(lead)), len(diary.of(last))) == (25, 20)
    said = capsys.readouterr().out
    assert said.count("Stopped") == 2
    assert f"Stopped {last} after epoch 20: left behind." in said
    assert "Stopped after epoch 25: reached max_iter." in said


def test_ground_is_lost_since_the_turn_before_not_since_the_first(monkeypatch):
    """Who has caught up once, and falls back then, is given up."""
    evidences = {BESIDE: iter([0.0] * 4), ALONE: iter([-8.0, -5.0, -7.0, -7.0])}
    monkeypatch.setattr(
        candidates.Trained, "evidence", lambda self, *_: next(evidences[self.candidate.name])
    )
    diary = Diary()
    fitted(RNNRegressor, True, diary, **(LONG | {"max_iter": 35}))
    assert (len(diary.of(BESIDE)), len(diary.of(ALONE))) == (35, 30)


def test_without_early_stopping_all_are_trained_to_the_end(monkeypatch):
    scripted(monkeypatch, ALONE)
    diary = Diary()
    fitted(RNNRegressor, True, diary, **(LONG | {"early_stopping": False}))
    assert len(diary.of(BESIDE)) == len(diary.of(ALONE)) == 25


def test_evidence_is_that_of_the_predictions_so_far(monkeypatch):
    found = {True: [], False: []}

    def evidence(part, *_):
        found[part.is_alone].append(part.raw.copy())
        return 0.0

    monkeypatch.setattr(candidates, "evidence", evidence)
    fitted(RNNRegressor, True, **LONG)
    for raws in found.values():
        assert len(raws) == 3
        assert (raws[0] != raws[1]).any()


@BOTH
def test_a_training_that_a_listener_ends_leaves_the_other_to_its_end(Estimator, monkeypatch):
    monkeypatch.setattr(candidates.Trained, "evidence", lambda *_: 0.0)
    diary = Diary(last=13, candidate=BESIDE)
    fitted(Estimator, True, diary, **LONG)
    assert (len(diary.of(BESIDE)), len(diary.of(ALONE))) == (13, 25)


def test_ctrl_c_in_a_later_turn_keeps_what_both_have_learnt():
    def interrupt(epoch):
        if (epoch.candidate, epoch.number) == (ALONE, 13):
            raise KeyboardInterrupt

    diary = Diary()
    with pytest.warns(match="interrupted by user"):
        model, data = fitted(RNNRegressor, True, diary, interrupt, **LONG)
    assert (len(diary.of(BESIDE)), len(diary.of(ALONE))) == (20, 13)
    assert np.isfinite(outputs(model, data["X"])).all()
    assert model.n_iter_ in (13, 20)


def test_ctrl_c_right_after_the_last_epoch_keeps_what_is_learnt(monkeypatch):
    """Where no validation data are watched, and nothing is chosen any more."""

    def interrupt(*_):
        raise KeyboardInterrupt

    settings = LONG | {"early_stopping": False}
    expected, data = fitted(RNNRegressor, False, **settings)
    monkeypatch.setattr(race, "_say_end", interrupt)
    with pytest.warns(match="interrupted by user"):
        model, _ = fitted(RNNRegressor, False, **settings)
    np.testing.assert_array_equal(outputs(model, data["X"]), outputs(expected, data["X"]))


def test_what_is_ended_between_two_epochs_has_the_best_weights(monkeypatch):
    trainings, original = [], training.Training.__init__

    def known(self, *arguments, **options):
        original(self, *arguments, **options)
        trainings.append(self)

    monkeypatch.setattr(training.Training, "__init__", known)
    monkeypatch.setattr(training.Training, "run", lambda self: self.take_turn(9))
    lasting(RNNRegressor, max_iter=30).fit(**data_with_noise())
    [one] = trainings
    assert one.is_running
    assert one.progress.kept is None  # while others are trained
    best = one.watch.best.copy()
    assert (one.theta != best).any()
    one.end()
    assert not one.is_running
    np.testing.assert_array_equal(one.theta, best)
    one.take_turn(1)
    assert len(one.curves) == 9


def data_with_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
    return {"X": X[:40], "y": y[:40], "X_val": X[40:], "y_val": y[40:]}
