"""What a start reads does not grow with the journal: counted in steps of SQLite, not in time."""

from __future__ import annotations

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal
from ml4t.live.model import ForecastState


def steps(folder) -> int:
    """Return how many steps the reads of a start take, ten records of the past each."""
    with Journal(folder.journal, SystemClock(), mode="live") as journal:
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        journal._reading.set_progress_handler(step, 1)
        journal.orders(open_only=True)
        journal.orders(limit=10)
        journal.fills(order_id="o60")
        journal.forecasts(state=ForecastState.OPEN)
        journal.resolved_forecasts(10)
        for bucket in ("account", "position", "risk", "score", "progress"):
            journal.state(bucket)
        return count


@pytest.mark.parametrize("more", [2_000])
def test_the_reads_of_a_start_do_not_grow_with_the_journal(folder, trade, more):
    trade(60)
    few = steps(folder)
    trade(more, first=61)
    # The five that were left open by the first session are open still.
    assert steps(folder) < 2 * few


def test_the_forecasts_resolved_lately_are_known_by_their_ids(folder, trade):
    trade(60)
    with Journal(folder.journal, SystemClock(), mode="live") as journal:
        lately = journal.forecasts(limit=20)
        expected = [tracked.forecast.forecast_id for tracked in lately if tracked.state is not ForecastState.OPEN]
        assert expected
        assert journal.resolved_forecasts(20) == expected
        assert len(journal.resolved_forecasts(1_000)) < len(journal.forecasts()), "those still open are not among them"
