"""Networks: blocks on one flat parameter vector, and how minibatches pass through them.

Nothing here knows scikit-learn, and all arithmetic on steps is in :mod:`skrnn.kernels`.
"""
