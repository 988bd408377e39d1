"""Share of the machine's matrix product
=====================================

A step and a prediction beside BLAS on one 2048 x 2048 float32 product, timed in turns.
"""

from page import table
from speed.cases import Case, grid
from speed.race import Entrant, seconds
from speed.report import say_results

SIZE = 2048
_ROUNDS = 3
STEP_FACTOR = 3  # a step has the products of a prediction, and two for each on the way back


def entrants(case, size):
    for n in (1, 2):
        common = {"case": case, "threads": n}
        yield Entrant("step", "ours.step", n, common)
        yield Entrant("prediction", "ours.predict", n, common)
        square = {"size": size, "threads": n}
        yield Entrant("product", "ours.product", n, square)
        yield Entrant("PyTorch", "pytorch.product", n, square)


def measure(track, options):
    """A row for each case: seconds of step, prediction and square product."""
    size = 64 if options.quick else SIZE
    rows = []
    for case in grid(options.quick):
        results = track.race(list(entrants(case, size)), _ROUNDS)
        say_results(f"product {case.cell} {case.title}", results)
        rows.append({"case": case._asdict(), "size": size, "results": results})
    return {"rows": rows}


def rates(row, threads):
    """Operations per second: the better BLAS's square product, our step, our prediction."""
    operations = Case(**row["case"]).operations
    work = {"step": STEP_FACTOR * operations, "prediction": operations}
    product = (
        2.0 * row["size"] ** 3 / seconds(row["results"], "product", "PyTorch", threads=threads)
    )
    return product, *(work[name] / seconds(row["results"], name, threads=threads) for name in work)


def share(row):
    """Share of the square product's rate that a step reaches, at the better number of threads."""
    steps = {n: seconds(row["results"], "step", threads=n) for n in (1, 2)}
    product, step, _ = rates(row, min(steps, key=steps.get))
    return step / product


def _cells(row):
    case = Case(**row["case"])
    cells = [case.cell, case.title]
    for n in (1, 2):
        product, *others = rates(row, n)
        cells.append(f"{1e-9 * product:.0f}")
        cells += [f"{1e-9 * rate:.1f} ({100 * rate / product:.0f} %)" for rate in others]
    return cells


def markdown(result):
    header = ["cell", "batch, T, F, H"]
    for threads in ("1 thread", "2 threads"):
        header += [f"product, GF/s, {threads}", "step", "prediction"]
    return table(header, map(_cells, result["rows"]))
