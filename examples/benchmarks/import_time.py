"""
What does ``import skrnn`` cost?
================================

Times ``import skrnn`` and ``import sklearn`` in fresh processes, turn by turn so that a busy
machine slows both, and compares medians. The aim: at most 1.1 times scikit-learn's plus 50 ms,
and numba is not among the loaded modules.

    python examples/benchmarks/import_time.py [--quick]
"""

import subprocess
import sys
from statistics import median

CODE = """
import sys, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start, "numba" in sys.modules)
"""


def measure(module):
    """Seconds that the import takes in a new process, and whether it loaded numba."""
    command = [sys.executable, "-c", CODE.format(module=module)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, numba = run.stdout.split()
    return float(seconds), numba == "True"


def main():
    rounds = 3 if "--quick" in sys.argv else 21
    modules = ("sklearn", "skrnn")
    for module in modules:
        measure(module)  # fills the disk cache
    runs = [{module: measure(module) for module in modules} for _ in range(rounds)]

    print(f"module    median    best   worst   loads numba   ({rounds} processes each)")
    medians = {}
    for module in modules:
        times = [1000 * run[module][0] for run in runs]
        medians[module] = median(times)
        numba = "yes" if any(run[module][1] for run in runs) else "no"
        row = f"{median(times):6.0f} {min(times):7.0f} {max(times):7.0f}"
        print(f"{module:<9} {row} ms   {numba}")

    allowed = 1.1 * medians["sklearn"] + 50
    verdict = "within" if medians["skrnn"] <= allowed else "NOT within"
    print(f"skrnn is {verdict} the {allowed:.0f} ms that 1.1 x sklearn + 50 ms allow")


if __name__ == "__main__":
    main()
