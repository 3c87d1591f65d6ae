"""Strategies that decide by what they are handed, and by nothing else."""

from __future__ import annotations

import random
from typing import Any


class Busy:
    """Uses every method of its broker, as chance in the prices says."""

    looks = True

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.calls = 0
        self.brackets: list[str] = []

    def on_start(self, broker: Any) -> None:
        if broker.positions:
            broker.close_position(next(iter(broker.positions)))

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls += 1
        for symbol, values in data.items():
            seen = context["market"].get(symbol).volatility if self.looks else None
            price = values["price"]
            chance = random.Random(f"{self.seed} {self.calls} {symbol} {price!r} {seen!r} {broker.get_cash()!r}")
            getattr(self, chance.choice(ACTIONS))(symbol, price, broker, chance)
        data.clear()  # what a strategy does to its data afterwards is its own affair

    def on_end(self, broker: Any) -> None:
        for order in broker.pending_orders:
            broker.cancel_order(order.order_id)

    def buy(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        broker.submit_order(symbol, chance.choice([1, 2.5, 1_000_000]))

    def sell(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        order = broker.submit_order(symbol, 1.5, side="sell", order_type="limit", limit_price=round(price * 1.001, 2))
        assert broker.get_order(order.order_id).symbol == symbol

    def worth(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        broker.submit_order(symbol, notional=price * 3.3, reason="worth it")

    def again(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        broker.submit_order(symbol, 1, idempotency_key=f"one {symbol}")

    def bracket(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        entry, *_ = broker.submit_bracket(symbol, 2, take_profit=price * 1.002, stop_loss=price * 0.998)
        self.brackets.append(entry.order_id)

    def pair(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        position = broker.get_position(symbol)
        if position is not None:
            side = "sell" if position.quantity > 0 else "buy"
            broker.submit_oco(symbol, abs(position.quantity), price * 1.01, price * 0.99, side)

    def amend(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        for order in broker.get_pending_orders(symbol)[:2]:
            if not broker.update_order(order.order_id, limit_price=round(price * 1.0005, 3)):
                broker.replace_order(order.order_id, stop_price=round(price * 0.97, 3))

    def cancel(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        for order in broker.get_pending_orders(symbol)[:3]:
            broker.cancel_order(order.order_id)

    def close(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        broker.close_position(symbol, reason="enough")

    def look(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        if broker.get_account_value() > 99_000 and len(broker.get_positions()) < 2:
            broker.submit_order(symbol, 1)

    def nonsense(self, symbol: str, price: float, broker: Any, chance: Any) -> None:
        broker.submit_order(symbol, float("nan"))
        broker.submit_order(symbol, 1, side=object())
        raise ValueError("a strategy may fail")


ACTIONS = ("buy", "sell", "worth", "again", "bracket", "pair", "amend", "cancel", "close", "look", "nonsense", "look", "look")


class Blind(Busy):
    """The same, without a look at the market."""

    looks = False


class Reader:
    """Decides by everything that the market says."""

    needs_candles = (60_000_000_000,)

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        market = context["market"]
        for symbol in sorted(market.symbols):
            view = market.get(symbol)
            candles = view.candles(self.needs_candles[0])
            seen = [
                view.price,
                view.seen_at,
                view.event_time,
                view.bid,
                view.volatility,
                list(view.prices)[-3:],
                list(view.volumes)[-3:],
                view.realised_volatility(5),
                candles.count,
                candles.close,
                candles.volume,
                candles.volatility,
                candles.expected_volume,
                repr(view.regime(self.needs_candles[0])),
                market.correlation("A", "B", self.needs_candles[0], 5),
            ]
            broker.submit_order(symbol, 0.001, reason=repr(seen))


class Quiet:
    """Looks at nothing, and buys when told to."""

    def __init__(self, every: int = 7, size: float = 1.0) -> None:
        self.every, self.size = every, size
        self.calls = 0

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.calls += 1
        if self.calls % self.every == 0:
            broker.submit_order(next(iter(data)), self.size if self.calls % 2 else -self.size)


class Follower:
    """Puts everything that the valid forecasts say into the reason of its orders."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        for symbol in sorted(data):
            for forecast in context["forecasts"].get(symbol, ()):
                broker.submit_order(symbol, 0.001, reason=repr(forecast))
