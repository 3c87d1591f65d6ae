"""Which symbols an instrument is. Ids are those of one session or one day, and several symbols can be one instrument."""

from __future__ import annotations


class Instruments:
    """The symbols that are wanted, by the id of the instrument that each stands for."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.ids: dict[int, tuple[str, ...]] = {}
        self._wanted = frozenset(symbols)
        self._instruments: dict[str, int] = {}

    def assign(self, symbol: str, instrument: int) -> bool:
        """Let a symbol stand for an instrument; return whether it stood for another one. One that nobody wants is left out."""
        if symbol not in self._wanted:
            return False
        before = self._instruments.get(symbol)
        if before == instrument:
            return False
        if before is not None:
            self.ids[before] = tuple(each for each in self.ids[before] if each != symbol)
        self.ids[instrument] = (*self.ids.get(instrument, ()), symbol)
        self._instruments[symbol] = instrument
        return before is not None

    def forget(self) -> None:
        """Let no symbol stand for anything."""
        self.ids.clear()
        self._instruments.clear()
