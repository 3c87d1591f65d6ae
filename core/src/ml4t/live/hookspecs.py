"""The hooks of a plugin: all synchronous, all called at start-up, all returning records.

A plugin's light module (the target of its entry point in the group `ml4t.live`) implements the ones it needs::

    from ml4t.live.hookspecs import hookimpl
    from ml4t.live.records import RiskCheckRecord

    from acme_sector_cap.config import SectorCapConfig


    @hookimpl
    def ml4t_live_risk_checks():
        return [
            RiskCheckRecord(
                name="sector-cap",
                config=SectorCapConfig,
                factory="acme_sector_cap.check:SectorCap",
                summary="Caps the weight of each sector.",
            )
        ]

The light module imports the standard library, attrs and `ml4t.live` only.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from ml4t.live.records import (
    BrokerRecord,
    CommandRecord,
    DoctorRecord,
    FeedRecord,
    ForecasterRecord,
    HostRecord,
    ObserverRecord,
    RiskCheckRecord,
    SimulatorRecord,
    TriggerRecord,
)

PROJECT = "ml4t_live"
GROUP = "ml4t.live"
"""The entry-point group; one entry per distribution."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class ComponentSpecs:
    """What a plugin offers to a configuration."""

    @hookspec
    def ml4t_live_feeds(self) -> Iterable[FeedRecord]:
        """Return the feeds."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_brokers(self) -> Iterable[BrokerRecord]:
        """Return the brokers."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_risk_checks(self) -> Iterable[RiskCheckRecord]:
        """Return the risk checks."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_triggers(self) -> Iterable[TriggerRecord]:
        """Return the triggers."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_forecasters(self) -> Iterable[ForecasterRecord]:
        """Return the forecasters."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_observers(self) -> Iterable[ObserverRecord]:
        """Return the observers."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_simulators(self) -> Iterable[SimulatorRecord]:
        """Return the simulators of the vendor."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_hosts(self) -> Iterable[HostRecord]:
        """Return what runs strategies that were written for another framework."""
        raise AssertionError("a specification is not called")


class ServiceSpecs:
    """What a plugin adds around them."""

    @hookspec(firstresult=True)
    def ml4t_live_secret(self, scheme: str, reference: str) -> str | None:
        """Return the secret that `{ scheme = "reference" }` stands for, or None when the scheme is not yours."""

    @hookspec
    def ml4t_live_commands(self) -> Iterable[CommandRecord]:
        """Return sub-commands for the command line."""
        raise AssertionError("a specification is not called")

    @hookspec
    def ml4t_live_doctor(self) -> Iterable[DoctorRecord]:
        """Return checks for `ml4t-live doctor`."""
        raise AssertionError("a specification is not called")
