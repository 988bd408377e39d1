"""
Prediction intervals: how sure is a forecast?
=============================================

One ``RNNRegressor`` learns several quantiles at once: with levels 0.05, 0.5 and 0.95 ``predict``
returns the lower end of a 90 % interval, the median and the upper end, sorted so that they never
cross. Gradient boosting needs a model for each end.

An interval is good if it holds as many new rows as it says, and is no wider than it must be. The
pinball loss counts both. On 442 patients the ends that gradient boosting learns lie too close: they
fit the patients that it has seen.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from skrnn import RNNRegressor

# More threads only slow HistGradientBoosting down on data this small, a lot on a busy machine.
threadpool_limits(1, user_api="openmp")

# %%
# One fit for all levels, beside one fit for each.

LEVELS = [0.05, 0.5, 0.95]


def recurrent(X, y, X_test):
    model = RNNRegressor(loss="quantile", quantile=LEVELS, random_state=0)
    return model.fit(X, y).predict(X_test)


def boosted(X, y, X_test):
    ends = []
    for level in LEVELS:
        model = HistGradientBoostingRegressor(loss="quantile", quantile=level, random_state=0)
        ends.append(model.fit(X, y).predict(X_test))
    return np.column_stack(ends)


X, y = load_diabetes(return_X_y=True, scaled=False)
folds = list(KFold(5, shuffle=True, random_state=0).split(X))

# %%
# Each row is predicted once, by a model that has not seen it.

found = {}
print("intervals of 90 %        rows inside    mean width    pinball loss")
for name, predict in {"RNNRegressor": recurrent, "HistGradientBoosting": boosted}.items():
    quantiles = np.empty((len(y), len(LEVELS)))
    for train, test in folds:
        quantiles[test] = predict(X[train], y[train], X[test])
    found[name] = quantiles
    low, _, high = quantiles.T
    inside = np.mean((low <= y) & (y <= high))
    losses = [mean_pinball_loss(y, q, alpha=a) for q, a in zip(quantiles.T, LEVELS, strict=True)]
    print(f"{name:<24} {inside:11.1%} {np.mean(high - low):13.0f} {np.mean(losses):15.2f}")

# %%
# Patients from left to right in the order of their predicted median. Points outside of the band are
# red. The band of the net gets wider from left to right, and its ends differ less from one patient
# to the next.

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, (name, quantiles) in zip(axes, found.items(), strict=True):
    order = np.argsort(quantiles[:, 1])
    low, median, high = quantiles[order].T
    is_inside = (low <= y[order]) & (y[order] <= high)
    place = np.arange(len(y))
    ax.fill_between(place, low, high, color="tab:blue", alpha=0.25, linewidth=0)
    ax.plot(place, median, color="tab:blue")
    ax.plot(place[is_inside], y[order][is_inside], "k.", markersize=3)
    ax.plot(place[~is_inside], y[order][~is_inside], ".", color="tab:red", markersize=6)
    ax.set(title=f"{name}: {is_inside.mean():.0%} inside", xlabel="patients by predicted median")
axes[0].set_ylabel("disease progression")
plt.show()
