"""What the estimators' constructor parameters may be, and how many threads `n_jobs` stands for.

The one file that knowingly uses private scikit-learn code: its parameter validation is what gives
users the messages they know, and there is no public way to it. Should a release move it, skrnn
imports as before and parameter values go unchecked.
"""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from joblib import effective_n_jobs, parallel_config
from sklearn import get_config

from skrnn import choices, losses

try:
    from sklearn.utils._param_validation import (
        HasMethods,
        Interval,
        InvalidParameterError,
        Options,
        RealNotInt,
        StrOptions,
        validate_parameter_constraints,
    )
except ImportError:
    Interval = None


def _common_constraints():
    positive_int = Interval(Integral, 1, None, closed="left")
    return {
        "hidden_layer_sizes": [positive_int, tuple, list, np.ndarray],
        "cell": [StrOptions(set(choices.CELLS))],
        "activation": [StrOptions(set(choices.ACTIVATIONS))],
        "bidirectional": ["boolean"],
        "pooling": [StrOptions(set(choices.POOLINGS))],
        "return_sequences": ["boolean"],
        "n_timesteps": [positive_int, None],
        "frame_length": [StrOptions({"auto"}), positive_int],
        "embedding_dim": [positive_int, None],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "linear_path": [StrOptions({"auto"}), positive_int, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        **_constraints_of_training(positive_int),
        # data and machine
        "standardize": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
        # Two intervals, because joblib gives every integer but 0 a meaning.
        "n_jobs": [positive_int, Interval(Integral, None, -1, closed="right"), None],
    }


def _constraints_of_training(positive_int):
    positive = Interval(Real, 0, None, closed="neither")
    non_negative = Interval(Real, 0, None, closed="left")
    return {
        "solver": [StrOptions({"adam", "sgd", "lbfgs"})],
        "alpha": [non_negative],
        "batch_size": [StrOptions({"auto"}), positive_int],
        "learning_rate": [
            StrOptions({"constant", "invscaling", "adaptive", "cosine", "one_cycle"})
        ],
        "learning_rate_init": [positive],
        "power_t": [non_negative],
        "max_iter": [positive_int, None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [non_negative],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [positive],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [
            Interval(Real, 0, 1, closed="neither"),
            StrOptions({"tail"}),
            HasMethods(["split", "get_n_splits"]),
        ],
        "n_iter_no_change": [StrOptions({"auto"}), positive_int, Options(Real, {np.inf})],
        "max_grad_norm": [positive, None],
    }


def _regressor_constraints():
    return {
        **_common_constraints(),
        "loss": [StrOptions(set(losses.REGRESSION))],
        "quantile": [Interval(Real, 0, 1, closed="neither"), tuple, list, np.ndarray],
    }


def _classifier_constraints():
    return {**_common_constraints(), "class_weight": [StrOptions({"balanced"}), dict, None]}


#: What other estimators than the regressor and the classifier do not let users choose.
OF_ANSWERS = ("pooling", "return_sequences", "frame_length", "categorical_features", "linear_path")


def _without(names):
    """The common constraints but for some."""
    return {name: kept for name, kept in _common_constraints().items() if name not in names}


def _translator_constraints():
    positive_int = Interval(Integral, 1, None, closed="left")
    return {
        **_without(OF_ANSWERS),
        "decoder": [StrOptions({"attention", "ctc"})],
        "target_analyzer": [StrOptions({"char", "word"}), None],
        "target_embedding_dim": [positive_int],
        "beam_size": [positive_int],
        "max_length": [StrOptions({"auto"}), positive_int],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }


def _generator_constraints():
    positive_int = Interval(Integral, 1, None, closed="left")
    return {
        **_without((*OF_ANSWERS, "bidirectional")),
        "n_components": [positive_int],
        "max_length": [StrOptions({"auto"}), positive_int],
    }


def _vectorizer_constraints():
    """As CountVectorizer's, where it has the parameter."""
    positive_int = Interval(Integral, 1, None, closed="left")
    frequency = [Interval(RealNotInt, 0, 1, closed="both"), positive_int]
    return {
        "input": [StrOptions({"filename", "file", "content"})],
        "encoding": [str],
        "decode_error": [StrOptions({"strict", "ignore", "replace"})],
        "strip_accents": [StrOptions({"ascii", "unicode"}), None, callable],
        "lowercase": ["boolean"],
        "preprocessor": [callable, None],
        "tokenizer": [callable, None],
        "stop_words": [StrOptions({"english"}), list, None],
        "token_pattern": [str, None],
        "analyzer": [StrOptions({"word", "char"}), callable],
        "max_df": frequency,
        "min_df": frequency,
        "max_features": [positive_int, None],
        "vocabulary": [Mapping, HasMethods("__iter__"), None],
        "max_length": [positive_int, None],
        "truncate": [StrOptions({"end", "start"})],
    }


REGRESSOR_CONSTRAINTS = {} if Interval is None else _regressor_constraints()
CLASSIFIER_CONSTRAINTS = {} if Interval is None else _classifier_constraints()
TRANSLATOR_CONSTRAINTS = {} if Interval is None else _translator_constraints()
GENERATOR_CONSTRAINTS = {} if Interval is None else _generator_constraints()
VECTORIZER_CONSTRAINTS = {} if Interval is None else _vectorizer_constraints()


class _Words(NamedTuple):
    """What a parameter may be, and what to pass instead of True or of False."""

    allowed: str
    of_true: str = ""
    of_false: str = ""


_NO_BOOLEANS = {
    "hidden_layer_sizes": _Words("a number, or a tuple or list of such"),
    "embedding_dim": _Words("an int or None"),
    "linear_path": _Words(
        "'auto', an int or None",
        of_true="; 'auto' is the default",
        of_false="; None leaves the linear path out",
    ),
}


def validate_parameters(estimator, names=None):
    """Refuse wrong values of an estimator's constructor parameters.

    Parameters
    ----------
    estimator : estimator
        Its ``_parameter_constraints`` says what each parameter may be.
    names : tuple of str, optional
        Of the parameters to look at; None: of all.

    Raises
    ------
    sklearn.utils._param_validation.InvalidParameterError
        A ValueError and TypeError that names the parameter, what it may be and what it is.
    """
    if Interval is None or get_config()["skip_parameter_validation"]:
        return
    parameters, name = estimator.get_params(deep=False), type(estimator).__name__
    if names is not None:
        parameters = {one: parameters[one] for one in names}
    constraints = estimator._parameter_constraints
    _refuse_booleans(parameters, name)
    validate_parameter_constraints(constraints, parameters, caller_name=name)
    # scikit-learn's constraints do not look into a tuple or list; each item has to be what a
    # single value may be, the first constraint.
    for parameter in ("hidden_layer_sizes", "quantile"):
        value = parameters.get(parameter)
        if isinstance(value, (tuple, list, np.ndarray)):
            _validate_items(value, constraints[parameter][0], parameter, name)


def refuse_with_steps(estimator):
    """Refuse parameters that have no meaning where there is a target for each step."""
    if not estimator.return_sequences:
        return
    if estimator.pooling != choices.DEFAULT_POOLING:
        raise ValueError(
            f"pooling={estimator.pooling!r} has no meaning with return_sequences=True, which"
            f" predicts at each step. Leave pooling={choices.DEFAULT_POOLING!r}, its default."
        )
    if estimator.frame_length not in ("auto", 1):
        raise ValueError(
            f"frame_length={estimator.frame_length!r} and return_sequences=True do not go"
            " together, because each observation has a target of its own. Leave frame_length="
            "'auto', its default, or set it to 1."
        )


def _refuse_booleans(parameters, estimator_name):
    """Refuse True and False, ints to Python, where a number is wanted."""
    for parameter, words in _NO_BOOLEANS.items():
        value = parameters.get(parameter)
        if isinstance(value, bool):
            raise InvalidParameterError(
                f"The {parameter!r} parameter of {estimator_name} must be {words.allowed}, not a"
                f" boolean. Got {value!r} instead{words.of_true if value else words.of_false}."
            )


def _validate_items(items, constraint, parameter, estimator_name):
    fits = [constraint.is_satisfied_by(one) and not isinstance(one, bool) for one in items]
    if not fits or not all(fits):
        raise InvalidParameterError(
            f"The {parameter!r} parameter of {estimator_name} must be {constraint} or a"
            f" non-empty tuple or list of such. Got {items!r} instead."
        )


def n_threads(n_jobs):
    """Threads that `n_jobs` stands for: joblib's count of threads, whatever backend is set.

    Other backends count what is not ours to start. On a cluster, dask's answers with the workers of
    all machines, in a fit on one of them too; that of processes answers with one, and a warning,
    in a process that may not start others.
    """
    with parallel_config(backend="threading"):
        return effective_n_jobs(n_jobs)
