"""predict_step: the bits of predict, a state that is a value, and what is refused."""

import copy
import itertools
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from fits import small
from sklearn.exceptions import NotFittedError

from skrnn import RNNClassifier, RNNRegressor
from skrnn.data.streams import StreamState

BOTH = pytest.mark.parametrize("Estimator", [RNNRegressor, RNNClassifier])
CELLS = ["rnn", "lstm", "gru"]
DTYPES = ["float32", "float64"]


def problem(n=40, n_steps=12, n_features=3, gaps=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(loc=2.0, size=(n, n_steps, n_features))
    X[rng.random(X.shape) < gaps] = np.nan
    return X, rng.normal(size=n)


def fitted(Estimator=RNNRegressor, gaps=0.0, **parameters):
    X, y = problem(gaps=gaps)
    y = y if Estimator is RNNRegressor else np.digitize(y, [-0.5, 0.5])
    return small(Estimator, **{"linear_path": "auto"} | parameters).fit(list(X), y)


def follow(model, X, state=None):
    """The predictions after each step of sequences X (n, T, F), and all states."""
    predictions, states = [], []
    for t in range(X.shape[1]):
        prediction, state = model.predict_step(X[:, t], state)
        predictions.append(prediction)
        states.append(state)
    return predictions, states


def assert_as_predicted(model, X):
    for t, prediction in enumerate(follow(model, X)[0]):
        expected = model.predict([x[: t + 1] for x in X])
        assert prediction.dtype == expected.dtype
        np.testing.assert_array_equal(prediction, expected, err_msg=f"step {t}")


# --- equal to predict, to the bit ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("linear_path", [None, "auto", 2])
@pytest.mark.parametrize("frame_length", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
@BOTH
def test_each_step_is_predicted_as_the_whole_sequence(
    Estimator, cell, frame_length, linear_path, dtype
):
    options = {"cell": cell, "linear_path": linear_path, "frame_length": frame_length}
    model = fitted(Estimator, **options, dtype=dtype)
    assert_as_predicted(model, problem(n=4, n_steps=9, seed=1)[0])


@pytest.mark.parametrize("hidden", [(7,), (5, 4), (33, 3, 17)])
@pytest.mark.parametrize("cell", CELLS)
def test_stacked_layers(cell, hidden):
    for frame_length in (1, 2):
        model = fitted(cell=cell, hidden_layer_sizes=hidden, frame_length=frame_length)
        assert_as_predicted(model, problem(n=3, n_steps=7, seed=1)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("frame_length", [1, 4])
@pytest.mark.parametrize("in_fit", [0.0, 0.3])
def test_gaps_are_carried_forward_and_marked(in_fit, frame_length, dtype):
    """Whether `fit` had gaps or not; in a first step, in all features, and for long."""
    model = fitted(gaps=in_fit, frame_length=frame_length, dtype=dtype, cell="lstm")
    X, _ = problem(n=6, n_steps=14, gaps=0.4, seed=2)
    X[0, 0], X[1, 3:12, 1], X[2, :5], X[3, :, 2] = np.nan, np.nan, np.nan, np.nan
    assert_as_predicted(model, X)


def test_the_default_frames_of_long_sequences():
    X, y = problem(n=20, n_steps=70)
    model = small(linear_path="auto").fit(X, y)
    assert model.frame_length_ == 3
    assert_as_predicted(model, problem(n=2, n_steps=75, seed=3)[0])


@pytest.mark.parametrize("loss", ["poisson", "quantile", "huber"])
def test_every_form_of_prediction(loss):
    X, y = problem()
    Y = np.abs(np.column_stack([y, 2 * y]))
    model = small(loss=loss, quantile=[0.1, 0.5, 0.9], linear_path="auto").fit(X, Y)
    assert_as_predicted(model, problem(n=2, n_steps=4, seed=1)[0])


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array(["a", "b", "c"]), None])
def test_every_form_of_classes(labels):
    X, y = problem()
    if labels is None:
        target = np.column_stack([y > 0, y > 1]).astype(int)
    else:
        target = labels[np.arange(40) % len(labels)]
    model = small(RNNClassifier, linear_path="auto").fit(X, target)
    assert_as_predicted(model, problem(n=5, n_steps=6, seed=1)[0])


def test_rows_of_a_flat_table_up_to_their_length():
    X, y = problem(n_steps=5)
    model = small(linear_path="auto", n_timesteps=5).fit(X.reshape(40, 15), y)
    new = problem(n=3, n_steps=5, seed=1)[0]
    predictions, states = follow(model, new)
    np.testing.assert_array_equal(predictions[-1], model.predict(new.reshape(3, 15)))
    with pytest.raises(ValueError, match=r"Stream 0 has had the 5 steps .* n_timesteps=5"):
        model.predict_step(new[:, 0], states[-1])


def test_neither_scaled_nor_with_a_path():
    assert_as_predicted(
        fitted(standardize=False, linear_path=None), problem(n=2, n_steps=4, seed=1)[0]
    )


def test_a_stream_does_not_depend_on_its_neighbours():
    model, X = fitted(cell="lstm"), problem(n=30, n_steps=4, seed=1)[0]
    together = follow(model, X)[0]
    for i in (0, 7, 29):
        for one, every in zip(follow(model, X[i : i + 1])[0], together, strict=True):
            np.testing.assert_array_equal(one[0], every[i])


# --- the state is a value ------------------------------------------------------------------------


@pytest.mark.parametrize("frame_length", [1, 3])
def test_an_old_state_stays_valid(frame_length):
    model = fitted(frame_length=frame_length, gaps=0.2)
    X, others = problem(n=3, n_steps=6, seed=1)[0], problem(n=3, n_steps=6, seed=2)[0]
    predictions, states = follow(model, X)
    kept = [state.numbers.copy() for state in states]
    follow(model, others, states[2])
    again, _ = follow(model, X[:, 3:], states[2])
    np.testing.assert_array_equal(again, predictions[3:])
    for state, numbers in zip(states, kept, strict=True):
        np.testing.assert_array_equal(state.numbers, numbers)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))]
)
def test_copies_of_a_state(copied):
    model, X = fitted(), problem(n=3, n_steps=5, seed=1)[0]
    predictions, states = follow(model, X)
    again, _ = follow(model, X[:, 2:], copied(states[1]))
    np.testing.assert_array_equal(again, predictions[2:])


@pytest.mark.parametrize(
    "rows",
    [[3, 0], slice(1, 4), slice(None, None, 2), np.arange(5) % 2 == 0, [2, 2], -1, np.int64(4)],
    ids=str,
)
def test_some_streams_of_a_state(rows):
    model, X = fitted(), problem(n=5, n_steps=4, seed=1)[0]
    predictions, states = follow(model, X)
    chosen = np.atleast_1d(np.arange(5)[rows])
    some = states[1][rows]
    assert len(some) == len(chosen)
    again, _ = follow(model, X[chosen, 2:], some)
    np.testing.assert_array_equal(again, np.array(predictions[2:])[:, chosen])
    some.numbers[:] = 0.0  # the state of all is another array
    np.testing.assert_array_equal(follow(model, X[:, 2:], states[1])[0], predictions[2:])


def test_what_a_state_says_of_itself():
    model, X = fitted(), problem(n=2, n_steps=3, seed=1)[0]
    _, states = follow(model, X)
    assert [state.n_steps.tolist() for state in states] == [[1, 1], [2, 2], [3, 3]]
    assert repr(states[0]) == "StreamState(2 streams)"
    assert repr(states[0][:1]) == "StreamState(1 stream)"
    with pytest.raises(IndexError):
        states[0][5]
    with pytest.raises(IndexError, match="one index for rows"):
        states[0][0, 1]


def test_another_process_goes_on():
    """A model and a state from a pickle are those of the process that saved them."""
    model, X = fitted(cell="lstm"), problem(n=3, n_steps=5, seed=1)[0]
    predictions, states = follow(model, X)
    loaded, state = pickle.loads(pickle.dumps((model, states[1])))
    np.testing.assert_array_equal(follow(loaded, X[:, 2:], state)[0], predictions[2:])
    np.testing.assert_array_equal(
        follow(copy.deepcopy(model), X[:, 2:], states[1])[0], predictions[2:]
    )


def test_a_model_that_follows_streams_pickles_as_before():
    model = fitted()
    before = pickle.dumps(model)
    follow(model, problem(n=3, n_steps=2)[0])
    assert pickle.dumps(model) == before


def test_threads_share_a_model():
    model, found = fitted(cell="lstm"), {}
    X = [problem(n=1 + i % 2, n_steps=40, seed=i)[0] for i in range(4)]
    expected = [follow(model, x)[0] for x in X]

    def work(i):
        found[i] = [follow(model, X[i])[0] for _ in range(5)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, repetition in itertools.product(range(4), range(5)):
        np.testing.assert_array_equal(found[i][repetition], expected[i])


# --- what x may be -------------------------------------------------------------------------------


def test_every_form_of_a_step():
    model, X = fitted(dtype="float64"), problem(n=3, n_steps=2, seed=1)[0]
    x = X[:, 0]
    expected, state = model.predict_step(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    forms = [x.tolist(), pd.DataFrame(x), np.asfortranarray(x), x.astype(object), frozen, x[:, ::1]]
    for form in forms:
        found, after = model.predict_step(form)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(after.numbers, state.numbers)
    single = fitted(dtype="float32")
    found, _ = single.predict_step(x)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, single.predict_step(x.astype("f4"))[0])


def test_named_columns_of_frames():
    X, y = problem(n=10)
    frames = [pd.DataFrame(x, columns=list("abc")) for x in X]
    model = small().fit(frames, y)
    x = pd.DataFrame(X[:2, 0], columns=list("abc"))
    expected = model.predict([frame[:1] for frame in frames[:2]])
    np.testing.assert_array_equal(model.predict_step(x)[0], expected)
    with pytest.raises(ValueError, match=r"x has the columns .'b', 'a', 'c'.*in this order"):
        model.predict_step(x[list("bac")])


# --- what is refused -----------------------------------------------------------------------------

BAD_STEPS = [
    (np.zeros((2, 2)), "x has 2 features, but RNNRegressor was fitted on 3"),
    (np.zeros(3), r"x has the shape \(3,\)"),
    (np.zeros((2, 1, 3)), r"x has the shape \(2, 1, 3\)"),
    (np.zeros((0, 3)), r"x has the shape \(0, 3\)|0 sample"),
    ([[1.0, 2.0, "a"]], "x .*numeric"),
    (np.array([[1.0, 2.0, 3.0], [0.0, -np.inf, 0.0]]), "x contains infinity.*stream 1, feature 1"),
    (np.array([[1.0, 2.0, 1e300]]), "x contains infinity.*stream 0, feature 2"),
    (np.ma.masked_equal(np.zeros((1, 3)), 0.0), "x is a masked array"),
    (np.zeros((1, 3), complex), "Complex data not supported: x"),
    # In the model's own precision, which is read as it is.
    (np.zeros((2, 2), np.float32), "x has 2 features, but RNNRegressor was fitted on 3"),
    (np.zeros((0, 3), np.float32), r"x has the shape \(0, 3\)"),
    (np.array([[0.0, np.inf, 0.0]], np.float32), "x contains infinity.*stream 0, feature 1"),
]


@pytest.mark.parametrize(("x", "words"), BAD_STEPS, ids=[words for _, words in BAD_STEPS])
def test_bad_steps(x, words):
    model = fitted(dtype="float32")
    before = pickle.dumps(model)
    with pytest.raises((ValueError, TypeError), match=words):
        model.predict_step(x)
    assert pickle.dumps(model) == before


def test_bad_states():
    model, X = fitted(), problem(n=2, n_steps=3, seed=1)[0]
    _, state = model.predict_step(X[:, 0])
    for other, words in ((3, "type int"), (X[:, 0], "type ndarray"), ((0, state), "type tuple")):
        with pytest.raises(TypeError, match=f"state is of {words}.*what predict_step returned"):
            model.predict_step(X[:, 1], other)
    with pytest.raises(ValueError, match=r"x has 1 rows, but state is of 2 streams"):
        model.predict_step(X[:1, 1], state)
    another = fitted(random_state=4)
    with pytest.raises(ValueError, match="state is of another model than this RNNRegressor"):
        another.predict_step(X[:, 1], state)
    damaged = StreamState(state.numbers[:, 1:].copy(), state.model)
    with pytest.raises(ValueError, match="state is damaged"):
        model.predict_step(X[:, 1], damaged)


def test_a_state_ends_with_its_model():
    """Further training, and weights written into, change what the steps so far would give."""
    model, (X, y) = fitted(), problem(n=5)
    _, state = model.predict_step(X[:, 0])
    model.coefs_[0][:] *= 2.0
    new, started = model.predict_step(X[:, 0])
    np.testing.assert_array_equal(new, model.predict(X[:, :1]))
    for training in (lambda: None, lambda: model.partial_fit(X, y)):
        training()
        with pytest.raises(ValueError, match="of this one before it was trained further"):
            model.predict_step(X[:, 1], state)
        state = started
    np.testing.assert_array_equal(model.predict_step(X[:, 0])[0], model.predict(X[:, :1]))


def test_models_that_cannot():
    X, y = problem(n=20)
    cases = [
        ({"bidirectional": True}, X, "predict_step needs bidirectional=False"),
        ({"pooling": "mean"}, X, "predict_step needs pooling='last', not pooling='mean'"),
        ({"pooling": "attention"}, X, "not pooling='attention'"),
        ({}, X[:, :, 0], "fitted on a plain table of 12 columns"),
    ]
    for parameters, data, words in cases:
        model = small(**parameters).fit(data, y)
        with pytest.raises(ValueError, match=words):
            model.predict_step(np.zeros((1, 3)))
    with pytest.raises(NotFittedError):
        small().predict_step(np.zeros((1, 3)))


def test_a_prediction_that_is_not_finite_is_refused():
    model = small(cell="rnn", activation="relu", standardize=False).fit(*problem())
    model.coefs_[0][:] = 3.0
    with pytest.raises(ValueError, match="The prediction for stream 1 of x is not finite"):
        model.predict_step([[1.0, 1.0, 1.0], [1e308, 1e308, 1e308]])
