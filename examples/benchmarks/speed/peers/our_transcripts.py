"""skrnn's translator without the estimator around it: steps, what it writes, and CTC."""

from contextlib import ExitStack
from itertools import pairwise

import numpy as np

from skrnn import losses
from skrnn.data.sequences import Sequences
from skrnn.learning import optimizers
from skrnn.network import passes
from skrnn.network.examples import Alignment, Examples, OfSteps
from skrnn.network.inputs import sequence_data
from skrnn.network.network import Architecture, Memory, Network
from skrnn.network.search import Beam
from skrnn.network.threads import helpers as helpers_of
from skrnn.network.threads import run as run_shards
from speed.cases import CTCCase, TranscriptCase, of_ctc, transcripts, words

_OPEN = ExitStack()  # open as long as the process


def _prepare(case):
    architecture = Architecture(
        "gru", (case.hidden,), 1, case.n_labels, dtype="float32", bidirectional=True,
        n_tokens=case.n_labels, embedding_dim=case.n_embedded, decoder="attention",
        target_embedding_dim=case.n_embedded,
    )  # fmt: skip
    network = Network(architecture)
    return network, network.initialize(np.random.RandomState(0))


def _data(tokens):
    sequences = Sequences.from_list([one[:, np.newaxis].astype(np.int32) for one in tokens])
    return sequence_data(sequences, np.zeros((1, 1)), np.ones((1, 1)))


def step(case, threads):
    """Forward, backward, clipping, Adam."""
    case = TranscriptCase(*case)
    network, theta = _prepare(case)
    X, _, labels = transcripts(case)
    targets = labels.reshape(-1, 1).astype(np.float32)
    weights = np.ones(len(targets))
    steps = OfSteps.of(np.full(case.batch, case.n_target), weights)
    examples, loss = (
        Examples(_data(X), targets, weights, None, steps),
        losses.Softmax(case.n_labels),
    )
    gradient, rows = np.zeros(network.n_dense, np.float32), np.arange(case.batch)
    optimizer = optimizers.Adam(len(theta), np.float32, n_in_table=network.n_in_table)
    helpers, memory = _OPEN.enter_context(helpers_of(threads)), Memory(network)

    def run():
        network.loss_gradient(loss, theta, examples, rows, gradient, helpers=helpers, memory=memory)
        norm = optimizers.gradient_norm(gradient, memory.table)
        shrink = optimizers.clipping_factor(norm, 1.0)
        optimizer.update(theta, gradient, 1e-3, shrink, memory.table)

    return run


def write(case, threads, width):
    """Transcripts of all words, by a beam; each has as many labels as it is told."""
    case = TranscriptCase(*case)
    network, theta = _prepare(case)
    network.views(theta)["b_out"][-1] = -1e4  # the end is never likely
    tokens, most = words(case)
    data, decoder = _data(tokens), network.chain.head
    helpers = _OPEN.enter_context(helpers_of(threads))

    def run():
        weights, found = network.weights(theta), [None] * case.batch

        def write_tile(rows, run):
            states = passes.pooled_states(network.chain, weights, data, rows, run)
            source, begin, _ = decoder.source(weights.head, states, run)
            beam = Beam(decoder, weights.head, source, begin, run.work, width, 1.0)
            beam.write(most[rows])
            for row, of_row in zip(rows, beam.ranked(1), strict=True):
                found[row] = of_row

        network.each_tile(write_tile, data, helpers)
        return found

    return run


def ctc(case, threads):
    """Loss of a minibatch and its gradient, of raw predictions; each thread has a shard of rows."""
    case = CTCCase(*case)
    raw, labels = of_ctc(case)
    loss, helpers = losses.CTC(case.n_labels + 1), _OPEN.enter_context(helpers_of(threads))
    cuts = [case.batch * i // threads for i in range(threads + 1)]
    shards = [
        (raw[first:last].reshape(-1, raw.shape[2]), _aligned(case, labels[first:last]))
        for first, last in pairwise(cuts)
    ]

    def work(shard):
        of_rows, targets = shard
        shares = np.full(len(targets.spans), 1 / case.batch)
        return loss.gradient(of_rows.copy(), targets, shares)

    return lambda: sum(run_shards(work, shards, helpers))


def _aligned(case, labels):
    """Alignment of some rows, whose steps stand end to end."""
    ends = np.arange(1, len(labels) + 1)
    spans, of_labels = (
        np.column_stack([n * (ends - 1), n * ends]) for n in (case.n_steps, case.n_target)
    )
    return Alignment(np.arange(len(labels) * case.n_steps), spans, labels.ravel(), of_labels)
