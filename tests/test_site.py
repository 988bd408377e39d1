"""The built site: ``pytest tests/test_site.py --site docs/_build/html``."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

import skrnn
from skrnn import inspection, metrics, onnx, plotting, text, windows

#: Where the site is published, which the HTML representation of an estimator links to.
ADDRESS = "https://skrnn.readthedocs.io/en/latest/"
PUBLIC = {
    "skrnn": skrnn,
    "skrnn.text": text,
    "skrnn.windows": windows,
    "skrnn.metrics": metrics,
    "skrnn.inspection": inspection,
    "skrnn.plotting": plotting,
    "skrnn.onnx": onnx,
}
ESTIMATORS = [
    skrnn.RNNRegressor(),
    skrnn.RNNClassifier(),
    skrnn.RNNTranslator(),
    skrnn.RNNGenerator(),
    text.SequenceVectorizer(),
    windows.LagLayout(),
    windows.WindowScaledRegressor(skrnn.RNNRegressor()),
]


class Page(HTMLParser):
    """The links of a page and the anchors that it has."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])


@pytest.fixture(scope="module")
def site(request):
    folder = request.config.getoption("--site")
    if folder is None:
        pytest.skip("needs --site, the folder of a built site")
    return Path(folder).resolve()


@pytest.fixture(scope="module")
def pages(site):
    found = (path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts)
    return {path: Page(path) for path in found}


def test_no_link_inside_the_site_is_dead(site, pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            if urlparse(link).scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(address.partition("?")[0])) if address else path
            target = target.resolve()
            known = pages[target].anchors if target in pages else {unquote(anchor)}
            if not target.exists() or (anchor and unquote(anchor) not in known):
                dead.append((str(path.relative_to(site)), link))
    assert len(pages) > 40
    assert not dead


def test_every_equation_can_be_linked_to(site, pages):
    page = pages[site / "mathematics.html"]
    numbers = {anchor for anchor in page.anchors if anchor.startswith("equation-")}
    assert {f"equation-{number}" for number in range(1, 114)} <= numbers
    assert "#equation-16" in page.links


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_html_representation_links_to_a_page(estimator, site):
    link = estimator._get_doc_link()
    assert link.startswith(ADDRESS)
    assert link in estimator._repr_html_()
    assert (site / link.removeprefix(ADDRESS)).exists()


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_has_a_page(module, site):
    public = getattr(PUBLIC[module], "__all__", None)
    if public is None:
        found = vars(PUBLIC[module]).items()
        public = [name for name, one in found if getattr(one, "__module__", "") == module]
        public = [name for name in public if not name.startswith("_")]
    missing = [name for name in public if not (site / f"api/{module}.{name}.html").exists()]
    assert missing in ([], ["StepScorer"])


def test_pages_of_estimators_document_methods(site, pages):
    anchors = pages[site / "api" / "skrnn.RNNRegressor.html"].anchors
    for method in ("fit", "partial_fit", "predict", "score", "transform", "predict_step"):
        assert f"skrnn.RNNRegressor.{method}" in anchors
