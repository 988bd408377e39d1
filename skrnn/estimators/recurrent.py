"""What all estimators do alike: the order of a fit, what is remembered of it, pickling.

:class:`Learner` is the order of a fit. A subclass has to say what y is given for, ``_answers`` (or
how it is read, ``_given``), what it means, ``_learn_target``, which fitted attributes remember
that, ``_remember_target``, and which kinds of targets its saved models may have,
``_kinds_of_target``. It may read X in another way (``_read``, ``_read_like``, ``_settled``,
``_as_read``) and fix parameters that its users do not choose (``_parameters``).
:class:`RecurrentEstimator` is what the regressor and the classifier share beside it.
"""

import copy
import inspect
import warnings
from functools import partial
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrnn.callbacks import CallbackSupport
from skrnn.data import tokens
from skrnn.data.checks import naming, require_finite_output
from skrnn.data.examples import Examples, Nothing, Separate, Share, Split
from skrnn.data.reading import row_length
from skrnn.data.schema import Schema
from skrnn.data.sequences import average
from skrnn.data.steps import Samples, Steps
from skrnn.data.weights import representable
from skrnn.estimators.states import HiddenStates
from skrnn.estimators.streams import Streaming
from skrnn.estimators.tasks import tasks_of
from skrnn.loading import learning
from skrnn.parameters import n_threads, refuse_with_steps, validate_parameters


class HeldOut(NamedTuple):
    """Validation data as the user gave them to ``fit``; all None where there are none."""

    X: object = None
    y: object = None
    sample_weight: object = None

    def check(self):
        """Refuse a part that came without the others."""
        if (self.X is None) != (self.y is None):
            given, missing = ("X_val", "y_val") if self.y is None else ("y_val", "X_val")
            raise ValueError(f"{given} was passed without {missing}; pass both or neither.")
        if self.sample_weight is not None and self.X is None:
            raise ValueError("sample_weight_val was passed without X_val and y_val.")


_NO_HELD_OUT = HeldOut()
#: The share of the samples that validation_fraction="tail" holds out.
_TAIL = 0.25


def is_stochastic(estimator):
    """Whether there is a ``partial_fit``."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is for the solvers 'adam' and 'sgd', not for 'lbfgs'.")
    return True


class Learner(CallbackSupport, BaseEstimator):
    """A network whose target a subclass defines: the order of its fit, and what is remembered."""

    #: Whether this is the copy of a search, cross-validation or ensemble, which a fit that ended
    #: early would mislead. So Ctrl-C ends it, and not this fit alone.
    _is_clone = False
    _doc_link_module = "skrnn"
    _doc_link_template = "https://skrnn.readthedocs.io/en/latest/api/skrnn.{estimator_name}.html"

    def _fit(self, X, y, sample_weight, held_out=_NO_HELD_OUT, classes=None, incremental=False):
        validate_parameters(self)
        self._check_combinations(held_out, incremental)
        before = self._model_to_go_on_from(incremental)
        # What is not finite is looked for where it matters, and NumPy need not warn of it before.
        with np.errstate(all="ignore"):
            schema, sequences = self._read(X, before)
            given = self._given(X, y, sample_weight, schema, sequences)
            known = before and before.target
            target, values = self._learn_target(given, known, classes, incremental)
            weights = _class_weighed(values, given.weights, schema, target)
            if before is None:
                of_rows = weights if given.lengths is None else average(weights, given.lengths)
                schema, sequences = self._settled(schema, sequences, of_rows, classes)
            sequences = self._as_read(sequences, given, target)
            examples = Examples.of(sequences, values, weights, given.lengths)
            start = self._start(before, schema, sequences, target, incremental)
            validation = self._validation(held_out, start, examples, incremental)

            fitting = learning().fitting
            n_candidates = fitting.most_candidates(start, validation)
            tasks = self._tasks(X, y, sample_weight, n_candidates, goes_on=before is not None)
            begun = fitting.begin(start, examples, validation)
            is_watched = begun.watched is not None
            circumstances = self._circumstances(
                len(begun.examples), incremental, is_watched, tasks.listeners
            )
            outcome = fitting.fit(begun, circumstances, before)
        self._remember(outcome, goes_on=before is not None)
        tasks.end()
        if outcome.interrupted and self._is_clone:
            raise KeyboardInterrupt
        self._give_advice(outcome)
        return self

    def _check_combinations(self, held_out, incremental):
        if incremental and self.early_stopping != "auto" and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True, because it holds no data out."
                " Set early_stopping='auto' or False."
            )
        self._check_combinations_with_tokens()
        held_out.check()

    def _check_combinations_with_tokens(self):
        """Refuse parameters that say how numbers are read, where X is of tokens."""
        if self.embedding_dim is None:
            return
        declared = self.categorical_features
        of_numbers = {
            "n_timesteps": self.n_timesteps is not None,
            "frame_length": self.frame_length not in ("auto", 1),
            "categorical_features": not (declared is None or isinstance(declared, str)),
        }
        for name, is_set in of_numbers.items():
            if is_set:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for an X of numbers, but with"
                    f" embedding_dim={self.embedding_dim} X holds token ids. Leave {name} at its"
                    " default."
                )

    def _model_to_go_on_from(self, incremental):
        goes_on = incremental or self.warm_start
        return getattr(self, "_model", None) if goes_on else None

    def _read(self, X, before):
        """The schema of X, and its sequences."""
        declared, n_timesteps = self.categorical_features, self.n_timesteps
        if before:
            before.require_kind(self.embedding_dim)
            before.schema.check_declaration(X, declared, self.n_timesteps)
            return before.schema, self._read_like(before.schema, X)
        if self.embedding_dim is not None:
            return Schema.learn_tokens(X, self.dtype, type(self).__name__)
        if self.return_sequences and n_timesteps is None:
            n_timesteps = row_length(X)  # whose columns are steps, not those of a table
        return Schema.learn(
            X,
            n_timesteps=n_timesteps,
            dtype=self.dtype,
            categorical_features=declared,
            estimator_name=type(self).__name__,
        )

    def _read_like(self, schema, X, name="X"):
        """The sequences of another X."""
        return schema.read(X, self.n_timesteps, name=name)

    def _settled(self, schema, sequences, weights, classes):
        """The schema and the sequences once the weights (n,) of samples are known."""
        return schema.settled(sequences, weights)

    def _as_read(self, sequences, given, target):
        """Sequences as the network reads them."""
        return sequences

    def _parameters(self):
        """All that a fit asks for, by name."""
        return vars(self)

    def _given(self, X, y, sample_weight, schema, sequences, of=""):
        """y and the weights, of each sequence or of each step; `of` ends their names."""
        answers = self._answers(X, sequences, schema)
        return answers.given(y, sample_weight, schema.dtype, type(self).__name__, of)

    def _start(self, before, schema, sequences, target, incremental):
        """What the model is made of."""
        seeds = before.seeds if before else _draw_seeds(self.random_state)
        given = self._parameters(), schema, sequences.lengths, target, seeds
        return learning().fitting.start_of(*given, before=before, incremental=incremental)

    def _validation(self, held_out, start, examples, incremental):
        """Which examples are to be watched."""
        if held_out.X is not None:
            return self._read_held_out(held_out, start.schema, start.target)
        if incremental or not self.early_stopping:
            return Nothing()
        fraction = self.validation_fraction
        if not isinstance(fraction, (str, Real)):
            return Split(fraction)
        is_tail = fraction == "tail"
        seed = start.seeds[3] if self.shuffle and not is_tail else None
        fraction = _TAIL if is_tail else fraction
        # A model that is to go on has samples left to watch.
        share = Share(fraction, start.target, seed, is_learnt=not self.warm_start)
        return share if self.early_stopping != "auto" or share.has_enough(examples) else Nothing()

    def _read_held_out(self, held_out, schema, target):
        """Validation data that the user gave, in the terms of the training data."""
        with naming("X_val", usual="X"):
            sequences = self._read_like(schema, held_out.X, "X_val")
        given = self._given(*held_out, schema, sequences, of="_val")
        values = target.encode(given)
        weighed = _class_weighed(values, given.weights, schema, target, "sample_weight_val")
        if not weighed.any():
            raise ValueError(
                "X_val has no weight: sample_weight_val times class_weight is 0 for all of its"
                " samples. Hold out samples of classes that count."
            )
        sequences = self._as_read(sequences, given, target)
        return Separate(Examples.of(sequences, values, weighed, given.lengths))

    def _tasks(self, X, y, sample_weight, n_candidates, goes_on):
        """What callbacks are told of the fit that begins."""
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        data = {"X": X, "y": y, "metadata": metadata}
        return tasks_of(self, data, n_candidates, partial(self._attributes_of, goes_on=goes_on))

    def _attributes_of(self, outcome, goes_on):
        """The fitted attributes of an estimator like this one with such an outcome."""
        twin = copy.copy(self)
        twin._remember(outcome, goes_on)
        fitted = {name: value for name, value in vars(twin).items() if name.endswith("_")}
        return {"_model": twin._model, **fitted}

    def _circumstances(self, n_samples, incremental, is_watched, listeners):
        """How to train."""
        given = self._parameters(), n_samples, incremental, is_watched
        return learning().fitting.Circumstances(
            learning().settings.settings_of(*given),
            incremental,
            listeners,
            n_threads(self.n_jobs),
            _warn,
            partial(print, flush=True) if self.verbose else None,
        )

    def _remember(self, outcome, goes_on):
        """Set all fitted attributes, once nothing can fail any more."""
        model, curves = outcome.model, outcome.curves
        if not goes_on:
            self._remember_columns(model.schema)
        longer = goes_on and hasattr(self, "loss_curve_")
        before = (longer and self.validation_loss_curve_) or []
        scores_before = (longer and self.validation_scores_) or []
        self._model = model
        self._remember_target(model.target)
        self._remember_parts(outcome, goes_on and hasattr(self, "recurrent_share_"))
        self.out_activation_ = model.target.loss.link
        self.n_iter_ = len(curves)
        self.t_ = model.n_samples_seen
        self.frame_length_ = model.architecture.frame_length
        if model.schema.is_of_tokens:
            self.tokens_ = model.schema.tokens
        elif hasattr(self, "tokens_"):
            del self.tokens_
        self.loss_curve_ = (self.loss_curve_ if longer else []) + curves.loss
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.nan
        self.best_loss_ = min(self.loss_curve_, default=np.nan)
        self.validation_loss_curve_ = before + curves.validation_loss or None
        self.validation_scores_ = scores_before + curves.validation_scores or None
        self.best_validation_score_ = max(self.validation_scores_ or (), default=None)
        self.part_curves_ = outcome.parts

    def _remember_parts(self, outcome, goes_on):
        """What the linear path says, and how much is recurrent.

        What goes on has the path that it began with, and its share too where none is found anew.
        """
        if not goes_on:
            self.linear_coef_ = self.linear_intercept_ = self.linear_score_ = None
        if not goes_on and outcome.linear is not None:
            *linear_map, self.linear_score_ = outcome.linear
            if linear_map[0] is not None:
                linear_map = self._form_of(linear_map, outcome.model)
            self.linear_coef_, self.linear_intercept_ = linear_map
        if not goes_on or outcome.share is not None:
            self.recurrent_part_ = outcome.candidate
            self.recurrent_share_ = 1.0 if outcome.share is None else outcome.share

    def _form_of(self, linear_map, model):
        """Coefficients and intercepts as scikit-learn's linear models have them."""
        return linear_map

    def _remember_columns(self, schema):
        self.n_features_in_ = schema.n_columns
        self.n_timesteps_ = schema.length
        columns = [one.column for one in schema.categories]
        self.is_categorical_ = np.isin(np.arange(schema.n_columns), columns) if columns else None
        if schema.names is not None:
            self.feature_names_in_ = np.array(schema.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _give_advice(self, outcome):
        advice = learning().advice
        if not outcome.converged:
            _warn(
                advice.on_no_convergence(self.solver, self.n_iter_, self.tol, outcome.curves.loss)
            )
        elif not self.early_stopping and outcome.curves.overfits():
            _warn(advice.on_overfitting(outcome.curves))

    def _arrays(self, n_dimensions):
        check_is_fitted(self)
        model = self._model  # read once: another thread may fit anew
        views = model.network.views(model.theta)
        views.pop("E", None)  # which `embeddings_` has
        return [array for array in views.values() if array.ndim == n_dimensions]

    @property
    def embeddings_(self):
        """Vectors of the tokens, a view (n_tokens + 1, embedding_dim); last the unknown's."""
        check_is_fitted(self)
        model = self._model
        if not model.schema.is_of_tokens:
            raise AttributeError("embeddings_ is there where embedding_dim is not None in fit.")
        return model.network.table(model.theta)

    @property
    def coefs_(self):
        """Weight matrices, views: W and U of each layer and direction, then the output's V."""
        return self._arrays(2)

    @property
    def intercepts_(self):
        """Bias vectors, views: one of each layer and direction, last the output layer's."""
        return self._arrays(1)

    def __sklearn_clone__(self):
        clone = super().__sklearn_clone__()
        clone._is_clone = True
        return clone

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_model")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True  # made dense, up to a size
        return tags

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "_model" in state:
            state["_model"] = self._model.to_state()
        return state

    def __setstate__(self, state):
        if "_model" in state:
            model = learning().model.Model.from_state(state["_model"], self._kinds_of_target)
            state = {**state, "_model": model}
        super().__setstate__(state)


class RecurrentEstimator(HiddenStates, Streaming, Learner):
    """A recurrent network that has an answer for each sequence, or for each step."""

    def _check_combinations(self, held_out, incremental):
        super()._check_combinations(held_out, incremental)
        refuse_with_steps(self)

    def _answers(self, X, sequences, schema):
        return _answers(X, sequences, schema, self.return_sequences)

    def _predicted(self, X, decode):
        """What ``decode(model, raw)`` makes of the raw predictions of a model, which is read once,
        and what they are of: Samples or Steps. Small probabilities underflow without a warning.
        """
        model = vars(self).get("_model")
        if model is None:  # which scikit-learn takes as long to find out as a small net to predict
            check_is_fitted(self)
        with np.errstate(all="ignore"):  # what is not finite is refused below
            sequences = model.schema.read(X, self.n_timesteps)
            raw = model.raw_predict(sequences, partial(n_threads, self.n_jobs))
            found = decode(model, raw)
        answers = _answers(X, sequences, model.schema, model.architecture.return_sequences)
        require_finite_output(raw, axes=answers.axes)
        return found, answers


def _class_weighed(values, weights, schema, target, name="sample_weight"):
    """Weights of samples times those of their classes, if there are any."""
    weighed = target.weigh(values, weights)
    if weighed is weights:
        return weights
    return representable(weighed, schema.dtype, input_name=name)


def _answers(X, sequences, schema, of_steps):
    """What there is a target of: samples, or the steps of an X that was read as these sequences."""
    if of_steps and schema.is_of_tokens:
        return Steps(sequences.lengths, tokens.row_length(X))
    if of_steps:
        return Steps.of(X, sequences, schema.n_timesteps)
    return Samples(len(sequences))


def _draw_seeds(random_state):
    """Seeds of four streams: start values, order of the data, dropout, validation split."""
    random = check_random_state(random_state)
    return tuple(int(seed) for seed in random.randint(np.iinfo(np.int32).max, size=4))


#: Modules between what warns and the line that called an estimator.
_INSIDE = ("skrnn.", "sklearn.callback.")


def _warn(message):
    """Warn at the line that called an estimator, not at one in here."""
    frame, level = inspect.currentframe(), 1
    while frame.f_back and f"{frame.f_globals.get('__name__', '')}.".startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, ConvergenceWarning, stacklevel=level)
