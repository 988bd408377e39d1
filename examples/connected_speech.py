"""
Connected speech: who speaks after whom, by CTC
===============================================

Two to six men speak one after the other. To learn from there are recordings and, for each, the
speakers in their order, but nobody has noted where one ends and the next begins.
``RNNTranslator(decoder="ctc")`` says at each frame a speaker or nothing, and finds out by itself
where: all ways to say the right speakers in their order count (A. Graves et al., Connectionist
temporal classification, 2006).

Data: Japanese Vowels, UCI Machine Learning Repository, CC BY 4.0 (see ``data/README.md``).
"""

import sys
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from skrnn import RNNTranslator
from skrnn.metrics import sequence_error_rate, token_error_rate

# %%
# The data
# --------
# Utterances of nine men, 270 to learn from and 370 others to test with, laid end to end as they are
# drawn, with pauses of up to three frames of zeros. A frame is 12 cepstrum coefficients and stands
# for 6.4 ms.

DATA = Path(sys.argv[0]).parent / "data"


def load(part):
    """A list of (n_frames, 12) arrays and the number of each speaker."""
    table = np.loadtxt(DATA / f"japanese_vowels_{part}.csv.gz", delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=0))
    return np.split(table[:, 2:], starts[1:]), table[starts, 1].astype(int)


def join(part, n):
    """Recordings, the speakers of each, and for the pictures the speaker of each frame, or 0."""
    utterances, speakers = load(part)
    random = np.random.default_rng(0)
    recordings, transcripts, truths = [], [], []
    for _ in range(n):
        drawn = random.integers(len(utterances), size=random.integers(2, 7))
        pieces, truth = [], []
        for i in drawn:
            pause = random.integers(4)
            pieces += [utterances[i], np.zeros((pause, 12))]
            truth += [speakers[i]] * len(utterances[i]) + [0] * pause
        recordings.append(np.concatenate(pieces))
        transcripts.append(speakers[drawn].tolist())
        truths.append(np.array(truth))
    return recordings, transcripts, truths


X_train, y_train, _ = join("train", 1000)
X_test, y_test, truths = join("test", 400)
print(f"{len(X_train)} recordings to learn from, {len(X_test)} to test with")


def report(name, predicted, seconds):
    of_speakers = 100 * token_error_rate(y_test, predicted)
    of_recordings = 100 * sequence_error_rate(y_test, predicted)
    print(f"{name}: {of_speakers:.1f} % of the speakers wrong,", end=" ")
    print(f"{of_recordings:.1f} % of the recordings, {seconds:.1f} s of CPU time")


# %%
# A baseline
# ----------
# A linear classifier of frames, each with three on both sides of it, which learns as if all who
# speak in a recording spoke equally long. Of what it says only speakers of so many frames in a row
# count, as many as are best on the recordings to learn from.


def windows(frames):
    padded = np.pad(frames, ((3, 3), (0, 0)), mode="edge")
    return np.hstack([padded[i : i + len(frames)] for i in range(7)])


def even(frames, speakers):
    return np.array(speakers)[np.arange(len(frames)) * len(speakers) // len(frames)]


def long_runs(of_frames, least):
    """Speakers of at least so many frames in a row."""
    starts = np.flatnonzero(np.diff(of_frames, prepend=0))
    lengths = np.diff(np.append(starts, len(of_frames)))
    said = of_frames[starts[lengths >= least]]
    return said[np.diff(said, prepend=0) != 0].tolist()


start = process_time()
baseline = LinearDiscriminantAnalysis().fit(
    np.vstack([windows(frames) for frames in X_train]),
    np.concatenate([even(*of_recording) for of_recording in zip(X_train, y_train, strict=True)]),
)
of_train, of_test = (
    [baseline.predict(windows(frames)) for frames in X] for X in (X_train[:400], X_test)
)
least = min(
    range(1, 12),
    key=lambda n: token_error_rate(y_train[:400], [long_runs(one, n) for one in of_train]),
)
name = f"frame by frame, runs of {least} or more"
report(name, [long_runs(one, least) for one in of_test], process_time() - start)

# %%
# The translator
# --------------
# It reads in both directions.

model = RNNTranslator(decoder="ctc", max_iter=30, dtype="float32", random_state=0)
start = process_time()
model.fit(X_train, y_train)
seconds = process_time() - start
for beam_size, name in ((1, "RNNTranslator by ctc"), (5, "RNNTranslator by ctc, a beam of 5")):
    report(name, model.set_params(beam_size=beam_size).predict(X_test), seconds)

# %%
# Where it says what
# ------------------
# ``step_probabilities`` says how probable each speaker is at each frame, and in its last column how
# probable none is. The likeliest at each frame are an *alignment*. No border was known, but is a
# speaker named while he speaks?

NONE = len(model.labels_)
names = np.array([*model.labels_, 0])
probabilities = model.step_probabilities(X_test)
paths = [of_recording.argmax(axis=1) for of_recording in probabilities]
is_right = [
    names[path[t]] == truth[t]
    for path, truth in zip(paths, truths, strict=True)
    for t in np.flatnonzero(np.diff(path, prepend=NONE) & (path != NONE))
]
print(f"{100 * np.mean(is_right):.1f} % of the speakers are named while they speak")

# %%
# One recording
# -------------
# Above the spectrum that the coefficients stand for, with the true borders of the utterances. Below
# it what the net says at each frame, and the speakers, in truth and as they are named. Most of the
# time it says nothing: a speaker has to be named once, and it is named when the net is sure.

shown = next(i for i, speakers in enumerate(y_test) if len(set(speakers)) == 6)
frames, truth, of_shown = X_test[shown], truths[shown], probabilities[shown]
frequencies = np.linspace(0, 5, 100)  # kHz
waves = np.cos(np.pi * np.outer(frequencies / 5, np.arange(1, 13)))
decibels = np.where(truth > 0, 20 / np.log(10) * waves @ frames.T, np.nan)
milliseconds = 6.4 * np.arange(len(frames) + 1)
middles = milliseconds[:-1] + 3.2
colors = dict(zip(model.labels_, plt.get_cmap("tab10").colors, strict=False))

figure, axes = plt.subplots(
    3, 1, figsize=(9, 6), sharex=True, height_ratios=(4, 3, 1), layout="constrained"
)
axes[0].pcolormesh(middles, frequencies, decibels, cmap="magma", shading="nearest")
axes[0].set(ylabel="kHz", title=f"recording {shown}: speakers {', '.join(map(str, y_test[shown]))}")
for border in milliseconds[:-1][np.diff(truth, prepend=0) != 0]:
    axes[0].axvline(border, color="black", linewidth=1, linestyle="dotted")
axes[1].plot(middles, of_shown[:, NONE], color="black", linestyle="dotted", label="none")
for number, speaker in enumerate(model.labels_):
    if of_shown[:, number].max() > 0.1:
        axes[1].plot(middles, of_shown[:, number], color=colors[speaker], label=f"{speaker}")
axes[1].set(ylabel="probability", ylim=(0, 1.02))
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside right center", title="speaker")
for row, of_frames in enumerate((truth, names[paths[shown]])):
    for t in np.flatnonzero(of_frames):
        axes[2].barh(row, 6.4, left=milliseconds[t], color=colors[of_frames[t]], height=0.7)
axes[2].set(yticks=(0, 1), yticklabels=("true", "named"), xlabel="milliseconds", ylim=(1.5, -0.5))
plt.show()
