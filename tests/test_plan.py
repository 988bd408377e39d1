"""How a batch is cut: by its rows, its steps and its purpose alone; and which plans are kept."""

import gc
import weakref

import building
import numpy as np
import pytest

from skrnn.network import plan


def data_of(n_rows, n_steps=6):
    """So many rows of one length, of which nothing but the lengths is looked at."""
    offsets = n_steps * np.arange(n_rows + 1)
    return building.sequence_data(np.zeros((n_rows * n_steps, 2)), offsets)._replace(
        n_steps=n_steps
    )


def planned(planner, n_rows, training):
    return planner.plan(data_of(n_rows), np.arange(n_rows), training)


def sizes(shards):
    return [[len(tile.rows) for tile in shard] for shard in shards]


def test_each_shard_gets_long_rows_and_short_ones(monkeypatch):
    monkeypatch.setattr(plan, "_TRAINING_SHARD", 1.0)
    lengths = np.random.RandomState(0).randint(1, 50, 128)
    data = building.joined([np.zeros((length, 2)) for length in lengths])
    shards = building.network().planner.plan(data, np.arange(128), training=True)
    n_steps = [sum(int(tile.timeline.start[-1]) for tile in shard) for shard in shards]
    assert len(shards) > 2
    assert max(n_steps) < 1.5 * min(n_steps)


@pytest.mark.parametrize("first", [False, True])
def test_a_plan_to_predict_is_none_to_train_by(first, monkeypatch):
    """Else the bits of a fit would depend on what was predicted before."""
    monkeypatch.setattr(plan, "_TRAIN_TILE", 1)
    alone = {way: sizes(planned(building.network().planner, 100, way)) for way in (False, True)}
    assert alone[False] != alone[True]
    planner = building.network().planner
    for training in (first, not first, first):
        assert sizes(planned(planner, 100, training)) == alone[training]


def still_there(planner, numbers_of_rows):
    """For how many of these batches the planner keeps a plan."""
    kept = [weakref.ref(planned(planner, n, training=True)[0][0].rows) for n in numbers_of_rows]
    gc.collect()
    return sum(one() is not None for one in kept)


def test_a_plan_is_kept_and_used_again():
    planner = building.network().planner
    assert planned(planner, 20, True) is planned(planner, 20, True)


def test_few_plans_are_kept_and_none_of_very_many_rows():
    planner = building.network().planner
    assert 1 <= still_there(planner, range(10, 60)) <= 8
    assert still_there(planner, [4097, 10_000]) == 0
    assert still_there(planner, [4096]) == 1
