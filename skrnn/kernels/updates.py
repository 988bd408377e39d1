"""One update of the flat parameter vector (equations 48, 49 and 58 to 64).

`parts` (n_parts, 2) are the first places, and those behind the last, of what an update touches: the
whole vector, or of a table the rows that a batch has read, and all behind the table.
"""

import math

import numpy as np

from skrnn.kernels.jit import kernel


@kernel
def add_penalty(theta, penalised, strength, gradient):
    """Add the gradient of ``strength / 2 * sum(theta[penalised]**2)``; that value.

    penalised (N,): one for weights, zero for biases, in theta's type.
    """
    total = 0.0
    for p in range(theta.shape[0]):
        weight = penalised[p] * theta[p]
        gradient[p] += strength * weight
        total += np.float64(weight) * np.float64(weight)
    return 0.5 * strength * total


@kernel
def norm(gradient, parts):
    """Euclidean norm, summed in a fixed order in double precision."""
    total = 0.0
    for q in range(parts.shape[0]):
        for p in range(parts[q, 0], parts[q, 1]):
            total += np.float64(gradient[p]) * np.float64(gradient[p])
    return math.sqrt(total)


@kernel
def toward(theta, average, parts, shares):
    """Move an average (N,) towards theta, by a share (n_parts,) of the way in each part."""
    for q in range(parts.shape[0]):
        share = shares[q]
        for p in range(parts[q, 0], parts[q, 1]):
            average[p] += share * (theta[p] - average[p])


@kernel
def adam(theta, gradient, first, second, parts, factors):
    """One step of Adam (Kingma and Ba, 2015); first and second are the running moments (N,).

    factors, a tuple of floats: the gradient's factor (clipping), beta_1, beta_2, ``lr / (1 -
    beta_1**t)``, ``1 / sqrt(1 - beta_2**t)``, epsilon.
    """
    real = theta.dtype.type
    shrink, beta_1, beta_2 = real(factors[0]), real(factors[1]), real(factors[2])
    rate, correction, epsilon = real(factors[3]), real(factors[4]), real(factors[5])
    one = real(1)
    for q in range(parts.shape[0]):
        for p in range(parts[q, 0], parts[q, 1]):
            g = shrink * gradient[p]
            m = beta_1 * first[p] + (one - beta_1) * g
            v = beta_2 * second[p] + (one - beta_2) * g * g
            first[p], second[p] = m, v
            theta[p] -= rate * m / (np.sqrt(v) * correction + epsilon)


@kernel
def sgd(theta, gradient, velocity, parts, factors):
    """One step of gradient descent with momentum, in MLPRegressor's form; velocity (N,).

    factors, a tuple of floats: the gradient's factor (clipping), learning rate, momentum, and 1
    for Nesterov's look-ahead or 0.
    """
    real = theta.dtype.type
    shrink, rate = real(factors[0]), real(factors[1])
    momentum, nesterov, one = real(factors[2]), real(factors[3]), real(1)
    for q in range(parts.shape[0]):
        for p in range(parts[q, 0], parts[q, 1]):
            step = rate * shrink * gradient[p]
            v = momentum * velocity[p] - step
            velocity[p] = v
            theta[p] += nesterov * (momentum * v - step) + (one - nesterov) * v
