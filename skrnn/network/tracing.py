"""The way back from raw predictions to the observations they are made of."""

import numpy as np

from skrnn.network import passes, threads
from skrnn.network.examples import Labels, first_answers
from skrnn.network.inputs import Traced
from skrnn.network.network import Memory, Network
from skrnn.network.passes import Run


class _Weighted:
    """In the place of a loss: raw predictions times some slopes, which come as targets."""

    name = "weighted sum"

    @staticmethod
    def gradient(raw, slopes, shares):
        """`raw` becomes the gradient, the slopes; the sum itself is not asked for."""
        raw[:] = slopes
        return 0.0


class TracedNetwork(Network):
    """A network of numbers whose first layer finds the gradient of its inputs too.

    It is a network of its own, because training asks for none, and would take longer with it. Its
    parameters are those of the network that it is made like.

    Parameters
    ----------
    architecture : Architecture
        Without an embedding.
    """

    def __init__(self, architecture):
        super().__init__(architecture, Traced(architecture.n_features, architecture.frame_length))

    def input_gradient(self, theta, data, slopes, helpers=None):
        """Gradient of the sum of raw predictions times slopes.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
        data : SequenceData
        slopes : ndarray of shape (n_answers, n_outputs)
            In the network's precision.
        helpers : threads.Helpers, optional

        Returns
        -------
        ndarray of float64, in the shape of the data's values
        """
        found, rows = np.zeros(data.values.shape), np.arange(len(data.lengths))
        firsts = first_answers(data.lengths)
        shards, memory = self.planner.plan(data, rows, training=True), Memory(self)
        weights = memory.fill(theta)
        numbers, unused = memory.gradients(len(shards), data, rows)
        numbers[:] = 0

        def work(i):
            workspace = memory.take_workspace()
            gradients = unused[i]._replace(input=found)  # in which no two rows share a place
            for of_tile, timeline in shards[i]:
                answers = self.chain.pooling.answers(of_tile, firsts, timeline)
                labels, run = Labels(slopes[answers], 1.0, 0.0), Run(timeline, workspace, True)
                passes.loss_gradient(
                    self.chain, _Weighted, weights, data, labels, of_tile, run, gradients
                )
            memory.give_back(workspace)

        threads.run(work, range(len(shards)), helpers)
        return found
