"""Connectionist temporal classification against sums over all alignments, and against PyTorch."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skrnn import losses
from skrnn.data.transcripts import best_paths
from skrnn.learning import transcription
from skrnn.network.examples import Alignment

pytestmark = pytest.mark.kernels


def alignment(n_steps, labels):
    """Of rows with so many steps, and these labels."""
    ends, n_labels = np.cumsum(n_steps), np.array([len(one) for one in labels])
    label_ends = np.cumsum(n_labels)
    return Alignment(
        np.arange(ends[-1]),
        np.column_stack([ends - n_steps, ends]),
        np.concatenate(labels).astype(np.int64),
        np.column_stack([label_ends - n_labels, label_ends]),
    )


def probability(raw, labels):
    """Of some labels: the sum over all alignments, which are few where there are few steps."""
    shares = np.exp(raw - raw.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    n_steps, n_classes = raw.shape
    total = 0.0
    for path in itertools.product(range(n_classes), repeat=n_steps):
        said = [k for k, _ in itertools.groupby(path) if k != n_classes - 1]
        if said == list(labels):
            total += np.prod(shares[np.arange(n_steps), path])
    return total


def value_and_slope(raw, n_steps, labels, dtype=np.float64):
    """Loss of each row, not shared out over its labels, and the slopes of all raw predictions."""
    given, loss = alignment(n_steps, labels), losses.CTC(raw.shape[1])
    slope = raw.astype(dtype)
    values = loss._values(slope, given, np.ones(len(labels))) * given.n_counted
    return values, slope


ROWS = [
    (5, []),
    (1, []),
    (1, [0]),
    (5, [0, 0, 0]),  # just long enough: a blank between equal labels
    (4, [0, 1, 0, 1]),
    (5, [1, 1]),
    (6, [0, 1]),
    (3, [1]),
]


@pytest.mark.parametrize(("n_steps", "labels"), ROWS)
def test_it_is_the_sum_over_all_alignments(n_steps, labels, rng):
    raw = 2.0 * rng.normal(size=(n_steps, 3))
    values, _ = value_and_slope(raw, np.array([n_steps]), [labels])
    assert_allclose(values, -np.log(probability(raw, labels)), rtol=1e-12)


def test_all_transcripts_together_have_a_probability_of_one(rng):
    raw = rng.normal(size=(4, 3))
    every = [x for n in range(5) for x in itertools.product(range(2), repeat=n)]
    values = [value_and_slope(raw, np.array([4]), [list(labels)])[0][0] for labels in every]
    assert np.exp(-np.array(values)).sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_slopes_are_those_of_finite_differences(dtype, rng):
    n_steps, labels = np.array([7, 4, 9, 3]), [[0, 0, 2], [], [3, 1, 3, 3], [2]]
    raw = 2.0 * rng.normal(size=(n_steps.sum(), 5))
    _, slope = value_and_slope(raw, n_steps, labels, dtype)
    found = np.empty_like(raw)
    for place in np.ndindex(raw.shape):
        values = []
        for step in (1e-6, -1e-6):
            moved = raw.copy()
            moved[place] += step
            values.append(value_and_slope(moved, n_steps, labels)[0].sum())
        found[place] = (values[0] - values[1]) / 2e-6
    assert_allclose(slope, found, atol=1e-8 if dtype == np.float64 else 1e-6)


def test_what_is_nearly_certain_and_what_is_nearly_impossible_keep_their_digits():
    raw = np.full((60, 3), -400.0)
    raw[:, 2] = 400.0  # the blank, at every step
    sure, _ = value_and_slope(raw, np.array([60]), [[]])
    hardly, slope = value_and_slope(raw, np.array([60]), [[0, 1]])
    assert sure[0] == pytest.approx(0.0, abs=1e-12)
    assert_allclose(hardly, 1600.0 - np.log(60 * 59 / 2), rtol=1e-12)
    assert_allclose(slope.sum(axis=1), 0.0, atol=1e-12)
    assert_allclose(slope[:, 0].sum(), -1.0, rtol=1e-9)  # one step's worth of the first label


def log_probability(raw, labels):
    """Of some labels, by equations 133 and 134 in logarithms."""
    logs = raw - np.logaddexp.reduce(raw, axis=1, keepdims=True)
    states = [raw.shape[1] - 1]
    for label in labels:
        states += [label, raw.shape[1] - 1]
    ahead = np.full(len(states), -np.inf)
    ahead[:2] = logs[0, states[:2]]
    for of_step in logs[1:, states]:
        ways = [ahead, np.append(-np.inf, ahead[:-1])]
        if len(states) > 2:
            skips = np.append([-np.inf] * 2, ahead[:-2])
            is_free = [s >= 2 and s % 2 and states[s] != states[s - 2] for s in range(len(states))]
            ways.append(np.where(is_free, skips, -np.inf))
        ahead = np.logaddexp.reduce(ways, axis=0) + of_step
    return np.logaddexp.reduce(ahead[-2:])


@pytest.mark.parametrize("spread", [0.1, 30.0, 1000.0])
def test_long_rows_keep_their_digits_however_improbable(spread, rng):
    raw = spread * rng.normal(size=(333, 6))
    labels = rng.integers(0, 5, size=90)
    values, slope = value_and_slope(raw, np.array([333]), [labels])
    assert_allclose(values[0], -log_probability(raw, labels), rtol=1e-12)
    moved, step = raw.copy(), 1e-4
    moved[200, 3] += step
    found = (-log_probability(moved, labels) - values[0]) / step
    assert slope[200, 3] == pytest.approx(found, abs=1e-3)
    assert_allclose(slope.sum(axis=1), 0.0, atol=1e-10)


def test_what_is_no_number_is_seen():
    raw = np.zeros((5, 3))
    raw[2, 1] = np.nan
    values, _ = value_and_slope(raw, np.array([5]), [[0]])
    assert not np.isfinite(values[0])


def test_too_few_steps_have_no_probability():
    values, slope = value_and_slope(np.zeros((4, 3)), np.array([2, 2]), [[0, 0], [0, 1]])
    assert np.isinf(values[0])
    assert np.isfinite(values[1])
    assert np.isfinite(slope).all()


def test_lines_in_any_order_and_factors_of_rows(rng):
    """As a timeline has them: step after step, the rows side by side."""
    n_steps, labels = np.array([5, 3]), [[1, 0], [0]]
    raw = rng.normal(size=(8, 3))
    values, slope = value_and_slope(raw, n_steps, labels)
    given = alignment(n_steps, labels)
    lines = np.array([0, 2, 4, 6, 7, 1, 3, 5])
    mixed = np.empty_like(raw)
    mixed[lines] = raw
    loss = losses.CTC(3)
    found = loss.gradient(mixed, given._replace(lines=lines), np.array([2.0, 0.5]))
    assert found == pytest.approx(2.0 * values[0] / 3 + 0.5 * values[1] / 2)
    expected = slope * np.repeat([2.0 / 3, 0.5 / 2], n_steps)[:, np.newaxis]
    assert_allclose(mixed[lines], expected, rtol=1e-12)


def test_parity_with_pytorch(rng):
    torch = pytest.importorskip("torch")
    n_steps = rng.integers(8, 40, size=12)
    labels = [rng.integers(0, 3, size=rng.integers(0, n // 2)) for n in n_steps]
    raw = [3.0 * rng.normal(size=(n, 4)) for n in n_steps]
    values, slope = value_and_slope(np.concatenate(raw), n_steps, labels)
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(one) for one in raw]).requires_grad_()
    expected = torch.nn.CTCLoss(blank=3, reduction="none")(
        torch.log_softmax(padded, -1),
        torch.tensor(np.concatenate(labels).astype(np.int64)),
        torch.tensor(n_steps),
        torch.tensor([len(one) for one in labels]),
    )
    expected.sum().backward()
    assert_allclose(values, expected.detach().numpy(), rtol=1e-10)
    of_steps = [padded.grad[:n, i].numpy() for i, n in enumerate(n_steps)]
    assert_allclose(slope, np.concatenate(of_steps), atol=1e-10)


def test_best_paths_leave_out_repetitions_and_blanks():
    said = [0, 0, 2, 0, 1, 1, 2, 2, 1]
    raw = np.eye(3)[said]
    labels, counts = best_paths(raw, np.array([5, 4]))
    assert counts.tolist() == [3, 2]
    assert labels.tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("n_steps", [1, 4, 6])
def test_a_wide_beam_knows_every_transcript_and_its_probability(n_steps, rng):
    raw = 1.5 * rng.normal(size=(n_steps, 3))
    found = transcription._of_beam(raw, 200)
    every = [x for n in range(n_steps + 1) for x in itertools.product(range(2), repeat=n)]
    expected = {x: probability(raw, x) for x in every}
    expected = {x: p for x, p in expected.items() if p > 0.0}
    assert {one.labels for one in found} == set(expected)
    for one in found:
        assert one.log_probability == pytest.approx(np.log(expected[one.labels]), rel=1e-9)
    in_order = sorted(expected, key=expected.get, reverse=True)
    assert [one.labels for one in found] == in_order


def test_a_beam_sums_alignments_that_the_best_path_does_not():
    """No label is likeliest at either step, but it is likelier than none in all (Graves, 2006)."""
    raw = np.log([[0.4, 0.6], [0.4, 0.6]])
    assert best_paths(raw, np.array([2]))[1].tolist() == [0]
    best = transcription._of_beam(raw, 2)[0]
    assert best.labels == (0,)
    assert np.exp(best.log_probability) == pytest.approx(0.64)
