"""Columns of a table that hold categories: which they are, and the indicators that stand for them.

A column becomes an indicator for each of its categories that has one; any other category, and a
missing one, is none of them. Where a column has more than :data:`MOST`, the rarer ones share an
indicator, with those that ``fit`` did not see. Rare means of little weight, so that weights are
repetitions. The numbers that led to this are in ``docs/design.md``.

First each category is given the place of its indicator, in a table of the form that X has, which is
then read and checked as any other. Then the places are replaced by indicators.
"""

from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse

from skrnn.data.checks import TABLE_AXES, at, is_missing, refuse_complex, refuse_mask
from skrnn.data.columns import cells_of, dtypes_of, is_frame, names_of, with_column
from skrnn.data.sequences import Sequences

#: Categories of a column that have an indicator of their own.
MOST = 255


# Which columns are categories.


def declared(X, categorical_features):
    """The columns of a table that are categories.

    Parameters
    ----------
    X : data frame or 2-D array
    categorical_features : "from_dtype", None, or array-like of bool, int or str
        As in scikit-learn's HistGradientBoostingRegressor.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If X has no such columns.
    """
    if categorical_features is None:
        return ()
    if isinstance(categorical_features, str):
        return tuple(i for i, dtype in enumerate(dtypes_of(X)) if _is_of_categories(dtype))
    named, n_columns = np.asarray(categorical_features), X.shape[1]
    if named.size == 0:
        return ()
    _check_kind(named, categorical_features)
    if named.dtype.kind == "b":
        if named.shape != (n_columns,):
            raise ValueError(
                f"categorical_features is a boolean mask of {len(named)} entries, but X has"
                f" {n_columns} columns: a mask has one entry for each."
            )
        return tuple(np.flatnonzero(named).tolist())
    places = named if named.dtype.kind in "iu" else _places_of(named, names_of(X))
    return tuple(sorted({_within(int(place), n_columns) for place in places}))


def _is_of_categories(dtype):
    """Whether a type of pandas, polars or Arrow is one of categories."""
    dtype = getattr(dtype, "pyarrow_dtype", dtype)
    kind = dtype if isinstance(dtype, type) else type(dtype)
    return kind.__name__ in ("CategoricalDtype", "Categorical", "Enum", "DictionaryType")


def _check_kind(named, given):
    are_names = named.dtype.kind in "UO" and all(isinstance(one, str) for one in given)
    if named.ndim != 1 or not (named.dtype.kind in "biu" or are_names):
        raise ValueError(
            "categorical_features must be 'from_dtype', None, a boolean mask, or an array-like of"
            f" indices or names of columns. Got {given!r} instead."
        )


def _within(place, n_columns):
    if not 0 <= place < n_columns:
        raise ValueError(
            f"categorical_features has the index {place}, but X has {n_columns} columns: an index"
            f" is in [0, {n_columns - 1}]."
        )
    return place


def _places_of(named, names):
    if names is None:
        raise ValueError(
            "categorical_features has names, but the columns of X have none. Pass a data frame"
            " whose columns have names, or indices, or a boolean mask."
        )
    for name in named:
        if name not in names:
            raise ValueError(
                f"categorical_features has the name {str(name)!r}, which no column of X has. Their"
                f" names are {list(names)}."
            )
        yield names.index(name)


def as_table(X):
    """X if it is a data frame, else as an array in which text may stand beside numbers."""
    if is_frame(X):
        return X
    if issparse(X):
        raise ValueError(
            "A sparse X cannot have categories. Pass X.toarray(), or X without categories and"
            " categorical_features=None."
        )
    refuse_mask(X, "X")
    refuse_complex(X, "X")
    return np.asarray(X, dtype=None if hasattr(X, "dtype") else object)


def refuse(X, categorical_features, why):
    """Refuse categories in an X that is no table.

    Parameters
    ----------
    X : data frame or object
        Of which "from_dtype" is known.
    categorical_features : as in :func:`declared`
    why : str
        It is no table.
    """
    if isinstance(categorical_features, str):
        columns = declared(X, categorical_features)
        found = columns and f"X has categories in {_words(columns[0], names_of(X))}"
    else:
        given = categorical_features is not None and np.size(categorical_features) > 0
        found = given and f"categorical_features={categorical_features!r}"
    if found:
        raise ValueError(
            f"{found}, but only a table (2-D, n_timesteps=None) may have categories, and {why}. The"
            " features of a step must be numbers: encode them first, for instance by"
            " sklearn.preprocessing.OneHotEncoder, and set categorical_features=None."
        )


def _words(column, names):
    return f"column {column}" + ("" if names is None else f" ({names[column]!r})")


# Categories as places of indicators.


@dataclass(frozen=True)
class Categories:
    """The categories of one column.

    Attributes
    ----------
    column : int
    values : tuple of str, or of int and float
        Those that have an indicator, in this order.
    others, missing : bool
        Whether there is an indicator, after these, for all others, and a last one for no value.
    """

    column: int
    values: tuple
    others: bool
    missing: bool

    @property
    def n_indicators(self):
        return len(self.values) + self.others + self.missing

    def places(self, cells, names):
        """Of each cell the place of its indicator, -1 where it has none."""
        plain = _plain(cells)
        self._check(cells, plain, names)
        others = len(self.values) if self.others else -1
        place_of = {value: place for place, value in enumerate(self.values)}
        place_of[None] = self.n_indicators - 1 if self.missing else -1
        by_cell = {cell: place_of.get(value, others) for cell, value in plain.items()}
        return np.array([by_cell[cell] for cell in cells], dtype=np.float32)

    def _check(self, cells, plain, names):
        """Refuse infinity, and text in the place of numbers, or numbers, as codes are, of text."""
        infinite = {cell for cell, value in plain.items() if value in (np.inf, -np.inf)}
        if infinite:
            where = at((_first(cells, infinite), self.column), TABLE_AXES, names)
            raise ValueError(
                f"Input X contains infinity: {where}, among categories. Correct it, or leave that"
                " sample out."
            )
        known = _is_text(self.values[0]) if self.values else None
        wrong = {cell for cell, value in plain.items() if _is_text(value) is not known}
        wrong = {cell for cell in wrong if None not in (known, plain[cell])}
        if wrong:
            sample = _first(cells, wrong)
            raise ValueError(
                f"X holds {cells[sample]!r} in {at((sample, self.column), TABLE_AXES, names)}, but"
                f" in fit the categories of this column were {'text' if known else 'numbers'}, such"
                f" as {self.values[0]!r}. Pass the categories themselves, as in fit, and not their"
                " codes."
            )

    def settled(self, weights):
        """The same with the most frequent categories only, and the new place of each indicator.

        Parameters
        ----------
        weights : ndarray of shape (n_indicators,)
            Of the rows that each stands for; what has none is left out.
        """
        n_values = len(self.values)
        found = np.flatnonzero(weights[:n_values] > 0.0)
        order = found[np.argsort(-weights[found], kind="stable")]
        kept, rare = np.sort(order[:MOST]), order[MOST:]
        values = tuple(self.values[place] for place in kept)
        new = Categories(
            self.column, values, len(rare) > 0, self.missing and bool(weights[-1] > 0.0)
        )
        places = np.full(len(weights), -1)
        places[kept], places[rare] = np.arange(len(kept)), len(kept)
        if new.missing:
            places[-1] = new.n_indicators - 1
        return new, places


def find(X, columns):
    """Tuple of the Categories, all that there are, of some columns of a table.

    Raises
    ------
    ValueError
        If a column has infinity, or both text and numbers.
    """
    return tuple(_find(column, cells_of(X, column), names_of(X)) for column in columns)


def _find(column, cells, names):
    plain = _plain(cells)
    values = {value for value in plain.values() if value is not None}
    kinds = {_is_text(value) for value in values}
    if len(kinds) > 1:
        of_kind = [{cell for cell in plain if _is_text(plain[cell]) is kind} for kind in kinds]
        first, second = (_first(cells, some) for some in of_kind)
        raise ValueError(
            f"X mixes text and numbers among the categories of {_words(column, names)}:"
            f" {cells[first]!r} in sample {first}, {cells[second]!r} in sample {second}. Make text"
            " of all of them."
        )
    return Categories(column, tuple(sorted(values)), others=False, missing=None in plain.values())


def _first(cells, some):
    return next(sample for sample, cell in enumerate(cells) if cell in some)


def _is_text(value):
    """Whether it is text; None for no value, which is neither text nor a number."""
    return None if value is None else isinstance(value, str)


def _plain(cells):
    """Of each distinct cell the text, int or float that it is, None where it is missing."""
    try:
        distinct = set(cells)
    except TypeError as error:
        raise ValueError(f"The categories of a column must be text or numbers: {error}.") from error
    return {cell: _plain_value(cell) for cell in distinct}


def _plain_value(cell):
    if is_missing(cell):
        return None
    if isinstance(cell, (Integral, np.bool_)):
        return int(cell)
    if not isinstance(cell, Real):
        return str(cell)  # of an interval or a date as well
    return int(cell) if float(cell).is_integer() else float(cell)


def coded(X, categories, names):
    """X with the place of its indicator for each category; names of columns are for messages."""
    for one in categories:
        X = with_column(X, one.column, one.places(cells_of(X, one.column), names))
    return X


# Places as indicators.


def settled(categories, sequences, weights):
    """The categories that have weight, and sequences with their places, by the weights of rows."""
    table = sequences.values.reshape(len(sequences), -1).copy()
    found = []
    for one in categories:
        places = table[:, one.column].astype(np.int64)
        new, place_of = one.settled(np.bincount(places, weights, one.n_indicators))
        table[:, one.column] = place_of[places]
        found.append(new)
    return tuple(found), _table(table, sequences)


def expanded(categories, sequences):
    """Sequences of a table with indicators in place of categories."""
    table = sequences.values.reshape(len(sequences), -1)
    of_column = {one.column: one for one in categories}
    parts = [
        _indicators(column, of_column[place].n_indicators)
        if place in of_column
        else column[:, np.newaxis]
        for place, column in enumerate(table.T)
    ]
    return _table(np.concatenate(parts, axis=1), sequences)


def _table(rows, before):
    return replace(Sequences.from_array(rows[:, :, np.newaxis]), has_gaps=before.has_gaps)


def _indicators(places, n):
    return (places[:, np.newaxis] == np.arange(n)).astype(places.dtype)
