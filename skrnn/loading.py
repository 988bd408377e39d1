"""Loading the numerical layers, and numba with them, when an estimator is first used."""

import gc
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=1)
def learning():
    """The package :mod:`skrnn.learning`, with its modules ``fitting``, ``model`` and ``events``.

    While they are loaded the garbage collector rests. It would look through numba's many new
    objects time and again, find none to free, and take a fifth of the first fit in a process.
    """
    rests = gc.isenabled()
    if rests:
        gc.disable()
    try:
        import skrnn.learning.fitting
        from skrnn.kernels import updates

        updates.norm(np.zeros(1))  # only at the first call of a kernel numba loads the rest of it
    finally:
        if rests:
            gc.enable()
    return skrnn.learning
