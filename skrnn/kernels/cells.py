"""The step of whatever cell a network has, chosen by the cell's type when the kernel is compiled.

A layer's kernel is written once and compiled per cell: the type of its `cell` argument picks the
step, so no kernel holds a branch on the cell, and each specialisation is cached on disk by itself.
"""

from numba.extending import overload

from skrnn.kernels import gru, lstm, rnn

STEPS = {rnn.SimpleRNN: rnn, lstm.LSTM: lstm, gru.GRU: gru}


def step_forward(cell, gates, h_before, c_before, c, tanh_c, h):
    """One step of the cell for all rows; see ``forward`` of the cell's file."""
    return STEPS[type(cell)].forward(cell, gates, h_before, c_before, c, tanh_c, h)


def step_backward(cell, gates, h_before, c_before, tanh_c, d_h, d_c):
    """Its gradient; see ``backward`` of the cell's file."""
    return STEPS[type(cell)].backward(cell, gates, h_before, c_before, tanh_c, d_h, d_c)


@overload(step_forward)
def _step_forward(cell, gates, h_before, c_before, c, tanh_c, h):
    return STEPS[cell.instance_class].forward


@overload(step_backward)
def _step_backward(cell, gates, h_before, c_before, tanh_c, d_h, d_c):
    return STEPS[cell.instance_class].backward
