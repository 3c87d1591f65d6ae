"""The settings of the host: `[host]`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import Attribute, field, frozen
from attrs.validators import ge

NAIVE = "naive"


def _zone(_: object, __: Attribute[str], value: str) -> None:
    name = value.removeprefix(NAIVE).strip() or "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f'{value!r} is no time zone; write "UTC", "America/New_York", "naive" or "naive America/New_York"'
        ) from error


def _reference(_: object, __: Attribute[Mapping[str, str]], value: Mapping[str, str]) -> None:
    for name, reference in value.items():
        module, colon, function = reference.partition(":")
        if not (module and colon and function):
            raise ValueError(f'{name} = {reference!r} is no import path; write "module:function", as in "my_features:sma_20"')


@frozen(kw_only=True)
class HostConfig:
    """How a strategy of ml4t-backtest is run."""

    config: Path | None = None
    """The configuration of the backtest, a YAML file, relative to this configuration. None: `preset`."""
    backtest: Mapping[str, Any] = field(factory=dict)
    """The configuration of the backtest itself in place of a file, in tables as in its YAML."""
    preset: str = "default"
    """The profile of ml4t-backtest that is used without a file: default, backtrader, vectorbt, zipline, lean and others."""
    timestamps: str = field(default="UTC", validator=_zone)
    """What the strategy gets as `timestamp`: aware times of a zone ("UTC"), or naive ones as backtest data often have
    ("naive", or "naive America/New_York")."""
    signals: Mapping[str, str] = field(factory=dict, validator=_reference)
    """Functions over the last bars of an asset that fill `data[asset]["signals"]`, each as "module:function" by its name."""
    keep: int = field(default=10_000, validator=ge(1_000))
    """How many of the latest orders, fills, trades and points of equity the strategy's broker shows; the journal has all."""
    history: int = field(default=500, validator=ge(2))
    """How many bars of each asset those functions get."""

    def __attrs_post_init__(self) -> None:
        if self.config is not None and self.backtest:
            raise ValueError("config names a file, and [host.backtest] is there too; write one of them")
