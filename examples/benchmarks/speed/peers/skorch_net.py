"""skorch: PyTorch's network as a scikit-learn estimator."""

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier, NeuralNetRegressor

from speed.cases import table
from speed.peers.pytorch import Net
from speed.vowels import N_CLASSES, N_COEFFICIENTS, padded, train_until

#: The fastest of its settings: nothing printed, scored or held out.
BARE = {
    "optimizer": torch.optim.Adam,
    "optimizer__fused": True,
    "iterator_train__shuffle": True,
    "train_split": None,
    "callbacks": "disable",
    "verbose": 0,
}


def regressor(cell="gru", hidden=64, epochs=20):
    return NeuralNetRegressor(
        Net,
        module__cell=cell,
        module__n_features=1,
        module__hidden=hidden,
        lr=1e-3,
        max_epochs=epochs,
        batch_size=32,
        **BARE,
    )


def _data(n, columns):
    X, y = table(n, columns)
    return X[:, :, None], y[:, None]


def fit(cell, hidden, n, columns, epochs, threads):
    torch.set_num_threads(threads)
    X, y = _data(n, columns)
    model = regressor(cell, hidden, epochs)
    return lambda: model.fit(X, y)


def search(n, columns, epochs, jobs):
    torch.set_num_threads(1)
    X, y = _data(n, columns)
    rates = {"lr": [1e-3, 3e-3, 1e-2, 3e-2]}
    grid = GridSearchCV(regressor(epochs=epochs), rates, cv=3, refit=False, n_jobs=jobs)
    return lambda: grid.fit(X, y)


def vowels(seed, threads=1):
    """Padded frames; the state at each utterance's end goes on."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    model = NeuralNetClassifier(
        Net,
        module__cell="gru",
        module__n_features=N_COEFFICIENTS,
        module__hidden=64,
        module__n_outputs=N_CLASSES,
        criterion=torch.nn.CrossEntropyLoss,
        classes=np.arange(N_CLASSES),
        lr=3e-3,
        max_epochs=1,
        batch_size=32,
        **BARE,
    )

    def learn(X, lengths, y):
        model.partial_fit({"X": X, "lengths": lengths}, y)

    def score(X, lengths, y):
        return np.mean(model.predict({"X": X, "lengths": lengths}) == y)

    return train_until(learn, score, padded)
