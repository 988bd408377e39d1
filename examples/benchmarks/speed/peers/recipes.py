"""Seconds of whole fits on the data sets of ``accuracy.py``."""

from functools import cache
from statistics import mean
from time import perf_counter

import accuracy

#: Updates of PyTorch's recipe that are timed.
_UPDATES = 150
accuracy.compile_kernels()


@cache
def _first_fold(name):
    data = accuracy.TASKS[name].load()
    return data, *data.folds[0][:2]


def ours(name, threads):
    """Of a default fit."""
    data, X, y = _first_fold(name)
    start = perf_counter()
    accuracy.fit_skrnn(data, X, y, 0, n_jobs=threads)
    return perf_counter() - start


def pytorch(name, threads):
    """Of all epochs of PyTorch's recipe, by the mean of some of them behind the first."""
    data, X, y = _first_fold(name)
    start, net = perf_counter(), accuracy.TorchGRU(data, 0, threads, most_updates=_UPDATES)
    net.fit(X, y)
    seconds = perf_counter() - start - sum(net.epoch_seconds)
    return seconds + net.n_epochs * mean(net.epoch_seconds[1:])
