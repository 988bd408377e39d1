"""Matrix products for the shapes of a recurrent net: few rows, repeated right-hand sides.

BLAS is not called, for three measured reasons (OpenBLAS 0.3.31, one Zen 5 core). Its result for a
row depends on how many rows the product has (in 69 % of float32 cases), so predictions would change
with the batch. Its threads are a setting of the whole process. And at the sizes here, 16 to 64
rows, ours is 1.5 to 4 times as fast, because the right-hand side is packed once for all steps.

The right-hand side b comes in *panels* (panels, rows, width): each has as many columns of b as a
tile, and the last one is filled up with zeros. Where a panel's columns are zero at their top or
bottom, its *span*, a line of spans (panels, 2), names the first row of b that is not and the row
behind the last. ALL_ROWS, of shape (0, 2), stands for spans of all rows.
"""

import numpy as np

from skrnn.kernels.jit import inlined, kernel, part
from skrnn.kernels.tile import PANEL_BYTES, SMALL_TILE_ROWS, TILE_ROWS, tile

#: Inner length of one pass of :func:`add_transposed_product`: a packed panel stays in the L1 cache.
DEPTH = 256
ALL_ROWS = np.empty((0, 2), np.int64)


def panel_width(dtype):
    """Columns of a panel."""
    return PANEL_BYTES // np.dtype(dtype).itemsize


def pack(b, width=None, fill=0):
    """Panels of b (K, N), of the width of b's type or another one; `fill` fills the last one up."""
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

    `like` is any 3-D array of the elements' type. Callers wrap constants in ``np.intp``, because
    numba would compile this once more for each literal. Where the larger tile has six rows, two
    smaller ones take eight or nine rows quicker than it does with single rows behind it.
    """
    size = like.itemsize
    i = 0
    while i + TILE_ROWS <= n_rows and not (TILE_ROWS == 6 and 8 <= n_rows - i <= 9):
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
    """A product by addresses and row strides, so that it is compiled once for any slices."""
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
    """Rows of c that make :func:`add_transposed_product` quickest, which are whole tiles."""
    return -(-n_rows // SMALL_TILE_ROWS) * SMALL_TILE_ROWS


def scratch(n_rows, dtype):
    """Memory for :func:`add_transposed_product` with so many rows of c: strips and a panel."""
    return (
        np.zeros((-(-n_rows // TILE_ROWS), DEPTH, TILE_ROWS), dtype),
        np.zeros((1, DEPTH, panel_width(dtype)), dtype),
    )


@inlined
def _copy_columns(a, first, depth, column, width, to):
    """``to[:depth] = a[first:first + depth, column:column + width]``, or as many columns as it has.

    A whole width is copied by a loop of constant length, because that took the gradient of an LSTM
    (32, 100, 8, 64) from 138 to 200 GF/s.
    """
    left = a.shape[1] - column
    if left >= width:
        for k in range(depth):
            for j in range(width):
                to[k, j] = a[first + k, column + j]
    else:
        for k in range(depth):
            for j in range(left):
                to[k, j] = a[first + k, column + j]


@kernel
def add_transposed_product(a, b, first, last, spans, c, strips, panel):
    """``c += a[first:last].T @ b[first:last]``: a (S, M), b (S, N), c (M, N). Sums in order.

    Rows of c beyond M are scratch. Of c's columns in a panel at least the rows of its span are
    added to. Both sides are packed, DEPTH rows at a time: a's columns into strips, because its rows
    lie far apart, and b's into a panel.
    """
    n_rows, n_columns = c.shape
    size = panel.itemsize
    width = PANEL_BYTES // size
    a, b = a[first:last], b[first:last]
    c_row, one = c.strides[0] // size, np.intp(1)
    low, high = 0, n_rows
    for start in range(0, a.shape[0], DEPTH):
        depth = a.shape[0] - start
        if depth > DEPTH:
            depth = DEPTH
        for i in range(strips.shape[0]):
            _copy_columns(a, start, depth, i * TILE_ROWS, TILE_ROWS, strips[i])
        for p in range((n_columns + width - 1) // width):
            if spans.shape[0]:
                low, high = spans[p, 0], spans[p, 1]
            column = p * width
            columns = n_columns - column if n_columns - column < width else width
            _copy_columns(b, start, depth, column, width, panel[0])
            for i in range(low // TILE_ROWS, (high + TILE_ROWS - 1) // TILE_ROWS):
                row = i * TILE_ROWS
                _multiply(
                    strips.ctypes.data + i * DEPTH * TILE_ROWS * size, one, np.intp(TILE_ROWS),
                    TILE_ROWS if n_rows - row > TILE_ROWS else n_rows - row,
                    np.intp(panel.ctypes.data), depth,
                    c.ctypes.data + (row * c_row + column) * size, c_row, columns, one, panel,
                )  # fmt: skip


@inlined
def add_product(a, b, spans, c, scratch):
    """The same of as many rows as b has; scratch: that of a matrix with more rows will do."""
    strips = scratch[0][: (c.shape[0] + TILE_ROWS - 1) // TILE_ROWS]
    add_transposed_product(a, b, np.intp(0), b.shape[0], spans, c, strips, scratch[1])
