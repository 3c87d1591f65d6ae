"""The light module of a toy vendor's plugin: a feed, a broker, a simulator, and parts that must not be run simulated."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.config import Secret
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord, SimulatorRecord


@frozen(kw_only=True)
class FeedConfig:
    """Where the toy vendor's market data are."""

    symbols: tuple[str, ...]
    host: str = "toy.example"
    """The vendor's machine."""
    data_port: int = 443
    key: Secret
    """The key to the vendor."""
    trades: int = 120
    """The data end after so many trades."""


@frozen(kw_only=True)
class BrokerConfig:
    """Where the toy vendor takes orders."""

    host: str = "toy.example"
    port: int = 443
    key: Secret
    straight_to: int = 0
    """A port on this machine to connect to whatever the other options say: what a wrong adapter would do."""


@frozen(kw_only=True)
class SimulatorConfig:
    """A toy vendor."""

    port: int = 0
    """Where orders are taken; 0 takes a free port."""
    kind: str = "paper"
    """The kind of account."""


@frozen(kw_only=True)
class Empty:
    """Nothing that a simulator's options could change."""

    symbols: tuple[str, ...] = ()


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    return [
        FeedRecord(name="toy", config=FeedConfig, factory="toy_simulator:feed", summary="Trades."),
        FeedRecord(name="deaf", config=Empty, factory="toy_simulator:feed", summary="Takes no options."),
    ]


@hookimpl
def ml4t_live_brokers() -> list[BrokerRecord]:
    return [BrokerRecord(name="toy", config=BrokerConfig, factory="toy_simulator:broker", summary="Takes orders.")]


@hookimpl
def ml4t_live_simulators() -> list[SimulatorRecord]:
    return [SimulatorRecord(name="toy", config=SimulatorConfig, factory="toy_simulator:ToySimulator", summary="A toy vendor.")]
