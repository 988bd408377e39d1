"""The way of small batches through a plain net, again and again: all calls of kernels are kept.

Between the kernels of a small net Python takes longer than they do. Here there is as little as can
be between them, because what a call is given is found once for all batches of a shape. All else is
as in :mod:`skrnn.network.passes`, to the bit.
"""

from functools import partial

import numpy as np

from skrnn.kernels import recurrence, timeline
from skrnn.kernels.jit import Call
from skrnn.kernels.losses import GRADIENTS
from skrnn.network.head import Head, WideHead
from skrnn.network.inputs import Numbers
from skrnn.network.passes import Run
from skrnn.network.pooling import Last

# Shapes of minibatches of which a training keeps the calls.
_MOST_STEPS = 4


def is_plain(chain):
    """Whether a net reads numbers in one direction, and answers by its final states."""
    is_known = type(chain.input) is Numbers and type(chain.pooling) is Last
    is_known = is_known and type(chain.head) in (Head, WideHead)
    return is_known and all(len(layer) == 1 for layer in chain.layers)


class Forward:
    """The way from the numbers of some rows of one length to their raw predictions.

    Parameters
    ----------
    chain, weights : Chain
    data : SequenceData
        What is read beside its values.
    rows : ndarray of shape (n,)
        Which may be written to.
    run : Run
    """

    def __init__(self, chain, weights, data, rows, run):
        start, n_rows = run.timeline.start, run.timeline.n_rows
        x = run.work.array("x", run.timeline.n_lines, chain.input.n_outputs)
        self._gather = Call(timeline.gather, data[1:], rows, start, x)
        self._calls, self._memories, self.histories = [], [], []
        for (layer,), (of_layer,) in zip(chain.layers, weights.layers, strict=True):
            last_only = layer is chain.layers[-1][0]
            given = of_layer, x, recurrence.NO_PLACES, run, last_only, True
            call, x, history = layer.forward_call(*given)
            self._calls.append(call)
            self.histories.append(history)
            if layer.cell.n_memories:
                self._memories.append(history.c[-n_rows:])
        self.pooled = x
        call, self.raw = chain.head.forward_call(weights.head, x, run)
        self._calls.append(call)

    def run(self, values):
        """Raw predictions (n, n_outputs) for the values of data, in memory that is used again."""
        self._gather(values)
        for memory in self._memories:
            memory.fill(0.0)
        for call in self._calls:
            call()
        return self.raw


class TrainingStep(Forward):
    """Loss and gradient of minibatches of one size, by one layer.

    Parameters
    ----------
    chain, weights, gradients : Chain
    loss : skrnn.losses.Loss
    examples : Examples
    of_rows : Timeline
    work : Workspace
    """

    def __init__(self, chain, weights, gradients, loss, examples, of_rows, work):
        n_rows, targets = of_rows.n_rows, examples.targets
        self._rows, self._of_run = np.empty(n_rows, np.int64), Run(of_rows, work, True)
        super().__init__(chain, weights, examples.data, self._rows, self._of_run)
        self._head, self._weights, self._gradients = chain.head, weights.head, gradients.head
        self._made_of, self._examples = (weights, gradients, loss, examples), examples
        self._targets = np.empty((n_rows, *targets.shape[1:]), targets.dtype)
        self._shares = np.empty(n_rows, examples.weights.dtype)
        given = self.raw, self._targets, self._shares
        self._loss = partial(loss.gradient, *given)
        if loss.name in GRADIENTS:
            self._loss = Call(GRADIENTS[loss.name], *given)
        [[layer]], [[of_layer]], [[of_gradient]] = chain.layers, weights.layers, gradients.layers
        self._d_h = work.array("d_h", of_rows.n_lines, layer.n_hidden)
        given = of_layer, self.histories[0], self._d_h, of_gradient[0], None, self._of_run
        self._backward, _, self._d_memory = layer.backward_call(*given)

    def is_of(self, *made_of):
        """Whether it was made of these weights, gradients, loss and examples."""
        return all(one is other for one, other in zip(self._made_of, made_of, strict=True))

    def loss_gradient(self, rows, weight_sum):
        """The loss of some rows, whose gradient is added up."""
        examples = self._examples
        self._rows[:] = rows
        raw = self.run(examples.data.values)
        examples.targets.take(rows, axis=0, out=self._targets, mode="clip")
        examples.weights.take(rows, out=self._shares, mode="clip")
        self._shares /= weight_sum
        if examples.offsets is not None:
            raw += examples.offsets.take(rows, axis=0)
        value = self._loss()
        given = self._weights, self.pooled, raw, self._gradients, self._of_run
        d_pooled = self._head.backward(*given)
        self._d_h.fill(0.0)
        self._d_h[-len(rows) :] = d_pooled
        self._d_memory.fill(0.0)
        self._backward()
        return value


class TrainingSteps:
    """Those that a training has, by the sizes of its minibatches.

    Parameters
    ----------
    chain : Chain of Block
    """

    def __init__(self, chain):
        self._chain, self._is_possible = chain, is_plain(chain) and len(chain.layers) == 1
        self._known = {}

    def of(self, weights, gradients, loss, examples, shards, memory):
        """The TrainingStep for the only tile of a plan; None where it has several, or the net is
        of another kind.

        Parameters
        ----------
        weights, gradients : Chain
        loss : skrnn.losses.Loss
        examples : Examples
        shards : list of list of Tile
        memory : Memory
            Whose workspaces nobody uses now.
        """
        if not (self._is_possible and examples.data.n_steps and examples.steps is None):
            return None
        if len(shards) > 1 or len(shards[0]) > 1:
            return None
        of_rows, made_of = shards[0][0].timeline, (weights, gradients, loss, examples)
        found = self._known.get(of_rows.n_rows)
        if found is None or not found.is_of(*made_of):
            if len(self._known) >= _MOST_STEPS:
                self._known.clear()
            work = memory.take_workspace()
            found = self._known[of_rows.n_rows] = TrainingStep(self._chain, *made_of, of_rows, work)
            memory.give_back(work)
        return found
