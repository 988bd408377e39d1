"""The numerical core: compiled functions on arrays that their caller allocated, and formulas.

Nothing here validates, allocates for its caller, prints or draws random numbers, and nothing here
imports more than numpy, numba, llvmlite and its own neighbours. The numbers in the comments are the
equations of ``docs/mathematics.md``, and ``docs/design.md`` takes the reader through a kernel from
its formula to the registers. One legend of dimensions serves all files:

====  =============================================================================
T     time steps of the longest sequence of a tile
B     sequences (rows) of a tile, sorted longest first
S     steps of all sequences of a tile together, the rows of every timeline array
F     inputs of a layer
H     hidden units of a layer
G     gate blocks of a cell (rnn 1, gru 3, lstm 4)
D     directions, 1 or 2
P     pooled features, ``D * H`` of the last layer
K     outputs
====  =============================================================================

A *timeline* array has the steps of all rows one after the other without padding: step ``t`` owns
the lines ``start[t]:start[t + 1]``, and its line ``r`` belongs to the ``r``-th longest sequence.
"""
