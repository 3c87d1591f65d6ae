"""Its factory imports a vendor's SDK that is not installed."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="heavy-sdk", config=Config, factory="hostile_heavy_sdk.broker:Broker", summary="")]
