"""A model as an ONNX graph: what the network and the linear path make of X, added up.

:func:`write` says it in the order in which a prediction goes; the modules beside this one know how
single parts are written.
"""

from importlib.metadata import version
from numbers import Integral

import numpy as np

from skrnn.network.decoder import Decoder
from skrnn.network.embedding import ConditionedEmbedding, Embedding
from skrnn.network.head import Head, HeadOfSteps, HeadOfTranscripts, WideHead
from skrnn.network.inputs import Numbers
from skrnn.onnx import cells, continuations, decoders, inputs, outputs, paths, poolings
from skrnn.onnx.graph import ML, ML_VERSION, SAMPLES, STEPS, Graph, writer

#: The first version of the operators that graphs are written for, and the one to write for unless
#: another is asked for.
OLDEST_OPSET, OPSET = 18, 18


def _numbers(g, model, arrays, sequences):
    """Standardised numbers."""
    return inputs.for_network(g, sequences, model)


def _embedding(g, model, arrays, sequences):
    """A vector for each token."""
    return sequences._replace(values=g.add("Gather", arrays[0], sequences.values))


def _conditioned_embedding(g, model, arrays, sequences):
    """A vector for each token, and an indicator of the class."""
    found, n_classes = _embedding(g, model, arrays, sequences), model.target.n_conditions
    return found._replace(values=inputs.with_classes(g, found.values, found.classes, n_classes))


#: How the first block of each class of :mod:`skrnn.network` is written: as Sequences (N, T, F).
SOURCES = {
    Numbers: _numbers,
    Embedding: _embedding,
    ConditionedEmbedding: _conditioned_embedding,
}


def _affine(g, head, arrays, pooled, lengths, longest):
    """An affine map (equations 46 and 47)."""
    V, bias = arrays
    return g.add("Add", g.add("MatMul", pooled, V), bias)


#: How the last block of each class is written: as raw predictions (N, K), or (N, T, K).
HEADS = {
    Head: _affine,
    HeadOfSteps: _affine,
    WideHead: _affine,
    HeadOfTranscripts: _affine,
    Decoder: decoders.greedy,
}


def write(g, model, X, lengths=None, y=None, longest=None):
    """Write what a model predicts.

    Parameters
    ----------
    g : Graph
        In the precision of the model.
    model : skrnn.learning.model.Model
    X, lengths : str
        As :func:`skrnn.onnx.inputs.read` takes them.
    y : str, optional
        Numbers of the classes (N,), int64, that sequences are of.
    longest : int, optional
        Labels of a transcript at most.

    Returns
    -------
    dict of str to skrnn.onnx.graph.Output
    """
    sequences = inputs.read(g, model.schema, X, lengths)._replace(classes=y)
    begun = sequences
    if model.target.reads_beginnings:
        begun = continuations.begun(g, model.target, sequences)
    raw = _raw_predictions(g, model, begun, longest)
    of_steps = model.architecture.return_sequences
    if model.path is not None:
        of_path = paths.write(g, model.path, sequences, of_steps)
        raw = g.add("Add", raw, g.cast(of_path, g.dtype))
    if of_steps:
        is_there = inputs.has_step(g, raw, begun.lengths, axis=1)
        raw = g.add("Where", is_there, raw, g.number(np.nan))
    return outputs.write(g, model, raw, sequences)


def _raw_predictions(g, model, sequences, longest):
    """Raw predictions of the network (N, K), or (N, T, K) of each step or label."""
    chain = model.network.chain
    arrays = chain.like(model.network.layout.by_block(model.theta))
    source = writer(SOURCES, type(chain.input), f"{__name__}.SOURCES")
    read = source(g, model, arrays.input, sequences)
    x = g.add("Transpose", read.values, perm=[1, 0, 2])
    for layer, of_layer in zip(chain.layers, arrays.layers, strict=True):
        wants_all = layer is not chain.layers[-1] or chain.pooling.reads_all_steps
        found = cells.write(g, layer, of_layer, x, read.lengths, wants_all)
        x = found.states
    pooled = poolings.write(g, chain.pooling, arrays.pooling, found, read.lengths)
    head = writer(HEADS, type(chain.head), f"{__name__}.HEADS")
    return head(g, chain.head, arrays.head, pooled, read.lengths, longest)


def checked_opset(opset):
    """A version of the operators that is there, :data:`OPSET` instead of None."""
    from onnx import defs

    newest = defs.onnx_opset_version()
    if opset is None:
        return OPSET
    if not (isinstance(opset, Integral) and OLDEST_OPSET <= opset <= newest):
        raise ValueError(
            f"opset must be a whole number from {OLDEST_OPSET} to {newest}, the newest one that the"
            f" installed onnx knows, got {opset!r}. Leave it at None for {OPSET}."
        )
    return int(opset)


def model_of(model, opset, longest=None):
    """An onnx.ModelProto of a model, for a version of the operators; `longest` as in `write`."""
    from onnx import checker, helper, shape_inference

    g = Graph(model.schema.dtype)
    given = _inputs(model)
    found = write(g, model, **{one.name: one.name for one in given}, longest=longest)
    for name, output in found.items():
        g.name(output.value, name)
    wanted = [_described(name, one) for name, one in found.items()]
    name = model.schema.estimator_name
    graph = helper.make_graph(g.nodes, name, given, wanted, g.constants)
    operators = [helper.make_opsetid("", opset), helper.make_opsetid(ML, ML_VERSION)]
    made = helper.make_model(
        graph,
        opset_imports=operators,
        ir_version=helper.find_min_ir_version_for(operators),
        producer_name="skrnn",
        producer_version=version("skrnn"),
        doc_string=_documentation(model),
    )
    checker.check_model(made, full_check=True)
    return shape_inference.infer_shapes(made)


def _inputs(model):
    """Descriptions of the inputs: X as in fit, lengths where that was a list of sequences, and y
    where sequences are of classes.
    """
    schema = model.schema
    shape, dtype = [SAMPLES, STEPS, schema.n_features], schema.dtype
    if schema.is_of_rows:
        shape = [SAMPLES, schema.n_columns]
    elif schema.is_of_tokens:
        shape, dtype = [SAMPLES, STEPS], np.int64
    is_there = {"lengths": schema.form in ("list", "tokens"), "y": model.target.n_conditions > 0}
    numbers = [_tensor(name, np.int64, [SAMPLES]) for name in is_there if is_there[name]]
    return [_tensor("X", dtype, shape), *numbers]


def _tensor(name, dtype, shape):
    from onnx import helper

    of_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, of_type, shape)


def _described(name, output):
    return _tensor(name, output.dtype, [SAMPLES, *output.axes, *output.shape])


def _documentation(model):
    architecture = model.architecture
    sizes = ", ".join(map(str, architecture.hidden_layer_sizes))
    ways = "both ways" if architecture.bidirectional else "forward"
    return (
        f"{model.schema.estimator_name} of skrnn: {architecture.cell} of {sizes} units, {ways}, in"
        f" {model.schema.dtype}."
    )
