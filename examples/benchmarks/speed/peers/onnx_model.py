"""ONNX Runtime: predictions of a recurrent node and a linear one."""

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

from speed.cases import N_GATES, Case, inputs, lengths

OPERATORS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}


def _arrays(case):
    rng = np.random.RandomState(0)
    rows = N_GATES[case.cell] * case.hidden
    bound = case.hidden**-0.5
    shapes = {
        "W": (1, rows, case.n_features),
        "U": (1, rows, case.hidden),
        "b": (1, 2 * rows),
        "V": (case.hidden, 1),
        "b_out": (1,),
    }
    return {k: rng.uniform(-bound, bound, shape).astype("f4") for k, shape in shapes.items()}


def _model(case):
    """Time-major X (T, B, F), and the sequences' lengths, to predictions (B, 1)."""
    options = {"linear_before_reset": 1} if case.cell == "gru" else {}
    steps = "lengths" if case.ragged else ""
    recurrent = helper.make_node(
        OPERATORS[case.cell],
        ["X", "W", "U", "b", steps],
        ["", "state"],
        hidden_size=case.hidden,
        **options,
    )
    arrays = _arrays(case) | {"first": np.array([0], np.int64)}
    nodes = [
        recurrent,
        helper.make_node("Squeeze", ["state", "first"], ["h"]),
        helper.make_node("Gemm", ["h", "V", "b_out"], ["y"]),
    ]
    shape = [case.n_steps, case.batch, case.n_features]
    given = [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape)]
    if case.ragged:
        given.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, [case.batch]))
    wanted = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [case.batch, 1])]
    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, case.cell, given, wanted, constants)
    operators = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=operators, ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


def predict(case, threads):
    case = Case(*case)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(_model(case), options, ["CPUExecutionProvider"])
    feed = {"X": np.ascontiguousarray(inputs(case)[0].transpose(1, 0, 2))}
    if case.ragged:
        feed["lengths"] = lengths(case).astype(np.int32)
    return lambda: session.run(None, feed)
