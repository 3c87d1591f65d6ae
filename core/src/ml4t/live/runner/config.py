"""The classic configuration: a dictionary, as an overlay over a pipeline that says where the data come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ml4t.live.config.document import Source, read
from ml4t.live.config.problem import did_you_mean
from ml4t.live.errors import ConfigError
from ml4t.live.runner.triggers import TriggerConfig

HORIZON = "24h"
"""How far ahead the agents look."""

DEFAULT: Mapping[str, Any] = {
    "symbols": ["AAPL", "TSLA", "NVDA", "MSFT", "GOOGL"],
    "triggers": {
        "model_builder": {"trigger_type": "time_based", "interval_seconds": 3600},
        "performance_critic": {"trigger_type": "time_based", "interval_seconds": 1800},
        "execution_agent": {"trigger_type": "price_move", "price_move_threshold": 0.005},
    },
}
"""What runs when nothing is said."""

AGENTS: Mapping[str, Mapping[str, Any]] = {
    "model_builder": {"use": "agents.model-builder", "refit_on": ["model_builder"]},
    "performance_critic": {"use": "agents.performance-critic"},
    "execution_agent": {"use": "agents.execution-agent", "max_value": 10_000},
}
"""The agents that are known by name."""

# Of the intervals only the first means something: there is no loop that looks every so often, events come when they come.
INTERVALS = ("update_interval", "trigger_interval", "tracking_interval", "monitoring_interval")
MARKET = ("cache_size", "update_threshold", "max_retries")
KEYS = ("symbols", *INTERVALS, "market_data_config", "triggers", "agents")


@frozen
class RunnerConfig:
    """A classic configuration that has been understood.

    `overlay` goes over the pipeline; `agents` are those given as objects, by name.
    """

    overlay: dict[str, Any]
    agents: dict[str, Any] = field(factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any] | None, pipeline: Source) -> RunnerConfig:
        """Return the overlay that `config` (None: `DEFAULT`) is over `pipeline`. Raises ConfigError with every problem."""
        return _Reader(DEFAULT if config is None else config, pipeline).read(symbols=config is not None)


class _Reader:
    """Reads one configuration, and collects what is wrong with it."""

    def __init__(self, config: Mapping[str, Any], pipeline: Source) -> None:
        self._config = config
        self._feeds = read(pipeline).data.get("feeds", {})
        self._problems: list[str] = []

    def read(self, *, symbols: bool) -> RunnerConfig:
        self._known("", self._config, KEYS)
        overlay: dict[str, Any] = {"engine": {}, "market": {"candles": ["1m"]}, "triggers": {}, "forecasters": {}}
        agents: dict[str, Any] = {}
        if symbols and "symbols" in self._config:
            self._symbols(overlay)
        self._intervals(overlay)
        self._market(overlay)
        for name, said in self._table("triggers").items():
            self._trigger(name, said, overlay, agents)
        if self._problems:
            raise ConfigError(self._problems, source="the runner's configuration")
        return RunnerConfig(overlay, agents)

    def _symbols(self, overlay: dict[str, Any]) -> None:
        symbols = self._config["symbols"]
        if isinstance(symbols, str) or not symbols or not all(isinstance(symbol, str) for symbol in symbols):
            self._problems.append(f"symbols = {symbols!r}: write a list of symbols, as in ['AAPL', 'MSFT']")
        elif len(self._feeds) == 1:
            overlay["feeds"] = {name: {"symbols": list(symbols)} for name in self._feeds}
        else:
            self._problems.append(
                f"symbols: the pipeline has {len(self._feeds)} feeds, and which of them has which symbols is for it to say; "
                "leave symbols out"
            )

    def _intervals(self, overlay: dict[str, Any]) -> None:
        for key in INTERVALS:
            seconds = self._config.get(key, 1)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
                self._problems.append(f"{key} = {seconds!r}: write seconds, above 0")
            elif key == "update_interval" and key in self._config:
                overlay["engine"]["export_seconds"] = float(seconds)

    def _market(self, overlay: dict[str, Any]) -> None:
        said = self._table("market_data_config")
        self._known("market_data_config.", said, MARKET)
        if "cache_size" in said:
            overlay["market"]["history"] = said["cache_size"]
        if "max_retries" in said:
            overlay["engine"]["reconnect_attempts"] = said["max_retries"]

    def _trigger(self, name: str, said: Any, overlay: dict[str, Any], agents: dict[str, Any]) -> None:
        try:
            overlay["triggers"][name] = TriggerConfig.of(said).table
        except (TypeError, ValueError) as error:
            self._problems.append(f"triggers.{name}: {error}")
            return
        agent = self._table("agents").get(name, AGENTS.get(name))
        if agent is None:
            known = ", ".join(AGENTS)
            self._problems.append(
                f"triggers.{name}: no agent has this name; give one as agents = {{{name!r}: ...}}, an object with "
                f"forecast(request) or the name of a plugin's, or use one of {known}"
            )
        elif isinstance(agent, str | Mapping):
            table = {"use": agent} if isinstance(agent, str) else agent
            overlay["forecasters"][name] = {"on": [name], "horizon": HORIZON, **table}
        else:
            agents[name] = agent

    def _table(self, key: str) -> Mapping[str, Any]:
        said = self._config.get(key, {})
        if isinstance(said, Mapping):
            return said
        self._problems.append(f"{key} = {said!r}: write a dictionary")
        return {}

    def _known(self, path: str, said: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in said:
            if key not in known:
                self._problems.append(f"{path}{key}: there is no such key{did_you_mean(key, known)}")
