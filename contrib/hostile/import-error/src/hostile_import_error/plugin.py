"""Its module asks core for something that is not there."""

from ml4t.live.records import TickRecord  # noqa: F401
