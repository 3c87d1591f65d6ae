"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord, SimulatorRecord
from ml4t_live_crypto.config import CryptoBrokerConfig, CryptoFeedConfig
from ml4t_live_crypto.simulator.config import BinanceSimulatorConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_brokers() -> list[BrokerRecord]:
    """Return the one broker."""
    return [
        BrokerRecord(
            name="crypto",
            config=CryptoBrokerConfig,
            factory="ml4t_live_crypto.broker:CryptoBroker",
            rig="ml4t_live_crypto.rig:broker_rig",
            summary="Spot, margin and linear swaps at the exchanges of ccxt, in their test environments or for real.",
            capabilities=frozenset({"paper", "live", "spot", "margin", "swaps", "fractional"}),
            needs="an account at an exchange and an API key of it",
        )
    ]


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="crypto",
            config=CryptoFeedConfig,
            factory="ml4t_live_crypto.feed:CryptoFeed",
            rig="ml4t_live_crypto.rig:feed_rig",
            summary="Trades, bars, quotes and funding rates from the exchanges of ccxt, without an account.",
            capabilities=frozenset({"bars", "trades", "quotes", "funding", "backfill", "spot", "swaps"}),
        )
    ]


@hookimpl
def ml4t_live_simulators() -> list[SimulatorRecord]:
    """Return the one simulator."""
    return [
        SimulatorRecord(
            name="crypto",
            config=BinanceSimulatorConfig,
            factory="ml4t_live_crypto.simulator.control:BinanceSimulator",
            summary="Binance's spot market on 127.0.0.1: REST and websockets, without an account.",
            capabilities=frozenset({"paper", "live", "spot", "bars", "trades", "quotes"}),
        )
    ]
