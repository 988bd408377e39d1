"""Lines of a large array some at a time, so that what is made of them on the way stays small.

Raw predictions of all answers are such an array: tens of thousands of lines where transcripts are
long, and as many columns as there are labels.
"""

from collections.abc import Iterator

#: Numbers of a portion at most, if a line has no more.
MOST = 2**20


def portions(n_lines: int, n_columns: int) -> Iterator[slice]:
    """Slices that follow each other, of all lines; one of nothing where there are none."""
    n = max(1, MOST // max(1, n_columns))
    return (slice(first, first + n) for first in range(0, max(n_lines, 1), n))
