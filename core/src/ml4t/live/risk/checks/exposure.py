"""Sums over positions, open orders counted as filled (rows 16, 18, 19 and 20 of the table of controls)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, OrderSide, Verdict, refuse
from ml4t.live.risk.checks.bounds import at_most
from ml4t.live.risk.checks.order import no_price

_UNPRICED = float("nan")


class MaxLongValue:
    """Caps the sum of all long positions, open buys included (row 16 of the table of controls); in account currency."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse a buy that could lift the sum over the limit."""
        if order.side is OrderSide.SELL:
            return ALLOW
        return _judge(order, view, "max_long_value", "long positions could reach", _sums(order, view)[0], self._limit)


class MaxShortValue:
    """Caps the sum of all short positions, open sells included (row 16 of the table of controls); in account currency."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse a sell that could lift the sum over the limit."""
        if order.side is OrderSide.BUY:
            return ALLOW
        return _judge(order, view, "max_short_value", "short positions could reach", _sums(order, view)[1], self._limit)


class MaxNetExposure:
    """Caps longs less shorts, either way, in the worst case of the open orders (row 18 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that could tilt the account too far to its side."""
        _, _, lowest, highest = _sums(order, view)
        net = highest if order.side is OrderSide.BUY else -lowest
        return _judge(order, view, "max_net_exposure", "the net exposure could reach", net, self._limit)


class MaxLeverage:
    """Caps the sum of all positions, open orders included, as a multiple of equity (row 19 of the table of controls).

    Without equity above zero nothing new is allowed.
    """

    exempts_reducing = True

    def __init__(self, multiple: float) -> None:
        self._multiple = multiple

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that could lift the sum too far above equity."""
        price = view.price(order)
        if price is None:
            return no_price(order)
        equity = view.equity
        if not equity > 0:
            return refuse("max_leverage", f"equity is {equity:,.2f}", limit=self._multiple, value=equity)
        gross = _gross(order, view, price, None)
        return _judge(order, view, "max_leverage", "the leverage could reach", gross / equity, self._multiple)


class BuyingPower:
    """Refuses what the buying power does not cover, open orders deducted (row 19 of the table of controls)."""

    exempts_reducing = True

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order whose opening part costs more than is left."""
        price = view.price(order)
        if price is None:
            return no_price(order)
        power = view.buying_power
        if power is None:
            return refuse("no_buying_power", "the buying power is not known: an open order has no price")
        low, high = view.projected(order.symbol)
        closes = max(0.0, -high) if order.side is OrderSide.BUY else max(0.0, low)
        cost = max(0.0, view.reserves(order) - closes) * price
        return at_most("buying_power", "the order costs", cost, power)


class MaxGroupExposure:
    """Caps the sum of the positions of each group of symbols, open orders included (row 20 of the table of controls).

    A symbol may be in several groups; one that is in none is not limited here.
    """

    exempts_reducing = True

    def __init__(self, limit: float, groups: Mapping[str, AbstractSet[str]]) -> None:
        self._limit = limit
        self._groups: dict[str, list[tuple[str, frozenset[str]]]] = {}
        for name, symbols in groups.items():
            for symbol in symbols:
                self._groups.setdefault(symbol, []).append((name, frozenset(symbols)))

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that could lift a group of its symbol over the limit."""
        groups = self._groups.get(order.symbol)
        if groups is None:
            return ALLOW
        price = view.price(order)
        if price is None:
            return no_price(order)
        for name, symbols in groups:
            value = _gross(order, view, price, symbols)
            verdict = _judge(order, view, "max_group_exposure", f"the group {name} could reach", value, self._limit)
            if verdict is not ALLOW:
                return verdict
        return ALLOW


class MaxStrategyValue:
    """Caps the sum of one strategy's positions, its open orders included (row 16 of the table of controls).

    Positions are those that the strategy's own executions made since it began; in account currency.
    """

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that could lift its strategy over the limit."""
        price = view.price(order)
        if price is None:
            return no_price(order)
        sides: dict[str, list[float]] = {
            symbol: [line.quantity, line.quantity] for symbol, line in view.tallies.of_strategy(order.strategy).items()
        }
        for working in (*view.open_orders, order):
            if working.strategy == order.strategy:
                side = sides.setdefault(working.symbol, [0.0, 0.0])
                side[working.side is OrderSide.BUY] += working.side.sign * view.reserves(working)
        total = 0.0
        for symbol, (low, high) in sides.items():
            mark = price if symbol == order.symbol else view.mark(symbol)
            worst = max(abs(low), abs(high))
            total += worst * (_UNPRICED if mark is None else mark) if worst else 0.0
        return _judge(order, view, "max_strategy_value", "the strategy's positions could reach", total, self._limit)


def _judge(order: Order, view: RiskView, code: str, what: str, value: float, limit: float) -> Verdict:
    if value != value:  # NaN: something that counts has no price  # noqa: PLR0124
        return no_price(order) if view.price(order) is None else refuse("no_price", "not every position has a price")
    return at_most(code, what, value, limit)


def _sums(order: Order, view: RiskView) -> tuple[float, float, float, float]:
    """Return the largest long and short sums, and the lowest and highest net, that `order` and open ones could lead to."""
    price = view.price(order)
    longs = shorts = lowest = highest = 0.0
    symbols = dict.fromkeys([order.symbol, *(symbol for symbol, _ in view.exposures())])
    for symbol in symbols:
        low, high = view.projected(symbol)
        mark = view.mark(symbol)
        if symbol == order.symbol:
            mark = price
            if order.side is OrderSide.BUY:
                high += view.reserves(order)
            else:
                low -= view.reserves(order)
        value = _UNPRICED if mark is None else mark
        longs += max(0.0, high) * value
        shorts += max(0.0, -low) * value
        lowest += low * value
        highest += high * value
    return longs, shorts, lowest, highest


def _gross(order: Order, view: RiskView, price: float, among: AbstractSet[str] | None) -> float:
    """Return the worst-case sum of absolute values, of all symbols or of those `among`; NaN when one has no price."""
    low, high = view.projected(order.symbol)
    total = max(view.worst_case(order), abs(low), abs(high)) * price
    for symbol, quantity in view.exposures():
        if symbol != order.symbol and (among is None or symbol in among):
            mark = view.mark(symbol)
            total += quantity * (_UNPRICED if mark is None else mark)
    return total
