"""skrnn's network: steps and predictions without the estimator around them."""

from contextlib import ExitStack

import numpy as np

from skrnn.data.sequences import Sequences
from skrnn.learning import optimizers
from skrnn.losses import SquaredError
from skrnn.network.examples import Examples, OfSteps
from skrnn.network.inputs import sequence_data
from skrnn.network.network import Architecture, Memory, Network
from skrnn.network.threads import helpers as helpers_of
from speed.cases import Case, inputs, lengths, tokens
from step_parts import Step, fastest

_OPEN = ExitStack()  # open as long as the process


def _network(case):
    architecture = Architecture(
        case.cell, (case.hidden,), case.n_features, 1, dtype="float32", pooling=case.pooling,
        return_sequences=case.per_step, n_tokens=case.n_tokens,
        embedding_dim=case.n_features if case.n_tokens else None,
    )  # fmt: skip
    network = Network(architecture)
    return network, network.initialize(np.random.RandomState(0))


def _data(case):
    """The minibatch in skrnn's form, and its targets."""
    X, y = inputs(case)
    if case.n_tokens:
        X = tokens(case)[:, :, np.newaxis].astype(np.int32)
    sequences = Sequences.from_array(X)
    if case.ragged:  # in any order: sorting is part of the step
        order = np.random.RandomState(3).permutation(case.batch)
        kept = [x[:length] for x, length in zip(X, lengths(case), strict=True)]
        sequences, y = Sequences.from_list([kept[i] for i in order]), y[order]
    per_feature = (1, X.shape[2])
    return sequence_data(sequences, np.zeros(per_feature), np.ones(per_feature)), y


def _step(case, threads, theta):
    network = _network(case)[0]
    data, y = _data(case)
    y, weights, steps = y.reshape(-1, 1), np.ones(y.size), None
    if case.per_step:
        steps = OfSteps.of(data.lengths, weights)
    examples = Examples(data, y, weights, None, steps)
    loss, rows = SquaredError(), np.arange(case.batch)
    gradient = np.zeros(network.n_dense, np.float32)
    optimizer = optimizers.Adam(len(theta), np.float32, n_in_table=network.n_in_table)
    helpers = _OPEN.enter_context(helpers_of(threads))
    memory = Memory(network)

    def run(rate=1e-3):
        network.loss_gradient(loss, theta, examples, rows, gradient, helpers=helpers, memory=memory)
        norm = optimizers.gradient_norm(gradient, memory.table)
        shrink = optimizers.clipping_factor(norm, 1.0)
        optimizer.update(theta, gradient, rate, shrink, memory.table)

    return run


def step(case, threads):
    """Forward, backward, clipping, Adam."""
    case = Case(*case)
    return _step(case, threads, _network(case)[1])


def parts(case, rounds, least):
    """Seconds of a step on one thread, and of its recurrence forward and backward: the fastest of
    runs in turns, each for at least so long.
    """
    step = Step(case[0], tuple(case[1:5]))
    runs = {"step": step.step, "forward": step.forward, "backward": step.backward}
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(fastest(run, least))
    return {name: min(found) for name, found in times.items()}


def vanishing_step(case, threads, factor):
    """A step whose gradients shrink on their way back, until they underflow.

    The recurrent weights are orthogonal times `factor`; the learning rate is zero, so they stay.
    """
    case = Case(*case)
    network, theta = _network(case)
    for name, part in network.views(theta).items():
        if name[0] == "U":
            part *= factor
    run = _step(case, threads, theta)
    return lambda: run(rate=0.0)


def predict(case, threads):
    case = Case(*case)
    network, theta = _network(case)
    data, _ = _data(case)
    helpers = _OPEN.enter_context(helpers_of(threads))
    return lambda: network.raw_predict(theta, data, helpers)


def product(size, threads):
    """A square float32 product by BLAS, which reads its number of threads when it starts."""
    a, b = np.random.RandomState(0).standard_normal((2, size, size)).astype(np.float32)
    out = np.empty_like(a)
    return lambda: np.dot(a, b, out=out)
