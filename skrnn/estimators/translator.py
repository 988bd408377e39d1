"""RNNTranslator: parameters, documentation, short methods."""

import warnings
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn.callbacks import with_callbacks
from skrnn.data.transcripts import TARGETS, Transcripts
from skrnn.estimators.recurrent import HeldOut, is_stochastic
from skrnn.estimators.writing import Writer, require_count
from skrnn.loading import learning
from skrnn.metrics import token_error_rate
from skrnn.parameters import TRANSLATOR_CONSTRAINTS, validate_parameters


class RNNTranslator(Writer):
    """Recurrent neural network from sequences to sequences of labels.

    An encoder reads a sequence of numbers or of tokens, and a decoder writes a transcript of it:
    translation, transliteration, spelling to sounds, speech recognition. A transcript is as long as
    it has to be.

    Parameters
    ----------
    decoder : {"attention", "ctc"}, default="attention"
        "attention" writes label after label; at each it looks at all steps of the sequence
        (Bahdanau et al., 2015). "ctc" says at each step of the sequence one label or none (Graves
        et al., 2006), so a transcript follows the order of the steps, and has at most as many
        labels as there are steps.

    target_analyzer : {"char", "word"} or None, default=None
        What makes labels of a y of strings: its characters, or its words between spaces.
        Predictions are strings then. None: y has sequences of labels.

    hidden_layer_sizes : int or sequence of int, default=(64,)
        Units of each layer of the encoder (per direction, if bidirectional), from the input up. The
        decoder has as many as the last.

    cell : {"gru", "lstm", "rnn"}, default="gru"
        Kind of recurrent layer, of the decoder too.

    activation : {"tanh", "relu", "logistic"}, default="tanh"
        Activation of the cell "rnn". The gated cells have their own.

    bidirectional : bool, default=True
        Whether each layer of the encoder also reads the sequence from its end.

    n_timesteps : int, default=None
        Steps in a row of a 2-D X, which is then read as ``X.reshape(n, n_timesteps, -1)``. None:
        each column is one step of one feature.

    embedding_dim : int, default=None
        Learns a vector of so many numbers for each token of X, which then holds token ids, as for
        :class:`RNNClassifier`. None means that X holds numbers.

    target_embedding_dim : int, default=32
        Numbers of the vector that the decoder "attention" learns for each label.

    dropout : float, default=0.0
        Share of each layer's outputs that is set to zero while training, the same units at every
        step of a sequence (Gal and Ghahramani, 2016). Not used by "lbfgs".

    beam_size : int, default=1
        Beginnings that are followed side by side in prediction. 1 takes the likeliest label each
        time; "ctc" the likeliest label or none at each step.

    max_length : int or "auto", default="auto"
        Labels of a predicted transcript at most. "auto": twice as many as the longest one in
        ``fit`` has, and ten more.

    length_penalty : float, default=1.0
        Transcripts of n labels, the end counted, are ranked by their log-probability over n to the
        power of this; 0 ranks by probability, which favours short ones.

    label_smoothing : float, default=0.1
        Share of the target's probability that "attention" spreads over all labels while it learns
        (Szegedy et al., 2016), so that it is less sure of what it knows by heart.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Adam, gradient descent with momentum, or SciPy's L-BFGS on all data at once.

    alpha : float, default=1e-4
        Strength of the L2 penalty: ``alpha / 2 * ||weights||^2 / w`` is added to the loss, w the
        sum of the minibatch's sample weights. Biases and embeddings are left alone.

    batch_size : int or "auto", default="auto"
        Samples in a minibatch. "auto": all up to 64 samples, else 32 ("ctc" 16 below 1000
        samples), from 4000 samples on 64.

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
        Whether to hold out `validation_fraction` of the data (unless ``fit`` gets `X_val` and
        `y_val`), to stop when its loss no longer improves, and to keep the weights that were best
        on it: of the smallest loss, for "ctc" of the smallest token error rate plus a tenth of the
        loss. "auto" does so from 10 samples on, or where `X_val` is given.

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
        Whether to scale X to mean 0 and variance 1 (a plain table per column, sequences per feature
        over all steps).

    dtype : {"float32", "float64"} or None, default=None
        Precision of training and prediction. None keeps float32 and makes everything else float64,
        but with `embedding_dim` it is float32, as vectors of tokens are elsewhere, because ids have
        no precision of their own. Pass "float64" there for what is to be exact to more than five
        digits, such as that weights are repetition.

    n_jobs : int or None, default=None
        Threads of one ``fit`` or ``predict``, counted as in joblib.

    Attributes
    ----------
    labels_ : tuple
        All labels of ``fit``, sorted.

    max_length_ : int
        Labels of a predicted transcript at most.

    n_features_in_ : int
        Columns of a 2-D X, features per step of any other.

    n_iter_ : int
        Epochs run.

    t_ : int
        Training samples seen.

    tokens_ : ndarray of shape (n_tokens,)
        The sorted ids of ``fit``; there with an `embedding_dim`.

    loss_, best_loss_ : float
        The last and the smallest training loss, penalty included, for each label.

    loss_curve_ : list of float
        Training loss of each epoch.

    validation_loss_curve_, validation_scores_ : list of float or None
        Loss on the validation data after each epoch, and the probability of the right label in the
        geometric mean; None where none were watched.

    best_validation_score_ : float or None
        The best score.

    See Also
    --------
    RNNClassifier : One class for each sequence, or with `return_sequences` for each of its steps.

    References
    ----------
    Equations and sources: ``docs/mathematics.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNTranslator
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.integers(1, 5, size=rng.integers(2, 5)) for _ in range(60)]
    >>> y = ["".join("abcd"[token - 1] for token in x[::-1]) for x in X]
    >>> model = RNNTranslator(
    ...     embedding_dim=8, target_analyzer="char", hidden_layer_sizes=(16,), max_iter=5,
    ...     early_stopping=False, random_state=0,
    ... )
    >>> predicted = model.fit(X, y).predict(X[:3])
    >>> len(predicted)
    3
    """

    __module__ = "skrnn"  # by which pickles and lists of trusted types know it
    _parameter_constraints = TRANSLATOR_CONSTRAINTS
    _kinds_of_target = ("transcript", "aligned transcript")

    def __init__(
        self,
        *,
        decoder="attention",
        target_analyzer=None,
        hidden_layer_sizes=(64,),
        cell="gru",
        activation="tanh",
        bidirectional=True,
        n_timesteps=None,
        embedding_dim=None,
        target_embedding_dim=32,
        dropout=0.0,
        beam_size=1,
        max_length="auto",
        length_penalty=1.0,
        label_smoothing=0.1,
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
        self.decoder = decoder
        self.target_analyzer = target_analyzer
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.activation = activation
        self.bidirectional = bidirectional
        self.n_timesteps = n_timesteps
        self.embedding_dim = embedding_dim
        self.target_embedding_dim = target_embedding_dim
        self.dropout = dropout
        self.beam_size = beam_size
        self.max_length = max_length
        self.length_penalty = length_penalty
        self.label_smoothing = label_smoothing
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
        y: Sequence,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: Sequence | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), or list of array-likes of \
                shape (T_i, n_features) or (T_i,)
            Sequences of numbers, or with `embedding_dim` of token ids.

        y : list of n_samples sequences of labels, or of strings with `target_analyzer`
            Labels may be anything that can be hashed. A transcript may be empty.

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
        return self._fit(X, y, sample_weight, HeldOut(X_val, y_val, sample_weight_val))

    @available_if(is_stochastic)
    @with_callbacks
    def partial_fit(
        self,
        X: ArrayLike,
        y: Sequence,
        sample_weight: ArrayLike | None = None,
        labels: Sequence | None = None,
    ) -> Self:
        """Go on training for one epoch over the given data.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        labels : sequence, default=None
            All labels there will be; needed in the first call.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            On bad data, or a parameter that cannot change any more; the model is then left as it
            was.
        """
        return self._fit(X, y, sample_weight, classes=labels, incremental=True)

    def predict(self, X: ArrayLike) -> list:
        """The likeliest transcript that is found of each sequence.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        list of list of labels, or of str with `target_analyzer`

        Warns
        -----
        ConvergenceWarning
            If transcripts were cut, because they had no end behind ``max_length_`` labels.
        """
        model, found, limit = self._write(X, self.beam_size, 1)
        best = [of_row[0] for of_row in found]
        n_cut = sum(not one.has_ended for one in best)
        if n_cut:
            warnings.warn(
                f"{n_cut} of {len(best)} transcripts were cut at max_length={limit}"
                " labels, before they had an end. Set a larger max_length and fit again, or train"
                " longer.",
                ConvergenceWarning,
                stacklevel=2,
            )
        labels = [model.target.decode(one.labels) for one in best]
        return Transcripts(len(labels), self.target_analyzer).in_form(labels)

    def predict_beams(self, X: ArrayLike, n: int = 5) -> list:
        """Several transcripts of each sequence, the likeliest first.

        Parameters
        ----------
        X : as in ``fit``

        n : int, default=5
            As many at most, which are followed side by side.

        Returns
        -------
        list of list of tuple
            For each sequence transcripts in the form of y, each with the logarithm of its
            probability.
        """
        check_is_fitted(self)
        require_count(n, "n")
        n = int(n)
        # The best path of "ctc" is of one alignment, so it has no probability; a beam's have.
        beam_size = max(n, 2) if self._model.target.is_aligned else n
        model, found, _ = self._write(X, beam_size, n)
        forms = Transcripts(len(found), self.target_analyzer)
        return [
            [
                (forms.in_form([model.target.decode(one.labels)])[0], one.log_probability)
                for one in of_row
            ]
            for of_row in found
        ]

    def score_samples(self, X: ArrayLike, y: Sequence) -> np.ndarray:
        """Logarithm of the probability of each transcript.

        Parameters
        ----------
        X, y : as in ``fit``
            All labels of y must be known.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms.

        Raises
        ------
        ValueError, TypeError
            If y has another length than X, or labels that are not known.
        """
        model, sequences, numbers = self._read_both(X, y)
        with np.errstate(all="ignore"):
            return learning().transcription.log_probabilities(
                model, sequences, numbers, self._count_threads
            )

    def attention_weights(self, X: ArrayLike, y: Sequence | None = None) -> list[np.ndarray]:
        """What each step of a sequence counts for each label that the decoder "attention" writes.

        Parameters
        ----------
        X : as in ``fit``

        y : as in ``fit``, default=None
            Transcripts to look at; None: those that ``predict`` gives.

        Returns
        -------
        list of ndarray of shape (n_labels + 1, T_i)
            Rows sum to one; the last is of the end.

        Raises
        ------
        ValueError
            If the decoder is "ctc", or y has labels that are not known.
        """
        check_is_fitted(self)
        if self._model.target.is_aligned:
            raise ValueError("attention_weights is for decoder='attention', which alone has any.")
        model, sequences, numbers = self._read_both(X, self.predict(X) if y is None else y)
        return learning().transcription.attention(model, sequences, numbers, self._count_threads)

    def step_probabilities(self, X: ArrayLike) -> list[np.ndarray]:
        """What each step of a sequence says by "ctc": how probable each label is there, and none.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        list of ndarray of shape (T_i, n_labels + 1)
            Columns are those of `labels_`, the last is of none; rows sum to one.

        Raises
        ------
        ValueError
            If the decoder is "attention".
        """
        check_is_fitted(self)
        if not self._model.target.is_aligned:
            raise ValueError("step_probabilities is for decoder='ctc', which alone has any.")
        sequences = self._model.schema.read(X, self.n_timesteps)
        with np.errstate(all="ignore"):
            return learning().transcription.step_probabilities(
                self._model, sequences, self._count_threads
            )

    def score(self, X: ArrayLike, y: Sequence, sample_weight: ArrayLike | None = None) -> float:
        """1 less the token error rate: edit distances over the numbers of true labels.

        Parameters
        ----------
        X, y, sample_weight : as in ``fit``

        Returns
        -------
        float
        """
        check_is_fitted(self)
        predicted = self.predict(X)
        forms = Transcripts(len(predicted), self.target_analyzer)
        return 1.0 - token_error_rate(
            forms.read(y), forms.read(predicted), sample_weight=sample_weight
        )

    def _write(self, X, beam_size, n_best):
        """The model, what it has found, and how many labels that might have."""
        check_is_fitted(self)
        validate_parameters(self, ("beam_size", "length_penalty"))  # which fit did not use
        model, limit = self._model, self.max_length_
        sequences = model.schema.read(X, self.n_timesteps)
        most = np.full(len(sequences), limit)
        with np.errstate(all="ignore"):
            given = model, sequences, int(beam_size), n_best, most, self.length_penalty
            found = learning().transcription.write(*given, self._count_threads)
        return model, found, limit

    def _read_both(self, X, y):
        """The model, sequences, and numbers of the labels of each."""
        check_is_fitted(self)
        model = self._model
        sequences = model.schema.read(X, self.n_timesteps)
        given = self._transcripts(sequences, model.target).given(
            y, None, model.schema.dtype, type(self).__name__
        )
        numbers = model.target.encode(given)[:, 0].astype(int)
        ends = np.cumsum(given.lengths)
        spans = zip(ends - given.lengths, ends - 1, strict=True)
        return model, sequences, [numbers[first:last] for first, last in spans]

    def _answers(self, X, sequences, schema):
        return self._transcripts(sequences, TARGETS[self.decoder])

    def _transcripts(self, sequences, target):
        n_steps = sequences.lengths if target.is_aligned else None
        return Transcripts(len(sequences), self.target_analyzer, n_steps)

    def _learn_target(self, given, known, classes, incremental):
        if known is not None:
            return known, known.encode(given)
        if incremental and classes is None:
            raise ValueError(
                "labels=None, but the first call to partial_fit has to name all labels that there"
                " will be."
            )
        return TARGETS[self.decoder].learn(given, float(self.label_smoothing), classes)

    def _remember_target(self, target):
        self.labels_ = target.labels
        self._remember_longest(target)
