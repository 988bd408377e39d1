"""What estimators that write sequences do alike: translators and generators."""

from numbers import Real

import numpy as np

from skrnn.estimators.recurrent import Learner
from skrnn.parameters import n_threads


class Writer(Learner):
    """A network that has no linear path, and writes sequences up to a length."""

    # What the regressor and the classifier let a user choose.
    pooling, return_sequences, frame_length = "last", False, 1
    categorical_features = linear_path = None
    _fixed: tuple[str, ...] = (
        "pooling", "return_sequences", "frame_length", "categorical_features", "linear_path",
    )  # fmt: skip

    def _parameters(self):
        return vars(self) | {name: getattr(self, name) for name in self._fixed}

    def _count_threads(self):
        return n_threads(self.n_jobs)

    def _remember_parts(self, outcome, goes_on):
        """There is one part."""

    def _remember_longest(self, target):
        """Set how long a sequence that is written may be."""
        is_auto = isinstance(self.max_length, str)
        self.max_length_ = 2 * target.longest + 10 if is_auto else self.max_length


def require_number(value, name, least, whole=False):
    """Refuse what is no number, or too small: below one if whole, else not above zero."""
    is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if whole:
        fits = is_number and least <= value < np.inf and value == int(value)
        words = "a whole number from 1 on"
    else:
        fits, words = is_number and least < value < np.inf, "a finite number above 0"
    if not fits:
        raise ValueError(f"{name} must be {words}. Got {value!r} instead.")
