"""The trigger, put through the conformance kit."""

from __future__ import annotations

import asyncio

from ml4t.live.model import Trade
from ml4t.live.testing import TriggerRig, check_trigger
from ml4t.live.testing.suites import TriggerSuite
from ml4t.live.times import NANOS
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig
from ml4t_live_trigger_volume_spike.rig import MINUTE, START, rig
from ml4t_live_trigger_volume_spike.trigger import VolumeSpike

DAY = 1_440 * MINUTE


class TestVolumeSpike(TriggerSuite):
    maker = staticmethod(rig)


def usual_days() -> TriggerRig:
    """Ten minutes of five days; on the last, the fourth minute trades sixteen times what is usual, before it is over."""
    story = [
        Trade("AAA", START + day * DAY + minute * MINUTE + half * 20 * NANOS, 50.0, 800.0 if (day, minute) == (4, 3) else 50.0)
        for day in range(5)
        for minute in range(10)
        for half in range(2)
    ]
    config = VolumeSpikeConfig(multiple=3.0)
    return TriggerRig(trigger=lambda: VolumeSpike(config), story=story, fires_at=(86,))


def test_against_the_time_of_day_it_is_conformant_too():
    asyncio.run(check_trigger(usual_days)).raise_if_failed()
