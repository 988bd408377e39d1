"""Logarithms of probabilities in double precision, a line of raw predictions at a time."""

import math

import numpy as np

from skrnn.kernels.activations import exp_to_one
from skrnn.kernels.instructions import instruction
from skrnn.kernels.jit import part
from skrnn.kernels.vectors import VECTOR_BYTES

_LANES = VECTOR_BYTES // 8


def _exponential(units, logarithms, to, less):
    units.store(exp_to_one(units.load(logarithms) - units.copies(less)), to)


_exponential_of = instruction(_exponential, 2, has_factor=True)


@part
def log_softmax(raw, line, logs, shares, t):
    """logs[t] and shares[t] (K,): logarithms and values of the probabilities of raw[line]."""
    n_classes, width, top = logs.shape[1], np.intp(_LANES), -np.inf
    for k in range(n_classes):
        logs[t, k] = raw[line, k]
        top = max(top, logs[t, k])
    of_logs, of_shares = logs.ctypes.data, shares.ctypes.data
    for k in range(0, n_classes, width):
        at = (t * n_classes + k) * 8
        _exponential_of(logs, n_classes - k, of_logs + at, of_shares + at, top)
    total = 0.0
    for k in range(n_classes):
        total += shares[t, k]
    log_total = top + math.log(total)
    for k in range(n_classes):
        logs[t, k] -= log_total
        shares[t, k] /= total
