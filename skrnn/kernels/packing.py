"""Numbers looked up in another order: parameters for the kernels, and their gradients back.

Places are unsigned, because numba counts negative ones from the end, which took a third of the
time.
"""

from skrnn.kernels.jit import inlined, kernel, long_kernel


@inlined
def _look_up(scaled, places, numbers):
    for i in range(places.shape[0]):
        numbers[i] = scaled[places[i]]


@kernel
def pack(theta, factors, places, scaled, numbers):
    """numbers (n,): those at some places (n,) of ``theta * factors``, which is put into scaled.

    theta (N,); factors and scaled (N + 1,), because a zero at the end of scaled stands where there
    is no parameter.
    """
    for p in range(theta.shape[0]):
        scaled[p] = theta[p] * factors[p]
    _look_up(scaled, places, numbers)


@long_kernel
def look_up(scaled, places, numbers):
    """numbers (n,): those of `scaled` at some places (n,), by a thread beside others."""
    _look_up(scaled, places, numbers)


@kernel
def sum_up(numbers, places, factors, gradient):
    """gradient (N,): sums of all shards' numbers (shards, n) at some places (N,), times factors.

    Shards are added in their order.
    """
    for p in range(gradient.shape[0]):
        total = numbers[0, places[p]]
        for s in range(1, numbers.shape[0]):
            total += numbers[s, places[p]]
        gradient[p] = total * factors[p]


@long_kernel
def sum_up_part(numbers, places, factors, gradient):
    """The same, by a thread beside others."""
    sum_up(numbers, places, factors, gradient)
