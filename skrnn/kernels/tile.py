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
from skrnn.kernels.vectors import IS_ARM64, N_REGISTERS, VECTOR_BYTES, Registers, declare

#: Vectors side by side in a tile's row; one column panel is this many vectors wide.
VECTORS = 2
#: Rows of the largest tile. Its accumulators are three quarters of the registers; a panel's row and
#: the numbers that multiply it take of the rest.
TILE_ROWS = N_REGISTERS * 3 // 4 // VECTORS
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

    def bytes(self, count):
        return self.builder.mul(count, _I64(self.registers.size))

    def of_vectors(self, address):
        """Addresses of the vectors of a row."""
        return self.registers.addresses(address, _I64(VECTOR_BYTES), VECTORS)

    def order(self):
        """The rows in the order in which they load their factors, on arm64 from both ends in turn.

        At equal distances LLVM would add the distance to each address for the next, a chain that
        takes longer than the multiply-adds. Distances that differ it keeps in registers.
        """
        rows = range(self.rows)
        return sorted(rows, key=lambda i: min(i, self.rows - 1 - i)) if IS_ARM64 else rows

    def factor(self, address):
        """Copies of the number at an address.

        A multiply-add of arm64 takes a factor from one lane of a register. LLVM would rather load
        copies, for which the processor needs half as much of its time for arithmetic again; a fence
        keeps load and copies apart.
        """
        r, number = self.registers, self.registers.number(address)
        if IS_ARM64:
            fence = f"llvm.arithmetic.fence.f{8 * r.size}"
            number = self.builder.call(declare(self.builder, fence, r.real, [r.real]), [number])
        return r.splat(number)

    def product(self, a, a_row, a_column, panel, depth):
        """The loop over the inner dimension; the accumulators behind it."""
        b, r, rows = self.builder, self.registers, range(self.rows)
        before = b.block
        loop, done = b.append_basic_block("depth"), b.append_basic_block("depth.done")
        b.cbranch(b.icmp_signed(">", depth, _I64(0)), loop, done)

        b.position_at_end(loop)
        k, a_k, panel_k = b.phi(_I64), b.phi(_I64), b.phi(_I64)
        sums = [[b.phi(r.vector) for _ in range(VECTORS)] for _ in rows]
        panel_row = [r.load(address) for address in self.of_vectors(panel_k)]
        addresses, new = r.addresses(a_k, a_row, self.rows), {}
        for i in self.order():
            factor = self.factor(addresses[i])
            new[i] = [r.call("fma", factor, panel_row[v], sums[i][v]) for v in range(VECTORS)]
        k_next = b.add(k, _I64(1))
        for phi, start, following in (
            (k, _I64(0), k_next),
            (a_k, a, b.add(a_k, a_column)),
            (panel_k, panel, b.add(panel_k, _I64(PANEL_BYTES))),
            *((sums[i][v], r.zero, new[i][v]) for i in rows for v in range(VECTORS)),
        ):
            phi.add_incoming(start, before)
            phi.add_incoming(following, loop)
        b.cbranch(b.icmp_signed("<", k_next, depth), loop, done)

        b.position_at_end(done)
        result = [[b.phi(r.vector) for _ in range(VECTORS)] for _ in rows]
        for i in rows:
            for v in range(VECTORS):
                result[i][v].add_incoming(r.zero, before)
                result[i][v].add_incoming(new[i][v], loop)
        return result

    def store(self, sums, c, c_row, columns, accumulate):
        """All columns of a panel, or as many as there are, with masks.

        With AVX-512 a mask costs nothing, and the code for both would take 0.1 s to compile.
        """
        b, r = self.builder, self.registers
        wanted = r.splat(b.icmp_signed("!=", accumulate, _I64(0)))
        if VECTOR_BYTES == 64:
            self._store_rows(sums, c, c_row, wanted, self._masks(columns))
            return
        is_full = b.icmp_signed(">=", columns, _I64(VECTORS * r.width))
        with b.if_else(is_full) as (full, partial):
            with full:
                self._store_rows(sums, c, c_row, wanted, [None] * VECTORS)
            with partial:
                self._store_rows(sums, c, c_row, wanted, self._masks(columns))

    def _masks(self, columns):
        return [self.registers.mask(columns, v * self.registers.width) for v in range(VECTORS)]

    def _store_rows(self, sums, c, c_row, wanted, masks):
        b, r = self.builder, self.registers
        for row, address in zip(sums, r.addresses(c, c_row, self.rows), strict=True):
            places = self.of_vectors(address)
            old = [r.load(place, mask) for place, mask in zip(places, masks, strict=True)]
            for v in reversed(range(VECTORS)):  # a row's first number last: UnmaskedRegisters
                new = b.fadd(row[v], b.select(wanted, old[v], r.zero))
                r.store(new, places[v], masks[v])


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
