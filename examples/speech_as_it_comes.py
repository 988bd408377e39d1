"""
How soon is a speaker known? Streams, and where attention looks
===============================================================

Nine men say two vowels, in 7 to 29 frames of 12 cepstrum coefficients. Here the frames of all
test utterances come one at a time, as from so many microphones, and after each frame the net names
the speakers: ``predict_step`` goes on from the state of the frames before, at the cost of one
step, with the predictions that ``predict`` makes of all frames so far. Utterances end at different
times, and ``state[rows]`` is what is left of the others.

A second net pools the states of all frames by attention. Its shares, a line for each of some
utterances, say which frames it has listened to.

Data: Japanese Vowels, UCI Machine Learning Repository, CC BY 4.0 (see ``data/README.md``).
"""

import sys
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNClassifier

# %%
# Utterances of different lengths, 270 to learn from and 370 to test on.

DATA = Path(sys.argv[0]).parent / "data"
SHADES = " .:-=+*#%@"


def load(part):
    """A list of (n_frames, 12) arrays and the number of each speaker."""
    table = np.loadtxt(DATA / f"japanese_vowels_{part}.csv.gz", delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=0))
    return np.split(table[:, 2:], starts[1:]), table[starts, 1].astype(int)


X_train, y_train = load("train")
X_test, y_test = load("test")
lengths = np.array([len(frames) for frames in X_test])

# %%
# A net that has heard whole utterances only is at a loss after two frames. So it learns from the
# beginnings of utterances too, cut at random.

random = np.random.default_rng(0)
beginnings = [frames[: random.integers(1, len(frames) + 1)] for frames in X_train]
settings = {"max_iter": 60, "random_state": 0}
model = RNNClassifier(**settings).fit(X_train + beginnings, np.r_[y_train, y_train])

# %%
# All test utterances at once, a frame at a time. Those that have ended leave.

running, state, seconds, n_steps = np.arange(len(X_test)), None, 0.0, 0
right = np.zeros((lengths.max(), len(X_test)), bool)
final = np.empty_like(y_test)
for t in range(lengths.max()):
    goes_on = lengths[running] > t
    running, state = running[goes_on], state and state[goes_on]
    frames = np.array([X_test[i][t] for i in running])
    start = perf_counter()
    named, state = model.predict_step(frames, state)
    if t > 0:  # the first call reads the model
        seconds += perf_counter() - start
        n_steps += len(frames)
    final[running] = named
    right[t, running] = named == y_test[running]

print("frame  utterances  speakers known")
for t in range(0, 16, 3):
    n = np.sum(lengths > t)
    share = right[t].sum() / n
    print(f"{t + 1:5d} {n:11d} {100 * share:8.1f} %  {'#' * round(30 * share)}")
print(f"{'end':>5s} {len(y_test):11d} {100 * np.mean(final == y_test):8.1f} %")
print(f"as predict says of whole utterances: {np.array_equal(final, model.predict(X_test))}")
print(f"{1e6 * seconds / n_steps:.1f} microseconds for each frame of an utterance\n")

# %%
# The same as a picture: how many of the speakers who are still speaking are known.

still_speaking = np.array([np.sum(lengths > t) for t in range(lengths.max())])
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(range(1, len(right) + 1), 100 * right.sum(axis=1) / still_speaking)
ax.axhline(100 * np.mean(final == y_test), color="gray", linewidth=1, linestyle="dashed")
ax.set(xlabel="frame", ylabel="speakers known, %", xlim=(1, 20), ylim=(0, 103))
ax.annotate("at the end of each utterance", (19.8, 95), ha="right", va="top", color="gray")
plt.show()

# %%
# Attention, in both directions: dark is where it listens. The net is alone here, because the linear
# path beside it needs no states, and knows so many speakers that little would be left to learn.

attentive = RNNClassifier(**settings, pooling="attention", bidirectional=True, linear_path=None)
attentive.fit(X_train, y_train)
print(f"with attention {100 * attentive.score(X_test, y_test):.1f} % of the speakers are known")
print("\nspeaker  what each frame counts, dark is most")
for i in range(0, len(X_test), 45):
    shares = attentive.attention_weights([X_test[i]])[0]
    shades = (shares / shares.max() * (len(SHADES) - 1)).round().astype(int)
    print(f"{y_test[i]:7d}  {''.join(SHADES[shade] for shade in shades)}")

# %%
# All test utterances, a line for each, in the order of their speakers.

everything = attentive.attention_weights(X_test)
shares = np.full((len(X_test), lengths.max()), np.nan)
for row, one in zip(shares, everything, strict=True):
    row[: len(one)] = one / one.max()
firsts = np.searchsorted(y_test, np.arange(1, 10))
fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
image = ax.imshow(shares, aspect="auto", cmap="Blues", vmin=0, interpolation="nearest")
ax.set(xlabel="frame", ylabel="speaker", yticks=firsts, yticklabels=range(1, 10))
fig.colorbar(image, label="share, in units of the utterance's largest")
plt.show()
