"""RNNRegressor: parameters, documentation, short methods."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn import losses
from skrnn.callbacks import with_callbacks
from skrnn.data.checks import require_finite_output
from skrnn.data.regression import RegressionTarget
from skrnn.data.steps import flat
from skrnn.estimators.recurrent import HeldOut, RecurrentEstimator, is_stochastic
from skrnn.parameters import REGRESSOR_CONSTRAINTS


class RNNRegressor(RegressorMixin, RecurrentEstimator):
    """Recurrent neural network for regression.

    A stack of simple, GRU or LSTM layers reads each sequence step by step; a linear layer on the
    pooled states predicts one or several numbers. Works on plain tables, lag windows, 3-D arrays
    and sequences of different lengths, unscaled.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(64,)
        Units of each recurrent layer (per direction, if bidirectional), from the input up.

    cell : {"gru", "lstm", "rnn"}, default="gru"
        Kind of recurrent layer: gated recurrent unit, long short-term memory, or simple (Elman)
        net.

    activation : {"tanh", "relu", "logistic"}, default="tanh"
        Activation of the cell "rnn". The gated cells have their own.

    bidirectional : bool, default=False
        Whether each layer also reads the sequence from its end; its outputs are then twice as wide.

    pooling : {"last", "mean", "max", "attention"}, default="last"
        How the outputs of the last layer become one vector per sequence: the state after the last
        step (of the reverse direction, after the first), the mean or maximum over all steps, or
        "attention", a mean in which each step counts by a share that is learnt (Bahdanau et al.,
        2015); ``attention_weights`` has the shares.

    return_sequences : bool, default=False
        Whether y has a target for each step, and not one for each sequence, so that ``predict``
        gives one for each step too; see ``docs/steps.md``. Without `bidirectional` the prediction
        at a step depends on no later one. There is nothing to pool then, and a frame has one
        observation.

    n_timesteps : int, default=None
        Steps in a row of a 2-D X, which is then read as ``X.reshape(n, n_timesteps, -1)``. None:
        each column is one observation of one feature.

    frame_length : int or "auto", default="auto"
        Consecutive observations that the net reads as one step: 1 is recurrence over each, as many
        as a sequence has is no recurrence at all. Frames end with the last observation; the first
        frame repeats the first observation in place of those that it lacks. "auto": a plain table
        is one step, so that the order of its columns means nothing; sequences are read in at most
        32 steps, by their mean length.

    categorical_features : "from_dtype", None or array-like of bool, int or str, \
            default="from_dtype"
        Columns of a plain table that hold categories, text or numbers: those of a data frame whose
        type says so ("category" of pandas, Categorical and Enum of polars, dictionaries of Arrow),
        none, or those of a mask, of indices or of names. The net reads indicators of the 255 most
        frequent categories of a column, of all others, and of missing values. A category that
        ``fit`` did not see is one of the others, or has no indicator.

    embedding_dim : int, default=None
        Learns a vector of so many numbers for each token. X then holds token ids, whole numbers
        above zero: a list or object array of arrays (T_i,), or an array (n_samples, n_timesteps)
        whose rows are filled up with zeros at the end. Ids that ``fit`` has not seen share a
        vector, the mean of all others. The linear path is a bag of tokens, weighted by tf-idf. None
        means that X holds numbers. See ``docs/text.md``.

    linear_path : "auto", int or None, default="auto"
        A linear map from the flat (standardised) input to the output beside the recurrent layers,
        which then learn what it cannot: a ridge or logistic regression, its strength chosen by
        leave-one-out cross-validation down to nothing, fitted first and then kept. With validation
        data the recurrent part is also trained without it, and the better of the two is kept. An
        int is the number of last steps it sees; "auto" takes all columns of a plain table, and of
        sequences as many last steps as fit into 512 inputs. From 50 samples on the columns of a
        table may have curves, piecewise linear ones, where left-out predictions are clearly better
        with them; with an int there are none. None leaves the path out, as ``partial_fit`` always
        does. Beyond the values of ``fit``, as in a series that grows, the path alone goes on, up to
        five times a feature's range.

    dropout : float, default=0.0
        Share of each layer's outputs that is set to zero while training, the same units at every
        step of a sequence (Gal and Ghahramani, 2016). Not used by "lbfgs".

    loss : {"squared_error", "absolute_error", "huber", "poisson", "quantile"}, \
            default="squared_error"
        What to minimise. "huber" turns from a parabola into a line at 1.35 times the spread of the
        linear path's errors (of y, without a path); "poisson" predicts a positive mean through a
        log link; "quantile" predicts `quantile`.

    quantile : float or sequence of float, default=0.5
        Level or levels of the loss "quantile". With several, ``predict`` returns an extra axis of
        levels, in ascending order and sorted so that they never cross.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Adam, gradient descent with momentum, or SciPy's L-BFGS on all data at once.

    alpha : float, default=1e-4
        Strength of the L2 penalty: ``alpha / 2 * ||weights||^2 / w`` is added to the loss, w the
        sum of the minibatch's sample weights. Biases and the linear path are left alone.

    batch_size : int or "auto", default="auto"
        Samples in a minibatch. "auto": all up to 64 samples, else 32, from 4000 samples on 64.

    learning_rate : {"cosine", "one_cycle", "constant", "invscaling", "adaptive"}, default="cosine"
        Schedule of the learning rate. "cosine" falls to zero at `max_iter`; "one_cycle" rises
        first; "constant", "invscaling" and "adaptive" are those of MLPRegressor. ``partial_fit``,
        which knows no end, takes "constant" for the first two.

    learning_rate_init : float, default=0.003
        The (largest) learning rate.

    power_t : float, default=0.5
        Exponent of "invscaling".

    max_iter : int or None, default=None
        Epochs of "adam" and "sgd", iterations of "lbfgs". None: as many epochs as give about 3000
        updates, but 25 to 300; 200 iterations of "lbfgs".

    shuffle : bool, default=True
        Whether each epoch takes the samples in a new order. False also makes `validation_fraction`
        the last part of the data, as time series want it.

    random_state : int, RandomState instance or None, default=None
        Start values, order of the samples, dropout and validation split. The same number gives the
        same model to the bit, whatever `n_jobs`.

    tol : float, default=1e-4
        Training stops when the loss (with `early_stopping` that on the validation data) has not
        improved by the share `tol` of itself in `n_iter_no_change` epochs. For "lbfgs" the
        tolerance of the gradient.

    verbose : bool, default=False
        Whether to print a line per epoch (its losses, its score, and the time that the fit takes at
        most), why training stopped, and what the linear path and the recurrent part are worth. All
        losses are in the unit of the path's. That kernels are compiled, once, is printed too, and
        always told to the logger "skrnn" (INFO).

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last ``fit``. The standardisation, the
        linear path, the precision and the random streams of the first ``fit`` are kept, and a
        parameter that has changed and would have no effect is refused. Scales and path were learnt
        from all of its samples, so they may have seen samples that a later fit holds out.

    momentum : float, default=0.9
        Momentum of "sgd".

    nesterovs_momentum : bool, default=True
        Whether it is Nesterov's.

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's running moments.

    epsilon : float, default=1e-8
        Adam's guard against division by zero.

    early_stopping : bool or "auto", default="auto"
        Whether to hold out `validation_fraction` of the data (unless ``fit`` gets `X_val` and
        `y_val`), to stop when its loss no longer improves, and to keep the weights that were best
        on it. "auto" does so from 10 samples on, or where `X_val` is given. Beside a linear path
        the recurrent part is then scaled by how much it helps on the validation data, at most by
        one.

    validation_fraction : float, "tail" or splitter, default=0.25
        What is held out for `early_stopping`: this share of the samples, stratified for a
        classifier, or with ``shuffle=False`` the last ones; the last quarter, as time series want
        it, whatever `shuffle` is ("tail"); or the last split of a splitter of scikit-learn's, as
        ``TimeSeriesSplit(2, test_size=50)``, which gets no groups. Of the last ones, or what a
        splitter holds out, neither scales nor linear path see anything. When a share or the tail
        has decided, the part that is kept learns all samples, for a quarter of the epochs that were
        best, and of the last ones scales and path do too. With `warm_start`, and of what a splitter
        holds out, nothing is learnt.

    n_iter_no_change : int, inf or "auto", default="auto"
        Epochs without improvement before training stops. "auto": as many as make 100 updates, but
        at least 5, where an improvement too small to be seen in a choice of models is none. Without
        validation data it is twice as many, and a schedule that ends at `max_iter` is gone through.

    max_grad_norm : float or None, default=1.0
        Largest norm of the gradient; a longer one is scaled down.

    standardize : bool, default=True
        Whether to scale X to mean 0 and variance 1 (a plain table per column, sequences per feature
        over all steps), and the target likewise (not for "poisson").

    dtype : {"float32", "float64"} or None, default=None
        Precision of training and prediction. None keeps float32 and makes everything else float64,
        but with `embedding_dim` it is float32, as vectors of tokens are elsewhere, because ids have
        no precision of their own. Pass "float64" there for what is to be exact to more than five
        digits, such as that weights are repetition.

    n_jobs : int or None, default=None
        Threads of one ``fit`` or ``predict``, counted as joblib counts threads: None is 1 unless
        a ``joblib.parallel_config`` says more, -1 all processors. A cluster's workers do not count.

    Attributes
    ----------
    coefs_ : list of ndarray
        For each layer and direction the input matrix, shape (inputs, gates * units), and the
        recurrent matrix, (units, gates * units), which a table read as one step does not have; of
        attention pooling the matrix and the query;
        last the output layer's, (directions * units, outputs). Gates are in the order i f g o
        (LSTM) and r z n (GRU).

    intercepts_ : list of ndarray
        For each layer and direction the bias, shape (gates * units,), for GRU (4 * units,): the
        recurrent bias of the candidate, then r z n; that of attention pooling; last the output
        layer's.

    n_features_in_ : int
        Columns of a 2-D X, features per step of any other.

    n_timesteps_ : int or None
        Steps of every sequence; None where they differ, or X was a plain table.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X was a DataFrame with names that are all strings; of the
        features of a step, where it was a list of such.

    is_categorical_ : ndarray of bool of shape (n_features_in_,) or None
        Which columns hold categories; None where no column does.

    n_outputs_ : int
        Number of outputs.

    n_iter_ : int
        Epochs (iterations) run.

    t_ : int
        Training samples seen.

    frame_length_ : int
        Observations that the net reads as one step.

    tokens_ : ndarray of shape (n_tokens,)
        The sorted ids of ``fit``; there with an `embedding_dim`.

    embeddings_ : ndarray of shape (n_tokens + 1, embedding_dim)
        Their vectors, a view; last that of unknown ids.

    loss_, best_loss_ : float
        The last and the smallest training loss, penalty included; the unit is the spread of the
        linear path's errors (of y, without a path or where `recurrent_part_` is "alone"), not for
        "poisson".

    loss_curve_ : list of float
        Training loss of each epoch.

    validation_loss_curve_, validation_scores_ : list of float or None
        Loss and score on the validation data after each epoch; None where none were watched.

    best_validation_score_ : float or None
        The best score.

    recurrent_share_ : float
        Share of the recurrent part in what the model predicts, from 0 to 1, as validation data have
        found it (see `early_stopping`); 1 without a linear path, or without validation data.

    recurrent_part_ : {"beside the linear path", "alone"}
        Which recurrent part is kept: one that has learnt what the linear path leaves, to which its
        share is added, or one that has learnt y alone, whose share replaces as much of the path.

    part_curves_ : dict of str to dict
        Of each recurrent part that the last call trained, by its name, the lists "loss",
        "validation_loss" and "validation_scores", a number for each epoch, losses in the unit of
        the linear path's, and "kept_epoch", the epoch whose weights it has kept (0: its start).

    linear_score_ : float or None
        What ``score`` gives for the linear path by itself, on samples it has not seen: the
        validation data, or without any the training samples, each left out in turn. None without a
        path.

    linear_coef_ : ndarray of shape (n_features_in_,) or (n_raw_outputs, n_features_in_), or None
        Coefficients of the linear path by itself, for X as it is given, before the inverse link, as
        scikit-learn's linear models have them: log-odds of a classifier, for quantiles a row each.
        For sequences the last axis is two, the last steps and the features of a step; with
        `return_sequences` the steps of a window around each. None without a path, where it has
        curves, and where X had categories or gaps in ``fit``.

    linear_intercept_ : float, ndarray of shape (n_raw_outputs,) or None
        Its intercepts.

    out_activation_ : str
        Activation of the output layer.

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

    __module__ = "skrnn"  # by which pickles and lists of trusted types know it

    _parameter_constraints = REGRESSOR_CONSTRAINTS
    _kinds_of_target = ("regression",)

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        cell="gru",
        activation="tanh",
        bidirectional=False,
        pooling="last",
        return_sequences=False,
        n_timesteps=None,
        frame_length="auto",
        categorical_features="from_dtype",
        embedding_dim=None,
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
        self.return_sequences = return_sequences
        self.n_timesteps = n_timesteps
        self.frame_length = frame_length
        self.categorical_features = categorical_features
        self.embedding_dim = embedding_dim
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

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns) or (n_samples, n_timesteps, n_features), or \
                list of array-likes of shape (T_i, n_features) or (T_i,)
            Sequences; see ``docs/input_forms.md``. NaN is a missing value, but for whole trailing
            steps of a 3-D X, which are padding.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; with `return_sequences` (n_samples, n_timesteps) or (n_samples, n_timesteps,
            n_outputs), or a list of (T_i,) or (T_i, n_outputs).

        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two counts as two samples, one of zero as none. With `return_sequences` also
            one for each step; a step of weight zero may have any target.

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
        return self._fit(X, y, sample_weight, HeldOut(X_val, y_val, sample_weight_val))

    @available_if(is_stochastic)
    @with_callbacks
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Go on training for one epoch over the given data.

        The standardisation is learnt from the first calls, up to 32 different rows; of a column
        that is constant so far, from when it varies. So rows may come one at a time.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            On bad data, or a parameter that cannot change any more; the model is then left as it
            was.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: ArrayLike) -> Any:
        """Predict targets.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the form of y and the precision of the model; with several quantile levels they are
            one more axis. With `return_sequences` an array (n_samples, n_timesteps, ...) for an X
            that is an array without padding, else a list with an array for each sample.

        Raises
        ------
        ValueError, TypeError
            If X does not match that of ``fit``, or has values for which the prediction is not
            finite.
        """
        predictions, answers = self._predicted(X, self._decode)
        require_finite_output(predictions, axes=answers.axes)
        return answers.in_form(predictions)

    def _decode(self, model, raw):
        """Predictions of raw ones."""
        values = model.in_target_units(raw).astype(raw.dtype, copy=False)
        return model.target.decode(values)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Coefficient of determination; with several quantile levels their mean pinball D2.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``
            A step of weight zero is not scored.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        loss, of_steps = self._model.target.loss, self._model.architecture.return_sequences
        if not (loss.has_level_axis or of_steps):
            return super().score(X, y, sample_weight)
        from sklearn.metrics import d2_pinball_score, r2_score

        predicted = self.predict(X)
        if of_steps:
            y, predicted, sample_weight = flat(X, y, predicted, sample_weight)
        if not loss.has_level_axis:
            return float(r2_score(y, predicted, sample_weight=sample_weight))
        scores = [
            d2_pinball_score(y, predicted[..., q], sample_weight=sample_weight, alpha=level)
            for q, level in enumerate(loss.levels)
        ]
        return float(np.mean(scores))

    def _learn_target(self, given, known, classes, incremental):
        """What y means, and its numbers; `known` is the target of a model to go on from."""
        loss = losses.of_regression(self.loss, self.quantile)
        return RegressionTarget.learn(given, loss, known and known.n_targets, not incremental)

    def _remember_target(self, target):
        self.n_outputs_ = target.n_targets

    def _form_of(self, linear_map, model):
        coefficients, intercepts = linear_map
        if len(intercepts) > 1 or model.target.loss.has_level_axis:
            return linear_map
        return coefficients[0], float(intercepts[0])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
