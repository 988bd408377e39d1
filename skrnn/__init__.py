"""Recurrent neural networks (simple RNN, LSTM, GRU) as scikit-learn estimators."""

from skrnn.compilation import warmup
from skrnn.estimators import RNNClassifier, RNNRegressor
from skrnn.machine import show_versions
from skrnn.version import __version__ as __version__

__all__ = ["RNNClassifier", "RNNRegressor", "show_versions", "warmup"]
