"""It does not say which core it needs."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="no-bound", config=Config, factory="hostile_no_bound.plugin:Config", summary="")]
