"""What a fit has found: the model, what its parts are worth, and the words of `verbose` for it."""

from typing import NamedTuple

import numpy as np

from skrnn.learning import candidates
from skrnn.learning.events import Curves
from skrnn.learning.model import Model


class Linear(NamedTuple):
    """What the linear path says by itself.

    Attributes
    ----------
    coefficients, intercepts : ndarray or None
        As :meth:`Model.linear_map` gives them.
    score : float
        On samples that it has not seen.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    score: float


class Outcome(NamedTuple):
    """What a fit has found.

    Attributes
    ----------
    model : Model
    theta : ndarray of shape (n_parameters,)
        Parameters of the candidate that is kept, in its own unit and whole.
    curves : Curves
        Of that candidate.
    converged : bool
        False where more epochs would have helped.
    candidate : str
        Its name.
    share : float or None
        Of its predictions in the model's; None where no validation data decided it.
    linear : Linear or None
        None where no path was fitted.
    interrupted : bool
        Whether Ctrl-C ended it.
    parts : dict
        Of each candidate by its name: its curves, losses in the unit of the path's, and the epoch
        whose weights it keeps.
    is_over : bool
        Whether Ctrl-C or a callback ended the fit, so that nothing further is trained.
    """

    model: Model
    theta: np.ndarray
    curves: Curves
    converged: bool
    candidate: str
    share: float | None
    linear: Linear | None
    interrupted: bool
    parts: dict
    is_over: bool = False


def of(trained, linear, interrupted, parts):
    """The Outcome with what a Trained has become, and nothing else."""
    return Outcome(
        trained.model, trained.model.theta, trained.training.curves, trained.training.converged,
        trained.candidate.name, None, linear, interrupted, parts,
    )  # fmt: skip


def parts_of(start, trained):
    """`parts` of an Outcome, of some Trained.

    Parameters
    ----------
    start : Model
        That the fit began with.
    trained : list of Trained
    """
    found = {}
    for one in trained:
        factor, kept = candidates.loss_factor(start, one.candidate), _kept_epoch(one.training)
        found[one.candidate.name] = part_of(one.training.curves, kept, factor)
    return found


def part_of(curves, kept_epoch, factor=1.0):
    """An entry of `parts`, of losses that are to be multiplied by a factor."""
    return {
        "loss": [factor * loss for loss in curves.loss],
        "validation_loss": [factor * loss for loss in curves.validation_loss],
        "validation_scores": list(curves.validation_scores),
        "kept_epoch": kept_epoch,
    }


def _kept_epoch(training):
    """The epoch whose weights are kept: of those watched the best, 0 the start; else the last."""
    if training.watch is None:
        return len(training.curves)
    losses, best = training.curves.validation_loss, training.watch.best_loss
    return losses.index(best) + 1 if best in losses else 0


def linear_of(model, score):
    """Linear, of a path that has just been fitted and has such a score; else None."""
    if model.path is None or model.n_samples_seen > 0:
        return None
    return Linear(*model.linear_map(), score)


# Lines of text


def on_path(verdict):
    """Before the trainings, where validation data are watched."""
    return f"Linear path, {verdict.in_words()}"


def on_path_left_out(score):
    """At the end, where none are."""
    return f"Linear path {score:.4f}, left out; recurrent part not judged: no validation data."


def on_all(n_samples, n_epochs):
    """Before all samples are learnt, those too that have been watched."""
    epochs = "epoch" if n_epochs == 1 else "epochs"
    return f"All {n_samples} samples are learnt now, for {n_epochs} {epochs}."


def on_end(n_epochs, reason):
    """After each training."""
    return f"Stopped after epoch {n_epochs}: {reason}."


def on_left_behind(n_epochs, name):
    """After a training that is given up."""
    return f"Stopped {name} after epoch {n_epochs}: left behind."


def on_choice(of_path, of_both, name, share):
    """At the end: scores on the validation data, and the share of the candidate of that name."""
    gain = f"{of_both - of_path:+.4f}"
    return f"Linear path {of_path:.4f}; recurrent part {name} {gain}, share {share:.2f}."
