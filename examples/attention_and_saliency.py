"""
Where does a net listen? Attention, attributions and importances of spoken vowels
=================================================================================

Nine men say two vowels, in 7 to 29 frames of 12 cepstrum coefficients. A bidirectional net that
pools its states by attention names the speakers, beside a logistic regression on the mean of all
frames. Then four pictures: how the fit went, which frames attention weighs, what each frame and
coefficient adds to the decision for one utterance, and which coefficients the accuracy needs.

Data: Japanese Vowels, UCI Machine Learning Repository, CC BY 4.0 (see ``data/README.md``).
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier
from skrnn.inspection import integrated_gradients, permutation_importance
from skrnn.plotting import AttentionDisplay, LossCurveDisplay, SaliencyDisplay

DATA = Path(__file__).parent / "data"


def load(part):
    """A list of (n_frames, 12) arrays and the number of each speaker."""
    table = np.loadtxt(DATA / f"japanese_vowels_{part}.csv.gz", delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=0))
    return np.split(table[:, 2:], starts[1:]), table[starts, 1].astype(int)


X_train, y_train = load("train")
X_test, y_test = load("test")

# %%
# The net is alone here, without the linear path beside it, because the path has no states to
# attend to, and would know so many speakers that little was left to look at. A state that is pooled
# knows the frames on both sides of it.

model = RNNClassifier(
    pooling="attention", bidirectional=True, linear_path=None, max_iter=60, random_state=0
)
model.fit(X_train, y_train)

baseline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
baseline.fit([frames.mean(axis=0) for frames in X_train], y_train)
of_means = baseline.score([frames.mean(axis=0) for frames in X_test], y_test)
print(f"net with attention                      {model.score(X_test, y_test):.3f}")
print(f"logistic regression on means of frames  {of_means:.3f}")

# %%
# Loss by epoch. The weights that are kept are those of the dot.

LossCurveDisplay.from_estimator(model)

# %%
# Which frames count in the mean of the states, for three utterances of each of four speakers.

rows = np.flatnonzero(y_test <= 4)
rows = np.concatenate([rows[y_test[rows] == speaker][:3] for speaker in range(1, 5)])
names = [f"speaker {y_test[row]}" for row in rows]
display = AttentionDisplay.from_estimator(model, [X_test[row] for row in rows], names=names)
display.ax_.set_xlabel("Frame")

# %%
# What each number adds to the score of the speaker, compared with a mean utterance. A part says
# something of this utterance and this net only; attention says which states count, and each state
# knows other frames too, so the two need not agree.

coefficients = [f"c{i}" for i in range(1, 13)]
row = rows[4]
display = SaliencyDisplay.from_estimator(
    model, X_test, sample=row, target=y_test[row], feature_names=coefficients
)
display.ax_.set(xlabel="Frame", title=f"Speaker {y_test[row]}: what the net holds for it")

parts = integrated_gradients(model, X_test)
by_coefficient = np.mean([np.abs(one.sum(axis=0)) for one in parts], axis=0)

# %%
# Which coefficients does the accuracy need? Each goes to other utterances, ten times.

found = permutation_importance(model, X_test, y_test, n_repeats=10, random_state=0)
order = np.argsort(found.importances_mean)
_, ax = plt.subplots(layout="constrained")
ax.barh(
    [coefficients[i] for i in order],
    100 * found.importances_mean[order],
    xerr=100 * found.importances_std[order],
    color="#0072B2",
    ecolor="#808080",
)
ax.set_xlabel("Accuracy lost (percentage points)")
ax.spines[["top", "right"]].set_visible(False)

print("\ncoefficient  accuracy lost  mean size of its part in the decision")
for i in order[::-1][:5]:
    lost = 100 * found.importances_mean[i]
    print(f"{coefficients[i]:>11s} {lost:12.1f} % {by_coefficient[i]:12.2f}")

# %%
# The end is the beginning of another question: does it matter when a frame is heard?

by_step = permutation_importance(
    model, X_test, y_test, by="step", groups=[range(-10, -7), range(-3, 0)], random_state=0
)
before, last = 100 * by_step.importances_mean
print(f"\naccuracy lost with the last three frames of others {last:.1f} %,")
print(f"with those from the tenth to the eighth before the end {before:.1f} %")

if plt.get_backend().lower() != "agg":
    plt.show()
