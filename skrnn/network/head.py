"""The last block: raw predictions as an affine map of pooled states (equations 46 and 47)."""

import numpy as np

from skrnn.kernels import affine
from skrnn.network.block import Block, Parameter, constant, glorot


class Head(Block):
    """A linear output layer.

    Parameters
    ----------
    n_inputs, n_outputs : int
    """

    def __init__(self, n_inputs, n_outputs):
        self.n_outputs = n_outputs
        self.parameters = (
            Parameter("V", (n_inputs, n_outputs), glorot(), True),
            Parameter("b_out", (n_outputs,), constant((0.0,)), False),
        )

    def forward(self, weights, pooled, run=None):
        """Raw predictions (B, K) of pooled states (B, P), which are kept."""
        V, bias = weights
        raw = np.empty((len(pooled), len(bias)), pooled.dtype)
        affine.forward(V, bias, pooled, raw)
        return raw, pooled

    def backward(self, weights, pooled, d_raw, gradients, run=None):
        """The gradient of the pooled states, in their place."""
        affine.backward(weights[0], pooled, d_raw, *gradients)
        return pooled
