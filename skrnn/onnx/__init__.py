"""Fitted estimators as ONNX models, which predict without skrnn, in other languages too.

Needs the package onnx, and for a Pipeline skl2onnx: ``pip install "skrnn[onnx]"``. There is a guide
in ``docs/onnx.md``.
"""

from importlib.util import find_spec

from sklearn.utils.validation import check_is_fitted

from skrnn.estimators.recurrent import Learner

__all__ = ["register_converters", "to_onnx"]


def to_onnx(model, *, opset=None):
    """Export a fitted estimator.

    Everything is inside that `predict` does: scaling, missing values, the linear path, all layers,
    and for a classifier the classes. Numbers are computed in the estimator's precision.

    Parameters
    ----------
    model : RNNRegressor, RNNClassifier, RNNTranslator or RNNGenerator
        Fitted. For a Pipeline use skl2onnx, after :func:`register_converters`. A translator has to
        have ``beam_size=1``, which ``set_params`` can set after ``fit``: a beam is not exported.
    opset : int, default=None
        Version of ONNX's operators, 18 or newer; None: 18.

    Returns
    -------
    onnx.ModelProto
        Its inputs are

        * `X`, in the precision in which the estimator was fitted, of the form that it was fitted
          on: rows ``(n_samples, n_columns)``, an array or sequences of a list ``(n_samples,
          n_timesteps, n_features)``, or token ids, int64, ``(n_samples, n_timesteps)``;
        * for a list, and for token ids, `lengths`, int64, ``(n_samples,)``: how many steps of each
          sequence count. What stands behind them is ignored. Where it is 0, and without that
          input, padding is found in X as `predict` finds it: whole steps of NaN at the end of a
          sequence, and of ids zeros;
        * for a generator of classes `y`, int64, ``(n_samples,)``: places in ``classes_``.

        Its outputs are, for a regressor, `predictions`, in the shape that `predict` gives; for a
        classifier `labels`, whole numbers or text, and `probabilities`. With
        ``return_sequences=True`` they have an axis of steps, and behind the end of a sequence
        numbers are NaN and labels mean nothing.

        Those of a translator are `labels`, int64, ``(n_samples, n_labels)``: places in ``labels_``,
        behind the last label of a transcript -1; with ``decoder="ctc"`` there are as many as steps,
        and `probabilities` as ``step_probabilities`` gives them, NaN behind the end of a sequence;
        with "attention" ``max_length_`` at most, and `log_probability`, ``(n_samples,)``, of each
        transcript, with its end unless it was cut.
        That of a generator is `log_likelihood`, ``(n_samples,)``, as ``score_samples`` gives it.

    Raises
    ------
    TypeError
        If `model` is of another kind.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If `opset` is too old or too new, X had categories that are text, the classes are neither
        whole numbers nor text, or `beam_size` is not 1.
    ImportError
        If onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.onnx import to_onnx
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 2))
    >>> model = RNNRegressor(4, max_iter=2, random_state=0).fit(X, X[:, -1, 0])
    >>> exported = to_onnx(model)
    >>> [one.name for one in exported.graph.input], [one.name for one in exported.graph.output]
    (['X'], ['predictions'])
    """
    if not isinstance(model, Learner):
        raise TypeError(
            f"to_onnx exports the estimators of skrnn, got {type(model).__name__}. For a Pipeline,"
            " or another estimator around an RNNRegressor or RNNClassifier, call"
            " skrnn.onnx.register_converters() and then skl2onnx.to_onnx(model, X)."
        )
    check_is_fitted(model)
    _refuse_beam(model)
    _require("onnx")
    from skrnn.onnx import export

    longest = getattr(model, "max_length_", None)
    return export.model_of(model._model, export.checked_opset(opset), longest)


def _refuse_beam(model):
    """Refuse a translator that would predict otherwise than the exported model."""
    width = getattr(model, "beam_size", 1)
    if width != 1:
        raise ValueError(
            f"ONNX has no beam search, but this {type(model).__name__} predicts with"
            f" beam_size={width}. Export model.set_params(beam_size=1), which takes the likeliest"
            " label each time."
        )


def register_converters():
    """Make skl2onnx able to convert RNNRegressor and RNNClassifier, wherever they are.

    So it converts Pipelines that end in one, and searches, bagging and stacking around one. This
    may be called more than once. Outputs are named and shaped as those of skl2onnx: `variable`,
    a column for a single target; `label` and `probabilities`, for a classifier as a list of dicts
    unless ``options={"zipmap": False}``. There is no input for lengths: steps of NaN at the end of
    a sequence are padding.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from skl2onnx import to_onnx
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrnn import RNNRegressor
    >>> from skrnn.onnx import register_converters
    >>> X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    >>> net = RNNRegressor(4, max_iter=2, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), net).fit(X, X[:, 0])
    >>> register_converters()
    >>> exported = to_onnx(pipeline, X[:1])
    >>> [one.name for one in exported.graph.output]
    ['variable']
    """
    _require("skl2onnx")
    from skrnn.onnx import pipelines

    pipelines.register()


def _require(package):
    """Refuse to go on without a package that comes with an extra."""
    if find_spec(package) is None:
        raise ImportError(
            f"skrnn.onnx needs the package {package}, which is not installed: pip install"
            ' "skrnn[onnx]".'
        )
