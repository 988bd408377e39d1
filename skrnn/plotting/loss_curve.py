"""How a fit went: loss or score by epoch."""

import numpy as np

from skrnn.plotting.axes import COLORS, GREY, axes_for, styled, whole_numbers, without_frame

#: Of each metric the fitted attributes with its curves, their keys in `part_curves_`, its label.
_METRICS = {
    "loss": ("loss_curve_", "validation_loss_curve_", "loss", "validation_loss", "Loss"),
    "score": (None, "validation_scores_", None, "validation_scores", "Validation score"),
}


class LossCurveDisplay:
    """Loss or score of each epoch of a fit.

    Use :meth:`from_estimator`. Where a fit has trained several recurrent parts and chosen one, each
    has a colour. Training is dashed, validation drawn out, and a dot is on the epoch whose weights
    are kept.

    Parameters
    ----------
    curves : dict of str to dict
        For each part, by its name, "training" and "validation", arrays of numbers or None, and
        "kept_epoch", the epoch whose weights it keeps, from 1 on, 0 the start, or None.

    kept : str or None, default=None
        The part that the model has.

    line : float or None, default=None
        A level to compare with, the linear path's.

    ylabel : str, default="Loss"

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        The curves.
    kept_ : matplotlib Line2D or None
        The dot.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skrnn import RNNRegressor
    >>> from skrnn.plotting import LossCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RNNRegressor(max_iter=10, random_state=0).fit(X, y)
    >>> LossCurveDisplay.from_estimator(model)
    <...LossCurveDisplay...>
    """

    def __init__(self, *, curves, kept=None, line=None, ylabel="Loss"):
        self.curves, self.kept, self.line, self.ylabel = curves, kept, line, ylabel

    @classmethod
    def from_estimator(cls, estimator, *, metric="loss", ax=None, line_kwargs=None):
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : RNNRegressor or RNNClassifier
            Fitted; or another estimator with a `loss_curve_`, as ``MLPRegressor``. After
            ``partial_fit``, or with ``warm_start``, the curve goes on from fit to fit.
        metric : {"loss", "score"}, default="loss"
            "loss": training loss, and that on the validation data if there are any. All losses are
            in the unit of the linear path's. "score": the validation score, and as a line that of
            the linear path by itself.
        ax : matplotlib Axes, default=None
            None: of a new figure.
        line_kwargs : dict, default=None
            Of matplotlib's ``plot``, for all curves.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If the estimator has no such curve.
        """
        if metric not in _METRICS:
            raise ValueError(f"metric={metric!r} must be 'loss' or 'score'.")
        curves, kept = _curves_of(estimator, metric)
        line = getattr(estimator, "linear_score_", None) if metric == "score" else None
        display = cls(curves=curves, kept=kept, line=line, ylabel=_METRICS[metric][-1])
        return display.plot(ax, line_kwargs=line_kwargs)

    def plot(self, ax=None, *, line_kwargs=None):
        """Draw the curves.

        Parameters
        ----------
        ax, line_kwargs : as in :meth:`from_estimator`

        Returns
        -------
        LossCurveDisplay
            Itself.
        """
        ax = axes_for(self, ax)
        self.lines_, self.kept_ = [], None
        for i, (name, curve) in enumerate(self.curves.items()):
            self._draw(ax, name, curve, COLORS[i % len(COLORS)], line_kwargs)
        if self.line is not None:
            ax.axhline(self.line, color=GREY, linestyle=":", label="linear path by itself")
        ax.set(xlabel="Epoch", ylabel=self.ylabel)
        whole_numbers(ax.xaxis)
        without_frame(ax)
        if len(ax.get_legend_handles_labels()[0]) > 1:
            ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, ax, name, curve, color, line_kwargs):
        is_kept = name == self.kept
        z, is_one = 3 if is_kept else 2, len(self.curves) == 1
        for what, style in (("training", "--"), ("validation", "-")):
            numbers = curve.get(what)
            if numbers is None or not len(numbers):
                continue
            default = {
                "color": color, "linestyle": style, "linewidth": 1.2 if style == "--" else 1.8,
                "label": what if is_one else f"{what}, {name}", "zorder": z,
            }  # fmt: skip
            epochs = np.arange(1, len(numbers) + 1)
            line_style = styled(default, line_kwargs, "lines.Line2D")
            self.lines_ += ax.plot(epochs, numbers, **line_style)
        if is_kept and curve.get("kept_epoch") is not None:
            self._mark(ax, curve, color)

    def _mark(self, ax, curve, color):
        """A dot on the epoch whose weights are kept; a line at the start, which has no loss."""
        epoch, validation = curve["kept_epoch"], curve.get("validation")
        numbers = curve.get("training") if validation is None else validation
        if epoch == 0:
            self.kept_ = ax.axvline(0, color=color, linestyle=":", label="kept: the start")
        elif numbers is not None and epoch <= len(numbers):
            (self.kept_,) = ax.plot(
                [epoch], [numbers[epoch - 1]], "o", color=color, markersize=7,
                markeredgecolor="white", zorder=4, label=f"kept: epoch {epoch}",
            )  # fmt: skip


def _curves_of(estimator, metric):
    """Curves of each part, and the name of the one that is kept."""
    training, validation, in_part, validation_in_part, _ = _METRICS[metric]
    parts = getattr(estimator, "part_curves_", None) or {}
    kept = getattr(estimator, "recurrent_part_", None)
    if len(parts) > 1:
        found = {
            name: {
                "training": part.get(in_part), "validation": part[validation_in_part],
                "kept_epoch": part["kept_epoch"],
            }
            for name, part in parts.items()
        }  # fmt: skip
        return found, kept
    curve = {
        "training": training and getattr(estimator, training, None),
        "validation": getattr(estimator, validation, None),
    }
    lengths = [len(one) for one in curve.values() if one is not None]
    if not lengths:
        wanted = " and no ".join(filter(None, (training, validation)))
        raise ValueError(
            f"{type(estimator).__name__} has no {wanted}. Fit it first, and for a validation score"
            " with validation data (early_stopping=True, or X_val and y_val)."
        )
    name = kept or "fit"
    curve["kept_epoch"] = _kept_epoch(parts.get(name), max(lengths))
    return {name: curve}, name


def _kept_epoch(part, n_epochs):
    """The epoch that is kept, counted from the first of several fits."""
    if part is None:
        return None
    before = n_epochs - len(part["loss"])
    return None if before and not part["kept_epoch"] else before + part["kept_epoch"]
