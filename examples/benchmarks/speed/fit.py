"""End to end
==========

Whole fits through each library's estimators; seconds.
"""

from statistics import median

from page import table
from speed import recipe
from speed.race import Entrant, Worker, fastest, seconds
from speed.report import number, quotient, ratio, say, say_results

#: What chooses Keras' backend.
KERAS = {"JAX": {"KERAS_BACKEND": "jax"}, "PyTorch": {"KERAS_BACKEND": "torch"}}
_LIMIT = 30.0  # seconds until a fit has been prepared
FIT_NAMES = ("skrnn", "skrnn, defaults", "skorch", "Keras", "MLPRegressor")
SEARCH_NAMES = ("skrnn", "skorch")


def _fit_entrants(cell, common):
    for n in (1, 2):  # on a busy machine PyTorch's second thread may take minutes
        arguments = common | {"cell": cell, "threads": n}
        yield Entrant("skrnn", "estimators.fit", n, arguments)
        yield Entrant("skrnn, defaults", "estimators.fit_defaults", n, arguments)
        yield Entrant("skorch", "skorch_net.fit", n, arguments, limit=_LIMIT)
        for backend, environment in KERAS.items():
            process = {"process": f"on {backend}", "environment": environment, "limit": _LIMIT}
            yield Entrant("Keras", "keras_model.fit", n, arguments, **process)
        yield Entrant("MLPRegressor", "estimators.fit_mlp", n, common | {"threads": n})


def _search_entrants(jobs, common):
    arguments = common | {"jobs": jobs}
    yield Entrant("skrnn", "estimators.search", 1, arguments)
    if jobs == 2:
        threads = arguments | {"backend": "threading"}
        yield Entrant("skrnn, threads", "estimators.search", 1, threads)
    yield Entrant("skorch", "skorch_net.search", 1, arguments)


def _vowel_tasks():
    """Name, task, arguments, environment of each."""
    yield "skrnn", "estimators.vowels", {}, {}
    yield "skrnn, one default fit", "estimators.vowels_defaults", {}, {}
    yield "PyTorch packed", "torch_loop.vowels", {"packed": True}, {}
    yield "PyTorch padded", "torch_loop.vowels", {"packed": False}, {}
    yield "skorch", "skorch_net.vowels", {}, {}
    for backend, environment in KERAS.items():
        yield f"Keras on {backend}", "keras_model.vowels", {}, environment


def _measure_vowels(track, seeds):
    """Runs of each competitor, seed by seed in turns, after one that compiles."""
    tasks = [task for task in _vowel_tasks() if track.admits(task[0])]
    runs = {name: [] for name, *_ in tasks}
    workers = {name: Worker(1, environment) for name, _, _, environment in tasks}
    for seed in (None, *seeds):
        for name, task, arguments, _ in tasks:
            answer = workers[name].ask(call=task, arguments=arguments | {"seed": seed or 0})
            if seed is not None:
                runs[name].append(answer.get("value", answer))
    for worker in workers.values():
        worker.close()
    for name, results in runs.items():
        say(f"vowels {name}: {results[0]}")
    return runs


def measure(track, options):
    quick = options.quick
    common = (
        {"n": 40, "columns": 5, "epochs": 2} if quick else {"n": 1000, "columns": 20, "epochs": 20}
    )
    sizes = (("gru", 3),) if quick else (("rnn", 64), ("gru", 64), ("lstm", 64), ("gru", 16))
    measured = {"fits": [], "searches": []}
    for cell, hidden in sizes:
        results = track.race(list(_fit_entrants(cell, common | {"hidden": hidden})))
        say_results(f"fit {cell} {hidden}", results)
        measured["fits"].append({"cell": cell, "hidden": hidden, "results": results})
    for jobs in (1,) if quick else (1, 2):
        results = track.race(list(_search_entrants(jobs, common)))
        say_results(f"search n_jobs={jobs}", results)
        measured["searches"].append({"jobs": jobs, "results": results})
    measured["vowels"] = {} if quick else _measure_vowels(track, range(5))
    measured["recipe"] = recipe.measure(track, quick)
    return measured


def peer_over_ours(row, *names):
    """Seconds of the fastest of some peers over ours."""
    return quotient(seconds(row["results"], *names), seconds(row["results"], "skrnn"))


def _fit_cells(row):
    cells = [row["cell"], str(row["hidden"])]
    for name in FIT_NAMES:
        found = fastest(row["results"], name)
        cells.append(f"{number(found['seconds'])} ({found['threads']})" if found else "-")
    return [*cells, *(number(peer_over_ours(row, *names)) for names in (["skorch"], ["Keras"]))]


def _search_cells(row):
    names = (*SEARCH_NAMES, "skrnn, threads")
    times = [seconds(row["results"], name) for name in names]
    return [str(row["jobs"]), *map(number, times), ratio(times[1], times[0])]


def _vowel_cells(name, runs):
    done = [run for run in runs if "error" not in run]
    if not done:
        return [name, "-", "-", "-"]
    middles = (median(run[key] for run in done) for key in ("seconds", "epochs", "accuracy"))
    took, epochs, accuracy = middles
    return [name, number(took), str(epochs), f"{100 * accuracy:.1f}"]


def markdown(result):
    fits = ["cell", "H", *FIT_NAMES, "skorch / skrnn", "Keras / skrnn"]
    searches = ["n_jobs", "skrnn", "skorch", "skrnn, joblib's threads", "skorch / skrnn"]
    vowels = ["Japanese Vowels to 95 %", "seconds", "epochs", "test accuracy, %"]
    lines = [_vowel_cells(name, runs) for name, runs in result["vowels"].items()]
    return "\n\n".join(
        [
            table(fits, map(_fit_cells, result["fits"])),
            table(searches, map(_search_cells, result["searches"])),
            table(vowels, lines),
            recipe.markdown(result.get("recipe", [])),  # an older measurement has none
        ]
    )
