"""The estimators: their parameters, documentation and short methods.

The work is in the layers below. Those that need a compiler are loaded when a model is fitted or
used, so that importing skrnn is quick.
"""

from skrnn.estimators.classifier import RNNClassifier
from skrnn.estimators.generator import RNNGenerator
from skrnn.estimators.regressor import RNNRegressor
from skrnn.estimators.translator import RNNTranslator

__all__ = ["RNNClassifier", "RNNGenerator", "RNNRegressor", "RNNTranslator"]
