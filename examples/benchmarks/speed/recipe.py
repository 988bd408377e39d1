"""Whole default fits on data sets, beside PyTorch by one recipe; see ``accuracy.py``.

The recipe has some 3,000 updates and takes up to a minute, so PyTorch's seconds are those of a few
of its epochs, brought to as many as it has.
"""

import json
from pathlib import Path
from statistics import geometric_mean, median

from page import table
from speed.race import Worker, fastest, seconds
from speed.report import number, quotient, say

#: Sets of `accuracy.py`: series with classes and with a number, lag windows, tables.
SETS = (
    "japanese_vowels", "italy_power", "ecg5000", "basic_motions", "tecator", "taylor_1", "goog",
    "digits", "diabetes", "breast_cancer",
)  # fmt: skip
QUICK = ("wine",)
SCORES = Path(__file__).parents[3] / "docs" / "accuracy.json"
#: Seconds of a first run that counts, and is not repeated; of others two more do.
_LONG, _ROUNDS = 2.0, 2


def _competitors(track):
    """Name, task and threads of each."""
    for n in (1, 2):
        yield "skrnn", "recipes.ours", n
        if track.admits("PyTorch"):
            yield "PyTorch", "recipes.pytorch", n


def measure(track, quick):
    """A row for each set that can be had: what each competitor took, and scores."""
    competitors, rows = list(_competitors(track)), []
    workers = [Worker(threads) for _, _, threads in competitors]
    for name in QUICK if quick else SETS:
        times = _times(name, competitors, workers, min(_ROUNDS, track.rounds))
        if times is not None:
            rows.append({"set": name, "scores": _scores(name)})
            rows[-1]["results"] = [
                {"name": who, "threads": n, "seconds": median(known), "rounds": known}
                for (who, _, n), known in zip(competitors, times, strict=True)
            ]
            say(f"recipe {name}: {', '.join(_cells(rows[-1])[1:4])}")
    for worker in workers:
        worker.close()
    return rows


def _times(name, competitors, workers, rounds):
    """Seconds of each in turns; None where a set cannot be had."""
    times = [[] for _ in competitors]
    for _ in range(1 + rounds):
        for (_, task, n), worker, known in zip(competitors, workers, times, strict=True):
            if known and known[0] > _LONG:
                continue
            answer = worker.ask(call=task, arguments={"name": name, "threads": n})
            if "error" in answer:
                say(f"recipe {name}: {answer['error']}")
                return None
            known.append(answer["value"])
    return [known[1:] or known for known in times]


def _scores(name):
    """Those of whole fits in docs/accuracy.md, means over its seeds and folds."""
    known = json.loads(SCORES.read_text())["accuracy"].get(name, {}) if SCORES.exists() else {}
    return {who: known[who]["mean"] for who in ("skrnn", "PyTorch") if who in known}


def peer_ratio(row):
    """PyTorch's seconds over ours; None without PyTorch."""
    return quotient(seconds(row["results"], "PyTorch"), seconds(row["results"], "skrnn"))


def mean(rows):
    """Geometric mean of the ratios; None without any."""
    ratios = [ratio for ratio in map(peer_ratio, rows) if ratio is not None]
    return geometric_mean(ratios) if ratios else None


def _cells(row):
    found = [fastest(row["results"], who) for who in ("skrnn", "PyTorch")]
    times = [f"{number(one['seconds'])} ({one['threads']})" if one else "-" for one in found]
    scores = [row["scores"].get(who) for who in ("skrnn", "PyTorch")]
    shown = ["-" if score is None else f"{score:.4g}" for score in scores]
    return [row["set"], *times, number(peer_ratio(row)), *shown]


def markdown(rows):
    header = ["default fit, seconds", "skrnn", "PyTorch", "PyTorch / skrnn"]
    return table([*header, "score of skrnn", "of PyTorch"], map(_cells, rows))
