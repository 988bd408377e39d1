"""One update of the flat parameter vector (equations 48, 49 and 58 to 64)."""

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
def norm(gradient):
    """Euclidean norm, summed in a fixed order in double precision."""
    total = 0.0
    for p in range(gradient.shape[0]):
        total += np.float64(gradient[p]) * np.float64(gradient[p])
    return math.sqrt(total)


@kernel
def adam(theta, gradient, first, second, factors):
    """One step of Adam (Kingma and Ba, 2015); first and second are the running moments (N,).

    factors, in theta's type: the gradient's factor (clipping), beta_1, beta_2, ``lr / (1 -
    beta_1**t)``, ``1 / sqrt(1 - beta_2**t)``, epsilon.
    """
    shrink, beta_1, beta_2, rate, correction, epsilon = factors
    one = theta.dtype.type(1)
    for p in range(theta.shape[0]):
        g = shrink * gradient[p]
        m = beta_1 * first[p] + (one - beta_1) * g
        v = beta_2 * second[p] + (one - beta_2) * g * g
        first[p], second[p] = m, v
        theta[p] -= rate * m / (np.sqrt(v) * correction + epsilon)


@kernel
def sgd(theta, gradient, velocity, factors):
    """One step of gradient descent with momentum, in MLPRegressor's form; velocity (N,).

    factors, in theta's type: the gradient's factor (clipping), learning rate, momentum, and 1 for
    Nesterov's look-ahead or 0.
    """
    shrink, rate, momentum, nesterov = factors
    for p in range(theta.shape[0]):
        step = rate * shrink * gradient[p]
        v = momentum * velocity[p] - step
        velocity[p] = v
        theta[p] += nesterov * (momentum * v - step) + (theta.dtype.type(1) - nesterov) * v
