"""scikit-learn's callbacks, from its version 1.9 on: how an estimator takes them.

What scikit-learn has for them is loaded where an estimator has any, because what draws its bars
would come along and be most of the time that ``import skrnn`` takes longer.
"""

from contextlib import contextmanager
from functools import wraps
from importlib.util import find_spec

import sklearn
from sklearn.utils.metaestimators import available_if

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


def has_any(estimator):
    """Whether an estimator has callbacks, of its own or of what it is part of."""
    return bool(getattr(estimator, "_skl_callbacks", ()))


def root_task(estimator, n_tasks=0):
    """The context of a fit that begins, with so many tasks in it at most."""
    from sklearn.callback import CallbackSupportMixin

    return CallbackSupportMixin._init_callback_context(estimator, max_subtasks=n_tasks)


def with_callbacks(method):
    """Decorator of what fits an estimator: whatever happens, its callbacks are told of the end."""
    return _one_of(method, method)


def as_one_task(method):
    """Decorator of what fits an estimator, and is a task with no other in it."""

    def told(self, *arguments, **options):
        context = root_task(self).call_on_fit_task_begin(estimator=self)
        result = method(self, *arguments, **options)
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes={})
        return result

    return _one_of(method, told)


def _one_of(method, told):
    """The method, or of an estimator with callbacks what tells them and calls it."""

    @wraps(method)
    def fit(self, *arguments, **options):
        if not has_any(self):
            return method(self, *arguments, **options)
        from sklearn.callback import with_callbacks

        return with_callbacks(told)(self, *arguments, **options)

    return fit


@contextmanager
def task_of_part(estimator, part):
    """The fit of an estimator, and within it that of another estimator, which is a part of it."""
    if not has_any(estimator):
        yield
        return
    context = root_task(estimator, 1).call_on_fit_task_begin(estimator=estimator)
    inner = context.subcontext("fit-part")
    with inner.propagate_callback_context(part):
        inner.call_on_fit_task_begin(estimator=estimator)
        yield
    inner.call_on_fit_task_end(estimator=estimator)
    context.call_on_fit_task_end(estimator=estimator)


class CallbackSupport:
    """Mixin of estimators that take callbacks."""

    @available_if(_exist)
    def set_callbacks(self, *callbacks):
        """Set callbacks, which are told of the course of a fit and may end it.

        A fit is a task. Each recurrent part that a net trains is one within, named "beside the
        linear path" or "alone", and each epoch one within that. See ``docs/callbacks.md``.

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
