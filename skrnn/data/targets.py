"""What y means: how it becomes the numbers that a network learns, and how predictions become y.

A *target* is a value that ``fit`` makes of y and the estimator's parameters, and that a model
keeps. It says

* ``learn(given, ...)``, for the first time, or ``encode(given)``: y as numbers (n, n_targets);
* ``loss`` and ``n_outputs``: what a network minimises, and how many raw outputs it has;
* ``weigh(values, weights)``: the weights of samples with these targets;
* ``strata(values, n_held_out)``: by which groups a part of the samples is held out;
* ``decode(predicted)``, ``score(values, predicted, weights)``, ``score_of(examples, predicted)``:
  predictions in the form of y, and how good they are;
* ``to_state()`` and ``from_state(state)``: itself as a dict of arrays, numbers and strings.

What most kinds have in common is said once, in :class:`skrnn.data.target.Target`. Predictions of
two kinds are no numbers in y's units, so these have other methods in the place of the last but one:
transcripts (:class:`skrnn.data.transcripts.TranscriptTarget`), whose ``decode`` makes labels of
their numbers, and continuations, of which samples are drawn
(:class:`skrnn.data.continuations.Continuation`).

Each kind of target is a class, in a file of its own or with its kin, and an entry in :data:`KINDS`.
"""

from skrnn.data.classes import BinaryTarget, MulticlassTarget, MultilabelTarget
from skrnn.data.continuations import NextStep, NextToken
from skrnn.data.regression import RegressionTarget
from skrnn.data.transcripts import AlignedTarget, TranscriptTarget

#: Kinds of targets by name.
KINDS = {
    target.kind: target
    for target in (
        RegressionTarget,
        BinaryTarget,
        MulticlassTarget,
        MultilabelTarget,
        TranscriptTarget,
        AlignedTarget,
        NextToken,
        NextStep,
    )
}


def from_state(state):
    """The target that gave this dict by ``to_state``."""
    return KINDS[state["kind"]].from_state(state)
