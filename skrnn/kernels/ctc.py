"""Connectionist temporal classification: labels without an alignment (equations 131 to 137).

The states of a row with L labels are its labels with a blank before, between and behind them, so
there are 2 L + 1. What is known of a state is a probability that may be far below the smallest
number of double precision, so it is kept in two numbers, ``m 2**k``: rows of states are *pairs*,
one line of m and one of k, and have two more states in front, or behind, whose k is always NOTHING.
Sums of such numbers keep all digits, because nothing is subtracted, and need neither exponentials
nor logarithms.
"""

import math

import numpy as np

from skrnn.kernels.activations import exp_in_parts
from skrnn.kernels.beams import insert
from skrnn.kernels.instructions import instruction, largest_of_row, row_instruction
from skrnn.kernels.jit import kernel, long_kernel, part
from skrnn.kernels.softmax import log_softmax
from skrnn.kernels.vectors import VECTOR_BYTES, fma, larger, power_of_two

NOTHING = -1e30
_LANES = VECTOR_BYTES // 8
_LN2 = math.log(2.0)
# So many steps multiply m by up to 3 sqrt(2) each, or by 1 / sqrt(2) at least.
_RENEWED = 64
# What is smaller than another number by so many powers of two does not change it.
_NEGLIGIBLE = -1000.0

# What is done with a register's worth of states. The arguments are addresses; `pair` bytes lie
# between m and k.


def _power(k):
    """``2**k`` of whole numbers k up to 0; those below _NEGLIGIBLE count as that."""
    return power_of_two(larger(k, _NEGLIGIBLE) + 1.5 * 2.0**52)


def _sum_of_ways(units, stay, step, skip, barrier, pair):
    """The sum of three ways into a state, m and k (equation 131)."""
    ways = [units.addresses(way, pair, 2) for way in (stay, step, skip)]
    exponents = [units.load(place) for _, place in ways]
    exponents[2] = exponents[2] + units.load(barrier)
    top = larger(larger(exponents[0], exponents[1]), exponents[2])
    first, *others = [
        (units.load(place), _power(k - top)) for (place, _), k in zip(ways, exponents, strict=True)
    ]
    total = first[0] * first[1]
    for m, power in others:
        total = fma(m, power, total)
    return total, top


def _times(units, number, place, pair):
    """The product of a number, m and k, and the one that stands at an address."""
    m, k = (units.load(one) for one in units.addresses(place, pair, 2))
    return number[0] * m, number[1] + k


def _keep(units, number, place, pair):
    """Store a number, m and k, at an address."""
    for one, to in zip(number, units.addresses(place, pair, 2), strict=True):
        units.store(one, to)


def _ahead(units, stay, step, skip, barrier, emission, new, pair):
    """All ways into a state, and what it emits."""
    ways = _sum_of_ways(units, stay, step, skip, barrier, pair)
    _keep(units, _times(units, ways, emission, pair), new, pair)


def _back(units, stay, step, skip, barrier, emission, ahead, new, due, pair):
    """All ways out of a state, and the probability to be in it, with all ways into it."""
    ways = _sum_of_ways(units, stay, step, skip, barrier, pair)
    _keep(units, _times(units, ways, emission, pair), new, pair)
    m, k = _times(units, ways, ahead, pair)
    units.store(m * _power(k), due)


def _parts(units, logarithms, m, k):
    """Exponentials of logarithms, as m and k."""
    for number, place in zip(exp_in_parts(units.load(logarithms)), (m, k), strict=True):
        units.store(number, place)


def _shares(units, m, k, shares, top):
    """Numbers ``m 2**k`` are divided by ``2**top``, in k, and their values are put into shares."""
    less = units.load(k) - units.copies(top)
    share = units.load(m) * _power(less)
    units.store(less, k)
    units.store(share, shares)
    return share


_ahead_to_states = instruction(_ahead, 7)
_back_to_states = instruction(_back, 9)
_parts_of = row_instruction(_parts, 3)
_shares_of = row_instruction(_shares, 3, has_factor=True, gives_number=True)


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
def _exponentials(raw, lines, of_classes, shares, totals):
    """Exponentials of a row's raw predictions without a factor of each step, of_classes (2, T, K)
    and shares (T, K), and their totals (T,); the logarithm of the product of these.
    """
    n_steps, n_classes = shares.shape
    size = np.intp(shares.itemsize)
    m, k, of_shares = of_classes[0].ctypes.data, of_classes[1].ctypes.data, shares.ctypes.data
    for t in range(n_steps):
        for j in range(n_classes):
            shares[t, j] = raw[lines[t], j]
    _parts_of(shares, n_steps * n_classes, of_shares, m, k)
    logarithm, product = 0.0, 1.0
    for t in range(n_steps):
        at = t * n_classes * size
        top = largest_of_row(shares, n_classes, k + at)
        totals[t] = _shares_of(shares, n_classes, m + at, k + at, of_shares + at, top)
        product *= totals[t]
        if not product < 1e200:  # a logarithm takes as long as a state
            logarithm, product = logarithm + math.log(product), 1.0
    return logarithm + math.log(product)


@part
def _emit(of_classes, states, n_steps, n_states, emission):
    """emission (T, 2, S): what the states emit, the exponentials of their classes."""
    blank = of_classes.shape[2] - 1
    for t in range(n_steps):
        for i in range(2):
            of_blank = of_classes[i, t, blank]
            for s in range(0, n_states - 1, 2):
                emission[t, i, s] = of_blank
                emission[t, i, s + 1] = of_classes[i, t, states[s + 1]]
            emission[t, i, n_states - 1] = of_blank


@part
def _nothing(pairs):
    """States (2, S + 2) without a way to be in any."""
    for s in range(pairs.shape[1]):
        pairs[0, s], pairs[1, s] = 1.0, NOTHING


@part
def _renew(pairs):
    """Numbers m from a half to one again."""
    for s in range(pairs.shape[1]):
        m, k = math.frexp(pairs[0, s])
        pairs[0, s], pairs[1, s] = m, pairs[1, s] + k


@part
def _advance(emission, barrier, n_steps, n_states, alpha):
    """alpha (T + 1, 2, S + 2), from column 2 on: of all beginnings that end in a state (equation
    133), before the first step in the first blank.
    """
    width, pair = np.intp(_LANES), np.intp(alpha.shape[2] * 8)
    _nothing(alpha[0])
    alpha[0, 1, 2] = 0.0
    for t in range(n_steps):
        before, now = alpha.ctypes.data + 2 * t * pair, alpha.ctypes.data + 2 * (t + 1) * pair
        emitted = emission.ctypes.data + 2 * t * pair
        for i in range(2):
            alpha[t + 1, 0, i], alpha[t + 1, 1, i] = 1.0, NOTHING
        for s in range(0, n_states, width):
            at = s * 8
            _ahead_to_states(
                alpha, n_states - s, before + at + 16, before + at + 8, before + at,
                barrier.ctypes.data + at, emitted + at, now + at + 16, pair,
            )  # fmt: skip
        if t % _RENEWED == _RENEWED - 1:
            _renew(alpha[t + 1, :, 2 : 2 + n_states])


@part
def _end_of(alpha, n_steps, n_states):
    """Probability of a row's labels (equation 134), m and k."""
    last, before = alpha[n_steps, :, 1 + n_states], alpha[n_steps, :, n_states]
    top = max(last[1], before[1])
    m = 0.0
    for one in (last, before):
        m += math.ldexp(one[0], int(max(one[1] - top, _NEGLIGIBLE)))
    return m, top


@part
def _slopes(emission, barrier, alpha, states, n_states, end, shares, totals, back, due):
    """shares (T, K) become slopes times totals (T,): less the probability that a class is due
    (equation 136).

    end: the probability of the labels, by which all ends of a transcript are divided from the
    start, at a blank behind the last step. back (2, 2, S + 2), of all ends that begin in a state,
    and due (S,) are scratch.
    """
    n_steps, blank, width = shares.shape[0], shares.shape[1] - 1, np.intp(_LANES)
    pair = np.intp(back.shape[2] * 8)
    for i in range(2):
        _nothing(back[i])
    back[n_steps % 2, 0, n_states - 1], back[n_steps % 2, 1, n_states - 1] = 1.0 / end[0], -end[1]
    for t in range(n_steps - 1, -1, -1):
        now = back.ctypes.data + (t % 2) * 2 * pair
        after = back.ctypes.data + ((t + 1) % 2) * 2 * pair
        ahead, emitted = alpha.ctypes.data + 2 * t * pair, emission.ctypes.data + 2 * t * pair
        for s in range(0, n_states, width):
            at = s * 8
            _back_to_states(
                alpha, n_states - s, after + at, after + at + 8, after + at + 16,
                barrier.ctypes.data + at + 16, emitted + at, ahead + 2 * pair + at + 16, now + at,
                due.ctypes.data + at, pair,
            )  # fmt: skip
        if t % _RENEWED == 0:
            _renew(back[t % 2, :, :n_states])
        of_blank = due[n_states - 1]
        for s in range(0, n_states - 1, 2):
            of_blank += due[s]
            shares[t, states[s + 1]] -= totals[t] * due[s + 1]
        shares[t, blank] -= totals[t] * of_blank


@long_kernel
def value_and_slope(raw, lines, spans, labels, label_spans, factors, scratch, values):
    """values (B,): minus the logarithm of the probability of each row's labels; raw (lines, K)
    becomes the slope of that times the row's factor, and is left as it is where there are none.

    lines: places in raw, of the steps of row r those of spans[r, 0] to spans[r, 1]; labels
    likewise. The blank is the last class. scratch: of_classes (2, T, K), shares (T, K), totals
    (T,), emission (T, 2, S + 2), alpha (T + 1, 2, S + 2), back (2, 2, S + 2), states and due (S,),
    barrier (S + 2,), large enough for each row. A row of too few steps has a probability of zero,
    and a slope as if nothing were due.
    """
    of_all_classes, of_all_steps, totals, emission, alpha, back, states, due, barrier = scratch
    for r in range(len(spans)):
        of_row = lines[spans[r, 0] : spans[r, 1]]
        n_steps, n_classes = len(of_row), raw.shape[1]
        n_states = _states_of(
            labels[label_spans[r, 0] : label_spans[r, 1]], n_classes - 1, states, barrier
        )
        of_classes, shares = of_all_classes[:, :n_steps], of_all_steps[:n_steps]
        all_paths = _exponentials(raw, of_row, of_classes, shares, totals)
        _emit(of_classes, states, n_steps, n_states, emission)
        _advance(emission, barrier, n_steps, n_states, alpha)
        end = _end_of(alpha, n_steps, n_states)
        is_possible = end[1] > 0.5 * NOTHING
        values[r] = all_paths - math.log(end[0]) - end[1] * _LN2 if is_possible else np.inf
        if len(factors) == 0:
            continue
        if is_possible:
            _slopes(emission, barrier, alpha, states, n_states, end, shares, totals, back, due)
        for t in range(n_steps):
            factor = factors[r] / totals[t]
            for k in range(n_classes):
                raw[of_row[t], k] = shares[t, k] * factor


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
    """The logarithm of the sum of two probabilities, of their logarithms; NOTHING is zero's."""
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
    two of (T, K), ends and ahead (W, 2), extended (W, K - 1), found (W,).
    """
    logs, exponentials, ends, ahead, extended, found = scratch
    n_steps, n_classes = raw.shape
    parents[0], labels[0], nodes[0], n_nodes, n_made = -1, -1, 0, 1, 1
    ends[0, 0], ends[0, 1] = 0.0, NOTHING
    for t in range(n_steps):
        log_softmax(raw, t, logs, exponentials, t)
        _candidates(logs, t, nodes, ends, n_nodes, parents, labels, ahead, extended)
        n_kept = 0
        for i in range(n_nodes):
            same = _log_sum(ahead[i, 0], ahead[i, 1])
            n_kept = insert(found, scores, n_kept, same, i * n_classes + n_classes - 1)
            for k in range(n_classes - 1):
                if extended[i, k] > NOTHING:
                    n_kept = insert(found, scores, n_kept, extended[i, k], i * n_classes + k)
        # Candidates with one more label become new nodes of the tree. The places of candidates are
        # those of the beam before, so it stays in `nodes` until all are done.
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
