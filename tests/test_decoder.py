"""The decoder with attention: against PyTorch's cells, finite differences, and itself."""

from functools import partial
from types import SimpleNamespace

import building
import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import losses
from skrnn.kernels.beams import advance
from skrnn.network import network as of_networks
from skrnn.network import passes, search
from skrnn.network.examples import Examples, OfSteps, Transcribed
from skrnn.network.layer import LayerOfTokens
from skrnn.network.search import Beam

N_FEATURES, N_HIDDEN, N_EMBEDDED, N_LABELS = 3, 5, 4, 4
LENGTHS, N_WRITTEN = [7, 9, 4, 9, 1], [2, 3, 0, 5, 1]
CELLS = ["gru", "lstm", "rnn"]


class Problem:
    """A network with a decoder, random parameters, sequences and transcripts."""

    def __init__(self, decoder, cell="gru", bidirectional=True, dtype=np.float64, seed=0):
        rng = np.random.default_rng(seed)
        self.network = building.network(
            cell, (N_HIDDEN,), N_FEATURES, N_LABELS + 1, dtype, bidirectional=bidirectional,
            decoder=decoder, target_embedding_dim=N_EMBEDDED,
        )  # fmt: skip
        self.theta = (0.5 * rng.normal(size=self.network.n_parameters)).astype(dtype)
        self.sequences = [rng.normal(size=(n, N_FEATURES)).astype(dtype) for n in LENGTHS]
        self.labels = [rng.integers(0, N_LABELS, size=n) for n in N_WRITTEN]
        self.row_weights = rng.uniform(0.5, 2.0, size=len(LENGTHS))
        self.loss = losses.Softmax(N_LABELS + 1)
        self.examples = self.examples_of(decoder, range(len(LENGTHS)))

    def examples_of(self, decoder, rows):
        data = building.joined([self.sequences[r] for r in rows])
        counts = np.array([len(self.labels[r]) + 1 for r in rows])
        flat = np.concatenate([[*self.labels[r], N_LABELS] for r in rows])[:, np.newaxis]
        flat = flat.astype(self.theta.dtype)
        weights = np.repeat(self.row_weights[list(rows)], counts)
        steps = OfSteps.of(counts, weights)
        if decoder == "ctc":
            self.loss = losses.CTC(N_LABELS + 1)
            return Transcribed.of(data, flat, steps)
        return Examples(data, flat, weights, None, steps)

    def value_and_gradient(self, theta=None, rows=None, **options):
        theta = self.theta if theta is None else theta
        rows = np.arange(len(LENGTHS)) if rows is None else rows
        gradient = np.full_like(theta, np.nan)
        found = self.network.loss_gradient(
            self.loss, theta, self.examples, rows, gradient, **options
        )
        return found, gradient


problems = pytest.mark.parametrize(
    ("decoder", "cell", "bidirectional"),
    [(d, c, b) for d in ("attention", "ctc") for c in CELLS for b in (False, True)],
)


@problems
def test_the_gradient_is_that_of_finite_differences(decoder, cell, bidirectional, rng):
    problem = Problem(decoder, cell, bidirectional)
    _, gradient = problem.value_and_gradient(alpha=0.3)
    for name, place in problem.network.views(np.arange(len(gradient))).items():
        direction = np.zeros_like(gradient)
        direction[place.ravel()] = rng.normal(size=place.size)
        direction /= np.linalg.norm(direction)
        values = [
            problem.value_and_gradient(problem.theta + step * direction, alpha=0.3)[0]
            for step in (1e-5, -1e-5)
        ]
        slope = (values[0] - values[1]) / 2e-5
        assert slope == pytest.approx(gradient @ direction, rel=1e-7, abs=1e-9), name


@problems
def test_the_loss_of_a_minibatch_is_the_weighted_mean_over_labels(decoder, cell, bidirectional):
    problem = Problem(decoder, cell, bidirectional)
    raw = problem.network.raw_of(problem.theta, problem.examples)
    of_answers = problem.loss.of_rows(raw, problem.examples.targets)
    expected = np.average(of_answers, weights=problem.examples.weights)
    assert problem.value_and_gradient()[0] == pytest.approx(expected, rel=1e-12)
    counts = np.array(N_WRITTEN) + 1
    assert_allclose(problem.examples.row_weights, problem.row_weights * counts)


def test_a_row_has_its_bits_whatever_stands_beside_it():
    problem = Problem("attention")
    every = problem.network.raw_of(problem.theta, problem.examples)
    firsts = problem.examples.steps.firsts
    for row in range(len(LENGTHS)):
        alone = problem.network.raw_of(problem.theta, problem.examples_of("attention", [row]))
        assert_array_equal(alone, every[firsts[row] : firsts[row] + N_WRITTEN[row] + 1])


def cell_of(torch, cell, p, tag, x, h, c):
    """A step by PyTorch's own cell of our named arrays."""
    W, U, b = (p[name + tag].T if name != "b" else p[name + tag] for name in "WUb")
    if cell == "gru":
        n = U.shape[1]
        b_hh = torch.cat([torch.zeros(2 * n, dtype=b.dtype), b[:n]])
        return torch.gru_cell(x, h, W, U, b[n:], b_hh), c
    if cell == "lstm":
        return torch.lstm_cell(x, (h, c), W, U, b, torch.zeros_like(b))
    return torch.rnn_tanh_cell(x, h, W, U, b, torch.zeros_like(b)), c


def encoded(torch, cell, p, x, bidirectional):
    """States of all steps of one sequence."""
    directions = []
    for d in range(2 if bidirectional else 1):
        steps = range(len(x)) if d == 0 else reversed(range(len(x)))
        h = c = torch.zeros(1, N_HIDDEN, dtype=torch.float64)
        states = [None] * len(x)
        for t in steps:
            h, c = cell_of(torch, cell, p, f"_l0_d{d}", x[t : t + 1], h, c)
            states[t] = h[0]
        directions.append(torch.stack(states))
    return torch.cat(directions, dim=1)


def written(torch, cell, p, states, labels):
    """Raw predictions of one transcript and its end."""
    keys = states @ p["W_key"] + p["b_key"]
    h = (states.mean(dim=0) @ p["W_begin"] + p["b_begin"])[None]
    c, raw = torch.zeros_like(h), []
    for before in [N_LABELS, *labels]:
        scores = torch.tanh(keys + h @ p["W_query"]) @ p["v_attention"]
        context = (torch.softmax(scores, dim=0) * states).sum(dim=0)
        x = torch.cat([p["E_label"][before], context])[None]
        h, c = cell_of(torch, cell, p, "_decoder", x, h, c)
        raw.append(torch.cat([h[0], context]) @ p["V"] + p["b_out"])
    return torch.stack(raw)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_parity_with_pytorch(cell, bidirectional):
    torch = pytest.importorskip("torch")
    problem = Problem("attention", cell, bidirectional)
    p = {
        name: torch.tensor(view).requires_grad_()
        for name, view in problem.network.views(problem.theta).items()
    }
    total, raw = 0.0, []
    for x, labels, weight in zip(
        problem.sequences, problem.labels, problem.row_weights, strict=True
    ):
        states = encoded(torch, cell, p, torch.tensor(x), bidirectional)
        raw.append(written(torch, cell, p, states, labels))
        right = torch.tensor([*labels, N_LABELS])
        total += weight * torch.nn.functional.cross_entropy(raw[-1], right, reduction="sum")
    total /= problem.examples.weights.sum()
    total.backward()
    found = problem.network.raw_of(problem.theta, problem.examples)
    assert_allclose(found, torch.cat(raw).detach().numpy(), rtol=1e-10, atol=1e-12)
    value, gradient = problem.value_and_gradient()
    assert value == pytest.approx(total.item(), rel=1e-11)
    for name, view in problem.network.views(gradient).items():
        assert_allclose(view, p[name].grad.numpy(), rtol=1e-8, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_and_shards_change_no_bit(dtype, monkeypatch):
    from skrnn.network import plan, threads

    monkeypatch.setattr(plan, "_TRAINING_SHARD", 1.0)
    monkeypatch.setattr(plan, "_MIN_SHARD_ROWS", 1)
    problem = Problem("attention", dtype=dtype)
    alone = problem.value_and_gradient()
    with threads.helpers(2) as helpers:
        together = problem.value_and_gradient(helpers=helpers)
    assert alone[0] == together[0]
    assert_array_equal(alone[1], together[1])


N_TOKENS = 6


def tokens_problem(decoder, cell, bidirectional, few=256, seed=3):
    """A Problem that reads tokens; `few` of them make an encoder find out once what each adds."""
    problem, rng = Problem(decoder, cell, bidirectional, seed=seed), np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_networks, "_FEW_TOKENS", few)
        problem.network = building.network(
            cell, (N_HIDDEN, 3), 1, N_LABELS + 1, bidirectional=bidirectional, decoder=decoder,
            target_embedding_dim=N_EMBEDDED, n_tokens=N_TOKENS, embedding_dim=4,
        )  # fmt: skip
    problem.theta = 0.5 * rng.normal(size=problem.network.n_parameters)
    problem.sequences = [
        rng.integers(0, N_TOKENS + 1, size=(n, 1)).astype(np.int32) for n in LENGTHS
    ]
    problem.examples = problem.examples_of(decoder, range(len(LENGTHS)))
    return problem


def gradient_of_tokens(problem):
    """With zeros for tokens that no row has."""
    gradient = np.zeros_like(problem.theta)
    rows = np.arange(len(LENGTHS))
    value = problem.network.loss_gradient(
        problem.loss, problem.theta, problem.examples, rows, gradient
    )
    return value, gradient


@problems
def test_what_tokens_add_to_the_gates_is_as_if_each_step_had_its_vector(
    decoder, cell, bidirectional
):
    few, many = (tokens_problem(decoder, cell, bidirectional, n) for n in (N_TOKENS, N_TOKENS - 1))
    assert isinstance(few.network.chain.layers[0][0], LayerOfTokens)
    assert not isinstance(few.network.chain.layers[1][0], LayerOfTokens)
    assert not isinstance(many.network.chain.layers[0][0], LayerOfTokens)
    raw = few.network.raw_of(few.theta, few.examples)
    assert_allclose(raw, many.network.raw_of(many.theta, many.examples), rtol=1e-11, atol=1e-13)
    (value, gradient), (expected, slopes) = map(gradient_of_tokens, (few, many))
    assert value == pytest.approx(expected, rel=1e-12)
    assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-12)
    assert np.abs(few.network.views(gradient)["E"]).max() > 1e-3


def test_a_row_of_tokens_has_its_bits_whatever_stands_beside_it():
    problem = tokens_problem("attention", "gru", True)
    every = problem.network.raw_of(problem.theta, problem.examples)
    firsts = problem.examples.steps.firsts
    for row in range(len(LENGTHS)):
        alone = problem.network.raw_of(problem.theta, problem.examples_of("attention", [row]))
        assert_array_equal(alone, every[firsts[row] : firsts[row] + N_WRITTEN[row] + 1])


@pytest.mark.parametrize("cell", CELLS)
def test_large_nets_are_packed_by_two_threads_to_the_same_bits(cell, monkeypatch):
    from skrnn.network import threads, weights

    problem = Problem("attention", cell)
    alone = problem.value_and_gradient()
    monkeypatch.setattr(weights, "_MANY", 1)
    with threads.helpers(2) as helpers:
        together = problem.value_and_gradient(helpers=helpers)
    assert alone[0] == together[0]
    assert_array_equal(alone[1], together[1])


# What it writes by itself


def beams(problem, width, most=6, penalty=1.0):
    """The transcripts of each sequence that a beam finds."""
    network, found = problem.network, [None] * len(LENGTHS)
    weights, data = network.weights(problem.theta), problem.examples.data

    def write(rows, run):
        states = passes.pooled_states(network.chain, weights, data, rows, run)
        source, begin, _ = network.chain.head.source(weights.head, states, run)
        given = network.chain.head, weights.head, source, begin, run.work
        beam = Beam(*given, width, penalty)
        beam.write(np.full(len(rows), most))
        for row, of_row in zip(rows, beam.ranked(width), strict=True):
            found[row] = of_row

    network.each_tile(write, data, None)
    return found


def log_probability(problem, row, labels, has_ended):
    """Of a transcript that is given, by teacher forcing."""
    problem.labels[row] = np.array(labels, int)
    examples = problem.examples_of("attention", [row])
    raw = problem.network.raw_of(problem.theta, examples).astype(np.float64)
    logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    of_labels = logs[np.arange(len(raw)), [*labels, N_LABELS]]
    return of_labels.sum() if has_ended else of_labels[:-1].sum()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("width", [1, 3])
def test_what_is_written_has_the_probability_that_teacher_forcing_gives_it(cell, width):
    problem = Problem("attention", cell)
    problem.theta *= 2.0
    for row, of_row in enumerate(beams(problem, width)):
        assert 1 <= len(of_row) <= width
        assert len({(one.labels, one.has_ended) for one in of_row}) == len(of_row)
        for one in of_row:
            expected = log_probability(problem, row, one.labels, one.has_ended)
            assert one.log_probability == pytest.approx(expected, rel=1e-9)
            assert len(one.labels) <= 6


NO_SOURCE = SimpleNamespace(start=np.zeros(2, int))


class TableDecoder:
    """Says of each hypothesis what stands in a table, and keeps what it has written in its state.

    A label is as likely as another one or hardly likely at all, so there are many equals.
    """

    n_outputs = 4

    def __init__(self):
        self.n_asked = 0

    def raw_of(self, row, labels):
        return np.random.default_rng([row, *labels]).choice([0.0, -50.0], p=[0.6, 0.4], size=4)

    def room(self, n, n_source, work):
        return SimpleNamespace(
            of_steps=SimpleNamespace(inputs=np.full((n, 1), np.nan), c=np.empty((2 * n, 0)))
        )

    def values(self, weights, source, work):
        """None are read."""

    def write(self, weights, source, values, memory, search):
        """Its steps as those of :func:`skrnn.kernels.writing.write`, one after the other."""
        on, (n_on, n_nodes, n_written, n_steps), (most, penalty), kept, going_on = search
        found, tree, scratch = kept
        codes = memory.of_steps.inputs[:, 0]
        for step in range(n_steps):
            rows, nodes, scores, before = (one[:n_on] for one in on)
            self.n_asked += n_on
            is_first = before == self.n_outputs - 1
            codes[:n_on] = np.where(is_first, codes[:n_on], 4 * codes[:n_on] + before + 1)
            raw = [
                self.raw_of(row, self.labels(code)) for row, code in zip(rows, codes, strict=False)
            ]
            if not raw:
                break
            limits = n_written + step, most, penalty
            n_on, n_nodes = advance(
                np.array(raw), (rows, nodes, scores), limits, found, tree, n_nodes, going_on,
                scratch,
            )  # fmt: skip
            *following, parents, labels = (one[:n_on] for one in going_on)
            codes[:n_on] = codes[parents]
            for one, its in zip(on, (*following, labels), strict=True):
                one[:n_on] = its
        return n_on, n_nodes

    @staticmethod
    def labels(code):
        labels, code = [], int(code)
        while code:
            code, label = divmod(code, 4)
            labels.append(label - 1)
        return tuple(reversed(labels))


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("width", [1, 2, 3, 5, 40])
def test_a_beam_is_that_of_the_definition_among_equals_too(width, penalty):
    n_rows = 40
    most, decoder = np.arange(n_rows) % 5 + 1, TableDecoder()
    beam = Beam(decoder, None, NO_SOURCE, np.zeros((n_rows, 1)), None, width, penalty)
    beam.write(most)
    n_cut = 0
    for row, of_row in enumerate(beam.ranked(width)):
        found = reference.beam_search(partial(decoder.raw_of, row), width, most[row], penalty)
        assert of_row == reference.ranked(found, penalty)
        assert beam.ranked(2)[row] == of_row[:2]
        n_cut += sum(not one.has_ended for one in of_row)
    assert n_cut > 10


def test_early_ends_do_not_keep_out_what_is_more_probable():
    """All labels but one are equally improbable, as after label smoothing, the end among them."""
    decoder = TableDecoder()
    decoder.raw_of = lambda row, labels: np.where(
        np.arange(4) == (0 if len(labels) < 9 else 3), 3.0, 0.0
    )
    for width in (1, 2, 3, 5):
        beam = Beam(decoder, None, NO_SOURCE, np.zeros((1, 1)), None, width, 1.0)
        beam.write(np.array([30]))
        assert beam.ranked(1)[0][0].labels == (0,) * 9


def test_greedy_asks_once_for_each_label_and_end():
    decoder = TableDecoder()
    beam = Beam(decoder, None, NO_SOURCE, np.zeros((40, 1)), None, 1, 1.0)
    beam.write(np.full(40, 7))
    assert decoder.n_asked == sum(len(one.labels) + one.has_ended for (one,) in beam.ranked(1))


def test_a_row_that_has_its_transcripts_is_left_alone():
    """Of two hypotheses one ends at each step, so after two steps there is nothing to look for."""
    decoder = TableDecoder()
    decoder.raw_of = lambda row, labels: np.array([0.0, -50.0, -50.0, 0.0])
    beam = Beam(decoder, None, NO_SOURCE, np.zeros((1, 1)), None, 2, 1.0)
    beam.write(np.array([50]))
    assert [one.labels for one in beam.ranked(2)[0]] == [(), (0,)]
    assert decoder.n_asked == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 3])
def test_a_beam_of_a_network_is_that_of_the_definition(width, dtype):
    problem = Problem("attention", dtype=dtype)
    problem.theta *= 2.0

    def raw_of(row, labels):
        problem.labels[row] = np.array(labels, int)
        examples = problem.examples_of("attention", [row])
        return problem.network.raw_of(problem.theta, examples)[-1].astype(float)

    for row, of_row in enumerate(beams(problem, width)):
        found = reference.beam_search(partial(raw_of, row), width, 6, 1.0)
        labels, scores, has_ended = zip(*reference.ranked(found, 1.0), strict=True)
        assert tuple(one.labels for one in of_row) == labels
        assert tuple(one.has_ended for one in of_row) == has_ended
        rtol = 1e-6 if dtype == np.float32 else 1e-12
        assert_allclose([one.log_probability for one in of_row], scores, rtol=rtol)


@pytest.mark.parametrize("cell", CELLS)
def test_values_stand_for_states(cell, monkeypatch):
    """A wide beam reads what states add to gates and raw predictions; else it reads contexts."""
    problem = Problem("attention", cell)
    problem.theta *= 2.0
    of_values = beams(problem, 4)
    monkeypatch.setattr(search, "_MANY", 5)
    of_contexts = beams(problem, 4)
    assert of_contexts != of_values  # in the last digits
    for one, other in zip(of_values, of_contexts, strict=True):
        assert [x.labels for x in one] == [x.labels for x in other]
        scores = [x.log_probability for x in other]
        assert_allclose([x.log_probability for x in one], scores, rtol=1e-12)


def test_a_row_is_written_alike_whatever_stands_beside_it():
    problem = Problem("attention", dtype=np.float32)
    problem.theta *= 2.0
    every = beams(problem, 3)
    for row in range(len(LENGTHS)):
        alone = Problem("attention", dtype=np.float32)
        alone.theta, alone.examples = problem.theta, problem.examples_of("attention", [row])
        assert beams(alone, 3)[0] == every[row]


def test_long_transcripts_are_written_by_several_calls_of_the_kernel():
    """The end is never likely; more labels than one call writes."""
    problem = Problem("attention")
    problem.network.views(problem.theta)["b_out"][-1] = -50.0
    for of_row in beams(problem, 2, most=2 * search._STEPS + 3):
        assert [len(one.labels) for one in of_row] == [2 * search._STEPS + 3] * 2
    row = beams(problem, 2, most=search._STEPS + 1)[0][0]
    expected = log_probability(problem, 0, row.labels, False)
    assert row.log_probability == pytest.approx(expected, rel=1e-9)


def test_a_wide_beam_finds_the_best_of_all_transcripts():
    """With as many hypotheses as there are beginnings nothing is left out."""
    from itertools import product

    problem = Problem("attention")
    problem.theta *= 2.0
    every = [x for n in range(3) for x in product(range(N_LABELS), repeat=n)]
    for row, of_row in enumerate(beams(problem, 200, most=2, penalty=0.0)):
        ended = [one for one in of_row if one.has_ended]
        best = max(every[: 1 + N_LABELS], key=lambda x: log_probability(problem, row, x, True))
        assert ended[0].labels == best


def test_greedy_takes_the_likeliest_label_each_time():
    problem = Problem("attention")
    problem.theta *= 2.0
    for row, (one,) in enumerate(beams(problem, 1)):
        written_so_far = []
        for label in [*one.labels, N_LABELS][: len(one.labels) + one.has_ended]:
            problem.labels[row] = np.array(written_so_far, int)
            raw = problem.network.raw_of(problem.theta, problem.examples_of("attention", [row]))
            assert raw[-1].argmax() == label
            written_so_far.append(label)


def test_smoothed_labels(rng):
    """Against the cross-entropy with the smoothed probabilities, and its differences."""
    loss, raw = losses.Softmax(4, 0.2), rng.normal(size=(3, 4))
    targets, shares = np.array([[0.0], [3.0], [1.0]]), np.array([0.5, 0.2, 0.3])

    def value(raw):
        logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
        wanted = 0.8 * np.eye(4)[targets[:, 0].astype(int)] + 0.05
        return float(shares @ -(wanted * logs).sum(axis=1))

    slope = raw.copy()
    assert loss.gradient(slope, targets, shares) == pytest.approx(value(raw), rel=1e-12)
    for place in np.ndindex(raw.shape):
        step = np.zeros_like(raw)
        step[place] = 1e-6
        expected = (value(raw + step) - value(raw - step)) / 2e-6
        assert slope[place] == pytest.approx(expected, rel=1e-6, abs=1e-9)
