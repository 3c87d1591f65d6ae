"""What a start takes back from the journal."""

from __future__ import annotations

from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.journal import Journal
from ml4t.live.ledger import ForecastLedger
from ml4t.live.model import ForecastState
from ml4t.live.orders.book import RECENT
from ml4t.live.orders.desk import Desk, position_lines
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Switch
from ml4t.live.shadow import ShadowVenue


def restore_books(journal: Journal, desk: Desk, losses: LossWatch, switch: Switch, venue: ShadowVenue | None) -> None:
    """Take back holdings, open orders, limits and the kill switch; in the shadow, the venue's books are the same."""
    account = journal.state("account").get("books")
    positions = position_lines(journal.state("position"))
    if account is not None:
        desk.portfolio.restore(account["cash"], positions, account["commission"])
    open_orders = journal.orders(open_only=True)
    recent = sorted(journal.orders(limit=RECENT), key=lambda order: order.created_at)
    fills = [fill for order in open_orders for fill in journal.fills(order_id=order.order_id)]
    desk.restore(open_orders, recent, fills)
    risk = journal.state("risk")
    if "losses" in risk:
        losses.restore(risk["losses"])
    if "kill_switch" in risk:
        switch.restore(risk["kill_switch"])
    if venue is not None and account is not None:
        venue.restore(account["cash"], positions, open_orders)
    elif venue is not None:
        venue.restore(venue.portfolio.cash, {}, open_orders)


def restore_forecasts(journal: Journal, ledger: ForecastLedger) -> None:
    """Take back the open forecasts and the score sums."""
    waiting = journal.forecasts(state=ForecastState.OPEN)
    ledger.restore([tracked.forecast for tracked in waiting], journal.state("score"))


def restore_triggers(journal: Journal, triggers: TriggerBoard) -> None:
    """Take back what triggers remember, and when they fired last."""
    triggers.restore(journal.state("trigger"), journal.state("firing"))


def watermark(journal: Journal) -> int | None:
    """Return the moment up to which recorded data has been processed, None when there is none."""
    moment = journal.state("progress").get("moment")
    return None if moment is None else int(moment)
