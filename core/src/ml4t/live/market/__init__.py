"""The state of the market, kept up event by event."""

from ml4t.live.market.candles import CandleSeries
from ml4t.live.market.hysteresis import Latch
from ml4t.live.market.regime import Regime, RegimeKind
from ml4t.live.market.state import MarketState
from ml4t.live.market.symbol import SymbolState

__all__ = ["CandleSeries", "Latch", "MarketState", "Regime", "RegimeKind", "SymbolState"]
