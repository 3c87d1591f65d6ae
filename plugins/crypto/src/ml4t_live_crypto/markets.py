"""What is listed at an exchange, in which steps it trades, and what one contract is worth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from ml4t.live.model import Instrument
from ml4t_live_crypto.sdk import DECIMAL_PLACES, TICK_SIZE

ONE = Decimal(1)


@frozen
class Listing:
    """One market. Quantities here are coins: `contract` of them make one of what the exchange counts in.

    Of an `inverse` contract, one is worth `contract` of the quote currency.
    """

    instrument: Instrument
    kind: str
    """ccxt's name of it: `spot`, `swap`, `future`, `option`."""
    venue_id: str
    base: str
    contract: Decimal
    inverse: bool
    active: bool
    expires: int
    """Milliseconds UTC; 0 for what does not expire."""

    @property
    def symbol(self) -> str:
        """Ccxt's unified symbol."""
        return self.instrument.symbol

    @property
    def why_dead(self) -> str:
        """Why it does not trade; empty when it does."""
        if self.expires and self.expires <= time.time() * 1000:
            return f"{self.symbol} has expired; name the next one"
        return "" if self.active else f"{self.symbol} does not trade: {self.instrument.venue} lists it as not active"

    def units(self, amount: float | str | None, price: float) -> float:
        """Return how many coins an amount of the exchange's is; 0 for none."""
        if amount is None:
            return 0.0
        if self.contract == ONE and not self.inverse:
            return float(amount)
        exact = Decimal(str(amount)) * self.contract
        return float(exact) / price if self.inverse else float(exact)

    def amount(self, units: Decimal) -> Decimal:
        """Return the amount at the exchange of a quantity of coins."""
        return units / self.contract

    @classmethod
    def of(cls, market: Mapping[str, Any], exchange: str, precision: int) -> Listing:
        """Return the listing that a market of ccxt's is; `precision` is the exchange's `precisionMode`."""
        contract = Decimal(str(market.get("contractSize") or 1)) if market.get("contract") else ONE
        inverse = bool(market.get("inverse"))
        limits = market.get("limits") or {}
        smallest, cheapest = (_exact((limits.get(name) or {}).get("min")) for name in ("amount", "cost"))
        step = _step(market["precision"].get("amount"), precision)
        instrument = Instrument(
            market["symbol"],
            asset_class="crypto",
            venue=exchange,
            currency=str(market["quote"]),
            price_tick=_step(market["precision"].get("price"), precision),
            quantity_step=None if inverse or step is None else step * contract,
            min_quantity=None if inverse or smallest is None else smallest * contract,
            min_notional=cheapest,
        )
        return cls(
            instrument,
            kind=str(market["type"]),
            venue_id=str(market["id"]),
            base=str(market["base"]),
            contract=contract,
            inverse=inverse,
            active=market.get("active") is not False,
            expires=int(market.get("expiry") or 0),
        )


def listing_of(exchange: Any, symbol: str) -> Listing | None:
    """Return a market of an exchange whose markets are loaded, None when it has none of that symbol."""
    market = exchange.markets.get(symbol)
    return None if market is None else Listing.of(market, exchange.id, exchange.precisionMode)


def _step(precision: Any, mode: int) -> Decimal | None:
    """Return the step that a precision of ccxt's is; None when it is none that a grid can be made of."""
    exact = _exact(precision)
    if exact is None:
        return None
    if mode == TICK_SIZE:
        return exact if exact > 0 else None
    return Decimal(10) ** -int(exact) if mode == DECIMAL_PLACES else None


def _exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
