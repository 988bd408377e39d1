"""Columns of a table of any kind: pandas, polars, Arrow, or a 2-D array.

By what they can do, not by their types, because none of these libraries is imported here.
"""

from skrnn.data.checks import DATE_ADVICE, float_dtype


def is_frame(X):
    return hasattr(X, "columns")


def names_of(X):
    """Names of a data frame's columns; None where there are none but numbers."""
    names = labels_of(X)
    return names if any(isinstance(name, str) for name in names) else None


def labels_of(X):
    """What a data frame's columns are called, be it by numbers; none for anything else."""
    columns = getattr(X, "column_names", getattr(X, "columns", None))
    return () if columns is None else tuple(columns)


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
        is_chunked = hasattr(X, "to_batches")  # a table, and no batch
        return X.set_column(column, X.column_names[column], [numbers] if is_chunked else numbers)
    if is_frame(X):
        return X.with_columns(type(X[:, column])(X.columns[column], numbers))
    # No copy is too many, because the first one is what later columns may be written to.
    X = X.astype(float_dtype([X]) if X.dtype.kind in "biuf" else object)
    X[:, column] = numbers
    return X


def refuse_lazy(X):
    """Refuse a frame of polars that has no rows yet."""
    if type(X).__name__ == "LazyFrame":
        raise ValueError("X is a LazyFrame, which has no rows yet. Pass X.collect().")


def refuse_types(X, where):
    """Refuse a data frame with a column of dates, times or complex numbers, by its name, which
    NumPy and scikit-learn leave out.
    """
    for name, dtype in zip(labels_of(X), dtypes_of(X), strict=False):
        if getattr(dtype, "kind", "") == "c":
            raise ValueError(
                f"Complex data not supported: {where} is of dtype {dtype} in column {name!r}. Pass"
                " the real and the imaginary part as two columns."
            )
        if _is_of_time(dtype):
            raise ValueError(
                f"{where} is of dtype {dtype} in column {name!r}, but must be numeric."
                + DATE_ADVICE
            )


def _is_of_time(dtype):
    """Whether a type of pandas, polars or Arrow is one of dates, times or durations."""
    if hasattr(dtype, "is_temporal"):
        return dtype.is_temporal()
    if hasattr(dtype, "kind"):
        return dtype.kind in ("m", "M")
    return str(dtype).startswith(("date", "time", "duration"))


def _is_arrow(X):
    return hasattr(X, "column_names") and hasattr(X, "schema")
