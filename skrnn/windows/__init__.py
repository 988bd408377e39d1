"""Windows of series, forecasts with models that were fitted on them, and tables of lags."""

from skrnn.windows.forecasting import forecast
from skrnn.windows.lag_layout import LagLayout
from skrnn.windows.making import Windows, make_windows

__all__ = ["LagLayout", "Windows", "forecast", "make_windows"]
