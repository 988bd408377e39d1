"""Learning-rate schedules as pure functions of progress (equations 65 to 69)."""

import math

# How one_cycle begins, for which share of all epochs it rises, and how it ends.
_START, _WARM_UP, _END = 1 / 25, 0.3, 1e-4


def factor(settings, epochs, n_samples_seen):
    """What the learning rate at the start is multiplied by.

    Parameters
    ----------
    settings : skrnn.learning.settings.Settings
    epochs : float
        Since the start, a fraction of one included.
    n_samples_seen : int
        Before the epoch that is under way.
    """
    if settings.learning_rate == "cosine":
        return cosine(epochs / settings.max_iter)
    if settings.learning_rate == "one_cycle":
        return one_cycle(epochs / settings.max_iter)
    if settings.learning_rate == "invscaling":
        return inverse_scaling(n_samples_seen, settings.power_t)
    return 1.0


def cosine(progress):
    """Half a cosine from 1 to 0 (Loshchilov and Hutter, 2017); `progress` runs from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


def one_cycle(progress):
    """Up from 1/25 to 1 in the first 30 %, then down to 1e-4, by cosine (Smith and Topin, 2019)."""
    if progress < _WARM_UP:
        return _START + (1.0 - _START) * (1.0 - cosine(progress / _WARM_UP))
    return _END + (1.0 - _END) * cosine((progress - _WARM_UP) / (1.0 - _WARM_UP))


def inverse_scaling(n_samples_seen, power_t):
    """``1 / (t + 1)**power_t``, t the samples seen so far: MLPRegressor's "invscaling"."""
    try:
        return 1.0 / (n_samples_seen + 1.0) ** power_t
    except OverflowError:
        return 0.0
