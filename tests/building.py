"""Networks, losses and data for tests of the layers below the estimators."""

import numpy as np

from skrnn import losses
from skrnn.data.sequences import Sequences
from skrnn.network import inputs
from skrnn.network.examples import Examples, OfSteps
from skrnn.network.network import Architecture, Network


def network(cell="gru", hidden=(3,), n_features=2, n_outputs=1, dtype=np.float64, **options):
    """A Network; options are further fields of Architecture, a pooling "steps" is none."""
    if options.get("pooling") == "steps":
        options |= {"pooling": "last", "return_sequences": True}
    return Network(
        Architecture(
            cell, tuple(hidden), n_features, n_outputs, dtype=np.dtype(dtype).name, **options
        )
    )


def loss(name, n_outputs=1, quantiles=(0.5,)):
    """The loss of a name, classifiers' losses too."""
    if name == "softmax":
        return losses.Softmax(n_outputs)
    if name == "logistic":
        return losses.Logistic()
    return losses.of_regression(name, quantiles)


def sequence_data(values, offsets, frame_length=1):
    """SequenceData, standardised already; sequence i is ``values[offsets[i]:offsets[i + 1]]``."""
    one = np.ones((1, values.shape[1]))
    offsets = np.asarray(offsets, np.int64)
    sequences = Sequences(values, offsets[:-1], np.diff(offsets))
    return inputs.sequence_data(sequences, 0 * one, one, frame_length)


def joined(sequences, frame_length=1):
    """The same of a list of sequences."""
    lengths = [len(sequence) for sequence in sequences]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return sequence_data(np.concatenate(sequences), offsets, frame_length)


def of_steps(lengths, weights):
    """OfSteps of rows of these lengths, of whose steps these are the weights."""
    return OfSteps.of(np.asarray(lengths), weights)


def loss_gradient(network, loss, theta, data, targets, weights, rows=None, **options):
    """Value and gradient of some rows, all by default."""
    rows = np.arange(len(data.lengths)) if rows is None else rows
    gradient = np.full_like(theta, np.nan)
    weights = weights.astype(np.float64)
    steps = of_steps(data.lengths, weights) if network.architecture.return_sequences else None
    examples = Examples(data, targets, weights, options.pop("offsets", None), steps)
    value = network.loss_gradient(loss, theta, examples, rows, gradient, **options)
    return value, gradient


def no_limits(center):
    """The limits of a linear map whose inputs all count as they are."""
    return np.full(center.shape, -1e9), np.full(center.shape, 1e9)
