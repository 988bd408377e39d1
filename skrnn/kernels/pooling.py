"""From packed outputs (S, P) to one vector a sequence (B, P): equations 40 to 45."""

import numpy as np

from skrnn.kernels.jit import kernel

LAST, MEAN, MAX = 0, 1, 2
NAMES = {"last": LAST, "mean": MEAN, "max": MAX}


def forward(kind, out, start, lengths, n_hidden, pooled):
    """Pool out (S, D * H) into pooled (B, D * H)."""
    if kind == LAST:
        final, first = _final_steps(start, lengths)
        pooled[:, :n_hidden] = out[final, :n_hidden]
        pooled[:, n_hidden:] = out[first, n_hidden:]
    else:
        _pool(kind, out, start, lengths, pooled)


def backward(kind, out, start, lengths, n_hidden, d_pooled, d_out):
    """d_out (S, D * H) of d_pooled (B, D * H); every entry of d_out is written."""
    d_out[:] = 0
    if kind == LAST:
        final, first = _final_steps(start, lengths)
        d_out[final, :n_hidden] = d_pooled[:, :n_hidden]
        d_out[first, n_hidden:] = d_pooled[:, n_hidden:]
    else:
        _spread(kind, out, start, lengths, d_pooled, d_out)


def _final_steps(start, lengths):
    """Packed rows of the final states: last steps, and for the reverse direction first ones."""
    if lengths[0] == lengths[-1]:
        return slice(start[-2], start[-1]), slice(0, start[1])
    rows = np.arange(len(lengths))
    return start[lengths - 1] + rows, rows


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
def _pool(kind, out, start, lengths, pooled):
    """Mean or maximum over the steps."""
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
                pooled[r, p] = out[_largest(out, start, lengths[r], r, p), p]


@kernel
def _spread(kind, out, start, lengths, d_pooled, d_out):
    """Way back of _pool: what is not zero in d_out."""
    for r in range(lengths.shape[0]):
        if kind == MEAN:
            for t in range(lengths[r]):
                for p in range(out.shape[1]):
                    d_out[start[t] + r, p] = d_pooled[r, p] / lengths[r]
        else:
            for p in range(out.shape[1]):
                d_out[_largest(out, start, lengths[r], r, p), p] = d_pooled[r, p]
