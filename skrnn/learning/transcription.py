"""What a fitted model with a decoder writes: transcripts, and how probable given ones are."""

import numpy as np
from scipy.special import softmax

from skrnn.data import transcripts
from skrnn.data.checks import StepAxes, require_finite_output
from skrnn.kernels import ctc
from skrnn.network import passes
from skrnn.network.examples import Examples, OfSteps, Transcribed
from skrnn.network.search import Beam, Found


def write(model, sequences, beam_size, n_best, most, length_penalty, count_threads):
    """Transcripts of sequences, a list of Found for each, best first.

    Parameters
    ----------
    model : Model
        With a decoder.
    sequences : Sequences
        That its schema has read.
    beam_size : int
    n_best : int
        Transcripts of each at most.
    most : ndarray of shape (n,)
        Labels of each at most.
    length_penalty : float
    count_threads : callable
        As in :meth:`Model.raw_predict`.
    """
    decoder, found = model.network.chain.head, [None] * len(sequences)
    if not decoder.reads_answers:
        return _aligned(model, sequences, beam_size, n_best, count_threads)

    def write_tile(weights, rows, states, run):
        source, begin, _ = decoder.source(weights.head, states, run)
        beam = Beam(decoder, weights.head, source, begin, run.work, beam_size, length_penalty)
        beam.write(most[rows])
        for row, of_row in zip(rows, beam.ranked(n_best), strict=True):
            found[row] = of_row

    _each_tile(model, sequences, count_threads, write_tile)
    # Where nothing is known of the first label, there is no transcript.
    require_finite_output(np.array([0.0 if of_row else np.nan for of_row in found]))
    return found


def attention(model, sequences, numbers, count_threads):
    """What each step counts for each label, an array (n_labels + 1, T_i) for each sequence.

    Parameters
    ----------
    numbers : list of sequence of int
        Labels of each.
    """
    examples = _examples(model, sequences, numbers)
    decoder, found = model.network.chain.head, [None] * len(sequences)

    def look(weights, rows, states, run):
        given = decoder.given(examples, rows)
        _, (source, _, memory, *_) = decoder.forward(
            weights.head, states, run._replace(given=given)
        )
        _, of_rows = given.timeline.places()
        for place, row in enumerate(given.rows):
            lines = np.flatnonzero(of_rows == place)
            found[rows[row]] = memory.shares[lines, : source.lengths[row]].copy()

    _each_tile(model, sequences, count_threads, look)
    require_finite_output(found, "attention weight")
    return found


def step_probabilities(model, sequences, count_threads):
    """How probable each label is at each step, and none, an array (T_i, n_labels + 1) of each."""
    raw = _of_steps(model, sequences, count_threads)
    found = softmax(raw.astype(np.float64), axis=1)
    return np.split(found, np.cumsum(sequences.lengths)[:-1])


def _of_steps(model, sequences, count_threads):
    """Raw predictions of all steps."""
    raw = model.raw_predict(sequences, count_threads)
    require_finite_output(raw, axes=StepAxes(sequences.lengths))
    return raw


def log_probabilities(model, sequences, numbers, count_threads):
    """Logarithm of the probability of each sequence's transcript, (n,)."""
    examples = _examples(model, sequences, numbers)
    network = model.network
    with network.helpers(examples.data, count_threads) as helpers:
        raw = network.raw_of(model.theta, examples, helpers)
    if model.target.loss.is_aligned:
        found = -model.target.loss.of_rows(raw, examples.targets) * examples.targets.n_counted
    else:
        right = examples.targets[:, 0].astype(np.intp)
        of_labels = transcripts.log_probabilities(raw, right)
        found = np.add.reduceat(of_labels, examples.steps.firsts)
    require_finite_output(found, "log-probability")
    return found


def _examples(model, sequences, numbers):
    """Network examples of sequences and of the numbers of their labels."""
    end, lengths = len(model.target.labels), np.array([len(one) + 1 for one in numbers])
    flat = np.array([label for one in numbers for label in (*one, end)], float)[:, np.newaxis]
    steps, data = OfSteps.of(lengths, np.ones(len(flat))), model.data(sequences)
    if model.target.loss.is_aligned:
        return Transcribed.of(data, flat, steps)
    return Examples(data, flat, np.ones(len(flat)), None, steps)


def _each_tile(model, sequences, count_threads, work):
    """Call ``work(weights, rows, states, run)`` for each tile, with the states of all its steps."""
    network, data = model.network, model.data(sequences)
    weights = network.weights(model.theta)

    def of_tile(rows, run):
        work(weights, rows, passes.pooled_states(network.chain, weights, data, rows, run), run)

    with network.helpers(data, count_threads) as helpers:
        network.each_tile(of_tile, data, helpers)


def _aligned(model, sequences, beam_size, n_best, count_threads):
    """Transcripts by raw predictions of each step: best paths, or the best of a beam."""
    raw, lengths = _of_steps(model, sequences, count_threads), sequences.lengths
    if beam_size > 1:
        of_each = np.split(raw, np.cumsum(lengths)[:-1])
        return [_of_beam(one, beam_size)[:n_best] for one in of_each]
    labels, counts = transcripts.best_paths(raw, lengths)
    of_each = np.split(labels, np.cumsum(counts)[:-1])
    return [[Found(tuple(one.tolist()), np.nan, True)] for one in of_each]


def _of_beam(raw, width):
    """Transcripts of one sequence, best first, of a prefix beam search."""
    (n_steps, n_classes), n_nodes = raw.shape, 1 + len(raw) * width
    parents, labels = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64)
    nodes, scores = np.empty(width, np.int64), np.empty(width)
    scratch = (
        np.empty((n_steps, n_classes)), np.empty((n_steps, n_classes)), np.empty((width, 2)),
        np.empty((width, 2)), np.empty((width, n_classes - 1)), np.empty(width, np.int64),
    )  # fmt: skip
    n_found = ctc.beam(raw, width, parents, labels, nodes, scores, scratch)
    found = []
    for node, score in zip(nodes[:n_found], scores[:n_found], strict=True):
        written = []
        while node:
            written.append(int(labels[node]))
            node = parents[node]
        found.append(Found(tuple(reversed(written)), float(score), True))
    return found
