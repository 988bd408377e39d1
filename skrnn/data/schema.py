"""What X was in ``fit``, which every later X has to match."""

import warnings
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from skrnn.data import categories, feature_names, gaps, reading, tokens
from skrnn.data.checks import is_finite
from skrnn.data.columns import is_frame, names_of
from skrnn.data.sequences import Sequences

_OF_ROWS = ("table", "flat")
#: The precision of nets of tokens by default, because ids have none of their own.
DTYPE_OF_TOKENS = "float32"


@dataclass(frozen=True)
class Schema:
    """What X was.

    Attributes
    ----------
    form : {"table", "flat", "array", "list", "tokens"}
        As in :class:`skrnn.data.reading.Reading`; or sequences of token ids, whatever holds them.
    n_columns : int
        ``n_features_in_``.
    n_features : int
        Per step.
    n_timesteps : int or None
        The parameter of that name in ``fit``.
    names : tuple of str or None
        ``feature_names_in_``: of the columns, or of a step's features in a list of data frames.
    dtype : {"float32", "float64"}
        The precision that every X is brought to.
    estimator_name : str
        For messages.
    categories : tuple of Categories
        Of the columns of a table that are categories.
    gaps : tuple of int
        The features, of a plain table the columns as the net reads them, with missing values in
        ``fit``, whose gaps are marked (:mod:`skrnn.data.gaps`).
    tokens : ndarray of int64 or None
        The sorted ids that are known, where X is of tokens.
    length : int or None
        Steps of every sequence of ``fit``; None where they differ, or X was a plain table.
    """

    form: str
    n_columns: int
    n_features: int
    n_timesteps: int | None
    names: tuple | None
    dtype: str
    estimator_name: str
    categories: tuple = ()
    gaps: tuple = ()
    length: int | None = None
    tokens: np.ndarray | None = field(default=None, compare=False)

    @classmethod
    def learn_tokens(cls, X, dtype=None, estimator_name="This estimator"):
        """Read an X of token ids (:func:`skrnn.data.tokens.read`).

        Returns
        -------
        schema : Schema
        sequences : Sequences
            Of ids, which :meth:`settled` numbers.
        """
        sequences = tokens.read(X, estimator_name)
        dtype = dtype or DTYPE_OF_TOKENS
        return cls("tokens", 1, 1, None, None, dtype, estimator_name), sequences

    @classmethod
    def learn(
        cls,
        X,
        *,
        n_timesteps=None,
        dtype=None,
        categorical_features="from_dtype",
        estimator_name="This estimator",
    ):
        """Read an X that need not match anything; parameters and errors as in `reading.read`.

        `categorical_features` is as in :func:`skrnn.data.categories.declared`.

        Returns
        -------
        schema : Schema
            With all categories of X.
        sequences : Sequences
            In them categories are numbers, until the weights of samples are known and
            :meth:`settled` is called.

        Warns
        -----
        UserWarning
            If a 3-D X has one step of several features: its axes may be in another order.
        """
        X, columns = _declared(X, categorical_features, n_timesteps)
        found = categories.find(X, columns)
        sequences, form, n_columns = reading.read(
            categories.coded(X, found, names_of(X)),
            n_timesteps=n_timesteps,
            dtype=dtype,
            estimator_name=estimator_name,
        )
        if form == "array" and n_timesteps is None:
            _warn_of_one_step(sequences)
        named = X if form in _OF_ROWS else reading.named_frame(X)
        schema = cls(
            form,
            n_columns,
            sequences.n_features,
            None if n_timesteps is None else int(n_timesteps),
            None if named is None else feature_names.names_of(named, estimator_name),
            sequences.values.dtype.name,
            estimator_name,
            found,
        )
        return schema, sequences

    def settled(self, sequences, weights):
        """What :meth:`learn` gave, with indicators for the categories that samples have by weight,
        with marks for the features that have gaps, and the length that all sequences have.

        Parameters
        ----------
        sequences : Sequences
        weights : ndarray of shape (n,)
            A sample of no weight counts for nothing.
        """
        schema = self
        if self.is_of_tokens:
            known = tokens.distinct(sequences.take(np.flatnonzero(weights)))
            return self.knowing(known, sequences)
        if self.categories:
            found, sequences = categories.settled(self.categories, sequences, weights)
            schema = replace(self, categories=found)
            sequences = categories.expanded(found, sequences)
        if sequences.has_gaps:
            some = sequences.take(np.flatnonzero(weights))
            schema = replace(schema, gaps=gaps.with_gaps(some, self.is_table))
        if not self.is_table:
            schema = replace(schema, length=_common(sequences.lengths[weights != 0]))
        return schema, gaps.marked(sequences, schema.gaps, self.is_table)

    def of_any_length(self):
        """The same for sequences that need not have the steps of the rows of ``fit``."""
        columns = {"n_columns": self.n_features, "names": None}
        return replace(self, form="list", n_timesteps=None, **columns)

    def knowing(self, ids, sequences):
        """The schema of these sorted ids of tokens, and sequences with their numbers."""
        return replace(self, tokens=ids), tokens.numbered(sequences, ids)

    @property
    def n_inputs(self):
        """Features of an observation, with its marks."""
        return 1 if self.is_table else self.n_features + gaps.n_marks(self.gaps, False)

    @property
    def n_observations(self):
        """Observations of a row of a plain table as the net reads it, with its marks."""
        return self.width + gaps.n_marks(self.gaps, True)

    @property
    def is_of_tokens(self):
        """Whether sequences are of token ids."""
        return self.form == "tokens"

    @property
    def is_table(self):
        """Whether each column has a mean and scale of its own."""
        return self.form == "table"

    @property
    def width(self):
        """Columns of a table as the net reads them, each indicator of a category being one."""
        return self.n_columns + sum(one.n_indicators - 1 for one in self.categories)

    @property
    def origins(self):
        """Of each observation of a row what it is of, the column of X or a mark; None where X was
        no table.
        """
        if not self.is_table:
            return None
        n_of = np.ones(self.n_columns, dtype=int)
        for one in self.categories:
            n_of[one.column] = one.n_indicators
        marks = gaps.n_marks(self.gaps, True)
        return np.r_[np.arange(marks), marks + np.repeat(np.arange(self.n_columns), n_of)]

    @property
    def columns(self):
        """Of each observation of a row of a table, less the marks, the column of X it is of."""
        marks = gaps.n_marks(self.gaps, True)
        return self.origins[marks:] - marks

    @property
    def is_of_rows(self):
        """Whether X was 2-D, with columns that have to be the same in every 2-D X."""
        return self.form in _OF_ROWS

    def is_list(self, X):
        """Whether X has an array for each sample, and is no array of all."""
        if self.is_of_tokens:
            return tokens.row_length(X) is None
        return reading.elements(X) is not None

    def read(self, X, n_timesteps=None, name="X"):
        """Read another X.

        Parameters
        ----------
        X : any form that `reading.read` takes
            It need not be the form of ``fit``; it must have the same features per step, and, if
            both are 2-D, the same columns.
        n_timesteps : int, default=None
            The estimator's parameter now. A model that was fitted on 2-D rows goes on reading them
            as in ``fit``.
        name : str, default="X"
            What warnings call it.

        Returns
        -------
        Sequences

        Raises
        ------
        ValueError, TypeError
            As `reading.read`, and if X does not match.
        """
        if self.is_of_tokens:
            return tokens.numbered(tokens.read(X, self.estimator_name), self.tokens)
        return gaps.marked(self.read_unmarked(X, n_timesteps, name), self.gaps, self.is_table)

    def read_unmarked(self, X, n_timesteps=None, name="X"):
        """The same of an X of numbers, its gaps as they are."""
        if self.is_of_rows:
            n_timesteps = self.n_timesteps
        found = self._as_it_is(X, n_timesteps)
        return self._read(X, n_timesteps, name) if found is None else found

    def _read(self, X, n_timesteps, name):
        """X as Sequences, its gaps as they are."""
        if self.categories:
            X = self._coded(X, name)
        opened = reading.open_input(X, self.estimator_name)
        # The columns first: to a user who left one out, "n_timesteps does not divide" says less.
        if opened.is_2d and self.is_of_rows and not self.categories:  # whose columns are known
            feature_names.check(X, self, name)
        named = reading.named_frame(X) if opened.is_list else None
        if self.form == "flat" and not opened.is_2d:
            self._check_steps_of_rows(opened)
        found = reading.cut(opened, n_timesteps, self.dtype)
        self._check_features_per_step(found)
        if not opened.is_2d and not self.is_of_rows:
            self._check_names_of_features(named, opened, name)
        if self.is_table:
            self._check_lengths(found.sequences)
        if self.categories:
            return categories.expanded(self.categories, found.sequences)
        return found.sequences

    def _as_it_is(self, X, n_timesteps):
        """X as Sequences where it is just what the model works on, else None.

        A single row takes less time to predict than all checks take. So this refuses nothing, warns
        of nothing and converts nothing: whatever is out of the ordinary goes the long way, which
        gives the same Sequences.
        """
        if type(X) is not np.ndarray or X.dtype != self.dtype:
            return None
        if not (X.size and X.flags.c_contiguous) or self.categories:
            return None
        if self.is_of_rows:
            fits = X.ndim == 2 and X.shape[1] == self.n_columns and self.names is None
        else:
            fits = X.ndim == 3 and X.shape[2] == self.n_features and self.names is None
            fits = fits and n_timesteps in (None, X.shape[1])
        if not (fits and is_finite(X)):
            return None
        return Sequences.from_array(X.reshape(len(X), -1, self.n_features))

    def _coded(self, X, name):
        """A table with numbers in place of categories; what is no table at all is left as it is."""
        table = None if reading.elements(X) is not None else categories.as_table(X)
        if table is None or len(table.shape) == 3:
            raise ValueError(
                f"X has sequences, but {self.estimator_name} was fitted on a table with categories."
                f" Pass a table of the same {self.n_columns} columns."
            )
        if len(table.shape) != 2:
            return X
        feature_names.check(table, self, name)
        return categories.coded(table, self.categories, self.names)

    def check_declaration(self, X, categorical_features, n_timesteps):
        """Refuse that training goes on with other columns for categories, unless by their dtype."""
        if isinstance(categorical_features, str):
            return
        columns = tuple(one.column for one in self.categories)
        _, declared = _declared(X, categorical_features, n_timesteps)
        if declared != columns:
            raise ValueError(
                f"This {self.estimator_name} was fitted with categories in the columns"
                f" {list(columns)}, and training cannot go on with categorical_features="
                f"{categorical_features!r}. Set it back, or fit anew with warm_start=False."
            )

    def _check_names_of_features(self, named, opened, name):
        """Refuse sequences whose steps have other features than those of ``fit``.

        `named` is the first data frame with names among them, or None.
        """
        if named is not None or self.names is not None:
            feature_names.check(opened.data[0] if named is None else named, self, name)

    def _check_features_per_step(self, found):
        expected, n_features = self.n_features, found.sequences.n_features
        if n_features == expected:
            return
        name = self.estimator_name
        if found.form == "table" and found.n_columns == expected:
            raise ValueError(
                f"X is 2-D with {expected} columns, and {name} was fitted on {expected} features"
                " per step. If X is a single sequence, pass [X]. If each row is a whole sequence,"
                " set n_timesteps to the number of its steps."
            )
        if found.form == "table":
            raise ValueError(
                f"X is 2-D with {found.n_columns} columns and n_timesteps=None, which means one"
                f" feature per step, but {name} was fitted on {expected} features per step. Pass a"
                f" 3-D X of shape (n_samples, n_timesteps, {expected}) or a list of (T_i,"
                f" {expected}) arrays, or set n_timesteps to the number of steps in a row."
            )
        advice = f"{expected}."
        if self.is_table:
            advice = (
                f"a table of {self.n_columns} columns, each with one number. Pass a table with the"
                " same columns."
            )
        raise ValueError(
            f"X has {n_features} features at each step, but {name} was fitted on {advice}"
        )

    def _check_steps_of_rows(self, opened):
        """Refuse sequences of other lengths than the rows of ``fit`` had."""
        steps = self.n_timesteps
        fitted_on = f"{self.estimator_name} was fitted on rows with n_timesteps={steps}"
        if not opened.is_list and opened.data.shape[1] != steps:
            raise ValueError(
                f"X has {opened.data.shape[1]} time steps (shape {opened.data.shape}; time before"
                f" features), but {fitted_on}. Shorter sequences may come in a list of"
                " arrays; for longer ones fit on a 3-D X or a list of arrays."
            )
        sample = next((i for i, x in enumerate(opened.data) if len(x) > steps), None)
        if sample is not None:
            raise ValueError(
                f"Sample {sample} of X has {len(opened.data[sample])} steps, but {fitted_on}"
                " and takes sequences of at most so many. For longer ones fit on a 3-D X or a list"
                " of arrays; rows as in fit go in as np.stack(X)."
            )

    def _check_lengths(self, sequences):
        wrong = np.flatnonzero(sequences.lengths != self.n_columns)
        if len(wrong):
            name, n_columns, length = self.estimator_name, self.n_columns, sequences.lengths
            raise ValueError(
                f"Sample {wrong[0]} of X has {length[wrong[0]]} steps, but {name} was fitted"
                f" on a plain table of {n_columns} columns, where each column has a mean and scale"
                f" of its own: every sequence must have {n_columns} steps. For sequences"
                " of any length, fit on a 3-D X or a list of arrays, or set n_timesteps."
            )

    def to_state(self):
        """A dict of numbers and strings, and for the categories of each column another one."""
        return asdict(self)

    @classmethod
    def from_state(cls, state):
        """The schema that gave this dict by :meth:`to_state`."""
        found = tuple(categories.Categories(**one) for one in state["categories"])
        return cls(**(state | {"categories": found}))


def _declared(X, categorical_features, n_timesteps):
    """X, as a table if that is needed, and its columns that are categories.

    Raises
    ------
    ValueError
        If there are no such columns, or there are some and X is no table.
    """
    if reading.elements(X) is not None:
        named = reading.named_frame(X)
        categories.refuse(named, categorical_features, "here X has one array for each sample")
        return X, ()
    if not is_frame(X) and (categorical_features is None or isinstance(categorical_features, str)):
        return X, ()
    table = categories.as_table(X)
    shape = table.shape
    if len(shape) == 2 and n_timesteps is None:
        columns = categories.declared(table, categorical_features)
        return (table if columns else X), columns
    why = f"here n_timesteps={n_timesteps}" if len(shape) == 2 else f"X is of shape {shape}"
    categories.refuse(table, categorical_features, why)
    return X, ()


def _common(lengths):
    """The length that all sequences have; None where they differ."""
    return int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else None


def _warn_of_one_step(sequences):
    n_features = sequences.n_features
    if (
        n_features > 1
        and (sequences.lengths == 1).all()
        and len(sequences.values) == len(sequences)
    ):
        shape = (len(sequences), 1, n_features)
        warnings.warn(
            f"X of shape {shape} is read as one time step of {n_features} features: time comes"
            " before features. If the last axis is time, as in sktime and aeon, pass"
            " X.transpose(0, 2, 1). If it is not, set n_timesteps=1, which says so.",
            UserWarning,
            stacklevel=2,
        )
