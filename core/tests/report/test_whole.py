"""A rotated journal is read with its archives, as if it had never been rotated."""

from __future__ import annotations

import pytest
from report_kit import DAY, START, fill, firing, forecast, outcome

from ml4t.live.clock import DataClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import StatePut
from ml4t.live.journal.rotate import archives, rotate
from ml4t.live.ledger import Scoreboard
from ml4t.live.model import Order, OrderSide, OrderState, Verdict
from ml4t.live.report import ReportReader
from ml4t.live.report.session import read_session
from ml4t.live.report.whole import WholeReader


def write(desk, count):
    """A small session: a forecast, a firing, a refusal, a fill and an equity a day."""
    board = Scoreboard()
    desk.note(START, "run", "r", {"mode": "shadow", "name": "r"})
    for day in range(count):
        now = START + day * DAY
        told = forecast(day, at=now, reference=100.0 + day % 7, price=101.0 + day % 5)
        desk.note(now, "firing", "t", firing("t", now, "A"))
        desk.note(now, "forecast", told.forecast_id, told)
        desk.note(now, "verdict", f"o{day}", Verdict(False, "max", "max", "too much"))
        state = OrderState.REJECTED if day % 2 else OrderState.FILLED
        order = Order(f"o{day}", "A", OrderSide.BUY, 1.0, state=state, created_at=now, updated_at=now)
        desk.note(now, "order", order.order_id, order)
        if state is OrderState.FILLED:
            desk.note(now, "fill", f"e{day}", fill(day, "A", "buy", 1.0, 100.0, now))
        came = outcome(told, 100.0 + day % 3)
        desk.note(now + DAY, "resolution", told.forecast_id, came)
        board.issue(told)
        board.close(told, came)
        desk.note(now + DAY, "equity", "shadow", {"at": now + DAY, "cash": 1.0, "equity": 1_000.0 + day % 11})
    scores = [StatePut("ledger", name, value) for name, value in board.changes()]
    scores.append(StatePut("ledger", "through", desk.journal.last_seq))
    desk.note(START + count * DAY, "run", "r", {"ended": True, "why": "done"}, state=scores)


def told(reader):
    session = read_session(reader, made_at=1)
    parts = (session.charts, session.equity, session.drawdown, session.outcomes, session.lanes, session.summary.firings)
    return parts, session.summary.orders, session.summary.refusals, session.summary.traded


def test_a_report_is_the_same_after_rotations(desk):
    write(desk, 200)
    with desk.read() as before:
        expected = told(before)
    clock = DataClock()
    clock.advance(START + 300 * DAY)
    rotate(desk.folder, clock, keep=900)
    rotate(desk.folder, clock, keep=300)
    assert len(archives(desk.folder.path)) == 2
    with WholeReader(desk.folder.journal) as after:
        assert told(after) == expected
        assert after.left_out == []
    with ReportReader(desk.folder.journal) as newest:
        assert sum(newest.orders_by_state().values()) < 200
        assert len(list(newest.every_forecast())) < 200


def test_an_archive_is_a_journal_too(desk):
    write(desk, 50)
    desk.journal.close()
    rotate(desk.folder, DataClock(), keep=100)
    (archive,) = archives(desk.folder.path)
    with WholeReader(archive) as reader:
        assert reader.archives == []
        assert 0 < read_session(reader, made_at=1).outcomes[0].count < 50


def test_a_damaged_archive_is_said_so(desk):
    write(desk, 20)
    desk.journal.close()
    rotate(desk.folder, DataClock(), keep=30)
    (archive,) = archives(desk.folder.path)
    archive.write_bytes(b"not a database" * 1_000)
    with pytest.raises(JournalError, match=archive.name):
        WholeReader(desk.folder.journal)
