"""What training changes, and the one way back: weights, their average, the optimiser's state.

Each of these is as large as the parameters, which for tokens are many. So an average is there only
where it is watched, and there is one copy of all at most: of the start of the last epoch that has
begun well.
"""

from skrnn.learning.optimizers import Average


class Progress:
    """The weights of a training with all that moves along with them.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        Start values, which are changed in place.
    optimizer : Adam or SGD
    table_shape : tuple of int
        Of the table that theta begins with; (0, 0) where there is none.
    is_averaged : bool
        Whether the average of the weights is wanted.

    Attributes
    ----------
    kept : tuple or None
        What :meth:`go_back` goes back to: the weights, and the states of the others. None: nothing
        has to be gone back to.
    """

    def __init__(self, theta, optimizer, table_shape, is_averaged):
        self.theta, self.optimizer, self.kept = theta, optimizer, None
        self._average = Average(theta, table_shape) if is_averaged else None
        self._moving = [optimizer, self._average] if is_averaged else [optimizer]

    def update(self, gradient, rate, shrink, table):
        """Move the weights against a gradient, and the average after them; arguments as in
        :meth:`skrnn.learning.optimizers.Adam.update`.
        """
        rows = () if table is None else table.rows
        if self._average is not None:
            self._average.catch_up(self.theta, rows)
        self.optimizer.update(self.theta, gradient, rate, shrink, table)
        if self._average is not None:
            self._average.add(self.theta, rows)

    def watched(self):
        """The weights that validation data watch: the average, from the first update on."""
        if self._average is None or not self._average.n_updates:
            return self.theta
        self._average.catch_up(self.theta)
        return self._average.theta

    def keep(self):
        """Remember how all is now, in place of what was remembered before."""
        if self.kept is None:
            self.kept = self.theta.copy(), [one.copy() for one in self._moving]
            return
        theta, states = self.kept
        theta[:] = self.theta
        for state, one in zip(states, self._moving, strict=True):
            state.become(one)

    def go_back(self):
        """Be as it was remembered, or stay where nothing has changed yet."""
        if self.kept is None:
            return
        theta, states = self.kept
        self.theta[:] = theta
        for state, one in zip(states, self._moving, strict=True):
            one.become(state)

    def forget(self):
        """Give the memory of what was remembered back."""
        self.kept = None
