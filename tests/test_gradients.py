"""Values against the reference implementation, gradients against finite differences, in float64.

Every combination is differentiated along one random direction for each block of parameters, which
no wrong block survives; a smaller set, entry by entry.
"""

import itertools
from dataclasses import dataclass, field

import building
import numpy as np
import pytest
import reference
from building import joined, sequence_data

from skrnn.network import plan, threads

N_FEATURES = 2
HIDDEN = {1: (3,), 2: (4, 3)}
LENGTHS = {"ragged": [3, 7, 1, 5, 7], "dense": [6] * 5}
QUANTILES = (0.1, 0.5, 0.8)
N_OUTPUTS = {"quantile": 2 * len(QUANTILES), "softmax": 4}
CELLS = [("rnn", "tanh"), ("rnn", "relu"), ("rnn", "logistic"), ("lstm", "tanh"), ("gru", "tanh")]
POOLINGS = ["last", "mean", "max", "attention"]
ALPHA = 0.7
# Loss, outputs and maximum have kinks; a problem counts as smooth if none is nearer than this.
CLEARANCE = 2e-3


@dataclass
class Problem:
    """A network, its random parameters and data, and what the reference says of them."""

    cell: str = "gru"
    activation: str = "tanh"
    n_layers: int = 1
    bidirectional: bool = False
    pooling: str = "last"
    loss: str = "squared_error"
    lengths: list = field(default_factory=lambda: LENGTHS["ragged"])
    n_outputs: int | None = None
    seed: int = 0
    hidden: tuple = ()

    def __post_init__(self):
        if self.n_outputs is None:
            self.n_outputs = N_OUTPUTS.get(self.loss, 2)
        self.quantiles = QUANTILES if self.loss == "quantile" else (0.5,)
        self.hidden = self.hidden or HIDDEN[self.n_layers]
        self.n_layers = len(self.hidden)
        self.build(np.float64)
        self.draw(np.random.default_rng(self.seed))

    def build(self, dtype):
        self.network = building.network(
            self.cell,
            self.hidden,
            N_FEATURES,
            self.n_outputs,
            dtype,
            bidirectional=self.bidirectional,
            pooling=self.pooling,
            activation=self.activation,
        )

    def draw(self, rng):
        n = sum(self.lengths) if self.pooling == "steps" else len(self.lengths)
        self.parameters = reference.random_parameters(
            rng,
            self.cell,
            self.hidden,
            N_FEATURES,
            self.n_outputs,
            self.bidirectional,
            pooling=self.pooling,
        )
        self.sequences = reference.random_sequences(rng, self.lengths, N_FEATURES)
        self.targets = reference.random_targets(rng, self.loss, n, self.n_outputs, self.quantiles)
        self.weights = rng.uniform(0.2, 3.0, size=n)

    def answers(self, row):
        """Places of what the network answers to a row."""
        if self.pooling != "steps":
            return np.array([row])
        return sum(self.lengths[:row]) + np.arange(self.lengths[row])

    @property
    def architecture(self):
        return {
            "cell": self.cell,
            "n_layers": self.n_layers,
            "bidirectional": self.bidirectional,
            "pooling": self.pooling,
            "activation": self.activation,
        }

    @property
    def theta(self):
        theta = np.full(self.network.n_parameters, np.nan)
        for name, view in self.network.views(theta).items():
            view[...] = self.parameters[name]
        assert np.isfinite(theta).all()
        return theta

    def reference_raw(self):
        return reference.raw_predict(self.sequences, self.parameters, **self.architecture)

    def reference_objective(self, alpha=ALPHA, **options):
        return reference.objective(
            self.sequences,
            self.targets,
            self.weights,
            self.parameters,
            loss=self.loss,
            quantiles=self.quantiles,
            alpha=alpha,
            **self.architecture,
            **options,
        )

    def value_and_gradient(self, theta, data=None, rows=None, alpha=ALPHA, **options):
        return building.loss_gradient(
            self.network,
            building.loss(self.loss, self.n_outputs, self.quantiles),
            theta,
            joined(self.sequences) if data is None else data,
            self.targets,
            self.weights,
            rows,
            alpha=alpha,
            **options,
        )

    def kinks(self):
        """Distances of everything that is not differentiable at zero, as flat arrays."""
        raw = self.reference_raw()
        if self.loss in ("absolute_error", "quantile"):
            yield np.abs(raw - np.repeat(self.targets, len(self.quantiles), axis=1))
        elif self.loss == "huber":
            yield np.abs(np.abs(raw - self.targets) - reference.HUBER_DELTA)
        for sequence in self.sequences:
            y = sequence
            for layer in range(self.n_layers):
                x = y
                if self.activation == "relu":
                    yield from self.relu_arguments(x, layer)
                y = reference.layer_outputs(
                    x, self.parameters, layer, self.cell, self.bidirectional, self.activation
                )
            if self.pooling == "max" and len(y) > 1:
                second, first = np.sort(y, axis=0)[-2:]
                yield (
                    np.where(first > 0, first - second, 1)
                    if self.activation == "relu"
                    else (first - second)
                )

    def relu_arguments(self, x, layer):
        for direction in range(2 if self.bidirectional else 1):
            W, U, b = (self.parameters[f"{name}_l{layer}_d{direction}"] for name in "WUb")
            run = x[::-1] if direction else x
            h = reference.rnn(run, W, U, b, "relu")
            before = np.vstack([np.zeros(len(U)), h[:-1]])
            yield np.abs(run @ W + b + before @ U)


def smooth_problem(**options):
    """A problem whose kinks are all out of the reach of a finite difference."""
    for seed in range(200):
        problem = Problem(**options, seed=seed)
        if min((a.min() for a in problem.kinks()), default=1.0) > CLEARANCE:
            return problem
    raise AssertionError("no smooth problem found")


def assert_close(actual, desired, tolerance):
    """Relative to the largest number of the block."""
    difference = np.max(np.abs(np.asarray(actual) - desired))
    assert difference <= tolerance * np.max(np.abs(desired))


def step_size(problem):
    kinked = (
        problem.activation == "relu"
        or problem.pooling == "max"
        or problem.loss in ("absolute_error", "quantile", "huber")
    )
    return 1e-5 if kinked else 2e-4


def assert_gradient_along_each_block(problem, theta, gradient, **options):
    """Each named block's slope along one random direction, against a finite difference."""
    rng = np.random.default_rng(1)
    move = np.zeros_like(theta)
    slopes = problem.network.views(gradient)
    value, _ = problem.value_and_gradient(theta, **options)
    rounding = 1e-15 * abs(value) / step_size(problem)  # of a difference, where slopes are small
    for name, direction in problem.network.views(move).items():
        move[:] = 0
        direction[...] = rng.choice([-1.0, 1.0], size=direction.shape)
        direction /= max(1.0, np.sqrt(direction.size) / 8.0)  # long ones are curved
        expected = reference.numerical_gradient(
            lambda step: problem.value_and_gradient(theta + step[0] * move, **options)[0],
            [0.0],
            step_size(problem),
        )
        error = abs(np.sum(slopes[name] * direction) - expected[0])
        assert error <= 1e-8 * np.linalg.norm(slopes[name]) + rounding, name


def every_combination():
    """All of them; without the JIT each eleventh, which meets every choice and most pairs."""
    pooling, loss = (*POOLINGS, "steps"), reference.LOSSES
    product = itertools.product(CELLS, (1, 2), (False, True), pooling, loss, LENGTHS)
    for i, ((cell, activation), n_layers, bidirectional, *rest) in enumerate(product):
        name = (cell, activation, f"{n_layers}layers", "bi" if bidirectional else "uni", *rest)
        yield pytest.param(
            {
                "cell": cell,
                "activation": activation,
                "n_layers": n_layers,
                "bidirectional": bidirectional,
                "pooling": rest[0],
                "loss": rest[1],
                "lengths": LENGTHS[rest[2]],
            },
            id="-".join(name),
            marks=pytest.mark.kernels if i % 11 == 0 else (),
        )


@pytest.mark.parametrize("options", list(every_combination()))
def test_every_combination(options):
    problem = smooth_problem(**options)
    theta, data = problem.theta, joined(problem.sequences)
    value, gradient = problem.value_and_gradient(theta)
    assert_close(problem.network.raw_predict(theta, data), problem.reference_raw(), 1e-12)
    assert_close(value, problem.reference_objective(), 1e-12)
    assert_gradient_along_each_block(problem, theta, gradient)


entry_by_entry = [
    {"cell": "gru", "n_layers": 2, "bidirectional": True, "loss": "softmax"},
    {"cell": "lstm", "n_layers": 2, "bidirectional": True, "pooling": "mean", "loss": "poisson"},
    {"cell": "rnn", "n_layers": 2, "bidirectional": True, "pooling": "max", "loss": "quantile"},
    {"cell": "rnn", "activation": "relu", "n_layers": 2, "pooling": "mean", "loss": "huber"},
    {"cell": "rnn", "activation": "logistic", "bidirectional": True, "loss": "absolute_error"},
    {"cell": "lstm", "n_layers": 2, "pooling": "max", "loss": "logistic", "n_outputs": 1},
    {"cell": "gru", "bidirectional": True, "pooling": "max", "loss": "logistic", "n_outputs": 3},
    {"cell": "gru", "n_layers": 2, "pooling": "steps", "loss": "softmax"},
    {"cell": "lstm", "bidirectional": True, "pooling": "steps", "loss": "quantile"},
    {"cell": "gru", "n_layers": 2, "pooling": "steps", "n_outputs": 5},
    {"cell": "gru", "n_layers": 2, "lengths": [1, 1]},
    {"cell": "lstm", "lengths": [23], "n_outputs": 1},
    {"cell": "gru", "n_layers": 2, "bidirectional": True, "pooling": "attention"},
    {"cell": "rnn", "pooling": "attention", "hidden": (9, 17), "lengths": [1, 1]},
]


@pytest.mark.parametrize("options", entry_by_entry, ids=str)
def test_every_entry(options):
    problem = smooth_problem(**options)
    theta = problem.theta
    _, gradient = problem.value_and_gradient(theta)
    expected = reference.numerical_gradient(
        lambda theta: problem.value_and_gradient(theta)[0], theta, step_size(problem)
    )
    blocks = problem.network.views(expected)
    for name, actual in problem.network.views(gradient).items():
        # Where nothing is to be learnt (U of sequences of one step) there is the penalty alone.
        assert_close(actual, blocks[name], 1e-8)


@pytest.mark.kernels
@pytest.mark.parametrize("pooling", [*POOLINGS, "steps"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_dropout(cell, bidirectional, pooling):
    problem = smooth_problem(cell=cell, n_layers=2, bidirectional=bidirectional, pooling=pooling)
    assert_dropout(problem)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_dropout_of_four_layers(cell, bidirectional):
    """The masks of the third begin behind those of two others."""
    assert_dropout(Problem(cell=cell, bidirectional=bidirectional, hidden=(3, 5, 2, 4)))


def assert_dropout(problem):
    rng = np.random.default_rng(6)
    shape = len(problem.sequences), problem.network.n_masked
    masks = rng.integers(0, 2, shape) * rng.uniform(1.0, 2.0, shape)
    theta = problem.theta
    value, gradient = problem.value_and_gradient(theta, masks=masks)
    assert_close(value, problem.reference_objective(masks=masks), 1e-12)
    assert_gradient_along_each_block(problem, theta, gradient, masks=masks)


@pytest.mark.kernels
@pytest.mark.parametrize("pooling", [*POOLINGS, "steps"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_pooled_states(cell, pooling):
    problem = Problem(cell=cell, n_layers=2, bidirectional=True, pooling=pooling)
    pooled = problem.network.pooled_states(problem.theta, joined(problem.sequences))
    architecture = problem.architecture
    if pooling == "steps":  # nothing is pooled, so a row has its last states
        architecture |= {"pooling": "last"}
    expected = reference.encode(problem.sequences, problem.parameters, **architecture)
    assert_close(pooled, expected, 1e-12)


@pytest.mark.kernels
@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3)])
def test_parameters_tell_gates_and_directions_apart(cell, gates):
    """The other tests would see a swap: two gates or directions exchanged change the outputs."""
    problem = Problem(cell=cell, bidirectional=True)
    expected = problem.reference_raw()
    for name in ("W_l0_d0", "U_l0_d1", "b_l0_d0"):
        right = problem.parameters[name]
        n_blocks = 4 if name.startswith("b") else gates
        blocks = np.split(right, n_blocks, axis=-1)
        for i in range(n_blocks):
            for j in range(i):
                swapped = list(blocks)
                swapped[i], swapped[j] = blocks[j], blocks[i]
                problem.parameters[name] = np.concatenate(swapped, axis=-1)
                raw = problem.network.raw_predict(problem.theta, joined(problem.sequences))
                assert np.max(np.abs(raw - expected)) > 1e-3
        problem.parameters[name] = right
    for kind in "WUb":
        first, second = f"{kind}_l0_d0", f"{kind}_l0_d1"
        p = problem.parameters
        p[first], p[second] = p[second], p[first]
        raw = problem.network.raw_predict(problem.theta, joined(problem.sequences))
        assert np.max(np.abs(raw - expected)) > 1e-3
        p[first], p[second] = p[second], p[first]


@pytest.mark.kernels
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("pooling", ["last", "steps"])
def test_rows_select_and_order_samples(cell, pooling):
    lengths = [3, 7, 1, 5, 7, 2]
    problem = Problem(cell=cell, bidirectional=True, pooling=pooling, lengths=lengths)
    rows = np.array([4, 0, 5, 1])
    theta = problem.theta
    value, gradient = problem.value_and_gradient(theta, rows=rows)
    answers = np.concatenate([problem.answers(i) for i in rows])
    problem.sequences = [problem.sequences[i] for i in rows]
    problem.targets, problem.weights = problem.targets[answers], problem.weights[answers]
    assert_close(value, problem.reference_objective(), 1e-12)
    alone, alone_gradient = problem.value_and_gradient(theta)
    assert value == alone
    np.testing.assert_array_equal(gradient, alone_gradient)


@pytest.mark.kernels
@pytest.mark.parametrize("lengths", LENGTHS)
def test_offsets_are_added_to_the_raw_predictions_of_their_rows(lengths, rng):
    """To add them is, for the squared error, to learn what is left of the targets."""
    problem = Problem(cell="rnn", lengths=LENGTHS[lengths])
    offsets, rows = rng.normal(size=problem.targets.shape), np.array([4, 0, 3])
    found = problem.value_and_gradient(problem.theta, rows=rows, offsets=offsets)
    problem.targets = problem.targets - offsets
    expected = problem.value_and_gradient(problem.theta, rows=rows)
    assert_close(found[0], expected[0], 1e-13)
    assert_close(found[1], expected[1], 1e-12)


@pytest.mark.kernels
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_weight_zero_is_removal_and_weight_two_is_repetition(cell):
    problem = Problem(cell=cell, lengths=[3, 7, 1, 5, 7, 2])
    theta = problem.theta
    problem.weights[:] = [1.0, 0.0, 2.0, 1.0, 0.0, 3.0]
    value, gradient = problem.value_and_gradient(theta)
    problem.weights[:] = 1.0
    repeated, repeated_gradient = problem.value_and_gradient(
        theta, rows=np.array([0, 2, 2, 3, 5, 5, 5])
    )
    assert_close(value, repeated, 1e-13)
    assert_close(gradient, repeated_gradient, 1e-12)


@pytest.mark.kernels
@pytest.mark.parametrize("pooling", [*POOLINGS, "steps"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_nan_beside_the_rows_changes_no_bit(cell, pooling):
    """NaN before, between and behind the sequences in use, and in memory freed just before."""
    problem = Problem(cell=cell, n_layers=2, bidirectional=True, pooling=pooling)
    theta = problem.theta
    value, gradient = problem.value_and_gradient(theta)
    raw = problem.network.raw_predict(theta, joined(problem.sequences))

    poison = np.full((3, N_FEATURES), np.nan)
    pieces = [poison]
    for sequence in problem.sequences:
        pieces += [sequence, poison]
    ends = np.cumsum([len(piece) for piece in pieces])
    data = sequence_data(np.concatenate(pieces), ends)
    # Sequence 2 i of `data` is our sequence i; those between are all NaN.
    rows = np.arange(0, 2 * len(problem.sequences), 2)
    spread = Problem(**problem.architecture, lengths=[len(piece) for piece in pieces[1:]])
    spread.targets[:], spread.weights[:] = np.nan, np.nan
    answers = np.concatenate([spread.answers(i) for i in rows])
    spread.targets[answers], spread.weights[answers] = problem.targets, problem.weights
    del [np.full(size, np.nan) for size in (10, 100, 1_000, 10_000, 100_000)][:]
    poisoned_value, poisoned_gradient = spread.value_and_gradient(theta, data, rows)
    assert poisoned_value == value
    np.testing.assert_array_equal(poisoned_gradient, gradient)
    np.testing.assert_array_equal(spread.network.raw_predict(theta, data)[answers], raw)


@pytest.mark.kernels
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("pooling", ["last", "steps"])
def test_neighbours_change_no_bit_of_a_prediction(cell, pooling):
    lengths = list(np.random.default_rng(2).integers(1, 12, size=150))
    problem = Problem(cell=cell, n_layers=2, bidirectional=True, pooling=pooling, lengths=lengths)
    theta = problem.theta
    raw = problem.network.raw_predict(theta, joined(problem.sequences))
    for i in (0, 1, 63, 64, 149):
        alone = problem.network.raw_predict(theta, joined([problem.sequences[i]]))
        np.testing.assert_array_equal(alone, raw[problem.answers(i)])


@pytest.mark.kernels
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_later_steps_change_no_bit_of_the_answer_to_a_step(cell, lengths):
    problem = Problem(cell=cell, n_layers=2, pooling="steps", lengths=LENGTHS[lengths])
    theta = problem.theta
    raw = problem.network.raw_predict(theta, joined(problem.sequences))
    for i, x in enumerate(problem.sequences):
        for t in range(1, len(x) + 1):
            so_far = problem.network.raw_predict(theta, joined([x[:t]]))
            np.testing.assert_array_equal(so_far, raw[problem.answers(i)][:t])


@pytest.mark.kernels
@pytest.mark.parametrize("pooling", ["last", "attention", "steps"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_many_shards_tiles_and_threads(cell, pooling, monkeypatch):
    lengths = list(np.random.default_rng(2).integers(1, 12, size=133))
    problem = Problem(cell=cell, bidirectional=True, pooling=pooling, lengths=lengths)
    theta, data = problem.theta, joined(problem.sequences)
    whole = problem.network.raw_predict(theta, data)
    for name in ("_TRAINING_SHARD", "_PREDICTION_SHARD", "_TRAIN_TILE", "_PREDICT_TILE"):
        monkeypatch.setattr(plan, name, 1)
    np.testing.assert_array_equal(problem.network.raw_predict(theta, data), whole)
    assert_close(whole, problem.reference_raw(), 1e-12)
    value, gradient = problem.value_and_gradient(theta, data)
    assert_close(value, problem.reference_objective(), 1e-12)
    # The whole is the weighted mean of its parts.
    total = np.zeros_like(theta)
    for rows in np.array_split(np.arange(len(lengths)), 20):
        answers = np.concatenate([problem.answers(i) for i in rows])
        share = problem.weights[answers].sum() / problem.weights.sum()
        total += share * problem.value_and_gradient(theta, data, rows, alpha=0.0)[1]
    _, no_penalty = problem.value_and_gradient(theta, data, alpha=0.0)
    assert_close(no_penalty, total, 1e-12)
    for n_threads in (2, 3):
        with threads.helpers(n_threads) as helpers:
            again, again_gradient = problem.value_and_gradient(theta, data, helpers=helpers)
            raw = problem.network.raw_predict(theta, data, helpers)
        assert again == value
        np.testing.assert_array_equal(again_gradient, gradient)
        np.testing.assert_array_equal(raw, problem.network.raw_predict(theta, data))


@pytest.mark.kernels
@pytest.mark.parametrize("hidden", [(5,), (20, 19)])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_one_step_has_the_same_bits_without_recurrent_weights(cell, hidden, rng):
    given = {"cell": cell, "hidden": hidden, "n_features": 3, "n_outputs": 2, "bidirectional": True}
    network = building.network(**given)
    one_step = building.network(**given, is_recurrent=False)
    theta, of_one_step = network.initialize(rng), one_step.initialize(rng)
    theta += rng.normal(size=theta.shape)
    arrays, twins = network.views(theta), one_step.views(of_one_step)
    assert set(arrays) - set(twins) == {name for name in arrays if name.startswith("U")}
    for name, twin in twins.items():
        twin[:] = arrays[name]
    data, targets = sequence_data(rng.normal(size=(33, 3)), range(34)), rng.normal(size=(33, 2))
    raw = network.raw_predict(theta, data)
    np.testing.assert_array_equal(one_step.raw_predict(of_one_step, data), raw)
    loss, labels = building.loss("squared_error", 2), (targets, np.ones(33))
    value, gradient = building.loss_gradient(network, loss, theta, data, *labels)
    again, its_gradient = building.loss_gradient(one_step, loss, of_one_step, data, *labels)
    assert again == value
    gradients = network.views(gradient)
    for name, array in one_step.views(its_gradient).items():
        np.testing.assert_array_equal(array, gradients[name])
    for name in set(arrays) - set(twins):
        assert not gradients[name].any()


@pytest.mark.kernels
@pytest.mark.parametrize("per_step", [False, True])
def test_standardisation(per_step):
    problem = Problem(cell="lstm", lengths=[4, 4, 4])
    rng = np.random.default_rng(5)
    shape = (4, N_FEATURES) if per_step else (1, N_FEATURES)
    center, scale = rng.standard_normal(shape), rng.uniform(0.5, 2.0, shape)
    data = joined([sequence / scale + center for sequence in problem.sequences])
    data = data._replace(center=center, scale=scale)
    assert_close(problem.network.raw_predict(problem.theta, data), problem.reference_raw(), 1e-12)


@pytest.mark.kernels
@pytest.mark.parametrize("k", [2, 3, 7])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_frames_are_steps_of_several_observations(cell, k):
    options = {"cell": cell, "hidden": (3, 2), "bidirectional": True, "pooling": "mean"}
    framed = building.network(n_features=2, frame_length=k, **options)
    plain = building.network(n_features=2 * k, **options)
    sequences = reference.random_sequences(np.random.default_rng(2), [6, 5, 5, 1], 2)
    theta = plain.initialize(np.random.RandomState(0))
    as_given = building.joined(sequences, frame_length=k)
    by_hand = joined([reference.frames(sequence, k) for sequence in sequences])
    rest = theta, np.ones((4, 1)), np.ones(4)
    found = [
        building.loss_gradient(network, building.loss("squared_error"), rest[0], data, *rest[1:])
        for network, data in ((framed, as_given), (plain, by_hand))
    ]
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])
    raw = framed.raw_predict(theta, as_given), plain.raw_predict(theta, by_hand)
    np.testing.assert_array_equal(*raw)


@pytest.mark.kernels
@pytest.mark.parametrize("hidden", [(9,), (33,), (17, 5, 33)])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_units_that_fill_several_registers(cell, hidden):
    """And, of a GRU, panels of columns to which the input adds nothing."""
    options = {"cell": cell, "hidden": hidden, "lengths": [5, 3, 3, 1]}
    problem = Problem(**options, bidirectional=len(hidden) > 1)
    theta = problem.theta
    value, gradient = problem.value_and_gradient(theta)
    assert_close(value, problem.reference_objective(), 1e-12)
    raw = problem.network.raw_predict(theta, joined(problem.sequences))
    assert_close(raw, problem.reference_raw(), 1e-12)
    assert_gradient_along_each_block(problem, theta, gradient)


@pytest.mark.kernels
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_float32(cell):
    """The other precision's kernels, at parameters and data that both can represent."""
    problem = Problem(cell=cell, n_layers=2, bidirectional=True, pooling="mean")
    for arrays in (problem.parameters, {"targets": problem.targets, "weights": problem.weights}):
        for array in arrays.values():
            array[...] = array.astype(np.float32)
    problem.sequences = [x.astype(np.float32).astype(np.float64) for x in problem.sequences]
    theta, data = problem.theta, joined(problem.sequences)
    value, gradient = problem.value_and_gradient(theta)
    raw = problem.network.raw_predict(theta, data)

    problem.build(np.float32)
    problem.targets = problem.targets.astype(np.float32)
    problem.weights = problem.weights.astype(np.float32)
    single = data._replace(
        **{name: getattr(data, name).astype(np.float32) for name in ("values", "center", "scale")}
    )
    theta = theta.astype(np.float32)
    single_value, single_gradient = problem.value_and_gradient(theta, single)
    single_raw = problem.network.raw_predict(theta, single)
    assert single_raw.dtype == single_gradient.dtype == np.float32
    assert_close(single_raw, raw, 2e-6)
    assert_close(single_value, value, 2e-6)
    blocks = problem.network.views(gradient)
    for name, actual in problem.network.views(single_gradient).items():
        assert_close(actual, blocks[name], 1e-5)
