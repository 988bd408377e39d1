"""The linear path at each step of sequences of tokens: which token stands where around it.

The tokens of a window are read as indicators, so it is for small alphabets: letters, sounds, bases.
With a large vocabulary there would be more coefficients than tokens to learn them from.
"""

from dataclasses import replace

import numpy as np

from skrnn.data.sequences import Sequences
from skrnn.linear import path as linear_path
from skrnn.linear.path import LinearPath

#: Known tokens at most.
MOST_TOKENS = 64


class TokenWindow(LinearPath):
    """A linear map of the indicators of tokens; its features are the known tokens."""

    def predict(self, sequences, of_steps=False):
        parts = [
            super(TokenWindow, self).predict(some, of_steps)
            for some in _indicators(sequences, self.center.shape[1])
        ]
        return np.concatenate(parts)

    def within(self, sequences):
        """Sequences as they are, because no token is beyond the others."""
        return sequences

    def seeing(self, sequences):
        return self

    def contributions(self, sequences, slopes):
        """What each token adds to the sum of raw predictions times slopes (total, n_outputs).

        They are what an unknown token in its place would take away, (total,).
        """
        found, first = [], 0
        for some in _indicators(sequences, self.center.shape[1]):
            last = first + len(some.values)
            gradient = self.gradient(some, slopes[first:last], of_steps=True)
            found.append((gradient * some.values).sum(axis=1))
            first = last
        return np.concatenate(found)


def _indicators(sequences, n_tokens):
    """Sequences of indicators (total, n_tokens), some at a time; unknown tokens have none."""
    for _, some in sequences.some_at_a_time():
        tokens, starts = some.steps().ravel(), np.cumsum(some.lengths) - some.lengths
        values = np.zeros((len(tokens), n_tokens))
        known = np.flatnonzero(tokens < n_tokens)
        values[known, tokens[known]] = 1.0
        yield Sequences(values, starts, some.lengths)


def fit(examples, n_tokens, loss, steps, both_sides):
    """Fit the map, and say what it predicts for each sample left out.

    Parameters
    ----------
    n_tokens : int
        At most :data:`MOST_TOKENS`.
    others
        As in :func:`skrnn.linear.path.fit`.

    Returns
    -------
    path : TokenWindow
    left_out : ndarray of shape (n, n_outputs)
    """
    parts = list(_indicators(examples.sequences, n_tokens))
    lengths = examples.sequences.lengths
    values = np.concatenate([part.values for part in parts])
    sequences = Sequences(values, np.cumsum(lengths) - lengths, lengths)
    examples = replace(examples, sequences=sequences)
    found, left_out = linear_path.fit(examples, None, loss, steps, both_sides)
    return TokenWindow(**found.to_state()), left_out
