"""The class of its settings names a type that is not there."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord


@frozen
class Config:
    """One setting, of which nobody knows what it may be."""

    every: NoSuchType = None  # noqa: F821


@hookimpl
def ml4t_live_triggers():
    return [
        TriggerRecord(name="unreadable-config", config=Config, factory="hostile_unreadable_config.plugin:Config", summary="")
    ]
