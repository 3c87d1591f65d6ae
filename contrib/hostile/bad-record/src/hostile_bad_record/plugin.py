"""Its record has a name that no configuration could write."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="Bad Name!", config=Config, factory="hostile_bad_record.plugin:Config", summary="")]
