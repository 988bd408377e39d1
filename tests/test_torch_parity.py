"""Outputs, gradients and solver steps agree with PyTorch's in float64.

PyTorch is an independent implementation of the same equations: nn.RNN, nn.LSTM and nn.GRU on packed
sequences, with gradients by autograd. ``tests/reference.py`` is held against it too.
"""

import building
import numpy as np
import pytest
import reference
from building import joined

from skrnn.learning.optimizers import SGD, Adam

torch = pytest.importorskip("torch", reason="parity is measured against PyTorch")

N_FEATURES, N_HIDDEN, N_OUTPUTS = 3, 5, 2
LENGTHS = {"ragged": [4, 9, 1, 6, 9, 2, 7], "dense": [8] * 7}
CELLS = [("rnn", "tanh"), ("rnn", "relu"), ("lstm", "tanh"), ("gru", "tanh")]

architectures = [
    pytest.param(*cell, n_layers, bidirectional, pooling, id="-".join(name))
    for cell in CELLS
    for n_layers in (1, 2)
    for bidirectional in (False, True)
    for pooling in ("last", "mean", "max", "attention", "steps")
    for name in [
        (*cell, f"{n_layers}layers", "bi" if bidirectional else "uni", pooling),
    ]
]
forms = pytest.mark.parametrize("form", LENGTHS)
every_architecture = pytest.mark.parametrize(
    ("cell", "activation", "n_layers", "bidirectional", "pooling"), architectures
)


class TorchNetwork(torch.nn.Module):
    """PyTorch's recurrent module, a pooling and a linear head, in float64."""

    def __init__(self, cell, activation, n_layers, bidirectional, pooling):
        super().__init__()
        self.cell, self.n_layers, self.pooling = cell, n_layers, pooling
        self.n_directions = 2 if bidirectional else 1
        options = {"nonlinearity": activation} if cell == "rnn" else {}
        module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
        self.recurrent = module(
            N_FEATURES,
            N_HIDDEN,
            num_layers=n_layers,
            bidirectional=bidirectional,
            batch_first=True,
            dtype=torch.float64,
            **options,
        )
        n_pooled = self.n_directions * N_HIDDEN
        self.keys = torch.nn.Linear(n_pooled, n_pooled, dtype=torch.float64)
        self.query = torch.nn.Linear(n_pooled, 1, bias=False, dtype=torch.float64)
        self.head = torch.nn.Linear(self.n_directions * N_HIDDEN, N_OUTPUTS, dtype=torch.float64)

    def tensors(self, layer, direction):
        suffix = f"l{layer}" + ("_reverse" if direction else "")
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self.recurrent, f"{name}_{suffix}") for name in names]

    @torch.no_grad()
    def load(self, parameters):
        """Copy our named arrays in: transposed, and with one bias (GRU: all but c_n) as bias_ih."""
        for layer in range(self.n_layers):
            for direction in range(self.n_directions):
                W, U, b = (parameters[f"{name}_l{layer}_d{direction}"] for name in "WUb")
                bias_hh = np.zeros(W.shape[1])
                if self.cell == "gru":
                    bias_hh[2 * N_HIDDEN :] = b[:N_HIDDEN]
                    b = b[N_HIDDEN:]
                for tensor, array in zip(
                    self.tensors(layer, direction), (W.T, U.T, b, bias_hh), strict=True
                ):
                    tensor.copy_(torch.from_numpy(np.array(array)))
        self.head.weight.copy_(torch.from_numpy(np.array(parameters["V"].T)))
        self.head.bias.copy_(torch.from_numpy(np.array(parameters["b_out"])))
        for name, tensor in self.of_attention().items():
            tensor.copy_(torch.from_numpy(np.array(parameters[name].T)))

    def of_attention(self):
        if self.pooling != "attention":
            return {}
        return {
            "W_attention": self.keys.weight,
            "b_attention": self.keys.bias,
            "v_attention": self.query.weight,
        }

    def named(self, of):
        """``of(tensor)`` of every parameter, under our names and in our layout."""
        arrays = {}
        for layer in range(self.n_layers):
            for direction in range(self.n_directions):
                weight_ih, weight_hh, bias_ih, bias_hh = (
                    of(tensor).detach().numpy() for tensor in self.tensors(layer, direction)
                )
                tag = f"l{layer}_d{direction}"
                arrays[f"W_{tag}"], arrays[f"U_{tag}"] = weight_ih.T, weight_hh.T
                own = [bias_hh[2 * N_HIDDEN :]] if self.cell == "gru" else []
                arrays[f"b_{tag}"] = np.concatenate([*own, bias_ih])
        arrays["V"] = of(self.head.weight).detach().numpy().T
        arrays["b_out"] = of(self.head.bias).detach().numpy()
        for name, tensor in self.of_attention().items():
            arrays[name] = of(tensor).detach().numpy().T
        return arrays

    def attend(self, y):
        shares = torch.softmax(self.query(torch.tanh(self.keys(y))), dim=0)
        return (shares * y).sum(dim=0)

    def forward(self, sequences):
        tensors = [torch.from_numpy(sequence) for sequence in sequences]
        packed = torch.nn.utils.rnn.pack_sequence(tensors, enforce_sorted=False)
        outputs, state = self.recurrent(packed)
        if self.pooling == "last":
            h_n = state[0] if self.cell == "lstm" else state
            pooled = torch.cat(list(h_n[-self.n_directions :]), dim=1)
        else:
            padded, lengths = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
            steps = [padded[i, : lengths[i]] for i in range(len(lengths))]
            if self.pooling == "steps":
                pooled = torch.cat(steps)
            elif self.pooling == "mean":
                pooled = torch.stack([y.mean(dim=0) for y in steps])
            elif self.pooling == "attention":
                pooled = torch.stack([self.attend(y) for y in steps])
            else:
                pooled = torch.stack([y.max(dim=0).values for y in steps])
        return self.head(pooled)


def torch_objective(raw, targets, weights):
    errors = (raw - torch.from_numpy(targets)) ** 2 / 2
    w = torch.from_numpy(weights)
    return (w * errors.mean(dim=1)).sum() / w.sum()


def make_problem(cell, n_layers, bidirectional, form, pooling="last", seed=0):
    """Named parameters, sequences, targets and weights, all random and unequal."""
    rng = np.random.default_rng(seed)
    sequences = reference.random_sequences(rng, LENGTHS[form], N_FEATURES)
    parameters = reference.random_parameters(
        rng, cell, (N_HIDDEN,) * n_layers, N_FEATURES, N_OUTPUTS, bidirectional, pooling=pooling
    )
    n_answers = sum(LENGTHS[form]) if pooling == "steps" else len(sequences)
    targets = rng.standard_normal((n_answers, N_OUTPUTS))
    weights = rng.uniform(0.2, 3.0, size=n_answers)
    return parameters, sequences, targets, weights


def make_network(cell, activation, n_layers, bidirectional, pooling):
    return building.network(
        cell,
        (N_HIDDEN,) * n_layers,
        N_FEATURES,
        N_OUTPUTS,
        bidirectional=bidirectional,
        pooling=pooling,
        activation=activation,
    )


def flatten(network, parameters):
    theta = np.full(network.n_parameters, np.nan)
    for name, view in network.views(theta).items():
        view[...] = parameters[name]
    assert np.isfinite(theta).all()
    return theta


def loss_gradient(network, theta, data, targets, weights):
    loss = building.loss("squared_error")
    return building.loss_gradient(network, loss, theta, data, targets, weights)


def assert_close(actual, desired, tolerance=1e-10):
    """Relative to the largest number of the block."""
    difference = np.max(np.abs(np.asarray(actual) - desired))
    assert difference <= tolerance * np.max(np.abs(desired))


@forms
@every_architecture
def test_reference_outputs(cell, activation, n_layers, bidirectional, pooling, form):
    parameters, sequences, _, _ = make_problem(cell, n_layers, bidirectional, form, pooling=pooling)
    module = TorchNetwork(cell, activation, n_layers, bidirectional, pooling)
    module.load(parameters)
    raw = reference.raw_predict(
        sequences,
        parameters,
        cell=cell,
        n_layers=n_layers,
        bidirectional=bidirectional,
        pooling=pooling,
        activation=activation,
    )
    assert_close(raw, module(sequences).detach().numpy(), 1e-13)


@forms
@every_architecture
def test_outputs_and_gradients(cell, activation, n_layers, bidirectional, pooling, form):
    parameters, sequences, targets, weights = make_problem(
        cell, n_layers, bidirectional, form, pooling
    )
    module = TorchNetwork(cell, activation, n_layers, bidirectional, pooling)
    module.load(parameters)
    torch_raw = module(sequences)
    torch_value = torch_objective(torch_raw, targets, weights)
    torch_value.backward()
    torch_gradient = module.named(lambda tensor: tensor.grad)

    network = make_network(cell, activation, n_layers, bidirectional, pooling)
    theta, data = flatten(network, parameters), joined(sequences)
    value, gradient = loss_gradient(network, theta, data, targets, weights)
    views = network.views(gradient)

    assert_close(network.raw_predict(theta, data), torch_raw.detach().numpy())
    assert_close(value, torch_value.item())
    assert sorted(views) == sorted(torch_gradient)
    for name, view in views.items():
        assert_close(view, torch_gradient[name])


@pytest.mark.parametrize("solver", ["adam", "sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_five_steps(cell, solver):
    lr = 0.05
    parameters, sequences, targets, weights = make_problem(cell, 2, True, "ragged")
    module = TorchNetwork(cell, "tanh", 2, True, "last")
    module.load(parameters)
    trained = [module.head.weight, module.head.bias]
    frozen_rows = {}  # of bias_hh, which stands beside bias_ih and would move too
    for layer in range(2):
        for direction in range(2):
            *own, bias_hh = module.tensors(layer, direction)
            trained += own
            if cell == "gru":
                trained.append(bias_hh)
                frozen_rows[bias_hh] = slice(0, 2 * N_HIDDEN)
    network = make_network(cell, "tanh", 2, True, "last")
    theta, data = flatten(network, parameters), joined(sequences)
    if solver == "adam":
        theirs = torch.optim.Adam(trained, lr=lr)
        ours = Adam(theta.size, np.float64)
    else:
        momentum = 0.0 if solver == "sgd" else 0.9
        nesterov = solver == "nesterov"
        theirs = torch.optim.SGD(trained, lr=lr, momentum=momentum, nesterov=nesterov)
        ours = SGD(theta.size, np.float64, momentum=momentum, nesterov=nesterov)

    for _ in range(5):
        theirs.zero_grad()
        torch_objective(module(sequences), targets, weights).backward()
        for tensor, rows in frozen_rows.items():
            tensor.grad[rows] = 0
        theirs.step()
        _, gradient = loss_gradient(network, theta, data, targets, weights)
        ours.update(theta, gradient, lr)

    expected = module.named(lambda tensor: tensor)
    for name, view in network.views(theta).items():
        assert np.max(np.abs(view - parameters[name])) > 1e-4
        assert_close(view, expected[name])


def torch_losses(loss, quantiles):
    functional = torch.nn.functional
    return {
        "squared_error": lambda R, y: functional.mse_loss(R, y) / 2,
        "absolute_error": functional.l1_loss,
        "huber": lambda R, y: functional.huber_loss(R, y, delta=reference.HUBER_DELTA),
        "poisson": lambda R, y: functional.poisson_nll_loss(R, y, log_input=True),
        "logistic": functional.binary_cross_entropy_with_logits,
        "softmax": lambda R, y: functional.cross_entropy(R[None], y.long()),
        "quantile": lambda R, y: torch.stack(
            [
                torch.maximum(kappa * (y[j] - r), (kappa - 1) * (y[j] - r))
                for j, row in enumerate(R.reshape(len(y), -1))
                for kappa, r in zip(quantiles, row, strict=True)
            ]
        ).mean(),
    }[loss]


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_reference_losses(loss):
    rng = np.random.default_rng(3)
    quantiles, n_outputs = (0.1, 0.5, 0.8), 6
    targets = reference.random_targets(rng, loss, 20, n_outputs, quantiles)
    for target in targets:
        raw = 2 * rng.standard_normal(n_outputs)
        tensor = torch.from_numpy(raw).requires_grad_()
        value = torch_losses(loss, quantiles)(tensor, torch.from_numpy(target))
        value.backward()
        assert_close(reference.sample_loss(loss, raw, target, quantiles), value.item(), 1e-13)
        slope = reference.sample_loss_gradient(loss, raw, target, quantiles)
        assert_close(slope, tensor.grad.numpy(), 1e-13)


@pytest.mark.parametrize("solver", ["adam", "sgd", "momentum", "nesterov"])
def test_reference_solvers(solver):
    rng = np.random.default_rng(4)
    theta = rng.standard_normal(7)
    tensor = torch.from_numpy(theta.copy()).requires_grad_()
    options = {"momentum": 0.0 if solver == "sgd" else 0.8, "nesterov": solver == "nesterov"}
    if solver == "adam":
        theirs = torch.optim.Adam([tensor], lr=0.02, betas=(0.8, 0.99), eps=1e-3)
    else:
        theirs = torch.optim.SGD([tensor], lr=0.02, **options)
    state = None
    for _ in range(5):
        gradient = rng.standard_normal(7)
        tensor.grad = torch.from_numpy(gradient.copy())
        theirs.step()
        if solver == "adam":
            theta, state = reference.adam_step(theta, gradient, state, 0.02, 0.8, 0.99, 1e-3)
        else:
            theta, state = reference.sgd_step(theta, gradient, state, 0.02, **options)
    assert_close(theta, tensor.detach().numpy(), 1e-13)


def test_reference_clipping():
    gradient = np.array([3.0, -4.0, 12.0])
    tensor = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    for max_norm in (1.0, 20.0):
        tensor.grad = torch.from_numpy(gradient.copy())
        torch.nn.utils.clip_grad_norm_([tensor], max_norm)
        # PyTorch adds 1e-6 to the norm
        assert_close(reference.clip(gradient, max_norm), tensor.grad.numpy(), 1e-7)


def test_reference_one_cycle():
    n_updates = 1001
    tensor = torch.zeros(1, requires_grad=True)
    theirs = torch.optim.SGD([tensor], lr=0.3)
    # PyTorch ends the rise one update early: at 0.3 * total_steps - 1 of total_steps - 1
    share = 0.3 + 0.7 / n_updates
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        theirs,
        max_lr=0.3,
        total_steps=n_updates,
        pct_start=share,
        cycle_momentum=False,
        final_div_factor=1e4 / 25,
    )
    for update in range(n_updates):
        expected = reference.one_cycle(0.3, update / (n_updates - 1))
        np.testing.assert_allclose(theirs.param_groups[0]["lr"], expected, rtol=1e-9)
        theirs.step()
        if update < n_updates - 1:
            schedule.step()
