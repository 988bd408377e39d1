"""scikit-learn's callbacks, from its version 1.9 on: a fit, its trainings and epochs as tasks.

What scikit-learn has for them is loaded where an estimator has any, because what draws its bars
would come along and be most of the time that ``import skrnn`` takes longer.
"""

from functools import partial, wraps
from importlib.util import find_spec

import sklearn
from sklearn.utils.metaestimators import available_if

from skrnn.loading import learning

#: Whether the installed scikit-learn has callbacks.
EXIST = find_spec("sklearn.callback") is not None


def _exist(estimator):
    """Whether there is a ``set_callbacks``."""
    if not EXIST:
        raise AttributeError(
            "set_callbacks needs scikit-learn 1.9 or newer, but version"
            f" {sklearn.__version__} is installed. Install a newer one, or set verbose=True."
        )
    return True


def _has_any(estimator):
    return bool(getattr(estimator, "_skl_callbacks", ()))


def with_callbacks(method):
    """Decorator of what fits an estimator: whatever happens, its callbacks are told of the end."""

    @wraps(method)
    def fit(self, *arguments, **options):
        if not _has_any(self):
            return method(self, *arguments, **options)
        from sklearn.callback import with_callbacks

        return with_callbacks(method)(self, *arguments, **options)

    return fit


class CallbackSupport:
    """Mixin of estimators that take callbacks."""

    @available_if(_exist)
    def set_callbacks(self, *callbacks):
        """Set callbacks, which are told of the course of a fit and may end it.

        A fit is a task. Each recurrent part that it trains is one within, named "beside the linear
        path" or "alone", and each epoch one within that. See ``docs/callbacks.md``.

        Parameters
        ----------
        *callbacks : callbacks of scikit-learn
            Such as :class:`sklearn.callback.ProgressBar`. They replace all that were set before;
            none takes them away.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If one is no instance with the methods of :class:`sklearn.callback.FitCallback`.
        AttributeError
            If the installed scikit-learn is older than 1.9.
        """
        from sklearn.callback import CallbackSupportMixin

        return CallbackSupportMixin.set_callbacks(self, *callbacks)


class Untold:
    """The tasks of a fit that nobody is told of."""

    listeners = ()

    def end(self):
        """The fit is over."""


class Tasks:
    """The tasks of a fit, of which callbacks are told.

    Parameters
    ----------
    estimator : RecurrentEstimator
    data : dict
        What is told of each task: X, y and metadata, as they were given to ``fit``.
    n_candidates : int
        Recurrent parts to train, at most.
    attributes_of : callable
        Takes an Outcome, and returns the fitted attributes of an estimator with it.

    Attributes
    ----------
    listeners : tuple of callable
        As the circumstances of a fit have them.
    """

    def __init__(self, estimator, data, n_candidates, attributes_of):
        from sklearn.callback import CallbackSupportMixin

        self._told, self._attributes_of = {"estimator": estimator, **data}, attributes_of
        begin = CallbackSupportMixin._init_callback_context
        self._context = begin(estimator, max_subtasks=n_candidates)
        self._context.call_on_fit_task_begin(**self._told)
        self.listeners = (self._of_training,)

    def _of_training(self, candidate, n_planned):
        context = self._context.subcontext(candidate.name, max_subtasks=n_planned)
        return TrainingTask(context, self._told, candidate.name, self._attributes_of)

    def end(self):
        """The fit is over, and the estimator is fitted."""
        self._context.call_on_fit_task_end(**self._told, reconstruction_attributes={})


class TrainingTask:
    """Listener to one training, which is a task as its epochs are."""

    def __init__(self, context, told, name, attributes_of):
        self._context, self._told, self._name = context, told, name
        self._attributes_of, self._epoch = attributes_of, None
        self._curves = learning().events.Curves()
        context.call_on_fit_task_begin(**told)

    def begin_epoch(self, rebuild):
        if self._epoch is None:  # or it is the same epoch, which begins anew
            self._epoch = self._context.subcontext("epoch")
            attributes = partial(self._attributes, rebuild)
            self._epoch.call_on_fit_task_begin(**self._told, reconstruction_attributes=attributes)

    def __call__(self, epoch):
        self._curves(epoch)
        ended, self._epoch = self._epoch, None
        attributes = partial(self._attributes, epoch.rebuild)
        return ended.call_on_fit_task_end(**self._told, reconstruction_attributes=attributes)

    def end(self, rebuild):
        if self._epoch is not None:  # which had no end of its own
            self._epoch.call_on_fit_task_end(estimator=self._told["estimator"])
        attributes = partial(self._attributes, rebuild)
        return self._context.call_on_fit_task_end(
            **self._told, reconstruction_attributes=attributes
        )

    def _attributes(self, rebuild):
        """The fitted attributes of an estimator with the model of the moment."""
        outcomes, curves = learning().outcomes, self._curves
        parts = {self._name: outcomes.part_of(curves, len(curves))}
        outcome = outcomes.Outcome(rebuild(), curves, True, self._name, None, None, False, parts)
        return self._attributes_of(outcome)


def tasks_of(estimator, data, n_candidates, attributes_of):
    """The Tasks of a fit that begins, or Untold; parameters as those of Tasks."""
    if not _has_any(estimator):
        return Untold()
    return Tasks(estimator, data, n_candidates, attributes_of)
