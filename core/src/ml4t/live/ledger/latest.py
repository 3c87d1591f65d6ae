"""What models have said last: the open forecasts that an ensemble is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ml4t.live.model import Forecast

MOST = 200
"""Pairs of model and horizon that are kept of a symbol; beyond, the one that spoke longest ago is left out."""

Key = tuple[str, int]


class Latest:
    """The newest open forecast of each model and horizon, by symbol, and the newest one from before its moment.

    The latter is what those see who are asked at the same moment. `splits` says when shares were split, by symbol: what was
    said before is in other units, and is shown no more.
    """

    def __init__(self, splits: Mapping[str, Mapping[int, float]]) -> None:
        self._splits = splits
        self._by_symbol: dict[str, dict[Key, tuple[Forecast, ...]]] = {}

    def put(self, forecast: Forecast) -> None:
        """Take in a forecast that was issued after those before."""
        known = self._by_symbol.setdefault(forecast.symbol, {})
        key = (forecast.model, forecast.horizon)
        older = [each for each in known.pop(key, ()) if each.issued_at < forecast.issued_at]
        known[key] = (*older[-1:], forecast)
        if len(known) > MOST:
            del known[next(iter(known))]

    def drop(self, forecast: Forecast) -> None:
        """Leave out a forecast that is open no more."""
        known, key = self._by_symbol.get(forecast.symbol, {}), (forecast.model, forecast.horizon)
        kept = tuple(each for each in known.get(key, ()) if each.forecast_id != forecast.forecast_id)
        if kept:
            known[key] = kept
        else:
            known.pop(key, None)

    def symbols(self) -> list[str]:
        """Return the symbols that somebody has spoken of."""
        return list(self._by_symbol)

    def of(self, symbol: str, before: int) -> tuple[Forecast, ...]:
        """Return the newest of each model and horizon, in that order, that was issued before a moment (nanoseconds UTC)."""
        known = list(self._by_symbol.get(symbol, {}).items())  # at once: forecasters may look from a thread
        known.sort(key=lambda item: item[0])
        newest = (next((each for each in reversed(pair) if each.issued_at < before), None) for _, pair in known)
        since = max((at for at in list(self._splits.get(symbol, ())) if at <= before), default=0)
        return tuple(each for each in newest if each is not None and each.reference_time >= since)


class Issued(Mapping[str, tuple[Forecast, ...]]):
    """The open forecasts that were issued before a moment, by symbol: looked up when they are asked for.

    Those that speak of a moment up to `past` are left out: they wait for a price to be judged by, and say nothing of now.
    """

    def __init__(self, latest: Latest, before: int, past: int = 0) -> None:
        self._latest = latest
        self._before = before
        self._past = past

    def __getitem__(self, symbol: str) -> tuple[Forecast, ...]:
        found = self._of(symbol)
        if not found:
            raise KeyError(symbol)
        return found

    def __iter__(self) -> Iterator[str]:
        return (symbol for symbol in self._latest.symbols() if self._of(symbol))

    def _of(self, symbol: str) -> tuple[Forecast, ...]:
        return tuple(each for each in self._latest.of(symbol, self._before) if each.due > self._past)

    def __len__(self) -> int:
        return sum(1 for _ in self)
