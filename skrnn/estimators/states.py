"""What the recurrent layers make of X: states, pooled or of each step, and what steps count."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn import choices
from skrnn.data.checks import require_finite_output
from skrnn.data.schema import DTYPE_OF_TOKENS
from skrnn.parameters import n_threads


def has_shares(estimator):
    """Whether there are ``attention_weights``."""
    fitted = getattr(estimator, "_model", None)
    pooling = estimator.pooling if fitted is None else fitted.architecture.pooling
    if pooling not in choices.WITH_SHARES:
        wanted = " or ".join(map(repr, sorted(choices.WITH_SHARES)))
        raise AttributeError(
            f"attention_weights is for pooling={wanted}, not for pooling={pooling!r}."
        )
    return True


class HiddenStates(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The methods of a recurrent estimator that say what its recurrent layers see in X.

    They are of the recurrent part alone: the linear path has no states.
    """

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Pooled states of the last layer, what the output layer reads of each sample.

        They are of the recurrent part alone, without the linear path. With `return_sequences`
        nothing is pooled, and they are the last states of each direction. With ``set_output`` they
        come as a data frame.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples, n_pooled)
            With as many columns as the last layer has units, in both directions if it is
            bidirectional.

        Raises
        ------
        ValueError, TypeError
            As ``predict``.
        """
        states, *_ = self._of_model("pooled_states", X)
        require_finite_output(states, "state")
        return states

    def hidden_states(self, X: ArrayLike) -> Any:
        """States of the last layer after each step.

        They are of the recurrent part alone. A step is what the net reads as one: with a
        `frame_length_` of k there is one for k observations, and a plain table is one step.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples, n_steps, n_states), or list of ndarray (n_steps_i, n_states)
            A list where X is one, or has padding. Of a bidirectional net each step has the state
            of the way from the start, and then that of the way from the end.
        """
        states = _by_sample(*self._of_model("hidden_states", X))
        require_finite_output(states, "state")
        return states

    @available_if(has_shares)
    def attention_weights(self, X: ArrayLike) -> Any:
        """What each step counts in the pooled state; there with ``pooling="attention"``.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples, n_steps), or list of ndarray of shape (n_steps_i,)
            Positive numbers that sum to one in each sample; a list where X is one, or has padding.
            Steps are as in ``hidden_states``.
        """
        shares = _by_sample(*self._of_model("shares", X))
        require_finite_output(shares, "attention weight")
        return shares

    def _of_model(self, what, X):
        """What the model says of X by a method of that name, the steps of each sample, and whether
        X is a list of samples.
        """
        check_is_fitted(self)
        model = self._model  # read once: another thread may fit anew
        with np.errstate(all="ignore"):  # what is not finite is refused by who asked
            sequences = model.schema.read(X, self.n_timesteps)
            found = getattr(model, what)(sequences, partial(n_threads, self.n_jobs))
        return found, model.n_steps(sequences), model.schema.is_list(X)

    @property
    def _n_features_out(self):
        return self._model.network.n_pooled

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        dtypes = ["float64", "float32"] if self.dtype is None else [self.dtype]
        if self.embedding_dim is not None and self.dtype is None:
            dtypes = [DTYPE_OF_TOKENS]
        tags.transformer_tags.preserves_dtype = dtypes
        return tags


def _by_sample(of_steps, n_steps, is_list):
    """Numbers of all steps, one sample after the other, in the form of X."""
    if not is_list and (n_steps == n_steps[0]).all():
        return of_steps.reshape(len(n_steps), n_steps[0], *of_steps.shape[1:])
    return np.split(of_steps, np.cumsum(n_steps)[:-1])
