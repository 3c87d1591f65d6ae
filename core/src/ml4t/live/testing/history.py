"""Compares the history of a simulated venue with the journal of the engine that traded there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from ml4t.live.journal import JournalReader, verify
from ml4t.live.model import Order, OrderState
from ml4t.live.orders.states import DUST, NEVER_REACHED, UNSENT
from ml4t.live.testing.venue import SimulatedVenue

_FINAL = frozenset(state.value for state in OrderState if not state.is_open)
_REOPENED = "it works at the venue"


@attrs.frozen
class _Story:
    """What a journal tells of orders and money."""

    orders: Mapping[str, Order]
    records: Sequence[Any]
    fills: Counter[str]
    positions: Mapping[str, float]
    cash: float | None

    def subjects(self, kind: str) -> Counter[str]:
        return Counter(record.subject for record in self.records if record.kind == kind)


def check_history(venue: SimulatedVenue, journal: Path) -> list[str]:
    """Return what is wrong, in words: nothing when every promise about orders and money was kept.

    To be called at a quiet end, when the venue has nothing left to trade and the engine has reconciled with it since: no
    order lost or doubled, every execution booked once, positions and cash equal, every order ended as its proof says.
    """
    faults = [f"the journal is damaged: {problem}" for problem in verify(journal)]
    story = _read(journal)
    return [*faults, *_sent(venue, story), *_ended(venue, story), *_money(venue, story), *_courses(story), *_killed(story)]


def _read(journal: Path) -> _Story:
    with JournalReader(journal) as reader:
        return _Story(
            {order.order_id: order for order in reader.orders()},
            list(reader.records()),
            Counter(fill.execution_id for fill in reader.fills()),
            {symbol: line["quantity"] for symbol, line in reader.state("position").items()},
            reader.state("account").get("books", {}).get("cash"),
        )


def _sent(venue: SimulatedVenue, story: _Story) -> Iterator[str]:
    """No order twice, and none without an intent on record."""
    intents = story.subjects("intent")
    yield from (f"{order_id} was sent {count} times" for order_id, count in Counter(venue.submissions).items() if count > 1)
    yield from (f"{order_id} was intended {count} times" for order_id, count in intents.items() if count > 1)
    for order_id in venue.submissions:
        if order_id not in intents:
            yield f"{order_id} was sent without an intent"
    for order_id, there in venue.orders.items():
        ours = story.orders.get(order_id)
        if ours is None or (ours.symbol, ours.side, ours.quantity) != (there.symbol, there.side, there.quantity):
            yield f"{order_id} at the venue is not the order that was decided"


def _ended(venue: SimulatedVenue, story: _Story) -> Iterator[str]:
    """Every intent reached the venue, or it is proved that it did not."""
    for order_id in story.subjects("intent"):
        order, there = story.orders[order_id], venue.orders.get(order_id)
        if order.is_open:
            yield f"{order_id} is neither ended nor explained: {order.state}"
        elif there is not None:
            ends = {OrderState.FILLED, OrderState.CANCELLED}
            if order.state not in ends or (order.state is OrderState.FILLED) != (there.state is OrderState.FILLED):
                yield f"{order_id} is {order.state} ({order.reason}), at the venue {there.state}"
            if abs(order.filled_quantity - there.filled_quantity) > DUST * there.quantity:
                yield f"{order_id} has traded {order.filled_quantity:g}, at the venue {there.filled_quantity:g}"
        elif order.state is OrderState.REJECTED:
            if order_id not in venue.refused:
                yield f"{order_id} is rejected ({order.reason}), and the venue never refused it"
        elif order.code not in {NEVER_REACHED, UNSENT}:
            yield f"{order_id} is {order.state} ({order.reason}), and the venue never had it"


def _money(venue: SimulatedVenue, story: _Story) -> Iterator[str]:
    """Every execution is booked once, and the sums are equal."""
    there = Counter(fill.execution_id for fill in venue.fills)
    for name, booked in (("rows", story.fills), ("records", story.subjects("fill"))):
        for execution_id in booked.keys() | there.keys():
            if booked[execution_id] != there[execution_id]:
                yield f"fill {execution_id}: {booked[execution_id]} {name} of it, {there[execution_id]} at the venue"
    held = {symbol: position.quantity for symbol, position in venue.portfolio.positions.items()}
    if held.keys() != story.positions.keys() or any(abs(held[s] - story.positions[s]) > DUST for s in held):
        yield f"positions are {dict(story.positions)}, at the venue {held}"
    if story.cash is None or abs(story.cash - venue.portfolio.cash) > 1e-6:
        yield f"cash is {story.cash}, at the venue {venue.portfolio.cash}"
    for record in story.records:
        if record.kind == "reconciliation" and record.body["when"] != "opening":
            for each in record.body["differences"]:
                if each["what"] not in {"missed_fill", "unknown_order"}:
                    yield f"what was under way was taken for a difference: {each}"


def _courses(story: _Story) -> Iterator[str]:
    """The states of every order, one after the other: nothing traded goes back, nothing unproved is rejected."""
    last: dict[str, tuple[str, float]] = {}
    for record in story.records:
        if record.kind not in {"intent", "order"}:
            continue
        state, filled, reason = record.body["state"], record.body["filled_quantity"], record.body["reason"]
        before, traded = last.get(record.subject, ("new", 0.0))
        last[record.subject] = (state, filled)
        if filled < traded:
            yield f"{record.subject}: its traded quantity went from {traded:g} to {filled:g}"
        if before == "unknown" and state == "rejected":
            yield f"{record.subject}: unknown became rejected ({reason})"
        if before in _FINAL and state not in {before, "filled"} and reason != _REOPENED:
            yield f"{record.subject}: {before} became {state} ({reason})"


def _killed(story: _Story) -> Iterator[str]:
    """No intent is written while the kill switch is on."""
    on = False
    for record in story.records:
        if record.kind == "kill_switch" and not record.body.get("scope"):
            on = record.body["on"]
        elif record.kind == "intent" and on:
            yield f"{record.subject} was intended while the kill switch was on"
