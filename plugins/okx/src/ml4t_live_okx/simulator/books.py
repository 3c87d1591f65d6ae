"""The books of the simulated account: balances, positions and executions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attrs import define, field

from ml4t_live_okx.simulator.instruments import ZERO, Listed
from ml4t_live_okx.simulator.orders import Execution, VenueOrder, plain

LEVERAGE = Decimal(10)
UID = "44705892343619584"


class Refusal(Exception):
    """A request that the venue turns away, with its code and words."""

    def __init__(self, code: str, message: str, status: int = 200) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(message)


@define(eq=False)
class Holding:
    """A position: contracts (coins for margin), and what one cost on average. Negative is short."""

    listed: Listed
    kind: str
    mode: str
    side: str
    size: Decimal = ZERO
    average: Decimal = ZERO

    def trade(self, signed: Decimal, price: Decimal) -> Decimal:
        """Add a signed size; return what closing a part of it has earned, in the quote currency."""
        closed = min(abs(signed), abs(self.size)) if self.size * signed < 0 else ZERO
        earned = closed * (price - self.average) * (1 if self.size > 0 else -1) * self.listed.contract
        opened = abs(signed) - closed
        after = self.size + signed
        if opened:
            kept = abs(self.size) - closed
            self.average = (kept * self.average + opened * price) / (kept + opened)
        self.size = after
        return earned

    @property
    def units(self) -> Decimal:
        """How many coins that is."""
        return self.size * self.listed.contract

    def as_json(self, price: Decimal) -> dict[str, Any]:
        """Return it as the API writes it: in `long_short_mode` a size says nothing of the side."""
        margin = self.kind == "MARGIN"
        held = margin and self.size > 0
        owed = -abs(self.size) if self.size < 0 else -abs(self.size) * self.average
        size = abs(self.size) * self.average if margin and not held else self.size
        both = (self.listed.base, self.listed.quote)
        currencies = (both if held else both[::-1]) if margin else ("", "")
        return {
            "instId": self.listed.id, "instType": self.kind, "mgnMode": self.mode, "posId": "1", "posSide": self.side,
            "pos": plain(abs(size) if self.side != "net" or margin else size),
            "avgPx": plain(self.average) if self.size else "",
            "posCcy": currencies[0], "liab": plain(owed) if margin else "", "liabCcy": currencies[1],
            "ccy": self.listed.settles, "markPx": plain(price), "last": plain(price), "lever": str(LEVERAGE),
            "liqPx": "",
            "upl": plain(self.units * (price - self.average)), "uplRatio": "0", "margin": "", "mgnRatio": "", "mmr": "0",
            "imr": "0", "interest": "0", "notionalUsd": plain(abs(self.units) * price), "adl": "1",
            "availPos": plain(abs(size)),
            "cTime": "1700000000000", "uTime": "1700000000000", "realizedPnl": "0", "pnl": "0", "fee": "0",
            "fundingFee": "0",
        }  # fmt: skip


@define(eq=False)
class Books:
    """One account."""

    balances: dict[str, Decimal]
    fee_rate: Decimal
    fee_in_quote: bool
    positions: dict[tuple[str, str, str], Holding] = field(factory=dict)
    executions: dict[str, Execution] = field(factory=dict)

    def trade(
        self, order: VenueOrder, size: Decimal, price: Decimal, time: int, trade_id: str, commission: Decimal | None
    ) -> Execution:
        """Book an execution; `commission` in the quote currency, None for the account's own rate."""
        listed = order.listed
        units = size * listed.contract
        paid = units * price * self.fee_rate if commission is None else commission
        in_coin = order.instrument_type == "SPOT" and order.sign > 0 and not self.fee_in_quote
        currency, fee = (listed.base, -paid / price) if in_coin else (listed.quote, -paid)
        if order.instrument_type == "SPOT":
            self._credit(listed.base, order.sign * size)
            self._credit(listed.quote, -order.sign * size * price)
        else:
            self._credit(listed.quote, self.holding(order).trade(order.sign * size, price))
        self._credit(currency, fee)
        order.filled += size
        order.paid += size * price
        order.fee += fee
        bill = str(len(self.executions) + 1).zfill(12)
        execution = Execution(trade_id, bill, order, price, size, fee, currency, time, order.filled)
        order.last = execution
        self.executions[execution.name] = execution
        return execution

    def holding(self, order: VenueOrder) -> Holding:
        """Return the position that an order changes."""
        key = (order.listed.id, order.instrument_type, order.position_side)
        if key not in self.positions:
            self.positions[key] = Holding(order.listed, order.instrument_type, order.mode, order.position_side)
        return self.positions[key]

    def check_funds(self, order: VenueOrder, working: Iterable[VenueOrder], prices: Mapping[str, Decimal]) -> None:
        """Raise Refusal when the account cannot pay for an order, or has not got what it sells."""
        price = order.price or prices[order.listed.id]
        units = order.size / price if order.in_quote else order.size * order.listed.contract
        frozen = self.frozen(working, prices)
        if order.instrument_type == "SPOT":
            currency = order.listed.quote if order.sign > 0 else order.listed.base
            needed = units * price if order.sign > 0 else units
        else:
            currency, needed = order.listed.quote, units * price / LEVERAGE
            frozen[currency] = frozen.get(currency, ZERO) + self._margin(prices)
        if needed > self.balances.get(currency, ZERO) - frozen.get(currency, ZERO):
            raise Refusal("51008", f"Order failed. Insufficient {currency} balance in account.")

    def frozen(self, working: Iterable[VenueOrder], prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """Return, by currency, what the working orders may still take."""
        frozen: dict[str, Decimal] = {}
        for order in working:
            units = order.remaining * order.listed.contract
            value = units * (order.price or prices[order.listed.id])
            spot = order.instrument_type == "SPOT"
            currency = order.listed.base if spot and order.sign < 0 else order.listed.quote
            amount = (units if order.sign < 0 else value) if spot else value / LEVERAGE
            frozen[currency] = frozen.get(currency, ZERO) + amount
        return frozen

    def as_json(self, working: Iterable[VenueOrder], prices: Mapping[str, Decimal], now: int) -> dict[str, Any]:
        """Return the balances as the API writes them."""
        frozen = self.frozen(working, prices)
        details = [self._detail(currency, frozen.get(currency, ZERO), prices, now) for currency in self.balances]
        total = sum((Decimal(each["eqUsd"]) for each in details), ZERO)
        empty = dict.fromkeys(("adjEq", "borrowFroz", "imr", "mgnRatio", "mmr", "notionalUsd", "ordFroz", "upl"), "")
        return {**empty, "isoEq": "0", "totalEq": plain(total), "uTime": str(now), "details": details}

    def _detail(self, currency: str, frozen: Decimal, prices: Mapping[str, Decimal], now: int) -> dict[str, str]:
        cash = self.balances[currency]
        price = Decimal(1) if currency == "USDT" else prices.get(f"{currency}-USDT", ZERO)
        unrealised = self._unrealised(prices) if currency == "USDT" else ZERO
        empty = ("accAvgPx", "openAvgPx", "interest", "liab", "crossLiab", "isoLiab", "mgnRatio", "spotUpl", "maxLoan", "twap")
        return {
            **dict.fromkeys(empty, ""), "ccy": currency, "cashBal": plain(cash), "availBal": plain(cash - frozen),
            "availEq": plain(cash + unrealised - frozen), "eq": plain(cash + unrealised), "ordFrozen": plain(frozen),
            "eqUsd": plain((cash + unrealised) * price), "frozenBal": plain(frozen), "upl": plain(unrealised),
            "disEq": plain((cash + unrealised) * price), "spotBal": "", "isoEq": "0", "uTime": str(now),
        }  # fmt: skip

    def _unrealised(self, prices: Mapping[str, Decimal]) -> Decimal:
        return sum((held.units * (prices[held.listed.id] - held.average) for held in self.positions.values()), ZERO)

    def _margin(self, prices: Mapping[str, Decimal]) -> Decimal:
        return sum((abs(held.units) * prices[held.listed.id] for held in self.positions.values()), ZERO) / LEVERAGE

    def _credit(self, currency: str, amount: Decimal) -> None:
        self.balances[currency] = self.balances.get(currency, ZERO) + amount
