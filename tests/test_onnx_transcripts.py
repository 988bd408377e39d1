"""Exported translators say in ONNX Runtime what RNNTranslator says."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from datasets import array, gappy, ragged, small, table
from exporting import PRECISION, assert_close, padded, run, shaken, shape_of
from sklearn.exceptions import ConvergenceWarning

from skrnn import RNNTranslator
from skrnn.onnx import to_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

EACH_DTYPE = pytest.mark.parametrize("dtype", PRECISION)
EACH_CELL = pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
WAYS = pytest.mark.parametrize("bidirectional", [False, True])


def transcripts(X):
    """Labels of the steps of each sequence without repetitions, and with none of some steps."""
    paths = [np.digitize(np.reshape(x, (len(x), -1))[:, 0] % 3.0, [1.0, 2.0]) for x in X]
    return [[("", "ah", "oo")[new] for old, new in pairwise([0, *path]) if new not in (0, old)]
            for path in paths]  # fmt: skip


def fitted(X, decoder, y=None, **parameters):
    """A net of other weights than training gives, whose transcripts differ."""
    settings = {"hidden_layer_sizes": (4, 3), "target_embedding_dim": 3, "max_iter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = small(RNNTranslator, decoder=decoder, **settings | parameters)
        model.fit(X, transcripts(X) if y is None else y)
        for seed in range(100):
            shaken(model, seed)
            if "embedding_dim" in parameters:
                model.embeddings_[:] = np.random.default_rng(2).normal(size=model.embeddings_.shape)
            model.coefs_[-1][:] *= 5.0
            predicted = model.predict(X)
            is_cut = np.array([len(one) == model.max_length_ for one in predicted])
            if len(set(map(tuple, predicted))) > 3 and not is_cut.all():
                return model
    raise AssertionError("No weights give different transcripts.")


def texts(n=20, longest=8):
    rng = np.random.default_rng(1)
    return [rng.choice([1, 7, 8, 2**31, 2**62], rng.integers(1, longest)) for _ in range(n)]


def written(model, numbers):
    """Transcripts of numbers of labels (N, T), which are filled up with -1."""
    for row in numbers:
        n = int(np.argmax(np.append(row, -1) < 0))
        assert (row[n:] == -1).all()
    return [[model.labels_[number] for number in row if number >= 0] for row in numbers]


def assert_same_path(model, X):
    """Transcripts and probabilities of an exported model are those of the model."""
    exported = to_onnx(model)
    given, lengths = padded(X) if isinstance(X, list) else (X, None)
    found = run(exported, given, lengths)
    assert list(found) == ["labels", "probabilities"]
    predicted = model.predict(X)
    assert written(model, found["labels"]) == predicted
    assert len(set(map(tuple, predicted))) > 2
    expected, values = model.step_probabilities(X), found["probabilities"]
    is_there = np.arange(values.shape[1]) < np.array([len(one) for one in expected])[:, np.newaxis]
    assert np.isnan(values[~is_there]).all()
    assert_close(values[is_there], np.concatenate(expected).astype(model._model.schema.dtype))
    return exported


# --- connectionist temporal classification ---------------------------------------------------


@EACH_DTYPE
@WAYS
@EACH_CELL
def test_best_paths_of_every_cell(cell, bidirectional, dtype):
    X = [x.astype(dtype) for x in ragged(20, lengths=(1, 12))]
    model = fitted(X, "ctc", cell=cell, bidirectional=bidirectional)
    exported = assert_same_path(model, X)
    assert {one.name: shape_of(one) for one in exported.graph.output} == {
        "labels": ["n_samples", "n_timesteps"],
        "probabilities": ["n_samples", "n_timesteps", 3],
    }


@EACH_DTYPE
def test_best_paths_of_every_form_of_x(dtype):
    X = array(n_timesteps=6).astype(dtype)
    holed = gappy(X)
    holed[::5, 4:] = np.nan
    assert_same_path(fitted(X, "ctc"), X)
    assert_same_path(fitted(holed, "ctc", y=transcripts(X[:, :4])), holed)
    assert_same_path(fitted(table().astype(dtype), "ctc"), table().astype(dtype))
    rows = X.reshape(40, -1)
    assert_same_path(fitted(rows, "ctc", y=transcripts(X), n_timesteps=6), rows)


@EACH_DTYPE
@WAYS
def test_best_paths_of_tokens(bidirectional, dtype):
    X = texts()
    model = fitted(X, "ctc", embedding_dim=3, bidirectional=bidirectional, dtype=dtype)
    X[0] = np.array([5, 7, 2**63 - 1, 7])  # with two that are unknown
    exported = assert_same_path(model, X)
    found = run(exported, padded(X, 0)[0])
    assert written(model, found["labels"]) == model.predict(X)


def test_paths_with_repetitions_and_blanks():
    """Each path has them, also at its ends, and one has nothing else."""
    X = np.array([[0, 0, 1, 1, 0, 1, 2, 2], [1, 0, 0, 1, 2, 1, 1, 0], [0] * 8], float)
    model = small(RNNTranslator, decoder="ctc", cell="rnn", bidirectional=False, n_timesteps=8)
    model.set_params(standardize=False, activation="relu", hidden_layer_sizes=(3,))
    model.fit(X, [["a", "b"], ["b"], []])
    for weights in (*model.coefs_, *model.intercepts_):
        weights[:] = 0.0
    # Units are x, max(x - 1, 0), and logits of a, b and the blank make the step's number a class.
    model.coefs_[0][:] = [[1.0, 1.0, 0.0]]
    model.intercepts_[0][:] = [0.0, -1.0, 0.0]
    model.coefs_[2][:] = [[4.0, 0.0, 0.0], [-8.0, 9.0, 0.0], [0.0, 0.0, 0.0]]
    model.intercepts_[1][:] = [0.0, 0.0, 2.0]
    assert model.predict(X) == [["a", "a", "b"], ["a", "a", "b", "a"], []]
    found = run(to_onnx(model), X)["labels"]
    np.testing.assert_array_equal(found[:, :4], [[0, 0, 1, -1], [0, 0, 1, 0], [-1] * 4])
    assert (found[:, 4:] == -1).all()


# --- attention -------------------------------------------------------------------------------


def assert_same_writing(model, X):
    """Transcripts of an exported model and their probabilities are those of the model."""
    exported = to_onnx(model)
    given, lengths = padded(X) if isinstance(X, list) else (X, None)
    found = run(exported, given, lengths)
    assert list(found) == ["labels", "log_probability"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of transcripts that are cut
        predicted = model.predict(X)
    assert written(model, found["labels"]) == predicted
    assert len(set(map(tuple, predicted))) > 2
    longest = max(map(len, predicted))
    assert found["labels"].shape[1] == min(longest + 1, model.max_length_)
    best = [of_row[0] for of_row in model.predict_beams(X, n=1)]
    assert [labels for labels, _ in best] == predicted
    expected = np.array([log for _, log in best], model._model.schema.dtype)
    assert_close(found["log_probability"], expected)
    return exported


@EACH_DTYPE
@WAYS
@EACH_CELL
def test_a_decoder_of_every_cell(cell, bidirectional, dtype):
    X = [x.astype(dtype) for x in ragged(20, lengths=(1, 12))]
    model = fitted(X, "attention", cell=cell, bidirectional=bidirectional)
    exported = assert_same_writing(model, X)
    assert {one.name: shape_of(one) for one in exported.graph.output} == {
        "labels": ["n_samples", "n_labels"],
        "log_probability": ["n_samples"],
    }


@EACH_DTYPE
@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_a_decoder_of_every_activation(activation, dtype):
    X = array(n_timesteps=6).astype(dtype)
    assert_same_writing(fitted(X, "attention", cell="rnn", activation=activation), X)


@EACH_DTYPE
def test_a_decoder_of_every_form_of_x(dtype):
    X = array(n_timesteps=6).astype(dtype)
    holed = gappy(X)
    holed[::5, 4:] = np.nan
    assert_same_writing(fitted(X, "attention"), X)
    assert_same_writing(fitted(holed, "attention", y=transcripts(X)), holed)
    assert_same_writing(fitted(table().astype(dtype), "attention"), table().astype(dtype))
    rows = X.reshape(40, -1)
    assert_same_writing(fitted(rows, "attention", y=transcripts(X), n_timesteps=6), rows)


@EACH_DTYPE
@WAYS
def test_a_decoder_of_tokens(bidirectional, dtype):
    X = texts()
    model = fitted(X, "attention", embedding_dim=3, bidirectional=bidirectional, dtype=dtype)
    X[0] = np.array([5, 7, 2**63 - 1, 7])  # with two that are unknown
    assert_same_writing(model, X)


def test_a_transcript_ends_with_its_end_or_is_cut():
    X = ragged(20, lengths=(1, 12))
    model = fitted(X, "attention", max_length=4)
    assert_same_writing(model, X)
    found = run(to_onnx(model), *padded(X))
    assert (found["labels"][:, -1] >= 0).any()
    assert (found["labels"][:, -1] < 0).any()
    model.intercepts_[-1][-1] = 100.0  # nothing but ends
    found = run(to_onnx(model), *padded(X))
    np.testing.assert_array_equal(found["labels"], [[-1]] * 20)
    np.testing.assert_allclose(found["log_probability"], 0.0, atol=1e-9)


def test_a_trained_decoder():
    X = texts(60)
    y = [" ".join("abcde"[np.searchsorted([1, 7, 8, 2**31, 2**62], one)] for one in x) for x in X]
    settings = {"embedding_dim": 4, "target_analyzer": "word", "early_stopping": False}
    model = RNNTranslator(hidden_layer_sizes=8, max_iter=100, random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    found = run(to_onnx(model), *padded(X))
    assert [" ".join(one) for one in written(model, found["labels"])] == model.predict(X)
    expected = [of_row[0][1] for of_row in model.predict_beams(X, n=1)]
    assert_close(found["log_probability"], np.array(expected, np.float32))


@pytest.mark.parametrize("decoder", ["attention", "ctc"])
def test_a_beam_is_refused(decoder):
    model = fitted(table(), decoder, beam_size=3)
    with pytest.raises(ValueError, match=r"no beam search.*beam_size=3.*set_params\(beam_size=1\)"):
        to_onnx(model)
    to_onnx(model.set_params(beam_size=1))
