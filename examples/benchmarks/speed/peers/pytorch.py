"""PyTorch: steps and predictions, eager or compiled; a module that skorch can train."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from speed.cases import Case, inputs, lengths


class Net(nn.Module):
    """A recurrent layer and a linear layer on the state after each sequence's last step, or on
    those of all steps.

    `lengths` (batch,) on the CPU; packed input has to be sorted, longest first.
    """

    def __init__(self, cell, n_features, hidden, n_outputs=1, packed=False, per_step=False):
        super().__init__()
        self.packed, self.per_step = packed, per_step
        layer = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.recurrent = layer(n_features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, n_outputs)

    def forward(self, X, lengths=None):
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


def _prepare(case, threads, packed):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    X, y = map(torch.from_numpy, inputs(case))
    steps = torch.from_numpy(lengths(case)) if case.ragged else None
    net = Net(case.cell, case.n_features, case.hidden, packed=packed, per_step=case.per_step)
    return net, X, y, steps


def step(case, threads, adam="fused", packed=True, compiled=False, factor=None, flush=False):
    """A step with Adam's fused or foreach form; only the batch's memory format is set up before.

    With a `factor` gradients vanish, as in ``ours.vanishing_step``; `flush` takes denormal numbers
    for zero.
    """
    torch.set_flush_denormal(flush)
    net, X, y, steps = _prepare(Case(*case), threads, packed)
    if factor is not None:
        weights = net.recurrent.weight_hh_l0
        for block in weights.data.chunk(len(weights) // weights.shape[1]):
            nn.init.orthogonal_(block).mul_(factor)
    rate = 1e-3 if factor is None else 0.0
    optimizer = torch.optim.Adam(net.parameters(), rate, **{adam: True})

    def loss():
        return 0.5 * nn.functional.mse_loss(net(X, steps), y)

    loss = _compile(loss) if compiled else loss

    def run():
        optimizer.zero_grad()
        loss().backward()
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
