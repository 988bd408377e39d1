"""The linear path of tokens: weights by tf-idf, an earned strength, left-out predictions."""

import building
import numpy as np
import pytest
from fits import Spy
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data import tokens
from skrnn.data.examples import Examples
from skrnn.linear import bag


def documents(n=200, n_tokens=30, seed=0):
    """Lists of ids from 1 on, whose first three say more than the others."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(1, n_tokens + 1, rng.integers(3, 15)) for _ in range(n)]
    counts = np.array([[(x == token).sum() for token in (1, 2, 3)] for x in X])
    return X, counts @ [2.0, -1.0, 1.5] + 0.2 * rng.normal(size=n)


def numbered(X):
    read = tokens.read(X, "")
    known = tokens.distinct(read)
    return tokens.numbered(read, known), len(known)


def fitted(X, targets, weights=None, loss="squared_error", linear_path="auto", n_outputs=1):
    sequences, n_tokens = numbered(X)
    weights = np.ones(len(X)) if weights is None else weights
    examples = Examples.of(sequences, np.asarray(targets, float).reshape(len(X), -1), weights)
    path, unseen = bag.fit(examples, n_tokens, building.loss(loss, n_outputs), linear_path)
    return path, unseen, sequences


def matrix_of(path, sequences):
    ((_, counts),) = bag._chunks(sequences, len(path.rarity), path.n_steps)
    return bag._weighted(counts, path.rarity)


def test_weights_are_scikit_learns():
    X, y = documents()
    path, _, sequences = fitted(X, y)
    vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer=lambda x: [int(i) for i in x])
    expected = vectorizer.fit_transform(X).toarray()
    assert_allclose(matrix_of(path, sequences).toarray()[:, :-1], expected, rtol=1e-12)


def test_a_map_of_numbers_is_ridge_regression(monkeypatch):
    monkeypatch.setattr(bag, "PENALTIES", np.array([3.0]))
    monkeypatch.setattr(bag, "calibrate", lambda scores, *_: (np.eye(1), np.zeros(1)))
    X, y = documents()
    path, _, sequences = fitted(X, y)
    matrix = matrix_of(path, sequences).toarray()
    expected = Ridge(alpha=3.0).fit(matrix, (y - y.mean()) / y.std()).predict(matrix)
    assert_allclose(path.predict(sequences)[:, 0], y.mean() + y.std() * expected, atol=0.02)


def test_a_map_to_classes_is_logistic_regression(monkeypatch):
    monkeypatch.setattr(bag, "PENALTIES", np.array([0.5]))
    monkeypatch.setattr(bag, "calibrate", lambda scores, *_: (np.eye(3), np.zeros(3)))
    X, y = documents(400)
    labels = np.digitize(y, [0.0, 2.0])
    path, _, sequences = fitted(X, labels, loss="softmax", n_outputs=3)
    matrix = matrix_of(path, sequences).toarray()
    # Without the sum over classes, by which our loss is a mean.
    expected = LogisticRegression(C=2.0, tol=1e-8).fit(matrix, labels).decision_function(matrix)
    found = path.predict(sequences)
    found -= found.mean(axis=1, keepdims=True)
    assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile"])
def test_what_is_learnt_holds_for_samples_left_out(loss):
    X, y = documents(400)
    path, unseen, _ = fitted(X, y, loss=loss)
    error = np.abs(unseen[:, 0] - y).mean()
    new, expected = documents(400, seed=1)
    read = tokens.numbered(tokens.read(new, ""), np.arange(1, 31))
    assert np.abs(path.predict(read)[:, 0] - expected).mean() == pytest.approx(error, rel=0.2)
    assert error < 0.6 * np.abs(y - y.mean()).mean()


def test_where_there_is_nothing_to_learn_the_map_is_as_good_as_nothing():
    X, _ = documents(300)
    y = np.random.default_rng(3).normal(size=300)
    path, unseen, _ = fitted(X, y)
    assert np.abs(path.coefficients).max() < 0.3
    assert np.average((unseen[:, 0] - y) ** 2) < 1.02 * y.var()


def test_a_left_out_prediction_has_not_seen_its_target():
    """Of samples that each have a token of their own nothing can be told."""
    X = [[i + 1, i + 1] for i in range(100)]
    y = np.random.default_rng(4).integers(0, 2, 100)
    _, unseen, _ = fitted(X, y, loss="logistic")
    assert abs(np.corrcoef(unseen[:, 0], y)[0, 1] if unseen.std() else 0.0) < 0.35
    assert np.abs(unseen).max() < 1.0


@pytest.mark.parametrize("loss", ["squared_error", "logistic", "softmax", "poisson"])
def test_weights_are_copies(loss):
    X, y = documents(120)
    targets = {"squared_error": y, "poisson": np.round(np.abs(y))}
    targets = targets.get(loss, (y > 1).astype(int) + (loss == "softmax") * (y > 3))
    weights = np.random.default_rng(5).integers(1, 4, 120)
    path, unseen, sequences = fitted(X, targets, weights.astype(float), loss, n_outputs=3)
    copied = [x for x, w in zip(X, weights, strict=True) for _ in range(w)]
    other, of_copies, _ = fitted(copied, np.repeat(targets, weights), None, loss, n_outputs=3)
    assert_allclose(path.predict(sequences), other.predict(sequences), rtol=1e-9, atol=1e-12)
    assert_allclose(np.repeat(unseen, weights, axis=0), of_copies, rtol=1e-9, atol=1e-12)


def test_the_last_steps_alone_are_seen_where_so_many_are_asked_for():
    X, y = documents()
    path, _, sequences = fitted(X, y, linear_path=2)
    ends, _ = numbered([x[-2:] for x in X])
    assert_array_equal(path.predict(sequences), path.predict(ends))


def test_unknown_tokens_say_nothing():
    X, y = documents()
    path, _, _ = fitted(X, y)
    with_unknown = tokens.numbered(tokens.read([[1, 2, 99], [99]], ""), np.arange(1, 31))
    without = tokens.numbered(tokens.read([[1, 2]], ""), np.arange(1, 31))
    found = path.predict(with_unknown)
    assert_array_equal(found[:1], path.predict(without))
    assert_array_equal(found[1], path.intercepts)


def test_rows_in_chunks_have_the_same_bits(monkeypatch):
    X, y = documents()
    path, unseen, sequences = fitted(X, y)
    whole = path.predict(sequences)
    monkeypatch.setattr("skrnn.data.sequences._AT_A_TIME", 7)
    assert_array_equal(path.predict(sequences), whole)
    assert_array_equal(fitted(X, y)[1], unseen)


def test_one_fold_chooses_the_penalty_of_many_samples(monkeypatch):
    monkeypatch.setattr(bag, "_MANY", 100)
    X, y = documents(300)
    _, unseen, _ = fitted(X, y)
    assert np.average((unseen[:, 0] - y) ** 2) < 0.5 * y.var()


@pytest.mark.parametrize(("most", "n_again"), [(1000, 0), (100, 4)])
def test_folds_that_have_chosen_the_penalty_are_not_fitted_again(most, n_again, monkeypatch):
    monkeypatch.setattr(bag, "_MANY", most)
    monkeypatch.setattr(bag, "calibrate", lambda scores, *_: (np.eye(1), np.zeros(1)))
    left_out = Spy(monkeypatch, bag._Bag, "_leave_out")
    chosen = Spy(monkeypatch, bag._Bag, "_best_penalty")
    X, y = documents(300)
    path, unseen, sequences = fitted(X, y)
    n_tried = left_out["fold"].count(0)
    assert len(left_out.calls) == n_tried * (1 if n_again else 5) + n_again
    [(penalty, *_)], matrix, seen = chosen.results, matrix_of(path, sequences), []
    for call, found in zip(left_out.calls, left_out.results, strict=True):
        if call["penalty"] == penalty:
            rows = slice(call["fold"], None, 5)
            raw = matrix[rows] @ found[:-1] + found[-1]
            assert_allclose(unseen[rows], y.mean() + y.std() * raw, rtol=1e-4, atol=1e-4)
            seen.append(call["fold"])
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("n", [2, 3, 11])
def test_few_samples(n):
    X, y = documents(n)
    model = RNNRegressor(embedding_dim=2, hidden_layer_sizes=2, max_iter=2, random_state=0)
    assert np.isfinite(model.set_params(early_stopping=False).fit(X, y).predict(X)).all()


def test_a_default_text_classifier_is_no_worse_than_its_bag_of_tokens():
    X, y = documents(400)
    new, expected = documents(400, seed=1)
    model = RNNClassifier(embedding_dim=8, hidden_layer_sizes=8, random_state=0)
    model.fit(X, y > 1)
    assert model.linear_coef_ is None
    assert model.linear_score_ > 0.85
    assert model.score(new, expected > 1) > model.linear_score_ - 0.03


class Scripted(bag._Bag):
    """Predictions are losses: with each penalty the first rows lose one, and the last gains one."""

    def _leave_out(self, fold, penalty, start, unseen):
        k = int(np.argmin(np.abs(bag.PENALTIES - penalty)))
        unseen[self.folds == fold] = 10.0 - k if fold == 4 else k
        return start


class OfRaw:
    """A loss that is the raw prediction."""

    @staticmethod
    def of_rows(raw, targets):
        return raw[:, 0]


@pytest.mark.parametrize(("last", "expected"), [(1.0, 0), (20.0, -1)])
def test_a_penalty_is_chosen_by_weighted_losses(last, expected):
    weights = np.r_[np.ones(4), last]
    penalty, _, _ = Scripted(np.zeros((5, 1)), np.zeros((5, 1)), weights, OfRaw)._best_penalty(5)
    assert penalty == bag.PENALTIES[expected]


def test_folds_that_do_not_choose_the_penalty_are_predicted_from_nothing(monkeypatch):
    """The map that the penalty was chosen with has seen them."""
    monkeypatch.setattr(bag, "_MANY", 10)
    leaving = Spy(monkeypatch, bag._Bag, "_leave_out")
    fitted(*documents(60))
    later = [call for call in leaving.calls if call["fold"] > 0]
    assert [call["fold"] for call in later] == [1, 2, 3, 4]
    assert not any(call["start"].any() for call in later)
