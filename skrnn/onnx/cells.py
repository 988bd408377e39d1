"""How each cell is written, and a layer of it.

To export a new cell, write its step and enter it into :data:`CELLS`.

ONNX has an operator for each of these cells, for which ONNX Runtime has code in single precision
only. So a layer in double precision is a loop over its steps, and both have to say the same.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skrnn.kernels.gru import GRU
from skrnn.kernels.lstm import LSTM
from skrnn.kernels.rnn import LogisticRNN, ReluRNN, TanhRNN
from skrnn.onnx.graph import writer
from skrnn.onnx.inputs import has_step


class Cell(NamedTuple):
    """How a cell is written.

    Attributes
    ----------
    operator : str
        Of ONNX.
    order : tuple of int
        Which of our gates are the operator's first, second, ...
    attributes : dict
        Of the operator. Of activations one is given, for each direction.
    step : callable
        ``step(g, of_input, of_state, h, c)``: the next h and c of what the input and the state add
        to all gates (N, G * H), biases included. A cell without a memory is given none, and gives
        none.
    """

    operator: str
    order: tuple
    attributes: dict
    step: Callable


def _lstm(g, of_input, of_state, h, c):
    """One step of an LSTM (equations 18 to 25)."""
    gates = g.add_many("Split", [g.add("Add", of_input, of_state)], 4, axis=1, num_outputs=4)
    i, f, o = (g.add("Sigmoid", gates[place]) for place in (0, 1, 3))
    new = g.add("Mul", i, g.add("Tanh", gates[2]))
    c = g.add("Add", g.add("Mul", f, c), new)
    return g.add("Mul", o, g.add("Tanh", c)), c


def _gru(g, of_input, of_state, h, c):
    """One step of a GRU, reset after the recurrent product (equations 26 to 30)."""
    inputs = g.add_many("Split", [of_input], 3, axis=1, num_outputs=3)
    states = g.add_many("Split", [of_state], 3, axis=1, num_outputs=3)
    r, z = (g.add("Sigmoid", g.add("Add", inputs[place], states[place])) for place in (0, 1))
    n = g.add("Tanh", g.add("Add", inputs[2], g.add("Mul", r, states[2])))
    return g.add("Add", n, g.add("Mul", z, g.add("Sub", h, n))), None


def _rnn(activation):
    """The cell with that activation, an operator of ONNX."""

    def step(g, of_input, of_state, h, c):
        return g.add(activation, g.add("Add", of_input, of_state)), None

    return Cell("RNN", (0,), {"activations": [activation]}, step)


#: How the cell of each class of :mod:`skrnn.kernels` is written.
CELLS = {
    LSTM: Cell("LSTM", (0, 3, 1, 2), {}, _lstm),
    GRU: Cell("GRU", (1, 0, 2), {"linear_before_reset": 1}, _gru),
    TanhRNN: _rnn("Tanh"),
    ReluRNN: _rnn("Relu"),
    LogisticRNN: _rnn("Sigmoid"),
}

#: Precisions in which ONNX Runtime has code for these operators.
OPERATORS_IN = ("float32",)


class Outputs(NamedTuple):
    """What a layer gives.

    Attributes
    ----------
    states : str or None
        Of all steps (T, N, P); behind the end of a sequence they mean nothing.
    final : str
        Of the last step of each sequence (N, P), which is the first one backwards.
    """

    states: str | None
    final: str


class Gates(NamedTuple):
    """The parameters of a direction, gate by gate: W (F, G, H), U (H, G, H), and two biases (G, H),
    of what the input and the state add. Without recurrent weights U is None.
    """

    W: np.ndarray
    U: np.ndarray | None
    of_input: np.ndarray
    of_state: np.ndarray

    @classmethod
    def of(cls, layer, arrays):
        """The parameters of a :class:`skrnn.network.layer.Layer`."""
        n_gates, n_hidden = layer.cell.n_gates, layer.n_hidden
        W, *U, bias = (np.reshape(one, (*one.shape[:-1], -1, n_hidden)) for one in arrays)
        n_apart = len(bias) - n_gates  # blocks that only the state adds to, in its last gates
        of_state = np.zeros_like(bias[n_apart:])
        of_state[n_gates - n_apart :] = bias[:n_apart]
        return cls(W, U[0] if U else None, bias[n_apart:], of_state)


def write(g, layer, arrays, x, lengths, wants_all):
    """Write a layer.

    Parameters
    ----------
    g : Graph
    layer : list of skrnn.network.layer.Layer
        One for each direction.
    arrays : list of list of ndarray
        Their parameters.
    x : str
        Its inputs (T, N, F).
    lengths : str or None
        Steps of each sequence (N,), int64; None: all that there are.
    wants_all : bool
        Whether the states of all steps are wanted.

    Returns
    -------
    Outputs

    Raises
    ------
    NotImplementedError
        If it is not known how the cell is written.
    """
    cell = writer(CELLS, type(layer[0].cell), f"{__name__}.CELLS")
    directions = [Gates.of(*pair) for pair in zip(layer, arrays, strict=True)]
    if directions[0].U is None:
        return _single_step(g, cell, directions, x)
    if g.dtype in OPERATORS_IN:
        return _operator(g, cell, directions, x, lengths, wants_all)
    has_memory = layer[0].cell.n_memories > 0
    return _loops(g, cell, directions, x, lengths, wants_all, has_memory)


def _single_step(g, cell, directions, x):
    """A layer of sequences of one step, without recurrent weights."""
    found = []
    for gates in directions:
        of_input, zero = g.add("Squeeze", _of_input(g, gates, x), [0]), g.number(0.0)
        found.append(cell.step(g, of_input, gates.of_state.reshape(1, -1), zero, zero)[0])
    final = _side_by_side(g, found)
    return Outputs(g.add("Unsqueeze", final, [0]), final)


def _of_input(g, gates, x):
    """What inputs (..., F) add to all gates (..., G * H)."""
    W = gates.W.reshape(len(gates.W), -1)
    return g.add("Add", g.add("MatMul", x, W), gates.of_input.ravel())


def _step(g, cell, gates, of_input, states):
    """States after a step, [h] or [h, c], of what the input adds to all gates and those before."""
    h, c = states if len(states) == 2 else (*states, None)
    U = gates.U.reshape(len(gates.U), -1)
    found = cell.step(g, of_input, g.add("Gemm", h, U, gates.of_state.ravel()), h, c)
    return [one for one in found if one is not None]


def stepper(layer, arrays):
    """A layer in one direction, step by step.

    Parameters
    ----------
    layer : skrnn.network.layer.Layer
    arrays : list of ndarray
        Its parameters.

    Returns
    -------
    callable
        ``step(g, x, states)``: states after a step, [h] or [h, c], of its input (N, F) and the
        states before.
    """
    cell = writer(CELLS, type(layer.cell), f"{__name__}.CELLS")
    gates = Gates.of(layer, arrays)
    return lambda g, x, states: _step(g, cell, gates, _of_input(g, gates, x), states)


def _side_by_side(g, outputs):
    """Outputs of each direction as one array."""
    return outputs[0] if len(outputs) == 1 else g.add("Concat", *outputs, axis=-1)


def _operator(g, cell, directions, x, lengths, wants_all):
    """A layer as the operator that ONNX has for its cell."""
    of_directions = [_ordered(cell, gates) for gates in directions]
    parameters = [np.stack(one) for one in zip(*of_directions, strict=True)]
    n_directions, _, n_hidden = parameters[1].shape
    attributes = dict(cell.attributes)
    if "activations" in attributes:
        attributes["activations"] = attributes["activations"] * n_directions
    states, final = g.add_many(
        cell.operator,
        [x, *parameters, lengths and g.cast(lengths, np.int32)],
        [wants_all, True],
        hidden_size=n_hidden,
        direction="bidirectional" if n_directions == 2 else "forward",
        **attributes,
    )
    size = n_directions * n_hidden
    final = g.add("Reshape", g.add("Transpose", final, perm=[1, 0, 2]), [0, size])
    if wants_all:
        states = g.add("Reshape", g.add("Transpose", states, perm=[0, 2, 1, 3]), [0, 0, size])
    return Outputs(states or None, final)


def _ordered(cell, gates):
    """W, U and both biases of a direction as an operator wants them: its gates are rows."""
    order = list(cell.order)
    W, U = (one[:, order].reshape(len(one), -1).T for one in (gates.W, gates.U))
    return W, U, np.concatenate([gates.of_input[order], gates.of_state[order]]).ravel()


def _loops(g, cell, directions, x, lengths, wants_all, has_memory):
    """A layer as a loop over its steps for each direction."""
    is_there = None if lengths is None else has_step(g, x, lengths, axis=0)
    runs = [
        _loop(g, cell, gates, x, is_there, has_memory, wants_all, backwards=number == 1)
        for number, gates in enumerate(directions)
    ]
    states, finals = zip(*runs, strict=True)
    return Outputs(_side_by_side(g, states) if wants_all else None, _side_by_side(g, finals))


def _loop(g, cell, gates, x, is_there, has_memory, wants_all, backwards):
    """The states of all steps (T, N, H), if they are wanted, and the final ones (N, H)."""
    of_input = _of_input(g, gates, x)

    def step(body, states, items):
        after = _step(body, cell, gates, items[0], states)
        if is_there is not None:  # a state stays as it is where there is no step
            pairs = zip(after, states, strict=True)
            after = [body.add("Where", items[1], new, old) for new, old in pairs]
        return after, after[:1] if wants_all else []

    shape = g.add("Concat", g.size(x, 1), [len(gates.U)], axis=0)
    start = g.add("Expand", g.number(0.0), shape)
    sequences = [of_input] if is_there is None else [of_input, is_there]
    final, outputs = g.scan(step, [start] * (1 + has_memory), sequences, backwards=backwards)
    return outputs[0] if outputs else None, final[0]
