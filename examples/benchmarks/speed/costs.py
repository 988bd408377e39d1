"""Costs
=====

What using a library costs beside the work: import, first fit, memory, size.
"""

import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import skrnn
from import_time import measure as import_seconds
from page import table
from speed.cases import N_GATES
from speed.race import Worker
from speed.report import megabytes, milliseconds, number, say

IMPORTED = ("skrnn", "sklearn", "torch", "jax")
INSTALLED = ("skrnn", "torch", "skorch", "jax", "keras")
#: Memory of a fit is measured on these; the second one's X has 400 MB.
FIT = {"n": 20_000, "n_steps": 100, "n_features": 8, "hidden": 64, "batch": 64}
LARGE = {"n": 100_000, "n_steps": 100, "n_features": 10, "hidden": 8, "batch": 256}
#: Documents of tokens: 10 million of these, and a vector of 64 numbers for each distinct one.
TOKENS = {"n": 100_000, "n_steps": 100, "n_tokens": 50_000, "embedding_dim": 64}
#: Models that are deleted again, each of another size: so many and from so many units on.
DELETED = {"n_models": 16, "hidden": 700}
QUICK = {"n": 50, "n_steps": 5, "n_features": 1, "hidden": 3, "batch": 8}


def _imports(names, rounds):
    """Median seconds of an import in a new process."""
    times = {name: [] for name in names if find_spec(name)}
    for _ in range(rounds):
        for name, took in times.items():
            took.append(import_seconds(name)[0])
    return {name: median(took) for name, took in times.items()}


def _first_fits(cell, rounds):
    """Seconds of (first, second) fit in new processes: cache empty, and cache filled."""
    with TemporaryDirectory() as folder:

        def fits():
            with Worker(1, {"NUMBA_CACHE_DIR": folder}) as worker:
                return worker.call("estimators.first_fits", cell=cell)

        return {"empty": fits(), "filled": [fits() for _ in range(rounds)]}


def fresh(task, **arguments):
    """The value of a function of ``speed/peers`` in a process of its own."""
    with Worker(1) as worker:
        return worker.call(task, **arguments)


def activations(cell, n_steps, hidden, batch, **_):
    """Bytes of one minibatch's gates and states in float32."""
    blocks = N_GATES[cell] + (2 if cell == "lstm" else 1)
    return 4 * batch * n_steps * hidden * blocks


def _memory(size, quick):
    """Bytes that an epoch adds, for each cell."""
    rows = {}
    for cell in ("gru",) if quick else N_GATES:
        rows[cell] = {"activations": activations(cell, **size)}
        rows[cell]["skrnn"] = fresh("memory.fit", cell=cell, **size)
        if not quick and find_spec("torch"):
            rows[cell]["PyTorch"] = fresh("memory.fit_torch", cell=cell, **size)
        say(f"memory {cell}: {rows[cell]}")
    return rows


def _large(size):
    """Bytes of an X, and what fits add to it."""
    return {
        "X": 4 * size["n"] * size["n_steps"] * size["n_features"],
        "skrnn": fresh("memory.fit", cell="gru", **size),
        "skrnn, defaults": fresh("memory.fit", cell="gru", **size, defaults=True),
    }


def _tokens(size):
    """Bytes that a fit of tokens adds beside its parameters, by default and in double precision."""
    return {
        name: fresh("memory.fit_tokens", **size, dtype=dtype)
        for name, dtype in (("default", None), ("float64", "float64"))
    }


def _requirements(name, known):
    """Names of a distribution and of all that it needs and is here."""
    with suppress(PackageNotFoundError):
        needed = distribution(name).requires or ()
        known.add(name)
        for requirement in needed:
            other = re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")
            if "extra ==" not in requirement and other not in known:
                _requirements(other, known)
    return known


def _files(name):
    """Files of a distribution, compiled bytecode left out."""
    if name == "skrnn":
        return list(Path(skrnn.__file__).parent.rglob("*.py"))
    found = (Path(path.locate()) for path in distribution(name).files or ())
    return [path for path in found if path.suffix != ".pyc" and path.is_file()]


def _installed():
    """Bytes of each distribution's files, its own and with all that it needs."""
    sizes = {}
    for name in INSTALLED:
        needed = _requirements(name, set())
        if needed:
            bytes_of = {one: sum(path.stat().st_size for path in _files(one)) for one in needed}
            sizes[name] = {"own": bytes_of[name], "all": sum(bytes_of.values())}
    return sizes


def measure(track, options):
    quick = options.quick
    rounds = 1 if quick else track.rounds
    measured = {"imports": _imports(IMPORTED[:1] if quick else IMPORTED, rounds)}
    say(f"imports: {measured['imports']}")
    measured["first_fits"] = {}
    for cell in () if quick else N_GATES:
        measured["first_fits"][cell] = _first_fits(cell, rounds)
        say(f"first fits {cell}: {measured['first_fits'][cell]}")
    measured["memory"] = _memory(QUICK if quick else FIT, quick)
    measured["large"] = {} if quick else _large(LARGE)
    say(f"large X: {measured['large']}")
    few = {"n": 60, "n_steps": 5, "n_tokens": 20, "embedding_dim": 3}
    measured["tokens"] = _tokens(few if quick else TOKENS)
    say(f"tokens: {measured['tokens']}")
    few = {"n_models": 2, "hidden": 8}
    measured["deleted"] = fresh("memory.deleted", cell="gru", **(few if quick else DELETED))
    say(f"deleted models leave: {measured['deleted']}")
    measured["installed"] = _installed()
    measured["pickle"] = fresh("estimators.pickled", cell="gru", hidden=3 if quick else 64)
    return measured


def first_fit_excess(fits):
    """Median seconds that the first fit takes beyond the second, the cache being filled."""
    return median(first - second for first, second in fits["filled"])


def _first_fit_cells(cell, fits):
    empty, again = fits["empty"]
    first, second = (median(times) for times in zip(*fits["filled"], strict=True))
    excess = first_fit_excess(fits)
    return [cell, *map(number, (empty, again, first, second, excess))]


def _memory_cells(cell, row):
    cells = [cell, megabytes(row["activations"])]
    for name in ("skrnn", "PyTorch"):
        times = row.get(name) and row[name] / row["activations"]
        cells.append(f"{megabytes(row[name])} ({number(times)} x)" if times is not None else "-")
    return cells


def _tokens_line(result):
    if "tokens" not in result:  # of an older measurement
        return []
    n, n_steps, n_tokens, width = TOKENS.values()
    by_default, double = (megabytes(size) for size in result["tokens"].values())
    return [
        f"A fit of {n:,} documents of {n_steps} tokens, {n_tokens:,} distinct ones with vectors of"
        f" {width} numbers, adds {by_default} MB to the documents and the parameters ({double} with"
        ' `dtype="float64"`).'
    ]


def _deleted_line(result):
    if "deleted" not in result:  # of an older measurement
        return []
    n, hidden = DELETED["n_models"], DELETED["hidden"]
    left = megabytes(result["deleted"])
    return [f"{n} GRUs of {hidden} units and more, fitted and deleted, leave {left} MB."]


def markdown(result):
    imports = [[name, milliseconds(took)] for name, took in result["imports"].items()]
    fits = [_first_fit_cells(cell, fits) for cell, fits in result["first_fits"].items()]
    memory = [_memory_cells(cell, row) for cell, row in result["memory"].items()]
    large = [[name, megabytes(size)] for name, size in result["large"].items()]
    sizes = result["installed"].items()
    installed = [[name, megabytes(size["own"]), megabytes(size["all"])] for name, size in sizes]
    size, count = result["pickle"]
    fits_header = [
        "default fit, seconds",
        "empty cache",
        "second",
        "filled cache",
        "second",
        "more",
    ]
    memory_header = ["one epoch", "activations, MB", "skrnn adds, MB", "PyTorch adds, MB"]
    return "\n\n".join(
        [
            table(["import", "ms"], imports),
            table(fits_header, fits),
            table(memory_header, memory),
            table(["a large X, and what an epoch adds", "MB"], large),
            table(["installed", "itself, MB", "with what it needs, MB"], installed),
            f"A pickled GRU of {count} numbers has {size} bytes.",
            *_tokens_line(result),
            *_deleted_line(result),
        ]
    )
