"""An affine map of few columns and the way back (equations 46 and 47).

Each number is the sum of the lanes of sums in order, so a row's bits are its own.
"""

from skrnn.kernels.instructions import dot_of_rows, row_instruction
from skrnn.kernels.jit import inlined, kernel, long_kernel, part
from skrnn.kernels.timeline import standardize_row_in_parts
from skrnn.kernels.vectors import absolute, fma, larger, smaller, where_above


def _backward(units, column, line, d_column, d_line, factor):
    """What a column makes of the gradient of an output, `factor`: its own, and that of the line."""
    d_y = units.copies(factor)
    units.store(fma(units.load(line), d_y, units.load(d_column)), d_column)
    units.store(fma(units.load(column), d_y, units.load(d_line)), d_line)


_backward_of_row = row_instruction(_backward, 4, has_factor=True)


@inlined
def map_line(columns, bias, line, y, i):
    """y[i] (K,) = columns (K, P) x + bias; x (P,) stands at the address `line`."""
    n_inputs, size = columns.shape[1], columns.itemsize
    for k in range(y.shape[1]):
        column = columns.ctypes.data + k * n_inputs * size
        y[i, k] = bias[k] + dot_of_rows(columns, n_inputs, line, column)


@part
def add_line(columns, line, y, i):
    """y[i] (K,) += columns (K, P) x; x (P,) stands at the address `line`."""
    n_inputs, size = columns.shape[1], columns.itemsize
    for k in range(y.shape[1]):
        y[i, k] += dot_of_rows(columns, n_inputs, line, columns.ctypes.data + k * n_inputs * size)


@inlined
def _map_lines(columns, bias, x, y):
    for i in range(y.shape[0]):
        map_line(columns, bias, x.ctypes.data + i * x.shape[1] * x.itemsize, y, i)


def _distance(units, values, lowest, highest):
    value = units.load(values)
    nearest = smaller(larger(value, units.load(lowest)), units.load(highest))
    return where_above(absolute(value), -1.0, absolute(value - nearest), 0.0)


_distance_of_row = row_instruction(_distance, 3, gives_number=True)


@kernel
def are_beyond(values, lowest, highest):
    """Whether any of values (n,) is below or above its limit; those of the first stand in lowest
    and highest (P,), and of each P behind these again. A NaN is not.
    """
    n_limits, size = lowest.shape[0], values.itemsize
    low, high = lowest.ctypes.data, highest.ctypes.data
    for first in range(0, values.shape[0], n_limits):
        n = min(n_limits, values.shape[0] - first)
        if _distance_of_row(values, n, values.ctypes.data + first * size, low, high) > 0:
            return True
    return False


@kernel
def forward(columns, bias, x, y):
    """y (B, K) = x (B, P) columns.T + bias; columns (K, P)."""
    _map_lines(columns, bias, x, y)


@long_kernel
def forward_of_lines(columns, bias, x, y):
    """The same of as many lines as there are steps, without the interpreter's lock."""
    _map_lines(columns, bias, x, y)


@inlined
def _map_back(columns, x, d_y, d_columns, d_bias, d_x):
    n_inputs, width = x.shape[1], x.shape[1] * x.itemsize
    d_x[:] = 0
    for i in range(d_y.shape[0]):
        line, d_line = x.ctypes.data + i * width, d_x.ctypes.data + i * width
        for k in range(d_y.shape[1]):
            d_bias[k] += d_y[i, k]
            column, d_column = columns.ctypes.data + k * width, d_columns.ctypes.data + k * width
            _backward_of_row(x, n_inputs, column, line, d_column, d_line, d_y[i, k])


@kernel
def backward(columns, x, d_y, d_columns, d_bias, d_x):
    """Add to d_columns (K, P) and d_bias (K,); d_x (B, P) is written."""
    _map_back(columns, x, d_y, d_columns, d_bias, d_x)


@long_kernel
def backward_of_lines(columns, x, d_y, d_columns, d_bias, d_x):
    """The same of as many lines as there are steps, without the interpreter's lock."""
    _map_back(columns, x, d_y, d_columns, d_bias, d_x)


@part
def _rise(rises, n_inputs, window):
    """Put what rises between two values of an input behind all inputs of the window."""
    inputs, starts, factors = rises
    low, high = window.dtype.type(0), window.dtype.type(1)
    for j in range(inputs.shape[0]):
        risen = (window[inputs[j]] - starts[j]) * factors[j]
        window[n_inputs + j] = min(max(risen, low), high)


@long_kernel
def forward_of_windows(ends, n_before, n_after, sizes, linear_map, rises, scratch, y, values):
    """y (n, K): the map of the standardised steps around a place in each of some sequences.

    values (S * F,): the steps end to end; ends (n,): places among them, before which n_before (n,)
    steps of the sequence stand, and n_after (n,) from there on. sizes: how many steps before the
    place are read, and F; as many from the place on as there are numbers left for in linear_map:
    center and factor (P,), lowest and highest (P,), columns (K, P + R), bias (K,), slopes (K, P) of
    what lies beyond the lowest or highest, to the columns of which it counts as these. A step that
    there is not, and a NaN, count as the mean. rises: None, or R inputs, from which value on each
    rises from zero to one, and how steeply. window (P + R,) and beyond (P,) are scratch; found[0]
    is set where anything lay beyond.
    """
    n_steps, n_features = sizes
    center, factor, lowest, highest, columns, bias, slopes = linear_map
    window, beyond, found = scratch
    n_inputs, size = center.shape[0], values.itemsize
    n_ahead = n_inputs // n_features - n_steps
    for i in range(y.shape[0]):
        first = max(n_steps - n_before[i], 0) * n_features
        last = (n_steps + min(n_after[i], n_ahead)) * n_features
        for p in range(first):
            window[p] = beyond[p] = 0
        for p in range(last, n_inputs):
            window[p] = beyond[p] = 0
        at = first * size
        distance = standardize_row_in_parts(
            values, last - first, values.ctypes.data + (ends[i] - n_steps) * n_features * size + at,
            center.ctypes.data + at, factor.ctypes.data + at, lowest.ctypes.data + at,
            highest.ctypes.data + at, window.ctypes.data + at, beyond.ctypes.data + at,
        )  # fmt: skip
        if rises is not None:  # which is known when this is compiled
            _rise(rises, n_inputs, window)
        map_line(columns, bias, window.ctypes.data, y, i)
        if distance > 0:
            found[0] = 1
            add_line(slopes, beyond.ctypes.data, y, i)
