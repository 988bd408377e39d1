"""Attention over the steps of each row (equations 95 to 103).

The lines of a step are neighbours in memory, one for each row, so the softmax over the steps of a
row works on registers of rows: it adds the steps up one after the other, and no row's bits depend
on its neighbours.
"""

import numpy as np

from skrnn.kernels.activations import exp_to_one, tanh
from skrnn.kernels.instructions import add_multiple, dot, instruction
from skrnn.kernels.jit import long_kernel, part
from skrnn.kernels.matmul import add_transposed_product, multiply_rows
from skrnn.kernels.vectors import VECTOR_BYTES, fma

# What is done with a register's worth of units. The arguments are addresses, and `factor` a number.


def _keys(units, key, bias, query):
    """Keys with their bias become their tanh; the part of the score that these units make."""
    key_tanh = tanh(units.load(key) + units.load(bias))
    units.store(key_tanh, key)
    return units.sum(key_tanh * units.load(query))


def _keys_backward(units, key, query, d_bias, d_query, factor):
    """A tanh of keys becomes the gradient of its argument; `factor` is that of the score."""
    key_tanh, d_score = units.load(key), units.copies(factor)
    units.store(fma(key_tanh, d_score, units.load(d_query)), d_query)
    d_key = units.load(query) * d_score * (1.0 - key_tanh * key_tanh)
    units.store(d_key, key)
    units.store(units.load(d_bias) + d_key, d_bias)


def _exponentials(units, scores, tops):
    units.store(exp_to_one(units.load(scores) - units.load(tops)), scores)


_keys_of_units = instruction(_keys, 3, gives_number=True)
_keys_back_of_units = instruction(_keys_backward, 4, has_factor=True)
_exponentials_of_rows = instruction(_exponentials, 2)


@part
def _softmax(scores, start, tops, sums):
    """Scores (S,) of all lines become shares that add up to one over the steps of each row."""
    size, width = scores.itemsize, np.intp(VECTOR_BYTES // scores.itemsize)
    for r in range(start[1]):
        tops[r], sums[r] = scores[r], 0
    for t in range(1, start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            tops[r] = max(tops[r], scores[start[t] + r])
    for t in range(start.shape[0] - 1):
        n_rows, of_step = start[t + 1] - start[t], scores.ctypes.data + start[t] * size
        for r in range(0, n_rows, width):
            at = r * size
            _exponentials_of_rows(scores, n_rows - r, of_step + at, tops.ctypes.data + at)
        for r in range(n_rows):
            sums[r] += scores[start[t] + r]
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            scores[start[t] + r] /= sums[r]


@long_kernel
def forward(parameters, out, start, keys, shares, of_rows, pooled):
    """pooled (B, P): means of out (S, P), each step by its share.

    parameters: panels of the matrix (P, A), bias (A,), query (A,), and spans of all rows. What the
    way back needs is written: tanh of the keys (S, A), and shares (S,). of_rows (2, B) is scratch.
    """
    panels, bias, query, all_rows = parameters
    n_keys, n_pooled, size = keys.shape[1], out.shape[1], out.itemsize
    width = np.intp(VECTOR_BYTES // size)
    multiply_rows(out, 0, out.shape[0], panels, all_rows, keys, 0, 0)
    for s in range(out.shape[0]):
        line, score = keys.ctypes.data + s * n_keys * size, shares.dtype.type(0)
        for j in range(0, n_keys, width):
            at = j * size
            score += _keys_of_units(
                keys, n_keys - j, line + at, bias.ctypes.data + at, query.ctypes.data + at
            )
        shares[s] = score
    _softmax(shares, start, of_rows[0], of_rows[1])
    pooled[:] = 0
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            line = out.ctypes.data + (start[t] + r) * n_pooled * size
            row = pooled.ctypes.data + r * n_pooled * size
            for j in range(0, n_pooled, width):
                at = j * size
                add_multiple(out, n_pooled - j, line + at, row + at, shares[start[t] + r])


@part
def _scores_backward(out, start, shares, d_pooled, d_scores, means):
    """d_scores (S,) of d_pooled (B, P); means (B,) is scratch."""
    n_pooled, size = out.shape[1], out.itemsize
    width = np.intp(VECTOR_BYTES // size)
    for r in range(start[1]):
        means[r] = 0
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            s = start[t] + r
            line = out.ctypes.data + s * n_pooled * size
            row, d_share = d_pooled.ctypes.data + r * n_pooled * size, d_scores.dtype.type(0)
            for j in range(0, n_pooled, width):
                d_share += dot(out, n_pooled - j, line + j * size, row + j * size)
            means[r] += shares[s] * d_share
            d_scores[s] = d_share
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            s = start[t] + r
            d_scores[s] = shares[s] * (d_scores[s] - means[r])


@long_kernel
def backward(parameters, out, start, kept, scratch, d_pooled, d_out, gradients, products):
    """Way back: d_out (S, P) of d_pooled (B, P) is written, gradients are added to.

    parameters: panels of the matrix transposed, query, and spans of all rows. kept: the keys, which
    are used up, and the shares. gradients: of the matrix, with rows of padding, bias and query.
    scratch: (S,) and (B,); products: that of :func:`skrnn.kernels.matmul.scratch`.
    """
    to_out, query, all_rows = parameters
    keys, shares = kept
    d_scores, means = scratch
    d_matrix, d_bias, d_query = gradients
    n_keys, n_pooled, size = keys.shape[1], out.shape[1], out.itemsize
    width = np.intp(VECTOR_BYTES // size)
    _scores_backward(out, start, shares, d_pooled, d_scores, means)
    for s in range(out.shape[0]):
        line = keys.ctypes.data + s * n_keys * size
        for j in range(0, n_keys, width):
            at = j * size
            _keys_back_of_units(
                keys, n_keys - j, line + at, query.ctypes.data + at, d_bias.ctypes.data + at,
                d_query.ctypes.data + at, d_scores[s],
            )  # fmt: skip
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            for p in range(n_pooled):
                d_out[start[t] + r, p] = shares[start[t] + r] * d_pooled[r, p]
    multiply_rows(keys, 0, keys.shape[0], to_out, all_rows, d_out, 0, 1)
    add_transposed_product(out, keys, 0, out.shape[0], all_rows, d_matrix, products[0], products[1])
