"""Constructor parameters: what they may be, and that a refusal says so."""

import re
import runpy
import sys

import joblib
import numpy as np
import pytest
from joblib.parallel import ThreadingBackend
from sklearn import config_context
from sklearn.utils.estimator_checks import check_param_validation

from skrnn import RNNClassifier, RNNRegressor, parameters
from skrnn.parameters import n_threads, validate_parameters

NAN, INF = np.nan, np.inf
ESTIMATORS = [RNNRegressor, RNNClassifier]
BOTH = pytest.mark.parametrize("Estimator", ESTIMATORS)


@BOTH
def test_the_defaults_pass_and_scikit_learns_check_of_parameters(Estimator):
    validate_parameters(Estimator())
    check_param_validation(Estimator.__name__, Estimator())


@BOTH
def test_every_parameter_has_a_constraint(Estimator):
    assert Estimator._parameter_constraints.keys() == Estimator().get_params().keys()


@pytest.mark.parametrize("class_weight", [{0: 1.0}, "balanced"])
def test_class_weight_may_be_a_dict_or_balanced(class_weight):
    validate_parameters(RNNClassifier(class_weight=class_weight))


GOOD_PARAMETERS = [
    {"hidden_layer_sizes": 3},
    {"hidden_layer_sizes": [np.int64(3), 4]},
    {"quantile": 0.1},
    {"quantile": [0.1, np.float32(0.5)]},
    {"n_iter_no_change": INF},
    {"n_iter_no_change": 1},
    {"max_grad_norm": None},
    {"n_jobs": -1},
    {"n_jobs": 2},
    {"dropout": 0},
    {"dtype": "float32"},
    {"n_timesteps": np.int32(4)},
    {"random_state": np.random.RandomState(0)},
    {"alpha": np.float32(0)},
]


@pytest.mark.parametrize("good", GOOD_PARAMETERS, ids=lambda good: next(iter(good)))
def test_good_parameters_pass(good):
    validate_parameters(RNNRegressor(**good))


BAD_PARAMETERS = [
    ({"hidden_layer_sizes": 0}, "an int in the range [1, inf)"),
    ({"hidden_layer_sizes": ()}, "an int in the range [1, inf) or a non-empty tuple or list"),
    ({"hidden_layer_sizes": (4, 0)}, "of such. Got (4, 0) instead."),
    ({"hidden_layer_sizes": [4, 2.5]}, "of such. Got [4, 2.5] instead."),
    ({"hidden_layer_sizes": (True,)}, "of such. Got (True,) instead."),
    ({"hidden_layer_sizes": "64"}, "Got '64' instead."),
    ({"quantile": 1.0}, "a float in the range (0.0, 1.0)"),
    ({"quantile": []}, "or a non-empty tuple or list of such. Got [] instead."),
    ({"quantile": [0.1, 1.5]}, "of such. Got [0.1, 1.5] instead."),
    ({"quantile": [0.1, "q"]}, "of such. Got [0.1, 'q'] instead."),
    ({"n_jobs": 0}, "Got 0 instead."),
    ({"dropout": 1.0}, "in the range [0.0, 1.0). Got 1.0 instead."),
    ({"dtype": "float16"}, "Got 'float16' instead."),
    ({"validation_fraction": 0.0}, "in the range (0.0, 1.0), a str among {'tail'}"),
    ({"validation_fraction": "head"}, "a str among {'tail'} or an object implementing 'split'"),
    ({"max_grad_norm": 0}, "Got 0 instead."),
    ({"alpha": NAN}, "Got nan instead."),
    ({"pooling": "sum"}, "Got 'sum' instead."),
    ({"shuffle": 1}, "Got 1 instead."),
]


@pytest.mark.parametrize(("bad", "message"), BAD_PARAMETERS, ids=str)
def test_bad_parameters_are_refused_in_words_of_what_they_may_be(bad, message):
    beginning = f"The '{next(iter(bad))}' parameter of RNNRegressor must be "
    with pytest.raises(ValueError, match=re.escape(beginning) + ".*" + re.escape(message)):
        validate_parameters(RNNRegressor(**bad))


@BOTH
@pytest.mark.parametrize(
    ("parameter", "value", "allowed", "advice"),
    [
        ("hidden_layer_sizes", True, "a number, or a tuple or list of such", "."),
        ("hidden_layer_sizes", False, "a number, or a tuple or list of such", "."),
        ("linear_path", True, "'auto', an int or None", "; 'auto' is the default."),
        ("linear_path", False, "'auto', an int or None", "; None leaves the linear path out."),
    ],
)
def test_a_boolean_is_no_number(parameter, value, allowed, advice, Estimator):
    message = f"The '{parameter}' parameter of {Estimator.__name__} must be {allowed}, not a "
    told = f"boolean. Got {value} instead{advice}"
    with pytest.raises(ValueError, match=f"^{re.escape(message + told)}$"):
        validate_parameters(Estimator(**{parameter: value}))


def test_parameters_go_unchecked_where_scikit_learn_is_told_so():
    with config_context(skip_parameter_validation=True):
        validate_parameters(RNNRegressor(cell="transformer"))


def test_parameters_go_unchecked_without_sklearns_private_module(monkeypatch):
    monkeypatch.setattr(parameters, "Interval", None)
    validate_parameters(RNNRegressor(cell="transformer"))


def test_import_survives_without_sklearns_private_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.utils._param_validation", None)
    names = runpy.run_path(parameters.__file__)
    assert names["REGRESSOR_CONSTRAINTS"] == names["CLASSIFIER_CONSTRAINTS"] == {}
    names["validate_parameters"](RNNRegressor(cell="transformer"))


class Cluster(ThreadingBackend):
    """A backend that answers with the workers of all machines, as dask's does."""

    def effective_n_jobs(self, n_jobs):
        return 100


@pytest.mark.parametrize("backend", ["loky", "threading", "a cluster"])
def test_threads_are_counted_as_threads_whatever_backend_is_set(backend):
    backend = Cluster() if backend == "a cluster" else backend
    all_of_them = n_threads(-1)
    assert all_of_them == joblib.cpu_count()
    with joblib.parallel_config(backend=backend):
        assert [n_threads(n) for n in (None, 1, 2, -1)] == [1, 1, 2, all_of_them]
    with joblib.parallel_config(backend=backend, n_jobs=3):
        assert n_threads(None) == 3
