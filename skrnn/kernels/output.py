"""The output layer: raw predictions from pooled states, and the way back (equations 46 and 47).

Few columns, so plain loops. Each element is one sum in order: a row's bits are its own.
"""

from skrnn.kernels.jit import kernel


@kernel
def forward(V, bias, pooled, raw):
    """raw (B, K) = pooled (B, P) V + bias."""
    for i in range(raw.shape[0]):
        for k in range(raw.shape[1]):
            raw[i, k] = bias[k]
        for p in range(pooled.shape[1]):
            for k in range(raw.shape[1]):
                raw[i, k] += pooled[i, p] * V[p, k]


@kernel
def backward(V, pooled, d_raw, d_V, d_bias):
    """Add to d_V (P, K) and d_bias (K,); pooled (B, P) turns into its gradient."""
    for i in range(d_raw.shape[0]):
        for k in range(d_raw.shape[1]):
            d_bias[k] += d_raw[i, k]
        for p in range(pooled.shape[1]):
            d_pooled = d_raw[i, 0] * V[p, 0]
            d_V[p, 0] += pooled[i, p] * d_raw[i, 0]
            for k in range(1, d_raw.shape[1]):
                d_pooled += d_raw[i, k] * V[p, k]
                d_V[p, k] += pooled[i, p] * d_raw[i, k]
            pooled[i, p] = d_pooled
