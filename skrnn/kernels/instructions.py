"""Instructions of a kernel that do a body of formulas on a register of a row, or on all of it."""

from inspect import Parameter, Signature

import numpy as np
from numba import types
from numba.extending import intrinsic

from skrnn.kernels import interpreted
from skrnn.kernels.jit import INTERPRETED
from skrnn.kernels.units import emit, emit_largest, emit_row, emit_sum_of_lines
from skrnn.kernels.vectors import fma


def instruction(body, n_addresses, has_factor=False, gives_number=False):
    """An intrinsic ``(like, columns, addresses, factor)``: `body` on up to a register of units.

    `like` is any array of the elements' type, `columns` says how many units are left.
    """

    @np.errstate(all="ignore")  # instructions give no warnings
    def interpret(like, columns, *arguments):
        return body(interpreted.Units(like.dtype, columns), *arguments)

    def write(builder, number, columns, arguments):
        return emit(builder, number, columns, lambda units: body(units, *arguments))

    if INTERPRETED:
        return interpret
    return _intrinsic(write, n_addresses, has_factor, gives_number)


def row_instruction(body, n_addresses, has_factor=False, gives_number=False):
    """The same on all units of a row: `columns` of them, from the addresses on.

    A number that it gives is the sum of what `body` gives for each unit.
    """

    @np.errstate(all="ignore")
    def interpret(like, columns, *arguments):
        addresses, factors = arguments[:n_addresses], arguments[n_addresses:]
        return interpreted.over_row(like, columns, addresses, lambda *one: body(*one, *factors))

    def write(builder, number, columns, arguments):
        addresses, factors = arguments[:n_addresses], arguments[n_addresses:]
        found = emit_row(builder, number, columns, addresses, lambda *one: body(*one, *factors))
        return found if gives_number else None

    if INTERPRETED:
        return interpret
    return _intrinsic(write, n_addresses, has_factor, gives_number)


def _intrinsic(write, n_addresses, has_factor, gives_number):
    """An instruction of numba's that is what `write` writes."""

    def typed(typingctx, like, columns, *arguments):
        number = like.dtype
        result = number if gives_number else types.void
        signature = result(like, *[types.intp] * (1 + n_addresses), *[number] * has_factor)

        def codegen(context, builder, signature, values):
            _, columns, *arguments = values
            found = write(builder, number, columns, arguments)
            return context.get_dummy_value() if found is None else found

        return signature, codegen

    names = ["typingctx", "like", "columns", *(f"a{i}" for i in range(n_addresses + has_factor))]
    # numba wants each argument by a name.
    typed.__signature__ = Signature([Parameter(one, Parameter.POSITIONAL_ONLY) for one in names])
    return intrinsic(typed)


def _add_multiple(units, of, to, factor):
    units.store(fma(units.load(of), units.copies(factor), units.load(to)), to)


def _product(units, one, other):
    return units.load(one) * units.load(other)


def _copy(units, of, to):
    units.store(units.load(of), to)


def _add(units, of, to):
    units.store(units.load(to) + units.load(of), to)


def _themselves(units, numbers):
    return units.load(numbers)


def _dot(units, one, other):
    return units.sum(_product(units, one, other))


add_multiple = instruction(_add_multiple, 2, has_factor=True)
dot = instruction(_dot, 2, gives_number=True)
dot_of_rows = row_instruction(_product, 2, gives_number=True)
sum_of_row = row_instruction(_themselves, 1, gives_number=True)
copy_of_row = row_instruction(_copy, 2)
add_row = row_instruction(_add, 2)


def _write_sum(builder, number, columns, arguments):
    *lines, factors, to = arguments
    emit_sum_of_lines(builder, number, columns, lines, factors, to)


def _write_largest(builder, number, columns, arguments):
    return emit_largest(builder, number, columns, *arguments)


if INTERPRETED:
    sum_of_lines, largest_of_row = interpreted.sum_of_lines, interpreted.largest_of_row
else:
    #: ``(like, columns, numbers)``: the largest number of a row.
    largest_of_row = _intrinsic(_write_largest, 1, has_factor=False, gives_number=True)
    #: ``(like, columns, n_lines, places, first, stride, factors, to)``: a sum of lines, each times
    #: a factor, in memory; see :func:`skrnn.kernels.units.emit_sum_of_lines`.
    sum_of_lines = _intrinsic(_write_sum, 6, has_factor=False, gives_number=False)
