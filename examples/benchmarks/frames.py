"""
Frames: how many observations a step holds
==========================================

Fits defaults on the sequence sets of `accuracy.py` with one parameter changed, `frame_length`: 1,
2, 4, 8, 16, a whole sequence, and what "auto" makes of the set. Scores are those of validation
folds of the training rows, cut as in `defaults_study.py`; no test row is touched.

    python examples/benchmarks/frames.py [--sets goog,tecator] [--seeds 1] [--output accuracy.md]
        [--quick]

`--output` writes the table into that page, between its markers, and all numbers into a JSON file
beside it, where runs of other sets add up.
"""

import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import TABLES, TASKS, compile_kernels, fit_skrnn, loaded, save, score, show
from defaults_study import folds_of, take
from page import environment, line, measured_on, read_options, sets_parser, table
from skrnn import RNNClassifier, RNNRegressor

LENGTHS = {"1": 1, "2": 2, "4": 4, "8": 8, "16": 16, "all": 10**6}
SETS = [name for name in TASKS if name not in TABLES or name == "digits"]  # digits: rows of pixels


def measure(data, frame_length, seeds):
    """Mean score over folds and seeds, and median seconds of a fit."""
    X, y, *_ = data.folds[0]
    scores, seconds = [], []
    for seed in seeds:
        for train, held_out in folds_of(data):
            start = process_time()
            model = fit_skrnn(data, take(X, train), y[train], seed, frame_length=frame_length)
            seconds.append(process_time() - start)
            scores.append(score(data.metric, y[held_out], model.predict(take(X, held_out))))
    mean, middle = float(np.mean(scores)), float(np.median(seconds))
    return {"scores": scores, "mean": mean, "seconds": middle}


def automatic(data):
    """The frame length that the default takes."""
    X, y, *_ = data.folds[0]
    estimator = RNNClassifier if data.metric == "accuracy" else RNNRegressor
    quick = {"max_iter": 1, "early_stopping": False, "linear_path": None}
    return estimator(**quick).fit(X, y).frame_length_


def judge(data, seeds):
    """All frame lengths that are shorter than the sequences, and the default's."""
    lengths = [len(x) for x in data.folds[0][0]]
    row = {"metric": data.metric, "seeds": len(seeds), "mean length": float(np.mean(lengths))}
    row |= {"environment": environment(["numpy", "scikit-learn", "numba"])}
    tried = {n: k for n, k in LENGTHS.items() if n == "all" or k < max(lengths)}
    auto = row["auto"] = str(automatic(data))
    for name, frame_length in (tried | {auto: int(auto)}).items():
        row[name] = measure(data, frame_length, seeds)
    return row


HEADER = ["set, steps", *LENGTHS, "auto"]


def cells(name, row):
    """Score and seconds of each frame length, and again those of the length that "auto" took."""

    def shown(length):
        found = row.get(length)
        return f"{show(row['metric'], found['mean'])} ({found['seconds']:.2g})" if found else "-"

    columns = [shown(length) for length in LENGTHS]
    first = f"{name}, {row['metric']}, {row['mean length']:.0f}"
    return [first, *columns, f"{row['auto']}: {shown(row['auto'])}"]


def frames_table(results):
    known = {name: results[name] for name in TASKS if name in results}
    rows = [cells(name, row) for name, row in known.items()]
    return "\n".join([table(HEADER, rows), "", measured_on(known.values())])


def main():
    parser = sets_parser(__doc__, SETS, 1, "one small table: does it run?")
    options = read_options(parser, "wine")
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(line(HEADER))
    with threadpool_limits(1):
        compile_kernels()
        for name, data in loaded(options.sets):
            row = judge(data, options.seeds)
            print(line(cells(name, row)), flush=True)
            save(options, "frames", name, row, frames_table)


if __name__ == "__main__":
    main()
