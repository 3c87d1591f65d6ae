"""A request that can leave the process: everything that it says, and nothing that goes on living here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import attrs

from ml4t.live.contracts.forecaster import ForecastRequest
from ml4t.live.contracts.market import MarketView, SymbolView

_SAID = tuple(name for name, value in vars(SymbolView).items() if isinstance(value, property))


class MarketSnapshot:
    """The market view of one moment, of some symbols."""

    def __init__(self, market: MarketView, symbols: Iterable[str]) -> None:
        views = ((symbol, market.get(symbol)) for symbol in symbols)
        self.symbols: dict[str, Any] = {symbol: _copy(view) for symbol, view in views if view is not None}

    def get(self, symbol: str) -> Any:
        """Return a symbol's state, None for one that was not asked about."""
        return self.symbols.get(symbol)

    def price(self, symbol: str) -> float | None:
        """Return the last trusted price, None for a symbol that was not asked about."""
        view = self.symbols.get(symbol)
        return None if view is None else view.price


def snapshot(request: ForecastRequest) -> ForecastRequest:
    """Return the request as of now: what concerns its symbols, and the scores of the model that is asked."""
    own = (request.model, request.horizon)
    return attrs.evolve(
        request,
        market=MarketSnapshot(request.market, request.symbols),
        positions=dict(request.positions),
        scores={own: request.scores[own]} if own in request.scores else {},
        forecasts={symbol: request.forecasts[symbol] for symbol in request.symbols if symbol in request.forecasts},
        orders=tuple(request.orders),
    )


def _copy(view: SymbolView) -> SimpleNamespace:
    said = {name: getattr(view, name, None) for name in _SAID}
    return SimpleNamespace(**{name: _frozen(value) for name, value in said.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
