"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord, SimulatorRecord
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.simulator.config import DatabentoSimulatorConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="databento",
            config=DatabentoFeedConfig,
            factory="ml4t_live_databento.feed:DatabentoFeed",
            rig="ml4t_live_databento.rig:trades_rig",
            summary="Bars, trades and quotes from Databento's live gateway, or from a .dbn recording.",
            capabilities=frozenset({"bars", "trades", "quotes", "backfill", "stocks", "futures", "options", "recordings"}),
            needs="an API key of Databento and a licence for the dataset; for a recording, the file",
        )
    ]


@hookimpl
def ml4t_live_simulators() -> list[SimulatorRecord]:
    """Return the one simulator."""
    return [
        SimulatorRecord(
            name="databento",
            config=DatabentoSimulatorConfig,
            factory="ml4t_live_databento.simulator.control:DatabentoSimulator",
            summary="Databento's live gateway on 127.0.0.1: any dataset, without an account.",
            capabilities=frozenset({"bars", "trades", "quotes", "replay"}),
        )
    ]
