"""The few machine operations Python has no word for, as LLVM instructions.

``fma``, ``copysign`` and ``power_of_two`` are scalar here and become vector instructions in the
loops that call them. ``tile`` is a register-blocked piece of a matrix product, written with
explicit vectors because no loop that LLVM vectorises by itself keeps the block in registers:
measured on a Zen 5 core, a (16, 64) x (64, 256) float32 product runs at 255 GF/s with ``tile``, at
34 with plain loops and at 61 with OpenBLAS (examples/benchmarks/matrix_product.py).

With the JIT off each has a plain twin of the same meaning.
"""

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

from skrnn.kernels.jit import INTERPRETED

_FEATURES = binding.get_host_cpu_features()

#: Bytes of one vector register. numba keys its cache by the CPU, so the choice never travels.
VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
#: Vectors side by side in a tile's row; one column panel is this many vectors wide.
VECTORS = 2
#: Rows of the largest tile: with its accumulators, a panel row and a broadcast it fills the
#: registers.
TILE_ROWS = 12 if VECTOR_BYTES == 64 else 6
#: Of the next smaller one, for what is left; what is left then goes row by row.
SMALL_TILE_ROWS = 4
#: Columns of a panel, by the size of an element in bytes.
PANEL_BYTES = VECTORS * VECTOR_BYTES

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _float_type(ty):
    return (ir.FloatType(), 4) if ty == types.float32 else (ir.DoubleType(), 8)


def _declare(builder, name, result, arguments):
    """An LLVM intrinsic as a function of the module being built."""
    known = builder.module.globals.get(name)
    return known or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


def _scalar_operation(name, n_arguments):
    def operation(typingctx, *arguments):
        ty = arguments[0]
        if any(a != ty for a in arguments) or ty not in (types.float32, types.float64):
            return None

        def codegen(context, builder, signature, values):
            real, size = _float_type(ty)
            full = f"{name}.f{8 * size}"
            return builder.call(_declare(builder, full, real, [real] * n_arguments), values)

        return ty(*[ty] * n_arguments), codegen

    return operation


@intrinsic
def fma(typingctx, a, b, c):
    """``a * b + c``, rounded once."""
    return _scalar_operation("llvm.fma", 3)(typingctx, a, b, c)


@intrinsic
def copysign(typingctx, magnitude, sign):
    """`magnitude` with the sign of `sign`."""
    return _scalar_operation("llvm.copysign", 2)(typingctx, magnitude, sign)


@intrinsic
def power_of_two(typingctx, shifted):
    """``2**k`` for ``shifted = k + 1.5 * 2**m``, m bits of mantissa: k is in the lowest bits."""
    if shifted not in (types.float32, types.float64):
        return None

    def codegen(context, builder, signature, values):
        real, size = _float_type(shifted)
        integer = ir.IntType(8 * size)
        mantissa, bias = (23, 127) if size == 4 else (52, 1023)
        bits = builder.bitcast(values[0], integer)
        exponent = builder.shl(bits, ir.Constant(integer, mantissa))
        one = ir.Constant(integer, bias << mantissa)
        return builder.bitcast(builder.add(exponent, one), real)

    return shifted(shifted), codegen


class _TileBuilder:
    """Emits the instructions of one tile: rows x VECTORS accumulators in registers."""

    def __init__(self, builder, ty, rows):
        self.builder, self.rows = builder, rows
        self.real, self.size = _float_type(ty)
        self.width = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(self.real, self.width)
        self.name = f"v{self.width}f{8 * self.size}"
        self.zero = ir.Constant(self.vector, None)

    def bytes(self, count):
        return self.builder.mul(count, ir.Constant(_I64, self.size))

    def at(self, address, vectors):
        """Pointer to the vector that many vectors behind `address`."""
        step = ir.Constant(_I64, vectors * VECTOR_BYTES)
        return self.builder.inttoptr(self.builder.add(address, step), self.vector.as_pointer())

    def splat(self, scalar):
        b = self.builder
        first = ir.Constant(_I32, 0)
        undefined = ir.Constant(ir.VectorType(scalar.type, self.width), ir.Undefined)
        lanes = ir.Constant(ir.VectorType(_I32, self.width), [0] * self.width)
        one = b.insert_element(undefined, scalar, first)
        return b.shuffle_vector(one, one, lanes)

    def row_addresses(self, address, stride):
        addresses = [address]
        for _ in range(self.rows - 1):
            addresses.append(self.builder.add(addresses[-1], stride))
        return addresses

    def product(self, a, a_row, a_column, panel, depth):
        """The loop over the inner dimension; the accumulators behind it."""
        b, rows = self.builder, range(self.rows)
        fma = _declare(b, f"llvm.fma.{self.name}", self.vector, [self.vector] * 3)
        before = b.block
        loop, done = b.append_basic_block("depth"), b.append_basic_block("depth.done")
        b.cbranch(b.icmp_signed(">", depth, ir.Constant(_I64, 0)), loop, done)

        b.position_at_end(loop)
        k, a_k, panel_k = b.phi(_I64), b.phi(_I64), b.phi(_I64)
        sums = [[b.phi(self.vector) for _ in range(VECTORS)] for _ in rows]
        panel_row = [
            b.load(self.at(panel_k, v), align=self.size, typ=self.vector) for v in range(VECTORS)
        ]
        new = []
        for r, address in enumerate(self.row_addresses(a_k, a_row)):
            pointer = b.inttoptr(address, self.real.as_pointer())
            factor = self.splat(b.load(pointer, align=self.size, typ=self.real))
            new.append([b.call(fma, [factor, panel_row[v], sums[r][v]]) for v in range(VECTORS)])
        k_next = b.add(k, ir.Constant(_I64, 1))
        for phi, start, following in (
            (k, ir.Constant(_I64, 0), k_next),
            (a_k, a, b.add(a_k, a_column)),
            (panel_k, panel, b.add(panel_k, ir.Constant(_I64, PANEL_BYTES))),
            *((sums[r][v], self.zero, new[r][v]) for r in rows for v in range(VECTORS)),
        ):
            phi.add_incoming(start, before)
            phi.add_incoming(following, loop)
        b.cbranch(b.icmp_signed("<", k_next, depth), loop, done)

        b.position_at_end(done)
        result = [[b.phi(self.vector) for _ in range(VECTORS)] for _ in rows]
        for r in rows:
            for v in range(VECTORS):
                result[r][v].add_incoming(self.zero, before)
                result[r][v].add_incoming(new[r][v], loop)
        return result

    def masks(self, columns):
        """A lane mask per vector: only the first `columns` columns of a tile exist in memory."""
        limit = self.splat(self.builder.trunc(columns, _I32))
        lanes = ir.VectorType(_I32, self.width)
        first = [v * self.width for v in range(VECTORS)]
        numbers = [ir.Constant(lanes, list(range(n, n + self.width))) for n in first]
        return [self.builder.icmp_signed("<", n, limit) for n in numbers]

    def store(self, sums, c, c_row, columns, accumulate):
        b = self.builder
        pointer, mask = self.vector.as_pointer(), ir.VectorType(ir.IntType(1), self.width)
        load = _declare(
            b, f"llvm.masked.load.{self.name}.p0", self.vector, [pointer, _I32, mask, self.vector]
        )
        store = _declare(
            b,
            f"llvm.masked.store.{self.name}.p0",
            ir.VoidType(),
            [self.vector, pointer, _I32, mask],
        )
        exists = self.masks(columns)
        wanted = self.splat(b.icmp_signed("!=", accumulate, ir.Constant(_I64, 0)))
        align = ir.Constant(_I32, self.size)
        for r, address in enumerate(self.row_addresses(c, c_row)):
            for v in range(VECTORS):
                place = self.at(address, v)
                old = b.call(load, [place, align, b.and_(exists[v], wanted), self.zero])
                b.call(store, [b.fadd(sums[r][v], old), place, align, exists[v]])


@intrinsic
def tile(typingctx, rows, like, a, a_row, a_column, panel, depth, c, c_row, columns, accumulate):
    """``c = a @ panel`` (or ``c += ...``) for a block of `rows` rows and one panel's columns.

    `rows` is a literal, `like` any array of the element type. Addresses are integers; strides count
    elements. Each element of c is one chain of fused multiply-adds over the inner dimension, in
    order, whatever `rows` is: a row's bits do not depend on its neighbours.
    """
    if not isinstance(rows, types.IntegerLiteral):
        return None
    n_rows, ty = rows.literal_value, like.dtype

    def codegen(context, builder, signature, values):
        _, _, a, a_row, a_column, panel, depth, c, c_row, columns, accumulate = values
        t = _TileBuilder(builder, ty, n_rows)
        sums = t.product(a, t.bytes(a_row), t.bytes(a_column), panel, depth)
        t.store(sums, c, t.bytes(c_row), columns, accumulate)
        return context.get_dummy_value()

    return types.void(rows, like, *[types.intp] * 9), codegen


if INTERPRETED:

    def fma(a, b, c):
        return a * b + c

    def copysign(magnitude, sign):
        return np.copysign(magnitude, sign)

    def power_of_two(shifted):
        offset = type(shifted)(1.5 * 2.0 ** (23 if isinstance(shifted, np.float32) else 52))
        return np.exp2(shifted - offset)
