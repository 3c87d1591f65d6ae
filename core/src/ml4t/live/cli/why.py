"""`why`: the story of an order, or of a symbol around a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Refused
from ml4t.live.cli.orders import as_dict
from ml4t.live.cli.state import open_journal
from ml4t.live.journal.rotate import archives
from ml4t.live.model import Order
from ml4t.live.report import ReportReader
from ml4t.live.report.around import symbol_story
from ml4t.live.report.story import Step, describe_order, order_story
from ml4t.live.report.words import moment
from ml4t.live.times import to_nanoseconds

app = typer.Typer(add_completion=False)

SHORTEST = 4
"""Characters of an order's id that are enough, when no other order begins with them."""

Subject = Annotated[str, typer.Argument(metavar="ORDER_ID|SYMBOL", help="An order's id (its beginning will do), or a symbol.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Look at a symbol up to this time: ISO 8601, UTC when it names no zone."),
]


@app.command(epilog="Example: ml4t-live why AAPL --at 2012-09-21 --state-dir state/momentum")
def why(
    subject: Subject,
    state_dir: options.StateDir = None,
    at: At = None,
    limit: options.Limit = 5,
    mode: options.Mode = None,
    as_json: options.Json = False,
) -> None:
    """Tell why an order was sent or refused, or what happened to a symbol.

    Of an order: what caused it, the decision, the verdict of the risk checks with limit and value, the intent, what the venue
    replied, the fills. Of a symbol: the latest firings, forecasts, orders, refusals and gaps.
    """
    moment_at = None if at is None else parse_moment(at)
    with open_journal(state_dir, mode) as journal:
        order = _order(journal, subject)
        if order is not None:
            _tell_order(journal, order, as_json)
            return
        if subject not in journal.symbols():
            if _tell_from_archive(journal.path, subject, as_json):
                return
            raise Refused(_unknown(journal, subject))
        steps = symbol_story(journal, subject, at=moment_at, limit=limit)
        _tell(f"{subject}{f' up to {at}' if at else ''}", steps, None, as_json)


def parse_moment(text: str) -> int:
    """Return nanoseconds UTC of an ISO 8601 time; of a day, its end. Raises Refused with an example."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"--at {text}: not a time; write one such as 2024-03-01 or 2024-03-01T14:30:00Z") from error
    if len(text) <= len("2024-03-01"):
        when += timedelta(days=1, microseconds=-1)
    return to_nanoseconds(when if when.tzinfo else when.replace(tzinfo=UTC))


def _order(journal: ReportReader, subject: str) -> Order | None:
    exact = journal.order(subject)
    if exact is not None or len(subject) < SHORTEST:
        return exact
    ids = journal.order_ids(subject)
    if len(ids) > 1:
        raise Refused(f"{len(ids)} or more orders begin with {subject}: {', '.join(ids)}; write more of the one you mean")
    return journal.order(ids[0]) if ids else None


def _tell_order(journal: ReportReader, order: Order, as_json: bool) -> None:
    title = f"Order {order.order_id}: {describe_order(order)}, {order.state.value}"
    _tell(title, order_story(journal, order), order, as_json)


def _tell_from_archive(journal: Path, subject: str, as_json: bool) -> bool:
    """Tell of an order that a rotation has moved, the newest archive first; return False when none has it."""
    for path in reversed(archives(journal.parent)):
        with ReportReader(path) as archive:
            order = _order(archive, subject)
            if order is not None:
                output.say(f"it is in the archive {path}")
                _tell_order(archive, order, as_json)
                return True
    return False


def _unknown(journal: ReportReader, subject: str) -> str:
    symbols = ", ".join(journal.symbols()) or "none yet"
    return f"{subject} is neither an order nor a symbol of this journal; its symbols: {symbols}. See: ml4t-live orders"


def _tell(title: str, steps: list[Step], order: Order | None, as_json: bool) -> None:
    if as_json:
        subject = {"order": as_dict(order)} if order is not None else {}
        output.data({"title": title, **subject, "steps": [step.as_dict() for step in steps]})
        return
    rows = ((moment(step.time), step.what, step.text) for step in steps)
    output.show(output.table(title, ("time", "what", ""), rows))
