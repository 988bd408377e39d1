"""Mean and maximum over the steps of timeline outputs (S, P), (B, P): equations 42 to 45."""

from skrnn.kernels.jit import kernel


@kernel
def mean(out, start, lengths, pooled):
    """pooled (B, P): means over the steps."""
    for r in range(lengths.shape[0]):
        for p in range(out.shape[1]):
            pooled[r, p] = 0
        for t in range(lengths[r]):
            for p in range(out.shape[1]):
                pooled[r, p] += out[start[t] + r, p]
        for p in range(out.shape[1]):
            pooled[r, p] /= lengths[r]


@kernel
def mean_backward(start, lengths, d_pooled, d_out):
    """d_out (S, P) of d_pooled (B, P) is added to."""
    for r in range(lengths.shape[0]):
        for t in range(lengths[r]):
            for p in range(d_out.shape[1]):
                # A quotient by an integer is double; rounded first, its sum is one of d_out's type.
                d_out[start[t] + r, p] += d_out.dtype.type(d_pooled[r, p] / lengths[r])


@kernel
def _largest(out, start, length, row, p):
    """Line of the first step with the largest output; nan wins, so that it is seen."""
    best = row
    for t in range(1, length):
        s = start[t] + row
        if not out[s, p] <= out[best, p] and out[best, p] == out[best, p]:
            best = s
    return best


@kernel
def maximum(out, start, lengths, pooled):
    """pooled (B, P): maxima over the steps."""
    for r in range(lengths.shape[0]):
        for p in range(out.shape[1]):
            pooled[r, p] = out[_largest(out, start, lengths[r], r, p), p]


@kernel
def maximum_backward(out, start, lengths, d_pooled, d_out):
    """d_out (S, P) of d_pooled (B, P) is added to."""
    for r in range(lengths.shape[0]):
        for p in range(out.shape[1]):
            d_out[_largest(out, start, lengths[r], r, p), p] += d_pooled[r, p]
