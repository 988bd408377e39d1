"""Another first block: a learnt vector for each token (equations 104 and 105)."""

from typing import NamedTuple

import numpy as np

from skrnn.kernels import embedding
from skrnn.network.block import Block, Parameter

#: Standard deviation of the start values.
_SPREAD = 0.03


def normal(rng, shape):
    """Start values, normally distributed."""
    drawn = rng.standard_normal(shape)
    drawn *= _SPREAD
    return drawn


class Tokens(NamedTuple):
    """Vectors (D, E) of the tokens of a tile, each once, and the place (S,) of each line's."""

    vectors: np.ndarray
    places: np.ndarray

    def of_lines(self, lines):
        """These tokens in another order of the lines."""
        return Tokens(self.vectors, self.places[lines])

    @staticmethod
    def of(table, tokens):
        """The Tokens of tokens (S,), by all vectors (V, E); and which tokens (D,) there are."""
        n_all = len(table)
        found, numbers = np.full(n_all, -1), np.empty(len(tokens), np.int64)
        labels = np.empty(n_all, np.int32)
        labels = labels[: embedding.number(tokens, found, labels, numbers)]
        return Tokens(table.take(labels, axis=0), numbers), labels


class Embedding(Block):
    """A table with a row for each token, and a last one for those that are unknown.

    Parameters
    ----------
    n_tokens : int
    n_outputs : int
        Numbers of a row.
    gives_tokens : bool, default=False
        Whether it gives Tokens in the place of a vector for each line.
    """

    is_table = True

    def __init__(self, n_tokens, n_outputs, gives_tokens=False):
        self.n_outputs, self.gives_tokens = n_outputs, gives_tokens
        self.parameters = (Parameter("E", (n_tokens + 1, n_outputs), normal, False),)

    def forward(self, weights, data, rows, run):
        """x (S, E) of some rows of the data, the longest sequence first; their tokens are kept."""
        start = run.timeline.start
        tokens = np.empty(start[-1], np.int32)
        embedding.on_timeline(data, rows, start, tokens)
        if self.gives_tokens:
            return Tokens.of(weights[0], tokens)
        return weights[0].take(tokens, axis=0, mode="clip"), tokens

    def backward(self, weights, tokens, d_x, gradient, run):
        """Add to the rows of a TableGradient the gradient of all vectors that were given."""
        embedding.backward(tokens, gradient.places, d_x, gradient.numbers)


class ConditionedEmbedding(Embedding):
    """An Embedding with the class of the row beside each token's vector (equation 153).

    Values of the data have it in their second column.

    Parameters
    ----------
    n_tokens, n_embedded : int
    n_conditions : int
        Classes that a row may be of.
    """

    def __init__(self, n_tokens, n_embedded, n_conditions):
        super().__init__(n_tokens, n_embedded)
        self._n_embedded, self.n_outputs = n_embedded, n_embedded + n_conditions

    def forward(self, weights, data, rows, run):
        """x (S, E + C): vectors of the tokens, and an indicator of the class of the row."""
        vectors, tokens = super().forward(weights, data, rows, run)
        x = np.zeros((len(vectors), self.n_outputs), vectors.dtype)
        x[:, : self._n_embedded] = vectors
        _, of_tile = run.timeline.places()
        classes = data.values[data.starts[rows[of_tile]], 1]
        x[np.arange(len(x)), self._n_embedded + classes] = 1.0
        return x, tokens

    def backward(self, weights, tokens, d_x, gradient, run):
        d_vectors = np.ascontiguousarray(d_x[:, : self._n_embedded])
        super().backward(weights, tokens, d_vectors, gradient, run)


class TableGradient(NamedTuple):
    """The gradient of those rows of a table that a shard's tokens read.

    Attributes
    ----------
    places : ndarray of shape (n_tokens + 1,)
        For each token that a batch has, its row in `numbers`.
    numbers : ndarray of shape (n_touched, E)
    """

    places: np.ndarray
    numbers: np.ndarray


class TouchedRows:
    """Which rows of a table a batch reads, and their gradients; it belongs to one training.

    Parameters
    ----------
    shape : tuple of int
        Of the table.
    dtype : numpy dtype

    Attributes
    ----------
    width : int
        Numbers of a row.
    gradient : ndarray of shape (n_touched, E)
        That of `rows`, which :meth:`sum_up` adds up.
    """

    def __init__(self, shape, dtype):
        self._places = np.full(shape[0], -1, np.int32)
        self._tokens = np.empty(shape[0], np.int32)
        self._n_touched, self.width = 0, shape[1]
        self._numbers = np.empty(0, dtype)
        self.gradient = self._numbers.reshape(0, self.width)

    @property
    def rows(self):
        """The rows that the last batch has read, in the order of their first tokens."""
        return self._tokens[: self._n_touched]

    def of_batch(self, data, rows, n_shards):
        """A TableGradient of zeros for each shard of a batch."""
        self._places[self.rows] = -1
        self._n_touched = embedding.distinct(data, rows, self._places, self._tokens)
        shape = (n_shards, self._n_touched, self.width)
        size = shape[0] * shape[1] * shape[2]
        if len(self._numbers) < size:
            self._numbers = np.empty(size, self._numbers.dtype)
        self._of_shards = self._numbers[:size].reshape(shape)
        self._of_shards[:] = 0
        return [TableGradient(self._places, numbers) for numbers in self._of_shards]

    def sum_up(self):
        """Add up the gradients of all shards in order, whatever the threads."""
        self.gradient = self._of_shards[0]
        for shard in self._of_shards[1:]:
            self.gradient += shard
