"""Compares the venue's books with the journal that a session left: what must hold whatever killed it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ml4t.live.journal import JournalReader, verify
from ml4t.live.model import Order, OrderState
from ml4t.live.orders.states import NEVER_REACHED, UNSENT

from .script import MAX_OPEN_ORDERS, MAX_POSITION_SHARES, TICKS, Fate, fate_of
from .venue import CASH, Books

_STATES = {"filled": OrderState.FILLED, "cancelled": OrderState.CANCELLED}


def check(books: Books, journal: Path) -> list[str]:
    """Return what is wrong, in words; nothing when every promise was kept."""
    faults = [f"the journal is damaged: {problem}" for problem in verify(journal)]
    with JournalReader(journal) as reader:
        orders = {order.order_id: order for order in reader.orders()}
        fills = reader.fills()
        records = list(reader.records())
        positions = {symbol: line["quantity"] for symbol, line in reader.state("position").items()}
        cash = reader.state("account").get("books", {}).get("cash", CASH)
    faults += _lost(books, orders)
    faults += _doubled(books, [record.subject for record in records if record.kind == "intent"])
    faults += _fills(books, [fill.execution_id for fill in fills], [r.subject for r in records if r.kind == "fill"])
    faults += _ends(books, orders)
    held = {symbol: quantity for symbol, quantity in books.positions.items() if quantity}
    faults += _limits(books)
    if positions != held:
        faults.append(f"positions are {positions}, at the venue {held}")
    if abs(cash - books.cash) > 1e-6:
        faults.append(f"cash is {cash!r}, at the venue {books.cash!r}")
    return faults


def _lost(books: Books, orders: dict[str, Order]) -> list[str]:
    """Every decision has an order in the journal, and every order at the venue is one of them."""
    faults = [f"the venue has an order that the journal does not: {order_id}" for order_id in books.orders.keys() - orders]
    made = Counter(order.cause for order in orders.values())
    counts = {tick: made[f"tick {tick}"] for tick in range(1, TICKS + 1)}
    return faults + [f"tick {tick} ({fate_of(tick).name}) led to {n} orders" for tick, n in counts.items() if n != 1]


def _doubled(books: Books, intents: list[str]) -> list[str]:
    """No order was intended or sent twice."""
    faults = [f"{order_id} was sent {count} times" for order_id, count in Counter(books.submissions).items() if count > 1]
    faults += [f"{order_id} was intended {count} times" for order_id, count in Counter(intents).items() if count > 1]
    return faults + [f"{order_id} was sent without an intent" for order_id in set(books.submissions) - set(intents)]


def _fills(books: Books, known: list[str], recorded: list[str]) -> list[str]:
    """Every execution is in the journal, once."""
    there = [fill["execution_id"] for fill in books.fills]
    faults = [f"the fill {each} is not in the journal" for each in set(there) - set(known)]
    faults += [f"the fill {each} is not the venue's" for each in set(known) - set(there)]
    return faults + [f"the fill {each} is recorded {count} times" for each, count in Counter(recorded).items() if count > 1]


def _ends(books: Books, orders: dict[str, Order]) -> list[str]:
    """Every order has the end that it has at the venue."""
    faults = []
    for order_id, order in orders.items():
        there = books.orders.get(order_id)
        if order.is_open:
            faults.append(f"{order_id} ({order.cause}) is still {order.state}")
        elif there is not None:
            ours, theirs = (order.quantity, order.filled_quantity), (there.quantity, there.filled)
            if order.state is not _STATES.get(there.state) or ours != theirs:
                text = f"{order.state} with quantity and fills {ours}, at the venue {there.state} with {theirs}"
                faults.append(f"{order_id} ({order.cause}) is {text}")
        elif order.filled_quantity or not _may_be_absent(books, order):
            faults.append(f"{order_id} ({order.cause}) is {order.state} ({order.code} {order.reason}), and not at the venue")
    return faults


def _limits(books: Books) -> list[str]:
    """No limit was ever exceeded, as the venue saw it."""
    faults = []
    if books.peak_working > MAX_OPEN_ORDERS:
        faults.append(f"{books.peak_working} orders worked at once, {MAX_OPEN_ORDERS} may")
    if books.peak_held > MAX_POSITION_SHARES:
        faults.append(f"{books.peak_held:g} of a symbol were held, {MAX_POSITION_SHARES:g} is the limit")
    return faults


def _may_be_absent(books: Books, order: Order) -> bool:
    """An order that is not at the venue was refused there, never left, or was refused here."""
    if order.order_id in books.submissions:
        return order.quantity == Fate.REJECT and order.code in {"no_credit", NEVER_REACHED}
    withdrawn = order.state is OrderState.CANCELLED and order.code in {NEVER_REACHED, UNSENT, ""}
    return withdrawn or order.verdict is not None
