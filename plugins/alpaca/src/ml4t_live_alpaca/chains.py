"""One order of ours at Alpaca: the order that was sent, and those that took its place.

A replacement at Alpaca is a new order, with an id of its own, nothing traded yet, and a quantity of its own: what the order
before it has traded is not taken off (github.com/alpacahq/Alpaca-API, issue 165). Here all of them are one order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from attrs import define, field

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Order, OrderState, Terms
from ml4t_live_alpaca.ids import LINKED, ClientId
from ml4t_live_alpaca.orders import side_of
from ml4t_live_alpaca.states import FINAL, STATES, order_type, time_in_force
from ml4t_live_alpaca.symbols import from_venue
from ml4t_live_alpaca.times import from_text

KEPT = 50_000
"""Orders of Alpaca's that are remembered; older ones are asked for."""
_CLASSES_WITH_LEGS = frozenset({"bracket", "oco", "oto"})


@define(eq=False)
class Link:
    """One order of Alpaca's, as it was last heard of."""

    said: Mapping[str, Any]
    updated: int
    filled: Decimal

    @property
    def id(self) -> str:
        """Alpaca's id of it."""
        return str(self.said["id"])

    @property
    def status(self) -> str:
        """Alpaca's status of it."""
        return str(self.said["status"])

    @property
    def quantity(self) -> Decimal:
        """What it is for; of an order for an amount of money, what has traded."""
        return Decimal(self.said["qty"]) if self.said.get("qty") is not None else self.filled

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Link:
        """Return the link that an order of the API is."""
        return cls(said, from_text(said["updated_at"]), Decimal(said["filled_qty"]))

    def hear(self, said: Mapping[str, Any]) -> None:
        """Take in what is newer; what comes late or twice changes nothing but what has traded."""
        other = Link.of(said)
        newer = other.updated > self.updated or (other.updated == self.updated and self.status not in FINAL)
        if newer and not (self.status in FINAL and other.status not in FINAL):
            self.said, self.updated = other.said, other.updated
        self.filled = max(self.filled, other.filled)


@define(eq=False)
class Chain:
    """One order of ours: its links, by Alpaca's id."""

    order_id: str
    links: dict[str, Link] = field(factory=dict)
    wanted: tuple[str, Decimal] | None = None
    """What was last asked for in this process: which link to replace, by its id, and the whole quantity."""

    @property
    def first(self) -> Link:
        """The link that nothing known came before."""
        return next(link for link in self.links.values() if link.said.get("replaces") not in self.links)

    @property
    def made(self) -> list[Link]:
        """The links that have been in force, the one in force last; a replacement that was not made is none."""
        made = [self.first]
        while made[-1].status == "replaced" and (after := self.links.get(made[-1].said.get("replaced_by") or "")):
            made.append(after)
        return made

    @property
    def head(self) -> Link:
        """The link that is in force."""
        return self.made[-1]

    @property
    def filled(self) -> Decimal:
        """What has traded of all of them."""
        return sum((link.filled for link in self.made), Decimal(0))

    @property
    def quantity(self) -> Decimal:
        """What all of them come to when the last one trades whole."""
        return self.filled - self.head.filled + self.head.quantity

    @property
    def missing(self) -> str:
        """Alpaca's id of a link that has to be known and is not; empty when all are."""
        before, after = self.first.said.get("replaces"), self.head.said.get("replaced_by")
        if before:
            return str(before)
        return str(after) if self.head.status == "replaced" and after else ""

    @property
    def excess(self) -> Decimal:
        """By how much more than was asked for it would trade: what traded while it was being replaced."""
        if self.wanted is None or self.wanted[0] == self.head.id:
            return Decimal(0)
        return self.quantity - self.wanted[1]

    @property
    def next_id(self) -> ClientId:
        """The client order id of its next replacement."""
        numbers = [_parsed(link, self.order_id).replacement for link in self.links.values()]
        return ClientId(_parsed(self.first, self.order_id).order_ids, max(numbers) + 1)

    def update(self) -> OrderUpdate:
        """Return how the order stands."""
        head = self.head
        return OrderUpdate(
            order_id=self.order_id,
            state=STATES.get(head.status, OrderState.WORKING),
            time=head.updated,
            venue_order_id=head.id,
            filled_quantity=float(self.filled),
            reason="Alpaca rejected it" if head.status == "rejected" else "",
            terms=self.terms,
        )

    @property
    def terms(self) -> Terms:
        """The quantity and the prices that it has now. What a trailing stop stands at is no price that was asked for."""
        said = self.head.said
        trailing = said["type"] == "trailing_stop"
        return Terms(
            float(self.quantity),
            _number(said, "limit_price"),
            None if trailing else _number(said, "stop_price"),
            _number(said, "trail_price"),
        )

    def order(self) -> Order:
        """Return it as an order of the framework's."""
        said, terms, update = self.head.said, self.terms, self.update()
        return Order(
            order_id=self.order_id,
            symbol=from_venue(said["symbol"], said["asset_class"]),
            side=side_of(said["side"]),
            quantity=terms.quantity,
            order_type=order_type(said["type"], said["time_in_force"]),
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            trail_amount=terms.trail_amount,
            time_in_force=time_in_force(said["time_in_force"]),
            created_at=from_text(self.first.said["created_at"]),
            state=update.state,
            venue_order_id=self.head.id,
            filled_quantity=float(self.filled),
            updated_at=self.head.updated,
        )


class Chains:
    """Every order that has been heard of, by our id and by Alpaca's."""

    def __init__(self) -> None:
        self._by_order: dict[str, Chain] = {}
        self._by_venue: dict[str, Chain] = {}
        self._alone: dict[str, None] = {}

    def send_alone(self, order_id: str) -> None:
        """Note that an order is sent by itself, under no other client order id than its own."""
        self._alone[order_id] = None
        if len(self._alone) > KEPT:
            del self._alone[next(iter(self._alone))]

    def is_alone(self, order_id: str) -> bool:
        """True when nothing else can have been sent with it, as far as this process knows."""
        return order_id in self._alone

    def of_order(self, order_id: str) -> Chain | None:
        """Return an order of ours, None when it has not been heard of."""
        return self._by_order.get(order_id)

    def of_venue(self, venue_order_id: str) -> Chain | None:
        """Return the order of ours that one of Alpaca's belongs to, None when it has not been heard of."""
        return self._by_venue.get(venue_order_id)

    def is_unnamed(self, said: Mapping[str, Any]) -> bool:
        """True for a leg of something sent as one whose name nobody has said yet: Alpaca gives it an id of its own."""
        linked = said.get("order_class") in _CLASSES_WITH_LEGS and LINKED not in said["client_order_id"]
        return linked and self._known(said) is None

    def note(self, said: Mapping[str, Any], order_id: str = "") -> Chain:
        """Take in an order as the API says it, with its legs, and return the order of ours that it is.

        `order_id` is ours where its own client order id does not say it.
        """
        parsed = ClientId.parse(said["client_order_id"])
        chain = self._note(said, order_id or parsed.order_ids[0])
        for leg, name in _named_legs(said, parsed):
            self._note(leg, name)
        return chain

    def _known(self, said: Mapping[str, Any]) -> Chain | None:
        return self._by_venue.get(said["id"]) or self._by_order.get(ClientId.parse(said["client_order_id"]).order_ids[0])

    def _note(self, said: Mapping[str, Any], order_id: str) -> Chain:
        chain = self._by_venue.get(said["id"]) or self._by_order.get(order_id) or Chain(order_id)
        link = chain.links.get(said["id"])
        if link is None:
            chain.links[said["id"]] = Link.of(said)
        else:
            link.hear(said)
        self._by_order[chain.order_id] = self._by_venue[said["id"]] = chain
        if len(self._by_venue) > KEPT:
            self._forget()
        return chain

    def _forget(self) -> None:
        """Forget the oldest order that has ended."""
        ended = (chain for chain in self._by_venue.values() if chain.head.status in FINAL)
        oldest = next(ended, None)
        if oldest is not None:
            self._by_order.pop(oldest.order_id, None)
            for venue_order_id in oldest.links:
                self._by_venue.pop(venue_order_id, None)


def _named_legs(said: Mapping[str, Any], parsed: ClientId) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the legs of an order of ours with our ids: of a bracket the limit comes first, then the stop."""
    legs = sorted(said.get("legs") or (), key=lambda leg: leg["type"] != "limit")
    return zip(legs, parsed.order_ids[1:], strict=False)


def _parsed(link: Link, order_id: str) -> ClientId:
    """Return the client order id of a link; that of a leg is Alpaca's own, and ours takes its place."""
    parsed = ClientId.parse(link.said["client_order_id"])
    return parsed if order_id in parsed.order_ids else ClientId((order_id,))


def _number(said: Mapping[str, Any], name: str) -> float | None:
    return None if said.get(name) is None else float(said[name])
