"""scikit-learn's own checks, none of which may be skipped."""

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks


def run(check, estimator, monkeypatch):
    """A check that skips itself is as good as none."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    try:
        check(estimator)
    except SkipTest as reason:
        pytest.fail(f"skipped: {reason}")


def with_checks(estimators):
    """parametrize_with_checks, which in scikit-learn 1.7 hands pytest a generator: deprecated."""
    mark = parametrize_with_checks(estimators).mark
    names, pairs = mark.args
    return pytest.mark.parametrize(names, list(pairs), **mark.kwargs)
