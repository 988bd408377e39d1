"""
What does one more step of a stream cost?
=========================================

Times ``predict_step`` of one stream beside ``predict`` of one row of one step and of thirty, some
calls in a row and turn by turn; medians in microseconds a call. "checks" is what it takes to read
the step and to look at the state. The aims: under 20 us a call for 64 GRU units, of which checks 3.

    python examples/benchmarks/streams.py [--quick]
"""

import sys
import warnings
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from page import environment, table
from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.checks import STREAMS, require_finite_output
from skrnn.data.streams import read_step

IN_A_ROW = 100
HEADER = ["64 GRU units, one stream", "predict_step", "checks", "predict, 1 step", "30 steps"]
HEADER += ["predict_step, 100 streams"]


def cases():
    """Name and unfitted estimator."""
    settings = {"max_iter": 3, "frame_length": 1, "random_state": 0}
    for dtype in ("float32", "float64"):
        for path in ("auto", None):
            name = f"regressor, {dtype}, {'no path' if path is None else 'path'}"
            yield name, RNNRegressor(dtype=dtype, linear_path=path, **settings)
    yield "classifier, float64", RNNClassifier(dtype="float64", **settings)
    yield "regressor, float64, frames of 3", RNNRegressor(**settings | {"frame_length": 3})
    yield "regressor, two layers", RNNRegressor((64, 64), dtype="float64", **settings)


def seconds(run):
    """Of one call, of so many in a row."""
    start = perf_counter()
    for _ in range(IN_A_ROW):
        run()
    return (perf_counter() - start) / IN_A_ROW


def check(streams, x, state, raw):
    """What a call looks at, besides its work."""
    read = read_step(x, streams.schema)
    streams._checked(state, len(read))
    require_finite_output(raw, of=STREAMS)


def compare(model, rounds):
    """Median microseconds of all columns."""
    X = np.random.default_rng(0).normal(size=(100, 30, 8))
    y = X[:, 0, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y > 0 if isinstance(model, RNNClassifier) else y)
    X = X.astype(model._model.schema.dtype)
    state, states = model.predict_step(X[:1, 0])[1], model.predict_step(X[:, 0])[1]
    streams = model._model.streams(anew=False)
    raw, _ = streams.step(X[:1, 1], state)
    runs = [
        lambda: model.predict_step(X[:1, 1], state),
        lambda: check(streams, X[:1, 1], state, raw),
        lambda: model.predict(X[:1, :1]),
        lambda: model.predict(X[:1]),
        lambda: model.predict_step(X[:, 1], states),
    ]
    times = [[seconds(run) for run in runs] for _ in range(rounds)]
    return [1e6 * median(column) for column in zip(*times, strict=True)]


def main():
    rounds = 2 if "--quick" in sys.argv else 101
    rows = [[name, *(f"{t:.3g}" for t in compare(model, rounds))] for name, model in cases()]
    print(table(HEADER, rows))
    print(f"\nMeasured on {environment(('numpy', 'numba'))}.")


if __name__ == "__main__":
    main()
