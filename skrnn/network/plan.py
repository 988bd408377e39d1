"""How a batch is cut: into shards, which are worth a thread, and tiles, which stay in the cache.

A batch is cut by its own rows and steps, never by the number of threads, so that the number of
threads changes no bit.
"""

from typing import NamedTuple

import numpy as np

from skrnn.network.timeline import Timeline

# A shard is worth a thread from about 0.2 ms on in training, and 0.1 in prediction, because Python
# takes less of it there. Rows are dealt out to shards in fours and to tiles in twelves, because
# products have tiles of so many rows.
_TRAINING_SHARD, _PREDICTION_SHARD = 4e7, 1.4e7
_MAX_SHARDS = 8
_MIN_SHARD_ROWS = 16
_DEALT_ROWS, _TILE_MULTIPLE = 4, 12
# Numbers a tile of rows may keep for the way back (training) and at work (prediction), so that
# they stay in the cache: a step of an LSTM (128, 50, 32, 128) in shards of 32 rows 10.8 -> 7.7 ms.
_TRAIN_TILE, _PREDICT_TILE = 1 << 20, 1 << 20
#: Numbers of a workspace that is worth keeping after a prediction.
MOST_KEPT = _PREDICT_TILE
# With fewer rows than these a product waits for memory.
_MIN_TRAIN_ROWS, _MIN_PREDICT_ROWS = 12, 48
# More of them where answers are written one by one: each is a step in Python, and rows that have
# ended leave the tile.
_MIN_WRITTEN_ROWS = 144
# Plans that are kept, of up to so many rows.
_MOST_PLANS, _PLANNED_ROWS = 8, 1 << 12
# Floating-point operations on each weight at each time step of a row.
_TRAINING, _PREDICTION = 6.0, 2.0


class Tile(NamedTuple):
    """Rows of a batch that are worked on at once, the longest first, and their timeline."""

    rows: np.ndarray
    timeline: Timeline


class Planner:
    """Cuts batches for one network.

    Threads and models may share it: plans depend on nothing but their key, so the worst that can
    happen is that two threads make the same one.

    Parameters
    ----------
    layers : list of tuple of Layer
        Of each layer its directions.
    writes : bool
        Whether a head says one answer after the other.
    """

    def __init__(self, layers, writes=False):
        self._min_predict_rows = _MIN_WRITTEN_ROWS if writes else _MIN_PREDICT_ROWS
        every = [one for layer in layers for one in layer]
        cell, n_units = every[0].cell, sum(one.n_hidden for one in every)
        self._both_directions = len(layers[0]) == 2
        self._n_weights = sum(
            (one.n_inputs + one.n_hidden) * cell.n_gates * one.n_hidden for one in every
        )
        # Numbers of a row and step at work, and those that the way back needs.
        self._n_working = every[0].n_inputs + 2 * n_units
        kept = cell.n_blocks + 2 * cell.n_memories + 2
        self._n_kept = every[0].n_inputs + kept * n_units
        self._plans = {}

    def plan(self, data, rows, training):
        """How to work through some rows of the data: shards, which are lists of Tile."""
        if data.n_steps:
            return self._plan_equal(len(rows), data.n_steps, training)
        lengths = data.lengths[rows]
        order = np.argsort(-lengths, kind="stable")
        return self._cut(order, lengths[order], training)

    def plan_all(self, data):
        """How to work through all rows of the data, to predict them; as :meth:`plan`."""
        if data.n_steps:
            return self._plan_equal(len(data.lengths), data.n_steps, training=False)
        return self.plan(data, np.arange(len(data.lengths)), training=False)

    def is_worth_threads(self, n_steps):
        """Whether to predict so many time steps takes so long that threads help."""
        return self._shards_worth(n_steps, training=False) >= 2.0

    def _plan_equal(self, n_rows, n_steps, training):
        """For rows of one length; a small step would spend a tenth of its time on the plan."""
        plan = self._plans.get((n_rows, n_steps, training))
        if plan is None:
            plan = self._cut(np.arange(n_rows), np.full(n_rows, n_steps), training)
            if n_rows <= _PLANNED_ROWS:
                if len(self._plans) >= _MOST_PLANS:
                    self._plans.clear()
                self._plans[n_rows, n_steps, training] = plan
        return plan

    def _cut(self, order, lengths, training):
        """Shards of the rows `order`, which are sorted by their lengths."""
        n_shards = self._n_shards(len(order), int(lengths.sum()), training)
        turn = np.arange(len(order)) // _DEALT_ROWS % n_shards
        plan = []
        for shard in range(n_shards):
            dealt = turn == shard
            rows, its_lengths = order[dealt], lengths[dealt]
            n_rows = self._tile_rows(len(rows), int(its_lengths[0]), training)
            tiles = [slice(i, i + n_rows) for i in range(0, len(rows), n_rows)]
            plan.append(
                [Tile(rows[t], Timeline.of(its_lengths[t], self._both_directions)) for t in tiles]
            )
        return plan

    def _tile_rows(self, n_rows, n_steps, training):
        """Rows of a tile: as few tiles as the budget allows, all of nearly the same size."""
        numbers, budget, least = self._n_working, _PREDICT_TILE, self._min_predict_rows
        if training:
            numbers, budget, least = self._n_kept, _TRAIN_TILE, _MIN_TRAIN_ROWS
        n_tiles = -(-n_rows // max(budget // (n_steps * numbers), least))
        return -(-n_rows // n_tiles // _TILE_MULTIPLE) * _TILE_MULTIPLE

    def _shards_worth(self, n_steps, training):
        """How many shards the work on so many time steps justifies, not rounded."""
        work, shard = (_TRAINING, _TRAINING_SHARD) if training else (_PREDICTION, _PREDICTION_SHARD)
        return work * n_steps * self._n_weights / shard

    def _n_shards(self, n_rows, n_steps, training):
        """A power of two that follows from the rows and their time steps alone."""
        wanted = self._shards_worth(n_steps, training)
        most = max(min(2, n_rows // _MIN_SHARD_ROWS), n_rows // (2 * _MIN_SHARD_ROWS))
        return 1 << int(max(1, min(wanted, most, _MAX_SHARDS))).bit_length() - 1
