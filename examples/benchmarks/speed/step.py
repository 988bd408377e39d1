"""Training step
=============

Forward, backward and Adam on one minibatch; milliseconds, and in brackets the threads.
"""

from page import table
from speed.cases import Case, grid, per_step
from speed.race import Entrant, fastest, seconds
from speed.report import number, quotient, say_results, with_threads

PEERS = ("PyTorch", "PyTorch compiled", "JAX")
RAGGED_PEERS = ("PyTorch packed", "PyTorch padded", "JAX")


def _pytorch(case, longest_compiled):
    for n in (1, 2):
        common = {"case": case, "threads": n}
        names = {"PyTorch packed": True, "PyTorch padded": False} if case.ragged else {"PyTorch": 0}
        for name, packed in names.items():
            for adam in ("fused", "foreach"):
                arguments = common | {"adam": adam, "packed": bool(packed)}
                yield Entrant(name, "pytorch.step", n, arguments)
    if not (case.ragged or case.per_step) and case.n_steps <= longest_compiled:
        arguments = {"case": case, "threads": 1, "compiled": True}
        yield Entrant("PyTorch compiled", "pytorch.step", 1, arguments, "compiled", limit=180.0)


def entrants(case, longest_compiled):
    """All competitors with all their settings."""
    for n in (1, 2):
        yield Entrant("skrnn", "ours.step", n, {"case": case, "threads": n})
        for unroll in () if case.per_step else (1, 4):
            arguments = {"case": case, "threads": n, "unroll": unroll}
            yield Entrant("JAX", "jax_scan.step", n, arguments)
    yield from _pytorch(case, longest_compiled)


def measure(track, options):
    """A row for each case, with what each entrant took."""
    rows = []
    for case in grid(options.quick) + per_step(options.quick):
        results = track.race(list(entrants(case, options.compile)))
        say_results(f"step {case.cell} {case.title}{', per step' * case.per_step}", results)
        rows.append({"case": case._asdict(), "results": results})
    return {"rows": rows}


def peer_ratio(row):
    """The fastest peer's seconds over ours; None without peers."""
    theirs = seconds(row["results"], *PEERS, *RAGGED_PEERS)
    return quotient(theirs, seconds(row["results"], "skrnn"))


def gain(row):
    """How many times as fast as one thread two threads are."""
    return quotient(*(seconds(row["results"], "skrnn", threads=n) for n in (1, 2)))


def _cells(row, peers):
    case, results = Case(**row["case"]), row["results"]
    times = [with_threads(fastest(results, name)) for name in ("skrnn", *peers)]
    return [case.cell, case.title, *times, number(peer_ratio(row)), number(gain(row))]


def markdown(result):
    """Tables of the dense rows, of the ragged ones, and of those with a target for each step."""
    of_rows = [row for row in result["rows"] if not Case(**row["case"]).per_step]
    of_steps = [row for row in result["rows"] if Case(**row["case"]).per_step]
    kinds = [
        (PEERS, [row for row in of_rows if not row["case"]["ragged"]]),
        (RAGGED_PEERS, [row for row in of_rows if row["case"]["ragged"]]),
    ]
    parts = [_table("batch, T, F, H", *kind) for kind in kinds]
    if of_steps:  # an older measurement has none
        parts.append(_table("target for each step", ("PyTorch",), of_steps))
    return "\n\n".join(parts)


def _table(title, peers, rows):
    header = ["cell", title, "skrnn", *peers, "best peer / skrnn", "1 / 2 threads"]
    return table(header, [_cells(row, peers) for row in rows])
