"""Rounding of what a network is to learn."""

import numpy as np


def rounded(x):
    """x to 16 bits. Training multiplies differences, and those of round-off must not be learnt."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 2.0**16) / 2.0**16, exponent)
