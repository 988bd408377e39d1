"""
A plain table: RNNRegressor in the place of another regressor
=============================================================

442 patients, ten columns, no time in sight. An ``RNNRegressor`` takes a table as it is (all
columns together are one step, so their order means nothing), standardises columns and target
itself, and so drops into any place that expects a scikit-learn regressor. On a table this small a
linear model is hard to beat. The default net has one inside, the linear path, and lets its other
layers add only what shows on data held out.
"""

from time import perf_counter

import matplotlib.pyplot as plt
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import RepeatedKFold, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skrnn import RNNRegressor

# More threads only slow HistGradientBoosting down on data this small, a lot on a busy machine.
threadpool_limits(1, user_api="openmp")

# %%
# Each model is fitted on the same three times five folds. ``MLPRegressor`` needs a scaler for X and
# one for y; ``RNNRegressor`` needs neither.

X, y = load_diabetes(return_X_y=True, scaled=False)
folds = RepeatedKFold(n_splits=5, n_repeats=3, random_state=0)

mlp = TransformedTargetRegressor(
    make_pipeline(StandardScaler(), MLPRegressor(early_stopping=True, random_state=0)),
    transformer=StandardScaler(),
)

print(f"{X.shape[0]} patients, {X.shape[1]} columns\n")
print("R2, mean of three times five folds       mean (best, worst)      time")
by_model = {}
for name, regressor in {
    "Ridge": make_pipeline(StandardScaler(), RidgeCV()),
    "MLPRegressor, X and y scaled around it": mlp,
    "HistGradientBoosting": HistGradientBoostingRegressor(random_state=0),
    "RNNRegressor, as it is": RNNRegressor(random_state=0),
}.items():
    start = perf_counter()
    scores = cross_val_score(regressor, X, y, cv=folds)
    seconds = perf_counter() - start
    spread = f"({scores.max():.3f}, {scores.min():.3f})"
    print(f"{name:<40} {scores.mean():.3f} {spread} {seconds:5.1f} s")
    by_model[name] = scores

# %%
# The scores of single folds differ far more than the models do, so a comparison on one split would
# say little. A line marks the mean.

fig, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
for place, scores in enumerate(by_model.values()):
    ax.plot(scores, [place] * len(scores), "o", color="tab:blue", alpha=0.35)
    ax.plot(scores.mean(), place, "|", color="black", markersize=20, markeredgewidth=2)
ax.set(yticks=range(len(by_model)), yticklabels=by_model, xlabel="R2 of a fold")
ax.invert_yaxis()
plt.show()
