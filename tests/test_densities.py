"""RNNGenerator beside the equations in plain NumPy: likelihoods, and how often what is drawn."""

import itertools
import warnings

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, logsumexp
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNGenerator

CELLS = pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
classes = pytest.mark.parametrize("y", [None, "given", "of any"])


def fitted(X, y=None, **parameters):
    usual = {"hidden_layer_sizes": (5, 4), "max_iter": 2, "early_stopping": False}
    usual |= {"random_state": 0, "dtype": "float64", "learning_rate_init": 0.1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return RNNGenerator(**usual | parameters).fit(X, y)


def raw_of(model, steps, cell):
    """Raw predictions (T + 1, K) of one sequence of inputs (T + 1, F), as the equations say it."""
    parameters = model._model.network.views(model._model.theta)
    for layer in range(2):
        steps = reference.layer_outputs(steps, parameters, layer, cell)
    return steps @ parameters["V"] + parameters["b_out"]


def of_tokens(model, ids, code, cell):
    """(149) of a sequence of tokens, read as (153) says."""
    numbers = [int(np.flatnonzero(model.tokens_ == one)[0]) for one in ids]
    n, table = len(model.tokens_), model.embeddings_
    x = np.array([table[number] for number in [n, *numbers]])
    x = np.hstack([x, _indicators(model, code, len(x))])
    raw = raw_of(model, x, cell)
    raw[0, n] = -np.inf  # there is no sequence without a step
    found = 0.0
    for row, number in zip(raw, [*numbers, n], strict=True):
        found += row[number] - logsumexp(row)
    return found


def of_numbers(model, x, code, cell):
    """(149) to (151) of a sequence (T, F) of numbers, read as (153) says."""
    M, F = model.n_components, x.shape[1]
    scaling, target = model._model.scaling, model._model.target
    read = (np.vstack([scaling.center[0, :F], x]) - scaling.center[0, :F]) / scaling.scale[0, :F]
    indicators = _indicators(model, code, len(read))
    read = np.hstack([read, (indicators - scaling.center[0, F:]) / scaling.scale[0, F:]])
    raw = raw_of(model, read, cell)
    found = np.log(expit(raw[-1, -1]))
    for t, row in enumerate(raw[:-1]):
        if t > 0:
            found += np.log(1.0 - expit(row[-1]))
        weights = np.exp(row[:M]) / np.exp(row[:M]).sum()
        means = row[M : M + M * F].reshape(M, F) * target.scale + target.center
        variances = np.exp(2 * row[M + M * F : -1].reshape(M, F)) + 1e-6
        deviations = np.sqrt(variances) * target.scale
        found += np.log(weights @ stats.norm.pdf(x[t], means, deviations).prod(axis=1))
    return found


def _indicators(model, code, n):
    """The class beside each of n steps, none where there are no classes."""
    n_classes = 0 if model.classes_ is None else len(model.classes_)
    found = np.zeros((n, n_classes))
    if n_classes:
        found[:, code] = 1.0
    return found


def expected(model, of_one, X, y, labels, cell):
    """What the equations say of all sequences; of any class by the shares in the data."""
    if y is None:
        return [of_one(model, x, None, cell) for x in X]
    of_each = np.array([[of_one(model, x, code, cell) for code in range(3)] for x in X])
    if y == "given":
        return of_each[np.arange(len(X)), np.searchsorted(model.classes_, labels)]
    shares = np.array([np.mean(labels == label) for label in model.classes_])
    return np.log(np.exp(of_each) @ shares)


@CELLS
@classes
def test_likelihoods_of_tokens_are_those_of_the_equations(cell, y, rng):
    X = [rng.choice([3, 7, 2**40], size=rng.integers(1, 6)) for _ in range(15)]
    labels = np.array(["a", "b", "c"])[rng.integers(3, size=15)]
    model = fitted(X, None if y is None else labels, embedding_dim=3, cell=cell)
    found = model.score_samples(X, labels if y == "given" else None)
    assert_allclose(found, expected(model, of_tokens, X, y, labels, cell), rtol=1e-10)


@CELLS
@classes
def test_likelihoods_of_numbers_are_those_of_the_equations(cell, y, rng):
    X = [rng.normal(3, [1, 50], size=(rng.integers(1, 6), 2)) for _ in range(15)]
    labels = rng.integers(3, size=15)
    model = fitted(X, None if y is None else labels, n_components=2, cell=cell)
    found = model.score_samples(X, labels if y == "given" else None)
    assert_allclose(found, expected(model, of_numbers, X, y, labels, cell), rtol=1e-10)


def test_whole_sequences_are_drawn_as_often_as_they_are_probable(rng):
    X = [rng.choice([1, 2], size=rng.integers(1, 4)) for _ in range(40)]
    labels = np.array(["a", "b"])[rng.integers(2, size=40)]
    model, n = fitted(X, labels, embedding_dim=3), 20_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = model.sample(n, random_state=1)
    short = [one for k in (1, 2, 3) for one in itertools.product([1, 2], repeat=k)]
    numbers = dict.fromkeys(short, 0)
    for one in found:
        if len(one) <= 3:
            numbers[tuple(one.tolist())] += 1
    shares = np.exp(model.score_samples([list(one) for one in short]))
    observed = [*numbers.values(), n - sum(numbers.values())]
    assert stats.chisquare(observed, n * np.append(shares, 1 - shares.sum())).pvalue > 1e-3


def test_each_sequence_is_gone_on_with_from_its_own_state_and_class(rng):
    """Others that have ended take no further part."""
    kinds = {"a": [1, 9, 9, 1], "b": [2, 9, 9, 9, 9, 2], "c": [3, 3]}
    labels = rng.permutation(np.repeat(list(kinds), 40))
    X = [kinds[label] for label in labels]
    options = {"embedding_dim": 4, "hidden_layer_sizes": (12,), "max_iter": 40}
    told = fitted([[4, *x[1:-1], 4] for x in X], labels, **options)  # the class alone tells them
    y = ["c", "b", "a", "b", "a", "c"] * 5
    found = told.sample(30, y=y, temperature=0.1, random_state=0)
    for label, one in zip(y, found, strict=True):
        assert one.tolist() == [4, *kinds[label][1:-1], 4]
    found = fitted(X, **options).sample(60, temperature=0.3, random_state=0)
    assert {tuple(one.tolist()) for one in found} == set(map(tuple, kinds.values()))


def test_ends_of_numbers_are_as_hot_as_their_steps(rng):
    model, n = fitted([rng.normal(size=(3, 1)) for _ in range(30)], n_components=2), 20_000
    raw = raw_of_second_answers(model, np.zeros((n, 1)))
    for temperature in (0.5, 1.0, 3.0):
        random = np.random.RandomState(0)
        _, has_ended = model._model.target.draw(raw.copy(), False, temperature, random)
        expected = expit(raw[0, -1] / temperature)
        assert has_ended.mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / n))


def raw_of_second_answers(model, firsts):
    """Raw predictions behind first steps (n, F)."""
    sequences = model._model.schema.read_unmarked(firsts[:, np.newaxis])
    return model._model.raw_predict(model._model.target.begun(sequences, None))[1::2]


def test_a_class_that_has_not_come_yet_is_half_as_frequent_as_the_rarest(rng):
    X, labels = [[1, 2]] * 10, np.repeat(["a", "b"], [8, 2])
    model = RNNGenerator(embedding_dim=2, hidden_layer_sizes=(2,))
    model.partial_fit(X, labels, classes=["a", "b", "c"])
    assert_allclose(model._model.target.shares, np.array([8, 2, 1]) / 11)


def test_the_score_on_validation_data_counts_by_weight(rng):
    X = [rng.choice([1, 2], size=rng.integers(1, 5)) for _ in range(40)]
    weights = rng.integers(1, 4, size=15)
    repeated = [x for x, w in zip(X[25:], weights, strict=True) for _ in range(w)]
    options = {"embedding_dim": 2, "early_stopping": True, "max_iter": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one, other = (RNNGenerator(random_state=0, hidden_layer_sizes=(3,), **options)
                      for _ in range(2))  # fmt: skip
        one.fit(X[:25], X_val=X[25:], sample_weight_val=weights)
        other.fit(X[:25], X_val=repeated)
    assert_allclose(one.validation_scores_, other.validation_scores_, rtol=1e-9)


def test_classes_are_drawn_as_often_as_they_were_in_the_data(rng):
    labels = np.repeat(["a", "b"], [30, 10])
    model = fitted([[1 + (label == "b")] * 2 for label in labels], labels, embedding_dim=3,
                   max_iter=60)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        firsts = [one[0] for one in model.sample(4000, random_state=0)]
    assert np.mean(np.array(firsts) == 1) == pytest.approx(0.75, abs=0.04)


def test_steps_are_drawn_of_the_density_that_is_scored(rng):
    X = [rng.normal(size=(rng.integers(1, 4), 1)) * 20 + 5 for _ in range(40)]
    model = fitted(X, n_components=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = model.sample(4000, random_state=0)
    # Of the sequences of one step: the density of these, and how many there are.
    grid = np.linspace(-400, 400, 8001)
    density = np.exp(model.score_samples([[[x]] for x in grid]))
    share = density.sum() * (grid[1] - grid[0])
    ones = np.array([one[0, 0] for one in found if len(one) == 1])
    assert len(ones) / 4000 == pytest.approx(share, abs=0.03)
    cumulated = np.cumsum(density) / density.sum()
    assert stats.kstest(ones, lambda x: np.interp(x, grid, cumulated)).pvalue > 1e-3
