"""The whole network in plain NumPy float64: one sequence at a time, one step at a time.

Written from the equations of ``docs/mathematics.md``, whose numbers stand beside the code, and not
from the kernels it checks. Clarity first: every loop is a loop.

A *parameters* argument is a dict of named arrays: ``"W_l0_d0"`` (F, G*H), ``"U_l0_d0"`` (H, G*H)
and ``"b_l0_d0"`` for layer 0, direction 0 (forward), and so on; ``"V"`` (P, K) and ``"b_out"`` (K,)
for the head. *sequences* is a list of (T_i, F) arrays, already standardised.
"""

import math
from itertools import pairwise

import numpy as np

HUBER_DELTA = 1.35
LOSSES = (
    "squared_error",
    "absolute_error",
    "huber",
    "poisson",
    "quantile",
    "logistic",
    "softmax",
)


def frames(x, k):
    """x (T, F) in steps of k observations, (89)."""
    n_steps = -(-len(x) // k)
    missing = n_steps * k - len(x)
    return np.array(
        [np.concatenate([x[max(0, k * t + j - missing)] for j in range(k)]) for t in range(n_steps)]
    )


def embedded(numbers, E):
    """Vectors (T, E) of a sequence of numbers of tokens, (104)."""
    return np.array([E[number] for number in numbers])


def marked(x, gaps):
    """x (T, F) with values carried forward behind the marks of the features `gaps`, (90), (91)."""
    carried, missing, since = x.copy(), np.zeros(x.shape), np.zeros(x.shape)
    for f in range(x.shape[1]):
        last = -1
        for t in range(len(x)):
            if np.isnan(x[t, f]):
                carried[t, f] = x[last, f] if last >= 0 else np.nan
            else:
                last = t
            missing[t, f] = last < t
            since[t, f] = np.log(1 + t - last)
    return np.hstack([missing[:, list(gaps)], since[:, list(gaps)], carried])


def edges(column):
    """Between which values of a standardised column its curve is a line, (126)."""
    ordered = sorted(column)
    found = [ordered[0]]
    for j in range(1, 6):
        quantile = ordered[-(-j * len(ordered) // 6) - 1]
        if found[-1] + 1e-4 < quantile < ordered[-1] - 1e-4:
            found.append(quantile)
    return [*found, ordered[-1]]


def rises(x, column):
    """Further inputs of a number x in a column, (127)."""
    return [min(max((x - low) / (high - low), 0.0), 1.0) for low, high in pairwise(edges(column))]


def curved(x, columns, C, b):
    """What a path with curves makes of a row x (F,), (127); columns (n, F) are those of ``fit``."""
    inputs = list(x)
    for f in range(len(x)):
        inputs += rises(x[f], columns[:, f])
    return np.array(inputs) @ C + b


# Cells: (T, F) in, outputs (T, H) of every step


def sigma(x):
    """The logistic function, (56)."""
    x = np.asarray(x, dtype=np.float64)
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


ACTIVATIONS = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0), "logistic": sigma}


def rnn(x, W, U, b, activation="tanh"):
    """Simple RNN, (16)."""
    phi = ACTIVATIONS[activation]
    h = np.zeros(U.shape[0])
    outputs = []
    for x_t in x:
        h = phi(x_t @ W + b + h @ U)
        outputs.append(h)
    return np.array(outputs)


def lstm(x, W, U, b):
    """LSTM, (18) to (21)."""
    h = np.zeros(U.shape[0])
    c = np.zeros(U.shape[0])
    outputs = []
    for x_t in x:
        a_i, a_f, a_g, a_o = np.split(x_t @ W + b + h @ U, 4)
        i, f, g, o = sigma(a_i), sigma(a_f), np.tanh(a_g), sigma(a_o)
        c = f * c + i * g
        h = o * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def gru(x, W, U, b):
    """GRU that resets after the product, (26) to (30); ``b`` is [c_n, b_r, b_z, b_n]."""
    h = np.zeros(U.shape[0])
    W_r, W_z, W_n = np.split(W, 3, axis=1)
    U_r, U_z, U_n = np.split(U, 3, axis=1)
    c_n, b_r, b_z, b_n = np.split(b, 4)
    outputs = []
    for x_t in x:
        r = sigma(x_t @ W_r + b_r + h @ U_r)
        z = sigma(x_t @ W_z + b_z + h @ U_z)
        n = np.tanh(x_t @ W_n + b_n + r * (h @ U_n + c_n))
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.array(outputs)


CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}


# Network


def layer_outputs(x, parameters, layer, cell="gru", bidirectional=False, activation="tanh"):
    """Outputs (T, D*H) of one layer for one sequence, in the original step order: (4), (37)."""
    options = {"activation": activation} if cell == "rnn" else {}
    outputs = []
    for direction in range(2 if bidirectional else 1):
        W, U, b = (parameters[f"{name}_l{layer}_d{direction}"] for name in "WUb")
        if direction == 0:
            outputs.append(CELLS[cell](x, W, U, b, **options))
        else:
            outputs.append(CELLS[cell](x[::-1], W, U, b, **options)[::-1])
    return np.concatenate(outputs, axis=1)


def attention_shares(y, parameters):
    """The share (T,) of each step of outputs y (T, P): (95), (96)."""
    W, b, v = (parameters[f"{name}_attention"] for name in "Wbv")
    scores = np.array([(np.tanh(y_t @ W + b) @ v)[0] for y_t in y])
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()


def pool(y, pooling, bidirectional=False, parameters=None):
    """One row (P,) from the outputs (T, P) of the last layer: (40), (42), (44), (97).

    Of "steps" all rows (T, P).
    """
    if pooling == "steps":
        return y
    if pooling == "attention":
        shares = attention_shares(y, parameters)
        return sum(share * y_t for share, y_t in zip(shares, y, strict=True))
    if pooling == "mean":
        return y.mean(axis=0)
    if pooling == "max":
        return y.max(axis=0)
    if not bidirectional:
        return y[-1]
    H = y.shape[1] // 2
    return np.concatenate([y[-1, :H], y[0, H:]])


def encode(
    sequences,
    parameters,
    *,
    cell="gru",
    n_layers=1,
    bidirectional=False,
    pooling="last",
    activation="tanh",
    masks=None,
):
    """Pooled outputs (n, P), of "steps" (sum of T_i, P).

    ``masks[i]`` are the dropout factors of sequence i, layer by layer.
    """
    pooled = []
    for i, sequence in enumerate(sequences):
        y = np.asarray(sequence, dtype=np.float64)
        factors = None if masks is None else masks[i]
        for layer in range(n_layers):
            y = layer_outputs(y, parameters, layer, cell, bidirectional, activation)
            if factors is not None and layer < n_layers - 1:  # (39)
                y, factors = y * factors[: y.shape[1]], factors[y.shape[1] :]
        row = pool(y, pooling, bidirectional, parameters)
        pooled.append(row if factors is None else row * factors)
    return np.concatenate([np.atleast_2d(rows) for rows in pooled])


def raw_predict(sequences, parameters, **architecture):
    """Raw predictions (n, K), (46)."""
    return encode(sequences, parameters, **architecture) @ parameters["V"] + parameters["b_out"]


# Losses: value and gradient of one raw row (K,) with respect to it, (50) to (57), weight left out


def sample_loss(loss, raw, target, quantiles=(0.5,)):
    """Loss of one sample; ``raw`` (K,), ``target`` (Ky,)."""
    R, y = np.asarray(raw, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if loss == "softmax":
        top = R.max()
        return top + np.log(np.exp(R - top).sum()) - R[int(y[0])]
    if loss == "squared_error":
        value = (R - y) ** 2 / 2
    elif loss == "absolute_error":
        value = np.abs(R - y)
    elif loss == "huber":
        error = np.abs(R - y)
        value = np.where(
            error <= HUBER_DELTA, error**2 / 2, HUBER_DELTA * (error - HUBER_DELTA / 2)
        )
    elif loss == "poisson":
        value = np.exp(R) - y * R
    elif loss == "logistic":
        value = np.maximum(R, 0) - y * R + np.log1p(np.exp(-np.abs(R)))
    elif loss == "quantile":
        value = np.zeros(len(R))
        for j in range(len(y)):
            for q, kappa in enumerate(quantiles):
                error = y[j] - R[j * len(quantiles) + q]
                value[j * len(quantiles) + q] = max(kappa * error, (kappa - 1) * error)
    else:
        raise ValueError(loss)
    return value.mean()


def sample_loss_gradient(loss, raw, target, quantiles=(0.5,)):
    """Gradient (K,) of `sample_loss` with respect to ``raw``."""
    R, y = np.asarray(raw, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if loss == "softmax":
        probability = np.exp(R - R.max()) / np.exp(R - R.max()).sum()
        return probability - (np.arange(len(R)) == y[0])
    if loss == "squared_error":
        slope = R - y
    elif loss == "absolute_error":
        slope = np.sign(R - y)
    elif loss == "huber":
        slope = np.clip(R - y, -HUBER_DELTA, HUBER_DELTA)
    elif loss == "poisson":
        slope = np.exp(R) - y
    elif loss == "logistic":
        slope = sigma(R) - y
    elif loss == "quantile":
        slope = np.zeros(len(R))
        for j in range(len(y)):
            for q, kappa in enumerate(quantiles):
                column = j * len(quantiles) + q
                if y[j] > R[column]:
                    slope[column] = -kappa
                elif y[j] < R[column]:
                    slope[column] = 1 - kappa
    else:
        raise ValueError(loss)
    return slope / len(R)


def penalty(parameters, alpha, weight_sum):
    """L2 term of the objective, (48): every weight matrix, no bias."""
    squares = sum((a**2).sum() for name, a in parameters.items() if not name.startswith("b_"))
    return alpha / 2 * squares / weight_sum


def objective(
    sequences, targets, weights, parameters, *, loss, quantiles=(0.5,), alpha=0.0, **architecture
):
    """Weighted mean of the sample losses and the L2 term, (48)."""
    raw = raw_predict(sequences, parameters, **architecture)
    total = 0.0
    for raw_i, target, weight in zip(raw, targets, weights, strict=True):
        total += weight * sample_loss(loss, raw_i, target, quantiles)
    return total / np.sum(weights) + penalty(parameters, alpha, np.sum(weights))


# Differentiation


def numerical_gradient(f, theta, eps=5e-4):
    """Gradient of ``f(theta)`` by central differences of fourth order.

    The error is ``eps**4 / 30`` times the fifth derivative, and rounding of ``1e-16 |f| / eps``.
    """
    theta = np.array(theta, dtype=np.float64)
    gradient = np.zeros_like(theta)
    for j in range(theta.size):
        moved = theta.copy()
        values = {}
        for step in (-2, -1, 1, 2):
            moved[j] = theta[j] + step * eps
            values[step] = f(moved)
        gradient[j] = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * eps)
    return gradient


# Solvers and schedules: each step returns new arrays


def clip(gradient, max_norm):
    """Gradient of norm at most ``max_norm``, (58)."""
    norm = np.sqrt((gradient**2).sum())
    return gradient * min(1.0, max_norm / norm) if norm > 0 else gradient


def adam_step(theta, gradient, state, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """One update of Adam, (59) to (61). ``state`` is None or what the last step returned."""
    m, v, s = (np.zeros_like(theta), np.zeros_like(theta), 0) if state is None else state
    s += 1
    m = beta_1 * m + (1 - beta_1) * gradient
    v = beta_2 * v + (1 - beta_2) * gradient**2
    m_hat = m / (1 - beta_1**s)
    v_hat = v / (1 - beta_2**s)
    return theta - lr * m_hat / (np.sqrt(v_hat) + epsilon), (m, v, s)


def sgd_step(theta, gradient, state, lr, momentum=0.9, nesterov=True):
    """One update of SGD, (62) to (64). ``state`` is None or the velocity the last step returned."""
    velocity = np.zeros_like(theta) if state is None else state
    velocity = momentum * velocity - lr * gradient
    if nesterov:
        return theta + momentum * velocity - lr * gradient, velocity
    return theta + velocity, velocity


def invscaling(lr_init, n_seen, power_t=0.5):
    """(66)"""
    return lr_init / (n_seen + 1) ** power_t


def cosine(lr_init, progress):
    """(68)"""
    return lr_init * (1 + np.cos(np.pi * progress)) / 2


def one_cycle(lr_init, progress):
    """(69)"""

    def ease(a, b, share):
        return b + (a - b) * (1 + np.cos(np.pi * share)) / 2

    if progress <= 0.3:
        return ease(lr_init / 25, lr_init, progress / 0.3)
    return ease(lr_init, lr_init / 1e4, (progress - 0.3) / 0.7)


# Random problems


def random_parameters(
    rng,
    cell,
    hidden_layer_sizes,
    n_features,
    n_outputs,
    bidirectional=False,
    scale=0.5,
    pooling="last",
):
    """Named arrays, every number different, so that a swapped gate or transposed block shows."""
    blocks = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    n_directions = 2 if bidirectional else 1
    parameters = {}
    F = n_features
    for layer, H in enumerate(hidden_layer_sizes):
        for direction in range(n_directions):
            tag = f"l{layer}_d{direction}"
            parameters[f"W_{tag}"] = scale * rng.standard_normal((F, blocks * H))
            parameters[f"U_{tag}"] = scale * rng.standard_normal((H, blocks * H))
            n_biases = 4 * H if cell == "gru" else blocks * H
            parameters[f"b_{tag}"] = scale * rng.standard_normal(n_biases)
        F = n_directions * H
    parameters["V"] = rng.standard_normal((F, n_outputs))
    parameters["b_out"] = scale * rng.standard_normal(n_outputs)
    if pooling == "attention":
        for name, shape in (("W", (F, F)), ("b", (F,)), ("v", (F, 1))):
            parameters[f"{name}_attention"] = rng.standard_normal(shape)
    return parameters


def random_sequences(rng, lengths, n_features):
    """A list of (T_i, F) standard normal arrays."""
    return [rng.standard_normal((length, n_features)) for length in lengths]


def random_targets(rng, loss, n_samples, n_outputs, quantiles=(0.5,)):
    """Targets (n, Ky) that suit `loss` when the network has ``n_outputs`` raw columns."""
    if loss == "softmax":
        return rng.integers(0, n_outputs, size=(n_samples, 1)).astype(np.float64)
    if loss == "logistic":
        return rng.integers(0, 2, size=(n_samples, n_outputs)).astype(np.float64)
    if loss == "poisson":
        return rng.poisson(2.0, size=(n_samples, n_outputs)).astype(np.float64)
    n_targets = n_outputs // len(quantiles) if loss == "quantile" else n_outputs
    return 2.0 * rng.standard_normal((n_samples, n_targets))


def log_softmax(raw):
    """Logarithms of the probabilities of raw predictions (K,)."""
    top = max(raw)
    log_total = top + math.log(sum(math.exp(one - top) for one in raw))
    return [one - log_total for one in raw]


def worth(score, n, length_penalty):
    """Of a log-probability of so many labels and ends, (147)."""
    return score / n**length_penalty


def beam_search(raw_of, width, most, length_penalty):
    """Transcripts (labels, log-probability, whether it has an end) of one row as a beam finds them.

    raw_of says of a hypothesis, a tuple of labels, the raw predictions (K,) of what follows, the
    end last. Of equals the first is better: that of the better hypothesis, of the smaller label.
    Once there are `width` transcripts better ones take the place of the worst, and hypotheses that
    are worth no more than it so far are given up.
    """

    def of_transcript(one):
        return worth(one[1], len(one[0]) + 1, length_penalty)

    def keep(found, one):
        kept = sorted([*found, one], key=of_transcript, reverse=True)[:width]
        return [other for other in [*found, one] if other in kept]

    going_on, found = [((), 0.0)], []
    while going_on:
        every = [
            (labels, k, log + score)
            for labels, score in going_on
            for k, log in enumerate(log_softmax(raw_of(labels)))
        ]
        end = len(raw_of(())) - 1
        best = sorted(every, key=lambda one: one[2], reverse=True)[:width]
        for labels, k, score in best:
            if k == end:
                found = keep(found, (labels, score, True))
        least = min(map(of_transcript, found)) if len(found) == width else -math.inf
        going_on = [
            ((*labels, k), score)
            for labels, k, score in best
            if k != end and worth(score, len(labels) + 1, length_penalty) > least
        ]
        if going_on and len(going_on[0][0]) == most:
            for labels, score in going_on:
                found = keep(found, (labels, score, False))
            going_on = []
    return found


def ranked(found, length_penalty):
    """Transcripts, best first, (147)."""
    return sorted(
        found, key=lambda one: worth(one[1], len(one[0]) + 1, length_penalty), reverse=True
    )
