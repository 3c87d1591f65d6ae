"""What is listed at the simulated exchange."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import evolve, frozen

ZERO = Decimal(0)


@frozen
class Listed:
    """One instrument. Of a contract, one is worth `contract` of the base coin, or of US dollars when it is `inverse`."""

    id: str
    kind: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    smallest: Decimal
    contract: Decimal = Decimal(1)
    inverse: bool = False
    expires: int = 0
    """Milliseconds UTC; 0 for what does not expire."""
    state: str = "live"
    code: int = 0
    """The number that orders on the websocket may name it by."""

    @property
    def is_contract(self) -> bool:
        """True for swaps and futures."""
        return self.kind in {"SWAP", "FUTURES"}

    @property
    def settles(self) -> str:
        """The currency that profit and loss are in."""
        return self.base if self.inverse else self.quote

    def as_json(self, kind: str) -> dict[str, Any]:
        """Return it as the API writes it, listed as `kind`: a spot pair is listed for margin trading as well."""
        contract = self.is_contract
        family = f"{self.base}-{self.quote}" if contract else ""
        return {
            "instType": kind, "instId": self.id, "uly": family, "instFamily": family, "category": "1",
            "baseCcy": "" if contract else self.base, "quoteCcy": "" if contract else self.quote,
            "settleCcy": self.settles if contract else "",
            "ctVal": f"{self.contract:f}" if contract else "", "ctMult": "1" if contract else "",
            "ctValCcy": (self.quote if self.inverse else self.base) if contract else "",
            "ctType": ("inverse" if self.inverse else "linear") if contract else "",
            "optType": "", "stk": "", "listTime": "1548133413000", "expTime": str(self.expires) if self.expires else "",
            "lever": "10" if contract or kind == "MARGIN" else "", "tickSz": f"{self.tick:f}", "lotSz": f"{self.lot:f}",
            "minSz": f"{self.smallest:f}", "alias": "quarter" if self.kind == "FUTURES" else "", "state": self.state,
            "maxLmtSz": "9999999999", "maxMktSz": "1000000", "maxTwapSz": "9999999999", "maxIcebergSz": "9999999999",
            "maxTriggerSz": "9999999999", "maxStopSz": "1000000", "ruleType": "normal", "maxLmtAmt": "20000000",
            "maxMktAmt": "1000000", "instIdCode": self.code, "tradeQuoteCcyList": [self.quote],
        }  # fmt: skip


def catalogue(now: int) -> dict[str, Listed]:
    """Return what is listed at a time, nanoseconds UTC, by its id."""
    today = datetime.fromtimestamp(now / 1e9, UTC)
    coins = {"BTC": ("0.1", "0.01", "0.00000001", "0.00001"), "ETH": ("0.01", "0.1", "0.000001", "0.0001")}
    coins["SOL"] = ("0.01", "1", "0.000001", "0.001")
    listed = []
    for base, (tick, contract, lot, smallest) in coins.items():
        grid = Decimal(tick)
        listed.append(Listed(f"{base}-USDT", "SPOT", base, "USDT", grid, Decimal(lot), Decimal(smallest)))
        hundredth = Decimal("0.01")
        listed.append(Listed(f"{base}-USDT-SWAP", "SWAP", base, "USDT", grid, hundredth, hundredth, Decimal(contract)))
    for expiry in (_quarter_end(today), datetime(2020, 3, 27, 8, tzinfo=UTC)):
        name, millis = f"BTC-USDT-{expiry:%y%m%d}", int(expiry.timestamp() * 1000)
        state = "live" if expiry > today else "expired"
        grid, hundredth = Decimal("0.1"), Decimal("0.01")
        listed.append(
            Listed(name, "FUTURES", "BTC", "USDT", grid, hundredth, hundredth, hundredth, expires=millis, state=state)
        )
    one = Decimal(1)
    listed.append(Listed("BTC-USD-SWAP", "SWAP", "BTC", "USD", Decimal("0.1"), one, one, Decimal(100), inverse=True))
    return {each.id: evolve(each, code=10_458 + number) for number, each in enumerate(listed)}


def _quarter_end(today: datetime) -> datetime:
    """Return when the future of the quarter after next month expires: the last Friday of the quarter at 8:00."""
    later = today + timedelta(days=35)
    month = (later.month - 1) // 3 * 3 + 3
    first = datetime(later.year + month // 12, month % 12 + 1, 1, 8, tzinfo=UTC)
    last = first - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - 4) % 7)
