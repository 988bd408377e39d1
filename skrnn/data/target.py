"""What targets have in common unless they say otherwise."""


class Target:
    """What y means (:mod:`skrnn.data.targets`)."""

    #: Classes one of which a sequence is of, where the network is told at each step.
    n_conditions = 0
    #: Whether a beginning stands before each sequence, of tokens in the place of an unknown one.
    reads_beginnings = False
    #: Whether its labels are those of some of the steps, in order.
    is_aligned = False

    def weigh(self, values, weights):
        """Weights of answers: their targets have none of their own."""
        return weights

    def in_units_of(self, scaling):
        """The target in the units of X, where X is what it is of; else itself."""
        return self

    def moved(self, values, before):
        """Values in the target's units, which were in those of the target `before`."""
        return values

    def criterion(self, loss, score):
        """What weights are chosen by on validation data, the smallest first: the loss."""
        return loss

    def strata(self, values, n_held_out):
        """By which groups a part is held out: none."""
