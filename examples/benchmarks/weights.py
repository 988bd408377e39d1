"""
What sample weights do to default fits
======================================

Rows whose first column says all that can be known are learnt with weights of several scales and
spreads, with copies in the place of weights, and with class weights. RidgeCV and
LogisticRegressionCV, which leave out whole rows, are the measure. Prints the tables of
docs/accuracy.md: R2 on new rows, and log-loss on new rows that are weighted by their class.

    python examples/benchmarks/weights.py [--quick] [--output docs/accuracy.md]
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import log_loss, r2_score

from page import environment, table, write_between
from skrnn import RNNClassifier, RNNRegressor

SIZES = [(100, 80), (100, 10), (300, 100), (1000, 50)]
CLASS_WEIGHTS = [None, {0: 1, 1: 10}, {0: 10, 1: 100}]


def rows(n, p, seed):
    """X, y, and new ones."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + 2000, p))
    y = X[:, 0] + rng.normal(size=n + 2000)
    return X[:n], y[:n], X[n:], y[n:]


def weights(n, seed):
    """Kind of weights -> (times each row is there, weight of each row)."""
    spread = np.exp(np.random.default_rng(seed).uniform(0.0, np.log(1000.0), n))
    return {
        "none": (1, None),
        "all 1/n": (1, np.full(n, 1.0 / n)),
        "all 10": (1, np.full(n, 10.0)),
        "8 copies": (8, None),
        "1 to 1000": (1, spread),
        "1 to 1000, of sum 1": (1, spread / spread.sum()),
    }


def regression(n, p, kind, seed, quick):
    """R2 of skrnn and of RidgeCV."""
    X, y, X_new, y_new = rows(n, p, seed)
    times, w = weights(n, seed)[kind]
    X, y = np.repeat(X, times, axis=0), np.repeat(y, times)
    ours = RNNRegressor(max_iter=2 if quick else None, random_state=0)
    penalties = np.logspace(-6, 4, 31) * (len(X) if w is None else w.sum())
    models = ours.fit(X, y, w), RidgeCV(penalties).fit(X, y, w)
    return [r2_score(y_new, model.predict(X_new)) for model in models]


def classification(n, p, class_weight, seed, quick):
    """Log-loss of skrnn and of LogisticRegressionCV."""
    X, y, X_new, y_new = rows(n, p, seed)
    y, y_new = (y > 0).astype(int), (y_new > 0).astype(int)
    w = None if class_weight is None else np.where(y_new, class_weight[1], class_weight[0])
    settings = {"class_weight": class_weight, "scoring": "neg_log_loss"}
    ours = RNNClassifier(class_weight=class_weight, max_iter=2 if quick else None, random_state=0)
    models = ours.fit(X, y), LogisticRegressionCV(**settings).fit(X, y)
    return [log_loss(y_new, model.predict_proba(X_new), sample_weight=w) for model in models]


def lines(measure, kinds, digits, options):
    for n, p in SIZES[:1] if options.quick else SIZES:
        for kind in kinds:
            scores = [measure(n, p, kind, seed, options.quick) for seed in range(options.seeds)]
            yield [f"{n} x {p}", str(kind), *(f"{x:.{digits}f}" for x in np.mean(scores, axis=0))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.seeds = 1
    warnings.simplefilter("ignore")
    of_numbers = lines(regression, weights(1, 0), 3, options)
    of_classes = lines(classification, CLASS_WEIGHTS, 4, options)
    text = "\n\n".join(
        [
            table(["rows x columns", "weights", "skrnn, R2", "RidgeCV"], of_numbers),
            table(
                ["rows x columns", "class_weight", "skrnn, log-loss", "LogisticRegressionCV"],
                of_classes,
            ),
            f"Means over {options.seeds} draws. Measured on "
            f"{environment(('numpy', 'scikit-learn', 'numba'))}.",
        ]
    )
    print(text)
    if options.output:
        write_between(options.output, "weights", text)


if __name__ == "__main__":
    main()
