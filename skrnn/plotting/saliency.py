"""Attributions as a heat map."""

import numpy as np

from skrnn.inspection import input_gradients, integrated_gradients
from skrnn.plotting.axes import axes_for, name_steps, one_name_each, whole_numbers

_METHODS = {"integrated_gradients": integrated_gradients, "input_gradients": input_gradients}
_OF_METHOD = {
    "integrated_gradients": "Part in the prediction",
    "input_gradients": "Gradient of the prediction",
}
#: Features at most whose names stand at the axis by themselves.
_MOST_NAMES = 40


class SaliencyDisplay:
    """What each step and feature of a sample counts in its prediction, as a heat map.

    Use :meth:`from_estimator` or :meth:`from_attributions`. Steps go to the right and features
    down. Red raises the prediction, blue lowers it, and white is nothing, in the same measure.

    Parameters
    ----------
    attributions : ndarray of shape (n_steps, n_features)
        NaN is left blank.

    feature_names : list of str, default=None

    step_names : list of str, default=None
        The words, where steps are tokens.

    xlabel, label : str
        Of the axis of steps, and of the colours.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    im_ : matplotlib AxesImage
    colorbar_ : matplotlib Colorbar or None

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.plotting import SaliencyDisplay
    >>> X = np.random.default_rng(0).normal(size=(100, 8, 2))
    >>> model = RNNRegressor(max_iter=10, random_state=0).fit(X, X[:, -1, 0])
    >>> SaliencyDisplay.from_estimator(model, X, sample=3, feature_names=["wind", "rain"])
    <...SaliencyDisplay...>
    """

    def __init__(
        self, *, attributions, feature_names=None, step_names=None, xlabel="Step",
        label="Attribution",
    ):  # fmt: skip
        self.attributions, self.feature_names = attributions, feature_names
        self.step_names, self.xlabel, self.label = step_names, xlabel, label

    @classmethod
    def from_estimator(
        cls, estimator, X, *, sample=0, method="integrated_gradients", target=None, step=None,
        feature_names=None, step_names=None, ax=None, im_kwargs=None, colorbar=True, **options,
    ):  # fmt: skip
        """Draw what :mod:`skrnn.inspection` says of one sample.

        Parameters
        ----------
        estimator : RNNRegressor or RNNClassifier
            Fitted.
        X : as in ``predict``
        sample : int, default=0
            Which sample of X. Of a plain table, which has no steps, all samples are shown side by
            side.
        method : {"integrated_gradients", "input_gradients"}, default="integrated_gradients"
        target, step : as in the function
        feature_names : list of str, default=None
            None: those that the estimator knows, else numbers.
        step_names : list of str, default=None
            The words of the sample, where X has tokens.
        ax : matplotlib Axes, default=None
            None: of a new figure.
        im_kwargs : dict, default=None
            Of matplotlib's ``imshow``.
        colorbar : bool, default=True
        **options : dict
            Further arguments of the function, as `baseline` and `n_steps`.

        Returns
        -------
        SaliencyDisplay
        """
        if method not in _METHODS:
            raise ValueError(f"method={method!r} must be one of {list(_METHODS)}.")
        model = getattr(estimator, "_model", None)
        of_table = model is not None and model.schema.is_table
        some = X if of_table else _only(X, sample)
        found = _METHODS[method](estimator, some, target=target, step=step, **options)
        if of_table:
            found = np.reshape(found, (len(found), -1))
        else:
            found = _steps_of(found[0], estimator.n_features_in_, estimator.n_timesteps_)
        known = getattr(estimator, "feature_names_in_", ())
        if feature_names is None and len(known) == found.shape[1]:  # and not those of flat rows
            feature_names = known
        return cls.from_attributions(
            found, feature_names=feature_names, step_names=step_names, ax=ax, im_kwargs=im_kwargs,
            colorbar=colorbar, label=_OF_METHOD[method], xlabel="Sample" if of_table else "Step",
        )  # fmt: skip

    @classmethod
    def from_attributions(
        cls, attributions, *, feature_names=None, step_names=None, xlabel="Step",
        label="Attribution", ax=None, im_kwargs=None, colorbar=True,
    ):  # fmt: skip
        """Draw attributions, or their mean over samples.

        Parameters
        ----------
        attributions : array-like of shape (n_steps, n_features) or (n_steps,)
        feature_names, step_names : list of str, default=None
        xlabel : str, default="Step"
        label : str, default="Attribution"
            What the colours are.
        ax, im_kwargs, colorbar : as in :meth:`from_estimator`

        Returns
        -------
        SaliencyDisplay
        """
        attributions = np.asarray(attributions, dtype=float)
        if attributions.ndim == 1:
            attributions = attributions[:, np.newaxis]
        if attributions.ndim != 2:
            raise ValueError(
                f"attributions have the shape {attributions.shape}; pass those of one sample,"
                " (n_steps, n_features) or (n_steps,), or a mean over samples."
            )
        n_steps, n_features = attributions.shape
        if feature_names is not None:
            feature_names = one_name_each(feature_names, n_features, "feature_names", "features")
        if step_names is not None:
            step_names = one_name_each(step_names, n_steps, "step_names", "steps")
        display = cls(
            attributions=attributions, feature_names=feature_names, step_names=step_names,
            xlabel=xlabel, label=label,
        )  # fmt: skip
        return display.plot(ax, im_kwargs=im_kwargs, colorbar=colorbar)

    def plot(self, ax=None, *, im_kwargs=None, colorbar=True):
        """Draw the heat map.

        Parameters
        ----------
        ax, im_kwargs, colorbar : as in :meth:`from_estimator`

        Returns
        -------
        SaliencyDisplay
            Itself.
        """
        n_steps, n_features = self.attributions.shape
        ax = axes_for(self, ax, figsize=_size(n_steps, n_features))
        finite = np.abs(self.attributions[np.isfinite(self.attributions)])
        largest = finite.max(initial=0.0) or 1.0
        default = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        default |= {"aspect": "auto", "interpolation": "nearest"}
        self.im_ = ax.imshow(self.attributions.T, **(default | (im_kwargs or {})))
        name_steps(ax, self.step_names, n_steps)
        if self.step_names is None:
            ax.set_xlabel(self.xlabel)
        self._name_features(ax, n_features)
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = ax.figure.colorbar(self.im_, ax=ax, label=self.label)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _name_features(self, ax, n_features):
        if n_features == 1 and self.feature_names is None:
            ax.set_yticks([])
        elif self.feature_names is None or n_features > _MOST_NAMES:
            whole_numbers(ax.yaxis)
            ax.set_ylabel("Feature")
        else:
            ax.set_yticks(np.arange(n_features), self.feature_names)


def _size(n_steps, n_features):
    """Width and height of a new figure, in inches."""
    width, height = 0.3 * n_steps + 2.5, 0.28 * n_features + 1.5
    return float(np.clip(width, 5.0, 11.0)), float(np.clip(height, 2.6, 9.0))


def _only(X, sample):
    """X with one of its samples."""
    if hasattr(X, "iloc"):
        return X.iloc[[sample]]
    return [X[sample]] if isinstance(X, (list, tuple)) else X[[sample]]


def _steps_of(found, n_columns, n_steps):
    """Attributions (n_steps, n_features) of one sample, without padding."""
    found = np.asarray(found)
    if found.ndim == 1 and n_steps is not None and len(found) == n_columns > n_steps:
        found = found.reshape(n_steps, -1)
    found = found.reshape(len(found), -1)
    filled = np.flatnonzero(~np.isnan(found).all(axis=1))
    return found[: filled[-1] + 1]
