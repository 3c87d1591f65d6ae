"""Which order of ours an order of OKX's is: what an algo order makes has no client order id of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ml4t_live_okx.algos import AlgoRow
from ml4t_live_okx.errors import NO_SUCH_ORDER, Refused
from ml4t_live_okx.pairs import leg_of
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.updates import OrderRow

KEPT = 20_000
"""Orders whose names are remembered; those of older ones are asked for again."""


class Names:
    """Names orders, and looks them up. Everything raises BrokerConnectionError when OKX cannot be asked."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._known: dict[str, str] = {}

    async def named(self, row: OrderRow) -> OrderRow:
        """Return an order with our id as its client order id."""
        algo = row.algoId or row.linkedAlgoOrd.algoId
        if not (row.algoClOrdId or algo):
            return row
        name = self._known.get(row.ordId) or await self._made_by(row.algoClOrdId, algo, row)
        if name:
            self._note(row.ordId, name)
            return msgspec.structs.replace(row, clOrdId=name)
        return row

    async def of_fill(self, said: Mapping[str, Any]) -> str:
        """Return our id of the order that a line of the list of fills is of; OKX's for an order of somebody else's."""
        number = str(said["ordId"])
        known = self._known.get(number) or said.get("clOrdId")
        if known:
            return str(known)
        row = await self.order({"instId": said["instId"], "ordId": number})
        name = number if row is None else (await self.named(row)).order_id
        self._note(number, name)
        return name

    async def order(self, query: Mapping[str, str]) -> OrderRow | None:
        """Return an order, None when OKX has none of these ids."""
        said = await self._ask("trade/order", query)
        return None if said is None else msgspec.convert(said, OrderRow)

    async def algo(self, query: Mapping[str, str]) -> AlgoRow | None:
        """Return an algo order, None when OKX has none of these ids."""
        said = await self._ask("trade/order-algo", query)
        return None if said is None else msgspec.convert(said, AlgoRow)

    async def _made_by(self, client_id: str, algo_id: str, row: OrderRow) -> str:
        if not client_id:
            algo = await self.algo({"algoId": algo_id})
            client_id = "" if algo is None else algo.algoClOrdId
        return leg_of(client_id, is_limit=row.ordType == "limit")

    async def _ask(self, path: str, query: Mapping[str, str]) -> Any:
        try:
            said = await self._rest.get(path, query)
        except Refused as refused:
            if refused.venue_code == NO_SUCH_ORDER:
                return None
            raise
        return said[0] if said else None

    def _note(self, number: str, name: str) -> None:
        self._known[number] = name
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
