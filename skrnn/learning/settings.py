"""How to train: settings, and those that an estimator's parameters leave open."""

import math
from typing import NamedTuple

#: Updates, and epochs at least, without improvement after which n_iter_no_change="auto" stops
#: training, where validation data are watched; else twice as many. And the evidence that such an
#: improvement is worth at least.
_PATIENCE, _FEWEST_STALLED, _LEAST_EVIDENCE = 100, 5, 0.1
#: What max_iter=None aims at: so many updates, within so many epochs.
_N_UPDATES, _FEWEST_EPOCHS, _MOST_EPOCHS = 3000, 25, 300
#: Where labels are to be aligned with steps, fewer samples than these are few.
_FEW_ALIGNED = 1000


class Settings(NamedTuple):
    """How to train; names and meanings are the estimators', but for the last two.

    least_evidence is what an improvement on the validation data has to be worth (equation 85).
    is_averaged says that the average of the weights is kept in the end, as it is where validation
    data are watched: all samples are learnt, when some of them have said for how long.
    """

    solver: str
    alpha: float
    batch_size: int
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    early_stopping: bool
    n_iter_no_change: float
    max_grad_norm: float | None
    dropout: float
    least_evidence: float = 0.0
    is_averaged: bool = False

    @property
    def has_planned_end(self):
        """Whether the learning rate falls to nothing at `max_iter`."""
        return self.learning_rate in ("cosine", "one_cycle")

    def of_all(self, n_epochs, n_samples, n_before):
        """Settings with which so many epochs of all samples follow those of fewer, `n_before`.

        Batches grow as the samples do, so that an epoch has as many updates.
        """
        return self._replace(
            max_iter=n_epochs,
            is_averaged=True,
            n_iter_no_change=math.inf,
            batch_size=-(-self.batch_size * n_samples // n_before),
        )


def settings_of(params, n_samples, incremental, is_watched):
    """Training settings from an estimator's parameters."""
    values = {name: params[name] for name in Settings._fields if name in params}
    values["batch_size"] = batch_size = _batch_size(params, n_samples)
    values["early_stopping"] = bool(params["early_stopping"])  # "auto" is true: data are watched
    n_batches = -(-n_samples // batch_size)
    if params["max_iter"] is None:
        values["max_iter"] = _n_epochs(n_batches, params["solver"])
    settings = Settings(**values)
    if params["n_iter_no_change"] == "auto":
        patience = _patience(n_batches, settings.has_planned_end, is_watched)
        settings = settings._replace(n_iter_no_change=patience, least_evidence=_LEAST_EVIDENCE)
    if incremental and settings.has_planned_end:
        settings = settings._replace(learning_rate="constant")  # partial_fit knows no end
    return settings


def _patience(n_batches, has_planned_end, is_watched):
    if has_planned_end and not is_watched:
        return math.inf
    patience = max(_FEWEST_STALLED, _PATIENCE // n_batches)
    return patience if is_watched else 2 * patience


def _n_epochs(n_batches, solver):
    if solver == "lbfgs":
        return 200
    return min(max(_N_UPDATES // n_batches, _FEWEST_EPOCHS), _MOST_EPOCHS)


def _batch_size(params, n_samples):
    batch_size = params["batch_size"]
    if batch_size == "auto":
        # Small data in one batch: there, weights equal repetition to the last digits.
        batch_size = 64 if n_samples <= 64 or n_samples >= 4000 else 32
        if params.get("decoder") == "ctc" and 64 < n_samples < _FEW_ALIGNED:
            batch_size = 16
    return min(batch_size, n_samples)
