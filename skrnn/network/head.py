"""The last block: raw predictions as an affine map of pooled states (equations 46 and 47)."""

import numpy as np

from skrnn.kernels import affine, matmul
from skrnn.kernels.jit import Call
from skrnn.network.block import Block, Parameter, constant, glorot

# Outputs at most that are found line by line: of a whole tile most columns would be padding.
_FEW = 4


class Head(Block):
    """A linear output layer of a few outputs, line by line.

    Parameters
    ----------
    n_inputs, n_outputs : int
    """

    #: Whether answers depend on those before them, which :meth:`given` tells.
    reads_answers = False
    _forward, _backward = staticmethod(affine.forward), staticmethod(affine.backward)

    def __init__(self, n_inputs, n_outputs):
        self.n_outputs = n_outputs
        self.parameters = (
            Parameter("V", (n_inputs, n_outputs), glorot(), True),
            Parameter("b_out", (n_outputs,), constant((0.0,)), False),
        )

    def given(self, examples, rows):
        """What it reads of the answers of some rows of the examples; None where nothing."""

    def pack(self, arrays, fill, both_ways):
        """The transposed V, and the bias."""
        return [arrays[0].T, arrays[1]]

    @property
    def gradient_shapes(self):
        """Shapes of the parameters' gradients; that of V is transposed, as V is."""
        (V, bias) = self.parameters
        return [V.shape[::-1], bias.shape]

    def unpack_gradient(self, gradients, arrays):
        arrays[0][:], arrays[1][:] = gradients[0].T, gradients[1]

    def forward(self, weights, pooled, run):
        """Raw predictions (B, K) of pooled states (B, P), which are kept."""
        made_of = weights, pooled
        kept = run.work.kept(self, made_of)
        if kept is None:
            kept = run.work.keep(self, made_of, self.forward_call(weights, pooled, run))
        call, raw = kept
        call()
        return raw, pooled

    def forward_call(self, weights, pooled, run):
        """The way forward as a call, and the raw predictions that it writes."""
        raw = run.work.array((self, "raw"), len(pooled), self.n_outputs)
        return Call(self._forward, *weights, pooled, raw), raw

    def backward(self, weights, pooled, d_raw, gradients, run):
        """The gradient (B, P) of the pooled states."""
        name, made_of = (self, "backward"), (weights, pooled, d_raw, gradients)
        kept = run.work.kept(name, made_of)
        if kept is None:
            d_pooled = run.work.array((self, "d_pooled"), *pooled.shape)
            call = Call(self._backward, weights[0], pooled, d_raw, *gradients, d_pooled)
            kept = run.work.keep(name, made_of, (call, d_pooled))
        call, d_pooled = kept
        call()
        return d_pooled


class HeadOfSteps(Head):
    """A Head for as many lines as there are steps, which runs without the interpreter's lock.

    For 32 rows of 100 steps, 64 units and one output both ways take 0.05 ms.
    """

    _forward = staticmethod(affine.forward_of_lines)
    _backward = staticmethod(affine.backward_of_lines)


class WideHead(Head):
    """A linear output layer of more outputs, by products of whole tiles.

    For 32 rows of 100 steps and 64 units both ways take 0.17 ms with one output, and 0.55 with 86.

    Parameters
    ----------
    n_inputs, n_outputs : int
    dtype : numpy dtype
    """

    def __init__(self, n_inputs, n_outputs, dtype):
        super().__init__(n_inputs, n_outputs)
        self._width, self._n_inputs = matmul.panel_width(dtype), n_inputs

    @property
    def gradient_shapes(self):
        """The gradient of V has whole tiles."""
        return [(matmul.rows_with_padding(self._n_inputs), self.n_outputs), (self.n_outputs,)]

    def unpack_gradient(self, gradients, arrays):
        arrays[0][:], arrays[1][:] = gradients[0][: self._n_inputs], gradients[1]

    def pack(self, arrays, fill, both_ways):
        """V as panels, the bias, and for the way back the transposed V."""
        V, bias = arrays
        panels = [matmul.pack(V, self._width, fill), bias]
        return [*panels, matmul.pack(V.T, self._width, fill)] if both_ways else panels

    def forward(self, weights, pooled, run):
        """Raw predictions (B, K) of pooled states (B, P), which are kept."""
        call, raw = self.forward_call(weights, pooled, run)
        call()
        return raw, pooled

    def forward_call(self, weights, pooled, run):
        """The way forward as a call, and the raw predictions that it writes."""
        raw = run.work.array((self, "raw"), len(pooled), self.n_outputs)

        def call():
            raw[:] = weights[1]
            matmul.multiply(pooled, weights[0], raw, 1)

        return call, raw

    def backward(self, weights, pooled, d_raw, gradients, run):
        """The gradient (B, P) of the pooled states, which is written over them."""
        d_V, d_bias = gradients
        d_bias += np.add.reduce(d_raw, axis=0)
        scratch = run.work.scratch(len(d_V))
        # The gradient of V first, because the second product writes over the pooled states.
        matmul.add_transposed_product(pooled, d_raw, 0, len(pooled), matmul.ALL_ROWS, d_V, *scratch)
        matmul.multiply(d_raw, weights[2], pooled, 0)
        return pooled


class HeadOfTranscripts(WideHead):
    """The decoder of connectionist temporal classification: a label or the blank at each step.

    Parameters
    ----------
    cell, n_hidden, n_embedded :
        Not looked at: every decoder is made of the same arguments, and others need these.
    n_states, n_outputs : int
        Numbers of the encoder's states, and classes, the blank counted.
    dtype : numpy dtype
    """

    def __init__(self, cell, n_states, n_hidden, n_embedded, n_outputs, dtype):
        super().__init__(n_states, n_outputs, dtype)


def head_of(n_inputs, n_outputs, dtype, of_steps):
    """The head that is quickest for so many outputs.

    Parameters
    ----------
    n_inputs, n_outputs : int
    dtype : numpy dtype
    of_steps : bool
        Whether it answers each step of the rows.
    """
    if n_outputs > _FEW:
        return WideHead(n_inputs, n_outputs, dtype)
    return (HeadOfSteps if of_steps else Head)(n_inputs, n_outputs)
