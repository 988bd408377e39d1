"""Recurrent neural networks (simple RNN, LSTM, GRU) as scikit-learn estimators."""

__version__ = "0.1.0"

from skrnn.compilation import warmup
from skrnn.estimators import RNNClassifier, RNNRegressor, RNNTranslator

__all__ = ["RNNClassifier", "RNNRegressor", "RNNTranslator", "warmup"]
