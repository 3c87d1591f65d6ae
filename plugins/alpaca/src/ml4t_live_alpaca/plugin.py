"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord, SimulatorRecord
from ml4t_live_alpaca.config import AlpacaBrokerConfig, AlpacaFeedConfig
from ml4t_live_alpaca.simulator.config import AlpacaSimulatorConfig

NEEDS = "an account at Alpaca (a paper account is free) and its API key"
ml4t_live_contract = 3


@hookimpl
def ml4t_live_brokers() -> list[BrokerRecord]:
    """Return the one broker."""
    return [
        BrokerRecord(
            name="alpaca",
            config=AlpacaBrokerConfig,
            factory="ml4t_live_alpaca.broker:AlpacaBroker",
            rig="ml4t_live_alpaca.rig:broker_rig",
            summary="Stocks and crypto on a paper or live account at Alpaca.",
            capabilities=frozenset({"paper", "live", "stocks", "crypto", "fractional", "brackets", "oco", "replace"}),
            needs=NEEDS,
        )
    ]


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="alpaca",
            config=AlpacaFeedConfig,
            factory="ml4t_live_alpaca.feed:AlpacaFeed",
            rig="ml4t_live_alpaca.rig:trades_rig",
            summary="Bars, trades and quotes of stocks (IEX or SIP) and crypto from Alpaca.",
            capabilities=frozenset({"bars", "trades", "quotes", "backfill", "stocks", "crypto"}),
            needs=NEEDS,
        )
    ]


@hookimpl
def ml4t_live_simulators() -> list[SimulatorRecord]:
    """Return the one simulator."""
    return [
        SimulatorRecord(
            name="alpaca",
            config=AlpacaSimulatorConfig,
            factory="ml4t_live_alpaca.simulator.control:AlpacaSimulator",
            summary="Alpaca on 127.0.0.1: orders, order updates and market data, without an account.",
            capabilities=frozenset({"paper", "live", "stocks", "crypto", "bars", "trades"}),
        )
    ]
