"""What may be spent in a day. Money counts as spent before a request is sent, and is corrected by what the answer says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_llm.config import LlmConfig
from ml4t.live.times import to_datetime

MILLION = 1_000_000


class Budget:
    """The day's spending. Days are those of UTC, by the time of the request."""

    def __init__(self, config: LlmConfig) -> None:
        self._config = config
        self._day = ""
        self.spent = 0.0
        self.requests = 0

    def reserve(self, prompt_bytes: int, now: int) -> float | None:
        """Count a request and the most that it can cost; return that, or None when the day's budget does not have it.

        A token is at least a byte.
        """
        self._turn(now)
        most = self.cost(prompt_bytes, self._config.max_tokens)
        if self.requests >= self._config.requests_per_day or self.spent + most > self._config.budget_per_day:
            return None
        self.requests += 1
        self.spent += most
        return most

    def settle(self, reserved: float, prompt_tokens: int, answer_tokens: int) -> None:
        """Correct what was reserved by what was used. A request of which nobody knows keeps what was reserved."""
        self.spent = max(0.0, self.spent - reserved + self.cost(prompt_tokens, answer_tokens))

    def cost(self, prompt_tokens: int, answer_tokens: int) -> float:
        """Return what so many tokens cost."""
        return (prompt_tokens * self._config.price_in + answer_tokens * self._config.price_out) / MILLION

    def state(self) -> dict[str, Any]:
        """Return what a restart must not forget."""
        return {"day": self._day, "spent": self.spent, "requests": self.requests}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self._day, self.spent, self.requests = state["day"], state["spent"], state["requests"]

    def _turn(self, now: int) -> None:
        day = f"{to_datetime(now):%Y-%m-%d}"
        if day > self._day:  # a clock that goes back gives no money back
            self._day, self.spent, self.requests = day, 0.0, 0
