"""A model on streams: sequences that come one step at a time, each step at the cost of one."""

from collections import deque
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from skrnn.data.checks import STREAMS, require_finite_output
from skrnn.data.streams import StreamState, read_step, refuse_infinite
from skrnn.kernels import streams
from skrnn.network import threads
from skrnn.network.plan import MOST_KEPT
from skrnn.network.steps import Steps


class Streams:
    """What a model needs to go on by one step, read once of it.

    Parameters
    ----------
    model : skrnn.learning.model.Model

    Raises
    ------
    ValueError
        If the model cannot go on by steps.
    """

    def __init__(self, model):
        _require_steps(model)
        network, schema = model.network, model.schema
        self.schema, self.theta, self.dtype = schema, model.theta.copy(), network.dtype
        self.chain, self.weights = network.chain, network.weights(self.theta)
        self.name, self._idle = _digest(model), deque()
        self._n_frame = model.architecture.frame_length
        self._set_scales(model)
        self._set_path(model.path)
        self._set_places([one for (one,) in self.chain.layers])
        self._longest = np.inf if not schema.is_of_rows else float(schema.n_timesteps)

    def _set_scales(self, model):
        self._gaps = np.array(self.schema.gaps, np.int64)
        scaling, path = model.scaling, model.path
        without = np.full_like(scaling.center, np.inf)
        limits = (-without, without) if path is None else (path.lowest, path.highest)
        self._scales = tuple(
            np.ascontiguousarray(one.ravel(), self.dtype)
            for one in (scaling.center, 1.0 / scaling.scale, *limits)
        )

    def _set_path(self, path):
        n_inputs, n_outputs = self.schema.n_inputs, self.chain.head.n_outputs
        self._n_path = 0 if path is None else path.n_steps
        n_window = self._n_path * n_inputs
        # Without a path nothing is made of them.
        shapes = *[(n_inputs,)] * 4, (n_outputs, n_window), (n_outputs,), (n_outputs, n_window)
        linear_map = [np.ones(shape, self.dtype) for shape in shapes]
        if path is not None:
            linear_map, _ = path.map_in(path.precision(self.dtype))
        self._map = tuple(linear_map)

    def _set_places(self, layers):
        """Where in a row of a state the next states of all layers stand, and where the new ones."""
        n_windows = (self._n_path + self._n_frame - 1) * self.schema.n_inputs
        first = 1 + 2 * self.schema.n_features + n_windows
        self._oldest, end = places_from(first, layers)
        self._n_numbers = first + self._n_frame * (end - first)
        self._newest, _ = places_from(self._n_numbers - (end - first), layers)

    def is_of(self, theta):
        """Whether the model still has the parameters that were read."""
        return np.array_equal(self.theta, theta)

    def start(self, n_streams):
        """The state of streams before their first step."""
        n_features = self.schema.n_features
        numbers = np.zeros((n_streams, self._n_numbers))
        numbers[:, 1 + n_features : 1 + 2 * n_features] = np.nan
        return StreamState(numbers, self.name)

    def step(self, x, state):
        """Raw predictions (n, n_outputs) after one more step of each stream, and the new state."""
        read = read_step(x, self.schema)
        state = self.start(len(read)) if state is None else self._checked(state, len(read))
        before, after = state.numbers, np.empty(state.numbers.shape)
        if not before.flags.writeable:  # in shared memory: numba would compile anew
            before = np.array(before)
        inputs = np.empty((len(read), self._n_frame * self.schema.n_inputs), self.dtype)
        of_path = np.empty((len(read) if self._n_path else 0, len(self._map[5])), self.dtype)
        scratch = [np.empty(one.shape[1], one.dtype) for one in (self._map[4], self._map[6])]
        found = streams.observe(
            read, self._marks(read, before), self._scales, (*self._map, *scratch), self._longest,
            before, after, inputs, of_path,
        )  # fmt: skip
        if found != streams.GOOD:
            self._refuse(found, x, read, state)
        raw = self._network_step(inputs, before, after)
        if not streams.add(of_path, raw):
            require_finite_output(raw, of=STREAMS)
        return raw, StreamState(after, self.name)

    def _marks(self, read, before):
        """The marked features, and logarithms of the steps since their last values."""
        if not len(self._gaps):
            return self._gaps, before
        since = (before[:, 1 + self._gaps] + 1) * np.isnan(read[:, self._gaps])
        return self._gaps, np.log1p(since)

    def _network_step(self, inputs, before, after):
        """Raw predictions of the network; the new states are put into `after`."""
        steps = threads.take(self._idle)
        if steps is None or steps.n_rows != len(inputs):
            steps = Steps(self.chain, len(inputs), self.dtype)
        raw = steps.forward(self.weights, inputs, before, after, self._oldest, self._newest)
        if steps.size <= MOST_KEPT:
            self._idle.append(steps)
        return raw

    def _checked(self, state, n_streams):
        """The state, if it can be one of so many streams of this model."""
        name = self.schema.estimator_name
        if type(state) is not StreamState:
            raise TypeError(
                f"state is of type {type(state).__name__}. Pass what predict_step returned, or None"
                " before the first step."
            )
        if state.model != self.name:
            raise ValueError(
                f"state is of another model than this {name}, or of this one before it was trained"
                " further. Begin the streams anew, with state=None."
            )
        if len(state) != n_streams:
            raise ValueError(
                f"x has {n_streams} rows, but state is of {len(state)} streams. Pass one row for"
                " each of them, or choose streams by state[rows]."
            )
        if not self._has_its_width(state):
            raise ValueError("state is damaged. Begin the streams anew, with state=None.")
        return state

    def _has_its_width(self, state):
        return state.numbers.shape[1] == self._n_numbers

    def _refuse(self, found, x, read, state):
        if found == streams.INFINITE:
            refuse_infinite(x, read)
        row = int(np.argmax(state.n_steps))
        raise ValueError(
            f"Stream {row} has had the {state.n_steps[row]} steps of a row, but"
            f" {self.schema.estimator_name} was fitted on rows with n_timesteps="
            f"{self.schema.n_timesteps} and takes sequences of at most so many. For longer ones fit"
            " on a 3-D X or a list of arrays."
        )


def places_from(first, layers):
    """Of each layer the columns of its state, and of its memory if its cell has one, from a column
    on; and the column behind the last.
    """
    sizes = [[one.n_hidden] * (1 + one.cell.n_memories) for one in layers]
    ends = first + np.cumsum([size for of_layer in sizes for size in of_layer])
    slices = iter([slice(*pair) for pair in pairwise([first, *ends.tolist()])])
    return [[next(slices) for _ in of_layer] for of_layer in sizes], int(ends[-1])


def _require_steps(model):
    """Refuse a model that reads more than the past, or more of it than a state can keep."""
    name, schema = model.schema.estimator_name, model.schema
    if schema.is_table:
        raise ValueError(
            f"predict_step goes through sequences, but {name} was fitted on a plain table of"
            f" {schema.n_columns} columns, each with a mean and scale of its own. Fit on a 3-D X or"
            " a list of arrays, or set n_timesteps."
        )
    if model.architecture.bidirectional:
        raise ValueError(
            "predict_step needs bidirectional=False: the reverse direction of a bidirectional net"
            " reads each sequence from its end, so every new step changes all of its states."
        )
    if not model.network.chain.pooling.follows_steps:
        raise ValueError(
            f"predict_step needs pooling='last', not pooling={model.architecture.pooling!r}, which"
            " reads all steps of a sequence at its end."
        )


def _digest(model):
    """A name of what a model makes of a step, the same in every process."""
    found, path = blake2b(digest_size=16), model.path
    arrays = [model.theta, model.scaling.center, model.scaling.scale]
    if model.schema.is_of_tokens:
        arrays.append(model.schema.tokens)
    if path is not None:
        arrays += [one for one in path.to_state().values() if isinstance(one, np.ndarray)]
    found.update(repr((model.architecture, model.schema)).encode())
    for array in arrays:
        found.update(array.tobytes())
    return found.hexdigest()
