"""It returns a broker from the hook for feeds."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_feeds():
    return [BrokerRecord(name="wrong-record", config=Config, factory="hostile_wrong_record.plugin:Config", summary="")]
