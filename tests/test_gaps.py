"""Missing values: how gaps are filled and marked, and that nothing else notices."""

import pickle
import warnings
from dataclasses import replace

import building
import numpy as np
import pandas as pd
import pytest
import reference
from datasets import array, gappy, numbers, outputs, ragged, small, table, target_for

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data import gaps, scaling
from skrnn.data.copies import find
from skrnn.data.sequences import Sequences
from skrnn.kernels import timeline
from skrnn.linear import path as linear_path
from skrnn.network.inputs import sequence_data

NAN, INF = np.nan, np.inf
BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
#: Of each form an X without gaps, and what else the estimator has to know.
FORMS = {
    "table": (table, {}),
    "flat": (lambda: array().reshape(40, -1), {"n_timesteps": 3}),
    "array": (array, {}),
    "list": (ragged, {}),
}
EACH_FORM = pytest.mark.parametrize("form", FORMS)


def sequences_of(*arrays, dtype=float):
    arrays = [np.array(one, dtype) for one in arrays]
    return Sequences.from_list([one.reshape(len(one), -1) for one in arrays], dtype)


def with_holes(sequences):
    return Sequences(sequences.values, sequences.starts, sequences.lengths, has_gaps=True)


def fitted(form, Estimator=RNNRegressor, **parameters):
    """A net, its X with gaps, and its y."""
    make, settings = FORMS[form]
    X, y = gappy(make()), target_for(Estimator, make())
    return small(Estimator, **settings | parameters).fit(X, y), X, y


def rows_of(X, rows):
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


# --- filled and marked -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_series_carries_its_last_value_forward_and_says_since_when(dtype):
    sequences = with_holes(sequences_of([NAN, 1, NAN, NAN, 2], [NAN, NAN], [3, NAN], dtype=dtype))
    found = gaps.marked(sequences, gaps.with_gaps(sequences, False), False)
    missing, since, value = found.values.T
    assert found.values.dtype == dtype
    assert (found.n_marks, found.lengths.tolist()) == (2, [5, 2, 2])
    assert found.take([1]).n_marks == 2
    np.testing.assert_array_equal(missing, [1, 0, 1, 1, 0, 1, 1, 0, 1])
    np.testing.assert_allclose(np.expm1(since), [1, 0, 1, 2, 0, 1, 2, 0, 1], rtol=1e-6)
    np.testing.assert_array_equal(value, [NAN, 1, 1, 1, 2, NAN, NAN, 3, 3])


@pytest.mark.parametrize("marks", [(), (1,), (0, 1, 2)])
def test_series_are_filled_and_marked_as_the_mathematics_says(marks):
    arrays = gappy(ragged(20, n_features=3), 0.5)
    found = gaps.marked(with_holes(sequences_of(*arrays)).take(np.arange(3, 17)), marks, False)
    expected = [reference.marked(x, marks) for x in arrays[3:17]]
    np.testing.assert_allclose(found.steps(), np.concatenate(expected), rtol=1e-15)
    np.testing.assert_array_equal(found.lengths, [len(x) for x in arrays[3:17]])


def test_only_features_with_gaps_in_fit_are_marked_but_all_are_filled():
    steps = [[1, 2, NAN], [NAN, 3, 4], [5, NAN, NAN]]
    sequences = with_holes(sequences_of(steps))
    assert gaps.with_gaps(sequences, False) == (0, 1, 2)
    found = gaps.marked(sequences, (2,), False)
    expected = [[1, np.log(2), 1, 2, NAN], [0, 0, 1, 3, 4], [1, np.log(2), 5, 3, 4]]
    np.testing.assert_allclose(found.values, expected)


def test_a_table_has_a_column_for_each_column_with_gaps():
    rows = np.array([[1, NAN, 3], [4, 5, 6], [NAN, NAN, NAN]])
    sequences = with_holes(Sequences.from_array(rows[:2, :, np.newaxis]))
    assert gaps.with_gaps(sequences, True) == (1,)
    found = gaps.marked(with_holes(Sequences.from_array(rows[:, :, np.newaxis])), (1,), True)
    expected = [[1, 1, NAN, 3], [0, 4, 5, 6], [1, NAN, NAN, NAN]]
    np.testing.assert_array_equal(found.steps().reshape(3, 4), expected)
    assert found.n_marks == 1


def test_without_gaps_nothing_is_done():
    for per_step in (False, True):
        sequences = Sequences.from_array(table()[:, :, np.newaxis])
        assert gaps.with_gaps(sequences, per_step) == ()
        assert gaps.marked(sequences, (), per_step) is sequences


def test_steps_of_others_and_padding_are_not_looked_at():
    values = np.array([[NAN], [1.0], [2.0], [NAN]])
    some = Sequences(values, np.array([1]), np.array([2]), has_gaps=True)
    assert gaps.with_gaps(some, False) == ()
    np.testing.assert_array_equal(gaps.marked(some, (0,), False).values, [[0, 0, 1], [0, 0, 2]])


# --- scales, the network's and the path's inputs, copies -----------------------------------------


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_scales_are_of_what_was_observed(per_step, chunk, monkeypatch):
    monkeypatch.setattr(scaling, "_CHUNK", chunk)
    X, weights = gappy(array(30)), np.random.RandomState(0).uniform(0.5, 2.0, 30)
    X[:, 0, 0] = NAN
    origins = np.arange(X.shape[1]) if per_step else None
    found = scaling.sequence_scaling(with_holes(Sequences.from_array(X)), weights, origins)
    columns = X.reshape(30, -1) if per_step else X.reshape(-1, X.shape[2])
    w = weights if per_step else np.repeat(weights, X.shape[1])
    for column, mean, scale in zip(columns.T, found[0].ravel(), found[1].ravel(), strict=True):
        there = ~np.isnan(column)
        if not there.any():
            assert mean == 0.0
            assert scale >= 1e100
            continue
        average = np.average(column[there], weights=w[there])
        spread = np.average((column[there] - average) ** 2, weights=w[there]) ** 0.5
        np.testing.assert_allclose([mean, scale], [average, spread], rtol=1e-12)


@EACH_FORM
def test_marks_are_centred_but_not_standardised(form):
    model, X, _ = fitted(form)
    scaling, n_marks = model._model.scaling, 6 if form == "table" else 4
    if form == "table":
        n_marks = int(np.isnan(X).any(axis=0).sum())
        share = np.isnan(X).mean(axis=0)[np.isnan(X).any(axis=0)]
        np.testing.assert_allclose(scaling.center.ravel()[:n_marks], share)
    expected = 3.0 if form == "table" else 1.0
    for scale in (scaling.scale, model._model.path.scale):
        np.testing.assert_array_equal(scale.ravel()[:n_marks], expected)
        assert (scale.ravel()[n_marks:] != expected).all()


@pytest.mark.parametrize("frame_length", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_network_and_the_path_read_a_gap_as_the_mean(dtype, frame_length):
    rng = np.random.RandomState(0)
    X = gappy(rng.normal(size=(5, 4, 3))).astype(dtype)
    center, scale = rng.normal(size=(1, 3)).astype(dtype), rng.uniform(1, 2, (1, 3)).astype(dtype)
    read = []
    for values in (X, np.where(np.isnan(X), center, X)):
        sequences = with_holes(Sequences.from_array(values))
        data = sequence_data(sequences, center, scale, frame_length)
        start = np.arange(0, 5 * data.n_steps + 1, 5)
        x = np.full((start[-1], 3 * frame_length), NAN, dtype)
        timeline.gather(data[1:], np.arange(5), start, x, data.values)
        path = linear_path.LinearPath(
            3, 0, center.astype(float), scale.astype(float), *building.no_limits(center),
            rng.__class__(1).normal(size=(9, 2)), np.zeros((9, 2)), np.ones(2), np.ones(2),
        )  # fmt: skip
        read.append((x, path.predict(sequences)))
    for one, other in zip(*read, strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.isfinite(one).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_with_the_same_gaps_are_copies_whatever_the_sign_of_nan(dtype):
    X = np.array([[1, NAN], [1, -NAN], [NAN, 1], [1, 2]], dtype)[:, :, np.newaxis]
    assert np.signbit(X[0, 1]) != np.signbit(X[1, 1])
    copies = find(with_holes(Sequences.from_array(X)), np.zeros((4, 1)))
    assert copies.rows.tolist() == [0, 0, 1, 2]


# --- estimators ------------------------------------------------------------------------------


@BOTH
@EACH_FORM
def test_gaps_are_learnt_from_and_predicted_with(form, Estimator):
    model, X, _ = fitted(form, Estimator, max_iter=10)
    before = outputs(model, X)
    assert np.isfinite(before).all()
    # A part of the rows, another number of threads and a pickle give the same bits.
    rows = [7, 0, 33]
    np.testing.assert_array_equal(outputs(model, rows_of(X, rows)), before[rows])
    np.testing.assert_array_equal(outputs(model.set_params(n_jobs=3), X), before)
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(model)), X), before)
    again, _, _ = fitted(form, Estimator, max_iter=10, n_jobs=2)
    np.testing.assert_array_equal(outputs(again, X), before)
    assert model.n_features_in_ == (2 if form in ("array", "list") else 6)


@EACH_FORM
def test_marks_stand_only_where_there_were_gaps(form):
    make, settings = FORMS[form]
    X, y = make(), numbers(make())
    full = small(RNNRegressor, frame_length=1, **settings).fit(X, y)
    _, model = X, fitted(form, frame_length=1)[0]
    one = (form == "table") * 1
    assert len(full.coefs_[0]) == (1 if one else 2)
    assert len(model.coefs_[0]) == (1 if one else 6)
    if not one:
        alone = [x.copy() for x in X] if isinstance(X, list) else X.copy()
        alone[3][:1] = NAN
        some = small(RNNRegressor, frame_length=1, **settings).fit(alone, y)
        assert len(some.coefs_[0]) == (4 if form == "flat" else 6)


@EACH_FORM
def test_a_gap_that_is_new_reads_as_the_mean(form):
    make, settings = FORMS[form]
    X, y = make(), numbers(make())
    model = small(RNNRegressor, max_iter=10, **settings).fit(X, y)
    mean = np.mean(X, axis=0) if form == "table" else np.mean(np.concatenate(X).reshape(-1, 2), 0)
    first = np.array(X[0])
    missing, imputed = first.copy(), first.copy()
    missing[:1], imputed[:1] = NAN, mean[:1] if form in ("table", "flat") else mean
    found = [model.predict([one] if form == "list" else one[np.newaxis])
             for one in (missing, imputed)]  # fmt: skip
    np.testing.assert_allclose(*found, rtol=1e-9)


@BOTH
@EACH_FORM
@pytest.mark.parametrize("standardize", [False, True])
def test_what_is_wholly_missing_is_predicted(form, Estimator, standardize):
    model, X, y = fitted(form, Estimator, standardize=standardize)
    nothing = [x * NAN for x in X] if isinstance(X, list) else X * NAN
    found = outputs(model, nothing)
    assert np.isfinite(found).all()
    if form != "list":
        np.testing.assert_array_equal(found, found[:1].repeat(len(X), axis=0))
    half = [*nothing[:20], *X[20:]] if isinstance(X, list) else np.vstack([nothing[:20], X[20:]])
    assert np.isfinite(outputs(model.fit(half, y), X)).all()


def test_flat_rows_lists_and_arrays_give_the_same_bits():
    X, y = gappy(array()), numbers(array())
    X[:5, 2] = NAN  # padding
    flat = small(RNNRegressor, n_timesteps=3).fit(X.reshape(40, -1), y)
    expected = flat.predict(X.reshape(40, -1))
    as_list = [x[: 2 if i < 5 else 3] for i, x in enumerate(X)]
    for other in (X, as_list):
        model = small(RNNRegressor).fit(other, y)
        np.testing.assert_array_equal(model.predict(other), expected)


@BOTH
@EACH_FORM
def test_weights_equal_repetition_and_zero_weight_is_removal(form, Estimator):
    make, settings = FORMS[form]
    X, y = gappy(make()), target_for(Estimator, make())
    weight = np.random.RandomState(1).randint(0, 4, size=40)
    weight[0] = 0  # and alone has a gap in what is else complete
    if form == "table":
        X[:, 5], X[0, 5] = 1.5, NAN
    rows, kept = np.repeat(np.arange(40), weight), np.flatnonzero(weight)
    for linear in (None, "auto"):
        given = settings | {"linear_path": linear, "max_iter": 10}
        weighted = small(Estimator, **given).fit(X, y, weight)
        longer = small(Estimator, **given).fit(rows_of(X, rows), y[rows])
        shorter = small(Estimator, **given).fit(rows_of(X, kept), y[kept], weight[kept])
        found = outputs(weighted, X)
        np.testing.assert_allclose(found, outputs(longer, X), rtol=1e-6, atol=1e-8)
        np.testing.assert_array_equal(found, outputs(shorter, X))


def test_the_random_part_of_small_data_follows_from_their_numbers():
    X, y = table(20), numbers(table(20))
    X[:12, 0] = NAN
    order = np.random.RandomState(0).permutation(20)
    fits = [small(RNNRegressor, early_stopping=True).fit(X[rows], y[rows])
            for rows in (np.arange(20), order)]  # fmt: skip
    curves = [fit.validation_loss_curve_ for fit in fits]
    np.testing.assert_allclose(*curves, rtol=1e-6)


@EACH_FORM
def test_training_goes_on_with_gaps_old_and_new(form):
    make, settings = FORMS[form]
    X, y = make(), numbers(make())
    for first, later in ((X, gappy(X)), (gappy(X), X), (gappy(X), gappy(X, 0.6))):
        model = small(RNNRegressor, warm_start=True, **settings).fit(first, y).fit(later, y)
        assert np.isfinite(model.predict(later)).all()
        model = small(RNNRegressor, **settings)
        for rows in np.arange(40).reshape(-1, 1):
            model.partial_fit(rows_of(later, rows), y[rows])
        assert np.isfinite(model.predict(later)).all()


def test_partial_fit_learns_the_scale_of_a_column_from_when_it_is_there():
    X, y = 1e6 + table(60), numbers(table(60))
    X[:20, 1] = NAN
    model = small(RNNRegressor).partial_fit(X[16:24], y[16:24])
    moments = model._model.moments["inputs"]
    assert moments.weight.ravel()[:3].tolist() == [8, 8, 4]
    assert moments.n_rows.ravel()[1:3].tolist() == [8, 4]
    model = small(RNNRegressor)
    for rows in np.arange(60).reshape(-1, 4):
        model.partial_fit(X[rows], y[rows])
    center, scale = model._model.scaling.center.ravel(), model._model.scaling.scale.ravel()
    assert abs(center[2] - 1e6) < 1.0  # behind the column of marks
    assert 0.5 < scale[2] < 2.0


def test_a_column_that_was_never_there_means_nothing():
    X, y = table(), numbers(table())
    X[:, 4] = NAN
    for dtype in ("float32", "float64"):
        model = small(RNNRegressor, dtype=dtype, max_iter=10).fit(X, y)
        given, expected = X.copy(), model.predict(X)
        given[:, 4] = 1e6
        # Only that it is no longer missing can be seen.
        assert np.isfinite(model.predict(given)).all()
        assert np.ptp(model.predict(given) - expected) < 2.0


@BOTH
def test_validation_data_may_have_gaps(Estimator):
    X, y = table(), target_for(Estimator, table())
    model = small(Estimator, early_stopping=True).fit(X, y, X_val=gappy(X), y_val=y)
    assert np.isfinite(model.validation_loss_curve_).all()
    assert np.isfinite(model.score(gappy(X), y))


@EACH_FORM
def test_infinity_beside_gaps_is_refused(form):
    model, X, y = fitted(form)
    X[3][..., -1] = -INF
    for call in (model.predict, lambda X: model.fit(X, y), lambda X: model.score(X, y)):
        with pytest.raises(ValueError, match=r"X contains infinity.*sample 3"):
            call(X)


def test_frames_of_any_types_with_missing_values():
    X = pd.DataFrame(
        {
            "float": [0.5, None, 2.0, 3.5] * 5,
            "integer": pd.array([1, 2, None, 4] * 5, dtype="Int64"),
            "flag": pd.array([True, None, False, True] * 5, dtype="boolean"),
            "object": pd.Series([1, None, 2.5, pd.NA] * 5, dtype=object),
        }
    )
    y = np.arange(20.0) % 4
    plain = np.array([[0.5, 1, 1, 1], [NAN, 2, NAN, NAN], [2, NAN, 0, 2.5], [3.5, 4, 1, NAN]] * 5)
    expected = small(RNNRegressor).fit(plain, y).predict(plain)
    model = small(RNNRegressor).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X[:1])


def test_the_gradient_of_a_leading_gap_is_not_that_of_the_sequence_before():
    nan = np.nan
    values = [np.array([[1.0], [nan]]), np.array([[nan], [3.0]])]
    sequences = replace(Sequences.from_list(values), has_gaps=True)
    gradient = np.array([[9.0, 9.0, 1.0], [9.0, 9.0, 2.0], [9.0, 9.0, 4.0], [9.0, 9.0, 8.0]])
    found = gaps.backward(sequences, (0,), False, gradient)
    np.testing.assert_array_equal(found, [[3.0], [0.0], [0.0], [8.0]])
