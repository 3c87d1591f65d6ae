"""Databento's live gateway on 127.0.0.1: its protocol, a market that survives connections, and every failure on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml4t_live_databento.simulator.config import DatabentoSimulatorConfig

if TYPE_CHECKING:
    from ml4t_live_databento.simulator.control import DatabentoSimulator

__all__ = ["DatabentoSimulator", "DatabentoSimulatorConfig"]


def __getattr__(name: str) -> Any:
    # The configuration is read by whoever lists plugins, which must not load the SDK.
    if name == "DatabentoSimulator":
        from ml4t_live_databento.simulator.control import DatabentoSimulator  # noqa: PLC0415

        return DatabentoSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
