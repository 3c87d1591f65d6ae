"""The state of the market, kept up event by event."""

from ml4t.live.market.state import MarketState, SymbolState

__all__ = ["MarketState", "SymbolState"]
