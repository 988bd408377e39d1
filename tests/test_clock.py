"""How long a fit still takes, by the epochs that it has had."""

import pytest

from skrnn.learning import clock
from skrnn.learning.clock import Clock, in_short


class Stopwatch:
    """What stands for perf_counter; epochs take as long as they are told to."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(clock, "perf_counter", lambda: self.now)

    def run(self, pace, *seconds):
        for long in seconds:
            pace.begin_epoch()
            self.now += long
            pace.end_epoch()


def test_what_is_left_is_the_planned_epochs_at_the_pace_of_those_before(monkeypatch):
    watch, of_fit = Stopwatch(monkeypatch), Clock(1)
    pace = of_fit.begin(10)
    assert of_fit.seconds_left() == 0.0  # nothing is known yet
    watch.run(pace, 3.0, 3.0)
    assert of_fit.seconds_left() == 24.0
    watch.now += 1000.0  # another training had its turn
    assert of_fit.seconds_left() == 24.0
    watch.run(pace, *[3.0] * 8)
    assert of_fit.seconds_left() == 0.0


def test_the_first_epoch_which_compiles_counts_as_long_as_there_is_no_other(monkeypatch):
    watch, of_fit = Stopwatch(monkeypatch), Clock(1)
    pace = of_fit.begin(11)
    watch.run(pace, 50.0)
    assert of_fit.seconds_left() == 500.0
    watch.run(pace, 2.0)
    assert of_fit.seconds_left() == 18.0


def test_a_single_slow_epoch_counts_little_and_a_lasting_change_much(monkeypatch):
    watch, of_fit = Stopwatch(monkeypatch), Clock(1)
    pace = of_fit.begin(100)
    watch.run(pace, *[1.0] * 8, 60.0, 1.0)
    assert of_fit.seconds_left() == 90.0
    watch.run(pace, *[2.0] * 9)
    assert of_fit.seconds_left() == 162.0


def test_trainings_are_added_up_each_at_its_own_pace(monkeypatch):
    watch, of_fit = Stopwatch(monkeypatch), Clock(2)
    one = of_fit.begin(10)
    watch.run(one, 1.0, 1.0)
    assert of_fit.seconds_left() == 8.0 + 10.0  # the second is taken for as long as the first
    other = of_fit.begin(20)
    watch.run(other, 3.0, 3.0)
    assert of_fit.seconds_left() == 8.0 + 54.0
    other.end()
    assert of_fit.seconds_left() == 8.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"), (0.4, "0s"), (59.6, "60s"), (99.4, "99s"), (99.6, "2m"), (100.0, "2m"),
        (3600.0, "60m"), (5969.0, "99m"), (5971.0, "2h"), (36000.0, "10h"), (1e6, "278h"),
    ],
)  # fmt: skip
def test_a_time_is_short(seconds, text):
    assert in_short(seconds) == text
