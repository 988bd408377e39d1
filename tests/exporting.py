"""Exported models in ONNX Runtime, and how near their numbers have to be."""

import numpy as np

#: Relative differences that there may be.
PRECISION = {"float32": 1e-5, "float64": 1e-9}


def shaken(model, seed=5):
    """A fitted model with other weights."""
    rng = np.random.default_rng(seed)
    for weights in (*model.coefs_, *model.intercepts_):
        weights[:] = rng.normal(scale=0.7, size=weights.shape)
    return model


def padded(X, filling=None):
    """A list of sequences as one array, filled up with what must not count, and their lengths."""
    lengths, dtype = np.array([len(x) for x in X]), X[0].dtype
    if filling is None:
        filling = np.inf if dtype.kind == "f" else 7
    found = np.full((len(X), lengths.max(), *X[0].shape[1:]), filling, dtype)
    for row, x in zip(found, X, strict=True):
        row[: len(x)] = x
    return found, lengths


def run(exported, X, lengths=None, **others):
    """All outputs of ONNX Runtime by name, of the inputs by name."""
    import onnxruntime

    content, providers = exported.SerializeToString(), ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, providers=providers)
    names = [one.name for one in exported.graph.input]
    feed = {names[0]: X, **others}
    if "lengths" in names:
        feed["lengths"] = np.zeros(len(X), np.int64) if lengths is None else lengths
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(None, feed), strict=True))


def assert_close(found, expected):
    """Numbers are the same but for rounding."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    rtol = PRECISION[expected.dtype.name]
    np.testing.assert_allclose(found, expected, rtol, atol=rtol * np.abs(expected).max())


def shape_of(value):
    """Lengths or names of the axes of an input or output."""
    return [one.dim_param or one.dim_value for one in value.type.tensor_type.shape.dim]
