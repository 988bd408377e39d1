"""The step of whatever cell a network has, chosen by the cell's type when the kernel is compiled.

A layer's kernel is written once and compiled per cell: the type of its `cell` argument picks the
equations, so no kernel holds a branch on the cell, and each specialisation is cached on disk by
itself.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from skrnn.kernels import gru, lstm, rnn
from skrnn.kernels.jit import INTERPRETED, part
from skrnn.kernels.vectors import VECTOR_BYTES, Registers, Vector


class Equations(NamedTuple):
    """A cell, its step, its step back, and the blocks whose arguments arrive halved."""

    cell: tuple
    forward: object
    backward: object
    halved: tuple


EQUATIONS = {
    lstm.LSTM: Equations(lstm.CELL, lstm.forward, lstm.backward, lstm.HALVED),
    gru.GRU: Equations(gru.CELL, gru.forward, gru.backward, gru.HALVED),
    **{
        type(cell): Equations(cell, *rnn.equations(type(cell)), rnn.HALVED)
        for cell in rnn.CELLS.values()
    },
}


class _Units:
    """A register's worth of units of a row, in several places; those of a mask exist."""

    def __init__(self, registers, mask):
        self.registers, self.mask = registers, mask

    @classmethod
    def each(cls, builder, ty, columns):
        """All units of a register, and only some of them: what is built is built for both cases.

        A mask of ones disappears. Where there is no AVX-512, masked stores take many cycles.
        """
        registers = Registers(builder, ty)
        is_full = builder.icmp_signed(">=", columns, columns.type(registers.width))
        with builder.if_else(is_full) as (full, partial):
            with full:
                yield cls(registers, registers.full_mask())
            with partial:
                yield cls(registers, registers.mask(columns, 0))

    def load(self, address):
        r = self.registers
        return Vector(r, r.load(r.pointer(address), self.mask))

    def store(self, vector, address):
        r = self.registers
        r.store(vector.value, r.pointer(address), self.mask)


def _of_units(build, cell, like):
    """Signature and code of an intrinsic with `columns` and eight addresses."""

    def codegen(context, builder, signature, values):
        _, _, columns, *addresses = values
        for units in _Units.each(builder, like.dtype, columns):
            build(units, *addresses)
        return context.get_dummy_value()

    return types.void(cell, like, *[types.intp] * 9), codegen


@intrinsic
def _forward_units(
    typingctx, cell, like, columns, gates, block, h_before, c_before, c, tanh_c, h, h_next
):
    """A step of some units of a row, by addresses; `block` bytes lie between two gates."""
    known, forward, _, _ = EQUATIONS[cell.instance_class]

    def build(units, gates, block, h_before, c_before, c, tanh_c, h, h_next):
        places = units.registers.addresses(gates, block, known.n_blocks)
        arguments = [units.load(place) for place in places]
        memory = units.load(c_before) if known.n_memories else None
        new, *new_memory, state = forward(arguments, units.load(h_before), memory)
        for vector, place in zip(new, places, strict=True):
            units.store(vector, place)
        if known.n_memories:
            for vector, place in zip(new_memory, (c, tanh_c), strict=True):
                units.store(vector, place)
        units.store(state, h)
        units.store(state, h_next)

    return _of_units(build, cell, like)


@intrinsic
def _backward_units(
    typingctx, cell, like, columns, gates, block, h_before, c_before, tanh_c, d_h, d_before, d_c
):
    """A step back of some units of a row, by addresses."""
    known, _, backward, _ = EQUATIONS[cell.instance_class]

    def build(units, gates, block, h_before, c_before, tanh_c, d_h, d_before, d_c):
        places = units.registers.addresses(gates, block, known.n_blocks)
        memory = map(units.load, (c_before, tanh_c)) if known.n_memories else (None, None)
        d_arguments, d_state, d_memory = backward(
            [units.load(place) for place in places], units.load(h_before), *memory,
            units.load(d_h), units.load(d_c) if known.n_memories else None,
        )  # fmt: skip
        for vector, place in zip(d_arguments, places, strict=True):
            units.store(vector, place)
        if d_state is not None:
            units.store(units.load(d_before) + d_state, d_before)
        if d_memory is not None:
            units.store(d_memory, d_c)

    return _of_units(build, cell, like)


@part
def step_forward(
    cell, n_rows, flat, first, inputs, next_first, c, c_before, c_now, tanh_c, h, h_first
):
    """One step of the cell for some rows.

    ``flat[first:]`` (n, blocks * H): arguments in, gates out. The state before it is in
    ``inputs[first:]``, the new one goes to ``h[h_first:]`` and ``inputs[next_first:]``; the memory
    from ``c[c_before:]`` to ``c[c_now:]``, its tanh to ``tanh_c[first:]``.
    """
    # A helper for the addresses would cost 0.25 s of compiling.
    n_hidden = h.shape[1]
    size, width = flat.itemsize, np.intp(VECTOR_BYTES // flat.itemsize)
    for r in range(n_rows):
        gates = flat.ctypes.data + (first + r) * flat.strides[0]
        state = inputs.ctypes.data + (first + r) * inputs.strides[0]
        old = c.ctypes.data + (c_before + r) * c.strides[0]
        new = c.ctypes.data + (c_now + r) * c.strides[0]
        tanh_new = tanh_c.ctypes.data + (first + r) * tanh_c.strides[0]
        out = h.ctypes.data + (h_first + r) * h.strides[0]
        following = inputs.ctypes.data + (next_first + r) * inputs.strides[0]
        for j in range(0, n_hidden, width):
            at, left = j * size, n_hidden - j
            _forward_units(
                cell, flat, left, gates + at, n_hidden * size, state + at, old + at, new + at,
                tanh_new + at, out + at, following + at,
            )  # fmt: skip


@part
def step_backward(
    cell, n_rows, flat, first, inputs, c, c_before, tanh_c, d_h, d_first, d_before, d_c
):
    """One step back for some rows.

    ``flat[first:]``: gates in, gradients of their arguments out. ``d_h[d_first:]`` is the gradient
    of the state after the step; what reaches the one before it without the recurrent matrix is
    added to ``d_h[d_before:]``. d_c (B, H): that of the memory, after the step in, before it out.
    """
    n_hidden = d_h.shape[1]
    size, width = flat.itemsize, np.intp(VECTOR_BYTES // flat.itemsize)
    for r in range(n_rows):
        gates = flat.ctypes.data + (first + r) * flat.strides[0]
        state = inputs.ctypes.data + (first + r) * inputs.strides[0]
        old = c.ctypes.data + (c_before + r) * c.strides[0]
        tanh_new = tanh_c.ctypes.data + (first + r) * tanh_c.strides[0]
        d_state = d_h.ctypes.data + (d_first + r) * d_h.strides[0]
        d_old = d_h.ctypes.data + (d_before + r) * d_h.strides[0]
        d_memory = d_c.ctypes.data + r * d_c.strides[0]
        for j in range(0, n_hidden, width):
            at, left = j * size, n_hidden - j
            _backward_units(
                cell, flat, left, gates + at, n_hidden * size, state + at, old + at, tanh_new + at,
                d_state + at, d_old + at, d_memory + at,
            )  # fmt: skip


if INTERPRETED:

    def _blocks(cell, flat, first, n_rows):
        gates = flat[first : first + n_rows].reshape(n_rows, cell.n_blocks, -1)
        return list(gates.transpose(1, 0, 2))

    def step_forward(
        cell, n_rows, flat, first, inputs, next_first, c, c_before, c_now, tanh_c, h, h_first
    ):
        n_hidden, places = h.shape[1], _blocks(cell, flat, first, n_rows)
        gates, new, tanh_new, state = EQUATIONS[type(cell)].forward(
            places, inputs[first : first + n_rows, :n_hidden], c[c_before : c_before + n_rows]
        )
        for place, gate in zip(places, gates, strict=True):
            place[:] = gate
        if cell.n_memories:
            c[c_now : c_now + n_rows], tanh_c[first : first + n_rows] = new, tanh_new
        h[h_first : h_first + n_rows] = state
        inputs[next_first : next_first + n_rows, :n_hidden] = state

    def step_backward(
        cell, n_rows, flat, first, inputs, c, c_before, tanh_c, d_h, d_first, d_before, d_c
    ):
        n_hidden, places = d_h.shape[1], _blocks(cell, flat, first, n_rows)
        rows = slice(first, first + n_rows)
        d_arguments, d_state, d_memory = EQUATIONS[type(cell)].backward(
            places, inputs[rows, :n_hidden], c[c_before : c_before + n_rows], tanh_c[rows],
            d_h[d_first : d_first + n_rows], d_c[:n_rows],
        )  # fmt: skip
        for place, d_argument in zip(places, d_arguments, strict=True):
            place[:] = d_argument
        if d_state is not None:
            d_h[d_before : d_before + n_rows] += d_state
        if d_memory is not None:
            d_c[:n_rows] = d_memory
