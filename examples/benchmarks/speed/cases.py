"""The networks and minibatches that are timed, and their data."""

from typing import NamedTuple

import numpy as np

N_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


class Case(NamedTuple):
    """One recurrent layer and a linear output on a minibatch of sequences.

    With `per_step` there is an output, and a target, for each step. With `n_tokens` steps are
    tokens, and `n_features` numbers are learnt for each.
    """

    cell: str
    batch: int
    n_steps: int
    n_features: int
    hidden: int
    ragged: bool = False
    pooling: str = "last"
    per_step: bool = False
    n_tokens: int = 0

    @property
    def reads_final_state(self):
        """Whether the output is of the last state of sequences of numbers."""
        return self.pooling == "last" and not self.per_step and not self.n_tokens

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
#: For training steps alone.
OF_ALL_STEPS = (
    *(Case(cell, 32, 100, 8, 64, pooling="attention") for cell in N_GATES),
    *(Case(cell, 32, 100, 8, 64, per_step=True) for cell in N_GATES),
    *(Case(cell, 32, 60, 64, 64, n_tokens=20_000) for cell in N_GATES),
)
QUICK = (Case("gru", 4, 5, 1, 3), Case("gru", 4, 9, 1, 3, True))
QUICK_OF_ALL_STEPS = (
    Case("gru", 4, 5, 1, 3, per_step=True),
    Case("gru", 4, 5, 2, 3, n_tokens=9),
)


def grid(quick):
    """All cases, dense and ragged."""
    return QUICK if quick else DENSE + RAGGED


def of_all_steps(quick):
    """Cases of attention, of a target for each step, and of tokens."""
    return QUICK_OF_ALL_STEPS if quick else OF_ALL_STEPS


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


def tokens(case):
    """Ids (batch, n_steps), int64, as frequent as words: the k-th a k-th as often as the first."""
    shares = 1.0 / np.arange(1, case.n_tokens + 1)
    drawn = np.random.RandomState(4).choice(
        case.n_tokens, (case.batch, case.n_steps), p=shares / shares.sum()
    )
    return drawn.astype(np.int64)


def table(n_samples, n_columns):
    """A float32 table and a target that depends on its first column, for whole fits."""
    rng = np.random.RandomState(2)
    X = rng.standard_normal((n_samples, n_columns)).astype(np.float32)
    noise = 0.1 * rng.standard_normal(n_samples).astype(np.float32)
    return X, np.tanh(X[:, 0]) + 0.5 * X[:, -1] + noise
