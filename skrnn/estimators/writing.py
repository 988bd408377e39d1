"""What estimators that write sequences do alike: translators and generators."""

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
