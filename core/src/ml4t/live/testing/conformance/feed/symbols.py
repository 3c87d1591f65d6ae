"""Which symbols are heard."""

from __future__ import annotations

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.feed.ear import alone, supervised
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import CONNECT_SECONDS
from ml4t.live.testing.rig import FeedRig


@scenario()
async def a_bad_symbol_does_not_silence_the_others(rig: FeedRig) -> None:
    """A symbol that the source does not know leaves the others heard."""
    async with alone(rig, *rig.symbols, rig.unknown_symbol) as ear:
        for _ in range(3):  # one that is refused for good has heard a little before it ends
            await ear.until_heard(ear.emit(1, *rig.symbols))


@scenario()
async def only_what_was_asked_for_is_delivered(rig: FeedRig) -> None:
    """A feed of one symbol delivers that one and no other."""
    async with alone(rig, rig.symbols[0]) as ear:
        ear.emit(3, *rig.symbols[1:])
        await ear.until_heard(ear.emit(3))
        if strange := {event.symbol for event in ear.events} - {rig.symbols[0]}:
            raise NotConformant(f"asked for was {rig.symbols[0]}, and {sorted(strange)} came too")


@scenario()
async def every_symbol_is_subscribed_again_after_a_loss(rig: FeedRig) -> None:
    """After the line was lost twice every symbol is subscribed again, and heard."""
    with ChaosProxy(rig.source.address) as proxy:
        async with supervised(rig, address=proxy.address) as heard:
            for count in (1, 2):
                proxy.refuse(True)
                proxy.reset()
                await heard.until_lost(rig.patience * 2 + CONNECT_SECONDS, count=count)
                await heard.until(lambda: not rig.source.subscriptions, "the source has to have noticed the loss")
                proxy.refuse(False)
                await heard.until_subscribed()
                await heard.until_back()
