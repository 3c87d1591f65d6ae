"""Its factory names something that is not there."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="bad-factory", config=Config, factory="hostile_bad_factory.plugin:Absent", summary="")]
