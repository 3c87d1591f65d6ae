"""`trigger`: on a process that runs, and refused where none does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ml4t.live.cli.state import running_process
from ml4t.live.errors import JournalError
from ml4t.live.journal import JournalReader, StateDir

PATIENCE = 60.0

LIVE = """
import asyncio, sys
from ml4t.live import Firing, LiveEngine, Trade, TriggerSpec
from ml4t.live.clock import SystemClock

class Ticks:
    historical = False
    symbols = ("AAA",)

    async def run(self, sink):
        clock = SystemClock()
        while True:
            sink.push(Trade("AAA", clock.now(), 100.0, 1.0))
            await clock.sleep(0.02)

class Hand:
    def on_command(self, symbol, reason, by):
        if by == "eve":
            raise ValueError("eve may not fire this trigger")
        return Firing(f"{by}: {reason}", symbol)

triggers = [TriggerSpec("rebalance", Hand(), symbols=frozenset({"AAA"}))]
asyncio.run(LiveEngine(None, None, Ticks(), triggers=triggers, state_dir=sys.argv[1]).run())
"""


@pytest.fixture
def state(tmp_path):
    state = StateDir(tmp_path / "state", "shadow")
    command = [sys.executable, "-c", LIVE, str(state.root)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while not (state.journal.is_file() and records(state, "run")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    try:
        yield state
    finally:
        process.kill()
        process.wait()


def records(state, kind):
    try:
        with JournalReader(state.journal) as reader:
            return [record.body for record in reader.records() if record.kind == kind]
    except JournalError:  # the file is being made
        return []


def test_a_running_process_fires_what_is_asked_and_says_why_not(world, state):
    at = ["--state-dir", state.root, "--wait", str(PATIENCE)]
    done = world.invoke("trigger", "rebalance", "--reason", "the index has changed", "--by", "ann", "--symbol", "AAA", *at)
    assert (done.code, done.stdout.strip()) == (0, "rebalance has fired for AAA.")
    told = world.invoke("trigger", "rebalance", "--reason", "again", "--by", "bob", "--json", *at).json
    assert (told["outcome"], told["by"], told["via"]) == ("fired", "bob", "cli")
    refused = world.invoke("trigger", "rebalance", "--reason", "mine", "--by", "eve", *at)
    assert (refused.code, "eve may not fire this trigger" in refused.stderr) == (2, True)
    unknown = world.invoke("trigger", "rebalanse", "--reason", "typo", *at)
    assert (unknown.code, "rebalance" in unknown.stderr) == (2, True)
    assert [body["reason"] for body in records(state, "firing")] == ["ann: the index has changed", "bob: again"]


def test_where_nobody_runs_it_is_refused(world, state):
    os.kill(running_process(state), signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while running_process(state) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    done = world.invoke("trigger", "rebalance", "--reason", "x", "--state-dir", state.root)
    assert (done.code, "no process runs on" in done.stderr) == (2, True)
