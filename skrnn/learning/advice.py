"""The words of every warning about a training: what happened, and what to change."""

import numpy as np

INTERRUPTED = "Training interrupted by user; the weights learnt so far are kept."

_LOOK = "set standardize=True if it is not, and look for extreme values in X and y."
_AGAINST_DIVERGENCE = f"Lower learning_rate_init or max_grad_norm, {_LOOK}"
_AGAINST_DIVERGING_LBFGS = f"S{_LOOK[1:]}"

UNDONE = (
    "The loss became non-finite in this call of partial_fit, which has been undone. "
    + _AGAINST_DIVERGENCE
)

_LARGE_PENALTY = (
    "The loss is finite without its penalty: lower alpha, and look for extreme sample weights."
)


def on_nothing_finite(dtype):
    """An error: a model that does not predict what it was fitted on is of no use."""
    advice = (
        "X or y is too large for this net, because its predictions for the training data are not "
        "finite even before training. Set standardize=True if it is not, or rescale X and y."
    )
    return advice + (" dtype='float64' holds larger values." if dtype == np.float32 else "")


def on_stepping_back(solver):
    """Where the last weights, of a finite loss, are of no use."""
    return (
        "The last weights predict the training data with values that are not finite, so earlier "
        "ones are kept. "
    ) + (_AGAINST_DIVERGING_LBFGS if solver == "lbfgs" else _AGAINST_DIVERGENCE)


def on_divergence(rate, penalty_is_to_blame=False):
    """After the first return to good weights; `rate` is the new learning rate."""
    return (
        "The loss became non-finite: training went back to the last weights with a finite loss, "
        f"and goes on with the learning rate halved to {rate:.3g}. "
        + (_LARGE_PENALTY if penalty_is_to_blame else _AGAINST_DIVERGENCE)
    )


def on_repeated_divergence(n_times, penalty_is_to_blame=False):
    """After too many returns."""
    return (
        f"The loss became non-finite {n_times} times, though the learning rate was halved in "
        "between; training stopped, and earlier weights with a finite loss are kept. "
        + (_LARGE_PENALTY if penalty_is_to_blame else _AGAINST_DIVERGENCE)
    )


def on_diverging_lbfgs(n_iter, penalty_is_to_blame):
    """Where L-BFGS ends with a loss that is not finite."""
    return (
        f"L-BFGS ended after {n_iter} iterations with a loss that is not finite; the last weights "
        "with a finite loss are kept, or the start. "
        + (_LARGE_PENALTY if penalty_is_to_blame else _AGAINST_DIVERGING_LBFGS)
    )


def on_no_convergence(solver, n_iter, tol, losses):
    """After max_iter: what to change, by what the last quarter of the epochs brought."""
    if solver == "lbfgs":
        return (
            f"L-BFGS stopped after max_iter={n_iter} iterations without reaching tol={tol}. "
            "Increase max_iter, or tol if the loss hardly changes."
        )
    # The limit is not the parameter where that is None.
    reached = f"Training reached its limit of {_epochs(n_iter)} (max_iter)"
    if n_iter == 1:
        return f"{reached}, too few to see whether the loss has settled. Increase max_iter."
    quarter = max(1, len(losses) // 4)
    if min(losses[-quarter:]) >= min(losses[:-quarter]):
        last = "epoch" if quarter == 1 else f"{quarter} epochs"
        return (
            f"{reached}, and the loss has neither improved in the last {last} nor settled. Lower "
            "learning_rate_init, or set learning_rate='cosine', which lowers it to zero by "
            "max_iter."
        )
    return (
        f"{reached}, and the loss was still improving. Increase max_iter, or set "
        "learning_rate='cosine', which ends within it."
    )


def _epochs(n):
    return "1 epoch" if n == 1 else f"{n} epochs"


def on_overfitting(curves):
    """Where the validation loss rose while the training loss fell."""
    best, last = np.argmin(curves.validation_loss) + 1, len(curves)
    return (
        f"Overfitting: the validation loss was best after epoch {best} "
        f"({min(curves.validation_loss):.4g}) and rose to {curves.validation_loss[-1]:.4g} by "
        f"epoch {last}, while the training loss fell. The weights of the best epoch are kept. Set "
        "early_stopping=True to stop in time. Smaller hidden_layer_sizes, a larger alpha or "
        "dropout may lower the validation loss."
    )
