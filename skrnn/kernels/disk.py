"""Machine code on disk that is loaded if it is whole and ours, and compiled otherwise.

numba keeps compiled functions in files, and finds them by their own source and the types of their
arguments. That is not enough, because it runs what it finds:

* A full disk, rights that were dropped, a cut-off file end in an error, and a fit with it.
* Files are numbered, and the number is entered before the code is written. After a full disk, or
  two processes at once, the entry of one function may lead to the code for other arguments.
* A function has the code of those it calls inlined, and their files are not looked at.

So each file begins with a label (of which sources, for which processor) and a digest, what is wrong
is discarded, and whatever goes wrong, the function is compiled. This is the one module that builds
on numba's inside. Where that has moved, :mod:`skrnn.kernels.jit` does without this module.
"""

import os
import pickle
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.resources import files

from numba import __version__ as numba_version
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

_NAMED, *_OTHERS = CompileResultCacheImpl._locator_classes


@cache
def _sources():
    """Digest of all kernels' sources."""
    modules = [path for path in files("skrnn.kernels").iterdir() if path.name.endswith(".py")]
    digest = sha256()
    for path in sorted(modules, key=lambda path: path.name):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _label(context):
    """What else than its own source and the types of its arguments decides a function's code."""
    return repr((numba_version, _sources(), context.codegen().magic_tuple()))


class NotOursError(Exception):
    """Code that is whole, but of other sources, another processor or other arguments."""


class DamagedError(Exception):
    """Code that is not what was written."""


class _Labelled(CompileResultCacheImpl):
    """How machine code becomes the content of a file, and the other way round."""

    #: Types of the arguments that code is looked for.
    wanted = None

    def __init__(self, function):
        super().__init__(function)
        # numba 0.61 goes by the time of the function's file, which a layer of an image rounds.
        self.locator.get_source_stamp = _sources

    def reduce(self, compiled):
        code = dumps(super().reduce(compiled))
        label = compiled.signature.args, _label(compiled.target_context)
        return label, sha256(code).digest(), code

    def rebuild(self, context, content):
        label, digest, code = content
        if label != (self.wanted, _label(context)):
            raise NotOursError
        if sha256(code).digest() != digest:
            raise DamagedError("its digest differs")
        return super().rebuild(context, pickle.loads(code))


class _Named(_NAMED):
    """The folder that NUMBA_CACHE_DIR names. If it holds kernels it may be read-only."""

    def ensure_cache_path(self):
        try:
            super().ensure_cache_path()
        except OSError:
            if not any(name.endswith(".nbi") for name in os.listdir(self.get_cache_path())):
                raise


_Labelled._locator_classes = [_Named, *_OTHERS]


class KernelCache(FunctionCache):
    """What is on disk of one function.

    Parameters
    ----------
    function : callable
    warn : callable
        Takes the text of a warning.
    """

    _impl_class = _Labelled

    def __init__(self, function, warn):
        super().__init__(function)
        self._warn = warn

    def load_overload(self, signature, target_context):
        """Machine code for a signature, or None: then numba compiles it, and has it saved."""
        self._impl.wanted = tuple(getattr(signature, "args", signature))
        try:
            return super().load_overload(signature, target_context)
        except NotOursError:
            self._discard()
        except OSError as error:
            self._warn(
                f"Compiled kernels in {self.cache_path} cannot be read ({error}), so they are "
                "compiled again. Make that folder readable, or set the environment variable "
                "NUMBA_CACHE_DIR to another."
            )
        except Exception as error:  # to unpickle what is damaged raises anything
            self._warn(
                f"A file of compiled kernels in {self.cache_path} is damaged ({error!r}). It is "
                "discarded, and the kernel compiled again."
            )
            self._discard()
        return None

    def _discard(self):
        with suppress(OSError):  # read-only, or full
            self.flush()

    def save_overload(self, signature, compiled):
        """Keep machine code for later processes, if there is room."""
        try:
            super().save_overload(signature, compiled)
        except Exception as error:
            self._warn(
                f"Compiled kernels cannot be kept in {self.cache_path} ({error!r}), so each "
                "process compiles them again. Make room there, or set the environment variable "
                "NUMBA_CACHE_DIR to a writable folder."
            )
