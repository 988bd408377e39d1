"""Models that were saved by each release, and those of this version, are loaded by this version."""

import doctest
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import outputs
from saving import EACH, MODELS, fitted
from sklearn.base import clone

import skrnn
import skrnn.windows
from skrnn import RNNClassifier, RNNGenerator, RNNRegressor, RNNTranslator
from skrnn.text import SequenceVectorizer
from skrnn.windows import LagLayout, WindowScaledRegressor, make_windows

# NumPy 2 has moved what the pickles of NumPy 1 name, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:numpy.core.numeric is deprecated")

DATA = Path(__file__).parent / "data"
RELEASES = sorted(path.name for path in DATA.iterdir() if path.is_dir() and path.name[0].isdigit())
KINDS = ["table", "ragged", "tokens", "steps", "stream", "transcripts", "names", "movements"]
#: All that ``docs/persistence.md`` says has to be trusted.
TRUSTED = [
    "skrnn.RNNClassifier",
    "skrnn.RNNGenerator",
    "skrnn.RNNRegressor",
    "skrnn.RNNTranslator",
]


def read_table(columns):
    return pd.DataFrame(columns).astype({"color": "category"})


def read_list(sequences):
    return [np.array(x) for x in sequences]


READ = {
    "table": read_table,
    **dict.fromkeys(("ragged", "tokens", "steps", "transcripts", "names", "movements"), read_list),
    "stream": lambda array: np.array(array, dtype=np.float32),
}


def by_pickle(release, kind):
    return pickle.loads((DATA / release / f"{kind}.pkl").read_bytes())


def by_skops(release, kind):
    skops = pytest.importorskip("skops.io")
    path = DATA / release / f"{kind}.skops"
    assert len(skops.get_untrusted_types(file=path)) == 1
    return skops.load(path, trusted=TRUSTED)


def test_models_of_this_release_are_kept():
    assert skrnn.__version__.partition(".dev")[0] in RELEASES


@pytest.mark.parametrize("load", [by_pickle, by_skops])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("release", RELEASES)
def test_a_model_of_a_release_predicts_what_it_did(release, kind, load):
    asked = json.loads((DATA / release / "predictions.json").read_text(encoding="utf-8"))[kind]
    model, X = load(release, kind), READ[kind](asked.pop("X"))
    tolerance = 1e-4 if model._model.theta.dtype == np.float32 else 1e-9
    for method, expected in asked.items():
        found = getattr(model, method)(X)
        assert len(found) == len(expected) == 12
        for one, other in zip(found, expected, strict=True):
            if isinstance(other, str):
                assert one == other
            else:
                np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("release", RELEASES)
def test_a_model_of_a_release_is_a_whole_estimator(release, kind):
    model = by_pickle(release, kind)
    names = set(type(model)().get_params())
    assert set(model.get_params()) == set(clone(model).get_params()) == names
    assert repr(model).startswith(type(model).__name__)
    assert type(model).__name__ in model._repr_html_()
    again = pickle.loads(pickle.dumps(model))
    assert again.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize("release", RELEASES)
def test_a_model_of_a_release_is_trained_on(release):
    model = by_pickle(release, "stream")
    X = np.random.RandomState(0).normal(size=(40, 4, 2)).astype(np.float32)
    y = X[:, :, 0].sum(axis=1)
    before = model.score(X, y)
    for _ in range(50):
        model.partial_fit(X, y)
    assert model.score(X, y) > before


@pytest.mark.parametrize("kind", ["tokens", "transcripts", "names"])
@pytest.mark.parametrize("release", RELEASES)
def test_a_model_of_tokens_goes_on_in_the_precision_it_was_saved_in(release, kind):
    asked = json.loads((DATA / release / "predictions.json").read_text(encoding="utf-8"))[kind]
    model, X = by_pickle(release, kind), read_list(asked["X"])
    before = model._model.theta.copy()
    model.partial_fit(X, asked.get("predict", ["long", "short"] * 6))
    assert model.embeddings_.dtype == before.dtype
    assert np.abs(model._model.theta - before).max() > 0


# --- by which names models are known ---------------------------------------------------------


@EACH
def test_skops_has_to_trust_the_estimator_alone(kind):
    skops = pytest.importorskip("skops.io")
    model, X = fitted(kind), MODELS[kind][1]
    dumped = skops.dumps(model)
    assert skops.get_untrusted_types(data=dumped) == [f"skrnn.{type(model).__name__}"]
    twin = skops.loads(dumped, trusted=TRUSTED)
    np.testing.assert_array_equal(outputs(twin, X), outputs(model, X))
    with pytest.raises(Exception, match="Untrusted types"):
        skops.loads(dumped)


@pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier, RNNTranslator, RNNGenerator])
def test_estimators_are_known_by_their_public_names(Estimator):
    assert f"{Estimator.__module__}.{Estimator.__qualname__}" in TRUSTED
    assert f"skrnn\n{Estimator.__name__}".encode() in pickle.dumps(Estimator, 0)
    assert Estimator()._get_doc_link().endswith(f"/skrnn.{Estimator.__name__}.html")


def test_tools_for_windows_and_text_are_known_by_their_public_names():
    skops = pytest.importorskip("skops.io")
    X, y, _ = make_windows(np.sin(np.arange(60.0)), 6)
    layout = LagLayout(n_series=1).fit(X[:, ::-1, 0])
    windows = WindowScaledRegressor(RNNRegressor(3, max_iter=2, random_state=0))
    vectorizer = SequenceVectorizer().fit(["one word", "two words"])
    for model, names in [
        (layout, ["skrnn.windows.LagLayout"]),
        (vectorizer, ["skrnn.text.SequenceVectorizer"]),
        (windows.fit(X, y), ["skrnn.RNNRegressor", "skrnn.windows.WindowScaledRegressor"]),
    ]:
        dumped = skops.dumps(model)
        assert sorted(skops.get_untrusted_types(data=dumped)) == names
        assert type(skops.loads(dumped, trusted=names)) is type(model)


def test_the_examples_of_estimators_are_run():
    """doctest looks for a class where its module says that it is, and for methods elsewhere."""
    for module, names in [
        (skrnn, ["RNNClassifier", "RNNGenerator", "RNNRegressor", "RNNTranslator"]),
        (skrnn.windows, ["LagLayout", "WindowScaledRegressor"]),
    ]:
        found = {
            one.name.rpartition(".")[2]
            for one in doctest.DocTestFinder().find(module)
            if one.examples
        }
        assert set(names) <= found
        for name in names:
            methods = filter(callable, vars(getattr(module, name)).values())
            assert not any(">>>" in (getattr(one, "__doc__", None) or "") for one in methods)
