"""A network as one flat parameter vector: sizes, parts, start values, threads over shards.

Nothing here knows scikit-learn, and all arithmetic on data is in :mod:`skrnn.kernels`.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np

from skrnn.kernels import composition, gru, losses, lstm, pooling, rnn, updates
from skrnn.kernels.composition import SequenceData
from skrnn.kernels.layer import Layer, Workspace

# A shard is worth a thread from about 0.2 ms on; a batch is cut by its own size, never by the
# number of threads. Its rows are dealt out in fours, those of tiles are in twelves, as products
# have them.
_SHARD_WORK = 4e7
_MAX_SHARDS = 8
_MIN_SHARD_ROWS = 16
_DEALT_ROWS, _TILE_MULTIPLE = 4, 12
# Numbers a tile of rows may keep for the way back (training) and at work (prediction).
_TRAIN_TILE, _PREDICT_TILE = 1 << 24, 1 << 18
# Fewer rows than this leave a product waiting for its parameters.
_MIN_TILE_ROWS = 48
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
    return {"gru": gru.CELL, "lstm": lstm.CELL}.get(cell) or rnn.cell(activation)


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
        sequences.offsets,
        np.ascontiguousarray(center, dtype),
        np.ascontiguousarray(scale, dtype),
    )
    return SequenceData(*map(_read_only, arrays))


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
        self._last_packed = None
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
        return composition.Architecture(
            tuple(layers),
            starts["V"],
            self.n_outputs,
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
        kept = 2
        if training:
            kept = self.cell.n_blocks + 2 * self.cell.n_memories + 4
        numbers = n_steps * (self.n_features + self.n_directions * kept * sum(self.hidden))
        budget = _TRAIN_TILE if training else _PREDICT_TILE
        n_tiles = -(-n_rows // max(budget // numbers, _MIN_TILE_ROWS))
        return -(-n_rows // n_tiles // _TILE_MULTIPLE) * _TILE_MULTIPLE

    def _shards_worth(self, n_steps, work_per_weight):
        """How many shards the work on that many time steps makes, not rounded."""
        return work_per_weight * n_steps * self._n_recurrent / _SHARD_WORK

    def _shards(self, lengths, work_per_weight):
        """Places in a minibatch of each shard's rows, longest sequence first.

        How many shards there are, a power of two, follows from the minibatch's own rows and steps
        alone. work_per_weight: floating-point operations on each weight at each time step.
        """
        n_rows = len(lengths)
        if n_rows == 1:
            return [np.zeros(1, np.int64)]
        wanted = self._shards_worth(int(lengths.sum()), work_per_weight)
        most = max(min(2, n_rows // _MIN_SHARD_ROWS), n_rows // (2 * _MIN_SHARD_ROWS))
        n_shards = 1 << int(max(1, min(wanted, most, _MAX_SHARDS))).bit_length() - 1
        order = _longest_first(lengths)
        if n_shards == 1:
            return [order]
        turn = np.arange(n_rows) // _DEALT_ROWS % n_shards
        return [order[turn == i] for i in range(n_shards)]

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
        pool=None,
        workspaces=None,
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
        pool : concurrent.futures.Executor, optional
            Works on the shards side by side; the result is the same to the bit.
        workspaces : collections.deque, optional
            Memory to use again in the next call: empty for the first.

        Returns
        -------
        float
        """
        if offsets is None:
            offsets = np.zeros((len(weights), self.n_outputs), self.dtype)
        labels = composition.Labels(targets, weights, offsets)
        lengths = data.offsets[rows + 1] - data.offsets[rows]
        shards = self._shards(lengths, _TRAINING)
        tile_rows = self._tile_rows(len(shards[0]), int(lengths.max()), training=True)
        weight_sum = float(np.add.reduce(weights[rows], dtype=np.float64))
        packed = composition.pack_weights(self._net, theta, True)
        gradients = np.empty((len(shards), self.n_parameters), self.dtype)
        workspaces = deque() if workspaces is None else workspaces

        def work(i):
            workspace = _take(workspaces) or Workspace(self.dtype)
            loss = composition.loss_gradient(
                self._net, packed, data, labels, rows[shards[i]],
                None if masks is None else masks[shards[i]], weight_sum, tile_rows, workspace,
                gradients[i],
            )  # fmt: skip
            workspaces.append(workspace)
            return loss

        loss = sum(_run(work, range(len(shards)), pool))
        updates.add_shards(gradients, gradient)
        if alpha:
            loss += updates.add_penalty(theta, self.penalised, alpha / weight_sum, gradient)
        return loss

    def is_worth_threads(self, data):
        """Whether to predict all of data takes so long that threads help."""
        return self._shards_worth(data.offsets[-1], _PREDICTION) >= 2.0

    def encode(self, theta, data, pool=None):
        """Pooled hidden states (n, n_pooled) of all sequences."""
        return self._encode(self._packed(theta), data, pool)

    def raw_predict(self, theta, data, pool=None):
        """Raw predictions (n, n_outputs); a row's bits do not depend on the other rows."""
        packed = self._packed(theta)
        return composition.affine(packed, self._encode(packed, data, pool))

    def _packed(self, theta):
        """Parameters packed to predict: those of the last call, where they are the same.

        Packing takes a sixth of the time to predict one row. A comparison finds what was written
        into theta since, through views of it.
        """
        last = self._last_packed
        if last is None or not np.array_equal(last[0], theta):
            packed = composition.pack_weights(self._net, theta, False)
            last = self._last_packed = theta.copy(), packed
        return last[1]

    def _encode(self, packed, data, pool):
        lengths = data.offsets[1:] - data.offsets[:-1]
        pooled = np.empty((len(lengths), self.n_pooled), self.dtype)
        shards = self._shards(lengths, _PREDICTION)
        tile_rows = self._tile_rows(len(shards[0]), int(lengths.max()), training=False)

        def work(shard):
            workspace = Workspace(self.dtype)
            composition.encode(self._net, packed, data, shard, tile_rows, workspace, pooled)

        _run(work, shards, pool)
        return pooled

    def losses(self, raw, targets):
        """Loss of each row of raw predictions, (n,), weights and penalty left out."""
        return losses.row_losses(self._net.loss, self._net.quantiles, raw, targets)


def _run(work, items, pool):
    """``[work(item) for item in items]``, the threads of a pool helping this one.

    This thread works too: to wake one takes as long as a small shard.
    """
    if pool is None or len(items) == 1:
        return [work(item) for item in items]
    results, left = [None] * len(items), deque(enumerate(items))

    def work_on():
        while (task := _take(left)) is not None:
            results[task[0]] = work(task[1])

    helpers = [pool.submit(work_on) for _ in items[1:]]
    work_on()
    for helper in helpers:
        if not helper.cancel():
            helper.result()
    return results


def _take(things):
    """One that no other thread has, or None."""
    try:
        return things.popleft()
    except IndexError:
        return None


def _longest_first(lengths):
    """Order of descending length; sequences of one length keep theirs."""
    if (lengths == lengths[0]).all():
        return np.arange(len(lengths))
    return np.argsort(-lengths, kind="stable")


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


def thread_pool(n_threads):
    """Context of a pool that makes `n_threads` threads with the one that asks, or of None."""
    return ThreadPoolExecutor(n_threads - 1) if n_threads > 1 else nullcontext()
