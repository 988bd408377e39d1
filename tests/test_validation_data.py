"""What is held out: the tail, and what a splitter says; a random share is in test_training."""

import math
from dataclasses import replace

import numpy as np
import pytest
from fits import ALONE, BESIDE, Diary, Spy, fit, fitted, small, table, target_for
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)

from skrnn import RNNClassifier, RNNRegressor, RNNTranslator
from skrnn.learning import candidates, fitting, race
from skrnn.learning.optimizers import Average
from skrnn.learning.training import Training
from skrnn.linear.blending import Blend

FRACTIONS = pytest.mark.parametrize("fraction", [0.25, "tail"])
BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])


def data(Estimator=RNNRegressor, n=60):
    X = table(n)
    return X, target_for(Estimator, X)


def held(Estimator, validation_fraction, **parameters):
    settings = {"early_stopping": True, "linear_path": "auto", "max_iter": 3}
    return small(Estimator, validation_fraction=validation_fraction, **(settings | parameters))


def assert_same(one, other):
    assert one.validation_loss_curve_ == other.validation_loss_curve_
    assert_same_model(one._model, other._model)


def assert_same_model(one, other):
    np.testing.assert_array_equal(one.theta, other.theta)
    for part in ("scaling", "path"):
        known = getattr(one, part)
        for name, value in {} if known is None else vars(known).items():
            np.testing.assert_array_equal(value, getattr(getattr(other, part), name))


@BOTH
@pytest.mark.parametrize("shuffle", [True, False])
def test_the_tail_is_the_last_quarter_and_nothing_of_it_is_known_at_first(shuffle, Estimator):
    X, y = data(Estimator)
    X[45:] += 50.0
    tail = held(Estimator, "tail", shuffle=shuffle).fit(X, y)
    given = held(Estimator, 0.25, shuffle=shuffle).fit(X[:45], y[:45], X_val=X[45:], y_val=y[45:])
    for name in ("part_curves_", "recurrent_part_", "recurrent_share_", "linear_score_"):
        assert getattr(tail, name) == getattr(given, name)
    in_order = held(Estimator, 0.25, shuffle=False).fit(X, y)
    assert (tail.loss_curve_ == in_order.loss_curve_) == (not shuffle)


@BOTH
@FRACTIONS
def test_in_the_end_all_samples_are_learnt_from_what_the_first_have_taught_on(
    fraction, Estimator, monkeypatch
):
    """For a quarter of the epochs that were best, in batches that grow as the samples do."""
    trainings = Spy(monkeypatch, race, "train_one")
    X, y = data(Estimator)
    settings = {"max_iter": 9, "batch_size": 9, "linear_path": None, "n_iter_no_change": np.inf}
    model = held(Estimator, fraction, **settings).fit(X, y)
    (_, of_all), (learnt, last) = trainings["candidate"], trainings.results
    np.testing.assert_array_equal(of_all.start(), learnt.model.theta)
    np.testing.assert_array_equal(model._model.theta, last.model.theta)
    assert (len(of_all.examples), of_all.watched) == (60, None)
    assert_same_model(
        replace(model._model, theta=np.zeros(0)),
        replace(small(Estimator, **settings).fit(X, y)._model, theta=np.zeros(0)),
    )
    n_epochs = math.ceil(model.part_curves_[ALONE]["kept_epoch"] / 4)
    settings = trainings["circumstances"][1].settings
    assert (settings.batch_size, settings.max_iter) == (12, n_epochs)
    assert len(last.training.curves) == n_epochs
    assert model.n_iter_ == len(model.validation_loss_curve_) == 9


@BOTH
@FRACTIONS
@pytest.mark.parametrize("number", [0, 1])
def test_what_learns_all_is_the_part_that_was_kept_in_its_share(
    number, fraction, Estimator, monkeypatch
):
    def blended(parts, *_):
        return Blend(number, 0.4, 0.6 if parts[number].is_alone else 1.0)

    monkeypatch.setattr(candidates, "blend", blended)
    learning = Spy(monkeypatch, race, "train_one")
    X, y = data(Estimator)
    settings = {"max_iter": 12, "batch_size": 10, "n_iter_no_change": np.inf}
    model = held(Estimator, fraction, **settings).fit(X, y)
    (trained,) = learning.results
    name = (BESIDE, ALONE)[number]
    assert trained.candidate.name == model.recurrent_part_ == name
    n_epochs = math.ceil(model.part_curves_[name]["kept_epoch"] / 4)
    assert model.t_ == 45 * 12 + 60 * n_epochs
    np.testing.assert_array_equal(model._model.theta, trained.in_share(0.4).theta)
    everything = held(Estimator, fraction, early_stopping=False).fit(X, y)._model.path
    assert_allclose(model._model.path.coefficients, (1.0, 0.6)[number] * everything.coefficients)


def test_what_learns_all_is_an_average(monkeypatch):
    """Of the weights, as what was watched; and no listener hears of it."""
    X, y = data(RNNRegressor)
    learning, diary = Spy(monkeypatch, race, "train_one"), Diary()
    averaging = Spy(monkeypatch, Average, "add")
    model = held(RNNRegressor, "tail", linear_path=None, batch_size=10, max_iter=12)
    fit(model, {"X": X, "y": y}, diary)
    _, trained = learning.results
    assert len(trained.training.curves) > 1
    np.testing.assert_array_equal(trained.model.theta, averaging["self"][-1].theta)
    assert (trained.model.theta != averaging["theta"][-1]).any()
    assert all(epoch.validation_loss is not None for epoch in diary.epochs)


@FRACTIONS
def test_nothing_is_said_of_a_net_that_has_nothing_to_go_on_from(fraction, capsys):
    """Steps that are far too long: the start, which is the path by itself, is the best."""
    X = table(60)
    settings = {"learning_rate_init": 3.0, "max_iter": 2, "verbose": True}
    model = held(RNNRegressor, fraction, **settings).fit(X, X[:, 0])
    assert model.part_curves_[model.recurrent_part_]["kept_epoch"] == 0
    said = capsys.readouterr().out
    assert "Linear path" in said
    assert "learnt" not in said


def interrupt_what_learns_all(monkeypatch):
    """Ctrl-C in its first epoch."""
    report = Training._report

    def interrupted(self, loss):
        if self.settings.is_averaged:
            raise KeyboardInterrupt
        return report(self, loss)

    monkeypatch.setattr(Training, "_report", interrupted)


class Ends:
    """Listener that ends the fit behind the first training."""

    def __call__(self, epoch):
        pass

    def begin_epoch(self, rebuild):
        pass

    def end(self, rebuild):
        return True


@BOTH
@pytest.mark.parametrize("linear_path", [None, "auto"])
def test_what_ends_a_fit_leaves_the_tail_unknown(linear_path, Estimator, monkeypatch):
    monkeypatch.setattr(candidates, "blend", lambda parts, *_: Blend(len(parts) - 1, 0.4, 0.6))
    X, y = data(Estimator)
    settings = {"linear_path": linear_path}
    given = held(Estimator, 0.25, **settings)
    given.fit(X[:45], y[:45], X_val=X[45:], y_val=y[45:])

    def tail(*listeners, **others):
        model = held(Estimator, "tail", **(settings | others))
        return fit(model, {"X": X, "y": y}, *listeners)

    assert tail(Ends()).t_ == tail(warm_start=True).t_ == given.t_ == 3 * 45 < tail().t_
    interrupt_what_learns_all(monkeypatch)
    with pytest.warns(match="interrupted by user"):
        assert_same(tail(), given)


@pytest.mark.parametrize("at", ["the start", "an epoch"])
def test_ctrl_c_while_all_is_learnt_ends_a_search_too(at, monkeypatch):
    X, y = data()
    model = held(RNNRegressor, "tail", linear_path=None)
    new_model = fitting.new_model

    def interrupted(start, examples):
        if at == "the start" and len(examples) == 60:
            raise KeyboardInterrupt
        return new_model(start, examples)

    monkeypatch.setattr(fitting, "new_model", interrupted)
    if at == "an epoch":
        interrupt_what_learns_all(monkeypatch)
    with pytest.warns(match="interrupted by user"):
        model.fit(X, y)
    assert model.t_ == 3 * 45
    with pytest.warns(match="interrupted by user"), pytest.raises(KeyboardInterrupt):
        clone(model).fit(X, y)


def test_the_latest_of_a_series_that_changes_are_learnt():
    X = table(200)
    y = np.where(np.arange(200) < 150, X[:, 0], X[:, 0] + 3.0 * X[:, 1])
    for path in (None, "auto"):
        tail, first = (
            held(RNNRegressor, one, max_iter=40, linear_path=path) for one in ("tail", 0.25)
        )
        first.fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
        tail.fit(X, y)
        assert tail.score(X[150:], y[150:]) > first.score(X[150:], y[150:]) + 0.05


def test_sequences_of_labels_and_targets_of_steps_are_learnt_whole_too():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(length, 2)) for length in rng.integers(2, 6, size=40)]
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "validation_fraction": "tail"}
    translator = RNNTranslator(decoder="ctc", random_state=0, **settings)
    translator.fit(X, [["up" if one > 0 else "down" for one in x[:1, 0]] for x in X])
    of_steps = RNNClassifier(return_sequences=True, random_state=0, **settings)
    of_steps.fit(X, [x[:, 0] > 0 for x in X])
    for model in (translator, of_steps):
        kept = model.part_curves_[getattr(model, "recurrent_part_", ALONE)]["kept_epoch"]
        assert model.t_ == 3 * 30 + math.ceil(kept / 4) * 40


SPLITTERS = {
    "a number of samples behind a gap": (
        TimeSeriesSplit(2, test_size=10, gap=5),
        range(45),
        range(50, 60),
    ),
    "folds in order": (KFold(4), range(45), range(45, 60)),
    "predefined": (
        PredefinedSplit(np.r_[np.full(30, -1), np.zeros(10), np.ones(20)]),
        range(40),
        range(40, 60),
    ),
}


@BOTH
@pytest.mark.parametrize("case", SPLITTERS)
def test_the_last_split_of_a_splitter_is_held_out_and_nothing_of_it_is_known(case, Estimator):
    splitter, train, watched = SPLITTERS[case]
    X, y = data(Estimator)
    X[list(watched)] += 50.0
    model = held(Estimator, splitter).fit(X, y)
    train, watched = list(train), list(watched)
    given = held(Estimator, 0.1).fit(X[train], y[train], X_val=X[watched], y_val=y[watched])
    assert_same(model, given)


def test_a_splitter_sees_classes_and_the_rows_that_count():
    class Seeing(StratifiedKFold):
        def split(self, X, y, groups=None):
            seen.append((X, y))
            return super().split(X, y, groups)

    seen = []
    X = table(60)
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    weight = (np.arange(60) % 4 > 0).astype(float)
    model = held(RNNClassifier, Seeing(3)).fit(X, y, weight)
    (rows, codes), counted = seen[0], weight > 0
    assert rows.tolist() == [[i] for i in range(45)]
    np.testing.assert_array_equal(np.array(["a", "b", "c"])[codes.astype(int)], y[counted])
    assert_same(model, held(RNNClassifier, StratifiedKFold(3)).fit(X[counted], y[counted]))


def test_targets_with_several_columns_reach_a_splitter_whole():
    X, y = data()
    model = held(RNNRegressor, ShuffleSplit(2, test_size=12, random_state=0))
    model.fit(X, np.column_stack([y, -y]))
    assert model.t_ == 3 * 48


class Parts(KFold):
    """Whatever it was made of."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def split(self, X, y=None, groups=None):
        yield self.parts


def test_what_a_splitter_writes_into_its_arguments_changes_nothing():
    class Spoiling(KFold):
        def split(self, X, y=None, groups=None):
            parts = list(super().split(X))
            X[:], y[:] = 0, 0.0
            return parts

    X, y = data()
    before = y.copy()
    expected = held(RNNRegressor, KFold(3)).fit(X, y).predict(X)
    found = held(RNNRegressor, Spoiling(3)).fit(X, y).predict(X)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    ("splitter", "words"),
    [
        (
            GroupKFold(3),
            r"GroupKFold\(.* cannot split 60 .*groups.* without groups",
        ),
        (KFold(100), r"KFold\(.* cannot split 60 training samples: .*n_splits=100"),
        (StratifiedKFold(3), r"StratifiedKFold\(.* cannot split 60 .* pass X_val and y_val"),
        (LeaveOneOut(), r"LeaveOneOut\(\) has 59 samples to train on, 1 to validate with"),
        (
            PredefinedSplit(np.full(60, -1)),
            r"cannot split 60 .*: it gives no split\. It",
        ),
        (PredefinedSplit(np.arange(70) // 35), "cannot split 60 training samples"),
        (
            Parts(np.arange(9), np.arange(9, 20), np.arange(20, 60)),
            "samples: too many values",
        ),
        (Parts(None, None), "its parts are no 1-D arrays of indices"),
        (
            Parts([[1], [2]], [3, 4]),
            "its parts are no 1-D arrays of indices",
        ),
    ],
)
def test_what_a_splitter_cannot_do_is_said_in_words(splitter, words):
    with pytest.raises(ValueError, match=words):
        held(RNNRegressor, splitter).fit(*data())


def test_parts_that_overlap_are_refused():
    class Overlapping(KFold):
        def split(self, X, y=None, groups=None):
            yield np.arange(50), np.arange(40, 60)

    with pytest.raises(ValueError, match=r"50 samples to train on, 20 .* and 10 in both parts"):
        held(RNNRegressor, Overlapping()).fit(*data())


def test_a_splitter_counts_where_samples_are_held_out_and_only_there():
    X, y = data(n=8)
    assert held(RNNRegressor, KFold(2), early_stopping="auto").fit(X, y).t_ == 3 * 4
    assert held(RNNRegressor, "tail", early_stopping="auto").fit(X, y).t_ == 3 * 8  # too few
    assert held(RNNRegressor, KFold(2), early_stopping=False).fit(X, y).t_ == 3 * 8
    assert small(validation_fraction=KFold(2)).partial_fit(X, y).t_ == 8
    given, data_given = fitted(RNNRegressor, True, validation_fraction=LeaveOneOut())
    assert given.t_ == 6 * len(data_given["y"])


def test_splitters_go_through_clone_and_a_search():
    X, y = data()
    model = held(RNNRegressor, TimeSeriesSplit(2, test_size=8))
    grid = {"validation_fraction": [0.25, "tail", TimeSeriesSplit(2, test_size=6)]}
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(2), error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 3
    assert clone(model).fit(X, y).t_ == model.fit(X, y).t_ == 3 * 52
