"""From examples to a model: the order of a fit, what it leaves, and how a network is trained."""
