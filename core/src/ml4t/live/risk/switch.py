"""Two states that stop all orders: the kill switch, which people and limits throw, and the connection to the venue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Switch:
    """The kill switch. It stays on until a named person re-arms it; `on_change` makes it durable."""

    def __init__(self) -> None:
        self.on = False
        self.reason = ""
        self.by = ""
        self.at = 0
        self.on_change: Callable[[], None] | None = None

    def throw(self, reason: str, *, by: str, at: int) -> None:
        """Stop all orders. Throwing it twice keeps the first reason."""
        if not self.on:
            self._set(True, reason, by, at)

    def rearm(self, reason: str, *, by: str, at: int) -> None:
        """Allow orders again.

        Raises ValueError without a name: somebody answers for it.
        """
        if not by.strip():
            raise ValueError("re-arming the kill switch needs the name of the person who decides it")
        if self.on:
            self._set(False, reason, by, at)

    def state(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {"on": self.on, "reason": self.reason, "by": self.by, "at": self.at}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.on = bool(state["on"])
        self.reason = str(state["reason"])
        self.by = str(state["by"])
        self.at = int(state["at"])

    def _set(self, on: bool, reason: str, by: str, at: int) -> None:
        self.on, self.reason, self.by, self.at = on, reason, by, at
        if self.on_change is not None:
            self.on_change()


class Connection:
    """Whether orders can be sent: the venue is connected and its books are known, and the journal can be written."""

    def __init__(self) -> None:
        self.ready = False
        self._missing = {"venue": "the venue has not been connected yet"}

    @property
    def why(self) -> str:
        """What is missing, in words; empty when nothing is."""
        return " and ".join(self._missing.values())

    def up(self, *, by: str = "venue") -> None:
        """Say that nothing is missing any more as far as `by` is concerned."""
        self._missing.pop(by, None)
        self.ready = not self._missing

    def down(self, why: str, *, by: str = "venue") -> None:
        """Say that nothing may be sent, and why."""
        self._missing[by] = why
        self.ready = False
