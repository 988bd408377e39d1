"""The paragraphs that the docstrings of the two estimators share, written once."""

from textwrap import indent

UNITS = """; the unit is the spread of the linear
    path's errors (of y, without a path), not for "poisson\""""

PARAMETERS = """\
hidden_layer_sizes : int or sequence of int, default=(64,)
    Units of each recurrent layer (per direction, if bidirectional), from the input up.

cell : {"gru", "lstm", "rnn"}, default="gru"
    Kind of recurrent layer: gated recurrent unit, long short-term memory, or simple (Elman) net.

activation : {"tanh", "relu", "logistic"}, default="tanh"
    Activation of the cell "rnn". The gated cells have their own.

bidirectional : bool, default=False
    Whether each layer also reads the sequence from its end; its outputs are then twice as wide.

pooling : {"last", "mean", "max"}, default="last"
    How the outputs of the last layer become one vector per sequence: the state after the last step
    (of the reverse direction, after the first), or the mean or maximum over all steps.

n_timesteps : int, default=None
    Steps in a row of a 2-D X, which is then read as ``X.reshape(n, n_timesteps, -1)``. None: each
    column is a step of one feature.

linear_path : "auto", int or None, default="auto"
    A linear map from the flat (standardised) input to the output beside the recurrent layers, which
    then learn what it cannot: a ridge or logistic regression, its strength chosen by leave-one-out
    cross-validation down to nothing, fitted first and then kept. With validation data the recurrent
    part is also trained without it, and the better of the two is kept. An int is the number of last
    steps it sees; "auto" takes as many as have 512 inputs. None leaves it out, as ``partial_fit``
    always does.

dropout : float, default=0.0
    Share of each layer's outputs that is set to zero while training, the same units at every step
    of a sequence (Gal and Ghahramani, 2016). Not used by "lbfgs".
"""

SOLVER_PARAMETERS = """\
solver : {"adam", "sgd", "lbfgs"}, default="adam"
    Adam, gradient descent with momentum, or SciPy's L-BFGS on all data at once.

alpha : float, default=1e-4
    Strength of the L2 penalty: ``alpha / 2 * ||weights||^2 / w`` is added to the loss, w the sum of
    the minibatch's sample weights. Biases and the linear path are left alone.

batch_size : int or "auto", default="auto"
    Samples in a minibatch. "auto": all up to 64 samples, else 32, from 4000 samples on 64.

learning_rate : {"cosine", "one_cycle", "constant", "invscaling", "adaptive"}, default="cosine"
    Schedule of the learning rate. "cosine" falls to zero at `max_iter`; "one_cycle" rises first;
    "constant", "invscaling" and "adaptive" are those of MLPRegressor. ``partial_fit``, which knows
    no end, takes "constant" for the first two.

learning_rate_init : float, default=0.003
    The (largest) learning rate.

power_t : float, default=0.5
    Exponent of "invscaling".

max_iter : int or None, default=None
    Epochs of "adam" and "sgd", iterations of "lbfgs". None: as many epochs as give about 3000
    updates, but 25 to 300; 200 iterations of "lbfgs".

shuffle : bool, default=True
    Whether each epoch takes the samples in a new order. False also makes `validation_fraction` the
    last part of the data, as time series want it.

random_state : int, RandomState instance or None, default=None
    Start values, order of the samples, dropout and validation split. The same number gives the same
    model to the bit, whatever `n_jobs`.

tol : float, default=1e-4
    Training stops when the loss (with `early_stopping` that on the validation data) has not
    improved by the share `tol` of itself in `n_iter_no_change` epochs. For "lbfgs" the tolerance
    of the gradient.

verbose : bool, default=False
    Whether to print a line per epoch.

warm_start : bool, default=False
    Whether ``fit`` goes on from the weights of the last ``fit``. Standardisation and linear path
    stay those of the first, which saw its validation data too where they come back.

momentum : float, default=0.9
    Momentum of "sgd".

nesterovs_momentum : bool, default=True
    Whether it is Nesterov's.

beta_1, beta_2 : float, default=0.9, 0.999
    Decay of Adam's running moments.

epsilon : float, default=1e-8
    Adam's guard against division by zero.

early_stopping : bool or "auto", default="auto"
    Whether to hold out `validation_fraction` of the data (unless ``fit`` gets `X_val` and `y_val`),
    to stop when its loss no longer improves, and to keep the weights that were best on it. "auto"
    does so from 50 samples on, or where `X_val` is given. Beside a linear path the recurrent part
    is then scaled down by what it gains on the validation data.

validation_fraction : float, default=0.25
    Share held out for `early_stopping`; stratified for a classifier.

n_iter_no_change : int, inf or "auto", default="auto"
    Epochs without improvement before training stops. "auto": as many as make 200 updates, but at
    least 10; without validation data a schedule that ends at `max_iter` is gone through.

max_grad_norm : float or None, default=1.0
    Largest norm of the gradient; a longer one is scaled down.

standardize : bool, default=True
    Whether to scale X to mean 0 and variance 1 (a plain table per column, sequences per feature
    over all steps){and_y}.

dtype : {"float32", "float64"} or None, default=None
    Precision of training and prediction. None keeps float32 and makes everything else float64.

n_jobs : int or None, default=None
    Threads of one ``fit`` or ``predict``, in joblib's meaning.
"""

ATTRIBUTES = """\
coefs_ : list of ndarray
    For each layer and direction the input matrix, shape (inputs, gates * units), and the recurrent
    matrix, (units, gates * units); last the output layer's, (directions * units, outputs). Gates
    are in the order i f g o (LSTM) and r z n (GRU).

intercepts_ : list of ndarray
    For each layer and direction the bias, shape (gates * units,), for GRU (4 * units,): the
    recurrent bias of the candidate, then r z n; last the output layer's.

n_features_in_ : int
    Columns of a 2-D X, features per step of any other.

feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the columns, where X was a DataFrame with names that are all strings.

n_outputs_ : int
    Number of outputs.

n_iter_ : int
    Epochs (iterations) run.

t_ : int
    Training samples seen.

loss_, best_loss_ : float
    The last and the smallest training loss, penalty included{in_units}.

loss_curve_ : list of float
    Training loss of each epoch.

validation_loss_curve_, validation_scores_ : list of float or None
    Loss and score on the validation data after each epoch; None where none were watched.

best_validation_score_ : float or None
    The best score.

out_activation_ : str
    Activation of the output layer.
"""


def documented(**words):
    """Class decorator: the shared paragraphs, with these words, where a docstring names them."""
    paragraphs = {
        "<parameters>": PARAMETERS,
        "<solver parameters>": SOLVER_PARAMETERS.replace("{and_y}", words["and_y"]),
        "<attributes>": ATTRIBUTES.replace("{in_units}", words["in_units"]),
    }

    def fill(cls):
        for place, text in paragraphs.items():
            cls.__doc__ = (cls.__doc__ or "").replace(f"    {place}\n", indent(text, " " * 4))
        return cls

    return fill
