"""Two states that stop all orders: the kill switch, which people and limits throw, and the connection to the venue."""

from __future__ import annotations

from typing import Any

from ml4t.live.model import Order


def scope_of(symbol: str = "", strategy: str = "") -> str:
    """Return the scope of a kill: everything, one symbol, or one strategy. Raises ValueError for both at once."""
    if symbol and strategy:
        raise ValueError("a kill is for a symbol or for a strategy; give one of them, or two kills")
    return f"symbol:{symbol}" if symbol else f"strategy:{strategy}" if strategy else ""


class Switch:
    """The kill switch: one for everything, and one for each symbol or strategy that somebody has stopped.

    Each stays on until a named person re-arms that very one; whoever moves it makes it durable.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, Switch] = {}
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

    def of(self, scope: str) -> Switch:
        """Return the switch of a scope: itself for everything."""
        return self.scopes.setdefault(scope, Switch()) if scope else self

    def stopping(self, order: Order) -> tuple[str, Switch] | None:
        """Return the scope and the switch that keep an order from being sent, None when nothing does."""
        if self.on:
            return "", self
        if self.scopes:
            for scope in (f"symbol:{order.symbol}", f"strategy:{order.strategy}"):
                switch = self.scopes.get(scope)
                if switch is not None and switch.on:
                    return scope, switch
        return None

    @property
    def any_on(self) -> bool:
        """True while something is stopped."""
        return self.on or any(switch.on for switch in self.scopes.values())

    def state(self) -> dict[str, Any]:
        """Return the state as plain values."""
        own = {"on": self.on, "reason": self.reason, "by": self.by, "at": self.at, "via": self.via}
        scopes = {scope: switch.state() for scope, switch in self.scopes.items() if switch.on}
        return own | {"scopes": scopes} if scopes else own

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.on = bool(state["on"])
        self.reason = str(state["reason"])
        self.by = str(state["by"])
        self.at = int(state["at"])
        self.via = str(state.get("via", ""))
        for scope, own in state.get("scopes", {}).items():
            self.of(scope).restore(own)

    def _set(self, on: bool, reason: str, by: str, at: int, via: str) -> bool:
        self.on, self.reason, self.by, self.at, self.via = on, reason, by, at, via
        return True


class Connection:
    """Whether orders can be sent: the venue is connected and its books are known, and the journal can be written."""

    def __init__(self) -> None:
        self.ready = False
        self.losses = 0
        """How often orders could be sent and then could not."""
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
        self.losses += self.ready
        self.ready = False
