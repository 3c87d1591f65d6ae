"""The state of a run as plain values: prices, regime, agents and books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

from ml4t.live.engine.core import Core
from ml4t.live.market import MarketState
from ml4t.live.market.symbol import SymbolState
from ml4t.live.report.summary import iso

UNKNOWN = "unknown"
CORRELATED = 8
"""Symbols, the first of the run, between which correlations are taken: their pairs grow with the square."""
WINDOW = 60
"""Candles that a correlation is taken over."""


def current_state(core: Core) -> dict[str, Any]:
    """Return the state of a run now. Values are plain; times are ISO 8601 in UTC, changes and volatilities fractions.

    Of each symbol: `price_change` is the move over the prices that are kept (`[market] history`), `volume_change` the last
    size against their mean, `volatility` the standard deviation of returns per observation. None is not known yet; a symbol
    without a price is not there. `market_regime` is what most symbols are in, on the shortest candles that are kept.
    """
    market, desk = core.market, core.desk
    candles = min(core.parts.candles, default=None)
    symbols = {symbol: _symbol(state, candles) for symbol, state in market.symbols.items() if state.price is not None}
    regimes = Counter(said["regime"] for said in symbols.values() if said["regime"] != UNKNOWN)
    regime = regimes.most_common(1)[0][0] if regimes else UNKNOWN
    return {
        "timestamp": iso(core.clock.now()),
        "name": core.parts.name,
        "mode": core.parts.mode,
        "symbols": symbols,
        "market_regime": regime,
        "global_metrics": {
            "market_regime": regime,
            "volatility": _mean([said["volatility"] for said in symbols.values()]),
            "correlation": None if candles is None else _correlation(market, list(symbols), candles),
        },
        "agent_status": {name: _standing(core, name) for name in core.forecasts.standing},
        "forecast_count": sum(score.issued for score in core.ledger.by_model().values()),
        "positions": {symbol: position.quantity for symbol, position in desk.portfolio.positions.items()},
        "cash": desk.portfolio.cash,
        "open_orders": len(desk.orders.open_orders),
    }


def _symbol(state: SymbolState, candles: int | None) -> dict[str, Any]:
    prices, volumes = state.prices, state.volumes
    regime = None if candles is None else state.candles(candles).regime
    usual = sum(volumes) / len(volumes) if volumes else 0.0
    return {
        "price": state.price,
        "price_change": prices[-1] / prices[0] - 1.0 if prices else 0.0,
        "bid": state.bid,
        "ask": state.ask,
        "volume": volumes[-1] if volumes else None,
        "volume_change": volumes[-1] / usual - 1.0 if usual else None,
        "volatility": state.volatility,
        "regime": regime.kind.value if regime is not None else UNKNOWN,
        "timestamp": iso(state.event_time),
    }


def _correlation(market: MarketState, symbols: Sequence[str], candles: int) -> float | None:
    """Return the mean correlation of returns between pairs of symbols: of prices it would be spurious."""
    return _mean([market.correlation(one, other, candles, WINDOW) for one, other in combinations(symbols[:CORRELATED], 2)])


def _standing(core: Core, name: str) -> str:
    standing = core.forecasts.standing[name]
    if standing.disabled:
        return "disabled"
    return "running" if standing.running else "failing" if standing.in_a_row else "idle"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
