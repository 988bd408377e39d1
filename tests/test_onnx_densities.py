"""Exported generators say in ONNX Runtime what RNNGenerator says."""

import numpy as np
import pytest
from datasets import array, ragged, small
from exporting import PRECISION, assert_close, padded, run, shaken, shape_of

from skrnn import RNNGenerator
from skrnn.onnx import to_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

EACH_DTYPE = pytest.mark.parametrize("dtype", PRECISION)
EACH_CELL = pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
WITH_CLASSES = pytest.mark.parametrize("names", [None, ("left", "middle", "right")])
TOKENS = {"embedding_dim": 3}


def texts(n=30, longest=9):
    rng = np.random.default_rng(1)
    return [rng.choice([1, 7, 8, 2**31, 2**62], rng.integers(1, longest)) for _ in range(n)]


def classes_of(X, names):
    return None if names is None else np.array(names)[np.arange(len(X)) % len(names)]


def fitted(X, y=None, **parameters):
    """A net of other weights than training gives."""
    settings = {"hidden_layer_sizes": (4, 3), "max_iter": 1, "n_components": 3}
    model = shaken(small(RNNGenerator, **settings | parameters).fit(X, y))
    if "embedding_dim" in parameters:
        model.embeddings_[:] = np.random.default_rng(2).normal(size=model.embeddings_.shape)
    return model


def found_by(model, X, y=None, lengths=None):
    """What the exported model says."""
    others = {} if y is None else {"y": np.searchsorted(model.classes_, y)}
    found = run(to_onnx(model), X, lengths, **others)
    assert list(found) == ["log_likelihood"]
    return found["log_likelihood"]


def assert_same(model, X, y=None):
    """Log-likelihoods of an exported model are those of the model."""
    given, lengths = padded(X) if isinstance(X, list) else (X, None)
    expected = model.score_samples(X, y)
    assert len(np.unique(expected.round(3))) > 5
    assert_close(found_by(model, given, y, lengths), expected.astype(model._model.schema.dtype))


@EACH_DTYPE
@WITH_CLASSES
@EACH_CELL
def test_tokens_of_every_cell(cell, names, dtype):
    X = texts()
    y = classes_of(X, names)
    model = fitted(X, y, cell=cell, dtype=dtype, **TOKENS)
    assert_same(model, X, y)
    expected = model.score_samples(X, y).astype(dtype)
    assert_close(found_by(model, padded(X, 0)[0], y), expected)


@EACH_DTYPE
@WITH_CLASSES
@EACH_CELL
def test_numbers_of_every_cell(cell, names, dtype):
    X = [(5.0 * x + 30.0).astype(dtype) for x in ragged(30)]
    y = classes_of(X, names)
    assert_same(fitted(X, y, cell=cell), X, y)


@EACH_DTYPE
@WITH_CLASSES
def test_every_form_of_numbers(names, dtype):
    X = array(n_timesteps=6).astype(dtype)
    y = classes_of(X, names)
    assert_same(fitted(X, y), X, y)
    assert_same(fitted(X, y, standardize=False, n_components=1), X, y)
    rows = X.reshape(40, -1)
    assert_same(fitted(rows, y, n_timesteps=6), rows, y)
    assert_same(fitted(rows, y), rows, y)
    X[::5, 4:] = np.nan  # padding
    assert_same(fitted(X, y), X, y)


@EACH_DTYPE
def test_a_trained_net(dtype):
    X = [(100.0 * x + 7.0).astype(dtype) for x in ragged(60)]
    assert_same(RNNGenerator(hidden_layer_sizes=8, max_iter=20, random_state=0).fit(X), X)


def test_one_token_alone():
    assert_close(*(
        one(fitted([[7], [7, 7], [7, 7, 7]], **TOKENS))
        for one in (
            lambda model: found_by(model, np.array([[7, 0], [7, 7]])),
            lambda model: model.score_samples([[7], [7, 7]]).astype(np.float32),
        )
    ))  # fmt: skip


def test_an_unknown_token_is_impossible():
    model = fitted(texts(), **TOKENS)
    found = found_by(model, np.array([[1, 7, 0], [1, 5, 7], [5, 0, 0]]))
    assert found[0] == pytest.approx(model.score_samples([[1, 7]])[0])
    assert (found[1:] == -np.inf).all()


def test_what_a_model_asks_for():
    X = texts()
    exported = to_onnx(fitted(X, classes_of(X, ("a", "b")), **TOKENS))
    shapes = {one.name: shape_of(one) for one in (*exported.graph.input, *exported.graph.output)}
    assert shapes == {
        "X": ["n_samples", "n_timesteps"],
        "lengths": ["n_samples"],
        "y": ["n_samples"],
        "log_likelihood": ["n_samples"],
    }


def test_a_target_that_is_not_known_is_refused_by_name(monkeypatch):
    from skrnn.onnx import continuations

    model = fitted(texts(), **TOKENS)
    monkeypatch.setattr(continuations, "BEGINNINGS", {})
    with pytest.raises(NotImplementedError, match=r"continuations\.BEGINNINGS has no entry"):
        to_onnx(model)
