"""From packed outputs (S, P) to one vector a sequence (B, P): equations 40 to 45."""

from skrnn.kernels.jit import kernel

LAST, MEAN, MAX = 0, 1, 2
NAMES = {"last": LAST, "mean": MEAN, "max": MAX}


@kernel
def _last(start, lengths, row, direction):
    """Packed row of a direction's final state: its last step, for the reverse one step 0."""
    return row if direction else start[lengths[row] - 1] + row


@kernel
def _largest(out, start, length, row, p):
    """Packed row of the first step with the largest output; nan wins, so that it is seen."""
    best = row
    for t in range(1, length):
        s = start[t] + row
        if not out[s, p] <= out[best, p] and out[best, p] == out[best, p]:
            best = s
    return best


@kernel
def forward(kind, out, start, lengths, n_hidden, pooled):
    """Pool out (S, D * H) into pooled (B, D * H)."""
    for r in range(lengths.shape[0]):
        if kind == MEAN:
            for p in range(out.shape[1]):
                pooled[r, p] = 0
            for t in range(lengths[r]):
                for p in range(out.shape[1]):
                    pooled[r, p] += out[start[t] + r, p]
            for p in range(out.shape[1]):
                pooled[r, p] /= lengths[r]
        else:
            for p in range(out.shape[1]):
                if kind == MAX:
                    pooled[r, p] = out[_largest(out, start, lengths[r], r, p), p]
                else:
                    pooled[r, p] = out[_last(start, lengths, r, p // n_hidden), p]


@kernel
def backward(kind, out, start, lengths, n_hidden, d_pooled, d_out):
    """d_out (S, D * H) of d_pooled (B, D * H); every entry of d_out is written."""
    for s in range(d_out.shape[0]):
        for p in range(d_out.shape[1]):
            d_out[s, p] = 0
    for r in range(lengths.shape[0]):
        if kind == MEAN:
            for t in range(lengths[r]):
                for p in range(out.shape[1]):
                    d_out[start[t] + r, p] = d_pooled[r, p] / lengths[r]
        else:
            for p in range(out.shape[1]):
                if kind == MAX:
                    d_out[_largest(out, start, lengths[r], r, p), p] = d_pooled[r, p]
                else:
                    d_out[_last(start, lengths, r, p // n_hidden), p] = d_pooled[r, p]
