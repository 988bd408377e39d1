"""Transcripts that a decoder writes by itself, all steps of a beam (equation 147)."""

import numpy as np

from skrnn.kernels import beams, decoder
from skrnn.kernels.jit import long_kernel, part
from skrnn.kernels.matmul import multiply_rows


@part
def _look_up(of_labels, before, n, all_rows):
    """See that the table has the rows of n labels, `before`: each row is found once."""
    vectors, panels, is_known, table = of_labels
    for i in range(n):
        label = before[i]
        if not is_known[label]:
            is_known[label] = True
            multiply_rows(vectors, label, np.intp(1), panels, all_rows, table, label, 0)


@part
def _move_up(going_on, n_on, hypotheses, h, inputs, c, first):
    """Those that go on take the places of the hypotheses that they continue, with their states.

    Several may continue one hypothesis, and none another. So states come from h, and memories from
    the lines of c before `first`, which are not written here.
    """
    next_rows, next_nodes, next_scores, parents, labels = going_on
    rows, nodes, scores, before = hypotheses
    for i in range(n_on):
        rows[i], nodes[i], scores[i], before[i] = (
            next_rows[i], next_nodes[i], next_scores[i], labels[i],
        )  # fmt: skip
        for j in range(h.shape[1]):
            inputs[i, j] = h[parents[i], j]
        for j in range(c.shape[1]):
            c[first + i, j] = c[parents[i], j]


@long_kernel
def write(
    cell, matrix, attention, head, source, of_labels, memory, hypotheses, counts, limits, search,
    going_on,
):  # fmt: skip
    """Write some labels of each hypothesis; how many hypotheses go on, and nodes of the tree.

    cell, matrix, attention and head as in :func:`skrnn.kernels.decoder.forward`; source: without
    rows, and with values (S, G + K) of its steps, what each adds to the gates that read inputs and
    to raw predictions. Where there are some, no context is found, and the spans leave it out; else
    they have no lines. of_labels: vectors (V, E), panels of their matrix, which of them are known,
    and the table (V, G) of what these add to the gates.

    memory: a history of 2 N and N lines, queries, shares, h, sums of values (N, G + K) and raw
    predictions (N, K). The states of the hypotheses stand in the first inputs, their memories in
    the last lines of c. hypotheses: rows, ascending, nodes, scores and last labels (N,). counts:
    hypotheses, nodes, labels that they have, and steps to go. limits: most labels of each row, and
    the length penalty; search: found, tree and scratch; going_on: see
    :func:`skrnn.kernels.beams.advance`.
    """
    states, keys, start, lengths, values = source
    inputs, gates, c, tanh_c, queries, shares, h, sums, raw = memory
    rows, nodes, scores, before = hypotheses
    n_on, n_nodes, n_written, n_steps = counts
    most, length_penalty = limits
    found, tree, scratch = search
    room, n_gates, all_rows = h.shape[0], cell.n_gates * h.shape[1], attention[2]
    for u in range(n_steps):
        if n_on == 0:
            break
        _look_up(of_labels, before, n_on, all_rows)
        decoder.go_on(
            cell, matrix, attention, (states, keys, start, lengths, rows), (before, of_labels[3]),
            (inputs, gates, c, tanh_c), (queries, shares), h, (values, sums),
            (np.intp(0), n_on, room, n_on),
        )  # fmt: skip
        decoder.answer(head, inputs, h, (values, sums), n_on, n_gates, all_rows, raw)
        n_on, n_nodes = beams.advance(
            raw[:n_on], (rows[:n_on], nodes[:n_on], scores[:n_on]),
            (n_written + u, most, length_penalty), found, tree, n_nodes, going_on, scratch,
        )  # fmt: skip
        _move_up(going_on, n_on, hypotheses, h, inputs, c, room)
    return n_on, n_nodes
