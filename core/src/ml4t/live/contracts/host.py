"""The contract of a strategy host."""

from __future__ import annotations

from typing import Any, Protocol


class StrategyHost(Protocol):
    """Runs the strategies of another framework: it makes one of ours of each.

    What it makes may say `hosted` (the strategy that it stands for, after which it is named) and bring the venue of its
    shadow orders (`ml4t.live.shadow.memory.BringsVenue`).
    """

    def host(self, strategy: Any) -> Any:
        """Return an object with `on_data` (see `ml4t.live.Strategy`) that runs `strategy`.

        Raises ValueError with the remedy for a strategy that cannot run live.
        """
        ...
