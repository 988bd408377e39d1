"""Logarithms of probabilities in double precision, a line of raw predictions at a time."""

import math

from skrnn.kernels.activations import exp_to_one
from skrnn.kernels.instructions import largest_of_row, row_instruction, sum_of_row
from skrnn.kernels.jit import part


def _exponential(units, logarithms, to, less):
    units.store(exp_to_one(units.load(logarithms) - units.copies(less)), to)


_exponentials_of = row_instruction(_exponential, 2, has_factor=True)


@part
def log_softmax(raw, line, logs, scratch, t):
    """logs[t] (K,): logarithms of the probabilities of raw[line]; scratch[t] (K,)."""
    n_classes, at = logs.shape[1], t * logs.shape[1] * 8
    of_logs, of_scratch = logs.ctypes.data + at, scratch.ctypes.data + at
    for k in range(n_classes):
        logs[t, k] = raw[line, k]
    top = largest_of_row(logs, n_classes, of_logs)
    _exponentials_of(logs, n_classes, of_logs, of_scratch, top)
    total = sum_of_row(scratch, n_classes, of_scratch)
    log_total = top + math.log(total)
    for k in range(n_classes):
        logs[t, k] -= log_total
