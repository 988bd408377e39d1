"""tanh and the logistic function as formulas on vectors (:mod:`skrnn.kernels.vectors`).

libm's tanh takes one number at a time. This one (equations 5 to 8 of docs/mathematics.md) is
branch-free: ``tanh|x| = e / (e + 1)`` with ``e = expm1(2|x|) / 2``, which loses no digits near
zero. It takes 2.0 ns for a register and is wrong by up to 2.2 units in the last place (float32). A
rational approximation would take 1.7 ns, but be wrong by up to 4.7 units.
"""

from math import factorial
from typing import NamedTuple

import numpy as np

from skrnn.kernels.vectors import absolute, fma, power_of_two, where_above, with_sign

_TWICE_INVERSE_LN2 = 2.885390081777927


class _Precision(NamedTuple):
    """Constants of a precision."""

    half_ln2: tuple  # its parts: k times the first is exact, or near enough, the next has the rest
    shift: float  # k + shift has k in its lowest bits, rounded to nearest
    limit: float  # beyond it 1 - tanh is under half a unit in the last place
    lowest: float  # below it exp has no number of full precision
    polynomial: tuple  # (expm1(2 h) / 2 - h) / h**2 for |h| <= ln(2) / 4, highest power first


_PRECISIONS = {
    # The polynomial whose largest error is smallest: 1.3e-8.
    np.dtype(np.float32): _Precision(
        (0.34657359027997264,),
        1.5 * 2.0**23,
        9.02,
        -87.0,
        (0.044424068994, 0.133864330915, 0.333337598894, 0.666661744809, 0.999999963081),
    ),
    # Taylor's series.
    np.dtype(np.float64): _Precision(
        (3.46573590184561908245e-01, 9.5410746463529385001e-11),
        1.5 * 2.0**52,
        19.07,
        -708.0,
        tuple(2.0 ** (n - 1) / factorial(n) for n in range(13, 1, -1)),
    ),
}


def tanh(x):
    """Hyperbolic tangent of a Vector or an array, in its own precision."""
    p = _PRECISIONS[x.dtype]
    a = absolute(x)
    a = where_above(a, p.limit, p.limit, a)  # keeps nan
    s, e = _reduced(a, p)
    e = fma(s, e, fma(s, 0.5, -0.5))
    return with_sign(e / (e + 1.0), x)


def exp_to_one(x):
    """exp of a Vector or an array of numbers that are zero or less (equation 98)."""
    p = _PRECISIONS[x.dtype]
    a = where_above(-x, -p.lowest, p.lowest, x)  # keeps nan
    s, e = _reduced(a * 0.5, p)
    return fma(s * 2.0, e, s)


def exp_in_parts(x):
    """exp of a Vector or an array, however large or small: ``m 2**k``, m and k (equation 131).

    k is a whole number, and m lies between the root of a half and that of two.
    """
    p = _PRECISIONS[x.dtype]
    shifted, e = _parts(x * 0.5, p)
    return fma(e, 2.0, 1.0), shifted - p.shift


def _reduced(a, p):
    """``exp(2 a) = s * (1 + 2 e)``: s, a power of two, and e (equations 6 and 7)."""
    shifted, e = _parts(a, p)
    return power_of_two(shifted), e


def _parts(a, p):
    """``exp(2 a) = 2**k * (1 + 2 e)``: k, shifted, and e."""
    shifted = fma(a, _TWICE_INVERSE_LN2, p.shift)
    k, h = shifted - p.shift, a
    for part in p.half_ln2:
        h = fma(k, -part, h)
    q = p.polynomial[0]
    for coefficient in p.polynomial[1:]:
        q = fma(h, q, coefficient)
    return shifted, fma(h * h, q, h)


def logistic_of_twice(t):
    """``(1 + t) / 2``: the logistic function of twice the argument whose tanh t is."""
    return fma(t, 0.5, 0.5)


def logistic(x):
    """``1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2``, in the precision of x."""
    return logistic_of_twice(tanh(x * 0.5))
