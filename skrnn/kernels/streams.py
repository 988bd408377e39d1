"""One more observation of each of some streams: carried forward, marked, scaled, put behind others.

What a stream needs of the steps before is one row of double precision numbers, in this order:

=================  =============================================================================
1                  observations so far
F                  observations since each feature had a value, zero where the last one has it
F                  the last value of each feature, NaN where there was none
n_path * Q         the last observations as the linear path reads them, zeros before the first
(k - 1) * Q        the last k - 1 observations as the network reads them
k * n_states       all states after each of the last k observations, the oldest first
=================  =============================================================================

with F features, Q inputs (marks and features) and frames of k observations. Frames end with the
last observation, so there are k runs of the network, one for each way to cut a sequence, which go
on in turn: the oldest states are those of the run that is next.
"""

from skrnn.kernels.affine import add_line, map_line
from skrnn.kernels.jit import kernel, part
from skrnn.kernels.timeline import MOST_BEYOND

#: What :func:`observe` finds.
GOOD, INFINITE, TOO_LONG = 0, 1, 2


@part
def _carry(x, before, after, longest):
    """Count and carry forward; GOOD, or what is wrong with a stream."""
    n_features = x.shape[1]
    for r in range(x.shape[0]):
        if before[r, 0] >= longest:
            return TOO_LONG
        after[r, 0] = before[r, 0] + 1
        for f in range(n_features):
            since, last = 1 + f, 1 + n_features + f
            value = x[r, f]
            if value != value:
                after[r, since], after[r, last] = before[r, since] + 1, before[r, last]
            else:
                after[r, since], after[r, last] = 0, value
                if value - value != 0:
                    return INFINITE
    return GOOD


@part
def _move(before, after, first, width, n):
    """Put what stands `width` numbers later into n numbers from `first` on, for all rows."""
    for r in range(after.shape[0]):
        for i in range(first, first + n):
            after[r, i] = before[r, i + width]


@part
def _map(after, first, linear_map, of_path):
    """The linear path's raw predictions of the inputs that stand in each row from a column on, as
    :func:`skrnn.kernels.affine.forward_of_windows` finds them.
    """
    _, _, lowest, highest, columns, bias, slopes, window, beyond = linear_map
    n_inputs = lowest.shape[0]
    for r in range(of_path.shape[0]):
        is_beyond = False
        for p in range(window.shape[0]):
            value = window.dtype.type(after[r, first + p])
            low, high = lowest[p % n_inputs], highest[p % n_inputs]
            window[p] = min(max(value, low), high)
            room = (high - low) * window.dtype.type(MOST_BEYOND)
            beyond[p] = min(max(value - window[p], -room), room)
            is_beyond |= beyond[p] != 0
        map_line(columns, bias, window.ctypes.data, of_path, r)
        if is_beyond:
            add_line(slopes, beyond.ctypes.data, of_path, r)


@kernel
def observe(x, marks, of_network, linear_map, longest, before, after, inputs, of_path):
    """Go on by the observations x (n, F); GOOD, or what is wrong.

    marks: the marked features, and for each of them and stream the logarithm of the steps since its
    last value. of_network: centre and factor (Q,) of its inputs, and the lowest and highest values
    that it reads as they are. linear_map: that of the path, as in
    :func:`skrnn.kernels.affine.forward_of_windows`, but for each input of a step, and with columns
    (K, n_path * Q), of no length without a path, in the network's precision; at its end scratch for
    inputs and what is beyond, (n_path * Q,). before, after (n, n_numbers): rows as above; the new
    states, n_states at the end, are left to the caller. Written are inputs (n, k * Q) for the
    network, and of_path (n, K), of no rows without a path: its raw predictions.
    """
    gaps, logs = marks
    center, factor, window = linear_map[0], linear_map[1], linear_map[-2]
    n_features, n_gaps = x.shape[1], len(gaps)
    n_inputs = n_features + 2 * n_gaps
    k, n_path = inputs.shape[1] // n_inputs, window.shape[0] // n_inputs
    path = 1 + 2 * n_features
    frames = path + n_path * n_inputs
    states = frames + (k - 1) * n_inputs
    n_states = (before.shape[1] - states) // k
    found = _carry(x, before, after, longest)
    if found != GOOD:
        return found
    _move(before, after, path, n_inputs, (n_path - 1) * n_inputs)
    _move(before, after, states, n_states, (k - 1) * n_states)
    for r in range(x.shape[0]):
        for i in range((k - 1) * n_inputs):
            inputs[r, i] = before[r, frames + i]
        for q in range(n_inputs):
            if q < n_gaps:
                value = inputs.dtype.type(after[r, 1 + gaps[q]] > 0)
            elif q < 2 * n_gaps:
                value = inputs.dtype.type(logs[r, q - n_gaps])
            else:
                value = inputs.dtype.type(after[r, 1 + n_features + q - 2 * n_gaps])
            nearest = min(max(value, of_network[2][q]), of_network[3][q])
            scaled = (nearest - of_network[0][q]) * of_network[1][q]
            of_map = (value - center[q]) * factor[q]
            if value != value:  # none so far, so the mean
                scaled, of_map = of_network[1][q] * inputs.dtype.type(0), inputs.dtype.type(0)
            inputs[r, (k - 1) * n_inputs + q] = scaled
            if before[r, 0] == 0:  # the first frame repeats the first observation
                for j in range(k - 1):
                    inputs[r, j * n_inputs + q] = scaled
            if n_path:
                after[r, frames - n_inputs + q] = of_map
        for i in range((k - 1) * n_inputs):
            after[r, frames + i] = inputs[r, n_inputs + i]
    _map(after, path, linear_map, of_path)
    return GOOD


@kernel
def add(of_path, raw):
    """Add what the path says, if there is one, to raw predictions (n, K); are all finite?"""
    is_finite = True
    for r in range(raw.shape[0]):
        for k in range(raw.shape[1]):
            if of_path.shape[0]:
                raw[r, k] += of_path[r, k]
            is_finite &= raw[r, k] - raw[r, k] == 0
    return is_finite
