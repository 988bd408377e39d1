"""The whole network for a shard of rows, forward and all the way back (equations 37 to 50).

``loss_gradient``, ``encode`` and ``affine`` are each one call from Python, without the GIL.
"""

from collections import namedtuple

import numpy as np

from skrnn.kernels import losses, pooling, recurrence
from skrnn.kernels.jit import inlined, kernel
from skrnn.kernels.matmul import add_transposed_product, multiply, pack, pack_transposed
from skrnn.kernels.packing import (
    copy,
    gather,
    mirror,
    row_lengths,
    step_starts,
    take_rows,
)

#: What is fixed for a network: hidden (L,), units of the layers; positions (L * D + 1,), where in
#: the flat parameter vector each layer and direction begins, the head last; quantiles (Q,), one for
#: other losses.
Architecture = namedtuple(
    "Architecture", "hidden positions n_directions pooling n_outputs loss quantiles"
)
#: Sequences and their standardisation ``(x - center) * scale``, center and scale (1, F) or (T, F).
SequenceData = namedtuple("SequenceData", "values offsets center scale")
#: targets (n, K), or (n, 1) class indices; weights (n,); offsets (n, K) of the raw predictions.
Labels = namedtuple("Labels", "targets weights offsets")
#: Sorted rows as packed steps: rows (B,), start (T + 1,), lengths (B,), places (S,) or (0,): the
#: mirror.
Packing = namedtuple("Packing", "rows start lengths places")


@inlined
def _pack_rows(net, offsets, rows):
    """Packing of a tile; `rows` are sorted already."""
    start = step_starts(offsets, rows)
    lengths = row_lengths(start, rows.shape[0])
    if net.n_directions == 2:
        return Packing(rows, start, lengths, mirror(start, lengths))
    return Packing(rows, start, lengths, np.empty(0, np.int64))


@kernel
def _mask_steps(x, start, masks, first):
    """Multiply each step of x (S, D * H) by its sequence's dropout factors, from column `first`."""
    for t in range(start.shape[0] - 1):
        for r in range(start[t + 1] - start[t]):
            for j in range(x.shape[1]):
                x[start[t] + r, j] *= masks[r, first + j]


@kernel
def _mask_rows(pooled, masks):
    """Multiply pooled (B, P) by the last P columns of the dropout factors, if there are any."""
    if masks.shape[1]:
        first = masks.shape[1] - pooled.shape[1]
        for r in range(pooled.shape[0]):
            for p in range(pooled.shape[1]):
                pooled[r, p] *= masks[r, first + p]


@inlined
def _run_direction(cell, weights, inputs, packing, reverse, out, keep):
    """One layer in one direction from a zero state; out (S, H) is its part of the outputs."""
    n_hidden = out.shape[1]
    h = np.zeros((packing.rows.shape[0], n_hidden), inputs.dtype)
    c = np.zeros((packing.rows.shape[0], n_hidden * cell.n_memories), inputs.dtype)
    x, h_out = inputs, out
    if reverse:
        x = take_rows(inputs, packing.places, 0, inputs.shape[1])
        h_out = np.empty((inputs.shape[0], n_hidden), inputs.dtype)[:, :n_hidden]
    history = recurrence.forward(cell, weights, x, packing.start, h, c, h_out, keep)
    if reverse:
        for s in range(packing.places.shape[0]):
            for j in range(n_hidden):
                out[packing.places[s], j] = h_out[s, j]
    return history


@inlined
def _run_layers(cell, net, theta, x, packing, masks, keep):
    """All layers over packed x (S, F): the last one's outputs (S, D * H), and all histories."""
    histories = []
    first_mask = 0
    out = x
    for layer in range(net.hidden.shape[0]):
        n_hidden = net.hidden[layer]
        if layer and masks.shape[1]:
            _mask_steps(out, packing.start, masks, first_mask)
            first_mask += out.shape[1]
        inputs, out = out, np.empty((x.shape[0], net.n_directions * n_hidden), x.dtype)
        for direction in range(net.n_directions):
            position = net.positions[layer * net.n_directions + direction]
            weights = recurrence.weights_at(cell, theta, position, inputs.shape[1], n_hidden)
            columns = out[:, direction * n_hidden : (direction + 1) * n_hidden]
            history = _run_direction(cell, weights, inputs, packing, direction == 1, columns, keep)
            histories.append(history)
    return out, histories


@inlined
def _direction_backward(
    cell, weights, d_weights, history, packing, reverse, d_out, first, d_inputs
):
    """Back through one direction; d_inputs (S, F) is written (forward) or added to (reverse)."""
    n_hidden = weights.U.shape[0]
    columns, d_x = d_out[:, first : first + n_hidden], d_inputs
    if reverse:
        columns = take_rows(d_out, packing.places, first, n_hidden)[:, :n_hidden]
        d_x = np.empty_like(d_inputs)
    recurrence.backward(cell, weights, d_weights, history, packing.start, columns, d_x)
    if reverse:
        for s in range(d_x.shape[0]):
            for f in range(d_x.shape[1]):
                d_inputs[packing.places[s], f] += d_x[s, f]


@inlined
def _layers_backward(cell, net, theta, gradient, histories, packing, masks, d_out):
    """Add all layers' parameter gradients, for d_out (S, D * H) of the last layer's outputs."""
    n_directions = net.n_directions
    first_mask = masks.shape[1] - n_directions * net.hidden[-1]
    for layer in range(net.hidden.shape[0] - 1, -1, -1):
        n_hidden = net.hidden[layer]
        n_inputs = histories[layer * n_directions].x.shape[1]
        d_inputs = np.empty((d_out.shape[0] if layer else 0, n_inputs), d_out.dtype)
        for direction in range(n_directions):
            i = layer * n_directions + direction
            weights = recurrence.weights_at(cell, theta, net.positions[i], n_inputs, n_hidden)
            d_weights = recurrence.weights_at(cell, gradient, net.positions[i], n_inputs, n_hidden)
            _direction_backward(
                cell, weights, d_weights, histories[i], packing, direction == 1,
                d_out, direction * n_hidden, d_inputs,
            )  # fmt: skip
        if layer and masks.shape[1]:
            first_mask -= n_inputs
            _mask_steps(d_inputs, packing.start, masks, first_mask)
        d_out = d_inputs


@kernel
def _head_at(vector, position, n_pooled, n_outputs):
    """Views of the output layer's V (P, K) and bias (K,)."""
    end = position + n_pooled * n_outputs
    return vector[position:end].reshape(n_pooled, n_outputs), vector[end : end + n_outputs]


@kernel
def _affine(V, bias, pooled, raw):
    """raw (B, K) = pooled (B, P) V + bias."""
    for i in range(raw.shape[0]):
        for k in range(raw.shape[1]):
            raw[i, k] = bias[k]
    multiply(pooled, pack(V, 0, pooled), raw, 1)


@inlined
def _tile_loss_gradient(cell, net, theta, data, labels, rows, masks, weight_sum, gradient):
    """Loss of a tile of sorted rows; its gradient is added to `gradient`."""
    packing = _pack_rows(net, data.offsets, rows)
    n_rows, n_hidden = rows.shape[0], net.hidden[-1]
    n_pooled = net.n_directions * n_hidden
    x = gather(data, rows, packing.start)
    out, histories = _run_layers(cell, net, theta, x, packing, masks, True)
    pooled = np.empty((n_rows, n_pooled), x.dtype)
    pooling.forward(net.pooling, out, packing.start, packing.lengths, n_hidden, pooled)
    _mask_rows(pooled, masks)
    V, bias = _head_at(theta, net.positions[-1], n_pooled, net.n_outputs)
    d_V, d_bias = _head_at(gradient, net.positions[-1], n_pooled, net.n_outputs)
    raw = np.empty((n_rows, net.n_outputs), x.dtype)
    _affine(V, bias, pooled, raw)
    for i in range(n_rows):
        for k in range(net.n_outputs):
            raw[i, k] += labels.offsets[rows[i], k]

    loss = losses.loss_gradient(
        net.loss, net.quantiles, raw, labels.targets, labels.weights, rows, weight_sum
    )
    for i in range(n_rows):
        for k in range(net.n_outputs):
            d_bias[k] += raw[i, k]
    add_transposed_product(pooled, raw, d_V)
    d_pooled = np.empty_like(pooled)
    multiply(raw, pack_transposed(V, 0, pooled), d_pooled, 0)
    _mask_rows(d_pooled, masks)
    d_out = np.empty_like(out)
    pooling.backward(net.pooling, out, packing.start, packing.lengths, n_hidden, d_pooled, d_out)
    _layers_backward(cell, net, theta, gradient, histories, packing, masks, d_out)
    return loss


@kernel
def loss_gradient(cell, net, theta, data, labels, rows, masks, weight_sum, tile_rows, gradient):
    """Loss of a shard of rows and, in `gradient`, what it adds to the minibatch's gradient.

    data: SequenceData; labels: Labels, of all data; rows (B,) of the data,
    longest sequence first; masks (B, sum of D * H) dropout factors or (B, 0). The shard is worked
    through in tiles of `tile_rows` rows.
    """
    for p in range(gradient.shape[0]):
        gradient[p] = 0
    loss = 0.0
    for first in range(0, rows.shape[0], tile_rows):
        last = min(first + tile_rows, rows.shape[0])
        loss += _tile_loss_gradient(
            cell, net, theta, data, labels, rows[first:last], masks[first:last],
            weight_sum, gradient,
        )  # fmt: skip
    return loss


@kernel
def encode(cell, net, theta, data, rows, tile_rows, pooled):
    """Pooled hidden states of some rows, longest sequence first: ``pooled[rows]`` (n, P)."""
    n_hidden = net.hidden[-1]
    no_masks = np.empty((1, 0), theta.dtype)
    for first in range(0, rows.shape[0], tile_rows):
        packing = _pack_rows(net, data.offsets, rows[first : first + tile_rows])
        x = gather(data, packing.rows, packing.start)
        out, _ = _run_layers(cell, net, theta, x, packing, no_masks, False)
        tile = np.empty((packing.rows.shape[0], pooled.shape[1]), x.dtype)
        pooling.forward(net.pooling, out, packing.start, packing.lengths, n_hidden, tile)
        for i in range(tile.shape[0]):
            copy(tile[i : i + 1], pooled[packing.rows[i] : packing.rows[i] + 1])


@kernel
def affine(net, theta, pooled, raw):
    """Raw predictions (n, K) of pooled states (n, P)."""
    V, bias = _head_at(theta, net.positions[-1], pooled.shape[1], net.n_outputs)
    _affine(V, bias, pooled, raw)
