"""
Who is speaking? Sequences of different lengths in a grid search
================================================================

Nine men say two vowels. Each utterance is a sequence of 7 to 29 frames of 12 cepstrum
coefficients, and the task is to name the speaker. The utterances go into scikit-learn as they
are: a plain list of arrays with a row per frame. No padding, no masks, no scaler (the estimator
standardises its input itself).

The pipeline's first step may add the change of each coefficient from frame to frame, a classic
feature in speech recognition; the grid search decides whether that helps, and whether to read
backwards too. The baselines see the same data the way a table model can: as the mean, spread,
first and last value of each coefficient, or padded with zeros to one length.

Data: Japanese Vowels, UCI Machine Learning Repository, CC BY 4.0 (see ``data/README.md``).
"""

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from skrnn import RNNClassifier

# More threads only slow HistGradientBoosting down on data this small, a lot on a busy machine.
threadpool_limits(1, user_api="openmp")

DATA = Path(sys.argv[0]).parent / "data"


def load(part):
    """A list of (n_frames, 12) arrays and the number of each speaker."""
    table = np.loadtxt(DATA / f"japanese_vowels_{part}.csv.gz", delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=0))
    return np.split(table[:, 2:], starts[1:]), table[starts, 1].astype(int)


# %%
# A transformer may map a list of sequences to a list of sequences.


def add_changes(utterances):
    return [np.hstack([frames, np.gradient(frames, axis=0)]) for frames in utterances]


def summarise(utterances):
    return np.array([np.r_[u.mean(axis=0), u.std(axis=0), u[0], u[-1]] for u in utterances])


def pad(utterances, n_frames=26):
    padded = np.zeros((len(utterances), n_frames, 12))
    for row, frames in zip(padded, utterances, strict=True):
        row[: len(frames)] = frames[:n_frames]
    return padded.reshape(len(utterances), -1)


def report(name, model, seconds):
    print(f"{name:<44} {100 * model.score(X_test, y_test):5.1f} % {seconds:7.1f} s")


X_train, y_train = load("train")
X_test, y_test = load("test")
lengths = [len(frames) for frames in X_train]
print(f"{len(X_train)} utterances to learn from, of {min(lengths)} to {max(lengths)} frames")
print(f"{len(X_test)} utterances to test on\n")

# %%
# The recurrent net: a Pipeline, searched.

search = GridSearchCV(
    make_pipeline(FunctionTransformer(), RNNClassifier(max_iter=40, random_state=0)),
    {
        "functiontransformer__func": [None, add_changes],
        "rnnclassifier__bidirectional": [False, True],
    },
    cv=3,
)
start = perf_counter()
search.fit(X_train, y_train)
search_seconds = perf_counter() - start

print("cross-validated accuracy on the training utterances")
for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    frames = "with changes" if params["functiontransformer__func"] else "as recorded"
    directions = "both directions" if params["rnnclassifier__bidirectional"] else "forward"
    print(f"  {frames:<13} {directions:<16} {100 * score:5.1f} %")
print(f"13 fits in {search_seconds:.1f} s, compilation included")

# %%
# Accuracy on the test utterances, beside the baselines. The time is that of one fit: the search
# fits its best candidate once more, on all utterances.

print("\naccuracy on the test utterances                       and time to fit")
report("RNNClassifier, best of the grid search", search, search.refit_time_)
for name, baseline in {
    "LogisticRegression on summaries": make_pipeline(
        FunctionTransformer(summarise), StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "LogisticRegression on padded frames": make_pipeline(
        FunctionTransformer(pad), StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "HistGradientBoosting on summaries": make_pipeline(
        FunctionTransformer(summarise), HistGradientBoostingClassifier(random_state=0)
    ),
}.items():
    start = perf_counter()
    baseline.fit(X_train, y_train)
    report(name, baseline, perf_counter() - start)

# %%
# What the models read: an utterance of each of three speakers, a column for each frame. Where
# matplotlib is not installed the script ends here.

try:
    import matplotlib.pyplot as plt
except ImportError:
    sys.exit(0)

shown = [np.flatnonzero(y_test == speaker)[0] for speaker in (1, 4, 9)]
widths = [len(X_test[i]) for i in shown]
fig, axes = plt.subplots(
    1, 3, figsize=(8, 3), sharey=True, layout="constrained", width_ratios=widths
)
for ax, i in zip(axes, shown, strict=True):
    image = ax.imshow(X_test[i].T, vmin=-1.5, vmax=1.5, cmap="RdBu", origin="lower", aspect="auto")
    ax.set(title=f"speaker {y_test[i]}", xlabel="frame")
axes[0].set_ylabel("cepstrum coefficient")
fig.colorbar(image, ax=axes)
plt.show()
