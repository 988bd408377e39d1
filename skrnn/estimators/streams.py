"""Predictions of sequences that come one step at a time."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skrnn.data.checks import STREAMS, require_finite_output


class Streaming:
    """The method of a recurrent estimator that follows streams."""

    def predict_step(self, x: ArrayLike, state: Any = None) -> tuple[np.ndarray, Any]:
        """Predict after one more step of some sequences.

        The prediction is, to the bit, that of ``predict`` for the whole sequences so far, at the
        cost of one step. It needs ``pooling="last"`` and ``bidirectional=False``.

        Parameters
        ----------
        x : array-like of shape (n_streams, n_features), or of shape (n_streams,)
            One step of each sequence; of tokens an id. NaN is a missing value.

        state : StreamState, default=None
            What the last call returned; None before the first step.

        Returns
        -------
        prediction : ndarray
            As ``predict`` gives for one sample of each stream.

        state : StreamState
            To pass with the next step. It is a value: no call changes it, so one may go on from an
            old state again. It may be pickled, and ``state[rows]`` are some of the streams. It is
            refused by another model, and by this one once it has been trained further.

        Raises
        ------
        ValueError, TypeError
            If the model cannot go on by steps, because it is bidirectional, has another pooling
            than "last" or was fitted on a plain table; if x does not match the features of ``fit``;
            or if the state is of another model or of other streams.
        """
        model: Any = getattr(self, "_model", None)  # read once: another thread may fit anew
        if model is None:
            check_is_fitted(self)
        with np.errstate(all="ignore"):  # what is not finite is refused
            raw, state = model.streams(anew=state is None).step(x, state)
            prediction = self._decode(model, raw)
        if prediction.dtype.kind == "f":
            require_finite_output(prediction, of=STREAMS)
        return prediction, state
