"""A process that is forked while another thread is at work neither waits nor goes wrong."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# A thread stops in the midst of something; then the process is forked, and the child does the same.
CODE = """
import os, sys, threading, time, warnings

import numpy as np

import skrnn
from skrnn import blas
from skrnn.linear import path
from skrnn.network import network

warnings.simplefilter("ignore")
X = np.linspace(-1, 1, 240).reshape(60, 4)
there, may_go_on = threading.Event(), threading.Event()


def fit():
    net = skrnn.RNNRegressor(cell="rnn", max_iter=2, random_state=0, n_jobs=2)
    return net.fit(X, X[:, 0]).predict(X)


def stop_in_a_thread(owner, name):
    function, here = getattr(owner, name), threading.get_ident()

    def stops(*arguments, **options):
        if threading.get_ident() != here:
            there.set()
            may_go_on.wait()
        return function(*arguments, **options)

    setattr(owner, name, stops)


def fork():
    child = os.fork()
    if child:
        return child
    try:
        found = fit()
        os._exit(0 if expected is None or (found == expected).all() else 1)
    finally:
        os._exit(2)


def status(child, seconds=60):
    for _ in range(int(seconds / 0.05)):
        ended, found = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(found)
        time.sleep(0.05)
    os.kill(child, 9)
    return "waits for ever"
"""
STOPPED = """
expected = fit()
stop_in_a_thread({owner}, "{name}")
thread = threading.Thread(target=fit)
thread.start()
there.wait()
child = fork()
print(status(child))
may_go_on.set()
thread.join()
"""
COMPILING = """
from numba.core import event

class Listener(event.Listener):
    def on_start(self, _):
        there.set()

    def on_end(self, _):
        pass

expected = None
with event.install_listener("numba:compile", Listener()):
    thread = threading.Thread(target=fit)
    thread.start()
    there.wait()
child = fork()
thread.join()
print(status(child))
"""


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", CODE + code], env=os.environ | environment, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("path", "Ridge"),
        ("blas", "_libraries"),
        ("network.Network", "_raw_predict"),
        ("network.Network", "loss_gradient"),
    ],
)
def test_a_child_fits_while_a_thread_of_its_parent_is_in_the_midst_of_it(owner, name):
    assert run(STOPPED.format(owner=owner, name=name)) == ("0", "")


def test_a_child_compiles_although_a_thread_of_its_parent_was_compiling(tmp_path):
    folder = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_OPT": "0"}
    assert run(COMPILING, **folder) == ("0", "")
