"""Asks Alpaca about orders: by our id, by its own, and for what belongs to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from ml4t.live.model import Order
from ml4t.live.times import NANOS
from ml4t_live_alpaca.chains import Chain, Chains
from ml4t_live_alpaca.ids import ClientId
from ml4t_live_alpaca.rest import RequestRefused, Rest
from ml4t_live_alpaca.times import from_text, to_text

PAGE = 500
"""Orders in one answer, the most that Alpaca gives."""
NEAR = 2 * NANOS
"""How far apart the orders of one request can have been created."""
AROUND = 3600 * NANOS
"""How far our clock and Alpaca's may be apart when an order is looked for by when it was made."""
MANY = 5
"""From so many orders on, a list of them is asked for before each by itself."""


class Lookup:
    """Finds orders and keeps what it finds in `chains`. Everything raises BrokerConnectionError and BrokerRefused."""

    def __init__(self, rest: Rest, chains: Chains) -> None:
        self._rest = rest
        self._chains = chains

    async def order(self, order: Order) -> Chain | None:
        """Return an order of ours as it stands, None when Alpaca is sure that it never had it."""
        known = self._chains.of_order(order.order_id)
        if known is not None:
            await self._refresh(known)
            return known
        said = await self.client_id(ClientId((order.order_id,)))
        if said is not None:
            return await self.completed(self._chains.note(said))
        if self._chains.is_alone(order.order_id):
            return None
        # It may have been sent together with others, under a client order id that names all of them.
        async for each in self._listed("all", max(0, order.created_at - AROUND), order.created_at + AROUND):
            if order.order_id in ClientId.parse(each["client_order_id"]).order_ids:
                self._chains.note(each)
                found = self._chains.of_order(order.order_id)
                return None if found is None else await self.completed(found)
        return None

    async def client_id(self, client_id: ClientId) -> dict[str, Any] | None:
        """Return the order under a client order id, None when there is none."""
        return await self._one("/orders:by_client_order_id", {"client_order_id": str(client_id), "nested": "true"})

    async def working(self) -> list[Chain]:
        """Return every order that works, ours or not."""
        chains: dict[int, Chain] = {}
        async for said in self._listed("open", nested=False):
            chain = await self.heard(said)
            chains[id(chain)] = chain
        return list(chains.values())

    async def heard(self, said: Mapping[str, Any]) -> Chain:
        """Return the order of ours that an order of Alpaca's is part of, with all that belongs to it known."""
        if self._chains.is_unnamed(said):
            await self._name(said)
        return await self.completed(self._chains.note(said))

    async def completed(self, chain: Chain) -> Chain:
        """Ask for the links of a chain that are not known, and return it."""
        while missing := chain.missing:
            link = await self._one(f"/orders/{missing}", {})
            if link is None:
                break  # a link too old to be told of any more; what is known has to do
            self._chains.note(link, chain.order_id)
        return chain

    async def venue_ids(self, venue_order_ids: Iterable[str], since: int) -> dict[str, Chain]:
        """Return the orders of ours that Alpaca's ids belong to; those submitted after `since` are asked for together."""
        wanted = set(venue_order_ids)
        found: dict[str, Chain] = {}

        def take(venue_order_id: str) -> None:
            chain = self._chains.of_venue(venue_order_id)
            if chain is not None:
                found[venue_order_id] = chain

        for venue_order_id in wanted:
            take(venue_order_id)
        if len(wanted) - len(found) > MANY:
            async for said in self._listed("all", since):
                self._chains.note(said)
                for each in (said, *(said.get("legs") or ())):
                    if each["id"] in wanted:
                        take(each["id"])
        for venue_order_id in wanted - found.keys():
            single = await self._one(f"/orders/{venue_order_id}", {"nested": "true"})
            if single is not None:
                await self.heard(single)
                take(venue_order_id)
        return found

    async def _refresh(self, chain: Chain) -> None:
        said = await self._one(f"/orders/{chain.head.id}", {"nested": "true"})
        if said is not None:
            self._chains.note(said, chain.order_id)
        await self.completed(chain)

    async def _name(self, leg: Mapping[str, Any]) -> None:
        """Ask for what a leg was sent together with: its client order id has our name of the leg."""
        created = from_text(leg["created_at"])
        async for each in self._listed("all", created - NEAR, created + NEAR):
            if any(other["id"] == leg["id"] for other in each.get("legs") or ()):
                self._chains.note(each)
                return

    async def _one(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._rest.get(path, query)
        except RequestRefused as refused:
            if refused.status == 404:
                return None
            raise
        return found

    async def _listed(
        self, status: str, after: int = 0, until: int | None = None, *, nested: bool = True
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield orders, the oldest first, page by page."""
        query = {"status": status, "limit": str(PAGE), "direction": "asc", "nested": str(nested).lower()}
        if until is not None:
            query["until"] = to_text(until)
        seen: set[str] = set()
        while True:
            page = await self._rest.get("/orders", {**query, "after": to_text(after)})
            fresh = [each for each in page if each["id"] not in seen]
            for each in fresh:
                yield each
            if len(page) < PAGE or not fresh:
                return
            seen = {each["id"] for each in page}
            # One microsecond earlier: several orders may have been submitted at the same moment.
            after = from_text(page[-1]["submitted_at"]) - 1_000
