"""What stands in for LLVM instructions with the JIT off (``NUMBA_DISABLE_JIT=1``).

What is written as instructions in the kernels cannot run as Python. It has its stand-in here, on
NumPy arrays:

* :func:`tile` for :func:`skrnn.kernels.tile.tile`, a piece of a matrix product;
* :class:`Units` for the registers of :mod:`skrnn.kernels.units`, with which formulas load and store
  the units of a row, and :func:`over_row` for all registers of it.

All loops around them, products and time steps too, are the compiled ones, run by the interpreter.
"""

import ctypes

import numpy as np
from numpy.lib.stride_tricks import as_strided

from skrnn.kernels.vectors import VECTOR_BYTES


def _memory(address, size, dtype):
    """`size` numbers at an address."""
    buffer = (ctypes.c_char * (int(size) * dtype.itemsize)).from_address(int(address))
    return np.frombuffer(buffer, dtype)


@np.errstate(all="ignore")  # instructions give no warnings
def tile(
    panel_bytes, rows, like, a, a_row, a_column, panel, depth, c, c_row, columns, accumulate
):  # fmt: skip
    """``c = a @ panel`` or ``c += a @ panel`` by addresses; see :func:`skrnn.kernels.tile.tile`."""
    dtype, width = like.dtype, panel_bytes // like.itemsize
    product = np.zeros((rows, width), dtype)
    if depth > 0:
        numbers = _memory(a, (rows - 1) * a_row + (depth - 1) * a_column + 1, dtype)
        strides = a_row * like.itemsize, a_column * like.itemsize
        left = as_strided(numbers, (rows, depth), strides)
        right = _memory(panel, depth * width, dtype).reshape(depth, width)
        for k in range(depth):  # in order, as the instructions add: a row's bits are its own
            product += left[:, k : k + 1] * right[k]
    for row in range(rows):
        exists = min(int(columns), width)
        place = _memory(c + row * c_row * like.itemsize, exists, dtype)
        place[:] = place + product[row, :exists] if accumulate else product[row, :exists]


class Units:
    """A register's worth of units of a row, or as many as are left, as arrays."""

    def __init__(self, dtype, columns):
        self.dtype, self.n = dtype, min(int(columns), VECTOR_BYTES // dtype.itemsize)

    def addresses(self, first, stride, n):
        """So many addresses, `stride` bytes apart."""
        return [first + i * stride for i in range(n)]

    def load(self, address):
        return _memory(address, self.n, self.dtype).copy()

    def store(self, numbers, address):
        _memory(address, self.n, self.dtype)[:] = numbers

    def copies(self, scalar):
        """A number for all units."""
        return self.dtype.type(scalar)

    def sum(self, numbers):
        return numbers.sum(dtype=self.dtype)


def over_row(like, columns, addresses, body):
    """`body` on all units of a row, a register of them at a time; the sum of what it gives."""
    width = VECTOR_BYTES // like.itemsize
    total = np.zeros(width, like.dtype)
    for first in range(0, int(columns), width):
        units = Units(like.dtype, columns - first)
        found = body(units, *(one + first * like.itemsize for one in addresses))
        if found is not None:
            total[: units.n] += found
    return total.sum(dtype=like.dtype)


def largest_of_row(like, columns, numbers):
    """The largest number of a row."""
    return _memory(numbers, columns, like.dtype).max()


def sum_of_lines(like, columns, n_lines, places, first, stride, factors, to):
    """A sum of lines, each times a factor; see :func:`skrnn.kernels.units.emit_sum_of_lines`."""
    total = np.zeros(int(columns), like.dtype)
    of_lines = zip(
        _memory(places, n_lines, np.dtype(np.int64)), _memory(factors, n_lines, like.dtype),
        strict=True,
    )  # fmt: skip
    for place, factor in of_lines:
        total += factor * _memory(first + place * stride, columns, like.dtype)
    _memory(to, columns, like.dtype)[:] = total
