"""How much the recurrent part is to say beside the linear path, by the posterior of its share.

The share that is best on a small validation set is often best by chance. Its posterior mean
(equations 84 and 85) is drawn towards nothing, the more so the fewer the samples.
"""

import numpy as np

#: Shares tried, apart from none at all, which has the prior probability ``_NOTHING``.
_SHARES = np.linspace(0.0, 1.0, 21)[1:]
_NOTHING = 0.5


def weigh(recurrent, path, losses, weights, is_likelihood):
    """Choose one of several recurrent parts, and its share.

    Parameters
    ----------
    recurrent : list of (raw, is_alone)
        Raw predictions (n, n_outputs) on validation data, and whether the part learnt the target
        alone, so that it takes the share from the path, or the path's errors.
    path : ndarray of shape (n, n_outputs)
        The path's raw predictions.
    losses : callable
        Of raw predictions, (n,).
    weights : ndarray of shape (n,)
    is_likelihood : bool
        Whether the loss is a negative log-likelihood, or one up to an unknown scale.

    Returns
    -------
    best : int
        The part of most evidence.
    share, path_share : float
        Factors of this part and of the path.
    """
    weights = weights.astype(np.float64)

    def evidence(raw):
        total = weights @ losses(raw.astype(path.dtype))
        if is_likelihood:
            return -total
        return -0.5 * weights.sum() * np.log(max(total, np.finfo(float).tiny))

    nothing = evidence(path) + np.log(_NOTHING)
    prior = np.log((1.0 - _NOTHING) / len(recurrent) / len(_SHARES))
    found = [
        np.array([evidence(path + s * (raw - is_alone * path)) + prior for s in _SHARES])
        for raw, is_alone in recurrent
    ]
    best = int(np.argmax([np.logaddexp.reduce(part) for part in found]))
    posterior = np.exp(found[best] - np.logaddexp.reduce(np.r_[nothing, found[best]]))
    share = float(posterior @ _SHARES)
    return best, share, 1.0 - recurrent[best][1] * share
