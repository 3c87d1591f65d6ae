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
from ml4t.live.testing.soak.memory import Memory

SHORT = SoakPlan(orders=120, messages=2_400, quiet_seconds=0.3, speed=5.0, memory=False)
RIGHT = [(ToyBroker, ToyFeedWithHistory), (ToyBroker, ToyFeed), (None, ToyFeedWithHistory), (None, ToyFeed)]
WRONG = [
    (TellsFillsOfThisConnectionOnly, ToyFeedWithHistory, "has traded"),
    (MakesUpExecutionIds, ToyFeedWithHistory, "has traded"),
    (ToyBroker, DeliversEverythingTwice, "were processed twice"),
    (ToyBroker, ReconnectsInSilence, "no gap tells of them"),
    (None, DeliversEverythingTwice, "were processed twice"),
    (None, ReconnectsInSilence, "no gap tells of them"),
]


@pytest.fixture(scope="module")
def reports():
    """What came of all of them; most of the time they wait for what a fault has broken, and wait together."""
    plans = dict.fromkeys(RIGHT, SHORT)
    plans |= {(broker, feed): attrs.evolve(SHORT, settle_seconds=10.0) for broker, feed, _ in WRONG}

    async def all_of_them():
        found = await asyncio.gather(*(soak(maker(*kinds), plan) for kinds, plan in plans.items()))
        return dict(zip(plans, found, strict=True))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize(("broker", "feed"), RIGHT)
def test_a_right_adapter_comes_through_whole(broker, feed, reports):
    report = reports[broker, feed]
    assert not report.problems, str(report)
    assert report.messages >= SHORT.messages
    assert report.recoveries
    assert all(each.data_after is not None for each in report.recoveries[:-1])  # the last one may outlast the plan
    if broker is None:
        assert (report.orders, report.fills) == (0, 0)
        assert not any("orders" in each.fault or "venue" in each.fault for each in report.recoveries)
    else:
        assert report.orders >= SHORT.orders
        assert report.fills > 40


@pytest.mark.parametrize(("broker", "feed", "what"), WRONG)
def test_a_wrong_adapter_is_found(broker, feed, what, reports):
    report = reports[broker, feed]
    assert any(what in problem for problem in report.problems), str(report)


@pytest.mark.parametrize(("maker", "said"), [("whole_rig", "10 orders"), ("data_rig", "0 orders, 0 executions")])
def test_the_command_says_what_came_of_it(request, maker, said):
    rig = request.path.parent / "toy_whole.py"
    command = [sys.executable, "-m", "ml4t.live.testing.soak", f"{rig}:{maker}"]
    options = ["--orders", "10", "--messages", "200", "--quiet-seconds", "60"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(said)
    assert "memory held of what was allocated since half-time" in done.stdout
    assert "no order lost or doubled, no hole untold" in done.stdout


@pytest.mark.parametrize("leaks", [True, False])
def test_memory_that_grows_to_the_end_is_found(leaks):
    code = {}
    exec(compile("def work(): return [bytes(1_000) for _ in range(5_000)]", "/lib/ml4t_live_acme/feed.py", "exec"), code)
    memory, held = Memory(wanted=True), []
    for done in (0.4, 0.6, 0.8, 1.0):
        memory.at(done)
        if not leaks:
            held.clear()
        held.append(code["work"]())
    memory.stop()
    assert memory.held[0] > 5e6
    assert bool(memory.problem) is leaks


@pytest.mark.parametrize("maker", ["nowhere.py:rig", "toy_whole.py:nothing"])
def test_the_command_refuses_what_makes_no_rig(maker, capsys, monkeypatch, request):
    monkeypatch.chdir(request.path.parent)
    with pytest.raises(SystemExit) as ended:
        main([maker])
    assert ended.value.code == 2
    assert maker.split(":")[0] in capsys.readouterr().err
