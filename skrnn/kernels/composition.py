"""The whole network for a shard of rows, forward and all the way back (equations 37 to 50).

Plain Python over kernels, the long ones of which run without the GIL. As one compiled function the
network took three times as long to compile: numba optimises what a function calls once more in each
of its callers.
"""

from typing import NamedTuple

import numpy as np

from skrnn.kernels import losses, output, packing, pooling
from skrnn.kernels.packing import SequenceData  # noqa: F401, a part of this module's signatures


class Architecture(NamedTuple):
    """What is fixed for a network.

    layers: of each layer a tuple of its directions' Layer. head: where the output layer's
    parameters begin. quantiles (Q,): one for other losses.
    """

    layers: tuple
    head: int
    n_outputs: int
    pooling: int
    loss: int
    quantiles: np.ndarray

    @property
    def n_pooled(self):
        return sum(layer.n_hidden for layer in self.layers[-1])


class Labels(NamedTuple):
    """targets (n, K), or (n, 1) class indices; weights (n,); offsets (n, K) of the predictions."""

    targets: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray


class Packing(NamedTuple):
    """Sorted rows as packed steps: rows (B,), start (T + 1,), lengths (B,), places (S,): mirror."""

    rows: np.ndarray
    start: np.ndarray
    lengths: np.ndarray
    places: np.ndarray | None


class Packed(NamedTuple):
    """Parameters as products want them: Weights of the layers, and V (P, K) and bias (K,)."""

    layers: list
    V: np.ndarray
    bias: np.ndarray


def pack_weights(net, theta, both_ways):
    """Parameters for one or both ways."""
    layers = [
        [one.pack(theta, both_ways, wants_input=i > 0) for one in layer]
        for i, layer in enumerate(net.layers)
    ]
    V, bias = head(net, theta)
    return Packed(layers, V.copy(), bias.copy())  # theta may be read-only: one type for kernels


def head(net, vector):
    """Views of the output layer's V (P, K) and bias (K,)."""
    end = net.head + net.n_pooled * net.n_outputs
    return vector[net.head : end].reshape(-1, net.n_outputs), vector[end : end + net.n_outputs]


# Forward


def _pack_rows(net, offsets, rows):
    """Packing of some rows, sorted already."""
    lengths = offsets[rows + 1] - offsets[rows]
    start = packing.step_starts(lengths)
    both = len(net.layers[0]) == 2
    return Packing(rows, start, lengths, packing.mirror(start, lengths) if both else None)


def _run_layers(net, packed, x, packing_, masks, keep, work):
    """All layers over packed x (S, F): the last one's outputs (S, D * H), and all histories."""
    histories, first_mask = [], 0
    for layer, weights in zip(net.layers, packed.layers, strict=True):
        if histories and masks is not None:
            x = x.copy()  # what the layer below keeps for its way back is not dropped
            packing.mask_steps(x, packing_.start, masks, first_mask)
            first_mask += x.shape[1]
        inputs = (x, x[packing_.places]) if len(layer) == 2 else (x,)
        histories.append(
            [
                one.forward(w, x_one, packing_.start, keep, work)
                for one, w, x_one in zip(layer, weights, inputs, strict=True)
            ]
        )
        outputs = [history.h[: len(x)] for history in histories[-1]]
        x = outputs[0] if len(layer) == 1 else np.hstack([outputs[0], outputs[1][packing_.places]])
    return x, histories


def _pooled(net, out, packing_):
    """Pooled outputs (B, D * H)."""
    pooled = np.empty((len(packing_.rows), out.shape[1]), out.dtype)
    n_hidden = net.layers[-1][0].n_hidden
    pooling.forward(net.pooling, out, packing_.start, packing_.lengths, n_hidden, pooled)
    return pooled


def affine(packed, pooled):
    """Raw predictions (n, K) of pooled states (n, P)."""
    raw = np.empty((len(pooled), len(packed.bias)), pooled.dtype)
    output.forward(packed.V, packed.bias, pooled, raw)
    return raw


def encode(net, packed, data, rows, tile_rows, work, pooled):
    """Pooled hidden states of some rows, longest sequence first: ``pooled[rows]`` (n, P)."""
    for first in range(0, len(rows), tile_rows):
        packing_ = _pack_rows(net, data.offsets, rows[first : first + tile_rows])
        x = packing.gather(data, packing_.rows, packing_.start)
        out, _ = _run_layers(net, packed, x, packing_, None, False, work)
        pooled[packing_.rows] = _pooled(net, out, packing_)


# Forward and back


def loss_gradient(net, packed, data, labels, rows, masks, weight_sum, tile_rows, work, gradient):
    """Loss of a shard of rows and, in `gradient`, what it adds to the minibatch's gradient.

    packed: what :func:`pack_weights` made of the parameters; data: SequenceData; labels: Labels,
    of all data; rows (B,) of the data, longest sequence first; masks (B, sum of D * H), dropout
    factors, or None. The shard is worked through in tiles of `tile_rows` rows.
    """
    gradient[:] = 0
    d_matrices = [[one.new_gradient(gradient.dtype) for one in layer] for layer in net.layers]
    loss = 0.0
    for first in range(0, len(rows), tile_rows):
        tile = slice(first, first + tile_rows)
        loss += _tile_loss_gradient(
            net, packed, data, labels, rows[tile], None if masks is None else masks[tile],
            weight_sum, work, d_matrices, *head(net, gradient),
        )  # fmt: skip
    for layer, d_layer in zip(net.layers, d_matrices, strict=True):
        for one, d_matrix in zip(layer, d_layer, strict=True):
            one.add_step_matrix(d_matrix, gradient)
    return loss


def _tile_loss_gradient(
    net, packed, data, labels, rows, masks, weight_sum, work, d_matrices, d_V, d_bias
):
    """Loss of a tile of sorted rows; its gradient is added to d_matrices, d_V and d_bias."""
    packing_ = _pack_rows(net, data.offsets, rows)
    x = packing.gather(data, rows, packing_.start)
    out, histories = _run_layers(net, packed, x, packing_, masks, True, work)
    pooled = _pooled(net, out, packing_)
    if masks is not None:
        pooled *= masks[:, -net.n_pooled :]
    raw = affine(packed, pooled)
    raw += labels.offsets[rows]
    loss = losses.loss_gradient(
        net.loss, net.quantiles, raw, labels.targets, labels.weights, rows, weight_sum
    )
    output.backward(packed.V, pooled, raw, d_V, d_bias)
    d_pooled = pooled
    if masks is not None:
        d_pooled *= masks[:, -net.n_pooled :]
    d_out = work.array("d_out", *out.shape)
    n_hidden = net.layers[-1][0].n_hidden
    pooling.backward(net.pooling, out, packing_.start, packing_.lengths, n_hidden, d_pooled, d_out)
    _layers_backward(net, packed, histories, packing_, masks, d_out, work, d_matrices)
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
