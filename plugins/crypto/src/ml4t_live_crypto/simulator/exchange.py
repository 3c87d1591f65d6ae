"""The simulated exchange: one account, its orders, and what trades at which price."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ml4t_live_crypto.simulator.orders import ZERO, Execution, VenueOrder, fee_of
from ml4t_live_crypto.simulator.pairs import ORDER_TYPES, QUOTE, Pair

Tell = Callable[[VenueOrder, dict[str, Any]], None]

_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_LEAST = Decimal(5)


class Refusal(Exception):
    """A request that the venue turns away, with its code and words."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(message)


class Exchange:
    """Orders and books. `tell` gets every update of an order, as the stream says it; `now` is in milliseconds UTC."""

    def __init__(
        self,
        pairs: Mapping[str, Pair],
        cash: Decimal,
        price: Decimal,
        fee_rate: Decimal,
        *,
        fee_in_quote: bool,
        now: Callable[[], int],
        tell: Tell,
        first_id: int,
    ) -> None:
        self.pairs = pairs
        self.prices = dict.fromkeys(pairs, price)
        self.balances = {QUOTE: cash}
        self.orders: dict[int, VenueOrder] = {}
        self.by_client_id: dict[str, VenueOrder] = {}
        self.executions: dict[str, Execution] = {}
        self.held = False
        self._working: dict[int, VenueOrder] = {}
        self._fee_rate = fee_rate
        self._fee_in_quote = fee_in_quote
        self._now = now
        self._tell = tell
        self._order_id = first_id
        self._trade_id = first_id * 3

    def submit(self, said: Mapping[str, str]) -> VenueOrder:
        """Take an order. Raises Refusal."""
        order = self._checked(said)
        if order.client_id in self.by_client_id and self.by_client_id[order.client_id].is_working:
            raise Refusal(-2010, "Duplicate order sent.")
        self._check_funds(order)
        self._order_id += 1
        self.orders[order.id] = self.by_client_id[order.client_id] = self._working[order.id] = order
        self._say(order, "NEW")
        return order

    def begin(self, order: VenueOrder) -> None:
        """Let an order meet the market."""
        self.match(order.pair.id)
        if order.within in {"IOC", "FOK"} and order.is_working and not self.held:
            self.end(order, "EXPIRED")

    def cancel(self, order: VenueOrder | None) -> VenueOrder:
        """Cancel an order. Raises Refusal when it does not work."""
        if order is None or not order.is_working:
            raise Refusal(-2011, "Unknown order sent.")
        self.end(order, "CANCELED")
        return order

    def end(self, order: VenueOrder, status: str) -> None:
        """End an order that works."""
        order.status = status
        self._working.pop(order.id, None)
        self._say(order, status)

    def move(self, pair: str, price: Decimal) -> None:
        """Let the price of a pair be there."""
        self.prices[pair] = price
        self.match(pair)

    def match(self, pair: str) -> None:
        """Trade every order in a pair that the price reaches."""
        if self.held:
            return
        price = self.prices[pair]
        for order in [each for each in self._working.values() if each.pair.id == pair]:
            if not order.triggered and order.stop is not None and order.sign * (price - order.stop) >= 0:
                order.triggered = True
            if order.is_working and order.triggered and (order.price is None or order.sign * (price - order.price) <= 0):
                self.execute(order, order.remaining, price)

    def execute(self, order: VenueOrder, quantity: Decimal, price: Decimal, commission: Decimal | None = None) -> Execution:
        """Trade that much of an order at a price; `commission` in the quote currency, None for the account's own rate."""
        self._trade_id += 1
        cost = quantity * price * self._fee_rate if commission is None else commission
        fee, asset = fee_of(order, cost, price, in_quote=self._fee_in_quote)
        order.filled += quantity
        order.paid += quantity * price
        order.status = "FILLED" if order.filled >= order.quantity else "PARTIALLY_FILLED"
        if not order.is_working:
            self._working.pop(order.id, None)
        self._credit(order.pair.base, order.sign * quantity)
        self._credit(QUOTE, -order.sign * quantity * price)
        self._credit(asset, -fee)
        execution = Execution(self._trade_id, order, price, quantity, fee, asset, self._now(), order.filled)
        self.executions[execution.name] = execution
        self._say(order, "TRADE", execution)
        return execution

    def repeat(self, execution: Execution) -> None:
        """Tell of an execution again."""
        self._tell(execution.order, execution.order.report("TRADE", self._now(), execution))

    def working(self, pair: str = "") -> list[VenueOrder]:
        """Return the orders that may still trade, oldest first."""
        return [order for order in self._working.values() if pair in {"", order.pair.id}]

    def frozen(self) -> dict[str, Decimal]:
        """Return, by asset, what the working orders may still take."""
        frozen: dict[str, Decimal] = {}
        for order in self._working.values():
            asset, amount = self._needs(order, order.remaining)
            frozen[asset] = frozen.get(asset, ZERO) + amount
        return frozen

    def _say(self, order: VenueOrder, what: str, execution: Execution | None = None) -> None:
        order.updated = self._now()
        self._tell(order, order.report(what, order.updated, execution))

    def _credit(self, asset: str, amount: Decimal) -> None:
        self.balances[asset] = self.balances.get(asset, ZERO) + amount

    def _needs(self, order: VenueOrder, quantity: Decimal) -> tuple[str, Decimal]:
        price = order.price or order.stop or self.prices[order.pair.id]
        return (QUOTE, quantity * price) if order.sign > 0 else (order.pair.base, quantity)

    def _check_funds(self, order: VenueOrder) -> None:
        asset, amount = self._needs(order, order.quantity)
        if amount > self.balances.get(asset, ZERO) - self.frozen().get(asset, ZERO):
            raise Refusal(-2010, "Account has insufficient balance for requested action.")

    # ------------------------------------------------------------------ what is checked

    def pair(self, name: str) -> Pair:
        """Return a pair by its id. Raises Refusal."""
        if name not in self.pairs:
            raise Refusal(-1121, "Invalid symbol.")
        return self.pairs[name]

    def _checked(self, said: Mapping[str, str]) -> VenueOrder:
        pair = self.pair(said.get("symbol", ""))
        if pair.status != "TRADING":
            raise Refusal(-1013, "Market is closed.")
        kind, side = said.get("type", ""), said.get("side", "")
        if kind not in ORDER_TYPES:
            raise Refusal(-1116, "Invalid orderType.")
        if side not in {"BUY", "SELL"}:
            raise Refusal(-1117, "Invalid side.")
        client_id = said.get("newClientOrderId") or f"binance{self._order_id}"
        if not _CLIENT_ID.fullmatch(client_id):
            raise Refusal(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
        quantity = self._amount(said, "quantity", pair.lot, "LOT_SIZE")
        price = self._amount(said, "price", pair.tick, "PRICE_FILTER") if "LIMIT" in kind else None
        stop = self._amount(said, "stopPrice", pair.tick, "PRICE_FILTER") if "STOP" in kind else None
        if quantity * (price or self.prices[pair.id]) < _LEAST:
            raise Refusal(-1013, "Filter failure: NOTIONAL")
        within = said.get("timeInForce", "GTC")
        number = self._order_id + 1
        order = VenueOrder(number, client_id, pair, side, kind, quantity, price, stop, within, self._now())
        order.triggered = stop is None
        return order

    @staticmethod
    def _amount(said: Mapping[str, str], name: str, step: Decimal, rule: str) -> Decimal:
        if not said.get(name):
            raise Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        try:
            amount = Decimal(said[name])
        except InvalidOperation:
            raise Refusal(-1100, f"Illegal characters found in parameter '{name}'.") from None
        if amount <= 0 or amount % step:
            raise Refusal(-1013, f"Filter failure: {rule}")
        return amount
