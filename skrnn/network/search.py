"""Transcripts that a decoder writes by itself: the best of a beam of so many (equation 147).

A *hypothesis* is the beginning of a transcript. Those of a row are kept side by side, at each step
the best of all their continuations, and one that writes the end is finished.
"""

from typing import NamedTuple

import numpy as np

from skrnn.network.layer import State


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
        self._work, self._width, self._penalty = work, width, length_penalty
        n_rows, self._end = len(begin), decoder.n_outputs - 1
        n_memory = decoder.n_hidden * decoder.layer.cell.n_memories
        self._state = State(begin, np.zeros((n_rows, n_memory), begin.dtype))
        self._rows, self._scores = np.arange(n_rows), np.zeros(n_rows)
        self._written = np.empty((n_rows, 0), np.int32)
        self.found = [[] for _ in range(n_rows)]

    def write(self, most):
        """Go on until every row has its transcripts, `most` (B,) labels long at most."""
        while len(self._rows):
            self._advance(most)

    def _advance(self, most):
        """One more label, or the end, of each hypothesis."""
        state, scores = self._step()
        parents, labels, scores = self._best(scores)
        rows, before = self._rows[parents], self._written[parents]
        has_ended = labels == self._end
        self._keep(rows, before, scores, has_ended, True)
        written = np.column_stack([before, labels]).astype(np.int32)
        is_full = np.array([len(found) >= self._width for found in self.found])[rows]
        is_longest = written.shape[1] >= most[rows]
        self._keep(rows, written, scores, ~has_ended & ~is_full & is_longest, False)
        on = ~(has_ended | is_full | is_longest)
        self._rows, self._scores, self._written = rows[on], scores[on], written[on]
        self._state = State(state.h[parents[on]], state.c[parents[on]])

    def _step(self):
        """The state behind the label last written, and scores (n, K) of what may follow it."""
        n = len(self._rows)
        last = self._written[:, -1] if self._written.shape[1] else np.full(n, self._end)
        raw, (history, _, h) = self._decoder.write(
            self._weights, self._source, self._rows, np.array([0, n]), last, self._state, self._work
        )
        return State(h, history[2][:n]), _log_probabilities(raw) + self._scores[:, np.newaxis]

    def _keep(self, rows, written, scores, wanted, has_ended):
        """Note some hypotheses as found."""
        for i in np.flatnonzero(wanted):
            found = self.found[rows[i]]
            if len(found) < self._width:
                found.append(Found(tuple(written[i].tolist()), float(scores[i]), has_ended))

    def _best(self, scores):
        """Parents, labels and scores of the best continuations of each row, best first."""
        rows, n_classes = self._rows, scores.shape[1]
        _, first, counts = np.unique(rows, return_index=True, return_counts=True)
        widest = int(counts.max())
        table = np.full((len(first), widest * n_classes), -np.inf)
        place = np.arange(len(rows)) - np.repeat(first, counts)
        of_row = np.repeat(np.arange(len(first)), counts)
        table.reshape(len(first), widest, n_classes)[of_row, place] = scores
        n_best = min(self._width, table.shape[1])
        best = np.argsort(-table, axis=1, kind="stable")[:, :n_best]
        found = np.take_along_axis(table, best, axis=1).ravel()
        parents = (first[:, np.newaxis] + best // n_classes).ravel()
        exists = np.isfinite(found)
        return parents[exists], (best.ravel() % n_classes)[exists], found[exists]

    def ranked(self):
        """Transcripts of each row, best first."""

        def worth(found):
            return found.log_probability / (len(found.labels) + 1) ** self._penalty

        return [sorted(found, key=worth, reverse=True) for found in self.found]


def _log_probabilities(raw):
    """Logarithms of the probabilities of raw predictions (n, K), row by row."""
    raw = raw.astype(np.float64)
    raw -= raw.max(axis=1, keepdims=True)
    return raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
