"""PyTorch with a training loop by hand, as its tutorials have it."""

import torch
from torch import nn

from speed.peers.pytorch import Net
from speed.vowels import N_CLASSES, N_COEFFICIENTS, padded, train_until


def train_epoch(net, optimizer, criterion, batch, y, *inputs):
    """One epoch over tensors in random order; packed batches are sorted, longest first."""
    for rows in torch.randperm(len(y)).split(batch):
        if net.packed:
            rows = rows[inputs[1][rows].argsort(descending=True)]
        optimizer.zero_grad()
        criterion(net(*(part[rows] for part in inputs)), y[rows]).backward()
        optimizer.step()


def vowels(seed, packed, threads=1):
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    net = Net("gru", N_COEFFICIENTS, 64, N_CLASSES, packed)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3, fused=True)
    criterion = nn.CrossEntropyLoss()

    def learn(X, lengths, y):
        X, lengths, y = map(torch.from_numpy, (X, lengths, y))
        train_epoch(net, optimizer, criterion, 32, y, X, lengths)

    def score(X, lengths, y):
        X, lengths, y = map(torch.from_numpy, (X, lengths, y))
        order = lengths.argsort(descending=True)
        with torch.inference_mode():
            found = net(X[order], lengths[order]).argmax(dim=1)
        return (found == y[order]).float().mean()

    return train_until(learn, score, padded)
