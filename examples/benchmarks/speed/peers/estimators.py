"""skrnn's estimators and scikit-learn's, through their public methods.

Nothing but scikit-learn is imported before it is needed: a first fit pays for its own imports.
"""

import pickle
from functools import partial
from time import perf_counter

from joblib import parallel_config
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

import skrnn
from speed.cases import Case, inputs, table
from speed.vowels import N_CLASSES, train_until

#: No early stopping, no linear path, all epochs, a step for each observation: what the peers do.
BARE = {
    "early_stopping": False,
    "linear_path": None,
    "n_iter_no_change": float("inf"),
    "frame_length": 1,
}


def regressor(cell="gru", hidden=64, epochs=20, threads=1, batch=32):
    return skrnn.RNNRegressor(
        (hidden,),
        cell=cell,
        max_iter=epochs,
        batch_size=batch,
        n_jobs=threads,
        random_state=0,
        **BARE,
    )


def perceptron(hidden=64, epochs=20, batch=32):
    return MLPRegressor(
        hidden_layer_sizes=(hidden,),
        max_iter=epochs,
        batch_size=batch,
        n_iter_no_change=epochs + 1,
        random_state=0,
    )


def fit(cell, hidden, n, columns, epochs, threads):
    X, y = table(n, columns)
    model = regressor(cell, hidden, epochs, threads)
    return lambda: model.fit(X, y)


def fit_defaults(cell, hidden, n, columns, epochs, threads):
    """With the linear path and early stopping, which may end it before all epochs are done."""
    X, y = table(n, columns)
    model = skrnn.RNNRegressor(
        (hidden,), cell=cell, max_iter=epochs, n_jobs=threads, random_state=0
    )
    return lambda: model.fit(X, y)


def fit_mlp(hidden, n, columns, epochs, threads):
    X, y = table(n, columns)
    model = perceptron(hidden, epochs)
    return lambda: model.fit(X, y)


def search(n, columns, epochs, jobs, backend="loky"):
    """Four learning rates in three folds: twelve fits."""
    X, y = table(n, columns)
    rates = {"learning_rate_init": [1e-3, 3e-3, 1e-2, 3e-2]}
    grid = GridSearchCV(regressor(epochs=epochs), rates, cv=3, refit=False, n_jobs=jobs)

    def run():
        with parallel_config(backend=backend):
            grid.fit(X, y)

    return run


def predict(case, threads):
    """`predict` of a batch, or of one row, by a model with a linear path; it is default but for one
    epoch, and a step for each observation.
    """
    case = Case(*case)
    X, _ = inputs(case._replace(batch=max(case.batch, 64)))
    model = skrnn.RNNRegressor(
        (case.hidden,),
        cell=case.cell,
        frame_length=1,
        max_iter=1,
        early_stopping=False,
        n_jobs=threads,
        random_state=0,
    )
    model.fit(X, X[:, :, 0].sum(axis=1) + X[:, -1, -1] ** 2)
    X = X[: case.batch]
    return lambda: model.predict(X)


def row(cell, hidden, columns, threads=1):
    """`predict` of one row of a table."""
    X, y = table(64, columns)
    model = regressor(cell, hidden, 1).fit(X, y)
    return lambda: model.predict(X[:1])


def row_mlp(hidden, columns, threads=1):
    X, y = table(64, columns)
    model = perceptron(hidden, 1).fit(X, y)
    return lambda: model.predict(X[:1])


def first_fits(cell):
    """Seconds of the first and the second fit of this process, with default parameters."""
    X, y = table(200, 10)
    seconds = []
    for _ in range(2):
        start = perf_counter()
        skrnn.RNNRegressor(cell=cell, max_iter=2, tol=0.0, random_state=0).fit(X, y)
        seconds.append(perf_counter() - start)
    return seconds


def pickled(cell, hidden):
    """Bytes of a pickle, and numbers learnt."""
    X, y = table(200, 10)
    model = regressor(cell, hidden, 1).fit(X, y)
    parts = [*model.coefs_, *model.intercepts_]
    return len(pickle.dumps(model)), sum(part.size for part in parts)


def epochs(n, columns, hidden, count, threads=1):
    """A fit of one epoch, and one of `count` more: their difference is free of what `fit` adds."""
    X, y = table(n, columns)
    short, long = (regressor(hidden=hidden, epochs=e, batch=64) for e in (1, 1 + count))
    short.fit(X[:64], y[:64])
    start = perf_counter()
    short.fit(X, y)
    middle = perf_counter()
    long.fit(X, y)
    end = perf_counter()
    return (end - middle - (middle - start)) / count


def vowels(seed, threads=1):
    """Epochs of `partial_fit` on the utterances as they are."""
    model = skrnn.RNNClassifier(learning_rate_init=3e-3, n_jobs=threads, random_state=seed)
    return train_until(partial(model.partial_fit, classes=range(N_CLASSES)), model.score)


def vowels_defaults(seed, threads=1):
    """One `fit` with default parameters, whatever accuracy that gives."""
    model = skrnn.RNNClassifier(n_jobs=threads, random_state=seed)
    return train_until(model.fit, model.score, most=1)
