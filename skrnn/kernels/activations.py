"""tanh and the logistic function, written so that LLVM turns a loop over them into vector code.

libm's tanh is a scalar call. This one (equations 5 to 8 of docs/mathematics.md) is branch-free:
``tanh|x| = e / (e + 2)`` with ``e = expm1(2|x|)``, which loses no digits near zero.
"""

import numpy as np
from numba import types
from numba.extending import overload

from skrnn.kernels.jit import kernel
from skrnn.kernels.simd import copysign, fma, power_of_two

_f = np.float32

# ln 2 in two parts: k times the high part is exact, the low part carries the rest.
_LN2_HIGH32, _LN2_LOW32 = _f(0.693359375), _f(-2.12194440e-4)
_LN2_HIGH64, _LN2_LOW64 = (
    np.float64(6.93147180369123816490e-01),
    np.float64(1.90821492927058770002e-10),
)
_INVERSE_LN2_32, _INVERSE_LN2_64 = _f(1.4426950408889634), np.float64(1.4426950408889634)
# k + SHIFT has k in its lowest bits, rounded to nearest.
_SHIFT32, _SHIFT64 = _f(1.5 * 2.0**23), np.float64(1.5 * 2.0**52)
# Beyond these 1 - tanh is under half a unit in the last place.
_LIMIT32, _LIMIT64 = _f(9.02), np.float64(19.07)
_ONE32, _TWO32, _HALF32 = _f(1.0), _f(2.0), _f(0.5)
# 1 / n! of the series of expm1, from the seventh down.
_C32 = tuple(_f(1.0 / c) for c in (5040, 720, 120, 24, 6))


@kernel
def _tanh32(x):
    a = copysign(x, _ONE32)
    a = _LIMIT32 if a > _LIMIT32 else a  # keeps nan
    y = a + a
    shifted = fma(y, _INVERSE_LN2_32, _SHIFT32)
    k = shifted - _SHIFT32
    r = fma(-k, _LN2_HIGH32, y)
    r = fma(-k, _LN2_LOW32, r)
    q = fma(r, _C32[0], _C32[1])
    q = fma(r, q, _C32[2])
    q = fma(r, q, _C32[3])
    q = fma(r, q, _C32[4])
    q = fma(r, q, _HALF32)
    p = fma(r * r, q, r)
    s = power_of_two(shifted)
    e = fma(s, p, s - _ONE32)
    return copysign(e / (e + _TWO32), x)


@kernel
def _tanh64(x):
    a = copysign(x, 1.0)
    a = _LIMIT64 if a > _LIMIT64 else a  # keeps nan
    y = a + a
    shifted = fma(y, _INVERSE_LN2_64, _SHIFT64)
    k = shifted - _SHIFT64
    r = fma(-k, _LN2_HIGH64, y)
    r = fma(-k, _LN2_LOW64, r)
    q = fma(r, 1.0 / 6227020800.0, 1.0 / 479001600.0)
    q = fma(r, q, 1.0 / 39916800.0)
    q = fma(r, q, 1.0 / 3628800.0)
    q = fma(r, q, 1.0 / 362880.0)
    q = fma(r, q, 1.0 / 40320.0)
    q = fma(r, q, 1.0 / 5040.0)
    q = fma(r, q, 1.0 / 720.0)
    q = fma(r, q, 1.0 / 120.0)
    q = fma(r, q, 1.0 / 24.0)
    q = fma(r, q, 1.0 / 6.0)
    q = fma(r, q, 0.5)
    p = fma(r * r, q, r)
    s = power_of_two(shifted)
    e = fma(s, p, s - 1.0)
    return copysign(e / (e + 2.0), x)


@kernel
def _logistic32(x):
    return fma(_HALF32, _tanh32(_HALF32 * x), _HALF32)


@kernel
def _logistic64(x):
    return fma(0.5, _tanh64(0.5 * x), 0.5)


def tanh(x):
    """Hyperbolic tangent of a float32 or float64, in its own precision."""
    return _tanh32(x) if isinstance(x, np.float32) else _tanh64(np.float64(x))


def logistic(x):
    """``1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2``, in the precision of x."""
    return _logistic32(x) if isinstance(x, np.float32) else _logistic64(np.float64(x))


@overload(tanh)
def _tanh(x):
    if x == types.float32:
        return lambda x: _tanh32(x)
    return lambda x: _tanh64(x)


@overload(logistic)
def _logistic(x):
    if x == types.float32:
        return lambda x: _logistic32(x)
    return lambda x: _logistic64(x)
