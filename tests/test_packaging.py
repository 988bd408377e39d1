"""What is in the repository and what the package says of itself."""

import re
import tomllib
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

import skrnn

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_one_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", skrnn.__version__)
    assert version("skrnn") == skrnn.__version__
    assert "version" not in PYPROJECT["project"]
    assert f"## [{skrnn.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_public_names():
    estimators = ["RNNClassifier", "RNNGenerator", "RNNRegressor", "RNNTranslator"]
    public = [*estimators, "show_versions", "warmup"]
    assert sorted(skrnn.__all__) == public
    for name in skrnn.__all__:
        assert hasattr(skrnn, name)


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {skrnn.__version__}\n" in citation
    assert f"\nlicense: {PYPROJECT['project']['license']}\n" in citation


def test_public_names_have_type_hints():
    """Type checkers see them, because the package says that it is typed."""
    assert (ROOT / "skrnn" / "py.typed").exists()
    for estimator in (skrnn.RNNRegressor, skrnn.RNNClassifier):
        for name, method in vars(estimator).items():
            if not name.startswith(("_", "set_")):
                function = getattr(method, "fn", method)
                assert "return" in function.__annotations__, f"{estimator.__name__}.{name}"


def test_show_versions(capsys):
    skrnn.show_versions()
    printed = capsys.readouterr().out
    assert f"skrnn: {skrnn.__version__}" in printed
    assert "numba: " in printed
    assert "processor: " in printed


def test_top_level_entries():
    generated = {"build", "dist", "skrnn.egg-info"}
    allowed = {"skrnn", "tests", "examples", "docs", "pyproject.toml"} | generated
    allowed |= {"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff"}
    entries = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert entries <= allowed


def test_runtime_dependencies_have_no_upper_bound():
    dependencies = PYPROJECT["project"]["dependencies"]
    names = {re.match(r"[\w-]+", line).group() for line in dependencies}
    assert names == {"numpy", "scipy", "scikit-learn", "numba"}
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+", line) for line in dependencies)


def test_metadata():
    data = metadata("skrnn")
    assert data["License-Expression"] == "BSD-3-Clause"
    assert data["Requires-Python"] == ">=3.11"
    extras = {"test", "examples", "hosts", "distributed", "onnx", "plot", "bench", "docs", "dev"}
    assert set(data.get_all("Provides-Extra")) == extras


def heading_anchors(text):
    """The anchors that Markdown viewers make from headings."""
    headings = re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def markdown_files():
    folders = [ROOT, ROOT / "docs", ROOT / "examples", ROOT / "examples" / "data"]
    folders.append(ROOT / "examples" / "benchmarks")
    return [path for folder in folders for path in sorted(folder.glob("*.md"))]


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_markdown_files(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.exists(), f"{path.name} links to {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in heading_anchors(linked.read_text(encoding="utf-8")), target
