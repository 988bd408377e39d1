"""What a network learns: answers of rows, of their steps, or transcripts, and a tile's part of it.

An *answer* is what there is a target and a prediction of. A row has one, or one for each step, or
one for each label of its transcript and for the end behind the last.
"""

from typing import NamedTuple

import numpy as np

from skrnn.kernels.timeline import SequenceData


class OfSteps(NamedTuple):
    """Where the answers of each row are, if it has several, and what they weigh.

    firsts (n,): the place of the first; lengths (n,): how many; totals (n,): what they weigh.
    """

    firsts: np.ndarray
    lengths: np.ndarray
    totals: np.ndarray

    @classmethod
    def of(cls, lengths, weights):
        """The places and totals of rows with so many answers, whose weights stand end to end."""
        firsts = first_answers(lengths)
        return cls(firsts, lengths, np.add.reduceat(weights, firsts, dtype=np.float64))


class Labels(NamedTuple):
    """What is to be learnt of the answers of a tile, which are B rows, or their S lines.

    targets (B, n_targets); shares (B,), an answer's weight over that of the minibatch; offsets
    (B, n_outputs), added to raw predictions, or zero; given, what the head reads beside the states.
    """

    targets: np.ndarray
    shares: np.ndarray
    offsets: np.ndarray | float = 0.0
    given: object = None


class Examples(NamedTuple):
    """What to learn, in the network's precision and units.

    targets (n, n_targets), weights (n,), and offsets (n, n_outputs), which are added to the raw
    predictions, or None, of all answers. These are of rows if `steps` is None, else of all rows
    end to end.
    """

    data: SequenceData
    targets: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray | None = None
    steps: OfSteps | None = None

    @property
    def row_weights(self):
        """The weight of each row (n,)."""
        return self.weights if self.steps is None else self.steps.totals

    def with_offsets(self, raw):
        """Raw predictions of all answers, to which offsets are added where there are any."""
        return raw if self.offsets is None else raw + self.offsets

    def labels(self, chain, rows, timeline, weight_sum):
        """Labels of some rows, which are a tile.

        Parameters
        ----------
        chain : skrnn.network.passes.Chain of Block
        rows : ndarray of int
            In the order of the timeline.
        timeline : Timeline
        weight_sum : float64
            Of the minibatch.
        """
        given = chain.head.given(self, rows)
        if given is None:
            firsts = self.steps and self.steps.firsts
            answers = chain.pooling.answers(rows, firsts, timeline)
        else:
            answers = given.answers
        # To take rows takes a third of the time of an index.
        offsets = 0.0 if self.offsets is None else self.offsets.take(answers, axis=0)
        shares = self.weights[answers] / weight_sum
        return Labels(self.targets.take(answers, axis=0), shares, offsets, given)

    def halves(self):
        """Which answers are of every other row, and which of the rest: indices of each.

        The answers of a single row are halved in time.
        """
        if self.steps is None:
            return slice(0, None, 2), slice(1, None, 2)
        n_rows, n_answers = len(self.steps.firsts), len(self.weights)
        is_other = np.repeat(np.arange(n_rows) % 2 == 1, self.steps.lengths)
        if n_rows == 1:
            is_other = np.arange(n_answers) >= n_answers // 2
        return np.flatnonzero(~is_other), np.flatnonzero(is_other)


class Alignment(NamedTuple):
    """Labels of rows whose steps they are to be aligned with (:mod:`skrnn.kernels.ctc`).

    lines (S,): the lines of all steps, row after row; spans (B, 2): the first of each row and the
    one behind its last; labels (L,) and label_spans (B, 2) likewise.
    """

    lines: np.ndarray
    spans: np.ndarray
    labels: np.ndarray
    label_spans: np.ndarray

    @property
    def n_counted(self):
        """What each row counts as (B,): its labels, and its end."""
        return self.label_spans[:, 1] - self.label_spans[:, 0] + 1

    def of_tile(self, rows, timeline):
        """The Alignment of some rows, whose steps are the lines of a timeline."""
        ends = np.cumsum(timeline.lengths)
        spans = np.column_stack([ends - timeline.lengths, ends])
        lines = np.empty(int(ends[-1]), np.int64)
        lines[timeline.end_to_end(spans[:, 0])] = np.arange(len(lines))
        return Alignment(lines, spans, self.labels, self.label_spans[rows])


class Transcribed(Examples):
    """Examples whose targets are an Alignment: a row has one answer, which all its steps give.

    weights (n,) have the factor that each row counts as.
    """

    @classmethod
    def of(cls, data, targets, steps):
        """Examples of transcripts that stand end to end (n_answers, 1), an end behind each."""
        spans = np.column_stack([steps.firsts, steps.firsts + steps.lengths - 1])
        ends = np.cumsum(data.lengths)
        alignment = Alignment(
            np.arange(int(ends[-1])),
            np.column_stack([ends - data.lengths, ends]),
            targets[:, 0].astype(np.int64),
            spans,
        )
        return cls(data, alignment, steps.totals)

    def labels(self, chain, rows, timeline, weight_sum):
        targets = self.targets.of_tile(rows, timeline)
        return Labels(targets, self.weights[rows] / weight_sum)


def first_answers(lengths):
    """Where the answers of each row begin, (n,), if it has so many."""
    return np.cumsum(lengths) - lengths
