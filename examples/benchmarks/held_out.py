"""
Held-out rows: learnt in the end, or never
==========================================

The defaults hold a quarter of the rows out, and learn all rows for a little longer when these have
decided. `warm_start=True` is the same without that end. Both are fitted to the training rows of
some sets of `accuracy.py`, `sequences.py` and `tables.py`: of forecasts to the first three fifths,
and judged on the fifth behind, and to four fifths, and judged on the last; of the others in three
folds.

    python examples/benchmarks/held_out.py [--sets taylor_1,boston] [--seeds 2]
        [--output accuracy.md] [--quick]
"""

import sys
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold

sys.path.insert(0, str(Path(__file__).parent))
import tables
from accuracy import TASKS, judge_sets, last_output
from curves import loss_of
from defaults_study import take
from page import environment, line, measured_on, read_options, sets_parser, table
from sequences import MADE_UP, SETS
from tables import OF_CLASSES, OTHERS, TABLES

FORECASTS = [
    "taylor_1", "taylor_day", "melbourne", "beijing_24h", "goog", "beijing_gap_24h",
    "beijing_gap_1h", "bike_blocks",
]  # fmt: skip
SEQUENCES = [
    "japanese_vowels", "italy_power", "basic_motions", "gesture_pebble_z1", "splice_dna",
    "ecg5000", "tecator", "digits",
]  # fmt: skip
USUAL = FORECASTS + SEQUENCES + [name for name in TABLES | OTHERS if name != "diamonds"]
HEADER = ["set", "rows", "never learnt", "learnt in the end", "ratio", "better in", "time"]
#: A mean error that moves by less is the same.
SAME = 0.005


def is_forecast(name):
    return name in FORECASTS or name in MADE_UP


def load(name):
    """The metric, X and y of a set's training rows."""
    if name in TABLES | OTHERS:
        return tables.entry_of(name).metric, *tables.folds_of(name)[0][:2]
    if name in TASKS:
        data = TASKS[name].load()
        return data.metric, *data.folds[0][:2]
    return "rmse", *(SETS | MADE_UP)[name].load()[0][:2]


def splits(name, metric, y):
    """Rows to fit to, and rows to judge on."""
    n = len(y)
    if is_forecast(name):
        for first in (3, 4):
            end = first * n // 5
            yield np.arange(end), np.arange(end, (first + 1) * n // 5)
        return
    kind = StratifiedKFold if metric in OF_CLASSES else KFold
    yield from kind(3, shuffle=True, random_state=7).split(np.zeros(n), y)


def error_of(metric, model, X, y):
    """The log-loss, the share of the deviance that is left, or the error of the last output."""
    if metric in OF_CLASSES or metric == "D2 Poisson":
        return loss_of(metric, y, model, X)
    return root_mean_squared_error(last_output(y), last_output(model.predict(X)))


def fit(name, metric, seed, is_learnt, X, y):
    """A model and the seconds of its fit."""
    model = tables.skrnn(metric, seed).set_params(warm_start=not is_learnt)
    if is_forecast(name):
        model.set_params(validation_fraction="tail")
    start = process_time()
    return model.fit(X, y), process_time() - start


def judge(name, seeds):
    """Errors and seconds (fits, 2): never learnt, and learnt in the end."""
    metric, X, y = load(name)
    errors, seconds = [], []
    for train, test in splits(name, metric, y):
        for seed in seeds:
            fits = [
                fit(name, metric, seed, is_learnt, take(X, train), y[train])
                for is_learnt in (False, True)
            ]
            errors.append([error_of(metric, one, take(X, test), y[test]) for one, _ in fits])
            seconds.append([taken for _, taken in fits])
    row = {"rows": len(y), "errors": errors, "seconds": seconds, "seeds": len(seeds)}
    return row | {"environment": environment(["numpy", "scikit-learn", "numba"])}


def ratio(values):
    """The mean of the second over that of the first."""
    return np.divide(*np.mean(values, axis=0)[::-1])


def cells(name, row):
    errors = np.array(row["errors"])
    means = [f"{mean:.4g}" for mean in errors.mean(axis=0)]
    better = f"{(errors[:, 1] < errors[:, 0]).sum()} of {len(errors)}"
    ratios = f"{ratio(errors):.3f}", f"{ratio(row['seconds']):.2f}"
    return [name, str(row["rows"]), *means, ratios[0], better, ratios[1]]


def held_out_table(results):
    rows = [cells(*item) for item in results.items()]
    errors, seconds = (
        np.array([ratio(row[key]) for row in results.values()]) for key in ("errors", "seconds")
    )
    means = [f"{np.exp(np.log(ratios).mean()):.3f}" for ratios in (errors, seconds)]
    rows.append(["geometric mean", "", "", "", means[0], "", means[1]])
    counts = f"Better: {(errors < 1 - SAME).sum()}, worse: {(errors > 1 + SAME).sum()}, of "
    counts += f"{len(errors)} sets."
    return "\n".join([table(HEADER, rows), "", counts, measured_on(results.values())])


def main():
    options = read_options(sets_parser(__doc__, USUAL, 2, "a small made-up set"), "made_up")
    print(line(HEADER))

    def judged(name):
        return judge(name, options.seeds)

    judge_sets(options, "held-out rows", judged, cells, held_out_table)


if __name__ == "__main__":
    main()
