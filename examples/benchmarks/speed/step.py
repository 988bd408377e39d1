"""Training step
=============

Forward, backward and Adam on one minibatch; milliseconds, and in brackets the threads. Of the
smallest nets also what is not recurrence, most of which is Python.
"""

from page import table
from speed.cases import QUICK, SMALLEST, Case, grid, of_all_steps
from speed.race import Entrant, Worker, fastest, seconds
from speed.report import microseconds, number, quotient, say, say_results, with_threads

PEERS = ("PyTorch", "PyTorch compiled", "JAX")
RAGGED_PEERS = ("PyTorch packed", "PyTorch padded", "JAX")
#: What the tables have: the head of a column, which cases they are of, and who is compared.
TABLES = (
    ("batch, T, F, H", lambda case: case.reads_final_state and not case.ragged, PEERS),
    ("batch, T, F, H", lambda case: case.ragged, RAGGED_PEERS),
    ("attention", lambda case: case.pooling == "attention", ("PyTorch",)),
    ("target for each step", lambda case: case.per_step, ("PyTorch",)),
    ("tokens", lambda case: case.n_tokens, ("PyTorch", "PyTorch sparse")),
)


def _pytorch(case, longest_compiled):
    for n in (1, 2):
        common = {"case": case, "threads": n}
        names = {"PyTorch packed": True, "PyTorch padded": False} if case.ragged else {"PyTorch": 0}
        for name, packed in names.items():
            for adam in ("fused", "foreach"):
                arguments = common | {"adam": adam, "packed": bool(packed)}
                yield Entrant(name, "pytorch.step", n, arguments)
        if case.n_tokens:  # gradients of the rows that are touched, and Adam for these
            yield Entrant("PyTorch sparse", "pytorch.step", n, common | {"sparse": True})
    if case.reads_final_state and not case.ragged and case.n_steps <= longest_compiled:
        arguments = {"case": case, "threads": 1, "compiled": True}
        yield Entrant("PyTorch compiled", "pytorch.step", 1, arguments, "compiled", limit=180.0)


def entrants(case, longest_compiled):
    """All competitors with all their settings."""
    for n in (1, 2):
        yield Entrant("skrnn", "ours.step", n, {"case": case, "threads": n})
        # JAX and the compiler have the final state only.
        for unroll in (1, 4) if case.reads_final_state else ():
            arguments = {"case": case, "threads": n, "unroll": unroll}
            yield Entrant("JAX", "jax_scan.step", n, arguments)
    yield from _pytorch(case, longest_compiled)


def measure(track, options):
    """A row for each case, with what each entrant took."""
    rows = []
    for case in grid(options.quick) + of_all_steps(options.quick):
        results = track.race(list(entrants(case, options.compile)))
        say_results(f"step {case.cell} {case.title}{', per step' * case.per_step}", results)
        rows.append({"case": case._asdict(), "results": results})
    return {"rows": rows, "parts": _parts(options.quick, track)}


def _parts(quick, track):
    """Of the steps of the smallest nets, in a process of their own."""
    rows = []
    with Worker(1) as worker:
        for case in QUICK[:1] if quick else SMALLEST:
            given = {"case": case, "rounds": track.rounds, "least": track.seconds}
            rows.append({"case": case._asdict(), **worker.call("ours.parts", **given)})
            say(f"parts {case.cell} {case.title}: rest {microseconds(rest(rows[-1]))} us")
    return rows


def rest(parts):
    """Seconds of a step that are not recurrence."""
    return parts["step"] - parts["forward"] - parts["backward"]


def peer_ratio(row):
    """The fastest peer's seconds over ours; None without peers."""
    theirs = seconds(row["results"], *PEERS, *RAGGED_PEERS, "PyTorch sparse")
    return quotient(theirs, seconds(row["results"], "skrnn"))


def gain(row):
    """How many times as fast as one thread two threads are."""
    return quotient(*(seconds(row["results"], "skrnn", threads=n) for n in (1, 2)))


def _cells(row, peers):
    case, results = Case(**row["case"]), row["results"]
    times = [with_threads(fastest(results, name)) for name in ("skrnn", *peers)]
    return [case.cell, case.title, *times, number(peer_ratio(row)), number(gain(row))]


def markdown(result):
    """A table of each kind of cases, but for those that an older measurement has not."""
    cases = [Case(**row["case"]) for row in result["rows"]]
    parts = []
    for title, is_of_kind, peers in TABLES:
        rows = [row for row, case in zip(result["rows"], cases, strict=True) if is_of_kind(case)]
        if rows:
            parts.append(_table(title, peers, rows))
    if "parts" in result:  # an older measurement has none
        parts.append(_table_of_parts(result["parts"]))
    return "\n\n".join(parts)


def _table_of_parts(parts):
    lines = []
    for row in parts:
        case, times = Case(**row["case"]), (row["step"], row["forward"], row["backward"], rest(row))
        lines.append([case.cell, case.title, *map(microseconds, times)])
    return table(["cell", "one thread, us", "step", "forward", "backward", "rest"], lines)


def _table(title, peers, rows):
    header = ["cell", title, "skrnn", *peers, "best peer / skrnn", "1 / 2 threads"]
    return table(header, [_cells(row, peers) for row in rows])
