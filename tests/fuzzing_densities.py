"""More hostile input: what a generator is given.

The tables are those of ``fuzzing.py`` and ``fuzzing_steps.py``, less what is no fault of a density.
"""

import numpy as np
from fuzzing import BAD, GOOD, LABELS, ODD, WEIGHTS, Case, Draw, classes_of, draw_parameters
from fuzzing_steps import draw_numbers, draw_tokens

from skrnn import RNNGenerator

#: Parameters of other estimators than this one.
WITHOUT = ("categorical_features", *("bidirectional", "pooling", "linear_path"))
#: What the classes of sequences may be; None stands for no classes, and indicators for nothing.
CLASSES = {
    GOOD: LABELS[GOOD],
    ODD: {name: make for name, make in LABELS[ODD].items() if "indicators" not in name},
    BAD: {name: make for name, make in LABELS[BAD].items() if name != "None"}
    | {name: make for name, make in LABELS[ODD].items() if "indicators" in name},
}
#: Arguments of ``sample``, the rest of which is good.
SAMPLES = {
    GOOD: {
        "none": {},
        "one step": {"max_length": 1},
        "hot": {"temperature": 3.0},
        "cold": {"temperature": 1e-6},
        "a random state": {"random_state": np.random.RandomState(3)},
        "NumPy's": {"max_length": np.int64(3), "temperature": np.float32(0.5)},
    },
    BAD: {
        "none at all": {"n_samples": 0},
        "half a sample": {"n_samples": 1.5},
        "endless": {"n_samples": np.inf},
        "a name": {"n_samples": "3"},
        "no steps": {"max_length": 0},
        "NaN steps": {"max_length": np.nan},
        "frozen": {"temperature": 0.0},
        "NaN degrees": {"temperature": np.nan},
        "a negative seed": {"random_state": -1},
        "an empty prompt": {"prompt": []},
        "a number": {"prompt": 3},
        "text": {"prompt": "abc"},
        "None in a prompt": {"prompt": [None]},
        "NaN in a prompt": {"prompt": [np.nan]},
        "a class that is none": {"y": "no such class"},
        "too many classes": {"y": np.arange(7)},
    },
}


def draw_density_case(seed, bad=None):
    """A Case of a generator, the same for the same seed; `bad` is as in Draw."""
    draw = Draw(seed, bad)
    of_tokens, n = draw.chance(0.5), int(draw.rng.integers(6, 13))
    parameters = draw_parameters(draw, RNNGenerator, without=WITHOUT)
    parameters["n_components"] = draw.one([1, 3])
    data = draw_tokens(draw, 2 * n) if of_tokens else draw_numbers(draw, 2 * n)
    parameters["embedding_dim"] = draw.one([1, 3]) if of_tokens else None
    parameters["n_timesteps"] = data.n_timesteps
    case = Case(draw, RNNGenerator, parameters, data, n)
    if bad is None and draw.chance(0.2):
        case.method = "partial_fit"
        draw.note("for some parameters there is none", ODD)
    _draw_arguments(case)
    return case


def _draw_arguments(case):
    draw, n, data = case.draw, case.n, case.data
    rows, found = np.arange(n), {"X": data.take(np.arange(n))}
    if draw.wants("X"):
        make = draw.choose("X", {BAD: data.bad[0]}, BAD)
        found["X"] = data.made_bad(make, n, draw.rng)
    has_classes = draw.chance(0.5) or draw.wants("y", 0.0)
    if has_classes:
        found["y"] = draw.choose("y", CLASSES)(rows % 3)
    weights = draw.rng.uniform(0.1, 2.0, n)
    found["sample_weight"] = draw.choose("sample_weight", WEIGHTS)(weights)
    if case.method == "partial_fit" and has_classes:
        found["classes"] = classes_of(found["y"])
    elif case.method == "fit" and draw.chance(0.25):
        found["X_val"] = data.take(rows[:4])  # tokens of fit
        if has_classes:
            found["y_val"] = found["y"][:4] if hasattr(found["y"], "__getitem__") else None
        draw.note("validation data", ODD)
    case.arguments = found
