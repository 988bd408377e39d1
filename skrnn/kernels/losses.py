"""The loss that most nets are trained with, in one pass over the predictions of a tile.

It is what :class:`skrnn.losses.SquaredError` says, which a small minibatch would spend a tenth of
its time on. Other losses are NumPy alone, because to compile each takes a fifth of a second.
"""

import numpy as np

from skrnn.kernels.jit import kernel


@kernel
def squared_error(raw, targets, shares):
    """Sum of the rows' losses times their shares (n,); raw (n, K) becomes its gradient.

    A row's loss is half the mean of its squared errors from targets (n, K), in double precision.
    """
    n_columns, total = raw.shape[1], 0.0
    for i in range(raw.shape[0]):
        of_row = 0.0
        for k in range(n_columns):
            error = np.float64(raw[i, k]) - np.float64(targets[i, k])
            of_row += 0.5 * error * error
            raw[i, k] = error / n_columns * shares[i]
        total += of_row / n_columns * shares[i]
    return total


#: Those there are, by the names of the losses.
GRADIENTS = {"squared_error": squared_error}
