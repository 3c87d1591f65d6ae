"""What is listed at OKX, in which steps it trades, and what one contract is worth."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import Instrument
from ml4t.live.times import NANOS
from ml4t_live_okx.errors import NO_SUCH_INSTRUMENT, Refused
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.times import from_millis

KNOWN_FOR = 6 * 3600 * NANOS
"""How long what was said of an instrument is taken to hold: steps change now and then, and futures expire."""
_KINDS = (
    (re.compile(r"[A-Z0-9]+-[A-Z0-9]+"), "SPOT"),
    (re.compile(r"[A-Z0-9]+-[A-Z0-9_]+-SWAP"), "SWAP"),
    (re.compile(r"[A-Z0-9]+-[A-Z0-9_]+-\d{6}"), "FUTURES"),
)


def kind_of(symbol: str) -> str:
    """Return what OKX calls the kind of an instrument: SPOT, SWAP or FUTURES; empty for what is written like none."""
    return next((kind for pattern, kind in _KINDS if pattern.fullmatch(symbol)), "")


@frozen
class Listing:
    """One instrument. Quantities here are coins: `contract` of them make one of what OKX counts in.

    Of an `inverse` contract, one is worth `contract` US dollars.
    """

    instrument: Instrument
    kind: str
    base: str
    contract: Decimal
    lot: Decimal
    inverse: bool
    state: str
    expires: int
    """Nanoseconds UTC; 0 for what does not expire."""

    @property
    def symbol(self) -> str:
        """OKX's id, which is the symbol here."""
        return self.instrument.symbol

    @property
    def why_dead(self) -> str:
        """Why it does not trade; empty when it does."""
        if self.expires and self.expires <= time.time_ns():
            return f"{self.symbol} has expired; name the next one"
        return "" if self.state == "live" else f"{self.symbol} does not trade: OKX says it is {self.state}"

    def units(self, size: str | float | Decimal, price: float) -> float:
        """Return how many coins a size of OKX's is."""
        exact = Decimal(str(size)) * self.contract
        return float(exact) / price if self.inverse else float(exact)

    def size(self, units: Decimal) -> Decimal:
        """Return the size at OKX of a quantity of coins."""
        return units / self.contract

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Listing:
        """Return the listing that an answer of OKX's describes."""
        contract = Decimal(said.get("ctVal") or 1) * Decimal(said.get("ctMult") or 1)
        base, _, quote = str(said.get("uly") or said["instId"]).partition("-")
        lot = Decimal(said["lotSz"])
        inverse = said.get("ctType") == "inverse"
        instrument = Instrument(
            said["instId"],
            asset_class="crypto",
            venue="okx",
            currency=quote,
            price_tick=Decimal(said["tickSz"]),
            quantity_step=None if inverse else lot * contract,
            min_quantity=None if inverse else Decimal(said["minSz"]) * contract,
        )
        expires = from_millis(said["expTime"]) if said.get("expTime") else 0
        return cls(instrument, said["instType"], base, contract, lot, inverse, str(said.get("state", "live")), expires)


class Instruments:
    """Looks instruments up, and again when they have been known for long."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Listing]] = {}

    async def get(self, symbol: str, rest: Rest) -> Listing | None:
        """Return an instrument, None when OKX has none of that name. Raises BrokerConnectionError, and Refused.

        What was known for long holds on while OKX cannot be asked.
        """
        now = time.time_ns()
        asked, listing = self._known.get(symbol, (0, None))
        if listing is not None and now - asked < KNOWN_FOR:
            return listing
        try:
            listing = await _ask(symbol, rest)
        except BrokerConnectionError:
            if listing is None:
                raise
        if listing is not None:
            self._known[symbol] = now, listing
        return listing


async def _ask(symbol: str, rest: Rest) -> Listing | None:
    kind = kind_of(symbol)
    if not kind:
        return None
    try:
        found = await rest.get("public/instruments", {"instType": kind, "instId": symbol})
    except Refused as refused:
        if refused.venue_code == NO_SUCH_INSTRUMENT:
            return None
        raise
    return Listing.of(found[0]) if found else None
