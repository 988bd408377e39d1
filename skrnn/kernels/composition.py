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
    if lengths[0] == lengths[-1]:
        return _pack_equal_rows(len(lengths), int(lengths[0]), with_mirror)
    return _new_packing(lengths, with_mirror)


@lru_cache(maxsize=64)
def _pack_equal_rows(n_rows, n_steps, with_mirror):
    return _new_packing(np.full(n_rows, n_steps), with_mirror)


def _new_packing(lengths, with_mirror):
    start = packing.step_starts(lengths)
    return Packing(start, lengths, packing.mirror(start, lengths) if with_mirror else None)


# Forward


def _run_layers(net, packed, x, packing_, masks, keep, work):
    """All layers over packed x (S, F): each direction's outputs of the last one, all histories."""
    outputs, histories, first_mask = [x], [], 0
    for layer, weights in zip(net.layers, packed.layers, strict=True):
        x = _join(outputs, packing_)
        if histories and masks is not None:
            packing.mask_steps(x, packing_.start, masks, first_mask)
            first_mask += x.shape[1]
        inputs = (x, x[packing_.places]) if len(layer) == 2 else (x,)
        last_only = net.pooling == pooling.LAST and layer is net.layers[-1]
        runs = [
            one.forward(w, x_one, packing_.start, keep, last_only, work)
            for one, w, x_one in zip(layer, weights, inputs, strict=True)
        ]
        outputs, history = zip(*runs, strict=True)
        histories.append(history)
    return outputs, histories


def _join(outputs, packing_):
    """Outputs of a layer's directions (S, H) side by side (S, D * H), at their own time steps."""
    if len(outputs) == 1:
        return outputs[0]
    return np.hstack([outputs[0], outputs[1][packing_.places]])


def _pool(net, outputs, packing_):
    """Pooled outputs (B, P), and what they were pooled from: final states (B, P), or all (S, P)."""
    if net.pooling == pooling.LAST:  # that is all there is
        out = outputs[0] if len(outputs) == 1 else np.hstack(outputs)
        return out, out
    out = _join(outputs, packing_)
    pooled = np.empty((len(packing_.lengths), out.shape[1]), out.dtype)
    pooling.forward(net.pooling, out, packing_.start, packing_.lengths, pooled)
    return pooled, out


def affine(packed, pooled):
    """Raw predictions (n, K) of pooled states (n, P)."""
    raw = np.empty((len(pooled), len(packed.bias)), pooled.dtype)
    output.forward(packed.V, packed.bias, pooled, raw)
    return raw


def encode(net, packed, data, rows, packing_, work):
    """Pooled hidden states (B, P) of some rows of the data, the longest sequence first."""
    x = packing.gather(data, rows, packing_.start)
    outputs, _ = _run_layers(net, packed, x, packing_, None, False, work)
    return _pool(net, outputs, packing_)[0]


# Forward and back


def loss_gradient(net, packed, data, labels, rows, packing_, work, gradients):
    """Loss of some rows of the data, the longest sequence first; its gradient is added up.

    packed, gradients: Parameters and Gradients of :mod:`skrnn.kernels.weights`; labels: Labels of
    the rows; work: Workspace.
    """
    masks = labels.masks
    x = packing.gather(data, rows, packing_.start)
    outputs, histories = _run_layers(net, packed, x, packing_, masks, True, work)
    pooled, out = _pool(net, outputs, packing_)
    if masks is not None:
        pooled *= masks[:, -net.n_pooled :]
    raw = affine(packed, pooled)
    raw += labels.offsets
    loss = losses.loss_gradient(net.loss, net.quantiles, raw, labels.targets, labels.shares)
    output.backward(packed.V, pooled, raw, gradients.V, gradients.bias)
    d_pooled = pooled
    if masks is not None:
        d_pooled *= masks[:, -net.n_pooled :]
    d_h = _unpool(net, out, packing_, d_pooled, work)
    _layers_backward(net, packed, histories, packing_, masks, d_h, work, gradients.layers)
    return loss


def _unpool(net, out, packing_, d_pooled, work):
    """Gradients (S, H) of the last layer's outputs in each direction, of those of pooled ones."""
    start, lengths, _ = packing_
    n_packed, n_hidden = start[-1], net.layers[-1][0].n_hidden
    if net.pooling != pooling.LAST:
        d_out = work.array("d_out", n_packed, net.n_pooled)
        pooling.backward(net.pooling, out, start, lengths, d_pooled, d_out)
        return _split(d_out, packing_)
    d_h = []
    for first in range(0, net.n_pooled, n_hidden):
        d_h.append(work.array(("d_h", first), n_packed, n_hidden))
        pooling.backward_last(start, lengths, d_pooled[:, first : first + n_hidden], d_h[-1])
    return d_h


def _split(d_out, packing_):
    """The way back of _join."""
    if packing_.places is None:
        return [d_out]
    d_ahead, d_reverse = np.hsplit(d_out, 2)
    return [np.ascontiguousarray(d_ahead), d_reverse[packing_.places]]


def _layers_backward(net, packed, histories, packing_, masks, d_h, work, d_matrices):
    """Add the gradients of all layers' step matrices, for d_h (S, H) of the last outputs."""
    first_mask = 0 if masks is None else masks.shape[1] - net.n_pooled
    for i in range(len(net.layers) - 1, -1, -1):
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
            d_h = _split(d_out, packing_)
