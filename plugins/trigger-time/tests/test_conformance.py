"""Every sort of schedule, put through the conformance kit."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.testing import TriggerRig, check_trigger
from ml4t.live.testing.suites import TriggerSuite
from ml4t.live.times import NANOS
from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.rig import rig
from ml4t_live_trigger_time.trigger import TimeTrigger

MINUTE = 60 * NANOS


class TestTimeTrigger(TriggerSuite):
    maker = staticmethod(rig)


@pytest.mark.parametrize(
    "options",
    [
        {"every": 7 * MINUTE, "offset": MINUTE},
        {"every": 60 * MINUTE, "only": "hours", "calendar": "XNYS"},
        {"every": 90 * MINUTE, "only": "days", "calendar": "XNYS", "timezone": "America/New_York"},
        {"at": ("01:30", "02:30"), "timezone": "Europe/Berlin"},
        {"at": ("09:30",), "only": "days", "calendar": "XNYS", "timezone": "America/New_York"},
        {"cron": "*/15 9-16 * * 1-5", "timezone": "America/New_York"},
        {"cron": "30 2 * * *", "timezone": "Europe/London"},
        {"session": ("open+5m", "close-10m"), "calendar": "XNYS"},
    ],
    ids=str,
)
def test_every_sort_of_schedule_is_conformant(options):
    config = TimeTriggerConfig(**options)
    asyncio.run(check_trigger(lambda: TriggerRig(trigger=lambda: TimeTrigger(config)))).raise_if_failed()
