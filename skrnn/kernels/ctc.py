"""Connectionist temporal classification: labels without an alignment (equations 131 to 137).

The states of a row with L labels are its labels with a blank before, between and behind them, so
there are 2 L + 1. What is known of a state stands in logarithms, in double precision, and NOTHING
stands for the logarithm of zero, because a difference of two infinities would be no number. Rows of
states have two more in front, or behind, that are always NOTHING.
"""

import math

import numpy as np

from skrnn.kernels.activations import exp_to_one, log_up_to_three
from skrnn.kernels.beams import insert
from skrnn.kernels.instructions import instruction
from skrnn.kernels.jit import kernel, long_kernel, part
from skrnn.kernels.softmax import log_softmax
from skrnn.kernels.vectors import VECTOR_BYTES, larger

NOTHING = -1e30
_LANES = VECTOR_BYTES // 8

# What is done with a register's worth of states. The arguments are addresses.


def _advance(units, stay, step, skip, barrier, emission, new):
    """The logarithm of the sum of three ways into a state, and of what it emits."""
    a, b = units.load(stay), units.load(step)
    c = units.load(skip) + units.load(barrier)
    top = larger(larger(a, b), c)
    total = exp_to_one(a - top) + exp_to_one(b - top) + exp_to_one(c - top)
    units.store(top + log_up_to_three(total) + units.load(emission), new)


def _posterior(units, ahead, back, emission, to, less):
    """Probability of being in a state, from both ways, which both count what it emits."""
    together = units.load(ahead) + units.load(back) - units.load(emission) - units.copies(less)
    units.store(exp_to_one(together), to)


_advance_states = instruction(_advance, 6)
_posterior_of = instruction(_posterior, 4, has_factor=True)


@part
def _states_of(labels, blank, states, barrier):
    """Classes of the states of a row, and where two steps at once are not allowed (S + 2,)."""
    n_states = 2 * len(labels) + 1
    for s in range(n_states):
        states[s] = labels[s // 2] if s % 2 else blank
    for s in range(n_states + 2):
        is_free = s % 2 == 1 and 3 <= s < n_states and states[s] != states[s - 2]
        barrier[s] = 0.0 if is_free else NOTHING
    return n_states


@part
def _ahead(emission, barrier, n_steps, n_states, alpha):
    """alpha (T, S + 2), from column 2 on: of all beginnings that end in a state (equation 133)."""
    width, row = np.intp(_LANES), alpha.shape[1] * 8
    for t in range(n_steps):
        alpha[t, 0] = alpha[t, 1] = NOTHING
    for s in range(n_states):
        alpha[0, 2 + s] = emission[0, s] if s < 2 else NOTHING
    for t in range(1, n_steps):
        before, now = alpha.ctypes.data + (t - 1) * row, alpha.ctypes.data + t * row
        emitted = emission.ctypes.data + t * emission.shape[1] * 8
        for s in range(0, n_states, width):
            at = s * 8
            _advance_states(
                alpha, n_states - s, before + at + 16, before + at + 8, before + at,
                barrier.ctypes.data + at, emitted + at, now + at + 16,
            )  # fmt: skip


@part
def _end_of(alpha, n_steps, n_states):
    """Logarithm of the probability of a row's labels (equation 134)."""
    last = alpha[n_steps - 1, 1 + n_states]
    before = alpha[n_steps - 1, n_states]
    top = max(last, before)
    return top + math.log(math.exp(last - top) + math.exp(before - top))


@part
def _slopes(emission, barrier, alpha, states, n_states, total, shares, back):
    """shares (T, K) become slopes: less the probability that a class is due (equation 136).

    back (2, S + 2) is scratch: of all ends that begin in a state.
    """
    n_steps, width = shares.shape[0], np.intp(_LANES)
    row = back.shape[1] * 8
    for i in range(2):
        back[i, n_states] = back[i, n_states + 1] = NOTHING
    for t in range(n_steps - 1, -1, -1):
        now, after = back.ctypes.data + (t % 2) * row, back.ctypes.data + ((t + 1) % 2) * row
        emitted = emission.ctypes.data + t * emission.shape[1] * 8
        if t == n_steps - 1:
            for s in range(n_states):
                back[t % 2, s] = emission[t, s] if s >= n_states - 2 else NOTHING
        else:
            for s in range(0, n_states, width):
                at = s * 8
                _advance_states(
                    alpha, n_states - s, after + at, after + at + 8, after + at + 16,
                    barrier.ctypes.data + at + 16, emitted + at, now + at,
                )  # fmt: skip
        ahead = alpha.ctypes.data + (t * alpha.shape[1] + 2) * 8
        for s in range(0, n_states, width):
            at = s * 8  # what is emitted is not needed any more
            _posterior_of(
                alpha, n_states - s, ahead + at, now + at, emitted + at, emitted + at, total
            )
        for s in range(n_states):
            shares[t, states[s]] -= emission[t, s]


@long_kernel
def value_and_slope(raw, lines, spans, labels, label_spans, factors, scratch, values):
    """values (B,): minus the logarithm of the probability of each row's labels; raw (lines, K)
    becomes the slope of that times the row's factor, and is left as it is where there are none.

    lines: places in raw, of the steps of row r those of spans[r, 0] to spans[r, 1]; labels
    likewise. The blank is the last class. scratch: logs and shares (T, K), emission (T, S), alpha
    (T, S + 2), states (S,), barrier (S + 2,), back (2, S + 2), large enough for each row. A row of
    too few steps has a probability of zero, and a slope as if nothing were due.
    """
    logs, shares, emission, alpha, states, barrier, back = scratch
    blank = raw.shape[1] - 1
    for r in range(len(spans)):
        first, n_steps = spans[r, 0], spans[r, 1] - spans[r, 0]
        n_states = _states_of(labels[label_spans[r, 0] : label_spans[r, 1]], blank, states, barrier)
        for t in range(n_steps):
            log_softmax(raw, lines[first + t], logs, shares, t)
            for s in range(n_states):
                emission[t, s] = logs[t, states[s]]
        _ahead(emission, barrier, n_steps, n_states, alpha)
        total = _end_of(alpha, n_steps, n_states)
        values[r] = -total if total > 0.5 * NOTHING else np.inf
        if len(factors) == 0:
            continue
        if total > 0.5 * NOTHING:
            _slopes(emission, barrier, alpha, states, n_states, total, shares[:n_steps], back)
        for t in range(n_steps):
            for k in range(raw.shape[1]):
                raw[lines[first + t], k] = shares[t, k] * factors[r]


@kernel
def best_paths(raw, lengths, labels, counts):
    """Labels that the likeliest class of each step gives, and how many each row has, counts (B,).

    raw (lines, K): the steps of the rows end to end, `lengths` of them. Labels of a row are written
    from the place of its first step on: repeated classes once, blanks not at all.
    """
    blank, first = raw.shape[1] - 1, 0
    for r in range(len(lengths)):
        before, counts[r] = blank, 0
        for t in range(first, first + lengths[r]):
            best = 0
            for k in range(1, raw.shape[1]):
                if raw[t, k] > raw[t, best]:
                    best = k
            if best not in (before, blank):
                labels[first + counts[r]] = best
                counts[r] += 1
            before = best
        first += lengths[r]


@part
def _log_sum(one, other):
    top, low = max(one, other), min(one, other)
    return top if low <= NOTHING else top + math.log1p(math.exp(low - top))


@part
def _candidates(logs, t, nodes, ends, n_nodes, parents, labels, ahead, extended):
    """What the beginnings of a beam become at a step (Hannun et al., 2014).

    ends (W, 2): logarithms of the probabilities that they end with the blank, and with their label.
    ahead (W, 2) is that of the same beginnings, and extended (W, K - 1) of those with one more
    label; NOTHING where that is another beginning of the beam, to which it is added.
    """
    blank = logs.shape[1] - 1
    for i in range(n_nodes):
        both, label = _log_sum(ends[i, 0], ends[i, 1]), labels[nodes[i]]
        ahead[i, 0] = both + logs[t, blank]
        ahead[i, 1] = NOTHING if label < 0 else ends[i, 1] + logs[t, label]
        for k in range(blank):
            extended[i, k] = (ends[i, 0] if k == label else both) + logs[t, k]
    for j in range(n_nodes):
        for i in range(n_nodes):
            if parents[nodes[j]] == nodes[i]:
                k = labels[nodes[j]]
                ahead[j, 1] = _log_sum(ahead[j, 1], extended[i, k])
                extended[i, k] = NOTHING


@long_kernel
def beam(raw, width, parents, labels, nodes, scores, scratch):
    """The likeliest transcripts of one row's raw predictions (T, K); how many are found.

    Beginnings are a tree: node n is that of parents[n] with labels[n] behind it, and node 0 is
    empty; there are up to 1 + T W. nodes (W,) and scores (W,), best first, are written. scratch:
    logs and shares (T, K), ends and ahead (W, 2), extended (W, K - 1), found (W,).
    """
    logs, shares, ends, ahead, extended, found = scratch
    n_steps, n_classes = raw.shape
    parents[0], labels[0], nodes[0], n_nodes, n_made = -1, -1, 0, 1, 1
    ends[0, 0], ends[0, 1] = 0.0, NOTHING
    for t in range(n_steps):
        log_softmax(raw, t, logs, shares, t)
        _candidates(logs, t, nodes, ends, n_nodes, parents, labels, ahead, extended)
        n_kept = 0
        for i in range(n_nodes):
            same = _log_sum(ahead[i, 0], ahead[i, 1])
            n_kept = insert(found, scores, n_kept, same, i * n_classes + n_classes - 1)
            for k in range(n_classes - 1):
                if extended[i, k] > NOTHING:
                    n_kept = insert(found, scores, n_kept, extended[i, k], i * n_classes + k)
        # New nodes behind the others, and the beam in its new order, by way of what is not needed.
        for place in range(n_kept):
            i, k = found[place] // n_classes, found[place] % n_classes
            if k < n_classes - 1:
                parents[n_made], labels[n_made], found[place] = nodes[i], k, n_made
                n_made += 1
                ends[place, 0], ends[place, 1] = NOTHING, extended[i, k]
            else:
                found[place] = nodes[i]
                ends[place, 0], ends[place, 1] = ahead[i, 0], ahead[i, 1]
        for place in range(n_kept):
            nodes[place] = found[place]
        n_nodes = n_kept
    return n_nodes
