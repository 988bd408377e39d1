"""Threads that help the calling thread through a list of work."""

import os
from _thread import allocate_lock, start_new_thread
from collections import deque
from contextlib import nullcontext
from queue import Empty, SimpleQueue
from typing import ClassVar
from weakref import finalize

import numpy as np

#: Seconds that are waited for a thread to begin. One that finds no memory never does.
_LONGEST_START = 1.0


def helpers(n_threads):
    """Context of Helpers that make `n_threads` threads with the one that asks, or of None."""
    return Helpers(n_threads - 1) if n_threads > 1 else nullcontext()


def lasting_helpers(n_threads):
    """Context of Helpers as :func:`helpers`, whose threads wait for the next such context.

    To start a thread takes as long as a small batch takes to predict.
    """
    return Lent(n_threads - 1) if n_threads > 1 else nullcontext()


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

    A thread is started when there is work for it, so there are never more than pieces of work. They
    know the queue alone, and the last word in it ends them all: if an interrupt comes before
    ``__exit__`` has said it, it is said when nobody holds these Helpers any more.

    They are started below ``threading``, because ``Thread.start`` waits for ever for a thread that
    finds no memory to begin with.

    Parameters
    ----------
    most : int
        Threads there may be.
    """

    def __init__(self, most):
        self._most, self._jobs, self._process = most, SimpleQueue(), os.getpid()
        self._begun, self._ends = SimpleQueue(), []  # locks that threads hold until they end
        self._end_all = finalize(self, self._jobs.put, None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._end_all()
        if os.getpid() == self._process:  # a child that was forked has no other thread
            for end in self._ends:
                end.acquire()

    @property
    def most(self):
        """Threads there may be; 0 in a process that was forked, which has none of them."""
        return self._most if os.getpid() == self._process else 0

    def run(self, work, items):
        """``[work(item) for item in items]``. This thread works too: to wake one takes long."""
        wanted = len(items) - 1
        while len(self._ends) < min(wanted, self._most):
            self._start_one()
        job = _Job(work, items, min(wanted, len(self._ends)))
        try:
            for _ in range(job.n_helpers):
                self._jobs.put(job)
            job.work_on()
        finally:
            job.end()
        return job.results()

    def _start_one(self):
        try:
            start_new_thread(_serve, (self._jobs, self._begun))
            self._ends.append(self._begun.get(timeout=_LONGEST_START))
        except (RuntimeError, MemoryError, Empty):  # there are no more: do with those there are
            self._most = len(self._ends)


class Lent:
    """Context of Helpers that are kept for the next one which wants as many.

    Those of the last few contexts are kept. They end with the process, and before a fork, because
    a child would have none of their threads.

    Parameters
    ----------
    most : int
        Threads there may be.
    """

    _kept: ClassVar[deque] = deque(maxlen=4)

    def __init__(self, most):
        self._most, self._helpers = most, None

    def __enter__(self):
        found = take(self._kept)
        if found is None or found.most != self._most:
            found = Helpers(self._most)
        self._helpers = found
        return found

    def __exit__(self, *error):
        if error[0] is None:
            self._kept.appendleft(self._helpers)
        else:  # a thread may still be at work
            self._helpers.__exit__(*error)

    @classmethod
    def end_all(cls):
        """End those that are kept."""
        while (helpers := take(cls._kept)) is not None:
            helpers.__exit__()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=Lent.end_all)


def _serve(jobs, begun):
    """What a helping thread does."""
    np.seterr(all="ignore")  # of this thread: what is not finite is looked for in the results
    end = allocate_lock()
    with end:
        begun.put(end)
        while (job := jobs.get()) is not None:
            job.help()
            del job  # with all that it holds, while this waits for the next
        jobs.put(None)  # for the next thread


class _Job:
    """Work on some items by this thread and up to `n_helpers` others.

    A helper may come late, when the items are done, so the asking thread must neither wait for it
    nor leave it a job that has ended. So there is a *ticket* for each helper. A helper that takes
    its ticket works, and releases the ticket's lock when it ends. The asking thread, when no item
    is left, takes the tickets that are still there: their helpers come too late and turn away, and
    it waits for the others alone. All locks are made beforehand, so that a helper needs no memory
    to say that it has ended.
    """

    def __init__(self, work, items, n_helpers):
        self._work, self._left = work, deque(enumerate(items))
        self._results, self._errors = [None] * len(items), [None] * n_helpers
        self.n_helpers, self._tickets = n_helpers, deque(range(n_helpers))
        self._ends = [allocate_lock() for _ in range(n_helpers)]
        for end in self._ends:
            end.acquire()

    def work_on(self):
        """Work on items until none is left. After an error the others are given up."""
        try:
            while (item := take(self._left)) is not None:
                self._results[item[0]] = self._work(item[1])
        finally:
            self._left.clear()

    def help(self):
        """What a helper does, unless it comes too late."""
        ticket = take(self._tickets)
        if ticket is None:
            return
        try:
            self.work_on()
        except BaseException as raised:
            self._errors[ticket] = raised
        finally:
            self._ends[ticket].release()

    def end(self):
        """Wait for the helpers that are at work."""
        self._left.clear()
        while (ticket := take(self._tickets)) is not None:
            self._ends[ticket].release()
        for end in self._ends:
            end.acquire()

    def results(self):
        """Of each item; an error of any helper is raised here."""
        for error in filter(None, self._errors):
            raise error
        return self._results
