"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord, SimulatorRecord
from ml4t_live_ib.config import IBBrokerConfig, IBFeedConfig
from ml4t_live_ib.simulator.config import SimulatorConfig

NEEDS = "TWS or the IB Gateway, logged in, with its API switched on"
ml4t_live_contract = 3


@hookimpl
def ml4t_live_brokers() -> list[BrokerRecord]:
    """Return the broker."""
    return [
        BrokerRecord(
            name="ib",
            config=IBBrokerConfig,
            factory="ml4t_live_ib.broker:IBBroker",
            rig="ml4t_live_ib.rig:broker_rig",
            summary="Interactive Brokers: stocks, futures, options, currencies and crypto through TWS or the Gateway.",
            capabilities=frozenset(
                {"paper", "live", "stocks", "futures", "options", "forex", "crypto", "fractional", "brackets", "oco", "replace"}
            ),
            needs=NEEDS,
        )
    ]


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the feed."""
    return [
        FeedRecord(
            name="ib",
            config=IBFeedConfig,
            factory="ml4t_live_ib.feed:IBDataFeed",
            rig="ml4t_live_ib.rig:feed_rig",
            summary="Interactive Brokers: 5-second bars, updating bars, trades or quotes, with backfill.",
            capabilities=frozenset({"bars", "trades", "quotes", "backfill", "delayed"}),
            needs=NEEDS,
        )
    ]


@hookimpl
def ml4t_live_simulators() -> list[SimulatorRecord]:
    """Return the simulator."""
    return [
        SimulatorRecord(
            name="ib",
            config=SimulatorConfig,
            factory="ml4t_live_ib.simulator.simulator:TwsSimulator",
            summary="TWS on 127.0.0.1: orders, accounts and market data, without an account.",
            capabilities=frozenset({"paper", "live", "bars", "trades", "quotes", "backfill"}),
        )
    ]
