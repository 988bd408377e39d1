"""
The first fit: a small recurrent net in a few milliseconds
==========================================================

A hundred random rows of five columns, and a target that is the first column: the net has to
carry the first of five steps to the end. Ten tanh units, a hundred epochs of Adam on all rows.
The linear path is left out: it alone would solve this task, and here the recurrent net is shown.

The first ``fit`` in a new environment compiles the kernels once, and keeps them on disk; the
first in any process loads them; every later one just runs.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import mean_squared_error

from skrnn import RNNRegressor

# %%
# Every fit of these settings is the same to the bit, so the second one shows the time alone.

X = np.random.default_rng(0).random((100, 5))
y = X[:, 0]

for run in ("first fit (compiles or loads the kernels)", "second fit"):
    model = RNNRegressor(
        hidden_layer_sizes=(10,),
        cell="rnn",
        frame_length=1,
        linear_path=None,
        solver="adam",
        max_iter=100,
        n_iter_no_change=np.inf,
        early_stopping=False,
        batch_size=10,
        random_state=0,
    )
    start = perf_counter()
    model.fit(X, y)
    seconds = perf_counter() - start
    print(f"{run:<44} {seconds:8.4f} s, {model.n_iter_} epochs")

print(f"training mean squared error: {mean_squared_error(y, model.predict(X)):.6f}")

# %%
# The training loss of each epoch is kept. It is in units of the spread of y, so it begins near a
# half, the loss of a model that knows the mean and nothing else.

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.semilogy(range(1, model.n_iter_ + 1), model.loss_curve_)
ax.set(xlabel="epoch", ylabel="training loss")
plt.show()
