"""It offers two triggers of one name."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    record = TriggerRecord(name="twin", config=Config, factory="hostile_duplicate_component.plugin:Config", summary="")
    return [record, record]
