"""Which order of ours an order or an execution of an exchange's belongs to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from ml4t_live_crypto.ids import Form

REMEMBERED = 20_000
"""Orders whose ids are kept."""

Row = Mapping[str, Any]


class Names:
    """Our ids, by the exchange's and by client order ids. They outlive a connection.

    `said_as` is where an execution says the client order id of its order, in the exchange's own words.
    """

    def __init__(self, form: Form, said_as: str = "") -> None:
        self._form = form
        self._said_as = said_as
        self._by_venue: OrderedDict[str, str] = OrderedDict()
        self._by_client: OrderedDict[str, str] = OrderedDict()

    def client_id(self, order_id: str) -> str:
        """Return the client order id of an order of ours, and remember it."""
        client_id = self._form.theirs(order_id)
        _keep(self._by_client, self._form.prefix + client_id, order_id)
        return client_id

    def learn(self, venue_order_id: str, order_id: str) -> None:
        """Remember which order of ours the exchange means."""
        if venue_order_id and order_id:
            _keep(self._by_venue, venue_order_id, order_id)

    def of_order(self, row: Row) -> str:
        """Return our id of an order that ccxt tells of; empty for one without a client order id."""
        venue = str(row["id"])
        order_id = self._form.ours(row.get("clientOrderId")) or self._by_venue.get(venue, "")
        self.learn(venue, order_id)
        return order_id

    def of_trade(self, row: Row) -> str:
        """Return our id of the order of an execution; empty when it is not known.

        Many exchanges tell of the client order id in a field of their own, which ccxt leaves where it is.
        """
        venue = str(row["order"])
        known = self._by_venue.get(venue)
        if known is None:
            said = row.get("info") or {}
            texts = [each for each in said.values() if isinstance(each, str)]
            known = next((self._by_client[text] for text in texts if text in self._by_client), "")
            known = known or self._form.ours(said.get(self._said_as))
            self.learn(venue, known)
        return known


def _keep(kept: OrderedDict[str, str], key: str, value: str) -> None:
    kept[key] = value
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
