"""The target of a regressor: one or several numbers for each sample."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import column_or_1d

from skrnn import losses
from skrnn.data.checks import numbers, require_finite
from skrnn.data.given import ONE_FOR_EACH_SEQUENCE
from skrnn.data.target import Target

_TEXT_ADVICE = " For classes use RNNClassifier; for numbers in text pass {}.astype(float)."


@dataclass(frozen=True, eq=False)
class RegressionTarget(Target):
    """One or several numbers for each sample.

    Attributes
    ----------
    loss : skrnn.losses.Loss
    n_targets : int
        Columns of y. Predictions of a single one are 1-D.
    """

    loss: losses.Loss
    n_targets: int
    kind = "regression"

    @classmethod
    def learn(cls, given, loss, n_targets=None, is_all=True):
        """Read y.

        Parameters
        ----------
        given : Given
            y of shape (n_samples,) or (n_samples, n_outputs).
        loss : skrnn.losses.Loss
        n_targets : int, default=None
            How many a fitted model has.
        is_all : bool, default=True
            False where more samples are to come, as in ``partial_fit``.

        Returns
        -------
        target : RegressionTarget
        values : ndarray of shape (n_samples, n_targets)

        Raises
        ------
        ValueError, TypeError
            If y is missing, not numeric, not finite, of another length or number of outputs, or
            not in the range of the loss.

        Warns
        -----
        sklearn.exceptions.DataConversionWarning
            If y is a single column; it is read as 1-D.
        """
        name = given.name
        raw = numbers(given.array(), name, given.axes, text_advice=_TEXT_ADVICE.format(name))
        if raw.ndim == 2 and raw.shape[1] == 1:
            raw = column_or_1d(raw, warn=True)
        if raw.ndim > 2 or raw.size == 0:
            raise ValueError(
                f"{name} must be of shape (n_samples,) or (n_samples, n_outputs), got shape"
                f" {raw.shape}." + (ONE_FOR_EACH_SEQUENCE if raw.ndim > 2 else "")
            )
        with np.errstate(over="ignore"):
            values = np.array(raw, dtype=np.float64, order="C")
        require_finite(raw, values, name, axes=given.axes)
        values = values.reshape(given.n_samples, -1)
        if n_targets not in (None, values.shape[1]):
            raise ValueError(
                f"{name} has {values.shape[1]} outputs, but {given.estimator_name} is expecting"
                f" {n_targets} outputs."
            )
        loss.check_targets(values, given.weights if is_all else None, name, given.at)
        _require_representable(values, given)
        return cls(loss, values.shape[1]), values

    def encode(self, given):
        """The numbers of another y, (n_samples, n_targets)."""
        return self.learn(given, self.loss, self.n_targets)[1]

    @property
    def n_outputs(self):
        """Raw outputs of a network."""
        return self.loss.n_outputs(self.n_targets)

    def score_of(self, examples, predicted):
        """The score of what is predicted of some examples."""
        return self.score(examples.targets, predicted, examples.weights)

    def decode(self, predicted):
        """Predictions in the form of y, of numbers (n, n_outputs) in y's units."""
        if self.loss.has_level_axis:
            # Sorted levels never cross and fit no worse (Chernozhukov et al., 2010).
            predicted = np.sort(predicted.reshape(len(predicted), self.n_targets, -1), axis=2)
        return predicted[:, 0] if self.n_targets == 1 else predicted

    def score(self, values, predicted, weights):
        """Mean R2 of the columns, of the median level where there are several.

        ``r2_score`` without its checks, because it is computed each epoch.
        """
        levels = predicted.reshape(len(predicted), self.n_targets, -1)
        predicted = levels[:, :, levels.shape[2] // 2]
        mean = (values * weights[:, np.newaxis]).sum(axis=0) / weights.sum()
        residual = weights @ (values - predicted) ** 2
        total = weights @ (values - mean) ** 2
        perfect = (residual == 0).astype(float)
        return float(
            np.mean(np.where(total > 0, 1.0 - residual / np.where(total > 0, total, 1.0), perfect))
        )

    def to_state(self):
        """A dict of numbers and strings."""
        loss = self.loss
        quantile = list(loss.quantiles) if loss.has_level_axis else (*loss.quantiles, 0.5)[0]
        return {"kind": self.kind, "loss": loss.name, "quantile": quantile, "n": self.n_targets}

    @classmethod
    def from_state(cls, state):
        return cls(losses.of_regression(state["loss"], state["quantile"]), state["n"])


def _require_representable(values, given):
    """Refuse targets that the model's precision cannot hold."""
    dtype, name = given.dtype, given.name
    too_large = np.abs(values) > np.finfo(dtype).max
    if too_large.any():
        sample = np.argmax(too_large.any(axis=1))
        raise ValueError(
            f"{name} contains a value too large for {np.dtype(dtype)!r}: {given.at(sample)} is "
            f"{values[too_large][0]}. Rescale {name}, or set dtype='float64'."
        )
