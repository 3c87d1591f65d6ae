"""A strategy that does at random whatever a backtest broker allows; the same seed does the same."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from compared_kit import LATEST
from compared_strategies import RULES
from ml4t.backtest import OrderSide, OrderType, Strategy

Verb = Callable[[Random, Any, str, float], Any]
"""What may be done with the broker in an asset of some price."""


def _quantity(random: Random) -> float:
    return random.choice((1, 10, 33, 7.5, 250.25, 4_000, -1, -12, -60.5, -5_000))


def _submit(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.submit_order(asset, _quantity(random), order_type=random.choice((OrderType.MARKET, OrderType.MOC)))


def _near(random: Random, price: float) -> float:
    return random.choice((price, round(price, 1) or price, price * random.uniform(0.97, 1.03)))


def _limit(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.submit_order(asset, _quantity(random), order_type=OrderType.LIMIT, limit_price=_near(random, price))


def _stop(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.submit_order(asset, _quantity(random), order_type=OrderType.STOP, stop_price=_near(random, price))


def _stop_limit(random: Random, broker: Any, asset: str, price: float) -> Any:
    stop, limit = _near(random, price), _near(random, price)
    return broker.submit_order(asset, _quantity(random), order_type=OrderType.STOP_LIMIT, stop_price=stop, limit_price=limit)


def _trail(random: Random, broker: Any, asset: str, price: float) -> Any:
    trail = price * random.uniform(0.001, 0.03)
    return broker.submit_order(asset, _quantity(random), order_type=OrderType.TRAILING_STOP, trail_amount=trail)


def _bracket(random: Random, broker: Any, asset: str, price: float) -> Any:
    kind = random.choice((OrderType.MARKET, OrderType.LIMIT))
    limit = _near(random, price) if kind is OrderType.LIMIT else None
    return broker.submit_bracket(asset, _quantity(random), _near(random, price), _near(random, price), kind, limit)


def _side(random: Random, broker: Any, asset: str, price: float) -> Any:
    act = random.choice((broker.buy, broker.sell))
    return act(asset, **random.choice(({"shares": 12}, {"amount": 3.25}, {"dollars": 2_500.0}, {"contracts": 2})))


def _target(random: Random, broker: Any, asset: str, price: float) -> Any:
    if random.random() < 0.5:
        return broker.order_target_percent(asset, random.choice((0.0, 0.3, 1.0, -0.5)))
    return broker.order_target_value(asset, random.choice((0.0, 4_000.0, -2_000.0)))


def _rebalance(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.rebalance_to_weights({asset: random.choice((0.2, 0.99, -0.3)), "A1": random.choice((0.0, 0.5))})


def _close(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.close_position(asset, random.choice((OrderType.MARKET, OrderType.MOC)))


def _flatten(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.flatten_all_positions("random")


def _reduce(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.reduce_position(asset, random.choice((0.1, 0.5, 1.0)))


def _reduce_all(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.reduce_all_positions(random.choice((0.001, 0.4, 1.0)), "random")


def _cancel(random: Random, broker: Any, asset: str, price: float) -> Any:
    pending = broker.get_pending_orders()
    return broker.cancel_order(random.choice(pending).order_id) if pending else None


def _update(random: Random, broker: Any, asset: str, price: float) -> Any:
    pending = broker.get_pending_orders()
    if not pending:
        return None
    order = random.choice(pending)
    changes: dict[str, float] = {}
    if order.limit_price is not None:
        changes["limit_price"] = _near(random, order.limit_price)
    if order.stop_price is not None and order.order_type is not OrderType.TRAILING_STOP:  # see `limits.NOT_TRADED`
        changes["stop_price"] = _near(random, order.stop_price)
    if order.parent_id is None and (not changes or random.random() < 0.3):
        changes["quantity"] = random.choice((1.0, order.quantity * 2, order.quantity / 2))
    return broker.update_order(order.order_id, **changes)


def _rule(random: Random, broker: Any, asset: str, price: float) -> Any:
    rule = random.choice([*RULES.values()])()
    return broker.set_position_rules(rule, random.choice((asset, None)))


def _context(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.update_position_context(asset, {"atr": price * 0.01, "exit_signal": random.choice((-1.0, 1.0))})


def _ask(random: Random, broker: Any, asset: str, price: float) -> Any:
    if LATEST:
        broker.record(value=broker.get_account_value())
    trades = broker.get_trades(last_n=2)
    return broker.get_asset_stats(asset).total_trades, [trade.pnl for trade in trades], broker.get_buying_power()


def _odd(random: Random, broker: Any, asset: str, price: float) -> Any:
    quantity = random.choice((0.0, 1e-9, 0.3, -0.3))
    return broker.submit_order(asset, quantity, random.choice((None, OrderSide.BUY, OrderSide.SELL)), limit_price=price)


def _nowhere(random: Random, broker: Any, asset: str, price: float) -> Any:
    return broker.submit_order("NONE", 3)


VERBS: dict[str, Verb] = {
    "submit": _submit,
    "limit": _limit,
    "stop": _stop,
    "stop limit": _stop_limit,
    "trail": _trail,
    "bracket": _bracket,
    "side": _side,
    "target": _target,
    "rebalance": _rebalance,
    "close": _close,
    "flatten": _flatten,
    "reduce": _reduce,
    "reduce all": _reduce_all,
    "cancel": _cancel,
    "update": _update,
    "rule": _rule,
    "context": _context,
    "ask": _ask,
    "odd": _odd,
    "nowhere": _nowhere,
}


class RandomStrategy(Strategy):
    """Does some of `verbs` at each bar, by `seed`, and notes every answer; an order that is refused it gives up."""

    def __init__(self, seed: int, verbs: tuple[str, ...]) -> None:
        self.random = Random(seed)
        self.verbs = verbs
        self.answers: list[str] = []

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        for asset, bar in data.items():
            for _ in range(self.random.choice((0, 0, 1, 1, 2))):
                verb = VERBS[self.random.choice(self.verbs)]
                try:
                    answer = verb(self.random, broker, asset, bar["close"])
                except ValueError as error:
                    if verb is _reduce_all and not str(error).startswith("reduction quantity"):
                        raise  # it stopped half-way, which a backtest takes back and a live run does not: see limits.py
                    answer = error
                self.answers.append(repr(answer))
        if self.answers:  # the choices depend on the answers, so that a difference in one shows in what follows
            self.random.seed(f"{self.random.random()} {self.answers[-1]}")
