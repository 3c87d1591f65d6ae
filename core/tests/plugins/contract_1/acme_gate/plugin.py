"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from acme_gate.config import EveryConfig, GateConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import DoctorRecord, RiskCheckRecord, TriggerRecord


@hookimpl
def ml4t_live_risk_checks() -> list[RiskCheckRecord]:
    return [
        RiskCheckRecord(
            name="acme-gate",
            config=GateConfig,
            factory="acme_gate.parts:Gate",
            summary="Caps the value of an order.",
            needs="nothing",
        )
    ]


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    return [
        TriggerRecord(
            name="acme-gate",
            config=EveryConfig,
            factory="acme_gate.parts:Every",
            summary="Fires at every so many events.",
            capabilities=frozenset({"events"}),
        )
    ]


@hookimpl
def ml4t_live_doctor() -> list[DoctorRecord]:
    return [DoctorRecord(name="gate", factory="acme_gate.parts:look", summary="Is the gate there?")]


@hookimpl
def ml4t_live_secret(scheme: str, reference: str) -> str | None:
    return reference[::-1] if scheme == "acme-gate" else None
