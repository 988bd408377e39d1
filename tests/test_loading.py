"""The numerical layers are loaded without pauses for garbage; the collector is left as it was."""

import gc
import subprocess
import sys

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
updates.norm(np.zeros(1))
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
