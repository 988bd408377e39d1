"""A register-blocked piece of a matrix product, as LLVM instructions on whole vectors.

No loop that LLVM vectorises by itself keeps the block in registers. On a Zen 5 core a
(16, 64) x (64, 256) float32 product runs at 255 GF/s with ``tile``, at 34 with plain loops and at
61 with OpenBLAS (examples/benchmarks/matrix_product.py).
"""

from functools import partial

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from skrnn.kernels import interpreted
from skrnn.kernels.jit import INTERPRETED
from skrnn.kernels.vectors import VECTOR_BYTES, Registers

#: Vectors side by side in a tile's row; one column panel is this many vectors wide.
VECTORS = 2
#: Rows of the largest tile: with its accumulators, a panel row and a broadcast it fills the
#: registers.
TILE_ROWS = 12 if VECTOR_BYTES == 64 else 6
#: Rows of the next smaller one, which takes what is left; the last rows go one by one.
SMALL_TILE_ROWS = 4
#: Bytes of a panel's row.
PANEL_BYTES = VECTORS * VECTOR_BYTES

_I64 = ir.IntType(64)


class _TileBuilder:
    """Emits the instructions of one tile: rows x VECTORS accumulators in registers."""

    def __init__(self, builder, ty, rows):
        self.builder, self.rows = builder, rows
        self.registers = Registers(builder, ty)
        self.zero = ir.Constant(self.registers.vector, None)

    def bytes(self, count):
        return self.builder.mul(count, ir.Constant(_I64, self.registers.size))

    def product(self, a, a_row, a_column, panel, depth):
        """The loop over the inner dimension; the accumulators behind it."""
        b, r, rows = self.builder, self.registers, range(self.rows)
        before = b.block
        loop, done = b.append_basic_block("depth"), b.append_basic_block("depth.done")
        b.cbranch(b.icmp_signed(">", depth, ir.Constant(_I64, 0)), loop, done)

        b.position_at_end(loop)
        k, a_k, panel_k = b.phi(_I64), b.phi(_I64), b.phi(_I64)
        sums = [[b.phi(r.vector) for _ in range(VECTORS)] for _ in rows]
        panel_row = [
            b.load(r.pointer(panel_k, v), align=r.size, typ=r.vector) for v in range(VECTORS)
        ]
        new = []
        for row, address in zip(sums, r.addresses(a_k, a_row, self.rows), strict=True):
            pointer = b.inttoptr(address, r.real.as_pointer())
            factor = r.splat(b.load(pointer, align=r.size, typ=r.real))
            new.append([r.call("fma", factor, panel_row[v], row[v]) for v in range(VECTORS)])
        k_next = b.add(k, ir.Constant(_I64, 1))
        for phi, start, following in (
            (k, ir.Constant(_I64, 0), k_next),
            (a_k, a, b.add(a_k, a_column)),
            (panel_k, panel, b.add(panel_k, ir.Constant(_I64, PANEL_BYTES))),
            *((sums[i][v], self.zero, new[i][v]) for i in rows for v in range(VECTORS)),
        ):
            phi.add_incoming(start, before)
            phi.add_incoming(following, loop)
        b.cbranch(b.icmp_signed("<", k_next, depth), loop, done)

        b.position_at_end(done)
        result = [[b.phi(r.vector) for _ in range(VECTORS)] for _ in rows]
        for i in rows:
            for v in range(VECTORS):
                result[i][v].add_incoming(self.zero, before)
                result[i][v].add_incoming(new[i][v], loop)
        return result

    def store(self, sums, c, c_row, columns, accumulate):
        b, r = self.builder, self.registers
        exists = [r.mask(columns, v * r.width) for v in range(VECTORS)]
        wanted = r.splat(b.icmp_signed("!=", accumulate, ir.Constant(_I64, 0)))
        for row, address in zip(sums, r.addresses(c, c_row, self.rows), strict=True):
            for v in range(VECTORS):
                place = r.pointer(address, v)
                old = r.load(place, b.and_(exists[v], wanted))
                r.store(b.fadd(row[v], old), place, exists[v])


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
    tile = partial(interpreted.tile, PANEL_BYTES)
