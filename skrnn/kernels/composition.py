"""The whole network for a shard of rows, forward and all the way back (equations 37 to 50).

Plain Python over kernels, the long ones of which run without the GIL. As one compiled function the
network took three times as long to compile: numba optimises what a function calls once more in each
of its callers.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skrnn.kernels import losses, output, packing, pooling
from skrnn.kernels.packing import SequenceData  # noqa: F401, a part of this module's signatures


class Architecture(NamedTuple):
    """What is fixed for a network.

    layers: of each layer a tuple of its directions' Layer. quantiles (Q,): one for other losses.
    """

    layers: tuple
    pooling: int
    loss: int
    quantiles: np.ndarray

    @property
    def n_pooled(self):
        return sum(layer.n_hidden for layer in self.layers[-1])


class Labels(NamedTuple):
    """What some rows are to give: targets (B, K), or (B, 1) class indices, and shares (B,).

    offsets (B, K) are added to the raw predictions, masks (B, sum of D * H) are dropout factors, or
    None. A share is a row's weight over that of the minibatch.
    """

    targets: np.ndarray
    shares: np.ndarray
    offsets: np.ndarray
    masks: np.ndarray | None


class Packing(NamedTuple):
    """Sorted rows as packed steps: start (T + 1,), lengths (B,), places (S,): mirror, or None."""

    start: np.ndarray
    lengths: np.ndarray
    places: np.ndarray | None


def pack_rows(lengths, with_mirror):
    """Packing of rows of such lengths, the longest first; with_mirror: for both directions."""
    start = packing.step_starts(lengths)
    return Packing(start, lengths, packing.mirror(start, lengths) if with_mirror else None)


@lru_cache(maxsize=64)
def pack_equal_rows(n_rows, n_steps, with_mirror):
    return pack_rows(np.full(n_rows, n_steps), with_mirror)


# Forward


def _run_layers(net, packed, x, packing_, masks, keep, work):
    """All layers over packed x (S, F): the last one's outputs (S, D * H), and all histories."""
    histories, first_mask = [], 0
    for layer, weights in zip(net.layers, packed.layers, strict=True):
        if histories and masks is not None:
            x = x.copy()  # what the layer below keeps for its way back is not dropped
            packing.mask_steps(x, packing_.start, masks, first_mask)
            first_mask += x.shape[1]
        inputs = (x, x[packing_.places]) if len(layer) == 2 else (x,)
        runs = [
            one.forward(w, x_one, packing_.start, keep, work)
            for one, w, x_one in zip(layer, weights, inputs, strict=True)
        ]
        outputs, history = zip(*runs, strict=True)
        histories.append(history)
        x = outputs[0] if len(layer) == 1 else np.hstack([outputs[0], outputs[1][packing_.places]])
    return x, histories


def _pooled(net, out, packing_):
    """Pooled outputs (B, D * H)."""
    pooled = np.empty((len(packing_.lengths), out.shape[1]), out.dtype)
    n_hidden = net.layers[-1][0].n_hidden
    pooling.forward(net.pooling, out, packing_.start, packing_.lengths, n_hidden, pooled)
    return pooled


def affine(packed, pooled):
    """Raw predictions (n, K) of pooled states (n, P)."""
    raw = np.empty((len(pooled), len(packed.bias)), pooled.dtype)
    output.forward(packed.V, packed.bias, pooled, raw)
    return raw


def encode(net, packed, data, rows, packing_, work):
    """Pooled hidden states (B, P) of some rows of the data, the longest sequence first."""
    x = packing.gather(data, rows, packing_.start)
    out, _ = _run_layers(net, packed, x, packing_, None, False, work)
    return _pooled(net, out, packing_)


# Forward and back


def loss_gradient(net, packed, data, labels, rows, packing_, work, gradients):
    """Loss of some rows of the data, the longest sequence first; its gradient is added up.

    packed, gradients: Parameters and Gradients of :mod:`skrnn.kernels.weights`; labels: Labels of
    the rows; work: Workspace.
    """
    masks = labels.masks
    x = packing.gather(data, rows, packing_.start)
    out, histories = _run_layers(net, packed, x, packing_, masks, True, work)
    pooled = _pooled(net, out, packing_)
    if masks is not None:
        pooled *= masks[:, -net.n_pooled :]
    raw = affine(packed, pooled)
    raw += labels.offsets
    loss = losses.loss_gradient(net.loss, net.quantiles, raw, labels.targets, labels.shares)
    output.backward(packed.V, pooled, raw, gradients.V, gradients.bias)
    d_pooled = pooled
    if masks is not None:
        d_pooled *= masks[:, -net.n_pooled :]
    d_out = work.array("d_out", *out.shape)
    n_hidden = net.layers[-1][0].n_hidden
    pooling.backward(net.pooling, out, packing_.start, packing_.lengths, n_hidden, d_pooled, d_out)
    _layers_backward(net, packed, histories, packing_, masks, d_out, work, gradients.layers)
    return loss


def _layers_backward(net, packed, histories, packing_, masks, d_out, work, d_matrices):
    """Add the gradients of all layers' step matrices, for d_out (S, D * H) of the last outputs."""
    first_mask = 0 if masks is None else masks.shape[1] - d_out.shape[1]
    for i in range(len(net.layers) - 1, -1, -1):
        d_h = [d_out]
        if len(net.layers[i]) == 2:
            halves = np.hsplit(d_out, 2)
            d_h = [np.ascontiguousarray(halves[0]), halves[1][packing_.places]]
        d_x = [
            one.backward(*of_one, packing_.start, d_one, i > 0, d_matrix, work)
            for one, *of_one, d_one, d_matrix in zip(
                net.layers[i], packed.layers[i], histories[i], d_h, d_matrices[i], strict=True
            )
        ]
        if i:
            d_out = d_x[0] if len(d_x) == 1 else d_x[0] + d_x[1][packing_.places]
            if masks is not None:
                first_mask -= d_out.shape[1]
                packing.mask_steps(d_out, packing_.start, masks, first_mask)
