"""Loading the numerical layers, and numba with them, when an estimator is first used."""

import gc
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from skrnn.kernels import interrupts


@lru_cache(maxsize=1)
def learning():
    """The package :mod:`skrnn.learning`, with the modules that estimators call."""
    # Ctrl-C in the midst of an import would leave numba half loaded, and every later fit in the
    # process would fail. The import takes a third of a second; the interrupt comes behind it.
    with interrupts.wait(), _collector_rests():
        import skrnn.learning.fitting
        import skrnn.learning.generation
        import skrnn.learning.transcription
        from skrnn.kernels import updates

        # Only at the first call of a kernel numba loads the rest of it.
        updates.add_squares(0.0, np.zeros(1))
    return skrnn.learning


@contextmanager
def _collector_rests():
    """The garbage collector would look through numba's many new objects time and again, find none
    to free, and take a fifth of the first fit in a process.
    """
    rests = gc.isenabled()
    if rests:
        gc.disable()
    try:
        yield
    finally:
        if rests:
            gc.enable()
