"""Which recurrent part speaks beside the linear path, and in which share, by a posterior.

The share that is best on a small validation set is often best by chance. Its posterior mean
(equations 84 and 85) is drawn towards nothing, the more so the fewer the samples.
"""

from typing import NamedTuple

import numpy as np

#: Shares tried, apart from none at all, which has the prior probability ``_NOTHING``.
_SHARES = np.linspace(0.0, 1.0, 21)[1:]
_NOTHING = 0.5
#: Standard errors above which a correlation of neighbours is not taken for chance.
_NOISE = 3.0
# Weights are brought below this, so that they can be multiplied by losses as large.
_LARGE = 1e150


class Part(NamedTuple):
    """What a recurrent part says of the validation data.

    Attributes
    ----------
    raw : ndarray of shape (n, n_outputs)
        Its raw predictions, in the path's units.
    is_alone : bool
        True: it learnt the target, and its share replaces that share of the path. False: it learnt
        the path's errors, and is added.
    """

    raw: np.ndarray
    is_alone: bool


class Blend(NamedTuple):
    """Number of the part to keep, the factor of its predictions, and that of the path's."""

    part: int
    share: float
    path_share: float


def _samples_in_one(changes, weights):
    """How many neighbouring samples say as much as one that is independent (equation 94).

    Windows of a series overlap, so the loss of one changes as that of the next does. Equal rows
    count as one, because a weight is as many copies.
    """
    gains, first, copy = np.unique(changes, return_index=True, return_inverse=True)
    gains = (gains * np.bincount(copy, weights))[np.argsort(first)]
    gains -= gains.mean()
    variance, n = gains @ gains, len(gains)
    total = 0.0
    for lag in range(1, n // 3):
        correlation = gains[lag:] @ gains[:-lag] / variance if variance else 0.0
        if not correlation > _NOISE / np.sqrt(n):
            break
        total += correlation
    return 1.0 + 2.0 * total


def _gains(part, path, targets, weights, loss, of_steps):
    """Evidence of each of the shares, less that of the path alone (equation 85)."""
    weights = weights.astype(np.float64)
    half, tiny = -0.5 * weights.sum(), np.finfo(float).tiny
    if not loss.is_likelihood:  # a factor of all weights changes no gain, but may overflow
        weights = weights / max(1.0, weights.max() / _LARGE)

    def losses(raw):
        return loss.of_rows(raw.astype(path.dtype), targets)

    def evidence(losses):
        total = min(weights @ losses, _LARGE**2)
        return -total if loss.is_likelihood else half * np.log(max(total, tiny))

    change, of_path = part.raw - part.is_alone * path, losses(path)
    gains = np.array([evidence(losses(path + share * change)) for share in _SHARES])
    gains -= evidence(of_path)
    if of_steps or not loss.is_of_classes:
        changes, counted = losses(path + 0.5 * change) - of_path, weights > 0.0
        gains /= _samples_in_one(changes[counted], weights[counted])
    return gains


def evidence(part, path, targets, weights, loss, of_steps=False):
    """Evidence of a part in any share, less that of the path alone; arguments as in `blend`."""
    gains = _gains(part, path, targets, weights, loss, of_steps)
    return float(np.logaddexp.reduce(gains) - np.log(len(_SHARES)))


def blend(parts, path, targets, weights, loss, of_steps=False):
    """Choose one of several recurrent parts, and its share.

    Parameters
    ----------
    parts : list of Part
    path : ndarray of shape (n, n_outputs)
        The path's raw predictions.
    targets : ndarray of shape (n, n_targets)
        In the path's units.
    weights : ndarray of shape (n,)
    loss : skrnn.losses.Loss
    of_steps : bool
        Whether the samples are steps of sequences, which depend on each other whatever they are of.

    Returns
    -------
    Blend
    """
    prior = np.log((1.0 - _NOTHING) / len(parts) / len(_SHARES))
    found = [_gains(part, path, targets, weights, loss, of_steps) + prior for part in parts]
    best = int(np.argmax([np.logaddexp.reduce(part) for part in found]))
    posterior = np.exp(found[best] - np.logaddexp.reduce(np.r_[np.log(_NOTHING), found[best]]))
    share = float(posterior @ _SHARES)
    return Blend(best, share, 1.0 - parts[best].is_alone * share)
