"""
Memory of a fit on an array that stays on disk
==============================================

Two gigabytes of sequences in a file, float32, mapped into memory by NumPy. ``fit`` reads them where
they are: what it adds to the process is small beside them. ``partial_fit`` goes through the same
file in chunks.

    python examples/benchmarks/out_of_core.py [--quick]
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from skrnn import RNNRegressor

CHUNK = 512


def written(folder, n_samples, n_timesteps, n_features):
    """A mapped array of random sequences, and what a net is to learn of them."""
    shape = n_samples, n_timesteps, n_features
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, shape)
    rng, y = np.random.default_rng(0), np.empty(n_samples, np.float32)
    for first in range(0, n_samples, CHUNK):
        part = rng.standard_normal((min(CHUNK, n_samples - first), *shape[1:]), np.float32)
        X[first : first + CHUNK], y[first : first + CHUNK] = part, part[:, -3:, 0].sum(axis=1)
    X.flush()
    del X
    return np.load(folder / "X.npy", mmap_mode="r"), y


def own_bytes():
    """Memory of this process that no file stands behind (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def peak_during(work):
    """What work adds to the memory of the process at most, in bytes, and its seconds."""
    before, peak, is_done = own_bytes(), [0], threading.Event()

    def watch():
        while not is_done.wait(0.02):
            peak[0] = max(peak[0], own_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    is_done.set()
    watcher.join()
    return max(peak[0] - before, 0), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a file of a megabyte")
    shape = (64, 20, 200) if parser.parse_args().quick else (20_000, 100, 256)
    settings = {"hidden_layer_sizes": 16, "random_state": 0}
    warm = np.zeros((20, *shape[1:]), np.float32)
    warm[:, 0, 0] = np.arange(20)
    RNNRegressor(**settings, max_iter=1, tol=0.0).partial_fit(warm, np.arange(20.0))
    with tempfile.TemporaryDirectory() as folder:
        X, y = written(Path(folder), *shape)
        print(f"{X.nbytes / 2**20:.1f} MiB on disk, {len(X)} sequences")
        model = RNNRegressor(**settings, max_iter=25)
        added, seconds = peak_during(lambda: model.fit(X, y))
        print(f"fit: adds {added / 2**20:.1f} MiB, {seconds:.1f} s, {model.n_iter_} epochs")
        model = RNNRegressor(**settings)

        def in_chunks():
            for first in range(0, len(X), CHUNK):
                model.partial_fit(X[first : first + CHUNK], y[first : first + CHUNK])

        added, seconds = peak_during(in_chunks)
        print(f"partial_fit over chunks: adds {added / 2**20:.1f} MiB, {seconds:.1f} s")


if __name__ == "__main__":
    main()
