"""What a fit leaves behind: all that prediction or further training needs.

Inside it is a typed value that is never changed, only replaced as a whole, so a call that reads it
once reads one model whatever other threads do. In a pickle it is a plain dict of arrays, numbers
and strings, so that saved models hold no code but the estimator's own class, and a dict that does
not fit together is refused when it is loaded, because kernels would read it by address.
"""

from collections import deque
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from weakref import WeakValueDictionary

import numpy as np

from skrnn.data import targets
from skrnn.data.scaling import Moments
from skrnn.data.schema import Schema
from skrnn.learning import consistency, saved
from skrnn.learning.repeated import Batches
from skrnn.learning.streams import Streams
from skrnn.learning.token_streams import TokenStreams
from skrnn.linear.bag import BagPath
from skrnn.linear.path import CurvedPath, LinearPath
from skrnn.linear.token_window import TokenWindow
from skrnn.network.inputs import standardized_data
from skrnn.network.network import Architecture, Network
from skrnn.version import __version__

# How names of moments begin in a saved model.
_MOMENTS = "moments_of_"
_NETWORKS: WeakValueDictionary[Architecture, Network] = WeakValueDictionary()
# Small networks outlive their models, because to make one takes a twentieth of a small fit. Each
# holds some 40 bytes a number of its gradients, so these hold 40 MB at most.
_RECENT: deque[Network] = deque(maxlen=8)
_SMALL = 1 << 17


def network_of(architecture):
    """The network of an architecture, shared by the models that have it while there are any."""
    network = _NETWORKS.get(architecture)
    if network is None:
        network = _NETWORKS[architecture] = Network(architecture)
        if network.packing.n_gradients <= _SMALL:  # without U too, a step matrix has its rows
            _RECENT.append(network)
    return network


@dataclass(frozen=True)
class Scaling:
    """Centre and scale of inputs, (1, F) or (T, F), and of targets, (n_targets,).

    The network reads ``(x - center) / scale`` and learns ``(y - target_center) / target_scale``.
    """

    center: np.ndarray
    scale: np.ndarray
    target_center: np.ndarray
    target_scale: np.ndarray


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted model.

    Attributes
    ----------
    schema : Schema
        What X was.
    target : a target of :mod:`skrnn.data.targets`
        What y means.
    architecture : Architecture
    theta : ndarray of shape (n_parameters,)
        The network's parameters.
    scaling : Scaling
    path : LinearPath, CurvedPath, BagPath or None
    seeds : tuple of int
        Of the random streams.
    kept : dict
        The parameters of the first ``fit`` that later training cannot change.
    n_samples_seen : int
        ``t_``.
    optimizer : dict or None
        The optimiser's state, which only ``partial_fit`` keeps.
    moments : dict of str to Moments
        Of "inputs" and "targets", as long as ``partial_fit`` learns their scales.
    """

    schema: Schema
    target: object
    architecture: Architecture
    theta: np.ndarray
    scaling: Scaling
    path: LinearPath | BagPath | None
    seeds: tuple
    kept: dict
    n_samples_seen: int = 0
    optimizer: dict | None = field(default=None, repr=False)
    moments: dict = field(default_factory=dict)

    @cached_property
    def network(self):
        return network_of(self.architecture)

    @cached_property
    def _batches(self):
        return Batches(self)

    @cached_property
    def _standardisation(self):
        """Centre and factor of inputs, in the network's precision and in memory of its own."""
        dtype = self.architecture.dtype
        scaling = self.scaling.center, 1.0 / self.scaling.scale
        return tuple(np.array(one, dtype, order="C") for one in scaling)

    # Predictions

    def data(self, sequences):
        """Sequences as the network reads them."""
        n_steps = len(self.scaling.center)
        if n_steps > 1 and sequences.n_steps != n_steps:  # kernels would read past the end
            raise ValueError(f"Every sequence must have the {n_steps} steps of the table of fit.")
        frame_length = self.architecture.frame_length
        if self.path is not None:
            sequences = self.path.within(sequences)
        return standardized_data(sequences, *self._standardisation, frame_length)

    def raw_predict(self, sequences, count_threads=lambda: 1):
        """Raw predictions (n, n_outputs), in the network's units.

        Parameters
        ----------
        sequences : Sequences
            That the schema has read.
        count_threads : callable
            Says how many threads there may be, as in :meth:`Network.helpers`.
        """
        raw = self._batches.raw_predict(self, sequences)
        if raw is not None:
            return raw
        raw = self._of_network(self.network.raw_predict, sequences, count_threads)
        if self.path is not None:
            raw += self.path_predict(sequences)
        return raw

    def pooled_states(self, sequences, count_threads):
        """Pooled states (n, n_pooled) of sequences; arguments as in :meth:`raw_predict`."""
        return self._of_network(self.network.pooled_states, sequences, count_threads)

    def hidden_states(self, sequences, count_threads):
        """States of the last layer at each step, (all steps, D * H), sequence after sequence."""
        return self._of_network(self.network.hidden_states, sequences, count_threads)

    def shares(self, sequences, count_threads):
        """What each step counts in the pooled states, (all steps,), sequence after sequence."""
        return self._of_network(self.network.shares, sequences, count_threads)

    def streams(self, anew):
        """What goes on by single steps; looked at again whether parameters changed if `anew`."""
        found = vars(self).get("_streams")
        if found is None or (anew and not found.is_of(self.theta)):
            found = vars(self)["_streams"] = self._new_streams()
        return found

    def _new_streams(self):
        return (TokenStreams if self.schema.is_of_tokens else Streams)(self)

    def n_steps(self, sequences):
        """Steps (n,) of sequences as the network reads them."""
        return -(-sequences.lengths // self.architecture.frame_length)

    def _of_network(self, find, sequences, count_threads):
        network, data = self.network, self.data(sequences)
        with network.helpers(data, count_threads) as helpers:
            return find(self.theta, data, helpers)

    def path_predict(self, sequences):
        """The linear path's part of raw predictions, zeros without a path."""
        if self.path is None:
            n_answers = len(sequences)
            if self.architecture.return_sequences:
                n_answers = int(sequences.lengths.sum())
            return np.zeros((n_answers, self.network.n_outputs), self.theta.dtype)
        raw = self.path.predict(sequences, self.architecture.return_sequences)
        return raw.astype(self.theta.dtype, copy=False)

    def linear_map(self):
        """The path's coefficients and intercepts (n_outputs,) for X and y in their own units.

        The coefficients are (n_outputs, n_columns) where X was 2-D, else (n_outputs, n_steps, F) of
        the last steps, or of those around each step that has a target. They give predictions before
        the inverse link. Both are None where X has categories or gaps, or the path has curves, of
        which one number for each column does not say what the path does, and where X is of tokens.
        """
        if self.schema.categories or self.schema.gaps or self.schema.is_of_tokens:
            return None, None
        if isinstance(self.path, CurvedPath):
            return None, None
        coefficients, intercepts = self.path.of_unscaled_inputs()
        n_levels = len(intercepts) // len(self.scaling.target_scale)
        scale = np.repeat(self.scaling.target_scale, n_levels)
        center = np.repeat(self.scaling.target_center, n_levels)
        coefficients = np.moveaxis(coefficients * scale, 2, 0)
        if self.schema.is_of_rows and not self.architecture.return_sequences:
            # Columns of steps before those that the path sees count nothing.
            seen = coefficients.reshape(len(scale), -1)
            coefficients = np.zeros((len(scale), self.schema.n_columns))
            coefficients[:, self.schema.n_columns - seen.shape[1] :] = seen
        return coefficients.copy(order="C"), intercepts * scale + center

    def in_target_units(self, raw):
        """Raw predictions in the target's units, through the inverse link, in double precision."""
        return self.target.loss.inverse_link(self._before_link(raw))

    def slopes_in_target_units(self, raw):
        """The slope of each of these numbers in its raw prediction, (n, n_outputs)."""
        n_levels = raw.shape[1] // len(self.scaling.target_scale)
        scale = np.repeat(self.scaling.target_scale, n_levels)
        return self.target.loss.link_slope(self._before_link(raw)) * scale

    def _before_link(self, raw):
        if not self.target.loss.is_standardized:
            return raw.astype(np.float64)
        if raw.shape[1] == len(self.scaling.target_scale):
            return raw * self.scaling.target_scale + self.scaling.target_center
        center = self.scaling.target_center[:, np.newaxis]
        scale = self.scaling.target_scale[:, np.newaxis]
        levels = raw.astype(np.float64).reshape(len(raw), len(scale), -1)
        return (levels * scale + center).reshape(raw.shape)

    def standardized(self, values):
        """Targets (n, n_targets) in the network's units."""
        return (values - self.scaling.target_center) / self.scaling.target_scale

    def head(self):
        """Views of the output layer's weights and biases."""
        views = self.network.views(self.theta)
        return views["V"], views["b_out"]

    def copy(self, **changes):
        """A model with parameters of its own."""
        return replace(self, theta=self.theta.copy(), **changes)

    def going_on(self, architecture, target, kept, n_timesteps):
        """The same model with a target that was learnt from new data, to be trained further.

        Parameters
        ----------
        architecture : Architecture
        target : a target of :mod:`skrnn.data.targets`
        kept : dict
        n_timesteps : int or None
            As the estimator's parameters are now.

        Raises
        ------
        ValueError
            That names the parameter which has changed.
        """
        wanted = self._parameters(architecture, target, kept, n_timesteps)
        fitted = self._parameters(
            self.architecture, self.target, self.kept, self.schema.n_timesteps
        )
        if kept["dtype"] == self.schema.dtype:  # what it was given or what X gave it
            fitted["dtype"] = kept["dtype"]
        if saved.LEFT_OUT in (kept["linear_path"], self.kept["linear_path"]):
            fitted["linear_path"] = wanted["linear_path"]  # partial_fit does not look at it
        is_series = self.architecture.return_sequences and n_timesteps is None
        if is_series or not self.schema.is_of_rows:  # n_timesteps says how to read this X only
            fitted["n_timesteps"] = n_timesteps
        for name, value in wanted.items():
            self._require_same(name, fitted[name], value)
        return replace(self, target=target)

    def require_kind(self, embedding_dim):
        """Refuse that a model of tokens goes on with numbers, or one of numbers with tokens.

        It is asked before X is read, because by this parameter X is read.
        """
        fitted = self.architecture.embedding_dim
        if (fitted is None) != (embedding_dim is None):
            self._require_same("embedding_dim", fitted, embedding_dim)

    def _require_same(self, name, fitted, value):
        if fitted != value:
            raise ValueError(
                f"This {self.schema.estimator_name} was fitted with {name}={fitted!r}, and"
                f" training cannot go on with {name}={value!r}. Set it back, or fit anew with"
                " warm_start=False."
            )

    @staticmethod
    def _parameters(architecture, target, kept, n_timesteps):
        # The loss first, because the number of quantiles changes that of outputs, which is no
        # parameter.
        loss = {"loss": target.loss.name, "quantile": target.loss.quantiles}
        return {**loss, **asdict(architecture), **kept, "n_timesteps": n_timesteps}

    # Saving and loading

    def __getstate__(self):
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_state(self):
        """A dict of arrays, numbers, strings and further such dicts."""
        return {
            "format": saved.FORMAT,
            "version": __version__,
            "schema": self.schema.to_state(),
            "target": self.target.to_state(),
            "architecture": asdict(self.architecture),
            "theta": self.theta,
            "scaling": dict(vars(self.scaling)),
            "path": None if self.path is None else self.path.to_state(),
            "seeds": self.seeds,
            "kept": dict(self.kept),
            "n_samples_seen": self.n_samples_seen,
            "optimizer": self.optimizer,
            **{_MOMENTS + name: None for name in ("inputs", "targets")},
            **{_MOMENTS + name: dict(vars(found)) for name, found in self.moments.items()},
        }

    @classmethod
    def from_state(cls, state, kinds=tuple(targets.KINDS)):
        """The model that gave this dict by :meth:`to_state`.

        Parameters
        ----------
        state : dict
        kinds : sequence of str
            Of targets that there may be.

        Raises
        ------
        ValueError
            If the dict is of another format, a field of it can be of no model, or its parts do not
            fit together.
        """
        saved.check_fields(state, kinds)
        path = state["path"]
        moments = {name: state[_MOMENTS + name] for name in ("inputs", "targets")}
        model = cls(
            Schema.from_state(state["schema"]),
            targets.from_state(state["target"]),
            Architecture(**state["architecture"]),
            state["theta"],
            Scaling(**state["scaling"]),
            None if path is None else _kind_of_path(state)(**path),
            state["seeds"],
            state["kept"],
            state["n_samples_seen"],
            state["optimizer"],
            {name: Moments(**found) for name, found in moments.items() if found is not None},
        )
        consistency.check_fit(model)
        return model


def _kind_of_path(state):
    """The class of a saved path."""
    if "rarity" in state["path"]:
        return BagPath
    if "columns" in state["path"]:
        return CurvedPath
    return TokenWindow if state["schema"]["tokens"] is not None else LinearPath
