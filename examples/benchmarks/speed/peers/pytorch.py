"""PyTorch: steps and predictions, eager or compiled; a module that skorch can train."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from speed.cases import Case, inputs, lengths, tokens


class Attention(nn.Module):
    """Additive attention with one learnt query: the mean over all steps, each by its share."""

    def __init__(self, hidden):
        super().__init__()
        self.key, self.query = nn.Linear(hidden, hidden), nn.Linear(hidden, 1, bias=False)

    def forward(self, states):
        shares = torch.softmax(self.query(torch.tanh(self.key(states)))[..., 0], dim=1)
        return torch.bmm(shares[:, None], states)[:, 0]


class Net(nn.Module):
    """A recurrent layer and a linear layer on the state after each sequence's last step, on those
    of all steps, or on the states of dense sequences pooled by attention.

    `lengths` (batch,) on the CPU; packed input has to be sorted, longest first.
    """

    def __init__(
        self, cell, n_features, hidden, n_outputs=1, packed=False, per_step=False, pooling="last"
    ):
        super().__init__()
        self.packed, self.per_step = packed, per_step
        self.attention = Attention(hidden) if pooling == "attention" else None
        layer = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.recurrent = layer(n_features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, n_outputs)

    def forward(self, X, lengths=None):
        if self.attention is not None:
            return self.head(self.attention(self.recurrent(X)[0]))
        if self.per_step:
            return self.head(self.recurrent(X)[0])
        if lengths is None:
            return self.head(self.recurrent(X)[0][:, -1])
        if not self.packed:
            states = self.recurrent(X)[0]
            return self.head(states[torch.arange(len(X)), lengths - 1])
        packed = pack_padded_sequence(X, lengths, batch_first=True, enforce_sorted=True)
        state = self.recurrent(packed)[1]
        return self.head((state[0] if isinstance(state, tuple) else state)[-1])


class TokenNet(nn.Module):
    """A net on vectors that are learnt for tokens; gradients of all of them, or sparse ones."""

    def __init__(self, n_tokens, net, n_features, sparse):
        super().__init__()
        self.embedding, self.net = nn.Embedding(n_tokens, n_features, sparse=sparse), net

    def forward(self, X, lengths=None):
        return self.net(self.embedding(X), lengths)


def _optimizers(net, rate, adam, sparse):
    """One for all parameters, or another for those with sparse gradients."""
    if not sparse:
        return [torch.optim.Adam(net.parameters(), rate, **{adam: True})]
    dense = torch.optim.Adam(net.net.parameters(), rate, **{adam: True})
    return [dense, torch.optim.SparseAdam(net.embedding.parameters(), rate)]


def _prepare(case, threads, packed, sparse=False):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    X, y = map(torch.from_numpy, inputs(case))
    steps = torch.from_numpy(lengths(case)) if case.ragged else None
    net = Net(
        case.cell, case.n_features, case.hidden, packed=packed, per_step=case.per_step,
        pooling=case.pooling,
    )  # fmt: skip
    if case.n_tokens:
        net = TokenNet(case.n_tokens, net, case.n_features, sparse)
        X = torch.from_numpy(tokens(case))
    return net, X, y, steps


def step(
    case, threads, adam="fused", packed=True, compiled=False, factor=None, flush=False, sparse=False
):
    """A step with Adam's fused or foreach form; only the batch's memory format is set up before.

    With a `factor` gradients vanish, as in ``ours.vanishing_step``; `flush` takes denormal numbers
    for zero.
    """
    torch.set_flush_denormal(flush)
    net, X, y, steps = _prepare(Case(*case), threads, packed, sparse)
    if factor is not None:
        weights = net.recurrent.weight_hh_l0
        for block in weights.data.chunk(len(weights) // weights.shape[1]):
            nn.init.orthogonal_(block).mul_(factor)
    rate = 1e-3 if factor is None else 0.0
    optimizers = _optimizers(net, rate, adam, sparse)

    def loss():
        return 0.5 * nn.functional.mse_loss(net(X, steps), y)

    loss = _compile(loss) if compiled else loss

    def run():
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss().backward()
        for optimizer in optimizers:
            optimizer.step()

    return run


def _compile(function):
    """Compiled, the recurrent layer too: without `allow_rnn` it would stay eager.

    oneDNN's LSTM is off, for the compiler fails at it.
    """
    torch._dynamo.config.allow_rnn = True
    torch.backends.mkldnn.set_flags(False)
    return torch.compile(function)


def predict(case, threads, packed=True):
    net, X, _, steps = _prepare(Case(*case), threads, packed)
    net.eval()

    def run():
        with torch.inference_mode():
            return net(X, steps)

    return run


def product(size, threads):
    torch.set_num_threads(threads)
    a, b = torch.randn(2, size, size)
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out)
