"""A page of results: its tables, and when and with what they were measured."""

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


def line(cells):
    return f"| {' | '.join(cells)} |"


def table(header, rows):
    return "\n".join(map(line, [header, ["---"] * len(header), *rows]))


def write_between(page, name, text):
    """Replace what stands between two markers in a page, or add it at its end."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    content = page.read_text() if page.exists() else ""
    if start not in content:
        content += f"{start}\n{end}\n"
    before, rest = content.split(start, 1)
    page.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end, 1)[1]}")
