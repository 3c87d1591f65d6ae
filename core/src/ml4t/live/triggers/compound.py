"""Triggers made of others: any of them, all of them close together, one after the other.

Each symbol is for itself; a firing without a symbol, as of a time trigger, concerns every symbol. Time is that of the firings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Firing
from ml4t.live.times import format_duration
from ml4t.live.triggers.config import AnyConfig, WithinConfig


class AnyOf:
    """Fires whenever one of its triggers does; its own cooldown makes several at once one."""

    def __init__(self, config: AnyConfig) -> None:
        self.of: Sequence[str] = config.of

    def on_firing(self, firing: Firing, market: MarketView) -> Sequence[Firing]:
        """Return the firing as its own."""
        return [Firing(f"{firing.trigger}: {firing.reason}", firing.symbol, firing.values)]


class AllOf:
    """Fires when the last of its triggers has fired within `within` of the first; every firing counts once."""

    def __init__(self, config: WithinConfig) -> None:
        self.of: Sequence[str] = config.of
        self._within = config.within
        self._times: dict[str, dict[str, int]] = {}
        """By symbol, when each trigger fired last."""
        self._spent: dict[str, int] = {}
        """By symbol, up to when firings have been counted."""

    def on_firing(self, firing: Firing, market: MarketView) -> Sequence[Firing]:
        """Return a firing for every symbol for which this one was the last that was missing."""
        self._forget(firing.time)  # first: a symbol of which nothing counts any more is not one that this firing concerns
        self._times.setdefault(firing.symbol, {})[firing.trigger] = firing.time
        everywhere = self._times.get("", {})
        symbols = [firing.symbol] if firing.symbol else ([symbol for symbol in self._times if symbol] or [""])
        completed = []
        for symbol in symbols:
            times = _latest(everywhere, self._times.get(symbol, {}))
            spent = self._spent.get(symbol, -1)
            fresh = {name: time for name, time in times.items() if time > spent and firing.time - time <= self._within}
            if all(name in fresh for name in self.of):
                self._spent[symbol] = firing.time
                completed.append(_joined(self.of, symbol, firing.time - min(fresh[name] for name in self.of)))
        return completed

    def _forget(self, now: int) -> None:
        """Drop what is too old to count."""
        oldest = now - self._within
        kept = {symbol: {n: t for n, t in times.items() if t >= oldest} for symbol, times in self._times.items()}
        self._times = {symbol: times for symbol, times in kept.items() if times}
        self._spent = {symbol: time for symbol, time in self._spent.items() if time >= oldest}

    def state(self, symbol: str) -> Mapping[str, Any]:
        """Return all it remembers."""
        return {"times": {symbol: dict(times) for symbol, times in self._times.items()}, "spent": dict(self._spent)}

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._times = {symbol: dict(times) for symbol, times in state["times"].items()}
        self._spent = dict(state["spent"])


class Then:
    """Fires when its triggers have fired in order, the last within `within` of the first.

    Of several beginnings the latest counts. Others may fire in between; after firing it begins anew.
    """

    def __init__(self, config: WithinConfig) -> None:
        self.of: Sequence[str] = config.of
        self._within = config.within
        self._began: dict[str, list[int | None]] = {}
        """By symbol, for every position, when the latest chain that has come so far began."""

    def on_firing(self, firing: Firing, market: MarketView) -> Sequence[Firing]:
        """Return a firing for every symbol whose chain this one completes."""
        if firing.symbol and firing.symbol not in self._began:
            self._began[firing.symbol] = list(self._began.get("", self._nothing()))
        elif not firing.symbol:
            self._began.setdefault("", self._nothing())
        symbols = [firing.symbol] if firing.symbol else list(self._began)
        done = {symbol: took for symbol in symbols if (took := self._advance(symbol, firing)) is not None}
        if len(done) > 1:
            done.pop("", None)
        self._forget(firing.time)
        return [_joined(self.of, symbol, took, " then ") for symbol, took in done.items()]

    def _nothing(self) -> list[int | None]:
        return [None] * len(self.of)

    def _advance(self, symbol: str, firing: Firing) -> int | None:
        """Take a firing into the chains of a symbol; return how long one took that it completes."""
        began = self._began[symbol]
        for position in range(len(began) - 1, -1, -1):
            if self.of[position] != firing.trigger:
                continue
            start = firing.time if position == 0 else began[position - 1]
            if start is not None and firing.time - start <= self._within:
                began[position] = start
        if began[-1] is None:
            return None
        took = firing.time - began[-1]
        self._began[symbol] = self._nothing()
        return took

    def _forget(self, now: int) -> None:
        """Drop chains that can no longer end in time."""
        oldest = now - self._within
        kept = {s: [t if t is not None and t >= oldest else None for t in began] for s, began in self._began.items()}
        nothing = self._nothing()
        if kept.get("", nothing) == nothing:  # else a symbol without a chain has used up the one of all symbols
            kept = {symbol: began for symbol, began in kept.items() if began != nothing}
        self._began = kept

    def state(self, symbol: str) -> Mapping[str, Any]:
        """Return all it remembers."""
        return {"began": {symbol: list(began) for symbol, began in self._began.items()}}

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._began = {symbol: list(began) for symbol, began in state["began"].items()}


def _latest(everywhere: Mapping[str, int], here: Mapping[str, int]) -> dict[str, int]:
    """Return the later of both, by trigger."""
    return {name: max(everywhere.get(name, -1), here.get(name, -1)) for name in (*everywhere, *here)}


def _joined(names: Sequence[str], symbol: str, took: int, word: str = " and ") -> Firing:
    reason = f"{word.join(names)}, within {format_duration(took)}" if took else f"{word.join(names)}, at once"
    return Firing(reason, symbol, {"seconds": took / 1e9})
