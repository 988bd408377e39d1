"""Training step
=============

Forward, backward and Adam on one minibatch; milliseconds, and in brackets the threads.
"""

from page import table
from speed.cases import ATTENTION, Case, grid
from speed.race import Entrant, fastest, seconds
from speed.report import number, quotient, say_results, with_threads

PEERS = ("PyTorch", "PyTorch compiled", "JAX")
RAGGED_PEERS = ("PyTorch packed", "PyTorch padded", "JAX")
#: What the tables have: whether sequences are ragged, their pooling, and who is compared.
TABLES = (
    (False, "last", PEERS),
    (True, "last", RAGGED_PEERS),
    (False, "attention", ("PyTorch",)),
)


def _pytorch(case, longest_compiled):
    for n in (1, 2):
        common = {"case": case, "threads": n}
        names = {"PyTorch packed": True, "PyTorch padded": False} if case.ragged else {"PyTorch": 0}
        for name, packed in names.items():
            for adam in ("fused", "foreach"):
                arguments = common | {"adam": adam, "packed": bool(packed)}
                yield Entrant(name, "pytorch.step", n, arguments)
    if case.pooling == "last" and not case.ragged and case.n_steps <= longest_compiled:
        arguments = {"case": case, "threads": 1, "compiled": True}
        yield Entrant("PyTorch compiled", "pytorch.step", 1, arguments, "compiled", limit=180.0)


def entrants(case, longest_compiled):
    """All competitors with all their settings."""
    for n in (1, 2):
        yield Entrant("skrnn", "ours.step", n, {"case": case, "threads": n})
        if case.pooling != "last":  # JAX and the compiler have the final state only
            continue
        for unroll in (1, 4):
            arguments = {"case": case, "threads": n, "unroll": unroll}
            yield Entrant("JAX", "jax_scan.step", n, arguments)
    yield from _pytorch(case, longest_compiled)


def measure(track, options):
    """A row for each case, with what each entrant took."""
    rows = []
    for case in (*grid(options.quick), *([] if options.quick else ATTENTION)):
        results = track.race(list(entrants(case, options.compile)))
        say_results(f"step {case.cell} {case.title}", results)
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
    """A table of the dense rows, one of the ragged ones, and one of attention."""
    parts = []
    for is_ragged, pooling, peers in TABLES:
        header = ["cell", "batch, T, F, H", "skrnn", *peers, "best peer / skrnn", "1 / 2 threads"]
        cases = [Case(**row["case"]) for row in result["rows"]]
        rows = [
            row
            for row, case in zip(result["rows"], cases, strict=True)
            if (case.ragged, case.pooling) == (is_ragged, pooling)
        ]
        if rows:
            parts.append(table(header, [_cells(row, peers) for row in rows]))
    return "\n\n".join(parts)
