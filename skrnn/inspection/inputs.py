"""X and a baseline as numbers of all steps end to end, and attributions back in the form of X."""

from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from skrnn.data import reading
from skrnn.data.checks import naming
from skrnn.data.sequences import Sequences


@dataclass(frozen=True, eq=False)
class Input:
    """X as a fitted model reads it, but for the marks of its gaps.

    Attributes
    ----------
    schema : Schema
    sequences : Sequences
        End to end. In a table there are indicators in the place of categories.
    shape : tuple of int or None
        Of an X that is an array or a frame; None of a list.
    is_flat : list of bool
        Of a list: which elements have one axis.
    """

    schema: object
    sequences: Sequences
    shape: tuple | None
    is_flat: list

    @classmethod
    def read(cls, model, X, n_timesteps):
        """X of any form that ``predict`` takes."""
        schema = model.schema
        sequences = _end_to_end(_read(schema, X, n_timesteps))
        if not schema.is_list(X):
            return cls(schema, sequences, np.shape(X), [])
        if schema.is_of_tokens:
            return cls(schema, sequences, None, [True] * len(sequences))
        is_flat = [len(np.shape(one)) == 1 for one in reading.elements(X)]
        return cls(schema, sequences, None, is_flat)

    def in_form(self, found):
        """Attributions, (total,) or (total, n_features), in the form of X; NaN at padding."""
        lengths = self.sequences.lengths
        if self.shape is None:
            parts = np.split(found, np.cumsum(lengths)[:-1])
            pairs = zip(parts, self.is_flat, strict=True)
            return [part.reshape(len(part)) if flat else part for part, flat in pairs]
        if self.schema.is_table:
            return self._of_columns(found).reshape(self.shape)
        found = found.reshape(len(found), -1)
        n_steps = int(np.prod(self.shape[1:])) // found.shape[1]
        steps = np.full((len(lengths), n_steps, found.shape[1]), np.nan)
        steps[np.arange(n_steps) < lengths[:, np.newaxis]] = found
        return steps.reshape(self.shape)

    def _of_columns(self, found):
        """Attributions (n, n_columns) of a table; those of a category's indicators add up."""
        rows = found.reshape(len(self.sequences), -1)
        columns = np.zeros((len(rows), self.schema.n_columns))
        np.add.at(columns, (slice(None), self.schema.columns), rows)
        return columns

    def baseline(self, model, given, n_timesteps):
        """The numbers (total, n_features) that a course begins with.

        Raises
        ------
        ValueError
            If they do not fit X.
        """
        values, schema = self.sequences.values, self.schema
        if given is None:
            center = model.scaling.center[:, -values.shape[1] :]
            if len(center) == 1:
                return np.broadcast_to(center.astype(np.float64), values.shape)
            return np.tile(center[-schema.width :], (len(self.sequences), 1))
        if isinstance(given, Real) and not schema.categories:
            return np.full(values.shape, float(given))
        if _is_of_one_observation(given) and not schema.categories:
            return self._repeated(given)
        return self._like_x(given, n_timesteps)

    def _repeated(self, given):
        """Numbers of one observation, of a table those of a row, for all."""
        numbers, schema = np.asarray(given, np.float64), self.schema
        n_numbers = schema.n_columns if schema.is_table else schema.n_features
        if len(numbers) != n_numbers:
            word = "columns" if schema.is_table else "features at each step"
            raise ValueError(f"baseline has {len(numbers)} numbers, but X has {n_numbers} {word}.")
        if schema.is_table:
            return np.tile(numbers, len(self.sequences))[:, np.newaxis]
        return np.broadcast_to(numbers, self.sequences.values.shape)

    def _like_x(self, given, n_timesteps):
        with naming("baseline", usual="X"):
            found = _end_to_end(_read(self.schema, given, n_timesteps, "baseline"))
        lengths = self.sequences.lengths
        if not np.array_equal(found.lengths, lengths):
            raise ValueError(
                f"baseline has {_told(found.lengths)}, but X has {_told(lengths)}. Pass a number"
                " for all, one for each feature (of a table for each column), or an array or list"
                " like X."
            )
        missing = np.isnan(found.values) & ~np.isnan(self.sequences.values)
        if missing.any():
            raise ValueError("baseline has a NaN where X has a value. Pass numbers.")
        return found.values.astype(np.float64)


def _read(schema, X, n_timesteps, name="X"):
    if schema.is_of_tokens:
        return schema.read(X, n_timesteps)
    return schema.read_unmarked(X, n_timesteps, name)


def _end_to_end(sequences):
    """Sequences in memory of their own, where nothing stands between them."""
    starts = np.cumsum(sequences.lengths) - sequences.lengths
    return replace(sequences, values=sequences.steps(), starts=starts)


def _is_of_one_observation(given):
    if isinstance(given, (list, tuple)):
        return all(isinstance(one, Real) for one in given)
    return len(np.shape(given)) == 1 and np.asarray(given).dtype.kind != "O"


def _told(lengths):
    if len(lengths) and (lengths == lengths[0]).all():
        return f"{len(lengths)} sequences of {lengths[0]} steps"
    return f"{len(lengths)} sequences of {lengths.min()} to {lengths.max()} steps"
