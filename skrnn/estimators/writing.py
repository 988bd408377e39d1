"""What estimators that write sequences do alike: translators and generators."""

from numbers import Real

import numpy as np

from skrnn.estimators.recurrent import Learner
from skrnn.parameters import OF_ANSWERS, n_threads


class Writer(Learner):
    """A network that has no linear path, and writes sequences up to a length."""

    # What the regressor and the classifier let a user choose, by the names in OF_ANSWERS.
    pooling, return_sequences, frame_length = "last", False, 1
    categorical_features = linear_path = None
    _fixed: tuple[str, ...] = OF_ANSWERS

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


def require_count(value, name):
    """Refuse what is no whole number from 1 on; it need not be an int."""
    if not (_is_number(value) and 1 <= value < np.inf and value == int(value)):
        raise ValueError(f"{name} must be a whole number from 1 on. Got {value!r} instead.")


def require_positive(value, name):
    """Refuse what is no finite number above zero."""
    if not (_is_number(value) and 0 < value < np.inf):
        raise ValueError(f"{name} must be a finite number above 0. Got {value!r} instead.")


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
