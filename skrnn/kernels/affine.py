"""An affine map of few columns and the way back (equations 46 and 47).

In plain loops, where each element is one sum in order; or on registers, for many lines, where it is
the sum of the lanes of sums in order. So a row's bits are its own.
"""

import numpy as np

from skrnn.kernels.instructions import dot, dot_of_rows, instruction, row_instruction
from skrnn.kernels.jit import kernel, long_kernel, part
from skrnn.kernels.vectors import VECTOR_BYTES, absolute, fma, where_above


@kernel
def forward(V, bias, x, y):
    """y (B, K) = x (B, P) V + bias."""
    if y.shape[1] == 1:  # the sum in registers takes a fifth of the time
        for i in range(y.shape[0]):
            line = x.ctypes.data + i * x.strides[0]
            y[i, 0] = bias[0] + dot_of_rows(x, x.shape[1], line, V.ctypes.data)
        return
    for i in range(y.shape[0]):
        for k in range(y.shape[1]):
            y[i, k] = bias[k]
        for p in range(x.shape[1]):
            for k in range(y.shape[1]):
                y[i, k] += x[i, p] * V[p, k]


@kernel
def backward(V, x, d_y, d_V, d_bias):
    """Add to d_V (P, K) and d_bias (K,); x (B, P) is overwritten with its gradient."""
    for i in range(d_y.shape[0]):
        for k in range(d_y.shape[1]):
            d_bias[k] += d_y[i, k]
        for p in range(x.shape[1]):
            d_x = d_y[i, 0] * V[p, 0]
            d_V[p, 0] += x[i, p] * d_y[i, 0]
            for k in range(1, d_y.shape[1]):
                d_x += d_y[i, k] * V[p, k]
                d_V[p, k] += x[i, p] * d_y[i, k]
            x[i, p] = d_x


def _backward(units, column, line, d_column, d_line, factor):
    """What a column makes of the gradient of an output, `factor`: its own, and that of the line."""
    d_y = units.copies(factor)
    units.store(fma(units.load(line), d_y, units.load(d_column)), d_column)
    units.store(fma(units.load(column), d_y, units.load(d_line)), d_line)


_backward_of_units = instruction(_backward, 4, has_factor=True)


@long_kernel
def forward_of_lines(columns, bias, x, y):
    """y (S, K) = x (S, P) columns.T + bias; columns (K, P)."""
    n_inputs, size = x.shape[1], x.itemsize
    width = np.intp(VECTOR_BYTES // size)
    for i in range(y.shape[0]):
        line = x.ctypes.data + i * n_inputs * size
        for k in range(y.shape[1]):
            column, total = columns.ctypes.data + k * n_inputs * size, bias[k]
            for j in range(0, n_inputs, width):
                total += dot(x, n_inputs - j, line + j * size, column + j * size)
            y[i, k] = total


@long_kernel
def backward_of_lines(columns, x, d_y, d_columns, d_bias, d_x):
    """Add to d_columns (K, P) and d_bias (K,); d_x (S, P) is written."""
    n_inputs, size = x.shape[1], x.itemsize
    width = np.intp(VECTOR_BYTES // size)
    d_x[:] = 0
    for i in range(d_y.shape[0]):
        line, d_line = x.ctypes.data + i * n_inputs * size, d_x.ctypes.data + i * n_inputs * size
        for k in range(d_y.shape[1]):
            d_bias[k] += d_y[i, k]
            column = columns.ctypes.data + k * n_inputs * size
            d_column = d_columns.ctypes.data + k * n_inputs * size
            for j in range(0, n_inputs, width):
                at = j * size
                _backward_of_units(
                    x, n_inputs - j, column + at, line + at, d_column + at, d_line + at, d_y[i, k]
                )


def _standardize(units, values, center, factor, to):
    """Standardised numbers; a NaN is read as the mean."""
    value = units.load(values)
    standardized = (value - units.load(center)) * units.load(factor)
    units.store(where_above(absolute(value), -1.0, standardized, 0.0), to)


_standardize_row = row_instruction(_standardize, 4)


@part
def _rise(rises, n_inputs, window):
    """Put what rises between two values of an input behind all inputs of the window."""
    inputs, starts, factors = rises
    for j in range(inputs.shape[0]):
        risen = (window[inputs[j]] - starts[j]) * factors[j]
        window[n_inputs + j] = 0 if risen < 0 else 1 if risen > 1 else risen


@part
def map_window(window, columns, bias, y, i):
    """y[i] (K,) = columns (K, P) window (P,) + bias."""
    n_inputs, size = columns.shape[1], columns.itemsize
    for k in range(y.shape[1]):
        column = columns.ctypes.data + k * n_inputs * size
        y[i, k] = bias[k] + dot_of_rows(columns, n_inputs, window.ctypes.data, column)


@long_kernel
def forward_of_windows(ends, n_before, n_after, sizes, linear_map, rises, window, y, values):
    """y (n, K): the map of the standardised steps around a place in each of some sequences.

    values (S * F,): the steps end to end; ends (n,): places among them, before which n_before (n,)
    steps of the sequence stand, and n_after (n,) from there on. sizes: how many steps before the
    place are read, and F; as many from the place on as there are numbers left for in linear_map:
    center and factor (P,), columns (K, P + R), bias (K,). A step that there is not, and a NaN,
    count as the mean. rises: R inputs, from which value on each rises from zero to one, and how
    steeply. window (P + R,) is scratch.
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
        _standardize_row(
            values, last - first, values.ctypes.data + (ends[i] - n_steps) * n_features * size + at,
            center.ctypes.data + at, factor.ctypes.data + at, window.ctypes.data + at,
        )  # fmt: skip
        _rise(rises, n_inputs, window)
        map_window(window, columns, bias, y, i)
