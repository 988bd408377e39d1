"""Instructions of a kernel that do a body of formulas on up to a register of numbers of a row."""

from inspect import Parameter, Signature

import numpy as np
from numba import types
from numba.extending import intrinsic

from skrnn.kernels import interpreted
from skrnn.kernels.jit import INTERPRETED
from skrnn.kernels.units import emit
from skrnn.kernels.vectors import fma


def instruction(body, n_addresses, has_factor=False, gives_number=False):
    """An intrinsic ``(like, columns, addresses, factor)``: `body` on up to a register of units.

    `like` is any array of the elements' type, `columns` says how many units are left.
    """

    @np.errstate(all="ignore")  # instructions give no warnings
    def interpret(like, columns, *arguments):
        return body(interpreted.Units(like.dtype, columns), *arguments)

    def typed(typingctx, like, columns, *arguments):
        number = like.dtype
        result = number if gives_number else types.void
        signature = result(like, *[types.intp] * (1 + n_addresses), *[number] * has_factor)

        def codegen(context, builder, signature, values):
            _, columns, *arguments = values
            found = emit(builder, number, columns, lambda units: body(units, *arguments))
            return context.get_dummy_value() if found is None else found

        return signature, codegen

    names = ["typingctx", "like", "columns", *(f"a{i}" for i in range(n_addresses + has_factor))]
    # numba wants each argument by a name.
    typed.__signature__ = Signature([Parameter(one, Parameter.POSITIONAL_ONLY) for one in names])
    return interpret if INTERPRETED else intrinsic(typed)


def _add_multiple(units, of, to, factor):
    units.store(fma(units.load(of), units.copies(factor), units.load(to)), to)


def _dot(units, one, other):
    return units.sum(units.load(one) * units.load(other))


add_multiple = instruction(_add_multiple, 2, has_factor=True)
dot = instruction(_dot, 2, gives_number=True)
