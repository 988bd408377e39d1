"""Columns that hold categories: which they are, and what the net reads in their place."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from datasets import ARRAY, LIST, outputs, small, state, table, target_for
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import OneHotEncoder

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data import categories

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
N = 40
KINDS = np.array(["red", "green", "blue"])[np.arange(N) % 3]
GRADES = np.arange(N) * 7 % 4
NUMBERS = table(N, 3)
#: The second and the last column are categories.
OBJECTS = np.column_stack([NUMBERS[:, :1].astype(object), KINDS, NUMBERS[:, 1:], GRADES])
NAMES = ["a", "kind", "b", "c", "grade"]
MASK = [False, True, False, False, True]
FRAME = pd.DataFrame(OBJECTS, columns=NAMES).astype(dict.fromkeys("abc", float))
TYPED = FRAME.astype({"kind": "category", "grade": "category"})
#: What they stand for, in the order of their values.
BY_HAND = np.column_stack(
    [
        NUMBERS[:, :1],
        KINDS[:, np.newaxis] == ["blue", "green", "red"],
        NUMBERS[:, 1:],
        GRADES[:, np.newaxis] == np.arange(4),
    ]
).astype(float)


def net(Estimator=RNNRegressor, **parameters):
    return small(Estimator, linear_path=None, standardize=False, **parameters)


def polars_frame():
    cells = {name: FRAME[name].tolist() for name in NAMES}
    frame = pl.DataFrame(cells | {"grade": [str(grade) for grade in GRADES]})
    kinds = pl.Enum(["blue", "green", "red"])
    return frame.with_columns(pl.col("kind").cast(kinds), pl.col("grade").cast(pl.Categorical))


def arrow():
    pyarrow = pytest.importorskip("pyarrow", reason="tables of Arrow need it")
    return pyarrow.Table.from_pandas(TYPED)


def batch():
    pyarrow = pytest.importorskip("pyarrow", reason="batches of Arrow need it")
    return pyarrow.RecordBatch.from_pandas(TYPED)


def arrow_in_pandas():
    pyarrow = pytest.importorskip("pyarrow", reason="columns of Arrow need it")
    kind = pd.ArrowDtype(pyarrow.dictionary(pyarrow.int32(), pyarrow.string()))
    return TYPED.assign(kind=pd.Series(KINDS.tolist(), dtype=kind))


#: X and how its categories are declared.
FORMS = {
    "pandas": lambda: (TYPED, "from_dtype"),
    "polars": lambda: (polars_frame(), "from_dtype"),
    "Arrow": lambda: (arrow(), "from_dtype"),
    "a batch of Arrow": lambda: (batch(), "from_dtype"),
    "Arrow in pandas": lambda: (arrow_in_pandas(), "from_dtype"),
    "mask": lambda: (OBJECTS, MASK),
    "mask of a frame": lambda: (FRAME, np.array(MASK)),
    "indices": lambda: (OBJECTS, [4, 1]),
    "indices of lists": lambda: (OBJECTS.tolist(), np.array([1, 4], dtype=np.uint8)),
    "names": lambda: (FRAME, ["grade", "kind"]),
    "names of polars": lambda: (polars_frame(), np.array(["kind", "grade"])),
    "names as objects": lambda: (FRAME, pd.Index(["kind", "grade"])),
}


@pytest.mark.parametrize("form", FORMS)
@BOTH
def test_each_category_is_an_indicator(form, Estimator):
    """The same bits as when a user makes them."""
    X, declared = FORMS[form]()
    y = target_for(Estimator, NUMBERS)
    expected = outputs(net(Estimator).fit(BY_HAND, y), BY_HAND)
    model = net(Estimator, categorical_features=declared)
    np.testing.assert_array_equal(outputs(model.fit(X, y), X), expected)
    assert model.is_categorical_.tolist() == MASK
    assert model.n_features_in_ == 5
    assert model.frame_length_ == 10
    assert list(getattr(model, "feature_names_in_", NAMES)) == NAMES
    model.fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize("incremental", [False, True])
def test_indicators_of_a_column_spread_as_one_column_of_numbers(incremental):
    model = small(RNNRegressor)
    if incremental:
        model.partial_fit(TYPED[:20], NUMBERS[:20, 0]).partial_fit(TYPED[20:], NUMBERS[20:, 0])
    else:
        model.fit(TYPED, NUMBERS[:, 0])
    places = [0, 1, 1, 1, 2, 3, 4, 4, 4, 4]
    spread = np.sqrt(np.bincount(places, BY_HAND.var(axis=0))[places])
    found = [model._model.scaling] + ([] if incremental else [model._model.path])
    for scaling in found:
        np.testing.assert_allclose(scaling.center[:, 0], BY_HAND.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(scaling.scale[:, 0], spread, rtol=1e-12)


def test_a_column_of_many_categories_that_mean_nothing_does_little_harm():
    random = np.random.default_rng(0)
    X = random.normal(size=(160, 3))
    y = X[:, 0] + 0.5 * random.normal(size=160)
    noise = pd.DataFrame(X).add_prefix("c").assign(k=pd.Categorical(random.integers(0, 50, 160)))
    plain, noisy = (
        cross_val_score(RNNRegressor(random_state=0), one, y, cv=4).mean() for one in (X, noise)
    )
    assert noisy > plain - 0.05, (plain, noisy)


def test_categories_are_those_of_hist_gradient_boosting():
    peer = HistGradientBoostingRegressor(max_iter=1)
    y = NUMBERS[:, 0]
    by_codes = FRAME.assign(kind=GRADES)
    for declared in (MASK, [1, 4], ["grade"], [], None, [False] * 5, "from_dtype"):
        peer.set_params(categorical_features=declared).fit(by_codes, y)
        model = net(categorical_features=declared).fit(by_codes, y)
        np.testing.assert_equal(model.is_categorical_, peer.is_categorical_)
    peer.set_params(categorical_features="from_dtype").fit(TYPED, y)
    np.testing.assert_array_equal(net().fit(TYPED, y).is_categorical_, peer.is_categorical_)


@BOTH
def test_what_is_no_category_is_read_as_ever(Estimator):
    y = target_for(Estimator, NUMBERS)
    expected = outputs(small(Estimator).fit(NUMBERS, y), NUMBERS)
    for declared in (None, [], [False] * 3, "from_dtype"):
        model = small(Estimator, categorical_features=declared).fit(NUMBERS, y)
        np.testing.assert_array_equal(outputs(model, NUMBERS), expected)
        assert model.is_categorical_ is None
        assert model._model.schema.categories == ()
    of_numbers = pd.DataFrame(NUMBERS, columns=list("abc")).assign(kind=pd.Categorical(GRADES))
    plain = small(Estimator, categorical_features=None).fit(of_numbers, y)
    assert plain.is_categorical_ is None


def indicators(X, **parameters):
    """What a net that was fitted on some rows reads of others."""
    given = X["fit"] if isinstance(X, dict) else X
    model = small(RNNRegressor, max_iter=1, **parameters)
    model.fit(given, np.arange(float(len(given))))
    schema = model._model.schema
    later = X["later"] if isinstance(X, dict) else X
    return schema.categories[0].values, schema.read(later).values.reshape(len(later), -1)


def column(cells):
    return pd.DataFrame({"kind": pd.Series(cells, dtype=object)})


@pytest.mark.parametrize("none", [None, np.nan, pd.NA, pd.NaT], ids=str)
def test_a_missing_category_is_one_of_its_own_if_fit_has_seen_it(none):
    X = {"fit": column(["a", none, "b"]), "later": column([none, "b", "new"])}
    values, found = indicators(X, categorical_features=["kind"])
    assert values == ("a", "b")
    np.testing.assert_array_equal(found, [[0, 0, 1], [0, 1, 0], [0, 0, 0]])
    X["fit"] = column(["a", "b", "b"])
    np.testing.assert_array_equal(
        indicators(X, categorical_features=[0])[1], [[0, 0], [0, 1], [0, 0]]
    )
    X["fit"] = column([none, none, none])
    np.testing.assert_array_equal(indicators(X, categorical_features=[0])[1], [[1], [0], [0]])


def test_rare_categories_share_an_indicator_with_unknown_ones(monkeypatch):
    monkeypatch.setattr(categories, "MOST", 2)
    X = {"fit": column(list("abbccc")), "later": column(["a", "b", "c", "new", None])}
    values, found = indicators(X, categorical_features=["kind"])
    assert values == ("b", "c")
    np.testing.assert_array_equal(found, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
    X["fit"] = column([None, *"abbccc"])
    _, found = indicators(X, categorical_features=["kind"])
    np.testing.assert_array_equal(found[3:], [[0, 0, 1, 0], [0, 0, 0, 1]])


@BOTH
def test_weights_are_repetitions_of_categories(Estimator, monkeypatch):
    monkeypatch.setattr(categories, "MOST", 2)
    y, weights = target_for(Estimator, NUMBERS), np.arange(N) % 3
    weights[KINDS == "red"] = 0
    rows = np.repeat(np.arange(N), weights)
    settings = {"shuffle": False, "batch_size": 1000, "max_iter": 2}
    weighted = small(Estimator, **settings).fit(TYPED, y, sample_weight=weights)
    repeated = small(Estimator, **settings).fit(TYPED.iloc[rows], y[rows])
    scaled = small(Estimator, **settings).fit(TYPED, y, sample_weight=weights * 0.001)
    found = weighted._model.schema.categories
    assert found == repeated._model.schema.categories == scaled._model.schema.categories
    assert found[0].values == ("blue", "green")
    assert not found[0].others
    assert found[1].others
    np.testing.assert_allclose(outputs(weighted, TYPED), outputs(repeated, TYPED), rtol=1e-9)


def test_no_weight_of_a_class_is_none_of_its_categories():
    kinds = column(np.where(np.arange(N) % 4 == 0, "only here", KINDS))
    y = np.arange(N) % 4
    weight = {0: 0.0, 1: 1.0, 2: 1.0, 3: 1.0}
    model = small(RNNClassifier, class_weight=weight, categorical_features=[0]).fit(kinds, y)
    assert model._model.schema.categories[0].values == ("blue", "green", "red")


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([True, False, True], (0, 1)),
        ([1, 1.0, True], (1,)),
        ([0.0, -0.0, 0], (0,)),
        ([1.5, np.float32(2.0), np.int8(-3)], (-3, 1.5, 2)),
        ([2**70, 10**400, 1], (1, 2**70, 10**400)),
        (["b", "", "a b"], ("", "a b", "b")),
        (list(pd.cut([1.0, 2.0, 3.0], 2)), ("(0.998, 2.0]", "(2.0, 3.0]")),
        (list(pd.to_datetime(["2020-01-02"] * 3)), ("2020-01-02 00:00:00",)),
    ],
    ids=str,
)
def test_categories_are_kept_as_plain_text_and_numbers(cells, values):
    X = pd.DataFrame({"kind": pd.Series(pd.Categorical(cells))})
    found, read = indicators(X, categorical_features=[0])
    assert found == values
    assert {type(value) for value in found} <= {str, int, float}
    np.testing.assert_array_equal(read.sum(axis=1), 1.0)


def test_numbers_of_an_array_may_be_categories():
    for dtype in ("uint8", "int64", "float32", "float64", "bool"):
        X = (np.arange(12).reshape(6, 2) % 3).astype(dtype)
        values, found = indicators(X, categorical_features=[0])
        assert values == ((0, 1) if dtype == "bool" else (0, 1, 2))
        np.testing.assert_array_equal(found[:, :-1], X[:, :1] == np.array(values))
        np.testing.assert_array_equal(found[:, -1], X[:, 1])
        assert found.dtype == ("float32" if dtype == "float32" else "float64")


def test_the_table_of_the_user_is_not_touched():
    X, lists, frame = OBJECTS.copy(), OBJECTS.tolist(), TYPED.copy()
    for given, declared in ((X, [1, 4]), (lists, [1, 4]), (frame, "from_dtype")):
        net(categorical_features=declared).fit(given, NUMBERS[:, 0]).predict(given)
    assert (X == OBJECTS).all()
    assert lists == OBJECTS.tolist()
    pd.testing.assert_frame_equal(frame, TYPED)


def test_folds_that_lack_categories():
    X = TYPED.assign(rare=pd.Categorical(np.arange(N) // 5))
    y = NUMBERS[:, 0] + (KINDS == "red")
    assert cross_val_score(RNNRegressor(random_state=0), X, y, cv=4).mean() > 0.8


def test_a_default_net_learns_as_well_as_from_an_encoder():
    y = NUMBERS[:, 0] * np.where(KINDS == "red", 2.0, 0.5) + GRADES
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind", "grade"]), remainder="passthrough"
    )
    by_hand = encode.fit_transform(FRAME)
    scores = [
        RNNRegressor(random_state=0).fit(X, y).score(X, y) for X in (TYPED, by_hand, polars_frame())
    ]
    assert min(scores) > 0.9
    assert abs(scores[0] - scores[1]) < 0.05


# --- going on ----------------------------------------------------------------------------------


def test_training_goes_on_with_the_categories_it_began_with():
    y = NUMBERS[:, 0]
    model = small(RNNRegressor, warm_start=True).fit(TYPED, y)
    later = TYPED.assign(kind=pd.Categorical(["new"] * N))
    before = model._model.schema
    assert model.fit(later, y).fit(FRAME, y)._model.schema == before
    model.set_params(categorical_features=[1, 4]).fit(later, y)
    earlier = state(model)
    for other in ([1], None, ["kind"], [False] * 5):
        model.set_params(categorical_features=other)
        with pytest.raises(ValueError, match=r"in the columns \[1, 4\], .*categorical_features="):
            model.fit(TYPED, y)
    assert state(model.set_params(categorical_features=[1, 4])) == earlier


def test_partial_fit_learns_the_categories_of_its_first_rows():
    model = small(RNNRegressor).partial_fit(TYPED[:2], NUMBERS[:2, 0])
    model.partial_fit(TYPED[2:], NUMBERS[2:, 0])
    assert model._model.schema.categories[0].values == ("green", "red")
    assert np.isfinite(model.predict(TYPED)).all()


# --- errors --------------------------------------------------------------------------------------


def refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("X", "declared", "message"),
    [
        (FRAME, [True], "mask of 1 entries, but X has 5 columns"),
        (FRAME, [True] * 6, "mask of 6 entries, but X has 5 columns"),
        (FRAME, [1, 5], r"index 5, but X has 5 columns: an index is in \[0, 4\]"),
        (FRAME, [-1], "index -1, but X has 5 columns"),
        (FRAME, ["kind", "size"], r"name 'size', which no column of X has. Their names are \['a'"),
        (OBJECTS, ["kind"], "has names, but the columns of X have none. .* indices, or a boolean"),
        (pd.DataFrame(OBJECTS), ["1"], "has names, but the columns of X have none"),
        (FRAME, [1.0], r"array-like of indices or names of columns. Got \[1.0\]"),
        (FRAME, ["kind", 4], "array-like of indices or names"),
        (FRAME, [[1, 4]], "array-like of indices or names"),
        (FRAME, [None], "array-like of indices or names"),
        (FRAME, "kind", "'categorical_features' parameter of .*'from_dtype'.* Got 'kind'"),
        (FRAME, 1, "'categorical_features' parameter of .*'from_dtype'.* Got 1"),
        (FRAME, "from_dtype", r"'red' \(sample 0, column 1 \('kind'\)\)\. .*type category.*OneHot"),
        (TYPED, ["grade"], r"'red' \(sample 0, column 1 \('kind'\)\)\. .*type category.*OneHot"),
        (TYPED, None, r"'red' \(sample 0, column 1 \('kind'\)\)\. .*type category.*OneHotEncoder"),
        (
            OBJECTS,
            [4],
            r"'red' \(sample 0, column 1\)\. .*categorical_features; or .*OneHotEncoder",
        ),
        (ARRAY, [0], r"categorical_features=\[0\], but only a table .* X is of shape \(2, 4, 3\)"),
        (LIST, [0], "but only a table .* one array for each sample. .*OneHotEncoder"),
        ([TYPED, TYPED], "from_dtype", r"categories in column 1 \('kind'\), but only a table"),
        (sparse.csr_matrix(NUMBERS), [0], r"sparse X cannot have categories. Pass X.toarray\(\)"),
        (np.ma.masked_array(NUMBERS, NUMBERS > 2), [0], "masked array with masked values"),
        (column(["a", 1, 2]), [0], r"mixes text .* column 0 \('kind'\): .*1 in sample 1.* Make"),
        (column([1, 2, np.inf]), [0], r"infinity: sample 2, column 0 \('kind'\), among categories"),
        (column([["a"], ["b"]]), [0], "only a table .* one array for each sample"),
        (FRAME.assign(kind=[{}] * N), [1, 4], "must be text or numbers: .*unhashable"),
        (TYPED.assign(b=np.inf), "from_dtype", r"infinity.*sample 0, column 2 \('b'\)"),
        (TYPED[:0], "from_dtype", "0 sample"),
        (TYPED.iloc[:, 0], [0], r"only a table .* X is of shape \(40,\)"),
    ],
    ids=lambda value: None if isinstance(value, (pd.DataFrame, np.ndarray)) else str(value)[:40],
)
@BOTH
def test_bad_categories(X, declared, message, Estimator):
    model = net(Estimator, categorical_features=declared)
    y = np.arange(np.shape(X)[0] if hasattr(X, "shape") else len(X)) % 2
    refused(lambda: model.fit(X, y), message)
    assert not hasattr(model, "n_features_in_")


@BOTH
def test_flat_rows_have_no_categories(Estimator):
    y = target_for(Estimator, NUMBERS)
    for X, declared in ((TYPED, "from_dtype"), (TYPED, ["kind"]), (OBJECTS, MASK)):
        model = net(Estimator, n_timesteps=5, categorical_features=declared)
        found = refused(lambda m=model, X=X: m.fit(X, y), r"n_timesteps=5\..*OneHotEncoder")
        assert "kind" in found or "True" in found
    flat = net(Estimator, n_timesteps=3).fit(NUMBERS, y)
    assert flat.is_categorical_ is None


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (TYPED.assign(kind=GRADES), r"X holds 0 in sample 0, column 1 \('kind'\), .*text, such as"),
        (TYPED.assign(grade="a"), r"holds 'a' in sample 0, column 4 \('grade'\), .*numbers, such"),
        (TYPED.assign(grade=np.inf), r"infinity: sample 0, column 4 \('grade'\)"),
        (TYPED.assign(b="a"), r"'a' \(sample 0, column 2 \('b'\)\)"),
        (TYPED[NAMES[::-1]], "feature names should match"),
        (TYPED.iloc[:, :4], "(?s)feature names should match.*missing.*grade"),
        (OBJECTS[:, :4], "X has 4 features, but RNN.* is expecting 5 features"),
        (np.zeros((3, 5)), r"X holds 0.0 in sample 0, column 1 \('kind'\), .*not their codes"),
        (np.zeros((3, 5, 1)), "was fitted on a table with categories. .* 5 columns"),
        (list(np.zeros((3, 5, 1))), "was fitted on a table with categories. .* 5 columns"),
        (TYPED[:0], "0 sample"),
        (TYPED.iloc[0], "fitted on a table|Expected|1D|1 dimension"),
        (sparse.csr_matrix(np.zeros((3, 5))), "sparse X cannot have categories"),
    ],
    ids=range(13),
)
@pytest.mark.filterwarnings("ignore:X(_val)? does not have valid feature names")
@BOTH
def test_bad_categories_after_fit(X, message, Estimator):
    model = net(Estimator).fit(TYPED, target_for(Estimator, NUMBERS))
    before = state(model)
    refused(lambda: model.predict(X), message)
    y = target_for(Estimator, NUMBERS)
    found = refused(lambda: model.fit(TYPED, y, X_val=X, y_val=y), "^In X_val: ")
    assert re.search(message, found)
    assert state(model) == before


def test_columns_without_names_are_told_of_once():
    model = net().fit(TYPED, GRADES)
    with pytest.warns(UserWarning, match="X does not have valid feature names") as warned:
        model.predict(TYPED.to_numpy())
    assert len(warned) == 1


def test_complex_numbers_are_refused_by_the_name_of_their_column():
    refused(lambda: net().fit(FRAME.assign(b=1j), GRADES), "Complex data not .* in column 'b'")


def mixed(n=40):
    """A frame with a category, a column with gaps, and one without; the codes of the category."""
    codes, numbers = np.arange(n) % 3, table(n, 2)
    numbers[::5, 0] = np.nan
    frame = pd.DataFrame(numbers, columns=["gappy", "full"])
    frame.insert(0, "kind", pd.Categorical.from_codes(codes, list("abc")))
    return frame, codes


def test_gaps_stand_beside_categories():
    """As in an array of the same indicators; coefficients for each column there are none."""
    X, codes = mixed()
    y = target_for(RNNRegressor, table(40, 2))
    by_hand = np.column_stack([np.eye(3)[codes], X[["gappy", "full"]]])
    settings = {"standardize": False, "linear_path": None}
    model = small(RNNRegressor, **settings).fit(X, y)
    twin = small(RNNRegressor, **settings).fit(by_hand, y)
    np.testing.assert_array_equal(model.predict(X), twin.predict(by_hand))
    unseen = X.assign(full=np.nan), np.column_stack([by_hand[:, :4], np.full(40, np.nan)])
    np.testing.assert_array_equal(model.predict(unseen[0]), twin.predict(unseen[1]))
    beside = small(RNNRegressor).fit(X, y)
    assert beside.linear_coef_ is None
    assert beside.linear_intercept_ is None
    assert beside.linear_score_ <= 1.0


def test_a_column_behind_categories_and_marks_is_named():
    X, _ = mixed()
    X["full"] = np.where(np.arange(40) % 2, 1e300, -1e300)
    with pytest.raises(ValueError, match=r"variance of column 2 \('full'\) is too large"):
        small(RNNRegressor).fit(X, np.arange(40.0))


def test_of_equally_frequent_categories_the_first_have_an_indicator():
    weights = np.tile([2.0, 1.0], 200)
    found, _ = categories.Categories(0, tuple(range(400)), False, False).settled(weights)
    assert found.values == tuple(sorted([*range(0, 400, 2), *range(1, 110, 2)]))


def test_no_value_has_an_indicator_where_samples_that_count_have_none():
    given = categories.Categories(0, ("a", "b"), False, True)
    found, places = given.settled(np.array([1.0, 1.0, 0.0]))
    assert (found.missing, places[-1]) == (False, -1)
    found, places = given.settled(np.array([1.0, 1.0, 0.5]))
    assert (found.missing, places[-1]) == (True, 2)
