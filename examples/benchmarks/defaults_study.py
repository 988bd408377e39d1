"""
The study behind the defaults: variants on validation folds
===========================================================

Cuts validation folds out of the training rows of the sets of `accuracy.py` (three folds, five
below 100 rows; the last fifth, and the fifth before it, of series), fits variants of the defaults
and prints mean scores, ranks, the spread over seeds and processor time. Test rows are never
touched, but for `--best`, which in the end scores the best variant of each set on them.

    python examples/benchmarks/defaults_study.py [--sets wine,goog] [--seeds 2] [--quick]
        [--variants default,patience_10] [--best]
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import TASKS, UNAVAILABLE, reason, score
from skrnn import RNNClassifier, RNNRegressor

#: Twelve candidates: the defaults, and one thing changed at a time.
VARIANTS = {
    "default": {},
    "no_path": {"linear_path": None},
    "patience_10": {"n_iter_no_change": 10},
    "holdout_15": {"validation_fraction": 0.15},
    "rate_1e-3": {"learning_rate_init": 1e-3},
    "rate_5e-3": {"learning_rate_init": 5e-3},
    "alpha_1e-2": {"alpha": 1e-2},
    "lstm": {"cell": "lstm"},
    "rnn": {"cell": "rnn"},
    "mean": {"pooling": "mean"},
    "both_ways": {"bidirectional": True},
    "dropout": {"dropout": 0.2},
}


def take(X, rows):
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


def folds_of(data):
    """Rows to fit on and to score on, of the training rows of the first fold."""
    _, y, *_ = data.folds[0]
    n = len(y)
    if data.naive is not None:
        for end in (1.0, 0.8):
            rows = np.arange(int(end * n))
            yield rows[: int(0.8 * len(rows))], rows[int(0.8 * len(rows)) :]
        return
    kind = StratifiedKFold if data.metric == "accuracy" else KFold
    yield from kind(5 if n < 100 else 3, shuffle=True, random_state=1).split(np.zeros(n), y)


def fit(data, X, y, **parameters):
    if data.metric == "accuracy":
        return RNNClassifier(**parameters).fit(X, y)
    if data.naive is None:
        return RNNRegressor(**parameters).fit(X, y)
    n = int(0.85 * len(y))
    return RNNRegressor(**parameters).fit(X[:n], y[:n], X_val=X[n:], y_val=y[n:])


def scores_of(data, parameters, n_seeds, n_folds=None):
    """Scores (seeds, folds), and seconds of processor time a fit."""
    X, y, *_ = data.folds[0]
    scores, seconds = [], []
    for seed in range(n_seeds):
        for train, held_out in list(folds_of(data))[:n_folds]:
            start = process_time()
            model = fit(data, take(X, train), y[train], random_state=seed, **parameters)
            seconds.append(process_time() - start)
            scores.append(score(data.metric, y[held_out], model.predict(take(X, held_out))))
    return np.reshape(scores, (n_seeds, -1)), float(np.median(seconds))


def test_score(data, parameters, n_seeds):
    """Mean score on the test rows, of all folds."""
    return np.mean(
        [
            score(data.metric, y_test, fit(data, X, y, random_state=seed, **parameters).predict(Z))
            for seed in range(n_seeds)
            for X, y, Z, y_test in data.folds
        ]
    )


def study(names, variants, n_seeds, quick, best):
    columns = " | ".join(variants)
    print(f"| set | {columns} |\n| --- |{' --- |' * len(variants)}")
    ranks = []
    for name in names:
        try:
            data = TASKS[name].load()
        except UNAVAILABLE as error:
            print(f"{name}: skipped, {reason(error)}", file=sys.stderr)
            continue
        settings = {"max_iter": 2, "hidden_layer_sizes": 4} if quick else {}
        cells, means = [], []
        for variant in variants:
            parameters = VARIANTS[variant] | settings
            scores, seconds = scores_of(data, parameters, n_seeds, 1 if quick else None)
            means.append(scores.mean())
            spread = scores.mean(axis=1).std()
            cells.append(f"{means[-1]:.4g} ± {spread:.2g}, {seconds:.2g} s")
        order = np.array(means) * (1.0 if data.metric == "rmse" else -1.0)
        ranks.append(1 + (order[:, np.newaxis] > order).sum(axis=1))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        if best:
            winner = variants[int(order.argmin())]
            result = test_score(data, VARIANTS[winner] | settings, n_seeds)
            print(f"best of {name}: {winner}, {result:.4g} on its test rows", flush=True)
    if ranks:
        print(f"| mean rank | {' | '.join(f'{rank:.1f}' for rank in np.mean(ranks, axis=0))} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--sets", help="comma-separated (default: all)")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="comma-separated")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--best", action="store_true", help="score the best variant on test rows")
    parser.add_argument("--quick", action="store_true", help="one table, tiny nets: does it run?")
    options = parser.parse_args()
    names = options.sets.split(",") if options.sets else list(TASKS)
    variants = options.variants.split(",")
    if options.quick:
        names, variants, options.seeds = ["wine"], variants[:2], 1
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(1):
        study(names, variants, options.seeds, options.quick, options.best)


if __name__ == "__main__":
    main()
