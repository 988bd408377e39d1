"""The linear path: the recurrent part builds on what a linear map of the input predicts.

Plain recurrent nets lose to ridge or logistic regression on tables and lag windows. With
``raw = linear map of the flat standardised input + recurrent part`` the recurrence learns only what
the linear map cannot, as in LSTNet's autoregressive highway (Lai et al., 2018) and residual nets.

The map is a ridge regression (:mod:`~skrnn.linear.ridge`), for classes a logistic regression
(:mod:`~skrnn.linear.logistic`), and its strength is chosen by its error on samples it has not seen
(equations 75 to 82):

* the penalty of each output is the one with the smallest leave-one-out error, which one
  eigendecomposition gives exactly for all penalties (Golub, Heath and Wahba, 1979);
* the leave-one-out predictions are put on the scale of raw predictions by a slope and an intercept
  that minimise the network's own loss (:mod:`~skrnn.linear.calibration`: stacking, Wolpert, 1992;
  for classes Platt, 1999), and the slope is near zero where the map predicts nothing;
* while training, a sample's linear part is its leave-one-out prediction. So the recurrent part sees
  the error that the map makes on new data, never rows learnt by heart.

Columns of a table have curves where such predictions say so (:mod:`~skrnn.linear.curves`).

The map (:mod:`~skrnn.linear.path`) then stays as it is. Trained along with the rest it would fit
its own training rows better than new ones, and leave the recurrent part too little to learn. In the
end validation data decide in which share each of the two speaks (:mod:`~skrnn.linear.blending`).
"""
