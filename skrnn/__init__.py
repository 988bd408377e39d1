"""Recurrent neural networks (simple RNN, LSTM, GRU) as scikit-learn estimators."""

__version__ = "0.1.0"

from skrnn.compilation import warmup
from skrnn.estimators import RNNClassifier, RNNRegressor
from skrnn.versions import show_versions

__all__ = ["RNNClassifier", "RNNRegressor", "show_versions", "warmup"]
