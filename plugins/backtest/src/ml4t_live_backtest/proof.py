"""`ml4t-live parity STRATEGY --data FILE`: what is proved, from files, and how it is told."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from attrs import frozen
from ml4t.backtest import Strategy

from ml4t.live.cli.exits import Refused
from ml4t.live.config.class_path import check_options, find_class
from ml4t.live.config.problem import Mistake
from ml4t.live.risk.config import LiveRiskConfig
from ml4t_live_backtest.divergence import Divergence
from ml4t_live_backtest.frames import ASSET, PRICES, TIME, UnusableData, read_frame
from ml4t_live_backtest.host import read_config
from ml4t_live_backtest.parity import Parity, Recording, check_parity

AROUND = 2
"""Bars of an asset shown before and after a difference."""


@frozen
class Proof:
    """What came out, for people (`lines`) and programs (`as_dict`)."""

    parity: Parity
    prices: pl.DataFrame
    warned: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True when both engines did the same."""
        return self.parity.passed

    def lines(self) -> Iterator[str]:
        """Yield the outcome, and the first difference with the bars around it."""
        yield from (f"(warning: {text})" for text in self.warned)
        backtest, live = self.parity.backtest, self.parity.live
        for name in ("calls", "orders", "fills", "trades", "positions", "equity"):
            mine, theirs = len(getattr(backtest, name)), len(getattr(live, name))
            yield f"{name:10} {mine:10,} in the backtest, {theirs:10,} live"
        if backtest.equity:
            yield f"{'worth':10} {backtest.equity[-1][1]:,.2f} in the backtest, {live.equity[-1][1]:,.2f} live"
        if self.parity.refused:
            yield f"The limits of the run refused {self.parity.refused} orders."
        found = self.parity.divergence
        if found is not None:
            yield from self._told(found)
        yield from self.parity.books
        yield "PASS: both engines did the same" if self.passed else "FAIL: they did not do the same"

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        found, backtest = self.parity.divergence, self.parity.backtest
        return {
            "passed": self.passed,
            "callbacks": len(backtest.calls),
            "orders": len(backtest.orders),
            "fills": len(backtest.fills),
            "refused": self.parity.refused,
            "books": list(self.parity.books),
            "divergence": None
            if found is None
            else {
                "what": found.what,
                "index": found.index,
                "timestamp": None if found.timestamp is None else str(found.timestamp),
                "backtest": found.backtest,
                "live": found.live,
            },
        }

    def _told(self, found: Divergence) -> Iterator[str]:
        when = "" if found.timestamp is None else f" at {found.timestamp}"
        yield f"First difference: {found.what} {found.index}{when}"
        yield f"  backtest: {found.backtest}"
        yield f"  live:     {found.live}"
        yield from (f"  {row}" for row in bars_around(self.prices, found.timestamp))


def prove(
    reference: str,
    data: Path,
    *,
    config: Path | None = None,
    preset: str = "default",
    signals: Path | None = None,
    context: Path | None = None,
    options: Mapping[str, Any] | None = None,
    limits: LiveRiskConfig | None = None,
) -> Proof:
    """Run the strategy that `FILE.py:Class` or `module:Class` names in both engines over the bars of a file.

    `data` has one row a bar: timestamp, asset, open, high, low, close, volume, and quotes if there are any. Raises LiveError
    with the remedy for what cannot be run.
    """
    make = strategy_maker(reference, options or {})
    prices = read_frame(data)
    recording = Recording(
        prices,
        None if signals is None else read_frame(signals),
        None if context is None else read_frame(context, assets=False),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            parity = check_parity(make, recording, read_config(config, preset), limits=limits)
        except ValueError as error:
            raise UnusableData(str(error)) from error
    return Proof(parity, prices, tuple(dict.fromkeys(str(each.message) for each in caught if each.category is UserWarning)))


def strategy_maker(reference: str, options: Mapping[str, Any]) -> Callable[[], Any]:
    """Return what makes a new strategy. Raises UnusableStrategy with the remedy."""
    path, colon, name = reference.rpartition(":")
    if not colon:
        raise UnusableStrategy(
            f'{reference} is no strategy; write FILE.py:Class or module:Class, as in "my_strategies.py:Momentum"'
        )
    file = Path(path)
    folder, module = (file.parent, file.stem) if file.suffix == ".py" else (Path(), path)
    try:
        found = find_class(f"{module}:{name}", folder.resolve())
        check_options(found, options, "--option")
    except Mistake as error:
        raise UnusableStrategy(f"{reference}: {error}") from error
    make = partial(found, **options)
    if isinstance(found, type) and not issubclass(found, Strategy):
        raise UnusableStrategy(
            f"{reference} is not derived from ml4t.backtest.Strategy, so there is no backtest to compare it with"
        )
    return make


class UnusableStrategy(Refused):
    """There is no such strategy, or it is none of ml4t-backtest's."""


def bars_around(prices: pl.DataFrame, timestamp: Any) -> Iterator[str]:
    """Yield the bars before, at and after a time, one line each; nothing without a time."""
    if timestamp is None:
        return
    times = prices[TIME].unique().sort()
    at = int(times.search_sorted(timestamp))
    near = times.slice(max(0, at - AROUND), AROUND * 2 + 1).to_list()
    shown = prices.filter(pl.col(TIME).is_in(near)).select(TIME, ASSET, *PRICES, "volume")
    for row in shown.iter_rows():
        mark = ">" if row[0] == timestamp else " "
        yield f"{mark} {row[0]} {row[1]:>8} " + " ".join(f"{value:>12,.4f}" for value in row[2:])
