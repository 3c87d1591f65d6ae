"""Alpaca on 127.0.0.1: its REST and websocket protocols, an account that survives connections, and every failure on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml4t_live_alpaca.simulator.config import AlpacaSimulatorConfig

if TYPE_CHECKING:
    from ml4t_live_alpaca.simulator.control import AlpacaSimulator

__all__ = ["AlpacaSimulator", "AlpacaSimulatorConfig"]


def __getattr__(name: str) -> Any:
    # The configuration is read by whoever lists plugins, which must load neither msgpack nor websockets.
    if name == "AlpacaSimulator":
        from ml4t_live_alpaca.simulator.control import AlpacaSimulator  # noqa: PLC0415

        return AlpacaSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
