"""The words of every warning about a training: what happened, and what to change."""

import numpy as np

INTERRUPTED = "Training interrupted by user; the weights learnt so far are kept."

UNDONE = (
    "The loss became non-finite in this call of partial_fit, which has been undone. Lower "
    "learning_rate_init, and look for extreme values in X and y."
)

STEPPED_BACK = (
    "The last weights predict the training data with values that are not finite, so earlier ones "
    "are kept. Lower learning_rate_init, keep standardize=True, and look for extreme values in X "
    "and y."
)

#: An error: a model that does not predict what it was fitted on is of no use.
NOTHING_FINITE = (
    "X or y is too large for this net: what it predicts of the training data is not finite, even "
    "with its start weights. Rescale X and y, or set dtype='float64'."
)

_LARGE_PENALTY = (
    "The loss is finite without its penalty: lower alpha, and look for extreme sample weights."
)


def on_divergence(rate, penalty_is_to_blame=False):
    """After the first return to a good epoch; `rate` is the new learning rate."""
    what_to_do = (
        "Lower learning_rate_init or max_grad_norm, or keep standardize=True, to avoid this."
    )
    return (
        "The loss became non-finite: training went back to the last good epoch and goes "
        f"on with the learning rate halved to {rate:.3g}. "
        + (_LARGE_PENALTY if penalty_is_to_blame else what_to_do)
    )


def on_repeated_divergence(n_times, penalty_is_to_blame=False):
    """After too many returns."""
    what_to_do = (
        "Lower learning_rate_init or max_grad_norm, keep standardize=True, and look for extreme "
        "values in X and y."
    )
    return (
        f"Training diverged {n_times} times although the learning rate was "
        "halved each time; it stops with the weights of the last good epoch. "
        + (_LARGE_PENALTY if penalty_is_to_blame else what_to_do)
    )


def on_diverging_lbfgs(n_iter, penalty_is_to_blame):
    """Where L-BFGS ends with a loss that is not finite."""
    what_to_do = "Keep standardize=True, and look for extreme values in X and y."
    return (
        f"L-BFGS ended after {n_iter} iterations with a loss that is not finite; the last weights "
        "with a finite loss are kept, or the start. "
        + (_LARGE_PENALTY if penalty_is_to_blame else what_to_do)
    )


def on_no_convergence(solver, n_iter, tol, losses):
    """After max_iter: what to change, by what the last quarter of the epochs brought."""
    if solver == "lbfgs":
        return (
            f"L-BFGS stopped after max_iter={n_iter} iterations without reaching tol={tol}. "
            "Increase max_iter, or tol if the loss hardly changes."
        )
    reached = f"Maximum iterations ({n_iter}) reached and the optimization has not converged: "
    quarter = max(1, len(losses) // 4)
    if len(losses) > quarter and min(losses[-quarter:]) >= min(losses[:-quarter]):
        return reached + (
            f"the loss has neither improved in the last {quarter} epochs nor settled. Lower "
            "learning_rate_init, or let learning_rate='cosine' bring it to rest."
        )
    return reached + (
        "the loss was still improving. Increase max_iter, or let learning_rate='cosine' end within "
        "it."
    )


def on_overfitting(curves):
    """Where the validation loss rose while the training loss fell."""
    best, last = np.argmin(curves.validation_loss) + 1, len(curves)
    return (
        f"Overfitting: the validation loss was best after epoch {best} "
        f"({min(curves.validation_loss):.4g}) and rose to {curves.validation_loss[-1]:.4g} by "
        f"epoch {last}, while the training loss fell. The weights of the best epoch are kept. Set "
        "early_stopping=True to stop in time; smaller hidden_layer_sizes, a larger alpha or "
        "dropout may make the best better."
    )
