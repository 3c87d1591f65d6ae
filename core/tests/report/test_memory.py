"""What a report holds does not grow with the session."""

from __future__ import annotations

import tracemalloc

from report_kit import SECOND, START, fill, firing, forecast, outcome

from ml4t.live.journal import StatePut
from ml4t.live.ledger import Scoreboard
from ml4t.live.report.session import read_session

MOST_MIB = 6


def write(desk, count):
    """A record of every kind for each of so many seconds, and the scores that follow from them, as the ledger notes them."""
    board = Scoreboard()
    for number in range(count):
        now = START + number * SECOND
        told = forecast(number, at=now, horizon=SECOND, price=100.0 + number % 13)
        came = outcome(told, 100.0 + number % 5)
        desk.note(now, "forecast", told.forecast_id, told)
        desk.note(now, "firing", "t", firing("t", now, "A"))
        desk.note(now, "fill", f"e{number}", fill(number, "A", "buy", 1.0, 100.0 + number % 7, now))
        desk.note(now, "equity", "shadow", {"at": now, "cash": 1.0, "equity": 100.0 + number % 11})
        desk.note(now, "health", f"part {number % 3}", {"state": "lost"})
        desk.note(now, "resolution", told.forecast_id, came)
        board.issue(told)
        board.close(told, came)
    scores = [StatePut("ledger", name, value) for name, value in board.changes()]
    desk.note(now, "run", "r", {"ended": True}, state=[*scores, StatePut("ledger", "through", desk.journal.last_seq)])


def test_three_times_the_records_take_as_much_memory(tmp_path, new_desk):
    peaks = []
    for count in (2_500, 7_500):
        desk = new_desk(tmp_path / str(count))
        write(desk, count)
        reader = desk.read()
        tracemalloc.start()
        session = read_session(reader, made_at=1)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
        assert session.outcomes[0].count == count
    assert peaks[1] < 1.15 * peaks[0]
    assert peaks[1] < MOST_MIB
