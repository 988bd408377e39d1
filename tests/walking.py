"""Random sequences of calls on one estimator, beside a record of what is expected of it."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from fits import break_at
from fuzzing import (
    BAD,
    GOOD,
    PARAMETERS,
    WEIGHTS,
    Draw,
    bad_later_y,
    classes_of,
    draw_data,
    draw_parameters,
    parameters_of,
    y_table,
)
from fuzzing_steps import draw_tokens
from guarding import assert_same, fingerprint, guarded, state
from sklearn.base import clone

from skrnn import RNNClassifier, RNNRegressor

#: Parameters that a model which goes on cannot change.
_FIXED = [
    *("hidden_layer_sizes", "cell", "activation", "bidirectional", "pooling", "linear_path"),
    *("standardize", "dtype", "loss", "quantile", "n_timesteps"),
]
_METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")


class Walk:
    """An estimator, data for it, and what is known of it.

    Attributes
    ----------
    model : estimator
    fixed : dict or None
        The parameters that it was first fitted with, as fingerprints; None before any fit.
    """

    def __init__(self, seed, of_tokens=False):
        self.draw = draw = Draw(seed)
        self.Estimator = draw.one([RNNRegressor, RNNClassifier])
        self.n, n_features = int(draw.rng.integers(6, 13)), int(draw.rng.integers(1, 4))
        given, without = {"share": 0.1, "only": GOOD}, ["categorical_features"]
        if of_tokens:
            self.data = draw_tokens(draw, 2 * self.n, GOOD)
            parameters = draw_parameters(draw, self.Estimator, **given, without=without)
            parameters["embedding_dim"] = 2
        else:
            self.data = draw_data(draw, 2 * self.n, n_features, GOOD)
            parameters = draw_parameters(draw, self.Estimator, **given)
        parameters["n_timesteps"] = self.data.n_timesteps
        self.model = self.Estimator(**copy.deepcopy(parameters))
        self.dress = draw.choose("y", y_table(self.Estimator), GOOD)
        self.fixed, self.by_partial_fit = None, False

    def __str__(self):
        return "; ".join([self.Estimator.__name__, *self.draw.notes])

    def step(self):
        """Call something, and compare what it did with what is expected."""
        action = self.draw.one(_ACTIONS)
        self.draw.note(action.__name__)
        action(self)

    # Data

    def x(self):
        """One of two halves of the data, and the numbers of its rows."""
        rows = np.arange(self.n) + self.n * self.draw.one([0, 1])
        return self.data.take(rows), rows

    def arguments(self):
        """X, y and weights of a fit that ought to work."""
        X, rows = self.x()
        if self.Estimator is RNNClassifier:
            known = rows % 3
        else:
            known = np.abs(np.sin(rows * 1.7)) + 0.1  # positive, for the Poisson loss
        weigh = self.draw.choose("weights", WEIGHTS, GOOD)
        weights = self.draw.rng.uniform(0.1, 2.0, len(rows))
        return {"X": X, "y": self.dress(known), "sample_weight": weigh(weights)}

    def bad_arguments(self):
        """The same with one thing wrong."""
        arguments, bad_y = self.arguments(), y_table(self.Estimator)[BAD]
        bad_y = bad_later_y(bad_y)  # one class is no fault after the first partial_fit
        name, table = self.draw.one([("X", self.data.bad[1]), ("y", bad_y), ("w", WEIGHTS[BAD])])
        make = self.draw.choose(f"bad {name}", {BAD: table}, BAD)
        if name == "X":
            arguments["X"] = self.data.made_bad(make, self.n, self.draw.rng)
        elif name == "y":
            arguments["y"] = make(np.arange(self.n) % 3)
        else:
            arguments["sample_weight"] = make(np.ones(self.n))
        return arguments

    # What is expected

    def goes_on(self, method):
        return self.fixed is not None and (method == "partial_fit" or bool(self.model.warm_start))

    def may_be_refused(self, method):
        """Whether there is a reason to refuse good data; there need not be one."""
        model = self.model
        if method == "partial_fit" and (
            model.solver == "lbfgs"
            or model.early_stopping not in (False, "auto")
            or getattr(model, "class_weight", None) == "balanced"
        ):
            return True
        changed = self.by_partial_fit != (method == "partial_fit") or self.fixed != self.fix()
        return self.goes_on(method) and changed

    def fix(self):
        parameters = self.model.get_params()
        return {name: fingerprint(parameters.get(name)) for name in _FIXED}

    def train(self, method, arguments):
        """A call that trains: the error, or None where it went as expected."""
        model, before = self.model, copy.deepcopy(self.model)
        if method == "partial_fit" and self.Estimator is RNNClassifier and self.fixed is None:
            arguments["classes"] = classes_of(arguments["y"])
        error = call(model, method, arguments)
        if error is not None:
            assert state(model) == state(before), f"{method} was refused and left a change: {error}"
            return error
        goes_on = self.goes_on(method)
        self._check_attributes(before if goes_on else None, method)
        twin = before if goes_on else clone(before)
        assert call(twin, method, arguments) is None, "the same call again was refused"
        assert_same(said(model, arguments["X"]), said(twin, arguments["X"]), f"{method} again")
        if not goes_on:
            self.fixed, self.by_partial_fit = self.fix(), method == "partial_fit"
        return None

    def _check_attributes(self, before, method):
        model = self.model
        n_before = 0 if before is None else len(before.loss_curve_)
        assert len(model.loss_curve_) == n_before + model.n_iter_, (
            "n_iter_ is not that of the curve"
        )
        assert model.loss_ == model.loss_curve_[-1], "loss_ is not the last of the curve"
        assert model.best_loss_ == min(model.loss_curve_), "best_loss_ is not the best of the curve"
        most = 1 if method == "partial_fit" else model.max_iter
        assert 1 <= model.n_iter_ <= most, f"{model.n_iter_} epochs of {most}"
        if method == "partial_fit" or not model.early_stopping:
            seen = 0 if before is None else before.t_
            assert model.t_ == seen + model.n_iter_ * self.n, "t_ does not count the samples"
        assert model.n_features_in_ == self.data.n_columns, "n_features_in_ is not that of X"
        if self.Estimator is RNNClassifier:
            classes = np.unique(np.asarray(self.dress(np.arange(self.n) % 3)))
            assert model.classes_.tolist() == classes.tolist(), "classes_ are not those of y"


def call(model, method, arguments):
    """The error of a call that trains, or None."""
    errors = (ValueError, TypeError)
    if model.solver == "lbfgs":
        errors += (AttributeError,)  # scikit-learn's way to say that there is no partial_fit
    return guarded(lambda: getattr(model, method)(**arguments), arguments, errors=errors)[1]


def said(model, X):
    """All that a fitted model says of X."""
    found = {}
    for name in _METHODS:
        if hasattr(model, name):
            found[name], error = guarded(lambda name=name: getattr(model, name)(X), X)
            assert error is None, f"{name} refuses what fit has taken: {error}"
            if name != "predict":
                assert not np.isnan(found[name]).any(), f"{name} is nan"
    return found


# --- what a walk may do -----------------------------------------------------------------------


def fit(walk, method="fit"):
    reason = walk.may_be_refused(method)
    error = walk.train(method, walk.arguments())
    assert error is None or reason, f"{method} refused good data: {error}"


def partial_fit(walk):
    fit(walk, "partial_fit")


def bad_fit(walk):
    method = walk.draw.one(["fit", "partial_fit"])
    assert walk.train(method, walk.bad_arguments()) is not None, f"{method} took bad data"


def fit_until_memory_ends(walk):
    """An error in the midst of training; the estimator is as before."""

    def end(value, gradient):
        raise MemoryError

    method, arguments = walk.draw.one(["fit", "partial_fit"]), walk.arguments()
    before = copy.deepcopy(walk.model)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        break_at(patch, {walk.draw.one([0, 1])}, end)
        try:
            getattr(walk.model, method)(**arguments)
        except (MemoryError, ValueError, TypeError, AttributeError):
            assert state(walk.model) == state(before), f"{method} has broken off and left a change"
        else:
            walk.model = before  # it was ready before


def set_a_parameter(walk):
    name = walk.draw.one(parameters_of(walk.Estimator))
    value = copy.deepcopy(walk.draw.choose(name, PARAMETERS[name], GOOD))
    walk.model.set_params(**{name: value})


def set_warm_start(walk):
    walk.model.set_params(warm_start=True)


def set_a_bad_parameter(walk):
    """A later call refuses it; it is set back then."""
    name = walk.draw.one(parameters_of(walk.Estimator))
    usual = getattr(walk.model, name)
    if PARAMETERS[name][BAD]:
        walk.model.set_params(**{name: walk.draw.choose(name, PARAMETERS[name], BAD)})
        method = walk.draw.one(["fit", "partial_fit"])
        assert walk.train(method, walk.arguments()) is not None, f"{method} took a bad {name}"
        walk.model.set_params(**{name: usual})


def set_an_unknown_parameter(walk):
    before = state(walk.model)
    _, error = guarded(lambda: walk.model.set_params(n_layers=3))
    assert error is not None, "set_params took a parameter that does not exist"
    assert state(walk.model) == before, "a refused set_params has changed the estimator"


def predict(walk):
    X, before = walk.x()[0], state(walk.model)
    if walk.fixed is None:
        for name in (*_METHODS, "score"):
            if hasattr(walk.model, name):
                arguments = (X, np.ones(walk.n))[: 1 + (name == "score")]
                _, error = guarded(lambda n=name, a=arguments: getattr(walk.model, n)(*a))
                assert error is not None, f"{name} works before fit"
    else:
        said(walk.model, X)
    assert state(walk.model) == before, "a prediction has changed the estimator"


def score(walk):
    if walk.fixed is not None:
        arguments, before = walk.arguments(), state(walk.model)
        if np.ndim(arguments["sample_weight"]) == 0:  # scikit-learn's metrics want an array
            arguments["sample_weight"] = None
        value, error = guarded(lambda: walk.model.score(**arguments), arguments)
        assert error is None, f"score refuses what fit has taken: {error}"
        assert np.isfinite(value), "a score is not finite"
        assert state(walk.model) == before, "score has changed the estimator"


def bad_predict(walk):
    make = walk.draw.choose("bad X", {BAD: walk.data.bad[1]}, BAD)
    X = walk.data.made_bad(make, walk.n, walk.draw.rng)
    before = state(walk.model)
    value, error = guarded(lambda: walk.model.predict(X), X)
    assert error is not None, f"predict took bad X and gave {value}"
    assert state(walk.model) == before, "a refused prediction has changed the estimator"


def go_on_as_a_pickle(walk):
    """The original goes on too, to the same bits."""
    _go_on_as(walk, pickle.loads(pickle.dumps(walk.model)), "a pickle")


def go_on_as_a_copy(walk):
    _go_on_as(walk, copy.deepcopy(walk.model), "a copy")


def _go_on_as(walk, other, what):
    original = walk.model
    assert state(other) == state(original), f"{what} has other attributes"
    if walk.fixed is not None:
        X = walk.x()[0]
        assert_same(said(original, X), said(other, X), what)
    method, arguments = walk.draw.one(["fit", "partial_fit"]), walk.arguments()
    if walk.may_be_refused(method) or (method == "partial_fit" and walk.fixed is None):
        walk.model = other
        return
    before = state(original)
    walk.model = other
    assert walk.train(method, arguments) is None, f"{what} refuses what it may go on with"
    assert state(original) == before, f"{what} has changed the original"
    assert call(original, method, arguments) is None
    assert_same(said(original, arguments["X"]), said(other, arguments["X"]), f"{what} that goes on")


def make_a_clone(walk):
    before = state(walk.model)
    other = clone(walk.model)
    assert not [name for name in vars(other) if name.endswith("_")], "a clone is fitted"
    assert not hasattr(other, "_model"), "a clone has a model"
    same = fingerprint(other.get_params()) == fingerprint(walk.model.get_params())
    assert same, "a clone has other parameters"
    assert state(walk.model) == before, "clone has changed the original"


_ACTIONS = [
    fit, fit, partial_fit, partial_fit, bad_fit, bad_fit, fit_until_memory_ends,
    fit_until_memory_ends, set_a_parameter, set_a_parameter, set_warm_start, set_a_bad_parameter,
    set_an_unknown_parameter, predict, score, bad_predict, go_on_as_a_pickle, go_on_as_a_copy,
    make_a_clone,
]  # fmt: skip
