"""Scales of inputs and targets: those of a fit, and those that ``partial_fit`` learns on the way.

One row has no spread, and ten have one by chance. So a model that ``partial_fit`` began goes on
learning its scales until it has seen enough rows. Its weights stay as they are then: they began in
units of a standard deviation, and are right for whatever that turns out to be. To fold the change
of a scale into them is possible where each feature has one scale, but not in a table, where each
step has its own; and what began with a scale of one for numbers of a thousandth would be left with
output weights of a thousand.
"""

from dataclasses import replace

import numpy as np

from skrnn.data import gaps, scaling
from skrnn.data.checks import at
from skrnn.data.scaling import Moments, SpreadError
from skrnn.learning.model import Scaling

#: What has moments, and the names of its arrays in a Scaling.
_PARTS = {"inputs": ("center", "scale"), "targets": ("target_center", "target_scale")}


def none(n_features, n_targets):
    """A Scaling that changes nothing."""
    return Scaling(
        np.zeros((1, n_features)), np.ones((1, n_features)), np.zeros(n_targets), np.ones(n_targets)
    )


def begun(model, examples, goes_on):
    """A model with the scales of its first examples.

    Parameters
    ----------
    model : Model
        Without scales.
    examples : Examples
    goes_on : bool
        Whether it is to go on learning them.

    Raises
    ------
    ValueError
        If X or y spreads too far to be standardised.
    """
    wanted = [] if model.schema.is_of_tokens else ["inputs"]
    if model.target.loss.is_standardized:
        wanted.append("targets")
    if not model.kept["standardize"]:
        return model
    model = _scaled(model, {name: _moments(name, model, examples) for name in wanted})
    return model if goes_on else replace(model, moments={})


def continued(model, examples):
    """A model whose scales, where they are not settled, count these examples too; else itself.

    Raises
    ------
    ValueError
        If X or y spreads too far to be standardised.
    """
    return _scaled(
        model,
        {
            name: _standardised(name, model, before.merged, _moments(name, model, examples))
            for name, before in model.moments.items()
        },
    )


def of_own_targets(model, before, *parts):
    """A model and examples in the units of a target that has scales of its own, those of X.

    Parameters
    ----------
    model : Model
        That :func:`continued` gave.
    before : Model
        That it was given.
    *parts : Examples or None
        Whose targets are in the units of the target before.
    """
    if "inputs" not in before.moments:
        return model, *parts
    target = before.target.in_units_of(model.scaling)
    moved = (
        one and replace(one, targets=target.moved(one.targets, before.target)) for one in parts
    )
    return replace(model, target=target), *moved


def _moments(name, model, examples):
    """Moments of the inputs or of the targets of some examples."""
    weights = examples.weights
    if name == "inputs":
        of, weights = scaling.sequence_mean_and_variance, examples.row_weights
        arguments = (examples.sequences, weights, model.schema.is_table)
    else:
        of, arguments = scaling.mean_and_variance, (examples.targets, weights)
    found = _standardised(name, model, of, *arguments)
    weight, n_rows = weights.sum(), examples.n_distinct
    if name == "inputs" and examples.sequences.has_gaps:
        seen = gaps.observed(examples.sequences, model.schema.is_table)
        weight, n_rows = weights @ seen, np.minimum(n_rows, seen.sum(axis=0))
    return Moments.of(*found, weight, n_rows)


def _standardised(name, model, function, *arguments):
    """What a function gives, its overflow in words."""
    try:
        return function(*arguments)
    except SpreadError as error:
        of = _told_of_inputs if name == "inputs" else _told_of_targets
        argument, values, what = of(model, error.column)
        raise ValueError(
            f"{argument} cannot be standardised, because the variance of {values} is too large for "
            f"float64. Divide {what} by a constant, or correct its extreme values."
        ) from error


def _told_of_inputs(model, column):
    """In words the argument, a part of it, and that part when it has been named."""
    schema = model.schema
    if schema.is_table:
        column = int(schema.origins[column])
    column -= gaps.n_marks(schema.gaps, schema.is_table)  # which stand first
    word = "column" if schema.is_table else "feature"
    names = schema.names if schema.is_table or not schema.is_of_rows else None
    return "X", at((column,), (word,), names), f"that {word}"


def _told_of_targets(model, column):
    if model.target.n_targets == 1:
        return "y", "its values", "y"
    return "y", at((column,), ("output",)), "that output"


def _scaled(model, moments):
    """The model with scales of these moments; it keeps those that are not settled."""
    arrays, unsettled = {}, {}
    for name, found in moments.items():
        dtype = model.architecture.dtype if name == "inputs" else np.float64
        center, scale = _PARTS[name]
        origins = model.schema.origins if name == "inputs" else None
        arrays |= {center: found.mean, scale: found.scale(dtype, origins)}
        counted = found.without_constants(dtype)
        if not counted.are_settled:
            unsettled[name] = counted
    return replace(model, scaling=replace(model.scaling, **arrays), moments=unsettled)
