"""Growth
======

Time and memory of an epoch against rows, steps and units; threads; gradients that vanish.
"""

from math import ceil
from statistics import median

from page import table
from speed.cases import Case
from speed.costs import fresh
from speed.race import Entrant, Worker, seconds
from speed.report import megabytes, milliseconds, number, say, say_results

#: What grows: the series of (rows, steps, units), and which of the three it is.
SERIES = {
    "rows": [(n, 10, 16) for n in (1000, 10_000, 100_000, 1_000_000)],
    "steps": [(256, t, 64) for t in (10, 30, 100, 300, 1000, 2000)],
    "units": [(1024, 20, h) for h in (8, 32, 128, 512)],
}
QUICK_SERIES = {"rows": [(50, 5, 3)]}
AXES = {"rows": 0, "steps": 1, "units": 2}
LATE = ("rnn", "gru", "lstm")
FACTORS = (0.3, 0.5, 0.7, 0.8, 0.9)


def _epochs(sizes, rounds, enough):
    """Median seconds of an epoch for each size, in turns."""
    times = {size: [] for size in sizes}
    counts = dict.fromkeys(sizes, 1)
    with Worker(1) as worker:
        for turn in range(1 + rounds):
            for size in sizes:
                n, columns, hidden = size
                arguments = {"n": n, "columns": columns, "hidden": hidden, "count": counts[size]}
                took = worker.call("estimators.epochs", **arguments)
                if turn:
                    times[size].append(took)
                else:  # how many epochs make a measurement
                    counts[size] = max(1, min(200, ceil(enough / max(took, 1e-4))))
    return [median(times[size]) for size in sizes]


def _memory(size):
    n, n_steps, hidden = size
    batch = min(64, n)
    arguments = {"n": n, "n_steps": n_steps, "n_features": 1, "hidden": hidden, "batch": batch}
    return fresh("memory.fit", cell="gru", **arguments)


def _measure_series(track, quick):
    measured = {}
    for name, sizes in (QUICK_SERIES if quick else SERIES).items():
        took = _epochs(sizes, min(track.rounds, 3), 0.01 if quick else 0.3)
        rise = [_memory(size) for size in sizes]
        measured[name] = [
            {"size": size, "seconds": s, "memory": m}
            for size, s, m in zip(sizes, took, rise, strict=True)
        ]
        say(f"growth of {name}: {[f'{1e3 * s:.3g} ms' for s in took]}")
    return measured


def _measure_threads(track, quick):
    rows = []
    for hidden in (3,) if quick else (8, 16, 32, 64, 128, 256, 512):
        case = Case("gru", 64, 5 if quick else 50, 8, hidden)
        entrants = [Entrant("skrnn", "ours.step", n, {"case": case, "threads": n}) for n in (1, 2)]
        results = track.race(entrants)
        say_results(f"threads, H {hidden}", results)
        rows.append({"case": case._asdict(), "results": results})
    return rows


def _late_entrants(case):
    common = {"case": case, "threads": 1}
    yield Entrant("skrnn", "ours.step", 1, common)
    yield Entrant("PyTorch", "pytorch.step", 1, common)
    for factor in FACTORS:
        vanishing = common | {"factor": factor}
        yield Entrant("skrnn, vanishing", "ours.vanishing_step", 1, vanishing)
        yield Entrant("PyTorch, vanishing", "pytorch.step", 1, vanishing)


def _measure_late(track, quick):
    rows = []
    for cell in LATE[:1] if quick else LATE:
        case = Case(cell, 4, 50, 1, 3) if quick else Case(cell, 32, 1000, 1, 32)
        results = track.race(list(_late_entrants(case)))
        say_results(f"vanishing gradients, {cell}", results)
        rows.append({"case": case._asdict(), "results": results})
    return rows


def measure(track, options):
    return {
        "series": _measure_series(track, options.quick),
        "threads": _measure_threads(track, options.quick),
        "late": _measure_late(track, options.quick),
    }


def spread(rows, axis):
    """Largest over smallest time of an epoch per unit of what grows: 1 if growth is linear."""
    per_unit = [row["seconds"] / row["size"][axis] for row in rows]
    return max(per_unit) / min(per_unit)


def slowest(results, name):
    """Seconds of the slowest result under a name."""
    return max((row["seconds"] for row in results if row["name"] == name), default=None)


def _series_cells(name, row):
    per_unit = 1e6 * row["seconds"] / row["size"][AXES[name]]
    size = ", ".join(map(str, row["size"]))
    cells = [milliseconds(row["seconds"]), number(per_unit), megabytes(row["memory"])]
    return [name, size, *cells]


def _late_cells(row):
    case, cells = Case(**row["case"]), []
    for name in ("skrnn", "PyTorch"):
        fresh_seconds = seconds(row["results"], name)
        late = slowest(row["results"], f"{name}, vanishing")
        cells += [milliseconds(fresh_seconds), milliseconds(late)]
        cells.append(number(late / fresh_seconds) if late else "-")
    return [case.cell, case.title, *cells]


def _thread_cells(row):
    one, two = (seconds(row["results"], "skrnn", threads=n) for n in (1, 2))
    title = Case(**row["case"]).title
    return [title, milliseconds(one), milliseconds(two), f"{one / two:.2f}"]


def markdown(result):
    series = [_series_cells(name, row) for name, rows in result["series"].items() for row in rows]
    header = ["grows", "n, T, H", "epoch, ms", "us for each", "epoch adds, MB"]
    late = ["cell", "batch, T, F, H", "skrnn, ms", "vanishing", "over", "PyTorch, ms"]
    return "\n\n".join(
        [
            table(header, series),
            table(
                ["batch, T, F, H", "1 thread, ms", "2 threads, ms", "1 / 2 threads"],
                map(_thread_cells, result["threads"]),
            ),
            table([*late, "vanishing", "over"], map(_late_cells, result["late"])),
        ]
    )
