"""The end of a session: its last bar is decided at the close, when the market is no longer open."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from ml4t.live.model import Order, OrderSide, Verdict
from ml4t.live.sessions.calendar import DAY
from ml4t.live.sessions.exchange import ExchangeSessions
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.risk_check.answers import ask, show
from ml4t.live.testing.conformance.risk_check.rig import RiskCheckRig
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.times import NANOS

HOURS = DAY // 4
"""How long a session lasts."""
DAYS = 10
"""How many sessions are known before and after the present one."""
OVER = {"at its close": 0, "a second after its close": NANOS}


def sessions(rig: RiskCheckRig) -> str:
    """Tell whether it asks the calendar."""
    books = rig.books()
    ask(rig.check(), rig.order(rig.symbols[0], OrderSide.BUY, 1.0), books)
    return "" if books.stage.asked_calendar else "it does not ask the calendar"


@scenario(sessions)
async def what_it_refuses_before_a_close_it_refuses_at_the_close(rig: RiskCheckRig) -> None:
    """What is refused in the last moment of a session is refused at the close, where its last bar is decided, and after it."""
    for order in rig.orders():
        before = _asked(rig, order, rig.time + 1)
        for when, ago in OVER.items():
            if not before.allowed and _asked(rig, order, rig.time - ago).allowed:
                raise NotConformant(
                    f"{show(order)} is refused ({before.code}) in the last moment of a session and allowed {when}, when "
                    "`close_after(view.now)` is that of the next day; ask `calendar.is_open(view.now)`, too"
                )


@scenario(sessions)
async def it_answers_when_the_calendar_knows_no_more_sessions(rig: RiskCheckRig) -> None:
    """Where the calendar ends, and answers None, every order gets a verdict, and nothing is raised."""
    ended = evolve(rig, calendar=_calendar(range(rig.time - DAYS * DAY, rig.time, DAY)))
    check, books = rig.check(), ended.books()
    for order in rig.orders():
        ask(check, order, books)


def _asked(rig: RiskCheckRig, order: Order, close: int) -> Verdict:
    """Return the verdict where sessions close at that time of every day."""
    calendar = _calendar(range(close - DAYS * DAY, close + DAYS * DAY, DAY))
    return ask(rig.check(), order, evolve(rig, calendar=calendar).books())


def _calendar(closes: Iterable[int]) -> ExchangeSessions:
    ends = list(closes)
    return ExchangeSessions("kit", ends, [(end - HOURS, end) for end in ends], [end // DAY for end in ends])
