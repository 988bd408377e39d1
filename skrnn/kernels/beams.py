"""A beam: the best beginnings of transcripts, followed side by side (equation 147).

A *hypothesis* is such a beginning. Hypotheses are a tree: `tree` (2, M) has of each node the node
before it and the label that it adds, so nothing is copied while they grow, and the root is -1.
"""

import numpy as np

from skrnn.kernels.jit import kernel, part
from skrnn.kernels.softmax import log_softmax


@part
def insert(found, scores, n_kept, score, candidate):
    """Put a candidate in its place among the best so far, best first; how many are kept.

    Of equal ones the first stays first.
    """
    width = len(found)
    if n_kept == width and score <= scores[width - 1]:
        return n_kept
    place = n_kept if n_kept < width else width - 1
    while place > 0 and scores[place - 1] < score:
        scores[place], found[place] = scores[place - 1], found[place - 1]
        place -= 1
    scores[place], found[place] = score, candidate
    return min(n_kept + 1, width)


@part
def _worst(worths, row, n):
    """The least worthy of a row's first n transcripts, of equal ones the last."""
    worst = 0
    for i in range(1, n):
        if worths[row, i] <= worths[row, worst]:
            worst = i
    return worst


@part
def _note(found, row, node, length, score, has_ended, length_penalty):
    """Keep a transcript; where a row has all that it may, if it is better than the worst."""
    counts, nodes, lengths, scores, ended, worths = found
    n, last = counts[row], nodes.shape[1] - 1
    worth = score / (length + 1.0) ** length_penalty
    if n > last:
        n, worst = last, _worst(worths, row, n)
        if worth <= worths[row, worst]:
            return
        for i in range(worst, last):
            nodes[row, i], lengths[row, i] = nodes[row, i + 1], lengths[row, i + 1]
            scores[row, i], ended[row, i] = scores[row, i + 1], ended[row, i + 1]
            worths[row, i] = worths[row, i + 1]
    nodes[row, n], lengths[row, n], scores[row, n] = node, length, score
    ended[row, n], worths[row, n], counts[row] = has_ended, worth, n + 1


@part
def _least(found, row):
    """What a transcript has to be worth to be kept."""
    counts, worths = found[0], found[5]
    n = counts[row]
    return worths[row, _worst(worths, row, n)] if n == worths.shape[1] else -np.inf


@part
def _continuations(raw, scores, first, last, best, best_scores, scratch):
    """The best continuations of a row's hypotheses, as ``hypothesis * K + label``; how many."""
    n_best, n_classes = 0, raw.shape[1]
    logs, exponentials = scratch
    for i in range(first, last):
        log_softmax(raw, i, logs, exponentials, 0)
        for k in range(n_classes):
            score = logs[0, k] + scores[i]
            if score > -np.inf:  # not of nan
                n_best = insert(best, best_scores, n_best, score, i * n_classes + k)
    return n_best


@kernel
def advance(raw, hypotheses, limits, found, tree, n_nodes, going_on, scratch):
    """One more label, or the end, of each hypothesis; how many go on, and nodes of the tree.

    raw (N, K): raw predictions of what follows; the last class is the end. hypotheses: rows,
    ascending, nodes and scores (N,). limits: how many labels these have, most (B,) that each row's
    may have, and the length penalty. found: counts (B,) of what has been found, nodes, lengths,
    scores, whether they have an end, and worths (B, W), changed. going_on: rows, nodes, scores,
    parents and labels (B * W,) of those that go on, written. scratch: two of (1, K), best
    and its scores (W,).

    A hypothesis goes on if its row may have more transcripts, or if it is worth more so far, by its
    labels, than the worst of those: an early end is often among the best continuations, and should
    not keep out a transcript that is far more probable.
    """
    rows, nodes, scores = hypotheses
    n_written, most, length_penalty = limits
    next_rows, next_nodes, next_scores, parents, labels = going_on
    logs, exponentials, best, best_scores = scratch
    n, n_classes = raw.shape
    first = n_on = 0
    while first < n:
        row, last = rows[first], first + 1
        while last < n and rows[last] == row:
            last += 1
        n_best = _continuations(raw, scores, first, last, best, best_scores, (logs, exponentials))
        for i in range(n_best):
            if best[i] % n_classes == n_classes - 1:
                node = nodes[best[i] // n_classes]
                _note(found, row, node, n_written, best_scores[i], True, length_penalty)
        least = _least(found, row)
        for i in range(n_best):
            parent, label = best[i] // n_classes, best[i] % n_classes
            worth = best_scores[i] / (n_written + 1.0) ** length_penalty
            if label == n_classes - 1 or worth <= least:
                continue
            tree[0, n_nodes], tree[1, n_nodes] = nodes[parent], label
            if n_written + 1 < most[row]:
                next_rows[n_on], next_nodes[n_on], next_scores[n_on] = row, n_nodes, best_scores[i]
                parents[n_on], labels[n_on] = parent, label
                n_on += 1
            else:
                length, score = n_written + 1, best_scores[i]
                _note(found, row, n_nodes, length, score, False, length_penalty)
            n_nodes += 1
        first = last
    return n_on, n_nodes


@kernel
def spell(tree, nodes, ends, labels):
    """labels (sum of lengths,): those of transcripts end to end.

    nodes (n,): the last of each; ends (n,): the place behind its last label.
    """
    for i in range(len(nodes)):
        node, place = nodes[i], ends[i]
        while node >= 0:
            place -= 1
            labels[place] = tree[1, node]
            node = tree[0, node]
