"""A network as one flat parameter vector: sizes, parts, start values, threads over shards.

Nothing here knows scikit-learn, and all arithmetic on data is in :mod:`skrnn.kernels`.
"""

from collections import deque
from typing import NamedTuple

import numpy as np

from skrnn import threads
from skrnn.kernels import composition, gru, losses, lstm, pooling, rnn, updates
from skrnn.kernels.composition import Labels, SequenceData
from skrnn.kernels.layer import Layer, Workspace
from skrnn.kernels.weights import Places

# A shard is worth a thread from about 0.2 ms on in training, and 0.1 in prediction, where Python
# takes less of it. A batch is cut by its own size, never by the number of threads. Its rows are
# dealt out in fours, those of tiles are in twelves, as products have them.
_TRAINING_SHARD, _PREDICTION_SHARD = 4e7, 1.4e7
_MAX_SHARDS = 8
_MIN_SHARD_ROWS = 16
_DEALT_ROWS, _TILE_MULTIPLE = 4, 12
# Numbers a tile of rows may keep for the way back (training) and at work (prediction), so that
# they stay in the cache: a step of an LSTM (128, 50, 32, 128) in shards of 32 rows 10.8 -> 7.7 ms.
_TRAIN_TILE, _PREDICT_TILE = 1 << 20, 1 << 20
# Fewer rows than these leave a product waiting for its parameters.
_MIN_TRAIN_ROWS, _MIN_PREDICT_ROWS = 12, 48
# Plans that are kept, of up to so many rows.
_MOST_PLANS, _PLANNED_ROWS = 8, 1 << 12
# Floating-point operations on each weight at each time step of a row.
_TRAINING, _PREDICTION = 6.0, 2.0


class Part(NamedTuple):
    """Where one named array stands in the flat vector."""

    name: str
    start: int
    shape: tuple
    penalised: bool

    @property
    def stop(self):
        return self.start + int(np.prod(self.shape))


def _cell(cell, activation):
    return {"gru": gru.CELL, "lstm": lstm.CELL}.get(cell) or rnn.CELLS[activation]


def _read_only(array):
    """A view that cannot be written to: one type for kernels, whatever the user's array allows."""
    view = array.view()
    view.flags.writeable = False
    return view


def sequence_data(sequences, center, scale):
    """`sequences` with their standardisation; center and scale (1, F) or (T, F)."""
    dtype = sequences.values.dtype
    arrays = (
        sequences.values,
        sequences.starts,
        sequences.lengths,
        np.ascontiguousarray(center, dtype),
        np.ascontiguousarray(scale, dtype),
    )
    lengths = sequences.lengths
    n_steps = int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else 0
    return SequenceData(*map(_read_only, arrays), n_steps)


class Network:
    """A stack of recurrent layers, a pooling and a linear output layer.

    Parameters
    ----------
    cell : {"rnn", "lstm", "gru"}
    hidden_layer_sizes : sequence of int
        Units of each layer, per direction.
    n_features, n_outputs : int
        Inputs per step and raw outputs per sequence.
    bidirectional : bool
    pooling : {"last", "mean", "max"}
    activation : {"tanh", "relu", "logistic"}
        Of the cell "rnn"; the gated cells have their own.
    loss : str
        A key of :data:`skrnn.kernels.losses.NAMES`.
    quantiles : sequence of float
        Levels of the loss "quantile"; one entry, unused, for any other.
    dtype : numpy.float32 or numpy.float64
    """

    def __init__(
        self,
        cell,
        hidden_layer_sizes,
        n_features,
        n_outputs,
        bidirectional=False,
        pooling="last",
        activation="tanh",
        loss="squared_error",
        quantiles=(0.5,),
        dtype=np.float64,
    ):
        self.cell = _cell(cell, activation)
        self.hidden = tuple(int(size) for size in hidden_layer_sizes)
        self.n_features, self.n_outputs = int(n_features), int(n_outputs)
        self.n_directions = 2 if bidirectional else 1
        self.dtype = np.dtype(dtype)
        self.parts = tuple(self._parts())
        self.n_parameters = self.parts[-1].stop
        self._net = self._architecture(pooling, loss, quantiles)
        self._places_forward = self._last_packed = None
        self._plans = {}
        self._n_recurrent = sum(p.stop - p.start for p in self.parts if p.name[0] in "WU")
        self.penalised = np.zeros(self.n_parameters, self.dtype)
        for part in self.parts:
            self.penalised[part.start : part.stop] = part.penalised

    def _shapes(self):
        """(name, shape, penalised) of every array, in the order of the flat vector."""
        n_inputs = self.n_features
        for layer, size in enumerate(self.hidden):
            columns = self.cell.n_gates * size
            for direction in range(self.n_directions):
                suffix = f"_l{layer}_d{direction}"
                yield "W" + suffix, (n_inputs, columns), True
                yield "U" + suffix, (size, columns), True
                yield "b" + suffix, (self.cell.n_blocks * size,), False
            n_inputs = self.n_directions * size
        yield "V", (n_inputs, self.n_outputs), True
        yield "b_out", (self.n_outputs,), False

    def _parts(self):
        start = 0
        for name, shape, penalised in self._shapes():
            part = Part(name, start, shape, penalised)
            start = part.stop
            yield part

    def _architecture(self, pooling_name, loss, quantiles):
        starts = {part.name: part.start for part in self.parts}
        layers, n_inputs = [], self.n_features
        for i, size in enumerate(self.hidden):
            first = [starts[f"W_l{i}_d{d}"] for d in range(self.n_directions)]
            layers.append(
                tuple(Layer(self.cell, start, n_inputs, size, self.dtype) for start in first)
            )
            n_inputs = self.n_directions * size
        self._places = Places(layers, starts["V"], n_inputs, self.n_outputs, self.dtype)
        return composition.Architecture(
            tuple(layers),
            pooling.NAMES[pooling_name],
            losses.NAMES[loss],
            np.array(quantiles, np.float64),
        )

    @property
    def n_pooled(self):
        return self._net.n_pooled

    @property
    def n_masked(self):
        """Columns of the dropout factors: one for each output of each layer."""
        return self.n_directions * sum(self.hidden)

    def views(self, theta):
        """Named arrays of a flat vector, in its order, sharing its memory."""
        return {p.name: theta[p.start : p.stop].reshape(p.shape) for p in self.parts}

    def initialize(self, rng):
        """Start values (equations 70 to 72): Glorot inputs, orthogonal recurrence, forget bias 1.

        Parameters
        ----------
        rng : numpy.random.RandomState

        Returns
        -------
        ndarray of shape (n_parameters,)
            Drawn in double precision, so that both precisions start from the same net.
        """
        theta = np.zeros(self.n_parameters)
        for name, array in self.views(theta).items():
            if name[0] == "W":
                array[:] = _glorot(rng, array.shape, self.cell.n_gates)
            elif name[0] == "U":
                array[:] = _orthogonal(rng, array.shape[0], self.cell.n_gates)
            elif name == "V":
                array[:] = _glorot(rng, array.shape, 1)
            elif isinstance(self.cell, lstm.LSTM) and name != "b_out":
                array.reshape(self.cell.n_blocks, -1)[lstm.FORGET_GATE] = 1.0
        return theta.astype(self.dtype)

    def _tile_rows(self, n_rows, n_steps, training):
        """Rows of a tile: as few tiles as the budget allows, all of nearly the same size."""
        kept, budget, least = 2, _PREDICT_TILE, _MIN_PREDICT_ROWS
        if training:
            kept = self.cell.n_blocks + 2 * self.cell.n_memories + 2
            budget, least = _TRAIN_TILE, _MIN_TRAIN_ROWS
        numbers = n_steps * (self.n_features + self.n_directions * kept * sum(self.hidden))
        n_tiles = -(-n_rows // max(budget // numbers, least))
        return -(-n_rows // n_tiles // _TILE_MULTIPLE) * _TILE_MULTIPLE

    def _shards_worth(self, n_steps, training):
        """How many shards the work on that many time steps makes, not rounded."""
        work, shard = (_TRAINING, _TRAINING_SHARD) if training else (_PREDICTION, _PREDICTION_SHARD)
        return work * n_steps * self._n_recurrent / shard

    def _n_shards(self, n_rows, n_steps, training):
        """A power of two that follows from the rows and their time steps alone."""
        wanted = self._shards_worth(n_steps, training)
        most = max(min(2, n_rows // _MIN_SHARD_ROWS), n_rows // (2 * _MIN_SHARD_ROWS))
        return 1 << int(max(1, min(wanted, most, _MAX_SHARDS))).bit_length() - 1

    def _plan(self, data, rows, training):
        """How to work through some rows: shards, which are lists of Tile."""
        if data.n_steps:
            return self._plan_equal(len(rows), data.n_steps, training)
        lengths = data.lengths[rows]
        order = np.argsort(-lengths, kind="stable")
        return self._cut(order, lengths[order], training)

    def _plan_equal(self, n_rows, n_steps, training):
        """For sequences of one length; a small step would spend a tenth of its time on the plan."""
        plan = self._plans.get((n_rows, n_steps, training))
        if plan is None:
            plan = self._cut(np.arange(n_rows), np.full(n_rows, n_steps), training)
            if n_rows <= _PLANNED_ROWS:
                if len(self._plans) >= _MOST_PLANS:
                    self._plans.clear()
                self._plans[n_rows, n_steps, training] = plan
        return plan

    def _cut(self, order, lengths, training):
        """Shards of rows that are sorted by their lengths; `order` are their places."""
        n_shards = self._n_shards(len(order), int(lengths.sum()), training)
        turn = np.arange(len(order)) // _DEALT_ROWS % n_shards
        plan, both = [], self.n_directions == 2
        for shard in range(n_shards):
            dealt = turn == shard
            places, its_lengths = order[dealt], lengths[dealt]
            n_rows = self._tile_rows(len(places), int(its_lengths[0]), training)
            tiles = [slice(i, i + n_rows) for i in range(0, len(places), n_rows)]
            plan.append(
                [Tile(places[t], composition.pack_rows(its_lengths[t], both)) for t in tiles]
            )
        return plan

    def loss_gradient(
        self,
        theta,
        data,
        targets,
        weights,
        rows,
        gradient,
        offsets=None,
        masks=None,
        alpha=0.0,
        helpers=None,
        memory=None,
    ):
        """Weighted mean loss over some rows, plus the L2 penalty, and its gradient.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
        data : SequenceData
        targets : ndarray of shape (n, n_targets)
            In the network's dtype; class indices (n, 1) for the loss "softmax".
        weights : ndarray of shape (n,)
        rows : ndarray of int64
            The minibatch: rows of data, targets and weights.
        gradient : ndarray of shape (n_parameters,)
            Written.
        offsets : ndarray of shape (n, n_outputs), optional
            Added to the raw predictions.
        masks : ndarray of shape (len(rows), n_masked), optional
            Dropout factors.
        alpha : float
            Adds ``alpha / 2 * ||weights||^2 / sum(weights of the rows)``.
        helpers : threads.Helpers, optional
            Work on the shards side by side; the result is the same to the bit.
        memory : Memory, optional
            Of this network, to use again in the next call.

        Returns
        -------
        float
        """
        memory = Memory(self) if memory is None else memory
        plan = self._plan(data, rows, training=True)
        weights = weights[rows]
        weight_sum = float(np.add.reduce(weights, dtype=np.float64))
        shares = weights / np.float64(weight_sum)
        parameters = memory.fill(theta)
        numbers, gradients = memory.gradients(len(plan))

        def labels_of(places):
            of_data = rows[places]
            return of_data, Labels(
                targets[of_data],
                shares[places],
                0.0 if offsets is None else offsets[of_data],
                None if masks is None else masks[places],
            )

        def work(i):
            workspace, loss = memory.take_workspace(), 0.0
            for places, packing in plan[i]:
                of_data, labels = labels_of(places)
                loss += composition.loss_gradient(
                    self._net,
                    parameters,
                    data,
                    labels,
                    of_data,
                    packing,
                    workspace,
                    gradients[i],
                )
            memory.give_back(workspace)
            return loss

        loss = sum(threads.run(work, range(len(plan)), helpers))
        self._places.sum_up(numbers, memory.places_of_gradients, gradient)
        if alpha:
            loss += updates.add_penalty(theta, self.penalised, alpha / weight_sum, gradient)
        return loss

    def is_worth_threads(self, data):
        """Whether to predict all of data takes so long that threads help."""
        return self._shards_worth(data.lengths.sum(), training=False) >= 2.0

    def encode(self, theta, data, helpers=None):
        """Pooled hidden states (n, n_pooled) of all sequences."""
        return self._encode(*self._packed(theta), data, helpers)

    def raw_predict(self, theta, data, helpers=None):
        """Raw predictions (n, n_outputs); a row's bits do not depend on the other rows."""
        parameters, workspaces = self._packed(theta)
        return composition.affine(parameters, self._encode(parameters, workspaces, data, helpers))

    def _packed(self, theta):
        """Parameters packed to predict, and workspaces: those of the last call, if theta is its.

        Both take a third of the time to predict one row. A comparison finds what was written into
        theta since, through views of it.
        """
        last = self._last_packed
        if last is None or not np.array_equal(last[0], theta):
            if self._places_forward is None:
                self._places_forward = self._places.of_weights(both_ways=False)
            parameters = self._places.packing(self._places_forward)(theta)
            last = self._last_packed = theta.copy(), parameters, deque()
        return last[1:]

    def _encode(self, parameters, workspaces, data, helpers):
        n_rows = len(data.lengths)
        plan = self._plan(data, np.arange(n_rows), training=False)
        pooled = np.empty((n_rows, self.n_pooled), self.dtype)

        def work(shard):
            workspace = threads.take(workspaces) or Workspace(self.dtype)
            for rows, packing in shard:
                pooled[rows] = composition.encode(
                    self._net, parameters, data, rows, packing, workspace
                )
            if workspace.size <= _PREDICT_TILE:
                workspaces.append(workspace)

        threads.run(work, plan, helpers)
        return pooled

    def losses(self, raw, targets):
        """Loss of each row of raw predictions, (n,), weights and penalty left out."""
        return losses.row_losses(self._net.loss, self._net.quantiles, raw, targets)


class Tile(NamedTuple):
    """Rows that are worked on at once: their places in a minibatch, the longest first."""

    places: np.ndarray
    packing: composition.Packing


class Memory:
    """What the steps of one training use again: fresh memory costs as much as a small step."""

    def __init__(self, network):
        self._dtype, self._places = network.dtype, network._places
        self.fill = self._places.packing(self._places.of_weights(both_ways=True))
        self.places_of_gradients = self._places.of_gradients()
        self._workspaces, self._gradients = deque(), []
        self._numbers = np.empty((0, 0), self._dtype)

    def gradients(self, n_shards):
        """Zeros (n_shards, numbers of gradients), and of each shard its Gradients in them."""
        if len(self._numbers) < n_shards:
            self._numbers = np.empty((n_shards, self._places.n_gradients), self._dtype)
            self._gradients = [self._places.gradients(numbers) for numbers in self._numbers]
        numbers = self._numbers[:n_shards]
        numbers[:] = 0
        return numbers, self._gradients

    def take_workspace(self):
        return threads.take(self._workspaces) or Workspace(self._dtype)

    def give_back(self, workspace):
        self._workspaces.append(workspace)


def _glorot(rng, shape, n_gates):
    """Uniform in +-sqrt(6 / (fan in + fan out)), gate by gate (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6.0 / (shape[0] + shape[1] / n_gates))
    return rng.uniform(-bound, bound, shape)


def _orthogonal(rng, size, n_gates):
    """`n_gates` random orthogonal matrices side by side (Saxe et al., 2014)."""
    blocks = []
    for _ in range(n_gates):
        q, r = np.linalg.qr(rng.standard_normal((size, size)))
        blocks.append(q * np.sign(np.diag(r)))
    return np.hstack(blocks)
