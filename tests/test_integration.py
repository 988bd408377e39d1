"""The estimators inside of scikit-learn's own tools, on tables, 3-D arrays and ragged lists."""

import pickle
import warnings
from contextlib import nullcontext
from functools import partial
from time import monotonic, sleep

import datasets
import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from datasets import objects
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skrnn import RNNClassifier, RNNRegressor
from skrnn.learning import candidates
from skrnn.learning.training import Training

ESTIMATORS = [RNNRegressor, RNNClassifier]
BOTH = pytest.mark.parametrize("Estimator", ESTIMATORS)
FORMS = pytest.mark.parametrize("form", ["table", "array", "list", "objects"])


small = partial(
    datasets.small,
    hidden_layer_sizes=(6,),
    max_iter=60,
    linear_path=None,
    early_stopping=False,
    learning_rate_init=0.03,
    random_state=0,
)


def data(form, Estimator=RNNRegressor, n=48):
    """X of some form and a y that can be learnt from it."""
    if form == "table":
        X = datasets.table(n, 4, seed=1)
        values = X[:, 0] - X[:, 3]
    elif form == "array":
        X = datasets.array(n, 5, 2, seed=1)
        values = X[:, :, 0].sum(axis=1)
    else:
        X = datasets.ragged(n, seed=1, lengths=(2, 8))
        values = np.array([x[:, 0].sum() for x in X])
        if form == "objects":
            X = objects(X)
    if Estimator is RNNRegressor:
        return X, values
    return X, np.where(values > np.median(values), "up", "down")


def doubled(X):
    """A transformer's work that keeps every form."""
    return [2 * x for x in X] if isinstance(X, list) else 2 * X


def accurate(model, X, y, at_least=0.7):
    assert model.score(X, y) > at_least
    return True


# --- searches and validation -----------------------------------------------------------------


@BOTH
@FORMS
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_grid_search_around_a_pipeline(backend, form, Estimator):
    X, y = data(form, Estimator)
    pipeline = Pipeline([("double", FunctionTransformer(doubled)), ("net", small(Estimator))])
    grid = {"net__cell": ["rnn", "gru"], "net__max_iter": [1, 60]}
    searches = []
    for n_jobs in (None, 2):
        with joblib.parallel_backend(backend):
            search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise")
            searches.append(search.fit(X, y))
    one, two = searches
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    assert one.best_params_["net__max_iter"] == 60
    assert accurate(two, X, y)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


@BOTH
@FORMS
def test_cross_validation(form, Estimator):
    X, y = data(form, Estimator)
    model = small(Estimator)
    scores = cross_val_score(model, X, y, cv=3)
    predicted = cross_val_predict(model, X, y, cv=3)
    assert scores.min() > 0.5
    assert predicted.shape == (48,)
    by_hand = []
    for train, test in KFold(3).split(np.arange(48)) if Estimator is RNNRegressor else []:
        take = objects(list(X)) if isinstance(X, list) else X
        fitted = clone(model).fit(list(take[train]) if isinstance(X, list) else X[train], y[train])
        by_hand.append(fitted.predict(take[test]))
    if by_hand:
        np.testing.assert_array_equal(predicted, np.concatenate(by_hand))


def test_cross_validated_probabilities():
    X, y = data("list", RNNClassifier)
    proba = cross_val_predict(small(RNNClassifier), X, y, cv=3, method="predict_proba")
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    scoring = ["roc_auc", "neg_log_loss", "accuracy"]
    scores = cross_validate(small(RNNClassifier), X, y, cv=3, scoring=scoring)
    assert scores["test_roc_auc"].mean() > 0.8


def test_time_series_split():
    X, y = data("table")
    scores = cross_val_score(small(RNNRegressor), X, y, cv=TimeSeriesSplit(3))
    assert scores[-1] > 0.5


@FORMS
def test_train_test_split(form):
    X, y = data(form)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert type(X_train) is type(X)
    model = small(RNNRegressor).fit(X_train, y_train)
    assert accurate(model, X_test, y_test, 0.5)


@BOTH
def test_halving_search_over_epochs(Estimator):
    X, y = data("list", Estimator)
    search = HalvingGridSearchCV(
        small(Estimator),
        {"cell": ["rnn", "gru"], "pooling": ["last", "mean"]},
        resource="max_iter",
        min_resources=4,
        max_resources=16,
        factor=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    assert search.n_resources_ == [4, 8, 16][: len(search.n_resources_)]
    assert search.best_estimator_.n_iter_ == search.n_resources_[-1]


def test_learning_curve():
    X, y = data("list")
    sizes, _, test_scores = learning_curve(small(RNNRegressor), X, y, cv=3, train_sizes=[0.2, 1.0])
    assert sizes.tolist() == [6, 32]
    assert test_scores[1].mean() > max(0.5, test_scores[0].mean())


@pytest.mark.parametrize("scoring", ["r2", "neg_mean_absolute_error"])
def test_scorers_take_ragged_data(scoring):
    X, y = data("list")
    model = small(RNNRegressor).fit(X, y)
    assert np.isfinite(get_scorer(scoring)(model, X, y, sample_weight=np.linspace(0, 1, 48)))


def test_a_learning_search_scores_with_several_quantiles():
    X, y = data("table")
    net = small(RNNRegressor, loss="quantile", quantile=[0.1, 0.9])
    search = GridSearchCV(net, {"max_iter": [2, 60]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_ == {"max_iter": 60}
    assert search.predict(X).shape == (48, 2)


# --- ensembles and wrappers ------------------------------------------------------------------


@FORMS
def test_voting(form):
    X, y = data(form)
    model = VotingRegressor([("a", small(RNNRegressor)), ("b", small(RNNRegressor, cell="rnn"))])
    assert accurate(model.fit(X, y), X, y)
    parts = [estimator.predict(X) for estimator in model.estimators_]
    np.testing.assert_allclose(model.predict(X), np.mean(parts, axis=0), rtol=1e-12)
    X, y = data(form, RNNClassifier)
    members = [("a", small(RNNClassifier)), ("b", small(RNNClassifier, cell="lstm"))]
    for voting in ("hard", "soft"):
        assert accurate(VotingClassifier(members, voting=voting).fit(X, y), X, y)


@FORMS
def test_stacking(form):
    X, y = data(form)
    members = [("a", small(RNNRegressor)), ("b", small(RNNRegressor, cell="rnn"))]
    assert accurate(StackingRegressor(members, Ridge(), cv=2).fit(X, y), X, y)
    X, y = data(form, RNNClassifier)
    members = [("a", small(RNNClassifier)), ("b", small(RNNClassifier, cell="rnn"))]
    model = StackingClassifier(members, LogisticRegression(), cv=2).fit(X, y)
    assert accurate(model, X, y)


@FORMS
def test_transformed_target(form):
    X, y = data(form)
    model = TransformedTargetRegressor(small(RNNRegressor), func=np.exp, inverse_func=np.log1p)
    inner = TransformedTargetRegressor(small(RNNRegressor), transformer=StandardScaler()).fit(X, y)
    assert accurate(inner, X, y)
    np.testing.assert_allclose(
        inner.predict(X), inner.regressor_.predict(X) * y.std() + y.mean(), rtol=1e-10, atol=1e-12
    )
    assert model.get_params()["regressor__cell"] == "gru"


@FORMS
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method, form):
    X, y = data(form, RNNClassifier)
    model = CalibratedClassifierCV(small(RNNClassifier), method=method, cv=2).fit(X, y)
    assert accurate(model, X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("form", ["table", "array"])
def test_multi_output_regressors(form):
    X, y = data(form)
    Y = np.column_stack([y, -3 * y + 1])
    model = MultiOutputRegressor(small(RNNRegressor)).fit(X, Y)
    assert accurate(model, X, Y)
    assert model.predict(X).shape == (48, 2)
    model.partial_fit(X, Y)
    if form == "table":
        assert accurate(RegressorChain(small(RNNRegressor)).fit(X, Y), X, Y)


def test_multi_output_classifiers():
    X, y = data("table", RNNClassifier)
    Y = np.column_stack([y, np.where(X[:, 0] > 0, "left", "right")])
    assert accurate(MultiOutputClassifier(small(RNNClassifier)).fit(X, Y), X, Y, 0.6)
    chain = ClassifierChain(small(RNNClassifier)).fit(X, (Y[0] == Y).astype(int))
    assert chain.predict_proba(X).shape == (48, 2)


@BOTH
def test_a_table_of_many_outputs_without_a_wrapper_in_a_search(Estimator):
    X, y = data("list")
    Y = np.column_stack([y, -y])
    Y = Y if Estimator is RNNRegressor else (Y > 0).astype(int)
    search = GridSearchCV(small(Estimator), {"max_iter": [1, 60]}, cv=KFold(2), error_score="raise")
    assert search.fit(X, Y).predict(X).shape == (48, 2)
    assert search.best_params_ == {"max_iter": 60}


@FORMS
def test_one_against_the_rest(form):
    X, y = data(form)
    y = np.digitize(y, np.quantile(y, [0.33, 0.67]))
    model = OneVsRestClassifier(small(RNNClassifier)).fit(X, y)
    assert accurate(model, X, y)
    if form == "table":
        assert accurate(OneVsOneClassifier(small(RNNClassifier)).fit(X, y), X, y)


@BOTH
def test_bagging(Estimator):
    X, y = data("table", Estimator)
    Bagging = BaggingRegressor if Estimator is RNNRegressor else BaggingClassifier
    model = Bagging(small(Estimator), n_estimators=3, max_features=3, random_state=0).fit(X, y)
    assert accurate(model, X, y, 0.3)
    assert len({net.random_state for net in model.estimators_}) == 3


# --- inspection ------------------------------------------------------------------------------


@BOTH
def test_permutation_importance(Estimator):
    X, y = data("table", Estimator)
    model = small(Estimator).fit(X, y)
    found = permutation_importance(model, X, y, n_repeats=3, random_state=0).importances_mean
    assert set(np.argsort(found)[2:]) == {0, 3}


@BOTH
def test_partial_dependence(Estimator):
    X, y = data("table", Estimator)
    model = small(Estimator).fit(X, y)
    rising, falling = (partial_dependence(model, X, [column])["average"][0] for column in (0, 3))
    assert rising[-1] - rising[0] > 0.3
    assert falling[-1] - falling[0] < -0.3


# --- data frames and metadata ----------------------------------------------------------------


@BOTH
def test_a_data_frame_through_a_column_transformer(Estimator):
    X, y = data("table", Estimator)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["kind"] = np.where(np.arange(48) % 2, "odd", "even")
    transform = ColumnTransformer(
        [("numbers", StandardScaler(), list("abcd")), ("kind", OneHotEncoder(), ["kind"])],
        sparse_threshold=0.0,
    )
    for output in ("default", "pandas"):
        encode = OneHotEncoder(sparse_output=False)
        steps = clone(transform).set_params(kind=encode).set_output(transform=output)
        model = make_pipeline(steps, small(Estimator)).fit(frame, pd.Series(y))
        assert accurate(model, frame, y)
        net = model[-1]
        assert net.n_features_in_ == 6
        assert hasattr(net, "feature_names_in_") == (output == "pandas")


@BOTH
def test_sample_weight_through_a_pipeline(Estimator):
    X, y = data("list", Estimator)
    weight = np.linspace(0.1, 2, 48)
    net = small(Estimator)
    pipeline = make_pipeline(FunctionTransformer(doubled), net)
    pipeline.fit(X, y, **{f"{type(net).__name__.lower()}__sample_weight": weight})
    with sklearn.config_context(enable_metadata_routing=True):
        requesting = small(Estimator).set_fit_request(sample_weight=True)
        routed = make_pipeline(FunctionTransformer(doubled), requesting)
        routed.fit(X, y, sample_weight=weight)
    by_hand = small(Estimator).fit(doubled(X), y, weight)
    for model in (pipeline, routed):
        np.testing.assert_array_equal(model.predict(X), by_hand.predict(doubled(X)))
        assert model[-1].loss_curve_ == by_hand.loss_curve_
    assert small(Estimator).fit(doubled(X), y).loss_curve_ != by_hand.loss_curve_


@BOTH
def test_validation_data_through_a_pipeline_that_transforms_them(Estimator):
    X, y = data("table", Estimator)
    X_val, y_val = X[36:], y[36:]
    with sklearn.config_context(enable_metadata_routing=True):
        net = small(Estimator).set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(StandardScaler(), net, transform_input=["X_val"])
        model.fit(X[:36], y[:36], X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X[:36])
    by_hand = small(Estimator).fit(
        scaler.transform(X[:36]), y[:36], X_val=scaler.transform(X_val), y_val=y_val
    )
    assert model[-1].validation_loss_curve_ == by_hand.validation_loss_curve_
    assert len(by_hand.validation_loss_curve_) == 60


def test_weights_reach_fit_and_score_in_a_routed_search():
    X, y = data("list")
    weight = np.linspace(0.1, 2, 48)
    with sklearn.config_context(enable_metadata_routing=True):
        net = small(RNNRegressor).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=True)
        search = GridSearchCV(net, {"max_iter": [2, 60]}, cv=3, error_score="raise")
        search.fit(X, y, sample_weight=weight)
    assert search.best_params_ == {"max_iter": 60}
    expected = small(RNNRegressor).fit(X, y, weight)
    np.testing.assert_array_equal(search.predict(X), expected.predict(X))


def test_partial_fit_may_request_classes_and_weights():
    with sklearn.config_context(enable_metadata_routing=True):
        net = small(RNNClassifier).set_partial_fit_request(classes=True, sample_weight=True)
        assert clone(net).get_metadata_routing().partial_fit.requests == {
            "classes": True,
            "sample_weight": True,
        }


def test_no_warning_comes_from_a_search_in_processes():
    X, y = data("table")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_val_score(small(RNNRegressor, n_jobs=2), X, y, cv=2, n_jobs=2, error_score="raise")


# --- Ctrl-C ------------------------------------------------------------------------------------


def interrupt_in_epoch(monkeypatch, number, only_in=1):
    """Ctrl-C in an epoch of one of the trainings that follow; the first is number 1."""
    original, trainings = Training._report, []

    def report(self, loss):
        original(self, loss)
        if self not in trainings:
            trainings.append(self)
        if (len(trainings), len(self.curves)) == (only_in, number):
            raise KeyboardInterrupt

    monkeypatch.setattr(Training, "_report", report)
    return trainings


IN_SEARCHES = {
    "a search": lambda net, X, y: GridSearchCV(net, {"max_iter": [40, 60]}, cv=2).fit(X, y),
    "cross-validation": lambda net, X, y: cross_val_score(net, X, y, cv=3),
    "a search of a pipeline": lambda net, X, y: GridSearchCV(
        make_pipeline(FunctionTransformer(doubled), net),
        {f"{type(net).__name__.lower()}__alpha": [0, 1]},
    ).fit(X, y),
    "a search in threads": lambda net, X, y: cross_val_score(net, X, y, cv=2, n_jobs=2),
}


@pytest.mark.filterwarnings("ignore:Training interrupted")
@BOTH
@pytest.mark.parametrize("case", IN_SEARCHES)
def test_ctrl_c_ends_a_search(case, Estimator, monkeypatch):
    X, y = data("table", Estimator)
    trainings = interrupt_in_epoch(monkeypatch, 5, only_in=2)
    backend = "threading" if "threads" in case else "sequential"
    with joblib.parallel_backend(backend), pytest.raises(KeyboardInterrupt):
        IN_SEARCHES[case](small(Estimator), X, y)
    limit = monotonic() + 30.0
    while any(one.is_running for one in trainings) and monotonic() < limit:
        sleep(0.01)  # the fit in the other thread ends here, and not in the test that follows
    assert len(trainings) == 2
    assert 5 in [len(one.curves) for one in trainings]


@BOTH
@pytest.mark.parametrize("linear_path", [None, "auto"])
def test_ctrl_c_in_a_fit_of_a_clone_keeps_what_is_learnt_too(linear_path, Estimator, monkeypatch):
    X, y = data("table", Estimator)
    settings = {"linear_path": linear_path, "early_stopping": True}
    one, other = small(Estimator, **settings), clone(small(Estimator, **settings))
    for model, raises in ((one, False), (other, True), (pickle.loads(pickle.dumps(other)), True)):
        with monkeypatch.context() as patch:
            interrupt_in_epoch(patch, 5)
            is_raised = pytest.raises(KeyboardInterrupt) if raises else nullcontext()
            with pytest.warns(ConvergenceWarning, match="interrupted by user"), is_raised:
                model.fit(X, y)
        assert model.n_iter_ == 5
        np.testing.assert_array_equal(model.predict(X), one.predict(X))


def test_ctrl_c_between_the_trainings_ends_a_search_too(monkeypatch):
    X, y = data("table")
    net = clone(small(RNNRegressor, linear_path="auto", early_stopping=True))
    made, original = [], candidates.alone

    def interrupted(*arguments):
        made.append(original(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(candidates, "CANDIDATES", (candidates.beside_the_path, interrupted))
    is_raised = pytest.raises(KeyboardInterrupt)
    with pytest.warns(ConvergenceWarning, match="interrupted by user"), is_raised:
        net.fit(X, y)
    assert len(made) == 1
    assert net.recurrent_part_ == "beside the linear path"
