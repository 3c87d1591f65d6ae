"""How a check behaves: it is pure, quick, and leaves everything as it is."""

from __future__ import annotations

from math import inf
from typing import Any

from ml4t.live.clock import SystemClock
from ml4t.live.model import OrderSide
from ml4t.live.risk.books import Books
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.risk_check.answers import ask, show
from ml4t.live.testing.conformance.risk_check.rig import RiskCheckRig
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.watching import EVERYTHING, watched

MANY = 500
"""Positions, and working orders, of a large account."""
TRIES = 5
"""A busy machine is slow now and then; a check that is too slow is so every time."""


@scenario()
async def it_reads_the_books_and_nothing_else(rig: RiskCheckRig) -> None:
    """It asks no clock, no chance, no file and no other machine: the time is `view.now`, and a replay decides the same."""
    check, books = rig.check(), rig.books()
    with watched(EVERYTHING) as used:
        for order in rig.orders():
            ask(check, order, books)
    if used:
        raise NotConformant(f"it calls {', '.join(sorted(used))} while it decides; everything it may know is in the view")


@scenario()
async def it_changes_nothing(rig: RiskCheckRig) -> None:
    """Books and order are the same after the question as before."""
    check, books = rig.check(), rig.books()
    for order in rig.orders():
        before, shown = _picture(books), repr(order)
        ask(check, order, books)
        changed = [name for name, value in _picture(books).items() if value != before[name]]
        if repr(order) != shown:
            changed.append("the order")
        if changed:
            raise NotConformant(f"{show(order)}: it changed {', '.join(changed)}")


@scenario()
async def it_answers_within_its_budget(rig: RiskCheckRig) -> None:
    """With hundreds of positions and working orders it still answers within the budget of the gate."""
    books = rig.books(*(f"HELD{number}" for number in range(MANY)))
    check, order, clock = rig.check(), rig.order(rig.symbols[0], OrderSide.BUY, 1.0), SystemClock()
    quickest = inf
    for _ in range(TRIES):
        began = clock.stopwatch()
        ask(check, order, books)
        quickest = min(quickest, (clock.stopwatch() - began) / 1e6)
        if quickest <= rig.budget_ms:
            return
    raise NotConformant(
        f"with {MANY} positions and as many orders it takes {quickest:.0f} ms or more of its {rig.budget_ms:g} ms"
    )


def _picture(books: Books) -> dict[str, Any]:
    """Return everything that a check could change, as text."""
    return {
        "now": books.now,
        "the positions": repr(books.positions),
        "the open orders": repr(list(books.open_orders)),
        "the cash": books.cash,
        "the equity": books.equity,
        "the orders that count as sent": books.submitted_since(0),
        "the prices": repr([(symbol, state.price) for symbol, state in books.market.symbols.items()]),
        "the history": repr([(list(state.prices), list(state.volumes)) for state in books.market.symbols.values()]),
    }
