"""Its hook returns one record instead of a list."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    return TriggerRecord(name="not-iterable", config=Config, factory="hostile_not_iterable.plugin:Config", summary="")
