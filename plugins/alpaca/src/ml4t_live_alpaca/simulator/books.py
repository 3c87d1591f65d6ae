"""The books of the simulated account: cash, holdings, executions and fees."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import define, field

from ml4t_live_alpaca.ids import execution_id
from ml4t_live_alpaca.simulator.intake import Refusal
from ml4t_live_alpaca.simulator.orders import VenueOrder, asset_class, asset_id, plain
from ml4t_live_alpaca.symbols import is_crypto
from ml4t_live_alpaca.times import to_text

MULTIPLIER = 4
"""Buying power per dollar of equity, as a margin account has it during the day."""


@define(eq=False)
class Execution:
    """One execution: what the stream and what the list of activities say of it, under the id that each has for it."""

    id: str
    activity_id: str
    order: VenueOrder
    qty: Decimal
    price: Decimal
    time: int
    cum_qty: Decimal
    position_qty: Decimal
    leaves_qty: Decimal
    corrected_by: str = ""

    @property
    def name(self) -> str:
        """The framework's id of it."""
        return execution_id(self.order.id, self.cum_qty)

    def news(self) -> dict[str, str]:
        """Return what the stream says besides the order."""
        return {
            "execution_id": self.id,
            "qty": plain(self.qty),
            "price": plain(self.price),
            "position_qty": plain(self.position_qty),
        }

    def activity(self) -> dict[str, Any]:
        """Return it as an account activity."""
        return {
            "id": self.activity_id,
            "activity_type": "FILL",
            "transaction_time": to_text(self.time // 1_000_000 * 1_000_000),
            "type": "partial_fill" if self.leaves_qty else "fill",
            "price": plain(self.price),
            "qty": plain(self.qty),
            "side": self.order.side,
            "symbol": self.order.symbol,
            "leaves_qty": plain(self.leaves_qty),
            "order_id": self.order.id,
            "cum_qty": plain(self.cum_qty),
            "order_status": "partially_filled" if self.leaves_qty else "filled",
        }


@define(eq=False)
class Holding:
    """How much of a symbol is held, and what it cost."""

    qty: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def trade(self, qty: Decimal, price: Decimal) -> None:
        """Add a signed quantity; reducing it takes cost away in proportion."""
        if self.qty * qty >= 0:
            self.cost += qty * price
        elif abs(qty) <= abs(self.qty):
            self.cost += self.cost / self.qty * qty
        else:
            self.cost = (self.qty + qty) * price
        self.qty += qty


@define(eq=False)
class Books:
    """One account."""

    number: str
    cash: Decimal
    holdings: dict[str, Holding] = field(factory=dict)
    executions: dict[str, Execution] = field(factory=dict)
    fees: Decimal = Decimal(0)

    def trade(self, order: VenueOrder, qty: Decimal, price: Decimal, time: int, execution_id: str) -> Execution:
        """Book an execution."""
        signed = order.sign * qty
        holding = self.holdings.setdefault(order.symbol, Holding())
        holding.trade(signed, price)
        self.cash -= signed * price
        stamp = to_text(time).translate(str.maketrans("", "", "-T:.Z"))[:17]
        execution = Execution(
            id=execution_id,
            activity_id=f"{stamp}::{execution_id[::-1]}",
            order=order,
            qty=qty,
            price=price,
            time=time,
            cum_qty=order.filled_qty,
            position_qty=holding.qty,
            leaves_qty=max(Decimal(0), (order.qty or order.filled_qty) - order.filled_qty),
        )
        self.executions[execution_id] = execution
        return execution

    def correct(self, execution: Execution, price: Decimal) -> None:
        """Book that an execution had another price."""
        signed = execution.order.sign * execution.qty
        self.cash -= signed * (price - execution.price)
        self.holdings[execution.order.symbol].cost += signed * (price - execution.price)
        execution.order.paid += execution.qty * (price - execution.price)
        execution.price = price

    def charge(self, fee: Decimal) -> None:
        """Take a fee."""
        self.cash -= fee
        self.fees += fee

    def equity(self, prices: Mapping[str, Decimal]) -> Decimal:
        """Return what the account is worth."""
        return self.cash + sum((held.qty * prices[symbol] for symbol, held in self.holdings.items()), Decimal(0))

    def buying_power(self, prices: Mapping[str, Decimal], reserved: Decimal) -> Decimal:
        """Return what may still be bought."""
        gross = sum((abs(held.qty) * prices[symbol] for symbol, held in self.holdings.items()), Decimal(0))
        return max(Decimal(0), MULTIPLIER * self.equity(prices) - gross - reserved)

    def check_funds(self, order: VenueOrder, reserved: Decimal, prices: Mapping[str, Decimal]) -> None:
        """Raise Refusal when the account cannot pay for an order, or has not got what it sells."""
        held = self.holdings.get(order.symbol, Holding()).qty
        price = order.limit_price or order.stop_price or prices[order.symbol]
        qty = order.qty if order.qty is not None else (order.notional or Decimal(0)) / price
        if order.sign < 0:
            if qty > held and (is_crypto(order.symbol) or qty % 1):
                raise Refusal(403, 40310000, f"insufficient balance for {order.symbol}", {"available": plain(held)})
            opened = max(Decimal(0), qty - max(held, Decimal(0)))
        else:
            opened = max(Decimal(0), qty - max(-held, Decimal(0)))
        power = self.buying_power(prices, reserved)
        if opened * price > power:
            more = {"buying_power": plain(power), "cost_basis": plain(opened * price)}
            raise Refusal(403, 40310000, "insufficient buying power", more)

    def account(self, prices: Mapping[str, Decimal], reserved: Decimal) -> dict[str, Any]:
        """Return the account as the API writes it."""
        equity = plain(self.equity(prices))
        return {
            "id": asset_id(self.number),
            "account_number": self.number,
            "status": "ACTIVE",
            "currency": "USD",
            "cash": plain(self.cash),
            "portfolio_value": equity,
            "equity": equity,
            "last_equity": equity,
            "buying_power": plain(self.buying_power(prices, reserved)),
            "multiplier": str(MULTIPLIER),
            "accrued_fees": "0",
            "pattern_day_trader": False,
            "trading_blocked": False,
            "transfers_blocked": False,
            "account_blocked": False,
            "trade_suspended_by_user": False,
            "shorting_enabled": True,
            "daytrade_count": 0,
            "created_at": "2026-01-05T14:30:00.000000000Z",
        }

    def positions(self, prices: Mapping[str, Decimal]) -> list[dict[str, Any]]:
        """Return the holdings as the API writes them: crypto without the slash."""
        return [_position(symbol, held, prices[symbol]) for symbol, held in self.holdings.items() if held.qty]


def _position(symbol: str, held: Holding, price: Decimal) -> dict[str, Any]:
    value = held.qty * price
    return {
        "asset_id": asset_id(symbol),
        "symbol": symbol.replace("/", ""),
        "exchange": "CRYPTO" if is_crypto(symbol) else "NASDAQ",
        "asset_class": asset_class(symbol),
        "avg_entry_price": plain(held.cost / held.qty),
        "qty": plain(held.qty),
        "qty_available": plain(held.qty),
        "side": "long" if held.qty > 0 else "short",
        "market_value": plain(value),
        "cost_basis": plain(held.cost),
        "unrealized_pl": plain(value - held.cost),
        "unrealized_plpc": "0",
        "unrealized_intraday_pl": "0",
        "unrealized_intraday_plpc": "0",
        "current_price": plain(price),
        "lastday_price": plain(price),
        "change_today": "0",
    }
