"""Ctrl-C during a first fit: it is heard, the next fit works, and kernels on disk are whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skrnn.kernels import interrupts

ROOT = Path(__file__).parents[1]
FIT = """
import signal, sys, warnings

import numpy as np
from numba.core import codegen, event
from sklearn.exceptions import ConvergenceWarning

import skrnn

X = np.linspace(-1, 1, 12).reshape(4, 3)
net = skrnn.RNNRegressor(
    3, cell="rnn", early_stopping=False, max_iter=2, tol=1e9, random_state=0, linear_path=None
)
count, n_compiled = 0, 0


def come_at_every(n):
    "An interrupt, the n-th time that this is called, and so on."
    global count
    count += 1
    if n and count % n == 0:
        signal.raise_signal(signal.SIGINT)


class Listener(event.Listener):
    def __init__(self, n):
        self.n = n

    def on_start(self, _):
        come_at_every(self.n)

    def on_end(self, _):
        pass


class Compiled(Listener):
    def on_start(self, _):
        global n_compiled
        n_compiled += 1


def fit():
    "How many interrupts came until a fit went to its end, and what it predicts."
    n_interrupts, again = 0, True
    while again:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                net.fit(X, X[:, 0])
                again = any("interrupted" in str(one.message) for one in caught)
            except KeyboardInterrupt:
                again = True
        n_interrupts += again
        kinds = {one.category for one in caught}
        assert kinds <= {ConvergenceWarning}, [str(one.message) for one in caught]
    return n_interrupts, net.predict(X).tobytes().hex()


event.register("numba:compile", Compiled(0))
"""
AT_EVENTS = "event.register(sys.argv[1], Listener(int(sys.argv[2])))\n"
IN_CALLBACKS = """
hook = codegen.JITCodeLibrary._object_compiled_hook.__func__


def interrupted(cls, module, buffer):
    come_at_every(int(sys.argv[2]))
    return hook(cls, module, buffer)


codegen.JITCodeLibrary._object_compiled_hook = classmethod(interrupted)
"""
REPORT = "print(*fit(), n_compiled)"


def run(code, folder, *arguments):
    """Interrupts, the prediction, functions that were compiled."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder), "NUMBA_OPT": "1"}, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    n_interrupts, bits, n_compiled = done.stdout.split()
    return int(n_interrupts), bits, int(n_compiled)


@pytest.mark.parametrize(
    ("comes", "arguments"),
    [
        (IN_CALLBACKS, ("", 1)),
        (AT_EVENTS, ("numba:compile", 1)),
    ],
    ids=["callbacks of LLVM", "functions"],
)
def test_ctrl_c_while_kernels_are_compiled(comes, arguments, tmp_path):
    """What is raised in a callback of LLVM gets lost, and the kernel's code with it."""
    n_interrupts, bits, n_compiled = run(FIT + comes + REPORT, tmp_path, *arguments)
    assert n_interrupts > 1
    assert n_compiled > 10
    assert run(FIT + REPORT, tmp_path) == (0, bits, 0)


@pytest.fixture
def python_hears_ctrl_c():
    """As it does unless it was started in the background of a script, which ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_hears_ctrl_c")
def test_an_interrupt_waits_for_the_end_of_the_outermost_context():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with interrupts.wait():
            with interrupts.wait():
                signal.raise_signal(signal.SIGINT)
                seen.append("inner")
            seen.append("outer")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert seen == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is before
