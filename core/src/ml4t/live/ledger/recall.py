"""What the journal holds of the ledger: the scores as last noted, and the records that have come since."""

from __future__ import annotations

from collections.abc import Callable

from ml4t.live.journal import RecordKind
from ml4t.live.journal.queries import Queries
from ml4t.live.ledger.scoreboard import Scoreboard

LEDGER = "ledger"
"""The bucket of the scores; one bucket, so that a reader sees them all as of the same record."""
THROUGH = "through"
"""The key of the number of the last record that they follow from."""
SPLITS = "split"
SUSPECTS = "suspect"

NOTE_EVERY = 2_000
"""Records of the ledger between two notes of its scores: what a start, or a report, folds at most."""


def recall(journal: Queries, *, by: Callable[[str], bool] = lambda _: True) -> tuple[Scoreboard, int, int]:
    """Return the scores as of now, the number of the last record in them, and how many records were folded for that.

    Of the groups only those told apart `by` what is wanted are sure to be there.
    """
    board = Scoreboard()
    state = journal.state(LEDGER)
    through = int(state.pop(THROUGH, 0))
    board.restore(state, by=by)
    folded = 0
    for kind, seq, forecast_id in journal.ledger_records(through):
        tracked = journal.forecast(forecast_id)
        if tracked is None:
            continue  # a body that could not be written, or a resolution of nothing: neither is a forecast
        if kind == RecordKind.FORECAST:
            board.issue(tracked.forecast)
        elif tracked.resolution is not None:
            board.close(tracked.forecast, tracked.resolution)
        through, folded = seq, folded + 1
    return board, through, folded
