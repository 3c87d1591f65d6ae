"""What a backtest strategy is handed: all assets of one timestamp, in the shape of the backtest's own feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from math import nan
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from ml4t.backtest.datafeed import _AssetsData

from ml4t.live.engine.news import News, values_of
from ml4t.live.model import Bar
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


def slice_of(group: Mapping[str, News], extras: Values | None = None) -> Assets:
    """Return the assets of a timestamp, in the order of `group`, the news of one moment.

    `extras` adds to each asset what bars do not have: quotes, a volume-weighted price, its `signals`, and a `price` that is
    not the close. News that are no bar have one price for open, high, low and close.
    """
    made: Assets = Assets()
    prices, opens, highs, lows = made._prices, made._opens, made._highs, made._lows
    volumes, signals = made._volumes, made._signals
    for asset, news in group.items():  # plain stores into plain names: this is done for every bar of every asset
        bar: Any = news if news.__class__ is Bar else _as_bar(asset, news)
        if bar is None:
            continue
        own: dict[str, Any] = {}
        open_, high, low, close, volume = bar.open, bar.high, bar.low, bar.close, bar.volume
        made[asset] = {
            "price": close,
            "open": open_,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "signals": own,
        }
        prices[asset], opens[asset], highs[asset], lows[asset] = close, open_, high, low
        volumes[asset], signals[asset] = volume, own
    made._closes = prices.copy()
    if extras is not None:
        for asset in made:
            _add(made, asset, extras.get(asset, _NOTHING))
    return made


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


def stamp_of(setting: str) -> Callable[[datetime], datetime]:
    """Return what turns an aware UTC time into what the strategy gets: see `HostConfig.timestamps`."""
    zone = ZoneInfo(setting.removeprefix(NAIVE).strip() or "UTC")
    if setting.startswith(NAIVE):
        return lambda moment: moment.astimezone(zone).replace(tzinfo=None)
    return lambda moment: moment.astimezone(zone)
