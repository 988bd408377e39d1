"""Small estimators and data for tests of training; a spy, and a listener that keeps a diary."""

import inspect

import datasets
import numpy as np
import pytest
from datasets import numbers

from skrnn import RNNClassifier, RNNRegressor
from skrnn.estimators.recurrent import RecurrentEstimator
from skrnn.network.network import Network

#: The names of the candidates.
BESIDE, ALONE = "beside the linear path", "alone"
SCHEDULES = ["constant", "invscaling", "adaptive", "cosine", "one_cycle"]


def small(Estimator=RNNRegressor, **parameters):
    """An estimator that is quickly fitted; the net alone, and no data held out."""
    settings = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 3}
    settings |= {"linear_path": None, "early_stopping": False, "validation_fraction": 0.1}
    return Estimator(**(settings | parameters))


def ragged(n=50, seed=0):
    return datasets.ragged(n, seed=seed, lengths=(1, 8))


def table(n=50, n_columns=4, seed=0):
    return datasets.table(n, n_columns, seed)


def weighted_table(n, p, seed):
    """X, two targets, and weights 1, 2, 3."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    Y = X[:, :2] @ rng.normal(size=(2, 2)) + 0.3 * rng.normal(size=(n, 2))
    return X, Y, rng.integers(1, 4, n).astype(float)


def target_for(Estimator, X):
    y = numbers(X)
    return y if Estimator is RNNRegressor else np.digitize(y, [-0.7, 0.7])


class Spy:
    """Records the arguments of each call by name, and calls on."""

    def __init__(self, monkeypatch, owner, name):
        self.calls, self.results = [], []
        original = getattr(owner, name)
        signature = inspect.signature(original)

        def spying(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            self.calls.append(
                {
                    k: np.copy(v) if isinstance(v, np.ndarray) else v
                    for k, v in bound.arguments.items()
                }
            )
            self.results.append(original(*args, **kwargs))
            return self.results[-1]

        monkeypatch.setattr(owner, name, spying)

    def __getitem__(self, name):
        return [call[name] for call in self.calls]


def break_at(monkeypatch, failing, what):
    """Let some of the calls of Network.loss_gradient go wrong; the first is number 0."""
    original, count = Network.loss_gradient, iter(range(10**9))

    def breaking(self, loss, theta, examples, rows, gradient, **options):
        value = original(self, loss, theta, examples, rows, gradient, **options)
        return what(value, gradient) if next(count) in failing else value

    monkeypatch.setattr(Network, "loss_gradient", breaking)


class Diary:
    """Listener that keeps what it is told, and ends a training after its epoch `last`."""

    def __init__(self, last=None, candidate=None):
        self.last, self.candidate = last, candidate
        self.epochs, self.thetas, self.rebuilt = [], [], []

    def __call__(self, epoch):
        self.epochs.append(epoch)
        self.thetas.append(epoch.theta.copy())
        self.rebuilt.append(epoch.rebuild())
        return epoch.number == self.last and self.candidate in (None, epoch.candidate)

    def places(self):
        """Of each epoch its candidate and number."""
        return [(epoch.candidate, epoch.number) for epoch in self.epochs]

    def of(self, candidate):
        return [epoch for epoch in self.epochs if epoch.candidate == candidate]


def fit(model, data, *listeners, method="fit"):
    """Fit with listeners, which an estimator's own way to train does not know."""
    original = RecurrentEstimator._circumstances

    def circumstances(self, *arguments):
        found, made = original(self, *arguments), [lambda *_, one=one: one for one in listeners]
        return found._replace(listeners=(*found.listeners, *made))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecurrentEstimator, "_circumstances", circumstances)
        return getattr(model, method)(**data)


def data_for(Estimator, watched, loss="squared_error"):
    """Arguments of fit: what a linear path explains in part, and validation data if wanted."""
    X = table(90)
    y = numbers(X) + np.abs(X[:, 1] + X[:, 2]) + 0.3 * np.random.RandomState(1).normal(size=90)
    if Estimator is RNNClassifier:
        y = np.digitize(y, [0.0, 2.0])
    if loss == "poisson":
        y = np.round(np.abs(y))
    weight = np.random.RandomState(2).uniform(0.5, 2.0, size=90)
    data = {"X": X[:60], "y": y[:60], "sample_weight": weight[:60]}
    if watched:
        data |= {"X_val": X[60:], "y_val": y[60:], "sample_weight_val": weight[60:]}
    return data


def lasting(Estimator, solver="adam", **parameters):
    """An estimator that goes through all of its epochs, in several minibatches each."""
    settings = {"solver": solver, "batch_size": 25, "learning_rate_init": 0.02, "max_iter": 6}
    settings |= {"tol": 0.0, "n_iter_no_change": np.inf, "early_stopping": True}
    return small(Estimator, **(settings | parameters))


def fitted(Estimator, watched, *listeners, **parameters):
    """Both a model and the data that it was fitted on."""
    data = data_for(Estimator, watched, parameters.get("loss"))
    settings = {} if watched else {"early_stopping": False}
    return fit(lasting(Estimator, **(settings | parameters)), data, *listeners), data
