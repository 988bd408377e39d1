"""Each kernel against a plain numpy twin: values, awkward shapes, and bits that stay the same.

Runs with the JIT off too, where every loop is Python: sizes are small then.
"""

import math

import numba
import numpy as np
import pytest
import reference
from numba import types
from numba.extending import intrinsic
from scipy.special import expit

from skrnn import choices
from skrnn.data.sequences import Sequences
from skrnn.kernels import attention, matmul, pooling, rnn, timeline, updates
from skrnn.kernels.activations import exp_to_one, logistic, tanh
from skrnn.kernels.instructions import dot_of_rows, row_instruction, sum_of_lines
from skrnn.kernels.jit import FLAGS, INTERPRETED, Call
from skrnn.kernels.matmul import (
    ALL_ROWS,
    add_transposed_product,
    multiply,
    pack,
    scratch,
)
from skrnn.kernels.tile import PANEL_BYTES
from skrnn.kernels.vectors import VECTOR_BYTES, Registers, Vector, fma
from skrnn.learning import optimizers
from skrnn.network.inputs import sequence_data
from skrnn.network.timeline import Timeline, step_starts

pytestmark = pytest.mark.kernels

DTYPES = [np.float32, np.float64]
UNTOUCHED = -77.0


def rng_of(*seed):
    return np.random.default_rng([20240229, *seed])


# --- activations -----------------------------------------------------------------------------


def elementwise(formula):
    """A formula on vectors as a function of one array (n,)."""
    if INTERPRETED:
        return formula

    @intrinsic
    def of_vector(typingctx, like, columns, x, y):
        def codegen(context, builder, signature, values):
            _, columns, x, y = values
            registers = Registers(builder, like.dtype)
            mask = registers.mask(columns, 0)
            value = Vector(registers, registers.load(x, mask))
            registers.store(formula(value).value, y, mask)
            return context.get_dummy_value()

        return types.void(like, *[types.intp] * 3), codegen

    @numba.njit(**FLAGS)
    def of_array(x):
        y = np.empty_like(x)
        size = x.itemsize
        for i in range(0, len(x), VECTOR_BYTES // size):
            of_vector(x, len(x) - i, x.ctypes.data + i * size, y.ctypes.data + i * size)
        return y

    return of_array


tanh_of, logistic_of, exp_of = map(elementwise, (tanh, logistic, exp_to_one))


def arguments(dtype):
    """Every size of argument, from subnormal to huge, of both signs."""
    info = np.finfo(dtype)
    n = 300 if INTERPRETED else 30_000
    sizes = np.concatenate(
        [
            np.exp2(np.linspace(info.minexp - info.nmant, info.maxexp - 0.01, n)),
            np.linspace(0.0, 25.0, n),
            np.linspace(0.0, 1.0, n),
        ]
    ).astype(dtype)
    return np.concatenate([sizes, -sizes])


def test_tanh_of_float32_is_within_four_units_in_the_last_place():
    x = arguments(np.float32)
    exact = np.tanh(x.astype(np.float64))
    units = np.abs(tanh_of(x) - exact) / np.spacing(np.abs(exact).astype(np.float32))
    assert units.max() <= 4.0


def test_tanh_of_float64_is_within_four_units_in_the_last_place():
    x = arguments(np.float64)
    exact = np.tanh(x.astype(np.longdouble))
    nonzero = np.abs(x) >= np.finfo(np.float64).tiny
    units = np.abs(tanh_of(x) - exact) / np.spacing(np.abs(exact).astype(np.float64))
    assert units[nonzero].max() <= 4.0
    np.testing.assert_array_equal(tanh_of(x[~nonzero]), x[~nonzero])


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_of_special_values(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30], dtype)
    y = tanh_of(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(
        y, np.array([np.nan, 1, -1, 0, -0.0, 1e-30, -1e-30, 1, -1], dtype)
    )
    np.testing.assert_array_equal(np.signbit(y[1:]), np.signbit(x[1:]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_is_odd_bounded_and_nondecreasing_to_a_few_units(dtype):
    x = np.sort(arguments(dtype))
    y = tanh_of(x)
    assert np.abs(y).max() == 1.0
    np.testing.assert_array_equal(tanh_of(-x), -y)
    assert (np.diff(y) >= -4 * np.spacing(np.abs(y[1:]))).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_logistic(dtype):
    x = arguments(dtype)
    error = np.abs(logistic_of(x) - expit(x.astype(np.longdouble)))
    assert error.max() <= 2 * np.finfo(dtype).eps
    special = logistic_of(np.array([np.nan, np.inf, -np.inf, 0.0], dtype))
    np.testing.assert_array_equal(special, np.array([np.nan, 1.0, 0.0, 0.5], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_of_what_is_not_positive(dtype):
    """To four units in the last place; without a fused multiply-add to some more."""
    lowest = -87.0 if dtype == np.float32 else -708.0
    x = -np.abs(arguments(dtype))
    exact = np.exp(np.maximum(x, lowest).astype(np.longdouble))
    units = np.abs(exp_of(x) - exact) / np.spacing(exact.astype(dtype))
    most = 64 if INTERPRETED else 4
    assert units.max() <= most
    special = exp_of(np.array([0.0, -0.0, np.nan, -np.inf], dtype))
    np.testing.assert_array_equal(special[:3], [1.0, 1.0, np.nan])
    np.testing.assert_allclose(special[3], np.exp(lowest), rtol=most * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [tanh_of, logistic_of])
def test_an_element_has_the_same_bits_at_every_position(function, dtype):
    longest = 8 if INTERPRETED else 70
    x = rng_of(1).normal(scale=2.0, size=2 * longest).astype(dtype)
    alone = np.concatenate([function(x[i : i + 1]) for i in range(len(x))])
    for n in range(1, longest):
        for first in (0, 1, n):
            np.testing.assert_array_equal(function(x[first : first + n]), alone[first : first + n])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("formula", "many"), [(tanh, tanh_of), (logistic, logistic_of)])
def test_a_formula_on_arrays_of_numpy_agrees(formula, many, dtype):
    x = rng_of(2).normal(scale=3.0, size=99).astype(dtype)
    np.testing.assert_allclose(formula(x), many(x), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", choices.ACTIVATIONS)
def test_activations_of_the_simple_cell(kind, dtype):
    cell = rnn.cell(kind)
    step = elementwise(lambda z: cell.forward([z], None, None)[-1])
    z = rng_of(20).normal(size=37).astype(dtype)
    z[3:7] = np.nan, np.inf, -np.inf, 0.0
    by_hand = {"tanh": np.tanh, "relu": lambda z: np.where(z < 0, 0, z), "logistic": expit}[kind]
    np.testing.assert_allclose(step(z), by_hand(z), rtol=4 * np.finfo(dtype).eps)
    slope = elementwise(lambda h: cell.backward([h], None, None, None, h * 0.0 + 2.0, None)[0][0])
    h = by_hand(z[7:])
    by_hand = {"tanh": 1 - h * h, "relu": h > 0, "logistic": h * (1 - h)}[kind]
    np.testing.assert_allclose(slope(h), 2.0 * by_hand, rtol=1e-5, atol=1e-7)


# --- instructions on whole rows ---------------------------------------------------------------


def add_multiple(units, of, to, factor):
    units.store(fma(units.load(of), units.copies(factor), units.load(to)), to)


add_multiple_of_row = row_instruction(add_multiple, 2, has_factor=True)


def dot_and_multiple(x, y, factor):
    """The product of two rows, and y becomes y plus a multiple of x."""
    n = np.intp(len(x))
    found = dot_of_rows(x, n, x.ctypes.data, y.ctypes.data)
    add_multiple_of_row(x, n, x.ctypes.data, y.ctypes.data, factor)
    return found


def sum_at(lines, places, factors, total):
    """The sum of lines at some places, each times a factor."""
    stride = lines.shape[1] * lines.itemsize
    sum_of_lines(
        lines, np.intp(lines.shape[1]), np.intp(len(places)), places.ctypes.data,
        lines.ctypes.data, stride, factors.ctypes.data, total.ctypes.data,
    )  # fmt: skip


if not INTERPRETED:
    dot_and_multiple, sum_at = map(numba.njit(**FLAGS), (dot_and_multiple, sum_at))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 7, 8, 15, 16, 17, 32, 50, 64])
def test_instructions_on_whole_rows(n, dtype):
    rng = rng_of(n)
    x, memory = rng.normal(size=n).astype(dtype), np.full(n + 1, UNTOUCHED, dtype)
    memory[:n] = y = rng.normal(size=n).astype(dtype)
    found = dot_and_multiple(x, memory[:n], dtype(0.3))
    exact = x.astype(np.float64) @ y
    assert found == pytest.approx(exact, abs=20 * n * float(np.finfo(dtype).eps))
    np.testing.assert_allclose(memory[:n], y + dtype(0.3) * x, rtol=1e-5, atol=1e-6)
    assert memory[n] == UNTOUCHED


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 8, 16, 17, 50, 64])
def test_the_sum_of_lines(n, dtype):
    rng, places = rng_of(n), np.array([4, 0, 5, 2])
    lines, factors = rng.normal(size=(6, n)).astype(dtype), rng.normal(size=4).astype(dtype)
    total = np.full(n + 1, UNTOUCHED, dtype)
    sum_at(lines, places, factors, total[:n])
    np.testing.assert_allclose(total[:n], factors @ lines[places], rtol=1e-4, atol=1e-6)
    assert total[n] == UNTOUCHED
    sum_at(lines, places[:0], factors[:0], total[:n])
    assert not total[:n].any()


# --- products --------------------------------------------------------------------------------

N_ROWS = (1, 3, 5, 13) if INTERPRETED else tuple(range(1, 31))
DEPTHS = (1, 4) if INTERPRETED else (0, 1, 2, 7, 64, 300)


def widths(dtype):
    """Numbers of columns around the width of a panel."""
    width = PANEL_BYTES // np.dtype(dtype).itemsize
    return (1, width + 1) if INTERPRETED else (1, 2, width - 1, width, width + 1, 2 * width, 70)


def matrix(rng, n_rows, n_columns, dtype):
    """A random matrix inside of a larger one: its rows have gaps."""
    return rng.normal(size=(n_rows, n_columns + 3)).astype(dtype)[:, 1 : n_columns + 1]


def framed(array):
    """A copy of an array as a slice, and the larger array, whose rest is marked."""
    frame = np.full((array.shape[0] + 2, array.shape[1] + 40), UNTOUCHED, array.dtype)
    frame[1:-1, 2:-38] = array
    return frame[1:-1, 2:-38], frame


def assert_rest_untouched(frame):
    frame = frame.copy()
    frame[1:-1, 2:-38] = UNTOUCHED
    assert (frame == UNTOUCHED).all()


def assert_product(c, a, b, before):
    """c is ``a @ b + before``, to the rounding of sums of that many terms."""
    a, b, before = (array.astype(np.float64) for array in (a, b, before))
    bound = np.abs(a) @ np.abs(b) + np.abs(before) + np.finfo(c.dtype).tiny
    error = np.abs(c - (a @ b + before))
    assert (error <= (a.shape[1] + 2) * np.finfo(c.dtype).eps * bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("depth", DEPTHS)
def test_multiply(depth, accumulate, dtype):
    rng = rng_of(3, depth)
    for n_rows in N_ROWS:
        for n_columns in widths(dtype):
            a, b = matrix(rng, n_rows, depth, dtype), matrix(rng, depth, n_columns, dtype)
            before = rng.normal(size=(n_rows, n_columns)).astype(dtype)
            c, frame = framed(before)
            multiply(a, pack(b), c, accumulate)
            assert_product(c, a, b, before * accumulate)
            assert_rest_untouched(frame)


@pytest.mark.parametrize("dtype", DTYPES)
def test_multiply_overwrites_even_what_is_not_a_number(dtype):
    a, b = np.ones((5, 3), dtype), np.ones((3, 4), dtype)
    c = np.full((5, 4), np.nan, dtype)
    multiply(a, pack(b), c, 0)
    np.testing.assert_array_equal(c, np.full((5, 4), 3.0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_nonfinite_values_reach_their_own_row_and_no_other(dtype):
    a = rng_of(4).normal(size=(14, 6)).astype(dtype)
    a[5, 2], a[9, 0] = np.nan, np.inf
    b, c = np.ones((6, 5), dtype), np.empty((14, 5), dtype)
    multiply(a, pack(b), c, 0)
    assert np.flatnonzero(~np.isfinite(c).all(axis=1)).tolist() == [5, 9]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("depth", DEPTHS[1:])
def test_a_row_of_a_product_has_the_same_bits_in_any_batch(depth, dtype):
    n_rows, n_columns = N_ROWS[-1], widths(dtype)[-1]
    rng = rng_of(5, depth)
    a = rng.normal(size=(n_rows, depth)).astype(dtype)
    panels = pack(rng.normal(size=(depth, n_columns)).astype(dtype))
    before = rng.normal(size=(n_rows, n_columns)).astype(dtype)

    def product(rows):
        c = before[rows].copy()
        multiply(a[rows], panels, c, 1)
        return c

    alone = np.concatenate([product(np.array([row])) for row in range(n_rows)])
    for n in range(1, n_rows + 1):
        rows = rng.permutation(n_rows)[:n]
        np.testing.assert_array_equal(product(rows), alone[rows])


def unpacked(panels, n_columns):
    """The matrix that was packed; what fills the last panel must be zero."""
    flat = np.concatenate(list(panels), axis=1)
    assert (flat[:, n_columns:] == 0).all()
    return flat[:, :n_columns]


@pytest.mark.parametrize("dtype", DTYPES)
def test_packing_of_a_matrix_and_of_its_transpose(dtype):
    rng = rng_of(6)
    for depth in DEPTHS[1:]:
        for n_columns in widths(dtype):
            b = matrix(rng, depth, n_columns, dtype)
            panels = pack(b)
            assert panels.dtype == dtype
            np.testing.assert_array_equal(unpacked(panels, n_columns), b)
            np.testing.assert_array_equal(unpacked(pack(b.T), depth), b.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_summed", [1, 5] if INTERPRETED else [0, 1, 5, 255, 256, 257, 600])
def test_add_transposed_product(n_summed, dtype):
    rng = rng_of(7, n_summed)
    for n_rows in N_ROWS[::3]:
        for n_columns in widths(dtype):
            a, b = matrix(rng, n_summed, n_rows, dtype), matrix(rng, n_summed, n_columns, dtype)
            before = rng.normal(size=(n_rows, n_columns)).astype(dtype)
            c, frame = framed(before)
            memory = scratch(n_rows, dtype)
            add_transposed_product(a, b, 0, n_summed, ALL_ROWS, c, *memory)
            assert_product(c, a.T, b, before)
            assert_rest_untouched(frame)


# --- timelines -------------------------------------------------------------------------------

LENGTHS = [[1], [4], [3, 3, 3], [6, 4, 4, 2, 1], [7, 1, 1]]


def sequences_of(lengths, rng, n_features=3):
    """Sequences in another order than the sorted one, and the rows that sort them."""
    order = rng.permutation(len(lengths))
    shuffled = np.array(lengths)[order]
    offsets = np.append(0, np.cumsum(shuffled))
    values = rng.normal(size=(offsets[-1], n_features))
    return values, offsets, np.argsort(order)


def timeline_by_hand(sequences):
    """Time-major without padding; the sequences are sorted longest first."""
    longest = len(sequences[0])
    return np.array([s[t] for t in range(longest) for s in sequences if t < len(s)])


def starts_by_hand(lengths):
    active = [sum(length > t for length in lengths) for t in range(max(lengths))]
    return np.append(0, np.cumsum(active))


@pytest.mark.parametrize("lengths", LENGTHS)
def test_step_starts(lengths):
    _, offsets, rows = sequences_of(lengths, rng_of(8))
    start = step_starts(np.diff(offsets)[rows])
    np.testing.assert_array_equal(start, starts_by_hand(lengths))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("frame_length", [1, 2, 3, 9])
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_gather_standardises(lengths, per_step, frame_length, dtype):
    rng = rng_of(9)
    values, offsets, rows = sequences_of(lengths, rng)
    shape = (max(lengths) if per_step else 1, 3)
    center, scale = rng.normal(size=shape), rng.uniform(0.5, 2.0, size=shape)
    values, center, scale = (array.astype(dtype) for array in (values, center, scale))
    sequences = Sequences(values, offsets[:-1], np.diff(offsets))
    data = sequence_data(sequences, center, scale, frame_length)
    start = step_starts(data.lengths[rows])
    x = np.full((start[-1], 3 * frame_length), np.nan, dtype)
    timeline.gather(data[1:], rows, start, x, data.values)
    again = np.full_like(x, np.nan)
    timeline.gather(
        data._replace(n_steps=0)[1:], rows, start, again, data.values
    )  # as for different lengths
    np.testing.assert_array_equal(x, again)
    by_hand = []
    for row in rows:
        sequence = data.values[offsets[row] : offsets[row + 1]]
        steps = slice(len(sequence)) if per_step else slice(None)
        standardised = (sequence - data.center[steps]) * data.scale[steps]
        by_hand.append(reference.frames(standardised, frame_length))
    assert x.dtype == dtype
    np.testing.assert_array_equal(x, timeline_by_hand(by_hand))


@pytest.mark.parametrize("lengths", LENGTHS)
def test_mirror_reverses_each_sequence_within_its_own_length(lengths):
    sequences = [rng_of(10, i).normal(size=(n, 2)) for i, n in enumerate(lengths)]
    start = starts_by_hand(lengths)
    line = np.full(start[-1], -1)
    timeline.mirror(start, np.array(lengths), line)
    mirrored = timeline_by_hand(sequences)[line]
    np.testing.assert_array_equal(mirrored, timeline_by_hand([s[::-1] for s in sequences]))
    np.testing.assert_array_equal(line[line], np.arange(start[-1]))


@pytest.mark.parametrize("lengths", LENGTHS)
def test_directions_are_joined_at_their_own_steps_and_split_again(lengths):
    ahead, back = (
        timeline_by_hand([rng_of(11, i, d).normal(size=(n, 2)) for i, n in enumerate(lengths)])
        for d in range(2)
    )
    both = Timeline.of(np.array(lengths), both_directions=True)
    joined = both.join([ahead, back])
    np.testing.assert_array_equal(joined, np.hstack([ahead, back[both.mirror]]))
    for one, other in zip(both.split(joined), (ahead, back), strict=True):
        np.testing.assert_array_equal(one, other)
    single = Timeline.of(np.array(lengths), both_directions=False)
    assert single.mirror is None
    assert single.join([ahead]) is ahead
    assert single.split(ahead)[0] is ahead


# --- pooling ---------------------------------------------------------------------------------

POOLED_LENGTHS = np.array([5, 3, 3, 1])


def pooling_case():
    start = starts_by_hand(POOLED_LENGTHS)
    out = rng_of(12).normal(size=(start[-1], 4))
    rows = [[start[t] + r for t in range(length)] for r, length in enumerate(POOLED_LENGTHS)]
    return start, out, [out[steps] for steps in rows], rows


def pooled_by_hand(kind, sequence):
    return sequence.mean(axis=0) if kind == "mean" else sequence.max(axis=0)


POOL = {"mean": pooling.mean, "max": pooling.maximum}


def pool_backward(kind, out, start, lengths, d_pooled, d_out):
    if kind == "mean":
        pooling.mean_backward(start, lengths, d_pooled, d_out)
    else:
        pooling.maximum_backward(out, start, lengths, d_pooled, d_out)


@pytest.mark.parametrize("kind", ["mean", "max"])
def test_pooling_forward(kind):
    start, out, sequences, _ = pooling_case()
    pooled = np.full((len(sequences), out.shape[1]), np.nan)
    POOL[kind](out, start, POOLED_LENGTHS, pooled)
    by_hand = np.array([pooled_by_hand(kind, sequence) for sequence in sequences])
    np.testing.assert_allclose(pooled, by_hand, rtol=1e-14)


@pytest.mark.parametrize("kind", ["mean", "max"])
def test_pooling_backward_adds_the_transposed_derivative(kind):
    start, out, sequences, rows = pooling_case()
    d_pooled = rng_of(13).normal(size=(len(sequences), out.shape[1]))
    before = rng_of(14).normal(size=out.shape)
    d_out = before.copy()
    pool_backward(kind, out, start, POOLED_LENGTHS, d_pooled, d_out)
    d_out -= before
    step = 1e-6
    for r, (sequence, steps) in enumerate(zip(sequences, rows, strict=True)):
        for t, p in np.ndindex(sequence.shape):
            up, down = sequence.copy(), sequence.copy()
            up[t, p] += step
            down[t, p] -= step
            change = (pooled_by_hand(kind, up) - pooled_by_hand(kind, down)) / (2 * step)
            assert d_out[steps[t], p] == pytest.approx(change @ d_pooled[r], abs=1e-8)


def test_of_equal_maxima_the_first_step_gets_the_gradient():
    lengths = np.array([3])
    start, out = starts_by_hand(lengths), np.array([[1.0], [1.0], [0.5]])
    d_out = np.zeros_like(out)
    pool_backward("max", out, start, lengths, np.array([[2.0]]), d_out)
    np.testing.assert_array_equal(d_out, [[2.0], [0.0], [0.0]])


@pytest.mark.parametrize("kind", ["mean", "max"])
def test_pooling_shows_what_is_not_a_number(kind):
    lengths = np.array([3])
    pooled = np.empty((1, 1))
    for place in range(3):
        out = np.array([[3.0], [2.0], [1.0]])
        out[place] = np.nan
        POOL[kind](out, starts_by_hand(lengths), lengths, pooled)
        assert np.isnan(pooled).all()


def attended(out, matrix, bias, query):
    """Shares and pooled outputs by attention; lengths are POOLED_LENGTHS."""
    n_rows = len(POOLED_LENGTHS)
    keys, shares, of_rows = np.empty_like(out), np.empty(len(out)), np.empty((2, n_rows))
    pooled, start = np.empty((n_rows, out.shape[1])), starts_by_hand(POOLED_LENGTHS)
    parameters = matmul.pack(matrix), bias, query, matmul.ALL_ROWS
    attention.forward(parameters, out, start, keys, shares, of_rows, pooled)
    return shares, pooled


def test_shares_of_scores_of_any_size():
    """The largest of each row counts alone where scores are far apart; none overflows."""
    start, out, _, rows = pooling_case()
    query = np.array([0.0, 1e5, 0.0, 0.0])
    shares, pooled = attended(out, np.eye(4), np.zeros(4), query)
    for r, steps in enumerate(rows):
        best = steps[np.argmax(out[steps, 1])]
        np.testing.assert_allclose(pooled[r], out[best], rtol=1e-12)
        np.testing.assert_allclose(shares[steps], np.array(steps) == best, atol=1e-12)
    shares, pooled = attended(out, np.eye(4), np.zeros(4), np.zeros(4))
    means = np.empty_like(pooled)
    pooling.mean(out, start, POOLED_LENGTHS, means)
    np.testing.assert_allclose(pooled, means, rtol=1e-13)


def test_attention_shows_what_is_not_a_number_in_its_own_row():
    _, out, _, rows = pooling_case()
    _, whole = attended(out, np.eye(4), np.ones(4), np.ones(4))
    for r, steps in enumerate(rows):
        for line in steps:
            broken = out.copy()
            broken[line, 2] = np.nan
            _, pooled = attended(broken, np.eye(4), np.ones(4), np.ones(4))
            assert np.isnan(pooled[r]).all()
            others = np.arange(len(rows)) != r
            np.testing.assert_array_equal(pooled[others], whole[others])


# --- updates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_adam_steps(dtype):
    rng = rng_of(15)
    theta = rng.normal(size=13).astype(dtype)
    first, second = np.zeros(13, dtype), np.zeros(13, dtype)
    expected, m, v = theta.astype(np.float64), np.zeros(13), np.zeros(13)
    beta_1, beta_2, rate, epsilon, shrink = 0.8, 0.9, 0.05, 1e-3, 0.25
    for t in range(1, 5):
        gradient = rng.normal(size=13).astype(dtype)
        step, correction = rate / (1 - beta_1**t), 1 / math.sqrt(1 - beta_2**t)
        factors = shrink, beta_1, beta_2, step, correction, epsilon
        updates.adam(theta, gradient, first, second, factors)
        g = shrink * gradient.astype(np.float64)
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        expected -= rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    np.testing.assert_allclose(theta, expected, rtol=1e-13 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("nesterov", [0.0, 1.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sgd_steps(dtype, nesterov):
    rng = rng_of(16)
    theta, velocity = rng.normal(size=13).astype(dtype), np.zeros(13, dtype)
    expected, v = theta.astype(np.float64), np.zeros(13)
    shrink, rate, momentum = 0.25, 0.1, 0.7
    for _ in range(4):
        gradient = rng.normal(size=13).astype(dtype)
        factors = shrink, rate, momentum, nesterov
        updates.sgd(theta, gradient, velocity, factors)
        step = rate * shrink * gradient.astype(np.float64)
        v = momentum * v - step
        expected += momentum * v - step if nesterov else v
    np.testing.assert_allclose(theta, expected, rtol=1e-13 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_norm_is_summed_in_double_precision(dtype):
    gradient = rng_of(17).normal(size=101).astype(dtype)
    norm = optimizers.gradient_norm(gradient)
    assert norm == pytest.approx(math.hypot(*gradient.tolist()), rel=1e-14)
    large = np.full(4, 1e30, dtype)
    assert optimizers.gradient_norm(large) == pytest.approx(2 * float(large[0]), rel=1e-14)
    gradient[50] = np.nan
    assert math.isnan(optimizers.gradient_norm(gradient))


@pytest.mark.parametrize("dtype", DTYPES)
def test_penalty_and_its_gradient(dtype):
    rng = rng_of(18)
    theta, before = rng.normal(size=(2, 9)).astype(dtype)
    penalised = (np.arange(9) % 3 > 0).astype(dtype)
    gradient = before.copy()
    value = updates.add_penalty(theta, penalised, 0.7, gradient)
    kept = theta.astype(np.float64) * penalised
    rtol = 1e-14 if dtype == np.float64 else 1e-6
    assert value == pytest.approx(0.35 * (kept**2).sum(), rel=rtol)
    np.testing.assert_allclose(gradient, before + 0.7 * kept, rtol=rtol)
    np.testing.assert_array_equal(gradient[::3], before[::3])


@pytest.mark.skipif(INTERPRETED, reason="types are looked at by numba alone")
def test_a_call_that_is_made_again_is_not_asked_for_types(monkeypatch):
    asked, typeof = [], updates.toward.typeof_pyval
    monkeypatch.setattr(
        updates.toward, "typeof_pyval", lambda value: asked.append(value) or typeof(value)
    )
    theta, average = np.ones(3), np.zeros(3)
    move = Call(updates.toward, theta, average, 0.5)
    for expected in (0.5, 0.75):
        move()
        np.testing.assert_array_equal(average, expected)
    assert asked
    asked.clear()
    theta[:] = 0.0  # in place
    for expected in (0.375, 0.1875):
        move()
        np.testing.assert_array_equal(average, expected)
    assert not asked
