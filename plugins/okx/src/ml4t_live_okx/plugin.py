"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord, SimulatorRecord
from ml4t_live_okx.config import OKXBrokerConfig, OKXFeedConfig
from ml4t_live_okx.simulator.config import OKXSimulatorConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_brokers() -> list[BrokerRecord]:
    """Return the one broker."""
    return [
        BrokerRecord(
            name="okx",
            config=OKXBrokerConfig,
            factory="ml4t_live_okx.broker:OKXBroker",
            rig="ml4t_live_okx.rig:swap_rig",
            summary="Spot, margin, swaps and futures at OKX, in demo trading or for real.",
            capabilities=frozenset(
                {"paper", "live", "spot", "margin", "swaps", "futures", "fractional", "brackets", "oco", "replace"}
            ),
            needs="an account at OKX (demo trading is free) and an API key of it",
        )
    ]


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="okx",
            config=OKXFeedConfig,
            factory="ml4t_live_okx.feed:OKXFeed",
            rig="ml4t_live_okx.rig:trades_rig",
            summary="Trades, bars, quotes and funding rates from OKX, without an account.",
            capabilities=frozenset({"bars", "trades", "quotes", "funding", "backfill", "spot", "swaps", "futures"}),
        )
    ]


@hookimpl
def ml4t_live_simulators() -> list[SimulatorRecord]:
    """Return the one simulator."""
    return [
        SimulatorRecord(
            name="okx",
            config=OKXSimulatorConfig,
            factory="ml4t_live_okx.simulator.control:OKXSimulator",
            summary="OKX on 127.0.0.1: REST and the three websockets, without an account.",
            capabilities=frozenset(
                {"paper", "live", "spot", "margin", "swaps", "futures", "bars", "trades", "quotes", "funding"}
            ),
        )
    ]
