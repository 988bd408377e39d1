"""Data as they come, and what they become: sequences, targets, weights, their scales.

Every error about input is raised in this package, in words of the user's own data: the argument,
the sample, the step. Nothing here changes its arguments or touches an estimator.
"""
