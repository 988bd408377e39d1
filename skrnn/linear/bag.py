"""The linear path of tokens: a linear map of which tokens there are, weighted by tf-idf.

What a text is about shows in its words whatever their order, so a recurrent net has to be better
than this (equations 106 to 108). The strength of the map is chosen by what it says of samples that
it has not seen, in folds, because one fit for each sample would need a matrix as wide as the
vocabulary.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from skrnn import blas
from skrnn.data.scaling import mean_and_scale
from skrnn.linear.affine_map import AffineMap
from skrnn.linear.calibration import calibrate
from skrnn.linear.logistic import is_as_good
from skrnn.linear.rounding import rounded

#: Penalties tried, the strongest first: the prior precision of a coefficient.
PENALTIES = 10.0 / np.logspace(0.0, 3.0, 7)
_FOLDS = 5
#: With more samples than these one fold alone chooses the penalty, which saves most of the work.
_MANY = 2500


@dataclass(frozen=True, eq=False)
class BagPath(AffineMap):
    """A linear map from the tokens of a sequence to raw predictions.

    Attributes
    ----------
    n_steps : int or None
        How many of the last steps it sees; None: all.
    rarity : ndarray of shape (n_tokens + 1,)
        Inverse document frequencies; 0 of unknown tokens.
    coefficients : ndarray of shape (n_tokens + 1, n_outputs)
    intercepts, unit : ndarray of shape (n_outputs,)
        As in :class:`skrnn.linear.path.LinearPath`.
    """

    n_steps: int | None
    rarity: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    unit: np.ndarray

    def predict(self, sequences, of_steps=False):
        """Raw predictions (n, n_outputs); a row's bits do not depend on the other rows.

        `of_steps` is never true, because a bag does not know where its tokens stand.
        """
        raw = np.empty((len(sequences), len(self.intercepts)))
        for rows, counts in _chunks(sequences, len(self.rarity), self.n_steps):
            raw[rows] = _weighted(counts, self.rarity) @ self.coefficients
        return raw + self.intercepts

    def contributions(self, sequences, slopes):
        """What each token adds to the sum of raw predictions times slopes (n, n_outputs).

        They are its part of the bag as it is, each occurrence an equal one, (total,), and zero
        where the map does not look. They add up to the difference from a bag that is empty.
        """
        tokens, lengths = sequences.steps().ravel(), sequences.lengths
        row = np.repeat(np.arange(len(sequences)), lengths)
        from_end = np.cumsum(lengths)[row] - np.arange(len(tokens))
        seen = np.flatnonzero(from_end <= (np.inf if self.n_steps is None else self.n_steps))
        each = np.zeros(len(tokens))
        for rows, counts in _chunks(sequences, len(self.rarity), self.n_steps):
            n_times = counts.data.copy()
            weighted = _weighted(counts, self.rarity)
            weighted.data /= n_times
            some = seen[(row[seen] >= rows.start) & (row[seen] < rows.stop)]
            each[some] = weighted[row[some] - rows.start, tokens[some]]
        return each * np.einsum("ij,ij->i", self.coefficients[tokens], slopes[row])


def _chunks(sequences, n_columns, n_steps):
    """How often each token comes, (n, n_columns), some rows at a time: slices and matrices."""
    for rows, some in sequences.some_at_a_time():
        if n_steps is not None:
            kept = np.minimum(some.lengths, n_steps)
            some = replace(some, starts=some.starts + some.lengths - kept, lengths=kept)
        tokens, ends = some.steps().ravel(), np.cumsum(some.lengths)
        counts = csr_matrix(
            (np.ones(len(tokens)), tokens, np.r_[0, ends]), (len(some), n_columns), copy=True
        )
        counts.sum_duplicates()
        yield rows, counts


def _weighted(counts, rarity):
    """Counts of tokens, dampened, times their rarity, each row of length one (equation 106)."""
    counts.data = (1.0 + np.log(counts.data)) * rarity[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(row, counts.data**2, counts.shape[0]))
    counts.data /= np.where(length > 0.0, length, 1.0)[row]
    return counts


def _matrix(sequences, weights, n_columns, n_steps):
    """Dampened counts of tokens times their rarity, and the rarity of each token (n_columns,)."""
    matrix, with_token = _counts(sequences, weights, n_columns, n_steps)
    rarity, ends = _rarity(with_token, weights.sum()), matrix.indptr
    for rows, some in sequences.some_at_a_time():
        first, stop = ends[rows.start], ends[rows.stop]
        arrays = matrix.data[first:stop], matrix.indices[first:stop]
        part = (*arrays, ends[rows.start : rows.stop + 1] - first)
        part = csr_matrix(part, (len(some), n_columns))
        matrix.data[first:stop] = _weighted(part, rarity).data
    return matrix, rarity


def _counts(sequences, weights, n_columns, n_steps):
    """How often each token comes, (n, n_columns), and in how many sequences, by weight.

    There is one copy of them, because of many texts they are larger than all else.
    """
    seen = sequences.lengths if n_steps is None else np.minimum(sequences.lengths, n_steps)
    tokens, numbers = np.empty(seen.sum(), np.int32), np.empty(seen.sum())  # at most so many
    ends, with_token = np.zeros(len(sequences) + 1, np.int64), np.zeros(n_columns)
    for rows, counts in _chunks(sequences, n_columns, n_steps):
        first = ends[rows.start]
        ends[rows.start + 1 : rows.stop + 1] = first + counts.indptr[1:]
        part = slice(first, ends[rows.stop])
        tokens[part], numbers[part] = counts.indices, counts.data
        document = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        with_token += np.bincount(counts.indices, weights[rows][document], n_columns)
    filled, shape = slice(0, ends[-1]), (len(sequences), n_columns)
    return csr_matrix((numbers[filled], tokens[filled], ends), shape), with_token


def _rarity(with_token, total):
    """Inverse document frequencies, where a weight is as many documents."""
    rarity = np.log((1.0 + total) / (1.0 + with_token)) + 1.0
    rarity[-1] = 0.0
    return rarity


def fit(examples, n_tokens, loss, linear_path):
    """Fit the map, and say what it predicts for each sample left out.

    Parameters
    ----------
    examples : Examples
        Of numbered tokens, targets in the network's units; classes as codes.
    n_tokens : int
    loss : skrnn.losses.Loss
    linear_path : int or "auto"
        Steps that it sees, the last ones; "auto": all.

    Returns
    -------
    path : BagPath
    left_out : ndarray of shape (n, n_outputs)
        Raw predictions of each sample by a map fitted without it.
    """
    copies, examples = examples.copies, examples.joined()
    n_steps = None if linear_path == "auto" else int(linear_path)
    targets, weights = examples.targets, examples.weights
    matrix, rarity = _matrix(examples.sequences, weights, n_tokens + 1, n_steps)
    with blas.one_thread():
        if loss.is_of_classes:
            mean, unit, responses, of_map = 0.0, 1.0, targets, loss
        else:
            responses = loss.responses(targets, weights)
            mean, unit = mean_and_scale(responses, weights, np.float64)
            responses, of_map = (responses - mean) / unit, _Squares
        coefficients, scores = _Bag(matrix, responses, weights, of_map).fit()
        scores = mean + unit * scores
        mixing, shift = calibrate(scores, targets, weights, loss)
    slopes = (unit * coefficients[:-1]) @ mixing
    intercepts = (mean + unit * coefficients[-1]) @ mixing + shift
    path = BagPath(n_steps, rarity, slopes, intercepts, np.ones(len(intercepts)))
    unseen = rounded(scores @ mixing + shift)
    return path, unseen if copies is None else unseen[copies.rows]


class _Squares:
    """The squared error, for responses that least squares regress on."""

    @staticmethod
    def of_rows(raw, targets):
        return 0.5 * ((raw - targets) ** 2).sum(axis=1)

    @staticmethod
    def gradient(raw, targets, shares):
        value = shares @ _Squares.of_rows(raw, targets)
        raw -= targets
        raw *= shares[:, np.newaxis]
        return value


class _Bag:
    """A linear map of a sparse matrix, fitted for one penalty after the other.

    Parameters
    ----------
    matrix : csr_matrix of shape (n, p)
    targets : ndarray of shape (n, n_targets)
    weights : ndarray of shape (n,)
    loss : object
        With `of_rows` and `gradient`, as :class:`skrnn.losses.Loss` has them.
    """

    def __init__(self, matrix, targets, weights, loss):
        self.matrix, self.targets, self.weights, self.loss = matrix, targets, weights, loss
        self.n_outputs = getattr(loss, "n_classes", targets.shape[1])
        self.n_folds = min(_FOLDS, len(weights))
        self.folds = np.arange(len(weights)) % self.n_folds

    def fit(self):
        """Coefficients (p + 1, K), the intercepts last, and predictions of other folds' maps."""
        deciding = 1 if len(self.weights) > _MANY else self.n_folds
        penalty, start, unseen = self._best_penalty(deciding)
        for fold in range(deciding, self.n_folds):  # from nothing: the start has seen these folds
            self._leave_out(fold, penalty, np.zeros_like(start), unseen)
        return self._minimize(start, penalty, self.weights), unseen

    def _best_penalty(self, deciding):
        """The penalty of least loss on the first folds; the first fold's map with it, and what the
        maps of these folds predict of them.
        """
        some = np.flatnonzero(self.folds < deciding)
        weights = self.weights[some]
        start = np.zeros((self.matrix.shape[1] + 1, self.n_outputs))
        maps, tried, best = [start] * deciding, [], 0
        unseen = np.empty((len(self.weights), self.n_outputs))
        for penalty in PENALTIES:
            for fold in range(deciding):
                maps[fold] = self._leave_out(fold, penalty, maps[fold], unseen)
            losses = self.loss.of_rows(unseen[some], self.targets[some])
            tried.append((penalty, losses, maps[0], unseen[some]))
            if weights @ losses < weights @ tried[best][1]:
                best = len(tried) - 1
            if best < len(tried) - 2:
                break
        given = tried[best][1], weights / weights.sum(), weights.sum()
        penalty, _, start, unseen[some] = next(one for one in tried if is_as_good(one[1], *given))
        return penalty, start, unseen

    def _leave_out(self, fold, penalty, start, unseen):
        """A map that has not seen a fold, whose predictions for it are written."""
        is_out = self.folds == fold
        found = self._minimize(start, penalty, np.where(is_out, 0.0, self.weights))
        unseen[is_out] = (self.matrix @ found[:-1])[is_out] + found[-1]
        return found

    def _minimize(self, start, penalty, weights):
        """Coefficients that fit the rows that have weight."""
        shares = weights / weights.sum()
        strength = penalty / weights.sum()
        transposed = self.matrix.T

        def objective(point):
            coefficients = point.reshape(start.shape)
            raw = self.matrix @ coefficients[:-1] + coefficients[-1]
            value = self.loss.gradient(raw, self.targets, shares)
            slope = np.empty_like(start)
            slope[:-1] = transposed @ raw + strength * coefficients[:-1]
            slope[-1] = raw.sum(axis=0)
            return value + 0.5 * strength * np.sum(coefficients[:-1] ** 2), slope.ravel()

        found = minimize(
            objective, start.ravel(), jac=True, method="L-BFGS-B",
            options={"gtol": 1e-6, "ftol": 1e-6, "maxiter": 200, "maxcor": 5},
        )  # fmt: skip
        return found.x.reshape(start.shape)
