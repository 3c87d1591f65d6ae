"""A simulator of TWS and IB Gateway: the vendor's socket protocol on 127.0.0.1, with books, a market and failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml4t_live_ib.simulator.config import SimulatorConfig

if TYPE_CHECKING:
    from ml4t_live_ib.simulator.simulator import TwsSimulator

__all__ = ["SimulatorConfig", "TwsSimulator"]


def __getattr__(name: str) -> Any:
    # Listing the plugins needs the config only, and should not pay for the rest.
    if name == "TwsSimulator":
        from ml4t_live_ib.simulator.simulator import TwsSimulator  # noqa: PLC0415

        return TwsSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
