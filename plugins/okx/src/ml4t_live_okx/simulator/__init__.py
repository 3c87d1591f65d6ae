"""OKX on 127.0.0.1: its REST and websocket protocols, an account that survives connections, and every failure on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml4t_live_okx.simulator.config import OKXSimulatorConfig

if TYPE_CHECKING:
    from ml4t_live_okx.simulator.control import OKXSimulator

__all__ = ["OKXSimulator", "OKXSimulatorConfig"]


def __getattr__(name: str) -> Any:
    # The configuration is read by whoever lists plugins, which must not load aiohttp.
    if name == "OKXSimulator":
        from ml4t_live_okx.simulator.control import OKXSimulator  # noqa: PLC0415

        return OKXSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
