"""What a fitted net looks at: attributions by step and feature, and importances by permutation."""

from skrnn.inspection.attributions import input_gradients, integrated_gradients
from skrnn.inspection.permutation import permutation_importance

__all__ = ["input_gradients", "integrated_gradients", "permutation_importance"]
