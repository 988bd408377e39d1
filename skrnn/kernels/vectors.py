"""A vector register of numbers, as a value that formulas are written with.

The formulas of a cell stand in its file once, as arithmetic on values. While a kernel is compiled
the values are :class:`Vector`, and arithmetic on them emits LLVM instructions on whole registers;
with the JIT off they are NumPy arrays. No loop is left to LLVM's vectoriser, because it checks at
the start of each loop which arrays overlap, and takes number by number what does not fill a
register, and a row of 16 or 50 units is too short for that. It made the forward pass of a GRU
(32, 20, 1, 16) go from 45 to 20 us.
"""

import numpy as np
from llvmlite import binding, ir
from numba import config, types


def _has(feature):
    """Whether code is compiled for a feature, by what is part of numba's cache key alone."""
    if config.CPU_FEATURES is None:
        return binding.get_host_cpu_features().get(feature, False)
    return f"+{feature}" in config.CPU_FEATURES.split(",")


#: Bytes of a vector register. Machine code from the cache was compiled for the same number.
VECTOR_BYTES = 64 if _has("avx512f") else 32 if _has("avx2") else 16
#: LLVM's names of the architecture, which is in the cache key too, are of Linux and of macOS.
IS_ARM64 = binding.get_process_triple().startswith(("aarch64", "arm64"))
#: Vector registers of the processor.
N_REGISTERS = 32 if VECTOR_BYTES == 64 or IS_ARM64 else 16
#: Whether an instruction can load and store some lanes of a register.
HAS_MASKS = VECTOR_BYTES > 16 or _has("avx")

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def declare(builder, name, result, arguments):
    """An LLVM intrinsic as a function of the module being built."""
    known = builder.module.globals.get(name)
    return known or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


class MaskedRegisters:
    """The vectors of one precision (a type of numba's), while a place in a kernel is compiled."""

    def __init__(self, builder, ty):
        self.builder = builder
        self.dtype = np.dtype(np.float32 if ty == types.float32 else np.float64)
        self.real = ir.FloatType() if ty == types.float32 else ir.DoubleType()
        self.size = self.dtype.itemsize
        self.width = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(self.real, self.width)
        self.integer = ir.VectorType(ir.IntType(8 * self.size), self.width)
        self.zero = ir.Constant(self.vector, None)
        self.name = f"v{self.width}f{8 * self.size}"

    def constant(self, number):
        return Vector(self, ir.Constant(self.vector, [float(self.dtype.type(number))] * self.width))

    def integers(self, number):
        return ir.Constant(self.integer, [number] * self.width)

    def splat(self, scalar):
        """A vector of copies of a scalar."""
        b = self.builder
        undefined = ir.Constant(ir.VectorType(scalar.type, self.width), ir.Undefined)
        lanes = ir.Constant(ir.VectorType(_I32, self.width), [0] * self.width)
        one = b.insert_element(undefined, scalar, ir.Constant(_I32, 0))
        return b.shuffle_vector(one, one, lanes)

    def sum(self, vector):
        """The sum of a vector's lanes, in halves: quick, and always in the same order."""
        return self._in_halves(vector, self.builder.fadd)

    def largest(self, vector):
        """The largest of a vector's lanes."""
        b = self.builder
        return self._in_halves(vector, lambda a, c: b.select(b.fcmp_ordered(">", a, c), a, c))

    def _in_halves(self, vector, join):
        b, width = self.builder, self.width
        while width > 1:
            width //= 2
            halves = [
                b.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(_I32, width), lanes))
                for lanes in (list(range(width)), list(range(width, 2 * width)))
            ]
            vector = join(*halves)
        return b.extract_element(vector, ir.Constant(_I32, 0))

    def mask(self, columns, first):
        """Which lanes exist of the vector that starts at column `first` of so many columns."""
        lanes = ir.VectorType(_I32, self.width)
        numbers = ir.Constant(lanes, list(range(first, first + self.width)))
        limit = self.splat(self.builder.trunc(columns, _I32))
        return self.builder.icmp_signed("<", numbers, limit)

    def addresses(self, first, stride, n):
        """So many addresses, `stride` bytes apart."""
        addresses = [first]
        while len(addresses) < n:
            addresses.append(self.builder.add(addresses[-1], stride))
        return addresses

    def pointer(self, address, kind=None):
        """Pointer to the vector at an address, or to another type."""
        return self.builder.inttoptr(address, (kind or self.vector).as_pointer())

    def number(self, address):
        """The one number at an address."""
        return self.builder.load(self.pointer(address, self.real), align=self.size, typ=self.real)

    def call(self, operation, *values):
        function = declare(
            self.builder, f"llvm.{operation}.{self.name}", self.vector, [self.vector] * len(values)
        )
        return self.builder.call(function, values)

    def load(self, address, mask=None):
        """What is in memory, of all lanes or those that exist; zeros in the others."""
        b, pointer = self.builder, self.pointer(address)
        if mask is None:
            return b.load(pointer, align=self.size, typ=self.vector)
        load = declare(
            b, f"llvm.masked.load.{self.name}.p0", self.vector,
            [pointer.type, _I32, mask.type, self.vector],
        )  # fmt: skip
        return b.call(load, [pointer, ir.Constant(_I32, self.size), mask, self.zero])

    def where_it_exists(self, value, mask, otherwise):
        """A value in lanes that exist, another one in the others."""
        return value if mask is None else self.builder.select(mask, value, otherwise)

    def store(self, value, address, mask=None):
        """To memory, all lanes or those that exist."""
        b, pointer = self.builder, self.pointer(address)
        if mask is None:
            b.store(value, pointer, align=self.size)
            return
        store = declare(
            b, f"llvm.masked.store.{self.name}.p0", ir.VoidType(),
            [self.vector, pointer.type, _I32, mask.type],
        )  # fmt: skip
        b.call(store, [value, pointer, ir.Constant(_I32, self.size), mask])


class UnmaskedRegisters(MaskedRegisters):
    """Where no instruction takes a mask, LLVM would make a branch for each lane.

    Instead, a lane that does not exist is taken to be where the row begins: it is loaded from
    there and dropped, and what it stores there is overwritten, because the row's first number is
    stored last.
    """

    def mask(self, columns, first):
        """Which lanes exist, and how many bytes each is behind the first one's address."""
        b, offsets = self.builder, []
        for lane in range(self.width):
            exists = b.icmp_signed(">", columns, columns.type(first + lane))
            offsets.append(b.select(exists, _I64(lane * self.size), _I64(-first * self.size)))
        return super().mask(columns, first), offsets

    def load(self, address, mask=None):
        if mask is None:
            return super().load(address)
        (exists, offsets), value = mask, self.zero
        for lane, offset in enumerate(offsets):
            number = self.number(self.builder.add(address, offset))
            value = self.builder.insert_element(value, number, _I32(lane))
        return self.builder.select(exists, value, self.zero)

    def where_it_exists(self, value, mask, otherwise):
        return super().where_it_exists(value, mask and mask[0], otherwise)

    def store(self, value, address, mask=None):
        if mask is None:
            super().store(value, address)
            return
        b, (_, offsets) = self.builder, mask
        for lane in reversed(range(self.width)):
            place = self.pointer(b.add(address, offsets[lane]), self.real)
            b.store(b.extract_element(value, _I32(lane)), place, align=self.size)


Registers = MaskedRegisters if HAS_MASKS else UnmaskedRegisters


class Vector:
    """A value in a register: arithmetic on it emits instructions."""

    __array_ufunc__ = None  # numbers of numpy on the left leave the work to this class

    def __init__(self, registers, value):
        self.registers, self.value = registers, value

    @property
    def dtype(self):
        return self.registers.dtype

    def _other(self, x):
        return x if isinstance(x, Vector) else self.registers.constant(x)

    def _build(self, operation, *operands):
        return Vector(self.registers, operation(*(operand.value for operand in operands)))

    def __add__(self, x):
        return self._build(self.registers.builder.fadd, self, self._other(x))

    def __radd__(self, x):
        return self._other(x) + self

    def __sub__(self, x):
        return self._build(self.registers.builder.fsub, self, self._other(x))

    def __rsub__(self, x):
        return self._other(x) - self

    def __mul__(self, x):
        return self._build(self.registers.builder.fmul, self, self._other(x))

    def __rmul__(self, x):
        return self._other(x) * self

    def __truediv__(self, x):
        return self._build(self.registers.builder.fdiv, self, self._other(x))

    def __neg__(self):
        return self._build(self.registers.builder.fneg, self)

    def call(self, operation, *others):
        """The LLVM intrinsic of that name, as ``fabs``."""
        others = map(self._other, others)
        values = (operand.value for operand in (self, *others))
        return Vector(self.registers, self.registers.call(operation, *values))

    def where_above(self, limit, above, otherwise):
        b = self.registers.builder
        is_above = b.fcmp_ordered(">", self.value, self._other(limit).value)
        chosen = b.select(is_above, self._other(above).value, self._other(otherwise).value)
        return Vector(self.registers, chosen)

    def power_of_two(self, mantissa, bias):
        r, b = self.registers, self.registers.builder
        bits = b.shl(b.bitcast(self.value, r.integer), r.integers(mantissa))
        return Vector(r, b.bitcast(b.add(bits, r.integers(bias << mantissa)), r.vector))


# Functions that formulas may call, for registers and for NumPy arrays.


def fma(a, b, c):
    """``a * b + c``, rounded once."""
    return a.call("fma", b, c) if isinstance(a, Vector) else a * b + c


def absolute(x):
    return x.call("fabs") if isinstance(x, Vector) else np.abs(x)


def with_sign(x, sign):
    """`x` with the sign of `sign`."""
    return x.call("copysign", sign) if isinstance(x, Vector) else np.copysign(x, sign)


def where_above(x, limit, above, otherwise):
    """`above` where ``x > limit``, else `otherwise`, also where x is nan."""
    if isinstance(x, Vector):
        return x.where_above(limit, above, otherwise)
    return np.where(x > limit, above, otherwise)


def larger(one, other):
    """The larger one of two, lane by lane."""
    return where_above(one, other, one, other)


def smaller(one, other):
    """The smaller one of two, lane by lane."""
    return where_above(other, one, one, other)


def power_of_two(shifted):
    """``2**k`` for ``shifted = k + 1.5 * 2**m``, m bits of mantissa: k is in the lowest bits."""
    mantissa, bias = (23, 127) if shifted.dtype.itemsize == 4 else (52, 1023)
    if isinstance(shifted, Vector):
        return shifted.power_of_two(mantissa, bias)
    return np.exp2(shifted - shifted.dtype.type(1.5 * 2.0**mantissa))
