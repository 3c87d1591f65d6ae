"""The plugin module of the shadow venue."""

from __future__ import annotations

from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord


@hookimpl
def ml4t_live_brokers() -> list[BrokerRecord]:
    """Return the shadow venue."""
    return [
        BrokerRecord(
            name="shadow",
            config=ShadowSettings,
            factory="ml4t.live.standard.shadow:settings",
            summary="Fills orders against live data inside the process; nothing reaches a venue.",
            capabilities=frozenset({"market", "limit", "stop", "stop_limit", "trailing_stop", "market_on_close", "shorts"}),
        )
    ]


def settings(config: ShadowSettings) -> ShadowSettings:
    """Return the settings: the venue itself needs the engine's market, and is built there."""
    return config
