"""
Where the time of a training step goes
======================================

Times, on one thread and in float32, a whole step, the two kernels of its recurrence, and products
of the same shapes alone: what docs/benchmarks.md says about floors. The fastest of many runs; us,
and for products GF/s.

    python examples/benchmarks/step_parts.py [--quick]
"""

import sys
from time import perf_counter

import numba
import numpy as np

from page import environment, table
from skrnn.data.sequences import Sequences
from skrnn.kernels import recurrence
from skrnn.kernels.matmul import add_transposed_product, multiply_rows, scratch
from skrnn.learning import optimizers
from skrnn.losses import SquaredError
from skrnn.network.examples import Examples
from skrnn.network.inputs import sequence_data
from skrnn.network.network import Architecture, Memory, Network
from skrnn.network.passes import Run
from skrnn.network.timeline import Timeline
from skrnn.network.workspace import Workspace

SIZES = [(32, 20, 1, 16), (64, 10, 1, 32), (200, 28, 1, 50), (32, 100, 8, 64), (128, 50, 32, 128)]
SIZES += [(64, 100, 64, 256)]
HEADER = ["cell", "batch, T, F, H", "step", "forward", "backward", "rest"]
HEADER += ["product of a step, GF/s", "gradient product, GF/s"]


def fastest(run, seconds=0.3):
    """Seconds of the fastest of the runs that fit into some time."""
    run()
    times, end = [], perf_counter() + seconds
    while perf_counter() < end or len(times) < 3:
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)


@numba.njit(error_model="numpy")
def all_steps(inputs, start, panels, spans, gates):
    for t in range(len(start) - 1):
        n_rows = start[t + 1] - start[t]
        multiply_rows(inputs, start[t], n_rows, panels, spans, gates, start[t], 0)


class Step:
    """A training step of one layer on one shard, and its parts by themselves."""

    def __init__(self, cell, size):
        batch, n_steps, n_features, n_hidden = size
        random = np.random.default_rng(0)
        architecture = Architecture(cell, (n_hidden,), n_features, 1, dtype="float32")
        self.network, self.loss = Network(architecture), SquaredError()
        values = random.standard_normal((batch, n_steps, n_features)).astype(np.float32)
        center, scale = np.zeros((1, n_features), "f4"), np.ones((1, n_features), "f4")
        data = sequence_data(Sequences.from_array(values), center, scale)
        y = random.standard_normal((batch, 1)).astype(np.float32)
        self.examples = Examples(data, y, np.ones(batch))
        self.rows = np.arange(batch)
        self.theta = self.network.initialize(np.random.RandomState(0))
        self.gradient, self.memory = np.empty_like(self.theta), Memory(self.network)
        self.optimizer = optimizers.Adam(len(self.theta), np.float32)
        self._prepare_parts(batch, n_steps)

    def _prepare_parts(self, batch, n_steps):
        chain = self.network.chain
        self.layer = chain.layers[0][0]
        self.weights = self.memory.fill(self.theta).layers[0][0]
        timeline = Timeline.of(np.full(batch, n_steps), both_directions=False)
        run = Run(timeline, Workspace(np.float32), True)
        self.start = timeline.start
        self.x, _ = chain.input.forward([], self.examples.data, self.rows, run)
        self.h, self.history = self.layer.forward(self.weights, self.x, run, last_only=True)
        self.gates = self.history.gates.copy()
        self.d_matrix = np.zeros(self.layer.gradient_shapes[0], np.float32)
        self.scratch = scratch(len(self.d_matrix), np.float32)

    def step(self):
        self.network.loss_gradient(
            self.loss, self.theta, self.examples, self.rows, self.gradient, memory=self.memory
        )  # fmt: skip
        optimizers.gradient_norm(self.gradient)
        self.optimizer.update(self.theta, self.gradient, 0.0)

    def forward(self):
        recurrence.forward(
            self.layer.cell, self.weights.forward, self.x, recurrence.NO_PLACES, self.start,
            tuple(self.history), self.h,
        )  # fmt: skip

    def backward(self):
        n_steps, n_hidden = len(self.x), self.layer.n_hidden
        d_c = np.zeros((len(self.rows), self.history.c.shape[1]), np.float32)
        recurrence.backward(
            self.layer.cell, self.weights.backward, self.start, tuple(self.history),
            np.zeros((n_steps, n_hidden), np.float32), d_c,
            np.empty((0, self.layer.n_inputs), np.float32), self.d_matrix, self.scratch,
        )  # fmt: skip

    def products(self):
        panels, spans, _ = self.weights.forward
        all_steps(self.history.inputs, self.start, panels, spans, self.gates)

    def gradient_product(self):
        add_transposed_product(
            self.history.inputs, self.gates, 0, len(self.x), self.layer.spans, self.d_matrix,
            *self.scratch,
        )  # fmt: skip

    @property
    def operations(self):
        """Of the products forward, or of the gradient."""
        n_features, n_hidden = self.layer.n_inputs, self.layer.n_hidden
        return 2.0 * len(self.x) * (n_features + n_hidden) * self.layer.cell.n_gates * n_hidden


def main():
    quick = "--quick" in sys.argv
    cases = [("gru", (4, 5, 1, 3))] if quick else [(c, s) for s in SIZES for c in CELLS]
    rows = []
    for cell, size in cases:
        step = Step(cell, size)
        seconds = 0.01 if quick else 0.3
        whole, forward, backward, products, gradient = (
            fastest(run, seconds)
            for run in (
                step.step, step.forward, step.backward, step.products, step.gradient_product
            )
        )  # fmt: skip
        parts = [f"{1e6 * t:.0f}" for t in (whole, forward, backward, whole - forward - backward)]
        rates = [f"{1e-9 * step.operations / t:.0f}" for t in (products, gradient)]
        rows.append([cell, ", ".join(map(str, size)), *parts, *rates])
    print(table(HEADER, rows))
    print(f"\nMeasured on {environment(('numpy', 'numba'))}.")


CELLS = ("rnn", "gru", "lstm")

if __name__ == "__main__":
    main()
