"""The price-move trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml4t.live.contracts import MarketView
from ml4t.live.model import Firing, MarketEvent
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.prices import observed
from ml4t_live_trigger_price_move.references import Reference, reference_of


class PriceMove:
    """Fires once when the price of a symbol has moved by the threshold, each symbol for itself.

    It reads the events and nothing else, so the same events give the same firings live and in replay.
    """

    def __init__(self, config: PriceMoveConfig) -> None:
        self._config = config
        self._references: dict[str, Reference] = {}

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        """Return a firing when `event` completes a move, else None."""
        seen = observed(event)
        if seen is None:
            return None
        time, price = seen
        reference = self._references.get(event.symbol)
        if reference is None:
            reference = self._references[event.symbol] = reference_of(self._config)
        start = reference.crossed(time, price)
        return None if start is None else self._firing(event.symbol, start, price)

    def state(self) -> dict[str, Any]:
        """Return every symbol's reference, as plain JSON values."""
        symbols = {symbol: reference.state() for symbol, reference in self._references.items()}
        return {"reference": self._config.reference, "symbols": symbols}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned; after the option `reference` was changed, start afresh instead."""
        self._references = {}
        if state["reference"] != self._config.reference:
            return
        for symbol, saved in state["symbols"].items():
            self._references[symbol] = reference_of(self._config)
            self._references[symbol].restore(saved)

    def _firing(self, symbol: str, start: float, price: float) -> Firing:
        threshold = self._config.threshold
        move = price / start - 1
        words = f"{symbol} moved {move * 100:+.3g} % from {_text(start)} to {_text(price)} (threshold {threshold * 100:.3g} %)"
        values = {"move": move, "reference": start, "price": price, "threshold": threshold}
        return Firing(reason=words, symbol=symbol, values=values)


def _text(price: float) -> str:
    """Return cents for what is quoted in cents, and enough digits to see a move for what is not."""
    return f"{price:.2f}" if price >= 10 else f"{price:.6g}"
