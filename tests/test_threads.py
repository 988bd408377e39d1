"""Helpers of the asking thread: every item once, results in order, errors heard."""

import os
import subprocess
import sys
from threading import Barrier, Event, get_ident
from time import monotonic, sleep

import numpy as np
import pytest

from skrnn import RNNRegressor
from skrnn.network import threads


def running():
    """Identities of all threads, those that are not of `threading` too."""
    return set(sys._current_frames())


def left_of(others):
    """Which threads do not end."""
    last = monotonic() + 10.0
    while others & running() and monotonic() < last:
        sleep(0.001)
    return others & running()


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
    before = running()
    together = Barrier(3, timeout=30)

    def work(item):
        together.wait()
        return get_ident()

    with threads.helpers(3) as helpers:
        assert len(set(threads.run(work, range(3), helpers))) == 3
    assert not left_of(running() - before)


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
    before = running()
    with threads.helpers(n_threads) as helpers:
        assert running() == before
        for n_items, n_more in [(1, 0), (3, 2), (2, 2), (4, 3)]:
            threads.run(str, range(n_items), helpers)
            assert len(running() - before) == n_more
    assert not left_of(running() - before)


def refuse(*arguments):
    raise RuntimeError("can't start new thread")


def have_no_memory(*arguments):
    raise MemoryError


def die_before_it_begins(*arguments):
    """What happens to a thread that finds no memory: nothing is heard of it."""


@pytest.mark.parametrize("fail", [refuse, have_no_memory, die_before_it_begins])
@pytest.mark.parametrize("n_granted", [0, 1])
def test_where_the_system_grants_no_more_threads_those_there_are_do_the_work(
    n_granted, fail, monkeypatch
):
    granted, start, failed = iter(range(n_granted)), threads.start_new_thread, []

    def start_or_fail(*arguments):
        if next(granted, None) is None:
            failed.append(arguments)
            return fail(*arguments)
        return start(*arguments)

    before = running()
    monkeypatch.setattr(threads, "start_new_thread", start_or_fail)
    monkeypatch.setattr(threads, "_LONGEST_START", 0.5)
    with threads.helpers(4) as helpers:
        for n_items in (2, 5, 9):
            expected = [str(i) for i in range(n_items)]
            assert threads.run(str, range(n_items), helpers) == expected
            assert len(running() - before) == n_granted
    assert len(failed) == 1
    assert not left_of(running() - before)


WITHOUT_MEMORY = """
import resource, warnings

import numpy as np

from skrnn import RNNRegressor

X = np.random.RandomState(0).normal(size=(600, 20, 4))


def fit():
    net = RNNRegressor(32, max_iter=2, n_jobs=3, batch_size=300, random_state=0)
    return net.fit(X, X[:, -1, 0]).predict(X)


def limit(*sizes):
    resource.setrlimit(resource.RLIMIT_AS, (*sizes, resource.RLIM_INFINITY))


warnings.simplefilter("ignore")
expected = fit()
for n_kilobytes in (0, 30, 300, 9000, 17000):
    n_pages = int(open("/proc/self/statm").read().split()[0])
    limit(n_pages * resource.getpagesize() + 1024 * n_kilobytes)
    try:
        fit()
    except MemoryError:
        pass
    limit(resource.RLIM_INFINITY)
    assert (fit() == expected).all()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory as Linux has them")
def test_a_fit_without_memory_ends():
    """Of a thread that finds none Python says so on stderr."""
    code = [sys.executable, "-c", WITHOUT_MEMORY]
    done = subprocess.run(code, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr


def test_a_thread_that_begins_late_ends_by_itself(monkeypatch):
    before, may_begin, serve = running(), Event(), threads._serve

    def serve_late(*arguments):
        assert may_begin.wait(30)
        serve(*arguments)

    monkeypatch.setattr(threads, "_serve", serve_late)
    monkeypatch.setattr(threads, "_LONGEST_START", 0.01)
    with threads.helpers(2) as helpers:
        assert threads.run(str, range(3), helpers) == ["0", "1", "2"]
        late = running() - before
    assert len(late) == 1
    may_begin.set()
    assert not left_of(late)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_does_not_wait_for_the_threads_of_its_parent():
    with threads.helpers(3) as helpers:
        threads.run(str, range(3), helpers)
        child = os.fork()
        if child == 0:
            ended = threads.run(str, range(3), helpers) == ["0", "1", "2"]
            helpers.__exit__()
            os._exit(0 if ended else 1)
        last, ended = monotonic() + 30.0, (0, 0)
        while ended == (0, 0) and monotonic() < last:
            ended = os.waitpid(child, os.WNOHANG)
            sleep(0.01)
        if ended == (0, 0):
            os.kill(child, 9)
        assert ended == (child, 0)


@pytest.fixture
def none_kept():
    """No threads are left of earlier contexts, nor of the test."""
    threads.Lent.end_all()
    yield
    threads.Lent.end_all()


@pytest.mark.usefixtures("none_kept")
def test_threads_that_last_work_in_the_next_context_too():
    together, seen = Barrier(3, timeout=30), []

    def work(item):
        together.wait()
        seen.append(get_ident())

    for _ in range(3):
        with threads.lasting_helpers(3) as helpers:
            threads.run(work, range(3), helpers)
    assert len(set(seen)) == 3
    with threads.lasting_helpers(1) as helpers:
        assert helpers is None


@pytest.mark.usefixtures("none_kept")
def test_contexts_that_are_open_at_once_share_no_threads():
    with threads.lasting_helpers(2) as one, threads.lasting_helpers(2) as other:
        assert one is not other
    with threads.lasting_helpers(2) as again, threads.lasting_helpers(3) as more:
        assert again in (one, other)
        assert more.most == 2


@pytest.mark.usefixtures("none_kept")
def test_threads_are_kept_of_a_few_contexts_only():
    before, contexts = running(), [threads.lasting_helpers(2) for _ in range(9)]
    for context in contexts:
        threads.run(str, range(2), context.__enter__())
    for context in contexts:
        context.__exit__(None, None, None)
    del context, contexts
    last = monotonic() + 10.0
    while len(running() - before) > 4 and monotonic() < last:
        sleep(0.001)
    assert len(running() - before) == 4


@pytest.mark.usefixtures("none_kept")
def test_threads_do_not_last_beyond_an_error_or_a_fork():
    before = running()
    with pytest.raises(KeyError), threads.lasting_helpers(2) as helpers:
        threads.run({}.__getitem__, range(2), helpers)
    assert not left_of(running() - before)
    with threads.lasting_helpers(2) as helpers:
        threads.run(str, range(2), helpers)
    assert running() - before
    if not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        with threads.lasting_helpers(2) as anew:
            os._exit(0 if threads.run(str, range(2), anew) == ["0", "1"] else 1)
    assert os.waitpid(child, 0) == (child, 0)
    assert not left_of(running() - before)


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


def use_helpers():
    with threads.helpers(4) as helpers:
        for n_items in (2, 4, 3):
            threads.run(str, range(n_items), helpers)


def test_an_interrupt_at_any_line_leaves_no_thread_behind():
    before, tracer, line = running(), sys.gettrace(), 0
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
        assert not left_of(running() - before), f"interrupted at line {line} that is run"
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
    y, started, start = X[:, -1, 0], [], threads.start_new_thread

    def counted(*arguments):
        started.append(arguments)
        return start(*arguments)

    monkeypatch.setattr(threads, "start_new_thread", counted)
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
