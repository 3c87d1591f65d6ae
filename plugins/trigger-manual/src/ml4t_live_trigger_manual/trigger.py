"""The manual trigger."""

from __future__ import annotations

from ml4t.live.model import Firing
from ml4t_live_trigger_manual.config import ManualConfig


class Manual:
    """Fires when somebody says so, and never by itself."""

    def __init__(self, config: ManualConfig) -> None:
        self._config = config

    def on_command(self, symbol: str, reason: str, by: str) -> Firing:
        """Return the firing for a command of `by`. Raises ValueError for people and symbols that it does not take."""
        people = self._config.people
        if people and by not in people:
            raise ValueError(f"{by} may not fire this trigger; {', '.join(people)} may")
        if self._config.needs_symbol and not symbol:
            raise ValueError("this trigger is fired for one symbol; name it, as in --symbol AAPL")
        return Firing(f"{by}: {reason}", symbol)
