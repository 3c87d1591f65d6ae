"""The account as Alpaca shows it: balances, holdings, working orders and what has traded, all of it or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ml4t.live.contracts import BrokerSnapshot
from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import Account, Fill, Position
from ml4t_live_alpaca.executions import fill_of_activity
from ml4t_live_alpaca.lookup import Lookup
from ml4t_live_alpaca.rest import Rest
from ml4t_live_alpaca.symbols import from_venue
from ml4t_live_alpaca.times import to_text

ACTIVITIES = "/account/activities/FILL"
PAGE = 100
"""Activities in one answer, the most that Alpaca gives."""
LOOKS = 3
"""How often the account is read again because something traded meanwhile."""
MILLISECOND = 1_000_000
"""Activities are timed to this, and cut."""


def kind_of(said: Mapping[str, Any]) -> str:
    """Return `paper` or `live`: the numbers of paper accounts begin with PA."""
    return "paper" if str(said["account_number"]).startswith("PA") else "live"


def blocked(said: Mapping[str, Any]) -> str:
    """Return why an account cannot trade, empty when it can."""
    reasons = [name for name in ("account_blocked", "trading_blocked", "trade_suspended_by_user") if said.get(name)]
    if said.get("status", "ACTIVE") != "ACTIVE":
        reasons.insert(0, f"its status is {said['status']}")
    return f"Alpaca lets account {said['account_number']} not trade: {', '.join(reasons)}" if reasons else ""


class AccountReader:
    """Reads one account."""

    def __init__(self, rest: Rest, lookup: Lookup) -> None:
        self._rest = rest
        self._lookup = lookup

    async def said(self) -> dict[str, Any]:
        """Return the account as the API says it."""
        account: dict[str, Any] = await self._rest.get("/account")
        return account

    async def snapshot(self, now: int, since: int) -> BrokerSnapshot:
        """Return the account, with the executions since `since` (nanoseconds UTC).

        Each part is an answer of its own: when something has traded between the first and the last, all are asked for again.
        Raises BrokerConnectionError when one of them cannot be had.
        """
        for _ in range(LOOKS):
            newest = await self._newest()
            orders = [chain.order() for chain in await self._lookup.working()]
            positions = [_position(said) for said in await self._rest.get("/positions")]
            account = _account(await self.said(), now)
            if await self._newest() == newest:
                return BrokerSnapshot(account, positions, orders, await self._fills(account.account, since, newest))
        raise BrokerConnectionError(f"the account traded during each of {LOOKS} attempts to read it")

    async def _newest(self) -> str:
        """Return the id of the latest execution, empty without any."""
        found = await self._rest.get(ACTIVITIES, {"direction": "desc", "page_size": "1"})
        return str(found[0]["id"]) if found else ""

    async def _fills(self, account: str, since: int, newest: str) -> list[Fill]:
        records = [record async for record in self._records(since, newest)]
        chains = await self._lookup.venue_ids((record["order_id"] for record in records), since)
        fills = []
        for record in records:
            chain = chains.get(record["order_id"])
            if chain is None:
                raise BrokerConnectionError(f"Alpaca tells of a trade of order {record['order_id']} and not of the order")
            fills.append(fill_of_activity(record, chain.links[record["order_id"]].said, chain.order_id, account))
        return fills

    async def _records(self, since: int, newest: str) -> AsyncIterator[dict[str, Any]]:
        """Yield executions, oldest first, up to the newest that belongs to the picture."""
        query = {"direction": "asc", "page_size": str(PAGE), "after": to_text(max(0, since - MILLISECOND))}
        while True:
            page = await self._rest.get(ACTIVITIES, query)
            for record in page:
                yield record
                if record["id"] == newest:
                    return
            if len(page) < PAGE:
                return
            query["page_token"] = page[-1]["id"]


def _account(said: Mapping[str, Any], now: int) -> Account:
    return Account(
        account=str(said["account_number"]),
        kind=kind_of(said),
        currency=str(said["currency"]),
        cash=float(said["cash"]),
        equity=float(said["equity"]),
        time=now,
        buying_power=float(said["buying_power"]),
    )


def _position(said: Mapping[str, Any]) -> Position:
    quantity = abs(float(said["qty"]))
    return Position(
        symbol=from_venue(said["symbol"], said["asset_class"]),
        quantity=-quantity if said["side"] == "short" else quantity,
        average_price=float(said["avg_entry_price"]),
        mark=float(said["current_price"]) if said.get("current_price") else None,
    )
