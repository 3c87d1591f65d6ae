"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import CommandRecord, HostRecord
from ml4t_live_backtest.config import HostConfig


@hookimpl
def ml4t_live_hosts() -> list[HostRecord]:
    """Return the host of ml4t-backtest strategies."""
    return [
        HostRecord(
            name="backtest",
            config=HostConfig,
            factory="ml4t_live_backtest.host:BacktestHost",
            summary="Runs ml4t-backtest strategies unchanged, in the engine they were written for.",
            capabilities=frozenset({"local"}),
        )
    ]


@hookimpl
def ml4t_live_commands() -> list[CommandRecord]:
    """Return the report on execution quality; parity is a command of core."""
    summary = "Compare the executions of a session with those of the backtest's model."
    return [CommandRecord(name="quality", factory="ml4t_live_backtest.command:app", summary=summary)]
