"""An affine map of few columns and the way back (equations 46 and 47).

Each number is the sum of the lanes of sums in order, so a row's bits are its own.
"""

from skrnn.kernels.instructions import dot_of_rows, row_instruction
from skrnn.kernels.jit import inlined, kernel, long_kernel, part
from skrnn.kernels.timeline import standardize_row
from skrnn.kernels.vectors import fma


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


@inlined
def _map_lines(columns, bias, x, y):
    for i in range(y.shape[0]):
        map_line(columns, bias, x.ctypes.data + i * x.shape[1] * x.itemsize, y, i)


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
def forward_of_windows(ends, n_before, n_after, sizes, linear_map, rises, window, y, values):
    """y (n, K): the map of the standardised steps around a place in each of some sequences.

    values (S * F,): the steps end to end; ends (n,): places among them, before which n_before (n,)
    steps of the sequence stand, and n_after (n,) from there on. sizes: how many steps before the
    place are read, and F; as many from the place on as there are numbers left for in linear_map:
    center and factor (P,), columns (K, P + R), bias (K,). A step that there is not, and a NaN,
    count as the mean. rises: None, or R inputs, from which value on each rises from zero to one,
    and how steeply. window (P + R,) is scratch.
    """
    n_steps, n_features = sizes
    center, factor, columns, bias = linear_map
    n_inputs, size = center.shape[0], values.itemsize
    n_ahead = n_inputs // n_features - n_steps
    for i in range(y.shape[0]):
        first = max(n_steps - n_before[i], 0) * n_features
        last = (n_steps + min(n_after[i], n_ahead)) * n_features
        for p in range(first):
            window[p] = 0
        for p in range(last, n_inputs):
            window[p] = 0
        at = first * size
        standardize_row(
            values, last - first, values.ctypes.data + (ends[i] - n_steps) * n_features * size + at,
            center.ctypes.data + at, factor.ctypes.data + at, window.ctypes.data + at,
        )  # fmt: skip
        if rises is not None:  # which is known when this is compiled
            _rise(rises, n_inputs, window)
        map_line(columns, bias, window.ctypes.data, y, i)
