"""Centre and scale: chunks change nothing, whatever the lengths."""

import numpy as np
import pytest

from skrnn.data import scaling
from skrnn.data.sequences import Sequences


def by_hand(values, weights):
    mean = np.average(values, axis=0, weights=weights)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("lengths", [[4], [3, 3, 3], [1, 50, 2, 1, 1, 7]])
def test_sequences_by_chunks(lengths, chunk, monkeypatch):
    monkeypatch.setattr(scaling, "_CHUNK", chunk)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(3.0, size=(length, 2)) for length in lengths]
    weights = rng.uniform(0.5, 2.0, len(arrays))
    found = scaling.sequence_scaling(Sequences.from_list(arrays), weights, None)
    expected = by_hand(np.concatenate(arrays), np.repeat(weights, lengths))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, [other], rtol=1e-12)


@pytest.mark.parametrize("per_step", [False, True])
def test_what_differs_by_the_rounding_of_its_precision_is_constant(per_step):
    X = np.full((6, 1, 2), 1e6)
    X[::2, :, 0] = np.nextafter(np.float32(1e6), np.float32(2e6))
    X[::2, :, 1] = 2e6
    for dtype, rounding in ((np.float32, 1.0), (np.float64, 0.03125)):
        sequences = Sequences.from_array(X.astype(dtype))
        _, scale = scaling.sequence_scaling(
            sequences, np.ones(6), np.arange(1) if per_step else None
        )
        np.testing.assert_allclose(scale, [[rounding, 5e5]], rtol=1e-9)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_steps_by_themselves(chunk, monkeypatch):
    monkeypatch.setattr(scaling, "_CHUNK", chunk)
    rng = np.random.default_rng(1)
    X, weights = rng.normal(size=(9, 4, 2)), rng.uniform(0.5, 2.0, 9)
    rows = rng.permutation(9)[:6]
    some = Sequences.from_array(X).take(rows)
    found = scaling.sequence_scaling(some, weights[rows], np.arange(X.shape[1]))
    for one, other in zip(found, by_hand(X[rows], weights[rows]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(("dtype", "tiny"), [("float32", 1e-38), ("float64", 1e-308)])
def test_a_column_whose_scale_has_no_reciprocal_is_constant(dtype, tiny):
    values = np.array([[0.0, 0.0], [tiny, 100.0 * tiny]])
    scale = scaling.mean_and_scale(values, np.ones(2), dtype)[1]
    assert scale[0] == 1.0
    assert scale[1] == (50.0 * tiny if dtype == "float32" else 1.0)  # whose square is zero
