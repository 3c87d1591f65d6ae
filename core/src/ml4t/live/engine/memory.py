"""What a live run remembers of the market and of its triggers, over restarts: saved now and then, and taken back."""

from __future__ import annotations

from collections.abc import Iterator

from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.journal import Journal
from ml4t.live.market import MarketState
from ml4t.live.times import NANOS

TRIGGERS_EVERY = 60 * NANOS
"""How often what triggers remember is saved, besides with every firing."""

BUCKET = "market"


class Memory:
    """Saves what triggers remember every minute, and the history of every symbol once per `cycle`, one after the other.

    What is recorded is read again instead, and needs none of this.
    """

    def __init__(self, market: MarketState, triggers: TriggerBoard, journal: Journal, agenda: Agenda, cycle: int) -> None:
        self._market = market
        self._triggers = triggers
        self._journal = journal
        self._agenda = agenda
        self._cycle = max(cycle, NANOS)
        self._saved: dict[str, int] = {}
        self._round: Iterator[str] = iter(())

    def restore(self) -> None:
        """Take back the history of every symbol that an earlier process has saved."""
        for symbol, state in self._journal.state(BUCKET).items():
            self._market.remember(symbol, state)

    def begin(self, now: int) -> None:
        """Save from now on, and what there is at once: a crash within a minute is one too."""
        self._triggers.save()
        self._agenda.every(TRIGGERS_EVERY, now + TRIGGERS_EVERY, lambda _: self._triggers.save())
        self._agenda.at(now + NANOS, self._save_some)

    def save_all(self) -> None:
        """Save everything: the run ends."""
        self._triggers.save()
        for symbol in self._market.symbols:
            self._save(symbol)

    def _save_some(self, due: int) -> None:
        """Save the next ones: one at a time, or as many as fall in a second."""
        count = max(1, len(self._market.symbols))
        pause = max(NANOS, self._cycle // count)
        self._agenda.at(due + pause, self._save_some)
        for _ in range(-(-count * pause // self._cycle)):
            symbol = next(self._round, None)
            if symbol is None:
                self._round = iter(list(self._market.symbols))
                return
            self._save(symbol)

    def _save(self, symbol: str) -> None:
        state = self._market.symbols[symbol]
        if state.count != self._saved.get(symbol):
            self._saved[symbol] = state.count
            self._journal.put(BUCKET, symbol, state.state())
