"""The kernels' matrix product beside plain loops and BLAS, and what a row's bits depend on.

Prints the table of docs/design.md: GF/s on one core of products of recurrent shape, each the best
of interleaved runs, and the share of products whose rows' bits depend on the number of rows.
"""

import time

import numba
import numpy as np
from threadpoolctl import threadpool_limits

from skrnn.kernels.matmul import multiply, multiply_rows, pack

SHAPES = [(16, 64, 256), (32, 16, 64), (200, 50, 200), (64, 256, 1024), (1, 64, 256)]


@numba.njit(error_model="numpy")
def loops(a, b, panels, c, n_times):
    for _ in range(n_times):
        c[:] = 0
        for i in range(a.shape[0]):
            for k in range(a.shape[1]):
                for j in range(b.shape[1]):
                    c[i, j] += a[i, k] * b[k, j]


@numba.njit
def blas(a, b, panels, c, n_times):
    for _ in range(n_times):
        np.dot(a, b, c)


@numba.njit
def tile(a, b, panels, c, n_times):
    all_rows = np.empty((0, 2), np.int64)
    for _ in range(n_times):
        multiply_rows(a, 0, a.shape[0], panels, all_rows, c, 0, 0)


def rate(kernel, a, b, panels, c, n_times):
    start = time.perf_counter()
    kernel(a, b, panels, c, n_times)
    return 2e-9 * a.size * b.shape[1] * n_times / (time.perf_counter() - start)


def rates(shape, dtype, n_runs=7):
    """GF/s of each kernel on one shape."""
    n_rows, depth, n_columns = shape
    random = np.random.default_rng(0)
    a = random.standard_normal((n_rows, depth)).astype(dtype)
    b = random.standard_normal((depth, n_columns)).astype(dtype)
    arguments = (a, b, pack(b), np.empty((n_rows, n_columns), dtype))
    n_times = int(5e8 / (2 * n_rows * depth * n_columns)) + 1
    kernels = (loops, blas, tile)
    for kernel in kernels:
        kernel(*arguments, 1)
    runs = [[rate(kernel, *arguments, n_times) for kernel in kernels] for _ in range(n_runs)]
    return np.max(runs, axis=0)


def share_that_depends_on_neighbours(product, dtype):
    """Share of products in which the rows' bits differ from those of a larger product."""
    random, n_different, n_products = np.random.default_rng(1), 0, 0
    for depth in (3, 16, 50, 64, 256):
        for n_columns in (16, 24, 100, 256):
            a = random.standard_normal((130, depth)).astype(dtype)
            b = random.standard_normal((depth, n_columns)).astype(dtype)
            whole = product(a, b)
            for n_rows in (1, 2, 3, 5, 8, 16, 31, 64, 100):
                part = product(np.ascontiguousarray(a[7 : 7 + n_rows]), b)
                n_different += not np.array_equal(part, whole[7 : 7 + n_rows])
                n_products += 1
    return n_different / n_products


def product_of_blas(a, b):
    c = np.empty((len(a), b.shape[1]), a.dtype)
    blas(a, b, None, c, 1)
    return c


def product_of_tiles(a, b):
    c = np.empty((len(a), b.shape[1]), a.dtype)
    multiply(a, pack(b), c, 0)
    return c


def main():
    print("| product | loops | BLAS | tile |\n| --- | --- | --- | --- |")
    with threadpool_limits(1):
        for dtype in (np.float32, np.float64):
            for shape in SHAPES:
                cells = " | ".join(f"{x:.0f}" for x in rates(shape, dtype))
                print(f"| {np.dtype(dtype).name} {shape} | {cells} |")
            for name, product in (("BLAS", product_of_blas), ("tile", product_of_tiles)):
                share = share_that_depends_on_neighbours(product, dtype)
                print(f"{name}: a row's bits depend on its neighbours in {share:.0%} of products")


if __name__ == "__main__":
    main()
