"""Random hostile input, and random sequences of calls: whatever comes, nothing breaks.

A failing case says what it was made of, and its number is its seed, so it comes back by
``pytest --thorough "tests/test_fuzz.py::test_one_fit[4711]"``. The tables of what is drawn are
in ``fuzzing.py``, what must hold of every single call in ``guarding.py``.
"""

import pickle
import warnings
import zlib
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from fuzzing import BAD, GOOD, all_bad, draw_case
from fuzzing_densities import SAMPLES, draw_density_case
from fuzzing_steps import KINDS, bad_of_steps, draw_step_case
from guarding import assert_same, guarded, state
from walking import Walk

from skrnn import RNNClassifier, RNNRegressor
from skrnn.network import plan

#: Cases of each test in a normal run, and with ``--thorough``.
N_CASES = {
    "test_one_fit": (400, 6000),
    "test_one_fit_of_tokens_or_steps": (150, 6000),
    "test_one_fit_of_a_generator": (120, 6000),
    "test_a_walk": (80, 1500),
    "test_a_walk_over_tokens": (25, 1500),
}


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        few, many = N_CASES[metafunc.function.__name__]
        n = many if metafunc.config.getoption("--thorough") else few
        metafunc.parametrize("seed", range(n))


@pytest.fixture(autouse=True)
def _several_shards(monkeypatch):
    """Cut batches of eight rows or more, so that a second thread has work to do."""
    monkeypatch.setattr(plan, "_MIN_SHARD_ROWS", 4)
    monkeypatch.setattr(plan, "_TRAINING_SHARD", 1.0)
    monkeypatch.setattr(plan, "_PREDICTION_SHARD", 1.0)


@contextmanager
def telling(case):
    """An error within says what it is about."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"Case: {case}")
        raise


# --- one fit -----------------------------------------------------------------------------------


def test_one_fit(seed):
    check_one_fit(draw_case(seed))


def test_one_fit_of_tokens_or_steps(seed):
    check_one_fit(draw_step_case(seed))


def check_one_fit(case):
    with telling(case), np.errstate(all=case.draw.one(["warn", "ignore", "raise"])):
        model = start(case)
        before = state(model)
        _, error = fit(case, model)
        assert error is None or case.draw.verdict != GOOD, f"refused good input: {error}"
        assert error is not None or case.draw.verdict != BAD, "accepted bad input"
        if error is not None:
            assert state(model) == before, f"a refused call has changed the estimator: {error}"
            return
        check_predictions(case, model)
        check_the_same_again(case, model)
        check_parts(case, model)
        check_steps(case, model)
        check_pickle(case, model)
        check_refusals(case, model)


@pytest.mark.parametrize(
    ("Estimator", "what", "name"),
    [(one, *bad) for one in (RNNRegressor, RNNClassifier) for bad in all_bad(one)],
)
def test_each_bad_choice(Estimator, what, name):
    """Once each in every run; the rest of the case is good, so nothing else can be refused."""
    seed = zlib.crc32(f"{what} {name}".encode())
    check_refused(draw_case(seed, Estimator, (what, name)))


@pytest.mark.parametrize(
    ("Estimator", "kind", "what", "name"),
    [
        (one, kind, *bad)
        for one in (RNNRegressor, RNNClassifier)
        for kind in KINDS
        for bad in bad_of_steps(kind, one)
    ],
)
def test_each_bad_choice_of_tokens_and_steps(Estimator, kind, what, name):
    seed = zlib.crc32(f"{kind} {what} {name}".encode())
    check_refused(draw_step_case(seed, kind, Estimator, (what, name)))


def check_refused(case):
    with telling(case):
        model = start(case)
        before = state(model)
        _, error = fit(case, model)
        assert error is not None, "accepted bad input"
        assert state(model) == before, f"a refused call has changed the estimator: {error}"


def start(case):
    """The estimator of a case, in half of the cases fitted before on other data."""
    model = case.estimator()
    if case.method == "fit" and not model.warm_start and case.draw.chance(0.5):
        X = pd.DataFrame(np.random.default_rng(0).normal(size=(8, 3)), columns=list("abc"))
        before = case.Estimator(hidden_layer_sizes=2, max_iter=1).fit(X, np.arange(8) % 3)
        return before.set_params(**model.get_params())
    return model


def fit(case, model):
    errors = (ValueError, TypeError)
    if model.solver == "lbfgs":
        errors += (AttributeError,)  # scikit-learn's way to say that there is no partial_fit
    inputs = case.arguments, model.get_params()["hidden_layer_sizes"]
    return guarded(lambda: getattr(model, case.method)(**case.arguments), *inputs, errors=errors)


def outputs(model, X):
    """All that a model says of X, by the name of the method."""
    names = ["predict", "transform"]
    if isinstance(model, RNNClassifier):
        names += ["predict_proba", "predict_log_proba", "decision_function"]
    found = {}
    for name in names:
        found[name], error = guarded(lambda name=name: getattr(model, name)(X), X)
        assert error is None, f"{name} refuses what fit has taken: {error}"
        if model.return_sequences and name != "transform":
            found[name] = np.concatenate(list(found[name]))
    return found


def check_predictions(case, model):
    """Of the right form, finite, and of one mind."""
    found, n = outputs(model, case.arguments["X"]), len(case.answers(np.arange(case.n)))
    predicted = found["predict"]
    assert len(predicted) == n, f"{len(predicted)} predictions for {n} samples"
    if isinstance(model, RNNRegressor):
        assert np.isfinite(predicted).all(), "a prediction is not finite"
        return
    shares = found["predict_proba"]
    assert np.isfinite(shares).all(), "a probability is not finite"
    assert shares.shape == (n, len(model.classes_)), "another number of classes"
    if predicted.ndim == 1:
        assert np.allclose(shares.sum(axis=1), 1.0, atol=1e-5), "probabilities do not sum to one"
        largest = np.take_along_axis(
            shares, np.searchsorted(model.classes_, predicted)[:, np.newaxis], axis=1
        )
        assert (largest[:, 0] >= shares.max(axis=1) - 1e-6).all(), "not the likeliest class"


def check_the_same_again(case, model):
    """Another estimator, without a past and with another number of threads, learns the same."""
    again = case.estimator().set_params(n_jobs=2 if model.n_jobs in (None, 1) else 1)
    _, error = fit(case, again)
    assert error is None, f"the second time it was refused: {error}"
    X = case.arguments["X"]
    with_threads = outputs(again, X)
    again.set_params(n_jobs=model.n_jobs)
    assert_same(outputs(model, X), outputs(again, X), "the same fit again")
    assert_same(outputs(model, X), with_threads, "another number of threads")
    assert state(model) == state(again), "the same fit again has left other attributes"


def check_parts(case, model):
    """A sample's prediction does not depend on the others."""
    rows = np.sort(case.draw.rng.permutation(case.n)[: case.draw.rng.integers(1, case.n)])
    part = outputs(model, case.data.take(rows))
    whole = outputs(model, case.arguments["X"])
    answers = case.answers(rows)
    whole = {
        name: values[rows if name == "transform" else answers] for name, values in whole.items()
    }
    assert_same(part, whole, f"predictions for samples {rows} alone")
    # Columns are no features of a step, and gaps at the end of an array may be padding.
    if case.data.form != "table" and not case.data.has_gaps:
        assert_same(outputs(model, case.data.sequences(rows)), whole, "predictions for a list")


def check_steps(case, model):
    """A sequence that comes one step at a time, where the model can go on by steps."""
    inner = model._model
    if case.data.form == "table" or model.bidirectional or model.pooling != "last":
        return
    for sequence in case.data.sequences(np.arange(min(3, case.n))):
        state, steps = None, np.asarray(sequence)[:, np.newaxis]
        if not inner.schema.is_of_tokens:
            steps = np.asarray(sequence, dtype=float).reshape(len(sequence), 1, -1)
        for step in steps:
            prediction, state = model.predict_step(step, state)
        with warnings.catch_warnings():  # of names that plain arrays lack
            warnings.simplefilter("ignore", UserWarning)
            expected = model.predict([sequence])
        if model.return_sequences:
            expected = expected[0][-1:]
        np.testing.assert_array_equal(prediction, expected, "step by step")


def check_pickle(case, model):
    again = pickle.loads(pickle.dumps(model))
    X = case.arguments["X"]
    assert_same(outputs(model, X), outputs(again, X), "a pickle")
    assert state(model) == state(again), "a pickle has other attributes"


def check_refusals(case, model):
    """Bad input to predictions; a fitted model is as before."""
    before, draw = state(model), case.draw
    make = draw.choose("X of predict", {BAD: case.data.bad[1]}, BAD)
    bad = case.data.made_bad(make, case.n, draw.rng)
    for method in ("predict", "score"):
        arguments = (bad, case.arguments["y"])[: 1 + (method == "score")]
        value, error = guarded(lambda m=method, a=arguments: getattr(model, m)(*a), *arguments)
        assert error is not None, f"{method} accepted bad X and gave {value}"
    X = case.data.extreme(np.arange(case.n), draw.rng)
    say = model.predict if isinstance(model, RNNRegressor) else model.decision_function
    value, error = guarded(lambda: say(X), X)
    if error is None:
        values = np.concatenate(list(value)) if model.return_sequences else value
        assert np.isfinite(values).all(), "a prediction is not finite"
    swapped = swap_columns(case.arguments["X"])
    # scikit-learn 1.7 reads no names of polars 2.
    if swapped is not None and hasattr(model, "feature_names_in_"):
        _, error = guarded(lambda: model.predict(swapped), swapped)
        assert error is not None, "predict accepted columns in another order"
    assert state(model) == before, "a refused prediction has changed the estimator"


def swap_columns(X):
    """The same with the names in another order, or None where there are none."""
    if isinstance(X, list) and hasattr(X[0], "columns") and len(X[0].columns) > 1:
        return [x[x.columns[::-1]] for x in X]
    columns = list(getattr(X, "columns", ()))
    return X[columns[::-1]] if len(columns) > 1 and isinstance(columns[0], str) else None


# --- one fit of a generator ----------------------------------------------------------------------


def test_one_fit_of_a_generator(seed):
    case = draw_density_case(seed)
    with telling(case), np.errstate(all=case.draw.one(["warn", "ignore", "raise"])):
        model = start(case)
        before = state(model)
        _, error = fit(case, model)
        assert error is None or case.draw.verdict != GOOD, f"refused good input: {error}"
        assert error is not None or case.draw.verdict != BAD, "accepted bad input"
        if error is not None:
            assert state(model) == before, f"a refused call has changed the estimator: {error}"
            return
        check_densities(case, model)
        check_bad_samples(case, model)


def draw_of(model, **options):
    """Samples; None where a net without bounds, which has hardly learnt, runs away."""
    drawn, error = guarded(lambda: model.sample(**{"random_state": 0} | options), options)
    if error is not None:
        assert model.activation == "relu", f"nothing is drawn: {error}"
        assert "is not finite" in str(error)
    return drawn


def densities(model, X):
    """All that a generator says of X, and what it draws."""
    found, error = guarded(lambda: model.score_samples(X), X)
    assert error is None, f"score_samples refuses what fit has taken: {error}"
    drawn = draw_of(model, n_samples=3, max_length=5)
    return {"densities": found, "samples": np.concatenate([[]] if drawn is None else drawn)}


def has_known_tokens(case, model):
    """Which samples have a density: those that had no weight may have tokens of their own."""
    if model.embedding_dim is None:
        return np.ones(case.n, bool)
    known = set(model.tokens_.tolist())
    return np.array([set(map(int, x)) <= known for x in case.data.ids[: case.n]])


def check_densities(case, model):
    """Numbers, of each sample alone, the same with other threads and of a pickle."""
    known = np.flatnonzero(has_known_tokens(case, model))
    X = case.data.take(known)
    found = densities(model, X)
    assert found["densities"].shape == (len(known),)
    assert not np.isnan(found["densities"]).any(), "a density is nan"
    assert np.isfinite(found["samples"]).all(), "a sample is not finite"
    again = case.estimator().set_params(n_jobs=2 if model.n_jobs in (None, 1) else 1)
    _, error = fit(case, again)
    assert error is None, f"the second time it was refused: {error}"
    assert_same(found, densities(again, X), "another number of threads")
    rows = np.sort(case.draw.rng.permutation(len(known))[: case.draw.rng.integers(1, case.n)])
    alone = densities(model, case.data.take(known[rows]))["densities"]
    assert_same({"": alone}, {"": found["densities"][rows]}, f"densities of samples {rows} alone")
    copy = pickle.loads(pickle.dumps(model))
    assert_same(densities(copy, X), found, "a pickle")
    assert state(copy) == state(model), "a pickle has other attributes"


def check_bad_samples(case, model):
    """What is drawn has a density; bad input is refused, and leaves the model as it was."""
    before, draw = state(model), case.draw
    drawn = draw_of(model, **draw.choose("sample", SAMPLES, GOOD))
    if drawn is not None:
        scores, error = guarded(lambda: model.score_samples(drawn), drawn)
        assert error is None, f"what was drawn is refused: {error}"
        assert not np.isnan(scores).any(), "the density of a sample is nan"
    options = {"random_state": 0} | draw.choose("sample", SAMPLES, BAD)
    value, error = guarded(lambda: model.sample(**options), options)
    assert error is not None, f"sample accepted bad arguments and gave {value}"
    make = draw.choose("X of score_samples", {BAD: case.data.bad[1]}, BAD)
    bad = case.data.made_bad(make, case.n, draw.rng)
    value, error = guarded(lambda: model.score_samples(bad), bad)
    assert error is not None, f"score_samples accepted bad X and gave {value}"
    assert state(model) == before, "a refused call has changed the estimator"


# --- sequences of calls --------------------------------------------------------------------------


def test_a_walk(seed):
    go(Walk(seed))


def test_a_walk_over_tokens(seed):
    go(Walk(seed, of_tokens=True))


def go(walk):
    with telling(walk):
        for _ in range(walk.draw.rng.integers(5, 15)):
            walk.step()
