"""
What does the prediction of one row cost?
=========================================

Times ``predict`` of a single row, as a service calls it, beside scikit-learn's ``MLPRegressor`` or
``MLPClassifier`` of the same size on the same numbers, turn by turn, and compares medians. The aim:
at most 1.2 times scikit-learn's.

    python examples/benchmarks/one_row.py [--quick]
"""

import sys
import warnings
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skrnn import RNNClassifier, RNNRegressor

AIM = 1.2


def cases():
    """Name of a case, its RNN, the X of that, the net to compare with, and y."""
    table = np.random.default_rng(0).normal(size=(300, 20))
    array = table.reshape(300, 10, 2)
    y, label = table[:, 0], np.digitize(table[:, 0], [-0.5, 0.5])
    sizes = {"hidden_layer_sizes": (64,), "max_iter": 3, "random_state": 0}
    regressor, classifier = MLPRegressor(**sizes), MLPClassifier(**sizes)
    short = {"max_iter": 3, "random_state": 0}
    yield "table (1, 20)", RNNRegressor(**short), table, regressor, y
    yield "the same, float32", RNNRegressor(**short), table.astype("float32"), regressor, y
    yield "no linear path", RNNRegressor(linear_path=None, **short), table, regressor, y
    yield "n_jobs=-1", RNNRegressor(n_jobs=-1, **short), table, regressor, y
    yield "3-D (1, 10, 2)", RNNRegressor(**short), array, regressor, y
    yield "list of (10, 2)", RNNRegressor(**short), list(array), regressor, y
    yield "three classes", RNNClassifier(**short), table, classifier, label


def seconds(predict, x):
    start = perf_counter()
    predict(x)
    return perf_counter() - start


def compare(net, X, other, y, rounds):
    """Median microseconds of the two nets' predictions of one row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net.fit(X, y)
        other.fit(np.reshape(X, (len(X), -1)), y)
    mine, its = X[:1], np.reshape(X[:1], (1, -1))
    times = [(seconds(net.predict, mine), seconds(other.predict, its)) for _ in range(rounds)]
    return [1e6 * median(column) for column in zip(*times, strict=True)]


def main():
    rounds = 20 if "--quick" in sys.argv else 2000
    print(f"one row              skrnn   MLP   ratio   ({rounds} turns each; aim: {AIM})")
    for name, net, X, other, y in cases():
        ours, its = compare(net, X, other, y, rounds)
        print(f"{name:<19} {ours:6.0f} {its:5.0f} us {ours / its:5.2f}")


if __name__ == "__main__":
    main()
