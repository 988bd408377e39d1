"""The networks and minibatches that are timed, and their data."""

from typing import NamedTuple

import numpy as np

N_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


class Case(NamedTuple):
    """One recurrent layer and a linear output on a minibatch of sequences.

    With `per_step` there is an output, and a target, for each step.
    """

    cell: str
    batch: int
    n_steps: int
    n_features: int
    hidden: int
    ragged: bool = False
    per_step: bool = False

    @property
    def title(self):
        steps = f"7-{self.n_steps}" if self.ragged else str(self.n_steps)
        return f"{self.batch}, {steps}, {self.n_features}, {self.hidden}"

    @property
    def operations(self):
        """Floating-point operations of the matrix products of a prediction; a step has thrice."""
        columns = N_GATES[self.cell] * self.hidden
        return 2.0 * lengths(self).sum() * (self.n_features + self.hidden) * columns


SIZES = (
    (32, 20, 1, 16),
    (64, 10, 1, 32),
    (200, 28, 1, 50),
    (32, 100, 8, 64),
    (128, 50, 32, 128),
    (64, 100, 64, 256),
)
DENSE = tuple(Case(cell, *size) for size in SIZES for cell in N_GATES)
RAGGED = tuple(Case(cell, 64, 29, 12, 64, True) for cell in N_GATES)
PER_STEP = tuple(Case(cell, 32, 100, 8, 64, per_step=True) for cell in N_GATES)
QUICK = (Case("gru", 4, 5, 1, 3), Case("gru", 4, 9, 1, 3, True))
QUICK_PER_STEP = (Case("gru", 4, 5, 1, 3, per_step=True),)


def grid(quick):
    """All cases, dense and ragged."""
    return QUICK if quick else DENSE + RAGGED


def per_step(quick):
    """Cases with a target for each step."""
    return QUICK_PER_STEP if quick else PER_STEP


def lengths(case):
    """Steps of each sequence, longest first."""
    if not case.ragged:
        return np.full(case.batch, case.n_steps)
    drawn = np.random.RandomState(0).randint(7, case.n_steps + 1, case.batch)
    drawn[0] = case.n_steps
    return np.sort(drawn)[::-1].copy()


def inputs(case):
    """Padded float32 sequences (batch, n_steps, n_features), longest first, and targets (batch, 1),
    or (batch, n_steps, 1) with one for each step.

    Steps beyond a sequence's end are zero.
    """
    rng = np.random.RandomState(1)
    X = rng.standard_normal((case.batch, case.n_steps, case.n_features)).astype(np.float32)
    X[np.arange(case.n_steps) >= lengths(case)[:, None]] = 0.0
    shape = (case.batch, case.n_steps, 1) if case.per_step else (case.batch, 1)
    return X, rng.standard_normal(shape).astype(np.float32)


def table(n_samples, n_columns):
    """A float32 table and a target that depends on its first column, for whole fits."""
    rng = np.random.RandomState(2)
    X = rng.standard_normal((n_samples, n_columns)).astype(np.float32)
    noise = 0.1 * rng.standard_normal(n_samples).astype(np.float32)
    return X, np.tanh(X[:, 0]) + 0.5 * X[:, -1] + noise
