"""Two states that stop all orders: the kill switch, which people and limits throw, and the connection to the venue."""

from __future__ import annotations

from typing import Any


class Switch:
    """The kill switch. It stays on until a named person re-arms it; whoever moves it makes it durable."""

    def __init__(self) -> None:
        self.on = False
        self.reason = ""
        self.by = ""
        self.at = 0
        self.via = ""
        """The way it was moved: cli, file, signal, code or configuration."""

    def throw(self, reason: str, *, by: str, at: int, via: str = "code") -> bool:
        """Stop all orders; return True when that changed something. Throwing it twice keeps the first reason."""
        return not self.on and self._set(True, reason, by, at, via)

    def rearm(self, reason: str, *, by: str, at: int, via: str = "code") -> bool:
        """Allow orders again; return True when that changed something.

        Raises ValueError without a name: somebody answers for it.
        """
        if not by.strip():
            raise ValueError("re-arming the kill switch needs the name of the person who decides it")
        return self.on and self._set(False, reason, by, at, via)

    def state(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {"on": self.on, "reason": self.reason, "by": self.by, "at": self.at, "via": self.via}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.on = bool(state["on"])
        self.reason = str(state["reason"])
        self.by = str(state["by"])
        self.at = int(state["at"])
        self.via = str(state.get("via", ""))

    def _set(self, on: bool, reason: str, by: str, at: int, via: str) -> bool:
        self.on, self.reason, self.by, self.at, self.via = on, reason, by, at, via
        return True


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
