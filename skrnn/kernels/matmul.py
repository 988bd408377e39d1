"""Matrix products for the shapes of a recurrent net: few rows, repeated right-hand sides.

Not BLAS, for three measured reasons (OpenBLAS 0.3.31, one Zen 5 core): its result for a row depends
on how many rows the product has (69 % of float32 cases), so predictions would change with the
batch; its threads are a setting of the whole process; and at the sizes here, 16 to 64 rows, packing
the right-hand side once for all steps makes ours 1.5 to 4 times faster.

The right-hand side is *packed*: cut into panels of as many columns as a tile has, (panels, rows,
columns of a panel), zero-filled at the right edge.
"""

import numpy as np

from skrnn.kernels.jit import INTERPRETED, kernel
from skrnn.kernels.simd import PANEL_BYTES, TILE_ROWS, tile

#: Inner length of one pass of :func:`add_transposed_product`: a packed block stays in the L1 cache.
DEPTH = 256


@kernel
def pack(b, rotation, like):
    """Panels of b (K, N); column j of the panels is column ``(j + rotation) % N`` of b."""
    depth, n_columns = b.shape
    width = PANEL_BYTES // like.itemsize
    panels = np.zeros(((n_columns + width - 1) // width, depth, width), like.dtype)
    for p in range(panels.shape[0]):
        for j in range(min(width, n_columns - p * width)):
            column = (p * width + j + rotation) % n_columns
            for k in range(depth):
                panels[p, k, j] = b[k, column]
    return panels


@kernel
def pack_transposed(b, rotation, like):
    """Panels of the transpose of b (N, K) with its columns rotated likewise: ``pack(b', 0)``."""
    n_columns, depth = b.shape
    width = PANEL_BYTES // like.itemsize
    panels = np.zeros(((n_columns + width - 1) // width, depth, width), like.dtype)
    for p in range(panels.shape[0]):
        for j in range(min(width, n_columns - p * width)):
            for k in range(depth):
                panels[p, k, j] = b[p * width + j, (k + rotation) % depth]
    return panels


@kernel
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


@kernel
def multiply(a, panels, c, accumulate):
    """``c = a @ b`` or ``c += a @ b``: a (M, K), b (K, N), c (M, N); unit column strides."""
    width, size = panels.shape[2], panels.itemsize
    for p in range(panels.shape[0]):
        _multiply(
            a.ctypes.data, a.strides[0] // size, 1, a.shape[0],
            panels[p].ctypes.data, panels.shape[1],
            c.ctypes.data + p * width * size, c.strides[0] // size,
            min(width, c.shape[1] - p * width), accumulate, panels,
        )  # fmt: skip


@kernel
def add_transposed_product(a, b, c):
    """``c += a.T @ b``: a (S, M), b (S, N), c (M, N); unit column strides. Sums over S in order."""
    size = a.itemsize
    width = PANEL_BYTES // size
    panel = np.zeros((min(DEPTH, a.shape[0]), width), a.dtype)
    a_row, c_row = a.strides[0] // size, c.strides[0] // size
    for first in range(0, a.shape[0], DEPTH):
        depth = min(DEPTH, a.shape[0] - first)
        for column in range(0, b.shape[1], width):
            columns = min(width, b.shape[1] - column)
            for k in range(depth):
                for j in range(columns):
                    panel[k, j] = b[first + k, column + j]
            _multiply(
                a.ctypes.data + first * a_row * size, 1, a_row, a.shape[1],
                panel.ctypes.data, depth,
                c.ctypes.data + column * size, c_row, columns, 1, panel,
            )  # fmt: skip


if INTERPRETED:

    def multiply(a, panels, c, accumulate):
        product = np.zeros_like(c)
        flat = panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[:, : c.shape[1]]
        for k in range(a.shape[1]):  # in order, as the tile does: a row's bits are its own
            product += a[:, k : k + 1] * flat[k]
        c[:] = c + product if accumulate else product

    def add_transposed_product(a, b, c):
        c += a.T @ b
