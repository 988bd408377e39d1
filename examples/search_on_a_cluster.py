"""
A search on a cluster, and a worker that is killed
==================================================

Where one machine is too small for a search, a cluster does it. skrnn has no engine of its own for
that: scikit-learn's searches hand their fits to joblib, and joblib hands them to dask. Here the
"machines" are processes of this one. In the midst of the search one of them is killed, and the
scores are still those of a search in one process, to the bit.

The task is that of ``speaker_identification.py``: who of nine men is speaking, from utterances of
different lengths, in a plain list. Data: Japanese Vowels, UCI Machine Learning Repository, CC BY
4.0 (see ``data/README.md``).
"""

import atexit
import subprocess
import sys
import tempfile
import threading
from itertools import chain
from pathlib import Path

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import skrnn

try:
    from dask.distributed import Client
except ImportError:
    print('skipped: a cluster needs dask (pip install "skrnn[distributed]")')
    sys.exit(0)

# %%
# The cluster
# -----------
# On real machines, ``dask scheduler`` runs on one, and ``dask worker ADDRESS`` on each of the
# others. These are the same commands, on this machine and not to be reached from any other. All of
# it ends with this script, and after ten minutes whatever happens.


def start(command, *options):
    """A process of dask's command line."""
    command = [sys.executable, "-m", "dask", command, "--scheduler-file", address, *options]
    here = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    process = subprocess.Popen([*command, *here], stderr=subprocess.DEVNULL)
    atexit.register(process.wait)
    atexit.register(process.kill)
    return process


folder = tempfile.TemporaryDirectory()
atexit.register(folder.cleanup)
address = f"{folder.name}/scheduler.json"
start("scheduler", "--port", "0", "--idle-timeout", "10 minutes")
of_worker = ["--no-nanny", "--nthreads", "1", "--local-directory", folder.name]
workers = [start("worker", *of_worker, "--lifetime", "10 minutes") for _ in range(2)]
client = Client(scheduler_file=address)
client.wait_for_workers(2, timeout=60)

# %%
# The search
# ----------
# ``scatter`` brings what the fits have in common to all workers before the search begins: the data
# and the rows of each fold. joblib by itself would send each to one worker only, and with that it
# would be lost. For the same reason dask's memory manager, which takes copies away, is stopped.
# Half a second later, one worker is killed.

DATA = Path(__file__).parent / "data" if "__file__" in globals() else Path("data")


def load(part):
    """A list of (n_frames, 12) arrays and the number of each speaker."""
    table = np.loadtxt(DATA / f"japanese_vowels_{part}.csv.gz", delimiter=",", skiprows=1)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=0))
    return np.split(table[:, 2:], starts[1:]), table[starts, 1].astype(int)


X, y = load("train")
model = skrnn.RNNClassifier(max_iter=40, random_state=0)
grid = {"hidden_layer_sizes": [8, 32], "pooling": ["last", "max"]}
folds = list(StratifiedKFold(3).split(X, y))
search = GridSearchCV(model, grid, cv=folds)

client.amm.stop()
with parallel_config(backend="dask", scatter=[X, y, *chain.from_iterable(folds)]):
    killer = threading.Timer(0.5, workers[0].kill)
    killer.start()
    search.fit(X, y)
    killer.cancel()

for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{params['hidden_layer_sizes']:3} units, {params['pooling']:<4}  {100 * score:5.1f} %")
print(f"workers left: {len(client.scheduler_info()['workers'])} of {len(workers)}")
print(f"accuracy on the test utterances: {100 * search.score(*load('test')):.1f} %")

# %%
# The same search, here
# ---------------------
# A fit depends on its data and its ``random_state`` alone: neither on the machine that it ran on,
# if their processors are alike, nor on what else ran beside it, nor on how often it was begun.

here = clone(search).fit(X, y)
scores = [name for name in here.cv_results_ if name.endswith("_test_score")]
same = all(np.array_equal(here.cv_results_[n], search.cv_results_[n]) for n in scores)
print(f"the scores of one process, to the bit: {same}")
client.close()
