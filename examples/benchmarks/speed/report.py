"""How results are shown: numbers, and lines of progress."""

from time import perf_counter

_START = perf_counter()


def say(text):
    """A line of progress, with the seconds since the start."""
    print(f"{perf_counter() - _START:6.1f} s  {text}", flush=True)


def say_results(title, results):
    """The fastest of each name, and what kept the others away."""
    best = {}
    for row in results:
        if "error" in row:
            say(f"{title}: {row['name']}, {row['setting']}: {row['error']}")
        elif row["name"] not in best or row["seconds"] < best[row["name"]]["seconds"]:
            best[row["name"]] = row
    shown = (f"{name} {milliseconds(row['seconds'])}" for name, row in best.items())
    say(f"{title}: {', '.join(shown)} ms")


def number(value):
    """Three significant digits, a dash for nothing."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def milliseconds(seconds):
    return number(seconds and 1e3 * seconds)


def microseconds(seconds):
    return number(seconds and 1e6 * seconds)


def megabytes(size):
    return number(size and 1e-6 * size)


def quotient(a, b):
    return a / b if a is not None and b is not None else None


def ratio(a, b):
    return number(quotient(a, b))


def with_threads(row):
    """The milliseconds of a result, and the number of threads."""
    return f"{milliseconds(row['seconds'])} ({row['threads']})" if row else "-"
