"""Small data of every form, and targets for them: the same numbers in every test file."""

import joblib
import numpy as np

from skrnn import RNNGenerator, RNNRegressor, RNNTranslator

#: A table and a 3-D array whose numbers say where they stand, and sequences of two lengths.
TABLE = np.arange(12.0).reshape(3, 4)
ARRAY = np.arange(24.0).reshape(2, 4, 3)
LIST = [np.arange(6.0).reshape(2, 3), np.arange(15.0).reshape(5, 3)]


def table(n=40, n_columns=6, seed=0):
    """A 2-D X."""
    return np.random.RandomState(seed).normal(size=(n, n_columns))


def array(n=40, n_timesteps=3, n_features=2, seed=0):
    """A 3-D X."""
    return np.random.RandomState(seed).normal(size=(n, n_timesteps, n_features))


def ragged(n=40, n_features=2, seed=0, lengths=(1, 7)):
    """A list of sequences whose lengths are drawn from a range, its end excluded."""
    random = np.random.RandomState(seed)
    return [random.normal(size=(random.randint(*lengths), n_features)) for _ in range(n)]


def objects(items):
    """An object array of any things."""
    column = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):  # one by one, or NumPy joins arrays of one shape
        column[place] = item
    return column


def put(X, place, value):
    """A copy of X, an array or a list of arrays, with one value changed."""
    if isinstance(X, list):
        X = [x.copy() for x in X]
        X[place[0]][place[1:]] = value
        return X
    X = np.array(X)
    X[place] = value
    return X


def replaced(X, sample, element):
    """X as a list with another element in one place."""
    X = list(X)
    X[sample] = element
    return X


def numbers(X):
    """For each sample a number that a net can learn."""
    return np.array([np.asarray(x)[..., 0].sum() if np.ndim(x) > 1 else x[0] - x[-1] for x in X])


def gappy(X, share=0.2):
    """X of any form with a share of its values missing; none of its last steps is padding."""
    rng = np.random.RandomState(3)

    def holes(x):
        is_hole = rng.random_sample(x.shape) < share
        is_hole[..., -1:, -1] = False
        return np.where(is_hole, np.nan, x)

    return [holes(x) for x in X] if isinstance(X, list) else holes(np.asarray(X))


def labels(X, names=("left", "right")):
    """For each sample the name of the part of the range that its number is in."""
    values = numbers(X)
    edges = np.quantile(values, np.linspace(0, 1, len(names) + 1)[1:-1])
    return np.array(names)[np.searchsorted(edges, values)]


def target_for(Estimator, X):
    """A y of the kind that an estimator learns."""
    return numbers(X) if Estimator is RNNRegressor else labels(X, ("a", "b", "c"))


def small(Estimator, **parameters):
    """A net that trains in milliseconds, on all samples."""
    settings = {"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 7}
    settings |= {"early_stopping": False}
    return Estimator(**(settings | parameters))


def outputs(model, X):
    """All that a model says of X."""
    if isinstance(model, RNNGenerator):
        return model.score_samples(X)
    if isinstance(model, RNNTranslator):
        return _of_beams(model.predict_beams(X))
    if isinstance(model, RNNRegressor):
        return _joined(model.predict(X))
    found = _joined(model.predict_proba(X)), _joined(model.decision_function(X))
    return np.column_stack([one.reshape(len(one), -1) for one in found])


def _of_beams(found):
    """All log-probabilities, and numbers of the letters."""
    return np.array([n for one in found for word, log in one for n in (log, *map(ord, word))])


def _joined(found):
    """A list of arrays as one array."""
    return np.concatenate(found) if isinstance(found, list) else found


def state(model):
    """A hash of all that a model holds, but for what it has found once, and keeps."""
    attributes = dict(vars(model))
    inside = attributes.pop("_model").to_state() if "_model" in attributes else {}
    return joblib.hash((attributes, inside, model.get_params()))
