"""PyTorch: an encoder and a decoder with attention, what they write, and CTC."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from speed.cases import CTCCase, TranscriptCase, of_ctc, transcripts, words


class Translator(nn.Module):
    """A bidirectional GRU reads, and a GRU cell with additive attention writes.

    The last label is the end, and stands before the first one.
    """

    def __init__(self, case):
        super().__init__()
        n_states, hidden = 2 * case.hidden, case.hidden
        self.tokens = nn.Embedding(case.n_labels, case.n_embedded)
        self.encoder = nn.GRU(case.n_embedded, hidden, batch_first=True, bidirectional=True)
        self.begin, self.key = nn.Linear(n_states, hidden), nn.Linear(n_states, hidden)
        self.query, self.v = nn.Linear(hidden, hidden, False), nn.Linear(hidden, 1, False)
        self.labels = nn.Embedding(case.n_labels, case.n_embedded)
        self.cell = nn.GRUCell(case.n_embedded + n_states, hidden)
        self.head = nn.Linear(hidden + n_states, case.n_labels)

    def read(self, X, lengths=None):
        """What is read at each label, states of all steps, keys and a mask, and the state to begin
        with.
        """
        x, mask = self.tokens(X), None
        if lengths is None:
            states, _ = self.encoder(x)
            mean = states.mean(1)
        else:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states, _ = pad_packed_sequence(self.encoder(packed)[0], batch_first=True)
            mean = states.sum(1) / lengths[:, None]
            mask = (torch.arange(X.shape[1]) >= lengths[:, None])[:, :, None]
        return (states, self.key(states), mask), self.begin(mean)

    def advance(self, source, h, y):
        """State and context of the next label; y is the vector of the one before."""
        states, keys, mask = source
        scores = self.v(torch.tanh(keys + self.query(h)[:, None]))
        scores = scores if mask is None else scores.masked_fill(mask, -torch.inf)
        context = torch.bmm(torch.softmax(scores, 1).transpose(1, 2), states)[:, 0]
        return self.cell(torch.cat([y, context], 1), h), context

    def likely(self, source, h, label):
        """The state behind a label, and logarithms of the probabilities of what may follow."""
        h, context = self.advance(source, h, self.labels(label))
        return h, torch.log_softmax(self.head(torch.cat([h, context], 1)), 1)

    def forward(self, X, before):
        """Raw predictions (batch, n_target, n_labels); the output layer once for all labels."""
        source, h = self.read(X)
        y, found = self.labels(before), []
        for t in range(before.shape[1]):
            h, context = self.advance(source, h, y[:, t])
            found.append(torch.cat([h, context], 1))
        return self.head(torch.stack(found, 1))


def _prepare(case, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return Translator(case)


def step(case, threads, adam="fused"):
    """Forward, backward, Adam."""
    case = TranscriptCase(*case)
    net = _prepare(case, threads)
    X, before, labels = map(torch.from_numpy, transcripts(case))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, **{adam: True})

    def run():
        optimizer.zero_grad()
        functional.cross_entropy(net(X, before).flatten(0, 1), labels.flatten()).backward()
        optimizer.step()

    return run


def write(case, threads, width, drops):
    """Transcripts of all words at once, by a beam; each has as many labels as it is told.

    With `drops` those that have ended leave the batch as soon as they are a quarter of it.
    """
    case = TranscriptCase(*case)
    net = _prepare(case, threads)
    tokens, n_labels = words(case)
    lengths, n_labels = torch.tensor([len(one) for one in tokens]), torch.from_numpy(n_labels)
    X = pad_sequence([torch.from_numpy(one) for one in tokens], batch_first=True)
    net.eval()
    with torch.no_grad():
        net.head.bias[-1] = -1e4  # the end is never likely

    def run():
        with torch.inference_mode():
            source, h = net.read(X, lengths)
            return _write(net, source, h, n_labels, width, drops)

    return run


def _write(net, source, h, n_labels, width, drops):
    """Labels (batch * width, longest) and logarithms of their probabilities, side by side."""
    n, end = len(h), net.head.out_features - 1
    written = torch.full((n * width, int(n_labels.max())), end)
    scores = torch.full((n, width), -torch.inf)
    scores[:, 0] = 0.0  # at first all hypotheses of a word are the same, so one counts
    source = [one.repeat_interleave(width, 0) for one in source] if width > 1 else source
    h, label, rows = h.repeat_interleave(width, 0), torch.full((n * width,), end), torch.arange(n)
    for t in range(written.shape[1]):
        h, logs = net.likely(source, h, label)
        of_rows = scores[rows]
        every = (of_rows[:, :, None] + logs.view(len(rows), width, -1)).flatten(1)
        is_on = n_labels[rows] > t
        best, place = every.topk(width, 1) if width > 1 else every.max(1, keepdim=True)
        scores[rows[is_on]] = best[is_on]
        if width > 1:
            parents = (place // (end + 1) + torch.arange(len(rows))[:, None] * width).flatten()
            h = h[parents]
            lines = (rows[:, None] * width + torch.arange(width)).flatten()
            written[lines] = written[lines[parents]]
        else:
            lines = rows
        label = (place % (end + 1)).flatten()
        is_on = is_on.repeat_interleave(width)
        written[lines[is_on], t] = label[is_on]
        goes_on = n_labels[rows] > t + 1
        if drops and goes_on.sum() < 0.75 * len(rows):
            rows, kept = rows[goes_on], goes_on.repeat_interleave(width)
            source, h, label = [one[kept] for one in source], h[kept], label[kept]
    return written, scores


def ctc(case, threads):
    """Loss of a minibatch and its gradient, of raw predictions."""
    case = CTCCase(*case)
    torch.set_num_threads(threads)
    raw, labels = map(torch.from_numpy, of_ctc(case))
    raw = raw.transpose(0, 1).contiguous().requires_grad_()
    n_steps = torch.full((case.batch,), case.n_steps)
    n_labels = torch.full((case.batch,), case.n_target)

    def run():
        raw.grad = None
        logs = torch.log_softmax(raw, 2)
        functional.ctc_loss(logs, labels, n_steps, n_labels, blank=case.n_labels).backward()
        return raw.grad

    return run
