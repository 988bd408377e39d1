"""Keras on the backend that ``KERAS_BACKEND`` names when the process starts."""

import os

import keras
import numpy as np

from speed.cases import table
from speed.vowels import MOST_FRAMES, N_CLASSES, N_COEFFICIENTS, padded, train_until

LAYERS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def _set_threads(threads):
    if os.environ["KERAS_BACKEND"] == "torch":
        import torch

        torch.set_num_threads(threads)


def fit(cell, hidden, n, columns, epochs, threads):
    """`fit` of a model compiled once: later runs go on from its weights and compile nothing."""
    _set_threads(threads)
    X, y = table(n, columns)
    X = X[:, :, None]
    layers = [keras.Input(X.shape[1:]), LAYERS[cell](hidden), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    return lambda: model.fit(X, y, epochs=epochs, batch_size=32, verbose=0)


def vowels(seed, threads=1):
    """Masked padding; one epoch compiles, and then training starts anew."""
    _set_threads(threads)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((MOST_FRAMES, N_COEFFICIENTS)),
            keras.layers.Masking(),
            keras.layers.GRU(64),
            keras.layers.Dense(N_CLASSES, activation="softmax"),
        ]
    )
    adam = keras.optimizers.Adam(3e-3)
    model.compile(optimizer=adam, loss="sparse_categorical_crossentropy")

    def learn(X, lengths, y):
        model.fit(X, y, batch_size=32, epochs=1, verbose=0)

    def score(X, lengths, y):
        return np.mean(model.predict(X, verbose=0).argmax(axis=1) == y)

    start = model.get_weights()
    learn(*padded("train"))
    model.set_weights(start)
    for variable in adam.variables:
        if variable.dtype == "float32" and variable.path.split("/")[-1] != "learning_rate":
            variable.assign(np.zeros(variable.shape, "float32"))
    return train_until(learn, score, padded)
