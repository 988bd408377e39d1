"""Models that differ in all that a pickle holds, and pickles that say something else of them."""

import copy
import pickle
from functools import cache

import datasets
import numpy as np
import pandas as pd
import pytest
from datasets import gappy, labels, numbers, ragged, small

from skrnn import RNNClassifier, RNNGenerator, RNNRegressor, RNNTranslator

TABLE, ARRAY, RAGGED = datasets.table(), datasets.array(), ragged()
LONG = datasets.table(60, 2)
Y = numbers(TABLE)
STEPS = np.cumsum(ARRAY[:, :, 0], axis=1)
TYPED = pd.DataFrame(TABLE)
TYPED[6] = TYPED[7] = pd.Categorical(np.arange(len(TABLE)) % 3)
TOKENS = [np.arange(1 + i % 3, 4 + i % 5) for i in range(len(TABLE))]
OF_TOKENS = [np.cumsum(x) / 10.0 for x in TOKENS]
OF_LETTERS = ["ab"[: len(x) % 3] for x in TOKENS]
KINDS = np.arange(len(TABLE)) % 2
REFUSED = r"^This saved model cannot be loaded, .* Load another copy, or fit it again\. \(.*\.\)$"


def rnn(**parameters):
    settings = {"cell": "rnn", "activation": "relu", "bidirectional": True, "pooling": "max"}
    return small(RNNRegressor, **settings, dtype="float32", linear_path=2, **parameters)


def late(Estimator, X, y, **parameters):
    """After two calls of partial_fit, whose optimiser is saved."""
    model = small(Estimator, linear_path=None, **parameters)
    classes = {} if Estimator is RNNRegressor else {"classes": np.unique(y)}
    return model.partial_fit(X, y, **classes).partial_fit(X, y)


def translator(**parameters):
    settings = {"embedding_dim": 3, "target_embedding_dim": 2, "target_analyzer": "char"}
    return small(RNNTranslator, **settings | parameters)


def generator(**parameters):
    return small(RNNGenerator, max_length=4, **parameters)


#: Models that differ in all that a pickle holds, and an X for each.
MODELS = {
    "table": (lambda: small(RNNRegressor).fit(TABLE, Y), TABLE),
    "curves": (lambda: small(RNNRegressor).fit(LONG, LONG[:, 0] ** 2), LONG),
    "categories": (lambda: small(RNNRegressor).fit(TYPED, Y), TYPED),
    "flat": (lambda: small(RNNRegressor, n_timesteps=3, loss="poisson").fit(TABLE, Y**2), TABLE),
    "array": (lambda: rnn().fit(ARRAY, np.column_stack([Y, -Y])), ARRAY),
    "levels": (
        lambda: small(RNNRegressor, loss="quantile", quantile=[0.9, 0.1]).fit(RAGGED, Y),
        RAGGED,
    ),
    "not standardised": (lambda: small(RNNRegressor, standardize=False).fit(ARRAY, Y), ARRAY),
    "gaps": (lambda: small(RNNRegressor).fit(gappy(ARRAY), Y), ARRAY),
    "gaps of a table": (lambda: small(RNNRegressor).fit(gappy(TABLE), Y), TABLE),
    "tokens": (lambda: small(RNNRegressor, embedding_dim=3).fit(TOKENS, Y), TOKENS),
    "steps": (
        lambda: small(RNNRegressor, return_sequences=True, bidirectional=True).fit(ARRAY, STEPS),
        ARRAY,
    ),
    "steps of tokens": (
        lambda: small(RNNRegressor, embedding_dim=3, return_sequences=True).fit(TOKENS, OF_TOKENS),
        TOKENS,
    ),
    "no path": (lambda: small(RNNRegressor, linear_path=None).fit(TABLE, Y), TABLE),
    "two classes": (
        lambda: small(RNNClassifier, class_weight="balanced").fit(ARRAY, labels(ARRAY)),
        ARRAY,
    ),
    "classes": (lambda: small(RNNClassifier).fit(TABLE, labels(TABLE, list("abc"))), TABLE),
    "labels": (lambda: small(RNNClassifier).fit(TABLE, (TABLE[:, :2] > 0).astype(int)), TABLE),
    "adam": (lambda: late(RNNRegressor, ARRAY, Y), ARRAY),
    "sgd": (lambda: late(RNNClassifier, TABLE, labels(TABLE), solver="sgd"), TABLE),
    "scales not settled": (
        lambda: small(RNNRegressor).partial_fit(ARRAY[:9], np.column_stack([Y, -Y])[:9]),
        ARRAY,
    ),
    "transcripts": (lambda: translator().fit(TOKENS, OF_LETTERS), TOKENS),
    "aligned transcripts": (lambda: translator(decoder="ctc").fit(TOKENS, OF_LETTERS), TOKENS),
    "next tokens": (lambda: generator(embedding_dim=3).fit(TOKENS, KINDS), TOKENS),
    "next steps": (lambda: generator(n_components=2).fit(RAGGED, KINDS), RAGGED),
}
#: Targets of models that have others: of each step, or of the rows of a longer table.
OWN_Y = {"steps": STEPS, "steps of tokens": OF_TOKENS, "curves": LONG[:, 0] ** 2}
OWN_Y |= dict.fromkeys(("transcripts", "aligned transcripts"), OF_LETTERS)
OWN_Y |= dict.fromkeys(("next tokens", "next steps"), KINDS)
EACH = pytest.mark.parametrize("kind", MODELS)


@cache
def fitted(kind):
    """The model, not to be changed."""
    return MODELS[kind][0]()


def saved(kind):
    """What a pickle says of a model, to be changed at will."""
    return copy.deepcopy(fitted(kind).__getstate__()["_model"])


class Pickle:
    """An estimator whose pickle says something else of its model."""

    def __init__(self, model, state):
        self.model, self.state = model, model.__getstate__() | {"_model": state}

    def __reduce__(self):
        return object.__new__, (type(self.model),), self.state

    def load(self):
        return pickle.loads(pickle.dumps(self))


def refuses(kind, state, message=REFUSED):
    """Nothing is loaded, nor does an estimator become fitted by such a state."""
    false = Pickle(fitted(kind), state)
    with pytest.raises(ValueError, match=message):
        false.load()
    refuses_state(kind, state, message)


def refuses_state(kind, state, message=REFUSED):
    false = Pickle(fitted(kind), state)
    new = object.__new__(type(false.model))
    with pytest.raises(ValueError, match=message):
        new.__setstate__(false.state)
    assert vars(new) == {}


def leaves(state, above=()):
    """All that is in a dict of dicts, with its keys."""
    for key, value in state.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def get(state, keys):
    for key in keys:
        state = state[key]
    return state


def changed(kind, keys, value):
    """What a pickle says, but for one value; it may be a function of the true one."""
    state = saved(kind)
    inner = get(state, keys[:-1])
    inner[keys[-1]] = value(inner[keys[-1]]) if callable(value) else value
    return state


def id_of(value):
    return getattr(value, "__name__", None) or str(value)
