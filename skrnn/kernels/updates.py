"""One update of the parameters (equations 48, 49 and 58 to 64).

Most kernels are of a flat vector (N,). Those whose names end in `_rows` are of a table (V, E), of
which they touch `rows` (n,) alone, each once; `gradient` (n, E) is then of these rows.
"""

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
def add_squares(total, numbers):
    """`total` plus the squares of numbers (N,), one after the other in double precision."""
    for p in range(numbers.shape[0]):
        total += np.float64(numbers[p]) * np.float64(numbers[p])
    return total


@kernel
def toward(theta, average, share):
    """Move an average (N,) towards theta, by a share of the way."""
    for p in range(theta.shape[0]):
        average[p] += share * (theta[p] - average[p])


@kernel
def toward_rows(table, average, rows, shares):
    """The same of rows, by a share (n,) of each."""
    for r in range(rows.shape[0]):
        row, share = rows[r], shares[r]
        for j in range(table.shape[1]):
            average[row, j] += share * (table[row, j] - average[row, j])


@kernel
def adam(theta, gradient, first, second, factors):
    """One step of Adam (Kingma and Ba, 2015); first and second are the running moments (N,).

    factors, a tuple of floats: the gradient's factor (clipping), beta_1, beta_2, ``lr / (1 -
    beta_1**t)``, ``1 / sqrt(1 - beta_2**t)``, epsilon.
    """
    real = theta.dtype.type
    shrink, beta_1, beta_2 = real(factors[0]), real(factors[1]), real(factors[2])
    rate, correction, epsilon = real(factors[3]), real(factors[4]), real(factors[5])
    one = real(1)
    for p in range(theta.shape[0]):
        g = shrink * gradient[p]
        m = beta_1 * first[p] + (one - beta_1) * g
        v = beta_2 * second[p] + (one - beta_2) * g * g
        first[p], second[p] = m, v
        theta[p] -= rate * m / (np.sqrt(v) * correction + epsilon)


@kernel
def adam_rows(table, rows, gradient, second, factors):
    """The same of rows without the first moment: beta_1 is zero."""
    real = table.dtype.type
    shrink, beta_2, rate = real(factors[0]), real(factors[2]), real(factors[3])
    correction, epsilon, one = real(factors[4]), real(factors[5]), real(1)
    for r in range(rows.shape[0]):
        row = rows[r]
        for j in range(table.shape[1]):
            g = shrink * gradient[r, j]
            v = beta_2 * second[row, j] + (one - beta_2) * g * g
            second[row, j] = v
            table[row, j] -= rate * g / (np.sqrt(v) * correction + epsilon)


@kernel
def sgd(theta, gradient, velocity, factors):
    """One step of gradient descent with momentum, in MLPRegressor's form; velocity (N,).

    factors, a tuple of floats: the gradient's factor (clipping), learning rate, momentum, and 1
    for Nesterov's look-ahead or 0.
    """
    real = theta.dtype.type
    shrink, rate = real(factors[0]), real(factors[1])
    momentum, nesterov, one = real(factors[2]), real(factors[3]), real(1)
    for p in range(theta.shape[0]):
        step = rate * shrink * gradient[p]
        v = momentum * velocity[p] - step
        velocity[p] = v
        theta[p] += nesterov * (momentum * v - step) + (one - nesterov) * v


@kernel
def sgd_rows(table, rows, gradient, factors):
    """The same of rows without momentum; factors: the gradient's, and the learning rate."""
    shrink, rate = table.dtype.type(factors[0]), table.dtype.type(factors[1])
    for r in range(rows.shape[0]):
        row = rows[r]
        for j in range(table.shape[1]):
            table[row, j] -= rate * shrink * gradient[r, j]
