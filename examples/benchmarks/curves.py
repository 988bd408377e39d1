"""
Curves in the linear path of tables: what they are worth
========================================================

Fits the defaults on plain tables with and without curves of the columns in the linear path, on
three folds of the training rows of the first fold of `tables.py`. A path is left without them by
`linear_path` of all columns. Where the defaults choose none, both fits are the same.

    python examples/benchmarks/curves.py [--tables hitters,boston] [--seeds 2]
        [--output accuracy.md] [--quick]
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.metrics import d2_tweedie_score, log_loss, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import compile_kernels, save
from page import line, table
from tables import OF_CLASSES, OTHERS, TABLES, entry_of, loaded, place, skrnn

HEADER = ["table", "rows x columns", "curves in", "loss without", "loss with", "ratio", "time"]
#: A loss that moves by less is the same.
SAME = 0.005


def loss_of(metric, y, model, X):
    """Log-loss, or the share of the squared error or the deviance that is left."""
    if metric in OF_CLASSES:
        return log_loss(y, model.predict_proba(X).astype(float), labels=model.classes_)
    if metric == "D2 Poisson":
        return 1.0 - d2_tweedie_score(y, model.predict(X), power=1)
    return 1.0 - r2_score(y, model.predict(X))


def fit(metric, seed, X, y, linear_path):
    model, start = skrnn(metric, seed).set_params(linear_path=linear_path), process_time()
    return model.fit(X, y), process_time() - start


def compare(metric, X, y, seeds, n_folds):
    """Of each fit whether it has curves, the losses without and with them, and the seconds."""
    kind = StratifiedKFold if metric in OF_CLASSES else KFold
    for train, test in list(kind(3, shuffle=True, random_state=7).split(X, y))[:n_folds]:
        for seed in seeds:
            model, seconds = fit(metric, seed, X[train], y[train], "auto")
            found = [loss_of(metric, y[test], model, X[test]), seconds]
            without, has_curves = found, model.linear_coef_ is None
            if has_curves:
                model, seconds = fit(metric, seed, X[train], y[train], X.shape[1])
                without = [loss_of(metric, y[test], model, X[test]), seconds]
            yield has_curves, *without, *found


def judge(name, data, options):
    X, y = data[:2]
    found = np.array(list(compare(entry_of(name).metric, X, y, options.seeds, options.n_folds)))
    row = {"shape": X.shape, "fits": len(found), "curved": int(found[:, 0].sum())}
    row |= {"seeds": len(options.seeds), "environment": place()}
    medians = np.median(found[:, [2, 4]], axis=0)
    return row | {"losses": found[:, [1, 3]].mean(axis=0).tolist(), "seconds": medians.tolist()}


def cells(name, row):
    (without, found), (before, after) = row["losses"], row["seconds"]
    return [
        name, " x ".join(map(str, row["shape"])), f"{row['curved']} of {row['fits']}",
        f"{without:.4f}", f"{found:.4f}", f"{found / without:.3f}", f"{after / before:.2f}",
    ]  # fmt: skip


def curves_table(results):
    losses, seconds = (
        np.array([np.divide(*row[key][::-1]) for row in results.values()])
        for key in ("losses", "seconds")
    )
    means = [f"{np.exp(np.log(values).mean()):.3f}" for values in (losses, seconds)]
    rows = [cells(name, row) for name, row in results.items()]
    rows.append(["geometric mean", "", "", "", "", *means])
    counts = f"Better: {(losses < 1 - SAME).sum()}, worse: {(losses > 1 + SAME).sum()}."
    places = sorted({row["environment"] for row in results.values()})
    seeds = sorted({row["seeds"] for row in results.values()})
    end = f"{counts} Seeds: {', '.join(map(str, seeds))}. Measured on {'; and '.join(places)}."
    return "\n".join([table(HEADER, rows), "", end])


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--tables", help="names, with commas between them")
    parser.add_argument("--seeds", type=int, default=2, help="how many")
    parser.add_argument("--output", type=Path, help="a Markdown page; the JSON file goes beside it")
    parser.add_argument("--quick", action="store_true", help="a fold of one table: does it run?")
    options = parser.parse_args()
    usual = [name for name in TABLES | OTHERS if name != "diamonds"]
    options.tables = options.tables.split(",") if options.tables else usual
    options.n_folds = None
    if options.quick:
        options.tables, options.seeds, options.n_folds = ["hitters"], 1, 1
    options.seeds = range(options.seeds)
    return options


def main():
    options = read_options()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile_kernels()
        print(line(HEADER))
        for name, folds in loaded(options.tables):
            row = judge(name, folds[0], options)
            print(line(cells(name, row)), flush=True)
            save(options, "curves", name, row, curves_table)


if __name__ == "__main__":
    main()
