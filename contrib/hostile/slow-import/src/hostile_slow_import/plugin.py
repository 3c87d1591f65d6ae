"""Its module takes longer to import than it may."""

import time

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord

_START = time.perf_counter()
while time.perf_counter() < _START + 1.05:
    pass


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="slow-import", config=Config, factory="hostile_slow_import.plugin:Config", summary="Late.")]
