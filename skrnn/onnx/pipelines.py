"""Converters by which skl2onnx exports a Pipeline that ends in an estimator of skrnn."""

import numpy as np

from skrnn.estimators import RNNClassifier, RNNGenerator, RNNRegressor, RNNTranslator
from skrnn.onnx.export import OLDEST_OPSET, write
from skrnn.onnx.graph import ML, ML_VERSION, Graph

#: Options of skl2onnx that the classifier knows: how probabilities leave, and whether the classes
#: are an output too. Labels cannot be left out ("nocl").
_OF_CLASSES = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [False],
}


def register():
    """Tell skl2onnx how regressors and classifiers are converted, and that others are not."""
    from skl2onnx import update_registered_converter

    for estimator, options in ((RNNRegressor, None), (RNNClassifier, _OF_CLASSES)):
        alias = "Skrnn" + estimator.__name__
        update_registered_converter(estimator, alias, _set_types, _convert, options=options)
    for estimator in (RNNTranslator, RNNGenerator):
        update_registered_converter(estimator, "Skrnn" + estimator.__name__, _refuse, _convert)


def _refuse(operator):
    """Refuse an estimator that has outputs of its own, for which skl2onnx has no place."""
    name = type(operator.raw_operator).__name__
    raise ValueError(
        f"skl2onnx has outputs for regressors, classifiers and transformers only, and {name} is"
        " none of them. Export it alone, by skrnn.onnx.to_onnx(pipeline[-1]), and what stands"
        " before it in a Pipeline by skl2onnx.to_onnx(pipeline[:-1], X)."
    )


def _set_types(operator):
    """Give the outputs of an operator of skl2onnx their types and shapes."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    model = operator.raw_operator._model
    n_samples = operator.inputs[0].get_first_dimension()
    found = write(Graph(model.schema.dtype), model, "X")
    types = {"f": _type_of_numbers(operator), "i": Int64TensorType, "O": StringTensorType}
    for variable, output in zip(operator.outputs, found.values(), strict=True):
        steps = [None if isinstance(one, str) else one for one in output.axes]
        variable.set_type(types[output.dtype.kind]([n_samples, *steps, *_shape(output)]))


def _type_of_numbers(operator):
    """The type of skl2onnx that predictions have: that of X, where it is one of numbers."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    is_double = isinstance(operator.inputs[0].type, DoubleTensorType)
    return DoubleTensorType if is_double else FloatTensorType


def _shape(output):
    """The shape of an output as skl2onnx has it: a regressor's single number is a column."""
    return output.shape or (() if output.dtype.kind in "iO" else (1,))


def _convert(scope, operator, container):
    """Write an estimator's nodes into the container of a Pipeline."""
    from skl2onnx.common.data_types import guess_numpy_type

    model = operator.raw_operator._model
    _check_opset(container.target_opset_any_domain(""))
    g = Graph(model.schema.dtype, scope.get_unique_variable_name)
    dtype = np.int64 if model.schema.is_of_tokens else g.dtype
    columns = [g.cast(one.full_name, dtype) for one in operator.inputs]
    X = columns[0] if len(columns) == 1 else g.add("Concat", *columns, axis=1)
    found = write(g, model, X)
    of_numbers = guess_numpy_type(operator.outputs[-1].type)
    for variable, output in zip(operator.outputs, found.values(), strict=True):
        value = output.value
        if _shape(output) != output.shape:
            value = g.add("Unsqueeze", value, [-1])
        if output.dtype.kind == "f":
            value = g.cast(value, of_numbers)
        g.name(value, variable.full_name)
    container.nodes.extend(g.nodes)
    container.initializers.extend(g.constants)
    container.node_domain_version_pair_sets.update({("", OLDEST_OPSET), (ML, ML_VERSION)})


def _check_opset(opset):
    """Refuse operators that are too old."""
    if opset < OLDEST_OPSET:
        raise ValueError(
            f"skrnn writes operators of version {OLDEST_OPSET} and newer, got target_opset={opset}."
            f" Leave target_opset out, or pass {OLDEST_OPSET} or more."
        )
