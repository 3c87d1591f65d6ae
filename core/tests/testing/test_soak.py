"""The soak: right adapters come through whole, and wrong ones are found."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import attrs
import pytest
from toy_broker import ToyBroker
from toy_feed import ToyFeed, ToyFeedWithHistory
from toy_whole import maker
from wrong_brokers import MakesUpExecutionIds, TellsFillsOfThisConnectionOnly
from wrong_feeds import DeliversEverythingTwice, ReconnectsInSilence

from ml4t.live.testing.soak import SoakPlan, soak
from ml4t.live.testing.soak.__main__ import main

SHORT = SoakPlan(orders=120, messages=2_400, quiet_seconds=0.3, speed=5.0, memory=False)
RIGHT = [ToyFeedWithHistory, ToyFeed]
WRONG = [
    (TellsFillsOfThisConnectionOnly, ToyFeedWithHistory, "has traded"),
    (MakesUpExecutionIds, ToyFeedWithHistory, "has traded"),
    (ToyBroker, DeliversEverythingTwice, "were processed twice"),
    (ToyBroker, ReconnectsInSilence, "no gap tells of them"),
]


@pytest.fixture(scope="module")
def reports():
    """What came of all of them; most of the time they wait for what a fault has broken, and wait together."""
    plans = {(ToyBroker, feed): SHORT for feed in RIGHT}
    plans |= {(broker, feed): attrs.evolve(SHORT, settle_seconds=10.0) for broker, feed, _ in WRONG}

    async def all_of_them():
        found = await asyncio.gather(*(soak(maker(*kinds), plan) for kinds, plan in plans.items()))
        return dict(zip(plans, found, strict=True))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("feed", RIGHT)
def test_a_right_adapter_comes_through_whole(feed, reports):
    report = reports[ToyBroker, feed]
    assert not report.problems, str(report)
    assert report.orders >= SHORT.orders
    assert report.messages >= SHORT.messages
    assert report.fills > 40
    assert report.recoveries


@pytest.mark.parametrize(("broker", "feed", "what"), WRONG)
def test_a_wrong_adapter_is_found(broker, feed, what, reports):
    report = reports[broker, feed]
    assert any(what in problem for problem in report.problems), str(report)


def test_the_command_says_what_came_of_it(request):
    rig = request.path.parent / "toy_whole.py"
    command = [sys.executable, "-m", "ml4t.live.testing.soak", f"{rig}:whole_rig"]
    options = ["--orders", "10", "--messages", "200", "--quiet-seconds", "60"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
    assert said.startswith("10 orders")
    assert "memory allocated in the last tenth and still held" in said
    assert "no order lost or doubled, no hole untold" in said


@pytest.mark.parametrize("maker", ["nowhere.py:rig", "toy_whole.py:nothing"])
def test_the_command_refuses_what_makes_no_rig(maker, capsys, monkeypatch, request):
    monkeypatch.chdir(request.path.parent)
    with pytest.raises(SystemExit) as ended:
        main([maker])
    assert ended.value.code == 2
    assert maker.split(":")[0] in capsys.readouterr().err
