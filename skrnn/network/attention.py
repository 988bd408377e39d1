"""Attention pooling: which steps count, and how much, is learnt (equations 95 to 103)."""

import numpy as np

from skrnn.kernels import attention, matmul
from skrnn.network.block import Parameter, constant, glorot
from skrnn.network.pooling import Pooling


class Attention(Pooling):
    """The mean over all steps, each by a share that its own state and a learnt query decide.

    There are as many keys as pooled features. The query starts at zero, so at first every step
    counts alike. The history of a run is the states (S, P), the tanh
    of the keys (S, P) and the shares (S,).
    """

    def __init__(self, n_hidden, n_directions, dtype):
        super().__init__(n_hidden, n_directions, dtype)
        n = self.n_outputs
        self.parameters = (
            Parameter("W_attention", (n, n), glorot(), True),
            Parameter("b_attention", (n,), constant((0.0,)), False),
            Parameter("v_attention", (n, 1), constant((0.0,)), True),
        )
        self._width = matmul.panel_width(dtype)

    @property
    def gradient_shapes(self):
        """Shapes of the parameters' gradients; that of the matrix has whole tiles."""
        n = self.n_outputs
        return [(matmul.rows_with_padding(n), n), (n,), (n, 1)]

    def unpack_gradient(self, gradients, arrays):
        d_matrix, *others = gradients
        super().unpack_gradient([d_matrix[: self.n_outputs], *others], arrays)

    def pack(self, arrays, fill, both_ways):
        """The matrix as panels, the bias, the query; for the way back, the transposed matrix."""
        matrix, bias, query = arrays
        packed = [matmul.pack(matrix, self._width, fill), bias, query[:, 0]]
        return [*packed, matmul.pack(matrix.T, self._width, fill)] if both_ways else packed

    def forward(self, weights, outputs, run):
        """Pooled states (B, P) of all states (S, H) of each direction."""
        out, timeline, work = run.timeline.join(outputs), run.timeline, run.work
        pooled = np.empty((timeline.n_rows, self.n_outputs), out.dtype)
        keys, shares = work.array((self, "keys"), *out.shape), work.array((self, "s"), len(out))
        of_rows = work.array((self, "of rows"), 2, timeline.n_rows)
        parameters = (*weights[:3], matmul.ALL_ROWS)
        attention.forward(parameters, out, timeline.start, keys, shares, of_rows, pooled)
        return pooled, (out, keys, shares)

    def shares(self, weights, outputs, run):
        """What each line counts in its row's mean (S,), in memory of the workspace."""
        _, (_, _, shares) = self.forward(weights, outputs, run)
        return shares

    def backward(self, weights, kept, d_pooled, gradients, run):
        """Gradients (S, H) of each direction's outputs."""
        (out, *history), work = kept, run.work
        d_out = work.array("d_out", *out.shape)
        scratch = (
            work.array((self, "d_scores"), len(out)),
            work.array((self, "means"), len(d_pooled)),
        )
        _, _, query, to_out = weights
        d_matrix, d_bias, d_query = gradients
        attention.backward(
            (to_out, query, matmul.ALL_ROWS), out, run.timeline.start, tuple(history), scratch,
            d_pooled, d_out, (d_matrix, d_bias, d_query[:, 0]), work.scratch(len(d_matrix)),
        )  # fmt: skip
        return run.timeline.split(d_out)
