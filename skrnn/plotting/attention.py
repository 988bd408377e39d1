"""Which steps attention looks at: a heat map, or the words themselves on a coloured ground."""

import numpy as np

from skrnn.plotting.axes import axes_for, one_name_each, whole_numbers

#: Characters of a line of words, in a font of equal widths.
_LINE = 72
#: Size of words in points at most and at least, and the height of a line in those of a word.
_LARGEST, _SMALLEST, _SPACING = 11.0, 3.0, 1.9


class AttentionDisplay:
    """What each step of some sequences counts in the pooled state of ``pooling="attention"``.

    Use :meth:`from_estimator` or :meth:`from_weights`. Numbers are a heat map, a row for each
    sequence, blank where it has ended. Words stand as in a text, the darker their ground the more
    they count; as sequences differ in length, their weights are shown times the length, so one is
    an equal share.

    Parameters
    ----------
    weights : list of ndarray of shape (n_steps_i,)

    words : list of list of str, default=None
        The word of each step.

    names : list of str, default=None
        Of the sequences.

    xlabel : str, default="Step"

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    im_ : matplotlib AxesImage or ScalarMappable
        What has the colours.
    texts_ : list of matplotlib Text
        The words.
    colorbar_ : matplotlib Colorbar or None

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.plotting import AttentionDisplay
    >>> X = np.random.default_rng(0).normal(size=(100, 8, 2))
    >>> model = RNNRegressor(pooling="attention", max_iter=10, random_state=0).fit(X, X[:, 2, 0])
    >>> AttentionDisplay.from_estimator(model, X[:5])
    <...AttentionDisplay...>
    """

    def __init__(self, *, weights, words=None, names=None, xlabel="Step"):
        self.weights, self.words, self.names, self.xlabel = weights, words, names, xlabel

    @classmethod
    def from_estimator(
        cls, estimator, X, *, words=None, names=None, ax=None, im_kwargs=None, text_kwargs=None,
        colorbar=True,
    ):  # fmt: skip
        """Draw the ``attention_weights`` of the sequences of X.

        Parameters
        ----------
        estimator : RNNRegressor or RNNClassifier
            Fitted, with ``pooling="attention"``.
        X : as in ``predict``
            All samples are drawn, so pass a few.
        words : list of list of str, default=None
            For each sample the word of each step, as ``inverse_transform`` of
            ``SequenceVectorizer`` gives them for ids.
        names : list of str, default=None
            Of the samples; None: their numbers.
        ax : matplotlib Axes, default=None
            None: of a new figure.
        im_kwargs : dict, default=None
            Of matplotlib's ``imshow``; of words, `cmap`, `vmin` and `vmax` alone count.
        text_kwargs : dict, default=None
            Of matplotlib's ``text``, for words.
        colorbar : bool, default=True

        Returns
        -------
        AttentionDisplay
        """
        weights, k = estimator.attention_weights(X), estimator.frame_length_
        return cls.from_weights(
            weights, words=words, names=names, xlabel="Step" if k == 1 else f"Frame of {k} steps",
            ax=ax, im_kwargs=im_kwargs, text_kwargs=text_kwargs, colorbar=colorbar,
        )  # fmt: skip

    @classmethod
    def from_weights(
        cls, weights, *, words=None, names=None, xlabel="Step", ax=None, im_kwargs=None,
        text_kwargs=None, colorbar=True,
    ):  # fmt: skip
        """Draw weights that are given.

        Parameters
        ----------
        weights : array-like of shape (n_samples, n_steps), or list of array-likes of shape \
                (n_steps_i,)
            As ``attention_weights`` gives them, of any model.
        words, names, ax, im_kwargs, text_kwargs, colorbar : as in :meth:`from_estimator`
        xlabel : str, default="Step"

        Returns
        -------
        AttentionDisplay

        Raises
        ------
        ValueError
            If there are not as many words as weights, or names as sequences.
        """
        weights = [np.asarray(one, dtype=float) for one in weights]
        if not weights or any(one.ndim != 1 or not len(one) for one in weights):
            raise ValueError(
                "weights must have one array of shape (n_steps,) for each sequence. Pass [weights]"
                " for a single one."
            )
        if words is not None:
            if len(words) != len(weights):
                raise ValueError(
                    f"words has {len(words)} lists, but there are {len(weights)} sequences."
                )
            words = [
                one_name_each(some, len(one), f"words[{i}]", "steps")
                for i, (some, one) in enumerate(zip(words, weights, strict=True))
            ]
        if names is not None:
            names = one_name_each(names, len(weights), "names", "sequences")
        display = cls(weights=weights, words=words, names=names, xlabel=xlabel)
        return display.plot(ax, im_kwargs=im_kwargs, text_kwargs=text_kwargs, colorbar=colorbar)

    def plot(self, ax=None, *, im_kwargs=None, text_kwargs=None, colorbar=True):
        """Draw the weights.

        Parameters
        ----------
        ax, im_kwargs, text_kwargs, colorbar : as in :meth:`from_estimator`

        Returns
        -------
        AttentionDisplay
            Itself.
        """
        shown, label = self.weights, "Attention weight"
        if self.words is not None:
            shown, label = [len(one) * one for one in shown], "Attention (1: equal share)"
        # An equal share is no dark ground.
        largest = max([one.max() for one in shown] + [2.0] * (self.words is not None))
        default = {"cmap": "viridis" if self.words is None else "Blues", "vmin": 0.0}
        given = default | {"vmax": largest} | (im_kwargs or {})
        self.texts_ = []
        if self.words is None:
            ax = self._draw_map(ax, given)
        else:
            ax = self._draw_words(ax, shown, given, text_kwargs or {})
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = ax.figure.colorbar(self.im_, ax=ax, label=label)
        self.ax_, self.figure_ = ax, ax.figure
        if self.texts_ and "fontsize" not in (text_kwargs or {}):
            self._fit_words()
        return self

    # Numbers

    def _draw_map(self, ax, given):
        longest, n = max(map(len, self.weights)), len(self.weights)
        size = np.clip(0.2 * longest + 2.5, 5.0, 11.0), np.clip(0.25 * n + 1.5, 2.0, 9.0)
        ax = axes_for(self, ax, figsize=size)
        rows = np.full((n, longest), np.nan)
        for row, one in zip(rows, self.weights, strict=True):
            row[: len(one)] = one
        self.im_ = ax.imshow(rows, **({"aspect": "auto", "interpolation": "nearest"} | given))
        ax.set_xlabel(self.xlabel)
        whole_numbers(ax.xaxis)
        if self.names is None:
            ax.set_ylabel("Sequence")
            whole_numbers(ax.yaxis)
        else:
            ax.set_yticks(np.arange(n), self.names)
        return ax

    # Words

    def _draw_words(self, ax, shown, given, text_kwargs):
        """Words in lines, in units of a character and of a line."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        places, n_lines = _in_lines(self.words)
        height = 0.25 + n_lines * _SPACING * _LARGEST / 72.0
        ax = axes_for(self, ax, figsize=(8.5, float(np.clip(height, 1.2, 11.0))))
        norm = Normalize(given["vmin"], given["vmax"])
        self.im_ = ScalarMappable(norm, given["cmap"])
        self.im_.set_array([])
        ax.set(xlim=(-0.5, _LINE + 0.5), ylim=(n_lines - 0.5, -0.5))
        ax.set_xticks([])
        ax.spines[:].set_visible(False)
        self._name_lines(ax, [some[0][1] for some in places])
        for words, weights, some in zip(self.words, shown, places, strict=True):
            for word, weight, place in zip(words, weights, some, strict=True):
                self._draw_word(ax, word, self.im_.to_rgba(weight), place, text_kwargs)
        return ax

    def _name_lines(self, ax, firsts):
        """The name of each sequence at its first line; the number where there are several."""
        names = self.names
        if names is None:
            firsts = firsts if len(firsts) > 1 else []
            names = range(len(firsts))
        ax.set_yticks(firsts, names)
        ax.tick_params(axis="y", length=0)

    def _draw_word(self, ax, word, color, place, text_kwargs):
        from matplotlib.patches import Rectangle

        (column, line), width = place, min(len(word), _LINE)
        ground = Rectangle((column - 0.3, line - 0.4), width + 0.6, 0.8, color=color, linewidth=0)
        ax.add_patch(ground)
        is_dark = np.dot(color[:3], (0.299, 0.587, 0.114)) < 0.5
        default = {"family": "monospace", "va": "center_baseline", "fontsize": _LARGEST}
        default |= {"color": "white" if is_dark else "black", "clip_on": True}
        text = word if len(word) <= _LINE else word[: _LINE - 1] + "…"
        self.texts_.append(ax.text(column, line, text, **(default | text_kwargs)))

    def _fit_words(self):
        """Make words as small as their lines want them, once the size of the axes is known."""
        self.figure_.draw_without_rendering()
        box, dots = self.ax_.get_window_extent(), self.figure_.dpi / 72.0
        n_lines = abs(np.subtract(*self.ax_.get_ylim()))
        longest = max(self.texts_, key=lambda text: len(text.get_text()))
        character, size = box.width / (_LINE + 1), _LARGEST
        size = min(size, box.height / dots / n_lines / 1.3)
        longest.set_fontsize(size)
        # By measuring, because at small sizes characters are whole pixels wide.
        while size > _SMALLEST and (
            longest.get_window_extent().width > len(longest.get_text()) * character
        ):
            size *= 0.95
            longest.set_fontsize(size)
        for text in self.texts_:
            text.set_fontsize(size)
        # Lines are no further apart than they have to be; below them is room.
        n_most = box.height / (size * dots * _SPACING)
        self.ax_.set_ylim(max(n_lines, n_most) - 0.5, -0.5)


def _in_lines(words):
    """Column and line of each word, and how many lines there are; a sequence begins a new one."""
    places, line = [], -1
    for some in words:
        line, column, found = line + 1, 0, []
        for word in some:
            width = min(len(word), _LINE)
            if column and column + width > _LINE:
                line, column = line + 1, 0
            found.append((column, line))
            column += width + 1
        places.append(found)
    return places, line + 1
