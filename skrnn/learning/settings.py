"""How to train."""

from typing import NamedTuple


class Settings(NamedTuple):
    """How to train; names and meanings are the estimators', but for the last two.

    least_evidence is what an improvement on the validation data has to be worth (equation 85).
    last_epoch, if not None, is the one behind which training ends, however many are planned; the
    average of the weights is kept then.
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
    last_epoch: int | None = None

    @property
    def ends_early(self):
        """Whether the last epoch is known beforehand."""
        return self.last_epoch is not None

    @property
    def n_epochs(self):
        """Epochs at most."""
        return self.last_epoch if self.ends_early else self.max_iter

    @property
    def has_planned_end(self):
        """Whether the learning rate falls to nothing at `max_iter`."""
        return self.learning_rate in ("cosine", "one_cycle")
