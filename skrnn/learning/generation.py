"""What a fitted density of sequences says of given ones, and sequences drawn of it."""

import numpy as np

from skrnn.data.checks import is_finite
from skrnn.data.sequences import Sequences
from skrnn.learning.streams import places_from
from skrnn.network.steps import Steps

#: Raw predictions that are found at a time, at most; they are 128 MB in double precision.
_MOST_RAW = 1 << 24


def log_densities(model, whole, codes, count_threads):
    """Logarithm of the density of each sequence, (n,).

    Parameters
    ----------
    model : Model
        Whose target is a :class:`skrnn.data.continuations.Continuation`.
    whole : Whole
        What its schema has read.
    codes : ndarray of shape (n,) or None
        Numbers of their classes.
    count_threads : callable
        As in :meth:`Model.raw_predict`.
    """
    target, found = model.target, np.empty(len(whole.sequences))
    # All are encoded at once, because an unknown token is named by its place among all.
    lengths, values = whole.lengths, target.encode(whole)
    ends = np.cumsum(lengths)
    for rows in _portions_of_rows(lengths, target.n_outputs):
        of_class = None if codes is None else codes[rows]
        begun = target.begun(whole.sequences.take(rows), of_class)
        raw = model.raw_predict(begun, count_threads)
        last = ends[rows][-1]
        of_rows = values[last - len(raw) : last]
        found[rows] = target.log_densities(raw, of_rows, lengths[rows])
    return found


def marginal(model, whole, count_threads):
    """Logarithm of the density of each sequence (n,), whatever its class."""
    of_conditions = [
        log_densities(model, whole, np.full(len(whole.sequences), code), count_threads)
        for code in range(model.target.n_conditions)
    ]
    return model.target.marginal(np.column_stack(of_conditions))


def sample(model, codes, n_samples, prompt, longest, temperature, random):
    """Sequences that begin with a prompt.

    Parameters
    ----------
    model : Model
    codes : ndarray of shape (n_samples,) or None
        Numbers of their classes.
    n_samples : int
    prompt : Sequences
        One sequence that the schema has read, which may have no step.
    longest : int
        Steps of a sequence at most, those of the prompt counted.
    temperature : float
    random : numpy.random.RandomState

    Returns
    -------
    drawn : list of ndarray of shape (T_i, n_features)
        Numbers of tokens, or numbers in the units of X.
    n_cut : int
        How many have had no end.
    """
    drawn, n_cut = [], 0
    for some in _portions_of_rows(np.ones(n_samples, np.int64), model.target.n_outputs):
        of_some = None if codes is None else codes[some]
        writers = _Writers(model, of_some, some.stop - some.start)
        found, n_open = _written(writers, prompt.steps(), longest, temperature, random)
        drawn, n_cut = drawn + found, n_cut + n_open
    return drawn, n_cut


def _portions_of_rows(lengths, n_outputs):
    """Slices that follow each other, of all rows, which have so many answers each (n,).

    A slice has up to _MOST_RAW raw predictions, or is a single row.
    """
    ends, first = np.cumsum(lengths), 0
    while first < len(ends):
        n_before = ends[first] - lengths[first]
        last = int(np.searchsorted(ends, n_before + _MOST_RAW // n_outputs, side="right"))
        yield slice(first, max(last, first + 1))
        first = max(last, first + 1)


def _written(writers, given, longest, temperature, random):
    """What writers make of a prompt (T, F), a list; and how many have had no end."""
    n = len(writers.raw)
    for step in given:
        writers.go_on(np.broadcast_to(step, (n, len(step))))
    rows, of_rows, drawn = np.arange(n), [], [given[:0]]
    for step in range(len(given), longest + 1):
        steps, has_ended = writers.draw(step == 0, temperature, random)
        rows, steps = rows[~has_ended], steps[~has_ended].astype(given.dtype)
        if step == longest or not len(rows):
            break
        _require_finite(steps)
        of_rows.append(rows)
        drawn.append(steps)
        writers.keep(~has_ended)
        writers.go_on(steps)
    owners = np.concatenate([rows[:0], *of_rows])
    order, ends = np.argsort(owners, kind="stable"), np.cumsum(np.bincount(owners, minlength=n))
    parts = np.split(np.concatenate(drawn)[order], ends[:-1])
    return [np.concatenate([given, part]) for part in parts], len(rows)


def _require_finite(numbers):
    """Refuse to go on with what the network cannot read or say."""
    if not is_finite(numbers):
        raise ValueError(
            "What was drawn is not finite, or the network finds nothing finite behind it. Lower"
            " temperature or max_length, train longer, and look for extreme values in prompt and in"
            " the X of fit."
        )


class _Writers:
    """Sequences that are being written, and what may follow each.

    Attributes
    ----------
    raw : ndarray of shape (n, n_outputs)
        Raw predictions of the next steps.
    """

    def __init__(self, model, codes, n_rows):
        self._model, self._network, self._codes = model, model.network, codes
        self._weights = self._network.weights(model.theta)
        self._places, n_numbers = places_from(0, [one for (one,) in self._network.chain.layers])
        self._states = np.zeros((n_rows, n_numbers), self._network.dtype)
        self._steps = None
        begun = model.target.begun(self._empty(n_rows), codes)
        self.raw = self._raw_of(begun)

    def _empty(self, n_rows):
        """So many sequences without a step."""
        schema, nothing = self._model.schema, np.zeros(n_rows, np.int64)
        dtype = np.int32 if schema.is_of_tokens else self._network.dtype
        return Sequences(np.empty((0, schema.n_features), dtype), nothing, nothing)

    def draw(self, is_first, temperature, random):
        """A next step of each, and which have ended."""
        return self._model.target.draw(self.raw, is_first, temperature, random)

    def go_on(self, steps):
        """Read a step (n, n_features) of each."""
        sequences = Sequences.from_array(steps[:, np.newaxis])
        begun = self._model.target.begun(sequences, self._codes)
        last = Sequences(begun.values, begun.starts + 1, begun.lengths - 1, begun.has_gaps)
        self.raw = self._raw_of(last)

    def keep(self, some):
        """Go on with some of them."""
        self._states = self._states[some]
        self._codes = None if self._codes is None else self._codes[some]

    def _raw_of(self, sequences):
        """Raw predictions after one more step of each sequence."""
        if self._steps is None or self._steps.n_rows != len(sequences):
            self._steps = Steps(self._network.chain, len(sequences), self._network.dtype)
        data, states = self._model.data(sequences), self._states
        raw = self._steps.forward_of(self._weights, data, states, self._places).astype(float)
        _require_finite(raw)
        return raw
