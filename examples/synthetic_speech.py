"""
Speech that nobody has spoken: frames drawn from a density
==========================================================

Nine men say two vowels. ``RNNGenerator`` learns how an utterance of each goes on: a mixture of
Gaussians for the next frame, given all before it and the speaker, and how probable the end is
(A. Graves, Generating sequences with recurrent neural networks, 2013). Then it draws new utterances
of each speaker. Two judges that know real ones say how good these are: one names the speaker, the
other has to tell the real from the drawn.

Data: Japanese Vowels, UCI Machine Learning Repository, CC BY 4.0 (see ``data/README.md``).
"""

import sys
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.mixture import GaussianMixture

from skrnn import RNNClassifier, RNNGenerator

# %%
# The data
# --------
# Utterances of 12 cepstrum coefficients a frame, 270 to learn from and 370 to test with. Every
# second frame is taken, 12.8 ms after the last. Neighbours are more alike than that, so that the
# speaker would say little of a frame beside the one before it, and a draw would soon be of another
# speaker.

DATA = Path(sys.argv[0]).parent / "data"


def load(part):
    """A list of (n_frames, 12) arrays and the number of each speaker."""
    table = np.loadtxt(DATA / f"japanese_vowels_{part}.csv.gz", delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=0))
    utterances = np.split(table[:, 2:], starts[1:])
    return [frames[::2] for frames in utterances], table[starts, 1].astype(int)


X_train, y_train = load("train")
X_test, y_test = load("test")
n_frames = sum(map(len, X_test))

# %%
# Two densities
# -------------
# Both are fitted to the utterances of the train part. The baseline is a mixture of Gaussians for
# each speaker that draws frame by frame, without a thought of the one before, and utterances as
# long as those of the test part.

speakers = np.unique(y_train)
mixtures = {
    speaker: GaussianMixture(3, reg_covar=1e-4, random_state=0).fit(
        np.concatenate([X_train[i] for i in np.flatnonzero(y_train == speaker)])
    )
    for speaker in speakers
}
random = np.random.default_rng(0)
frame_by_frame = [
    random.permutation(mixtures[speaker].sample(len(frames))[0])
    for frames, speaker in zip(X_test, y_test, strict=True)
]

model = RNNGenerator(
    n_components=2, hidden_layer_sizes=(128,), dropout=0.3, dtype="float32", random_state=0
)
start = process_time()
model.fit(X_train, y_train)
print(f"RNNGenerator: {process_time() - start:.1f} s of CPU time, {model.n_iter_} epochs\n")

# %%
# How well do they expect the frames of other utterances of the same men? The logarithm of the
# density of a frame says it, in natural units: e times as dense is one more.

of_mixtures = sum(
    mixtures[speaker].score_samples(frames).sum()
    for frames, speaker in zip(X_test, y_test, strict=True)
)
of_model = model.score_samples(X_test, y_test).sum()
print("log density of a frame of the test part")
print(f"  frame by frame       {of_mixtures / n_frames:6.2f}")
print(f"  RNNGenerator         {of_model / n_frames:6.2f}\n")

# %%
# Two judges
# ----------
# The first has learnt from the train part who speaks. The second sees half of the real utterances
# and half of the drawn ones, and is asked of the other halves which are real: 50 % would be best.

settings = {"max_iter": 60, "random_state": 0}
knows_speakers = RNNClassifier(**settings).fit(X_train, y_train)
half = random.permutation(len(X_test)) < len(X_test) // 2


def tell_apart(drawn):
    """Accuracy of a judge that has to tell the drawn from the real."""

    def both(chosen):
        chosen = np.flatnonzero(chosen)
        X = [utterances[i] for utterances in (X_test, drawn) for i in chosen]
        return X, np.repeat(["real", "drawn"], len(chosen))

    return RNNClassifier(**settings).fit(*both(half)).score(*both(~half))


def report(name, drawn, told_apart):
    right = f"{100 * knows_speakers.score(drawn, y_test):9.1f} %"
    apart = f"{100 * told_apart:14.1f} %" if told_apart else " " * 16
    print(f"{name:<30} {right} {apart} {np.mean([len(frames) for frames in drawn]):10.1f}")


drawn = {
    f"RNNGenerator, temperature {temperature}": model.sample(
        len(y_test), y=y_test, temperature=temperature, random_state=0
    )
    for temperature in (1.0, 0.7, 0.4)
}
print(f"{'utterances':<30} {'speaker':>11} {'real or drawn':>16} {'frames':>10}")
report("real", X_test, None)
report("frame by frame", frame_by_frame, tell_apart(frame_by_frame))
for name, utterances in drawn.items():
    report(name, utterances, tell_apart(utterances))
print(f"{'chance':<30} {100 / 9:9.1f} % {50:14.1f} %")

# %%
# How they look
# -------------
# The spectrum that the coefficients stand for, of one utterance of each speaker. In real ones the
# bands of the first vowel, /a/, move into those of the second, /e/, and each man has bands of his
# own. Drawn ones are like them in both; frame by frame there are the bands, but they do not move.

shown = [np.flatnonzero(y_test == speaker)[3] for speaker in speakers]
frequencies = np.linspace(0, 5, 100)  # kHz
waves = np.cos(np.pi * np.outer(frequencies / 5, np.arange(1, 13)))


def spectra(utterances):
    """Decibels, and between utterances three frames of nothing."""
    gap = np.full((len(frequencies), 3), np.nan)
    return np.hstack([part for i in shown for part in (waves @ utterances[i].T, gap)])[:, :-3]


rows = {
    "real": X_test,
    "drawn by RNNGenerator, temperature 0.7": drawn["RNNGenerator, temperature 0.7"],
    "drawn frame by frame": frame_by_frame,
}
figure, axes = plt.subplots(3, 1, figsize=(10, 6), sharey=True, layout="constrained")
for ax, (name, utterances) in zip(axes, rows.items(), strict=True):
    decibels = 20 / np.log(10) * spectra(utterances)
    ax.imshow(
        decibels, origin="lower", aspect="auto", interpolation="nearest", cmap="magma",
        vmin=-25, vmax=30, extent=(0, decibels.shape[1], 0, 5),
    )  # fmt: skip
    lengths = np.array([len(utterances[i]) for i in shown])
    middles = np.cumsum(lengths + 3) - 3 - lengths / 2
    ax.set_xticks(middles, speakers)
    ax.tick_params(axis="x", length=0)
    ax.set(ylabel="kHz", title=name)
axes[-1].set_xlabel("speaker")
plt.show()
