"""Sorted rows as timeline arrays, so that padding is never computed (equations 2 to 4)."""

from collections import namedtuple

from skrnn.kernels.instructions import row_instruction
from skrnn.kernels.jit import kernel, long_kernel
from skrnn.kernels.vectors import absolute, larger, smaller, where_above

#: How far beyond its training values a number counts as it is, in ranges of these. Nothing is known
#: of a line that far away, and one odd number in a row would decide its prediction.
MOST_BEYOND = 5.0

#: Sequences as a network reads them, in steps of `frame_length` observations, and the
#: standardisation of an observation ``(x - center) * scale``, center and scale (1, F) or (T, F).
#: lengths: steps of each sequence; missing: observations that its first step lacks; n_steps: the
#: steps of all of them, or 0.
SequenceData = namedtuple(
    "SequenceData",
    "values starts lengths missing center scale frame_length n_steps",
)


def _standardize(units, values, center, factor, to):
    """Standardised numbers; a NaN is read as the mean."""
    value = units.load(values)
    standardized = (value - units.load(center)) * units.load(factor)
    units.store(where_above(absolute(value), -1.0, standardized, 0.0), to)


def _standardize_in_parts(units, values, center, factor, lowest, highest, to, beyond):
    """The same up to the nearer of two limits, and how far a number is beyond that; what the
    distances add up to.
    """
    value, lowest, highest = units.load(values), units.load(lowest), units.load(highest)
    standardized = (value - units.load(center)) * units.load(factor)
    within = smaller(larger(standardized, lowest), highest)
    room = (highest - lowest) * MOST_BEYOND
    rest = smaller(larger(standardized - within, -room), room)
    is_there = absolute(value)
    rest = where_above(is_there, -1.0, rest, 0.0)
    units.store(where_above(is_there, -1.0, within, 0.0), to)
    units.store(rest, beyond)
    return absolute(rest)


standardize_row = row_instruction(_standardize, 4)
standardize_row_in_parts = row_instruction(_standardize_in_parts, 7, gives_number=True)


@kernel
def mirror(start, lengths, line):
    """line (S,): for each line, the line of the mirrored step of the same sequence."""
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            line[start[t] + r] = start[lengths[r] - 1 - t] + r


@long_kernel
def join(ahead, reverse, line, out):
    """out (S, 2 * H): outputs (S, H) of both directions side by side, at their own time steps."""
    n_hidden = ahead.shape[1]
    for s in range(out.shape[0]):
        mirrored = line[s]
        for j in range(n_hidden):
            out[s, j], out[s, n_hidden + j] = ahead[s, j], reverse[mirrored, j]


@long_kernel
def split(d_out, line, d_ahead, d_reverse):
    """The way back of :func:`join`."""
    n_hidden = d_ahead.shape[1]
    for s in range(d_out.shape[0]):
        mirrored = line[s]
        for j in range(n_hidden):
            d_ahead[s, j], d_reverse[mirrored, j] = d_out[s, j], d_out[s, n_hidden + j]


@kernel
def gather(data, rows, start, x, values):
    """x (S, k * F): the standardised inputs of the sorted `rows`, k observations a step.

    data: a SequenceData as a tuple, which numba takes in half of the time, without its values. The
    last step ends with the last observation; the first repeats the first observation for those that
    it lacks. A NaN is a missing value, and read as the mean.
    """
    starts, lengths, n_missing, center, scale, k, n_steps = data
    n_features, size = values.shape[1], values.itemsize
    width = n_features * size
    of_step = width if center.shape[0] > 1 else 0
    for r in range(rows.shape[0]):
        first, length, missing = starts[rows[r]], n_steps, n_missing[0]
        if length == 0:  # with a million rows each look-up is a cache miss
            length, missing = lengths[rows[r]], n_missing[rows[r]]
        for t in range(length):
            to = x.ctypes.data + (start[t] + r) * k * width
            for j in range(t * k - missing, (t + 1) * k - missing):
                step = max(j, 0)
                standardize_row(
                    values, n_features, values.ctypes.data + (first + step) * width,
                    center.ctypes.data + step * of_step, scale.ctypes.data + step * of_step, to,
                )  # fmt: skip
                to += width


@kernel
def mask_steps(x, start, masks, first):
    """Multiply each step of x (S, D * H) by its sequence's dropout factors, from column `first`."""
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            for j in range(x.shape[1]):
                x[start[t] + r, j] *= masks[r, first + j]
