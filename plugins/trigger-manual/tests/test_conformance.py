"""The trigger, put through the conformance kit."""

from __future__ import annotations

import asyncio

from ml4t.live.testing import TriggerRig, check_trigger
from ml4t.live.testing.suites import TriggerSuite
from ml4t_live_trigger_manual.config import ManualConfig
from ml4t_live_trigger_manual.rig import rig
from ml4t_live_trigger_manual.trigger import Manual


class TestManual(TriggerSuite):
    maker = staticmethod(rig)


def test_for_some_people_only_it_is_conformant_too():
    asyncio.run(
        check_trigger(lambda: TriggerRig(trigger=lambda: Manual(ManualConfig(people=("ada", "bob")))))
    ).raise_if_failed()
