"""Columns of a table of any kind: pandas, polars, Arrow, or a 2-D array.

By what they can do, not by their types, because none of these libraries is imported here.
"""

from skrnn.data.checks import float_dtype


def is_frame(X):
    return hasattr(X, "columns")


def names_of(X):
    """Names of a data frame's columns; None where there are none but numbers."""
    columns = getattr(X, "column_names", getattr(X, "columns", None))
    names = () if columns is None else tuple(columns)
    return names if any(isinstance(name, str) for name in names) else None


def dtypes_of(X):
    """The types of a data frame's columns, none for anything else."""
    if _is_arrow(X):
        return X.schema.types
    return X.dtypes if is_frame(X) and hasattr(X, "dtypes") else ()


def cells_of(X, column):
    """The cells of a column as a list of Python's objects."""
    if hasattr(X, "iloc"):
        return X.iloc[:, column].tolist()
    if _is_arrow(X):
        return X.column(column).to_pylist()
    return X[:, column].to_list() if is_frame(X) else X[:, column].tolist()


def with_column(X, column, numbers):
    """A copy of X, in the form that it has, with numbers as the cells of a column."""
    if hasattr(X, "iloc"):
        X = X.copy(deep=False)
        X.isetitem(column, numbers)
        return X
    if _is_arrow(X):
        return X.set_column(column, X.column_names[column], [numbers])
    if is_frame(X):
        return X.with_columns(type(X[:, column])(X.columns[column], numbers))
    # No copy is too many, because the first one is what later columns may be written to.
    X = X.astype(float_dtype([X]) if X.dtype.kind in "biuf" else object)
    X[:, column] = numbers
    return X


def _is_arrow(X):
    return hasattr(X, "column_names") and hasattr(X, "schema")
