"""Blocks: what they declare, how they are packed, and that one of any kind can join a network."""

import weakref

import building
import numpy as np
import pytest
import reference

from skrnn import choices
from skrnn.kernels.matmul import pack
from skrnn.network import passes
from skrnn.network.block import Block, Parameter, constant, glorot, orthogonal
from skrnn.network.head import Head, HeadOfSteps, WideHead, head_of
from skrnn.network.layer import Layer, State
from skrnn.network.layout import Layout
from skrnn.network.network import Network
from skrnn.network.passes import Chain, Run
from skrnn.network.pooling import Last, Pooling
from skrnn.network.timeline import Timeline
from skrnn.network.weights import Packing
from skrnn.network.workspace import Workspace

pytestmark = pytest.mark.kernels

CELLS = {name: choices.load(address)("tanh") for name, address in choices.CELLS.items()}
DTYPES = [np.float32, np.float64]
cells = pytest.mark.parametrize("cell", CELLS)


def rng_of(*seed):
    return np.random.default_rng([20240229, *seed])


# --- layers --------------------------------------------------------------------------------------


@cells
def test_step_matrix(cell):
    """The product of [h, 1, x] with it against one product for each part of the parameters."""
    cell, (n_inputs, n_hidden) = CELLS[cell], (3, 5)
    G, blocks = cell.n_gates, cell.n_blocks
    rng = rng_of(13)
    W, U = rng.normal(size=(n_inputs, G, n_hidden)), rng.normal(size=(n_hidden, G, n_hidden))
    bias = rng.normal(size=(blocks, n_hidden))
    arrays = [W.reshape(n_inputs, -1), U.reshape(n_hidden, -1), bias.ravel()]
    h, x = rng.normal(size=n_hidden), rng.normal(size=n_inputs)
    product = bias.copy()
    product[blocks - G :] += np.einsum("f,fgj->gj", x, W)
    product[:G] += np.roll(np.einsum("h,hgj->gj", h, U), -cell.rotation, axis=0)
    product[list(cell.halved)] /= 2.0
    layer = Layer(cell, n_inputs, n_hidden, np.float64, wants_input=True)
    factors = [np.ones(parameter.shape) for parameter in layer.parameters]
    layer.factors(factors)
    matrix = layer.step_matrix([a * f for a, f in zip(arrays, factors, strict=True)])
    np.testing.assert_allclose(np.concatenate([h, [1.0], x]) @ matrix, product.ravel(), rtol=1e-12)


@cells
def test_start_values_of_a_layer(cell):
    """Glorot inputs, orthogonal recurrence, and the forget gate of an LSTM open."""
    network = building.network(cell, (6,), n_features=4, n_outputs=2)
    views = network.views(network.initialize(np.random.RandomState(0)))
    n_gates = CELLS[cell].n_gates
    bound = np.sqrt(6.0 / (4 + 6))
    assert 0.8 * bound < np.abs(views["W_l0_d0"]).max() <= bound
    for gate in np.split(views["U_l0_d0"], n_gates, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(6), atol=1e-12)
    bias = np.zeros((CELLS[cell].n_blocks, 6))
    if cell == "lstm":
        bias[1] = 1.0
    np.testing.assert_array_equal(views["b_l0_d0"], bias.ravel())
    bound = np.sqrt(6.0 / (6 + 2))
    assert 0.5 * bound < np.abs(views["V"]).max() <= bound
    np.testing.assert_array_equal(views["b_out"], np.zeros(2))


def test_attention_starts_as_the_mean():
    sequences = reference.random_sequences(rng_of(2), [5, 1, 3], 2)
    pooled = {}
    for pooling in ("attention", "mean"):
        network = building.network("gru", (4,), 2, 1, pooling=pooling)
        theta = network.initialize(np.random.RandomState(0))
        pooled[pooling] = network.pooled_states(theta, building.joined(sequences))
    np.testing.assert_allclose(pooled["attention"], pooled["mean"], rtol=1e-12)


def test_orthogonal_start_values_may_mirror():
    """All rotations and reflections are equally likely; QR by itself gives but one of the two."""
    for n_units in (1, 3, 4):
        start = orthogonal(40)(np.random.RandomState(0), (n_units, n_units))
        gates = np.hsplit(start, 40)
        assert 8 < sum(np.linalg.det(gate) < 0 for gate in gates) < 32
        assert len({gate.tobytes() for gate in gates}) == (2 if n_units == 1 else 40)


class Setting:
    """A layer with random parameters, and what it needs to run."""

    def __init__(self, cell, lengths, dtype=np.float64):
        self.rng = rng_of(21)
        self.layer = Layer(CELLS[cell], 2, 5, dtype, wants_input=True)
        self.layout = Layout([self.layer])
        self.theta = self.rng.normal(scale=0.7, size=self.layout.n_parameters)
        self.run = Run(Timeline.of(np.array(lengths), False), Workspace(dtype), True)
        self.x = self.rng.normal(size=(sum(lengths), 2))

    def weights(self, theta):
        arrays = [array.copy() for array in self.layout.by_block(theta)[0]]
        factors = [np.ones_like(array) for array in arrays]
        self.layer.factors(factors)
        scaled = [array * factor for array, factor in zip(arrays, factors, strict=True)]
        return self.layer.bind(self.layer.pack(scaled, 0.0, both_ways=True))

    def state(self, n_rows):
        n_memory = self.layer.cell.n_memories * 5
        return State(*(self.rng.normal(size=(n_rows, n)) for n in (5, n_memory)))


@cells
def test_a_layer_goes_on_from_the_state_it_is_given(cell):
    """A run over all steps, and one over the last of them from the state that the first left."""
    setting = Setting(cell, [7, 7, 7])
    weights, run = setting.weights(setting.theta), setting.run
    whole, history = setting.layer.forward(weights, setting.x, run, last_only=False)
    whole, c = whole.copy(), history.c.copy()
    state = State(whole[9:12], c[9:12])  # after step 3
    short = Run(Timeline.of(np.array([3, 3, 3]), False), Workspace(np.float64), True)
    rest, _ = setting.layer.forward(weights, setting.x[12:], short, False, state)
    np.testing.assert_array_equal(rest, whole[12:])
    from_zeros, _ = setting.layer.forward(weights, setting.x[12:], short, False)
    assert np.abs(from_zeros - whole[12:]).max() > 1e-3
    last, _ = setting.layer.forward(weights, setting.x[12:], short, True, state)
    np.testing.assert_array_equal(last, whole[18:])


@cells
def test_a_given_state_of_zeros_is_no_state(cell):
    setting = Setting(cell, [4, 2, 1])
    weights = setting.weights(setting.theta)
    n_memory = setting.layer.cell.n_memories * 5
    zeros = State(np.zeros((3, 5)), np.zeros((3, n_memory)))
    given, _ = setting.layer.forward(weights, setting.x, setting.run, False, zeros)
    given = given.copy()
    none, _ = setting.layer.forward(weights, setting.x, setting.run, False)
    np.testing.assert_array_equal(given, none)


@cells
@pytest.mark.parametrize("lengths", [[4, 4], [5, 3, 1]])
def test_gradient_of_a_given_state(cell, lengths):
    setting = Setting(cell, lengths)
    layer, n_rows = setting.layer, len(lengths)
    weights, state = setting.weights(setting.theta), setting.state(n_rows)
    slope = setting.rng.normal(size=(sum(lengths), 5))

    def value(h, c):
        return np.vdot(layer.forward(weights, setting.x, setting.run, False, State(h, c))[0], slope)

    _, history = layer.forward(weights, setting.x, setting.run, False, state)
    d_h = np.vstack([slope, np.zeros((n_rows, 5))])
    d_c = np.zeros_like(state.c)
    gradients = [np.zeros(shape) for shape in layer.gradient_shapes]
    layer.backward(weights, history, d_h, gradients, setting.run, d_c)
    expected = reference.numerical_gradient(
        lambda h: value(h.reshape(n_rows, 5), state.c), state.h.ravel(), 1e-4
    )
    np.testing.assert_allclose(d_h[-n_rows:].ravel(), expected, rtol=1e-8, atol=1e-9)
    if layer.cell.n_memories:
        expected = reference.numerical_gradient(
            lambda c: value(state.h, c.reshape(n_rows, 5)), state.c.ravel(), 1e-4
        )
        np.testing.assert_allclose(d_c.ravel(), expected, rtol=1e-8, atol=1e-9)


@cells
def test_the_state_adds_nothing_to_other_gradients(cell):
    """A gradient of the state is asked for or not: the others have the same bits."""
    found = []
    for wants_state in (False, True):
        setting = Setting(cell, [5, 3, 1])
        weights = setting.weights(setting.theta)
        _, history = setting.layer.forward(weights, setting.x, setting.run, False)
        d_h = rng_of(3).normal(size=(9, 5))
        if wants_state:
            d_h = np.vstack([d_h, np.zeros((3, 5))])
        gradients = [np.zeros(shape) for shape in setting.layer.gradient_shapes]
        d_x = setting.layer.backward(weights, history, d_h, gradients, setting.run)
        found.append((d_x.copy(), gradients[0][: setting.layer.shape[0]]))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


# --- packing -------------------------------------------------------------------------------------


def packing_of(cell, dtype):
    """A packing of two layers, the upper one in both directions, and a head; and its layout."""
    network = building.network("gru", (1,), dtype=dtype)
    lower = (Layer(cell, 3, 5, dtype, False, "_l0"),)
    upper = tuple(Layer(cell, 5, 5, dtype, True, f"_l1_{d}") for d in range(2))
    head = type(network.chain.head)(10, 2)
    chain = Chain(network.chain.input, [lower, upper], Last(5, 2, dtype), head)
    layout = Layout(chain.flat())
    return Packing(chain, layout, dtype), chain, layout


def scaled(layer, arrays, dtype):
    """Parameters times a layer's factors."""
    factors = [np.ones(array.shape, dtype) for array in arrays]
    layer.factors(factors)
    return [array * factor for array, factor in zip(arrays, factors, strict=True)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("both_ways", [False, True])
@cells
def test_packed_parameters(cell, both_ways, dtype):
    packing, chain, layout = packing_of(CELLS[cell], dtype)
    theta = rng_of(13, 1).normal(size=layout.n_parameters).astype(dtype)
    fill = packing.memory(packing.look_up(both_ways))
    fill(theta[::-1].copy())
    weights = fill(theta)
    of_blocks = chain.like(layout.by_block(theta))
    for layer, arrays, of_layer in zip(chain.layers, of_blocks.layers, weights.layers, strict=True):
        for one, parameters, found in zip(layer, arrays, of_layer, strict=True):
            matrix = one.step_matrix(scaled(one, parameters, dtype))
            np.testing.assert_array_equal(found.forward[0], pack(matrix))
            if both_ways:
                n_state = one.cell.n_gates * 5
                state, inputs = matrix[:5, :n_state], matrix[6:, -n_state:]
                np.testing.assert_array_equal(found.backward[0], pack(state.T.copy()))
                expected = pack(inputs.T.copy())[: None if one.wants_input else 0]
                np.testing.assert_array_equal(found.backward[1], expected)
            else:
                assert found.backward is None
    np.testing.assert_array_equal(weights.head[0].T.ravel(), theta[-22:-2])
    np.testing.assert_array_equal(weights.head[1], theta[-2:])


@cells
def test_gradients_are_the_adjoint_of_packing(cell):
    packing, chain, layout = packing_of(CELLS[cell], np.float64)
    rng = rng_of(14)
    theta, gradient = rng.normal(size=layout.n_parameters), np.full(layout.n_parameters, np.nan)
    shards = rng.normal(size=(3, packing.n_gradients))
    total = packing.gradients(shards.sum(axis=0))
    product = theta[-22:-2] @ total.head[0].T.ravel() + theta[-2:] @ total.head[1]
    of_blocks = chain.like(layout.by_block(theta))
    for layer, arrays, d_layer in zip(chain.layers, of_blocks.layers, total.layers, strict=True):
        for one, parameters, (d_matrix,) in zip(layer, arrays, d_layer, strict=True):
            matrix = one.step_matrix(scaled(one, parameters, np.float64))
            product += np.vdot(matrix, d_matrix[: len(matrix)])
    packing.sum_up(shards, packing.gradient_places(), gradient)
    np.testing.assert_allclose(theta @ gradient, product, rtol=1e-12)


def test_shards_are_added_in_order():
    packing, _, layout = packing_of(CELLS["rnn"], np.float32)
    shards = rng_of(19).normal(size=(4, packing.n_gradients)).astype(np.float32)
    ordered = ((shards[0] + shards[1]) + shards[2]) + shards[3]
    gradients = np.empty((2, layout.n_parameters), np.float32)
    for numbers, gradient in zip((shards, ordered[np.newaxis]), gradients, strict=True):
        packing.sum_up(numbers, packing.gradient_places(), gradient)
    np.testing.assert_array_equal(*gradients)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("of_steps", [True, False])
@pytest.mark.parametrize("n_outputs", [1, 3, 5])
def test_a_head_is_an_affine_map(n_outputs, of_steps, dtype):
    """Of few outputs and of more, with so many states that registers and tiles are not filled."""
    rng = rng_of(21, n_outputs)
    theta = rng.normal(size=19 * n_outputs + n_outputs).astype(dtype)
    pooled, d_raw = rng.normal(size=(50, 19)), rng.normal(size=(50, n_outputs))
    chains = Chain(Block(), [], Block(), None)
    head = head_of(19, n_outputs, np.dtype(dtype), of_steps)
    assert type(head) is (WideHead if n_outputs > 4 else HeadOfSteps if of_steps else Head)
    chain = chains._replace(head=head)
    packing = Packing(chain, Layout(chain.flat()), dtype)
    weights = packing.memory(packing.look_up(both_ways=True))(theta).head
    run = Run(None, Workspace(dtype), True)
    V, bias = theta[:-n_outputs].reshape(19, n_outputs), theta[-n_outputs:]
    tolerance = {"rtol": 0, "atol": 1e-13 if dtype == np.float64 else 2e-5}
    raw, kept = head.forward(weights, pooled.astype(dtype), run)
    np.testing.assert_allclose(raw, pooled @ V + bias, **tolerance)
    raw = raw.copy()
    for rows in (slice(7, 8), slice(3, 20)):
        some, _ = head.forward(weights, pooled[rows].astype(dtype), run)
        np.testing.assert_array_equal(some, raw[rows])
    numbers = np.zeros((1, packing.n_gradients), dtype)
    d_pooled = head.backward(
        weights, kept, d_raw.astype(dtype), packing.gradients(numbers[0]).head, run
    )
    np.testing.assert_allclose(d_pooled, d_raw @ V.T, **tolerance)
    gradient = np.empty_like(theta)
    packing.sum_up(numbers, packing.gradient_places(), gradient)
    expected = np.append((pooled.T @ d_raw).ravel(), d_raw.sum(axis=0))
    np.testing.assert_allclose(gradient, expected, **tolerance)


def test_a_group_of_arrays_is_kept_as_long_as_its_shapes():
    work = Workspace(np.float32)
    one, other = work.arrays("name", (3, 4), (2,))
    assert (one.shape, other.shape) == ((3, 4), (2,))
    again = work.arrays("name", (3, 4), (2,))
    assert again[0] is one
    assert again[1] is other
    less, more = work.arrays("name", (2, 2), (5,))
    assert np.shares_memory(less, one)
    assert more.shape == (5,)
    assert work.size == 12 + 5


def test_memory_that_grows_leaves_nothing_of_what_it_was():
    work = Workspace(np.float64)
    small = work.array("a", 3)
    large = work.array("a", 7)
    assert not np.shares_memory(small, large)
    assert np.shares_memory(work.array("a", 3), large)
    assert work.size == 7


def test_what_was_made_is_kept_for_the_same_objects_alone():
    work, one, other = Workspace(np.float32), np.zeros(2), np.zeros(2)
    assert work.kept("name", (one, other)) is None
    assert work.keep("name", (one, other), "made") == "made"
    assert work.kept("name", (one, other)) == "made"
    assert work.kept("another name", (one, other)) is None
    for objects in ((other, one), (one, other.copy()), (one,), (one, other, one)):
        assert work.kept("name", objects) is None
    for objects in ((one,), (other,)):
        work.keep("name", objects, "others")
    assert work.kept("name", (one, other)) is None
    assert work.kept("name", (one,)) == work.kept("name", (other,)) == "others"


def test_what_something_was_made_of_lives_as_long_as_it_is_kept():
    """Else another object might come to stand where it was, and be taken for it."""
    work, one = Workspace(np.float32), np.zeros(2)
    work.keep("name", (one,), "made")
    of_one = weakref.ref(one)
    del one
    assert of_one() is not None
    work.array("name", 1)
    work.array("name", 2)  # grows, and what was made of the memory before is forgotten
    assert of_one() is None


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_layer_that_runs_again_on_kept_memory_forgets_what_was_there(cell):
    """In turns with other rows, weights and given states, each gives what it gave at first."""
    net = building.network(cell, (4,))
    (layer,) = net.chain.layers[0]
    rng, work = np.random.default_rng(0), Workspace(np.float64)
    weights = [net.weights(rng.normal(size=net.n_parameters)).layers[0][0] for _ in range(2)]
    given = State(*(rng.normal(size=(3, n)) for n in (4, 4 * layer.cell.n_memories)))
    cases = []
    for lengths in ([5, 5, 5], [4, 2, 1]):
        timeline = Timeline.of(np.array(lengths), False)
        x = rng.normal(size=(timeline.n_lines, layer.n_inputs))
        cases += [(w, x, timeline, s) for w in weights for s in (None, given)]

    def run(case, work):
        w, x, timeline, state = case
        return layer.forward(w, x, Run(timeline, work, False), False, state)[0].copy()

    expected = [run(case, Workspace(np.float64)) for case in cases]
    for i in (0, 0, 0, 1, 0, 2, 2, 2, 3, 3, 3, 2, 4, 4, 4, 5, 6, 6, 6, 7, 0, 0, 0):
        np.testing.assert_array_equal(run(cases[i], work), expected[i])


def test_entries_of_a_chain_keep_their_places():
    chain = Chain("i", [("a", "b"), ("c", "d")], "p", "h")
    assert chain.flat() == ["i", "a", "b", "c", "d", "p", "h"]
    assert chain.like(range(7)) == Chain(0, [[1, 2], [3, 4]], 5, 6)


@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [4, 4]])
@pytest.mark.parametrize("n_directions", [1, 2])
def test_final_states_get_the_gradient_and_no_other_step(n_directions, lengths):
    lengths = np.array(lengths)
    run = Run(Timeline.of(lengths, n_directions == 2), Workspace(np.float64), True)
    d_pooled = rng_of(13).normal(size=(len(lengths), n_directions * 3))
    d_outputs = Last(3, n_directions, np.float64).backward([], None, d_pooled, [], run)
    for direction, d_out in enumerate(d_outputs):
        expected = np.zeros((lengths.sum(), 3))
        for row, length in enumerate(lengths):
            line = run.timeline.start[length - 1] + row
            expected[line] = d_pooled[row, 3 * direction : 3 * direction + 3]
        np.testing.assert_array_equal(d_out, expected)


# --- blocks of other kinds -----------------------------------------------------------------------


class Weighted(Pooling):
    """A pooling with parameters: the mean over the steps, each unit by a weight of its own."""

    def __init__(self, n_hidden, n_directions, dtype):
        super().__init__(n_hidden, n_directions, dtype)
        self.parameters = (Parameter("q", (self.n_outputs,), constant((0.5,)), True),)

    def forward(self, weights, outputs, run):
        out, timeline = run.timeline.join(outputs), run.timeline
        means = np.zeros((timeline.n_rows, self.n_outputs))
        for step in range(len(timeline.start) - 1):
            lines = out[timeline.start[step] : timeline.start[step + 1]]
            means[: len(lines)] += lines
        means /= timeline.lengths[:, np.newaxis]
        return means * weights[0], means

    def backward(self, weights, means, d_pooled, gradients, run):
        timeline = run.timeline
        gradients[0] += (d_pooled * means).sum(axis=0)
        d_mean = d_pooled * weights[0] / timeline.lengths[:, np.newaxis]
        steps = np.diff(timeline.start)
        return timeline.split(np.concatenate([d_mean[:n] for n in steps]))


class Mapped(Block):
    """An input block that learns: a linear map of the numbers."""

    def __init__(self, numbers, n_outputs):
        self.numbers, self.n_outputs = numbers, n_outputs
        self.parameters = (Parameter("E", (numbers.n_outputs, n_outputs), glorot(), False),)

    def forward(self, weights, data, rows, run):
        x, _ = self.numbers.forward([], data, rows, run)
        return x @ weights[0], x

    def backward(self, weights, x, d_x, gradients, run):
        gradients[0] += x.T @ d_x


def network_with_other_blocks(cell, monkeypatch):
    """A network whose input block and pooling own parameters."""
    architecture = building.network(cell, (4, 3), 2, 2, bidirectional=True).architecture
    numbers, _, _, head = architecture.blocks()
    kind, layers, n_inputs = CELLS[cell], [], 3
    for i, size in enumerate((4, 3)):
        layers.append(
            tuple(Layer(kind, n_inputs, size, "float64", True, f"_l{i}_d{d}") for d in range(2))
        )
        n_inputs = 2 * size
    chain = Chain(Mapped(numbers, 3), layers, Weighted(3, 2, np.float64), head)
    monkeypatch.setattr(type(architecture), "blocks", lambda self, source: chain)
    return Network(architecture)


@cells
def test_blocks_of_any_kind_join_a_network(cell, monkeypatch):
    """Their parameters start, are penalised, packed, differentiated like those of all others."""
    network = network_with_other_blocks(cell, monkeypatch)
    theta = network.initialize(np.random.RandomState(1))
    views = network.views(theta)
    assert next(iter(views)) == "E"
    assert list(views)[-3:] == ["q", "V", "b_out"]
    np.testing.assert_array_equal(views["q"], np.full(6, 0.5))
    assert np.abs(views["E"]).max() > 0.1

    rng = rng_of(30)
    sequences = reference.random_sequences(rng, [5, 2, 7, 7, 1], 2)
    targets, weights = rng.normal(size=(5, 2)), rng.uniform(0.5, 2.0, 5)
    loss, data = building.loss("squared_error"), building.joined(sequences)

    def value(theta):
        return building.loss_gradient(network, loss, theta, data, targets, weights, alpha=0.7)[0]

    gradient = building.loss_gradient(network, loss, theta, data, targets, weights, alpha=0.7)[1]
    for name, slope in network.views(gradient).items():
        move = np.zeros_like(theta)
        direction = network.views(move)[name]
        direction[...] = rng.choice([-1.0, 1.0], size=direction.shape) / np.sqrt(direction.size)
        (expected,) = reference.numerical_gradient(
            lambda s, move=move: value(theta + s[0] * move), [0.0], 1e-4
        )
        np.testing.assert_allclose(np.sum(slope * direction), expected, rtol=1e-7, err_msg=name)
    unpenalised = building.loss_gradient(network, loss, theta, data, targets, weights)[1]
    differs = network.views(gradient - unpenalised)
    assert not differs["E"].any()
    np.testing.assert_allclose(differs["q"], 0.7 * 0.5 / weights.sum(), rtol=1e-9)


@cells
def test_nothing_is_handed_back_to_an_input_that_does_not_learn(cell, monkeypatch):
    asked = []
    monkeypatch.setattr(Block, "backward", lambda *arguments: asked.append(1), raising=False)
    network = building.network(cell, (3, 3), 2, 1)
    theta = network.initialize(np.random.RandomState(1))
    sequences = reference.random_sequences(rng_of(31), [4, 2], 2)
    loss, data = building.loss("squared_error"), building.joined(sequences)
    building.loss_gradient(network, loss, theta, data, np.ones((2, 1)), np.ones(2))
    assert not asked
    first, second = (layer[0] for layer in network.chain.layers)
    assert not first.wants_input
    assert second.wants_input


def test_pooled_states_are_those_of_the_passes():
    network = building.network("gru", (3,), 2, 1, pooling="mean", bidirectional=True)
    theta = network.initialize(np.random.RandomState(2))
    data = building.joined(reference.random_sequences(rng_of(32), [3, 5, 2], 2))
    order = np.array([1, 0, 2])
    weights = network.packing.memory(network.packing.look_up(False))(theta)
    run = Run(Timeline.of(data.lengths[order], True), Workspace(np.float64), False)
    sorted_rows = passes.pooled_states(network.chain, weights, data, order, run)
    np.testing.assert_array_equal(network.pooled_states(theta, data)[order], sorted_rows)


class MeanAndMaximum(Pooling):
    """A pooling whose vectors are longer than the states: mean and maximum side by side."""

    def __init__(self, n_hidden, n_directions, dtype):
        super().__init__(n_hidden, n_directions, dtype)
        self.parts = [
            choices.load(choices.POOLINGS[name])(n_hidden, n_directions, dtype)
            for name in ("mean", "max")
        ]
        self.n_outputs *= 2

    def forward(self, weights, outputs, run):
        found = [part.forward([], outputs, run) for part in self.parts]
        return np.hstack([pooled for pooled, _ in found]), [out for _, out in found]

    def backward(self, weights, kept, d_pooled, gradients, run):
        d_parts = np.hsplit(d_pooled, 2)
        d_outputs = []
        for part, out, d_part in zip(self.parts, kept, d_parts, strict=True):
            found = part.backward([], out, np.ascontiguousarray(d_part), [], run)
            d_outputs.append([d_h.copy() for d_h in found])
        return [one + other for one, other in zip(*d_outputs, strict=True)]


@pytest.mark.parametrize("hidden", [(3,), (4, 3)])
def test_a_pooling_may_be_wider_than_the_states_with_dropout_too(hidden, monkeypatch):
    monkeypatch.setitem(choices.POOLINGS, "both", f"{__name__}:MeanAndMaximum")
    network = building.network("gru", hidden, 2, 1, pooling="both", bidirectional=True)
    theta = network.initialize(np.random.RandomState(3))
    rng = rng_of(33)
    data = building.joined(reference.random_sequences(rng, [4, 2, 5], 2))
    targets, weights, loss = rng.normal(size=(3, 1)), np.ones(3), building.loss("squared_error")
    masks = rng.uniform(0.5, 2.0, size=(3, network.n_masked))

    def value(theta):
        return building.loss_gradient(network, loss, theta, data, targets, weights, masks=masks)

    move = rng.choice([-1.0, 1.0], size=len(theta)) / np.sqrt(len(theta))
    (expected,) = reference.numerical_gradient(lambda s: value(theta + s[0] * move)[0], [0.0], 1e-5)
    np.testing.assert_allclose(value(theta)[1] @ move, expected, rtol=1e-7)


def test_two_blocks_may_not_share_the_name_of_a_parameter():
    layer = Layer(CELLS["rnn"], 2, 3, np.float64, wants_input=False)
    with pytest.raises(ValueError, match="'W'"):
        Layout([layer, layer])
