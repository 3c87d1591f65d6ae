"""What a backtest strategy is handed: all assets of one timestamp, in the shape of the backtest's own feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from ml4t.backtest.datafeed import _AssetsData

from ml4t_live_backtest.config import NAIVE

Values: TypeAlias = Mapping[str, Mapping[str, Any]]

_QUOTED = ("vwap", "bid", "ask", "mid", "bid_size", "ask_size")


class Assets(_AssetsData):
    """The assets of one timestamp, with the caches that the engine of the backtest reads.

    With one asset its values and signals go by their own names too, as in `data["close"]` and `data["sma_20"]`.
    """

    __slots__ = ()

    def __missing__(self, key: str) -> Any:
        if len(self) != 1:
            raise KeyError(key)
        (bar,) = self.values()
        return bar[key] if key in bar else bar["signals"][key]


def slice_of(values: Values, extras: Values | None = None) -> Assets:
    """Return the assets of a timestamp, in the order of `values`.

    `values` is what an ml4t-live strategy gets. `extras` adds to each asset what bars do not have: quotes, a volume-weighted
    price, and its `signals`. An event that is no bar has one price for open, high, low and close.
    """
    made = Assets()
    for asset, given in values.items():
        _add(made, asset, given, {} if extras is None else extras.get(asset, {}))
    return made


def _add(made: Assets, asset: str, given: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    price = extra.get("price", given["price"])
    close = given.get("close", price)
    bar = {
        "price": price,
        "open": given.get("open", close),
        "high": given.get("high", close),
        "low": given.get("low", close),
        "close": close,
        "volume": given.get("volume", given.get("size", 0.0)),
        "signals": dict(extra.get("signals", ())),
    }
    made[asset] = bar
    made._prices[asset] = price
    made._opens[asset] = bar["open"]
    made._highs[asset] = bar["high"]
    made._lows[asset] = bar["low"]
    made._closes[asset] = close
    made._volumes[asset] = bar["volume"]
    made._signals[asset] = bar["signals"]
    for key in _QUOTED:
        value = extra.get(key, given.get(key))
        if value is not None:
            bar[key] = value
            getattr(made, f"_{key}s")[asset] = value


def stamp_of(setting: str) -> Callable[[datetime], datetime]:
    """Return what turns an aware UTC time into what the strategy gets: see `HostConfig.timestamps`."""
    zone = ZoneInfo(setting.removeprefix(NAIVE).strip() or "UTC")
    if setting.startswith(NAIVE):
        return lambda moment: moment.astimezone(zone).replace(tzinfo=None)
    return lambda moment: moment.astimezone(zone)
