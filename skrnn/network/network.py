"""A network: blocks on one flat parameter vector, its loss and gradient, its predictions."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrnn import blas, choices
from skrnn.kernels import updates
from skrnn.kernels.timeline import SequenceData
from skrnn.network import passes, plan, threads
from skrnn.network.head import Head
from skrnn.network.inputs import Numbers
from skrnn.network.layer import Layer
from skrnn.network.layout import Layout
from skrnn.network.passes import Chain, Labels, Run
from skrnn.network.weights import Packing
from skrnn.network.workspace import Workspace


@dataclass(frozen=True)
class Architecture:
    """What is fixed for a network.

    Attributes
    ----------
    cell : str
        A key of :data:`skrnn.choices.CELLS`.
    hidden_layer_sizes : tuple of int
        Units of each layer, per direction.
    n_features, n_outputs : int
        Numbers of an observation and raw outputs per row.
    bidirectional : bool
    pooling : str
        A key of :data:`skrnn.choices.POOLINGS`.
    activation : str
        Of the cell "rnn"; the gated cells have their own.
    dtype : {"float32", "float64"}
    frame_length : int
        Consecutive observations that the network reads as one step.
    is_recurrent : bool
        False: all sequences are one step, and no layer has the weights U of a state before it.
    """

    cell: str
    hidden_layer_sizes: tuple
    n_features: int
    n_outputs: int
    bidirectional: bool = False
    pooling: str = "last"
    activation: str = "tanh"
    dtype: str = "float64"
    frame_length: int = 1
    is_recurrent: bool = True

    def blocks(self):
        """A Chain of fresh blocks."""
        cell = choices.load(choices.CELLS[self.cell])(self.activation)
        source = Numbers(self.n_features, self.frame_length)
        layers, n_inputs, wants_input = [], source.n_outputs, source.learns
        n_directions = 2 if self.bidirectional else 1
        for i, size in enumerate(self.hidden_layer_sizes):
            tags = [f"_l{i}_d{d}" for d in range(n_directions)]
            given = cell, n_inputs, size, self.dtype, wants_input
            layers.append(tuple(Layer(*given, tag, self.is_recurrent) for tag in tags))
            n_inputs, wants_input = n_directions * size, True
        pooling = choices.load(choices.POOLINGS[self.pooling])(size, n_directions)
        return Chain(source, layers, pooling, Head(pooling.n_outputs, self.n_outputs))

    def n_parameters(self):
        """How many a network has, by arithmetic alone: nothing is allocated."""
        return Layout(self.blocks().flat()).n_parameters


class Examples(NamedTuple):
    """What to learn, in the network's precision and units.

    targets (n, n_targets), weights (n,), and offsets (n, n_outputs), which are added to the raw
    predictions, or None.
    """

    data: SequenceData
    targets: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray | None = None


class Network:
    """A stack of recurrent layers, a pooling and a linear output layer.

    Models of one architecture and threads may share a network. What changes in it are caches, each
    of which is replaced as a whole: plans, and the packed weights of the last prediction.

    Parameters
    ----------
    architecture : Architecture
    """

    def __init__(self, architecture):
        self.architecture, self.dtype = architecture, np.dtype(architecture.dtype)
        self.chain = architecture.blocks()
        self.layout = Layout(self.chain.flat())
        self.n_parameters = self.layout.n_parameters
        self.packing = Packing(self.chain, self.layout, self.dtype)
        self.planner = plan.Planner(self.chain.layers)
        self._penalised = self.layout.penalised(self.dtype)
        self._forward_look_up = self._last_packed = None

    @property
    def n_outputs(self):
        return self.architecture.n_outputs

    @property
    def n_pooled(self):
        return self.chain.pooling.n_outputs

    @property
    def n_masked(self):
        """Columns of the dropout factors: one for each output of each layer but the last, and one
        for each output of the pooling.
        """
        below = [one.n_hidden for layer in self.chain.layers[:-1] for one in layer]
        return sum(below) + self.n_pooled

    def views(self, theta):
        """Named arrays of a flat vector, in its order, sharing its memory."""
        return self.layout.views(theta)

    def initialize(self, rng):
        """Start values (n_parameters,).

        They are drawn in double precision, so that both precisions start from the same net.

        Parameters
        ----------
        rng : numpy.random.RandomState
        """
        with blas.one_thread():
            return self.layout.start(rng).astype(self.dtype)

    def loss_gradient(
        self, loss, theta, examples, rows, gradient, *, alpha=0.0, masks=None, helpers=None,
        memory=None,
    ):  # fmt: skip
        """Weighted mean loss over some rows, plus the L2 penalty, and its gradient.

        Parameters
        ----------
        loss : skrnn.losses.Loss
        theta : ndarray of shape (n_parameters,)
        examples : Examples
        rows : ndarray of int64
            The minibatch: rows of the examples.
        gradient : ndarray of shape (n_parameters,)
            Written.
        alpha : float
            Adds ``alpha / 2 * ||weights||^2 / sum(weights of the rows)``.
        masks : ndarray of shape (len(rows), n_masked), optional
            Dropout factors.
        helpers : threads.Helpers, optional
            Work on the shards side by side; the result is the same to the bit.
        memory : Memory, optional
            Of this network, to use again in the next call.

        Returns
        -------
        float
        """
        data, targets, weights, offsets = examples
        memory = Memory(self) if memory is None else memory
        shards = self.planner.plan(data, rows, training=True)
        weights = weights[rows]
        weight_sum = float(np.add.reduce(weights, dtype=np.float64))
        shares = weights / np.float64(weight_sum)
        packed = memory.fill(theta)
        numbers, gradients = memory.gradients(len(shards))

        def work(i):
            workspace, value = memory.take_workspace(), 0.0
            for batch_rows, timeline in shards[i]:
                of_data = rows[batch_rows]
                labels = Labels(
                    targets[of_data],
                    shares[batch_rows],
                    0.0 if offsets is None else offsets[of_data],
                )
                run = Run(timeline, workspace, True, None if masks is None else masks[batch_rows])
                value += passes.loss_gradient(
                    self.chain, loss, packed, data, labels, of_data, run, gradients[i]
                )
            memory.give_back(workspace)
            return value

        value = sum(threads.run(work, range(len(shards)), helpers))
        self.packing.sum_up(numbers, memory.gradient_places, gradient)
        if alpha:
            value += updates.add_penalty(theta, self._penalised, alpha / weight_sum, gradient)
        return value

    def is_worth_threads(self, data):
        """Whether to predict all of data takes so long that threads help."""
        return self.planner.is_worth_threads(data.lengths.sum())

    def pooled_states(self, theta, data, helpers=None):
        """Pooled hidden states (n, n_pooled) of all sequences."""
        return self._pooled_states(*self._packed(theta), data, helpers)

    def raw_predict(self, theta, data, helpers=None):
        """Raw predictions (n, n_outputs); a row's bits do not depend on the other rows."""
        weights, workspaces = self._packed(theta)
        pooled = self._pooled_states(weights, workspaces, data, helpers)
        return self.chain.head.forward(weights.head, pooled)[0]

    def _packed(self, theta):
        """Packed weights to predict with, and workspaces; reused if theta is that of the last call.

        Both take a third of the time to predict one row. The comparison finds what was written into
        theta since, through views of it.
        """
        last = self._last_packed
        if last is None or not np.array_equal(last[0], theta):
            if self._forward_look_up is None:
                self._forward_look_up = self.packing.look_up(both_ways=False)
            weights = self.packing.memory(self._forward_look_up)(theta)
            last = self._last_packed = theta.copy(), weights, deque()
        return last[1:]

    def _pooled_states(self, weights, workspaces, data, helpers):
        n_rows = len(data.lengths)
        shards = self.planner.plan(data, np.arange(n_rows), training=False)
        pooled = np.empty((n_rows, self.n_pooled), self.dtype)

        def work(shard):
            workspace = threads.take(workspaces) or Workspace(self.dtype)
            for rows, timeline in shard:
                run = Run(timeline, workspace, False)
                pooled[rows] = passes.pooled_states(self.chain, weights, data, rows, run)
            if workspace.size <= plan.most_kept():
                workspaces.append(workspace)

        threads.run(work, shards, helpers)
        return pooled


class Memory:
    """What the steps of one training use again; it belongs to that training alone.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network):
        self._dtype, self._packing = network.dtype, network.packing
        self.fill = self._packing.memory(self._packing.look_up(both_ways=True))
        self.gradient_places = self._packing.gradient_places()
        self._workspaces, self._gradients = deque(), []
        self._numbers = np.empty((0, 0), self._dtype)

    def gradients(self, n_shards):
        """Zeros (n_shards, n_gradients), and each shard's gradients of all blocks in them."""
        if len(self._numbers) < n_shards:
            self._numbers = np.empty((n_shards, self._packing.n_gradients), self._dtype)
            self._gradients = [self._packing.gradients(numbers) for numbers in self._numbers]
        numbers = self._numbers[:n_shards]
        numbers[:] = 0
        return numbers, self._gradients

    def take_workspace(self):
        return threads.take(self._workspaces) or Workspace(self._dtype)

    def give_back(self, workspace):
        self._workspaces.append(workspace)
