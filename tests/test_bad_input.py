"""Bad input through the public API: a clear error, and a fitted model as it was, to the bit."""

import re
import warnings
from functools import partial

import datasets
import numpy as np
import pandas as pd
import pytest
from datasets import objects, put, replaced, state
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

from skrnn import RNNClassifier, RNNRegressor

NAN, INF = np.nan, np.inf
ESTIMATORS = [RNNRegressor, RNNClassifier]
BOTH = pytest.mark.parametrize("Estimator", ESTIMATORS)
CELLS = pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
N = 12


small = partial(datasets.small, hidden_layer_sizes=(3,), max_iter=2, random_state=0)
table = partial(datasets.table, n=N, n_columns=4)
array = partial(datasets.array, n=N, n_timesteps=4, n_features=2)
ragged = partial(datasets.ragged, n=N, lengths=(2, 6))
GOOD = {"table": table, "array": array, "list": ragged}


def target(Estimator, n=N):
    return np.arange(float(n)) if Estimator is RNNRegressor else np.arange(n) % 3


def refuses(call, message, errors=(ValueError, TypeError)):
    """The call fails with an error of exactly these types, in these words, and does not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(errors) as caught:
            call()
    assert isinstance(caught.value, errors)
    for words in [message] if isinstance(message, str) else message:
        assert re.search(words, str(caught.value)), str(caught.value)


def refuses_everywhere(Estimator, X, message, form, **parameters):
    """fit, partial_fit and all kinds of prediction refuse X; a fitted model is as it was."""
    y = target(Estimator)
    empty = isinstance(X, list | np.ndarray) and np.ndim(X[:0]) > 0 and len(X) == 0
    bad_y = y[:0] if empty else y
    classes = {} if Estimator is RNNRegressor else {"classes": [0, 1, 2]}
    new = small(Estimator, **parameters)
    refuses(lambda: new.fit(X, bad_y), message)
    refuses(lambda: new.partial_fit(X, bad_y, **classes), message)
    assert not [name for name in vars(new) if name.endswith("_")]
    fitted = small(Estimator, **parameters).partial_fit(GOOD[form](), y, **classes)
    before = state(fitted)
    methods = ["predict"]
    if Estimator is RNNClassifier:
        methods += ["predict_proba", "predict_log_proba", "decision_function"]
    for method in methods:
        refuses(lambda method=method: getattr(fitted, method)(X), message)
    refuses(lambda: fitted.score(X, bad_y), message)
    refuses(lambda: fitted.fit(X, bad_y), message)
    refuses(lambda: fitted.partial_fit(X, bad_y), message)
    fitted.warm_start = True
    refuses(lambda: fitted.fit(X, bad_y), message)
    fitted.warm_start = False
    assert state(fitted) == before
    if X is not None:
        new = small(Estimator, **parameters)
        refuses(lambda: new.fit(GOOD[form](), y, X_val=X, y_val=y), "X_val")


# --- X ---------------------------------------------------------------------------------------

BAD_X = {
    "inf in a table": ("table", put(table(), (3, 2), INF), ["X contains infinity", "sample 3"]),
    "-inf in a table": ("table", put(table(), (0, 0), -INF), ["infinity", "sample 0, column 0"]),
    "inf beside nan": (
        "array",
        put(put(array(), (5, 3, 1), NAN), (5, 3, 0), INF),
        ["X contains infinity", "sample 5, step 3, feature 0"],
    ),
    "inf in an array": ("array", put(array(), (2, 3, 1), INF), ["sample 2, step 3, feature 1"]),
    "inf in a list": ("list", put(ragged(), (4, 0, 1), INF), ["infinity", "sample 4, step 0"]),
    "an empty sequence in a list": (
        "list",
        replaced(ragged(), 6, np.empty((0, 2))),
        ["Sample 6 of X is empty"],
    ),
    "no samples in a list": ("list", [], ["0 sample", "X"]),
    "no samples in a table": ("table", np.empty((0, 4)), ["0 sample"]),
    "no samples in an array": ("array", np.empty((0, 4, 2)), ["0 sample"]),
    "no columns": ("table", np.empty((N, 0)), ["0 feature|X is empty"]),
    "no steps": ("array", np.empty((N, 0, 2)), ["X is empty"]),
    "no features": ("array", np.empty((N, 4, 0)), ["X is empty"]),
    "another number of features": (
        "list",
        replaced(ragged(), 5, np.ones((3, 1))),
        ["Sample 5 of X has 1 features per step, but sample 0 has 2"],
    ),
    "a sequence of three dimensions": (
        "list",
        replaced(ragged(), 5, np.ones((3, 2, 1))),
        ["Sample 5 of X is not a sequence"],
    ),
    "an array of four dimensions": ("array", np.ones((N, 2, 2, 2)), ["X has 4 dimensions"]),
    "one dimension": ("table", np.ones(N), ["1D array|2D array"]),
    "a number": ("table", np.float64(3.0), ["scalar|array"]),
    "strings": ("table", np.full((N, 4), "a"), ["X is of dtype <U1", "numeric"]),
    "strings in an object table": (
        "table",
        put(table().astype(object), (2, 1), "a"),
        ["X must be numeric", "sample 2, column 1"],
    ),
    "strings in a list": (
        "list",
        replaced(ragged(), 2, np.full((3, 2), "a")),
        ["Sample 2 of X is of dtype"],
    ),
    "a frame with a column of strings": (
        "table",
        pd.DataFrame({"a": np.ones(N), "b": ["x"] * N, "c": 1, "d": 2}),
        ["numeric|convert string"],
    ),
    "complex numbers": ("table", table() + 1j, ["Complex data not supported"]),
    "complex numbers in a list": ("list", replaced(ragged(), 3, ragged()[3] * 1j), ["Sample 3"]),
    "dates": ("table", np.full((N, 4), "2020-01-01", dtype="M8[D]"), ["X is of dtype datetime64"]),
    "sparse": ("table", sparse.coo_array((N, 10**8)), ["Sparse X", "MiB", "toarray"]),
    "a sparse matrix": ("table", sparse.coo_matrix((N, 10**8)), ["Sparse X", "MiB", "toarray"]),
    "objects that are nothing": ("list", objects([object()] * N), ["Sample 0 of X"]),
    "dictionaries": ("list", [{"a": 1}] * N, ["Sample 0 of X"]),
    "some arrays and a string": ("list", replaced(ragged(), 4, "text"), ["ample 4"]),
    "some arrays and None": ("list", replaced(ragged(), 4, None), ["ample 4"]),
    "some arrays and a number": ("list", replaced(ragged(), 4, 1.5), ["ample 4"]),
    "lists of numbers of different lengths": (
        "table",
        [[1.0, 2.0, 3.0, 4.0]] * (N - 1) + [[1.0]],
        ["ample 11 has 1 numbers"],
    ),
    "a masked array": (
        "table",
        np.ma.masked_greater(table(), 1.0),
        ["X is a masked array", "filled"],
    ),
    "a string": ("table", "what is this", ["array|scalar"]),
    "nothing": ("table", None, ["array|NoneType|None"]),
}


@BOTH
@pytest.mark.parametrize("case", BAD_X)
def test_bad_x(case, Estimator):
    form, X, message = BAD_X[case]
    refuses_everywhere(Estimator, X, message, form)


@BOTH
def test_columns_that_n_timesteps_does_not_divide(Estimator):
    y = target(Estimator)
    for n_timesteps in (3, 8):
        model = small(Estimator, n_timesteps=n_timesteps)
        message = f"4 columns, which n_timesteps={n_timesteps} does not divide"
        refuses(lambda model=model: model.fit(table(), y), message)
    refuses(lambda: small(Estimator, n_timesteps=3).fit(array(), y), "4 time steps.*n_timesteps=3")
    bad = put(table(), (3, 2), INF)
    model = small(Estimator, n_timesteps=2)
    refuses(lambda: model.fit(bad, y), ["sample 3, column 2", "step 1, feature 0"])


@BOTH
def test_another_number_of_features_than_in_fit(Estimator):
    y = target(Estimator)
    for form, wrong in [
        ("table", table(n_columns=5)),
        ("table", array()),
        ("array", array()[:, :, :1]),
        ("array", np.ones((N, 4, 3))),
        ("list", [x[:, :1] for x in ragged()]),
        ("list", table()),
    ]:
        model = small(Estimator).fit(GOOD[form](), y)
        before = state(model)
        refuses(lambda model=model, wrong=wrong: model.predict(wrong), "features|columns|steps")
        refuses(
            lambda model=model, wrong=wrong: model.partial_fit(wrong, y), "feature|columns|steps"
        )
        assert state(model) == before


@BOTH
def test_a_table_needs_its_number_of_columns_in_any_form(Estimator):
    model = small(Estimator).fit(table(), target(Estimator))
    refuses(lambda: model.predict([np.ones(4), np.ones(3)]), ["Sample 1 of X has 3 steps"])


@BOTH
def test_names_of_columns_must_agree(Estimator):
    X = pd.DataFrame(table(), columns=list("abcd"))
    model = small(Estimator).fit(X, target(Estimator))
    for wrong in (X[list("dcba")], X.rename(columns={"a": "z"})):
        refuses(lambda wrong=wrong: model.predict(wrong), "feature names")


@BOTH
def test_names_of_mixed_types_are_refused_before_training(Estimator, monkeypatch):
    X = pd.DataFrame(table(), columns=[0, 1, 2, "a"])
    monkeypatch.setattr("skrnn.estimators.recurrent.learning", None)  # all that trains
    for given in (X, [X] * N):
        model = small(Estimator)
        refuses(lambda model=model, given=given: model.fit(given, target(Estimator)), "string")


# --- y ---------------------------------------------------------------------------------------


def refuses_y(Estimator, y, message, **parameters):
    X = table()
    good = np.abs(target(Estimator))
    classes = {} if Estimator is RNNRegressor else {"classes": [0, 1, 2]}
    new = small(Estimator, **parameters)
    refuses(lambda: new.fit(X, y), message)
    assert not [name for name in vars(new) if name.endswith("_")]
    fitted = small(Estimator, **parameters).partial_fit(X, good, **classes)
    before = state(fitted)
    refuses(lambda: fitted.fit(X, y), message)
    assert state(fitted) == before
    refuses(lambda: fitted.fit(X, good, X_val=X, y_val=y), "y_val|X_val")
    assert state(fitted) == before


@BOTH
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(N - 1), "inconsistent numbers of samples"),
        (np.arange(N + 1) % 3, "inconsistent numbers of samples"),
        (np.zeros((N, 2, 2)), "y|dim"),
        (np.array([]), "inconsistent numbers of samples"),
        (None, "y to be passed|target y is None|y.*None"),
        (put(np.arange(float(N)), 4, NAN), ["y contains NaN", "sample 4"]),
        (put(np.arange(float(N)), 4, INF), ["y contains infinity", "sample 4"]),
        (np.arange(N) * 1j, "[Cc]omplex|Unknown label type"),
        ([[1], [1, 2]] * (N // 2), "y"),
    ],
)
def test_bad_y(y, message, Estimator):
    refuses_y(Estimator, y, message)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"] * N, "y.*numeric"),
        (replaced(list(range(N)), 3, "x"), "y"),
        (replaced(list(range(N)), 3, None), ["y contains NaN", "sample 3"]),
        (put(np.zeros((N, 2)), (5, 1), NAN), ["y contains NaN", "sample 5, output 1"]),
    ],
)
def test_bad_y_of_the_regressor(y, message):
    refuses_y(RNNRegressor, y, message)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (put(np.arange(float(N)), 3, -1.0), ["poisson", "non-negative y", "sample 3", "-1"]),
        (np.zeros(N), ["poisson", "positive sum of y"]),
    ],
)
def test_bad_y_for_poisson(y, message):
    refuses_y(RNNRegressor, y, message, loss="poisson")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.linspace(0.1, 0.9, N), "Unknown label type"),
        (["only"] * N, "one class: 'only'"),
        (objects(replaced(["a", "b"] * (N // 2), 3, 1)), ["mixes strings and num", "sample 3"]),
        (replaced(["a", "b"] * (N // 2), 3, None), ["None", "sample 3"]),
        (np.arange(2 * N).reshape(N, 2) % 3, "multiclass-multioutput"),
    ],
)
def test_bad_y_of_the_classifier(y, message):
    refuses_y(RNNClassifier, y, message)


def test_a_first_partial_fit_refuses_y_in_the_words_of_fit():
    for y, message in [
        ([[1], [1, 2]] * (N // 2), "same number of targets, for each sample"),
        ([1] * (N - 1) + [[1]], ["y must have", f"sample {N - 1} is of length 1"]),
        (1, "y must have one target.*a single object of type int"),
        (None, "target y is None"),
        (np.eye(N + 1), "inconsistent numbers of samples"),
    ]:
        for classes in ({}, {"classes": [0, 1, 2]}):
            new = small(RNNClassifier)
            refuses(lambda new=new, y=y, it=classes: new.partial_fit(table(), y, **it), message)
    for y, message in [
        (objects([0, 1] * 3 + [np.arange(2)] * (N - 6)), ["y contains array", "sample 6"]),
        (np.zeros((N, 2, 2), int), ["y must be of shape", rf"\({N}, 2, 2\)"]),
        (np.zeros((N, 0), int), ["y must be of shape", rf"\({N}, 0\)"]),
    ]:
        new = small(RNNClassifier)
        refuses(lambda new=new, y=y: new.partial_fit(table(), y, classes=[0, 1]), message)


def test_validation_data_of_no_weight_are_refused():
    X, y = table(), np.arange(N) % 2
    model = small(RNNClassifier, class_weight={0: 0, 1: 1})
    message = ["X_val has no weight", "sample_weight_val times class_weight is 0"]
    for weights in (None, np.arange(N)[y == 0] + 1.0):
        held_out = {"X_val": X[y == 0], "y_val": y[y == 0], "sample_weight_val": weights}
        refuses(lambda held_out=held_out: model.fit(X, y, **held_out), message)
    held_out = {"X_val": X, "y_val": y, "sample_weight_val": 1.0 - y}
    refuses(lambda: model.fit(X, y, **held_out), message)
    model.fit(X, y, **held_out | {"sample_weight_val": None})
    for Estimator in (RNNRegressor, RNNClassifier):
        held_out["sample_weight_val"] = np.zeros(N)
        refuses(
            lambda Estimator=Estimator: small(Estimator).fit(X, y, **held_out),
            "sample_weight_val are 0",
        )


def test_another_number_of_outputs():
    X, Y = table(), np.arange(2.0 * N).reshape(N, 2)
    model = small(RNNRegressor).fit(X, Y)
    before = state(model)
    refuses(lambda: model.partial_fit(X, Y[:, 0]), "y has 1 outputs.*expecting 2")
    refuses(lambda: model.fit(X, Y, X_val=X, y_val=Y[:, 0]), "y_val has 1 outputs.*expecting 2")
    assert state(model) == before


def test_unseen_classes():
    X, y = table(), np.arange(N) % 3
    model = small(RNNClassifier, warm_start=True).fit(X, y)
    before = state(model)
    for wrong, shown in ((y + 1, "3"), (np.array(list("ab") * (N // 2)), "'a'")):
        message = [f"does not know: {shown}", "sample"]
        refuses(lambda wrong=wrong: model.partial_fit(X, wrong), message)
        refuses(lambda wrong=wrong: model.fit(X, wrong), message)
        refuses(lambda wrong=wrong: model.fit(X, y, X_val=X, y_val=wrong), ["y_val", shown])
    refuses(
        lambda: model.partial_fit(X, np.eye(3, dtype=int)[y]), "the first y has one class for each"
    )
    refuses(
        lambda: model.partial_fit(X, y, classes=[0, 1]), "are not the classes that this model has"
    )
    assert state(model) == before
    new = small(RNNClassifier)
    refuses(lambda: new.partial_fit(X, y), "classes must be passed on the first call")
    refuses(lambda: new.partial_fit(X, y, classes=[0, 1]), "does not know: 2")
    refuses(lambda: new.partial_fit(X, y, classes=[0]), "at least 2 classes")


@pytest.mark.parametrize("y", [np.arange(N) % 3, np.arange(N) % 2 == 0, np.eye(N, 2, dtype=int)])
def test_numbers_in_objects_are_refused_as_labels_in_fit_and_not_by_a_metric(y):
    """scikit-learn's splitters and metrics, which get y itself, do not know them."""
    as_objects = y.astype(object)
    refuses_y(RNNClassifier, as_objects, r"y is of dtype object.*y\.astype\((int|bool)\)")
    new = small(RNNClassifier)
    refuses(lambda: new.partial_fit(table(), as_objects, classes=[0, 1, 2]), "y is of dtype object")
    classes = np.array([0, 1, 2], dtype=object)
    new.partial_fit(table(), np.arange(N) % 3, classes=classes).partial_fit(
        table(), np.arange(N) % 3, classes=classes
    )
    assert new.classes_.tolist() == [0, 1, 2]


def test_objects_that_work_as_targets_work_in_scores_and_folds():
    X, y = table(), np.arange(N) % 3
    for Estimator, as_objects in (
        (RNNClassifier, np.array(["a", "b", "c"], dtype=object)[y]),
        (RNNRegressor, y.astype(object)),
        (RNNRegressor, np.column_stack([y, -y]).astype(object)),
    ):
        model = small(Estimator).fit(X, as_objects)
        assert np.isfinite(model.score(X, as_objects))
        scores = cross_val_score(small(Estimator), X, as_objects, cv=2)
        assert np.isfinite(scores).all()


def test_a_rare_class_that_a_fold_lacks_may_have_a_class_weight():
    X, y = np.tile(table(), (3, 1)), np.arange(3 * N) % 2
    y[0] = 2
    model = small(RNNClassifier, class_weight={0: 1.0, 1: 2.0, 2: 5.0})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        assert np.isfinite(cross_val_score(model, X, y, cv=3, error_score="raise")).all()


# --- weights ---------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(N - 1), r"sample_weight must be of shape \(12,\).*Got shape \(11,\)"),
        (np.ones((N, 2)), "sample_weight"),
        (put(np.ones(N), 4, -1.0), ["Negative values", "sample_weight", "sample 4"]),
        (np.zeros(N), ["[Ss]ample.weight", "0|zero"]),
        (put(np.ones(N), 4, NAN), ["sample_weight contains NaN", "sample 4"]),
        (put(np.ones(N), 4, INF), ["sample_weight contains infinity", "sample 4"]),
        (["a"] * N, "sample_weight"),
        (0.0, ["[Ss]ample.weight"]),
        (np.full(N, 1e308), "sum of sample_weight is too large"),
        (np.ones(N) * 1j, "[Cc]omplex"),
    ],
)
def test_bad_weights(weight, message, Estimator):
    X, y = table(), target(Estimator)
    model = small(Estimator).fit(X, y)
    before = state(model)
    refuses(lambda: model.fit(X, y, weight), message)
    refuses(lambda: model.partial_fit(X, y, weight), message)
    refuses(
        lambda: model.fit(X, y, X_val=X, y_val=y, sample_weight_val=weight),
        "[Ww]eight_val|Sample weights|omplex",
    )
    assert state(model) == before


def test_zero_weights_may_not_leave_one_class():
    X, y = table(), np.arange(N) % 2
    refuses(lambda: small(RNNClassifier).fit(X, y, y.astype(float)), "one class: 1")


@pytest.mark.parametrize(
    "class_weight", [{0: 0, 1: 0, 2: 0}, {0: -1}, {0: NAN}, {0: INF}, {5: 1}, {0: "heavy"}]
)
@pytest.mark.parametrize("multilabel", [False, True])
def test_bad_class_weights(class_weight, multilabel):
    X, y = table(), np.arange(N) % 3
    if multilabel:
        y = np.eye(2, dtype=int)[y % 2]
    model = small(RNNClassifier, class_weight=class_weight)
    refuses(lambda: model.fit(X, y), "class_weight")
    assert not hasattr(model, "classes_")


# --- arguments that do not fit each other ----------------------------------------------------


@BOTH
def test_arguments_that_do_not_fit_each_other(Estimator):
    X, y = table(), target(Estimator)
    model = small(Estimator).fit(X, y)
    before = state(model)
    for arguments, message in [
        ({"X_val": X}, "X_val was passed without y_val"),
        ({"y_val": y}, "y_val was passed without X_val"),
        ({"sample_weight_val": np.ones(N)}, "sample_weight_val was passed without X_val"),
        ({"X_val": table(n_columns=3), "y_val": y}, ["In X_val", "3 features"]),
        ({"X_val": X[:5], "y_val": y}, "inconsistent"),
    ]:
        refuses(lambda arguments=arguments: model.fit(X, y, **arguments), message)
    early = small(Estimator, early_stopping=True)
    refuses(lambda: early.partial_fit(X, y), "early_stopping=True, because it holds no data out")
    refuses(lambda: early.fit(X[:3], y[:3]), "validation|greater|least")
    assert state(model) == before


@BOTH
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("hidden_layer_sizes", ()),
        ("hidden_layer_sizes", (3, 0)),
        ("hidden_layer_sizes", 2.5),
        ("cell", "GRU"),
        ("activation", "identity"),
        ("pooling", "median"),
        ("dropout", 1.0),
        ("n_timesteps", 0),
        ("solver", "rmsprop"),
        ("alpha", -1e-9),
        ("alpha", NAN),
        ("batch_size", 0),
        ("learning_rate", "linear"),
        ("learning_rate_init", 0.0),
        ("max_iter", 0),
        ("random_state", "seed"),
        ("momentum", 1.5),
        ("beta_1", 1.0),
        ("epsilon", 0.0),
        ("validation_fraction", 1.0),
        ("n_iter_no_change", 0),
        ("max_grad_norm", 0.0),
        ("dtype", "float16"),
        ("n_jobs", 0),
        ("standardize", "yes"),
    ],
)
def test_bad_parameters(parameter, value, Estimator):
    X, y = table(), target(Estimator)
    model = small(Estimator).fit(X, y)
    before = model.predict(X)
    model.set_params(**{parameter: value})
    name = f"'{parameter}' parameter of {Estimator.__name__}"
    refuses(lambda: model.fit(X, y), name)
    refuses(lambda: model.set_params(warm_start=True).fit(X, y), name)
    model.set_params(**small(Estimator).get_params())
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("loss", "l2"), ("quantile", 0.0), ("quantile", []), ("quantile", [0.5, 1.0])],
)
def test_bad_parameters_of_the_regressor(parameter, value):
    model = small(RNNRegressor, **{parameter: value})
    refuses(lambda: model.fit(table(), target(RNNRegressor)), f"'{parameter}' parameter")


# --- wild scales: it works, or it says why ---------------------------------------------------


def works_or_says_why(fit, X, reason):
    """Finite predictions, or a ValueError that gives the reason. True if it works."""
    message = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model = fit()
            predicted = model.predict(X)
            proba = model.predict_proba(X) if hasattr(model, "predict_proba") else np.ones(1)
        except ValueError as error:
            message = str(error)
    if message is not None:
        assert re.search(reason, message), message
        return False
    for values in (predicted, proba, *model.coefs_, *model.intercepts_):
        assert np.isfinite(values).all()
    return True


@BOTH
@CELLS
@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("scale", [1e-30, 1e30, 1e100])
def test_wildly_scaled_x_works(scale, make, cell, Estimator):
    X = [x * scale for x in make()] if make is ragged else make() * scale
    model = small(Estimator, cell=cell)
    assert works_or_says_why(lambda: model.fit(X, target(Estimator)), X, "")
    plain = small(Estimator, cell=cell).fit(make(), target(Estimator))
    np.testing.assert_allclose(model.loss_curve_, plain.loss_curve_, rtol=1e-6)


@BOTH
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e154, 1e300])
def test_wildly_scaled_x(scale, standardize, Estimator):
    X = table() * scale
    model = small(Estimator, standardize=standardize)
    works = works_or_says_why(
        lambda: model.fit(X, target(Estimator)),
        X,
        "^X cannot be standardised, because the variance of column 0",
    )
    assert works == (scale < 1e100 or not standardize)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "quantile"])
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e38, 1e39, 1e154, 1e300])
def test_wildly_scaled_y(scale, loss, standardize, dtype):
    model = small(RNNRegressor, loss=loss, standardize=standardize, dtype=dtype)
    y = scale * np.arange(1.0, N + 1)
    too_large = y.max() > np.finfo(dtype).max
    reason = (
        "^y contains a value too large"
        if too_large
        else "^y cannot be standardised, because the variance of its values"
    )
    works = works_or_says_why(lambda: model.fit(table(), y), table(), reason)
    is_scaled = standardize and loss != "poisson"
    assert works == (not too_large and not (is_scaled and scale > 1e100))


FLOAT32_WILD = {
    "large": table() * 1e38,
    "largest": np.where(table() > 0, 3.4e38, -3.4e38),
    "an outlier": put(table(), (0, 0), 3e38),
    "two outliers": put(put(table(), (0, 0), 3e38), (1, 0), -3e38),
    "nearly all the same": put(np.full((N, 4), 3e38), (1, 0), -3e38),
    "smallest": table() * 1e-38,
    "subnormal": table() * 1e-44,
}
FLOAT32_HOLDS_LESS = "or rescale X and y. dtype='float64' holds larger values.$"
TOO_WILD = ("largest", "nearly all the same")  # standardised, they are beyond float32


@BOTH
@pytest.mark.parametrize("form", ["table", "array"])
@pytest.mark.parametrize("case", FLOAT32_WILD)
def test_wild_float32(case, form, Estimator):
    X = FLOAT32_WILD[case].astype(np.float32)
    X = X if form == "table" else X.reshape(N, 2, 2)
    model = small(Estimator)
    works = works_or_says_why(
        lambda: model.fit(X, target(Estimator)),
        X,
        f"^X or y is too large for this net.*{FLOAT32_HOLDS_LESS}",
    )
    assert works == (case not in TOO_WILD)


NOT_FINITE = "^The prediction for sample {} of X is not finite, because the values of"


@BOTH
@CELLS
@pytest.mark.parametrize("linear_path", ["auto", None])
@pytest.mark.parametrize("size", [3e38, 1e300])
def test_prediction_far_from_the_training_data(size, linear_path, cell, Estimator):
    """Squashing units saturate; whatever cannot be computed is not passed off as a prediction."""
    train = (1e-3 * array()).astype("f4" if size < 1e39 else "f8")
    model = small(Estimator, cell=cell, linear_path=linear_path).fit(train, target(Estimator))
    X = (np.sign(array()) * size).astype(train.dtype)
    works = works_or_says_why(lambda: model, X, NOT_FINITE.format("0"))
    # Standardised, 3e38 is infinite in float32; beside a path nothing is read from so far away.
    assert works == (size == 1e300 or linear_path == "auto")


def test_the_first_sample_whose_prediction_is_not_finite_is_named():
    model = small(RNNRegressor, cell="rnn", activation="relu", linear_path=None)
    model.fit(array(), target(RNNRegressor))
    X = array()
    X[[5, 9]] = np.sign(X[8]) * 1e308
    refuses(lambda: model.predict(X), NOT_FINITE.format("5"), errors=ValueError)


@pytest.mark.parametrize(
    ("loss", "size", "linear_path", "works"),
    [
        ("squared_error", 1e3, None, True),
        ("squared_error", 1e100, None, True),
        ("squared_error", 1e308, None, False),
        ("squared_error", 1e308, "auto", True),
        ("poisson", 1e3, None, False),
        ("poisson", 1e308, "auto", True),
    ],
)
def test_prediction_of_a_relu_net_far_from_the_training_data(loss, size, linear_path, works):
    settings = {"cell": "rnn", "activation": "relu", "loss": loss, "linear_path": linear_path}
    model = small(RNNRegressor, **settings)
    model.fit(array(), target(RNNRegressor))
    X = np.sign(array()) * size
    assert works_or_says_why(lambda: model, X, NOT_FINITE.format(r"\d+")) == works


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weight", [1e-300, 1e-50, 1e-5, 1e30, 1e39, 1e300])
def test_wildly_scaled_weights(weight, dtype, Estimator):
    model = small(Estimator, dtype=dtype)
    weights = np.full(N, weight)
    works = works_or_says_why(
        lambda: model.fit(table(), target(Estimator), weights),
        table(),
        "^Input sample_weight contains infinity or a value too large",
    )
    assert works == (weight < float(np.finfo(dtype).max))


def test_validation_data_of_other_lengths_than_a_warm_table():
    X = np.random.RandomState(0).normal(size=(60, 8))
    model = RNNRegressor(4, warm_start=True, max_iter=2, random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"In X_val: Sample 0 of X has 12 steps"):
        model.fit(X[:, :, None], X[:, 0], X_val=np.zeros((2, 12, 1)), y_val=np.zeros(2))


@pytest.mark.parametrize("parameter", ["linear_path", "hidden_layer_sizes"])
def test_booleans_are_no_numbers(parameter):
    X = np.random.RandomState(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter .* not a boolean"):
        RNNRegressor(**{parameter: True}).fit(X, X[:, 0])


def test_class_weight_of_an_indicator_matrix_as_a_dict():
    X = np.random.RandomState(0).normal(size=(20, 3))
    Y = (X[:, :2] > 0).astype(int)
    with pytest.raises(ValueError, match="class_weight must be 'balanced' or None"):
        RNNClassifier(class_weight={0: 1.0}).fit(X, Y)


# --- masks -----------------------------------------------------------------------------------

MASK = np.arange(N) == 4
MASKED = {
    "an array": lambda values: np.ma.array(values, mask=MASK),
    "a list of masked rows": lambda values: [
        np.ma.array([value, value], mask=[False, masked])
        for value, masked in zip(values, MASK, strict=True)
    ],
}


@BOTH
@pytest.mark.parametrize("form", MASKED)
def test_masked_targets_are_refused_and_not_learnt(form, Estimator):
    X, y = table(), np.arange(N) % 2
    refuses_y(Estimator, MASKED[form](y), "y is a masked array with masked values. Leave samples")
    model = small(Estimator).fit(X, y)
    masked = MASKED[form](y)
    refuses(lambda: model.partial_fit(X, masked), "y is a masked array")
    refuses(lambda: model.fit(X, y, X_val=X, y_val=masked), "y_val is a masked array")


@BOTH
def test_masked_weights_are_refused_and_not_counted(Estimator):
    X, y, masked = table(), np.arange(N) % 2, MASKED["an array"](np.ones(N))
    model = small(Estimator).fit(X, y)
    before = state(model)
    message = "sample_weight is a masked array with masked values. Fill missing weights; a weight"
    refuses(lambda: model.fit(X, y, masked), message)
    refuses(lambda: model.partial_fit(X, y, masked), message)
    refuses(
        lambda: model.fit(X, y, X_val=X, y_val=y, sample_weight_val=masked),
        "sample_weight_val is a masked array",
    )
    assert state(model) == before


@BOTH
def test_a_masked_array_without_masked_values_is_an_array(Estimator):
    X, y = table(), np.arange(N) % 2
    plain = small(Estimator).fit(X, y, np.ones(N))
    masked = small(Estimator).fit(np.ma.array(X), np.ma.array(y), np.ma.array(np.ones(N)))
    assert masked.loss_curve_ == plain.loss_curve_


@BOTH
def test_a_masked_row_in_a_sample_of_lists_is_refused(Estimator):
    row = np.ma.array([1.0, 2.0], mask=[False, True])
    X = replaced([[[1.0, 2.0]] * 3] * N, 5, [row, [1.0, 2.0]])
    refuses(lambda: small(Estimator).fit(X, target(Estimator)), "Sample 5 of X is a masked array")
