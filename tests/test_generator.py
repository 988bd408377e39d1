"""RNNGenerator: a density that sums to one, draws that follow it, and what it refuses."""

import itertools
import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from conventions import run, with_checks
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import trapezoid
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from skrnn import RNNGenerator
from skrnn.text import SequenceVectorizer

QUICK = {"max_iter": 3, "early_stopping": False, "learning_rate": "constant", "tol": 0.0}


def counts(n=300, seed=0):
    """Ids that count from their first on, and of which class they are: odd ones by twos."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        kind = rng.integers(2)
        first = rng.integers(1, 4)
        X.append(np.arange(first, first + (1 + kind) * rng.integers(2, 5), 1 + kind))
        y.append(("ones", "twos")[kind])
    return X, np.array(y)


def waves(n=300, seed=0):
    """Turns around the origin, of which class they are: to the left or to the right."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        kind, steps = rng.integers(2), np.arange(rng.integers(4, 9))
        angle = rng.uniform(0, 6) + (1 - 2 * kind) * 0.8 * steps
        turn = np.column_stack([np.cos(angle), 100 * np.sin(angle) + 7])
        X.append(turn + rng.normal(size=turn.shape) * [0.05, 5.0])
        y.append(("left", "right")[kind])
    return X, np.array(y)


DATA = {"tokens": counts, "numbers": waves}
kinds = pytest.mark.parametrize("kind", DATA)


def generator(kind, **parameters):
    usual = {"random_state": 0, "hidden_layer_sizes": (16,)}
    usual |= {"embedding_dim": 8} if kind == "tokens" else {"n_components": 3}
    return RNNGenerator(**usual | parameters)


def quick(kind, with_classes=False, n=60, **parameters):
    """A fit that need not learn, without the advice that it has not."""
    X, y = DATA[kind](n)
    model = generator(kind, **QUICK | parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y if with_classes else None), X, y


def drawn(model, *args, **options):
    """Samples, without the warning that some were cut."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.sample(*args, **options)


def ending(model, log_odds):
    """The model with ends that are more probable, so that long sequences count nothing."""
    model._model.network.views(model._model.theta)["b_out"][-1] += log_odds
    return model


# --- a density ------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [None, "ones", "of any"])
def test_the_probabilities_of_all_sequences_sum_to_one(y):
    model, *_ = quick("tokens", with_classes=y is not None, n=12)
    ids = model.tokens_
    model = ending(model, 7.0)
    every = [list(one) for length in (1, 2, 3) for one in itertools.product(ids, repeat=length)]
    given = ["ones"] * len(every) if y == "ones" else None
    total = np.exp(model.score_samples(every, given)).sum()
    assert 0.99 < total < 1.0 + 1e-9
    assert total == pytest.approx(1.0, abs=2e-3)
    singles = np.exp(model.score_samples(every[: len(ids)], given and given[: len(ids)])).sum()
    assert singles < total - 1e-5


def test_the_density_of_all_sequences_integrates_to_one():
    X = [x[:, 1:] for x in waves(60)[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = RNNGenerator(hidden_layer_sizes=(4,), n_components=2, random_state=0, **QUICK).fit(
            X
        )
    model = ending(model, 9.0)
    grid = np.linspace(-900.0, 900.0, 601)
    of_one = np.exp(model.score_samples([[[x]] for x in grid]))
    pairs = np.array([[[a], [b]] for a in grid[::4] for b in grid[::4]])
    of_two = np.exp(model.score_samples(pairs)).reshape(151, 151)
    total = trapezoid(of_one, grid) + trapezoid(trapezoid(of_two, grid[::4]), grid[::4])
    assert total == pytest.approx(1.0, abs=1e-3)


@kinds
def test_samples_are_as_likely_as_the_data(kind):
    X, _ = DATA[kind](1000)
    model = generator(kind).fit(X)
    ours = model.score_samples(drawn(model, 500, random_state=0))
    theirs = model.score_samples(DATA[kind](500, seed=1)[0])
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.15 * abs(theirs.mean()) + 0.2)


def test_tokens_are_drawn_as_often_as_they_are_probable():
    model, *_ = quick("tokens")
    n = 4000
    found = drawn(model, n, random_state=0, max_length=1)
    ids, numbers = np.unique(np.concatenate(found), return_counts=True)
    # A first token is as probable as all sequences that begin with it.
    raw = model._model.raw_predict(model._model.target.begun(_one_step(model), None))
    expected = np.exp(raw[0, :-1]) / np.exp(raw[0, :-1]).sum()
    assert_allclose(numbers / n, expected[np.searchsorted(model.tokens_, ids)], atol=0.03)


def _one_step(model):
    return model._model.schema.read([[int(model.tokens_[0])]])


@kinds
def test_it_learns_the_classes_it_is_told(kind):
    X, y = DATA[kind](600)
    model = generator(kind).fit(X, y)
    new, of_new = DATA[kind](200, seed=1)
    of_each = np.column_stack([model.score_samples(new, [c] * 200) for c in model.classes_])
    assert np.mean(model.classes_[of_each.argmax(axis=1)] == of_new) > 0.95
    shares = np.array([np.mean(y == c) for c in model.classes_])
    expected = np.log(np.exp(of_each) @ shares)
    assert_allclose(model.score_samples(new), expected, rtol=1e-9)
    for c in model.classes_:
        likely = np.column_stack(
            [model.score_samples(drawn(model, 100, y=c, random_state=0), [d] * 100)
             for d in model.classes_]
        )  # fmt: skip
        assert np.mean(model.classes_[likely.argmax(axis=1)] == c) > 0.9


def test_lines_that_are_told_nothing_of_time_are_told_by_the_classes():
    """Only by the class of the row a step can know more than the share of each."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=300)
    X = [np.full(1, label + 1) for label in y]
    told = generator("tokens").fit(X, y).score(X, y)
    assert told > -0.1
    assert generator("tokens").fit(X).score(X) == pytest.approx(-np.log(3), abs=0.1)


@kinds
def test_units_of_numbers_change_the_density_by_their_factor(kind):
    if kind == "tokens":
        X, _ = counts(60)
        other = [x + 10**9 for x in X]  # ids are names
        factor = 0.0
    else:
        X, _ = waves(60)
        other = [1000.0 * x for x in X]
        factor = -2 * np.log(1000.0)
    one, two = (generator(kind, **QUICK) for _ in range(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = one.fit(X).score_samples(X), two.fit(other).score_samples(other)
    lengths = np.array([len(x) for x in X])
    assert_allclose(found[1], found[0] + factor * lengths, rtol=1e-6)


# --- draws ----------------------------------------------------------------------------------


@kinds
def test_samples_have_the_form_of_sequences(kind):
    model, X, _ = quick(kind)
    found = drawn(model, 7, random_state=0)
    assert len(found) == 7
    assert all(one.ndim == (1 if kind == "tokens" else 2) and len(one) for one in found)
    assert max(map(len, found)) <= model.max_length_ == 2 * max(map(len, X)) + 10
    if kind == "tokens":
        assert set(np.concatenate(found)) <= set(model.tokens_)
    for one, other in zip(found, drawn(model, 7, random_state=0), strict=True):
        assert_array_equal(one, other)
    assert np.isfinite(model.score_samples(found)).all()


@kinds
def test_a_prompt_is_gone_on_from(kind):
    X, y = DATA[kind](600)
    model = generator(kind).fit(X, y)
    prompt = X[0][:2]
    for one in drawn(model, 20, y=y[0], prompt=prompt, random_state=0):
        assert_array_equal(one[:2], prompt)
    # What follows is as likely as what would have been drawn without a prompt.
    steps = model.score_samples(
        drawn(model, 300, y=y[0], prompt=prompt, random_state=0), [y[0]] * 300
    )
    others = drawn(model, 300, y=[c for c in model.classes_ if c != y[0]] * 300,
                   prompt=prompt, random_state=0)  # fmt: skip
    assert steps.mean() > model.score_samples(others, [y[0]] * 300).mean() + 1.0


def test_a_low_temperature_draws_the_likeliest():
    X, y = counts(600)
    model = generator("tokens").fit(X, y)
    cold = drawn(model, 50, y="ones", temperature=0.01, random_state=0)
    assert len({tuple(one) for one in cold}) == 1
    hot = drawn(model, 50, y="ones", temperature=5.0, random_state=0)
    assert len({tuple(one) for one in hot}) > 20
    calm = drawn(generator("numbers").fit(waves()[0]), 50, temperature=1e-6, random_state=0)
    assert np.ptp([one[0] for one in calm], axis=0).max() < 100


def test_sequences_that_are_cut_are_told_of_once():
    model, *_ = quick("numbers")
    model = ending(model, -30.0)
    with pytest.warns(ConvergenceWarning, match=r"3 of 3 sequences were cut at 4 steps") as told:
        found = model.sample(3, max_length=4, random_state=0)
    assert len(told) == 1
    assert [len(one) for one in found] == [4, 4, 4]


@kinds
def test_a_sequence_that_ends_at_its_longest_is_not_cut(kind):
    model, X, _ = quick(kind)
    model = ending(model, 30.0)
    for options in ({}, {"prompt": X[0][:1]}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = model.sample(5, max_length=1, random_state=0, **options)
        assert [len(one) for one in found] == [1] * 5


@kinds
@pytest.mark.parametrize("temperature", [1e-323, 1e-300, 1e30, 1e300])
def test_no_temperature_is_too_extreme(kind, temperature):
    model, *_ = quick(kind)
    found = drawn(model, 100, temperature=temperature, random_state=0)
    assert all(len(one) and np.isfinite(one).all() for one in found)
    if kind == "tokens" and temperature < 1.0:
        nearly = drawn(model, 100, temperature=1e-9, random_state=0)
        assert {tuple(one) for one in found} == {tuple(one) for one in nearly}


def test_what_is_drawn_beyond_single_precision_is_refused():
    model, *_ = quick("numbers", dtype="float32")
    with pytest.raises(ValueError, match=r"not finite.*Lower temperature"):
        model.sample(temperature=1e300, random_state=0)


def test_a_density_may_be_too_small_for_its_logarithm_but_not_unknown():
    model, X, _ = quick("numbers", cell="rnn", activation="relu")
    signs = np.sign(X[3])
    X[3] = 1e200 * signs
    assert_array_equal(np.isneginf(model.score_samples(X)), np.arange(len(X)) == 3)
    X[3] = 1.7e308 * signs
    with pytest.raises(ValueError, match="The log-density for sample 3 of X is not finite"):
        model.score_samples(X)
    assert np.isfinite(model.score(X, sample_weight=np.arange(len(X)) != 3))


def test_many_sequences_are_drawn_and_scored_a_part_at_a_time(monkeypatch):
    model, X, y = quick("tokens", with_classes=True)
    expected = model.score_samples(X, y), model.score_samples(X)
    monkeypatch.setattr("skrnn.learning.generation._MOST_RAW", 7 * model._model.target.n_outputs)
    assert_array_equal(model.score_samples(X, y), expected[0])
    assert_array_equal(model.score_samples(X), expected[1])
    found = drawn(model, 30, y=y[:30], prompt=[1], random_state=0)
    assert len(found) == 30
    assert all(one[0] == 1 for one in found)
    likely = [model.score_samples(found, [c] * 30).mean() for c in ("ones", "twos")]
    assert np.isfinite(likely).all()


def test_a_class_is_one_for_all_or_one_for_each():
    model, *_ = quick("tokens", with_classes=True)
    expected = drawn(model, 2, y="ones", random_state=0)
    for y in (np.array("ones"), ["ones", "ones"], np.array(["ones"] * 2, object)):
        for one, other in zip(drawn(model, 2, y=y, random_state=0), expected, strict=True):
            assert_array_equal(one, other)
    with pytest.raises(ValueError, match="y has 3 classes, but n_samples=2"):
        model.sample(2, y=["ones"] * 3)
    with pytest.raises(ValueError, match="y must have one target"):
        model.sample(2, y=["ones", ["twos"]])


# --- an estimator ---------------------------------------------------------------------------


@with_checks([RNNGenerator(hidden_layer_sizes=(5,), max_iter=5)])
def test_scikit_learns_checks(estimator, check, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        run(check, estimator, monkeypatch)


@kinds
def test_one_seed_gives_the_same_bits_for_any_number_of_threads(kind):
    one, X, y = quick(kind, with_classes=True)
    two, *_ = quick(kind, with_classes=True, n_jobs=2)
    assert_array_equal(one._model.theta, two._model.theta)
    assert_array_equal(one.score_samples(X, y), two.score_samples(X, y))
    few = slice(7, 9)
    assert_array_equal(one.score_samples(X[few], y[few]), one.score_samples(X, y)[few])


@kinds
def test_weights_are_repetition_and_zero_is_removal(kind):
    X, y = DATA[kind](16)
    weights = np.random.default_rng(0).integers(0, 3, size=len(X))
    repeated = [x for x, w in zip(X, weights, strict=True) for _ in range(w)]
    settings = {"max_iter": 5, "batch_size": 64, "early_stopping": False, "tol": 0.0}
    settings |= {"learning_rate": "constant", "dtype": "float64"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        weighed = generator(kind, **settings).fit(X, y, weights)
        other = generator(kind, **settings).fit(repeated, np.repeat(y, weights))
    assert_allclose(
        weighed.score_samples(X[:0] + repeated), other.score_samples(repeated), rtol=1e-7
    )
    assert weighed.score(X, y, weights) == pytest.approx(
        other.score(repeated, np.repeat(y, weights)), rel=1e-7
    )


@kinds
def test_clone_pickle_and_going_on(kind):
    model, X, y = quick(kind, with_classes=True)
    assert clone(model).get_params() == model.get_params()
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.score_samples(X, y), model.score_samples(X, y))
    for one, other in zip(
        drawn(twin, 5, random_state=1), drawn(model, 5, random_state=1), strict=True
    ):
        assert_array_equal(one, other)
    before, n_before = model.score(X, y), len(model.loss_curve_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.set_params(warm_start=True, max_iter=20).fit(X, y)
    assert model.score(X, y) > before
    assert len(model.loss_curve_) > n_before


@kinds
def test_partial_fit_learns_too(kind):
    X, y = DATA[kind](200)
    model = generator(kind)
    options = {"tokens": [9, 10, 11]} if kind == "tokens" else {}
    for _ in range(40):
        for first in range(0, 200, 50):
            some = slice(first, first + 50)
            model.partial_fit(
                X[some], y[some], classes=["left", "ones", "right", "twos"], **options
            )
            options = {}
    assert model.score(X, y) > quick(kind, True, 200)[0].score(X, y)
    assert list(model.classes_) == ["left", "ones", "right", "twos"]
    assert np.isfinite(model.score_samples(X)).all()
    if kind == "tokens":
        assert {9, 10, 11} <= set(model.tokens_)


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e6])
def test_scales_are_learnt_of_sequences_that_come_one_at_a_time(unit, rng):
    """One step has no spread."""
    X = [unit * (rng.normal(size=(1, 1)) + 3.0) for _ in range(200)]
    model = generator("numbers", hidden_layer_sizes=(4,), learning_rate_init=0.03)
    for x in X[:40]:
        model.partial_fit([x])
    for _ in range(30):
        model.partial_fit(X)
    target = model._model.target
    assert_allclose([target.center[0], target.scale[0]], [3 * unit, unit], rtol=0.4)
    assert model.score(X) + np.log(unit) == pytest.approx(-1.42, abs=0.25)
    twin = pickle.loads(pickle.dumps(model)).partial_fit(X)
    assert_array_equal(twin.score_samples(X), model.partial_fit(X).score_samples(X))


def test_it_is_tuned_without_a_y():
    X, _ = counts(90)
    search = GridSearchCV(
        generator("tokens", **QUICK | {"max_iter": 8}), {"hidden_layer_sizes": [(1,), (16,)]}, cv=3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(X)
        scores = cross_val_score(generator("numbers", **QUICK), waves(90)[0], cv=3)
    assert search.best_params_ == {"hidden_layer_sizes": (16,)}
    assert np.isfinite(scores).all()


def test_names_go_through_a_pipeline():
    names = ["anna", "hanna", "johanna", "anne", "hanne", "johanne"] * 20
    model = make_pipeline(SequenceVectorizer(analyzer="char"), generator("tokens")).fit(names)
    assert model.score(["hanna"]) > model.score(["ennoj"]) + 5
    ids = model[-1].sample(5, random_state=0)
    letters = ["".join(one) for one in model[0].inverse_transform(ids)]
    assert set("".join(letters)) <= set("ahjnoe")


def test_forms_of_the_same_sequences():
    rows = np.cumsum(np.random.default_rng(0).normal(size=(40, 5)), axis=1)
    padded = np.full((40, 7, 1), np.nan)
    padded[:, :5, 0] = rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = [
            generator("numbers", **QUICK).fit(form).score_samples(form)
            for form in (rows, rows[:, :, np.newaxis], list(rows[:, :, np.newaxis]), padded)
        ]
    for one in found[1:]:
        assert_array_equal(one, found[0])


def test_numbers_in_single_precision_stay_so():
    X = [x.astype(np.float32) for x in waves(60)[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = generator("numbers", **QUICK).fit(X)
    assert model._model.theta.dtype == np.float32
    assert drawn(model, 2, random_state=0)[0].dtype == np.float32


def test_what_has_no_weight_counts_for_nothing():
    X, y = counts(30)
    weights = np.r_[np.ones(30), 0.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = generator("tokens", **QUICK).fit([*X, np.arange(1, 90)], [*y, "threes"], weights)
    assert model.max_length_ == 2 * max(map(len, X)) + 10
    assert list(model.classes_) == ["ones", "twos"]
    assert model.tokens_.max() < 20
    few = model.score(X, y)
    assert model.score([*X, np.array([99])], [*y, "threes"], weights) == pytest.approx(few)
    of_numbers, *_ = quick("numbers")
    far = [np.full((1, 2), 1e200), np.zeros((1, 2))]  # beyond what has a density
    assert of_numbers.score(far, sample_weight=[0, 1]) == of_numbers.score(far[1:])


@kinds
def test_what_is_drawn_may_be_as_long_as_what_has_been_learnt(kind):
    X, _ = DATA[kind](60)
    short = [x[:1] for x in X]
    further = {"tokens": range(1, 20)} if kind == "tokens" else {}
    model = generator(kind).partial_fit(short, **further)
    assert model.max_length_ == 12
    assert model.partial_fit(X).max_length_ == 2 * max(map(len, X)) + 10
    assert model.partial_fit(short).max_length_ == 2 * max(map(len, X)) + 10


def test_rows_are_gone_on_from_and_scored_at_any_length():
    rows = np.cumsum(np.random.default_rng(0).normal(size=(40, 5)), axis=1)
    model = generator("numbers", **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows)
    found = drawn(model, 20, random_state=0)
    assert max(map(len, found)) > 5
    assert np.isfinite(model.score_samples(found)).all()
    for prompt in (rows[0, :2], rows[0, :2].tolist(), rows[0, :2, np.newaxis], np.arange(7.0)):
        begun = np.reshape(prompt, (-1, 1))
        assert_array_equal(drawn(model, prompt=prompt, random_state=0)[0][: len(begun)], begun)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X has feature names")
        of_frames = model.score_samples([pd.DataFrame({"a": x[:, 0]}) for x in found])
    assert_array_equal(of_frames, model.score_samples(found))
    with pytest.raises(ValueError, match="X has 4 features, but RNNGenerator is expecting 5"):
        model.score_samples(rows[:, :4])


@pytest.mark.parametrize("method", ["fit", "score_samples"])
def test_raw_predictions_are_not_copied_again_and_again(method):
    rng = np.random.default_rng(0)
    X = [rng.integers(1, 1001, size=9) for _ in range(800)]
    model = generator("tokens", **QUICK | {"max_iter": 1}, dtype="float32")
    of_all = 800 * 10 * 1000 * 4
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("skrnn.learning.generation._MOST_RAW", 1 << 18)
        warnings.simplefilter("ignore", ConvergenceWarning)
        if method == "score_samples":
            model.fit(X)
        tracemalloc.start()
        getattr(model, method)(X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < (3.0 if method == "fit" else 0.6) * of_all


@kinds
def test_numpy_may_be_told_to_raise(kind):
    X, _ = DATA[kind](30)
    X = [x.astype("f2") for x in X] if kind == "tokens" else [1e-60 * x for x in X]
    model = generator(kind, **QUICK, dtype="float32")
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X).score_samples(X)
        model.sample(2, prompt=X[0][:1], random_state=0)


# --- what it refuses ------------------------------------------------------------------------


def _with_gap(X):
    X[3][1, 0] = np.nan
    return X


BAD = [
    ("numbers", lambda m, X, y: m.fit(_with_gap(X)), "Sample 3 of X .* step 1, feature 0"),
    ("numbers", lambda m, X, y: m.score_samples(_with_gap(X)), "Sample 3 of X .* step 1, feature"),
    ("tokens", lambda m, X, y: m.score_samples([[1, 2], [1, 99]]), "Sample 1 of X .* at step 1"),
    ("tokens", lambda m, X, y: m.partial_fit([[1, 99]]), "Sample 0 of X has a token at step 1"),
    ("tokens", lambda m, X, y: m.sample(prompt=[1, 99]), "prompt .* token at step 1"),
    ("tokens", lambda m, X, y: m.sample(prompt=[[1, 2]]), "In prompt: "),
    ("numbers", lambda m, X, y: m.sample(prompt=[[1.0, 2.0, 3.0]]), "In prompt: .* 3 features"),
    ("tokens", lambda m, X, y: m.sample(y="ones"), "fitted without classes"),
    ("tokens", lambda m, X, y: m.score_samples(X, y), "fitted without classes"),
    ("tokens", lambda m, X, y: m.partial_fit(X, y), "fitted without classes"),
    ("tokens", lambda m, X, y: m.fit(X, y[:-1]), "inconsistent numbers of samples: X has 60, y"),
    ("tokens", lambda m, X, y: m.fit(X, ["one"] * 60), "only one class"),
    ("numbers", lambda m, X, y: m.fit(X, np.linspace(0, 1, 60)), "Unknown label type"),
    ("tokens", lambda m, X, y: m.fit(X, y_val=y), "y_val was passed without X_val"),
    ("tokens", lambda m, X, y: m.sample(0), "n_samples must be"),
    ("tokens", lambda m, X, y: m.sample(2.5), "n_samples must be"),
    ("tokens", lambda m, X, y: m.sample(np.inf), "n_samples must be a whole number"),
    ("tokens", lambda m, X, y: m.sample(max_length=np.nan), "max_length must be a whole number"),
    ("tokens", lambda m, X, y: m.sample(prompt=[]), "In prompt: It must be one sequence"),
    ("numbers", lambda m, X, y: m.sample(prompt=5.0), "In prompt: It must be one sequence"),
    ("numbers", lambda m, X, y: m.sample(prompt=[1.0]), "In prompt: X has 1 features"),
    (
        "tokens",
        lambda m, X, y: m.sample(prompt=[1, 2, 3], max_length=2),
        "prompt has 3 steps, but a sequence may have 2",
    ),
    ("numbers", lambda m, X, y: m.partial_fit(X, tokens=[1]), "tokens was passed, but X holds"),
    ("numbers", lambda m, X, y: m.fit([1e300 * x for x in X]), "variance of feature 0 is too"),
    ("tokens", lambda m, X, y: m.sample(temperature=0.0), "temperature must be"),
    ("tokens", lambda m, X, y: m.sample(temperature=True), "temperature must be"),
    ("tokens", lambda m, X, y: m.sample(max_length=0), "max_length must be"),
    ("tokens", lambda m, X, y: m.sample(random_state=-1), "In random_state: "),
    (
        "numbers",
        lambda m, X, y: m.set_params(n_components=4, warm_start=True).fit(X),
        "fitted with n_components=3",
    ),
    ("numbers", lambda m, X, y: m.set_params(n_components=0).fit(X), "n_components"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "call", "words"), BAD, ids=[words for *_, words in BAD])
def test_bad_calls_are_refused_in_words_and_leave_the_model_alone(kind, call, words):
    model, X, y = quick(kind)
    X = [x.copy() for x in X]
    expected = model.score_samples(X)
    with pytest.raises((ValueError, TypeError), match=words):
        call(model, [x.copy() for x in X], y)
    assert_array_equal(model.score_samples(X), expected)


def test_classes_are_asked_for_where_there_are_some():
    model, X, y = quick("tokens", with_classes=True)
    with pytest.raises(ValueError, match=r"fitted with a class for each sequence"):
        model.partial_fit(X)
    with pytest.raises(ValueError, match=r"does not know: 'threes' \(sample 0\)"):
        model.sample(y="threes")
    begun = generator("tokens").partial_fit(X, y)
    with pytest.raises(ValueError, match=r"does not know: 'threes' \(sample 0\)"):
        begun.partial_fit(X, ["threes"] * len(X))
    for bad in ([0], [2.5], ["a"], 5):
        with pytest.raises((ValueError, TypeError), match="In tokens: "):
            generator("tokens").partial_fit(X, tokens=bad)
    with pytest.raises(ValueError, match="without y"):
        generator("tokens").partial_fit(X, classes=["a", "b"])


def test_an_unknown_token_is_named_by_its_place_among_all_sequences(monkeypatch):
    """Though few are looked at at a time."""
    model, X, _ = quick("tokens")
    expected = model.score_samples(X)
    monkeypatch.setattr("skrnn.learning.generation._MOST_RAW", 1)
    assert_array_equal(model.score_samples(X), expected)
    with pytest.raises(ValueError, match=r"^Sample 41 of X has a token at step 1 "):
        model.score_samples([*X[:41], [1, 99]])


def test_what_is_not_fitted():
    for method in ("sample", "score", "score_samples"):
        arguments = () if method == "sample" else ([[1, 2]],)
        with pytest.raises(NotFittedError):
            getattr(generator("tokens"), method)(*arguments)


@kinds
def test_validation_data_of_the_user_are_watched(kind):
    X, y = DATA[kind](120)
    model = generator(kind, max_iter=5).fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert len(model.validation_scores_) == model.n_iter_
    alone = generator(kind, max_iter=30).fit(X[:80], X_val=X[80:])
    best = alone.score_samples(X[80:]).sum() / sum(len(x) + 1 for x in X[80:])
    scale = 0.0
    if kind == "numbers":
        in_units = np.log(alone._model.target.scale).sum()
        scale = in_units * sum(map(len, X[80:])) / sum(len(x) + 1 for x in X[80:])
    assert alone.best_validation_score_ == pytest.approx(best + scale, abs=0.05)
