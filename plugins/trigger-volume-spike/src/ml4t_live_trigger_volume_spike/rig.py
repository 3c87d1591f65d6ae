"""What the trigger is tried with by the conformance kit."""

from __future__ import annotations

from ml4t.live.model import Bar
from ml4t.live.testing import TriggerRig
from ml4t.live.times import NANOS
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig
from ml4t_live_trigger_volume_spike.trigger import VolumeSpike

START = 1_709_650_800 * NANOS
"""2024-03-05 15:00 UTC."""
MINUTE = 60 * NANOS
VOLUMES = (*[100.0] * 10, 500.0, 450.0, *[100.0] * 10, 600.0, 100.0)
"""Two spikes, of which the first goes on for two minutes."""


def rig() -> TriggerRig:
    """Return volumes of three times the usual, and when they are reached."""
    story = [
        Bar("AAA", START + number * MINUTE, 50.0, 50.1, 49.9, 50.0, volume, MINUTE) for number, volume in enumerate(VOLUMES)
    ]
    config = VolumeSpikeConfig(baseline="rolling", multiple=3.0)
    return TriggerRig(trigger=lambda: VolumeSpike(config), story=story, fires_at=(10, 22))
