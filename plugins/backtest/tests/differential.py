"""One strategy over one table in both engines: nothing may differ, an exception included."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from ml4t.backtest import BacktestConfig
from ml4t.backtest.config import ShortCashPolicy

from ml4t_live_backtest.divergence import first_divergence
from ml4t_live_backtest.limits import DOES_NOT_ADD_UP
from ml4t_live_backtest.parity import Recording, our_books, run_backtest, run_live


def attempt(run: Callable[[], Any]) -> Any:
    """Return what a run returns; the type and text of what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the backtest warns of what it finds odd, and goes on
        try:
            return run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other engine has to raise it too
            return f"{type(error).__name__}: {error}"


def differences(
    make: Callable[[], Any], recording: Recording, config: BacktestConfig, options: Mapping[str, Any] | None = None
) -> list[str]:
    """Return in words what is not the same in both engines."""
    backtest = attempt(lambda: run_backtest(make, recording, config, options))
    live = attempt(lambda: run_live(make, recording, config, options=options))
    if isinstance(backtest, str) or isinstance(live, str):
        ends = [each if isinstance(each, str) else "comes to its end" for each in (backtest, live)]
        return [] if ends[0] == ends[1] else [f"the backtest: {ends[0]}", f"live: {ends[1]}"]
    divergence = first_divergence(backtest, live.run)
    return [str(divergence)] if divergence is not None else [each for each in our_books(live) if not _excused(each, config)]


def _excused(difference: str, config: BacktestConfig) -> bool:
    """Return whether it is the backtest that contradicts itself, as it does with one policy of cash."""
    return config.short_cash_policy is ShortCashPolicy.LOCK_NOTIONAL and difference.endswith(DOES_NOT_ADD_UP)
