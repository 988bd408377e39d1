"""Matrix products for the shapes of a recurrent net: few rows, repeated right-hand sides.

Not BLAS, for three measured reasons (OpenBLAS 0.3.31, one Zen 5 core): its result for a row depends
on how many rows the product has (69 % of float32 cases), so predictions would change with the
batch; its threads are a setting of the whole process; and at the sizes here, 16 to 64 rows, packing
the right-hand side once for all steps makes ours 1.5 to 4 times faster.

The right-hand side is *packed*: cut into panels of as many columns as a tile has, (panels, rows,
columns of a panel), zero-filled at the right edge. *Spans* (panels, 2) say which rows of b, from
and to, a panel's columns are more than zeros in; ALL_ROWS, (0, 2), leaves none out.
"""

import numpy as np

from skrnn.kernels.jit import INTERPRETED, kernel, part
from skrnn.kernels.simd import PANEL_BYTES, TILE_ROWS, tile

#: Inner length of one pass of :func:`add_transposed_product`: a packed panel stays in the L1 cache.
DEPTH = 256
ALL_ROWS = np.empty((0, 2), np.int64)


def panel_width(dtype):
    """Columns of a panel."""
    return PANEL_BYTES // np.dtype(dtype).itemsize


@kernel
def pack(b):
    """Panels of b (K, N)."""
    depth, n_columns = b.shape
    width = PANEL_BYTES // b.itemsize
    panels = np.zeros(((n_columns + width - 1) // width, depth, width), b.dtype)
    for p in range(panels.shape[0]):
        first = p * width
        for k in range(depth):
            for j in range(min(width, n_columns - first)):
                panels[p, k, j] = b[k, first + j]
    return panels


@kernel
def pack_transposed(b):
    """Panels of the transpose of b (N, K): ``pack(b.T)``."""
    n_columns, depth = b.shape
    width = PANEL_BYTES // b.itemsize
    panels = np.zeros(((n_columns + width - 1) // width, depth, width), b.dtype)
    for p in range(panels.shape[0]):
        first = p * width
        for k in range(depth):
            for j in range(min(width, n_columns - first)):
                panels[p, k, j] = b[first + j, k]
    return panels


@part
def _multiply(a, a_row, a_column, n_rows, panel, depth, c, c_row, columns, accumulate, like):
    """One panel of a product, by addresses and strides: tiles, then smaller ones for the rest."""
    size = like.itemsize
    i = 0
    while i + TILE_ROWS <= n_rows:
        tile(
            TILE_ROWS, like, a + i * a_row * size, a_row, a_column, panel, depth,
            c + i * c_row * size, c_row, columns, accumulate,
        )  # fmt: skip
        i += TILE_ROWS
    while i + 4 <= n_rows:
        tile(
            4, like, a + i * a_row * size, a_row, a_column, panel, depth,
            c + i * c_row * size, c_row, columns, accumulate,
        )  # fmt: skip
        i += 4
    while i < n_rows:
        tile(
            1, like, a + i * a_row * size, a_row, a_column, panel, depth,
            c + i * c_row * size, c_row, columns, accumulate,
        )  # fmt: skip
        i += 1


@part
def multiply_spans(a, panels, spans, c, accumulate):
    """``c = a @ b`` or ``c += a @ b``: a (M, K), b (K, N), c (M, N); unit column strides."""
    width, size = panels.shape[2], panels.itemsize
    low, high = 0, panels.shape[1]
    for p in range(panels.shape[0]):
        if spans.shape[0]:
            low, high = spans[p, 0], spans[p, 1]
        _multiply(
            a.ctypes.data + low * size, a.strides[0] // size, 1, a.shape[0],
            panels[p, low:].ctypes.data, high - low,
            c.ctypes.data + p * width * size, c.strides[0] // size,
            min(width, c.shape[1] - p * width), accumulate, panels,
        )  # fmt: skip


@kernel
def multiply(a, panels, c, accumulate):
    """``c = a @ b`` or ``c += a @ b``: a (M, K), b (K, N), c (M, N); unit column strides."""
    multiply_spans(a, panels, ALL_ROWS, c, accumulate)


@kernel
def add_transposed_product(a, b, spans, c):
    """``c += a.T @ b``: a (S, M), b (S, N), c (M, N); unit column strides. Sums over S in order.

    Of a panel's columns of c at least the rows of its span are added to. Both sides are packed,
    DEPTH rows at a time: tiles of a's columns, for its rows lie far apart, and a panel of b's.
    """
    n_rows, n_columns = c.shape
    size = a.itemsize
    width = PANEL_BYTES // size
    n_strips = (n_rows + TILE_ROWS - 1) // TILE_ROWS
    strips = np.empty((n_strips, min(DEPTH, a.shape[0]), TILE_ROWS), a.dtype)
    panel = np.empty((min(DEPTH, a.shape[0]), width), a.dtype)
    low, high = 0, n_rows
    for first in range(0, a.shape[0], DEPTH):
        depth = min(DEPTH, a.shape[0] - first)
        for i in range(n_strips):
            n_here = min(TILE_ROWS, n_rows - i * TILE_ROWS)
            for k in range(depth):
                for r in range(n_here):
                    strips[i, k, r] = a[first + k, i * TILE_ROWS + r]
        for p in range((n_columns + width - 1) // width):
            if spans.shape[0]:
                low, high = spans[p, 0], spans[p, 1]
            columns = min(width, n_columns - p * width)
            for k in range(depth):
                for j in range(columns):
                    panel[k, j] = b[first + k, p * width + j]
            for i in range(low // TILE_ROWS, (high + TILE_ROWS - 1) // TILE_ROWS):
                row = i * TILE_ROWS
                _multiply(
                    strips[i].ctypes.data, 1, TILE_ROWS, min(TILE_ROWS, n_rows - row),
                    panel.ctypes.data, depth, c[row, p * width:].ctypes.data,
                    c.strides[0] // size, columns, 1, panel,
                )  # fmt: skip


if INTERPRETED:

    def multiply_spans(a, panels, spans, c, accumulate):
        multiply(a, panels, c, accumulate)

    def multiply(a, panels, c, accumulate):
        product = np.zeros_like(c)
        flat = panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[:, : c.shape[1]]
        for k in range(a.shape[1]):  # in order, as the tile does: a row's bits are its own
            product += a[:, k : k + 1] * flat[k]
        c[:] = c + product if accumulate else product

    def add_transposed_product(a, b, spans, c):
        c += a.T @ b
