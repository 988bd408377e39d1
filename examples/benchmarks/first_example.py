"""
The article-sized first example, beside Keras
=============================================

A hundred rows of five steps, the target is the first step: ten tanh units, Adam, a hundred
epochs in batches of ten, as in ``examples/first_fit.py``. The same with Keras' ``SimpleRNN``
where Keras is installed. Both run once before the clock starts, so neither pays for its
compilation.

    python examples/benchmarks/first_example.py [--quick]
"""

import os
import sys
from importlib.util import find_spec
from statistics import median
from time import perf_counter

import numpy as np

from skrnn import RNNRegressor


def data():
    X = np.random.default_rng(0).random((100, 5))
    return X, X[:, 0]


def fit_skrnn(X, y, seed):
    model = RNNRegressor(
        hidden_layer_sizes=(10,),
        cell="rnn",
        frame_length=1,
        linear_path=None,
        early_stopping=False,
        max_iter=100,
        n_iter_no_change=np.inf,  # all hundred epochs, as Keras runs them
        batch_size=10,
        random_state=seed,
    )
    return model.fit(X, y).predict(X)


def fit_keras(X, y, seed):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    keras.utils.set_random_seed(seed)
    X = X[:, :, None]
    model = keras.Sequential(
        [keras.Input(X.shape[1:]), keras.layers.SimpleRNN(10), keras.layers.Dense(1)]
    )
    model.compile(optimizer="adam", loss="mse")
    model.fit(X, y, epochs=100, batch_size=10, verbose=0)
    return model.predict(X, verbose=0).ravel()


def measure(fit, seeds):
    """Median seconds and mean squared errors over the seeds, after one fit to warm up."""
    X, y = data()
    fit(X, y, 0)
    seconds, errors = [], []
    for seed in seeds:
        start = perf_counter()
        prediction = fit(X, y, seed)
        seconds.append(perf_counter() - start)
        errors.append(np.mean((prediction - y) ** 2))
    return median(seconds), errors


def main():
    seeds = range(2 if "--quick" in sys.argv else 10)
    contestants = {"skrnn": fit_skrnn}
    if find_spec("keras") and "--quick" not in sys.argv:
        contestants["keras"] = fit_keras

    print(f"{len(seeds)} seeds   median seconds   training MSE, median and worst")
    for name, fit in contestants.items():
        seconds, errors = measure(fit, seeds)
        print(f"{name:<9} {seconds:15.4f}   {median(errors):.6f} {max(errors):.6f}")
    if not find_spec("keras"):
        print('keras skipped: it is not installed (pip install "skrnn[bench]")')


if __name__ == "__main__":
    main()
