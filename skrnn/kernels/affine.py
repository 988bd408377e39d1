"""An affine map of few columns and the way back (equations 46 and 47), in plain loops.

Each element is one sum in order, so a row's bits are its own.
"""

from skrnn.kernels.jit import kernel


@kernel
def forward(V, bias, x, y):
    """y (B, K) = x (B, P) V + bias."""
    for i in range(y.shape[0]):
        for k in range(y.shape[1]):
            y[i, k] = bias[k]
        for p in range(x.shape[1]):
            for k in range(y.shape[1]):
                y[i, k] += x[i, p] * V[p, k]


@kernel
def backward(V, x, d_y, d_V, d_bias):
    """Add to d_V (P, K) and d_bias (K,); x (B, P) is overwritten with its gradient."""
    for i in range(d_y.shape[0]):
        for k in range(d_y.shape[1]):
            d_bias[k] += d_y[i, k]
        for p in range(x.shape[1]):
            d_x = d_y[i, 0] * V[p, 0]
            d_V[p, 0] += x[i, p] * d_y[i, 0]
            for k in range(1, d_y.shape[1]):
                d_x += d_y[i, k] * V[p, k]
                d_V[p, k] += x[i, p] * d_y[i, k]
            x[i, p] = d_x
