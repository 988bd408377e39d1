"""Prediction
==========

Of a batch and of one row, by networks and through the whole estimator; milliseconds, and in
brackets the threads.
"""

from page import table
from speed.cases import N_GATES, Case, grid
from speed.race import Entrant, fastest, seconds
from speed.report import milliseconds, number, quotient, say_results, with_threads

PEERS = ("PyTorch", "JAX", "ONNX Runtime")


def entrants(case):
    """All competitors with all their settings."""
    for n in (1, 2):
        common = {"case": case, "threads": n}
        yield Entrant("skrnn", "ours.predict", n, common)
        if not case.ragged:
            yield Entrant("estimator", "estimators.predict", n, common)
        yield Entrant("ONNX Runtime", "onnx_model.predict", n, common)
        for packed in (True, False) if case.ragged else (True,):
            yield Entrant("PyTorch", "pytorch.predict", n, common | {"packed": packed})
        for unroll in (1, 4):
            yield Entrant("JAX", "jax_scan.predict", n, common | {"unroll": unroll})


def one_row(case):
    return case._replace(batch=1, ragged=False)


def _estimators(columns, hidden, cells):
    """`predict` of one row through the estimators."""
    common = {"columns": columns, "hidden": hidden}
    yield Entrant("MLPRegressor", "estimators.row_mlp", 1, common)
    for cell in cells:
        yield Entrant(f"RNNRegressor, {cell}", "estimators.row", 1, common | {"cell": cell})


def measure(track, options):
    """Rows for batches, for single rows, and for single rows through the estimators."""
    batches = grid(options.quick)
    measured = {"batches": [], "rows": []}
    for kind, cases in (("batches", batches), ("rows", map(one_row, batches))):
        for case in dict.fromkeys(cases):
            results = track.race(list(entrants(case)))
            say_results(f"predict {case.cell} {case.title}", results)
            measured[kind].append({"case": case._asdict(), "results": results})
    sizes, cells = (((5, 3),), ("gru",)) if options.quick else (((10, 32), (20, 64)), N_GATES)
    measured["estimators"] = []
    for columns, hidden in sizes:
        results = track.race(list(_estimators(columns, hidden, cells)))
        say_results(f"predict one row of {columns} columns, H {hidden}", results)
        measured["estimators"].append({"size": [columns, hidden], "results": results})
    return measured


def peer_ratio(row, ours="skrnn"):
    """The fastest peer's seconds over ours, or over those of our estimator; None without both."""
    return quotient(seconds(row["results"], *PEERS), seconds(row["results"], ours))


def overhead(row):
    """Our estimator's seconds over those of its network; None of an older measurement."""
    return quotient(*(seconds(row["results"], name) for name in ("estimator", "skrnn")))


def over_mlp(row):
    """(name, seconds over those of MLPRegressor) of the estimators, for each cell."""
    theirs = seconds(row["results"], "MLPRegressor")
    for entry in row["results"]:
        if entry["name"] != "MLPRegressor" and "seconds" in entry:
            yield entry["name"], quotient(entry["seconds"], theirs)


def _cells(row):
    case = Case(**row["case"])
    names = ("skrnn", *PEERS, "estimator")
    times = [with_threads(fastest(row["results"], name)) for name in names]
    ratios = peer_ratio(row), peer_ratio(row, "estimator"), overhead(row)
    return [case.cell, case.title, *times, *map(number, ratios)]


def _estimator_cells(row):
    columns, hidden = row["size"]
    over = dict(over_mlp(row))
    for entry in row["results"]:
        compared = number(over.get(entry["name"]))
        yield [entry["name"], f"{columns}, {hidden}", milliseconds(entry.get("seconds")), compared]


def markdown(result):
    header = ["cell", "batch, T, F, H", "skrnn", *PEERS, "estimator", "best peer / skrnn"]
    header += ["best peer / estimator", "estimator / skrnn"]
    grids = [table(header, map(_cells, result[kind])) for kind in ("batches", "rows")]
    lines = [cells for row in result["estimators"] for cells in _estimator_cells(row)]
    header = ["one row through the estimator", "columns, H", "ms", "over MLPRegressor"]
    return "\n\n".join([*grids, table(header, lines)])
