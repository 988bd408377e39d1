"""Threads that help the calling thread through a list of work."""

from collections import deque
from contextlib import nullcontext
from queue import SimpleQueue
from threading import Thread

import numpy as np


def helpers(n_threads):
    """Context of Helpers that make `n_threads` threads with the one that asks, or of None."""
    return Helpers(n_threads - 1) if n_threads > 1 else nullcontext()


def run(work, items, helpers=None):
    """``[work(item) for item in items]``, with the help of some threads or of none."""
    if helpers is None or len(items) == 1:
        return [work(item) for item in items]
    return helpers.run(work, items)


def take(things):
    """One of a deque that no other thread has, or None."""
    try:
        return things.popleft()
    except IndexError:
        return None


class Helpers:
    """Threads that wait for work as long as the context is open.

    A pool of ``concurrent.futures`` takes some 30 us to hand a piece of work over and back, as long
    as all of Python takes for a small minibatch; a queue takes 5.

    Parameters
    ----------
    n_threads : int
    """

    def __init__(self, n_threads):
        self._jobs = SimpleQueue()
        self._threads = [Thread(target=self._serve, daemon=True) for _ in range(n_threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self):
        np.seterr(all="ignore")  # of this thread: what is not finite is looked for in the results
        while (job := self._jobs.get()) is not None:
            job.help()

    def run(self, work, items):
        """``[work(item) for item in items]``. This thread works too: to wake one takes long."""
        job = _Job(work, items, min(len(self._threads), len(items) - 1))
        for _ in range(job.n_helpers):
            self._jobs.put(job)
        return job.finish()


class _Job:
    """Work on some items by this thread and up to `n_helpers` others.

    A helper may come late, when the items are done, so the asking thread must neither wait for it
    nor leave it a job that has ended. So there is a *ticket* for each helper. A helper that takes
    its ticket works, and says so when it ends. The asking thread, when no item is left, takes the
    tickets that are still there: their helpers come too late and turn away, and it waits for the
    others alone.
    """

    def __init__(self, work, items, n_helpers):
        self._work, self._left = work, deque(enumerate(items))
        self._results = [None] * len(items)
        self.n_helpers, self._tickets = n_helpers, deque(range(n_helpers))
        self._ends = SimpleQueue()

    def _work_on(self):
        while (item := take(self._left)) is not None:
            self._results[item[0]] = self._work(item[1])

    def help(self):
        """What a helper does, unless it comes too late."""
        if take(self._tickets) is None:
            return
        error = None
        try:
            self._work_on()
        except BaseException as raised:
            error = raised
        self._ends.put(error)

    def finish(self):
        """What the asking thread does; an error of any thread is raised here."""
        try:
            self._work_on()
        finally:
            self._left.clear()
            n_late = sum(take(self._tickets) is not None for _ in range(self.n_helpers))
            errors = [self._ends.get() for _ in range(self.n_helpers - n_late)]
        for error in filter(None, errors):
            raise error
        return self._results
