"""Ctrl-C that waits until something is done that must not be left half done."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def wait():
    """A context in which an interrupt waits for its end."""
    handler, came = signal.getsignal(signal.SIGINT), []
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    signal.signal(signal.SIGINT, lambda *arguments: came.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])
