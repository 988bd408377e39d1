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

from skrnn.kernels.jit import INTERPRETED, inlined, kernel, part
from skrnn.kernels.tile import PANEL_BYTES, SMALL_TILE_ROWS, TILE_ROWS, tile

#: Inner length of one pass of :func:`add_transposed_product`: a packed panel stays in the L1 cache.
DEPTH = 256
ALL_ROWS = np.empty((0, 2), np.int64)


def panel_width(dtype):
    """Columns of a panel."""
    return PANEL_BYTES // np.dtype(dtype).itemsize


def pack(b, width=None, fill=0):
    """Panels of b (K, N), of the width for its own type or another; `fill` continues its rows."""
    depth, n_columns = b.shape
    width = width or panel_width(b.dtype)
    panels = np.full((-(-n_columns // width), depth, width), fill, b.dtype)
    for p, panel in enumerate(panels):
        columns = b[:, p * width : (p + 1) * width]
        panel[:, : columns.shape[1]] = columns
    return panels


@part
def _multiply(a, a_row, a_column, n_rows, panel, depth, c, c_row, columns, accumulate, like):
    """One panel of a product, by addresses and strides: tiles, then smaller ones for the rest.

    like: any 3-D array of the elements' type. Callers wrap constants in ``np.intp``:
    this would be compiled once more for each literal.
    """
    size = like.itemsize
    i = 0
    while i + TILE_ROWS <= n_rows:
        tile(
            TILE_ROWS, like, a + i * a_row * size, a_row, a_column, panel, depth,
            c + i * c_row * size, c_row, columns, accumulate,
        )  # fmt: skip
        i += TILE_ROWS
    while i + SMALL_TILE_ROWS <= n_rows:
        tile(
            SMALL_TILE_ROWS, like, a + i * a_row * size, a_row, a_column, panel, depth,
            c + i * c_row * size, c_row, columns, accumulate,
        )  # fmt: skip
        i += SMALL_TILE_ROWS
    while i < n_rows:
        tile(
            1, like, a + i * a_row * size, a_row, a_column, panel, depth,
            c + i * c_row * size, c_row, columns, accumulate,
        )  # fmt: skip
        i += 1


@kernel
def _product(a, a_row, n_rows, panels, spans, c, c_row, n_columns, accumulate):
    """A product by addresses and row strides: compiled once, whatever the arrays are parts of."""
    n_panels, depth, width = panels.shape
    size = panels.itemsize
    low, high = 0, depth
    for p in range(n_panels):
        if spans.shape[0]:
            low, high = spans[p, 0], spans[p, 1]
        left = n_columns - p * width
        _multiply(
            a + low * size, a_row, np.intp(1), n_rows,
            panels.ctypes.data + (p * depth + low) * width * size, high - low,
            c + p * width * size, c_row, left if left < width else width, accumulate, panels,
        )  # fmt: skip


@inlined
def multiply_rows(a, a_first, n_rows, panels, spans, c, c_first, accumulate):
    """:func:`multiply` of some rows, within the spans of the panels; for kernels."""
    size = panels.itemsize
    a_row, c_row = a.strides[0] // size, c.strides[0] // size
    _product(
        a.ctypes.data + a_first * a_row * size, a_row, n_rows, panels, spans,
        c.ctypes.data + c_first * c_row * size, c_row, c.shape[1], np.intp(accumulate),
    )  # fmt: skip


def multiply(a, panels, c, accumulate):
    """``c = a @ b`` or ``c += a @ b``: a (M, K), b (K, N), c (M, N); unit column strides."""
    size = panels.itemsize
    _product(
        a.ctypes.data, a.strides[0] // size, len(a), panels, ALL_ROWS,
        c.ctypes.data, c.strides[0] // size, c.shape[1], accumulate,
    )  # fmt: skip


def rows_with_padding(n_rows):
    """Rows of c that make :func:`add_transposed_product` quickest: whole tiles."""
    return -(-n_rows // SMALL_TILE_ROWS) * SMALL_TILE_ROWS


def scratch(n_rows, dtype):
    """Memory for :func:`add_transposed_product` with so many rows of c: strips and a panel."""
    return (
        np.zeros((-(-n_rows // TILE_ROWS), DEPTH, TILE_ROWS), dtype),
        np.zeros((1, DEPTH, panel_width(dtype)), dtype),
    )


@kernel
def add_transposed_product(a, b, first, last, spans, c, strips, panel):
    """``c += a[first:last].T @ b[first:last]``: a (S, M), b (S, N), c (M, N). Sums in order.

    c may have more rows than M, which are of no use. Of a panel's columns of c at least the rows
    of its span are added to. Both sides are packed, DEPTH rows at a time: strips of a's columns,
    for its rows lie far apart, and a panel of b's.
    """
    n_rows, n_columns = c.shape
    size = panel.itemsize
    width = PANEL_BYTES // size
    a, b = a[first:last], b[first:last]
    c_row, one = c.strides[0] // size, np.intp(1)
    low, high = 0, n_rows
    # Whole tiles and panels are copied by loops of constant length: 138 -> 200 GF/s for the
    # gradient of an LSTM (32, 100, 8, 64).
    for start in range(0, a.shape[0], DEPTH):
        depth = a.shape[0] - start
        if depth > DEPTH:
            depth = DEPTH
        for i in range(strips.shape[0]):
            row = i * TILE_ROWS
            left = a.shape[1] - row
            if left >= TILE_ROWS:
                for k in range(depth):
                    for r in range(TILE_ROWS):
                        strips[i, k, r] = a[start + k, row + r]
            else:
                for k in range(depth):
                    for r in range(left):
                        strips[i, k, r] = a[start + k, row + r]
        for p in range((n_columns + width - 1) // width):
            if spans.shape[0]:
                low, high = spans[p, 0], spans[p, 1]
            column = p * width
            columns = n_columns - column if n_columns - column < width else width
            if columns == width:
                for k in range(depth):
                    for j in range(width):
                        panel[0, k, j] = b[start + k, column + j]
            else:
                for k in range(depth):
                    for j in range(columns):
                        panel[0, k, j] = b[start + k, column + j]
            for i in range(low // TILE_ROWS, (high + TILE_ROWS - 1) // TILE_ROWS):
                row = i * TILE_ROWS
                _multiply(
                    strips.ctypes.data + i * DEPTH * TILE_ROWS * size, one, np.intp(TILE_ROWS),
                    TILE_ROWS if n_rows - row > TILE_ROWS else n_rows - row,
                    np.intp(panel.ctypes.data), depth,
                    c.ctypes.data + (row * c_row + column) * size, c_row, columns, one, panel,
                )  # fmt: skip


if INTERPRETED:

    def multiply(a, panels, c, accumulate):
        product = np.zeros_like(c)
        flat = panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[:, : c.shape[1]]
        for k in range(len(flat)):  # in order, as the tile does: a row's bits are its own
            product += a[:, k : k + 1] * flat[k]
        c[:] = c + product if accumulate else product

    def multiply_rows(a, a_first, n_rows, panels, spans, c, c_first, accumulate):
        of_a, of_c = slice(a_first, a_first + n_rows), slice(c_first, c_first + n_rows)
        multiply(a[of_a], panels, c[of_c], accumulate)

    def add_transposed_product(a, b, first, last, spans, c, strips, panel):
        c[: a.shape[1]] += a[first:last].T @ b[first:last]
