"""A network: blocks on one flat parameter vector, its loss and gradient, its predictions."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from skrnn import blas, choices
from skrnn.kernels import updates
from skrnn.network import passes, plan, threads
from skrnn.network.block import Block
from skrnn.network.embedding import ConditionedEmbedding, Embedding, TouchedRows
from skrnn.network.examples import first_answers
from skrnn.network.head import head_of
from skrnn.network.inputs import Numbers
from skrnn.network.layer import Layer, LayerOfTokens
from skrnn.network.layout import Layout
from skrnn.network.passes import Chain, Run
from skrnn.network.pooling import EachStep
from skrnn.network.repeated import TrainingSteps
from skrnn.network.weights import Packing
from skrnn.network.workspace import Workspace

# Where there are so few different tokens, a tile has the same ones again and again.
_FEW_TOKENS = 256


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
    embedding_dim : int or None
        Numbers of the vector that is learnt for each token; None where sequences are of numbers.
    n_tokens : int
        How many tokens have a vector of their own.
    return_sequences : bool
        Whether it answers each step, and no pooling is looked at.
    is_recurrent : bool
        False: all sequences are one step, and no layer has the weights U of a state before it.
    decoder : {"attention", "ctc"} or None
        What writes a transcript of each row; None where rows or steps have one answer each.
    target_embedding_dim : int
        Numbers of the vector that is learnt for each label of a transcript.
    n_conditions : int
        Classes one of which a row of tokens is of, where each step is told.
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
    embedding_dim: int | None = None
    n_tokens: int = 0
    return_sequences: bool = False
    is_recurrent: bool = True
    decoder: str | None = None
    target_embedding_dim: int = 0
    n_conditions: int = 0

    def blocks(self, source=None):
        """A Chain of fresh blocks, with another first block if one is given."""
        cell = choices.load(choices.CELLS[self.cell])(self.activation)
        source = self._source() if source is None else source
        layers, n_inputs, wants_input = [], source.n_outputs, source.learns
        kind = LayerOfTokens if source.gives_tokens else Layer
        n_directions = 2 if self.bidirectional else 1
        for i, size in enumerate(self.hidden_layer_sizes):
            tags = [f"_l{i}_d{d}" for d in range(n_directions)]
            given = cell, n_inputs, size, self.dtype, wants_input
            layers.append(tuple(kind(*given, tag, self.is_recurrent) for tag in tags))
            n_inputs, wants_input, kind = n_directions * size, True, Layer
        return Chain(source, layers, *self._output_blocks(cell, size, n_directions))

    def _source(self):
        """The first block."""
        if self.n_conditions:
            return ConditionedEmbedding(self.n_tokens, self.embedding_dim, self.n_conditions)
        if self.embedding_dim is not None:
            # Elsewhere bits of fits would change.
            is_small = self.decoder is not None and self.n_tokens <= _FEW_TOKENS
            return Embedding(self.n_tokens, self.embedding_dim, is_small)
        return Numbers(self.n_features, self.frame_length)

    def _output_blocks(self, cell, size, n_directions):
        """Pooling and head, for states of that size and so many directions."""
        every = EachStep(size, n_directions, self.dtype)
        if self.decoder is not None:
            n_numbers = every.n_outputs, size, self.target_embedding_dim, self.n_outputs
            return every, choices.load(choices.DECODERS[self.decoder])(cell, *n_numbers, self.dtype)
        if self.return_sequences:
            return every, head_of(every.n_outputs, self.n_outputs, self.dtype, of_steps=True)
        pooling = choices.load(choices.POOLINGS[self.pooling])(size, n_directions, self.dtype)
        return pooling, head_of(pooling.n_outputs, self.n_outputs, self.dtype, of_steps=False)

    def n_parameters(self):
        """How many a network has, by arithmetic alone: nothing is allocated."""
        return Layout(self.blocks().flat()).n_parameters

    def n_in_table(self):
        """How many of these are numbers of a table, which stands first; 0 where there is none."""
        source = self.blocks().input
        return Layout([source]).n_parameters if source.is_table else 0


class Network:
    """A stack of recurrent layers, a pooling and a linear output layer.

    Models of one architecture and threads may share a network. What changes in it are caches, each
    of which is replaced as a whole: plans, and the packed weights of the last prediction; and a
    pool of workspaces for predictions, from which a thread takes one that no other thread has.

    Parameters
    ----------
    architecture : Architecture
    source : Block, optional
        In the place of the first block that the architecture has.
    """

    def __init__(self, architecture, source=None):
        self.architecture, self.dtype = architecture, np.dtype(architecture.dtype)
        self.chain = dense = architecture.blocks(source)
        self.layout = Layout(self.chain.flat())
        self.n_parameters = self.layout.n_parameters
        # A table stands first in the flat vector; it is read where it is, and not packed.
        if self.chain.input.is_table:
            dense = self.chain._replace(input=Block())
        of_dense = Layout(dense.flat())
        self.packing = Packing(dense, of_dense, self.dtype)
        self.n_in_table = self.n_parameters - of_dense.n_parameters
        self.planner = plan.Planner(self.chain.layers, self.chain.head.reads_answers)
        self._penalised = of_dense.penalised(self.dtype)
        self._forward_look_up = self._last_packed = None
        self._workspaces = deque()  # of predictions

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
            return self.layout.start(rng, self.dtype)

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
        gradient : ndarray of shape (n_parameters,) or (n_parameters - n_in_table,)
            Written, but for rows of a table that the minibatch does not read. Without a place for
            them, the gradients of those that it reads are in the memory alone.
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
        data = examples.data
        memory = Memory(self) if memory is None else memory
        shards = self.planner.plan(data, rows, training=True)
        memory.weight_sum = weight_sum = float(np.add.reduce(examples.row_weights[rows]))
        packed = self._packed(memory, theta, helpers)
        numbers, gradients = memory.gradients(len(shards), data, rows)

        def work(i):
            workspace, value = memory.take_workspace(), 0.0
            numbers[i] = 0
            for batch_rows, timeline in shards[i]:
                of_data = rows[batch_rows]
                labels = examples.labels(self.chain, of_data, timeline, weight_sum)
                masked = None if masks is None else masks[batch_rows]
                run = Run(timeline, workspace, True, masked, labels.given)
                value += passes.loss_gradient(
                    self.chain, loss, packed, data, labels, of_data, run, gradients[i]
                )
            memory.give_back(workspace)
            return value

        step = None
        if masks is None:
            step = memory.training_steps.of(packed, gradients[0], loss, examples, shards, memory)
        if step is None:
            value = sum(threads.run(work, range(len(shards)), helpers))
        else:
            numbers.fill(0.0)
            value = step.loss_gradient(rows, weight_sum)
        dense = gradient[-self.n_dense :]
        self.packing.sum_up(numbers, memory.gradient_places, dense, helpers)
        if memory.table is not None:
            memory.table.sum_up()
            if len(gradient) > len(dense):
                self.table(gradient)[memory.table.rows] = memory.table.gradient
        if alpha:
            value += updates.add_penalty(
                theta[self.n_in_table :], self._penalised, alpha / weight_sum, dense
            )
        return value

    @property
    def n_dense(self):
        """Parameters behind the table, which every minibatch reads and changes."""
        return self.n_parameters - self.n_in_table

    @property
    def table_shape(self):
        """Shape of the table that the flat vector begins with; (0, 0) where there is none."""
        return self.chain.input.parameters[0].shape if self.n_in_table else (0, 0)

    def table(self, theta):
        """View (V, E) of the input block's table in a flat vector."""
        return theta[: self.n_in_table].reshape(self.table_shape)

    def _packed(self, memory, theta, helpers):
        """Packed weights of both ways, in the memory of a training."""
        return self._with_table(memory.fill(theta[self.n_in_table :], helpers), theta)

    def _with_table(self, weights, theta):
        """Packed weights, and the table as it is."""
        return weights._replace(input=[self.table(theta)]) if self.n_in_table else weights

    def helpers(self, data, count_threads):
        """Context of Helpers to predict all of data with, or of None where threads do not help.

        `count_threads` says how many threads there may be. It is asked only where threads help,
        because to count the machine's processors takes as long as to predict a row.
        """
        n_steps = data.n_steps * len(data.lengths) or data.lengths.sum()
        is_worth_threads = self.planner.is_worth_threads(n_steps)
        return threads.lasting_helpers(count_threads() if is_worth_threads else 1)

    def pooled_states(self, theta, data, helpers=None):
        """Pooled hidden states (n, n_pooled) of all rows; the last ones where none are pooled."""
        given = self.n_pooled, self.weights(theta), data, helpers
        states = self._of_answers(lambda weights, pooled, run: pooled, *given)
        if not self.chain.pooling.of_steps:
            return states
        firsts, n_ahead = first_answers(data.lengths), self.chain.layers[-1][0].n_hidden
        last = states[firsts + data.lengths - 1]
        last[:, n_ahead:] = states[firsts, n_ahead:]  # the other direction ends at the first step
        return last

    def hidden_states(self, theta, data, helpers=None):
        """States of the last layer at each step, (all steps, D * H), sequence after sequence."""
        n_states = sum(one.n_hidden for one in self.chain.layers[-1])
        return self._of_steps(passes.hidden_states, (n_states,), theta, data, helpers)

    def shares(self, theta, data, helpers=None):
        """What each step counts in the pooled states, (all steps,), sequence after sequence."""
        return self._of_steps(passes.shares, (), theta, data, helpers)

    def raw_predict(self, theta, data, helpers=None):
        """Raw predictions (n, n_outputs) of all answers; those of a row do not depend, to the bit,
        on other rows.
        """
        return self._raw_predict(self.weights(theta), data, helpers)

    def _raw_predict(self, weights, data, helpers):
        def head(weights, pooled, run):
            return self.chain.head.forward(weights.head, pooled, run)[0]

        return self._of_answers(head, self.n_outputs, weights, data, helpers)

    def raw_of(self, theta, examples, helpers=None, memory=None):
        """Raw predictions (n, n_outputs) of all answers of some examples, their offsets left out.

        A head that says one answer after the other is given those before. The memory of a training,
        which will pack its weights again, may be used to pack these.
        """
        data, head = examples.data, self.chain.head
        weights = self.weights(theta) if memory is None else self._packed(memory, theta, helpers)
        if not head.reads_answers:
            return self._raw_predict(weights, data, helpers)
        found = np.empty((len(examples.weights), self.n_outputs), self.dtype)

        def answer(rows, run):
            run = run._replace(given=head.given(examples, rows))
            states = passes.pooled_states(self.chain, weights, data, rows, run)
            found[run.given.answers] = head.forward(weights.head, states, run)[0]

        self.each_tile(answer, data, helpers)
        return found

    def weights(self, theta):
        """Packed weights to predict with, which nothing changes.

        Those of the last call are given again if theta is as it was then: they take a quarter of
        the time to predict one row. The comparison finds what was written into theta since, through
        views of it; bytes are compared quickest.
        """
        last, dense = self._last_packed, theta[self.n_in_table :]
        found = dense.tobytes()
        if last is None or last[0] != found:
            if self._forward_look_up is None:
                self._forward_look_up = self.packing.look_up(both_ways=False)
            # A copy, because a theta in shared memory is read-only, and numba would compile anew.
            weights = self.packing.memory(self._forward_look_up)(dense.copy())
            last = self._last_packed = found, weights
        return self._with_table(last[1], theta)

    def _of_answers(self, function, n_columns, weights, data, helpers):
        """What a function makes of weights and of the pooled states of each answer."""
        n_answers, firsts, pooling = len(data.lengths), None, self.chain.pooling
        if pooling.of_steps:
            n_answers, firsts = int(data.lengths.sum()), first_answers(data.lengths)
        found = np.empty((n_answers, n_columns), self.dtype)

        def answer(rows, run):
            pooled = passes.pooled_states(self.chain, weights, data, rows, run)
            found[pooling.answers(rows, firsts, run.timeline)] = function(weights, pooled, run)

        self.each_tile(answer, data, helpers)
        return found

    def _of_steps(self, find, shape, theta, data, helpers):
        """What `find`, one of the passes, says of each step, an array of that shape."""
        weights = self.weights(theta)
        first = first_answers(data.lengths)
        found = np.empty((data.lengths.sum(), *shape), self.dtype)

        def put(rows, run):
            steps, of_tile = run.timeline.places()
            found[first[rows[of_tile]] + steps] = find(self.chain, weights, data, rows, run)

        self.each_tile(put, data, helpers)
        return found

    def each_tile(self, work, data, helpers):
        """Call ``work(rows, run)`` for each tile of the data."""

        def work_on(shard):
            workspace = threads.take(self._workspaces) or Workspace(self.dtype)
            for rows, timeline in shard:
                work(rows, Run(timeline, workspace, False))
            if workspace.size <= plan.MOST_KEPT:
                self._workspaces.append(workspace)

        threads.run(work_on, self.planner.plan_all(data), helpers)


class Memory:
    """What the steps of one training use again; it belongs to that training alone.

    Parameters
    ----------
    network : Network
    workspaces : collections.deque of Workspace, optional
        Shared with trainings that run by turns.

    Attributes
    ----------
    table : TouchedRows or None
        What the last minibatch has read of a table.
    weight_sum : float
        Of the rows of the last minibatch.
    """

    def __init__(self, network, workspaces=None):
        self._dtype, self._packing = network.dtype, network.packing
        self.table, self.weight_sum = None, 0.0
        if network.n_in_table:
            self.table = TouchedRows(network.table_shape, self._dtype)
        self.fill = self._packing.memory(self._packing.look_up(both_ways=True))
        self.gradient_places = self._packing.gradient_places()
        self.training_steps = TrainingSteps(network.chain)
        self._workspaces = deque() if workspaces is None else workspaces
        self._gradients = []
        self._numbers = np.empty((0, 0), self._dtype)

    def gradients(self, n_shards, data, rows):
        """Memory (n_shards, n_gradients), and each shard's gradients of all blocks in it.

        Those of a table are elsewhere, because they depend on the rows of the data.
        """
        if len(self._numbers) < n_shards:
            self._numbers = np.empty((n_shards, self._packing.n_gradients), self._dtype)
            self._gradients = [self._packing.gradients(numbers) for numbers in self._numbers]
        numbers = self._numbers[:n_shards]
        if self.table is None:
            return numbers, self._gradients
        of_table = self.table.of_batch(data, rows, n_shards)
        pairs = zip(self._gradients, of_table, strict=False)
        return numbers, [gradients._replace(input=one) for gradients, one in pairs]

    def take_workspace(self):
        return threads.take(self._workspaces) or Workspace(self._dtype)

    def give_back(self, workspace):
        self._workspaces.append(workspace)
