"""One thread for BLAS where its bits count, and as many as before afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from skrnn import blas

START = """
import hashlib, sys
from building import network
from numpy.random import RandomState

for n_hidden in (5, 64, 200, 700):
    start = network(hidden=(n_hidden,)).initialize(RandomState(0))
    print(hashlib.sha256(start.tobytes()).hexdigest())
"""
FORK = """
import os, threading

from threadpoolctl import threadpool_info

from skrnn import blas


def n_threads():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


there, may_go_on = threading.Event(), threading.Event()


def limit():
    with blas.one_thread():
        print(n_threads())
        there.set()
        may_go_on.wait()


import scipy.linalg

print(n_threads())
thread = threading.Thread(target=limit)
thread.start()
there.wait()
child = os.fork()
if not child:
    found = [n_threads()]
    with blas.one_thread():
        found.append(n_threads())
    found.append(n_threads())
    print(*found, sep="\\n", flush=True)
    os._exit(0)
os.waitpid(child, 0)
may_go_on.set()
thread.join()
print(n_threads())
"""


def run(code, n_threads):
    """What is printed where BLAS has so many threads."""
    folder = Path(__file__).parent
    paths = os.pathsep.join([str(folder), str(folder.parent)])
    environment = os.environ | {"OPENBLAS_NUM_THREADS": n_threads, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-u", "-c", code], env=environment,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def counts():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_start_values_have_the_same_bits_under_any_number_of_threads():
    """Those of 700 units had not."""
    assert run(START, "1") == run(START, "2")


def test_there_is_one_thread_for_all_libraries_and_afterwards_as_many_as_before():
    before = counts()
    for error in (None, KeyError):
        try:
            with blas.one_thread():
                assert set(counts()) == {1}
                if error:
                    raise error
        except KeyError:
            pass
        assert counts() == before
    assert before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_is_forked_under_the_limit_has_the_usual_number_of_threads():
    before, under, child, under_in_child, after_in_child, after = run(FORK, "2")
    assert child == after == after_in_child == before
    assert under == under_in_child == before.replace("2", "1") != before
