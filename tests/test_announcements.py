"""Compilation is announced, once for each cell and precision, and only where there is any."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skrnn.kernels import announcements, jit

ROOT = Path(__file__).parents[1]
FIT = """
import logging, sys, warnings
import numpy as np
import skrnn
warnings.simplefilter("ignore")
if "log" in sys.argv:
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
X = np.linspace(-1, 1, 12).reshape(4, 3)
for dtype in ("float32", "float64", "float64"):
    skrnn.RNNRegressor(
        3, cell="rnn", early_stopping=False, max_iter=1, linear_path=None, dtype=dtype,
        verbose="verbose" in sys.argv,
    ).fit(X, X[:, 0]).predict(X)
"""
LINES = [f"compiling kernels for rnn, float{bits}: once" for bits in (32, 64)]


def run(folder, *arguments):
    """What two processes print of compiling, and what they log."""
    done = subprocess.run(
        [sys.executable, "-c", FIT, *arguments], cwd=ROOT, capture_output=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder), "NUMBA_OPT": "1"}, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines(), done.stderr.splitlines()


@pytest.mark.skipif(jit.INTERPRETED, reason="nothing is compiled")
def test_compilation_is_announced_once_and_what_is_loaded_is_not(tmp_path):
    printed, logged = run(tmp_path, "verbose", "log")
    assert [line for line in printed if "compiling" in line] == LINES
    assert logged == [f"skrnn INFO {line}" for line in LINES]
    assert len(printed) == 3 * 2 + 2  # of each fit an epoch and why it stopped
    printed, logged = run(tmp_path, "verbose", "log")
    assert len(printed) == 3 * 2
    assert logged == []


@pytest.mark.skipif(jit.INTERPRETED, reason="nothing is compiled")
def test_nothing_is_printed_unless_verbose(tmp_path):
    assert run(tmp_path) == ([], [])


def tell(what, function, said):
    """numba compiles a function, with a listener for what it may announce."""
    with announcements.of_compiling(what, said.append):
        details = {"dispatcher": type("Dispatcher", (), {"py_func": function})}
        with announcements.event.trigger_event("numba:compile", data=details):
            pass


def test_only_kernels_of_the_package_count(monkeypatch):
    monkeypatch.setattr(announcements, "_announced", set())
    said = []
    tell("gru, float64", tell, said)  # a user's own function
    assert said == []
    for _ in range(2):
        tell("gru, float64", announcements.of_compiling, said)
    tell("lstm, float64", announcements.of_compiling, said)
    expected = [f"compiling kernels for {cell}, float64: once" for cell in ("gru", "lstm")]
    assert said == expected


def test_no_listener_is_left_behind():
    with pytest.raises(KeyboardInterrupt), announcements.of_compiling("gru", print):
        raise KeyboardInterrupt
    registered = announcements.event._registered["numba:compile"]
    assert not any(isinstance(one, announcements._Once) for one in registered)
