"""Races: the same work done by several libraries, timed in turns.

Every library, with every number of threads, lives in a process of its own, for some read that
number only once. In each round each one is timed once, so that a busy minute slows all of them.
"""

import json
import math
import os
import select
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

BENCHMARKS = Path(__file__).parents[1]

#: What has to be installed for a name in the tables.
PACKAGES = {
    "PyTorch": ("torch",),
    "PyTorch packed": ("torch",),
    "PyTorch padded": ("torch",),
    "PyTorch compiled": ("torch",),
    "PyTorch sparse": ("torch",),
    "PyTorch, vanishing": ("torch",),
    "JAX": ("jax", "optax"),
    "ONNX Runtime": ("onnx", "onnxruntime"),
    "skorch": ("torch", "skorch"),
    "Keras": ("keras",),
    "Keras on JAX": ("keras", "jax"),
    "Keras on PyTorch": ("keras", "torch"),
}

_CHOICES = ("adam", "packed", "unroll", "factor", "drops")
#: An entrant so many times slower than another one of its name, and so many seconds, is out.
_HOPELESS, _LONG = 2.0, 0.5


class Entrant(NamedTuple):
    """A competitor with one setting; of several settings the fastest counts.

    `name` is the one in the tables, `task` a function in ``speed/peers``. Entrants of the same
    process share it. `limit` is how long the first run, with its compilation, may take.
    """

    name: str
    task: str
    threads: int = 1
    arguments: dict = {}  # noqa: RUF012
    process: str = "main"
    limit: float = 300.0
    environment: dict = {}  # noqa: RUF012

    @property
    def setting(self):
        options = [f"{k} {v}" for k, v in self.arguments.items() if k in _CHOICES]
        process = [self.process] if self.process != "main" else []
        return ", ".join([*process, *options, f"{self.threads} thread{'s' * (self.threads > 1)}"])


def thread_environment(threads):
    """Settings that libraries read once, when they start."""
    numbers = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    settings = dict.fromkeys(numbers, str(threads))
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        settings["XLA_FLAGS"] = flags
    return settings


class Worker:
    """A process running ``speed/worker.py``."""

    def __init__(self, threads, environment=None):
        paths = [str(BENCHMARKS), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables = {"PYTHONPATH": os.pathsep.join(paths), **thread_environment(threads)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "speed.worker"],
            env=os.environ | variables | (environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # an answer read ahead into a buffer is one that select does not see
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @property
    def alive(self):
        return self.process.poll() is None

    def _signal(self, name):
        """Stop or continue, where a system can, all threads of the process."""
        if hasattr(signal, name) and self.alive:
            self.process.send_signal(getattr(signal, name))

    def send(self, **request):
        if self.alive:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")

    def receive(self, limit=600.0):
        """The next answer; a process that takes too long is ended."""
        if not self.alive:
            return {"error": "its process has ended"}
        self._signal("SIGCONT")
        if not select.select([self.process.stdout], [], [], limit)[0]:
            self.close()
            return {"error": f"not ready after {limit:.0f} s"}
        answer = self.process.stdout.readline()
        self._signal("SIGSTOP")  # or its threads wait in a loop, in the next one's turn
        return json.loads(answer) if answer else {"error": "its process ended"}

    def ask(self, limit=600.0, **request):
        self.send(**request)
        return self.receive(limit)

    def call(self, task, **arguments):
        """What a function of ``speed/peers`` returns in that process."""
        answer = self.ask(call=task, arguments=arguments)
        if "error" in answer:
            raise RuntimeError(f"{task}: {answer['error']}")
        return answer["value"]

    def close(self):
        self.process.kill()
        self.process.communicate()


class Track:
    """Where races are run: keeps the processes, and knows how long to measure.

    Parameters
    ----------
    peers : sequence of str
        Names that take part, beside those that always do.
    rounds : int
    seconds : float
        What one timing takes at least.
    """

    def __init__(self, peers, rounds, seconds):
        self.peers, self.rounds, self.seconds = set(peers), rounds, seconds
        self._workers = {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        for worker in self._workers.values():
            worker.close()
        self._workers = {}

    def admits(self, name):
        """Whether a competitor was asked for and is installed."""
        packages = PACKAGES.get(name, ())
        return (not packages or name in self.peers) and all(map(find_spec, packages))

    def worker(self, entrant):
        key = entrant.task.split(".")[0], entrant.threads, entrant.process
        if key not in self._workers or not self._workers[key].alive:
            self._workers[key] = Worker(entrant.threads, entrant.environment)
        return self._workers[key]

    def race(self, entrants, most_rounds=math.inf):
        """Results of all that are admitted, in their order; see :func:`result`."""
        entrants = [entrant for entrant in entrants if self.admits(entrant.name)]
        first = self._prepare(entrants)
        running = [i for i, e in enumerate(entrants) if has_chances(e, first[i], entrants, first)]
        times = {i: [] for i in running}
        for _ in range(min(self._rounds([first[i] for i in running]), most_rounds)):
            for i in running:
                times[i].append(self._time(i, entrants[i], first[i]["seconds"]))
        self._forget(entrants)
        return [result(e, first[i], times.get(i)) for i, e in enumerate(entrants)]

    def _prepare(self, entrants):
        """First runs, one after the other: threads that wait in a loop get in each other's way.

        JAX compiles a lot, in processes that do not disturb each other, and does so side by side.
        """
        answers = {}
        for together in (True, False):
            wave = [i for i, e in enumerate(entrants) if e.task.startswith("jax") == together]
            for i in wave:
                self._send(i, entrants[i])
                if not together:
                    answers[i] = self._first(entrants[i])
            if together:
                answers |= {i: self._first(entrants[i]) for i in wave}
        return [answers[i] for i in range(len(entrants))]

    def _send(self, i, entrant):
        worker = self.worker(entrant)
        worker.send(prepare=str(i), task=entrant.task, arguments=entrant.arguments)

    def _first(self, entrant):
        return self.worker(entrant).receive(entrant.limit)

    def _rounds(self, first):
        """Fewer where a round takes many seconds."""
        seconds = sum(max(answer["seconds"], self.seconds) for answer in first)
        return max(min(self.rounds, 3), min(self.rounds, int(20.0 / seconds))) if seconds else 0

    def _time(self, i, entrant, estimate):
        repetitions = math.ceil(self.seconds / max(estimate, 1e-6))
        answer = self.worker(entrant).ask(time=str(i), repetitions=repetitions)
        return answer.get("seconds", float("nan"))

    def _forget(self, entrants):
        for worker in {id(w): w for w in map(self.worker, entrants)}.values():
            worker.ask(forget=True)


def has_chances(entrant, answer, entrants, answers):
    """Whether a first run went well, and is not hopeless beside another setting's."""
    if "error" in answer or answer["seconds"] < _LONG:
        return "error" not in answer
    same = (a for e, a in zip(entrants, answers, strict=True) if e.name == entrant.name)
    return answer["seconds"] <= _HOPELESS * min(a["seconds"] for a in same if "error" not in a)


def result(entrant, first, times):
    """Median seconds of an entrant, those of its first runs, or why there are none."""
    row = {"name": entrant.name, "setting": entrant.setting, "threads": entrant.threads}
    if "error" in first:
        return row | {"error": first["error"]}
    times = times or [first["seconds"]]
    return row | {"seconds": median(times), "rounds": times, "first": first["first"]}


def fastest(results, *names, threads=None):
    """The fastest result under some names, with any or one number of threads; None without any."""
    timed = [
        row
        for row in results
        if row["name"] in names and "seconds" in row and threads in (None, row["threads"])
    ]
    return min(timed, key=lambda row: row["seconds"], default=None)


def seconds(results, *names, threads=None):
    """The fastest result's seconds; None without any."""
    found = fastest(results, *names, threads=threads)
    return found and found["seconds"]
