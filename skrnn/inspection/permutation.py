"""Importance of features and of steps: what a score loses where they are those of other samples."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skrnn.data import reading
from skrnn.data.columns import is_frame, names_of, with_column


def permutation_importance(
    estimator, X, y, *, by="feature", groups=None, scoring=None, n_repeats=5, n_jobs=None,
    random_state=None, sample_weight=None,
):  # fmt: skip
    """Permutation importance of the features, or of the steps, of sequences.

    What ``sklearn.inspection.permutation_importance`` does for the columns of a table: a score is
    compared with the one for samples that have got a feature's series, or a step, of other samples.

    Parameters
    ----------
    estimator : estimator
        Fitted; of any kind that reads X, as a pipeline.

    X : array-like of shape (n_samples, n_timesteps, n_features), or list of array-likes of shape \
            (T_i, n_features) or (T_i,)
        Sequences, best such as were not in ``fit``. Whole trailing steps of NaN are padding, and
        stay. Token ids come as a list.

    y : as the scorer takes it
        The targets.

    by : {"feature", "step"}, default="feature"
        "feature": the whole series of a feature goes to another sample; between lengths that differ
        it is stretched or shrunk, so that starts meet starts and ends meet ends. "step": all
        features of a step change places with those of the same step of other samples. Steps count
        from the end, so that the last ones of all samples go together, and a step that few samples
        have is permuted among these; a group of steps among those that have as many of them.

    groups : list of lists, default=None
        Features (indices, or names where X is a list of data frames) or steps (negative indices,
        -1 the last; where all samples are of one length, others too) that are permuted together,
        because what each of them says shows in the others as well. None: each is by itself.

    scoring : str, callable, list, tuple, dict or None, default=None
        As in scikit-learn; None is the estimator's ``score``.

    n_repeats : int, default=5
        How many times each is permuted.

    n_jobs : int, default=None
        Jobs over the groups, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Of the permutations. The result is the same for any `n_jobs`.

    sample_weight : array-like, default=None
        Weights for the scorer.

    Returns
    -------
    Bunch, or dict of Bunch with several scorers
        `importances` of shape (n_groups, n_repeats), what the score falls by; `importances_mean`
        and `importances_std` of shape (n_groups,). Groups are in their order, or features in that
        of X, or steps from the first to the last of the longest sample: ``importances[-1]`` is of
        the last step.

    Raises
    ------
    ValueError
        If X is a table, or a group has what X has not.

    See Also
    --------
    sklearn.inspection.permutation_importance : The same for the columns of a table.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.inspection import permutation_importance
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5, 2))
    >>> y = X[:, -1, 0]
    >>> model = RNNRegressor(random_state=0).fit(X[:200], y[:200])
    >>> found = permutation_importance(model, X[200:], y[200:], random_state=0)
    >>> found.importances_mean.round() + 0.0
    array([2., 0.])
    >>> found = permutation_importance(model, X[200:], y[200:], by="step", random_state=0)
    >>> found.importances_mean.round() + 0.0
    array([0., 0., 0., 0., 2.])
    """
    if by not in ("feature", "step"):
        raise ValueError(f"by={by!r} must be 'feature' or 'step'.")
    if not isinstance(n_repeats, Integral) or isinstance(n_repeats, bool) or n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats!r} must be an int of at least 1.")
    samples = Samples.read(X)
    shuffle = samples.with_features_of if by == "feature" else samples.with_steps_of
    groups = samples.groups_of_features(groups) if by == "feature" else samples.of_steps(groups)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    scorer = check_scoring(estimator, scoring=scoring)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    whole = scorer(estimator, X, y, **weights)
    jobs = (
        delayed(_scores)(scorer, estimator, shuffle, group, y, weights, seed, n_repeats)
        for group in groups
    )
    scores = Parallel(n_jobs=n_jobs)(jobs)
    if not isinstance(whole, dict):
        return _importances(whole, scores)
    of_name = {name: [[one[name] for one in row] for row in scores] for name in whole}
    return {name: _importances(whole[name], of_name[name]) for name in whole}


def _scores(scorer, estimator, shuffle, group, y, weights, seed, n_repeats):
    """Scores with a group permuted, again and again."""
    random, found = np.random.RandomState(seed), []
    for _ in range(n_repeats):
        found.append(scorer(estimator, shuffle(random, group), y, **weights))
    return found


def _importances(whole, scores):
    importances = whole - np.array(scores)
    return Bunch(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )


@dataclass(frozen=True, eq=False)
class Samples:
    """Sequences of which parts are exchanged.

    Attributes
    ----------
    X : ndarray of shape (n, T, F), or list
    arrays : list of ndarray of shape (T_i, F)
        Each sample, without padding.
    lengths : ndarray of shape (n,)
    names : tuple of str or None
        Of the features.
    """

    X: object
    arrays: list
    lengths: np.ndarray
    names: tuple | None

    @classmethod
    def read(cls, X):
        """Sequences of any kind.

        Raises
        ------
        ValueError
            If X is a table.
        """
        elements = reading.elements(X)
        if elements is None:
            X = np.asarray(X)
            if X.ndim != 3:
                raise ValueError(
                    f"X is of shape {X.shape}, and has no sequences. For the columns of a table use"
                    " sklearn.inspection.permutation_importance. If a row is a whole sequence, pass"
                    " X.reshape(len(X), n_timesteps, -1); token ids as a list of arrays."
                )
            arrays = [one[: _length(one)] for one in X]
            return cls(X, arrays, np.array([len(one) for one in arrays]), None)
        arrays = [np.asarray(one) for one in elements]
        arrays = [one[:, np.newaxis] if one.ndim == 1 else one for one in arrays]
        named = reading.named_frame(X)
        names = None if named is None else names_of(named)
        return cls(elements, arrays, np.array([len(one) for one in arrays]), names)

    # What there is to permute

    def groups_of_features(self, groups):
        """Lists of features, as places."""
        n_features = self.arrays[0].shape[1]
        if groups is None:
            return [[feature] for feature in range(n_features)]
        return [[self._feature(one, n_features) for one in group] for group in _lists(groups)]

    def _feature(self, one, n_features):
        if isinstance(one, str):
            if self.names is None or one not in self.names:
                known = "they have no names" if self.names is None else f"there are {self.names}"
                raise ValueError(f"groups has the feature {one!r}, but {known}.")
            return self.names.index(one)
        return _place(one, n_features, "feature")

    def of_steps(self, groups):
        """Lists of steps, as how many there are from each to the end."""
        longest, is_equal = int(self.lengths.max()), np.ptp(self.lengths) == 0
        if groups is None:
            return [[left] for left in range(longest, 0, -1)]
        found = [list(group) for group in _lists(groups)]
        for one in (one for group in found for one in group):
            if not is_equal and isinstance(one, Integral) and one >= 0:
                raise ValueError(
                    f"groups has the step {one}, but lengths differ. Count from the end: -1 is the"
                    " last step."
                )
        return [[longest - _place(one, longest, "step") for one in group] for group in found]

    # Exchanges

    def with_features_of(self, random, features):
        """X with some features of other samples."""
        arrays, donors = self._copies(), random.permutation(len(self.arrays))
        for array, donor in zip(arrays, donors, strict=True):
            series = self.arrays[donor]
            # Both ends meet; of a single step it is the last one.
            steps = np.linspace(len(series) - 1, 0, len(array))[::-1].round().astype(int)
            array[:, features] = series[np.ix_(steps, features)]
        return self._in_form(arrays, features)

    def with_steps_of(self, random, lefts):
        """X with some steps, counted from the end, of other samples."""
        arrays, order = self._copies(), random.permutation(len(self.arrays))
        lefts = np.sort(lefts)
        n_own = np.searchsorted(lefts, self.lengths, side="right")
        for n in range(1, len(lefts) + 1):  # among those that have as many of the group's steps
            rows, donors, places = np.flatnonzero(n_own == n), order[n_own[order] == n], -lefts[:n]
            for row, donor in zip(rows, donors, strict=True):
                arrays[row][places] = self.arrays[donor][places]
        return self._in_form(arrays, range(self.arrays[0].shape[1]))

    def _copies(self):
        return [array.copy() for array in self.arrays]

    def _in_form(self, arrays, features):
        """The form of X with these numbers in it."""
        if isinstance(self.X, np.ndarray):
            X = self.X.copy()
            for whole, array in zip(X, arrays, strict=True):
                whole[: len(array)] = array
            return X
        return [_like(*pair, features) for pair in zip(self.X, arrays, strict=True)]


def _like(element, array, features):
    """An element of a list with other numbers in some features."""
    if is_frame(element):
        for feature in features:
            element = with_column(element, feature, array[:, feature])
        return element
    return array.reshape(np.shape(element))


def _length(steps):
    """Steps of (T, F) without whole trailing ones of NaN, but for one."""
    if steps.dtype.kind != "f":
        return len(steps)
    filled = np.flatnonzero(~np.isnan(steps).all(axis=1))
    return int(filled[-1]) + 1 if len(filled) else 1


def _lists(groups):
    if isinstance(groups, str) or any(
        isinstance(one, (str, Integral)) or not len(one) for one in groups
    ):
        raise ValueError(
            f"groups={groups!r} must be a list of lists, one for each group, none of them empty."
        )
    return groups


def _place(one, n, what):
    if not isinstance(one, Integral) or isinstance(one, bool) or not -n <= one < n:
        raise ValueError(f"groups has the {what} {one!r}, but there are {n}.")
    return int(one) % n
