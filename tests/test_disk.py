"""Kernels on disk, whatever the disk does: a fit never fails for it, and never runs other code."""

import compileall
import os
import pickle
import re
import runpy
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import pytest
from numba.core.event import install_recorder

from skrnn.kernels import disk, jit

ROOT = Path(__file__).parents[1]


def double(x):
    return x + x


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder for kernels of this test."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(jit, "_warned", [])
    return tmp_path


def call(*numbers, function=double):
    """Call a kernel that was loaded anew; how many times it was compiled."""
    kernel = jit.kernel(function)
    with install_recorder("numba:compile") as recorder:
        for number in numbers:
            assert kernel(number) == 2 * number
    return sum(event.is_start for _, event in recorder.buffer)


def one(folder, suffix):
    [path] = folder.rglob(f"*{suffix}")
    return path


def test_code_is_compiled_once(folder):
    assert call(1.5, 2.5) == 1
    assert call(1.5) == 0
    assert call(1.5, 2) == 1
    assert call(1.5, 2) == 0


DAMAGES = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "cut to zeros": lambda content: content[:-99] + bytes(99),
    "another thing": lambda content: pickle.dumps(["something", "else"]),
    "text": lambda content: b"I/O error, or so\n",
}


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_discarded_with_a_warning_and_made_anew(damage, suffix, folder):
    call(1.5)
    path = one(folder, suffix)
    path.write_bytes(damage(path.read_bytes()))
    if (damage, suffix) == (DAMAGES["another thing"], ".nbi"):  # as if of another version of numba
        assert call(1.5) == 1
    else:
        with pytest.warns(RuntimeWarning, match="is damaged .* discarded, and the kernel compiled"):
            assert call(1.5) == 1
    assert call(1.5) == 0


def test_one_wrong_bit_in_machine_code_is_found(folder):
    call(1.5)
    path = one(folder, ".nbc")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(RuntimeWarning, match="its digest differs"):
        assert call(1.5) == 1
    assert call(1.5) == 0


def test_code_for_other_arguments_is_never_run(folder):
    """Two processes that begin at once may enter the same file for different arguments."""
    call(1.5, 2)
    first, second = sorted(folder.rglob("*.nbc"))
    shutil.copy(second, first)
    assert call(1.5, 2) == 2
    assert call(1.5, 2) == 0


def test_code_is_compiled_again_when_any_kernel_has_changed(folder, monkeypatch):
    """What is inlined comes from other files, at which numba does not look."""
    call(1.5)
    monkeypatch.setattr(disk, "_sources", lambda: "those of another version")
    assert call(1.5) == 1
    assert call(1.5) == 0


def test_all_sources_of_kernels_are_looked_at(monkeypatch, tmp_path):
    kernels = shutil.copytree(ROOT / "skrnn" / "kernels", tmp_path / "kernels")
    monkeypatch.setattr(disk, "files", lambda name: kernels)
    found = {disk._sources.__wrapped__()}
    for path in kernels.glob("*.py"):
        path.write_bytes(path.read_bytes() + b"#\n")
        found.add(disk._sources.__wrapped__())
    assert len(found) == 1 + len(list(kernels.glob("*.py"))) > 15


def test_a_copy_with_another_time_is_not_compiled_again(folder):
    path = folder / "copied.py"
    path.write_text("def twice(x):\n    return x + x\n")
    for seconds, n_compiled in [(1e9, 1), (1e9 + 0.5, 0)]:
        os.utime(path, (seconds, seconds))
        assert call(1.5, function=runpy.run_path(path)["twice"]) == n_compiled


class Refusing:
    """Stands for ``open``: refuses files of a folder, as where rights were dropped."""

    def __init__(self, error, modes):
        self._error, self._modes = error, modes

    def __call__(self, path, mode="r", *rest, **options):
        if Path(path).suffix != ".py" and mode[0] in self._modes:
            raise self._error
        return open(path, mode, *rest, **options)


NO_RIGHTS, NO_ROOM = (
    PermissionError(13, "Permission denied"),
    OSError(28, "No space left on device"),
)


@pytest.mark.parametrize(
    ("error", "modes", "message"),
    [
        (NO_RIGHTS, "r", "cannot be read .*, so they are compiled again. Make that folder"),
        (NO_RIGHTS, "rw", "cannot be read"),
        (NO_RIGHTS, "w", "cannot be kept"),
        (NO_ROOM, "w", "cannot be kept .* Make room"),
    ],
)
def test_without_rights_or_room_it_goes_on_and_warns_once(
    error, modes, message, folder, monkeypatch
):
    call(1.5)
    with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(numba.core.caching, "open", Refusing(error, modes), raising=False)
        assert call(1.5, 2) == 2 if "r" in modes else 1
        call(1.5, 3)
    assert [re.search(message, str(one.message)) is not None for one in caught] == [True]
    assert call(1.5, 2) <= 1
    assert not list(folder.rglob("*.tmp*"))


def test_a_folder_that_has_gone_is_made_again(folder):
    kernel = jit.kernel(double)
    shutil.rmtree(folder)
    assert kernel(1.5) == 3
    assert call(1.5) == 0


def test_where_the_inside_of_numba_has_moved_its_own_cache_serves(folder, monkeypatch):
    monkeypatch.setattr(jit, "KernelCache", None)
    assert call(1.5) == 1
    assert call(1.5) == 0


# Whole fits, in processes of their own

FIT = """
import numpy as np
import skrnn
from numba.core.event import install_recorder

X = np.linspace(-1, 1, 12).reshape(4, 3)
net = skrnn.RNNRegressor(
    cell="rnn", early_stopping=False, max_iter=2, tol=1e9, random_state=0, hidden_layer_sizes=3
)
with install_recorder("numba:compile") as recorder:
    predicted = net.fit(X, X[:, 0]).predict(X)
print(predicted.tobytes().hex(), sum(event.is_start for _, event in recorder.buffer))
"""
READ_ONLY = """
import os, sys

def refuse(event, arguments):
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    of_folder = event in ("open", "os.mkdir") and str(arguments[0]).startswith(sys.argv[1])
    if of_folder and (event == "os.mkdir" or arguments[2] & writes):
        raise PermissionError(13, "Permission denied")

sys.addaudithook(refuse)
"""
FULL = """
import resource

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
"""


def fit(folder, before="", package=ROOT):
    """A fit with kernels in a folder: its prediction, how much was compiled, and warnings."""
    paths = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::sklearn.exceptions.ConvergenceWarning", "-c",
         before + FIT, str(folder)],
        cwd=package, env=environment | {"NUMBA_OPT": "1"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    bits, n_compiled = done.stdout.split()
    return bits, int(n_compiled), done.stderr.count("Warning: "), done.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder that a fit has filled, and its prediction."""
    folder = tmp_path_factory.mktemp("filled")
    bits, n_compiled, n_warnings, text = fit(folder)
    assert n_compiled > 10
    assert n_warnings == 0, text
    return folder, bits


def test_a_fit_survives_all_files_damaged_and_repairs_them(filled, tmp_path):
    folder = shutil.copytree(filled[0], tmp_path / "cache")
    files = sorted(folder.rglob("*.nb?"))
    kinds = [DAMAGES[name] for name in ("empty", "cut off", "zeros", "text")]
    for i, path in enumerate(files):
        if i % 3:
            path.write_bytes(kinds[i % 4](path.read_bytes()))
    bits, n_compiled, n_warnings, text = fit(folder)
    assert (bits, n_warnings) == (filled[1], 1)
    assert n_compiled > 5
    assert "damaged" in text
    assert fit(folder)[:3] == (filled[1], 0, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit for the size of files")
def test_a_fit_survives_a_full_disk(filled, tmp_path):
    """No file may grow beyond 4 kB here, so that some are written and most are not."""
    bits, _, n_warnings, text = fit(tmp_path, FULL)
    assert (bits, n_warnings) == (filled[1], 1), text
    assert "cannot be kept" in text
    assert not list(tmp_path.rglob("*.tmp*"))
    assert fit(tmp_path)[::2] == (filled[1], 0)
    assert fit(tmp_path)[:3] == (filled[1], 0, 0)


def test_a_filled_folder_serves_read_only(filled):
    assert fit(filled[0], READ_ONLY)[:3] == (filled[1], 0, 0)


def test_a_read_only_folder_that_lacks_kernels_serves_with_the_others(filled, tmp_path):
    folder = shutil.copytree(filled[0], tmp_path / "cache")
    next(folder.rglob("*.nbc")).unlink()
    bits, n_compiled, n_warnings, text = fit(folder, READ_ONLY)
    assert (bits, n_compiled, n_warnings) == (filled[1], 1, 1)
    assert "cannot be kept" in text


def test_an_installation_without_sources_says_what_it_lacks(filled, tmp_path):
    package = shutil.copytree(ROOT / "skrnn", tmp_path / "skrnn")
    compileall.compile_dir(package, legacy=True, quiet=1)
    for path in package.rglob("*.py"):
        path.unlink()
    bits, _, n_warnings, text = fit(tmp_path / "cache", package=tmp_path)
    assert (bits, n_warnings) == (filled[1], 1), text
    assert re.search("without its source files .* Install skrnn with its source files", text)
