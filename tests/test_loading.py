"""The numerical layers are loaded without pauses for garbage and whole; all is left as it was."""

import gc
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import skrnn.loading

FIRST_USE = """
import gc
import numpy as np
from skrnn.loading import learning

passes = []
gc.callbacks.append(lambda phase, info: passes.append(phase))
package = learning()
from skrnn.kernels import updates
print(len(passes), gc.isenabled(), package.__name__)
print(all(hasattr(package, name) for name in ("advice", "events", "fitting", "model")))

passes.clear()
updates.add_squares(0.0, np.zeros(1))
print(len(passes))
"""


def test_no_garbage_is_looked_for_while_numba_is_loaded():
    command = [sys.executable, "-c", FIRST_USE]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    loading, enabled, name, is_whole, first_call = run.stdout.split()
    assert int(loading) < 10  # one young pass once the collector is back; hundreds without a rest
    assert (enabled, name, is_whole) == ("True", "skrnn.learning", "True")
    assert int(first_call) < 10


@pytest.fixture
def loaded_anew():
    """As before the first use, but for what is in sys.modules; puts the collector right after."""
    was_enabled = gc.isenabled()
    skrnn.loading.learning.cache_clear()
    yield
    skrnn.loading.learning.cache_clear()
    gc.enable() if was_enabled else gc.disable()


@pytest.mark.parametrize("switch", [gc.enable, gc.disable])
@pytest.mark.usefixtures("loaded_anew")
def test_the_collector_is_left_as_it_was(switch):
    switch()
    before = gc.isenabled()
    skrnn.loading.learning()
    assert gc.isenabled() == before


@pytest.mark.usefixtures("loaded_anew")
def test_the_collector_works_again_where_loading_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "skrnn.kernels", None)
    gc.enable()
    with pytest.raises(ImportError):
        skrnn.loading.learning()
    assert gc.isenabled()


INTERRUPTED = """
import signal, sys

import numpy as np

import skrnn

class Interrupting:
    def find_spec(name, *_):
        if name == sys.argv[1]:
            sys.argv[1] = None
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting)
X = np.linspace(-1, 1, 40).reshape(10, 4)
net = skrnn.RNNRegressor(cell="rnn", max_iter=2, tol=1e9, early_stopping=False)
try:
    net.fit(X, X[:, 0])
except KeyboardInterrupt:
    print("interrupted", net.fit(X, X[:, 0]).predict(X).shape)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.parametrize("module", ["numba", "numba.core.errors", "numba.np.linalg"])
def test_ctrl_c_while_numba_is_loaded_leaves_it_whole(module):
    command = [sys.executable, "-W", "ignore", "-c", INTERRUPTED, module]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["interrupted (10,)", "True"]


@pytest.mark.usefixtures("loaded_anew")
@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, lambda *_: None])
def test_what_an_interrupt_does_is_left_as_it_was(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        skrnn.loading.learning()
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("loaded_anew")
def test_it_is_loaded_by_any_thread():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(skrnn.loading.learning).result() is skrnn.learning
