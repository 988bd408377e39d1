"""Pictures in the manner of scikit-learn's displays; they need matplotlib, ``skrnn[plot]``."""

from skrnn.plotting.attention import AttentionDisplay
from skrnn.plotting.forecast import ForecastDisplay
from skrnn.plotting.loss_curve import LossCurveDisplay
from skrnn.plotting.saliency import SaliencyDisplay

__all__ = ["AttentionDisplay", "ForecastDisplay", "LossCurveDisplay", "SaliencyDisplay"]
