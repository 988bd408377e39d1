"""A time step of a cell, and the step back, on the rows of a timeline.

A layer's kernel is written once and compiled for each cell: the type of its `cell` argument is the
class that has the formulas. So no kernel holds a branch on the cell, and the machine code for each
is cached on disk by itself.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from skrnn.kernels import interpreted
from skrnn.kernels.jit import INTERPRETED, part
from skrnn.kernels.units import emit
from skrnn.kernels.vectors import VECTOR_BYTES

# What is done with a register's worth of units: load, the cell's formulas, store. `block` bytes lie
# between two gates of a unit, the other arguments are addresses.


def _forward(units, cell, gates, block, h_before, c_before, c, tanh_c, h, h_next):
    places = units.addresses(gates, block, cell.n_blocks)
    arguments = [units.load(place) for place in places]
    memory = units.load(c_before) if cell.n_memories else None
    new, *new_memory, state = cell.forward(arguments, units.load(h_before), memory)
    for vector, place in zip(new, places, strict=True):
        units.store(vector, place)
    if cell.n_memories:
        for vector, place in zip(new_memory, (c, tanh_c), strict=True):
            units.store(vector, place)
    units.store(state, h)
    units.store(state, h_next)


def _backward(units, cell, gates, block, h_before, c_before, tanh_c, d_h, d_before, d_c):
    places = units.addresses(gates, block, cell.n_blocks)
    memory = map(units.load, (c_before, tanh_c)) if cell.n_memories else (None, None)
    d_arguments, d_state, d_memory = cell.backward(
        [units.load(place) for place in places], units.load(h_before), *memory,
        units.load(d_h), units.load(d_c) if cell.n_memories else None,
    )  # fmt: skip
    for vector, place in zip(d_arguments, places, strict=True):
        units.store(vector, place)
    if d_state is not None:
        units.store(units.load(d_before) + d_state, d_before)
    if d_memory is not None:
        units.store(d_memory, d_c)


def _emit(body, cell, like):
    """Signature and code of an intrinsic: `body` on up to a register of `columns` units."""

    def codegen(context, builder, signature, values):
        _, _, columns, *addresses = values
        formulas = cell.instance_class()
        emit(builder, like.dtype, columns, lambda units: body(units, formulas, *addresses))
        return context.get_dummy_value()

    return types.void(cell, like, *[types.intp] * 9), codegen


@intrinsic
def _forward_units(
    typingctx, cell, like, columns, gates, block, h_before, c_before, c, tanh_c, h, h_next
):
    return _emit(_forward, cell, like)


@intrinsic
def _backward_units(
    typingctx, cell, like, columns, gates, block, h_before, c_before, tanh_c, d_h, d_before, d_c
):
    return _emit(_backward, cell, like)


if INTERPRETED:

    @np.errstate(all="ignore")  # instructions give no warnings
    def _forward_units(cell, like, columns, *addresses):
        _forward(interpreted.Units(like.dtype, columns), cell, *addresses)

    @np.errstate(all="ignore")
    def _backward_units(cell, like, columns, *addresses):
        _backward(interpreted.Units(like.dtype, columns), cell, *addresses)


@part
def forward(cell, n_rows, gates, first, inputs, next_first, c, c_before, c_now, tanh_c, h, h_first):
    """One step of the cell for some rows.

    ``gates[first:]`` (n, blocks * H): arguments in, gates out. The state before the step is in
    ``inputs[first:]``, the new one goes to ``h[h_first:]`` and ``inputs[next_first:]``. The memory
    goes from ``c[c_before:]`` to ``c[c_now:]``, and its tanh to ``tanh_c[first:]``.
    """
    # A helper for the addresses would cost 0.25 s of compiling.
    n_hidden = h.shape[1]
    size, width = gates.itemsize, np.intp(VECTOR_BYTES // gates.itemsize)
    for r in range(n_rows):
        arguments = gates.ctypes.data + (first + r) * gates.strides[0]
        state = inputs.ctypes.data + (first + r) * inputs.strides[0]
        old = c.ctypes.data + (c_before + r) * c.strides[0]
        new = c.ctypes.data + (c_now + r) * c.strides[0]
        tanh_new = tanh_c.ctypes.data + (first + r) * tanh_c.strides[0]
        out = h.ctypes.data + (h_first + r) * h.strides[0]
        following = inputs.ctypes.data + (next_first + r) * inputs.strides[0]
        for j in range(0, n_hidden, width):
            at, left = j * size, n_hidden - j
            _forward_units(
                cell, gates, left, arguments + at, n_hidden * size, state + at, old + at, new + at,
                tanh_new + at, out + at, following + at,
            )  # fmt: skip


@part
def backward(cell, n_rows, gates, first, inputs, c, c_before, tanh_c, d_h, d_first, d_before, d_c):
    """One step back for some rows.

    ``gates[first:]``: gates in, gradients of their arguments out. ``d_h[d_first:]`` is the gradient
    of the state after the step. What reaches the state before it without the recurrent matrix is
    added to ``d_h[d_before:]``. d_c (B, H) is the gradient of the memory, after the step when this
    begins and before the step when it ends.
    """
    n_hidden = d_h.shape[1]
    size, width = gates.itemsize, np.intp(VECTOR_BYTES // gates.itemsize)
    for r in range(n_rows):
        arguments = gates.ctypes.data + (first + r) * gates.strides[0]
        state = inputs.ctypes.data + (first + r) * inputs.strides[0]
        old = c.ctypes.data + (c_before + r) * c.strides[0]
        tanh_new = tanh_c.ctypes.data + (first + r) * tanh_c.strides[0]
        d_state = d_h.ctypes.data + (d_first + r) * d_h.strides[0]
        d_old = d_h.ctypes.data + (d_before + r) * d_h.strides[0]
        d_memory = d_c.ctypes.data + r * d_c.strides[0]
        for j in range(0, n_hidden, width):
            at, left = j * size, n_hidden - j
            _backward_units(
                cell, gates, left, arguments + at, n_hidden * size, state + at, old + at,
                tanh_new + at, d_state + at, d_old + at, d_memory + at,
            )  # fmt: skip
