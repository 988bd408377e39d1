"""A cluster on this machine: dask's scheduler and its workers, each a process of its own."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

#: Then every process of the cluster ends, whatever has become of the tests.
LIFE = "10 minutes"
LOOPBACK = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]


class Cluster:
    """A scheduler, workers of one thread, and a client; a context that ends them all.

    Parameters
    ----------
    folder : Path
        Where the scheduler says its address, and workers keep what does not fit into memory.
    """

    def __init__(self, folder):
        self._folder, self._stack = folder, ExitStack()
        self._file = str(folder / "scheduler.json")

    def __enter__(self):
        from dask.distributed import Client

        with self._stack:
            self._start("scheduler", "--port", "0", "--idle-timeout", LIFE)
            self.client = self._stack.enter_context(Client(scheduler_file=self._file, timeout=30))
            self.workers = []
            self.fill()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error):
        self._stack.close()

    def fill(self, n_workers=2):
        """Start as many workers as are missing, and wait for them."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        life = ["--lifetime", LIFE, "--death-timeout", "30"]
        of_worker = ["--no-nanny", "--nthreads", "1", "--local-directory", str(self._folder)]
        for _ in range(n_workers - len(self.workers)):
            self.workers.append(self._start("worker", *of_worker, *life))
        self.client.wait_for_workers(n_workers, timeout=60)

    def _start(self, command, *options):
        """A process of dask's own command line, which finds the modules of the tests."""
        paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [sys.executable, "-m", "dask", command, "--scheduler-file", self._file]
        process = subprocess.Popen(
            [*command, *LOOPBACK, *options],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


def score_or_die(model, X, y, tally, fatal):
    """The score of a model; but the process that is asked for that of a certain number is killed.

    Parameters
    ----------
    tally : str
        A file that grows by a byte with each score, of whatever process.
    fatal : int
        The number.
    """
    with open(tally, "ab", buffering=0) as file:
        file.write(b".")
        if file.tell() == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    return model.score(X, y)
