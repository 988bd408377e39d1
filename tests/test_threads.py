"""Helpers of the asking thread: every item once, results in order, errors heard."""

import sys
from threading import Barrier, Event, Thread, get_ident
from threading import enumerate as running
from time import sleep

import numpy as np
import pytest

from skrnn import RNNRegressor
from skrnn.network import threads


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_each_item_is_worked_on_once_and_results_are_in_order(n_threads):
    seen = []

    def work(item):
        seen.append(item)
        return 10 * item

    with threads.helpers(n_threads) as helpers:
        for n in (1, 2, 3, 50):
            seen.clear()
            assert threads.run(work, range(n), helpers) == [10 * i for i in range(n)]
            assert sorted(seen) == list(range(n))


def test_several_threads_are_at_work_at_once_and_gone_afterwards():
    before = set(running())
    together = Barrier(3, timeout=30)

    def work(item):
        together.wait()
        return get_ident()

    with threads.helpers(3) as helpers:
        assert len(set(threads.run(work, range(3), helpers))) == 3
    assert set(running()) == before


@pytest.mark.parametrize("failing", ["here", "there"])
def test_an_error_of_any_thread_is_raised_and_the_next_job_runs(failing):
    here, both = get_ident(), Barrier(2, timeout=30)

    def work(item):
        if item < 2:
            both.wait()
        if (get_ident() == here) == (failing == "here"):
            raise KeyError(item)

    with threads.helpers(2) as helpers:
        with pytest.raises(KeyError):
            threads.run(work, range(6), helpers)
        assert threads.run(str, range(3), helpers) == ["0", "1", "2"]


def test_numpy_warns_in_no_thread_of_what_is_not_finite():
    """Whoever asks looks for it in the results."""
    here, both = get_ident(), Barrier(2, timeout=30)

    def work(item):
        both.wait()
        return get_ident() == here, np.array([1e308, 0.0]) * np.array([1e308, np.inf])

    with threads.helpers(2) as helpers, np.errstate(all="ignore"):
        results = threads.run(work, range(2), helpers)
    assert {is_here for is_here, _ in results} == {False, True}
    for _, numbers in results:
        np.testing.assert_array_equal(numbers, [np.inf, np.nan])


def test_a_helper_that_is_busy_is_not_waited_for():
    here, both, done = get_ident(), Barrier(2, timeout=30), Event()

    def work(item):
        both.wait()
        if get_ident() != here:
            assert done.wait(30)
            return None
        results = threads.run(str, range(4), helpers)  # its helper is at work on this job's item
        done.set()
        return results

    with threads.helpers(2) as helpers:
        assert ["0", "1", "2", "3"] in threads.run(work, range(2), helpers)


@pytest.mark.parametrize("failing", ["here", "there"])
def test_after_an_error_no_more_items_are_begun(failing):
    here, both, seen = get_ident(), Barrier(2, timeout=30), []
    failed = Event()

    def work(item):
        seen.append(item)
        both.wait()
        if (get_ident() == here) == (failing == "here"):
            failed.set()
            raise KeyError(item)
        assert failed.wait(30)
        sleep(0.1)  # until the other has given up

    with threads.helpers(2) as helpers, pytest.raises(KeyError):
        threads.run(work, range(1000), helpers)
    assert len(seen) == 2


@pytest.mark.parametrize("n_threads", [5, 1000, 10**30])
def test_there_are_never_more_threads_than_pieces_of_work(n_threads):
    before = set(running())
    with threads.helpers(n_threads) as helpers:
        assert set(running()) == before
        for n_items, n_more in [(1, 0), (3, 2), (2, 2), (4, 3)]:
            threads.run(str, range(n_items), helpers)
            assert len(set(running()) - before) == n_more
    assert set(running()) == before


@pytest.mark.parametrize("n_granted", [0, 1])
def test_where_the_system_grants_no_more_threads_those_there_are_do_the_work(
    n_granted, monkeypatch
):
    granted, start = iter(range(n_granted)), Thread.start

    def start_or_refuse(thread):
        if next(granted, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    before = set(running())
    monkeypatch.setattr(Thread, "start", start_or_refuse)
    with threads.helpers(4) as helpers:
        for n_items in (2, 5, 9):
            expected = [str(i) for i in range(n_items)]
            assert threads.run(str, range(n_items), helpers) == expected
            assert len(set(running()) - before) == n_granted
    assert set(running()) == before


class Interrupt:
    """Raises KeyboardInterrupt in this thread at one of the lines of the module."""

    def __init__(self, line):
        self._left = line

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename != threads.__file__:
            return None
        if event == "line":
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt
        return self


def ended(others):
    """Wait for threads to end; those that do not."""
    for thread in others:
        thread.join(timeout=10)
    return {thread for thread in others if thread.is_alive()}


def use_helpers():
    with threads.helpers(4) as helpers:
        for n_items in (2, 4, 3):
            threads.run(str, range(n_items), helpers)


def test_an_interrupt_at_any_line_leaves_no_thread_behind():
    before, tracer, line = set(running()), sys.gettrace(), 0
    interrupted = True
    while interrupted:
        line += 1
        interrupted = False
        try:
            sys.settrace(Interrupt(line))
            use_helpers()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            sys.settrace(tracer)
        assert ended(set(running()) - before) == set(), f"interrupted at line {line} that is run"
    assert line > 100


class InterruptedQueue:
    """A queue in which the second word is an interrupt, once some event has come."""

    def __init__(self, queue, event):
        self.get, self._put, self._event, self._n = queue.get, queue.put, event, 0

    def put(self, word):
        self._n += 1
        if self._n == 2:
            assert self._event.wait(30)
            raise KeyboardInterrupt
        self._put(word)


def test_an_interrupt_while_work_is_handed_out_ends_what_has_begun():
    begun, seen = Event(), []

    def work(item):
        seen.append(item)
        begun.set()
        sleep(0.01)

    with threads.helpers(3) as helpers:
        helpers._jobs = InterruptedQueue(helpers._jobs, begun)
        with pytest.raises(KeyboardInterrupt):
            threads.run(work, range(200), helpers)
    assert len(seen) < 20


def test_an_interrupt_within_a_piece_of_work_waits_for_the_others():
    here, both, at_work = get_ident(), Barrier(2, timeout=30), []

    def work(item):
        at_work.append(item)
        both.wait()
        if get_ident() == here:
            raise KeyboardInterrupt
        sleep(0.1)
        at_work.remove(item)

    with threads.helpers(2) as helpers, pytest.raises(KeyboardInterrupt):
        threads.run(work, range(2), helpers)
    assert len(at_work) == 1


def test_any_number_of_jobs_gives_the_same_bits_with_few_threads(monkeypatch):
    X = np.random.RandomState(0).normal(size=(256, 50, 1))
    y, started, start = X[:, -1, 0], [], Thread.start
    monkeypatch.setattr(Thread, "start", lambda thread: (started.append(thread), start(thread)))
    settings = {"cell": "rnn", "linear_path": None, "early_stopping": False, "tol": 1e9}
    settings |= {"batch_size": 256, "max_iter": 2, "random_state": 0}

    def predict(n_jobs):
        started.clear()
        return RNNRegressor(64, n_jobs=n_jobs, **settings).fit(X, y).predict(X).tobytes()

    expected = predict(1)
    assert not started
    for n_jobs in (2, 40_000, 10**30):
        assert predict(n_jobs) == expected
        assert 0 < len(started) < 16  # of the fit and of the prediction
