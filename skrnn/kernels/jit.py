"""All compile flags, and why.

a cache on disk
    Compile time is part of the product: a second process loads machine code from disk.
``nogil=True``, for long kernels only
    Threads of :mod:`skrnn.network` run shards of one minibatch side by side. To get the lock back
    from another thread takes longer than a short kernel: with it in all kernels two threads made a
    step of 1.1 ms (LSTM of 64 units) no quicker than one.
``error_model="numpy"``
    A division by zero gives inf or nan, which training notices, and costs no branch.
``fastmath`` off
    A diverging fit must be *seen* as non-finite, so ``nnan`` and ``ninf`` stay off. ``contract``
    and ``reassoc`` stay off too: where a fused multiply-add or another order of a sum is wanted the
    code says so (:func:`skrnn.kernels.vectors.fma`), so that one row gives the same bits wherever
    it stands in a batch.
``no_cfunc_wrapper``
    Nothing calls a kernel as a C callback, and the door for it takes compile time.
``parallel`` off
    numba's thread layers abort under joblib's threads and after a fork.
"""

import os
import warnings
from functools import partial, wraps
from inspect import getfile

import numba
import numpy as np
from numba.core.compiler_lock import global_compiler_lock

from skrnn.kernels import interrupts

try:
    from skrnn.kernels.disk import KernelCache
except (AttributeError, ImportError):  # a numba whose inside is another: its own cache will do
    KernelCache = None

FLAGS = {"error_model": "numpy", "no_cfunc_wrapper": True}

# Machine code of kernels, by the kinds of their arguments.
_ENTRIES = {}

#: True when kernels run as plain Python (``NUMBA_DISABLE_JIT=1``), as the coverage run does.
INTERPRETED = bool(numba.config.DISABLE_JIT)


def inlined(function):
    """Compile `function` into its caller: for thin wrappers that only rearrange arguments."""
    return numba.njit(inline="always", **FLAGS)(function)


def kernel(function):
    """Compile `function` lazily with the flags above, cached on disk where a folder is writable."""
    return _compile(function)


def long_kernel(function):
    """A kernel that runs without the interpreter's lock."""
    return _compile(function, nogil=True)


class Call:
    """A call of a kernel with some arguments, to be made again and again.

    In each call numba looks at the types of all arguments, which takes as long as a small net's
    step. Here it does so once, when the call is made for the second time.

    Parameters
    ----------
    function : kernel
    arguments : tuple
        The first ones. Those that follow in each call must be of the same types each time.
    """

    __slots__ = ("_call", "_n_looked_at")

    def __init__(self, function, *arguments):
        self._call = partial(function, *arguments)
        # With the JIT off, functions have no types.
        self._n_looked_at = 2 if hasattr(function, "typeof_pyval") else 0

    def __call__(self, *others):
        if self._n_looked_at:
            self._n_looked_at -= 1
            if not self._n_looked_at:
                self._call = _of_known_types(self._call.func, self._call.args, others)
        return self._call(*others)


def _of_known_types(function, arguments, others):
    """A kernel's machine code for the types of all these arguments, with the first ones given."""
    key = function, *map(_kind, (*arguments, *others))
    if key not in _ENTRIES:
        types = tuple(map(function.typeof_pyval, (*arguments, *others)))
        _ENTRIES[key] = function.compile(types)
    return partial(_ENTRIES[key], *arguments)


def _kind(value):
    """What numba's type of a value follows from, which itself takes ten times as long to find."""
    if isinstance(value, np.ndarray):
        flags = value.flags
        contiguous = flags.c_contiguous, flags.f_contiguous
        return value.dtype.num, value.ndim, *contiguous, flags.writeable, flags.aligned
    return tuple(map(_kind, value)) if type(value) is tuple else type(value)


def part(function):
    """A kernel that only other kernels call: without the door to Python, which takes compile time.

    Calling one from Python crashes the process.
    """
    return _compile(function, no_cpython_wrapper=True)


def _compile(function, **options):
    compiled = numba.njit(**FLAGS, **options)(function)
    if not INTERPRETED:
        compiled.compile = _uninterrupted(compiled.compile)
        _keep_on_disk(compiled, function)
    return compiled


def _uninterrupted(compile_or_load):
    """The same function, which Ctrl-C waits for: a second at most.

    LLVM calls back into Python, and what is raised there gets lost. What is left is a kernel
    without its code, which numba misses at the next call.
    """

    @wraps(compile_or_load)
    def waited_for(*arguments, **options):
        with interrupts.wait():
            return compile_or_load(*arguments, **options)

    return waited_for


def _keep_on_disk(compiled, function):
    """See that machine code is kept, by our cache, or by numba's own where ours cannot be."""
    try:
        if KernelCache is not None and hasattr(compiled, "_cache"):
            compiled._cache = KernelCache(function, _warn_once)
        else:
            compiled.enable_caching()
    except RuntimeError:  # numba: "cannot cache function ...: no locator available for file ..."
        _warn_once(_NO_FOLDER if os.path.exists(getfile(function)) else _NO_SOURCE)


_NO_FOLDER = (
    "No folder for compiled kernels is writable, so each process compiles them again. "
    "Set the environment variable NUMBA_CACHE_DIR to a writable folder."
)
_NO_SOURCE = (
    "skrnn is installed without its source files (.py), so numba cannot keep compiled kernels and "
    "each process compiles them again. Install skrnn with its source files."
)
_warned = []


def _warn_once(message):
    """Warn the first time only: there are many kernels, and one reason."""
    if not _warned:
        _warned.append(message)
        warnings.warn(message, RuntimeWarning, stacklevel=3)


# A child process that is forked while another thread compiles would inherit a lock that nobody
# gives back, and a half-made module of LLVM's. So a fork waits until the function is compiled.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
