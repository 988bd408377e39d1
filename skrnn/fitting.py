"""From labelled sequences to a model, and from a model to raw predictions.

A *model* is a plain dict of arrays, numbers and strings, all that prediction or further training
needs; an estimator holds one, so that pickles hold no code but the estimator's own class.

=================  ===========================================================================
architecture       tuple of the arguments of :class:`skrnn.network.Network`
theta              its flat parameter vector
center, scale      of the inputs, (1, F), or (T, F) for a plain table
target_center,     of the targets, (K,): the network learns ``(y - center) / scale``
target_scale
linear_path        dict of the map that :mod:`skrnn.linear_path` fitted, or None
seeds              of the random streams
n_samples_seen     by training so far, ``t_``
optimizer          dict: the optimiser's state, kept between calls of ``partial_fit`` only
=================  ===========================================================================
"""

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from scipy.special import logit

from skrnn import linear_path, scaling, stacking, threads, training
from skrnn.network import Network, sequence_data
from skrnn.sequences import Sequences

#: Losses whose targets are standardised; the others' units have a meaning.
_STANDARDIZED = ("squared_error", "absolute_error", "huber", "quantile")


class Labelled(NamedTuple):
    """Sequences, their targets (n, K) and weights (n,), in the user's units.

    offsets (n, n_outputs): what the linear path adds to the raw predictions, where it is not to be
    the model's own prediction.
    """

    sequences: Sequences
    targets: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray | None = None

    def take(self, rows):
        """Some of the rows."""
        offsets = None if self.offsets is None else self.offsets[rows]
        return Labelled(self.sequences.take(rows), self.targets[rows], self.weights[rows], offsets)


@lru_cache(maxsize=16)
def _network(architecture):
    return Network(**dict(architecture))


def network_of(model):
    """The network of a model."""
    return _network(model["architecture"])


def new_model(labelled, architecture, seeds, standardize, per_step, path=None):
    """A model with start values for some data.

    Parameters
    ----------
    labelled : Labelled
        The training data: what the standardisation and the start of the output bias are taken from.
    architecture : dict
        Arguments of Network.
    seeds : sequence of int
        Of the start values, the order of the data, dropout.
    standardize : bool
    per_step : bool
        Whether X is a plain table, each column with a mean and scale of its own.
    path : int, "auto" or None
        Steps of the linear path; None for no path.

    Returns
    -------
    model : dict
    labelled : Labelled
        With the offsets to train with: what the path predicts for each sample without having seen
        it.

    Raises
    ------
    ValueError
        If X or y spreads too far to be standardised.
    """
    key = tuple(sorted(architecture.items()))
    center, scale = _input_scaling(labelled, standardize, per_step)
    target_center, target_scale = _target_scaling(labelled, architecture, standardize)
    targets = (labelled.targets - target_center) / target_scale
    linear, offsets = _linear_path(labelled, targets, architecture, per_step, path)
    theta = _start(key, seeds, targets, labelled.weights)
    if linear is not None:  # the start is what the path predicts, nothing else
        for head in _head(_network(key), theta):
            head[:] = 0.0
    if linear is not None and standardize and architecture["loss"] in _STANDARDIZED:
        unit = _error_scale(architecture["loss"], targets, offsets, labelled.weights)
        target_scale = target_scale * unit
        raw_unit = np.repeat(unit, offsets.shape[1] // len(unit))
        linear = {**linear_path.scaled(linear, 1.0 / raw_unit), "unit": raw_unit}
        offsets = offsets / raw_unit
    model = {
        "architecture": key,
        "theta": theta,
        "center": center,
        "scale": scale,
        "target_center": target_center,
        "target_scale": target_scale,
        "seeds": tuple(int(seed) for seed in seeds),
        "linear_path": linear,
        "n_samples_seen": 0,
        "optimizer": None,
    }
    return model, labelled._replace(offsets=offsets)


def _start(key, seeds, targets, weights):
    """Start values of a net without a linear path, for targets in its units."""
    network = _network(key)
    theta = network.initialize(np.random.RandomState(seeds[0]))
    network.views(theta)["b_out"][:] = _initial_bias(dict(key), targets, weights)
    return theta


def _linear_path(labelled, targets, architecture, per_step, path):
    """The linear path and its left-out predictions; None, None where there is none to be had."""
    if path is None or not _is_learnable(targets, architecture):
        return None, None
    try:
        return linear_path.fit(
            labelled.sequences, targets, labelled.weights, per_step, architecture, path
        )
    except OverflowError:  # a net on X or y of such a spread, not standardised, is on its own
        return None, None


def _error_scale(loss, targets, offsets, weights):
    """Spread of the path's errors (K,): the unit in which the recurrent part learns them."""
    errors = targets - offsets[:, :: offsets.shape[1] // targets.shape[1]]  # of the first level
    spread = scaling.mean_and_scale(errors, weights, np.float64)[1]
    if loss not in linear_path.ROBUST:
        return spread
    robust = np.array([linear_path.robust_scale(column, weights) for column in errors.T])
    return np.where(robust > 0.0, robust, spread)


def _is_learnable(targets, architecture):
    """Whether there is anything a linear map could learn: two samples, and of each class one."""
    if architecture["loss"] in ("logistic", "softmax"):
        n_classes = architecture["n_outputs"] if architecture["loss"] == "softmax" else 2
        return targets.shape[1] > 1 or len(np.unique(targets)) == n_classes
    return len(targets) > 1


def _input_scaling(labelled, standardize, per_step):
    if not standardize:
        n_features = labelled.sequences.n_features
        return np.zeros((1, n_features)), np.ones((1, n_features))
    try:
        return scaling.sequence_scaling(labelled.sequences, labelled.weights, per_step)
    except OverflowError as error:
        raise ValueError(f"X cannot be standardised: {error}. Rescale X first.") from error


def _target_scaling(labelled, architecture, standardize):
    n_targets = labelled.targets.shape[1]
    if not standardize or architecture["loss"] not in _STANDARDIZED:
        return np.zeros(n_targets), np.ones(n_targets)
    try:
        return scaling.mean_and_scale(labelled.targets, labelled.weights, np.float64)
    except OverflowError as error:
        raise ValueError(f"y cannot be standardised: {error}. Rescale y first.") from error


def _initial_bias(architecture, targets, weights):
    """The best constant prediction, on the scale of raw predictions: (n_outputs,)."""
    loss, n_outputs = architecture["loss"], architecture["n_outputs"]
    if loss in ("absolute_error", "quantile"):
        levels = architecture["quantiles"] if loss == "quantile" else (0.5,)
        columns = targets.T
        return [scaling.weighted_quantile(y, weights, level) for y in columns for level in levels]
    if loss == "softmax":
        counts = np.bincount(targets[:, 0].astype(int), weights, minlength=n_outputs)
        return np.log(_inside(counts / counts.sum(), weights))
    mean = np.average(targets, axis=0, weights=weights)
    if loss == "poisson":
        return np.log(np.maximum(mean, np.finfo(float).tiny))
    return logit(_inside(mean, weights)) if loss == "logistic" else mean


def _inside(share, weights):
    """Shares kept half a sample away from 0 and 1, where their logarithms end."""
    edge = 0.5 / (weights.sum() + 1.0)
    return np.clip(share, edge, 1.0 - edge)


def examples(model, labelled):
    """Labelled data in the network's units and precision."""
    dtype = model["theta"].dtype
    targets = (labelled.targets - model["target_center"]) / model["target_scale"]
    return training.Examples(
        _data(model, labelled.sequences),
        np.ascontiguousarray(targets, dtype),
        np.ascontiguousarray(labelled.weights, dtype),
        np.ascontiguousarray(_offsets(model, labelled), dtype),
    )


def _offsets(model, labelled):
    if labelled.offsets is not None:
        return labelled.offsets
    return _linear_predict(model, labelled.sequences)


def _linear_predict(model, sequences):
    if model["linear_path"] is None:
        return np.zeros((len(sequences), network_of(model).n_outputs), model["theta"].dtype)
    with np.errstate(over="ignore"):  # whoever asked checks that predictions are finite
        raw = linear_path.predict(model["linear_path"], sequences)
        return raw.astype(model["theta"].dtype, copy=False)


def _data(model, sequences):
    n_steps = len(model["center"])
    if n_steps > 1 and (sequences.lengths != n_steps).any():  # kernels would read beyond the end
        raise ValueError(f"Every sequence must have the {n_steps} steps of the table of fit.")
    return sequence_data(sequences, model["center"], 1.0 / model["scale"])


def raw_predict(model, sequences, count_threads=lambda: 1):
    """Raw predictions (n, n_outputs), targets' units not yet restored.

    count_threads says how many threads there may be. It is asked only where threads are worth it:
    to count the machine's processors takes as long as to predict a row.
    """
    network, data = network_of(model), _data(model, sequences)
    with threads.helpers(count_threads() if network.is_worth_threads(data) else 1) as helpers:
        raw = network.raw_predict(model["theta"], data, helpers)
    return raw if model["linear_path"] is None else raw + _linear_predict(model, sequences)


def in_target_units(model, raw):
    """Predictions (n, K * Q) of a regressor, in double precision, from its raw predictions."""
    center, scale = model["target_center"][:, np.newaxis], model["target_scale"][:, np.newaxis]
    levels = raw.astype(np.float64).reshape(len(raw), len(scale), -1)
    values = (levels * scale + center).reshape(raw.shape)
    return np.exp(values) if dict(model["architecture"])["loss"] == "poisson" else values


def settings_of(params, n_samples, incremental, is_watched):
    """Training settings from an estimator's parameters."""
    values = {name: params[name] for name in training.Settings._fields}
    values["batch_size"] = batch_size = _batch_size(params["batch_size"], n_samples)
    values["early_stopping"] = bool(params["early_stopping"])  # "auto" is true: data are watched
    n_batches = -(-n_samples // batch_size)
    if params["max_iter"] is None:
        values["max_iter"] = _n_epochs(n_batches, params["solver"])
    if params["n_iter_no_change"] == "auto":
        planned = params["learning_rate"] in ("cosine", "one_cycle") and not is_watched
        values["n_iter_no_change"] = np.inf if planned else max(10, _PATIENCE // n_batches)
    if incremental and params["learning_rate"] in ("cosine", "one_cycle"):
        values["learning_rate"] = "constant"  # partial_fit has no end to plan for
    return training.Settings(**values)


#: Updates without improvement after which n_iter_no_change="auto" has training stop.
_PATIENCE = 200
#: What max_iter=None aims at: so many updates, within so many epochs.
_N_UPDATES, _FEWEST_EPOCHS, _MOST_EPOCHS = 3000, 25, 300


def _n_epochs(n_batches, solver):
    if solver == "lbfgs":
        return 200
    return min(max(_N_UPDATES // n_batches, _FEWEST_EPOCHS), _MOST_EPOCHS)


def _batch_size(batch_size, n_samples):
    if batch_size == "auto":
        # Small data in one batch: there, weights equal repetition to the last digits.
        batch_size = 64 if n_samples <= 64 or n_samples >= 4000 else 32
    return min(batch_size, n_samples)


def train(
    model,
    labelled,
    settings,
    *,
    watched=None,
    score=None,
    incremental=False,
    n_threads=1,
    warn,
    report,
):
    """Train a copy of a model.

    Parameters
    ----------
    model : dict
        Not changed.
    labelled : Labelled
    settings : training.Settings
    watched : Labelled, optional
        Validation data.
    score : callable, optional
        Of raw predictions on the validation data.
    incremental : bool
        One epoch, with the optimiser's state taken from the model and kept in the result.
    n_threads : int
    warn, report : callable
        Take the text of a warning, the line of an epoch; report may be None.

    Returns
    -------
    model : dict
    curves : training.Curves
    converged : bool
        False where more iterations would have helped.
    """
    run = partial(
        _train_once, settings=settings, incremental=incremental, n_threads=n_threads, warn=warn,
        report=report,
    )  # fmt: skip
    if incremental or watched is None or model["linear_path"] is None:
        return _results(run(model, labelled, watched, score))
    ways = [(model, labelled, watched, score)]
    if model["n_samples_seen"] == 0:
        ways.append(_without_path(*ways[0]))
    runs = []
    for way, name in zip(ways, ("beside the linear path", "alone"), strict=False):
        if report is not None:
            report(f"The recurrent part {name}:")
        runs.append(run(*way))
        if runs[-1][1].interrupted:
            break
    seen = [trained for trained in runs if trained[1].unchosen is not None]  # one epoch at least
    return _results(_weigh(model, seen, runs[0][1].validation.examples) if seen else runs[0])


def _results(trained):
    model, run, converged = trained
    return model, run.curves, converged


def _train_once(model, labelled, watched, score, *, settings, incremental, n_threads, warn, report):
    """A trained copy of the model, the run, and whether it has converged."""
    model = {**model, "theta": model["theta"].copy()}
    network = network_of(model)
    seen = model["n_samples_seen"]
    streams = (np.random.RandomState([seed, seen % 2**32]) for seed in model["seeds"][1:3])
    with threads.helpers(n_threads) as helpers:
        run = training.Training(
            network,
            model["theta"],
            examples(model, labelled),
            settings,
            training.Streams(*streams),
            validation=watched and training.Validation(examples(model, watched), score),
            optimizer=_revive(network, settings, model["optimizer"]) if incremental else None,
            helpers=helpers,
            warn=warn,
            report=report,
            n_samples_seen=seen,
        )
        converged = True
        if incremental:
            run.run_once()
        else:
            converged = run.run()
    model["n_samples_seen"] = run.n_samples_seen
    model["optimizer"] = vars(run.optimizer) if incremental else None
    return model, run, converged


def _without_path(model, labelled, watched, score):
    """The same task for a recurrent part that learns alone, in the units of the target itself."""
    unit = model["linear_path"]["unit"]
    n_levels = len(unit) // len(model["target_scale"])
    target_scale = model["target_scale"] / unit[::n_levels]
    targets = (labelled.targets - model["target_center"]) / target_scale
    alone = {**model, "linear_path": None, "target_scale": target_scale}
    alone["theta"] = _start(model["architecture"], model["seeds"], targets, labelled.weights)
    return (
        alone,
        labelled._replace(offsets=None),
        watched._replace(offsets=None),
        lambda raw: score(raw / unit.astype(raw.dtype)),
    )


def _weigh(model, runs, watched):
    """The better of the recurrent parts, in its share, beside the path in its own."""
    network, path = network_of(model), model["linear_path"]
    recurrent = []
    for trained, run, _ in runs:
        is_alone = trained["linear_path"] is None
        unit = (path["unit"] if is_alone else np.ones_like(path["unit"])).astype(run.unchosen.dtype)
        for head in _head(network, trained["theta"]):
            head /= unit
        recurrent.append((run.unchosen / unit, is_alone))
    best, share, path_share = stacking.weigh(
        recurrent,
        watched.offsets,
        lambda raw: network.losses(raw, watched.targets),
        watched.weights,
        dict(model["architecture"])["loss"] in ("logistic", "softmax", "poisson"),
    )
    trained, run, converged = runs[best]
    for head in _head(network, trained["theta"]):
        head *= head.dtype.type(share)
    kept = {"linear_path": linear_path.scaled(path, path_share)}
    return {**trained, **kept, "target_scale": model["target_scale"]}, run, converged


def _head(network, theta):
    """Views of the output layer's weights and biases."""
    views = network.views(theta)
    return views["V"], views["b_out"]


def _revive(network, settings, state):
    """An optimiser in a state kept by ``partial_fit``, a fresh one if there is none of its kind."""
    optimizer = training.new_optimizer(network, settings)
    if state is not None and state.keys() == vars(optimizer).keys():
        arrays = {k: v.copy() for k, v in state.items() if isinstance(v, np.ndarray)}
        vars(optimizer).update(arrays, n_updates=state["n_updates"])
    return optimizer
