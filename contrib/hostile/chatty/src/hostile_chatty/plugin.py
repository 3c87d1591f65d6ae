"""It prints on stdout whenever it can."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord

print("{ welcome to chatty")


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    print("} chatty is listed")
    return [TriggerRecord(name="chatty", config=Config, factory="hostile_chatty.plugin:Config", summary="Talks.")]
