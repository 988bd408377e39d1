"""RNNRegressor and RNNClassifier.

Parameters, their documentation and the order of work; the work itself is in the layers below. Those
that need a compiler are loaded when a model is fitted or used, so that importing skrnn is quick.
"""

import warnings
from functools import partial
from numbers import Real

import numpy as np
from joblib import effective_n_jobs
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, resample
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn import validation
from skrnn.documentation import UNITS, documented
from skrnn.loading import numerics
from skrnn.parameters import CLASSIFIER_CONSTRAINTS, REGRESSOR_CONSTRAINTS, validate_parameters

#: Samples from which early_stopping="auto" holds some out.
_ENOUGH = 50


def _is_stochastic(estimator):
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is for the solvers 'adam' and 'sgd', not for 'lbfgs'.")
    return True


def _warn(message):
    warnings.warn(message, ConvergenceWarning, stacklevel=2)


class _BaseRNN(BaseEstimator):
    """What the two estimators share: everything but the meaning of y.

    A subclass says how y is read (``_read_y``), what the network is to learn of it (``_head``), how
    good raw predictions are (``_score_raw``) and which fitted attributes remember it
    (``_remember_y``).
    """

    _doc_link_module = "skrnn"
    _doc_link_template = (
        "https://skrnn.readthedocs.io/en/latest/{estimator_module}.{estimator_name}.html"
    )

    def _fit(
        self, X, y, sample_weight, held_out=(None, None, None), classes=None, incremental=False
    ):
        validate_parameters(self)
        self._check_combinations(held_out, incremental)
        goes_on = (incremental or self.warm_start) and hasattr(self, "_model")
        data = self._read_X(X, goes_on)
        known = self._known_y(y, classes, goes_on, incremental)
        labels, weights, labelled = self._label(data, y, sample_weight, known)
        seeds = self._model["seeds"] if goes_on else _draw_seeds(self.random_state)
        part = partial(
            self._hold_out,
            held_out=held_out,
            read=partial(self._read_held_out, None if goes_on else X, data, labels, weights),
            seed=None if incremental else seeds[3],
        )
        if not self.shuffle:  # in time order nothing of the last part may be known before
            labelled, watched = part(labelled)
        architecture = self._architecture(labelled, labels)
        if goes_on:
            model = self._model
            _check_same_architecture(type(self).__name__, model, architecture)
        else:
            per_column = data.form == "table"
            path = None if incremental else self.linear_path
            model, labelled = numerics().new_model(
                labelled, architecture, seeds, self.standardize, per_column, path
            )
        if self.shuffle:
            labelled, watched = part(labelled)
        start = model
        model, curves, converged = numerics().train(
            start,
            labelled,
            numerics().settings_of(
                vars(self), len(labelled.weights), incremental, watched is not None
            ),
            watched=watched,
            score=watched and (lambda raw: self._score_raw(labels, start, raw, watched)),
            incremental=incremental,
            n_threads=effective_n_jobs(self.n_jobs),
            warn=_warn,
            report=print if self.verbose else None,
        )
        self._remember(X, data, labels, model, curves, goes_on)
        if not converged:
            _warn(_advice(self.solver, self.n_iter_, self.tol, curves.loss))
        elif not self.early_stopping and curves.overfits():
            _warn(_advice_on_overfitting(curves))
        return self

    def _check_combinations(self, held_out, incremental):
        X_val, y_val, weight_val = held_out
        if incremental and self.early_stopping != "auto" and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True.")
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was passed without {missing}; pass both or neither.")
        if weight_val is not None and X_val is None:
            raise ValueError("sample_weight_val was passed without X_val and y_val.")

    def _read_X(self, X, goes_on):
        if goes_on:
            dtype = self._model["theta"].dtype.name
            return validation.read_matching_sequences(self, X, dtype=dtype)
        name = type(self).__name__
        return validation.read_sequences(
            X, n_timesteps=self.n_timesteps, dtype=self.dtype, estimator_name=name
        )

    def _label(self, data, y, sample_weight, known, input_name="y"):
        """y as it was read, all weights, and the examples together without those of no weight."""
        n_samples = len(data.sequences)
        weights_name = "sample_weight" + input_name[1:]
        weights = validation.read_weights(
            sample_weight, n_samples, data.sequences.values.dtype, input_name=weights_name
        ).astype(np.float64, copy=False)
        labels = self._read_y(y, n_samples, weights, known, input_name)
        targets = labels.values.reshape(n_samples, -1).astype(np.float64, copy=False)
        _require_representable(targets, data.sequences.values.dtype, input_name)
        labelled = numerics().Labelled(data.sequences, targets, self._weigh(labels, weights, known))
        if not labelled.weights.all():
            labelled = labelled.take(np.flatnonzero(labelled.weights))
        return labels, weights, labelled

    def _weigh(self, labels, weights, known):
        return weights

    def _read_held_out(self, X, data, labels, weights, X_val, y_val, weight_val):
        """Validation data that the user gave, in the terms of the training data.

        X is None where the estimator already knows what X has to be like.
        """
        dtype = data.sequences.values.dtype.name
        data_val = validation.read_validation_sequences(self, X_val, X, data, dtype=dtype)
        settled = self._known_of(labels, weights)
        try:
            return self._label(data_val, y_val, weight_val, settled, "y_val")[2]
        except (TypeError, ValueError) as error:
            if "_val" in str(error):
                raise
            raise type(error)(f"In y_val: {error}") from error

    def _hold_out(self, labelled, held_out, read, seed):
        """Training data and, if any is to be watched, validation data; a seed of None: no split."""
        if held_out[0] is not None:
            return labelled, read(*held_out)
        if seed is None or not self._stops_early(len(labelled.weights)):
            return labelled, None
        return self._split(labelled, seed)

    def _split(self, labelled, seed):
        n_samples = len(labelled.weights)
        n_val = int(np.ceil(self.validation_fraction * n_samples))
        if not 2 <= n_val < n_samples:
            part, change = ("validation", "Increase") if n_val < 2 else ("training", "Decrease")
            raise ValueError(
                f"The {part} set is too small: validation_fraction={self.validation_fraction} of "
                f"{n_samples} samples. {change} validation_fraction, pass X_val and y_val, or set "
                "early_stopping=False."
            )
        rows = np.arange(n_samples)
        val = rows[-n_val:]
        if self.shuffle:  # not train_test_split: to import model_selection takes longer than to fit
            drawn = {"stratify": self._strata(labelled), "random_state": seed}
            val = np.sort(resample(rows, replace=False, n_samples=n_val, **drawn))
        return labelled.take(np.setdiff1d(rows, val)), labelled.take(val)

    def _stops_early(self, n_samples):
        return n_samples >= _ENOUGH if self.early_stopping == "auto" else self.early_stopping

    def _strata(self, labelled):
        return None

    def _architecture(self, labelled, labels):
        sizes = self.hidden_layer_sizes
        loss, n_outputs, quantiles = self._head(labels)
        return {
            "cell": self.cell,
            "hidden_layer_sizes": tuple(int(size) for size in np.atleast_1d(sizes)),
            "n_features": labelled.sequences.n_features,
            "n_outputs": n_outputs,
            "bidirectional": bool(self.bidirectional),
            "pooling": self.pooling,
            "activation": self.activation,
            "loss": loss,
            "quantiles": quantiles,
            "dtype": labelled.sequences.values.dtype.name,
        }

    def _remember(self, X, data, labels, model, curves, goes_on):
        """Set all fitted attributes, once nothing can fail any more."""
        if not goes_on:
            validation.remember_features(self, X, data)
        longer = goes_on and hasattr(self, "loss_curve_")
        before = (longer and self.validation_loss_curve_) or []
        scores_before = (longer and self.validation_scores_) or []
        self._model = model
        self._remember_y(labels)
        self.n_iter_ = len(curves)
        self.t_ = model["n_samples_seen"]
        self.loss_curve_ = (self.loss_curve_ if longer else []) + curves.loss
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.nan
        self.best_loss_ = min(self.loss_curve_, default=np.nan)
        self.validation_loss_curve_ = before + curves.validation_loss or None
        self.validation_scores_ = scores_before + curves.validation_scores or None
        self.best_validation_score_ = max(self.validation_scores_ or (), default=None)

    def _raw_predict(self, X):
        check_is_fitted(self)
        dtype = self._model["theta"].dtype
        data = validation.read_matching_sequences(self, X, dtype=dtype)
        count_threads = partial(effective_n_jobs, self.n_jobs)
        raw = numerics().raw_predict(self._model, data.sequences, count_threads)
        _require_finite(raw)
        return raw

    def _arrays(self, letters):
        check_is_fitted(self)
        views = numerics().network_of(self._model).views(self._model["theta"])
        return [array for name, array in views.items() if name[0] in letters]

    @property
    def coefs_(self):
        """Weight matrices, views: W and U of each layer and direction, then the output's V."""
        return self._arrays("WUV")

    @property
    def intercepts_(self):
        """Bias vectors, views: one of each layer and direction, last the output layer's."""
        return self._arrays("b")

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_model")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _require_representable(targets, dtype, input_name):
    """Refuse targets that the model's precision cannot hold."""
    too_large = np.abs(targets) > np.finfo(dtype).max
    if too_large.any():
        sample = np.argmax(too_large.any(axis=1))
        raise ValueError(
            f"{input_name} contains a value too large for {dtype!r}: sample {sample} is "
            f"{targets[too_large][0]}. Rescale {input_name}, or set dtype='float64'."
        )


def _require_finite(predictions):
    """Refuse to pass off nan or infinity as a prediction."""
    if not np.isfinite(predictions).all():
        finite = np.isfinite(predictions).reshape(len(predictions), -1).all(axis=1)
        raise ValueError(
            f"The prediction for sample {np.argmin(finite)} of X is not finite: its values are too "
            "large for a model that was fitted on much smaller ones. Correct them, or rescale X "
            "(and y) before fit."
        )


def _draw_seeds(random_state):
    """Seeds of four streams: start values, order of the data, dropout, validation split."""
    random = check_random_state(random_state)
    return tuple(int(seed) for seed in random.randint(np.iinfo(np.int32).max, size=4))


def _check_same_architecture(name, model, architecture):
    fitted = dict(model["architecture"])
    for key, value in architecture.items():
        if fitted[key] != value:
            raise ValueError(
                f"This {name} was fitted with {key}={fitted[key]!r}, and training cannot go on "
                f"with {key}={value!r}. Set it back, or fit anew with warm_start=False."
            )


def _advice(solver, n_iter, tol, losses):
    """What to change after max_iter, by what the last quarter of the epochs brought."""
    if solver == "lbfgs":
        return (
            f"L-BFGS stopped after max_iter={n_iter} iterations without reaching tol={tol}. "
            "Increase max_iter, or tol if the loss hardly changes."
        )
    reached = f"Maximum iterations ({n_iter}) reached and the optimization has not converged: "
    quarter = max(1, len(losses) // 4)
    if len(losses) > quarter and min(losses[-quarter:]) >= min(losses[:-quarter]):
        return reached + (
            f"the loss has neither improved in the last {quarter} epochs nor settled. Lower "
            "learning_rate_init, or let learning_rate='cosine' bring it to rest."
        )
    return reached + (
        "the loss was still improving. Increase max_iter, or let learning_rate='cosine' end within "
        "it."
    )


def _advice_on_overfitting(curves):
    best, last = np.argmin(curves.validation_loss) + 1, len(curves)
    return (
        f"Overfitting: the validation loss was best after epoch {best} "
        f"({min(curves.validation_loss):.4g}) and rose to {curves.validation_loss[-1]:.4g} by "
        f"epoch {last}, while the training loss fell. The weights of the best epoch are kept. Set "
        "early_stopping=True to stop in time; smaller hidden_layer_sizes, a larger alpha or "
        "dropout may make the best better."
    )


@documented(and_y=', and the target likewise (not for "poisson")', in_units=UNITS)
class RNNRegressor(RegressorMixin, _BaseRNN):
    """Recurrent neural network for regression.

    A stack of simple, GRU or LSTM layers reads each sequence step by step; a linear layer on the
    pooled states predicts one or several numbers. Works on plain tables, lag windows, 3-D arrays
    and sequences of different lengths, unscaled.

    Parameters
    ----------
    <parameters>

    loss : {"squared_error", "absolute_error", "huber", "poisson", "quantile"}, \
            default="squared_error"
        What to minimise. "huber" turns from a parabola into a line at 1.35 times the spread of the
        linear path's errors (of y, without a path); "poisson" predicts a positive mean through a
        log link; "quantile" predicts `quantile`.

    quantile : float or sequence of float, default=0.5
        Level or levels of the loss "quantile". With several, ``predict`` returns one more axis, the
        levels in ascending order never crossing.

    <solver parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    RNNClassifier : The same network for classification.
    sklearn.neural_network.MLPRegressor : Feed-forward network, with the same parameter names.

    References
    ----------
    Equations and sources: ``docs/mathematics.md``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from skrnn import RNNRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = RNNRegressor(max_iter=10, random_state=0).fit(X_train, y_train)
    >>> model.predict(X_test[:2]).shape
    (2,)
    """

    _parameter_constraints = REGRESSOR_CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        cell="gru",
        activation="tanh",
        bidirectional=False,
        pooling="last",
        n_timesteps=None,
        dropout=0.0,
        linear_path="auto",
        loss="squared_error",
        quantile=0.5,
        solver="adam",
        alpha=1e-4,
        batch_size="auto",
        learning_rate="cosine",
        learning_rate_init=3e-3,
        power_t=0.5,
        max_iter=None,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        early_stopping="auto",
        validation_fraction=0.25,
        n_iter_no_change="auto",
        max_grad_norm=1.0,
        standardize=True,
        dtype=None,
        n_jobs=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.activation = activation
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.n_timesteps = n_timesteps
        self.dropout = dropout
        self.linear_path = linear_path
        self.loss = loss
        self.quantile = quantile
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.max_grad_norm = max_grad_norm
        self.standardize = standardize
        self.dtype = dtype
        self.n_jobs = n_jobs

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns) or (n_samples, n_timesteps, n_features), or \
                list of array-likes of shape (T_i, n_features) or (T_i,)
            Sequences; see ``docs/input_forms.md``.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two counts as two samples, one of zero as none.

        X_val, y_val : like X and y, default=None
            Validation data to watch instead of `validation_fraction` of X and y. The weights that
            were best on them are kept.

        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Their weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            On bad data or parameters; a model fitted before is then left as it was.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(_is_stochastic)
    def partial_fit(self, X, y, sample_weight=None):
        """Go on training for one epoch over the given data.

        The first call fixes the standardisation.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the form of y and the precision of the model; with several quantile levels they are
            one more axis.
        """
        raw = self._raw_predict(X)
        with np.errstate(over="ignore"):
            predictions = self._predictions(self._model, raw)
        _require_finite(predictions)
        return predictions

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination; with several quantile levels their mean pinball D2.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        Returns
        -------
        float
        """
        check_is_fitted(self)
        if not self._several_levels:
            return super().score(X, y, sample_weight)
        from sklearn.metrics import d2_pinball_score

        predicted, levels = self.predict(X), dict(self._model["architecture"])["quantiles"]
        scores = [
            d2_pinball_score(y, predicted[..., q], sample_weight=sample_weight, alpha=level)
            for q, level in enumerate(levels)
        ]
        return float(np.mean(scores))

    def _read_y(self, y, n_samples, weights, known, input_name):
        return validation.read_regression_targets(
            y,
            n_samples,
            np.float64,
            weights=weights,
            loss=self.loss,
            n_outputs=known,
            estimator_name=type(self).__name__,
            input_name=input_name,
        )

    def _known_y(self, y, classes, goes_on, incremental):
        """The number of outputs that y must have, where it is settled."""
        return self.n_outputs_ if goes_on else None

    def _known_of(self, labels, weights):
        return labels.values.shape[1]

    def _head(self, labels):
        levels = (0.5,)
        if self.loss == "quantile":
            levels = tuple(float(level) for level in np.sort(np.atleast_1d(self.quantile)))
        return self.loss, labels.values.shape[1] * len(levels), levels

    def _remember_y(self, labels):
        self.n_outputs_ = labels.values.shape[1]
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        self._one_dimensional = labels.one_dimensional
        self._several_levels = self.loss == "quantile" and np.ndim(self.quantile) > 0

    def _predictions(self, model, raw):
        values = numerics().in_target_units(model, raw).astype(raw.dtype, copy=False)
        if self._several_levels:
            # Sorted levels never cross and fit no worse (Chernozhukov et al., 2010).
            values = np.sort(values.reshape(len(raw), self.n_outputs_, -1), axis=2)
        return values[:, 0] if self._one_dimensional else values

    def _score_raw(self, labels, model, raw, watched):
        """R2 of raw predictions on validation data, by the median level where there are several."""
        values = numerics().in_target_units(model, raw)
        n_targets = watched.targets.shape[1]
        values = values.reshape(len(raw), n_targets, -1)
        return _r2(watched.targets, values[:, :, values.shape[2] // 2], watched.weights)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _r2(y, predicted, weights):
    """Mean R2 of the columns: ``r2_score`` without its checks, for it is computed each epoch."""
    mean = np.average(y, axis=0, weights=weights)
    residual = weights @ (y - predicted) ** 2
    total = weights @ (y - mean) ** 2
    perfect = (residual == 0).astype(float)
    return float(
        np.mean(np.where(total > 0, 1.0 - residual / np.where(total > 0, total, 1.0), perfect))
    )


@documented(and_y="", in_units="")
class RNNClassifier(ClassifierMixin, _BaseRNN):
    """Recurrent neural network for classification.

    A stack of simple, GRU or LSTM layers reads each sequence step by step; a linear layer on the
    pooled states gives the log-odds of two or more classes, or of several labels at once. Works on
    plain tables, 3-D arrays and sequences of different lengths, unscaled.

    Parameters
    ----------
    <parameters>

    class_weight : dict, "balanced" or None, default=None
        Factors of the sample weights by class. "balanced" gives all classes the same total weight.

    <solver parameters>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes; for an indicator matrix the numbers of its columns.

    <attributes>

    See Also
    --------
    RNNRegressor : The same network for regression.
    sklearn.neural_network.MLPClassifier : Feed-forward network, with the same parameter names.

    References
    ----------
    Equations and sources: ``docs/mathematics.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(rng.integers(5, 10), 2)) for _ in range(40)]
    >>> y = ["up" if x[:, 0].sum() > 0 else "down" for x in X]
    >>> model = RNNClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    _parameter_constraints = CLASSIFIER_CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        cell="gru",
        activation="tanh",
        bidirectional=False,
        pooling="last",
        n_timesteps=None,
        dropout=0.0,
        linear_path="auto",
        class_weight=None,
        solver="adam",
        alpha=1e-4,
        batch_size="auto",
        learning_rate="cosine",
        learning_rate_init=3e-3,
        power_t=0.5,
        max_iter=None,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        early_stopping="auto",
        validation_fraction=0.25,
        n_iter_no_change="auto",
        max_grad_norm=1.0,
        standardize=True,
        dtype=None,
        n_jobs=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.activation = activation
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.n_timesteps = n_timesteps
        self.dropout = dropout
        self.linear_path = linear_path
        self.class_weight = class_weight
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.max_grad_norm = max_grad_norm
        self.standardize = standardize
        self.dtype = dtype
        self.n_jobs = n_jobs

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns) or (n_samples, n_timesteps, n_features), or \
                list of array-likes of shape (T_i, n_features) or (T_i,)
            Sequences; see ``docs/input_forms.md``.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Classes, or an indicator matrix of labels.

        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two counts as two samples, one of zero as none.

        X_val, y_val : like X and y, default=None
            Validation data to watch instead of `validation_fraction` of X and y. The weights that
            were best on them are kept.

        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Their weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            On bad data or parameters; a model fitted before is then left as it was.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(_is_stochastic)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on training for one epoch over the given data.

        The first call fixes the standardisation.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed in the first call, except for an indicator matrix.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, classes=classes, incremental=True)

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Classes, or an indicator matrix of labels.
        """
        codes = self._decide(self._raw_predict(X))
        return codes if self._kind == "multilabel" else self.classes_[codes]

    def predict_proba(self, X):
        """Probabilities of the classes, or of each label.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        """
        raw = self._raw_predict(X)
        if self._kind == "multiclass":
            return softmax(raw, axis=1)
        if self._kind == "multilabel":
            return expit(raw)
        return np.hstack([expit(-raw), expit(raw)])

    def predict_log_proba(self, X):
        """Logarithms of ``predict_proba``.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        """
        raw = self._raw_predict(X)
        if self._kind == "multiclass":
            return log_softmax(raw, axis=1)
        if self._kind == "multilabel":
            return log_expit(raw)
        return np.hstack([log_expit(-raw), log_expit(raw)])

    def decision_function(self, X):
        """Raw outputs: log-odds of the second class, of each label, or unnormalised of each class.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
        """
        raw = self._raw_predict(X)
        return raw[:, 0] if self._kind == "binary" else raw

    def _decide(self, raw, kind=None):
        """Class numbers (n,), or an indicator matrix."""
        kind = kind or self._kind
        if kind == "multiclass":
            return raw.argmax(axis=1)
        return (raw > 0).astype(int) if kind == "multilabel" else (raw[:, 0] > 0).astype(int)

    def _read_y(self, y, n_samples, weights, known, input_name):
        classes, kind, _ = known or (None, None, None)
        return validation.read_class_targets(
            y,
            n_samples,
            weights=weights,
            classes=classes,
            kind=kind,
            estimator_name=type(self).__name__,
            input_name=input_name,
        )

    def _known_y(self, y, classes, goes_on, incremental):
        """Classes, kind and class factors of y, where they are settled before it is read."""
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once and is not for partial_fit. "
                "Pass the weights as a dict, or as sample_weight."
            )
        if goes_on:
            validation.read_classes(classes, fitted=self.classes_)
            return self.classes_, self._kind, None
        if not incremental or (np.ndim(y) == 2 and np.shape(y)[1] > 1):
            return None  # y, or the indicator matrix, names them itself
        classes = validation.read_classes(classes)
        return classes, "binary" if len(classes) == 2 else "multiclass", None

    def _known_of(self, labels, weights):
        return labels.classes, labels.kind, self._factors(labels, weights)

    def _factors(self, labels, weights):
        """Weight of each class (n_classes,); None where classes weigh the same."""
        if self.class_weight is None or labels.kind == "multilabel":
            return None
        counts = np.bincount(labels.values, weights, minlength=len(labels.classes))
        if self.class_weight == "balanced":
            shares = len(counts) * counts / counts.sum()
            return np.divide(1.0, shares, out=np.zeros(len(counts)), where=shares > 0)
        names = labels.classes.tolist()
        unknown = [label for label in self.class_weight if label not in names]
        if unknown:
            raise ValueError(f"class_weight names {unknown}, but the classes are {names}.")
        factors = [self.class_weight.get(label, 1.0) for label in names]
        if not all(isinstance(factor, Real) and 0 <= factor < np.inf for factor in factors):
            raise ValueError(
                "class_weight must hold finite numbers that are not negative, got "
                f"{self.class_weight!r}."
            )
        if not np.dot(factors, counts):
            raise ValueError(f"class_weight={self.class_weight!r} leaves no sample any weight.")
        return np.array(factors, dtype=float)

    def _weigh(self, labels, weights, known):
        if labels.kind == "multilabel" and isinstance(self.class_weight, dict):
            raise ValueError(
                "class_weight must be 'balanced' or None where y is an indicator matrix, got "
                f"{self.class_weight!r}. Pass sample_weight instead."
            )
        if labels.kind == "multilabel" and self.class_weight is not None:
            return weights * compute_sample_weight(self.class_weight, labels.values)
        factors = known[2] if known and known[2] is not None else self._factors(labels, weights)
        return weights if factors is None else weights * factors[labels.values]

    def _strata(self, labelled):
        """Classes to hold out in proportion, where there are enough samples of each."""
        if labelled.targets.shape[1] > 1:
            return None
        counts = np.unique(labelled.targets, return_counts=True)[1]
        n_held_out = self.validation_fraction * len(labelled.targets)
        return labelled.targets[:, 0] if counts.min() > 1 and n_held_out > len(counts) else None

    def _head(self, labels):
        if labels.kind == "multiclass":
            return "softmax", len(labels.classes), (0.5,)
        return "logistic", 1 if labels.kind == "binary" else len(labels.classes), (0.5,)

    def _remember_y(self, labels):
        self.classes_ = labels.classes
        self._kind = labels.kind
        self.n_outputs_ = 1 if labels.kind == "binary" else len(labels.classes)
        self.out_activation_ = "softmax" if labels.kind == "multiclass" else "logistic"

    def _score_raw(self, labels, model, raw, watched):
        """Accuracy of raw predictions on validation data (of whole rows, if multilabel)."""
        right = self._decide(raw, labels.kind).reshape(watched.targets.shape) == watched.targets
        return float(np.average(right.all(axis=1), weights=watched.weights))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
