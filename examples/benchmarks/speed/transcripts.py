"""Transcripts
===========

Steps of an encoder and a decoder, what they write, and CTC; milliseconds, and in brackets the
threads.
"""

from page import table
from speed.cases import CTC, QUICK_CTC, QUICK_TRANSCRIPTS, TRANSCRIPTS
from speed.race import Entrant, fastest, seconds
from speed.report import number, quotient, say_results, with_threads

WIDTHS = {"write": 1, "write, beam of 5": 5}


def _pair(name, case, common=None, settings=({},)):
    """Both with one thread and with two; PyTorch with each of its settings."""
    for n in (1, 2):
        arguments = {"case": case, "threads": n} | (common or {})
        yield Entrant("skrnn", f"our_transcripts.{name}", n, arguments)
        for setting in settings:
            yield Entrant("PyTorch", f"torch_transcripts.{name}", n, arguments | setting)


def races(quick):
    """Name, case and entrants of each."""
    cases, of_ctc = (QUICK_TRANSCRIPTS, QUICK_CTC) if quick else (TRANSCRIPTS, CTC)
    adams = {"adam": "fused"}, {"adam": "foreach"}
    yield "step", cases["step"], _pair("step", cases["step"], settings=adams)
    drops = {"drops": False}, {"drops": True}
    for name, width in WIDTHS.items():
        yield name, cases["write"], _pair("write", cases["write"], {"width": width}, drops)
    for case in of_ctc:
        yield "CTC", case, _pair("ctc", case)


def measure(track, options):
    """A row for each race, with what each entrant took."""
    rows = []
    for name, case, entrants in races(options.quick):
        results = track.race(list(entrants))
        say_results(f"{name} {title(case)}", results)
        rows.append({"name": name, "case": list(case), "results": results})
    return {"rows": rows}


def title(case):
    """Its numbers; of ragged ones the means."""
    *numbers, last = case
    return ", ".join(map(str, [*numbers, *([] if isinstance(last, bool) else [last])]))


def peer_ratio(row):
    """PyTorch's seconds over ours; None without PyTorch."""
    return quotient(seconds(row["results"], "PyTorch"), seconds(row["results"], "skrnn"))


def markdown(result):
    header = ["", "case", "skrnn", "PyTorch", "PyTorch / skrnn"]
    lines = [
        [
            row["name"],
            title(row["case"]),
            *(with_threads(fastest(row["results"], name)) for name in ("skrnn", "PyTorch")),
            number(peer_ratio(row)),
        ]
        for row in result["rows"]
    ]
    return table(header, lines)
