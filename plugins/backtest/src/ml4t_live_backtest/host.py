"""The host: it makes one of our strategies of one that was written for ml4t-backtest."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from attrs import asdict
from ml4t.backtest import BacktestConfig, Strategy

from ml4t_live_backtest.config import HostConfig
from ml4t_live_backtest.extras import LiveExtras
from ml4t_live_backtest.features import load_functions
from ml4t_live_backtest.limits import refuse_what_cannot_run
from ml4t_live_backtest.slices import stamp_of
from ml4t_live_backtest.strategy import HostedStrategy


class BacktestHost:
    """Hosts strategies of ml4t-backtest.

    `backtest` is the configuration of the backtest as an object, in place of the file or preset of `settings`; `options` are
    those of the backtest's `Engine` (`contract_specs`, `market_impact_model`, `execution_limits`, `execution_policy`).
    Raises ValueError for a configuration that cannot run live, and for signals whose functions cannot be imported.
    """

    def __init__(self, settings: HostConfig | None = None, *, backtest: BacktestConfig | None = None, **options: Any) -> None:
        self.settings = settings or HostConfig()
        self.backtest = backtest or self._written()
        self._functions = load_functions(self.settings.signals)
        self._options = options

    def _written(self) -> BacktestConfig:
        settings = self.settings
        if not settings.backtest:
            return read_config(settings.config, settings.preset)
        try:
            return BacktestConfig.from_dict(dict(settings.backtest), strict=True)
        except Exception as error:
            raise ValueError(f"[host.backtest]: {error}") from error

    def host(self, strategy: Strategy) -> HostedStrategy:
        """Return a strategy that the live engine can run. Raises ValueError with the remedy when it cannot run live."""
        if inspect.isclass(strategy) or not isinstance(strategy, Strategy):
            raise ValueError(f"{strategy!r} is no object of a class derived from ml4t.backtest.Strategy")
        refuse_what_cannot_run(strategy, self.backtest, self._options)
        settings = self.settings
        try:
            return self._hosted(strategy, settings)
        except Exception as error:
            raise ValueError(f"{type(strategy).__name__}: {error}") from error

    def _hosted(self, strategy: Strategy, settings: HostConfig) -> HostedStrategy:
        stamp = stamp_of(settings.timestamps)
        return HostedStrategy(
            strategy,
            self.backtest,
            stamp=stamp,
            extras=LiveExtras(self._functions, history=settings.history, stamp=stamp, forecasts=settings.forecasts),
            options=self._options,
            keep=settings.keep,
            table=None if self._options else self._table(),
        )

    def _table(self) -> dict[str, Any]:
        """Return the table [host] that makes a host like this."""
        written = {name: value for name, value in asdict(self.settings).items() if name not in {"config", "preset"}}
        return {"use": "backtest", **written, "backtest": self.backtest.to_dict()}


def read_config(path: Path | None, preset: str = "default") -> BacktestConfig:
    """Return the configuration of a backtest from its YAML file, or one of its profiles.

    Raises ValueError that says what is wrong with which.
    """
    try:
        return BacktestConfig.from_yaml(path) if path is not None else BacktestConfig.from_preset(preset)
    except Exception as error:
        raise ValueError(f"{path or preset}: {error}") from error
