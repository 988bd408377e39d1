"""What to say of a machine in a bug report."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: The runtime dependencies and what they bring, then what may take part.
PACKAGES = (
    *("skrnn", "numpy", "scipy", "scikit-learn", "numba", "llvmlite", "joblib", "threadpoolctl"),
    *("pandas", "polars", "pyarrow", "matplotlib"),
)


def show_versions() -> None:
    """Print what a bug report should say of the machine.

    The versions of Python, of skrnn and of the packages that it works with, the processor, the
    number of its cores, and the environment variables of numba, which decide where compiled kernels
    are kept. Nothing is compiled and numba is not imported.

    Examples
    --------
    >>> import skrnn
    >>> skrnn.show_versions()
    System
    ...
    Packages
           skrnn: ...
    ...
    """
    system = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }
    system |= {name: value for name, value in os.environ.items() if name.startswith("NUMBA_")}
    _print("System", system)
    _print("Packages", {name: _version(name) for name in PACKAGES})


def _print(heading: str, table: dict) -> None:
    print(heading)
    width = max(map(len, table))
    for name, value in table.items():
        print(f"{name:>{width}}: {value}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The model's name, which Python knows on few systems."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
