"""Compiling the kernels before they are needed, as in a container image."""

import warnings
from collections.abc import Collection
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import choices
from skrnn.estimators import RNNClassifier, RNNGenerator, RNNRegressor, RNNTranslator

CELLS = tuple(choices.CELLS)
DTYPES = ("float32", "float64")


def warmup(
    cells: str | Collection[str] = CELLS,
    dtypes: str | Collection[str] = DTYPES,
    *,
    verbose: bool = False,
) -> None:
    """Compile the kernels now, so that no later process has to.

    A kernel is compiled when it is first used and kept on disk, in the folder that the environment
    variable ``NUMBA_CACHE_DIR`` names or else beside the package. This fills that folder by fitting
    tiny nets; what is there already is loaded, not compiled again. See ``docs/containers.md``.

    Parameters
    ----------
    cells : {"rnn", "gru", "lstm"} or sequence of these, default=all
        The cells that will be used.

    dtypes : {"float32", "float64"} or sequence of these, default=both
        The precisions that will be used.

    verbose : bool, default=False
        Whether to print a line for each cell and precision.

    Raises
    ------
    ValueError
        If a cell or precision is unknown.

    Warns
    -----
    RuntimeWarning
        If compiled kernels cannot be kept: no folder is writable, or the disk is full.

    Examples
    --------
    >>> import skrnn
    >>> skrnn.warmup(cells="gru", dtypes="float64")
    """
    cells, dtypes = _names("cells", cells, CELLS), _names("dtypes", dtypes, DTYPES)
    for cell in cells:
        for dtype in dtypes:
            start = perf_counter()
            _use_every_kernel(cell, dtype)
            if verbose:
                print(f"{cell}, {dtype}: {perf_counter() - start:.1f} s", flush=True)


def _names(argument, given, allowed):
    names = list(given) if isinstance(given, (list, tuple, set)) else [given]
    if not names or any(name not in allowed for name in names):
        raise ValueError(f"{argument} must be one or several of {allowed}, got {given!r}.")
    return names


def _use_translators(settings, ragged, tokens):
    said = [["a"] * (len(x) % 2) for x in ragged]
    for decoder in choices.DECODERS:
        for embedding_dim, X in ((None, ragged), (2, tokens)):
            options = {"decoder": decoder, "embedding_dim": embedding_dim}
            model = RNNTranslator(**settings, **options)
            model.fit(X, said, X_val=X, y_val=said).predict_beams(X, 2)
            model.score_samples(X, said), model.score(X, said)


def _use_generators(settings, ragged, tokens):
    """Only what has kernels of its own; the rest is that of a target for each step."""
    for embedding_dim, X in ((None, ragged), (2, tokens)):
        model = RNNGenerator(**settings, embedding_dim=embedding_dim, max_length=2)
        model.fit(X, np.arange(len(X)) % 2, X_val=X, y_val=np.arange(len(X)) % 2)
        model.sample(2, random_state=0), model.score(X)


def _use_every_kernel(cell, dtype):
    """Fit nets that differ in all that may decide what is called, and with what arrays."""
    random = np.random.RandomState(0)
    table, ragged = (
        random.normal(size=(24, 4)),
        [random.normal(size=(n % 3 + 1, 2)) for n in range(24)],
    )
    tokens = [np.arange(1, n % 3 + 2) for n in range(24)]
    y, label = table[:, 0], np.arange(24) % 3
    settings = {"cell": cell, "dtype": dtype, "hidden_layer_sizes": 2, "max_iter": 1, "tol": 0.0}
    deep = settings | {
        "hidden_layer_sizes": (2, 2),
        "bidirectional": True,
        "dropout": 0.5,
        "pooling": "max",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for activation in choices.ACTIVATIONS:
            model = RNNRegressor(**settings, activation=activation, early_stopping=True)
            model.fit(table, y).predict(table)
        for pooling in choices.POOLINGS:
            RNNRegressor(**settings, pooling=pooling, linear_path=None).fit(ragged, y)
        of_steps = RNNRegressor(**settings, return_sequences=True)
        of_steps.fit(ragged, [x[:, 0] for x in ragged]).predict(ragged)
        RNNRegressor(**deep, solver="sgd").fit(ragged, y).predict(ragged)
        RNNRegressor(**settings, embedding_dim=2).fit(tokens, y).predict(tokens)
        curved = np.linspace(-2.0, 2.0, 60)[:, np.newaxis]
        RNNRegressor(**settings).fit(curved, np.abs(curved[:, 0])).predict(curved)
        _use_translators(settings, ragged, tokens)
        _use_generators(settings, ragged, tokens)
        RNNClassifier(**settings, solver="lbfgs").fit(table, label).predict(table)
        RNNClassifier(**deep, linear_path=None).partial_fit(ragged, label, classes=[0, 1, 2])
        RNNRegressor(**settings).fit(ragged, y).predict_step(np.stack([x[0] for x in ragged]))
