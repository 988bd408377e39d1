"""One thread for BLAS and LAPACK, because their results depend on how many they have.

Threads of BLAS are a setting of the whole process. Where others are at work too, as in a
cross-validation with several jobs, they also wait for each other: the start values of 200 units
took 2.7 s instead of 0.04.
"""

import os
import threading
from contextlib import contextmanager
from functools import lru_cache

# scipy's library must be there when libraries are looked for.
import scipy.linalg  # noqa: F401
from threadpoolctl import ThreadpoolController


class _State:
    """Two threads that limit BLAS at once would restore each other's limit, and leave it."""

    def __init__(self):
        self.one_at_a_time, self.limit = threading.Lock(), None


_STATE = _State()


@lru_cache(maxsize=1)
def _libraries():
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_thread():
    """A context of one thread; afterwards there are as many as before."""
    with _STATE.one_at_a_time:
        try:
            _STATE.limit = _libraries().limit(limits=1)
            yield
        finally:
            _restore()


def _restore():
    limit, _STATE.limit = _STATE.limit, None
    if limit is not None:
        limit.restore_original_limits()


def _begin_anew():
    """In a forked child: the thread that has the lock is not there to give it back, nor to restore
    the number of threads.
    """
    _STATE.one_at_a_time = threading.Lock()
    _restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
