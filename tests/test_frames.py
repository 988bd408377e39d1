"""Frames: the net reads several observations as one step, and says how many."""

import copy
import pickle

import numpy as np
import pytest
from datasets import array, outputs, ragged, small, table, target_for

from skrnn import RNNClassifier, RNNRegressor

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
ALONE = {"linear_path": None, "standardize": False}


def framed(x, k):
    """Steps of k observations of one sequence."""
    missing = -len(x) % k
    return np.concatenate([np.repeat(x[:1], missing, axis=0), x]).reshape(-1, k * x.shape[1])


@BOTH
@pytest.mark.parametrize("k", [2, 3, 4])
def test_a_frame_is_a_step_of_several_observations(k, Estimator):
    """The same bits as when a user joins them, in an array, a list and flat rows."""
    X = array(30, 4, 2)
    y = target_for(Estimator, X)
    by_hand = np.array([framed(x, k) for x in X])
    n_steps = by_hand.shape[1]  # said, because one step of several features gives a warning
    twin = small(Estimator, frame_length=1, n_timesteps=n_steps, **ALONE).fit(by_hand, y)
    expected = outputs(twin, by_hand)
    for given, steps in ((X, None), (list(X), None), (X.reshape(30, -1), 4)):
        model = small(Estimator, frame_length=k, n_timesteps=steps, **ALONE).fit(given, y)
        np.testing.assert_array_equal(outputs(model, given), expected)
        assert model.frame_length_ == k


@pytest.mark.parametrize("k", [1, 2, 5])
def test_sequences_of_different_lengths(k):
    X = ragged(30)
    y = target_for(RNNRegressor, X)
    model = small(RNNRegressor, frame_length=k, **ALONE).fit(X, y)
    by_hand = [framed(x, k) for x in X]
    twin = small(RNNRegressor, frame_length=1, **ALONE).fit(by_hand, y)
    np.testing.assert_array_equal(model.predict(X), twin.predict(by_hand))


def test_a_step_has_no_more_observations_than_the_longest_sequence():
    X = ragged(30)
    longest = max(map(len, X))
    model = small(RNNRegressor, frame_length=1000).fit(X, target_for(RNNRegressor, X))
    assert model.frame_length_ == longest
    longer = [np.concatenate([x, x, x]) for x in X]
    assert np.isfinite(model.predict(longer)).all()


@pytest.mark.parametrize(
    ("n_steps", "expected"), [(1, 1), (8, 1), (32, 1), (33, 2), (64, 2), (100, 4), (336, 11)]
)
def test_by_itself_a_sequence_has_at_most_32_steps(n_steps, expected):
    X = array(12, n_steps, 1)
    model = small(RNNRegressor, max_iter=1).fit(X, target_for(RNNRegressor, X))
    assert model.frame_length_ == expected


@BOTH
def test_by_itself_a_table_is_one_step_and_its_order_means_nothing(Estimator):
    X = table(60, 6)
    y = target_for(Estimator, X)
    order = [3, 1, 5, 0, 2, 4]
    settings = {"hidden_layer_sizes": (16,), "max_iter": 200, "random_state": 0, **ALONE}
    model = Estimator(**settings).fit(X, y)
    assert model.frame_length_ == 6
    assert model.coefs_[0].shape[0] == 6
    scores = [model.score(X, y), Estimator(**settings).fit(X[:, order], y).score(X[:, order], y)]
    assert abs(scores[0] - scores[1]) < 0.1
    twin = copy.deepcopy(model)
    twin.coefs_[0][:] = model.coefs_[0][order]
    np.testing.assert_allclose(outputs(twin, X[:, order]), outputs(model, X), rtol=1e-9)


def test_by_itself_the_mean_length_counts():
    X = [*array(30, 3, 1), np.zeros((300, 1))]
    model = small(RNNRegressor, max_iter=1).fit(X, np.arange(31.0))
    assert model.frame_length_ == 1


def test_the_linear_path_sees_observations_whatever_the_frames():
    X = array(60, 7, 2)
    y = X.sum(axis=(1, 2))
    paths = [
        RNNRegressor((3,), frame_length=k, max_iter=1, random_state=0).fit(X, y)._model.path
        for k in (1, 3, 7)
    ]
    for path in paths[1:]:
        share = path.coefficients / paths[0].coefficients
        np.testing.assert_allclose(share, share[0, 0], rtol=1e-6)


def test_training_goes_on_with_the_frames_it_began_with():
    X = array(30, 40, 1)
    y = target_for(RNNRegressor, X)
    model = small(RNNRegressor, warm_start=True).fit(X, y)
    assert model.frame_length_ == 2
    longer = np.concatenate([X] * 4, axis=1)
    assert model.fit(longer, y).frame_length_ == 2
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    model.set_params(frame_length=4)
    with pytest.raises(ValueError, match=r"fitted with frame_length='auto', and .* Set it back"):
        model.fit(X, y)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "all", None])
def test_other_frame_lengths_are_refused(wrong):
    with pytest.raises(ValueError, match="frame_length"):
        small(RNNRegressor, frame_length=wrong).fit(table(), target_for(RNNRegressor, table()))


@BOTH
def test_a_table_of_one_step_has_no_recurrent_weights(Estimator):
    X = table(60, 4)
    y = target_for(Estimator, X)
    settings = {"cell": "lstm", "hidden_layer_sizes": (3, 2), "max_iter": 2}
    for frame_length, inputs in (("auto", 4), (4, 4), (9, 4), (2, 2)):
        model = small(Estimator, frame_length=frame_length, **settings).fit(X, y)
        shapes = [coef.shape for coef in model.coefs_[:-1]]
        if inputs == 4:
            assert shapes == [(4, 12), (3, 8)]
        else:
            assert shapes == [(2, 12), (3, 12), (3, 8), (2, 8)]
    # Sequences may be longer in a later prediction.
    model = small(Estimator, frame_length=4, **settings).fit(X[:, :, np.newaxis], y)
    assert [coef.shape for coef in model.coefs_[:-1]] == [(4, 12), (3, 12), (3, 8), (2, 8)]
