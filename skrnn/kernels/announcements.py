"""Who is told that kernels are being compiled: the first fit of a cell is slow once, and says why.

numba tells of each function that it compiles, and of none whose code it loads from disk.
"""

import logging
from contextlib import contextmanager

from numba.core import event

_logger = logging.getLogger("skrnn")
# What has been announced in this process.
_announced = set()


class _Once(event.Listener):
    """Listener of numba's that announces the first kernel to be compiled."""

    def __init__(self, what, say):
        self._what, self._say = what, say

    def on_start(self, compiling):
        of_kernels = compiling.data["dispatcher"].py_func.__module__.startswith("skrnn.")
        if not of_kernels or self._what in _announced:
            return
        _announced.add(self._what)
        line = f"compiling kernels for {self._what}: once"
        _logger.info(line)
        if self._say is not None:
            self._say(line)

    def on_end(self, compiling):
        pass


@contextmanager
def of_compiling(what, say=None):
    """A context in which it is announced, once in a process, that something is compiled.

    Parameters
    ----------
    what : str
        For what the kernels are.
    say : callable, optional
        Takes the text, which the logger "skrnn" gets in any case, at the level INFO.
    """
    with event.install_listener("numba:compile", _Once(what, say)):
        yield
