"""A contract: what can be traded, and by what rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import field, frozen

from ml4t_live_ib.simulator.protocol.fields import Values


@frozen
class Contract:
    """One tradable thing, with the attributes that TWS knows it by.

    `minTick` is the price step. Sizes are in units of the instrument; `multiplier` is money per point and unit.
    """

    con_id: int
    symbol: str
    kind: str
    """The vendor's `secType`: STK, FUT, OPT, CASH, CRYPTO or IND."""
    exchange: str
    currency: str = "USD"
    primary: str = ""
    expiry: str = ""
    """The last trading day, YYYYMMDD."""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    min_tick: str = "0.01"
    min_size: str = "1"
    size_step: str = "1"
    long_name: str = ""
    exchanges: tuple[str, ...] = ()
    underlying: int = 0
    zone: str = "US/Eastern"
    stock_type: str = ""
    values: Values = field(init=False, eq=False, repr=False)
    """The fields of the contract as every message about it has them."""

    @values.default
    def _fields(self) -> Values:
        return {
            "conId": self.con_id,
            "symbol": self.symbol,
            "secType": self.kind,
            "lastTradeDateOrContractMonth": self.expiry,
            "strike": self.strike,
            "right": self.right,
            "multiplier": self.multiplier,
            "exchange": self.exchange,
            "currency": self.currency,
            "localSymbol": self.local_symbol,
            "tradingClass": self.trading_class,
        }

    @property
    def name(self) -> str:
        """The symbol in the form of a configuration, as `ml4t_live_ib.instruments` spells it."""
        match self.kind:
            case "FUT":
                return f"{self.symbol} {self.expiry[:6]} {self.exchange}"
            case "OPT":
                return f"{self.symbol} {self.expiry} {self.right} {self.strike:g}"
            case "CASH":
                return f"{self.symbol}.{self.currency}"
            case "CRYPTO":
                return f"{self.symbol}.{self.currency} {self.exchange}"
            case "IND":
                return f"{self.symbol} IND {self.exchange}"
        return self.symbol

    @property
    def point_value(self) -> float:
        """What one unit is worth per point of the price, in `currency`."""
        return float(self.multiplier or 1)

    @property
    def is_settled_daily(self) -> bool:
        """True if buying it costs no cash, only gains and losses do."""
        return self.kind == "FUT"

    def is_on_tick(self, price: float) -> bool:
        """Return whether a price is a multiple of the price step."""
        return Decimal(repr(price)) % Decimal(self.min_tick) == 0

    def round(self, price: float) -> float:
        """Return the nearest price on a tick, never less than one tick."""
        tick = Decimal(self.min_tick)
        return float(max(tick, (Decimal(repr(price)) / tick).to_integral_value() * tick))

    def matches(self, query: Values) -> bool:
        """Return whether a client that asks with these fields may mean this contract; empty fields mean anything."""
        if query.get("conId"):
            return bool(query["conId"] == self.con_id)
        return (
            self._matches_text(query)
            and self._trades_on(query.get("exchange") or "")
            and self.expiry.startswith(query.get("lastTradeDateOrContractMonth") or "")
            and query.get("strike") in {None, 0.0, self.strike}
            and (query.get("right") or "")[:1] in {"", "?", "0", self.right}
        )

    def _matches_text(self, query: Values) -> bool:
        mine: dict[str, Any] = self.values | {"primaryExchange": self.primary}
        names = ("symbol", "secType", "currency", "localSymbol", "tradingClass", "multiplier", "primaryExchange")
        return all(query.get(name) in {None, "", mine[name]} for name in names)

    def _trades_on(self, exchange: str) -> bool:
        return exchange in {"", self.exchange, *self.exchanges}
