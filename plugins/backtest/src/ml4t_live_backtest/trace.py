"""What a strategy was told, call by call: kept small, so that two engines can be compared over years of bars."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from attrs import field, frozen


@frozen
class Call:
    """One callback: its name, its timestamp, and a digest of everything that it was given."""

    name: str
    timestamp: Any
    digest: bytes = field(repr=False)


class Tracer:
    """Stands between an engine and a strategy, and notes every callback; the content of the one called `wanted` is kept."""

    def __init__(self, strategy: Any, wanted: int | None = None) -> None:
        self.calls: list[Call] = []
        self.content: str = ""
        """What the wanted call was given, in words."""
        self._strategy = strategy
        self._wanted = wanted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def on_start(self, broker: Any) -> Any:
        """Note the call, and pass it on."""
        self._note("on_start", None, "")
        return self._strategy.on_start(broker)

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> Any:
        """Note the call with its data and what the account looks like, and pass it on."""
        account = (broker.cash, {asset: position.quantity for asset, position in broker.positions.items()})
        self._note("on_data", timestamp, repr((dict(data), dict(context), account)))
        return self._strategy.on_data(timestamp, data, context, broker)

    def on_end(self, broker: Any) -> Any:
        """Note the call, and pass it on."""
        self._note("on_end", None, "")
        return self._strategy.on_end(broker)

    def _note(self, name: str, timestamp: Any, content: str) -> None:
        if len(self.calls) == self._wanted:
            self.content = content
        self.calls.append(Call(name, timestamp, blake2b(content.encode(), digest_size=12).digest()))
