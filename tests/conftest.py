"""Runs before numba is imported anywhere: gives the compiled kernels of this state a cache folder.

Numba's on-disk cache looks at the file of the function it compiles only, so an edit in another
kernel file would go unseen. A folder named by a hash of all of them, and of numba's version, does
not.
"""

import hashlib
import os
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

KERNELS = Path(__file__).parents[1] / "skrnn" / "kernels"


def kernels_key():
    digest = hashlib.sha256(version("numba").encode())
    for path in sorted(KERNELS.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def numba_cache_folder():
    """One folder per user and state; the workers of a parallel run inherit it from the first."""
    parent = os.environ.get("NUMBA_CACHE_DIR", Path(tempfile.gettempdir()) / "skrnn-tests-cache")
    key = kernels_key()
    return Path(parent) if Path(parent).name == key else Path(parent) / key


assert "numba" not in sys.modules, "numba was imported before its cache folder could be set"
os.environ["NUMBA_CACHE_DIR"] = str(numba_cache_folder())


#: What the examples in the docstrings of a folder of skrnn need.
NEEDED_BY_EXAMPLES = {"onnx": "skl2onnx", "plotting": "matplotlib"}


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="more cases where there is a choice")
    parser.addoption("--site", help="the folder of a built site, for tests/test_site.py")


def pytest_collection_modifyitems(items):
    """Examples in docstrings skip where their optional package is absent."""
    for item in items:
        package = NEEDED_BY_EXAMPLES.get(item.path.parent.name)
        if package is not None and find_spec(package) is None:
            item.add_marker(pytest.mark.skip(reason=f"{package} is not installed"))


@pytest.fixture
def rng():
    """A generator with a fixed seed, its own for each test."""
    return np.random.default_rng(20240229)
