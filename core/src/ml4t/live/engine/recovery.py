"""What a start takes back from the journal."""

from __future__ import annotations

from functools import partial

from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.timetable import BUCKET as TIMETABLE
from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.journal import Journal
from ml4t.live.ledger import ForecastLedger
from ml4t.live.orders.book import RECENT
from ml4t.live.orders.desk import Desk, position_lines
from ml4t.live.risk.latches import Latches
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Switch
from ml4t.live.shadow.memory import MemoryVenue

FILLS_RECALLED = 1_000
"""Executions of an earlier process that count in the limits on executions."""


def restore_books(journal: Journal, desk: Desk, losses: LossWatch, switch: Switch, latches: Latches) -> None:
    """Take back holdings, open orders, limits and the kill switch."""
    known = journal.state("account")
    account = known.get("books")
    positions = position_lines(journal.state("position"))
    if account is not None:
        desk.portfolio.restore(account["cash"], positions, account["commission"], journal.state("realised"))
        for symbol, mark in known.get("worth", {}).get("marks", {}).items():  # later than the last fills
            desk.portfolio.mark(symbol, mark)
    open_orders = journal.orders(open_only=True)
    recent = sorted(journal.orders(limit=desk.orders.recent), key=lambda order: order.created_at)
    fills = [fill for order in open_orders for fill in journal.fills(order_id=order.order_id)]
    desk.restore(open_orders, recent, fills)
    risk = journal.state("risk")
    if "losses" in risk:
        losses.restore(risk["losses"])
        if "rearm" in risk:  # somebody resumed while no process was on
            if not (losses.to_flatten and desk.portfolio.positions):  # else the limit stands until the account is empty
                losses.rearm(desk.portfolio.equity)
            journal.put("risk", "rearm", None)
    tallies = desk.books.tallies
    tallies.restore(risk.get("tallies", {}), journal.state("tally"))
    for fill in journal.fills(limit=FILLS_RECALLED):
        tallies.fills.add(fill.time)
    if "latches" in risk:
        latches.restore(risk["latches"])
    if "kill_switch" in risk:
        switch.restore(risk["kill_switch"])


def restore_venue(venue: MemoryVenue, desk: Desk, journal: Journal, agenda: Agenda, after: int | None) -> None:
    """Give the shadow venue the books of the desk.

    Recorded data go on `after` a moment: the orders rest when that has come, or later when they were decided later, before
    a crash. An order must not meet data that are older than itself.
    """
    orders = desk.orders.open_orders
    restore = partial(
        venue.restore,
        desk.portfolio.cash,
        desk.portfolio.positions,
        notes=journal.state("shadow"),
        family=desk.orders.finished,
        executions={o.order_id: len(journal.fills(order_id=o.order_id)) for o in orders if o.filled_quantity},
    )
    if after is None:
        restore(orders)
        return
    restore((), later=orders)
    for order in orders:
        agenda.at(max(order.created_at, after) + 1, partial(_arrive, venue, order.order_id))


def _arrive(venue: MemoryVenue, order_id: str, _due: int) -> None:
    venue.arrive(order_id)


def restore_forecasts(journal: Journal, ledger: ForecastLedger) -> None:
    """Take back the open forecasts, the scores, and which forecasts were resolved lately."""
    ledger.restore(journal, RECENT)


def restore_triggers(journal: Journal, triggers: TriggerBoard) -> None:
    """Take back what triggers remember, and when they fired last."""
    triggers.restore(journal.state("trigger"), journal.state("firing"), journal.state(TIMETABLE))


def watermark(journal: Journal) -> int | None:
    """Return the moment up to which recorded data has been processed, None when there is none."""
    moment = journal.state("progress").get("moment")
    return None if moment is None else int(moment)
