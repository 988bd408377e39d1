"""A fit, its trainings and their epochs as the tasks that scikit-learn's callbacks are told of."""

from functools import partial

from skrnn.callbacks import has_any, root_task
from skrnn.loading import learning


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
        self._told, self._attributes_of = {"estimator": estimator, **data}, attributes_of
        self._context = root_task(estimator, n_candidates).call_on_fit_task_begin(**self._told)
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
        model, name = rebuild(), self._name
        outcome = outcomes.Outcome(model, model.theta, curves, True, name, None, None, False, parts)
        return self._attributes_of(outcome)


def tasks_of(estimator, data, n_candidates, attributes_of):
    """The Tasks of a fit that begins, or Untold; parameters as those of Tasks."""
    if not has_any(estimator):
        return Untold()
    return Tasks(estimator, data, n_candidates, attributes_of)
