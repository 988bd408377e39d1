"""RNNGenerator: parameters, documentation, short methods."""

import warnings
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn.callbacks import with_callbacks
from skrnn.data.checks import naming, require_finite_output
from skrnn.data.continuations import (
    NextStep,
    NextToken,
    Whole,
    distinct_tokens,
    require_no_gaps,
)
from skrnn.data.labels import read_classes
from skrnn.data.reading import row_length
from skrnn.data.sequences import Sequences
from skrnn.estimators.recurrent import HeldOut, is_stochastic
from skrnn.estimators.writing import Writer, require_count, require_positive
from skrnn.loading import learning
from skrnn.parameters import GENERATOR_CONSTRAINTS


class Known(NamedTuple):
    """What ``partial_fit`` is told that there will be: classes, and ids of tokens."""

    classes: object = None
    tokens: object = None


class _Alone(HeldOut):
    """Validation data that may have no y."""

    def check(self):
        for name in ("y", "sample_weight"):
            if getattr(self, name) is not None and self.X is None:
                raise ValueError(f"{name}_val was passed without X_val.")


class RNNGenerator(DensityMixin, Writer):
    """Recurrent neural network that is a density over sequences, and draws new ones.

    Step by step it says how probable each next step is, given those before, and how probable the
    end is. So a sequence has a likelihood, and one can be drawn: names, melodies, movements,
    speech. It learns from sequences alone, as :class:`sklearn.mixture.GaussianMixture` does from
    rows, or given a class of each.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(64,)
        Units of each layer, from the input up.

    cell : {"gru", "lstm", "rnn"}, default="gru"
        Kind of recurrent layer.

    activation : {"tanh", "relu", "logistic"}, default="tanh"
        Activation of the cell "rnn". The gated cells have their own.

    n_timesteps : int, default=None
        Steps in a row of a 2-D X, which is then read as ``X.reshape(n, n_timesteps, -1)``. None:
        each column is one step of one feature.

    embedding_dim : int, default=None
        Learns a vector of so many numbers for each token of X, which then holds token ids, as for
        :class:`RNNClassifier`. None means that X holds numbers.

    n_components : int, default=5
        Gaussians of the mixture that is the density of a step of numbers (Graves, 2013). Not used
        with `embedding_dim`.

    dropout : float, default=0.0
        Share of each layer's outputs that is set to zero while training, the same units at every
        step of a sequence (Gal and Ghahramani, 2016). Not used by "lbfgs".

    max_length : int or "auto", default="auto"
        Steps of a drawn sequence at most. "auto": twice as many as the longest one that was learnt
        has, and ten more.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Adam, gradient descent with momentum, or SciPy's L-BFGS on all data at once.

    alpha : float, default=1e-4
        Strength of the L2 penalty: ``alpha / 2 * ||weights||^2 / w`` is added to the loss, w the
        sum of the minibatch's sample weights. Biases and embeddings are left alone.

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
        Whether to print a line per epoch, and why training stopped.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last ``fit``. The standardisation, the
        precision and the random streams of the first ``fit`` are kept, and a parameter that has
        changed and would have no effect is refused.

    momentum : float, default=0.9
        Momentum of "sgd".

    nesterovs_momentum : bool, default=True
        Whether it is Nesterov's.

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's running moments.

    epsilon : float, default=1e-8
        Adam's guard against division by zero.

    early_stopping : bool or "auto", default="auto"
        Whether to hold out `validation_fraction` of the data (unless ``fit`` gets `X_val`), to stop
        when its loss no longer improves, and to keep the weights that were best on it. "auto" does
        so from 10 samples on, or where `X_val` is given.

    validation_fraction : float, "tail" or splitter, default=0.25
        What is held out for `early_stopping`: this share of the samples, with ``shuffle=False`` the
        last ones; the last quarter, whatever `shuffle` is ("tail"); or the last split of a splitter
        of scikit-learn's, as ``TimeSeriesSplit(2, test_size=50)``, which gets no groups. When a
        share or the tail has decided, all samples are learnt, for a quarter of the epochs that were
        best. With `warm_start`, and of what a splitter holds out, nothing is learnt.

    n_iter_no_change : int, inf or "auto", default="auto"
        Epochs without improvement before training stops. "auto": as many as make 100 updates, but
        at least 5, where an improvement too small to be seen in a choice of models is none. Without
        validation data it is twice as many, and a schedule that ends at `max_iter` is gone through.

    max_grad_norm : float or None, default=1.0
        Largest norm of the gradient; a longer one is scaled down.

    standardize : bool, default=True
        Whether to scale X to mean 0 and variance 1, each feature over all steps.

    dtype : {"float32", "float64"} or None, default=None
        Precision of training and prediction. None keeps float32 and makes everything else float64,
        but with `embedding_dim` it is float32, as vectors of tokens are elsewhere, because ids have
        no precision of their own. Pass "float64" there for what is to be exact to more than five
        digits, such as that weights are repetition.

    n_jobs : int or None, default=None
        Threads of one ``fit`` or ``score_samples``, counted as in joblib.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or None
        The classes that sequences may be of; None where ``fit`` got no y.

    max_length_ : int
        Steps of a drawn sequence at most.

    n_features_in_ : int
        Columns of a 2-D X, features per step of any other.

    n_iter_ : int
        Epochs run.

    t_ : int
        Training samples seen.

    tokens_ : ndarray of shape (n_tokens,)
        The sorted ids of ``fit``; there with an `embedding_dim`.

    loss_, best_loss_ : float
        The last and the smallest training loss, penalty included, for each step and end.

    loss_curve_ : list of float
        Training loss of each epoch.

    validation_loss_curve_, validation_scores_ : list of float or None
        Loss on the validation data after each epoch, and the logarithm of the density of a step or
        an end in the mean, numbers in units of their spread; None where none were watched.

    best_validation_score_ : float or None
        The best score.

    See Also
    --------
    RNNTranslator : Sequences of labels for given sequences.
    sklearn.mixture.GaussianMixture : A density of rows.

    Notes
    -----
    No sequence is without a step, so the end is never the first that is drawn, and the densities of
    all sequences with a step sum, or integrate, to one.

    References
    ----------
    Graves, A. (2013). Generating sequences with recurrent neural networks. arXiv:1308.0850.
    Equations: ``docs/mathematics.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNGenerator
    >>> rng = np.random.default_rng(0)
    >>> X = [np.arange(1, rng.integers(3, 6)) for _ in range(200)]
    >>> model = RNNGenerator(embedding_dim=8, hidden_layer_sizes=(16,), random_state=0).fit(X)
    >>> [drawn] = model.sample(prompt=[1, 2], random_state=0)
    >>> drawn[:3]
    array([1, 2, 3])
    >>> model.score_samples([[1, 2, 3], [3, 2, 1]]).round() > -5
    array([ True, False])
    """

    __module__ = "skrnn"  # by which pickles and lists of trusted types know it
    _parameter_constraints = GENERATOR_CONSTRAINTS
    _kinds_of_target = ("next token", "next step")
    bidirectional, return_sequences = False, True  # a step is asked for by those before it
    _fixed = ("bidirectional", *Writer._fixed)

    def __init__(
        self,
        *,
        hidden_layer_sizes=(64,),
        cell="gru",
        activation="tanh",
        n_timesteps=None,
        embedding_dim=None,
        n_components=5,
        dropout=0.0,
        max_length="auto",
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
        self.n_timesteps = n_timesteps
        self.embedding_dim = embedding_dim
        self.n_components = n_components
        self.dropout = dropout
        self.max_length = max_length
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
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), or list of array-likes of \
                shape (T_i, n_features) or (T_i,)
            Sequences of numbers, or with `embedding_dim` of token ids. A 2-D array of numbers has a
            sequence of one feature in each row. Values may not be missing.

        y : array-like of shape (n_samples,), default=None
            The class of each sequence, which the network is told. Sequences can be drawn of a class
            then. None: there are no classes.

        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two counts as two samples, one of zero as none.

        X_val, y_val : like X and y, default=None
            Validation data to watch instead of `validation_fraction` of X. The weights that were
            best on them are kept.

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
        held_out = _Alone(X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, held_out, Known())

    @available_if(is_stochastic)
    @with_callbacks
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
        tokens: ArrayLike | None = None,
    ) -> Self:
        """Go on training for one epoch over the given data.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        classes : array-like of shape (n_classes,), default=None
            All classes that there will be. It is looked at in the first call; None: those in its y.
            How often each comes is taken from the first call too, of one that is not in its y as
            half of the rarest.

        tokens : array-like of int, default=None
            Ids that later calls will have, beside those in the X of the first. It is looked at in
            the first call only, and X of later ones may have no other ids.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            On bad data, or a parameter that cannot change any more; the model is then left as it
            was.
        """
        known = Known(classes, tokens)
        return self._fit(X, y, sample_weight, classes=known, incremental=True)

    def score_samples(self, X: ArrayLike, y: ArrayLike | None = None) -> np.ndarray:
        """Logarithm of the probability of each sequence of tokens, or of the density of numbers.

        Parameters
        ----------
        X : as in ``fit``
            All tokens must be known.

        y : array-like of shape (n_samples,), default=None
            The class of each. None: where there are classes, that of sequences of any, as often as
            they were in ``fit``.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms.

        Raises
        ------
        ValueError, TypeError
            If X is of another form than in ``fit``, has missing values or tokens that are not
            known, or y has classes that are not known.
        """
        return self._log_densities(X, y)[0]

    def _log_densities(self, X, y, sample_weight=None):
        """Log-densities (n,) and weights (n,); what has no weight may have unknown tokens."""
        check_is_fitted(self)
        model = self._model  # read once: another thread may fit anew
        generation = learning().generation
        with np.errstate(all="ignore"):
            sequences, dtype = self._read_like(model.schema, X), model.schema.dtype
            whole = Whole.given(sequences, y, sample_weight, dtype, type(self).__name__)
            if y is None and model.target.n_conditions:
                found = generation.marginal(model, whole, self._count_threads)
            else:
                codes = model.target.codes(whole)
                found = generation.log_densities(model, whole, codes, self._count_threads)
        weights = whole.row_weights
        # One may be too small for its logarithm; none may be unknown.
        is_good = np.isneginf(found) | (weights == 0.0)
        require_finite_output(np.where(is_good, 0.0, found), "log-density")
        return found, weights

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """The mean of ``score_samples``.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        Returns
        -------
        float
        """
        found, weights = self._log_densities(X, y, sample_weight)
        counts = weights > 0.0  # what has no weight may be without a density
        return float(np.average(found[counts], weights=weights[counts]))

    def sample(
        self,
        n_samples: int = 1,
        *,
        y: object = None,
        prompt: ArrayLike | None = None,
        max_length: int | None = None,
        temperature: float = 1.0,
        random_state: object = None,
    ) -> list[np.ndarray]:
        """Draw sequences.

        Parameters
        ----------
        n_samples : int, default=1
            How many.

        y : class, or array-like of shape (n_samples,), default=None
            The class of all, or of each. None: where there are classes, they are drawn too, as
            often as they were in ``fit``.

        prompt : array-like of shape (n_steps, n_features) or (n_steps,), default=None
            What each sequence begins with, of `max_length` steps at most.

        max_length : int, default=None
            Steps of a sequence at most, with those of `prompt`. None: ``max_length_``.

        temperature : float, default=1.0
            Above 1 sequences are more varied, below 1 nearer to the likeliest: logarithms of
            probabilities are divided by it, and variances multiplied.

        random_state : int, RandomState instance or None, default=None
            The same number draws the same sequences.

        Returns
        -------
        list of ndarray of shape (T_i,) or (T_i, n_features)
            Token ids, or numbers.

        Raises
        ------
        ValueError
            If an argument is of another kind, `prompt` has a token that is not known or is longer
            than a sequence may be, y has a class that is not known, or what is drawn is not finite.

        Warns
        -----
        ConvergenceWarning
            If sequences were cut, because they had no end behind `max_length` steps.
        """
        check_is_fitted(self)
        model = self._model
        require_count(n_samples, "n_samples")
        require_positive(temperature, "temperature")
        longest = self.max_length_
        if max_length is not None:
            require_count(max_length, "max_length")
            longest = int(max_length)
        with naming("random_state", usual=None):
            random = check_random_state(random_state)
        with np.errstate(all="ignore"):
            begun = self._prompt(model, prompt, longest)
            codes = self._codes(model, y, int(n_samples), random)
            drawn, n_cut = learning().generation.sample(
                model, codes, int(n_samples), begun, longest, float(temperature), random
            )
        if n_cut:
            warnings.warn(
                f"{n_cut} of {len(drawn)} sequences were cut at {longest} steps, before they had an"
                " end. Set a larger max_length, or train longer.",
                ConvergenceWarning,
                stacklevel=2,
            )
        if model.schema.is_of_tokens:
            return [model.schema.tokens[one[:, 0]] for one in drawn]
        return drawn

    def _prompt(self, model, prompt, longest):
        """The prompt as one sequence, of no step where there is none."""
        if prompt is None:
            n_features, nothing = model.schema.n_features, np.zeros(1, np.int64)
            dtype = np.int32 if model.schema.is_of_tokens else model.schema.dtype
            return Sequences(np.empty((0, n_features), dtype), nothing, nothing)
        with naming("prompt", usual=None):
            found = self._sequences(model.schema, [_one_sequence(prompt)], "prompt", None)
            if model.schema.is_of_tokens:
                given = Whole.given(found, None, None, model.schema.dtype, type(self).__name__)
                model.target.require_known(given._replace(name="prompt"))
        if found.lengths[0] > longest:
            raise ValueError(
                f"prompt has {found.lengths[0]} steps, but a sequence may have {longest}. Shorten"
                " it, or pass a larger max_length."
            )
        return found

    def _codes(self, model, y, n_samples, random):
        """Numbers of the classes to draw of; None where there are none."""
        target = model.target
        if y is None and target.n_conditions:
            return random.choice(target.n_conditions, n_samples, p=target.shares)
        y = None if y is None else _of_each_sample(y, n_samples)
        nothing = Sequences(np.empty((0, 1)), *np.zeros((2, n_samples), np.int64))
        given = Whole.given(nothing, y, None, model.schema.dtype, type(self).__name__)
        return target.codes(given._replace(name="the sample"))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        return tags

    def _read(self, X, before):
        schema, sequences = super()._read(X, before)
        require_no_gaps(sequences, type(self).__name__)
        return schema, sequences

    def _read_like(self, schema, X, name="X"):
        return self._sequences(schema, X, name, self.n_timesteps)

    def _sequences(self, schema, X, name, n_timesteps):
        if schema.is_of_tokens:
            return schema.read(X, name=name)
        if schema.is_of_rows and row_length(X) is None:
            # What is drawn has other lengths than the rows of fit, and has a density too.
            schema, n_timesteps = schema.of_any_length(), None
        sequences = schema.read_unmarked(X, n_timesteps, name)
        require_no_gaps(sequences, type(self).__name__)
        return sequences

    def _given(self, X, y, sample_weight, schema, sequences, of=""):
        name = type(self).__name__
        return Whole.given(sequences, y, sample_weight, schema.dtype, name, of)

    def _learn_target(self, given, known, classes, incremental):
        if self.embedding_dim is None and classes.tokens is not None:
            raise ValueError(
                "tokens was passed, but X holds numbers. Leave it out, or set embedding_dim."
            )
        if known is not None:
            self._check_going_on(known, classes)
            return known.going_on(given), known.encode(given)
        names = None if classes.classes is None else read_classes(classes.classes)
        if self.embedding_dim is not None:
            return NextToken.learn(given, names, classes.tokens)
        return NextStep.learn(given, names, int(self.n_components), bool(self.standardize))

    def _check_going_on(self, known, classes):
        """Refuse what a model that is trained further cannot follow."""
        fitted = getattr(known, "n_components", self.n_components)
        if fitted != self.n_components:
            raise ValueError(
                f"This {type(self).__name__} was fitted with n_components={fitted}, and training"
                f" cannot go on with n_components={self.n_components}. Set it back, or fit anew"
                " with warm_start=False."
            )
        if classes.classes is not None:
            read_classes(classes.classes, fitted=known.conditions)

    def _settled(self, schema, sequences, weights, classes):
        if not schema.is_of_tokens:
            return super()._settled(schema, sequences, weights, classes)
        whole = Whole(sequences, None, weights, "X", type(self).__name__)
        return schema.knowing(distinct_tokens(whole, classes.tokens), sequences)

    def _as_read(self, sequences, given, target):
        return target.begun(sequences, target.codes(given))

    def _remember_target(self, target):
        self.classes_ = target.conditions
        self._remember_longest(target)


def _of_each_sample(y, n_samples):
    """The class of each of so many samples."""
    if isinstance(y, np.ndarray) and not y.ndim:
        y = y.item()
    if isinstance(y, (str, bytes)) or not hasattr(y, "__len__"):
        return [y] * n_samples
    if len(y) != n_samples:
        raise ValueError(
            f"y has {len(y)} classes, but n_samples={n_samples}. Pass one class for all, or one for"
            " each."
        )
    return y


def _one_sequence(prompt):
    """The prompt as one element of a list, whatever holds its steps."""
    if isinstance(prompt, (list, tuple)):
        prompt = np.asarray(prompt)
    shape = np.shape(prompt)
    if not len(shape) or not shape[0]:
        raise ValueError(
            "It must be one sequence of a step or more, of shape (n_steps,) or (n_steps,"
            f" n_features). Got {prompt!r}. Leave it out where there is none."
        )
    return prompt
