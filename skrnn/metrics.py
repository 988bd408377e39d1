"""Scores of predictions of sequences: a target for each step, or a transcript."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.validation import check_consistent_length

from skrnn.data.steps import flat
from skrnn.data.transcripts import edit_distances


def token_error_rate(
    y_true: Sequence, y_pred: Sequence, *, sample_weight: ArrayLike | None = None
) -> float:
    """Edit distances over the numbers of true labels.

    The edit distance is the fewest labels that have to be inserted, left out or replaced. Over
    words it is the word error rate, over phones the phone error rate.

    Parameters
    ----------
    y_true, y_pred : list of sequences
        Transcripts: of labels that can be hashed, or strings, whose labels are their characters.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    float
        0 is best; it may be above 1. Where no true label is, 0 if none is predicted, else inf.

    Examples
    --------
    >>> from skrnn.metrics import token_error_rate
    >>> token_error_rate(["kitten", "net"], ["sitting", "net"])
    0.333...
    """
    distances, lengths, weights = _distances(y_true, y_pred, sample_weight)
    wrong, total = weights @ distances, weights @ lengths
    if total == 0.0:
        return 0.0 if wrong == 0.0 else np.inf
    return float(wrong / total)


def sequence_error_rate(
    y_true: Sequence, y_pred: Sequence, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of the transcripts that are not exactly right.

    Parameters
    ----------
    y_true, y_pred, sample_weight : as for :func:`token_error_rate`

    Returns
    -------
    float
        From 0, which is best, to 1.

    Examples
    --------
    >>> from skrnn.metrics import sequence_error_rate
    >>> sequence_error_rate(["kitten", "net"], ["sitting", "net"])
    0.5
    """
    distances, _, weights = _distances(y_true, y_pred, sample_weight)
    return float(np.average(distances > 0, weights=weights))


def _distances(y_true, y_pred, sample_weight):
    """Edit distances, lengths of the true transcripts, and weights, each (n,)."""
    y_true, y_pred = ([list(one) for one in y] for y in (y_true, y_pred))
    check_consistent_length(y_true, y_pred, sample_weight)
    numbers, coded = {}, []
    for y in (y_true, y_pred):
        of_labels = [numbers.setdefault(label, len(numbers)) for one in y for label in one]
        coded += [np.array(of_labels, np.int64), np.array([len(one) for one in y], np.int64)]
    found = edit_distances(*coded)
    weights = np.ones(len(found)) if sample_weight is None else np.asarray(sample_weight, float)
    return found, coded[1], weights


def make_step_scorer(
    metric: Callable[..., float],
    *,
    response_method: str = "predict",
    greater_is_better: bool = True,
    **kwargs: Any,
) -> "StepScorer":
    """A scorer of any metric of scikit-learn, over the steps of all sequences.

    Targets and predictions of all steps are laid end to end, without those of weight zero, and
    handed to the metric as those of samples are. So it is taken as ``scoring`` by
    ``cross_val_score`` and by searches, with an `estimator` that has ``return_sequences=True``.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_pred, **kwargs)``, as ``sklearn.metrics.f1_score``. Where there are
        weights that differ, it has to take `sample_weight` too.
    response_method : {"predict", "predict_proba", "predict_log_proba", "decision_function"}, \
            default="predict"
        The method that gives y_pred. Of the probabilities of two classes the metric gets those of
        the second.
    greater_is_better : bool, default=True
        Whether a greater value is better; if not, the score is its negative.
    **kwargs : dict
        Further arguments of the metric.

    Returns
    -------
    StepScorer
        To be called as ``scorer(estimator, X, y, sample_weight=None)``, the weights for each sample
        or for each step.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import f1_score
    >>> from sklearn.model_selection import KFold, cross_val_score
    >>> from skrnn import RNNClassifier
    >>> from skrnn.metrics import make_step_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(rng.integers(3, 9), 1)) for _ in range(30)]
    >>> y = [(np.cumsum(x) > 0).astype(int) for x in X]
    >>> model = RNNClassifier(return_sequences=True, max_iter=20, random_state=0)
    >>> scores = cross_val_score(model, X, y, cv=KFold(3), scoring=make_step_scorer(f1_score))
    >>> scores.shape
    (3,)
    """
    return StepScorer(metric, response_method, greater_is_better, kwargs)


class StepScorer:
    """What :func:`make_step_scorer` makes.

    Parameters
    ----------
    metric : callable
    response_method : str
    greater_is_better : bool
    kwargs : dict
    """

    def __init__(
        self,
        metric: Callable[..., float],
        response_method: str,
        greater_is_better: bool,
        kwargs: dict[str, Any],
    ):
        self._metric, self._response_method, self._kwargs = metric, response_method, kwargs
        self._sign = 1 if greater_is_better else -1
        self._takes_weights: bool | str | None = None

    def __call__(
        self, estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Score of an estimator's predictions; greater is better."""
        predicted = getattr(estimator, self._response_method)(X)
        y_true, y_pred, weights = flat(X, y, predicted, sample_weight)
        if self._response_method.startswith("predict_") and len(estimator.classes_) == 2:
            y_pred = y_pred[:, 1] if y_true.ndim == 1 else y_pred
        weighted = {} if np.ptp(weights) == 0.0 else {"sample_weight": weights}
        return self._sign * self._metric(y_true, y_pred, **weighted, **self._kwargs)

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """Whether scikit-learn's routing of metadata is to hand on weights.

        Parameters
        ----------
        sample_weight : bool, str or None
            As in the method of that name of an estimator.

        Returns
        -------
        self : object
        """
        self._takes_weights = sample_weight
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """What scikit-learn's routing of metadata asks.

        Returns
        -------
        MetadataRequest
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=self._takes_weights)
        return request

    def __repr__(self):
        name = getattr(self._metric, "__name__", repr(self._metric))
        sign = "" if self._sign > 0 else ", greater_is_better=False"
        return f"make_step_scorer({name}, response_method={self._response_method!r}{sign})"
