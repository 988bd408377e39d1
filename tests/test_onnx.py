"""Exported models say in ONNX Runtime what the estimators say.

Nets get random weights of a good size after a short fit, so that nothing is nearly zero, and no
gate can be taken for another one.
"""

import doctest
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import array, gappy, labels, numbers, ragged, small, table
from exporting import PRECISION, assert_close, padded, run, shaken, shape_of
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrnn import RNNClassifier, RNNRegressor, RNNTranslator
from skrnn.onnx import register_converters, to_onnx

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

EACH_DTYPE = pytest.mark.parametrize("dtype", PRECISION)
EACH_CELL = pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])


def net(Estimator=RNNRegressor, **parameters):
    """A small net alone."""
    return small(Estimator, **{"linear_path": None, "hidden_layer_sizes": (4, 3)} | parameters)


def target_for(Estimator, X):
    return numbers(X) if Estimator is RNNRegressor else labels(X, ("low", "middle", "high"))


def assert_says(found, model, X, lengths=None):
    """Outputs are what the model says of X."""
    said = {"predictions": "predict"}
    if isinstance(model, RNNClassifier):
        said = {"labels": "predict", "probabilities": "predict_proba"}
    assert found.keys() == said.keys()
    for name, method in said.items():
        expected, values = getattr(model, method)(X), found[name]
        if isinstance(expected, list):  # of steps
            is_there = np.arange(values.shape[1]) < lengths[:, np.newaxis]
            assert values.dtype.kind != "f" or np.isnan(values[~is_there]).all()
            expected, values = np.concatenate(expected), values[is_there]
        if name == "labels":
            np.testing.assert_array_equal(values, expected)
        else:
            assert_close(values, expected)


def assert_same(model, X):
    """An exported model says what the model says of X, an array or a list."""
    exported = to_onnx(model)
    given, lengths = padded(X) if isinstance(X, list) else (X, None)
    assert_says(run(exported, given, lengths), model, X, lengths)
    return exported


# --- the network -----------------------------------------------------------------------------


@EACH_DTYPE
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@EACH_CELL
def test_every_cell_and_pooling(cell, pooling, bidirectional, dtype):
    X = [x.astype(dtype) for x in ragged(12)]
    model = net(cell=cell, pooling=pooling, bidirectional=bidirectional, max_iter=1)
    assert_same(shaken(model.fit(X, numbers(X))), X)


@EACH_DTYPE
@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic"])
def test_every_activation(activation, dtype):
    X = array().astype(dtype)
    model = net(cell="rnn", activation=activation, bidirectional=True)
    assert_same(shaken(model.fit(X, numbers(X))), X)


@EACH_CELL
@EACH_DTYPE
def test_tables_of_one_step_and_of_several(cell, dtype):
    X = table().astype(dtype)
    for frame_length in ("auto", 1, 2, 4):
        model = net(cell=cell, bidirectional=True, frame_length=frame_length)
        assert_same(shaken(model.fit(X, numbers(X))), X)


@pytest.mark.parametrize("frame_length", [2, 3, 10])
def test_frames_begin_with_what_there_is(frame_length):
    X = ragged(lengths=(1, 11))
    assert_same(shaken(net(frame_length=frame_length).fit(X, numbers(X))), X)
    X = array(n_timesteps=7)
    assert_same(shaken(net(frame_length=frame_length).fit(X, numbers(X))), X)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@EACH_DTYPE
def test_another_order_of_gates_would_be_seen(cell, dtype, monkeypatch):
    from skrnn.onnx.cells import CELLS

    X = array().astype(dtype)
    model = shaken(net(cell=cell).fit(X, numbers(X)))
    kind = type(model._model.network.chain.layers[0][0].cell)
    written = CELLS[kind]

    def step(g, of_input, *others):
        n = len(written.order)
        first, second, *rest = g.add_many("Split", [of_input], n, axis=1, num_outputs=n)
        swapped = g.add("Concat", second, first, *rest, axis=1)
        return written.step(g, swapped, *others)

    order = (*written.order[1::-1], *written.order[2:])
    monkeypatch.setitem(CELLS, kind, written._replace(order=order, step=step))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(model, X)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("cells", "CELLS"),
        ("poolings", "POOLINGS"),
        ("paths", "PATHS"),
        ("outputs", "TARGETS"),
        ("outputs", "INVERSE_LINKS"),
        ("export", "SOURCES"),
        ("export", "HEADS"),
    ],
)
def test_what_is_not_known_is_refused_by_name(module, name, monkeypatch):
    model = small(RNNRegressor).fit(table(), numbers(table()))
    found = __import__(f"skrnn.onnx.{module}", fromlist=[name])
    monkeypatch.setattr(found, name, {})
    with pytest.raises(NotImplementedError, match=rf"skrnn\.onnx\.{module}\.{name} has no entry"):
        to_onnx(model)


# --- what is predicted -----------------------------------------------------------------------


@EACH_DTYPE
@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize(
    "loss",
    [
        {"loss": "squared_error"},
        {"loss": "absolute_error"},
        {"loss": "huber"},
        {"loss": "poisson"},
        {"loss": "quantile", "quantile": 0.7},
        {"loss": "quantile", "quantile": [0.9, 0.1, 0.5]},
    ],
    ids=lambda loss: "-".join(map(str, loss.values())),
)
def test_every_loss(loss, n_targets, dtype):
    X = array().astype(dtype)
    y = 3.0 + np.abs(100.0 * X[:, :n_targets, 0])
    model = net(**loss).fit(X, y[:, 0] if n_targets == 1 else y)
    assert_same(shaken(model), X)
    model.set_params(linear_path="auto").fit(X, y[:, 0] if n_targets == 1 else y)
    assert_same(model, X)


def test_levels_that_cross_are_sorted():
    X = array()
    model = shaken(net(loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(X, numbers(X)))
    raw = model._model.raw_predict(model._model.schema.read(X))
    assert (np.diff(raw, axis=1) < 0).any()
    assert_same(model, X)


@EACH_DTYPE
@pytest.mark.parametrize(
    "names", [("no", "yes"), ("a", "b", "c"), (4, 9), (-1, 2, 7), (False, True), (1.0, 2.0, 5.0)]
)
def test_labels_and_probabilities(names, dtype):
    X = array().astype(dtype)
    model = net(RNNClassifier).fit(X, labels(X, names))
    exported = assert_same(shaken(model), X)
    assert exported.graph.output[0].type.tensor_type.elem_type == (
        onnx.TensorProto.STRING if isinstance(names[0], str) else onnx.TensorProto.INT64
    )


@EACH_DTYPE
def test_indicators(dtype):
    X = array().astype(dtype)
    y = np.column_stack([X[:, 0, 0] > 0, X[:, 1, 0] > 0, X[:, :, 1].sum(axis=1) > 0])
    assert_same(shaken(net(RNNClassifier).fit(X, y.astype(int))), X)


@pytest.mark.parametrize(
    "classes",
    [np.array(["2024-01-01", "2024-07-01"], "M8[D]"), np.array([3, 2**63 + 1], np.uint64)],
    ids=["dates", "too large"],
)
def test_classes_that_onnx_has_no_type_for_are_refused(classes):
    X = table()
    model = net(RNNClassifier).fit(X, classes[(numbers(X) > 0).astype(int)])
    with pytest.raises(ValueError, match=r"classes of this model are \[.*LabelEncoder"):
        to_onnx(model)


@BOTH
@EACH_DTYPE
def test_with_all_defaults(Estimator, dtype):
    """Scales, the path and a net in its share, on targets and columns far from zero."""
    for X in (table(80), array(80), array(80, n_timesteps=40, n_features=1)):
        X = (1000.0 + 30.0 * X).astype(dtype)
        y = target_for(Estimator, X + np.abs(X - 1000.0))
        model = Estimator(8, max_iter=20, random_state=0).fit(X, y)
        assert_same(model, X)


# --- forms of X ------------------------------------------------------------------------------


@EACH_DTYPE
@pytest.mark.parametrize("linear_path", ["auto", 2])
def test_the_path_sees_the_last_steps(linear_path, dtype):
    X = [x.astype(dtype) for x in ragged(60)]
    model = small(linear_path=linear_path, Estimator=RNNRegressor).fit(X, numbers(X))
    assert_same(shaken(model), X)
    X = table().astype(dtype)
    assert_same(small(RNNRegressor, linear_path=linear_path).fit(X, numbers(X)), X)


@EACH_DTYPE
@pytest.mark.parametrize("form", [table, array, ragged])
def test_numbers_beyond_the_limits_of_the_path(form, dtype):
    X = form()
    model = small(RNNRegressor, dtype=dtype).fit(X, numbers(X))
    far = [
        np.where(x > 0.5, x + 3.0, np.where(x < -1.0, x - 300.0, x)).astype(dtype) for x in X[:9]
    ]
    assert_same(model, far if isinstance(X, list) else np.array(far))


@EACH_DTYPE
@pytest.mark.parametrize("bidirectional", [False, True])
@BOTH
def test_an_answer_for_each_step(Estimator, bidirectional, dtype):
    X = [x.astype(dtype) for x in ragged(60)]
    y = [target_for(Estimator, x[:, np.newaxis]) for x in X]
    settings = {"return_sequences": True, "bidirectional": bidirectional}
    for linear_path in (None, "auto", 3):
        model = small(Estimator, **settings, linear_path=linear_path).fit(X, y)
        assert_same(shaken(model), X)


def test_answers_of_arrays_rows_and_levels():
    X = array(n_timesteps=5)
    for y in (X[..., 0], X):
        settings = {"loss": "quantile", "quantile": [0.2, 0.8], "return_sequences": True}
        model = net(**settings).fit(X, y)
        assert_same(shaken(model), X)
    rows = X[..., 0].copy()
    assert_same(net(return_sequences=True).fit(rows, rows), rows)
    model = net(return_sequences=True, n_timesteps=5).fit(X.reshape(40, -1), X[..., 0])
    assert_same(model, X.reshape(40, -1))


@EACH_DTYPE
def test_padding_of_an_array_is_found_without_lengths(dtype):
    X = [x.astype(dtype) for x in ragged()]
    model = shaken(small(RNNRegressor).fit(X, numbers(X)))
    filled, lengths = padded(X, np.nan)
    exported = to_onnx(model)
    assert_says(run(exported, filled), model, X)
    some = np.where(np.arange(len(X)) % 2, lengths, 0)  # both kinds in one call
    assert_says(run(exported, filled, some), model, X)
    filled[3] = np.nan
    filled[4, 1:] = np.nan
    assert_says(run(exported, filled), model, filled)


def test_flat_rows():
    X = array(n_timesteps=4).reshape(40, -1)
    model = shaken(small(RNNRegressor, n_timesteps=4).fit(X, numbers(X)))
    exported = assert_same(model, X)
    assert [one.name for one in exported.graph.input] == ["X"]
    X[::3, -2:] = np.nan  # a step of padding
    X[::4, 1] = np.nan
    assert_same(model, X)


# --- missing values and categories -----------------------------------------------------------


@EACH_DTYPE
@pytest.mark.parametrize("linear_path", [None, "auto"])
def test_missing_values_of_a_table(linear_path, dtype):
    X = gappy(table(60)).astype(dtype)
    X[:, 2] = table(60)[:, 2]  # no gaps in fit
    y = numbers(table(60))
    for frame_length in ("auto", 1, 3):
        model = small(RNNRegressor, linear_path=linear_path, frame_length=frame_length).fit(X, y)
        X_new = X.copy()
        X_new[::2, 2] = np.nan
        X_new[0] = np.nan
        assert_same(shaken(model), X_new)


@EACH_DTYPE
@pytest.mark.parametrize("linear_path", [None, "auto"])
@pytest.mark.parametrize("of_fit", ["gaps", "no gaps", "gaps in one feature"])
def test_missing_values_of_sequences(of_fit, linear_path, dtype):
    X = ragged(60, n_features=3)
    holed = [x.astype(dtype) for x in gappy(X, 0.4)]
    fitted_on = [x.astype(dtype) for x in X] if of_fit == "no gaps" else holed
    if of_fit == "gaps in one feature":
        fitted_on = [np.c_[x[:, :1].astype(dtype), h[:, 1:2], x[:, 2:].astype(dtype)]
                     for x, h in zip(X, holed, strict=True)]  # fmt: skip
    model = small(RNNRegressor, linear_path=linear_path).fit(fitted_on, numbers(X))
    holed[0][-1] = holed[1][:] = np.nan  # with lengths they are steps, not padding
    assert_same(shaken(model), holed)
    assert_same(model, [x.astype(dtype) for x in X])
    steps = net(return_sequences=True, linear_path=linear_path)
    steps.fit(fitted_on, [x[:, 0] for x in X])
    assert_same(shaken(steps), holed)


@EACH_DTYPE
def test_categories_that_are_numbers(dtype):
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=600), rng.integers(0, 300, 600), rng.integers(3, 6, 600)]
    X[::7, 2] = np.nan
    X[::5, 0] = np.nan
    X, y = X.astype(dtype), rng.normal(size=600)
    model = small(RNNRegressor, categorical_features=[1, 2]).fit(X, y)
    assert model._model.schema.categories[0].others
    X[:20, 1:] = rng.integers(2, 400, (20, 2))  # some of them unknown
    X[20:25, 1] = np.nan
    assert_same(shaken(model), X)


def test_categories_that_are_text_are_refused():
    X = pd.DataFrame({"size": numbers(table()), "town": labels(table(), ("here", "there"))})
    X["town"] = X["town"].astype("category")
    model = small(RNNRegressor).fit(X, X["size"])
    with pytest.raises(ValueError, match=r"column 1 \('town'\) of X are text, such as 'here'.*"):
        to_onnx(model)


def test_categories_that_a_precision_cannot_tell_apart_are_refused():
    X = np.c_[np.arange(40.0), 2**24 + np.arange(40) % 2]
    model = small(RNNRegressor, categorical_features=[1], dtype="float32").fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"column 1 of X are numbers too large for float32"):
        to_onnx(model)


# --- tokens ----------------------------------------------------------------------------------

IDS = np.array([1, 7, 8, 2**31, 2**40, 2**62, 2**63 - 1])


def texts(n=60, longest=9):
    rng = np.random.default_rng(1)
    return [rng.choice(IDS[:6], rng.integers(1, longest)) for _ in range(n)]


@EACH_DTYPE
@pytest.mark.parametrize("linear_path", [None, "auto", 3])
@BOTH
def test_tokens(Estimator, linear_path, dtype):
    X = texts()
    y = np.array([float((x == 7).sum() - (x == 8).sum()) for x in X])
    y = y if Estimator is RNNRegressor else np.where(y > 0, "more", "less")
    settings = {"embedding_dim": 3, "dtype": dtype, "linear_path": linear_path}
    model = shaken(small(Estimator, **settings).fit(X, y))
    model.embeddings_[:] = np.random.default_rng(2).normal(size=model.embeddings_.shape)
    X[0] = np.array([5, 7, 2**63 - 1, 7])  # with two that are unknown
    X[1] = np.array([5])
    exported = assert_same(model, X)
    assert_says(run(exported, padded(X, 0)[0]), model, X)


@EACH_DTYPE
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_label_for_each_token(bidirectional, dtype):
    X = texts()
    y = [np.where(np.roll(x, 1) > 7, "big", "small") for x in X]
    settings = {"embedding_dim": 3, "return_sequences": True, "bidirectional": bidirectional}
    model = shaken(small(RNNClassifier, **settings, dtype=dtype).fit(X, y))
    assert model._model.path is not None
    X[0] = np.array([5, 7, 2**63 - 1, 7])
    assert_same(model, X)


# --- the model as a file ---------------------------------------------------------------------


def test_what_a_model_says_of_itself():
    X = ragged()
    exported = to_onnx(net(RNNClassifier, return_sequences=True).fit(X, [x > 0 for x in
        [x[:, 0] for x in X]]))  # fmt: skip
    assert (exported.producer_name, exported.ir_version) == ("skrnn", 8)
    assert re.match(r"\d+\.\d+", exported.producer_version)
    assert exported.doc_string.startswith("RNNClassifier of skrnn: gru of 4, 3 units")
    shapes = {one.name: shape_of(one) for one in (*exported.graph.input, *exported.graph.output)}
    assert shapes == {
        "X": ["n_samples", "n_timesteps", 2],
        "lengths": ["n_samples"],
        "labels": ["n_samples", "n_timesteps"],
        "probabilities": ["n_samples", "n_timesteps", 2],
    }
    inferred = onnx.shape_inference.infer_shapes(exported, check_type=True, strict_mode=True)
    assert [shape_of(one) for one in inferred.graph.output] == [shapes["labels"],
        shapes["probabilities"]]  # fmt: skip


def test_another_implementation_of_the_operators():
    """ONNX has one in Python, which is no part of ONNX Runtime."""
    from onnx.reference import ReferenceEvaluator

    X = gappy(array(n_timesteps=6))
    model = shaken(small(RNNRegressor, cell="lstm", pooling="attention").fit(X, numbers(array())))
    (found,) = ReferenceEvaluator(to_onnx(model)).run(None, {"X": X})
    assert_close(found, model.predict(X))
    X = texts()  # in double precision, because this GRU of single precision reads no lengths
    model = small(RNNClassifier, embedding_dim=3, dtype="float64").fit(X, [7 in x for x in X])
    ids, lengths = padded(X)
    found = ReferenceEvaluator(to_onnx(model)).run(None, {"X": ids, "lengths": lengths})
    assert_close(found[1], model.predict_proba(X))


def test_versions_of_the_operators():
    X = gappy(array())
    model = shaken(small(RNNRegressor).fit(X, numbers(array())))
    for opset in (18, 21):
        exported = to_onnx(model, opset=opset)
        assert exported.opset_import[0].version == opset
        assert_says(run(exported, X), model, X)


def test_a_model_is_the_same_each_time():
    model = small(RNNRegressor).fit(table(), numbers(table()))
    first, second = (to_onnx(model).SerializeToString() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("opset", [17, 10**6, 18.0, "18"])
def test_versions_that_there_are_not(opset):
    model = small(RNNRegressor).fit(table(), numbers(table()))
    with pytest.raises(ValueError, match=r"opset must be a whole number from 18 to \d+"):
        to_onnx(model, opset=opset)


def test_what_cannot_be_exported():
    with pytest.raises(NotFittedError):
        to_onnx(RNNRegressor())
    with pytest.raises(TypeError, match=r"got Pipeline.*register_converters\(\)"):
        to_onnx(make_pipeline(StandardScaler(), RNNRegressor()))
    with pytest.raises(TypeError, match=r"got Ridge\. For a Pipeline"):
        to_onnx(Ridge())


def test_without_the_packages(monkeypatch):
    model = small(RNNRegressor).fit(table(), numbers(table()))
    for package, call in (("onnx", partial(to_onnx, model)), ("skl2onnx", register_converters)):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(
            ImportError, match=rf'package {package}, .* pip install "skrnn\[onnx\]"'
        ):
            call()


# --- skl2onnx --------------------------------------------------------------------------------


def mixed(n=80):
    """A table with text in it."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    return X.assign(town=rng.choice(["north", "south", "west"], n))


def pipeline_of(Estimator, **parameters):
    columns = make_column_transformer(
        (StandardScaler(), ["a", "b", "c"]), (OneHotEncoder(sparse_output=False), ["town"])
    )
    return make_pipeline(columns, small(Estimator, **parameters))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@BOTH
def test_a_whole_pipeline(Estimator):
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    X = mixed()
    y = X["a"] * np.where(X["town"] == "west", 3.0, 1.0)
    y = y if Estimator is RNNRegressor else np.where(y > 0, "up", "down")
    pipeline = pipeline_of(Estimator, dtype="float32").fit(X, y)
    register_converters()
    types = [(name, FloatTensorType([None, 1])) for name in "abc"]
    types.append(("town", StringTensorType([None, 1])))
    options = {"zipmap": False} if Estimator is RNNClassifier else None
    exported = skl2onnx.to_onnx(pipeline, initial_types=types, options=options)
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    feed = {name: X[[name]].to_numpy(np.float32) for name in "abc"}
    found = session.run(None, feed | {"town": X[["town"]].to_numpy()})
    expected = pipeline.predict(X)
    if Estimator is RNNRegressor:
        assert found[0].shape == (80, 1)
        np.testing.assert_allclose(found[0][:, 0], expected, rtol=1e-4, atol=1e-5)
    else:
        np.testing.assert_array_equal(found[0], expected)
        np.testing.assert_allclose(found[1], pipeline.predict_proba(X), rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nets_on_their_own_and_of_several_outputs(dtype):
    register_converters()
    X = table().astype(dtype)
    for y in (numbers(X), X[:, :2]):
        model = shaken(small(RNNRegressor).fit(X, y))
        exported = skl2onnx.to_onnx(model, X[:1])
        (found,) = run(exported, X).values()
        assert_close(found, model.predict(X).reshape(40, -1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    "around",
    [
        partial(GridSearchCV, param_grid={"cell": ["rnn", "gru"]}, cv=2),
        partial(BaggingRegressor, n_estimators=2, random_state=0),
        lambda one: StackingRegressor([("net", one), ("ridge", Ridge())], cv=2),
    ],
    ids=["search", "bagging", "stacking"],
)
def test_nets_in_other_estimators(around):
    register_converters()
    X = table().astype(np.float32)
    model = around(small(RNNRegressor)).fit(X, numbers(X))
    (found,) = run(skl2onnx.to_onnx(model, X[:1]), X).values()
    np.testing.assert_allclose(found[:, 0], model.predict(X), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_sequences_and_tokens_by_skl2onnx():
    from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType

    register_converters()
    X = gappy(array(n_timesteps=6))
    X[::5, 4:] = np.nan
    for y, settings in ((numbers(array()), {}), (array(n_timesteps=6), {"return_sequences": True})):
        model = shaken(small(RNNRegressor, **settings).fit(array(n_timesteps=6), y))
        types = [("X", DoubleTensorType([None, None, 2]))]
        (found,) = run(skl2onnx.to_onnx(model, initial_types=types), X).values()
        whole = np.arange(40) % 5 > 0
        expected = np.stack(list(model.predict(X[whole])))
        assert_close(found[whole], expected.reshape(found[whole].shape))
    X = texts()
    model = small(RNNClassifier, embedding_dim=3).fit(X, [7 in x for x in X])
    types = [("ids", Int64TensorType([None, None]))]
    exported = skl2onnx.to_onnx(model, initial_types=types, options={"zipmap": False})
    found = run(exported, padded(X, 0)[0])["probabilities"]
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_rows_with_gaps_by_skl2onnx():
    """Loops and branches stay whole among the nodes of others."""
    register_converters()
    X = gappy(array(n_timesteps=6)).reshape(40, -1)
    pipeline = make_pipeline(StandardScaler(), small(RNNRegressor, n_timesteps=6))
    pipeline.fit(X, numbers(array()))
    (found,) = run(skl2onnx.to_onnx(pipeline, X[:1]), X).values()
    assert_close(found[:, 0], pipeline.predict(X))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_classes_in_dicts_and_operators_that_are_too_old():
    register_converters()
    X = table().astype(np.float32)
    model = small(RNNClassifier).fit(X, labels(X, (3, 5, 6)))
    found = run(skl2onnx.to_onnx(model, X[:1]), X)
    rows = pd.DataFrame(found["output_probability"])[[3, 5, 6]]
    np.testing.assert_allclose(rows, model.predict_proba(X), rtol=1e-5, atol=1e-7)
    with pytest.raises(ValueError, match=r"version 18 and newer, got target_opset=15"):
        skl2onnx.to_onnx(model, X[:1], target_opset=15)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_skl2onnx_has_no_outputs_for_is_refused():
    register_converters()
    X = table().astype(np.float32)
    pipeline = make_pipeline(StandardScaler(), small(RNNTranslator, decoder="ctc"))
    pipeline.fit(X, [["a"]] * 40)
    with pytest.raises(ValueError, match=r"RNNTranslator is none.*skrnn\.onnx\.to_onnx\(pipeline"):
        skl2onnx.to_onnx(pipeline, X[:1])


# --- documentation ---------------------------------------------------------------------------


def test_the_guide():
    path = Path(__file__).parents[1] / "docs" / "onnx.md"
    blocks = re.findall(r"^```pycon\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, path.name, str(path), 0)
    report = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.DocTestRunner(optionflags=flags).run(test, out=report.append)
    assert results.attempted > 10
    assert not results.failed, "".join(report)
