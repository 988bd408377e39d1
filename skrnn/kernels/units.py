"""A register's worth of numbers of a row: loaded, worked on by formulas, stored.

An instruction of a kernel (a numba intrinsic) does this with up to so many numbers of a row as a
register has lanes. It gets addresses, because a slice of an array costs more than a short row.
"""

from llvmlite import ir
from numba.core import cgutils

from skrnn.kernels.vectors import VECTOR_BYTES, Registers, Vector, fma, larger

_I64 = ir.IntType(64)


class Units:
    """Some units of a row; `mask` says which of a register's lanes exist, None that all do."""

    def __init__(self, registers, mask):
        self.registers, self.mask = registers, mask
        self.addresses = registers.addresses

    def load(self, address):
        """What is in memory; zeros in lanes that do not exist."""
        return Vector(self.registers, self.registers.load(address, self.mask))

    def store(self, vector, address):
        self.registers.store(vector.value, address, self.mask)

    def copies(self, scalar):
        """A number in all lanes."""
        return Vector(self.registers, self.registers.splat(scalar))

    def sum(self, vector):
        """The sum of all lanes, as a number; it is zero where they do not exist."""
        return self.registers.sum(vector.value)


def emit(builder, ty, columns, body):
    """Run `body` on up to a register of `columns` units of a type; the number that it gives.

    The code is emitted twice, without a mask for full registers, because masked stores take many
    cycles where there is no AVX-512. Where there is, masks alone would make an LSTM's step forward
    5 % longer, and compiling 1 % shorter.
    """
    r, results = Registers(builder, ty), []
    is_full = builder.icmp_signed(">=", columns, columns.type(r.width))
    with builder.if_else(is_full) as (full, partial):
        for branch, mask in ((full, lambda: None), (partial, lambda: r.mask(columns, 0))):
            with branch:
                number = body(Units(r, mask()))
                results.append((number, builder.block))
    if results[0][0] is None:
        return None
    found = builder.phi(r.real)
    for number, block in results:
        found.add_incoming(number, block)
    return found


def _each_register(r, columns, run):
    """Run something with the number and the mask of each register of a row of units."""
    b = r.builder
    n_full = b.udiv(columns, ir.Constant(_I64, r.width))
    with cgutils.for_range(b, n_full) as loop:
        run(loop.index, None)
    n_left = b.urem(columns, ir.Constant(_I64, r.width))
    with b.if_then(b.icmp_signed(">", n_left, ir.Constant(_I64, 0))):
        run(n_full, r.mask(n_left, 0))


def emit_row(builder, ty, columns, addresses, body):
    """Run `body` on all `columns` units of rows at some addresses; the sum of what it gives.

    Registers are added up one after the other, and then the lanes of their sum.
    """
    r = Registers(builder, ty)
    total = cgutils.alloca_once_value(builder, ir.Constant(r.vector, None))

    def run(number, mask):
        at = builder.mul(number, ir.Constant(_I64, VECTOR_BYTES))
        value = body(Units(r, mask), *(builder.add(one, at) for one in addresses))
        if value is not None:
            builder.store(builder.fadd(builder.load(total), value.value), total)

    _each_register(r, columns, run)
    return r.sum(builder.load(total))


def emit_largest(builder, ty, columns, address):
    """The largest of the `columns` units of a row; those that are not numbers may be left out."""
    r = Registers(builder, ty)
    least = ir.Constant(r.vector, [float("-inf")] * r.width)
    top = cgutils.alloca_once_value(builder, least)

    def run(number, mask):
        at = builder.mul(number, ir.Constant(_I64, VECTOR_BYTES))
        units = Units(r, mask).load(builder.add(address, at))
        existing = Vector(r, r.where_it_exists(units.value, mask, least))
        builder.store(larger(existing, Vector(r, builder.load(top))).value, top)

    _each_register(r, columns, run)
    return r.largest(builder.load(top))


def emit_sum_of_lines(builder, ty, columns, lines, factors, to):
    """A row of `columns` units at `to`: the sum of lines, each times a factor, in their order.

    lines: how many, where their places stand (int64, from zero), the address of place zero, and
    the bytes of a place. The sum stays in a register, which a loop over lines for all units would
    have to store and load each time.
    """
    n_lines, places, first, stride = lines
    r = Registers(builder, ty)
    total = cgutils.alloca_once(builder, r.vector)

    def number(address, i, kind, size):
        place = builder.add(address, builder.mul(i, ir.Constant(_I64, size)))
        return builder.load(builder.inttoptr(place, kind.as_pointer()), align=size, typ=kind)

    def run(of_register, mask):
        at, units = builder.mul(of_register, ir.Constant(_I64, VECTOR_BYTES)), Units(r, mask)
        builder.store(ir.Constant(r.vector, None), total)
        with cgutils.for_range(builder, n_lines) as loop:
            place = builder.mul(number(places, loop.index, _I64, 8), stride)
            line = units.load(builder.add(builder.add(first, place), at))
            factor = units.copies(number(factors, loop.index, r.real, r.size))
            summed = fma(line, factor, Vector(r, builder.load(total)))
            builder.store(summed.value, total)
        units.store(Vector(r, builder.load(total)), builder.add(to, at))

    _each_register(r, columns, run)
