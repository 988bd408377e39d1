"""Attributions: what each step and feature of an X counts in a prediction, by exact gradients."""

import warnings
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skrnn.data.checks import StepAxes, require_finite_output
from skrnn.estimators.recurrent import RecurrentEstimator
from skrnn.inspection.explained import explained
from skrnn.inspection.inputs import Input
from skrnn.loading import learning
from skrnn.parameters import n_threads

#: A part of the largest change of a prediction: attributions that miss more of it are warned of.
_MOST_MISSED = 0.01


def input_gradients(estimator, X, *, target=None, step=None):
    """Gradient of a prediction with respect to each number of X.

    It says how many units the prediction changes for one more unit of a number, as long as the
    change is small: a slope, not a share of the prediction. It is exact, and goes through the
    recurrent layers, the linear path and the standardisation.

    Parameters
    ----------
    estimator : RNNRegressor or RNNClassifier
        Fitted.

    X : as in ``fit``
        Without categories, which have no gradient.

    target : int, tuple of int, label or None, default=None
        Which prediction. Of a regressor what ``predict`` gives: with several outputs or quantiles
        the place of one, with both a tuple of two places. Of a classifier the decision value (what
        ``decision_function`` gives: log-odds, or the class's score before softmax) of the class of
        that label; None is the second of two classes, and of several the one that is predicted for
        each sample, or step. The value of the first of two classes is the negative log-odds. Of an
        indicator matrix, the number of a label.

    step : int, default=None
        With ``return_sequences``: the step whose prediction it is, -1 the last of each sample.
        None: the sum over all steps.

    Returns
    -------
    ndarray or list of ndarray
        In the form of X, in units of the prediction by units of X; NaN at padding. A missing value
        has a gradient of zero, and what a gap of a sequence reads counts to the value before it.
        For token ids, which have no unit, there is a number for each token: the gradient of its
        vector times what that differs from the vector of unknown tokens, in units of the
        prediction, with the part that it has in the linear path.

    Raises
    ------
    ValueError, TypeError
        If X has categories, or `target` or `step` does not exist; else as ``predict``.

    See Also
    --------
    integrated_gradients : Attributions that add up to a prediction.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.inspection import input_gradients
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 10, 2))
    >>> y = X[:, -1, 0] - 2.0 * X[:, -2, 1]
    >>> model = RNNRegressor(random_state=0).fit(X, y)
    >>> gradients = input_gradients(model, X)
    >>> gradients.mean(axis=0)[-2:].round(1) + 0.0
    array([[ 0., -2.],
           [ 1.,  0.]])
    """
    question = _Question(estimator, X, target, step)
    if question.given.schema.categories:
        raise ValueError(
            f"X has categories in the columns {list(_columns(question.given.schema))}, which have"
            " no gradient. Use integrated_gradients, which goes from a baseline to them, or"
            " sklearn.inspection.permutation_importance."
        )
    course = question.course(None)
    _, slopes = question.value(course, 1.0)
    return question.in_form(course.gradient(1.0, slopes))


def integrated_gradients(estimator, X, *, target=None, step=None, baseline=None, n_steps=32):
    """What each number of X adds to a prediction, compared with that of a baseline.

    Gradients are averaged on the straight line from the baseline to X, and multiplied by the
    difference of the two (Sundararajan et al., 2017; equations 120 to 124 of
    ``docs/mathematics.md``). So attributions are in units of the prediction, and those of a sample
    add up to the difference of the predictions for X and for the baseline.

    Parameters
    ----------
    estimator, X, target, step : as in :func:`input_gradients`
        X may have categories.

    baseline : float, array-like or None, default=None
        What X is compared with: a number for all; numbers for the features of a step, of a plain
        table for its columns; or an X of the same lengths. None: the mean of each feature (of a
        table's column) in ``fit``, which is what a missing value is read as too; zero with
        ``standardize=False``. Of a category it is how frequent each one is. Token ids are
        compared with unknown tokens, and nothing else.

    n_steps : int, default=32
        Points of the Gauss-Legendre quadrature, at each of which a gradient is found. Of cells and
        poolings that are smooth this is exact to rounding nearly always; "relu", ``pooling="max"``
        and numbers beyond those of ``fit`` want more.

    Returns
    -------
    ndarray or list of ndarray
        In the form of X, in units of the prediction; NaN at padding, zero for missing values. For
        token ids a number for each token, the sum over its vector and the linear path.

    Raises
    ------
    ValueError, TypeError
        If `target`, `step`, `baseline` or `n_steps` is not as above; else as ``predict``.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the attributions of a sample miss the difference of predictions by more than a hundredth
        of the largest one.

    References
    ----------
    M. Sundararajan, A. Taly and Q. Yan (2017): Axiomatic attribution for deep networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.inspection import integrated_gradients
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 10, 2))
    >>> y = X[:, -1, 0] * X[:, -1, 1]
    >>> model = RNNRegressor(random_state=0).fit(X, y)
    >>> baseline = np.zeros_like(X)
    >>> attributions = integrated_gradients(model, X, baseline=baseline)
    >>> difference = model.predict(X) - model.predict(baseline)
    >>> bool(np.allclose(attributions.sum(axis=(1, 2)), difference, atol=1e-6))
    True
    """
    if not isinstance(n_steps, Integral) or isinstance(n_steps, bool) or n_steps < 1:
        raise ValueError(f"n_steps={n_steps!r} must be an int of at least 1.")
    question = _Question(estimator, X, target, step)
    course, total = question.course(baseline), 0.0
    points, shares = np.polynomial.legendre.leggauss(n_steps)
    for point, share in zip((points + 1.0) / 2.0, shares / 2.0, strict=True):
        _, slopes = question.value(course, point)
        total = total + share * course.gradient(point, slopes)
    found = total * course.change
    _warn_of_what_is_missed(question, course, found, n_steps)
    return question.in_form(found)


class _Question:
    """The number of an estimator's that attributions are asked for.

    The model is read once, so that another thread may fit anew.
    """

    def __init__(self, estimator, X, target, step):
        self.model, self._estimator = _model_of(estimator), estimator
        with np.errstate(all="ignore"):  # whoever predicts looks for what is not finite
            self.given = Input.read(self.model, X, estimator.n_timesteps)
        self._counts, self._steps = self._counts_of(step), StepAxes(self.given.sequences.lengths)
        start = self.course(None)
        self._function = explained(self.model, target, start.raw(1.0))

    def course(self, baseline):
        """From a baseline to X."""
        from skrnn.learning import sensitivity

        count_threads = partial(n_threads, self._estimator.n_jobs)
        given, model = self.given, self.model
        if model.schema.is_of_tokens:
            if baseline is not None:
                raise ValueError(
                    "baseline is for an X of numbers. Token ids are compared with unknown tokens:"
                    " leave baseline=None."
                )
            return sensitivity.TokensCourse(model, given.sequences, count_threads)
        start = given.baseline(model, baseline, self._estimator.n_timesteps)
        return sensitivity.NumbersCourse(model, given.sequences, start, count_threads)

    def value(self, course, share):
        """The number of each answer at a point of a course, and its slopes in raw predictions."""
        raw = course.raw(share)
        of_steps = self.model.architecture.return_sequences
        require_finite_output(raw, axes=self._steps if of_steps else None)
        numbers, slopes = self._function(raw)
        return self._counts * numbers, self._counts[:, np.newaxis] * slopes

    def in_form(self, found):
        """Attributions of all steps, if they are finite, in the form of X."""
        require_finite_output(found, "attribution", axes=self._steps)
        return self.given.in_form(found)

    def of_samples(self, numbers):
        """Sums (n,) of what there is of each answer."""
        if not self.model.architecture.return_sequences:
            return numbers
        return np.add.reduceat(numbers, self.given.sequences.starts)

    def _counts_of(self, step):
        """One for each answer that is asked for, zero for others."""
        sequences = self.given.sequences
        if not self.model.architecture.return_sequences:
            if step is not None:
                raise ValueError(
                    f"step={step!r} is for return_sequences=True; this model has one prediction"
                    " for each sample. Leave step=None."
                )
            return np.ones(len(sequences))
        if step is None:
            return np.ones(len(sequences.values))
        counts = np.zeros(len(sequences.values))
        counts[sequences.starts + _places(step, sequences.lengths)] = 1.0
        return counts


def _model_of(estimator):
    if not isinstance(estimator, RecurrentEstimator):
        raise TypeError(
            f"estimator is a {type(estimator).__name__}, but has to be a RNNRegressor or"
            " RNNClassifier. Of a pipeline pass the last step, and the X that it gets; of a search"
            " its best_estimator_. permutation_importance takes any estimator."
        )
    learning()
    check_is_fitted(estimator)
    return estimator._model


def _places(step, lengths):
    """Of each sample the step that is meant."""
    if not isinstance(step, Integral) or isinstance(step, bool):
        raise ValueError(f"step={step!r} must be an int or None.")
    lacks = np.flatnonzero(lengths <= step if step >= 0 else lengths < -step)
    if len(lacks):
        raise ValueError(
            f"step={step}, but sample {lacks[0]} of X has {lengths[lacks[0]]} steps only. Negative"
            " steps count from the end of each sample."
        )
    return np.where(step >= 0, step, lengths + step)


def _columns(schema):
    """Names, or places, of the columns that are categories."""
    columns = [one.column for one in schema.categories]
    return columns if schema.names is None else [schema.names[column] for column in columns]


def _warn_of_what_is_missed(question, course, found, n_steps):
    """Compare sums of attributions with differences of predictions."""
    by_step = found.reshape(len(found), -1).sum(axis=1)
    sums = np.add.reduceat(by_step, question.given.sequences.starts)
    last, first = (question.of_samples(question.value(course, a)[0]) for a in (1.0, 0.0))
    missed, largest = np.abs(sums - (last - first)), np.abs(last - first).max()
    rounding = np.sqrt(np.finfo(question.model.theta.dtype).eps) * np.abs([first, last]).max()
    if missed.max() > _MOST_MISSED * largest + rounding:
        sample = int(missed.argmax())
        warnings.warn(
            f"The attributions of sample {sample} add up to {sums[sample]:.4g}, but the prediction"
            f" differs from that of the baseline by {last[sample] - first[sample]:.4g}. Raise"
            f" n_steps, now {n_steps}.",
            ConvergenceWarning,
            stacklevel=3,
        )
