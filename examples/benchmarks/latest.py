"""
The latest rows of a series: held out for good, or learnt in the end
====================================================================

Forecasts by the defaults with the last quarter of the training rows held out: once as `X_val`,
which is never learnt, once as `validation_fraction="tail"`, which is learnt when it has said for
how long to train. Trained on the first three fifths of the training rows of some sets of
`accuracy.py` and `sequences.py`, judged on the fifth behind, and the same for four fifths and the
last.

    python examples/benchmarks/latest.py [--sets taylor_1,bike_blocks] [--seeds 2]
        [--output accuracy.md] [--quick]
"""

import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.metrics import root_mean_squared_error
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import TASKS, available, compile_kernels, last_output, save
from page import environment, line, measured_on, read_options, sets_parser, table
from sequences import MADE_UP, SETS
from skrnn import RNNRegressor

USUAL = [
    "taylor_1", "melbourne", "beijing_24h", "goog", "beijing_gap_24h", "beijing_gap_1h",
    "bike_blocks",
]  # fmt: skip
HEADER = ["set", "rows", "held out for good", "learnt in the end", "ratio", "better in", "time"]


def training_rows(name):
    """X and y of a set's training rows, in the order of time."""
    folds = TASKS[name].load().folds if name in TASKS else (SETS | MADE_UP)[name].load()
    return folds[0][:2]


def splits(n):
    """The rows to learn and those behind them."""
    for first in (3, 4):
        end = first * n // 5
        yield slice(0, end), slice(end, (first + 1) * n // 5)


def fit(is_learnt, X, y, seed):
    """A model and the seconds of its fit."""
    model, start = RNNRegressor(random_state=seed), process_time()
    if is_learnt:
        model.set_params(validation_fraction="tail").fit(X, y)
    else:
        n = len(y) - int(np.ceil(len(y) / 4))
        model.fit(X[:n], y[:n], X_val=X[n:], y_val=y[n:])
    return model, process_time() - start


def judge(X, y, seeds):
    """Errors (fits, 2) and seconds, held out for good and learnt in the end."""
    errors, seconds = [], []
    for train, test in splits(len(y)):
        for seed in seeds:
            fits = [fit(is_learnt, X[train], y[train], seed) for is_learnt in (False, True)]
            predicted = [last_output(model.predict(X[test])) for model, _ in fits]
            errors.append([root_mean_squared_error(last_output(y[test]), p) for p in predicted])
            seconds.append([taken for _, taken in fits])
    row = {"rows": len(y), "errors": errors, "seconds": seconds, "seeds": len(seeds)}
    return row | {"environment": environment(["numpy", "scikit-learn", "numba"])}


def ratio(values):
    """The geometric mean of the second over the first."""
    return np.exp(np.diff(np.log(values), axis=1).mean())


def cells(name, row):
    errors = np.array(row["errors"])
    means = [f"{mean:.4g}" for mean in errors.mean(axis=0)]
    better = f"{(errors[:, 1] < errors[:, 0]).sum()} of {len(errors)}"
    ratios = f"{ratio(errors):.3f}", f"{ratio(row['seconds']):.2f}"
    return [name, str(row["rows"]), *means, ratios[0], better, ratios[1]]


def latest_table(results):
    rows = [cells(*item) for item in results.items()]
    means = [
        np.exp(np.mean([np.log(ratio(row[key])) for row in results.values()]))
        for key in ("errors", "seconds")
    ]
    rows.append(["geometric mean", "", "", "", f"{means[0]:.3f}", "", f"{means[1]:.2f}"])
    return "\n".join([table(HEADER, rows), "", measured_on(results.values())])


def main():
    options = read_options(sets_parser(__doc__, USUAL, 2, "a small made-up set"), "made_up")
    print(line(HEADER))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile_kernels()
        for name, row in available(
            options.sets, lambda name: judge(*training_rows(name), options.seeds)
        ):
            print(line(cells(name, row)), flush=True)
            save(options, "latest rows", name, row, latest_table)


if __name__ == "__main__":
    main()
