"""Recurrent neural networks (simple RNN, LSTM, GRU) as scikit-learn estimators."""

from skrnn.compilation import warmup
from skrnn.estimators import RNNClassifier, RNNGenerator, RNNRegressor, RNNTranslator
from skrnn.machine import show_versions
from skrnn.version import __version__ as __version__

__all__ = [
    "RNNClassifier",
    "RNNGenerator",
    "RNNRegressor",
    "RNNTranslator",
    "show_versions",
    "warmup",
]
