"""The way of a tile of rows through the network, and back (equations 37 to 50).

Plain Python over kernels, the long ones of which run without the interpreter's lock. As one
compiled function the network took three times as long to compile, because numba optimises what a
function calls once more in each of its callers.
"""

from typing import NamedTuple

import numpy as np

from skrnn.kernels.losses import GRADIENTS
from skrnn.kernels.timeline import mask_steps
from skrnn.network.timeline import Timeline
from skrnn.network.workspace import Workspace


class Chain(NamedTuple):
    """Something for each block of a network: the block itself, its weights or its gradients.

    `layers` has a list for each layer, with an entry for each direction.
    """

    input: object
    layers: list
    pooling: object
    head: object

    def flat(self):
        """All entries in the order of the flat vector."""
        return [self.input, *(one for layer in self.layers for one in layer), *self[2:]]

    def like(self, entries):
        """A Chain of other entries, given in the order of :meth:`flat`."""
        first, *entries = entries
        entries = iter(entries)
        layers = [[next(entries) for _ in layer] for layer in self.layers]
        return Chain(first, layers, *entries)


class Run(NamedTuple):
    """A tile on its way: what all blocks of a pass share.

    `keeps` says whether a way back follows. masks (B, n_masked) are dropout factors, or None: those
    of the inputs of the second layer first, those of the pooled states last. given is what the head
    reads beside the states.
    """

    timeline: Timeline
    work: Workspace
    keeps: bool
    masks: np.ndarray | None = None
    given: object = None


def pooled_states(chain, weights, data, rows, run):
    """Pooled hidden states (B, P), or (S, P) where each step has an answer, of some rows of the
    data, the longest sequence first.
    """
    outputs, _, _ = _layers_forward(chain, weights, data, rows, run)
    return chain.pooling.forward(weights.pooling, outputs, run)[0]


def hidden_states(chain, weights, data, rows, run):
    """Outputs (S, D * H) of the last layer at each step of some rows, the longest first."""
    return run.timeline.join(_layers_forward(chain, weights, data, rows, run, all_steps=True)[0])


def shares(chain, weights, data, rows, run):
    """What a pooling that shares the steps out says of each step (S,) of some rows."""
    outputs, _, _ = _layers_forward(chain, weights, data, rows, run)
    return chain.pooling.shares(weights.pooling, outputs, run)


def loss_gradient(chain, loss, weights, data, labels, rows, run, gradients):
    """Loss of some rows of the data, the longest sequence first; its gradient is added up."""
    outputs, *histories = _layers_forward(chain, weights, data, rows, run)
    pooled, kept = chain.pooling.forward(weights.pooling, outputs, run)
    _mask_pooled(chain, pooled, run)
    raw, kept_pooled = chain.head.forward(weights.head, pooled, run)
    raw += labels.offsets
    value = _gradient(loss, raw, labels)
    d_pooled = chain.head.backward(weights.head, kept_pooled, raw, gradients.head, run)
    _mask_pooled(chain, d_pooled, run)
    d_h = chain.pooling.backward(weights.pooling, kept, d_pooled, gradients.pooling, run)
    _layers_backward(chain, weights, *histories, d_h, gradients, run)
    return value


def _gradient(loss, raw, labels):
    """The loss of raw predictions, which become its gradient."""
    compiled = GRADIENTS.get(loss.name)
    if compiled is None:
        return loss.gradient(raw, labels.targets, labels.shares)
    return compiled(raw, labels.targets, labels.shares)


def _layers_forward(chain, weights, data, rows, run, all_steps=False):
    """Outputs of each direction of the last layer; what the input block kept; all histories.

    Outputs are all states (S, H) if the pooling reads them or `all_steps` asks for them, else the
    final states (B, H).
    """
    all_steps = all_steps or chain.pooling.reads_all_steps
    x, kept = chain.input.forward(weights.input, data, rows, run)
    outputs, histories, first_mask = None, [], 0
    for layer, of_layer in zip(chain.layers, weights.layers, strict=True):
        if histories:
            x = run.timeline.join(outputs)
            first_mask = _mask(x, run, first_mask)
        inputs = (x, layer[1].mirrored(x, run.timeline.mirror)) if len(layer) == 2 else (x,)
        last_only = layer is chain.layers[-1] and not all_steps
        runs = [
            one.forward(w, x_one, run, last_only)
            for one, w, x_one in zip(layer, of_layer, inputs, strict=True)
        ]
        outputs, history = zip(*runs, strict=True)
        histories.append(history)
    return outputs, kept, histories


def _layers_backward(chain, weights, kept, histories, d_h, gradients, run):
    """Add the gradients of all layers and of the input block, for d_h of the last outputs."""
    masks = run.masks
    first_mask = 0 if masks is None else masks.shape[1] - chain.pooling.n_outputs
    for i in range(len(chain.layers) - 1, -1, -1):
        d_inputs = [
            one.backward(w, history, d_one, gradient, run)
            for one, w, history, d_one, gradient in zip(
                chain.layers[i], weights.layers[i], histories[i], d_h, gradients.layers[i],
                strict=True,
            )
        ]  # fmt: skip
        if not chain.layers[i][0].wants_input:
            return
        d_x = chain.layers[i][0].join(d_inputs, run.timeline.mirror)
        if i == 0:
            chain.input.backward(weights.input, kept, d_x, gradients.input, run)
        else:
            first_mask -= d_x.shape[1]
            _mask(d_x, run, first_mask)
            d_h = run.timeline.split(d_x)


def _mask_pooled(chain, pooled, run):
    """Multiply by the last of the dropout factors, if there are any."""
    if run.masks is None:
        return
    first = run.masks.shape[1] - pooled.shape[1]
    if chain.pooling.of_steps:
        _mask(pooled, run, first)
    else:
        pooled *= run.masks[:, first:]


def _mask(x, run, first):
    """Multiply by dropout factors from a column on, if there are any; the column behind them."""
    if run.masks is not None:
        mask_steps(x, run.timeline.start, run.masks, first)
    return first + x.shape[1]
