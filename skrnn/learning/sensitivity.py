"""How a model's raw predictions change with its inputs: the network and the linear path together.

Numbers between a baseline and X, and vectors of tokens between that of unknown tokens and their
own, are *courses*: at each point, a share of the way from 0 to 1, a course has raw predictions, and
a gradient. Attributions (:mod:`skrnn.inspection`) are made of these alone.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from skrnn.data import gaps
from skrnn.network.tracing import TracedNetwork


@lru_cache(maxsize=8)
def _traced(architecture):
    return TracedNetwork(architecture)


def _of_network(model, sequences, slopes, count_threads):
    """Gradient, like the sequences' values, of the network's raw predictions times slopes."""
    network, data = _traced(model.architecture), model.data(sequences)
    slopes = slopes.astype(model.theta.dtype)
    with network.helpers(data, count_threads) as helpers:
        return network.input_gradient(model.theta, data, slopes, helpers)


class NumbersCourse:
    """From a baseline to sequences of numbers, on a straight line.

    Parameters
    ----------
    model : Model
    sequences : Sequences
        As they are, end to end; their gaps stay gaps all the way.
    baseline : ndarray of shape (total, n_features)
    count_threads : callable
        As in :meth:`Model.raw_predict`.

    Attributes
    ----------
    change : ndarray of shape (total, n_features)
        What a gradient times this is in a unit of predictions; zero where a value is missing.
    """

    def __init__(self, model, sequences, baseline, count_threads):
        self._model, self._sequences, self._baseline = model, sequences, baseline
        self._count_threads = count_threads
        self._way = sequences.values - baseline
        self.change = np.where(np.isnan(self._way), 0.0, self._way)

    def _at(self, share):
        """Sequences there, as they are and as the model reads them."""
        values = self._sequences.values
        if share != 1.0:
            values = (self._baseline + share * self._way).astype(values.dtype)
        point, schema = replace(self._sequences, values=values), self._model.schema
        return point, gaps.marked(point, schema.gaps, schema.is_table)

    def raw(self, share):
        """Raw predictions (n_answers, n_outputs) at a point."""
        return self._model.raw_predict(self._at(share)[1], self._count_threads)

    def gradient(self, share, slopes):
        """Gradient, like `change`, of raw predictions there times slopes (n_answers, n_outputs)."""
        model, (point, marked) = self._model, self._at(share)
        found = _of_network(model, marked, slopes, self._count_threads)
        if model.path is not None:
            found[model.path.within(marked).values != marked.values] = 0.0
            found += model.path.gradient(marked, slopes, model.architecture.return_sequences)
        return gaps.backward(point, model.schema.gaps, model.schema.is_table, found)


class TokensCourse:
    """From unknown tokens to sequences of tokens: vectors on a straight line, and the path's share.

    Parameters
    ----------
    model : Model
    sequences : Sequences
        Of numbered tokens, end to end.
    count_threads : callable

    Attributes
    ----------
    change : float
        One: what a token's gradient adds up is in a unit of predictions already.
    """

    change = 1.0

    def __init__(self, model, sequences, count_threads):
        self._model, self._sequences, self._count_threads = model, sequences, count_threads
        self._on_vectors = _without_table(model)
        table, tokens = model.network.table(model.theta), sequences.values.ravel()
        self._unknown, self._way = table[-1], table[tokens] - table[-1]
        nothing = replace(sequences, values=np.full_like(sequences.values, len(table) - 1))
        self._path_start = model.path_predict(nothing)
        self._path_way = model.path_predict(sequences) - self._path_start

    def _at(self, share):
        vectors = self._unknown + self._way.dtype.type(share) * self._way
        return replace(self._sequences, values=vectors)

    def raw(self, share):
        """Raw predictions (n_answers, n_outputs) at a point."""
        raw = self._on_vectors.raw_predict(self._at(share), self._count_threads)
        return raw + self._path_start + share * self._path_way

    def gradient(self, share, slopes):
        """For each token (total,) its vector's gradient times its way from the unknown's, and what
        the path adds.
        """
        found = _of_network(self._on_vectors, self._at(share), slopes, self._count_threads)
        found, path = (found * self._way).sum(axis=1), self._model.path
        return found if path is None else found + path.contributions(self._sequences, slopes)


def _without_table(model):
    """The recurrent part of a model of tokens, which reads vectors instead."""
    n_numbers = model.architecture.embedding_dim
    architecture = replace(model.architecture, embedding_dim=None, n_tokens=0, n_features=n_numbers)
    scaling = replace(model.scaling, center=np.zeros((1, n_numbers)), scale=np.ones((1, n_numbers)))
    theta = model.theta[model.network.n_in_table :]
    return replace(model, architecture=architecture, scaling=scaling, theta=theta, path=None)
