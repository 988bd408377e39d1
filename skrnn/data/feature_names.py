"""The columns of X as scikit-learn checks them: their number and names."""

import warnings
from functools import lru_cache

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data


def names_of(X, estimator_name):
    """The names of an X's columns that are text, as a tuple; None where it has none."""
    columns = _stand_in(estimator_name)
    validate_data(columns, X, reset=True, skip_check_array=True)
    names = getattr(columns, "feature_names_in_", None)
    return None if names is None else tuple(names.tolist())


def check(X, schema, argument):
    """Refuse other columns than those of ``fit``, or warn of names, in scikit-learn's words.

    Parameters
    ----------
    X : array or data frame of two dimensions
    schema : Schema
    argument : str
        What warnings call X.
    """
    columns = _stand_in(schema.estimator_name)
    columns.n_features_in_ = schema.n_columns
    if (names_of(X, schema.estimator_name) is None) != (schema.names is None):
        # Here scikit-learn sees no names, because it would warn of X whatever the argument.
        unnamed = np.empty((1, np.shape(X)[1]))
        validate_data(columns, unnamed, reset=False, skip_check_array=True)
        _warn(schema, argument)
        return
    if schema.names is not None:
        columns.feature_names_in_ = np.array(schema.names, dtype=object)
    validate_data(columns, X, reset=False, skip_check_array=True)


def _warn(schema, argument):
    has, fitted = "has", "without"
    if schema.names is not None:
        has, fitted = "does not have valid", "with"
    warnings.warn(
        f"{argument} {has} feature names, but {schema.estimator_name} was fitted {fitted} feature"
        " names",
        UserWarning,
        stacklevel=2,
    )


def _stand_in(estimator_name):
    """An estimator for scikit-learn to write an X's columns to, and to check others against.

    The real one is not touched, so a call that is refused leaves it as it was.
    """
    return _named(estimator_name)()


@lru_cache(maxsize=16)
def _named(estimator_name):
    return type(estimator_name, (BaseEstimator,), {})
