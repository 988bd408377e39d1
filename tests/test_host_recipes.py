"""Each recipe of docs/hosts.md runs, where the package that it is for is installed."""

import doctest
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "hosts.md"
TEXT = PAGE.read_text(encoding="utf-8")
# Of the tools: warnings of their own dependencies, and of how they look at estimators.
pytestmark = pytest.mark.filterwarnings(
    "default", "ignore::sklearn.exceptions.ConvergenceWarning", "error::UserWarning:skrnn"
)


def session(text):
    return "\n".join(re.findall(r"^```pycon\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))


BEGINNING, *RECIPES = re.split(r"^## ", TEXT, flags=re.MULTILINE)
RECIPES = {text.split("\n")[0]: session(text) for text in RECIPES if session(text)}


def test_the_page_has_recipes():
    assert len(RECIPES) >= 8
    assert session(BEGINNING).count(">>>") > 5


@pytest.mark.parametrize("title", RECIPES)
def test_recipe(title):
    code = RECIPES[title]
    for package in sorted(set(re.findall(r"^>>> (?:from|import) (\w+)", code, flags=re.MULTILINE))):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    source = session(BEGINNING) + code
    test = doctest.DocTestParser().get_doctest(source, {}, title, str(PAGE), 0)
    report = []
    results = doctest.DocTestRunner(optionflags=flags).run(test, out=report.append)
    assert not results.failed, "".join(report)
