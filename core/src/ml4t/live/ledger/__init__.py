"""The forecast ledger: every forecast, what became of it, and how good its model is."""

from ml4t.live.ledger.horizons import Horizons
from ml4t.live.ledger.ledger import ForecastLedger
from ml4t.live.ledger.scoreboard import Group, Scoreboard
from ml4t.live.ledger.scores import Score

__all__ = ["ForecastLedger", "Group", "Horizons", "Score", "Scoreboard"]
