"""A series, what was forecast after it, and what came."""

import numpy as np

from skrnn.plotting.axes import (
    BLUE,
    GREY,
    SKY,
    VERMILION,
    axes_for,
    short_dates,
    styled,
    without_frame,
)

#: Horizons of the history that are drawn.
_SHOWN = 4


class ForecastDisplay:
    """The end of a series, a forecast with bands between its quantiles, and the truth.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    y_pred : ndarray of shape (horizon,) or (horizon, n_quantiles)
        The forecast.

    quantile : array-like of shape (n_quantiles,), default=None
        Levels of the columns of `y_pred`, ascending.

    history : array-like of shape (n_history,), default=None
        What came before.

    y_true : array-like of shape (horizon,), default=None
        What came then.

    index : array-like of shape (n_history + horizon,), default=None
        Times of the history and of the forecast. None: steps, of which 1 is the first forecast.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    history_, forecast_, truth_ : matplotlib Line2D or None
    bands_ : list of matplotlib PolyCollection
        The widest first.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.plotting import ForecastDisplay
    >>> from skrnn.windows import make_windows
    >>> series = np.sin(np.arange(200) * np.pi / 6)
    >>> X, y, _ = make_windows(series[:-12], window=24, horizon=12)
    >>> model = RNNRegressor(max_iter=10, random_state=0).fit(X, y)
    >>> ForecastDisplay.from_estimator(model, series[:-12], 12, y_true=series[-12:])
    <...ForecastDisplay...>
    """

    def __init__(self, *, y_pred, quantile=None, history=None, y_true=None, index=None):
        self.y_pred, self.quantile, self.index = y_pred, quantile, index
        self.history, self.y_true = history, y_true

    @classmethod
    def from_estimator(
        cls, model, history, horizon, *, window=None, target=0, future=None, times=None,
        quantile=None, y_true=None, n_history=None, index=None, ax=None, history_kwargs=None,
        forecast_kwargs=None, band_kwargs=None, truth_kwargs=None,
    ):  # fmt: skip
        """Draw the :func:`skrnn.windows.forecast` of a model that was fitted on windows.

        Parameters
        ----------
        model, history, horizon, window, target, future, times : as in ``forecast``
            Of one series.
        quantile : array-like, default=None
            Levels, where the model predicts several; None: those of its parameter `quantile`.
        y_true : array-like of shape (horizon,), default=None
            What came then.
        n_history : int, default=None
            Rows of the history that are drawn, the last ones; None: four times the horizon.
        index : array-like of shape (n_rows + horizon,), default=None
            Times of all rows of the history and of the forecast.
        ax : matplotlib Axes, default=None
            None: of a new figure.
        history_kwargs, forecast_kwargs, truth_kwargs : dict, default=None
            Of matplotlib's ``plot``.
        band_kwargs : dict, default=None
            Of matplotlib's ``fill_between``.

        Returns
        -------
        ForecastDisplay
        """
        from skrnn.windows import forecast
        from skrnn.windows.series import read

        predicted = forecast(
            model, history, horizon, window=window, target=target, future=future, times=times
        )
        series = read(history, times, None, "history")
        past = series.values[:, series.column(target, "target")]
        if predicted.ndim == 2 and quantile is None:
            quantile = _levels_of(model)
        return cls.from_predictions(
            predicted, quantile=quantile, history=past, y_true=y_true,
            n_history=_SHOWN * horizon if n_history is None else n_history, index=index, ax=ax,
            history_kwargs=history_kwargs, forecast_kwargs=forecast_kwargs,
            band_kwargs=band_kwargs, truth_kwargs=truth_kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(
        cls, y_pred, *, quantile=None, history=None, y_true=None, n_history=None, index=None,
        ax=None, history_kwargs=None, forecast_kwargs=None, band_kwargs=None, truth_kwargs=None,
    ):  # fmt: skip
        """Draw predictions that are given.

        Parameters
        ----------
        y_pred : array-like of shape (horizon,) or (horizon, n_quantiles)
            In time order: a forecast of many values, or predictions of one value for windows that
            follow each other.
        quantile : array-like of shape (n_quantiles,), default=None
            Levels of the columns of `y_pred`.
        history : array-like of shape (n_rows,), default=None
            What came before.
        y_true : array-like of shape (horizon,), default=None
            What came then.
        n_history : int, default=None
            Rows of the history that are drawn, the last ones; None: all.
        index, ax, history_kwargs, forecast_kwargs, band_kwargs, truth_kwargs : as in \
                :meth:`from_estimator`

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ValueError
            If lengths do not fit together, or there are several columns without levels.
        """
        y_pred, quantile = _checked(y_pred, quantile)
        history = np.empty(0) if history is None else np.asarray(history, float).ravel()
        _check_lengths(len(history), len(y_pred), y_true, index)
        first = 0 if n_history is None else max(len(history) - n_history, 0)
        index = None if index is None else np.asarray(index)[first:]
        display = cls(
            y_pred=y_pred, quantile=quantile, history=history[first:], y_true=y_true, index=index
        )
        return display.plot(
            ax, history_kwargs=history_kwargs, forecast_kwargs=forecast_kwargs,
            band_kwargs=band_kwargs, truth_kwargs=truth_kwargs,
        )  # fmt: skip

    def plot(
        self, ax=None, *, history_kwargs=None, forecast_kwargs=None, band_kwargs=None,
        truth_kwargs=None,
    ):  # fmt: skip
        """Draw history, bands, forecast and truth.

        Parameters
        ----------
        ax, history_kwargs, forecast_kwargs, band_kwargs, truth_kwargs : as in \
                :meth:`from_estimator`

        Returns
        -------
        ForecastDisplay
            Itself.
        """
        is_new = ax is None
        ax = axes_for(self, ax, figsize=(8.0, 3.6))
        past, ahead = self._times()
        self.history_ = self.truth_ = None
        if len(past):
            self.history_ = _line(ax, past, self.history, history_kwargs, GREY, "history")
        self.bands_ = self._draw_bands(ax, ahead, band_kwargs)
        middle = self._middle()
        self.forecast_ = None
        if middle is not None:
            self.forecast_ = _line(ax, ahead, middle, forecast_kwargs, BLUE, self._name())
        if self.y_true is not None:
            self.truth_ = _line(ax, ahead, self.y_true, truth_kwargs, VERMILION, "truth", "--")
        if self.index is None:
            ax.set_xlabel("Step (1 is the first forecast)")
        elif np.asarray(self.index).dtype.kind == "M":
            short_dates(ax)
        ax.margins(x=0.01)
        without_frame(ax)
        _put_legend(ax, above=is_new)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _times(self):
        """Times of the history and of the forecast."""
        n_past = 0 if self.history is None else len(self.history)
        index = self.index
        if index is None:
            index = np.arange(1 - n_past, len(self.y_pred) + 1)
        return index[:n_past], index[n_past:]

    def _draw_bands(self, ax, ahead, band_kwargs):
        """A band between each level and its opposite, darker towards the middle."""
        bands = []
        for low in range(0 if self.quantile is None else len(self.quantile) // 2):
            high = len(self.quantile) - 1 - low
            default = {
                "color": SKY, "alpha": min(0.22 + 0.12 * low, 0.6), "linewidth": 0.0,
                "label": _told(self.quantile[low], self.quantile[high]),
            }  # fmt: skip
            style = styled(default, band_kwargs, "collections.PolyCollection")
            bands.append(ax.fill_between(ahead, self.y_pred[:, low], self.y_pred[:, high], **style))
        return bands

    def _middle(self):
        """What the line of the forecast is; None between an even number of levels."""
        if self.quantile is None:
            return self.y_pred
        n_levels = len(self.quantile)
        return self.y_pred[:, n_levels // 2] if n_levels % 2 else None

    def _name(self):
        level = 0.5 if self.quantile is None else self.quantile[len(self.quantile) // 2]
        return "forecast" if level == 0.5 else f"{100 * level:g} % quantile"


def _put_legend(ax, above):
    """Above the axes, or in room for it inside, where above them a title may stand."""
    if above:
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, frameon=False)
        return
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.3 * (high - low))
    ax.legend(loc="upper left", ncols=3, fontsize="small", frameon=False)


def _line(ax, times, numbers, given, color, label, style="-"):
    default = {"color": color, "label": label, "linestyle": style, "linewidth": 1.6}
    if len(times) == 1:
        default |= {"marker": "o"}
    (line,) = ax.plot(times, numbers, **styled(default, given, "lines.Line2D"))
    return line


def _told(low, high):
    """What a band has between its edges."""
    share = 100.0 * (high - low)
    if np.isclose(low + high, 1.0):
        return f"{share:.3g} % interval"
    return f"{100 * low:.3g} to {100 * high:.3g} %"


def _checked(y_pred, quantile):
    """Predictions and levels that fit together; a single level is none."""
    y_pred = np.asarray(y_pred, dtype=float)
    if y_pred.ndim == 2 and y_pred.shape[1] == 1:
        y_pred, quantile = y_pred[:, 0], None
    if y_pred.ndim == 1:
        return y_pred, None
    if y_pred.ndim != 2:
        raise ValueError(
            f"y_pred has the shape {y_pred.shape}; pass (horizon,) or (horizon, n_quantiles)."
        )
    n_levels = y_pred.shape[1]
    levels = None if quantile is None else np.asarray(quantile, float)
    if levels is None or levels.shape != (n_levels,) or (np.diff(levels) <= 0.0).any():
        raise ValueError(
            f"quantile={quantile!r}, but y_pred has {n_levels} columns: pass their levels, in"
            " ascending order."
        )
    return y_pred, levels


def _check_lengths(n_past, n_ahead, y_true, index):
    if index is not None and len(index) != n_past + n_ahead:
        raise ValueError(
            f"index has {len(index)} entries, but history and forecast have {n_past + n_ahead}"
            " rows."
        )
    if y_true is not None and np.shape(y_true) != (n_ahead,):
        raise ValueError(
            f"y_true has the shape {np.shape(y_true)}, but y_pred has {n_ahead} rows. Pass as many"
            " numbers, NaN where none are known."
        )


def _levels_of(model):
    """The parameter `quantile`, sorted as predictions are."""
    params = model.get_params() if hasattr(model, "get_params") else {}
    # In a pipeline or a search a step has the parameter, whose name ends behind two underscores.
    levels = {name.rpartition("__")[2]: value for name, value in params.items()}.get("quantile")
    return None if levels is None or np.ndim(levels) == 0 else np.sort(levels)
