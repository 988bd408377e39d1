"""What a fit has found: the model, what its parts are worth, and the words of `verbose` for it."""

from typing import NamedTuple

import numpy as np

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
    curves : Curves
        Of the candidate that is kept.
    converged : bool
        False where more epochs would have helped.
    candidate : str
        Its name.
    share : float or None
        Of its predictions in the model's; None where no validation data decided it.
    linear : Linear or None
        None where no path was fitted.
    interrupted : bool
    """

    model: Model
    curves: Curves
    converged: bool
    candidate: str
    share: float | None
    linear: Linear | None
    interrupted: bool


def of(trained, linear, interrupted, share=None):
    """The Outcome with what a Trained has become."""
    return Outcome(
        trained.model, trained.training.curves, trained.training.converged,
        trained.candidate.name, share, linear, interrupted,
    )  # fmt: skip


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
