"""tanh and the logistic function as formulas on vectors (:mod:`skrnn.kernels.vectors`).

libm's tanh takes one number at a time. This one (equations 5 to 8 of docs/mathematics.md) is
branch-free: ``tanh|x| = e / (e + 2)`` with ``e = expm1(2|x|)``, which loses no digits near zero.
"""

from math import factorial
from typing import NamedTuple

import numpy as np

from skrnn.kernels.vectors import absolute, fma, power_of_two, where_above, with_sign

_INVERSE_LN2 = 1.4426950408889634


class _Precision(NamedTuple):
    """Constants. ln 2 comes in two parts: k times the high part is exact, the low has the rest."""

    ln2_high: float
    ln2_low: float
    shift: float  # k + shift has k in its lowest bits, rounded to nearest
    limit: float  # beyond it 1 - tanh is under half a unit in the last place
    degree: int  # of the polynomial for expm1


_PRECISIONS = {
    np.dtype(np.float32): _Precision(0.693359375, -2.12194440e-4, 1.5 * 2.0**23, 9.02, 7),
    np.dtype(np.float64): _Precision(
        6.93147180369123816490e-01, 1.90821492927058770002e-10, 1.5 * 2.0**52, 19.07, 13
    ),
}


def tanh(x):
    """Hyperbolic tangent of a Vector or an array, in its own precision."""
    p = _PRECISIONS[x.dtype]
    a = absolute(x)
    a = where_above(a, p.limit, p.limit, a)  # keeps nan
    y = a + a
    shifted = fma(y, _INVERSE_LN2, p.shift)
    k = shifted - p.shift
    r = fma(k, -p.ln2_high, y)
    r = fma(k, -p.ln2_low, r)
    q = fma(r, 1.0 / factorial(p.degree), 1.0 / factorial(p.degree - 1))
    for n in range(p.degree - 2, 1, -1):
        q = fma(r, q, 1.0 / factorial(n))
    q = fma(r * r, q, r)
    s = power_of_two(shifted)
    e = fma(s, q, s - 1.0)
    return with_sign(e / (e + 2.0), x)


def logistic_of_twice(t):
    """``(1 + t) / 2``: the logistic function of twice the argument whose tanh t is."""
    return fma(t, 0.5, 0.5)


def logistic(x):
    """``1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2``, in the precision of x."""
    return logistic_of_twice(tanh(x * 0.5))
