"""How a run is: the condition of each part, the file that tells it, and what a service manager is told."""

from ml4t.live.health.board import Board
from ml4t.live.health.condition import Condition, Level, worst

__all__ = ["Board", "Condition", "Level", "worst"]
