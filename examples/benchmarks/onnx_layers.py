"""
What do the parts of an exported model cost?
============================================

Times models of skrnn.onnx in ONNX Runtime, by CPU seconds of one thread, turn by turn, and compares
medians: layers as ONNX's operators and as loops, beside ``predict``; then what missing values and a
bag of tokens add. It makes the tables of docs/design.md. Needs ``pip install ".[onnx]"``.

    python examples/benchmarks/onnx_layers.py [--quick]
"""

import sys
import warnings
from statistics import median
from time import process_time

import numpy as np
import onnxruntime
from sklearn.exceptions import ConvergenceWarning

from page import table
from skrnn import RNNClassifier, RNNRegressor
from skrnn.onnx import cells, to_onnx

#: Sequences, steps, features and units.
SHAPES = [(1, 50, 8, 64), (32, 20, 4, 16), (32, 100, 8, 64), (256, 50, 8, 64)]
SETTINGS = {"max_iter": 1, "random_state": 0, "dtype": "float32"}


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content, providers = to_onnx(model).SerializeToString(), ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, options, providers)
    return lambda feed: lambda: session.run(None, feed)


def seconds(call, budget):
    """CPU seconds of a call, the mean of as many as a budget allows."""
    start, n_calls = process_time(), 0
    while process_time() - start < budget or not n_calls:
        call()
        n_calls += 1
    return (process_time() - start) / n_calls


def compare(calls, quick):
    """Median microseconds of each call."""
    n_turns, budget = (1, 1e-4) if quick else (7, 0.05)
    turns = [[seconds(call, budget) for call in calls] for _ in range(n_turns + 1)][1:]
    return [1e6 * median(column) for column in zip(*turns, strict=True)]


def layers(cell, shape, quick):
    """An operator, a loop and `predict` for one layer."""
    n, n_steps, n_features, n_units = shape
    X = np.random.default_rng(0).normal(size=(n, n_steps, n_features)).astype("float32")
    model = RNNRegressor(n_units, cell=cell, linear_path=None, frame_length=1, **SETTINGS)
    model.fit(np.resize(X, (64, *X.shape[1:])), np.arange(64.0))
    as_operator, operators = session_of(model), cells.OPERATORS_IN
    cells.OPERATORS_IN = ()
    as_loop, cells.OPERATORS_IN = session_of(model), operators
    feed = {"X": X}
    return compare([as_operator(feed), as_loop(feed), lambda: model.predict(X)], quick)


def gaps(shape, quick):
    """A model that learnt of gaps, without one and with one."""
    n, n_steps, n_features, n_units = shape
    rng = np.random.default_rng(0)
    X = rng.normal(size=(max(n, 64), n_steps, n_features)).astype("float32")
    X[rng.random(X.shape) < 0.1] = np.nan
    model = RNNRegressor(n_units, linear_path=None, frame_length=1, **SETTINGS)
    run = session_of(model.fit(X, np.arange(float(len(X)))))
    whole = np.nan_to_num(X[:n])
    holed = whole.copy()
    holed[0, n_steps // 2, 0] = np.nan
    return compare([run({"X": whole}), run({"X": holed})], quick)


def documents(n, quick, n_steps=300, n_tokens=20000):
    """A classifier of documents, without a path and with a bag."""
    ids = np.random.default_rng(0).integers(1, n_tokens, (200, n_steps))
    feed, calls = {"X": ids[:n], "lengths": np.zeros(n, np.int64)}, []
    for path in (None, "auto"):
        model = RNNClassifier(8, embedding_dim=8, linear_path=path, **SETTINGS)
        calls.append(session_of(model.fit(ids, ids[:, 0] % 2))(feed))
    return compare(calls, quick)


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    quick = "--quick" in sys.argv
    shapes = SHAPES[:1] if quick else SHAPES
    rows = []
    for cell in ("gru", "lstm", "rnn"):
        for shape in shapes:
            operator, loop, ours = layers(cell, shape, quick)
            ratios = f"{loop / operator:.1f}", f"{ours / operator:.1f}"
            rows.append([cell, str(shape), f"{operator:.0f}", *ratios])
    print(table(["cell", "shape", "operator, us", "loop / it", "predict / it"], rows), "\n")
    rows = [("gap", str(s), *(f"{x:.0f}" for x in gaps(s, quick))) for s in shapes]
    for n in (1,) if quick else (1, 32):
        rows.append(["bag", f"{n} of 300 tokens", *(f"{x:.0f}" for x in documents(n, quick))])
    print(table(["what", "shape", "without, us", "with, us"], rows))


if __name__ == "__main__":
    main()
