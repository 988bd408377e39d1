"""Edit distance of sequences of labels (Levenshtein, 1966)."""

from skrnn.kernels.jit import kernel


@kernel
def distances(one, one_ends, other, other_ends, row, found):
    """found (n,): fewest labels to insert, leave out or replace that make one sequence the other.

    Both come end to end, with the place behind each sequence's last label. row is scratch, one
    longer than the longest of the other sequences.
    """
    first = other_first = 0
    for r in range(len(found)):
        n = other_ends[r] - other_first
        for j in range(n + 1):
            row[j] = j
        for i in range(first, one_ends[r]):
            diagonal, row[0] = row[0], row[0] + 1
            for j in range(n):
                replaced = diagonal + (one[i] != other[other_first + j])
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
        found[r] = row[n]
        first, other_first = one_ends[r], other_ends[r]
