"""Helpers of the asking thread: every item once, results in order, errors heard."""

from threading import Barrier, Event, get_ident
from threading import enumerate as running

import pytest

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
