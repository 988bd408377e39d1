"""Japanese Vowels: seconds of training until enough of the test utterances are recognised."""

from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np

DATA = Path(__file__).parents[2] / "data"
ENOUGH = 0.95
MOST_EPOCHS = 100
N_CLASSES, N_COEFFICIENTS, MOST_FRAMES = 9, 12, 29


@cache
def utterances(part):
    """A list of (n_frames, 12) float32 arrays and the speakers from 0 on."""
    table = np.loadtxt(DATA / f"japanese_vowels_{part}.csv.gz", delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=0))
    frames = np.split(table[:, 2:].astype(np.float32), starts[1:])
    return frames, table[starts, 1].astype(np.int64) - 1


@cache
def padded(part):
    """Standardised frames (n, 29, 12), zeros after an utterance's end; lengths; speakers."""
    known = np.concatenate(utterances("train")[0])
    frames, speakers = utterances(part)
    X = np.zeros((len(frames), MOST_FRAMES, N_COEFFICIENTS), np.float32)
    for row, utterance in zip(X, frames, strict=True):
        row[: len(utterance)] = (utterance - known.mean(axis=0)) / known.std(axis=0)
    return X, np.array([len(utterance) for utterance in frames]), speakers


def train_until(learn, score, read=utterances, most=MOST_EPOCHS):
    """Call `learn` until `score` is enough; what of that was learning counts."""
    train, test = read("train"), read("test")
    seconds, accuracy, n_epochs = 0.0, 0.0, 0
    while accuracy < ENOUGH and n_epochs < most:
        start = perf_counter()
        learn(*train)
        seconds += perf_counter() - start
        accuracy, n_epochs = float(score(*test)), n_epochs + 1
    return {"seconds": seconds, "epochs": n_epochs, "accuracy": accuracy}
