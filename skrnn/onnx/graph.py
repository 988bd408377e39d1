"""A writer of ONNX graphs: nodes, constants, loops and branches, each value with a name of its own.

The package onnx is optional, so it is imported when a graph is written, and nowhere else.
"""

from itertools import count
from typing import NamedTuple

import numpy as np

#: The domain of operators that are not neural, such as look-ups in a dictionary, and its version.
ML, ML_VERSION = "ai.onnx.ml", 3
#: The axes of samples and of steps.
SAMPLES, STEPS = "n_samples", "n_timesteps"


class Output(NamedTuple):
    """An output of the model.

    Attributes
    ----------
    value : str
    dtype : numpy dtype
        That of objects is text.
    shape : tuple of int
        Behind the axis of samples and the further ones.
    axes : tuple of str or int
        Those between, by their names or lengths.
    """

    value: str
    dtype: np.dtype
    shape: tuple
    axes: tuple = ()


def writer(table, kind, address):
    """How a class is written, by a table.

    Parameters
    ----------
    table : dict
        Of classes.
    kind : type
    address : str
        Of the table.

    Raises
    ------
    NotImplementedError
        If the table does not know the class.
    """
    if kind not in table:
        known = ", ".join(one.__name__ for one in table)
        raise NotImplementedError(
            f"{kind.__name__} cannot be exported to ONNX: {address} has no entry for it, only for"
            f" {known}. Write how it is computed, and enter it there."
        )
    return table[kind]


class Graph:
    """Nodes of a graph, or of the body of a loop or branch in it.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The precision of its numbers, unless they are arrays that have their own.
    unique : callable, optional
        Makes a name that no other value has of a word.

    Attributes
    ----------
    nodes : list of onnx.NodeProto
    constants : list of onnx.TensorProto
        Of the outermost graph.
    """

    def __init__(self, dtype, unique=None):
        number = count()
        self.dtype, self.nodes, self.constants, self._known = dtype, [], [], {}
        self.unique = unique or (lambda word: f"{word}_{next(number)}")

    def body(self):
        """A graph within this one. It may read all values here, and its constants are kept here."""
        body = Graph(self.dtype, self.unique)
        body.constants, body._known = self.constants, self._known
        return body

    # Values

    def number(self, value):
        """The name of a constant number in the precision of the graph."""
        return self.constant(np.array(value, self.dtype))

    def constant(self, value):
        """The name of a constant, of which there is one for equal arrays.

        Parameters
        ----------
        value : ndarray, number or list of int
            An array keeps its precision.
        """
        from onnx import numpy_helper

        array = np.array(value, np.int64) if isinstance(value, list) else np.asarray(value)
        is_text = array.dtype.kind == "O"
        content = tuple(array.ravel()) if is_text else array.tobytes()
        key = array.dtype, array.shape, content
        if key not in self._known:
            self._known[key] = self.unique("constant")
            self.constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def _name(self, value):
        """The name of a value: an array becomes a constant, and None is what is left out."""
        if value is None:
            return ""
        return value if isinstance(value, str) else self.constant(value)

    # Nodes

    def add(self, operator, *inputs, domain="", **attributes):
        """The name of what an operator makes of some inputs: names, or constants as arrays."""
        return self.add_many(operator, inputs, 1, domain, **attributes)[0]

    def add_many(self, operator, inputs, outputs, domain="", **attributes):
        """The names of all that an operator makes; `outputs` are how many, or which are wanted."""
        from onnx import helper

        wanted = [True] * outputs if isinstance(outputs, int) else outputs
        names = [self.unique(operator.lower()) if one else "" for one in wanted]
        given = [self._name(one) for one in inputs]
        name = "make_" + "_".join(filter(None, names))  # as unique as the names are
        node = helper.make_node(operator, given, names, name, domain=domain, **attributes)
        self.nodes.append(node)
        return names

    def cast(self, value, dtype):
        """A value in another type."""
        from onnx import helper

        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def name(self, value, name):
        """Give a value a name that is asked for."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [value], [name], "make_" + name))

    def size(self, value, axis):
        """The length of an axis, as an array of one number."""
        return self.add("Shape", value, start=axis, end=axis + 1)

    def numbers_to(self, n):
        """The numbers 0, 1, ... below n, an array of one number, as int64."""
        return self.add("Range", np.int64(0), self.add("Squeeze", n, [0]), np.int64(1))

    # Loops and branches

    def scan(self, step, states, sequences, *, backwards=False):
        """A loop over the first axis of some arrays.

        Parameters
        ----------
        step : callable
            Of the graph of the body, the states and an item of each sequence: new states, and
            outputs of the step.
        states : list of str
            At the start.
        sequences : list of str
        backwards : bool
            Whether the last item comes first. Outputs are in the order of the items.

        Returns
        -------
        states : list of str
            At the end.
        outputs : list of str
            Of all steps.
        """
        body = self.body()
        before = [self.unique("state") for _ in states]
        items = [self.unique("item") for _ in sequences]
        after, outputs = step(body, before, items)
        after = body._as_outputs(after)
        outputs = body._as_outputs(outputs)
        directions = {"scan_input_directions": [int(backwards)] * len(sequences)}
        if outputs:
            directions["scan_output_directions"] = [int(backwards)] * len(outputs)
        found = self.add_many(
            "Scan",
            [*states, *sequences],
            len(after) + len(outputs),
            body=body._as_body(before + items, after + outputs),
            num_scan_inputs=len(sequences),
            **directions,
        )
        return found[: len(after)], found[len(after) :]

    def loop(self, step, n_most, states):
        """A loop that goes on for as long as its steps say.

        Parameters
        ----------
        step : callable
            Of the graph of the body and the states: whether another step follows, new states, and
            outputs of the step.
        n_most : int
            Steps at most.
        states : list of str
            At the start.

        Returns
        -------
        states, outputs : list of str
            As of :meth:`scan`.
        """
        from onnx import TensorProto, helper

        body = self.body()
        before = [self.unique("state") for _ in states]
        given = (("number", TensorProto.INT64), ("condition", TensorProto.BOOL))
        scalars = [helper.make_tensor_value_info(self.unique(one), of, []) for one, of in given]
        goes_on, after, outputs = step(body, before)
        found = self.add_many(
            "Loop",
            [np.int64(n_most), np.array(True), *states],
            len(after) + len(outputs),
            body=body._as_body([*scalars, *before], body._as_outputs([goes_on, *after, *outputs])),
        )
        return found[: len(after)], found[len(after) :]

    def branch(self, condition, then, otherwise):
        """What one of two functions of a graph gives, lists of as many names."""
        bodies = []
        for write in (then, otherwise):
            body = self.body()
            bodies.append(body._as_body([], body._as_outputs(write(body))))
        n_outputs = len(bodies[0].output)
        then_branch, else_branch = bodies
        return self.add_many(
            "If", [condition], n_outputs, then_branch=then_branch, else_branch=else_branch
        )

    def _as_outputs(self, names):
        """Names for values that leave a body: none is also another output, or from outside."""
        return [self.add("Identity", name) for name in names]

    def _as_body(self, inputs, outputs):
        """A body; its ends are names, or where a type has to be said descriptions."""
        from onnx import ValueInfoProto, helper

        ends = [
            [ValueInfoProto(name=one) if isinstance(one, str) else one for one in some]
            for some in (inputs, outputs)
        ]
        return helper.make_graph(self.nodes, self.unique("body"), *ends)
