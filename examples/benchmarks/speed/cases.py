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
SMALLEST = DENSE[:6]
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


class TranscriptCase(NamedTuple):
    """A bidirectional encoder of tokens, and a decoder of labels with attention.

    Ragged ones have half as many to half as many again.
    """

    batch: int
    n_source: int
    n_target: int
    n_embedded: int
    hidden: int
    n_labels: int
    ragged: bool = False


class CTCCase(NamedTuple):
    """Raw predictions of labels and the blank at each step, and labels of each row."""

    batch: int
    n_steps: int
    n_labels: int
    n_target: int


TRANSCRIPTS = {"step": TranscriptCase(64, 12, 10, 64, 128, 40)}
TRANSCRIPTS["write"] = TRANSCRIPTS["step"]._replace(batch=1000, ragged=True)
CTC = CTCCase(32, 100, 30, 10), CTCCase(32, 100, 30, 30)
QUICK_TRANSCRIPTS = {
    "step": TranscriptCase(4, 5, 3, 2, 3, 4),
    "write": TranscriptCase(6, 5, 3, 2, 3, 4, True),
}
QUICK_CTC = (CTCCase(2, 5, 3, 2),)


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


def transcripts(case):
    """Tokens (batch, n_source), the labels before those to be written, and these."""
    rng = np.random.RandomState(5)
    X = rng.randint(case.n_labels, size=(case.batch, case.n_source))
    labels = rng.randint(case.n_labels - 1, size=(case.batch, case.n_target))
    labels[:, -1] = case.n_labels - 1  # the end
    return X, np.roll(labels, 1, axis=1), labels


def words(case):
    """Tokens of each row, in any order of their numbers, and how many labels each is to have."""
    rng = np.random.RandomState(7)
    counts = [
        rng.randint(-(-n // 2), n + n // 2 + 1, size=case.batch)
        for n in (case.n_source, case.n_target)
    ]
    return [rng.randint(case.n_labels, size=n) for n in counts[0]], counts[1]


def of_ctc(case):
    """Raw predictions (batch, n_steps, n_labels + 1), float32, and labels (batch, n_target)."""
    rng = np.random.RandomState(6)
    shape = case.batch, case.n_steps, case.n_labels + 1
    raw = rng.standard_normal(shape).astype(np.float32)
    return raw, rng.randint(case.n_labels, size=(case.batch, case.n_target))


def table(n_samples, n_columns):
    """A float32 table and a target that depends on its first column, for whole fits."""
    rng = np.random.RandomState(2)
    X = rng.standard_normal((n_samples, n_columns)).astype(np.float32)
    noise = 0.1 * rng.standard_normal(n_samples).astype(np.float32)
    return X, np.tanh(X[:, 0]) + 0.5 * X[:, -1] + noise
