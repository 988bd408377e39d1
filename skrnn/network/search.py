"""Transcripts that a decoder writes by itself: the best of a beam of so many (equation 147).

A *hypothesis* is the beginning of a transcript. Those of a row are kept side by side, at each step
the best of all their continuations, and one that writes the end is finished. A beam of one is
greedy: it takes the likeliest label each time.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skrnn.kernels import beams

#: Labels that a kernel writes at once; between them the tree of labels gets room.
_STEPS = 16
#: Hypotheses of a row from which on values of the source's steps are worth their while.
_MANY = 3


class Found(NamedTuple):
    """A transcript: numbers of its labels, its log-probability, and whether it has an end."""

    labels: tuple
    log_probability: float
    has_ended: bool


class Beam:
    """Hypotheses of some rows of a tile.

    Parameters
    ----------
    decoder : skrnn.network.decoder.Decoder
    weights : skrnn.network.decoder.Weights
    source : skrnn.network.decoder.Source
    begin : ndarray of shape (B, H)
        States to begin with.
    work : Workspace
    width : int
        Hypotheses of a row.
    length_penalty : float
        A transcript of n labels, the end counted, is worth its log-probability over n to the power
        of this.
    """

    def __init__(self, decoder, weights, source, begin, work, width, length_penalty):
        self._decoder, self._weights, self._source = decoder, weights, source
        self._penalty, n_rows, n_classes = float(length_penalty), len(begin), decoder.n_outputs
        room = n_rows * width
        self._memory = decoder.room(room, len(source.start) - 1, work)
        self._values = decoder.values(weights, source, work) if width >= _MANY else None
        of_steps = self._memory.of_steps
        of_steps.inputs[:n_rows, : begin.shape[1]], of_steps.c[room:] = begin, 0
        # Those that go on, row after row, the best of a row first: their rows, the nodes of their
        # last labels in the tree, log-probabilities, and these labels.
        self._on = self._each_of(room, (int, int, float, int))
        rows, nodes, scores, labels = self._on
        rows[:n_rows], nodes[:], scores[:], labels[:] = np.arange(n_rows), -1, 0.0, n_classes - 1
        self._tree, self._n_on, self._n_nodes = np.empty((2, 0), np.int32), n_rows, 0
        # Of each row: how many, and their nodes, lengths, log-probabilities, whether they end, and
        # what they are worth.
        self._found = (
            np.zeros(n_rows, int),
            *(np.zeros((n_rows, width), kind) for kind in (int, int, float, bool, float)),
        )
        self._scratch = (
            np.empty((1, n_classes)), np.empty((1, n_classes)), np.empty(width, int),
            np.empty(width),
        )  # fmt: skip

    @staticmethod
    def _each_of(n, kinds):
        return tuple(np.empty(n, kind) for kind in kinds)

    def write(self, most):
        """Go on until every row has its transcripts, `most` (B,) labels long at most."""
        n_written, room = 0, self._found[1].size
        going_on = self._each_of(room, (int, int, float, int, int))
        while self._n_on:
            self._make_room(_STEPS * room)
            self._n_on, self._n_nodes = self._decoder.write(
                self._weights, self._source, self._values, self._memory,
                (self._on, (self._n_on, self._n_nodes, n_written, _STEPS), (most, self._penalty),
                 (self._found, self._tree, self._scratch), going_on),
            )  # fmt: skip
            n_written += _STEPS

    def _make_room(self, n_nodes):
        """For so many more nodes of the tree, which grows by half of itself at least."""
        has = self._tree.shape[1]
        if self._n_nodes + n_nodes > has:
            grown = np.empty((2, max(self._n_nodes + n_nodes, has + has // 2)), np.int32)
            grown[:, : self._n_nodes] = self._tree[:, : self._n_nodes]
            self._tree = grown

    def ranked(self, n):
        """The n best transcripts of each row, or as many as there are, best first."""
        counts, *of_each, worth = self._found
        place = np.arange(worth.shape[1])
        worth = np.where(place < counts[:, np.newaxis], worth, -np.inf)
        order = np.argsort(-worth, axis=1, kind="stable")
        counts = np.minimum(counts, n)
        is_wanted = place < counts[:, np.newaxis]
        nodes, lengths, scores, has_ended = (
            np.take_along_axis(one, order, axis=1)[is_wanted] for one in of_each
        )
        ends = np.cumsum(lengths)
        labels = np.empty(lengths.sum(), np.int32)
        beams.spell(self._tree, nodes, ends, labels)
        labels, spans = labels.tolist(), pairwise([0, *ends.tolist()])
        found = [
            Found(tuple(labels[first:last]), *one)
            for (first, last), *one in zip(spans, scores.tolist(), has_ended.tolist(), strict=True)
        ]
        return [found[first:last] for first, last in pairwise([0, *np.cumsum(counts).tolist()])]
