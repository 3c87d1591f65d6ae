"""Binance's spot market on 127.0.0.1: its REST and websocket protocols, an account, and every failure on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml4t_live_crypto.simulator.config import BinanceSimulatorConfig

if TYPE_CHECKING:
    from ml4t_live_crypto.simulator.control import BinanceSimulator

__all__ = ["BinanceSimulator", "BinanceSimulatorConfig"]


def __getattr__(name: str) -> Any:
    # The configuration is read by whoever lists plugins, which must not load aiohttp.
    if name == "BinanceSimulator":
        from ml4t_live_crypto.simulator.control import BinanceSimulator  # noqa: PLC0415

        return BinanceSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
