"""A page of results: its tables, when and with what they were measured, and what fills it."""

import argparse
import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import skrnn


def environment(packages):
    """Machine, versions and date, in a line."""
    cpus = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpus.read_text()) if cpus.exists() else None
    machine = found[1] if found else platform.processor() or platform.machine()
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{machine}, {os.cpu_count()} processors, {platform.system()}; Python "
        f"{platform.python_version()}, skrnn {skrnn.__version__}, {versions}; "
        f"{datetime.now(UTC).date()}"
    )


def measured_on(rows):
    """Seeds and environments of the rows of a table, in a sentence each."""
    seeds = sorted({row["seeds"] for row in rows})
    places = sorted({row["environment"] for row in rows})
    return f"Seeds: {', '.join(map(str, seeds))}. Measured on {'; and '.join(places)}."


def line(cells):
    return f"| {' | '.join(cells)} |"


def table(header, rows):
    return "\n".join(map(line, [header, ["---"] * len(header), *rows]))


def sets_parser(doc, sets, seeds, quick):
    """A parser of the options of a benchmark over data sets, whose help is the title in `doc`.

    sets and seeds are the defaults, and quick says what there is with ``--quick``.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[1])
    parser.add_argument("--sets", default=",".join(sets), help="names, with commas between them")
    parser.add_argument("--seeds", type=int, default=seeds, help="how many")
    parser.add_argument("--output", type=Path, help="a Markdown page; the JSON file goes beside it")
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


def read_options(parser, quick_set):
    """What a parser of `sets_parser` finds: `sets` is a list, and `seeds` a range."""
    options = parser.parse_args()
    options.sets = [quick_set] if options.quick else options.sets.split(",")
    options.seeds = range(1 if options.quick else options.seeds)
    return options


def write_between(page, name, text):
    """Replace what stands between two markers in a page, or add it at its end."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    content = page.read_text() if page.exists() else ""
    if start not in content:
        content += f"{start}\n{end}\n"
    before, rest = content.split(start, 1)
    page.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end, 1)[1]}")
