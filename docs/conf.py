"""How Sphinx makes the site: ``sphinx-build docs docs/_build/html`` (see CONTRIBUTING.md).

The Markdown pages are written for readers of the repository as much as for the site, so they link
to files, as GitHub does, and number their equations by hand. What a page needs on the site is
changed while it is read, here: links to files become links to pages, and the numbers of equations
become links to them.
"""

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

import skrnn  # noqa: E402

project = "skrnn"
author = "the skrnn developers"
copyright = f"2026, {author}"
release = skrnn.__version__
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "sphinx-mathjax-offline",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
root_doc = "index"
language = "en"

# ------------------------------------------------------------------------------- pages

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
# Equations number themselves, by \tag.
mathjax3_config = {"tex": {"tags": "none"}}

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the docstrings say more
numpydoc_show_class_members = False  # the template of a class lists them
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"(benchmarks|data)[/\\]",
    "within_subsection_order": "ExampleTitleSortKey",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("skrnn",),
    "remove_config_comments": True,
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "image_srcset": ["2x"],
    "reset_modules": ("matplotlib",),
    "abort_on_example_error": True,
}

# ------------------------------------------------------------------------------- look

html_theme = "pydata_sphinx_theme"
html_title = "skrnn"
html_static_path = ["_static"]
html_css_files = ["skrnn.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skrnn", "alt_text": "skrnn: home"},
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# ------------------------------------------------------------------------------- the repository

#: Files outside of docs/ that are pages of the site, and what their pages are called.
PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/benchmarks/README.md": "benchmark_scripts.md",
    "examples/data/README.md": "example_data.md",
}
#: Files that have a page under another name.
INSTEAD = {"README.md": "index.md", "examples/README.md": "gallery/index.rst"}

# Pages beside the guide have no neighbours, and a list of them would be empty.
GUIDE = re.findall(r"^(\w+)$", (DOCS / "user_guide.md").read_text(encoding="utf-8"), re.MULTILINE)
NAMES = {path.stem for path in DOCS.glob("*.md")} | {Path(name).stem for name in PAGES.values()}
html_sidebars = {name: [] for name in sorted(NAMES - {*GUIDE, "api", "user_guide"})}

LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
FENCED = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


def on_site(target, folder):
    """Where a link from a file in a folder of the repository leads on the site."""
    path = os.path.relpath(ROOT / folder / target, ROOT).replace(os.sep, "/")
    found = PAGES.get(path) or INSTEAD.get(path)
    if found:
        return found
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if re.fullmatch(r"examples/\w+\.py", path):
        return f"gallery/{Path(path).stem}.rst"
    if (ROOT / path).is_dir():
        path += "/__init__.py"
    return f"../{path}"  # to be downloaded


def with_links_of_the_site(text, folder):
    """The Markdown of a file, with the links that it needs as a page."""

    def replace(match):
        target, anchor = match[1], match[2] or ""
        is_far = re.match(r"[a-z]+:", target) is not None
        return match[0] if is_far else f"]({on_site(target, folder)}{anchor})"

    parts = FENCED.split(text)
    for place, part in enumerate(parts):
        # The last line of a session is empty for doctest's sake.
        is_code = part.startswith("```")
        parts[place] = re.sub(r"\n\n```$", "\n```", part) if is_code else LINK.sub(replace, part)
    return "".join(parts)


def write_pages():
    """Pages of files outside of docs/, written only where they changed: Sphinx looks at times."""
    for source, name in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = with_links_of_the_site(text, Path(source).parent)
        page = DOCS / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------- equations

EQUATION = re.compile(r"^\$\$(?:(?!\$\$).)*?\\tag\{(\d+)\}\s*\$\$", re.DOTALL | re.MULTILINE)
#: Mathematics, code and links, in which a number in brackets means something else.
VERBATIM = re.compile(
    r"(\$\$.*?\$\$|\$[^$]+\$|^```.*?^```|`[^`\n]*`|\[[^\]]*\]\([^)]*\))", re.DOTALL | re.MULTILINE
)
REFERENCE = re.compile(r"(?<![\w)])\((\d{1,3})\)")


def with_linked_equations(text):
    """The page of the mathematics, with a target at each equation and a link from each number."""
    text = EQUATION.sub(lambda match: f"(equation-{match[1]})=\n{match[0]}", text)
    parts = VERBATIM.split(text)
    for place in range(0, len(parts), 2):
        parts[place] = re.sub(r"^\(equation-(\d+)\)=$", r"(equation-\1)=", parts[place], flags=re.M)
        parts[place] = REFERENCE.sub(r"[(\1)](#equation-\1)", parts[place])
    return "".join(parts)


# ------------------------------------------------------------------------------- hooks


def read_page(app, name, source):
    path = Path(app.env.doc2path(name))
    if path.suffix != ".md":
        return
    if name == "mathematics":
        source[0] = with_linked_equations(source[0])
    if path.name not in PAGES.values():
        source[0] = with_links_of_the_site(source[0], "docs")


#: What docstrings of scikit-learn, which are inherited, refer to in its own documentation.
ELSEWHERE = re.compile(r":(?:ref|term):`([^<`]+?)(?:\s*<[^`]*>)?`")
SHAPE = re.compile(r"\([^()`]*\w_[,) ][^()`]*\)?")


def prepare_docstring(app, what, name, object_, options, lines):
    """Docstrings are written for ``help``: files become pages, names with a _ stay names."""
    for place, line in enumerate(lines):
        line = re.sub(r"``docs/(\w+)\.md``", r":doc:`/\1`", line)
        line = ELSEWHERE.sub(r"\1", line)
        lines[place] = SHAPE.sub(lambda match: re.sub(r"(\w)_(?=[,) ])", r"\1\_", match[0]), line)


def take_headers_of_rst_only(app, config):
    """README.md of the folders beside the examples would make galleries of them."""
    config.sphinx_gallery_conf["source_suffix"] = {".rst": "restructuredtext"}


def setup(app):
    write_pages()
    app.connect("config-inited", take_headers_of_rst_only, priority=900)
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=100)  # before numpydoc
