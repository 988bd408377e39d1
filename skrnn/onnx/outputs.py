"""How raw predictions become what `predict` and `predict_proba` give, in double precision as there.

To export a new kind of target, write a function and enter it into :data:`TARGETS`. It gets the
graph, the model, raw predictions (N, K), or (N, T, K) of each step, and what X was read as, as
:class:`skrnn.onnx.inputs.Sequences`; it gives outputs by name. A new link of a loss has an entry in
:data:`INVERSE_LINKS`.
"""

import numpy as np

from skrnn.data.classes import BinaryTarget, MulticlassTarget, MultilabelTarget
from skrnn.data.continuations import NextStep, NextToken
from skrnn.data.regression import RegressionTarget
from skrnn.data.transcripts import AlignedTarget, TranscriptTarget
from skrnn.onnx import continuations, transcripts
from skrnn.onnx.graph import STEPS, Output, writer


def _exp(g, values):
    return g.add("Exp", values)


#: What turns raw predictions into predictions, by the link of a loss; None: they are the same.
INVERSE_LINKS = {"identity": None, "exp": _exp}


def _predictions(g, model, raw, sequences):
    """Predictions of a regressor in the units of y."""
    target, scaling = model.target, model.scaling
    n_levels = len(target.loss.levels)
    scale, center = (np.repeat(a, n_levels) for a in (scaling.target_scale, scaling.target_center))
    values = g.add("Add", g.add("Mul", g.cast(raw, np.float64), scale), center)
    values = g.cast(_linked(g, target.loss, values), g.dtype)
    n_axes = 2 if model.architecture.return_sequences else 1
    shape = (target.n_targets,)
    if target.loss.has_level_axis:
        shape = (target.n_targets, n_levels)
        values = g.add("Reshape", values, [0] * n_axes + list(shape))
        values, _ = g.add_many("TopK", [values, [n_levels]], 2, axis=-1, largest=0)
    if target.n_targets == 1:
        values, shape = g.add("Squeeze", values, [n_axes]), shape[1:]
    return {"predictions": Output(values, np.dtype(g.dtype), shape, _steps(model))}


def _steps(model):
    """The axis of steps, where each has an answer."""
    if not model.architecture.return_sequences:
        return ()
    return (model.schema.n_timesteps or STEPS,)


def _linked(g, loss, values):
    if loss.link not in INVERSE_LINKS:
        raise NotImplementedError(
            f"The loss {loss.name!r} cannot be exported to ONNX: {__name__}.INVERSE_LINKS has no"
            f" entry for its link {loss.link!r}, only for {', '.join(INVERSE_LINKS)}."
        )
    link = INVERSE_LINKS[loss.link]
    return values if link is None else link(g, values)


def _binary(g, model, raw, sequences):
    """Classes by log-odds (N, 1) of the second."""
    place = g.cast(g.add("Squeeze", _is_positive(g, raw), [-1]), np.int64)
    raw = g.cast(raw, np.float64)
    both = g.add("Concat", g.add("Neg", raw), raw, axis=-1)
    return _of_classes(g, model, place, g.add("Sigmoid", both))


def _multiclass(g, model, raw, sequences):
    """Classes by unnormalised log-probabilities (N, n_classes)."""
    place = g.add("ArgMax", raw, axis=-1, keepdims=0)
    return _of_classes(g, model, place, g.add("Softmax", g.cast(raw, np.float64), axis=-1))


def _multilabel(g, model, raw, sequences):
    """An indicator matrix of labels by their log-odds (N, n_labels)."""
    labels = g.cast(_is_positive(g, raw), np.int64)
    probabilities = g.cast(g.add("Sigmoid", g.cast(raw, np.float64)), g.dtype)
    axes = (model.target.n_targets,), _steps(model)
    return {
        "labels": Output(labels, np.dtype(np.int64), *axes),
        "probabilities": Output(probabilities, np.dtype(g.dtype), *axes),
    }


def _is_positive(g, raw):
    return g.add("Greater", raw, g.number(0.0))


def _of_classes(g, model, place, probabilities):
    classes, steps = labels_of(model.target), _steps(model)
    labels, probabilities = g.add("Gather", classes, place), g.cast(probabilities, g.dtype)
    return {
        "labels": Output(labels, classes.dtype, (), steps),
        "probabilities": Output(probabilities, np.dtype(g.dtype), classes.shape, steps),
    }


def labels_of(target):
    """The classes as ONNX has labels: whole numbers, or text in an array of objects.

    Raises
    ------
    ValueError
        If they are neither.
    """
    classes = target.classes.tolist()
    if all(isinstance(one, str) for one in classes):
        return np.array(classes, dtype=object)
    if all(isinstance(one, (bool, int, float)) and _is_int64(one) for one in classes):
        return np.array(classes, np.int64)
    raise ValueError(
        "ONNX has labels that are whole numbers (int64) or text, but the classes of this model are"
        f" {classes[:3]!r}. Fit on such labels, for instance on those of a LabelEncoder."
    )


def _is_int64(number):
    return -(2**63) <= number < 2**63 and number == int(number)


#: How the target of each class of :mod:`skrnn.data` is written.
TARGETS = {
    RegressionTarget: _predictions,
    BinaryTarget: _binary,
    MulticlassTarget: _multiclass,
    MultilabelTarget: _multilabel,
    TranscriptTarget: transcripts.until_ends,
    AlignedTarget: transcripts.best_paths,
    NextToken: continuations.next_token,
    NextStep: continuations.next_step,
}


def write(g, model, raw, sequences):
    """Outputs of a model by name, of its raw predictions and of what X was read as."""
    kind = type(model.target)
    return writer(TARGETS, kind, f"{__name__}.TARGETS")(g, model, raw, sequences)
