"""A model of tokens on streams: sequences of ids that come one at a time."""

import numpy as np

from skrnn.data import tokens
from skrnn.data.checks import naming
from skrnn.data.sequences import Sequences
from skrnn.data.streams import StreamState
from skrnn.learning.streams import Streams, places_from


class TokenStreams(Streams):
    """What a model of tokens needs to go on by one step, read once of it.

    A row of a state has the number of steps, the states of the layers, and, where there is a linear
    path, the tokens so far, because a bag counts them all.
    """

    def _set_scales(self, model):
        """There are none."""

    def _set_path(self, path):
        self._path = path

    def _set_places(self, layers):
        self._oldest, self._n_numbers = places_from(1, layers)
        self._newest = self._oldest

    def start(self, n_streams):
        return StreamState(np.zeros((n_streams, self._n_numbers)), self.name)

    def step(self, x, state):
        read = self._read(x)
        state = self.start(len(read)) if state is None else self._checked(state, len(read))
        before, n_kept = state.numbers, self._n_numbers
        after = np.empty((len(read), before.shape[1] + (self._path is not None)))
        after[:, 0] = before[:, 0] + 1
        if self._path is not None:
            after[:, n_kept:-1], after[:, -1] = before[:, n_kept:], read
        raw = self._network_step(self.weights.input[0].take(read, axis=0), before, after)
        if self._path is not None:
            raw += self._path_predict(after[:, n_kept:])
        return raw, StreamState(after, self.name)

    def _read(self, x):
        """The numbers (n_streams,) of one token of each stream."""
        array = np.asarray(x)
        if array.ndim != 1 or not len(array):
            raise ValueError(
                f"x has the shape {array.shape}. Expected one token id of each stream, of shape"
                " (n_streams,)."
            )
        with naming("x", usual="X"):
            found = tokens.read(array[:, np.newaxis], self.schema.estimator_name)
        return tokens.numbered(found, self.schema.tokens).values[:, 0]

    def _path_predict(self, history):
        """The linear path's part of raw predictions for the tokens so far (n_streams, n_steps)."""
        sequences = Sequences.from_array(history[:, :, np.newaxis].astype(np.int32))
        return self._path.predict(sequences).astype(self.dtype, copy=False)

    def _has_its_width(self, state):
        n_tokens = state.n_steps.max() if self._path is not None else 0
        return state.numbers.shape[1] == self._n_numbers + n_tokens
