"""Windows of series, forecasts with models that were fitted on them, and tables of lags."""

from skrnn.windows.forecasting import forecast
from skrnn.windows.lag_layout import LagLayout
from skrnn.windows.making import Windows, make_windows
from skrnn.windows.scaling import WindowScaledRegressor

__all__ = ["LagLayout", "WindowScaledRegressor", "Windows", "forecast", "make_windows"]
