"""The price-move trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.contracts import MarketView
from ml4t.live.model import Bar, Firing, MarketEvent
from ml4t_live_trigger_price_move.config import FRACTIONS, PriceMoveConfig
from ml4t_live_trigger_price_move.moves import Moves
from ml4t_live_trigger_price_move.prices import observed


class PriceMove:
    """Fires once when the price of a symbol has moved by the threshold, each symbol for itself.

    It reads the events, and of the market the calendar and its candles, so the same events give the same firings live and in
    replay.
    """

    def __init__(self, config: PriceMoveConfig) -> None:
        self._config = config
        self._moves: dict[str, Moves] = {}
        self._fraction = FRACTIONS.get(config.unit)
        self._by_day = config.reference in {"previous_close", "session_open"}

    @property
    def needs_candles(self) -> Sequence[int]:
        """The candles that the unit is taken from."""
        return () if self._config.candles is None else (self._config.candles,)

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        """Return a firing when `event` completes a move, else None."""
        seen = observed(event)
        if seen is None:
            return None
        time, price = seen
        if self._by_day and isinstance(event, Bar):
            time -= 1  # one that ends with a trading day is of that day: its close is the close
        moves = self._moves.get(event.symbol)
        if moves is None:
            moves = self._moves[event.symbol] = Moves(self._config)
        start = moves.start(time, price, market.calendar)
        if start is None:
            return None
        unit = self._fraction or self._unit(event.symbol, moves, market, start)
        move = price / start - 1.0
        if unit is None or not moves.fires(move, self._config.threshold * unit, price):
            return None
        return self._firing(event.symbol, start, price, unit)

    def state(self, symbol: str) -> dict[str, Any] | None:
        """Return a symbol's reference, as plain JSON values."""
        moves = self._moves.get(symbol)
        return None if moves is None else {"kind": self._config.reference} | moves.state()

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned; after the option `reference` was changed, start afresh instead."""
        if state["kind"] == self._config.reference:
            self._moves[symbol] = Moves(self._config)
            self._moves[symbol].restore(state)

    def _unit(self, symbol: str, moves: Moves, market: MarketView, start: float) -> float | None:
        """Return an average true range or a volatility as a part of the reference price, None while it is not known."""
        view = market.get(symbol)
        if view is None or self._config.candles is None:
            return None
        candles = view.candles(self._config.candles)
        if candles.count != moves.unit_at:
            moves.unit_at = candles.count
            atr = self._config.unit == "atr"
            moves.unit = candles.average_true_range(self._config.lookback) if atr else candles.volatility
        unit = moves.unit
        if not unit:  # not known yet, or nothing has moved: any move would be infinitely many of it
            return None
        return unit / start if self._config.unit == "atr" else unit

    def _firing(self, symbol: str, start: float, price: float, unit: float) -> Firing:
        threshold = self._config.threshold * unit
        move = price / start - 1
        limit = f"{threshold * 100:.3g} %"
        if self._config.unit in {"atr", "sigma"}:
            limit = f"{self._config.threshold:g} {self._config.unit}, {limit}"
        words = f"{symbol} moved {move * 100:+.3g} % from {_text(start)} to {_text(price)} (threshold {limit})"
        values = {"move": move, "reference": start, "price": price, "threshold": threshold}
        return Firing(reason=words, symbol=symbol, values=values)


def _text(price: float) -> str:
    """Return cents for what is quoted in cents, and enough digits to see a move for what is not."""
    return f"{price:.2f}" if price >= 10 else f"{price:.6g}"
