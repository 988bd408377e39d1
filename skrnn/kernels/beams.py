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
def _note(found, row, node, length, score, has_ended):
    """Keep a transcript of a row that has fewer than its share."""
    counts, nodes, lengths, scores, ended = found
    i = counts[row]
    if i < nodes.shape[1]:
        nodes[row, i], lengths[row, i], scores[row, i] = node, length, score
        ended[row, i] = has_ended
        counts[row] += 1


@part
def _continuations(raw, scores, first, last, best, best_scores, scratch):
    """The best continuations of a row's hypotheses, as ``hypothesis * K + label``; how many."""
    n_best, n_classes = 0, raw.shape[1]
    logs, shares = scratch
    for i in range(first, last):
        log_softmax(raw, i, logs, shares, 0)
        for k in range(n_classes):
            score = logs[0, k] + scores[i]
            if score > -np.inf:  # not of nan
                n_best = insert(best, best_scores, n_best, score, i * n_classes + k)
    return n_best


@kernel
def advance(raw, hypotheses, n_written, most, found, tree, n_nodes, going_on, scratch):
    """One more label, or the end, of each hypothesis; how many go on, and nodes of the tree.

    raw (N, K): raw predictions of what follows; the last class is the end. hypotheses: rows,
    ascending, nodes and scores (N,), each of n_written labels. most (B,): labels of a row's
    transcripts. found: counts (B,) of what has been found, nodes, lengths, scores and whether they
    have an end (B, W), added to. going_on: rows, nodes, scores, parents and labels (B * W,) of
    those that go on, written. scratch: logs and shares (1, K), best and its scores (W,).
    """
    rows, nodes, scores = hypotheses
    next_rows, next_nodes, next_scores, parents, labels = going_on
    logs, shares, best, best_scores = scratch
    n, n_classes = raw.shape
    first = n_on = 0
    while first < n:
        row, last = rows[first], first + 1
        while last < n and rows[last] == row:
            last += 1
        n_best = _continuations(raw, scores, first, last, best, best_scores, (logs, shares))
        for i in range(n_best):
            if best[i] % n_classes == n_classes - 1:
                node = nodes[best[i] // n_classes]
                _note(found, row, node, n_written, best_scores[i], True)
        for i in range(n_best if found[0][row] < len(best) else 0):
            parent, label = best[i] // n_classes, best[i] % n_classes
            if label == n_classes - 1:
                continue
            tree[0, n_nodes], tree[1, n_nodes] = nodes[parent], label
            if n_written + 1 < most[row]:
                next_rows[n_on], next_nodes[n_on], next_scores[n_on] = row, n_nodes, best_scores[i]
                parents[n_on], labels[n_on] = parent, label
                n_on += 1
            else:
                _note(found, row, n_nodes, n_written + 1, best_scores[i], False)
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
