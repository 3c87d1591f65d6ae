"""What a backtest strategy is handed: all assets of one timestamp, in the shape of the backtest's own feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from math import nan
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from ml4t.backtest.datafeed import _AssetsData

from ml4t.live.engine.news import News, values_of
from ml4t.live.model import Bar
from ml4t.live.times import to_datetime
from ml4t_live_backtest.config import NAIVE

Values: TypeAlias = Mapping[str, Mapping[str, Any]]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_QUOTED = ("vwap", "bid", "ask", "mid", "bid_size", "ask_size")


class Assets(_AssetsData):
    """The assets of one timestamp, with the caches that the engine of the backtest reads.

    With one asset its values and signals go by their own names too, as in `data["close"]` and `data["sma_20"]`; a signal
    that is not known yet is then NaN, which is neither above nor below anything.
    """

    __slots__ = ()

    def __missing__(self, key: str) -> Any:
        if len(self) != 1:
            raise KeyError(key)
        (bar,) = self.values()
        if key in bar:
            return bar[key]
        value = bar["signals"][key]
        return nan if value is None else value


class Column(Mapping[str, float]):
    """One value of all bars of a timestamp, by asset: the engine of the backtest asks for a few of them at most."""

    __slots__ = ("_bars", "_value")

    def __init__(self, bars: Mapping[str, Bar], value: Callable[[Bar], float]) -> None:
        self._bars = bars
        self._value = value

    def __getitem__(self, asset: str) -> float:
        return self._value(self._bars[asset])

    def __iter__(self) -> Iterator[str]:
        return iter(self._bars)

    def __len__(self) -> int:
        return len(self._bars)


_open, _high, _low, _volume = map(attrgetter, ("open", "high", "low", "volume"))


def slice_of(group: Mapping[str, News], extras: Values | None = None) -> Assets:
    """Return the assets of a timestamp, in the order of `group`, the news of one moment.

    `extras` adds to each asset what bars do not have: quotes, a volume-weighted price, its `signals`, and a `price` that is
    not the close. News that are no bar have one price for open, high, low and close.
    """
    made: Assets = Assets()
    prices, signals = made._prices, made._signals
    for asset, bar in group.items():  # plain stores into plain names: this is done for every bar of every asset
        if bar.__class__ is not Bar:
            return slice_of(_bars_of(group), extras)
        own: dict[str, Any] = {}
        signals[asset] = own
        prices[asset] = close = bar.close
        made[asset] = {
            "price": close,
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": close,
            "volume": bar.volume,
            "signals": own,
        }
    bars: Any = group
    made._opens, made._highs, made._lows = Column(bars, _open), Column(bars, _high), Column(bars, _low)
    made._volumes = Column(bars, _volume)
    if extras is None:
        made._closes = prices
        return made
    made._closes = prices.copy()
    for asset in made:
        _add(made, asset, extras.get(asset, _NOTHING))
    return made


def _bars_of(group: Mapping[str, News]) -> dict[str, Bar]:
    found = {asset: news if isinstance(news, Bar) else _as_bar(asset, news) for asset, news in group.items()}
    return {asset: bar for asset, bar in found.items() if bar is not None}


def _add(made: Assets, asset: str, extra: Mapping[str, Any]) -> None:
    bar = made[asset]
    bar["signals"].update(extra.get("signals", ()))
    if "price" in extra:
        bar["price"] = made._prices[asset] = extra["price"]
    for key in _QUOTED:
        value = extra.get(key)
        if value is not None:
            bar[key] = value
            getattr(made, f"_{key}s")[asset] = value


def _as_bar(asset: str, news: News) -> Bar | None:
    """Return news that are no bar as one of a single price, None when they have none."""
    values = values_of(news)
    price = values.get("price")
    if price is None:
        return None
    open_, high, low, close = (values.get(name, price) for name in ("open", "high", "low", "close"))
    return Bar(asset, 0, open_, high, low, close, values.get("volume", values.get("size", 0.0)))


def stamp_of(setting: str) -> Callable[[int], datetime]:
    """Return what turns a time (nanoseconds UTC) into what the strategy gets: see `HostConfig.timestamps`."""
    zone = ZoneInfo(setting.removeprefix(NAIVE).strip() or "UTC")
    if setting.startswith(NAIVE):
        return lambda moment: to_datetime(moment).astimezone(zone).replace(tzinfo=None)
    return lambda moment: to_datetime(moment).astimezone(zone)
