"""What a trigger and its rig have to offer before a scenario is about them."""

from __future__ import annotations

from ml4t.live.contracts.trigger import CompoundTrigger, EventTrigger, ManualTrigger, StatefulTrigger, TimeTrigger
from ml4t.live.testing.conformance.trigger.rig import TriggerRig


def story(rig: TriggerRig) -> str:
    """Tell whether it looks at events or at firings, and the rig has some."""
    if not isinstance(rig.trigger(), EventTrigger | CompoundTrigger):
        return "it looks at no events"
    return "" if rig.story else "the rig tells no story"


def expected(rig: TriggerRig) -> str:
    """Tell whether it is known when it has to fire."""
    return story(rig) or ("" if rig.fires_at is not None else "the rig does not say when it has to fire")


def events(rig: TriggerRig) -> str:
    """Tell whether it looks at market events."""
    return story(rig) if isinstance(rig.trigger(), EventTrigger) else "it looks at no market events"


def expected_events(rig: TriggerRig) -> str:
    """Tell whether it looks at market events, and it is known when it has to fire."""
    return events(rig) or expected(rig)


def memory(rig: TriggerRig) -> str:
    """Tell whether it says what it remembers."""
    return story(rig) or ("" if isinstance(rig.trigger(), StatefulTrigger) else "it has no `state`")


def moments(rig: TriggerRig) -> str:
    """Tell whether it goes off at moments."""
    return "" if isinstance(rig.trigger(), TimeTrigger) else "it has no `next_time`"


def commands(rig: TriggerRig) -> str:
    """Tell whether it takes commands."""
    return "" if isinstance(rig.trigger(), ManualTrigger) else "it has no `on_command`"
