"""How long the trainings of a fit still take, judged by the epochs that they have had."""

from collections import deque
from statistics import median
from time import perf_counter

#: Epochs whose median is a pace, so that a single slow one counts little.
_RECENT = 9


class Pace:
    """The epochs of one training, and how long they take.

    Parameters
    ----------
    n_planned : int
        Epochs at most.
    """

    def __init__(self, n_planned):
        self.n_left = self.n_planned = n_planned
        self._since, self._recent = perf_counter(), deque(maxlen=_RECENT)

    def begin_epoch(self):
        self._since = perf_counter()

    def end_epoch(self):
        if self.n_left == self.n_planned - 1:  # the first epoch loads or compiles kernels
            self._recent.clear()
        self._recent.append(perf_counter() - self._since)
        self.n_left -= 1

    def end(self):
        self.n_left = 0

    def seconds(self, n_epochs):
        """What so many epochs take."""
        return n_epochs * median(self._recent) if self._recent else 0.0


class Clock:
    """The time that a fit still takes at most: each training goes on to its last planned epoch.

    Parameters
    ----------
    n_trainings : int
        That there will be.
    """

    def __init__(self, n_trainings):
        self._n_trainings, self._paces = n_trainings, []

    def begin(self, n_planned):
        """The Pace of a training that begins."""
        self._paces.append(Pace(n_planned))
        return self._paces[-1]

    def seconds_left(self):
        """Seconds; a training that has not begun is taken for as long as the first."""
        first, n_to_come = self._paces[0], self._n_trainings - len(self._paces)
        of_begun = sum(pace.seconds(pace.n_left) for pace in self._paces)
        return of_begun + n_to_come * first.seconds(first.n_planned)


def in_short(seconds):
    """A time in three characters or less, as "45s", "12m" or "3h"."""
    for unit, size in (("s", 1.0), ("m", 60.0)):
        if seconds < 99.5 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 3600.0:.0f}h"
