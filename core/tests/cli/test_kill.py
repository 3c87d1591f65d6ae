"""kill, resume and flatten: on a process that runs, on one that hangs, and on a state directory that nobody runs on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ml4t.live.engine.control import BY_HAND, ControlFolder
from ml4t.live.errors import JournalError
from ml4t.live.journal import JournalReader, RecordKind, StateDir, verify

PATIENCE = 120.0

LIVE = """
import asyncio, sys
from pathlib import Path
from ml4t.live import LiveEngine, LiveRiskConfig, Trade
from ml4t.live.clock import SystemClock

class Ticks:
    historical = False
    symbols = ("AAA",)

    async def run(self, sink):
        clock = SystemClock()
        while True:
            sink.push(Trade("AAA", clock.now(), 100.0, 1.0))
            await clock.sleep(0.02)

class Buys:
    calls = 0

    def on_data(self, timestamp, data, context, broker):
        self.calls += 1
        if self.calls == 1 and sys.argv[2] == "rest":
            broker.submit_order("AAA", 5, order_type="limit", limit_price=96.0)
        if sys.argv[2] == "hang":
            (Path(sys.argv[1]) / "hangs").touch()
            while True:
                pass
        if self.calls % 5 == 0:
            broker.submit_order("AAA", 1)

risk = LiveRiskConfig(dedup_window_seconds=None, max_orders_per_minute=10_000)
asyncio.run(LiveEngine(Buys(), None, Ticks(), risk=risk, state_dir=sys.argv[1]).run())
"""


class Live:
    """A run in a process of its own, on live data."""

    def __init__(self, folder: Path, how: str) -> None:
        self.state = StateDir(folder / "state", "shadow")
        command = [sys.executable, "-c", LIVE, str(self.state.root), how]
        self.popen = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.communicate()

    @property
    def at(self):
        return ["--state-dir", self.state.root]

    @property
    def patiently(self):
        return [*self.at, "--wait", str(PATIENCE)]

    def counts(self):
        try:
            with JournalReader(self.state.journal) as reader:
                return reader.counts()
        except JournalError:  # it is not there yet, or just being made
            return {}

    def until(self, condition, what):
        """Wait until `condition()`, with a deadline, while the process lives; return what it returned."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert self.popen.poll() is None, f"the run ended: {self.popen.communicate()[1][-2000:]}"
            assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE} s"
            time.sleep(0.01)
        return found

    def until_recorded(self, kind, count=1):
        self.until(lambda: self.counts().get(kind, 0) >= count, f"{count} records of kind {kind}")


@pytest.fixture
def live(tmp_path):
    with Live(tmp_path, "rest") as process:
        process.until_recorded("fill", 2)
        yield process


@pytest.fixture
def stopped(world, finished, tmp_path):
    """The state directory of a run on recorded data that has ended with a short position and a resting order."""
    assert finished.code == 0
    shutil.copytree(world.state, tmp_path / "state")
    return StateDir(tmp_path / "state", "shadow")


def switch_records(state):
    with JournalReader(state.journal) as reader:
        return [record.body for record in reader.records(RecordKind.KILL_SWITCH)]


def test_a_running_process_is_killed_flattened_and_resumed_from_outside(world, live):
    done = world.spawn("kill", *live.patiently, "--flatten", "--reason", "it buys nonsense", "--by", "ann", "--json")
    assert (done.code, done.stderr) == (0, "")
    assert done.json["pid"] == live.popen.pid
    assert (done.json["obeyed"], done.json["changed"], done.json["kill_switch_on"]) == (True, True, True)

    live.until(lambda: not world.invoke("status", *live.at, "--json").json["positions"], "the account is empty")
    status = world.invoke("status", *live.at, "--json").json
    assert status["running"] is True
    assert status["open_orders"] == []
    assert status["kill_switch"].items() >= {"on": True, "by": "ann", "reason": "it buys nonsense", "via": "cli"}.items()
    assert status["kill_switch"]["since"].startswith("20")
    text = world.invoke("status", *live.at).stdout
    assert "Kill switch: ON, nothing is sent. Thrown by ann (cli) at 20" in text
    live.until_recorded("verdict", 2)  # the strategy goes on, and is refused

    again = world.spawn("kill", *live.patiently, "--reason", "twice")
    assert again.code == 0
    assert "The kill switch is ON: nothing is sent, as it was." in again.stdout
    assert f"Process {live.popen.pid} obeyed" in again.stdout

    fills = live.counts()["fill"]
    done = world.spawn("resume", *live.patiently, "--by", "bob", "--reason", "mended")
    assert (done.code, done.stderr) == (0, "")
    live.until_recorded("fill", fills + 2)
    text = world.invoke("status", *live.at).stdout
    assert "Kill switch: off, re-armed by bob (cli) at 20" in text
    assert [(b["action"], b["by"]) for b in switch_records(live.state)][::2] == [("kill", "ann"), ("resume", "bob")]
    assert list((live.state.path / "control").iterdir()) == []


def test_flatten_alone_leaves_the_strategy_at_work(world, live):
    done = world.spawn("flatten", *live.patiently, "--reason", "over the week-end", "--json")
    assert done.code == 0
    assert (done.json["flatten"], done.json["kill_switch_on"]) == (True, False)

    def sold():
        with JournalReader(live.state.journal) as reader:
            return [order for order in reader.orders() if order.strategy == "flatten" and order.state == "filled"]

    live.until(sold, "positions are sold")
    live.until_recorded("fill", live.counts()["fill"] + 1)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="the platform has no SIGUSR1")
def test_sigusr1_and_a_file_made_by_hand_kill_a_running_process(world, live):
    live.popen.send_signal(signal.SIGUSR1)
    live.until_recorded("kill_switch")
    assert switch_records(live.state)[-1]["via"] == "signal"
    assert world.spawn("resume", *live.patiently, "--by", "bob", "--reason", "a test").code == 0
    (live.state.path / "control" / BY_HAND).touch()
    live.until_recorded("kill_switch", 3)
    assert switch_records(live.state)[-1].items() >= {"via": "file", "on": True, "changed": True}.items()
    live.until(lambda: not (live.state.path / "control" / BY_HAND).exists(), "the file is removed")
    live.popen.send_signal(signal.SIGTERM)
    assert live.popen.wait(PATIENCE) == 0
    assert verify(live.state.journal) == []


def test_a_process_that_hangs_is_reported_and_the_command_waits_for_the_next_start(world, tmp_path):
    with Live(tmp_path, "hang") as live:
        live.until((live.state.root / "hangs").exists, "the strategy hangs")
        done = world.spawn("kill", *live.at, "--reason", "it hangs", "--wait", "1", "--json")
        assert done.code == 1
        assert done.json["obeyed"] is False
        assert f"process {live.popen.pid} has not obeyed within 1 s" in done.stderr
        (waiting,) = ControlFolder(live.state).waiting()
        assert waiting.file in done.stderr
    # It is gone, and whoever comes next sees to the command first.
    done = world.spawn("flatten", *live.at, "--reason", "and out", "--json")
    assert (done.code, done.json["pid"], done.json["kill_switch_on"]) == (0, None, True)
    assert [body["action"] for body in switch_records(live.state)] == ["kill", "flatten"]
    assert verify(live.state.journal) == []


def test_on_a_stopped_run_the_journal_is_written_and_the_next_start_is_killed(world, stopped):
    at = ["--state-dir", stopped.root]
    done = world.invoke("kill", *at, "--reason", "not before I have looked", "--flatten")
    assert (done.code, done.stderr) == (0, "")
    assert "No process is on; it is in the journal, and the next start obeys it. The next start empties" in done.stdout
    status = world.invoke("status", *at, "--json").json
    assert status["kill_switch"]["on"] is True
    assert status["kill_switch"]["since"].startswith("2024-03-01"), "in the time of the recorded data"
    assert status["flattening"]["reason"] == "not before I have looked"
    assert "Emptying the account for" in world.invoke("status", *at).stdout
    assert list((stopped.path / "control").iterdir()) == []

    assert world.invoke("run", world.config, *at).code == 0
    left = world.invoke("status", *at, "--json").json["open_orders"]
    assert [order["strategy"] for order in left] == ["flatten"], (
        "withdrawn, and the data have no event left that fills this one"
    )

    done = world.invoke("resume", *at, "--by", "ann", "--reason", "looked at it", "--json")
    assert (done.code, done.json["kill_switch_on"], done.json["pid"]) == (0, False, None)
    status = world.invoke("status", *at, "--json").json
    assert (status["kill_switch"]["on"], status["kill_switch"]["by"], status["flattening"]) == (False, "ann", None)
    assert verify(stopped.journal) == []


def test_who_it_was_is_the_user_unless_named(world, stopped, monkeypatch):
    at = ["--state-dir", stopped.root]
    monkeypatch.setenv("LOGNAME", "theuser")
    assert world.invoke("kill", *at, "--reason", "x").code == 0
    assert switch_records(stopped)[-1].items() >= {"by": "theuser", "reason": "x", "via": "cli", "changed": True}.items()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["kill"], "--reason"),
        (["kill", "--reason", " "], "--reason is empty"),
        (["resume", "--reason", "x"], "--by"),
        (["resume", "--reason", "x", "--by", " "], "--by is empty"),
        (["flatten"], "--reason"),
        (["flatten", "--reason", "x", "--mode", "live"], "has no run in mode live"),
    ],
)
def test_commands_without_a_reason_a_name_or_a_run_are_refused_and_leave_nothing(world, stopped, arguments, said):
    done = world.invoke(*arguments, "--state-dir", stopped.root)
    assert done.code == 2
    assert said in done.stderr
    assert ControlFolder(stopped).waiting() == []
    assert switch_records(stopped) == []


def test_status_shows_every_standing_limit_with_its_use_as_a_bar(world, live):
    lines = {line["limit"]: line for line in json.loads(world.spawn("status", *live.at, "--json").stdout)["limits"]}
    assert lines.keys() >= {
        "max_daily_loss",
        "max_drawdown_pct",
        "max_total_exposure",
        "max_positions",
        "max_open_orders",
        "max_orders_per_minute",
    }
    assert lines["max_orders_per_minute"]["value"] >= 3, "orders of the last minute"
    assert lines["max_orders_per_minute"]["used"] == lines["max_orders_per_minute"]["value"] / 10_000
    assert lines["max_positions"]["used"] == 1 / 20
    assert lines["max_total_exposure"]["value"] >= 200.0
    text = world.invoke("status", *live.at).stdout
    (line,) = [line for line in text.splitlines() if "max_positions" in line]
    assert "5%" in line
    assert "░░░░░░░░" in line
