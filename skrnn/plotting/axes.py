"""Axes to draw on, colours and styles: what all displays share. matplotlib is imported here."""

import numpy as np

#: Colours that the colour-blind tell apart, by Okabe and Ito, readable on white and on black.
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#808080"
#: The colour of an area, which lets the ground through.
SKY = "#56B4E9"
COLORS = (BLUE, VERMILION, GREEN, "#CC79A7")


def axes_for(display, ax, figsize=None):
    """The axes, or those of a new figure.

    Parameters
    ----------
    display : object
        For the message.
    ax : matplotlib Axes or None
    figsize : tuple of float, optional
        Of a new figure, in inches.

    Raises
    ------
    ImportError
        If there is no matplotlib.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__}.plot needs matplotlib, which is not installed. Install it"
            " by pip install 'skrnn[plot]'."
        ) from error
    if ax is None:
        _, ax = pyplot.subplots(figsize=figsize, layout="constrained")
    return ax


def styled(default, given, of):
    """Keyword arguments of an artist: defaults, and what a user gives, by any of their names.

    Parameters
    ----------
    default : dict
    given : dict or None
    of : str
        "lines.Line2D", for instance: a class of matplotlib.
    """
    from importlib import import_module

    from matplotlib import cbook

    module, _, name = of.rpartition(".")
    artist = getattr(import_module(f"matplotlib.{module}"), name)
    return default | cbook.normalize_kwargs(given or {}, artist)


def whole_numbers(axis):
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def short_dates(ax):
    """Times at the axis below, each as short as its neighbours allow."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=8)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def without_frame(ax):
    """Leave out the two sides of the frame that say nothing."""
    ax.spines[["top", "right"]].set_visible(False)


def name_steps(ax, labels, n_steps):
    """The axis of steps: labels at each, or numbers."""
    if labels is None:
        whole_numbers(ax.xaxis)
        return
    longest = max(len(label) for label in labels)
    rotation = 0 if longest * n_steps <= 60 else 45 if n_steps <= 12 else 90
    align = {"ha": "right", "rotation_mode": "anchor"} if rotation == 45 else {}
    ax.set_xticks(np.arange(n_steps), labels, rotation=rotation, **align)


def one_name_each(names, n, argument, what):
    """Names as a list of text, if there are as many as wanted."""
    names = [str(name) for name in names]
    if len(names) != n:
        raise ValueError(f"{argument} has {len(names)} names, but there are {n} {what}.")
    return names
