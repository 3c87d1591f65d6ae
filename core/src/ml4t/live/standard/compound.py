"""The plugin module of the triggers that are made of others."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord
from ml4t.live.triggers.config import AnyConfig, WithinConfig


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    """Return any-of, all-of and then."""
    return [
        TriggerRecord(
            name="any-of",
            formerly=("any",),
            config=AnyConfig,
            factory="ml4t.live.triggers.compound:AnyOf",
            summary="Fires when one of several triggers does.",
        ),
        TriggerRecord(
            name="all-of",
            formerly=("all",),
            config=WithinConfig,
            factory="ml4t.live.triggers.compound:AllOf",
            summary="Fires when several triggers have fired close together.",
        ),
        TriggerRecord(
            name="then",
            config=WithinConfig,
            factory="ml4t.live.triggers.compound:Then",
            summary="Fires when triggers have fired one after the other.",
        ),
    ]
