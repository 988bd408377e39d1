"""From packed outputs (S, P) to one vector a sequence (B, P): equations 40 to 45.

Of the final states only the way back is here: a layer gives them as they are.
"""

import numpy as np

from skrnn.kernels.jit import kernel

LAST, MEAN, MAX = 0, 1, 2
NAMES = {"last": LAST, "mean": MEAN, "max": MAX}


def backward_last(start, lengths, d_pooled, d_h):
    """d_h (S, H) of one direction's final states, d_pooled (B, H); every entry is written."""
    d_h[:] = 0
    if lengths[0] == lengths[-1]:
        d_h[start[-2] :] = d_pooled
    else:
        d_h[start[lengths - 1] + np.arange(len(lengths))] = d_pooled


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
def forward(kind, out, start, lengths, pooled):
    """pooled (B, P): mean or maximum of out (S, P) over the steps."""
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
def backward(kind, out, start, lengths, d_pooled, d_out):
    """d_out (S, P) of d_pooled (B, P); every entry of d_out is written."""
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
                d_out[_largest(out, start, lengths[r], r, p), p] = d_pooled[r, p]
