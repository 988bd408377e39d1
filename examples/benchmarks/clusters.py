"""
A search on a cluster: what two workers are worth, and what a new one costs
===========================================================================

A grid search whose fits take more than a second, on a cluster of one worker and on one of two, in
turns; the bytes that go through the loopback interface meanwhile; and the first fit of a new worker
process, with an empty folder of kernels, with one that another worker has filled, and once more.
The aim: two workers have an efficiency of at least 0.8, that is, they take at most 1 / 1.6 of the
time of one.

    python examples/benchmarks/clusters.py [--rounds 3] [--quick] [--output docs/scaling_out.md]

It needs ``pip install ".[distributed]"`` and two processors with nothing else to do. `--output`
writes the tables into that page, between its markers. The interface must be quiet too, because what
other programs send through it is counted.
"""

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

import skrnn
from page import environment, table, write_between

PACKAGES = ("numpy", "scikit-learn", "numba", "dask", "distributed")
AIM = 0.8


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rounds", type=int, default=3, help="in turns, the median counts")
    parser.add_argument("--output", type=Path, help="a Markdown page with the script's markers")
    parser.add_argument("--quick", action="store_true", help="tiny fits, once")
    return parser.parse_args()


def cluster(stack, n_workers, environment=None):
    """Workers of one thread, each a process, and a client; both end with the stack."""
    from dask.distributed import Client, LocalCluster

    workers = LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        env=environment,
        lifetime="1 hour",
    )
    return stack.enter_context(Client(stack.enter_context(workers)))


# What two workers are worth


def task(quick):
    """A search of sixteen fits that take equally long, and its data."""
    shape = (40, 5, 4) if quick else (2000, 50, 8)
    X = np.random.default_rng(0).normal(size=shape)
    model = skrnn.RNNRegressor(
        8 if quick else 64, linear_path=None, early_stopping=False, tol=0.0,
        n_iter_no_change=np.inf, max_iter=2 if quick else 12, random_state=0,
    )  # fmt: skip
    grid = {"alpha": np.logspace(-6, 1, 2 if quick else 8)}
    return GridSearchCV(model, grid, cv=2, refit=False), X, X[:, -3:, 0].sum(axis=1)


def loopback_bytes():
    """Bytes that this machine has sent to itself (None where psutil cannot say)."""
    import psutil

    counters = psutil.net_io_counters(pernic=True)
    found = [count.bytes_sent for name, count in counters.items() if name.startswith("lo")]
    return sum(found) if found else None


def run(client, search, X, y):
    """Seconds and loopback bytes of a search, and the search."""
    search, sent, start = clone(search), loopback_bytes(), time.perf_counter()
    with client.as_current(), parallel_config(backend="dask", scatter=[X, y]):
        search.fit(X, y)
    seconds = time.perf_counter() - start
    return seconds, None if sent is None else loopback_bytes() - sent, search


def measure_search(options):
    """Medians over the rounds for one worker and for two, and the time of a fit."""
    search, X, y = task(options.quick)
    with ExitStack() as stack:
        clients = {n: cluster(stack, n) for n in (1, 2)}
        for client in clients.values():
            client.run(fit_seconds)  # compiles the kernels, or loads them
        rounds = [
            {n: run(client, search, X, y) for n, client in clients.items()}
            for _ in range(1 if options.quick else options.rounds)
        ]
    same = [one[1][2].cv_results_["mean_test_score"] for one in rounds]
    same += [one[2][2].cv_results_["mean_test_score"] for one in rounds]
    assert all(np.array_equal(one, same[0]) for one in same), "scores depend on the cluster"
    seconds = {n: statistics.median(one[n][0] for one in rounds) for n in (1, 2)}
    sent = {n: statistics.median(one[n][1] or 0 for one in rounds) for n in (1, 2)}
    n_fits = len(same[0]) * search.cv
    return seconds, sent, {"fits": n_fits, "fit": seconds[1] / n_fits, "data": X.nbytes + y.nbytes}


def search_table(seconds, sent, facts):
    efficiency = seconds[1] / (2 * seconds[2])
    rows = [
        ["seconds", f"{seconds[1]:.1f}", f"{seconds[2]:.1f}"],
        ["efficiency", "1", f"{efficiency:.2f} (at least {AIM})"],
        ["bytes sent, of " + f"{facts['data']:,} of data", f"{sent[1]:,.0f}", f"{sent[2]:,.0f}"],
    ]
    head = f"{facts['fits']} fits of {facts['fit']:.2f} s"
    return table([head, "one worker", "two workers"], rows)


# What a new worker costs


def fit_seconds():
    """Seconds of a small fit; run on a worker."""
    X = np.random.default_rng(0).normal(size=(40, 5, 2))
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        skrnn.RNNRegressor(max_iter=2, random_state=0).fit(X, X[:, 0, 0])
    return time.perf_counter() - start


def measure_starts():
    """Seconds of the first fit in three worker processes, one after the other."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("an empty folder of kernels", "a folder that another worker filled"):
            with ExitStack() as stack:
                client = cluster(stack, 1, {"NUMBA_CACHE_DIR": folder})
                found[kind] = client.submit(fit_seconds, pure=False).result()
                again = client.submit(fit_seconds, pure=False).result()
    found["the second fit of a process"] = again
    return found


def starts_table(found):
    return table(["first fit with", "seconds"], [[k, f"{v:.3f}"] for k, v in found.items()])


def main():
    options = read_options()
    if find_spec("distributed") is None:
        print('0 clusters: dask is not installed (pip install ".[distributed]")')
        sys.exit(0)
    where = f"Measured on {environment(PACKAGES)}."
    for name, text in {
        "search": search_table(*measure_search(options)),
        "starts": starts_table(measure_starts()),
    }.items():
        print(f"{text}\n")
        if options.output:
            write_between(options.output, name, f"{text}\n\n{where}")


if __name__ == "__main__":
    main()
