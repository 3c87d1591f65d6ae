"""The compounds, put through the conformance kit."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.model import Firing
from ml4t.live.testing import TriggerRig, check_trigger
from ml4t.live.times import NANOS
from ml4t.live.triggers.compound import AllOf, AnyOf, Then
from ml4t.live.triggers.config import AnyConfig, WithinConfig

OF = ("a", "b")
HEARD = [
    Firing(f"{name} fired", "XYZ", trigger=name, time=second * NANOS, firing_id=f"{name}:XYZ:{second}")
    for second, name in [(1, "b"), (2, "a"), (3, "a"), (4, "b"), (20, "a"), (31, "b"), (32, "a"), (33, "b")]
]
WITHIN = WithinConfig(of=OF, within=10 * NANOS)


@pytest.mark.parametrize(
    ("make", "fires_at"),
    [
        (lambda: AnyOf(AnyConfig(of=OF)), range(8)),
        (lambda: AllOf(WITHIN), (1, 3, 6)),
        (lambda: Then(WITHIN), (3, 7)),
    ],
    ids=["any", "all", "then"],
)
def test_a_compound_is_conformant(make, fires_at):
    asyncio.run(check_trigger(lambda: TriggerRig(trigger=make, story=HEARD, fires_at=fires_at))).raise_if_failed()
