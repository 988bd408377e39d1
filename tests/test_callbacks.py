"""scikit-learn's callbacks: what they are told of a fit, how they end it, what they leave alone."""

import copy
import pickle
import re
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from datasets import labels, numbers, outputs, ragged
from fits import ALONE, BESIDE, break_at, data_for, fitted, lasting, small
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier, RNNRegressor, callbacks
from skrnn.text import SequenceVectorizer
from skrnn.windows import LagLayout, WindowScaledRegressor, make_windows

EXIST = callbacks.EXIST
with_callbacks = pytest.mark.skipif(not EXIST, reason="scikit-learn is older than its callbacks")
BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
SOLVERS = pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
WATCHED = pytest.mark.parametrize("watched", [False, True])
L_BFGS_MAY_END = pytest.mark.filterwarnings("ignore:L-BFGS stopped")


class Recorder:
    """Callback that records what it is told, and ends the tasks that it is asked to."""

    def __init__(self, ends=None):
        self.ends, self.course, self.told, self.fitted = ends, [], [], []

    def __getstate__(self):
        return vars(self) | {"ends": None, "course": [], "told": [], "fitted": []}

    def setup(self, estimator, context):
        self.course.append(("setup", *place(context)))

    def teardown(self, estimator, context):
        self.course.append(("teardown", *place(context)))

    def on_fit_task_begin(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.course.append(("begin", *place(context)))
        self._note(context, X, y, metadata)

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.course.append(("end", *place(context)))
        self._note(context, X, y, metadata)
        self.fitted.append((context.task_name, context.parent, fitted_estimator))
        return self.ends is not None and self.ends(context)

    def _note(self, context, *data):
        if context.estimator_name.startswith("RNN"):  # and no search or pipeline
            self.told.append(data)

    def of(self, candidate):
        """What is fitted after each epoch of a candidate."""
        return [
            model
            for name, parent, model in self.fitted
            if name == "epoch" and parent.task_name == candidate
        ]


class Propagated(Recorder):
    """What a search hands on to the estimators that it fits."""

    max_propagation_depth = None


def place(context):
    """Where a task is in the tree, and what it may have within."""
    names = []
    while context is not None:
        names.append((context.task_name, context.task_id, context.max_subtasks))
        context = context.parent
    return tuple(names[::-1])


def heard(Estimator, watched, recorder, **parameters):
    """A fitted estimator with a callback, and its data."""
    data = data_for(Estimator, watched, parameters.get("loss"))
    settings = {} if watched else {"early_stopping": False}
    model = lasting(Estimator, **(settings | parameters))
    return model.set_callbacks(recorder).fit(**data), data


def learnt(model):
    """A hash of all that a fit leaves."""
    state = model.__getstate__()
    return joblib.hash({name: value for name, value in state.items() if "callback" not in name})


def training(name, number, n_planned=6, n_epochs=6, fit=("fit", 0, 1)):
    """What is told of one training that has its turn to the end."""
    task = (fit, (name, number, n_planned))
    yield ("begin", *task)
    for i in range(n_epochs):
        yield ("begin", *task, ("epoch", i, 0))
        yield ("end", *task, ("epoch", i, 0))
    yield ("end", *task)


# --- what is told ----------------------------------------------------------------------------


@with_callbacks
@L_BFGS_MAY_END
@BOTH
@SOLVERS
@WATCHED
def test_a_fit_is_a_task_its_training_one_within_and_each_epoch_one_in_that(
    watched, solver, Estimator
):
    recorder = Recorder()
    heard(Estimator, watched, recorder, solver=solver)
    fit = ("fit", 0, 1)
    assert recorder.course == [
        ("setup", fit),
        ("begin", fit),
        *training(ALONE, 0),
        ("end", fit),
        ("teardown", fit),
    ]


@with_callbacks
@L_BFGS_MAY_END
@BOTH
@SOLVERS
def test_two_candidates_are_two_tasks(solver, Estimator):
    recorder = Recorder()
    heard(Estimator, True, recorder, solver=solver, linear_path="auto")
    fit = ("fit", 0, 2)
    tasks = [*training(BESIDE, 0, fit=fit), *training(ALONE, 1, fit=fit)]
    assert recorder.course[:2] == [("setup", fit), ("begin", fit)]
    assert sorted(recorder.course[2:-2]) == sorted(tasks)
    assert recorder.course[-2:] == [("end", fit), ("teardown", fit)]


@with_callbacks
def test_candidates_that_take_turns_are_two_tasks_at_a_time():
    recorder = Recorder()
    heard(RNNRegressor, True, recorder, linear_path="auto", batch_size=6, max_iter=25)
    epochs = [path for what, *path in recorder.course if what == "end" and len(path) == 3]
    names = [candidate for _, (candidate, *_), _ in epochs]
    assert names[:30] == [BESIDE] * 10 + [ALONE] * 10 + [BESIDE] * 10


@with_callbacks
@BOTH
def test_x_and_y_and_weights_are_told_as_they_were_given(Estimator):
    recorder = Recorder()
    _, data = heard(Estimator, True, recorder)
    assert len(recorder.told) == 16
    for X, y, metadata in recorder.told:
        assert X is data["X"]
        assert y is data["y"]
        assert metadata == {"sample_weight": data["sample_weight"]}
    recorder = Recorder()
    small(Estimator).set_callbacks(recorder).fit(data["X"], data["y"])
    assert {metadata for _, _, metadata in recorder.told} == {None}


@with_callbacks
def test_an_epoch_that_is_undone_begins_once(monkeypatch):
    break_at(monkeypatch, {4}, lambda loss, gradient: np.nan)
    recorder = Recorder()
    with pytest.warns(ConvergenceWarning, match="went back"):
        heard(RNNRegressor, False, recorder)
    assert recorder.course[2:-2] == list(training(ALONE, 0))


@with_callbacks
def test_an_epoch_without_an_end_of_its_own_is_ended(monkeypatch):
    break_at(monkeypatch, set(range(6, 10**4)), lambda loss, gradient: np.nan)
    recorder = Recorder()
    with pytest.warns(ConvergenceWarning):
        model, _ = heard(RNNRegressor, False, recorder)
    assert model.n_iter_ == 2
    assert recorder.course[2:-2] == list(training(ALONE, 0, n_epochs=3))
    assert [one is None for _, _, one in recorder.fitted] == [False, False, True, False, False]


@with_callbacks
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@BOTH
def test_a_partial_fit_is_a_task_of_one_epoch(Estimator, solver):
    data, recorder = data_for(Estimator, False), Recorder()
    model, plain = small(Estimator, solver=solver), small(Estimator, solver=solver)
    classes = {} if Estimator is RNNRegressor else {"classes": [0, 1, 2]}
    for _ in range(2):
        recorder.course.clear()
        model.set_callbacks(recorder).partial_fit(**data, **classes)
        plain.partial_fit(**data, **classes)
        fit = ("fit", 0, 1)
        tasks = [("begin", fit), *training(ALONE, 0, 1, 1), ("end", fit)]
        assert recorder.course == [("setup", fit), *tasks, ("teardown", fit)]
    assert learnt(model) == learnt(plain)
    assert recorder.fitted[-1][2].loss_curve_ == model.loss_curve_


@with_callbacks
def test_an_epoch_of_partial_fit_that_is_undone_is_ended(monkeypatch):
    data, recorder = data_for(RNNRegressor, False), Recorder()
    model = small().partial_fit(**data).set_callbacks(recorder)
    break_at(monkeypatch, {0}, lambda loss, gradient: np.nan)
    with pytest.warns(ConvergenceWarning):
        model.partial_fit(**data)
    assert recorder.course[2:-2] == list(training(ALONE, 0, 1, 1))


# --- the model of the moment -----------------------------------------------------------------


@with_callbacks
@L_BFGS_MAY_END
@BOTH
@SOLVERS
@pytest.mark.parametrize("linear_path", [None, "auto"])
def test_the_estimator_of_an_epoch_has_its_model_and_its_curves(linear_path, solver, Estimator):
    recorder = Recorder()
    model, data = heard(Estimator, True, recorder, solver=solver, linear_path=linear_path)
    held_out = data["X_val"], data["y_val"], data["sample_weight_val"]
    for name in (ALONE,) if linear_path is None else (BESIDE, ALONE):
        epochs = recorder.of(name)
        assert [one.n_iter_ for one in epochs] == [1, 2, 3, 4, 5, 6]
        last = epochs[-1]
        for one in epochs:
            assert one.recurrent_part_ == name
            assert one.loss_curve_ == last.loss_curve_[: one.n_iter_]
            assert one.score(*held_out) == pytest.approx(one.validation_scores_[-1], rel=1e-10)
            assert outputs(one, data["X"]).shape == outputs(model, data["X"]).shape
        if name == model.recurrent_part_:
            assert last.validation_scores_ == model.validation_scores_
            assert last.t_ == model.t_


@with_callbacks
@BOTH
@WATCHED
def test_the_estimator_of_the_fit_is_the_fitted_one(watched, Estimator):
    recorder = Recorder()
    model, data = heard(Estimator, watched, recorder, linear_path="auto")
    of_fit = recorder.fitted[-1]
    assert of_fit[0] == "fit"
    assert learnt(of_fit[2]) == learnt(model)
    np.testing.assert_array_equal(outputs(of_fit[2], data["X"]), outputs(model, data["X"]))


@with_callbacks
def test_the_estimator_of_a_training_has_its_best_weights():
    recorder = Recorder()
    model, data = heard(RNNRegressor, True, recorder, learning_rate_init=0.3, max_iter=20)
    [of_training] = [one for name, _, one in recorder.fitted if name == ALONE]
    best = int(np.argmin(model.validation_loss_curve_))
    assert best < 19
    assert learnt(of_training) != learnt(recorder.of(ALONE)[-1])
    np.testing.assert_array_equal(of_training.predict(data["X"]), model.predict(data["X"]))
    found = recorder.of(ALONE)[best].predict(data["X"])
    np.testing.assert_array_equal(found, model.predict(data["X"]))


FRAME = pd.DataFrame(data_for(RNNRegressor, False)["X"], columns=list("abcd"))
TYPED = FRAME.assign(kind=pd.Categorical(np.arange(60) % 3))
TOKENS = [np.arange(1 + i % 3, 4 + i % 5) for i in range(60)]
SEQUENCES = ragged(60)
FORMS = {
    "frame": (FRAME, numbers(FRAME.to_numpy()), {}),
    "categories": (TYPED, numbers(FRAME.to_numpy()), {}),
    "ragged": (SEQUENCES, numbers(SEQUENCES), {}),
    "tokens": (TOKENS, [float(len(x)) for x in TOKENS], {"embedding_dim": 3}),
    "steps": (SEQUENCES, [np.cumsum(x[:, 0]) for x in SEQUENCES], {"return_sequences": True}),
}


@with_callbacks
@pytest.mark.parametrize("form", FORMS)
def test_whatever_x_is_the_estimator_of_an_epoch_has_all_fitted_attributes(form):
    X, y, settings = FORMS[form]
    recorder = Recorder()
    model = small(linear_path="auto", early_stopping=True, validation_fraction=0.3, **settings)
    model.set_callbacks(recorder).fit(X, y)
    for name, value in vars(model).items():
        for one in recorder.of(BESIDE):
            assert hasattr(one, name)
            if name in ("feature_names_in_", "tokens_", "n_features_in_", "is_categorical_"):
                np.testing.assert_array_equal(getattr(one, name), value)
    for one in recorder.of(BESIDE):
        assert outputs(one, X).shape == outputs(model, X).shape
        assert np.isfinite(one.score(X, y))


@with_callbacks
def test_in_a_second_fit_nothing_of_the_first_is_told():
    recorder = Recorder()
    model, data = heard(RNNRegressor, True, recorder, linear_path="auto")
    first = learnt(model)
    recorder.fitted.clear()
    assert learnt(model.fit(**data)) == first
    for one in recorder.of(BESIDE):
        assert one.linear_coef_ is None
        assert one.loss_curve_ == recorder.of(BESIDE)[-1].loss_curve_[: one.n_iter_]


@with_callbacks
def test_a_warm_start_tells_the_longer_curve():
    recorder = Recorder()
    model, data = heard(RNNRegressor, True, recorder, linear_path="auto", warm_start=True)
    before, recorder.fitted = list(model.loss_curve_), []
    model.fit(**data)
    assert [len(one.loss_curve_) for one in recorder.of(BESIDE)] == [7, 8, 9, 10, 11, 12]
    assert recorder.of(BESIDE)[0].loss_curve_[:6] == before
    assert recorder.of(ALONE) == []


# --- what a callback can do ------------------------------------------------------------------


def ends_epoch(number, candidate=None):
    """Says of the end of an epoch that the training is to end; epochs are numbered from 1 on."""

    def ends(context):
        is_there = context.task_name == "epoch" and context.task_id == number - 1
        return is_there and candidate in (None, context.parent.task_name)

    return ends


@with_callbacks
@L_BFGS_MAY_END
@BOTH
@SOLVERS
@WATCHED
def test_a_callback_that_returns_true_after_an_epoch_ends_the_training(watched, solver, Estimator):
    recorder = Recorder(ends_epoch(3))
    model, data = heard(Estimator, watched, recorder, solver=solver)
    assert model.n_iter_ == 3
    best = int(np.argmin(model.validation_loss_curve_)) if watched else 2
    kept = outputs(recorder.of(ALONE)[best], data["X"])
    np.testing.assert_array_equal(outputs(model, data["X"]), kept)


@with_callbacks
@L_BFGS_MAY_END
@SOLVERS
@pytest.mark.parametrize("candidate", [BESIDE, ALONE])
def test_of_two_candidates_the_other_one_goes_on(candidate, solver):
    recorder = Recorder(ends_epoch(2, candidate))
    model, _ = heard(RNNRegressor, True, recorder, solver=solver, linear_path="auto")
    found = {name: len(recorder.of(name)) for name in (BESIDE, ALONE)}
    assert found == {BESIDE: 6, ALONE: 6} | {candidate: 2}
    assert model.n_iter_ == found[model.recurrent_part_]


@with_callbacks
@L_BFGS_MAY_END
@SOLVERS
def test_a_callback_that_returns_true_after_a_training_ends_the_fit(solver):
    recorder = Recorder(lambda context: context.task_name in ("epoch", BESIDE))
    model, data = heard(RNNRegressor, True, recorder, solver=solver, linear_path="auto")
    assert (len(recorder.of(BESIDE)), len(recorder.of(ALONE))) == (1, 0)
    assert (model.recurrent_part_, model.n_iter_) == (BESIDE, 1)
    assert np.isfinite(model.score(data["X"], data["y"]))


@with_callbacks
def test_the_end_of_the_fit_that_a_callback_wants_is_that_of_the_other_training_too():
    """In a later turn, where the other one is under way."""
    recorder = Recorder(
        lambda context: context.task_name == BESIDE or ends_epoch(13, BESIDE)(context)
    )
    heard(RNNRegressor, True, recorder, linear_path="auto", batch_size=6, max_iter=25)
    assert (len(recorder.of(BESIDE)), len(recorder.of(ALONE))) == (13, 10)
    begun = [where for what, *where in recorder.course if what == "begin"]
    ended = [where for what, *where in recorder.course if what == "end"]
    assert sorted(begun) == sorted(ended)


@with_callbacks
@BOTH
def test_callbacks_change_no_bit(Estimator):
    from sklearn.callback import ScoringMonitor

    scoring = "r2" if Estimator is RNNRegressor else "accuracy"
    for settings in ({"linear_path": "auto"}, {"dropout": 0.3}, {"solver": "lbfgs"}, {"n_jobs": 2}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            plain, data = fitted(Estimator, True, **settings)
            model = lasting(Estimator, **settings)
            model.set_callbacks(Recorder(), ScoringMonitor(scoring=scoring), Recorder()).fit(**data)
        assert learnt(model) == learnt(plain)


@with_callbacks
@pytest.mark.parametrize("at", ["setup", "on_fit_task_begin", "on_fit_task_end", "teardown"])
def test_an_error_of_a_callback_reaches_the_caller(at, monkeypatch):
    model, data = fitted(RNNRegressor, True)
    before = learnt(model)

    def fail(self, estimator, context):
        if at in ("setup", "teardown") or context.task_name == "epoch":
            raise RuntimeError("no more paper")

    recorder = Recorder()
    monkeypatch.setattr(Recorder, at, fail)
    with pytest.raises(RuntimeError, match="no more paper"):
        model.set_callbacks(recorder).fit(**data)
    assert learnt(model) == before or at == "teardown"
    assert (recorder.course[-1][0] == "teardown") == (at != "teardown")
    assert not hasattr(model, "_callback_fit_ctx")


@with_callbacks
@BOTH
def test_a_refused_fit_is_told_to_nobody(Estimator):
    recorder = Recorder()
    model, data = heard(Estimator, True, recorder)
    recorder.course.clear()
    before = learnt(model)
    with pytest.raises(ValueError, match=r"y has 59 samples|inconsistent"):
        model.fit(data["X"], data["y"][:-1])
    assert recorder.course == []
    assert learnt(model) == before


@with_callbacks
def test_ctrl_c_in_a_callback_keeps_what_is_learnt():
    def interrupt(context):
        if ends_epoch(3)(context):
            raise KeyboardInterrupt

    recorder = Recorder(interrupt)
    with pytest.warns(ConvergenceWarning, match="interrupted") as caught:
        model, _ = heard(RNNRegressor, False, recorder)
    assert model.n_iter_ == 3
    assert [one.filename for one in caught] == [__file__]
    assert recorder.course[-1][0] == "teardown"


@with_callbacks
def test_a_warning_is_of_the_line_that_calls_fit():
    model = lasting(RNNRegressor, early_stopping=False, learning_rate="constant", max_iter=1)
    with pytest.warns(ConvergenceWarning) as caught:
        model.set_callbacks(Recorder()).fit(**data_for(RNNRegressor, False))
    assert [one.filename for one in caught] == [__file__]


# --- scikit-learn's own callbacks, and its tools ---------------------------------------------


def monitored(model, scoring="r2"):
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring=scoring)
    return model.set_callbacks(monitor), monitor


@with_callbacks
@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
def test_a_monitor_logs_a_score_of_each_epoch(Estimator):
    scoring = "r2" if Estimator is RNNRegressor else "neg_log_loss"
    data, recorder = data_for(Estimator, True), Recorder()
    model, monitor = monitored(lasting(Estimator, linear_path="auto"), scoring)
    heard(Estimator, True, recorder, linear_path="auto")
    model.fit(**data)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    models = recorder.of(BESIDE) + recorder.of(ALONE)
    given = data["X"], data["y"], data["sample_weight"]
    score = get_scorer(scoring)
    expected = [score(one, *given[:2], sample_weight=given[2]) for one in models]
    np.testing.assert_allclose([row[scoring] for row in rows], expected, rtol=1e-10)
    assert [row["task_id_path"] for row in rows] == [(0, c, i) for c in (0, 1) for i in range(6)]


@with_callbacks
def test_a_monitor_works_with_metadata_routing():
    """With weights, the scorer has to ask for them, as with scikit-learn's own estimators."""
    X, y, weight = data_for(RNNRegressor, False).values()
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer("r2").set_score_request(sample_weight=True)
        model, monitor = monitored(small())
        model.fit(X, y)
        assert monitor.get_logs().data[0]["r2"] == pytest.approx(model.score(X, y), rel=1e-10)
        model, monitor = monitored(small().set_fit_request(sample_weight=True), scorer)
        make_pipeline(model).fit(X, y, sample_weight=weight)
    expected = small().fit(X, y, weight).score(X, y, weight)
    assert monitor.get_logs().data[0]["score"] == pytest.approx(expected, rel=1e-10)


@with_callbacks
@pytest.mark.parametrize("is_routed", [False, True])
def test_weights_in_a_search_are_told(is_routed):
    X, y, weight = data_for(RNNRegressor, False).values()
    recorder = Propagated()
    with sklearn.config_context(enable_metadata_routing=is_routed):
        model = small()
        if is_routed:
            model.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        search = GridSearchCV(model, {"alpha": [0.0, 0.1]}, cv=2).set_callbacks(recorder)
        search.fit(X, y, sample_weight=weight)
    epochs = [path for what, *path in recorder.course if what == "end" and path[-1][0] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 5
    assert all(metadata["sample_weight"] is not None for _, _, metadata in recorder.told)


@with_callbacks
def test_in_a_pipeline_the_tasks_are_in_those_of_the_pipeline():
    data, recorder = data_for(RNNRegressor, False), Propagated()
    pipe = make_pipeline(StandardScaler(), small()).set_callbacks(recorder)
    pipe.fit(data["X"], data["y"])
    epochs = [place for what, *place in recorder.course if what == "end" and len(place) == 4]
    assert [place[-1] for place in epochs] == [("epoch", i, 0) for i in range(5)]
    assert {place[:-1] for place in map(tuple, epochs)} == {
        (("fit", 0, 2), ("fit", 1, 1), (ALONE, 0, 5))
    }
    assert pipe[-1].get_params() == small().get_params()
    assert not hasattr(pipe[-1], "_parent_callback_ctx")


@with_callbacks
def test_tools_for_windows_and_text_hand_callbacks_on():
    """And none of them is warned of as one that knows no callbacks."""
    series = 5.0 + np.sin(np.arange(60.0))
    X, y, _ = make_windows(series, 6)
    documents = ["good and short", "bad and long", "good", "bad"] * 3
    classifier = small(RNNClassifier, embedding_dim=2)
    for model, X_of, y_of, n_tasks in [
        (make_pipeline(SequenceVectorizer(), classifier), documents, [1, 0, 1, 0] * 3, 9),
        (make_pipeline(LagLayout(n_series=1), small()), X[:, ::-1, 0], y, 9),
        (WindowScaledRegressor(small()), X, y, 8),
    ]:
        recorder = Propagated()
        model.set_callbacks(recorder).fit(X_of, y_of)
        begun = [path for what, *path in recorder.course if what == "begin"]
        ended = [path for what, *path in recorder.course if what == "end"]
        assert sorted(begun) == sorted(ended)
        assert len(begun) == n_tasks
        assert [path[-1][1] for path in ended if path[-1][0] == "epoch"] == [0, 1, 2, 3, 4]
        kinds = [what for what, *_ in recorder.course if what in ("setup", "teardown")]
        assert kinds == ["setup", "teardown"]
        assert np.isfinite(model.score(X_of, y_of))
    recorder = Recorder()  # which is not handed on, so the part is a task without any in it
    WindowScaledRegressor(small()).set_callbacks(recorder).fit(X, y)
    part = ("fit", 0, 1), ("fit-part", 0, 0)
    assert recorder.course[2:4] == [("begin", *part), ("end", *part)]
    recorder = Recorder()
    SequenceVectorizer().set_callbacks(recorder).fit(documents)
    assert [what for what, *_ in recorder.course] == ["setup", "begin", "end", "teardown"]


#: Ways in which joblib runs the fits of a search.
WAYS = {"one by one": (None, 1), "threads": ("threading", 2), "processes": ("loky", 2)}


def searched(way, callback, on_search):
    """A search of two candidates over three folds with a callback on it or on its estimator."""
    backend, n_jobs = WAYS[way]
    data = data_for(RNNRegressor, False)
    model = small(max_iter=3)
    search = GridSearchCV(model, {"alpha": [0.0, 0.1]}, cv=3, n_jobs=n_jobs)
    (search if on_search else model).set_callbacks(callback)
    with joblib.parallel_config(backend=backend) if backend else warnings.catch_warnings():
        return search.fit(data["X"], data["y"])


@with_callbacks
@pytest.mark.parametrize("way", WAYS)
def test_a_monitor_in_a_search(way):
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="r2")
    search = searched(way, monitor, on_search=False)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == (2 * 3 + 1) * 3
    data = data_for(RNNRegressor, False)
    last = [row for row in rows if row["task_id_path"][1] == 1][-1]
    score = search.best_estimator_.score(data["X"], data["y"])
    assert last["r2"] == pytest.approx(score, rel=1e-10)


@with_callbacks
@pytest.mark.parametrize("way", WAYS)
def test_a_progress_bar_on_a_search(way, capfd):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    plain = searched(way, Recorder(), on_search=False).cv_results_["mean_test_score"]
    found = searched(way, ProgressBar(), on_search=True).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found, plain)
    said = capfd.readouterr().out
    assert re.search(r"GridSearchCV - fit +\S+ +100%", said)
    assert re.search(r"RNNRegressor - fit #\d +\S+ +100%", said)
    assert re.search(rf"RNNRegressor - {ALONE} #0 +\S+ +100%", said)


@with_callbacks
def test_a_progress_bar_has_a_line_for_each_candidate(capfd):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    data = data_for(RNNRegressor, True)
    model = lasting(RNNRegressor, linear_path="auto")
    pipe = make_pipeline(StandardScaler(), clone(model)).set_callbacks(ProgressBar())
    pipe.fit(data["X"], data["y"])
    of_pipe = capfd.readouterr().out
    model.set_callbacks(ProgressBar()).fit(**data)
    alone = capfd.readouterr().out
    for said in (of_pipe, alone):
        for line in ("RNNRegressor - fit ", f"RNNRegressor - {BESIDE} #0 ", f"{ALONE} #1 "):
            assert re.search(rf"{line}.*100%", said)


@with_callbacks
def test_cross_validation_and_ensembles_work_with_callbacks_on_the_estimator():
    recorder = Recorder()
    data = data_for(RNNRegressor, False)
    cross_val_score(small().set_callbacks(recorder), data["X"], data["y"], cv=3)
    assert [what for what, *_ in recorder.course].count("setup") == 3


@with_callbacks
def test_callbacks_are_shared_by_clones_and_copied_with_copies():
    recorder = Recorder()
    model, data = heard(RNNRegressor, False, recorder)
    assert clone(model)._skl_callbacks == [recorder]
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert learnt(twin) == learnt(model)
        assert [type(one) for one in twin._skl_callbacks] == [Recorder]
    assert "_skl_callbacks" not in vars(model.set_callbacks())
    recorder.course.clear()
    model.fit(**data)
    assert recorder.course == []


@with_callbacks
@BOTH
def test_what_is_no_callback_is_refused(Estimator):
    for wrong in (Recorder, lambda *_: None, None):
        with pytest.raises(TypeError, match="callbacks must be instances"):
            Estimator().set_callbacks(wrong)


# --- without ---------------------------------------------------------------------------------


@BOTH
def test_below_scikit_learn_1_9_there_are_none(Estimator, monkeypatch):
    monkeypatch.setattr(callbacks, "EXIST", False)
    model = small(Estimator)
    assert not hasattr(model, "set_callbacks")
    with pytest.raises(AttributeError, match="set_callbacks"):
        model.set_callbacks()
    X = ragged()
    y = numbers(X) if Estimator is RNNRegressor else labels(X)
    assert np.isfinite(model.fit(X, y).score(X, y))


def test_an_estimator_without_callbacks_loads_nothing_of_them():
    code = """if True:
        import sys
        import skrnn
        X, y = [[i, i % 3] for i in range(100)], [i % 2 for i in range(100)]
        skrnn.RNNRegressor(max_iter=1).fit(X, y)
        print("sklearn.callback" in sys.modules, "rich" in sys.modules)
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
