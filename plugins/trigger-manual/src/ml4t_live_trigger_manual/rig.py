"""What the trigger is tried with by the conformance kit."""

from __future__ import annotations

from ml4t.live.testing import TriggerRig
from ml4t_live_trigger_manual.config import ManualConfig
from ml4t_live_trigger_manual.trigger import Manual


def rig() -> TriggerRig:
    """Return a trigger that is fired for a symbol."""
    return TriggerRig(trigger=lambda: Manual(ManualConfig(needs_symbol=True)))
