"""A process that prepares and times runs for another one.

It reads requests from its input and writes answers to its output, each a line of JSON:

* ``{"prepare": key, "task": "pytorch.step", "arguments": {...}}``: build a run, and time it twice;
* ``{"time": key, "repetitions": n}``: seconds per run, of n runs in a row;
* ``{"call": "memory.fit", "arguments": {...}}``: what that function returns;
* ``{"forget": true}``: drop all that was prepared.

Tasks are functions of the modules in ``speed/peers``.
"""

import json
import os
import sys
import warnings
from importlib import import_module
from math import ceil
from time import perf_counter

#: A first run of so many seconds is not repeated.
LONG = 10.0


def find(task):
    module, name = task.split(".")
    return getattr(import_module(f"speed.peers.{module}"), name)


def seconds_per_run(run, repetitions=1):
    start = perf_counter()
    for _ in range(repetitions):
        run()
    return (perf_counter() - start) / repetitions


def handle(request, prepared):
    """The answer to one request."""
    if "prepare" in request:
        run = prepared[request["prepare"]] = find(request["task"])(**request["arguments"])
        first = seconds_per_run(run)
        return {"first": first, "seconds": seconds_per_run(run) if first < LONG else first}
    if "time" in request:
        run, n = prepared[request["time"]], request["repetitions"]
        if n > 1:  # caches are full of the others' data, threads not yet apart on the processors
            seconds_per_run(run, ceil(n / 4))
        return {"seconds": seconds_per_run(run, n)}
    if "call" in request:
        return {"value": find(request["call"])(**request["arguments"])}
    prepared.clear()
    return {}


def describe(error):
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0][:200] if said else ''}"


def main():
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")  # what libraries print must not get between the answers
    os.dup2(2, 1)
    prepared = {}
    for request in sys.stdin:
        try:
            answer = handle(json.loads(request), prepared)
        except Exception as error:
            answer = {"error": describe(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
