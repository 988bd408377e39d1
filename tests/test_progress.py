"""What training changes, and how it goes back to what it has kept."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skrnn.learning.optimizers import SGD, Adam
from skrnn.learning.progress import Progress


class Touched(NamedTuple):
    """Some rows of a table, and their gradients."""

    rows: np.ndarray
    gradient: np.ndarray
    width: int = 2


def begun(kind=Adam, is_averaged=True):
    """Of a table (3, 2), and three parameters more."""
    theta = np.arange(9.0)
    return Progress(theta, kind(9, np.float64, n_in_table=6), (3, 2), is_averaged)


def moved(progress, seed, n=3):
    """Weights and average after some updates."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        rows = np.flatnonzero(rng.random(3) < 0.5).astype(np.int32)
        table = Touched(rows, rng.normal(size=(len(rows), 2)))
        progress.update(rng.normal(size=3), 0.1, 0.5, table)
    return np.r_[progress.theta, progress.watched()]


@pytest.mark.parametrize("is_averaged", [False, True])
@pytest.mark.parametrize("kind", [Adam, SGD])
def test_what_has_gone_back_goes_on_as_from_there(kind, is_averaged):
    progress, straight = begun(kind, is_averaged), begun(kind, is_averaged)
    for one in (progress, straight):
        moved(one, 0)
    progress.keep()
    theta = progress.theta
    for seed in (1, 2):
        moved(progress, seed)
        progress.go_back()
    assert progress.theta is theta
    assert_array_equal(moved(progress, 3), moved(straight, 3))


def test_what_is_kept_is_the_last_and_in_the_same_memory():
    progress = begun()
    progress.keep()
    kept, _ = progress.kept
    moved(progress, 0)
    assert_array_equal(kept, np.arange(9.0))
    progress.keep()
    assert progress.kept[0] is kept
    here = progress.theta.copy()
    moved(progress, 1)
    progress.go_back()
    assert_array_equal(progress.theta, here)


def test_where_nothing_is_kept_it_stays():
    progress = begun()
    progress.go_back()
    assert_array_equal(progress.theta, np.arange(9.0))
    progress.keep()
    progress.forget()
    here = moved(progress, 0)
    progress.go_back()
    assert_array_equal(np.r_[progress.theta, progress.watched()], here)


def test_the_average_is_watched_from_the_first_update_on():
    progress = begun()
    assert progress.watched() is progress.theta
    moved(progress, 0, n=30)
    assert not np.shares_memory(progress.watched(), progress.theta)
    assert (progress.watched() != progress.theta).any()
    alone = begun(is_averaged=False)
    moved(alone, 0)
    assert alone.watched() is alone.theta
