"""Save the models that every later version of skrnn has to load.

Run it once before a release, with the oldest supported dependencies, because NumPy 1 cannot load
the pickles of NumPy 2::

    python tests/data/make_models.py

It writes a folder named by the version: of each kind a pickle and a file of skops, and
``predictions.json`` with what the model is asked and what it answers. The folders of earlier
releases stay as they are.
"""

import json
import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.exceptions import ConvergenceWarning

import skrnn
from skrnn import RNNClassifier, RNNGenerator, RNNRegressor, RNNTranslator

FOLDER = Path(__file__).parent / skrnn.__version__
SETTINGS = {"hidden_layer_sizes": 3, "max_iter": 20, "random_state": 0}


def table(random):
    """Numbers with gaps, and categories, one of which is missing at times."""
    numbers = random.normal(size=(40, 3))
    numbers[random.random_sample((40, 3)) < 0.15] = np.nan
    X = pd.DataFrame(numbers, columns=["height", "width", "depth"])
    colors = np.array(["blue", "green", "red", None], dtype=object)[random.randint(4, size=40)]
    X["color"] = pd.Categorical(colors)
    y = np.nansum(numbers, axis=1) + 2.0 * (colors == "red") + 10.0
    plain = {name: [None if pd.isna(x) else x for x in X[name]] for name in X}
    return RNNRegressor(**SETTINGS).fit(X, y), X, plain


def ragged(random):
    """Sequences of any length, of three classes."""
    X = [random.normal(size=(random.randint(2, 8), 2)) for _ in range(45)]
    y = np.array(["falls", "rests", "rises"])[np.digitize([x[:, 0].sum() for x in X], [-1, 1])]
    model = RNNClassifier(**SETTINGS, cell="lstm", bidirectional=True, pooling="attention")
    return model.fit(X, y), X, [x.tolist() for x in X]


def tokens(random):
    """Sequences of token ids."""
    X = [random.choice([2, 3, 5, 70000], size=random.randint(2, 7)) for _ in range(40)]
    y = [int((x == 5).sum() > 1) for x in X]
    return RNNClassifier(**SETTINGS, embedding_dim=2).fit(X, y), X, [x.tolist() for x in X]


def steps(random):
    """A target for each step."""
    X = [random.normal(size=(random.randint(2, 8), 2)) for _ in range(40)]
    y = [np.cumsum(x[:, 0]) for x in X]
    model = RNNRegressor(**SETTINGS, return_sequences=True)
    return model.fit(X, y), X, [x.tolist() for x in X]


def stream(random):
    """A model that partial_fit trains on, with the state of its optimiser; in single precision."""
    X = random.normal(size=(40, 4, 2)).astype(np.float32)
    model = RNNRegressor(**SETTINGS, cell="rnn", loss="quantile", quantile=[0.1, 0.9])
    for _ in range(20):
        model.partial_fit(X, X[:, :, 0].sum(axis=1))
    return model, X, X.tolist()


def transcripts(random):
    """Words of sequences of tokens, by attention."""
    X = [random.randint(1, 4, size=random.randint(1, 4)) for _ in range(40)]
    y = ["".join("abc"[token - 1] for token in x) for x in X]
    model = RNNTranslator(
        **SETTINGS, embedding_dim=2, target_embedding_dim=2, target_analyzer="char", beam_size=2
    )
    return model.fit(X, y), X, [x.tolist() for x in X]


def names(random):
    """A density of sequences of token ids, of two classes."""
    X = [random.choice([2, 3, 70000], size=random.randint(1, 5)) for _ in range(40)]
    y = ["short" if len(x) < 3 else "long" for x in X]
    return RNNGenerator(**SETTINGS, embedding_dim=2).fit(X, y), X, [x.tolist() for x in X]


def movements(random):
    """A density of sequences of numbers."""
    X = [random.normal(size=(random.randint(2, 8), 2)).cumsum(axis=0) for _ in range(40)]
    return RNNGenerator(**SETTINGS, n_components=2).fit(X), X, [x.tolist() for x in X]


def answers(model, X):
    """What a model says of X, as lists."""
    if isinstance(model, RNNGenerator):
        return {"score_samples": model.score_samples(X).tolist()}
    said = {"predict": model.predict(X)}
    if isinstance(model, RNNClassifier):
        said["predict_proba"] = model.predict_proba(X)
    return {name: [np.asarray(one).tolist() for one in found] for name, found in said.items()}


def main():
    FOLDER.mkdir(exist_ok=True)
    predictions = {}
    for make in (table, ragged, tokens, steps, stream, transcripts, names, movements):
        kind = make.__name__
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model, X, plain = make(np.random.RandomState(0))
        (FOLDER / f"{kind}.pkl").write_bytes(pickle.dumps(model, protocol=5))
        skops.io.dump(model, FOLDER / f"{kind}.skops", compression=zipfile.ZIP_DEFLATED)
        few = (
            {name: column[:12] for name, column in plain.items()} if kind == "table" else plain[:12]
        )
        predictions[kind] = {"X": few, **answers(model, X[:12])}
    text = json.dumps(predictions, indent=1)
    (FOLDER / "predictions.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
